/*
 * pci.c: /sys/bus/pci and /proc/bus/pci, for lspci(8): Linux's
 * Documentation/ABI/testing/sysfs-bus-pci and Documentation/PCI/sysfs-pci.rst. Configuration space
 * is read, never written: drivers will own it.
 *
 * number[0] of a key is that of the device, number[1] that of the bus's first one.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/stat.h>

#include "cpu/cpu.h"
#include "device/pci.h"
#include "library/format.h"
#include "library/string.h"
#include "proc/machine/machine.h"

/* What Linux's list has: registers, ROM, six of SR-IOV, and a bridge's windows. */
enum {
    LISTED_OWN = 13,
    LISTED_WINDOWS = 4,
};
/* What everybody may read: reading more has locked up devices (Linux, pci-sysfs.c). */
enum {
    READABLE = 64,
    READABLE_CARDBUS = 128,
};

static const struct pci_device *device_of(const struct pseudo_key *key)
{
    return pci_device_at(key->number[0]);
}

/* ---- configuration space ---- */

static uint64_t readable_size(const struct file *file, const struct pci_device *device)
{
    if (credentials_capable(file->credentials, CAP_SYS_ADMIN))
        return device->config_size;
    return device->function.layout == PCI_CARDBUS ? READABLE_CARDBUS : READABLE;
}

static ssize_t config_read(struct file *file, struct transfer *to, int64_t *offset)
{
    const struct pci_device *device = device_of(pseudo_file_key(file));
    uint64_t size = readable_size(file, device);
    ssize_t done = 0;

    while (to->left && (uint64_t)*offset < size) {
        unsigned within = *offset & 3;
        uint32_t value = pci_config_read(device, (uint16_t)(*offset - within));
        size_t wanted = sizeof(value) - within;
        if (wanted > to->left)
            wanted = to->left;
        if (transfer_out(to, (const uint8_t *)&value + within, wanted) < wanted)
            return done ? done : -EFAULT;
        *offset += (int64_t)wanted;
        done += (ssize_t)wanted;
    }
    return done;
}

static ssize_t config_write(struct file *file, struct transfer *from, int64_t *offset)
{
    (void)file;
    (void)from;
    (void)offset;
    return -EPERM;
}

static void config_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes)
{
    attributes->size = device_of(key)->config_size;
}

static const struct file_operations config_operations = {
    .read = config_read, .write = config_write, .seek = file_seek_size};

/* ---- /sys/bus/pci/devices/SSSS:BB:DD.F ---- */

#define NUMBER(field, format, value)                                                               \
    static int field##_show(const struct pseudo_key *key, struct text *text)                       \
    {                                                                                              \
        const struct pci_function *function = &device_of(key)->function;                           \
        text_print(text, format "\n", value);                                                      \
        return 0;                                                                                  \
    }
NUMBER(vendor, "0x%04x", function->vendor)
NUMBER(device, "0x%04x", function->device)
NUMBER(class, "0x%06x", function->class)
NUMBER(revision, "0x%02x", function->revision)
NUMBER(subsystem_vendor, "0x%04x", function->subsystem_vendor)
NUMBER(subsystem_device, "0x%04x", function->subsystem_device)
NUMBER(irq, "%u", function->interrupt_line)

static int modalias_show(const struct pseudo_key *key, struct text *text)
{
    const struct pci_function *function = &device_of(key)->function;

    text_print(text, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", function->vendor,
               function->device, function->subsystem_vendor, function->subsystem_device,
               function->class >> 16, function->class >> 8 & 0xff, function->class & 0xff);
    return 0;
}

static void text_range(struct text *text, const struct pci_range *range)
{
    static const struct pci_range unused;

    range = range ? range : &unused;
    text_print(text, "0x%016lx 0x%016lx 0x%016lx\n", range->first, range->last,
               (uint64_t)range->flags);
}

