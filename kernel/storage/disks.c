/* disks.c: from a driver's disk to device nodes, and back. */
#include "storage/disks.h"

#include <asm/errno.h>

#include "cpu/log.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "storage/block.h"
#include "storage/loop.h"
#include "storage/names.h"
#include "storage/node.h"
#include "storage/pass_through.h"

static struct mutex disks_mutex;                                       /* who comes and goes */
static TAILQ_HEAD(, block_disk) disks = TAILQ_HEAD_INITIALIZER(disks); /* disks_mutex */

#define DISKS_MAXIMUM 256

static bool is_power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

/* What a driver made of what a device said. */
static bool is_possible(const struct disk *disk)
{
    return is_power_of_two(disk->block_size) && disk->block_size >= 1U << SECTOR_SHIFT &&
           disk->block_size <= PAGE_SIZE && disk->requests_maximum >= 1 &&
           disk->segments_maximum >= 2 && disk->segments_maximum <= 256 &&
           disk->blocks_maximum >= PAGE_SIZE / disk->block_size && disk->submit &&
           disk->block_count <= INT64_MAX / disk->block_size;
}

/* ---- names ---- */

/* a to z, aa, ab, …: as Linux's sd_format_disk_name(). */
static void letters(uint32_t index, char *text, size_t size)
{
    char reversed[8];
    size_t length = 0;
    uint64_t left = (uint64_t)index + 1;

    for (; left && length < sizeof(reversed); left = (left - 1) / 26)
        reversed[length++] = (char)('a' + (left - 1) % 26);
    while (length && size > 1) {
        *text++ = reversed[--length];
        size--;
    }
    *text = '\0';
}

/* The lowest free one of the kind, so that a stick that is plugged again has its name again; or the
   one that is asked for, which is free. */
static int choose_index(struct block_disk *disk)
{
    const char *kind = disk->facts.kind ? disk->facts.kind : "";
    struct block_disk *other;

    for (disk->index = disk->facts.ordinal ? disk->facts.ordinal - 1 : 0;
         disk->index < DISKS_MAXIMUM; disk->index++) {
        TAILQ_FOREACH(other, &disks, link)
        if (other->index == disk->index &&
            strcmp(other->facts.kind ? other->facts.kind : "", kind) == 0)
            break;
        if (!other)
            return 0;
        if (disk->facts.ordinal)
            return -EBUSY;
    }
    return -ENOSPC;
}

static void choose_name(struct block_disk *disk)
{
    char *name = disk->facts.name;
    size_t length;

    if (*name)
        return; /* the driver's own */
    length = (size_t)format_string(name, sizeof(disk->facts.name), "%s", disk->facts.kind);
    letters(disk->index, name + length, sizeof(disk->facts.name) - length);
}

/* ---- coming ---- */

void block_disk_release(struct block_disk *disk)
{
    if (__atomic_sub_fetch(&disk->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    block_requests_destroy(disk);
    heap_free(disk);
}

static void announce(const struct block_disk *disk)
{
    const struct disk *facts = &disk->facts;

    log_write(LOG_NOTICE, "%s: %lu blocks of %u bytes%s%s%s%s%s", facts->name, facts->block_count,
              facts->block_size, *facts->vendor ? ", " : "", facts->vendor,
              *facts->model ? ", " : "", facts->model,
              block_device_read_only(disk->whole) ? ", read-only" : "");
}

static int disk_begin(struct block_disk *disk)
{
    int error = block_requests_create(disk);

    if (error)
        return error;
    mutex_initialize(&disk->scan_mutex, MUTEX_PARTITION_TABLE);
    mutex_acquire(&disks_mutex);
    error = choose_index(disk);
    if (!error) {
        choose_name(disk);
        if (!block_device_create(disk, NULL, PARTITION_TABLE_NONE))
            error = -ENOMEM;
        else
            TAILQ_INSERT_TAIL(&disks, disk, link);
    }
    mutex_release(&disks_mutex);
    return error;
}

int storage_disk_add(struct disk *disk)
{
    if (!is_possible(disk))
        return -EINVAL;
    struct block_disk *block = heap_allocate_zeroed(sizeof(*block));
    if (!block)
        return -ENOMEM;
    block->references = 1;
    block->disk = disk;
    block->facts = *disk;
    block_service_begin(block);
    int error = disk_begin(block);
    if (error) {
        block_disk_release(block);
        return error;
    }
    disk->block = block;
    string_copy(disk->name, block->facts.name, sizeof(disk->name));
    if (disk->block_count)
        announce(block);
    block_service_scan(block);
    return 0;
}

/* ---- going ---- */

void storage_disk_remove(struct disk *disk)
{
    struct block_disk *block = disk->block;

    if (!block)
        return;
    disk->block = NULL;
    block_requests_end(block);
    mutex_acquire(&disks_mutex);
    TAILQ_REMOVE(&disks, block, link);
    mutex_release(&disks_mutex);
    if (block->facts.block_count)
        log_write(LOG_NOTICE, "%s: gone", block->facts.name);
    block_partitions_remove(block);
    block_device_remove(block->whole);
    block_disk_release(block);
}

void storage_synchronise(void)
{
    struct block_device *device = NULL;

    while ((device = block_device_next(device))) {
        uint64_t nobody = 0;
        if (__atomic_load_n(&device->openers, __ATOMIC_RELAXED))
            block_flush(device, &nobody);
    }
}

int storage_initialize(bool write_disks)
{
    mutex_initialize(&disks_mutex, MUTEX_DISKS);
    block_write_disks = write_disks;
    block_devices_initialize();
    block_cache_initialize();
    int error = block_service_start();
    if (!error)
        error = block_nodes_initialize();
    if (!error)
        error = pass_through_initialize();
    return error ? error : loop_initialize();
}
