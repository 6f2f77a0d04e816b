/*
 * transfer.c: bytes to and from endpoints (xHCI 1.2, 4.11). A pipe has one transfer under way: who
 * takes it from pipe->current, under the controller's lock, ends it; everybody else comes too late.
 */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "device/tamper.h"
#include "device/usb/xhci.h"
#include "library/bytes.h"
#include "library/string.h"

#define CONTROL_PATIENCE (5 * NANOSECONDS_PER_SECOND)
#define CONTROL_INDEX    1
#define CODE_SHIFT       24

/* ---- beginning; the controller's lock is held ---- */

/* Packets that come behind this request's (4.11.2.4), as far as there is room to tell. */
static uint32_t packets_left(uint32_t total, uint32_t done, uint16_t packet_size)
{
    const uint32_t most = 31;
    uint32_t left = (total + packet_size - 1) / packet_size - done / packet_size;

    return left < most ? left : most;
}

static uint32_t bytes_of(const struct usb_transfer *transfer)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < transfer->segment_count; i++)
        total += transfer->segments[i].size;
    return total;
}

static struct xhci_block data_block(const struct usb_pipe *pipe,
                                    const struct usb_transfer *transfer, uint32_t segment,
                                    uint32_t total, uint32_t *done)
{
    bool last = segment + 1 >= transfer->segment_count;
    struct xhci_block block = {
        .control = XHCI_BLOCK_TYPE(XHCI_NORMAL) | XHCI_BLOCK_SHORT |
                   (last ? XHCI_BLOCK_INTERRUPT : XHCI_BLOCK_CHAIN),
    };

    if (segment < transfer->segment_count) {
        const struct disk_segment *memory = &transfer->segments[segment];
        *done += memory->size;
        block.parameter = memory->address;
        block.status = memory->size;
        if (!last)
            block.status |= packets_left(total, *done, pipe->endpoint.packet_size) << 17;
    }
    return block;
}

static void put_data(struct usb_pipe *pipe, const struct usb_transfer *transfer)
{
    uint32_t total = bytes_of(transfer), done = 0;
    bool cycle;

    pipe->count = (uint16_t)(transfer->segment_count ? transfer->segment_count : 1);
    pipe->first = xhci_ring_reserve(&pipe->ring, &pipe->next, &pipe->cycle, pipe->count, &cycle);
    for (uint16_t i = 0; i < pipe->count; i++)
        xhci_ring_put(&pipe->ring, pipe->first + i, data_block(pipe, transfer, i, total, &done),
                      cycle);
}

/* Setup, data if there are any, status (4.11.2.2). */
static void put_control(struct usb_pipe *pipe, const struct usb_transfer *transfer)
{
    const uint32_t no_data = 0, data_out = 2, data_in = 3;
    bool in = transfer->setup[0] & USB_REQUEST_IN, data = transfer->segment_count, cycle;
    uint32_t kind = !data ? no_data : in ? data_in : data_out;
    struct xhci_block setup = {
        .parameter = load64(transfer->setup),
        .status = 8,
        .control = XHCI_BLOCK_TYPE(XHCI_SETUP) | XHCI_BLOCK_IMMEDIATE | kind << 16,
    };
    struct xhci_block status = {
        .control = XHCI_BLOCK_TYPE(XHCI_STATUS_STAGE) | XHCI_BLOCK_INTERRUPT |
                   (data && in ? 0 : XHCI_BLOCK_IN),
    };

    pipe->count = data ? 3 : 2;
    pipe->first = xhci_ring_reserve(&pipe->ring, &pipe->next, &pipe->cycle, pipe->count, &cycle);
    xhci_ring_put(&pipe->ring, pipe->first, setup, cycle);
    if (data)
        xhci_ring_put(
            &pipe->ring, pipe->first + 1,
            (struct xhci_block){
                .parameter = transfer->segments[0].address,
                .status = transfer->segments[0].size,
                .control = XHCI_BLOCK_TYPE(XHCI_DATA) | XHCI_BLOCK_SHORT | (in ? XHCI_BLOCK_IN : 0),
            },
            cycle);
    xhci_ring_put(&pipe->ring, pipe->first + pipe->count - 1, status, cycle);
}

static int begin(struct usb_pipe *pipe, struct usb_transfer *transfer)
{
    struct xhci *controller = pipe->device->controller;

    if (controller->dead || pipe->device->gone)
        return -ENODEV;
    if (pipe->stopping)
        return -ECANCELED;
    if (pipe->halted)
        return -EPIPE;
    if (pipe->current || transfer->segment_count > USB_SEGMENTS_MAXIMUM)
        return -EBUSY;
    pipe->current = transfer;
    if (transfer->setup)
        put_control(pipe, transfer);
    else
        put_data(pipe, transfer);
    controller->doorbells[pipe->device->slot] = pipe->index;
    return 0;
}

