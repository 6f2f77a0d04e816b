/*
 * devices.c: which disks and partitions there are, and who has them open.
 *
 * Numbers are Linux's (Documentation/admin-guide/devices.txt); what is beyond a disk's own numbers,
 * and NVMe, has major number 259, the lowest free minor.
 */
#include <asm/errno.h>

#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "storage/block.h"
#include "storage/numbers.h"

struct spinlock blocks_lock = SPINLOCK_INITIALIZER;
struct block_devices block_devices = TAILQ_HEAD_INITIALIZER(block_devices); /* blocks_lock */

static struct mutex open_mutex; /* who has which device open */

void block_devices_initialize(void)
{
    mutex_initialize(&open_mutex, MUTEX_DISKS);
}

/* ---- finding ---- */

/* blocks_lock held. */
static struct block_device *find(uint32_t major, uint32_t minor)
{
    struct block_device *device;

    TAILQ_FOREACH(device, &block_devices, link)
    if (device->major == major && device->minor == minor)
        return device;
    return NULL;
}

struct block_device *block_device_find(uint32_t major, uint32_t minor)
{
    spinlock_acquire(&blocks_lock);
    struct block_device *device = find(major, minor);
    if (device)
        block_device_reference(device);
    spinlock_release(&blocks_lock);
    return device;
}

/* One that was taken out meanwhile has no place any more: the walk ends there. */
struct block_device *block_device_next(struct block_device *before)
{
    spinlock_acquire(&blocks_lock);
    struct block_device *next = !before          ? TAILQ_FIRST(&block_devices)
                                : before->listed ? TAILQ_NEXT(before, link)
                                                 : NULL;
    if (next)
        block_device_reference(next);
    spinlock_release(&blocks_lock);
    block_device_release(before);
    return next;
}

/* ---- numbers ---- */

const struct block_major block_majors[] = {
    {"loop", "loop", 7, 1},     {"sd", "sd", 8, 16},      {"mmcblk", "mmc", 179, 8},
    {"vd", "virtblk", 254, 16}, {NULL, "blkext", 259, 0},
};
const size_t block_major_count = array_length(block_majors);

static const struct block_major *major_of(const char *name)
{
    const struct block_major *major = block_majors;

    while (major->prefix && strncmp(name, major->prefix, strlen(major->prefix)) != 0)
        major++;
    return major;
}

/* The disk's own number, or the lowest free one of those for all. blocks_lock held. */
static int choose_number(struct block_device *device)
{
    const struct block_major *major = major_of(device->owner->facts.name);
    uint32_t minor = device->owner->index * major->each + device->partition;

    device->major = major->number;
    device->minor = minor;
    if (device->partition < major->each && minor < BLOCK_MINORS && !find(device->major, minor))
        return 0;
    device->major = BLOCK_MAJOR_EXTENDED;
    for (device->minor = 0; device->minor < BLOCK_MINORS; device->minor++)
        if (!find(device->major, device->minor))
            return 0;
    return -ENOSPC;
}

/* ---- making ---- */

/* As on Linux: vda1, but nvme0n1p1. */
static void choose_name(struct block_device *device)
{
    const char *disk = device->owner->facts.name;
    size_t length = strlen(disk);

    if (!device->partition)
        format_string(device->name, sizeof(device->name), "%s", disk);
    else
        format_string(device->name, sizeof(device->name), "%s%s%u", disk,
                      disk[length - 1] >= '0' && disk[length - 1] <= '9' ? "p" : "",
                      device->partition);
}

static void describe(struct block_device *device, const struct partition *partition,
                     enum partition_table_kind table)
{
    uint32_t block_size = device->owner->facts.block_size;

    device->partition = partition->number;
    device->first = partition->first * block_size;
    device->size = partition->count * block_size;
    device->table = table;
    device->type = partition->type;
    memcpy(device->type_guid, partition->type_guid, sizeof(device->type_guid));
    memcpy(device->guid, partition->guid, sizeof(device->guid));
    memcpy(device->label, partition->name, sizeof(device->label));
}

/* Behind the disk's others. blocks_lock held. */
static void list(struct block_device *device)
{
    struct block_device *place = device->owner->whole, *next;

    if (!device->partition) {
        TAILQ_INSERT_TAIL(&block_devices, device, link);
    } else {
        while ((next = TAILQ_NEXT(place, link)) && next->owner == device->owner)
            place = next;
        TAILQ_INSERT_AFTER(&block_devices, place, device, link);
    }
    device->listed = true;
}

