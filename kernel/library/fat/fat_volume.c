/* fat_volume.c: a FAT volume: its boot sector, its tables of clusters. */
#include <linux/errno.h>

#include "library/bytes.h"
#include "library/fat/fat.h"
#include "library/string.h"

/* From so many clusters on it has 16, and 32 bits: this and nothing else decides. */
#define CLUSTERS_16      4085
#define CLUSTERS_32      65525
#define CLUSTERS_MAXIMUM 0x0ffffff5U

#define INFORMATION_SIGNATURE      0x41615252U
#define INFORMATION_SIGNATURE_NEXT 0x61417272U
#define INFORMATION_FREE           488
#define INFORMATION_NEXT           492
#define UNKNOWN                    UINT32_MAX

static void put16(uint8_t *bytes, uint16_t value)
{
    __builtin_memcpy(bytes, &value, sizeof(value));
}

static void put32(uint8_t *bytes, uint32_t value)
{
    __builtin_memcpy(bytes, &value, sizeof(value));
}

/* ---- the device ---- */

static bool inside(const struct fat_volume *volume, uint64_t offset, size_t size)
{
    return offset <= volume->device.size && size <= volume->device.size - offset;
}

int fat_device_read(struct fat_volume *volume, uint64_t offset, void *bytes, size_t size)
{
    if (!inside(volume, offset, size))
        return -EIO;
    return volume->device.read(volume->device.context, offset, bytes, size);
}

int fat_device_write(struct fat_volume *volume, uint64_t offset, const void *bytes, size_t size)
{
    if (volume->device.read_only)
        return -EROFS;
    if (!inside(volume, offset, size))
        return -EIO;
    return volume->device.write(volume->device.context, offset, bytes, size);
}

/* ---- the boot sector ---- */

static bool is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

static void label_copy(struct fat_volume *volume, const uint8_t *bytes)
{
    size_t length = 11;

    memcpy(volume->label, bytes, length);
    while (length && volume->label[length - 1] == ' ')
        length--;
    volume->label[length] = '\0';
}

/* Where everything lies; all sums fit: each factor is below 2^32. */
static int geometry(struct fat_volume *volume, const uint8_t *boot)
{
    uint32_t reserved = load16(boot + 14), root_entries = load16(boot + 17);
    uint64_t sectors = load16(boot + 19) ? load16(boot + 19) : load32(boot + 32);
    uint64_t table_sectors = load16(boot + 22) ? load16(boot + 22) : load32(boot + 36);

    volume->sector_size = load16(boot + 11);
    volume->table_count = boot[16];
    if (!is_power_of_two(volume->sector_size) || volume->sector_size < 512 ||
        volume->sector_size > FAT_SECTOR_MAXIMUM || !is_power_of_two(boot[13]) || !reserved ||
        !volume->table_count || volume->table_count > 4 || !table_sectors)
        return -EINVAL;
    volume->cluster_size = boot[13] * volume->sector_size;
    if (volume->cluster_size > FAT_CLUSTER_MAXIMUM)
        return -EINVAL;
    volume->table_start = (uint64_t)reserved * volume->sector_size;
    volume->table_size = table_sectors * volume->sector_size;
    volume->root_start = volume->table_start + volume->table_count * volume->table_size;
    volume->root_size =
        (root_entries * 32 + volume->sector_size - 1) / volume->sector_size * volume->sector_size;
    volume->data_start = volume->root_start + volume->root_size;
    uint64_t end = sectors * volume->sector_size;
    if (end > volume->device.size || volume->data_start >= end)
        return -EINVAL;
    uint64_t clusters = (end - volume->data_start) / volume->cluster_size;
    if (!clusters || clusters > CLUSTERS_MAXIMUM)
        return -EINVAL;
    volume->cluster_count = (uint32_t)clusters;
    return 0;
}

/* Does the table have a place for each cluster? What has none is not used. */
static void limit_clusters(struct fat_volume *volume)
{
    uint64_t places = volume->table_size * 8 / volume->bits;

    if (volume->cluster_count > places - 2)
        volume->cluster_count = (uint32_t)(places - 2);
}

