/*
 * usb.c: /sys/bus/usb/devices and what it leads to, for lsusb(8) and libusb: Linux's
 * Documentation/ABI/stable/sysfs-bus-usb and testing/sysfs-bus-usb.
 *
 * A device is a directory of /sys/devices/usb, and its interfaces are directories in it; all of
 * them have a link in /sys/bus/usb/devices. number[0] of a key is as what the device came (tree.h),
 * number[1] the place of the interface; nothing is held, each look finds it anew.
 */
#include <asm/errno.h>
#include <linux/stat.h>

#include "device/usb/tree.h"
#include "library/format.h"
#include "library/string.h"
#include "proc/machine/machine.h"

/* ---- files of a device ---- */

/* A function of a device becomes the text of a file. */
#define SHOW(function, statement)                                                                  \
    static int function##_show(const struct pseudo_key *key, struct text *text)                    \
    {                                                                                              \
        int error = usb_tree_lock();                                                               \
        if (error)                                                                                 \
            return error;                                                                          \
        const struct usb_device *device = usb_tree_find(key->number[0]);                           \
        if (!device) {                                                                             \
            usb_tree_unlock();                                                                     \
            return -ENODEV;                                                                        \
        }                                                                                          \
        (statement);                                                                               \
        usb_tree_unlock();                                                                         \
        return 0;                                                                                  \
    }
#define NUMBER(function, format, value) SHOW(function, text_print(text, format "\n", value))

static const char *speed_text(const struct usb_device *device)
{
    static const char *const texts[] = {
        [USB_FULL_SPEED] = "12",    [USB_LOW_SPEED] = "1.5",          [USB_HIGH_SPEED] = "480",
        [USB_SUPER_SPEED] = "5000", [USB_SUPER_SPEED_PLUS] = "10000",
    };
    return texts[device->speed];
}

/* Behind the bus: 5.1 of 1-5.1. */
static const char *path_text(const struct usb_device *device)
{
    return strchr(device->name, '-') + 1;
}

/* In steps of 2 mA, of USB 3 of 8. */
static unsigned power(const struct usb_device *device)
{
    return device->configuration->power * (device->speed >= USB_SUPER_SPEED ? 8 : 2);
}

static unsigned interface_count(const struct usb_device *device)
{
    unsigned count = 0;

    for (unsigned i = 0; i < device->configuration->interface_count; i++)
        count += !device->configuration->interfaces[i].alternate;
    return count;
}

static unsigned minor_of(const struct usb_device *device)
{
    return usb_minor(device->bus, device->number);
}

static void text_event(struct text *text, const struct usb_device *device)
{
    const struct usb_device_descriptor *descriptor = &device->descriptor;

    text_print(text, "MAJOR=%u\nMINOR=%u\nDEVNAME=bus/usb/%03u/%03u\nDEVTYPE=usb_device\n",
               USB_MAJOR, minor_of(device), device->bus, device->number);
    text_print(text, "DRIVER=usb\nPRODUCT=%x/%x/%x\nTYPE=%u/%u/%u\nBUSNUM=%03u\nDEVNUM=%03u\n",
               descriptor->vendor, descriptor->product, descriptor->release, descriptor->class,
               descriptor->subclass, descriptor->protocol, device->bus, device->number);
}

static void text_descriptors(struct text *text, const struct usb_device *device)
{
    text_append(text, device->descriptor_bytes, sizeof(device->descriptor_bytes));
    text_append(text, device->configuration_bytes, device->configuration_size);
}

NUMBER(attributes, "%x", device->configuration->attributes)
NUMBER(class, "%02x", device->descriptor.class)
NUMBER(configuration_value, "%u", device->configuration->value)
NUMBER(configurations, "%u", device->descriptor.configurations)
NUMBER(device_number, "%u", device->number)
NUMBER(bus_number, "%u", device->bus)
NUMBER(interfaces, "%2u", interface_count(device))
NUMBER(packet_size, "%u", device->descriptor_bytes[7])
NUMBER(path, "%s", path_text(device))
NUMBER(ports, "%u", device->hub_ports)
NUMBER(power, "%umA", power(device))
NUMBER(product_number, "%04x", device->descriptor.product)
NUMBER(protocol, "%02x", device->descriptor.protocol)
NUMBER(release, "%04x", device->descriptor.release)
NUMBER(speed, "%s", speed_text(device))
NUMBER(subclass, "%02x", device->descriptor.subclass)
NUMBER(vendor_number, "%04x", device->descriptor.vendor)
NUMBER(dev, "189:%u", minor_of(device))
SHOW(version, text_print(text, "%2x.%02x\n", device->descriptor.version >> 8,
                         device->descriptor.version & 0xff))
