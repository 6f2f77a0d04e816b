/*
 * nvme.c: /sys/class/nvme and /sys/class/nvme-subsystem, where nvme(1) looks for controllers and
 * what disks (namespaces) they have.
 *
 * A controller is known by its disks: number[0] of a key is the number of the first of them.
 */
#include <asm/errno.h>
#include <linux/stat.h>

#include "device/driver.h"
#include "library/bytes.h"
#include "library/format.h"
#include "library/string.h"
#include "proc/proc.h"
#include "storage/block.h"
#include "storage/numbers.h"

#define NAME_SIZE 32

/* ---- controllers ---- */

static bool is_disk(const struct block_device *device)
{
    return !device->partition && device->owner->facts.identity.nvme_controller;
}

static void controller_name(const struct block_device *device, char name[NAME_SIZE])
{
    format_string(name, NAME_SIZE, "nvme%u", device->owner->facts.identity.nvme_index);
}

static bool is_of(const struct block_device *device, const char *controller)
{
    char name[NAME_SIZE];

    controller_name(device, name);
    return is_disk(device) && strcmp(name, controller) == 0;
}

/* Does another of its disks come before it? */
static bool has_brother_before(const struct block_device *device)
{
    struct block_device *other = NULL;
    char name[NAME_SIZE];
    bool before = false;

    controller_name(device, name);
    while ((other = block_device_next(other)) && other != device)
        before |= is_of(other, name);
    block_device_release(other);
    return before;
}

/* The controller's first disk, with a reference; NULL: it is gone. */
static struct block_device *controller_of(const struct pseudo_key *key)
{
    return block_device_find(device_major(key->number[0]), device_minor(key->number[0]));
}

/* ---- what a controller says of itself: NVM Express base specification 1.4, 5.15.2.2 ---- */

enum {
    IDENTIFY_NUMBER = 78,
    IDENTIFY_NAME = 768,
    IDENTIFY_NAME_SIZE = 256,
};

/* While the disk is there. */
static void text_name(struct text *text, const uint8_t *identity)
{
    char name[IDENTIFY_NAME_SIZE];

    disk_text(name, sizeof(name), identity + IDENTIFY_NAME, IDENTIFY_NAME_SIZE);
    text_print(text, "%s\n", name);
}

static void text_place(struct text *text, const struct disk *facts)
{
    char place[PCI_PLACE_LENGTH];

    pci_place_text(facts->pci, place);
    text_print(text, "%s\n", place);
}

#define SHOW(function, statement)                                                                  \
    static int function##_show(const struct pseudo_key *key, struct text *text)                    \
    {                                                                                              \
        struct block_device *device = controller_of(key);                                          \
        bool there = device && is_disk(device) && block_user_begin(device->owner);                 \
        if (there) {                                                                               \
            const struct disk *facts = &device->owner->facts;                                      \
            statement;                                                                             \
            block_user_end(device->owner);                                                         \
        }                                                                                          \
        block_device_release(device);                                                              \
        return there ? 0 : -ENODEV;                                                                \
    }
SHOW(address, text_place(text, facts))
SHOW(number, text_print(text, "%u\n", load16(facts->identity.nvme_controller + IDENTIFY_NUMBER)))
SHOW(node, text_print(text, "%u:%u\n", NVME_MAJOR, facts->identity.nvme_index))
SHOW(firmware, text_print(text, "%-8s\n", facts->revision))
SHOW(model, text_print(text, "%-40s\n", facts->model))
SHOW(serial, text_print(text, "%-20s\n", facts->serial))
SHOW(name, text_name(text, facts->identity.nvme_controller))

static struct pseudo_node controller_files[] = {
    PSEUDO_SHOW("address", address_show), PSEUDO_SHOW("cntlid", number_show),
    PSEUDO_SHOW("dev", node_show),        PSEUDO_SHOW("firmware_rev", firmware_show),
    PSEUDO_SHOW("model", model_show),     PSEUDO_SHOW("serial", serial_show),
    PSEUDO_TEXT("state", "live\n"),       PSEUDO_SHOW("subsysnqn", name_show),
    PSEUDO_TEXT("transport", "pcie\n"),
};
static struct pseudo_node subsystem_files[] = {
    PSEUDO_SHOW("firmware_rev", firmware_show),
    PSEUDO_SHOW("model", model_show),
    PSEUDO_SHOW("serial", serial_show),
    PSEUDO_SHOW("subsysnqn", name_show),
};

/* ---- directories ---- */

/* A subsystem leads to its controller and to the disks, as on Linux with several ways to a disk:
   nvme(1) lists a disk for each place where it finds it. */
static ssize_t link_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    struct block_device *device =
        block_device_find(device_major(key->number[1]), device_minor(key->number[1]));
    char target[96];

    if (!device)
        return -ENOENT;
    format_string(target, sizeof(target), "../../../block/%s", device->name);
    block_device_release(device);
    return pseudo_link_text(buffer, size, target);
}
static struct pseudo_node disk_link = {.mode = S_IFLNK | 0777, .read_link = link_read};