static int information_open(struct fat_volume *volume, uint16_t sector)
{
    uint8_t *bytes = volume->sector;

    if (!sector || sector == 0xffff)
        return 0;
    uint64_t offset = (uint64_t)sector * volume->sector_size;
    if (offset >= volume->table_start)
        return 0;
    int error = fat_device_read(volume, offset, bytes, volume->sector_size);
    if (error)
        return error;
    if (load32(bytes) != INFORMATION_SIGNATURE || load32(bytes + 484) != INFORMATION_SIGNATURE_NEXT)
        return 0;
    volume->information = offset;
    uint32_t count = load32(bytes + INFORMATION_FREE), next = load32(bytes + INFORMATION_NEXT);
    if (count <= volume->cluster_count)
        volume->free_count = count;
    if (fat_is_cluster(volume, next))
        volume->next_free = next;
    return 0;
}

int fat_open(struct fat_volume *volume, const struct fat_device *device)
{
    uint8_t boot[512];

    *volume = (struct fat_volume){
        .device = *device, .free_count = UNKNOWN, .next_free = 2, .table_at = UINT64_MAX};
    int error =
        device->size < sizeof(boot) ? -EINVAL : fat_device_read(volume, 0, boot, sizeof(boot));
    if (!error && (boot[510] != 0x55 || boot[511] != 0xaa || (boot[0] != 0xeb && boot[0] != 0xe9)))
        error = -EINVAL;
    if (!error)
        error = geometry(volume, boot);
    if (error)
        return error;
    bool wide = !load16(boot + 22);
    volume->bits = wide                                  ? 32
                   : volume->cluster_count < CLUSTERS_16 ? 12
                   : volume->cluster_count < CLUSTERS_32 ? 16
                                                         : 32;
    if ((volume->bits == 32) != wide || (wide && volume->root_size) ||
        (!wide && !volume->root_size))
        return -EINVAL;
    limit_clusters(volume);
    volume->number = load32(boot + (wide ? 67 : 39));
    label_copy(volume, boot + (wide ? 71 : 43));
    if (!wide)
        return 0;
    volume->root_cluster = load32(boot + 44);
    if (!fat_is_cluster(volume, volume->root_cluster))
        return -EINVAL;
    return information_open(volume, load16(boot + 48));
}

void fat_root(const struct fat_volume *volume, struct fat_node *root)
{
    *root = (struct fat_node){.first = volume->root_cluster, .attributes = FAT_DIRECTORY};
}

int fat_mark(struct fat_volume *volume, bool dirty)
{
    size_t at = volume->bits == 32 ? 0x41 : 0x25;

    int error = fat_device_read(volume, 0, volume->sector, volume->sector_size);
    if (error)
        return error;
    volume->sector[at] = (uint8_t)((volume->sector[at] & ~1) | dirty);
    return fat_device_write(volume, 0, volume->sector, volume->sector_size);
}

/* ---- FSInfo ---- */

static int information_write(struct fat_volume *volume, uint32_t count)
{
    if (!volume->information)
        return 0;
    int error = fat_device_read(volume, volume->information, volume->sector, volume->sector_size);
    if (error)
        return error;
    put32(volume->sector + INFORMATION_FREE, count);
    put32(volume->sector + INFORMATION_NEXT, volume->next_free);
    return fat_device_write(volume, volume->information, volume->sector, volume->sector_size);
}

/* Before the first change: what FSInfo says is not true any more. */
static int change_begin(struct fat_volume *volume)
{
    if (volume->changed)
        return 0;
    int error = information_write(volume, UNKNOWN);
    volume->changed = !error;
    return error;
}

int fat_synchronise(struct fat_volume *volume)
{
    if (!volume->changed)
        return 0;
    int error = information_write(volume, volume->free_count);
    volume->changed = error;
    return error;
}

/* ---- the tables ---- */

/* Makes volume->table hold the entry: returns where in it, or an error. */
static int table_load(struct fat_volume *volume, uint32_t cluster)
{
    uint64_t offset = (uint64_t)cluster * volume->bits / 8;
    uint64_t start = offset & ~(uint64_t)(volume->sector_size - 1);
    size_t size = 2UL * volume->sector_size; /* an entry of 12 bits may lie in both */

    if (start + size > volume->table_size)
        size = volume->sector_size;
    if (offset + (volume->bits == 32 ? 4 : 2) > start + size)
        return -EIO;
    if (volume->table_at != start) {
        volume->table_at = UINT64_MAX;
        int error = fat_device_read(volume, volume->table_start + start, volume->table, size);
        if (error)
            return error;
        volume->table_at = start;
    }
    return (int)(offset - start);
}

