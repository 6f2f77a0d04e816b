/*
 * xhci_slot.c: what the controller is told of a device (xHCI 1.2, 4.3 and 6.2): a slot, and in it a
 * context of the device and one of each endpoint.
 */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "device/usb/xhci.h"
#include "library/string.h"
#include "memory/heap.h"

/* Places in the input context (6.2.5): what to add, then the device's, then its endpoints'. */
enum {
    INPUT_CONTROL = 0,
    INPUT_SLOT = 1,
    INPUT_ENDPOINTS = 1, /* and its index */
};
#define CONTROL_INDEX 1 /* of pipe 0 */

static uint32_t *input_context(struct usb_device *device, unsigned place)
{
    return (uint32_t *)((uint8_t *)device->input.address +
                        place * device->controller->context_size);
}

static unsigned last_pipe(const struct usb_device *device)
{
    unsigned last = CONTROL_INDEX;

    for (unsigned i = 0; i < USB_PIPES; i++)
        if (device->pipes[i])
            last = i;
    return last;
}

/* 6.2.2. */
static void fill_slot(struct usb_device *device)
{
    uint32_t *context = input_context(device, INPUT_SLOT);

    memset(context, 0, device->controller->context_size);
    context[0] = device->route | (uint32_t)device->speed_identifier << 20 |
                 (device->hub_ports ? 1U << 26 : 0) | last_pipe(device) << 27;
    context[1] = (uint32_t)device->root_port << 16 | (uint32_t)device->hub_ports << 24;
    context[2] = device->translator_slot | (uint32_t)device->translator_port << 8 |
                 (uint32_t)device->think_time << 16;
}

static uint32_t endpoint_kind(const struct usb_endpoint *endpoint)
{
    static const uint8_t kinds[] = {
        [USB_CONTROL] = 4, [USB_ISOCHRONOUS] = 1, [USB_BULK] = 2, [USB_INTERRUPT] = 3};
    bool in = endpoint->address & USB_IN && endpoint->type != USB_CONTROL;

    return kinds[endpoint->type] + (in ? 4 : 0);
}

/* 6.2.3. Three errors in a row end a transfer. */
static void fill_endpoint(const struct usb_pipe *pipe)
{
    const struct usb_endpoint *endpoint = &pipe->endpoint;
    const uint32_t errors = 3, control_average = 8;
    bool periodic = endpoint->type == USB_INTERRUPT || endpoint->type == USB_ISOCHRONOUS;
    uint32_t *context = input_context(pipe->device, INPUT_ENDPOINTS + pipe->index);
    uint64_t dequeue = pipe->ring.bus + pipe->next * sizeof(struct xhci_block);

    memset(context, 0, pipe->device->controller->context_size);
    if (periodic)
        context[0] = (uint32_t)usb_interval_exponent(endpoint, pipe->device->speed) << 16;
    context[1] = errors << 1 | endpoint_kind(endpoint) << 3 | (uint32_t)endpoint->burst << 8 |
                 (uint32_t)endpoint->packet_size << 16;
    context[2] = (uint32_t)dequeue | pipe->cycle;
    context[3] = (uint32_t)(dequeue >> 32);
    context[4] = endpoint->type == USB_CONTROL ? control_average : endpoint->packet_size;
    if (periodic)
        context[4] |= (uint32_t)endpoint->per_interval << 16;
}

/* Gives the input context to the controller. Which contexts go and come, by their indices. */
static int tell(struct usb_device *device, enum xhci_block_type type, uint32_t dropped,
                uint32_t added)
{
    uint32_t *control = input_context(device, INPUT_CONTROL);

    memset(control, 0, device->controller->context_size);
    control[0] = dropped;
    control[1] = added;
    fill_slot(device);
    return xhci_command(
        device->controller,
        (struct xhci_block){.parameter = device->input.bus,
                            .control = XHCI_BLOCK_TYPE(type) | (uint32_t)device->slot << 24},
        NULL);
}

/* ---- pipes ---- */

static struct usb_pipe *pipe_make(struct usb_device *device, const struct usb_endpoint *endpoint,
                                  unsigned index)
{
    struct usb_pipe *pipe = heap_allocate_zeroed(sizeof(*pipe));

    if (!pipe)
        return NULL;
    pipe->device = device;
    pipe->endpoint = *endpoint;
    pipe->index = (uint8_t)index;
    pipe->cycle = true;
    if (xhci_ring_allocate(device->controller, &pipe->ring)) {
        heap_free(pipe);
        return NULL;
    }
    return pipe;
}

static void pipe_set(struct usb_device *device, unsigned index, struct usb_pipe *pipe)
{
    bool enabled = spinlock_acquire_save(&device->controller->lock);

    device->pipes[index] = pipe;
    spinlock_release_restore(&device->controller->lock, enabled);
}

/* Nobody uses it any more. */
static void pipe_drop(struct usb_device *device, unsigned index)
{
    struct usb_pipe *pipe = device->pipes[index];

    if (!pipe)
        return;
    pipe_set(device, index, NULL);
    dma_free(&pipe->ring);
    heap_free(pipe);
}

