/*
 * xhci.c: the life of a controller: taken from the firmware, reset, started, interrupting, stopped
 * (xHCI 1.2, 4.2 and 4.22.1).
 */
#include "device/usb/xhci.h"

#include <asm/errno.h>

#include "cpu/clock.h"
#include "cpu/log.h"
#include "device/tamper.h"
#include "library/align.h"
#include "memory/heap.h"

#define MILLISECOND       (NANOSECONDS_PER_SECOND / 1000)
#define PATIENCE_FIRMWARE (NANOSECONDS_PER_SECOND) /* as Linux's */
#define PATIENCE_HALT     (100 * MILLISECOND)      /* 16 ms, says 5.4.1.1 */
#define PATIENCE_RESET    (NANOSECONDS_PER_SECOND)
#define EXTENDED_MOST     64 /* capabilities that are looked at */
#define CLASS_XHCI        0x0c0330
#define REGISTERS_BAR     0

/* A register's bits come to be these; false: not in time, or nobody answers. By a thread. */
static bool await_bits(const volatile uint8_t *base, uint32_t offset, uint32_t mask,
                       uint32_t wanted, uint64_t patience)
{
    uint64_t end = clock_now() + patience;

    for (;;) {
        uint32_t value = xhci_read(base, offset);
        if (value != UINT32_MAX && (value & mask) == wanted)
            return true;
        if (clock_now() >= end)
            return false;
        usb_sleep(1);
    }
}

/* ---- what it says of itself ---- */

/* Do all registers lie in what the device decodes? */
static bool registers_fit(const struct xhci *controller, uint32_t doorbells, uint32_t runtime)
{
    uint32_t operational = xhci_read(controller->capability, XHCI_CAPABILITY_LENGTH) & 0xff;
    size_t ports_end = operational + xhci_port_offset(controller->port_count + 1U);

    return operational >= XHCI_CAPABILITIES_END && operational % 4 == 0 &&
           ports_end <= controller->size && runtime % 32 == 0 && runtime < controller->size &&
           controller->size - runtime >= XHCI_RUNTIME_END && doorbells % 4 == 0 &&
           doorbells < controller->size &&
           controller->size - doorbells >= sizeof(uint32_t) * (controller->slot_count + 1U);
}

static int read_capabilities(struct xhci *controller)
{
    uint32_t structure = xhci_read(controller->capability, XHCI_STRUCTURE_1);
    uint32_t structure_2 = xhci_read(controller->capability, XHCI_STRUCTURE_2);
    uint32_t capability = xhci_read(controller->capability, XHCI_CAPABILITY_1);
    uint32_t doorbells = xhci_read(controller->capability, XHCI_DOORBELL_OFFSET) & ~3U;
    uint32_t runtime = xhci_read(controller->capability, XHCI_RUNTIME_OFFSET) & ~31U;

    if (structure == UINT32_MAX)
        return -ENODEV;
    controller->slot_count = structure & 0xff;
    controller->port_count = structure >> 24;
    controller->scratchpad_count = (structure_2 >> 21 & 0x1f) << 5 | structure_2 >> 27;
    controller->context_size = capability & XHCI_CAPABILITY_LARGE_CONTEXT ? 64 : 32;
    controller->below = capability & XHCI_CAPABILITY_64_BITS ? DMA_ANYWHERE : DMA_BELOW_4G;
    if (!controller->slot_count || !controller->port_count || controller->port_count == 255 ||
        !registers_fit(controller, doorbells, runtime))
        return -EIO;
    controller->operational =
        controller->capability + (xhci_read(controller->capability, XHCI_CAPABILITY_LENGTH) & 0xff);
    controller->runtime = controller->capability + runtime;
    controller->doorbells = (volatile uint32_t *)(controller->capability + doorbells);
    return 0;
}

/* Calls `found` for each extended capability of this kind; `offset` has room for 16 bytes. */
static void for_each_extended(struct xhci *controller, uint8_t kind,
                              void (*found)(struct xhci *controller, uint32_t offset))
{
    uint32_t offset = (xhci_read(controller->capability, XHCI_CAPABILITY_1) >> 16) << 2;

    for (unsigned i = 0; i < EXTENDED_MOST && offset; i++) {
        if (offset > controller->size - 16)
            return;
        uint32_t header = xhci_read(controller->capability, offset);
        if ((header & 0xff) == kind)
            found(controller, offset);
        uint32_t next = (header >> 8 & 0xff) << 2;
        offset = next ? offset + next : 0;
    }
}

/* ---- from the firmware ---- */