/* What the entry says, as it is. */
static int table_get(struct fat_volume *volume, uint32_t cluster, uint32_t *value)
{
    int at = table_load(volume, cluster);
    if (at < 0)
        return at;
    if (volume->bits == 32)
        *value = load32(volume->table + at) & 0x0fffffff;
    else if (volume->bits == 16)
        *value = load16(volume->table + at);
    else
        *value = load16(volume->table + at) >> (cluster & 1 ? 4 : 0) & 0xfff;
    return 0;
}

int fat_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next)
{
    uint32_t last = volume->bits == 32 ? 0x0ffffff8 : volume->bits == 16 ? 0xfff8 : 0xff8;

    if (!fat_is_cluster(volume, cluster))
        return -EIO;
    int error = table_get(volume, cluster, next);
    if (error)
        return error;
    if (*next >= last)
        *next = FAT_END;
    return *next == FAT_END || fat_is_cluster(volume, *next) ? 0 : -EIO;
}

int fat_set(struct fat_volume *volume, uint32_t cluster, uint32_t value)
{
    int error = fat_is_cluster(volume, cluster) ? change_begin(volume) : -EIO;
    int at = error ? error : table_load(volume, cluster);
    if (at < 0)
        return at;
    uint8_t *entry = volume->table + at;
    if (volume->bits == 32) {
        put32(entry, (load32(entry) & 0xf0000000) | (value & 0x0fffffff));
    } else if (volume->bits == 16) {
        put16(entry, (uint16_t)value);
    } else {
        uint16_t mask = cluster & 1 ? 0xfff0 : 0x0fff;
        uint16_t bits = (uint16_t)(value << (cluster & 1 ? 4 : 0)) & mask;
        put16(entry, (uint16_t)((load16(entry) & ~mask) | bits));
    }
    /* The sector that it lies in, or both. */
    size_t width = volume->bits == 32 ? 4 : 2, first = (size_t)at / volume->sector_size;
    size_t count = ((size_t)at + width - 1) / volume->sector_size - first + 1;
    uint64_t offset = volume->table_at + first * volume->sector_size;
    for (uint32_t table = 0; table < volume->table_count && !error; table++)
        error = fat_device_write(volume, volume->table_start + table * volume->table_size + offset,
                                 volume->table + first * volume->sector_size,
                                 count * volume->sector_size);
    if (error)
        volume->table_at = UINT64_MAX;
    return error;
}

int fat_free_count(struct fat_volume *volume, uint32_t *count)
{
    uint32_t free = 0, value;

    if (volume->free_count == UNKNOWN) {
        for (uint32_t i = 0; i < volume->cluster_count; i++) {
            int error = table_get(volume, i + 2, &value);
            if (error)
                return error;
            free += !value;
        }
        volume->free_count = free;
    }
    *count = volume->free_count;
    return 0;
}

/* The next free cluster from `volume->next_free` on. */
static int find_free(struct fat_volume *volume, uint32_t *found)
{
    uint32_t cluster = volume->next_free, value;

    for (uint32_t i = 0; i < volume->cluster_count; i++, cluster++) {
        if (!fat_is_cluster(volume, cluster))
            cluster = 2;
        int error = table_get(volume, cluster, &value);
        if (error)
            return error;
        if (!value) {
            *found = cluster;
            volume->next_free = cluster + 1;
            return 0;
        }
    }
    return -ENOSPC;
}

int fat_allocate(struct fat_volume *volume, uint32_t count, uint32_t *first)
{
    uint32_t last = 0, cluster;
    int error = 0;

    *first = 0;
    for (uint32_t i = 0; i < count && !error; i++) {
        error = find_free(volume, &cluster);
        if (!error)
            error = fat_set(volume, cluster, FAT_END);
        if (!error && last)
            error = fat_set(volume, last, cluster);
        if (!error) {
            if (!*first)
                *first = cluster;
            last = cluster;
            if (volume->free_count != UNKNOWN && volume->free_count)
                volume->free_count--;
        }
    }
    if (error && *first)
        fat_free_chain(volume, *first);
    return error;
}

int fat_free_chain(struct fat_volume *volume, uint32_t first)
{
    uint32_t next = first;

    for (uint32_t i = 0; next != FAT_END && i < volume->cluster_count; i++) {
        uint32_t cluster = next;
        int error = fat_next(volume, cluster, &next);
        if (error)
            return error;
        error = fat_set(volume, cluster, 0);
        if (error)
            return error;
        if (volume->free_count != UNKNOWN)
            volume->free_count++;
        if (cluster < volume->next_free)
            volume->next_free = cluster;
    }
    return 0;
}