void usb_submit(struct usb_pipe *pipe, struct usb_transfer *transfer)
{
    struct xhci *controller = pipe->device->controller;

    transfer->moved = 0;
    transfer->status = 0;
    bool enabled = spinlock_acquire_save(&controller->lock);
    int error = begin(pipe, transfer);
    spinlock_release_restore(&controller->lock, enabled);
    if (error) {
        transfer->status = error;
        transfer->done(transfer);
    }
}

/* ---- ending; the controller's lock is held ---- */

static int status_of(uint8_t code)
{
    switch (code) {
    case XHCI_SUCCESS:
    case XHCI_SHORT_PACKET:
        return 0;
    case XHCI_STALL:
        return -EPIPE;
    case XHCI_TRANSACTION_ERROR:
    case XHCI_SPLIT_ERROR:
        return -EPROTO;
    case XHCI_BABBLE:
        return -EOVERFLOW;
    case XHCI_STOPPED:
    case XHCI_STOPPED_LENGTH:
    case XHCI_STOPPED_SHORT:
        return -ECANCELED;
    default:
        return -EIO;
    }
}

/* Bytes before this request, and those of its own that did move. Sizes are ours, not the ring's. */
static uint32_t bytes_moved(const struct usb_transfer *transfer, uint32_t segment, uint32_t left)
{
    uint32_t moved = 0;

    for (uint32_t i = 0; i < segment && i < transfer->segment_count; i++)
        moved += transfer->segments[i].size;
    if (segment < transfer->segment_count && left <= transfer->segments[segment].size)
        moved += transfer->segments[segment].size - left;
    return moved;
}

/* Which of the current transfer's requests an event is about; -1: none of them. */
static int request_of(const struct usb_pipe *pipe, uint64_t address)
{
    uint64_t first = pipe->ring.bus + pipe->first * sizeof(struct xhci_block);
    uint64_t offset = address - first;

    if (!pipe->current || offset % sizeof(struct xhci_block) ||
        offset / sizeof(struct xhci_block) >= pipe->count)
        return -1;
    return (int)(offset / sizeof(struct xhci_block));
}

static struct usb_transfer *take_current(struct usb_pipe *pipe, int status)
{
    struct usb_transfer *transfer = pipe->current;

    pipe->current = NULL;
    if (transfer)
        transfer->status = status;
    return transfer;
}

/* A control transfer's data end, well, before its status does. */
static bool goes_on(const struct usb_pipe *pipe, int request, int status)
{
    return pipe->current->setup && !status && request + 1 < pipe->count;
}

struct usb_transfer *xhci_transfer_event(struct xhci *controller, const struct xhci_block *event)
{
    const uint32_t length_bits = 0xffffff;
    struct usb_device *device = controller->slots[event->control >> 24];
    struct usb_pipe *pipe = device ? device->pipes[event->control >> 16 & 0x1f] : NULL;
    int status = status_of(event->status >> CODE_SHIFT);
    int request = pipe ? request_of(pipe, event->parameter) : -1;

    if (request < 0)
        return NULL;
    struct usb_transfer *transfer = pipe->current;
    bool data = !transfer->setup || (pipe->count == 3 && request == 1);
    if (data)
        transfer->moved = bytes_moved(transfer, transfer->setup ? 0 : (uint32_t)request,
                                      event->status & length_bits);
    else if (!status && pipe->count == 3 && request == 2 && !transfer->moved && !transfer->status)
        transfer->moved = transfer->segments[0].size; /* all came: nothing was said of the data */
    if (goes_on(pipe, request, status)) {
        transfer->status = -EINPROGRESS; /* the data were short: `moved` is what there is */
        return NULL;
    }
    pipe->halted |= status && status != -ECANCELED;
    return take_current(pipe, status);
}

/* ---- waiting ---- */

struct waiter {
    struct xhci *controller;
    bool done; /* atomic; the last that is written: then the waiter may be gone */
};

static void wake_waiter(struct usb_transfer *transfer)
{
    struct waiter *waiter = transfer->context;
    struct xhci *controller = waiter->controller;

    __atomic_store_n(&waiter->done, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&controller->transfer_done);
}

