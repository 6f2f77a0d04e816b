/* node.c: a disk's node that is open: bytes, and the questions of ioctl(2) (linux/fs.h). */
#include "storage/node.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/blkpg.h>
#include <linux/blkzoned.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/hdreg.h>

#include "file/device.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "storage/cache.h"
#include "storage/loop.h"
#include "storage/numbers.h"
#include "storage/pass_through.h"

/* An open node. */
struct opened {
    struct block_device *device; /* a reference */
    bool exclusive;              /* O_EXCL */
    uint64_t errors_seen;        /* of writing back; atomic */
    uint64_t read_ahead;         /* what BLKRASET said, in sectors; atomic */
};
#define READ_AHEAD_DEFAULT 256

static struct block_device *device_of(const struct file *file)
{
    return ((const struct opened *)file->private)->device;
}

/* ---- open and close ---- */

static int node_map_fetch(struct memory_object *object, uint64_t index, bool write)
{
    struct block_device *device = device_of(container_of(object, struct file, object));
    int error = write ? block_cache_dirty(device, index) : block_fetch(device, index, 16);

    return error == -ERANGE ? 0 : error; /* the fault finds that it is behind the end */
}

static int node_synchronise(struct file *file, bool data_only)
{
    struct opened *opened = file->private;
    uint64_t seen = __atomic_load_n(&opened->errors_seen, __ATOMIC_RELAXED);

    (void)data_only;
    int error = block_flush(opened->device, &seen);

    __atomic_store_n(&opened->errors_seen, seen, __ATOMIC_RELAXED);
    return error;
}

static int node_map_synchronise(struct memory_object *object)
{
    return node_synchronise(container_of(object, struct file, object), true);
}

static int node_open(struct inode *inode, struct file *file)
{
    struct block_device *device =
        block_device_find(device_major(inode->device), device_minor(inode->device));
    struct opened *opened = device ? heap_allocate_zeroed(sizeof(*opened)) : NULL;
    int error = !device ? -ENXIO : !opened ? -ENOMEM : 0;

    if (!error) {
        opened->device = device;
        opened->exclusive = file->opened_with & O_EXCL;
        opened->read_ahead = READ_AHEAD_DEFAULT;
        opened->errors_seen = __atomic_load_n(&device->errors, __ATOMIC_RELAXED);
        error = block_device_open(device, opened->exclusive);
    }
    if (error) {
        heap_free(opened);
        block_device_release(device);
        return error;
    }
    file->private = opened;
    file->object.cache = &device->cache;
    file->object.fetch = node_map_fetch;
    file->object.synchronise = node_map_synchronise;
    return 0;
}

static void node_release(struct file *file)
{
    struct opened *opened = file->private;

    if (file->writable)
        __atomic_store_n(&opened->device->relabel, true, __ATOMIC_RELAXED);
    bool last = block_device_close(opened->device, opened->exclusive);
    if (last && __atomic_load_n(&opened->device->relabel, __ATOMIC_RELAXED))
        block_service_await(&opened->device->owner->labels);
    if (block_is_loop(opened->device))
        loop_closed(opened->device);
    block_device_release(opened->device);
    heap_free(opened);
}

/* ---- bytes ---- */

static bool is_direct(const struct file *file)
{
    return __atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_DIRECT;
}

/* O_DIRECT wants whole blocks, also of memory's place (open(2)). */
static int check_direct(const struct block_device *device, const struct transfer *transfer,
                        int64_t offset)
{
    size_t mask = device->owner->facts.block_size - 1;
    size_t rest = transfer->left > transfer->run ? transfer->left - transfer->run : 0;
    uint64_t bits = (uint64_t)offset | transfer->address | transfer->left;

    for (const struct iovec *piece = transfer->next; rest; piece++) {
        bits |= (uintptr_t)piece->iov_base | piece->iov_len;
        rest -= piece->iov_len < rest ? piece->iov_len : rest;
    }
    return bits & mask ? -EINVAL : 0;
}

static ssize_t node_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct block_device *device = device_of(file);
    ssize_t done = is_direct(file) ? check_direct(device, to, *offset) : 0;

    if (done)
        return done;
    done = is_direct(file) ? block_direct(device, to, (uint64_t)*offset, false)
                           : block_cache_read(device, to, (uint64_t)*offset);
    if (done > 0)
        *offset += done;
    return done;
}

