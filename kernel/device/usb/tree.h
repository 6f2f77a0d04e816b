/* tree.h: all devices, for who looks at them: programs. */
#ifndef BATON_DEVICE_USB_TREE_H
#define BATON_DEVICE_USB_TREE_H

#include "device/usb/usb.h"

/* By a controller's thread: a device that answers comes, and goes before it does not exist. */
void usb_tree_add(struct usb_device *device);
void usb_tree_remove(struct usb_device *device);

#endif