int usb_transfer(struct usb_pipe *pipe, struct usb_transfer *transfer, uint64_t patience)
{
    struct waiter waiter = {.controller = pipe->device->controller};

    transfer->done = wake_waiter;
    transfer->context = &waiter;
    usb_submit(pipe, transfer);
    int late = wait_event(&waiter.controller->transfer_done,
                          __atomic_load_n(&waiter.done, __ATOMIC_ACQUIRE), THREAD_UNINTERRUPTIBLE,
                          clock_now() + patience);
    if (!late)
        return transfer->status;
    usb_pipe_stop(pipe);
    /* Whoever took it from the pipe before is about to say so. */
    wait_event(&waiter.controller->transfer_done, __atomic_load_n(&waiter.done, __ATOMIC_ACQUIRE),
               THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
    return transfer->status == -ECANCELED ? -ETIMEDOUT : transfer->status;
}

/* ---- stopping, and going on ---- */

static int endpoint_command(const struct usb_pipe *pipe, enum xhci_block_type type,
                            uint64_t parameter)
{
    return xhci_command(pipe->device->controller,
                        (struct xhci_block){.parameter = parameter,
                                            .control = XHCI_BLOCK_TYPE(type) |
                                                       (uint32_t)pipe->index << 16 |
                                                       (uint32_t)pipe->device->slot << 24},
                        NULL);
}

static void set_flags(struct usb_pipe *pipe, bool halted, bool stopping)
{
    bool enabled = spinlock_acquire_save(&pipe->device->controller->lock);

    pipe->halted = halted;
    pipe->stopping = stopping;
    spinlock_release_restore(&pipe->device->controller->lock, enabled);
}

/* An endpoint that does not run answers with an error, which means the same: it is quiet. */
void usb_pipe_stop(struct usb_pipe *pipe)
{
    struct xhci *controller = pipe->device->controller;

    set_flags(pipe, pipe->halted, true);
    (void)endpoint_command(pipe, XHCI_STOP_ENDPOINT, 0);
    bool enabled = spinlock_acquire_save(&controller->lock);
    struct usb_transfer *transfer =
        take_current(pipe, pipe->device->gone || controller->dead ? -ENODEV : -ECANCELED);
    spinlock_release_restore(&controller->lock, enabled);
    if (transfer)
        transfer->done(transfer);
}

/* Pipe 0 needs no word to the device: its next setup is one. */
static int recover_control(struct usb_pipe *pipe)
{
    uint64_t dequeue = (pipe->ring.bus + pipe->next * sizeof(struct xhci_block)) | pipe->cycle;

    if (pipe->halted) {
        int error = endpoint_command(pipe, XHCI_RESET_ENDPOINT, 0);
        if (error)
            return error;
    }
    return endpoint_command(pipe, XHCI_SET_DEQUEUE, dequeue);
}

/* Both sides begin anew to count packets: the endpoint is taken away and given again (4.6.6). */
static int recover_data(struct usb_pipe *pipe)
{
    const uint16_t halt = 0;
    int error = usb_control(pipe->device, USB_REQUEST_ENDPOINT, USB_CLEAR_FEATURE, halt,
                            pipe->endpoint.address, NULL, 0);

    if (error < 0)
        return error;
    if (pipe->halted)
        (void)endpoint_command(pipe, XHCI_RESET_ENDPOINT, 0);
    return xhci_slot_renew_pipe(pipe);
}

int usb_pipe_recover(struct usb_pipe *pipe)
{
    int error = pipe->index == CONTROL_INDEX ? recover_control(pipe) : recover_data(pipe);

    if (!error)
        set_flags(pipe, false, false);
    return error;
}

void usb_device_finish_transfers(struct usb_device *device)
{
    for (unsigned i = 0; i < USB_PIPES; i++)
        if (device->pipes[i])
            usb_pipe_stop(device->pipes[i]);
}

/* ---- control ---- */

static int control_locked(struct usb_device *device, const uint8_t setup[8], uint16_t size)
{
    struct usb_pipe *pipe = device->pipes[CONTROL_INDEX];
    struct disk_segment segment = {device->buffer.bus, size};
    struct usb_transfer transfer = {
        .segments = &segment, .segment_count = size ? 1 : 0, .setup = setup};
    int error = usb_transfer(pipe, &transfer, CONTROL_PATIENCE);

    if (error && error != -ENODEV && usb_pipe_recover(pipe))
        return -EIO;
    return error ? error : (int)transfer.moved;
}

int usb_control(struct usb_device *device, uint8_t type, uint8_t request, uint16_t value,
                uint16_t index, void *data, uint16_t size)
{
    const uint8_t setup[8] = {
        type,           request,    (uint8_t)value, value >> 8,
        (uint8_t)index, index >> 8, (uint8_t)size,  size >> 8,
    };
    bool in = type & USB_REQUEST_IN;

    if (size > USB_CONTROL_MAXIMUM)
        return -EINVAL;
    mutex_acquire(&device->control_lock);
    if (!in && size)
        memcpy(device->buffer.address, data, size);
    int moved = control_locked(device, setup, size);
    if (in && moved > 0) {
        memcpy(data, device->buffer.address, (size_t)moved);
        tamper_bytes(data, (size_t)moved);
    }
    mutex_release(&device->control_lock);
    return moved;
}

int usb_get_descriptor(struct usb_device *device, uint8_t request_type, uint8_t type,
                       uint8_t number, uint16_t index, void *data, uint16_t size)
{
    return usb_control(device, USB_REQUEST_IN | request_type, USB_GET_DESCRIPTOR,
                       (uint16_t)(type << 8 | number), index, data, size);
}
