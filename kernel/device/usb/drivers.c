/* drivers.c: the drivers of functions there are. A function is offered to each that matches. */
#include "device/usb/usb.h"

const struct usb_driver *const usb_drivers[] = {
    &usb_hub_driver,
    &usb_keyboard_driver,
    &usb_storage_driver,
    NULL,
};
