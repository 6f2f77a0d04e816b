/*
 * thread.c: a controller's thread: all that sleeps for the sake of its devices is done here, one
 * after the other, so that nobody looks for a device while it goes.
 */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "device/usb/xhci.h"
#include "device/wait.h"
#include "library/format.h"
#include "memory/worker.h"

#define SETTLE_PATIENCE (4 * NANOSECONDS_PER_SECOND)

void usb_sleep(uint64_t milliseconds)
{
    device_sleep(milliseconds * (NANOSECONDS_PER_SECOND / 1000));
}

/* ---- what there is to do ---- */

/* A port with a change, which is taken; 0: none. */
static unsigned take_port(struct xhci *controller)
{
    for (unsigned i = 0; i < array_length(controller->ports_changed); i++) {
        uint64_t changed = __atomic_load_n(&controller->ports_changed[i], __ATOMIC_ACQUIRE);
        if (!changed)
            continue;
        unsigned bit = (unsigned)__builtin_ctzl(changed);
        __atomic_fetch_and(&controller->ports_changed[i], ~(1UL << bit), __ATOMIC_RELAXED);
        return i * 64 + bit;
    }
    return 0;
}

static struct usb_function *find_work(struct xhci *controller)
{
    struct usb_device *device;

    TAILQ_FOREACH(device, &controller->devices, link)
    for (unsigned i = 0; i < USB_INTERFACES_MAXIMUM; i++)
        if (__atomic_load_n(&device->functions[i].work, __ATOMIC_RELAXED))
            return &device->functions[i];
    return NULL;
}

static bool is_leaving(const struct xhci *controller)
{
    return __atomic_load_n(&controller->leaving, __ATOMIC_ACQUIRE);
}

static bool has_work(struct xhci *controller)
{
    bool changed = false;

    if (is_leaving(controller))
        return true;
    if (xhci_is_dead(controller))
        return !TAILQ_EMPTY(&controller->devices);
    for (unsigned i = 0; i < array_length(controller->ports_changed); i++)
        changed |= __atomic_load_n(&controller->ports_changed[i], __ATOMIC_ACQUIRE) != 0;
    return changed || find_work(controller);
}

void usb_function_wake(struct usb_function *function)
{
    __atomic_store_n(&function->work, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&function->device->controller->work);
}

/* ---- doing it ---- */

/* No interrupt's function may still be at it: of a dead controller nothing else says that. */
static void detach_all(struct xhci *controller)
{
    struct usb_device *device;

    if (xhci_is_dead(controller))
        pci_interrupt_disconnect(controller->pci);
    while ((device = TAILQ_FIRST(&controller->devices)))
        usb_device_detach(device);
}

/* One thing. False: there is nothing to do. */
static bool work_once(struct xhci *controller)
{
    unsigned port = take_port(controller);
    struct usb_function *function;

    if (port) {
        if (port <= controller->port_count)
            xhci_root_port_changed(controller, port);
        return true;
    }
    function = find_work(controller);
    if (!function)
        return false;
    (void)__atomic_exchange_n(&function->work, false, __ATOMIC_ACQUIRE);
    if (function->driver && function->driver->work)
        function->driver->work(function);
    return true;
}

void xhci_starting(struct xhci *controller, int change)
{
    if (!__atomic_add_fetch(&controller->starting, change, __ATOMIC_ACQ_REL))
        wait_queue_wake_all(&controller->settled_queue);
}

static void run(void *argument)
{
    struct xhci *controller = argument;
    bool settled = false;

    for (unsigned port = 1; port <= controller->port_count; port++)
        xhci_root_port_changed(controller, port);
    while (!is_leaving(controller)) {
        if (xhci_is_dead(controller))
            detach_all(controller);
        else if (work_once(controller))
            continue;
        if (!settled)
            xhci_starting(controller, -1);
        settled = true;
        wait_event(&controller->work, has_work(controller), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
    }
    detach_all(controller);
    thread_exit();
}

/* ---- beginning and end ---- */

/* Returns when what was plugged in has been looked at, or that takes too long. */
int xhci_thread_start(struct xhci *controller)
{
    char name[16];

    format_string(name, sizeof(name), "usb%u", controller->number);
    controller->starting = 1;
    int error = worker_start(&controller->worker, name, run, controller);
    if (error)
        return error;
    wait_event(&controller->settled_queue,
               __atomic_load_n(&controller->starting, __ATOMIC_ACQUIRE) == 0,
               THREAD_UNINTERRUPTIBLE, clock_now() + SETTLE_PATIENCE);
    return 0;
}

void xhci_thread_end(struct xhci *controller)
{
    __atomic_store_n(&controller->leaving, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&controller->work);
    worker_await_end(&controller->worker);
}
