/* hub.c: hubs (USB 2.0, chapter 11; USB 3.2, chapter 10). All but the report by the thread. */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "cpu/log.h"
#include "device/usb/usb.h"
#include "device/usb/xhci.h"
#include "library/bytes.h"
#include "memory/heap.h"

/* 11.24.2. */
enum {
    GET_STATUS_SIZE = 4,
    SET_HUB_DEPTH = 12, /* USB 3.2, 10.16.2.8 */

    PORT_RESET = 4,
    PORT_POWER = 8,
    PORT_CHANGE_CONNECTION = 16,
    PORT_CHANGE_ENABLE = 17,
    PORT_CHANGE_RESET = 20,
    PORT_CHANGE_LINK = 25, /* USB 3.2 */
    PORT_CHANGE_WARM_RESET = 29,

    STATUS_CONNECTED = 1 << 0,
    STATUS_ENABLED = 1 << 1,
    STATUS_LOW_SPEED = 1 << 9, /* USB 2 only, as the next */
    STATUS_HIGH_SPEED = 1 << 10,
    CHANGE_CONNECTED = 1 << 0,
    CHANGE_RESET = 1 << 4,
    CHANGE_BITS = 16,
};
#define DEBOUNCE_MS    100
#define RECOVERY_MS    10
#define RESET_PATIENCE (NANOSECONDS_PER_SECOND)
#define TRIES          3
#define FAILURES_MOST  8
#define PORTS_MOST     256

struct hub {
    struct usb_function *function;
    struct usb_pipe *pipe;
    struct dma_memory report; /* a bit each port that changed */
    struct disk_segment segment;
    struct usb_transfer transfer;
    uint8_t ports;
    bool super_speed;
    uint64_t changed[PORTS_MOST / 64]; /* ports; atomic */
    bool broken;                       /* the last report failed; atomic */
    bool came;                         /* a report did: another is to be asked for; atomic */
    unsigned failures;                 /* in a row; the thread's */
    struct usb_device *devices[PORTS_MOST];
    bool failed[PORTS_MOST]; /* what is there cannot be used */
};

struct port_status {
    uint16_t status, change;
};

/* ---- requests ---- */

static int port_feature(struct hub *hub, uint8_t request, uint16_t feature, unsigned port)
{
    return usb_control(hub->function->device, USB_REQUEST_CLASS | USB_REQUEST_OTHER, request,
                       feature, (uint16_t)port, NULL, 0);
}

static int port_status(struct hub *hub, unsigned port, struct port_status *status)
{
    uint8_t bytes[GET_STATUS_SIZE];
    int size =
        usb_control(hub->function->device, USB_REQUEST_IN | USB_REQUEST_CLASS | USB_REQUEST_OTHER,
                    USB_GET_STATUS, 0, (uint16_t)port, bytes, sizeof(bytes));

    if (size < GET_STATUS_SIZE)
        return size < 0 ? size : -EIO;
    *status = (struct port_status){load16(bytes), load16(bytes + 2)};
    return 0;
}

/* What is not acknowledged is told again and again. */
static void acknowledge(struct hub *hub, unsigned port, uint16_t change)
{
    for (unsigned bit = 0; bit < CHANGE_BITS; bit++) {
        if (!(change >> bit & 1))
            continue;
        unsigned feature = PORT_CHANGE_CONNECTION + bit;
        /* USB 3 tells a warm reset in bit 5, link states in 6: 10.16.2.6 */
        if (hub->super_speed && bit == 5)
            feature = PORT_CHANGE_WARM_RESET;
        else if (hub->super_speed && bit >= 6)
            feature = PORT_CHANGE_LINK + bit - 6;
        (void)port_feature(hub, USB_CLEAR_FEATURE, (uint16_t)feature, port);
    }
}

/* ---- a port ---- */

static int port_reset(struct hub *hub, unsigned port, struct port_status *status)
{
    uint64_t end = clock_now() + RESET_PATIENCE;
    int error = port_feature(hub, USB_SET_FEATURE, PORT_RESET, port);

    for (;;) {
        usb_sleep(RECOVERY_MS);
        if (error >= 0)
            error = port_status(hub, port, status);
        if (error < 0)
            return error;
        if (status->change & CHANGE_RESET)
            break;
        if (clock_now() >= end)
            return -ETIMEDOUT;
    }
    (void)port_feature(hub, USB_CLEAR_FEATURE, PORT_CHANGE_RESET, port);
    usb_sleep(RECOVERY_MS);
    return status->status & STATUS_ENABLED ? 0 : -EIO;
}

static enum usb_speed port_speed(const struct hub *hub, uint16_t status)
{
    if (hub->super_speed)
        return USB_SUPER_SPEED;
    return status & STATUS_LOW_SPEED    ? USB_LOW_SPEED
           : status & STATUS_HIGH_SPEED ? USB_HIGH_SPEED
                                        : USB_FULL_SPEED;
}

static struct usb_device *try_attach(struct hub *hub, unsigned port)
{
    struct usb_device *device = hub->function->device;
    struct port_status status;

    if (port_reset(hub, port, &status))
        return NULL;
    enum usb_speed speed = port_speed(hub, status.status);
    return usb_device_attach(device->controller, device, (uint8_t)port, speed, (uint8_t)speed);
}

static void attach(struct hub *hub, unsigned port)
{
    struct usb_device *device = hub->function->device;
    struct port_status status;

    for (unsigned i = 0; i < TRIES && !hub->devices[port]; i++) {
        usb_sleep(DEBOUNCE_MS);
        if (port_status(hub, port, &status) || !(status.status & STATUS_CONNECTED))
            return;
        hub->devices[port] = try_attach(hub, port);
    }
    hub->failed[port] = !hub->devices[port];
    if (hub->failed[port])
        log_write(LOG_WARNING, "usb %s.%u: what is plugged in does not answer", device->name, port);
}

