/*
 * disks.c: /proc/partitions, /proc/diskstats, /sys/block and what leads there, for lsblk(8),
 * fdisk(8) and their like: proc(5), Linux's Documentation/ABI/stable/sysfs-block.
 *
 * A disk is a directory of /sys/block, and its partitions are directories in it; /sys/class/block
 * and /sys/dev/block lead there. number[0] of a key is a device's number; nothing is held, each
 * look finds it anew.
 */
#include <asm/errno.h>
#include <linux/stat.h>

#include "cpu/clock.h"
#include "library/format.h"
#include "library/string.h"
#include "proc/proc.h"
#include "storage/block.h"
#include "storage/loop.h"

static uint64_t number_of(const struct block_device *device)
{
    return device_number(device->major, device->minor);
}

/* With a reference, or NULL: it is gone. */
static struct block_device *device_of(const struct pseudo_key *key)
{
    return block_device_find(device_major(key->number[0]), device_minor(key->number[0]));
}

static uint64_t sectors(const struct block_device *device)
{
    return block_device_size(device) >> SECTOR_SHIFT;
}

/* ---- /proc ---- */

static int partitions_show(const struct pseudo_key *key, struct text *text)
{
    struct block_device *device = NULL;
    bool any = false;

    (void)key;
    while ((device = block_device_next(device))) {
        if (!sectors(device))
            continue; /* a loop device without a file */
        if (!any)
            text_print(text, "major minor  #blocks  name\n\n");
        any = true;
        text_print(text, "%4u  %7u %10lu %s\n", device->major, device->minor, sectors(device) / 2,
                   device->name);
    }
    return 0;
}