static ssize_t node_write(struct file *file, struct transfer *from, int64_t *offset)
{
    struct opened *opened = file->private;
    struct block_device *device = opened->device;
    uint32_t flags = __atomic_load_n(&file->flags, __ATOMIC_RELAXED);

    if (block_device_read_only(device))
        return -EPERM;
    if (from->left == 0)
        return 0;
    if ((uint64_t)*offset >= block_device_size(device))
        return -ENOSPC;
    ssize_t done = is_direct(file) ? check_direct(device, from, *offset) : 0;
    if (done)
        return done;
    done = is_direct(file) ? block_direct(device, from, (uint64_t)*offset, true)
                           : block_cache_write(device, from, (uint64_t)*offset);
    if (done > 0 && flags & O_SYNC /* which has O_DSYNC's bit */) {
        int error = node_synchronise(file, true);
        done = error ? error : done;
    }
    if (done > 0)
        *offset += done;
    return done;
}

static int64_t node_seek(struct file *file, int64_t offset, int whence)
{
    int64_t size = (int64_t)block_device_size(device_of(file));

    if ((whence == SEEK_CUR && __builtin_add_overflow(offset, file->offset, &offset)) ||
        (whence == SEEK_END && __builtin_add_overflow(offset, size, &offset)) ||
        whence > SEEK_END || offset < 0 || offset > size)
        return -EINVAL;
    file->offset = offset;
    return offset;
}

static int node_map(struct file *file, unsigned flags, struct memory_object **object)
{
    if (flags & REGION_SHARED && flags & REGION_WRITE && block_device_read_only(device_of(file)))
        return -EACCES;
    return file_map_cache(file, flags, object);
}

/* ---- ioctl ---- */

static ssize_t put32(vaddr_t argument, uint32_t value)
{
    return user_put(argument, &value) ? -EFAULT : 0;
}

static ssize_t put64(vaddr_t argument, uint64_t value)
{
    return user_put(argument, &value) ? -EFAULT : 0;
}

static ssize_t put16(vaddr_t argument, uint16_t value)
{
    return user_put(argument, &value) ? -EFAULT : 0;
}

static bool may_administer(void)
{
    return credentials_capable(credentials_current(), CAP_SYS_ADMIN);
}

static ssize_t lock(struct block_device *device, vaddr_t argument)
{
    int locked;

    if (!may_administer())
        return -EACCES;
    if (user_get(&locked, argument))
        return -EFAULT;
    if (locked)
        block_write_back(device);
    return block_device_lock(device, locked);
}

static ssize_t flush_buffers(struct block_device *device)
{
    if (!may_administer())
        return -EACCES;
    block_write_back(device);
    block_forget(device, false);
    return 0;
}

static ssize_t partitions_reread(struct block_device *device)
{
    if (!may_administer())
        return -EACCES;
    if (device->partition)
        return -EINVAL;
    if (block_partition_open(device->owner, 0))
        return -EBUSY;
    block_service_await(&device->owner->scan);
    return __atomic_load_n(&device->owner->scan_error, __ATOMIC_RELAXED);
}

/* BLKPG: partx(8), parted(8) and fdisk(8) tell of partitions one by one. */
static ssize_t partition_change(struct block_device *device, vaddr_t argument)
{
    struct block_disk *disk = device->owner;
    struct blkpg_ioctl_arg change;
    struct blkpg_partition part;

    if (user_get(&change, argument))
        return -EFAULT;
    if (!may_administer())
        return -EACCES;
    if (user_get(&part, (vaddr_t)change.data))
        return -EFAULT;
    if (device->partition || part.pno <= 0 || part.start < 0 || part.length < 0)
        return -EINVAL;
    uint32_t number = (uint32_t)part.pno;
    uint64_t first = (uint64_t)part.start, size = (uint64_t)part.length;
    switch (change.op) {
    case BLKPG_ADD_PARTITION:
        return block_partition_add(disk, number, first, size);
    case BLKPG_DEL_PARTITION:
        return block_partition_delete(disk, number);
    case BLKPG_RESIZE_PARTITION:
        return block_partition_resize(disk, number, first, size);
    default:
        return -EINVAL;
    }
}

/* BLKDISCARD; BLKZEROOUT writes zeros, which BLKSECDISCARD cannot promise. */
static ssize_t give_up(struct file *file, vaddr_t argument, bool zeros)
{
    struct block_device *device = device_of(file);
    uint32_t mask = device->owner->facts.block_size - 1;
    uint64_t range[2];

    if (!file->writable)
        return -EBADF;
    if (block_device_read_only(device))
        return -EPERM;
    if (!zeros && !device->owner->facts.discards)
        return -EOPNOTSUPP;
    if (user_copy_in(range, argument, sizeof(range)))
        return -EFAULT;
    if ((range[0] | range[1]) & mask || !range[1] || range[0] > block_device_size(device) ||
        range[1] > block_device_size(device) - range[0])
        return -EINVAL;
    return zeros ? block_zero(device, range[0], range[1])
                 : block_discard(device, range[0], range[1]);
}