/* 4.5.1: a number's two directions side by side. */
static unsigned pipe_index(const struct usb_endpoint *endpoint)
{
    return 2U * (endpoint->address & 0xf) + (endpoint->address & USB_IN ? 1 : 0);
}

int usb_pipe_open(struct usb_device *device, const struct usb_endpoint *endpoint,
                  struct usb_pipe **pipe)
{
    unsigned index = pipe_index(endpoint);

    if (device->pipes[index]) /* two interfaces with one endpoint */
        return -EINVAL;
    *pipe = pipe_make(device, endpoint, index);
    if (!*pipe)
        return -ENOMEM;
    pipe_set(device, index, *pipe);
    mutex_acquire(&device->input_lock);
    fill_endpoint(*pipe);
    int error = tell(device, XHCI_CONFIGURE_ENDPOINT, 0, 1U | 1U << index);
    mutex_release(&device->input_lock);
    if (error)
        pipe_drop(device, index);
    return error;
}

int xhci_slot_renew_pipe(struct usb_pipe *pipe)
{
    uint32_t bit = 1U << pipe->index;
    struct usb_device *device = pipe->device;

    mutex_acquire(&device->input_lock);
    fill_endpoint(pipe);
    int error = tell(device, XHCI_CONFIGURE_ENDPOINT, bit, 1U | bit);
    mutex_release(&device->input_lock);
    return error;
}

/* ---- slots ---- */

static uint16_t first_packet_size(enum usb_speed speed)
{
    return speed >= USB_SUPER_SPEED ? 512 : speed == USB_HIGH_SPEED ? 64 : 8;
}

static int allocate(struct usb_device *device)
{
    struct usb_endpoint control = {.type = USB_CONTROL,
                                   .packet_size = first_packet_size(device->speed)};
    paddr_t below = device->controller->below;

    if (dma_allocate(&device->context, PAGE_SIZE, below) ||
        dma_allocate(&device->input, PAGE_SIZE, below) ||
        dma_allocate(&device->buffer, USB_CONTROL_MAXIMUM, below))
        return -ENOMEM;
    struct usb_pipe *pipe = pipe_make(device, &control, CONTROL_INDEX);
    if (!pipe)
        return -ENOMEM;
    pipe_set(device, CONTROL_INDEX, pipe);
    return 0;
}

static void slot_set(struct xhci *controller, uint8_t slot, struct usb_device *device)
{
    volatile uint64_t *contexts = controller->contexts.address;
    bool enabled = spinlock_acquire_save(&controller->lock);

    contexts[slot] = device ? device->context.bus : 0;
    controller->slots[slot] = device;
    spinlock_release_restore(&controller->lock, enabled);
}

static int enable(struct usb_device *device)
{
    struct xhci *controller = device->controller;
    uint8_t slot;
    int error = xhci_command(
        controller, (struct xhci_block){.control = XHCI_BLOCK_TYPE(XHCI_ENABLE_SLOT)}, &slot);

    if (error)
        return error;
    if (slot == 0 || slot > controller->slot_count || controller->slots[slot])
        return -EIO;
    device->slot = slot;
    slot_set(controller, slot, device);
    return 0;
}

int xhci_slot_enter(struct usb_device *device)
{
    int error = allocate(device);

    if (!error)
        error = enable(device);
    if (!error) {
        fill_endpoint(device->pipes[CONTROL_INDEX]);
        error = tell(device, XHCI_ADDRESS_DEVICE, 0, 1U | 1U << CONTROL_INDEX);
    }
    if (error)
        xhci_slot_leave(device);
    return error;
}

int xhci_slot_set_packet_size(struct usb_device *device, uint16_t packet_size)
{
    struct usb_pipe *pipe = device->pipes[CONTROL_INDEX];

    if (pipe->endpoint.packet_size == packet_size)
        return 0;
    pipe->endpoint.packet_size = packet_size;
    fill_endpoint(pipe);
    return tell(device, XHCI_EVALUATE_CONTEXT, 0, 1U << CONTROL_INDEX);
}

int xhci_slot_set_hub(struct usb_device *device)
{
    return tell(device, XHCI_CONFIGURE_ENDPOINT, 0, 1U);
}

void xhci_slot_leave(struct usb_device *device)
{
    struct xhci *controller = device->controller;

    if (device->slot) {
        (void)xhci_command(controller,
                           (struct xhci_block){.control = XHCI_BLOCK_TYPE(XHCI_DISABLE_SLOT) |
                                                          (uint32_t)device->slot << 24},
                           NULL);
        slot_set(controller, device->slot, NULL);
        device->slot = 0;
    }
    for (unsigned i = 0; i < USB_PIPES; i++)
        pipe_drop(device, i);
    dma_free(&device->context);
    dma_free(&device->input);
    dma_free(&device->buffer);
}