static int resource_show(const struct pseudo_key *key, struct text *text)
{
    const struct pci_device *device = device_of(key);
    bool bridge = device->function.layout == PCI_BRIDGE;

    for (unsigned i = 0; i < LISTED_OWN; i++)
        text_range(text, i <= PCI_RANGE_ROM ? &device->ranges[i] : NULL);
    for (unsigned i = 0; bridge && i < LISTED_WINDOWS; i++)
        text_range(text, i < PCI_WINDOW_COUNT ? &device->ranges[PCI_RANGE_WINDOWS + i] : NULL);
    return 0;
}

static int local_cpus_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    proc_text_cpu_mask(text, &cpu_online);
    text_print(text, "\n");
    return 0;
}

static int local_cpu_list_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    proc_text_cpus(text, &cpu_online);
    text_print(text, "\n");
    return 0;
}

static struct pseudo_node device_files[] = {
    {.name = "class", .mode = S_IFREG | 0444, .show = class_show},
    {.name = "config",
     .mode = S_IFREG | 0644,
     .operations = &config_operations,
     .attributes = config_attributes},
    {.name = "device", .mode = S_IFREG | 0444, .show = device_show},
    {.name = "irq", .mode = S_IFREG | 0444, .show = irq_show},
    {.name = "local_cpulist", .mode = S_IFREG | 0444, .show = local_cpu_list_show},
    {.name = "local_cpus", .mode = S_IFREG | 0444, .show = local_cpus_show},
    {.name = "modalias", .mode = S_IFREG | 0444, .show = modalias_show},
    PSEUDO_TEXT("numa_node", "-1\n"),
    {.name = "resource", .mode = S_IFREG | 0444, .show = resource_show},
    {.name = "revision", .mode = S_IFREG | 0444, .show = revision_show},
    {.name = "subsystem_device", .mode = S_IFREG | 0444, .show = subsystem_device_show},
    {.name = "subsystem_vendor", .mode = S_IFREG | 0444, .show = subsystem_vendor_show},
    {.name = "vendor", .mode = S_IFREG | 0444, .show = vendor_show},
};
static struct pseudo_node device_directory = {
    .mode = S_IFDIR | 0755,
    .children = device_files,
    .child_count = array_length(device_files),
};

static void device_name(const struct pci_device *device, struct pseudo_name *name)
{
    format_string(name->text, sizeof(name->text), "%04x:%02x:%02x.%x", device->segment, device->bus,
                  device->slot, device->number);
    name->type = S_IFDIR;
}

static int device_find(const struct pseudo_key *key, const char *wanted,
                       struct pseudo_key *child_key, struct pseudo_node **child)
{
    const struct pci_device *device;
    struct pseudo_name name;

    (void)key;
    for (size_t i = 0; (device = pci_device_at(i)); i++) {
        device_name(device, &name);
        if (strcmp(name.text, wanted) == 0) {
            child_key->number[0] = i;
            *child = &device_directory;
            return 0;
        }
    }
    return -ENOENT;
}

static bool device_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    const struct pci_device *device = pci_device_at(*position);

    (void)key;
    if (!device)
        return false;
    device_name(device, name);
    ++*position;
    return true;
}

static struct pseudo_node bus_directories[] = {
    {.name = "devices", .mode = S_IFDIR | 0755, .find = device_find, .next = device_next},
    {.name = "drivers", .mode = S_IFDIR | 0755},
    {.name = "slots", .mode = S_IFDIR | 0755},
};
static struct pseudo_node buses[] = {
    {.name = "pci",
     .mode = S_IFDIR | 0755,
     .children = bus_directories,
     .child_count = array_length(bus_directories)},
};
struct pseudo_node sys_bus_directory = {
    .name = "bus",
    .mode = S_IFDIR | 0755,
    .children = buses,
    .child_count = array_length(buses),
};

/* ---- /proc/bus/pci ---- */

/* The order in Linux's list: the flags that a register's low bits are come with its address. */
static void text_ranges(struct text *text, const struct pci_device *device)
{
    for (unsigned i = 0; i <= PCI_RANGE_ROM; i++)
        text_print(text, "\t%16lx", device->ranges[i].first | (device->ranges[i].flags & 0xf));
    for (unsigned i = 0; i <= PCI_RANGE_ROM; i++) {
        const struct pci_range *range = &device->ranges[i];
        text_print(text, "\t%16lx", range->last ? range->last - range->first + 1 : 0);
    }
}