/* Its keyboard driver gives the controller up; then its interrupts to the firmware are off. */
static void take_over(struct xhci *controller, uint32_t offset)
{
    volatile uint8_t *base = controller->capability;
    uint32_t legacy = xhci_read(base, offset);

    xhci_write(base, offset, legacy | XHCI_LEGACY_SYSTEM_OWNS);
    if (!await_bits(base, offset, XHCI_LEGACY_FIRMWARE_OWNS, 0, PATIENCE_FIRMWARE)) {
        log_write(LOG_WARNING, "usb: the firmware keeps the controller: taken all the same");
        xhci_write(base, offset, (legacy & ~XHCI_LEGACY_FIRMWARE_OWNS) | XHCI_LEGACY_SYSTEM_OWNS);
    }
    xhci_write(base, offset + 4,
               (xhci_read(base, offset + 4) & XHCI_LEGACY_SMI_KEPT) | XHCI_LEGACY_SMI_CLEARED);
}

/* ---- ports ---- */

/* In kilobits a second: a mantissa of 16 bits, times 1000 so many times (7.2.1). */
static enum usb_speed speed_of(uint32_t described)
{
    uint64_t bits = described >> 16;

    for (unsigned i = 0; i < (described >> 4 & 3); i++)
        bits *= 1000;
    bits /= 1000;
    return bits >= 10000000  ? USB_SUPER_SPEED_PLUS
           : bits >= 5000000 ? USB_SUPER_SPEED
           : bits >= 480000  ? USB_HIGH_SPEED
           : bits >= 12000   ? USB_FULL_SPEED
           : bits >= 1500    ? USB_LOW_SPEED
                             : 0;
}

static void describe_port(struct xhci *controller, struct xhci_port *port, uint32_t offset,
                          unsigned speeds)
{
    for (unsigned i = USB_FULL_SPEED; i <= USB_SUPER_SPEED_PLUS; i++)
        port->speeds[i] = i;
    for (unsigned i = 0; i < speeds && offset + 16 + 4 * i <= controller->size - 4; i++) {
        uint32_t described = xhci_read(controller->capability, offset + 16 + 4 * i);
        port->speeds[described & 0xf] = speed_of(described);
    }
}

/* Supported Protocol (7.2): which ports are of which USB, and their speeds. */
static void protocol_found(struct xhci *controller, uint32_t offset)
{
    unsigned major = xhci_read(controller->capability, offset) >> 24;
    uint32_t ports = xhci_read(controller->capability, offset + 8);
    unsigned first = ports & 0xff, count = ports >> 8 & 0xff;

    for (unsigned port = first; port < first + count && port <= controller->port_count; port++) {
        if (port == 0)
            continue;
        controller->ports[port].super_speed = major >= 3;
        describe_port(controller, &controller->ports[port], offset, ports >> 28);
    }
}

/* ---- starting ---- */

static int halt(struct xhci *controller)
{
    uint32_t command = xhci_read(controller->operational, XHCI_COMMAND);

    xhci_write(controller->operational, XHCI_COMMAND,
               command & ~(XHCI_COMMAND_RUN | XHCI_COMMAND_INTERRUPT));
    return await_bits(controller->operational, XHCI_STATUS, XHCI_STATUS_HALTED, XHCI_STATUS_HALTED,
                      PATIENCE_HALT)
               ? 0
               : -EIO;
}

static int reset(struct xhci *controller)
{
    if (halt(controller))
        return -EIO;
    xhci_write(controller->operational, XHCI_COMMAND, XHCI_COMMAND_RESET);
    usb_sleep(1); /* some do not answer at once */
    if (!await_bits(controller->operational, XHCI_COMMAND, XHCI_COMMAND_RESET, 0, PATIENCE_RESET) ||
        !await_bits(controller->operational, XHCI_STATUS, XHCI_STATUS_NOT_READY, 0, PATIENCE_RESET))
        return -EIO;
    /* Memory that it is given is in pieces of this size. */
    return xhci_read(controller->operational, XHCI_PAGE_SIZE) & 1 ? 0 : -ENODEV;
}

static int allocate_scratchpads(struct xhci *controller)
{
    uint32_t count = controller->scratchpad_count;
    volatile uint64_t *contexts = controller->contexts.address;

    if (!count)
        return 0;
    controller->scratchpads = heap_allocate_zeroed(count * sizeof(controller->scratchpads[0]));
    if (!controller->scratchpads || dma_allocate(&controller->scratchpad_addresses,
                                                 count * sizeof(uint64_t), controller->below))
        return -ENOMEM;
    uint64_t *addresses = controller->scratchpad_addresses.address;
    for (uint32_t i = 0; i < count; i++) {
        if (dma_allocate(&controller->scratchpads[i], PAGE_SIZE, controller->below))
            return -ENOMEM;
        addresses[i] = controller->scratchpads[i].bus;
    }
    contexts[0] = controller->scratchpad_addresses.bus;
    return 0;
}