SHOW(uevent, text_event(text, device))
SHOW(descriptors, text_descriptors(text, device))
NUMBER(manufacturer, "%s", device->vendor)
NUMBER(product, "%s", device->product)
NUMBER(serial, "%s", device->serial)

static struct pseudo_node device_files[] = {
    PSEUDO_TEXT("authorized", "1\n"),
    PSEUDO_SHOW("bConfigurationValue", configuration_value_show),
    PSEUDO_SHOW("bDeviceClass", class_show),
    PSEUDO_SHOW("bDeviceProtocol", protocol_show),
    PSEUDO_SHOW("bDeviceSubClass", subclass_show),
    PSEUDO_SHOW("bMaxPacketSize0", packet_size_show),
    PSEUDO_SHOW("bMaxPower", power_show),
    PSEUDO_SHOW("bNumConfigurations", configurations_show),
    PSEUDO_SHOW("bNumInterfaces", interfaces_show),
    PSEUDO_SHOW("bcdDevice", release_show),
    PSEUDO_SHOW("bmAttributes", attributes_show),
    PSEUDO_SHOW("busnum", bus_number_show),
    PSEUDO_TEXT("configuration", "\n"),
    PSEUDO_SHOW("descriptors", descriptors_show),
    PSEUDO_SHOW("dev", dev_show),
    PSEUDO_SHOW("devnum", device_number_show),
    PSEUDO_SHOW("devpath", path_show),
    PSEUDO_SHOW("idProduct", product_number_show),
    PSEUDO_SHOW("idVendor", vendor_number_show),
    PSEUDO_SHOW("maxchild", ports_show),
    PSEUDO_SHOW("speed", speed_show),
    {.name = "subsystem", .mode = S_IFLNK | 0777, .text = "../../../bus/usb"},
    PSEUDO_SHOW("uevent", uevent_show),
    PSEUDO_SHOW("version", version_show),
};
/* Those that not every device has. */
static struct pseudo_node device_texts[] = {
    PSEUDO_SHOW("manufacturer", manufacturer_show),
    PSEUDO_SHOW("product", product_show),
    PSEUDO_SHOW("serial", serial_show),
};

static bool has_text(const struct usb_device *device, size_t index)
{
    const char *const texts[] = {device->vendor, device->product, device->serial};
    return *texts[index];
}

/* ---- files of an interface ---- */

/* The place is that of one that the device has: it was found so. */
static const struct usb_interface *interface_of(const struct usb_device *device,
                                                const struct pseudo_key *key)
{
    return &device->configuration->interfaces[key->number[1]];
}