static int devices_show(const struct pseudo_key *key, struct text *text)
{
    const struct pci_device *device;

    (void)key;
    for (size_t i = 0; (device = pci_device_at(i)); i++) {
        text_print(text, "%02x%02x\t%04x%04x\t%x", device->bus, device->slot << 3 | device->number,
                   device->function.vendor, device->function.device,
                   device->function.interrupt_line);
        text_ranges(text, device);
        text_print(text, "\t\n");
    }
    return 0;
}

static bool of_same_bus(const struct pci_device *one, const struct pci_device *other)
{
    return other && one->segment == other->segment && one->bus == other->bus;
}

/* Linux's names: without the segment, where it is 0. */
static void bus_name(const struct pci_device *device, struct pseudo_name *name)
{
    size_t length = 0;

    if (device->segment)
        length = (size_t)format_string(name->text, sizeof(name->text), "%04x:", device->segment);
    format_string(name->text + length, sizeof(name->text) - length, "%02x", device->bus);
    name->type = S_IFDIR;
}

static void function_name(const struct pci_device *device, struct pseudo_name *name)
{
    format_string(name->text, sizeof(name->text), "%02x.%x", device->slot, device->number);
    name->type = S_IFREG;
}

static struct pseudo_node function_node = {
    .mode = S_IFREG | 0644, .operations = &config_operations, .attributes = config_attributes};

static int function_find(const struct pseudo_key *key, const char *wanted,
                         struct pseudo_key *child_key, struct pseudo_node **child)
{
    const struct pci_device *first = pci_device_at(key->number[1]);
    struct pseudo_name name;

    for (size_t i = key->number[1]; of_same_bus(first, pci_device_at(i)); i++) {
        function_name(pci_device_at(i), &name);
        if (strcmp(name.text, wanted) == 0) {
            child_key->number[0] = i;
            *child = &function_node;
            return 0;
        }
    }
    return -ENOENT;
}

static bool function_next(const struct pseudo_key *key, uint64_t *position,
                          struct pseudo_name *name)
{
    const struct pci_device *first = pci_device_at(key->number[1]);
    const struct pci_device *device = pci_device_at(key->number[1] + *position);

    if (!of_same_bus(first, device))
        return false;
    function_name(device, name);
    ++*position;
    return true;
}

static struct pseudo_node proc_bus_directory = {
    .mode = S_IFDIR | 0555, .find = function_find, .next = function_next};

static int bus_find(const struct pseudo_key *key, const char *wanted, struct pseudo_key *child_key,
                    struct pseudo_node **child)
{
    const struct pci_device *device;
    struct pseudo_name name;

    (void)key;
    for (size_t i = 0; (device = pci_device_at(i)); i++) {
        bus_name(device, &name);
        if (strcmp(name.text, wanted) == 0) {
            child_key->number[1] = i;
            *child = &proc_bus_directory;
            return 0;
        }
    }
    return -ENOENT;
}

static bool bus_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    const struct pci_device *device = pci_device_at(*position);

    (void)key;
    if (!device)
        return false;
    bus_name(device, name);
    while (of_same_bus(device, pci_device_at(*position)))
        ++*position;
    return true;
}

static struct pseudo_node pci_files[] = {
    {.name = "devices", .mode = S_IFREG | 0444, .show = devices_show},
};
static struct pseudo_node proc_buses[] = {
    {.name = "pci",
     .mode = S_IFDIR | 0555,
     .children = pci_files,
     .child_count = array_length(pci_files),
     .find = bus_find,
     .next = bus_next},
};
static struct pseudo_node proc_bus = {
    .name = "bus",
    .mode = S_IFDIR | 0555,
    .children = proc_buses,
    .child_count = array_length(proc_buses),
};

void machine_pci_add(void)
{
    pseudo_add(&sys_root, &sys_bus_directory, 1);
    pseudo_add(&proc_root, &proc_bus, 1);
}
