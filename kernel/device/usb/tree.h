/* tree.h: all devices of all controllers, for who looks at them: programs. */
#ifndef BATON_DEVICE_USB_TREE_H
#define BATON_DEVICE_USB_TREE_H

#include "device/usb/usb.h"

/* Numbers of a device's node: Documentation/admin-guide/devices.txt. */
#define USB_MAJOR 189
static inline uint32_t usb_minor(uint8_t bus, uint8_t number)
{
    return (bus - 1U) * 128 + (number - 1U);
}

/* At boot, before there are controllers. */
void usb_tree_initialize(void);

/* By a controller's thread: a device that answers comes, and goes before it does not exist. */
void usb_tree_add(struct usb_device *device);
void usb_tree_remove(struct usb_device *device);

/* From 0 until unlocking no device goes: what was read of one when it came can be read, and control
   requests be made. -EINTR. By a thread; may sleep. */
int usb_tree_lock(void);
void usb_tree_unlock(void);
/* Locked: the first that came after the `before`th did (0: of all); or the one that came as that.
   NULL: none. */
struct usb_device *usb_tree_next(uint64_t before);
struct usb_device *usb_tree_find(uint64_t coming);

#endif
