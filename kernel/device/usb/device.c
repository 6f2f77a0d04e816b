/*
 * device.c: a device's coming (USB 2.0, 9.1.2) and going, by the controller's thread.
 */
#include <asm/errno.h>

#include "cpu/log.h"
#include "device/usb/tree.h"
#include "device/usb/xhci.h"
#include "library/error.h"
#include "library/format.h"
#include "memory/heap.h"

#define ADDRESS_RECOVERY_MS 10 /* 2 by 9.2.6.3; some need longer */
#define FIRST_BYTES         8  /* of its descriptor, which the smallest packet holds */
#define ENGLISH             0x0409

/* ---- what it says of itself ---- */

/* The size of packets comes first: what follows depends on it. */
static int read_device(struct usb_device *device)
{
    uint8_t *bytes = device->descriptor_bytes;
    int size = usb_get_descriptor(device, 0, USB_DEVICE, 0, 0, bytes, FIRST_BYTES);

    if (size < FIRST_BYTES)
        return size < 0 ? size : -EINVAL;
    uint16_t packet_size = usb_packet_size_first(bytes, device->speed);
    int error = packet_size ? xhci_slot_set_packet_size(device, packet_size) : -EINVAL;
    if (error)
        return error;
    size = usb_get_descriptor(device, 0, USB_DEVICE, 0, 0, bytes, USB_DEVICE_SIZE);
    if (size < 0)
        return size;
    return usb_device_parse(bytes, (size_t)size, device->speed, &device->descriptor);
}

static int read_configuration(struct usb_device *device)
{
    uint8_t header[USB_CONFIGURATION_HEADER];
    int size = usb_get_descriptor(device, 0, USB_CONFIGURATION, 0, 0, header, sizeof(header));
    size_t whole = size < 0 ? 0 : usb_configuration_size(header, (size_t)size);

    if (!whole)
        return size < 0 ? size : -EINVAL;
    device->configuration = heap_allocate(sizeof(*device->configuration));
    device->configuration_bytes = heap_allocate_zeroed(whole);
    if (!device->configuration || !device->configuration_bytes)
        return -ENOMEM;
    size = usb_get_descriptor(device, 0, USB_CONFIGURATION, 0, 0, device->configuration_bytes,
                              (uint16_t)whole);
    if (size < 0)
        return size;
    device->configuration_size = (uint16_t)size;
    return usb_configuration_parse(device->configuration_bytes, (size_t)size, device->speed,
                                   device->configuration);
}

/* Without one it works as well. */
static void read_text(struct usb_device *device, uint8_t number, char text[USB_TEXT_MAXIMUM])
{
    uint8_t bytes[UINT8_MAX];
    int size = -EINVAL;

    if (number)
        size = usb_get_descriptor(device, 0, USB_STRING, number, ENGLISH, bytes, sizeof(bytes));
    usb_text_parse(bytes, size > 0 ? (size_t)size : 0, text);
}

static int read_all(struct usb_device *device)
{
    int error = read_device(device);

    if (!error)
        error = read_configuration(device);
    if (error)
        return error;
    read_text(device, device->descriptor.vendor_text, device->vendor);
    read_text(device, device->descriptor.product_text, device->product);
    read_text(device, device->descriptor.serial_text, device->serial);
    return usb_control(device, 0, USB_SET_CONFIGURATION, device->configuration->value, 0, NULL, 0);
}

/* ---- where it is ---- */

/* A hub of high speed translates for what is slower (xHCI 1.2, 4.3.3). */
static void place_behind(struct usb_device *device, const struct usb_device *hub)
{
    const unsigned port_most = 15;
    unsigned port = device->port < port_most ? device->port : port_most;
    bool slow = device->speed == USB_LOW_SPEED || device->speed == USB_FULL_SPEED;

    device->depth = hub->depth + 1;
    device->root_port = hub->root_port;
    device->route = hub->route | port << 4 * (hub->depth - 1);
    if (slow && hub->speed == USB_HIGH_SPEED) {
        device->translator_slot = hub->slot;
        device->translator_port = device->port;
    } else if (slow) {
        device->translator_slot = hub->translator_slot;
        device->translator_port = hub->translator_port;
    }
    format_string(device->name, sizeof(device->name), "%s.%u", hub->name, device->port);
}

static struct usb_device *make(struct xhci *controller, struct usb_device *hub, uint8_t port,
                               enum usb_speed speed, uint8_t speed_identifier)
{
    struct usb_device *device = heap_allocate_zeroed(sizeof(*device));