struct block_device *block_device_create(struct block_disk *disk, const struct partition *partition,
                                         enum partition_table_kind table)
{
    struct block_device *device = heap_allocate_zeroed(sizeof(*device));

    if (!device)
        return NULL;
    device->owner = disk;
    device->references = 1; /* the list's */
    device->size = disk->facts.block_count * disk->facts.block_size;
    if (partition)
        describe(device, partition, table);
    choose_name(device);
    mutex_initialize(&device->mutex, MUTEX_BLOCK_DEVICE);
    block_cache_begin(device);
    device->locked = partition ? disk->whole->locked : disk->facts.internal && !block_write_disks;

    spinlock_acquire(&blocks_lock);
    int error = choose_number(device);
    if (!error) {
        if (partition)
            block_device_reference(disk->whole);
        else
            disk->whole = device;
        __atomic_fetch_add(&disk->references, 1, __ATOMIC_RELAXED);
        list(device);
    }
    spinlock_release(&blocks_lock);
    if (error) {
        heap_free(device);
        return NULL;
    }
    return device;
}

void block_device_remove(struct block_device *device)
{
    spinlock_acquire(&blocks_lock);
    TAILQ_REMOVE(&block_devices, device, link);
    device->listed = false;
    spinlock_release(&blocks_lock);
    block_device_release(device);
}

void block_device_release(struct block_device *device)
{
    if (!device || __atomic_sub_fetch(&device->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    block_forget(device, true);
    page_cache_destroy(&device->cache);
    if (device->partition)
        block_device_release(device->owner->whole);
    block_disk_release(device->owner);
    heap_free(device);
}

/* ---- open and close ---- */

bool block_disk_gone(struct block_disk *disk)
{
    bool enabled = spinlock_acquire_save(&disk->lock);
    bool gone = disk->gone;

    spinlock_release_restore(&disk->lock, enabled);
    return gone;
}

bool block_device_gone(struct block_device *device)
{
    return block_disk_gone(device->owner) || !__atomic_load_n(&device->listed, __ATOMIC_RELAXED);
}

/* Somebody wants what overlaps with it for himself? open_mutex held. */
static bool is_claimed(struct block_device *device)
{
    struct block_device *other;
    bool claimed = false;

    spinlock_acquire(&blocks_lock);
    TAILQ_FOREACH(other, &block_devices, link)
    {
        bool overlaps = other->owner == device->owner &&
                        (other == device || !other->partition || !device->partition);
        claimed |= overlaps && other->exclusive;
    }
    spinlock_release(&blocks_lock);
    return claimed;
}

int block_device_open(struct block_device *device, bool exclusive)
{
    int error = 0;

    mutex_acquire(&open_mutex);
    if (block_device_gone(device))
        error = -ENXIO;
    else if (exclusive && is_claimed(device))
        error = -EBUSY;
    if (!error) {
        device->openers++;
        device->exclusive += exclusive;
    }
    mutex_release(&open_mutex);
    return error;
}

bool block_device_close(struct block_device *device, bool exclusive)
{
    mutex_acquire(&open_mutex);
    bool last = device->openers == 1;
    mutex_release(&open_mutex);
    if (last)
        block_write_back(device);
    mutex_acquire(&open_mutex);
    device->exclusive -= exclusive;
    last = --device->openers == 0;
    mutex_release(&open_mutex);
    if (last)
        block_forget(device, false);
    return last;
}

bool block_partition_open(struct block_disk *disk, uint32_t number)
{
    struct block_device *device;
    bool any = false;

    mutex_acquire(&open_mutex);
    spinlock_acquire(&blocks_lock);
    TAILQ_FOREACH(device, &block_devices, link)
    any |= device->owner == disk && device->partition && device->openers &&
           (!number || device->partition == number);
    spinlock_release(&blocks_lock);
    mutex_release(&open_mutex);
    return any;
}

/* ---- who may write ---- */

bool block_write_disks;

bool block_device_read_only(const struct block_device *device)
{
    return device->owner->facts.read_only || __atomic_load_n(&device->locked, __ATOMIC_RELAXED);
}

int block_device_lock(struct block_device *device, bool locked)
{
    struct block_device *other;

    if (!locked && device->owner->facts.read_only)
        return -EACCES;
    spinlock_acquire(&blocks_lock);
    TAILQ_FOREACH(other, &block_devices, link)
    if (other == device || (other->owner == device->owner && !device->partition))
        __atomic_store_n(&other->locked, locked, __ATOMIC_RELAXED);
    spinlock_release(&blocks_lock);
    return 0;
}
