/* What USB devices say of themselves. */
#include "library/usb/descriptors.h"
#include "test.h"

#include <linux/errno.h>
#include <string.h>

/* ---- devices ---- */

/* QEMU's usb-kbd at high speed. */
static const uint8_t keyboard_device[] = {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0x27,
                                          0x06, 0x01, 0x00, 0,    0, 1, 4, 11, 1};

static void expect_device(const char *name, int at, uint8_t value, size_t size,
                          enum usb_speed speed, int result)
{
    uint8_t bytes[sizeof(keyboard_device)];
    struct usb_device_descriptor device;

    test_case("device: %s", name);
    memcpy(bytes, keyboard_device, sizeof(bytes));
    if (at >= 0)
        bytes[at] = value;
    expect_equal(usb_device_parse(test_copy(bytes, size), size, speed, &device), result);
}

static void test_devices(void)
{
    struct usb_device_descriptor device;

    test_case("a keyboard");
    expect_equal(usb_device_parse(keyboard_device, 18, USB_HIGH_SPEED, &device), 0);
    expect_equal(device.version, 0x200);
    expect_equal(device.packet_size, 64);
    expect_equal(device.vendor, 0x0627);
    expect_equal(device.product, 1);
    expect_equal(device.vendor_text, 1);
    expect_equal(device.product_text, 4);
    expect_equal(device.serial_text, 11);
    expect_equal(device.configurations, 1);
    expect_device("short", -1, 0, 17, USB_HIGH_SPEED, -EINVAL);
    expect_device("tells a short length", 0, 17, 18, USB_HIGH_SPEED, -EINVAL);
    expect_device("of another type", 1, 2, 18, USB_HIGH_SPEED, -EINVAL);
    expect_device("packets of 8 at high speed", 7, 8, 18, USB_HIGH_SPEED, -EINVAL);
    expect_device("packets of 8 at low speed", 7, 8, 18, USB_LOW_SPEED, 0);
    expect_device("packets of 9 at low speed", 7, 9, 18, USB_LOW_SPEED, -EINVAL);
    expect_device("packets of 16 at full speed", 7, 16, 18, USB_FULL_SPEED, 0);
    expect_device("packets of 24 at full speed", 7, 24, 18, USB_FULL_SPEED, -EINVAL);
    expect_device("packets of 2^9 at super speed", 7, 9, 18, USB_SUPER_SPEED, 0);
    expect_device("packets of 64 at super speed", 7, 64, 18, USB_SUPER_SPEED_PLUS, -EINVAL);
    expect_equal(usb_packet_size_first(keyboard_device, USB_FULL_SPEED), 64);
}

/* ---- configurations ---- */

/* A keyboard, and mass storage with its companions of super speed. */
static const uint8_t whole[] = {
    9, 2,    71,   0,    2, 1, 0,    0xa0, 50,                /* the configuration */
    9, 4,    0,    0,    1, 3, 1,    1,    0,                 /* a boot keyboard */
    9, 0x21, 0x11, 0x01, 0, 1, 0x22, 63,   0,                 /* its report descriptor */
    7, 5,    0x81, 3,    8, 0, 10,                            /* interrupt in */
    9, 4,    1,    0,    2, 8, 6,    0x50, 0,                 /* bulk-only */
    7, 5,    0x81, 2,    0, 4, 0,    6,    0x30, 15, 0, 0, 0, /* bulk in, burst */
    7, 5,    0x02, 2,    0, 4, 0,    6,    0x30, 3,  0, 0, 0, /* bulk out */
    2, 0xff,                                                  /* what nobody knows */
};

static struct usb_configuration configuration;

static int parse(const uint8_t *bytes, size_t size, enum usb_speed speed)
{
    return usb_configuration_parse(test_copy(bytes, size), size, speed, &configuration);
}

static void test_configurations(void)
{
    const struct usb_interface *interface = configuration.interfaces;

    test_case("a whole configuration");
    expect_equal(usb_configuration_size(whole, 9), 71);
    expect_equal(parse(whole, sizeof(whole), USB_SUPER_SPEED), 0);
    expect_equal(configuration.value, 1);
    expect_equal(configuration.attributes, 0xa0);
    expect_equal(configuration.interface_count, 2);
    expect_equal(interface[0].class, USB_CLASS_HID);
    expect_equal(interface[0].subclass, 1);
    expect_equal(interface[0].protocol, 1);
    expect_equal(interface[0].report_size, 63);
    expect_equal(interface[0].endpoint_count, 1);
    expect_equal(interface[0].endpoints[0].packet_size, 8);
    expect_equal(interface[1].class, USB_CLASS_MASS_STORAGE);
    const struct usb_endpoint *in = usb_endpoint_find(&interface[1], USB_BULK, USB_IN);
    const struct usb_endpoint *out = usb_endpoint_find(&interface[1], USB_BULK, 0);
    expect(in && in->packet_size == 1024 && in->burst == 15);
    expect(out && out->address == 2 && out->burst == 3);
    expect(!usb_endpoint_find(&interface[1], USB_INTERRUPT, USB_IN));

    test_case("cut anywhere, it is read as far as it goes");
    for (size_t size = 0; size <= sizeof(whole); size++) {
        int result = parse(whole, size, USB_SUPER_SPEED);
        expect_equal(result, size < 9 ? -EINVAL : 0);
        expect(configuration.interface_count <= 2);
    }
}