static int allocate(struct xhci *controller)
{
    if (dma_allocate(&controller->contexts, PAGE_SIZE, controller->below) ||
        dma_allocate(&controller->event_table, PAGE_SIZE, controller->below) ||
        xhci_ring_allocate(controller, &controller->events) ||
        xhci_ring_allocate(controller, &controller->commands))
        return -ENOMEM;
    return allocate_scratchpads(controller);
}

static void free_memory(struct xhci *controller)
{
    for (uint32_t i = 0; controller->scratchpads && i < controller->scratchpad_count; i++)
        dma_free(&controller->scratchpads[i]);
    heap_free(controller->scratchpads);
    dma_free(&controller->scratchpad_addresses);
    dma_free(&controller->contexts);
    dma_free(&controller->event_table);
    dma_free(&controller->events);
    dma_free(&controller->commands);
}

/* 4.2, from the number of slots on; 4.9.4: the ring of events. */
static void tell_memory(struct xhci *controller)
{
    struct {
        uint64_t base;
        uint32_t size, reserved;
    } *segment = controller->event_table.address;

    xhci_write(controller->operational, XHCI_CONFIGURE, controller->slot_count);
    xhci_write64(controller->operational, XHCI_CONTEXTS, controller->contexts.bus);
    controller->command_cycle = true;
    xhci_write64(controller->operational, XHCI_COMMAND_RING,
                 controller->commands.bus | XHCI_RING_CYCLE);
    controller->event_cycle = true;
    segment->base = controller->events.bus;
    segment->size = XHCI_RING_SIZE;
    xhci_write(controller->runtime, XHCI_EVENT_SEGMENTS, 1);
    xhci_write64(controller->runtime, XHCI_EVENT_DEQUEUE, controller->events.bus);
    xhci_write64(controller->runtime, XHCI_EVENT_TABLE, controller->event_table.bus);
    xhci_write(controller->runtime, XHCI_INTERRUPT_MODERATION, 0);
    xhci_write(controller->runtime, XHCI_INTERRUPT_MANAGEMENT,
               XHCI_INTERRUPT_PENDING | XHCI_INTERRUPT_ENABLE);
}

/* ---- interrupts ---- */

/* The next event, if there is one; lock held. */
static bool take_event(struct xhci *controller, struct xhci_block *event)
{
    volatile struct xhci_block *at =
        (volatile struct xhci_block *)controller->events.address + controller->event_next;
    uint32_t control = __atomic_load_n(&at->control, __ATOMIC_ACQUIRE);

    if ((control & XHCI_BLOCK_CYCLE) != controller->event_cycle)
        return false;
    *event = (struct xhci_block){at->parameter, at->status, control};
    tamper_bytes(event, sizeof(*event));
    if (++controller->event_next == XHCI_RING_SIZE) {
        controller->event_next = 0;
        controller->event_cycle = !controller->event_cycle;
    }
    return true;
}

static void note_port(struct xhci *controller, uint64_t parameter)
{
    unsigned port = parameter >> 24 & 0xff;

    __atomic_fetch_or(&controller->ports_changed[port / 64], 1UL << port % 64, __ATOMIC_RELEASE);
    wait_queue_wake_all(&controller->work);
}

/* Lock held. Returns the transfer that it ends, if it ends one. */
static struct usb_transfer *take_in(struct xhci *controller, const struct xhci_block *event)
{
    switch (event->control >> 10 & 0x3f) {
    case XHCI_TRANSFER_EVENT:
        return xhci_transfer_event(controller, event);
    case XHCI_COMMAND_EVENT:
        xhci_command_event(controller, event);
        return NULL;
    case XHCI_PORT_EVENT:
        note_port(controller, event->parameter);
        return NULL;
    default:
        return NULL;
    }
}

/* One event, and what it ends is told. False: there was none. */
static bool handle_event(struct xhci *controller)
{
    struct usb_transfer *transfer = NULL;
    struct xhci_block event;

    spinlock_acquire(&controller->lock);
    bool taken = take_event(controller, &event);
    if (taken)
        transfer = take_in(controller, &event);
    spinlock_release(&controller->lock);
    if (transfer)
        transfer->done(transfer);
    return taken;
}

