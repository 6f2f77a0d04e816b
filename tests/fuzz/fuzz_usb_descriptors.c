/* The input is a speed and what a device answers when it is asked for a descriptor. */
#include "fuzz.h"
#include "library/usb/descriptors.h"

#include <string.h>

static void interface_check(const struct usb_interface *interface, enum usb_speed speed)
{
    require(interface->endpoint_count <= USB_ENDPOINTS_MAXIMUM);
    for (unsigned i = 0; i < interface->endpoint_count; i++) {
        const struct usb_endpoint *endpoint = &interface->endpoints[i];
        require((endpoint->address & 0xf) != 0 && (endpoint->address & 0x70) == 0);
        require(endpoint->packet_size >= 1 && endpoint->packet_size <= 1024);
        require(endpoint->burst <= 15);
        require(usb_interval_exponent(endpoint, speed) <= 18);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usb_device_descriptor device;
    struct usb_configuration configuration;
    struct usb_hub hub;
    char text[USB_TEXT_MAXIMUM];

    if (!size)
        return 0;
    enum usb_speed speed = USB_FULL_SPEED + *data++ % 5;
    size--;
    if (!usb_device_parse(data, size, speed, &device))
        require(device.packet_size >= 8 && device.packet_size <= 512);
    require(usb_configuration_size(data, size) <= USB_CONFIGURATION_MAXIMUM);
    if (!usb_configuration_parse(data, size, speed, &configuration)) {
        require(configuration.value != 0);
        require(configuration.interface_count <= USB_INTERFACES_MAXIMUM);
        for (unsigned i = 0; i < configuration.interface_count; i++)
            interface_check(&configuration.interfaces[i], speed);
    }
    if (!usb_hub_parse(data, size, speed >= USB_SUPER_SPEED, &hub))
        require(hub.ports >= 1 && hub.think_time <= 3);
    usb_text_parse(data, size, text);
    require(memchr(text, 0, sizeof(text)) != NULL);
    return 0;
}