static void expect_changed(const char *name, size_t at, uint8_t value, int result,
                           unsigned interfaces, unsigned endpoints)
{
    uint8_t bytes[sizeof(whole)];

    test_case("configuration: %s", name);
    memcpy(bytes, whole, sizeof(whole));
    bytes[at] = value;
    expect_equal(parse(bytes, sizeof(bytes), USB_SUPER_SPEED), result);
    unsigned found = 0;
    for (unsigned i = 0; i < configuration.interface_count; i++)
        found += configuration.interfaces[i].endpoint_count;
    expect_equal(configuration.interface_count, interfaces);
    expect_equal(found, endpoints);
}

static void test_hostile_configurations(void)
{
    expect_changed("its value is 0", 5, 0, -EINVAL, 0, 0);
    expect_changed("of another type", 1, 4, -EINVAL, 0, 0);
    expect_changed("tells no length", 2, 8, -EINVAL, 0, 0);
    expect_changed("its total ends in the middle", 2, 20, 0, 1, 0);
    expect_changed("a descriptor of length 0", 9, 0, 0, 0, 0);
    expect_changed("a descriptor that is too long", 9, 255, 0, 0, 0);
    expect_changed("an endpoint without an interface", 10, 0xff, 0, 1, 2);
    expect_changed("a short interface", 9, 8, 0, 0, 0);
    expect_changed("endpoint number 0", 29, 0x80, 0, 2, 2);
    expect_changed("a reserved bit in an address", 29, 0x91, 0, 2, 2);
    expect_changed("packets of 0 bytes", 31, 0, 0, 2, 2);

    test_case("more interfaces and endpoints than are kept");
    uint8_t many[9 + 40 * 9 + 20 * 7] = {9, 2, 0xff, 0xff, 1, 1, 1, 0, 0};
    for (unsigned i = 0; i < 20; i++)
        memcpy(many + 9 + 7 * i, (uint8_t[]){7, 5, (uint8_t)(0x81 + i % 15), 2, 0, 2, 0}, 7);
    memmove(many + 18, many + 9, 20 * 7);
    memcpy(many + 9, (uint8_t[]){9, 4, 0, 0, 20, 3, 0, 0, 0}, 9);
    for (unsigned i = 0; i < 39; i++)
        memcpy(many + 158 + 9 * i, (uint8_t[]){9, 4, (uint8_t)i, 0, 0, 3, 0, 0, 0}, 9);
    expect_equal(parse(many, sizeof(many), USB_HIGH_SPEED), 0);
    expect_equal(configuration.interface_count, USB_INTERFACES_MAXIMUM);
    expect_equal(configuration.interfaces[0].endpoint_count, USB_ENDPOINTS_MAXIMUM);
    expect_equal(usb_configuration_size(many, 9), USB_CONFIGURATION_MAXIMUM);
}

/* ---- endpoints ---- */

static struct usb_endpoint endpoint_of(uint8_t type, uint16_t packet, enum usb_speed speed)
{
    uint8_t bytes[] = {9, 2, 25, 0, 1, 1, 1, 0,    0,    9, 4, 0, 0,
                       1, 3, 0,  0, 0, 7, 5, 0x81, type, 0, 0, 4};

    put16(bytes + 22, packet);
    expect_equal(parse(bytes, sizeof(bytes), speed), 0);
    return configuration.interfaces[0].endpoints[0];
}

