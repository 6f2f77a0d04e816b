/* partitions.c: the parts that a disk's own table tells of. */
#include <asm/errno.h>

#include "cpu/log.h"
#include "library/error.h"
#include "library/string.h"
#include "memory/heap.h"
#include "storage/block.h"
#include "storage/names.h"

static int read_blocks(void *context, uint64_t block, void *buffer, uint32_t count)
{
    struct block_device *whole = context;
    uint32_t size = whole->owner->facts.block_size;

    return block_read(whole, block * size, buffer, (size_t)count * size);
}

static int table_read(struct block_disk *disk, struct partition_table *table)
{
    const struct partition_source source = {
        .read = read_blocks,
        .context = disk->whole,
        .block_size = disk->facts.block_size,
        .block_count = block_device_size(disk->whole) / disk->facts.block_size,
    };
    void *buffer = heap_allocate(PARTITION_BUFFER_SIZE);
    if (!buffer)
        return -ENOMEM;
    int error = partition_table_read(&source, buffer, table);
    heap_free(buffer);
    return error;
}

/* One of them, or (0) any. With a reference, or NULL. */
static struct block_device *partition_find(struct block_disk *disk, uint32_t number)
{
    struct block_device *device;

    spinlock_acquire(&blocks_lock);
    TAILQ_FOREACH(device, &block_devices, link)
    if (device->owner == disk && device->partition && (!number || device->partition == number)) {
        block_device_reference(device);
        break;
    }
    spinlock_release(&blocks_lock);
    return device;
}

/* scan_mutex held, as below. */
static void remove_partition(struct block_device *device)
{
    block_names_remove(device);
    block_device_remove(device);
}

static void remove_partitions(struct block_disk *disk)
{
    struct block_device *device;

    while ((device = partition_find(disk, 0))) {
        remove_partition(device);
        block_device_release(device);
    }
}

/* False: too little memory. */
static bool add_partition(struct block_disk *disk, const struct partition *partition)
{
    struct block_device *device = block_device_create(disk, partition, disk->table);

    if (!device) {
        log_write(LOG_WARNING, "%s: too little memory for its partitions", disk->facts.name);
        return false;
    }
    block_names_add(device);
    device->relabel = true;
    return true;
}

static void add_partitions(struct block_disk *disk, const struct partition_table *table)
{
    disk->table = table->kind;
    disk->signature = table->signature;
    memcpy(disk->guid, table->disk_guid, sizeof(disk->guid));
    for (uint32_t i = 0; i < table->count; i++)
        if (!add_partition(disk, &table->partitions[i]))
            return;
    if (table->from_backup)
        log_write(LOG_WARNING, "%s: the partition table is damaged: its copy at the end is used",
                  disk->facts.name);
}

static int scan(struct block_disk *disk)
{
    if (block_disk_gone(disk))
        return -ENXIO;
    if (!disk->named)
        block_names_add(disk->whole);
    disk->named = true;
    if (block_partition_open(disk, 0))
        return -EBUSY;
    struct partition_table *table = heap_allocate(sizeof(*table));
    if (!table)
        return -ENOMEM;
    int error = table_read(disk, table);
    if (error) {
        log_write(LOG_WARNING, "%s: its partition table cannot be read: %s", disk->facts.name,
                  error_text(error));
    } else {
        remove_partitions(disk);
        add_partitions(disk, table);
    }
    heap_free(table);
    /* As when the last one closes it: what is left in memory would be nobody's. */
    block_forget(disk->whole, false);
    if (!error)
        disk->whole->relabel = true;
    return error;
}

int block_partitions_scan(struct block_disk *disk)
{
    mutex_acquire(&disk->scan_mutex);
    int error = scan(disk);
    mutex_release(&disk->scan_mutex);
    block_labels_read(disk);
    return error;
}

void block_partitions_remove(struct block_disk *disk)
{
    mutex_acquire(&disk->scan_mutex);
    remove_partitions(disk);
    if (disk->named)
        block_names_remove(disk->whole);
    mutex_release(&disk->scan_mutex);
}

/* ---- one at a time: BLKPG ---- */

/* What is asked of the room's thread, which alone makes names. */
struct change {
    struct block_job job;
    int (*make)(struct change *change);
    uint32_t number;
    uint64_t first, size; /* bytes */
    int error;
};

static bool overlaps(struct block_disk *disk, const struct change *change)
{
    struct block_device *device;
    bool any = false;

    spinlock_acquire(&blocks_lock);
    TAILQ_FOREACH(device, &block_devices, link)
    any |= device->owner == disk && device->partition && device->partition != change->number &&
           change->first < device->first + block_device_size(device) &&
           device->first < change->first + change->size;
    spinlock_release(&blocks_lock);
    return any;
}

static int change_check(struct block_disk *disk, const struct change *change)
{
    uint64_t mask = disk->facts.block_size - 1, end = block_device_size(disk->whole);

    if (!change->number || (change->first | change->size) & mask || !change->size ||
        change->first > end || change->size > end - change->first)
        return -EINVAL;
    return overlaps(disk, change) ? -EBUSY : 0;
}

static int add(struct change *change)
{
    struct block_disk *disk = change->job.disk;
    const struct partition partition = {
        .number = change->number,
        .first = change->first / disk->facts.block_size,
        .count = change->size / disk->facts.block_size,
    };
    struct block_device *there = partition_find(disk, change->number);
    int error = there ? -EBUSY : change_check(disk, change);

    block_device_release(there);
    if (error)
        return error;
    return add_partition(disk, &partition) ? 0 : -ENOMEM;
}

static int delete (struct change *change)
{
    struct block_device *device = partition_find(change->job.disk, change->number);

    if (!device)
        return -ENXIO;
    int error = block_partition_open(change->job.disk, change->number) ? -EBUSY : 0;
    if (!error)
        remove_partition(device);
    block_device_release(device);
    return error;
}

static int resize(struct change *change)
{
    struct block_device *device = partition_find(change->job.disk, change->number);
    int error = !device                          ? -ENXIO
                : change->first != device->first ? -EINVAL
                                                 : change_check(change->job.disk, change);

    if (!error)
        block_device_resize(device, change->size);
    block_device_release(device);
    return error;
}

static void change_do(struct block_job *job)
{
    struct change *change = container_of(job, struct change, job);
    struct block_disk *disk = job->disk;

    mutex_acquire(&disk->scan_mutex);
    change->error = block_disk_gone(disk) ? -ENXIO : change->make(change);
    mutex_release(&disk->scan_mutex);
    block_labels_read(disk);
}

static int change_await(struct change *change, struct block_disk *disk)
{
    change->job = (struct block_job){.disk = disk, .work = change_do};
    block_service_await(&change->job);
    return change->error;
}

int block_partition_add(struct block_disk *disk, uint32_t number, uint64_t first, uint64_t size)
{
    return change_await(
        &(struct change){.make = add, .number = number, .first = first, .size = size}, disk);
}

int block_partition_delete(struct block_disk *disk, uint32_t number)
{
    return change_await(&(struct change){.make = delete, .number = number}, disk);
}

int block_partition_resize(struct block_disk *disk, uint32_t number, uint64_t first, uint64_t size)
{
    return change_await(
        &(struct change){.make = resize, .number = number, .first = first, .size = size}, disk);
}
