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

/* With a reference, or NULL. */
static struct block_device *any_partition(struct block_disk *disk)
{
    struct block_device *device;

    spinlock_acquire(&blocks_lock);
    TAILQ_FOREACH(device, &block_devices, link)
    if (device->owner == disk && device->partition) {
        block_device_reference(device);
        break;
    }
    spinlock_release(&blocks_lock);
    return device;
}

/* scan_mutex held. */
static void remove_partitions(struct block_disk *disk)
{
    struct block_device *device;

    while ((device = any_partition(disk))) {
        block_names_remove(device);
        block_device_remove(device);
        block_device_release(device);
    }
}

/* scan_mutex held. */
static void add_partitions(struct block_disk *disk, const struct partition_table *table)
{
    disk->table = table->kind;
    disk->signature = table->signature;
    memcpy(disk->guid, table->disk_guid, sizeof(disk->guid));
    for (uint32_t i = 0; i < table->count; i++) {
        struct block_device *device = block_device_create(disk, &table->partitions[i], table);
        if (!device) {
            log_write(LOG_WARNING, "%s: too little memory for its partitions", disk->facts.name);
            return;
        }
        block_names_add(device);
    }
    if (table->from_backup)
        log_write(LOG_WARNING, "%s: the partition table is damaged: its copy at the end is used",
                  disk->facts.name);
}

/* scan_mutex held. */
static int scan(struct block_disk *disk)
{
    if (block_device_gone(disk->whole))
        return -ENXIO;
    if (!disk->named)
        block_names_add(disk->whole);
    disk->named = true;
    if (block_partition_open(disk))
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
    return error;
}

int block_partitions_scan(struct block_disk *disk)
{
    mutex_acquire(&disk->scan_mutex);
    int error = scan(disk);
    mutex_release(&disk->scan_mutex);
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
