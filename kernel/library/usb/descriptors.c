/* descriptors.c: see descriptors.h. */
#include "library/usb/descriptors.h"

#include <linux/errno.h>

#include "library/bytes.h"
#include "library/string.h"
#include "library/utf8.h"

/* Every descriptor begins with its length and its type. */
enum {
    LENGTH = 0,
    TYPE = 1,
    HEADER = 2,
};

/* ---- devices ---- */

/* Super speed tells an exponent (USB 3.2, 9.6.1), the others the size. */
static uint16_t packet_size_of(uint8_t told, enum usb_speed speed)
{
    switch (speed) {
    case USB_LOW_SPEED:
        return told == 8 ? 8 : 0;
    case USB_FULL_SPEED:
        return told == 8 || told == 16 || told == 32 || told == 64 ? told : 0;
    case USB_HIGH_SPEED:
        return told == 64 ? 64 : 0;
    default:
        return told == 9 ? 512 : 0;
    }
}

uint16_t usb_packet_size_first(const uint8_t *bytes, enum usb_speed speed)
{
    return packet_size_of(bytes[7], speed);
}

int usb_device_parse(const uint8_t *bytes, size_t size, enum usb_speed speed,
                     struct usb_device_descriptor *device)
{
    if (size < USB_DEVICE_SIZE || bytes[LENGTH] < USB_DEVICE_SIZE || bytes[TYPE] != USB_DEVICE)
        return -EINVAL;
    *device = (struct usb_device_descriptor){
        .version = load16(bytes + 2),
        .class = bytes[4],
        .subclass = bytes[5],
        .protocol = bytes[6],
        .packet_size = packet_size_of(bytes[7], speed),
        .vendor = load16(bytes + 8),
        .product = load16(bytes + 10),
        .release = load16(bytes + 12),
        .vendor_text = bytes[14],
        .product_text = bytes[15],
        .serial_text = bytes[16],
        .configurations = bytes[17],
    };
    return device->packet_size ? 0 : -EINVAL;
}

/* ---- configurations ---- */

size_t usb_configuration_size(const uint8_t *bytes, size_t size)
{
    size_t told;

    if (size < USB_CONFIGURATION_HEADER || bytes[LENGTH] < USB_CONFIGURATION_HEADER ||
        bytes[TYPE] != USB_CONFIGURATION)
        return 0;
    told = load16(bytes + 2);
    if (told < USB_CONFIGURATION_HEADER)
        return 0;
    return told < USB_CONFIGURATION_MAXIMUM ? told : USB_CONFIGURATION_MAXIMUM;
}

/* The interface that this begins; NULL: none more. */
static struct usb_interface *parse_interface(const uint8_t *bytes,
                                             struct usb_configuration *configuration)
{
    const uint8_t size = 9;

    if (bytes[LENGTH] < size || configuration->interface_count == USB_INTERFACES_MAXIMUM)
        return NULL;
    struct usb_interface *interface = &configuration->interfaces[configuration->interface_count++];
    *interface = (struct usb_interface){
        .number = bytes[2],
        .alternate = bytes[3],
        .class = bytes[5],
        .subclass = bytes[6],
        .protocol = bytes[7],
    };
    return interface;
}

/* What a packet can be (USB 2.0, 5.5.3 to 5.8.3; USB 3.2, 9.6.6). */
static uint16_t packet_maximum(enum usb_speed speed, enum usb_endpoint_type type)
{
    if (speed == USB_LOW_SPEED)
        return 8;
    if (speed == USB_FULL_SPEED)
        return type == USB_ISOCHRONOUS ? 1023 : 64;
    if (speed == USB_HIGH_SPEED && (type == USB_BULK || type == USB_CONTROL))
        return type == USB_BULK ? 512 : 64;
    return 1024;
}

static struct usb_endpoint *parse_endpoint(const uint8_t *bytes, enum usb_speed speed,
                                           struct usb_interface *interface)
{
    const uint8_t size = 7;

    if (bytes[LENGTH] < size || interface->endpoint_count == USB_ENDPOINTS_MAXIMUM)
        return NULL;
    uint16_t told = load16(bytes + 4);
    struct usb_endpoint endpoint = {
        .address = bytes[2],
        .type = bytes[3] & 3,
        .packet_size = told & 0x7ff,
        .interval = bytes[6],
    };
    bool periodic = endpoint.type == USB_INTERRUPT || endpoint.type == USB_ISOCHRONOUS;
    if ((endpoint.address & 0x70) || !(endpoint.address & 0xf) || !endpoint.packet_size)
        return NULL;
    if (endpoint.packet_size > packet_maximum(speed, endpoint.type))
        endpoint.packet_size = packet_maximum(speed, endpoint.type);
    if (speed == USB_HIGH_SPEED && periodic) /* up to two more in a microframe; 3 is none */
        endpoint.burst = (told >> 11 & 3) % 3;
    endpoint.per_interval = (uint16_t)(endpoint.packet_size * (endpoint.burst + 1));
    interface->endpoints[interface->endpoint_count] = endpoint;
    return &interface->endpoints[interface->endpoint_count++];
}