static bool xhci_interrupt(void *context)
{
    struct xhci *controller = context;
    uint32_t status = xhci_read(controller->operational, XHCI_STATUS);
    unsigned count = 0;

    if (xhci_is_dead(controller))
        return false;
    if (status == UINT32_MAX || status & (XHCI_STATUS_ERROR | XHCI_STATUS_FAILED)) {
        xhci_die(controller, status == UINT32_MAX ? "it does not answer" : "it failed");
        return true;
    }
    xhci_write(controller->operational, XHCI_STATUS, XHCI_STATUS_INTERRUPT);
    xhci_write(controller->runtime, XHCI_INTERRUPT_MANAGEMENT,
               XHCI_INTERRUPT_PENDING | XHCI_INTERRUPT_ENABLE);
    while (count < XHCI_RING_SIZE && handle_event(controller))
        count++;
    xhci_write64(controller->runtime, XHCI_EVENT_DEQUEUE,
                 (controller->events.bus + controller->event_next * sizeof(struct xhci_block)) |
                     XHCI_EVENT_BUSY);
    return count || status & XHCI_STATUS_INTERRUPT;
}

void xhci_die(struct xhci *controller, const char *why)
{
    bool enabled = spinlock_acquire_save(&controller->lock);
    bool first = !controller->dead;

    __atomic_store_n(&controller->dead, true, __ATOMIC_RELAXED);
    spinlock_release_restore(&controller->lock, enabled);
    if (!first)
        return;
    xhci_write(controller->operational, XHCI_COMMAND, 0);
    pci_master_disable(controller->pci);
    wait_queue_wake_all(&controller->command_done);
    wait_queue_wake_all(&controller->work);
    log_write(LOG_WARNING, "usb %u: the controller is given up: %s", controller->number, why);
}

/* ---- a driver of PCI's ---- */

static bool xhci_matches(const struct pci_function *function)
{
    return function->class == CLASS_XHCI;
}

static struct xhci *make(struct pci_device *device)
{
    static uint8_t last_number; /* by the one thread that probes */
    struct xhci *controller = heap_allocate_zeroed(sizeof(*controller));

    if (!controller)
        return NULL;
    controller->pci = device;
    controller->number = ++last_number;
    spinlock_initialize(&controller->lock, LOCK_USB);
    mutex_initialize(&controller->command_lock, MUTEX_USB_COMMAND);
    wait_queue_initialize(&controller->command_done);
    wait_queue_initialize(&controller->transfer_done);
    wait_queue_initialize(&controller->work);
    wait_queue_initialize(&controller->settled_queue);
    TAILQ_INIT(&controller->devices);
    return controller;
}

static int start(struct xhci *controller)
{
    int error = read_capabilities(controller);

    if (error)
        return error;
    for_each_extended(controller, XHCI_EXTENDED_LEGACY, take_over);
    for_each_extended(controller, XHCI_EXTENDED_PROTOCOL, protocol_found);
    error = reset(controller);
    if (!error)
        error = allocate(controller);
    if (error)
        return error;
    /* It was reset and knows of no memory; the table of events it reads as soon as it is told. */
    pci_master_enable(controller->pci);
    tell_memory(controller);
    error = pci_interrupt_connect(controller->pci, "xhci", xhci_interrupt, controller);
    if (error)
        return error;
    xhci_write(controller->operational, XHCI_COMMAND, XHCI_COMMAND_RUN | XHCI_COMMAND_INTERRUPT);
    return xhci_thread_start(controller);
}

/* Nothing of it runs any more. */
static void stop(struct xhci *controller)
{
    if (controller->operational)
        (void)halt(controller);
    pci_interrupt_disconnect(controller->pci);
    pci_master_disable(controller->pci);
    free_memory(controller);
    heap_free(controller);
}

static int xhci_probe(struct pci_device *device)
{
    struct xhci *controller = make(device);

    if (!controller)
        return -ENOMEM;
    controller->capability = pci_bar_map(device, REGISTERS_BAR, &controller->size);
    int error =
        controller->capability && controller->size >= PAGE_SIZE ? start(controller) : -ENODEV;
    if (error) {
        stop(controller);
        return error;
    }
    device->driver_data = controller;
    return 0;
}

static void xhci_remove(struct pci_device *device)
{
    struct xhci *controller = device->driver_data;

    xhci_thread_end(controller);
    stop(controller);
}

const struct pci_driver xhci_driver = {
    .name = "xhci_hcd",
    .matches = xhci_matches,
    .probe = xhci_probe,
    .remove = xhci_remove,
};
