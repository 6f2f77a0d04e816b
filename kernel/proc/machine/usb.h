/* usb.h: USB devices as programs see them. */
#ifndef BATON_PROC_MACHINE_USB_H
#define BATON_PROC_MACHINE_USB_H

struct usb_device;

/* At boot, before there are devices: /dev/bus/usb. 0, -ENOMEM or -EBUSY. */
int usb_nodes_initialize(void);
/* device/hooks.h: a device's node in /dev/bus/usb comes and goes. By a thread of the kernel. */
void usb_node_add(const struct usb_device *device);
void usb_node_remove(const struct usb_device *device);

#endif
