/*
 * descriptors.h: what a USB device says of itself (USB 2.0, 9.6 and 11.23; USB 3.2, 9.6 and 10.15;
 * HID 1.11, 6.2.1).
 *
 * Pure: no lock, any context. A device's word: nothing in it is trusted.
 */
#ifndef BATON_LIBRARY_USB_DESCRIPTORS_H
#define BATON_LIBRARY_USB_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By xHCI's default numbers (xHCI 1.2, 7.2.2.1.1). */
enum usb_speed {
    USB_FULL_SPEED = 1,
    USB_LOW_SPEED,
    USB_HIGH_SPEED,
    USB_SUPER_SPEED, /* from here on USB 3 */
    USB_SUPER_SPEED_PLUS,
};

/* Types of descriptors. */
enum {
    USB_DEVICE = 1,
    USB_CONFIGURATION = 2,
    USB_STRING = 3,
    USB_INTERFACE = 4,
    USB_ENDPOINT = 5,
    USB_HID = 0x21,
    USB_HID_REPORT = 0x22,
    USB_HUB = 0x29,
    USB_SUPER_SPEED_HUB = 0x2a,
    USB_ENDPOINT_COMPANION = 0x30,
};

/* Classes. */
enum {
    USB_CLASS_HID = 3,
    USB_CLASS_MASS_STORAGE = 8,
    USB_CLASS_HUB = 9,
};

#define USB_DEVICE_SIZE          18
#define USB_CONFIGURATION_HEADER 9
/* Of a configuration with all that belongs to it: what exceeds it is not looked at. */
#define USB_CONFIGURATION_MAXIMUM 4096

struct usb_device_descriptor {
    uint16_t version; /* of USB, in BCD */
    uint8_t class, subclass, protocol;
    uint16_t packet_size; /* of endpoint 0; bytes */
    uint16_t vendor, product, release;
    uint8_t vendor_text, product_text, serial_text; /* numbers of strings; 0: none */
    uint8_t configurations;
};
/* 0; -EINVAL: it is none, or its packet size is none of this speed. */
int usb_device_parse(const uint8_t *bytes, size_t size, enum usb_speed speed,
                     struct usb_device_descriptor *device);
/* The packet size by the first 8 bytes; 0: it is none of this speed. */
uint16_t usb_packet_size_first(const uint8_t *bytes, enum usb_speed speed);

enum usb_endpoint_type {
    USB_CONTROL,
    USB_ISOCHRONOUS,
    USB_BULK,
    USB_INTERRUPT,
};
#define USB_IN 0x80 /* in an endpoint's address: towards the host */

struct usb_endpoint {
    uint8_t address; /* 1 to 15, and USB_IN */
    enum usb_endpoint_type type;
    uint16_t packet_size;  /* bytes, at least 1 */
    uint8_t burst;         /* further packets in a row, 0 to 15 */
    uint8_t interval;      /* as told */
    uint16_t per_interval; /* bytes, of periodic ones */
};

#define USB_INTERFACES_MAXIMUM 16
#define USB_ENDPOINTS_MAXIMUM  8 /* of an interface */

struct usb_interface {
    uint8_t number, alternate;
    uint8_t class, subclass, protocol;
    uint16_t report_size; /* of a HID: bytes of its report descriptor; 0: none */
    uint8_t endpoint_count;
    struct usb_endpoint endpoints[USB_ENDPOINTS_MAXIMUM];
};

struct usb_configuration {
    uint8_t value; /* for SET_CONFIGURATION, not 0 */
    uint8_t attributes, power;
    uint8_t interface_count; /* alternates count */
    struct usb_interface interfaces[USB_INTERFACES_MAXIMUM];
};
/* How many bytes there are of it, by its header; 0: it is none. At most USB_CONFIGURATION_MAXIMUM.
 */
size_t usb_configuration_size(const uint8_t *bytes, size_t size);
/* Reads it as far as it makes sense; what exceeds the maxima is left out. 0, -EINVAL: it is none.
 */
int usb_configuration_parse(const uint8_t *bytes, size_t size, enum usb_speed speed,
                            struct usb_configuration *configuration);
/* The first of this type and direction (USB_IN or 0); NULL: none. */
const struct usb_endpoint *usb_endpoint_find(const struct usb_interface *interface,
                                             enum usb_endpoint_type type, uint8_t direction);
/* How often a periodic endpoint is served: every 2^n times 125 µs (xHCI 1.2, 6.2.3.6). */
uint8_t usb_interval_exponent(const struct usb_endpoint *endpoint, enum usb_speed speed);

struct usb_hub {
    uint8_t ports;             /* 1 to 255 (15 of USB 3) */
    uint8_t think_time;        /* of its transaction translators: 0 to 3 */
    uint16_t power_good_delay; /* ms from a port's power to a device that answers */
};
#define USB_HUB_HEADER 7 /* bytes that are looked at */
/* 0 or -EINVAL. */
int usb_hub_parse(const uint8_t *bytes, size_t size, bool super_speed, struct usb_hub *hub);

#define USB_TEXT_MAXIMUM 128 /* bytes, with its end */
/*
 * A string descriptor as UTF-8, ended; control characters and halves of surrogates become '?'. ""
 * if it is none. The language is the caller's choice.
 */
void usb_text_parse(const uint8_t *bytes, size_t size, char text[USB_TEXT_MAXIMUM]);

#endif
