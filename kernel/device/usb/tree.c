/* tree.c: see tree.h. */
#include "device/usb/tree.h"

#include "device/usb/xhci.h"

void usb_tree_add(struct usb_device *device)
{
    TAILQ_INSERT_TAIL(&device->controller->devices, device, link);
}

void usb_tree_remove(struct usb_device *device)
{
    TAILQ_REMOVE(&device->controller->devices, device, link);
}
