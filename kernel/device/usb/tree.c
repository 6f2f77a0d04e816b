/* tree.c: see tree.h. */
#include "device/usb/tree.h"

#include "device/hooks.h"
#include "device/usb/xhci.h"

static struct mutex tree_mutex;
static TAILQ_HEAD(, usb_device) tree = TAILQ_HEAD_INITIALIZER(tree); /* tree_mutex; as they came */
static uint64_t comings;                                             /* tree_mutex */

void usb_tree_initialize(void)
{
    mutex_initialize(&tree_mutex, MUTEX_USB_TREE);
}

int usb_tree_lock(void)
{
    return mutex_acquire_killable(&tree_mutex);
}

void usb_tree_unlock(void)
{
    mutex_release(&tree_mutex);
}

static bool has_number(const struct xhci *controller, uint8_t bus, uint8_t number)
{
    const struct usb_device *device;

    TAILQ_FOREACH(device, &controller->devices, link)
    if (device->bus == bus && device->number == number)
        return true;
    return false;
}

/* The next that is free, round and round: what went is not mistaken for what comes. The first is a
   root hub's on Linux. */
static uint8_t choose_number(const struct usb_device *device)
{
    uint8_t *last = &device->controller->numbers[device->bus % 2 == 0];

    do {
        if (*last < USB_NUMBER_FIRST || *last == USB_NUMBER_LAST)
            *last = USB_NUMBER_FIRST;
        else
            ++*last;
    } while (has_number(device->controller, device->bus, *last));
    return *last;
}

void usb_tree_add(struct usb_device *device)
{
    mutex_acquire(&tree_mutex);
    device->number = choose_number(device);
    device->coming = ++comings;
    TAILQ_INSERT_TAIL(&device->controller->devices, device, link);
    TAILQ_INSERT_TAIL(&tree, device, tree_link);
    mutex_release(&tree_mutex);
    device_hooks.usb_added(device);
}

void usb_tree_remove(struct usb_device *device)
{
    device_hooks.usb_removed(device);
    mutex_acquire(&tree_mutex);
    TAILQ_REMOVE(&tree, device, tree_link);
    TAILQ_REMOVE(&device->controller->devices, device, link);
    mutex_release(&tree_mutex);
}

struct usb_device *usb_tree_next(uint64_t before)
{
    struct usb_device *device;

    TAILQ_FOREACH(device, &tree, tree_link)
    if (device->coming > before)
        return device;
    return NULL;
}

struct usb_device *usb_tree_find(uint64_t coming)
{
    struct usb_device *device = coming ? usb_tree_next(coming - 1) : NULL;

    return device && device->coming == coming ? device : NULL;
}