static uint64_t statistic(const uint64_t *field)
{
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* Documentation/admin-guide/iostats.rst; nothing is merged, and who waits is not counted. */
static void text_statistics(struct text *text, const struct block_device *device,
                            const char *separator)
{
    static const enum disk_operation operations[] = {DISK_READ, DISK_WRITE, DISK_DISCARD};
    const struct block_statistics *statistics = &device->statistics;
    uint64_t total = 0, milliseconds[array_length(operations)];

    for (size_t i = 0; i < array_length(operations); i++) {
        milliseconds[i] = statistic(&statistics->nanoseconds[operations[i]]) / 1000000;
        total += milliseconds[i];
    }
    for (size_t i = 0; i < array_length(operations); i++) {
        enum disk_operation operation = operations[i];
        text_print(text, "%s%lu%s0%s%lu%s%lu", i ? separator : "",
                   statistic(&statistics->requests[operation]), separator, separator,
                   statistic(&statistics->sectors[operation]), separator, milliseconds[i]);
        if (operation == DISK_WRITE)
            text_print(text, "%s0%s%lu%s%lu", separator, separator, total, separator, total);
    }
    text_print(text, "%s%lu%s%lu\n", separator, statistic(&statistics->requests[DISK_FLUSH]),
               separator, statistic(&statistics->nanoseconds[DISK_FLUSH]) / 1000000);
}

static int statistics_show(const struct pseudo_key *key, struct text *text)
{
    struct block_device *device = NULL;

    (void)key;
    while ((device = block_device_next(device))) {
        text_print(text, "%4u %7u %s ", device->major, device->minor, device->name);
        text_statistics(text, device, " ");
    }
    return 0;
}

static struct pseudo_node proc_nodes[] = {
    {.name = "diskstats", .mode = S_IFREG | 0444, .show = statistics_show},
    {.name = "partitions", .mode = S_IFREG | 0444, .show = partitions_show},
};

/* ---- files of a device's directory ---- */

/* A function of a device becomes the text of a file. */
#define SHOW(function, statement)                                                                  \
    static int function##_show(const struct pseudo_key *key, struct text *text)                    \
    {                                                                                              \
        struct block_device *device = device_of(key);                                              \
        if (!device)                                                                               \
            return -ENODEV;                                                                        \
        const struct disk *facts = &device->owner->facts;                                          \
        (void)facts;                                                                               \
        statement;                                                                                 \
        block_device_release(device);                                                              \
        return 0;                                                                                  \
    }

static uint32_t physical(const struct disk *facts)
{
    return facts->physical_block_size ? facts->physical_block_size : facts->block_size;
}

SHOW(dev, text_print(text, "%u:%u\n", device->major, device->minor))
SHOW(size, text_print(text, "%lu\n", sectors(device)))
SHOW(start, text_print(text, "%lu\n", device->first >> SECTOR_SHIFT))
SHOW(partition, text_print(text, "%u\n", device->partition))
SHOW(ro, text_print(text, "%d\n", block_device_read_only(device)))
SHOW(removable, text_print(text, "%d\n", facts->removable))
SHOW(stat, text_statistics(text, device, " "))
/* As Linux shows them: with the spaces that fill the device's own field, in SCSI's sizes of what
   passes for a SCSI disk. */
static bool is_scsi(const struct disk *facts)
{
    return facts->identity.ata || facts->identity.inquiry;
}

static void text_field(struct text *text, const struct disk *facts, const char *value,
                       int scsi_size, int nvme_size)
{
    int size = is_scsi(facts) ? scsi_size : facts->identity.nvme_controller ? nvme_size : 0;

    text_print(text, "%-*.*s\n", size, is_scsi(facts) ? size : (int)strlen(value), value);
}
SHOW(serial, text_field(text, facts, facts->serial, (int)strlen(facts->serial), 20))
SHOW(model, text_field(text, facts, facts->model, 16, 40))
SHOW(vendor, text_field(text, facts, facts->vendor, 8, 0))
SHOW(revision, text_field(text, facts, facts->revision, 4, 8))
SHOW(logical, text_print(text, "%u\n", facts->block_size))
SHOW(physical, text_print(text, "%u\n", physical(facts)))
SHOW(rotational, text_print(text, "%d\n", facts->rotates))
SHOW(write_cache, text_print(text, "write %s\n", facts->keeps_late ? "back" : "through"))
SHOW(granularity, text_print(text, "%u\n", facts->discards ? facts->block_size : 0))
SHOW(discard, text_print(text, "%u\n", facts->discards ? UINT32_MAX & ~4095U : 0))
SHOW(sectors, text_print(text, "%u\n", facts->blocks_maximum * facts->block_size / 1024))
SHOW(segments, text_print(text, "%u\n", facts->segments_maximum))
SHOW(requests, text_print(text, "%u\n", facts->requests_maximum))

static void text_event(struct text *text, const struct block_device *device)
{
    char guid[GUID_TEXT_SIZE];

    text_print(text, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n", device->major, device->minor,
               device->name, device->partition ? "partition" : "disk");
    if (!device->partition)
        return;
    text_print(text, "PARTN=%u\n", device->partition);
    if (*device->label)
        text_print(text, "PARTNAME=%s\n", device->label);
    if (device->table == PARTITION_TABLE_GPT) {
        guid_text(device->guid, guid);
        text_print(text, "PARTUUID=%s\n", guid);
    }
}
SHOW(uevent, text_event(text, device))

static struct pseudo_node queue_files[] = {
    PSEUDO_SHOW("discard_granularity", granularity_show),
    PSEUDO_SHOW("discard_max_bytes", discard_show),
    PSEUDO_SHOW("discard_max_hw_bytes", discard_show),
    PSEUDO_TEXT("discard_zeroes_data", "0\n"),
    PSEUDO_SHOW("hw_sector_size", logical_show),
    PSEUDO_SHOW("logical_block_size", logical_show),
    PSEUDO_SHOW("max_hw_sectors_kb", sectors_show),
    PSEUDO_SHOW("max_sectors_kb", sectors_show),
    PSEUDO_SHOW("max_segments", segments_show),
    PSEUDO_SHOW("minimum_io_size", physical_show),
    PSEUDO_SHOW("nr_requests", requests_show),
    PSEUDO_TEXT("optimal_io_size", "0\n"),
    PSEUDO_SHOW("physical_block_size", physical_show),
    PSEUDO_TEXT("read_ahead_kb", "128\n"),
    PSEUDO_SHOW("rotational", rotational_show),
    PSEUDO_TEXT("scheduler", "[none]\n"),
    PSEUDO_SHOW("write_cache", write_cache_show),
    PSEUDO_TEXT("zoned", "none\n"),
};
static struct pseudo_node facts_files[] = {
    PSEUDO_SHOW("model", model_show),
    PSEUDO_SHOW("rev", revision_show),
    PSEUDO_SHOW("serial", serial_show),
    PSEUDO_SHOW("vendor", vendor_show),
};
#define FOLDER_NODE(folder, files)                                                                 \
    {                                                                                              \
        .name = (folder), .mode = S_IFDIR | 0755, .children = (files),                             \
        .child_count = array_length(files)                                                         \
    }

static struct pseudo_node partition_files[] = {
    PSEUDO_TEXT("alignment_offset", "0\n"),
    PSEUDO_SHOW("dev", dev_show),
    PSEUDO_TEXT("discard_alignment", "0\n"),
    {.name = "holders", .mode = S_IFDIR | 0755},
    PSEUDO_TEXT("inflight", "       0        0\n"),
    PSEUDO_SHOW("partition", partition_show),
    PSEUDO_SHOW("ro", ro_show),
    PSEUDO_SHOW("size", size_show),
    PSEUDO_SHOW("start", start_show),
    PSEUDO_SHOW("stat", stat_show),
    PSEUDO_SHOW("uevent", uevent_show),
};
static struct pseudo_node partition_directory = {
    .mode = S_IFDIR | 0755,
    .children = partition_files,
    .child_count = array_length(partition_files),
};

static struct pseudo_node disk_files[] = {
    PSEUDO_TEXT("alignment_offset", "0\n"),
    PSEUDO_TEXT("capability", "0\n"),
    PSEUDO_SHOW("dev", dev_show),
    FOLDER_NODE("device", facts_files),
    PSEUDO_TEXT("discard_alignment", "0\n"),
    PSEUDO_TEXT("hidden", "0\n"),
    {.name = "holders", .mode = S_IFDIR | 0755},
    PSEUDO_TEXT("inflight", "       0        0\n"),
    FOLDER_NODE("queue", queue_files),
    PSEUDO_SHOW("removable", removable_show),
    PSEUDO_SHOW("ro", ro_show),
    PSEUDO_SHOW("serial", serial_show),
    PSEUDO_SHOW("size", size_show),
    {.name = "slaves", .mode = S_IFDIR | 0755},
    PSEUDO_SHOW("stat", stat_show),
    PSEUDO_SHOW("uevent", uevent_show),
};

/* ---- directories of devices ---- */

/* Which devices a directory lists, by the device it is about (NULL: none). */
typedef bool lists_function(const struct block_device *device, uint64_t about);

static bool lists_disks(const struct block_device *device, uint64_t about)
{
    (void)about;
    return !device->partition;
}

static bool lists_partitions(const struct block_device *device, uint64_t about)
{
    return device->partition && number_of(device->owner->whole) == about;
}

static bool lists_all(const struct block_device *device, uint64_t about)
{
    (void)device;
    (void)about;
    return true;
}

static void name_by_name(const struct block_device *device, char *name, size_t size)
{
    string_copy(name, device->name, size);
}

static void name_by_number(const struct block_device *device, char *name, size_t size)
{
    format_string(name, size, "%u:%u", device->major, device->minor);
}

struct listing {
    lists_function *lists;
    void (*name)(const struct block_device *device, char *name, size_t size);
    uint32_t type;
};

static int find(const struct listing *listing, const struct pseudo_key *key, const char *wanted,
                struct pseudo_key *child_key)
{
    struct block_device *device = NULL;
    char name[32];

    while ((device = block_device_next(device))) {
        listing->name(device, name, sizeof(name));
        if (!listing->lists(device, key->number[0]) || strcmp(name, wanted) != 0)
            continue;
        child_key->number[0] = number_of(device);
        block_device_release(device);
        return 0;
    }
    return -ENOENT;
}

static bool next(const struct listing *listing, const struct pseudo_key *key, uint64_t *position,
                 struct pseudo_name *name)
{
    struct block_device *device = NULL;
    uint64_t index = 0;

    while ((device = block_device_next(device))) {
        if (!listing->lists(device, key->number[0]) || index++ < *position)
            continue;
        listing->name(device, name->text, sizeof(name->text));
        name->type = listing->type;
        block_device_release(device);
        ++*position;
        return true;
    }
    return false;
}

#define LISTING(kind, lists_what, named_how, file_type, child_node)                                \
    static const struct listing kind##_listing = {lists_what, named_how, file_type};               \
    static int kind##_find(const struct pseudo_key *key, const char *wanted,                       \
                           struct pseudo_key *child_key, struct pseudo_node **child)               \
    {                                                                                              \
        *child = &(child_node);                                                                    \
        return find(&kind##_listing, key, wanted, child_key);                                      \
    }                                                                                              \
    static bool kind##_next(const struct pseudo_key *key, uint64_t *position,                      \
                            struct pseudo_name *name)                                              \
    {                                                                                              \
        return next(&kind##_listing, key, position, name);                                         \
    }

LISTING(partition, lists_partitions, name_by_name, S_IFDIR, partition_directory)

/* ---- of a loop device that has a file: loop/ ---- */

/* 0, or that it has none. */
static int loop_look(const struct pseudo_key *key, struct loop_info64 *information, char *path,
                     size_t size)
{
    struct block_device *device = device_of(key);
    int error =
        device && block_is_loop(device) ? loop_describe(device, information, path, size) : -ENOENT;

    block_device_release(device);
    return error;
}

#define LOOP_SHOW(function, format, value)                                                         \
    static int loop_##function##_show(const struct pseudo_key *key, struct text *text)             \
    {                                                                                              \
        struct loop_info64 information;                                                            \
        char path[1024];                                                                           \
        int error = loop_look(key, &information, path, sizeof(path));                              \
        if (!error)                                                                                \
            text_print(text, format "\n", value);                                                  \
        return error;                                                                              \
    }
LOOP_SHOW(autoclear, "%u", !!(information.lo_flags & LO_FLAGS_AUTOCLEAR))
LOOP_SHOW(backing_file, "%s", path)
LOOP_SHOW(dio, "%u", !!(information.lo_flags & LO_FLAGS_DIRECT_IO))
LOOP_SHOW(offset, "%lu", (uint64_t)information.lo_offset)
LOOP_SHOW(partscan, "%u", !!(information.lo_flags & LO_FLAGS_PARTSCAN))
LOOP_SHOW(sizelimit, "%lu", (uint64_t)information.lo_sizelimit)

static struct pseudo_node loop_files[] = {
    PSEUDO_SHOW("autoclear", loop_autoclear_show),
    PSEUDO_SHOW("backing_file", loop_backing_file_show),
    PSEUDO_SHOW("dio", loop_dio_show),
    PSEUDO_SHOW("offset", loop_offset_show),
    PSEUDO_SHOW("partscan", loop_partscan_show),
    PSEUDO_SHOW("sizelimit", loop_sizelimit_show),
};
static struct pseudo_node loop_directory = FOLDER_NODE("loop", loop_files);

static bool has_loop(const struct pseudo_key *key)
{
    struct loop_info64 information;
    char path[1];

    return !loop_look(key, &information, path, sizeof(path));
}

/* ---- directories of disks ---- */

static int inside_find(const struct pseudo_key *key, const char *wanted,
                       struct pseudo_key *child_key, struct pseudo_node **child)
{
    if (strcmp(wanted, loop_directory.name) != 0 || !has_loop(key))
        return partition_find(key, wanted, child_key, child);
    *child = &loop_directory;
    return 0;
}

/* `loop` first; then partitions, whose positions are one more. */
static bool inside_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    if (!*position) {
        *position = 1;
        if (has_loop(key)) {
            string_copy(name->text, loop_directory.name, sizeof(name->text));
            name->type = S_IFDIR;
            return true;
        }
    }
    uint64_t place = *position - 1;
    bool found = partition_next(key, &place, name);
    *position = place + 1;
    return found;
}