    if (!device)
        return NULL;
    device->controller = controller;
    device->hub = hub;
    device->port = device->root_port = port;
    device->depth = 1;
    device->speed = speed;
    device->speed_identifier = speed_identifier;
    mutex_initialize(&device->control_lock, MUTEX_USB_CONTROL);
    mutex_initialize(&device->input_lock, MUTEX_USB_INPUT);
    device->bus = hub ? hub->bus : xhci_bus(controller, port);
    if (!hub)
        format_string(device->name, sizeof(device->name), "%u-%u", device->bus,
                      xhci_port_on_bus(controller, port));
    else
        place_behind(device, hub);
    return device;
}

static void drop(struct usb_device *device)
{
    xhci_slot_leave(device);
    heap_free(device->configuration);
    heap_free(device->configuration_bytes);
    heap_free(device);
}

/* ---- its functions ---- */

/* The drivers there are; the last is NULL. Set once, before there is a controller. */
static const struct usb_driver *const *known;

void usb_drivers_use(const struct usb_driver *const *drivers)
{
    known = drivers;
}

static void find_driver(struct usb_function *function)
{
    for (size_t i = 0; known[i]; i++) {
        if (!known[i]->matches(function->interface))
            continue;
        int error = known[i]->probe(function);
        if (!error)
            function->driver = known[i];
        else if (error != -ENODEV) /* it is something else after all */
            log_write(LOG_WARNING, "usb %s: %s: %s", function->device->name, known[i]->name,
                      error_text(error));
        if (!error)
            return;
    }
}

static void find_drivers(struct usb_device *device)
{
    const struct usb_configuration *configuration = device->configuration;

    for (unsigned i = 0; i < configuration->interface_count; i++) {
        if (configuration->interfaces[i].alternate)
            continue;
        device->functions[i].device = device;
        device->functions[i].interface = &configuration->interfaces[i];
        find_driver(&device->functions[i]);
    }
}

static void leave_drivers(struct usb_device *device)
{
    for (unsigned i = 0; i < USB_INTERFACES_MAXIMUM; i++) {
        struct usb_function *function = &device->functions[i];
        if (function->driver)
            function->driver->remove(function);
        function->driver = NULL;
    }
}

/* ---- coming and going ---- */

struct usb_device *usb_device_attach(struct xhci *controller, struct usb_device *hub, uint8_t port,
                                     enum usb_speed speed, uint8_t speed_identifier)
{
    struct usb_device *device = NULL;
    int error = hub && hub->depth == USB_DEPTH_MOST ? -ELOOP : 0;

    if (!error) {
        device = make(controller, hub, port, speed, speed_identifier);
        error = device ? xhci_slot_enter(device) : -ENOMEM;
    }
    if (!error) {
        usb_sleep(ADDRESS_RECOVERY_MS);
        error = read_all(device);
    }
    if (error) {
        log_write(LOG_DEBUG, "usb %s: %s", device ? device->name : "?", error_text(error));
        if (device)
            drop(device);
        return NULL;
    }
    usb_tree_add(device);
    log_write(LOG_NOTICE, "usb %s: %04x:%04x %s %s", device->name, device->descriptor.vendor,
              device->descriptor.product, device->vendor, device->product);
    find_drivers(device);
    return device;
}

static bool is_below(const struct usb_device *device, const struct usb_device *top)
{
    while (device && device != top)
        device = device->hub;
    return device == top;
}

static void mark_gone(struct xhci *controller, struct usb_device *top)
{
    struct usb_device *device;
    bool enabled = spinlock_acquire_save(&controller->lock);

    TAILQ_FOREACH(device, &controller->devices, link)
    if (is_below(device, top))
        __atomic_store_n(&device->gone, true, __ATOMIC_RELAXED);
    spinlock_release_restore(&controller->lock, enabled);
}

/* First nothing is under way any more, then the drivers leave, then the controller forgets it. */
static void detach_one(struct usb_device *device)
{
    usb_device_finish_transfers(device);
    leave_drivers(device);
    usb_tree_remove(device);
    if (!device->hub)
        device->controller->ports[device->port].device = NULL;
    log_write(LOG_NOTICE, "usb %s: gone", device->name);
    drop(device);
}

void usb_device_detach(struct usb_device *top)
{
    struct xhci *controller = top->controller;
    struct usb_device *device, *before;

    mark_gone(controller, top);
    TAILQ_FOREACH_REVERSE_SAFE(device, &controller->devices, usb_device_list, link, before)
    if (device != top && is_below(device, top))
        detach_one(device);
    detach_one(top);
}