static void port_changed(struct hub *hub, unsigned port)
{
    struct port_status status;

    if (port_status(hub, port, &status))
        return;
    acknowledge(hub, port, status.change);
    bool connected = status.status & STATUS_CONNECTED;
    bool other = status.change & CHANGE_CONNECTED;
    if (!connected || other)
        hub->failed[port] = false;
    if (hub->devices[port] && (!connected || other || !(status.status & STATUS_ENABLED))) {
        usb_device_detach(hub->devices[port]);
        hub->devices[port] = NULL;
    }
    if (connected && !hub->devices[port] && !hub->failed[port])
        attach(hub, port);
}

/* ---- reports: in an interrupt ---- */

static void report_came(struct usb_transfer *transfer)
{
    struct hub *hub = transfer->context;
    const volatile uint8_t *bytes = hub->report.address;

    if (transfer->status == -ECANCELED || transfer->status == -ENODEV)
        return;
    for (unsigned i = 0; !transfer->status && i < transfer->moved && i < PORTS_MOST / 8; i++)
        __atomic_fetch_or(&hub->changed[i / 8], (uint64_t)bytes[i] << i % 8 * 8, __ATOMIC_RELAXED);
    __atomic_store_n(transfer->status ? &hub->broken : &hub->came, true, __ATOMIC_RELEASE);
    usb_function_wake(hub->function);
}

/* ---- the thread ---- */

static void look_at_ports(struct hub *hub)
{
    for (unsigned port = 1; port <= hub->ports; port++) {
        uint64_t bit = 1UL << port % 64;
        if (__atomic_fetch_and(&hub->changed[port / 64], ~bit, __ATOMIC_ACQUIRE) & bit)
            port_changed(hub, port);
    }
}

/* Asks for the next report. */
static void go_on(struct hub *hub)
{
    bool broken = __atomic_exchange_n(&hub->broken, false, __ATOMIC_ACQUIRE);

    if (!__atomic_exchange_n(&hub->came, false, __ATOMIC_ACQUIRE) && !broken)
        return;
    hub->failures = broken ? hub->failures + 1 : 0;
    if (broken && (hub->failures > FAILURES_MOST || usb_pipe_recover(hub->pipe))) {
        log_write(LOG_WARNING, "usb %s: the hub is given up", hub->function->device->name);
        return;
    }
    usb_submit(hub->pipe, &hub->transfer);
}

static void hub_work(struct usb_function *function)
{
    struct hub *hub = function->data;

    look_at_ports(hub);
    go_on(hub);
}

/* ---- coming and going ---- */

static int read_hub(struct hub *hub, struct usb_hub *described)
{
    uint8_t bytes[USB_HUB_HEADER];
    struct usb_device *device = hub->function->device;
    int size = usb_get_descriptor(device, USB_REQUEST_CLASS,
                                  hub->super_speed ? USB_SUPER_SPEED_HUB : USB_HUB, 0, 0, bytes,
                                  sizeof(bytes));

    return size < 0 ? size : usb_hub_parse(bytes, (size_t)size, hub->super_speed, described);
}

static void power_ports(struct hub *hub, const struct usb_hub *described)
{
    for (unsigned port = 1; port <= hub->ports; port++) {
        (void)port_feature(hub, USB_SET_FEATURE, PORT_POWER, port);
        hub->changed[port / 64] |= 1UL << port % 64;
    }
    usb_sleep(described->power_good_delay);
}

static int begin(struct hub *hub)
{
    struct usb_device *device = hub->function->device;
    const struct usb_endpoint *endpoint =
        usb_endpoint_find(hub->function->interface, USB_INTERRUPT, USB_IN);
    struct usb_hub described;

    hub->super_speed = device->speed >= USB_SUPER_SPEED;
    int error = endpoint ? read_hub(hub, &described) : -EINVAL;
    if (!error && hub->super_speed)
        error =
            usb_control(device, USB_REQUEST_CLASS, SET_HUB_DEPTH, device->depth - 1, 0, NULL, 0);
    if (error)
        return error;
    hub->ports = device->hub_ports = described.ports;
    device->think_time = device->speed == USB_HIGH_SPEED ? described.think_time : 0;
    error = xhci_slot_set_hub(device);
    if (!error)
        error = dma_allocate(&hub->report, PAGE_SIZE, device->controller->below);
    if (!error)
        error = usb_pipe_open(device, endpoint, &hub->pipe);
    if (error)
        return error;
    hub->segment = (struct disk_segment){hub->report.bus, endpoint->packet_size};
    power_ports(hub, &described);
    return 0;
}

static int hub_probe(struct usb_function *function)
{
    struct hub *hub = heap_allocate_zeroed(sizeof(*hub));

    if (!hub)
        return -ENOMEM;
    hub->function = function;
    int error = begin(hub);
    if (error) {
        dma_free(&hub->report);
        heap_free(hub);
        return error;
    }
    hub->transfer = (struct usb_transfer){
        .segments = &hub->segment, .segment_count = 1, .done = report_came, .context = hub};
    function->data = hub;
    hub->came = true;
    usb_function_wake(function);
    return 0;
}

static void hub_remove(struct usb_function *function)
{
    struct hub *hub = function->data;

    dma_free(&hub->report);
    heap_free(hub);
}

static bool hub_matches(const struct usb_interface *interface)
{
    return interface->class == USB_CLASS_HUB;
}

const struct usb_driver usb_hub_driver = {
    .name = "hub",
    .matches = hub_matches,
    .probe = hub_probe,
    .remove = hub_remove,
    .work = hub_work,
};