static void test_endpoints(void)
{
    test_case("packets are no larger than the speed allows");
    expect_equal(endpoint_of(3, 64, USB_LOW_SPEED).packet_size, 8);
    expect_equal(endpoint_of(2, 512, USB_FULL_SPEED).packet_size, 64);
    expect_equal(endpoint_of(1, 1023, USB_FULL_SPEED).packet_size, 1023);
    expect_equal(endpoint_of(2, 1024, USB_HIGH_SPEED).packet_size, 512);
    expect_equal(endpoint_of(0, 1024, USB_HIGH_SPEED).packet_size, 64);
    expect_equal(endpoint_of(3, 0x7ff, USB_SUPER_SPEED).packet_size, 1024);

    test_case("several packets in a microframe");
    expect_equal(endpoint_of(3, 0x1400, USB_HIGH_SPEED).burst, 2);
    expect_equal(endpoint_of(3, 0x1400, USB_HIGH_SPEED).per_interval, 3072);
    expect_equal(endpoint_of(3, 0x1c00, USB_HIGH_SPEED).burst, 0);

    test_case("how often");
    struct usb_endpoint endpoint = {.type = USB_INTERRUPT, .interval = 10};
    expect_equal(usb_interval_exponent(&endpoint, USB_FULL_SPEED), 6); /* 8 ms */
    expect_equal(usb_interval_exponent(&endpoint, USB_HIGH_SPEED), 9);
    endpoint.interval = 0;
    expect_equal(usb_interval_exponent(&endpoint, USB_LOW_SPEED), 3);
    expect_equal(usb_interval_exponent(&endpoint, USB_SUPER_SPEED), 0);
    endpoint.interval = 255;
    expect_equal(usb_interval_exponent(&endpoint, USB_LOW_SPEED), 10);
    expect_equal(usb_interval_exponent(&endpoint, USB_SUPER_SPEED), 15);
    endpoint.type = USB_ISOCHRONOUS;
    endpoint.interval = 1;
    expect_equal(usb_interval_exponent(&endpoint, USB_FULL_SPEED), 3);
}

/* ---- hubs and texts ---- */

static void test_hubs(void)
{
    static const uint8_t two[] = {10, 0x29, 8, 0x69, 0, 50, 0, 0, 0, 0};
    static const uint8_t three[] = {12, 0x2a, 4, 0x09, 0, 50, 0, 4, 0, 0, 0, 0};
    struct usb_hub hub;

    test_case("hubs");
    expect_equal(usb_hub_parse(test_copy(two, 10), 10, false, &hub), 0);
    expect_equal(hub.ports, 8);
    expect_equal(hub.think_time, 3);
    expect_equal(hub.power_good_delay, 100);
    expect_equal(usb_hub_parse(test_copy(three, 12), 12, true, &hub), 0);
    expect_equal(hub.ports, 4);

    test_case("hubs that are none");
    expect_equal(usb_hub_parse(two, 10, true, &hub), -EINVAL);
    expect_equal(usb_hub_parse(three, 12, false, &hub), -EINVAL);
    expect_equal(usb_hub_parse(test_copy(two, 6), 6, false, &hub), -EINVAL);
    expect_equal(usb_hub_parse((uint8_t[]){10, 0x29, 0, 0, 0, 0, 0}, 7, false, &hub), -EINVAL);
    expect_equal(usb_hub_parse((uint8_t[]){12, 0x2a, 16, 0, 0, 0, 0}, 7, true, &hub), -EINVAL);
    expect_equal(usb_hub_parse((uint8_t[]){6, 0x29, 4, 0, 0, 0, 0}, 7, false, &hub), -EINVAL);
}

static void expect_text(const char *name, const uint8_t *bytes, size_t size, const char *expected)
{
    char text[USB_TEXT_MAXIMUM];

    test_case("text: %s", name);
    usb_text_parse(test_copy(bytes, size), size, text);
    expect_string(text, expected);
}

#define TEXT(name, expected, ...)                                                                  \
    expect_text(name, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}),      \
                expected)

static void test_texts(void)
{
    TEXT("plain", "QE", 6, 3, 'Q', 0, 'E', 0);
    TEXT("two and three bytes", "é€", 6, 3, 0xe9, 0, 0xac, 0x20);
    TEXT("control characters, a lonely half", "???", 8, 3, 10, 0, 0x85, 0, 0, 0xd8);
    TEXT("shorter than it says", "Q", 200, 3, 'Q', 0, 'E');
    TEXT("longer than it says", "Q", 4, 3, 'Q', 0, 'E', 0);
    TEXT("ends early", "Q", 6, 3, 'Q', 0, 0, 0);
    TEXT("none", "", 4, 2, 'Q', 0);
    TEXT("nothing", "", 4);
    uint8_t longest[255] = {255, 3};
    for (size_t i = 2; i + 1 < sizeof(longest); i += 2)
        put16(longest + i, 0x20ac);
    char text[USB_TEXT_MAXIMUM];
    test_case("text: longer than is kept");
    usb_text_parse(longest, sizeof(longest), text);
    expect_equal(strlen(text), 126);
}

int main(void)
{
    test_devices();
    test_configurations();
    test_hostile_configurations();
    test_endpoints();
    test_hubs();
    test_texts();
    return test_end();
}