static ssize_t controller_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    struct block_device *device = controller_of(key);
    char target[96], name[NAME_SIZE];

    if (!device)
        return -ENOENT;
    controller_name(device, name);
    block_device_release(device);
    format_string(target, sizeof(target), "../../nvme/%s", name);
    return pseudo_link_text(buffer, size, target);
}
static struct pseudo_node controller_link = {.mode = S_IFLNK | 0777, .read_link = controller_read};

/* The `index`th disk of the controller whose first the key names, with a reference; NULL. */
static struct block_device *disk_at(const struct pseudo_key *key, uint64_t index)
{
    struct block_device *first = controller_of(key), *device = NULL;
    char name[NAME_SIZE];

    if (!first)
        return NULL;
    controller_name(first, name);
    block_device_release(first);
    while ((device = block_device_next(device)))
        if (is_of(device, name) && !index--)
            break;
    return device;
}

static int disk_find(const struct pseudo_key *key, const char *wanted, struct pseudo_key *child_key,
                     struct pseudo_node **child)
{
    struct block_device *device;
    bool found = false;

    for (uint64_t i = 0; !found && (device = disk_at(key, i)); i++) {
        found = strcmp(device->name, wanted) == 0;
        child_key->number[1] = device_number(device->major, device->minor);
        block_device_release(device);
    }
    *child = &disk_link;
    return found ? 0 : -ENOENT;
}

static bool disk_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    struct block_device *device = disk_at(key, *position);

    if (!device)
        return false;
    string_copy(name->text, device->name, sizeof(name->text));
    name->type = S_IFLNK;
    block_device_release(device);
    ++*position;
    return true;
}

static int inside_find(const struct pseudo_key *key, const char *wanted,
                       struct pseudo_key *child_key, struct pseudo_node **child)
{
    struct block_device *device = controller_of(key);
    char name[NAME_SIZE] = "";

    if (device)
        controller_name(device, name);
    block_device_release(device);
    if (strcmp(name, wanted) != 0)
        return disk_find(key, wanted, child_key, child);
    *child = &controller_link;
    return 0;
}

/* The controller first. */
static bool inside_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    uint64_t place = *position - 1;

    if (*position) {
        bool found = disk_next(key, &place, name);
        *position = place + 1;
        return found;
    }
    struct block_device *device = controller_of(key);
    if (!device)
        return false;
    controller_name(device, name->text);
    name->type = S_IFLNK;
    block_device_release(device);
    *position = 1;
    return true;
}

static struct pseudo_node controller_directory = {
    .mode = S_IFDIR | 0755,
    .children = controller_files,
    .child_count = array_length(controller_files),
};
static struct pseudo_node subsystem_directory = {
    .mode = S_IFDIR | 0755,
    .children = subsystem_files,
    .child_count = array_length(subsystem_files),
    .find = inside_find,
    .next = inside_next,
};

/* The `index`th controller's first disk, with a reference; NULL. */
static struct block_device *controller_at(uint64_t index)
{
    struct block_device *device = NULL;

    while ((device = block_device_next(device)))
        if (is_disk(device) && !has_brother_before(device) && !index--)
            break;
    return device;
}

/* nvme0, or nvme-subsys0. */
static void listed_name(const struct block_device *device, bool subsystem, char *name, size_t size)
{
    char controller[NAME_SIZE];

    controller_name(device, controller);
    format_string(name, size, "%s%s", subsystem ? "nvme-subsys" : "nvme",
                  controller + strlen("nvme"));
}

static int find(bool subsystem, const char *wanted, struct pseudo_key *child_key)
{
    struct block_device *device;
    char name[2 * NAME_SIZE];
    bool found = false;

    for (uint64_t i = 0; !found && (device = controller_at(i)); i++) {
        listed_name(device, subsystem, name, sizeof(name));
        found = strcmp(name, wanted) == 0;
        child_key->number[0] = device_number(device->major, device->minor);
        block_device_release(device);
    }
    return found ? 0 : -ENOENT;
}

static bool next(bool subsystem, uint64_t *position, struct pseudo_name *name)
{
    struct block_device *device = controller_at(*position);

    if (!device)
        return false;
    listed_name(device, subsystem, name->text, sizeof(name->text));
    name->type = S_IFDIR;
    block_device_release(device);
    ++*position;
    return true;
}

#define LISTING(kind, is_subsystem)                                                                \
    static int kind##s_find(const struct pseudo_key *key, const char *wanted,                      \
                            struct pseudo_key *child_key, struct pseudo_node **child)              \
    {                                                                                              \
        (void)key;                                                                                 \
        *child = &kind##_directory;                                                                \
        return find(is_subsystem, wanted, child_key);                                              \
    }                                                                                              \
    static bool kind##s_next(const struct pseudo_key *key, uint64_t *position,                     \
                             struct pseudo_name *name)                                             \
    {                                                                                              \
        (void)key;                                                                                 \
        return next(is_subsystem, position, name);                                                 \
    }
LISTING(controller, false)
LISTING(subsystem, true)

static struct pseudo_node class_directories[] = {
    {.name = "nvme", .mode = S_IFDIR | 0755, .find = controllers_find, .next = controllers_next},
    {.name = "nvme-subsystem",
     .mode = S_IFDIR | 0755,
     .find = subsystems_find,
     .next = subsystems_next},
};

void proc_nvme_initialize(void)
{
    pseudo_add(&sys_class_directory, class_directories, array_length(class_directories));
}