#define INTERFACE(function, format, field)                                                         \
    NUMBER(interface_##function, format, interface_of(device, key)->field)
INTERFACE(class, "%02x", class)
INTERFACE(subclass, "%02x", subclass)
INTERFACE(protocol, "%02x", protocol)
INTERFACE(number, "%02x", number)
INTERFACE(alternate, "%2u", alternate)
INTERFACE(endpoints, "%02x", endpoint_count)

static void text_interface_event(struct text *text, const struct usb_device *device,
                                 const struct usb_interface *interface)
{
    const struct usb_device_descriptor *descriptor = &device->descriptor;

    text_print(text, "DEVTYPE=usb_interface\nPRODUCT=%x/%x/%x\nTYPE=%u/%u/%u\nINTERFACE=%u/%u/%u\n",
               descriptor->vendor, descriptor->product, descriptor->release, descriptor->class,
               descriptor->subclass, descriptor->protocol, interface->class, interface->subclass,
               interface->protocol);
}
SHOW(interface_uevent, text_interface_event(text, device, interface_of(device, key)))

static struct pseudo_node interface_files[] = {
    PSEUDO_SHOW("bAlternateSetting", interface_alternate_show),
    PSEUDO_SHOW("bInterfaceClass", interface_class_show),
    PSEUDO_SHOW("bInterfaceNumber", interface_number_show),
    PSEUDO_SHOW("bInterfaceProtocol", interface_protocol_show),
    PSEUDO_SHOW("bInterfaceSubClass", interface_subclass_show),
    PSEUDO_SHOW("bNumEndpoints", interface_endpoints_show),
    {.name = "subsystem", .mode = S_IFLNK | 0777, .text = "../../../../bus/usb"},
    PSEUDO_SHOW("uevent", interface_uevent_show),
};
static struct pseudo_node interface_directory = {
    .mode = S_IFDIR | 0755,
    .children = interface_files,
    .child_count = array_length(interface_files),
};

/* ---- directories: the tree is locked in all that begin with `place` ---- */

/*
 * A walk over devices and what each has: *position is a device's coming in the upper half, and
 * below 0 for the device itself, else an interface or text, from 1 on.
 */
#define PLACE_BITS 32

/* Linux's: 1-5:1.0. */
static void interface_name(const struct usb_device *device, unsigned index, char *name, size_t size)
{
    format_string(name, size, "%s:%u.%u", device->name, device->configuration->value,
                  device->configuration->interfaces[index].number);
}

/* The interfaces in use from `index` on: one's place, or how many places there are. */
static unsigned interface_next(const struct usb_device *device, unsigned index)
{
    const struct usb_configuration *configuration = device->configuration;

    while (index < configuration->interface_count && configuration->interfaces[index].alternate)
        index++;
    return index;
}

/* A device, or one of its interfaces, by its name. False: no such one. */
static bool place_find(const char *wanted, struct pseudo_key *key, bool *is_interface)
{
    char name[48];

    for (struct usb_device *device = usb_tree_next(0); device;
         device = usb_tree_next(device->coming)) {
        key->number[0] = device->coming;
        *is_interface = false;
        if (strcmp(device->name, wanted) == 0)
            return true;
        *is_interface = true;
        unsigned count = device->configuration->interface_count;
        for (unsigned i = interface_next(device, 0); i < count; i = interface_next(device, i + 1)) {
            interface_name(device, i, name, sizeof(name));
            key->number[1] = i;
            if (strcmp(name, wanted) == 0)
                return true;
        }
    }
    return false;
}

static int place_look(const char *wanted, struct pseudo_key *key, bool *is_interface)
{
    int error = usb_tree_lock();

    if (error)
        return error;
    bool found = place_find(wanted, key, is_interface);
    usb_tree_unlock();
    return found ? 0 : -ENOENT;
}

/* /sys/devices/usb/NAME: texts that it has, and interfaces. */
static bool place_next_in(const struct usb_device *device, uint64_t *position,
                          struct pseudo_name *name)
{
    for (; *position < array_length(device_texts); ++*position) {
        if (!has_text(device, *position))
            continue;
        string_copy(name->text, device_texts[*position].name, sizeof(name->text));
        name->type = S_IFREG;
        ++*position;
        return true;
    }
    unsigned index = interface_next(device, (unsigned)(*position - array_length(device_texts)));
    if (index >= device->configuration->interface_count)
        return false;
    interface_name(device, index, name->text, sizeof(name->text));
    name->type = S_IFDIR;
    *position = index + 1 + array_length(device_texts);
    return true;
}

static bool device_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    if (usb_tree_lock())
        return false;
    const struct usb_device *device = usb_tree_find(key->number[0]);
    bool found = device && place_next_in(device, position, name);
    usb_tree_unlock();
    return found;
}

static bool device_has_text(const struct pseudo_key *key, size_t index)
{
    if (usb_tree_lock())
        return false;
    const struct usb_device *device = usb_tree_find(key->number[0]);
    bool has = device && has_text(device, index);
    usb_tree_unlock();
    return has;
}

static int device_find(const struct pseudo_key *key, const char *wanted,
                       struct pseudo_key *child_key, struct pseudo_node **child)
{
    bool is_interface;