/* Heads and sectors, which no disk has any more: those that Linux's drivers make up. */
static void heads_and_sectors(const struct disk *facts, struct hd_geometry *geometry)
{
    bool is_card = strncmp(facts->name, "mmcblk", 6) == 0;
    bool is_virtio = strncmp(facts->name, "vd", 2) == 0;

    geometry->heads = facts->identity.ata ? 255 : is_virtio ? 16 : is_card ? 4 : 64;
    geometry->sectors = facts->identity.ata || is_virtio ? 63 : is_card ? 16 : 32;
}

static ssize_t geometry(struct block_device *device, vaddr_t argument)
{
    struct hd_geometry geometry = {.start = device->first >> SECTOR_SHIFT};

    heads_and_sectors(&device->owner->facts, &geometry);
    uint64_t cylinders = (block_device_size(device->owner->whole) >> SECTOR_SHIFT) /
                         ((uint64_t)geometry.heads * geometry.sectors);
    geometry.cylinders = (uint16_t)(cylinders < UINT16_MAX ? cylinders : UINT16_MAX);
    return user_put(argument, &geometry) ? -EFAULT : 0;
}

static ssize_t read_ahead_set(struct file *file, vaddr_t sectors)
{
    struct opened *opened = file->private;

    if (!may_administer())
        return -EACCES;
    __atomic_store_n(&opened->read_ahead, sectors, __ATOMIC_RELAXED);
    return 0;
}

static ssize_t node_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct opened *opened = file->private;
    struct block_device *device = opened->device;
    const struct disk *facts = &device->owner->facts;
    uint32_t physical = facts->physical_block_size ? facts->physical_block_size : facts->block_size;
    uint64_t size = block_device_size(device);

    switch (command) {
    case BLKGETSIZE64:
        return put64(argument, size);
    case BLKGETSIZE:
        return put64(argument, size >> SECTOR_SHIFT);
    case BLKSSZGET:
        return put32(argument, facts->block_size);
    case BLKPBSZGET:
    case BLKIOMIN:
        return put32(argument, physical);
    case BLKIOOPT:
    case BLKALIGNOFF:
    case BLKDISCARDZEROES:
        return put32(argument, 0);
    case BLKBSZGET:
        return put32(argument, PAGE_SIZE);
    case BLKBSZSET:
        return may_administer() ? 0 : -EACCES; /* nothing depends on it here */
    case BLKSECTGET:
        return put16(argument,
                     (uint16_t)(facts->blocks_maximum * (facts->block_size >> SECTOR_SHIFT)));
    case BLKROTATIONAL:
        return put16(argument, facts->rotates);
    case BLKROGET:
        return put32(argument, block_device_read_only(device));
    case BLKROSET:
        return lock(device, argument);
    case BLKRAGET:
    case BLKFRAGET:
        return put64(argument, __atomic_load_n(&opened->read_ahead, __ATOMIC_RELAXED));
    case BLKRASET:
    case BLKFRASET:
        return read_ahead_set(file, argument);
    case BLKFLSBUF:
        return flush_buffers(device);
    case BLKPG:
        return partition_change(device, argument);
    case BLKRRPART:
        return partitions_reread(device);
    case BLKDISCARD:
        return give_up(file, argument, false);
    case BLKZEROOUT:
        return give_up(file, argument, true);
    case BLKSECDISCARD:
        return -EOPNOTSUPP;
    case BLKGETZONESZ:
    case BLKGETNRZONES:
        return put32(argument, 0);
    case HDIO_GETGEO:
        return block_is_loop(device) ? -ENOTTY : geometry(device, argument);
    default:
        return block_is_loop(device) ? loop_ioctl(file, device, command, argument)
                                     : pass_through_ioctl(device, command, argument);
    }
}

static const struct file_operations node_operations = {
    .open = node_open,
    .read = node_read,
    .write = node_write,
    .hasty_write = true,
    .seek = node_seek,
    .ioctl = node_ioctl,
    .map = node_map,
    .synchronise = node_synchronise,
    .release = node_release,
};

int block_nodes_initialize(void)
{
    static struct device devices[8];
    int error = 0;

    for (size_t i = 0; i < block_major_count && !error; i++) {
        devices[i] = (struct device){
            .type = DEVICE_BLOCK,
            .major = block_majors[i].number,
            .minor_count = BLOCK_MINORS,
            .operations = &node_operations,
            .name = block_majors[i].name,
        };
        error = device_register(&devices[i]);
    }
    return error;
}
