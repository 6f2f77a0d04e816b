/* root_port.c: the controller's own ports (xHCI 1.2, 4.3 and 4.19). By its thread. */
#include "cpu/clock.h"
#include "cpu/log.h"
#include "device/usb/xhci.h"

#define DEBOUNCE_MS    100 /* USB 2.0, 7.1.7.3 */
#define RECOVERY_MS    10  /* 7.1.7.5 */
#define RESET_PATIENCE (NANOSECONDS_PER_SECOND)
#define TRIES          3

static uint32_t status_read(struct xhci *controller, unsigned port)
{
    return xhci_read(controller->operational, xhci_port_offset(port));
}

/* Acts, and leaves what it does not mean as it is. */
static void status_write(struct xhci *controller, unsigned port, uint32_t bits)
{
    uint32_t kept = status_read(controller, port) & XHCI_PORT_KEPT;

    xhci_write(controller->operational, xhci_port_offset(port), kept | bits);
}

static bool await_reset(struct xhci *controller, unsigned port)
{
    uint64_t end = clock_now() + RESET_PATIENCE;

    while (!(status_read(controller, port) & XHCI_PORT_RESET_CHANGES)) {
        if (clock_now() >= end)
            return false;
        usb_sleep(RECOVERY_MS);
    }
    return true;
}

static bool is_enabled(uint32_t status)
{
    return (status & XHCI_PORT_CONNECTED) && (status & XHCI_PORT_ENABLED);
}

/* A port of USB 3 resets what is plugged in by itself; `again`: that was not enough. */
static bool port_reset(struct xhci *controller, unsigned port, bool again)
{
    uint32_t status = status_read(controller, port);
    unsigned link = xhci_port_link(status);
    bool super_speed = controller->ports[port].super_speed;
    bool stuck = link == XHCI_LINK_INACTIVE || link == XHCI_LINK_COMPLIANCE;

    if (super_speed && is_enabled(status) && !again)
        return true;
    status_write(controller, port, XHCI_PORT_RESET_CHANGES);
    status_write(controller, port, super_speed && stuck ? XHCI_PORT_WARM_RESET : XHCI_PORT_RESET);
    bool done = await_reset(controller, port);
    status_write(controller, port, XHCI_PORT_RESET_CHANGES);
    usb_sleep(RECOVERY_MS);
    return done && is_enabled(status_read(controller, port));
}

static struct usb_device *try_attach(struct xhci *controller, unsigned port, bool again)
{
    if (!port_reset(controller, port, again))
        return NULL;
    unsigned identifier = xhci_port_speed(status_read(controller, port));
    enum usb_speed speed = controller->ports[port].speeds[identifier];
    return speed ? usb_device_attach(controller, NULL, (uint8_t)port, speed, (uint8_t)identifier)
                 : NULL;
}

static bool is_connected(struct xhci *controller, unsigned port)
{
    return status_read(controller, port) & XHCI_PORT_CONNECTED;
}

static void attach(struct xhci *controller, unsigned port)
{
    struct xhci_port *root = &controller->ports[port];

    for (unsigned i = 0; i < TRIES && !root->device && !xhci_is_dead(controller); i++) {
        usb_sleep(DEBOUNCE_MS);
        if (!is_connected(controller, port))
            return;
        root->device = try_attach(controller, port, i > 0);
    }
    root->failed = !root->device;
    if (root->failed)
        log_write(LOG_WARNING, "usb %u-%u: what is plugged in does not answer",
                  xhci_bus(controller, port), xhci_port_on_bus(controller, port));
}

void xhci_root_port_changed(struct xhci *controller, unsigned port)
{
    struct xhci_port *root = &controller->ports[port];
    uint32_t status = status_read(controller, port);
    bool connected = status & XHCI_PORT_CONNECTED;

    if (status == UINT32_MAX) {
        xhci_die(controller, "it does not answer");
        return;
    }
    status_write(controller, port, (status & XHCI_PORT_CHANGES) | XHCI_PORT_POWER);
    if (!connected || status & XHCI_PORT_CONNECT_CHANGE)
        root->failed = false;
    /* What was there went, perhaps for something else that came, or lost its link. */
    if (root->device && (!is_enabled(status) || status & XHCI_PORT_CONNECT_CHANGE))
        usb_device_detach(root->device);
    if (connected && !root->device && !root->failed)
        attach(controller, port);
}