    for (size_t i = 0; i < array_length(device_texts); i++)
        if (strcmp(device_texts[i].name, wanted) == 0) {
            *child = &device_texts[i];
            return device_has_text(key, i) ? 0 : -ENOENT;
        }
    int error = place_look(wanted, child_key, &is_interface);
    if (error)
        return error;
    *child = &interface_directory;
    return is_interface && child_key->number[0] == key->number[0] ? 0 : -ENOENT;
}

static struct pseudo_node device_directory = {
    .mode = S_IFDIR | 0755,
    .children = device_files,
    .child_count = array_length(device_files),
    .find = device_find,
    .next = device_next,
};

/* /sys/devices/usb. */
static int devices_find(const struct pseudo_key *key, const char *wanted,
                        struct pseudo_key *child_key, struct pseudo_node **child)
{
    bool is_interface;
    int error = place_look(wanted, child_key, &is_interface);

    (void)key;
    *child = &device_directory;
    return error ? error : is_interface ? -ENOENT : 0;
}

static bool devices_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    (void)key;
    if (usb_tree_lock())
        return false;
    const struct usb_device *device = usb_tree_next(*position);
    if (device) {
        string_copy(name->text, device->name, sizeof(name->text));
        name->type = S_IFDIR;
        *position = device->coming;
    }
    usb_tree_unlock();
    return device;
}

/* /sys/bus/usb/devices: links to both. */
static ssize_t place_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    bool is_interface = key->number[2];
    char target[96], name[48];

    if (usb_tree_lock())
        return -EINTR;
    const struct usb_device *device = usb_tree_find(key->number[0]);
    if (device && is_interface)
        interface_name(device, (unsigned)key->number[1], name, sizeof(name));
    if (device)
        format_string(target, sizeof(target), "../../../devices/usb/%s%s%s", device->name,
                      is_interface ? "/" : "", is_interface ? name : "");
    usb_tree_unlock();
    return device ? pseudo_link_text(buffer, size, target) : -ENOENT;
}
static struct pseudo_node place_link = {.mode = S_IFLNK | 0777, .read_link = place_read};

static int links_find(const struct pseudo_key *key, const char *wanted,
                      struct pseudo_key *child_key, struct pseudo_node **child)
{
    bool is_interface;
    int error = place_look(wanted, child_key, &is_interface);

    (void)key;
    if (error)
        return error;
    child_key->number[2] = is_interface;
    *child = &place_link;
    return 0;
}

/* The device at or behind the position's, with the place in it; NULL: none is left. */
static const struct usb_device *place_after(uint64_t *position, unsigned *place)
{
    uint64_t coming = *position >> PLACE_BITS;
    const struct usb_device *device = usb_tree_find(coming);

    *place = (unsigned)*position;
    if (device && *place) {
        unsigned index = interface_next(device, *place - 1);
        if (index < device->configuration->interface_count) {
            *place = index + 1;
            return device;
        }
    }
    *place = 0;
    return usb_tree_next(coming);
}

static bool links_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    unsigned place;

    (void)key;
    if (usb_tree_lock())
        return false;
    const struct usb_device *device = place_after(position, &place);
    if (device && place)
        interface_name(device, place - 1, name->text, sizeof(name->text));
    else if (device)
        string_copy(name->text, device->name, sizeof(name->text));
    if (device) {
        name->type = S_IFLNK;
        *position = device->coming << PLACE_BITS | (place + 1);
    }
    usb_tree_unlock();
    return device;
}

static struct pseudo_node devices_directory = {
    .name = "usb", .mode = S_IFDIR | 0755, .find = devices_find, .next = devices_next};
static struct pseudo_node bus_directories[] = {
    {.name = "devices", .mode = S_IFDIR | 0755, .find = links_find, .next = links_next},
    {.name = "drivers", .mode = S_IFDIR | 0755},
};
static struct pseudo_node bus_directory = {
    .name = "usb",
    .mode = S_IFDIR | 0755,
    .children = bus_directories,
    .child_count = array_length(bus_directories),
};

void machine_usb_add(void)
{
    pseudo_add(&sys_devices_directory, &devices_directory, 1);
    pseudo_add(&sys_bus_directory, &bus_directory, 1);
}