static void parse_companion(const uint8_t *bytes, struct usb_endpoint *endpoint)
{
    const uint8_t size = 6;

    if (bytes[LENGTH] < size)
        return;
    endpoint->burst = bytes[2] & 0xf;
    if (endpoint->type == USB_INTERRUPT || endpoint->type == USB_ISOCHRONOUS)
        endpoint->per_interval = load16(bytes + 4);
}

/* Where the report descriptor is told among those that follow: 3 bytes each. */
static void parse_hid(const uint8_t *bytes, struct usb_interface *interface)
{
    for (size_t at = 6; at + 3 <= bytes[LENGTH]; at += 3)
        if (bytes[at] == USB_HID_REPORT && !interface->report_size)
            interface->report_size = load16(bytes + at + 1);
}

int usb_configuration_parse(const uint8_t *bytes, size_t size, enum usb_speed speed,
                            struct usb_configuration *configuration)
{
    struct usb_interface *interface = NULL;
    struct usb_endpoint *endpoint = NULL;
    size_t told = usb_configuration_size(bytes, size);

    memset(configuration, 0, sizeof(*configuration));
    if (!told || !bytes[5])
        return -EINVAL;
    if (size > told)
        size = told;
    configuration->value = bytes[5];
    configuration->attributes = bytes[7];
    configuration->power = bytes[8];
    for (size_t at = bytes[LENGTH]; at + HEADER <= size; at += bytes[at + LENGTH]) {
        const uint8_t *descriptor = bytes + at;
        if (descriptor[LENGTH] < HEADER || descriptor[LENGTH] > size - at)
            break;
        if (descriptor[TYPE] == USB_INTERFACE)
            interface = parse_interface(descriptor, configuration);
        else if (interface && descriptor[TYPE] == USB_HID)
            parse_hid(descriptor, interface);
        if (descriptor[TYPE] == USB_INTERFACE || descriptor[TYPE] == USB_ENDPOINT)
            endpoint = NULL;
        if (interface && descriptor[TYPE] == USB_ENDPOINT)
            endpoint = parse_endpoint(descriptor, speed, interface);
        else if (endpoint && descriptor[TYPE] == USB_ENDPOINT_COMPANION && speed >= USB_SUPER_SPEED)
            parse_companion(descriptor, endpoint);
    }
    return 0;
}

const struct usb_endpoint *usb_endpoint_find(const struct usb_interface *interface,
                                             enum usb_endpoint_type type, uint8_t direction)
{
    for (unsigned i = 0; i < interface->endpoint_count; i++) {
        const struct usb_endpoint *endpoint = &interface->endpoints[i];
        if (endpoint->type == type && (endpoint->address & USB_IN) == direction)
            return endpoint;
    }
    return NULL;
}

static unsigned clamp(unsigned value, unsigned least, unsigned most)
{
    return value < least ? least : value > most ? most : value;
}

uint8_t usb_interval_exponent(const struct usb_endpoint *endpoint, enum usb_speed speed)
{
    const unsigned millisecond = 3; /* as such an exponent */
    unsigned told = endpoint->interval;

    if (speed >= USB_HIGH_SPEED || endpoint->type == USB_ISOCHRONOUS)
        return (uint8_t)(clamp(told, 1, 16) - 1 + (speed < USB_HIGH_SPEED ? millisecond : 0));
    told = clamp(told, 1, 255); /* milliseconds */
    return (uint8_t)(millisecond + (31 - (unsigned)__builtin_clz(told)));
}

/* ---- hubs ---- */

int usb_hub_parse(const uint8_t *bytes, size_t size, bool super_speed, struct usb_hub *hub)
{
    const unsigned super_speed_ports = 15;

    if (size < USB_HUB_HEADER || bytes[LENGTH] < USB_HUB_HEADER ||
        bytes[TYPE] != (super_speed ? USB_SUPER_SPEED_HUB : USB_HUB))
        return -EINVAL;
    if (!bytes[2] || (super_speed && bytes[2] > super_speed_ports))
        return -EINVAL;
    *hub = (struct usb_hub){
        .ports = bytes[2],
        .think_time = super_speed ? 0 : bytes[3] >> 5 & 3,
        .power_good_delay = (uint16_t)(2 * bytes[5]),
    };
    return 0;
}

/* ---- texts ---- */

void usb_text_parse(const uint8_t *bytes, size_t size, char text[USB_TEXT_MAXIMUM])
{
    size_t length = 0;

    text[0] = '\0';
    if (size < HEADER || bytes[TYPE] != USB_STRING)
        return;
    if (size > bytes[LENGTH])
        size = bytes[LENGTH];
    for (size_t at = HEADER; at + 2 <= size; at += 2) {
        uint16_t unit = load16(bytes + at);
        if (unit == 0)
            break;
        bool control = unit < 0x20 || (unit >= 0x7f && unit < 0xa0);
        bool half = unit >= 0xd800 && unit < 0xe000;
        if (control || half)
            unit = '?';
        if (length + UTF8_MAXIMUM > USB_TEXT_MAXIMUM)
            break;
        length += utf8_encode(unit, (uint8_t *)text + length);
    }
    text[length] = '\0';
}