static struct pseudo_node disk_directory = {
    .mode = S_IFDIR | 0755,
    .children = disk_files,
    .child_count = array_length(disk_files),
    .find = inside_find,
    .next = inside_next,
};
LISTING(disk, lists_disks, name_by_name, S_IFDIR, disk_directory)

/* From /sys/class/block and /sys/dev/block: both are two folders deep. */
static ssize_t link_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    struct block_device *device = device_of(key);
    char target[96];

    if (!device)
        return -ENOENT;
    const char *disk = device->owner->facts.name;
    if (device->partition)
        format_string(target, sizeof(target), "../../block/%s/%s", disk, device->name);
    else
        format_string(target, sizeof(target), "../../block/%s", disk);
    block_device_release(device);
    return pseudo_link_text(buffer, size, target);
}
static struct pseudo_node device_link = {.mode = S_IFLNK | 0777, .read_link = link_read};
LISTING(name, lists_all, name_by_name, S_IFLNK, device_link)
LISTING(number, lists_all, name_by_number, S_IFLNK, device_link)

static struct pseudo_node block_directory = {
    .name = "block", .mode = S_IFDIR | 0755, .find = disk_find, .next = disk_next};
static struct pseudo_node class_directory = {
    .name = "block", .mode = S_IFDIR | 0755, .find = name_find, .next = name_next};
static struct pseudo_node number_directory = {
    .name = "block", .mode = S_IFDIR | 0755, .find = number_find, .next = number_next};

void proc_disks_initialize(void)
{
    pseudo_add(&proc_root, proc_nodes, array_length(proc_nodes));
    pseudo_add(&sys_root, &block_directory, 1);
    pseudo_add(&sys_class_directory, &class_directory, 1);
    pseudo_add(&sys_number_directory, &number_directory, 1);
}
