/* fat_file.c: what files contain: chains of clusters, read, written, made longer and shorter. */
#include <linux/errno.h>

#include "library/fat/fat.h"
#include "library/string.h"

/* ---- the chain ---- */

static uint32_t clusters_for(const struct fat_volume *volume, uint64_t size)
{
    return (uint32_t)((size + volume->cluster_size - 1) / volume->cluster_size);
}

/* The `index`'th cluster; FAT_END: the chain is shorter. From where the last look ended, if that
   lies before it. */
static int cluster_at(struct fat_volume *volume, struct fat_node *node, uint32_t index,
                      uint32_t *cluster)
{
    if (!node->first) {
        *cluster = FAT_END;
        return 0;
    }
    if (index > volume->cluster_count)
        return -EIO;
    if (!node->at_cluster || node->at_index > index) {
        node->at_index = 0;
        node->at_cluster = node->first;
    }
    while (node->at_index < index) {
        uint32_t next;
        int error = fat_next(volume, node->at_cluster, &next);
        if (error)
            return error;
        if (next == FAT_END) {
            *cluster = FAT_END;
            return 0;
        }
        node->at_cluster = next;
        node->at_index++;
    }
    *cluster = node->at_cluster;
    return fat_is_cluster(volume, *cluster) ? 0 : -EIO;
}

/* How many of `size` bytes from `offset` on lie side by side on the device, and where. 0 bytes: the
   chain ends. */
static ssize_t run_at(struct fat_volume *volume, struct fat_node *node, uint64_t offset,
                      size_t size, uint64_t *device)
{
    uint32_t index = (uint32_t)(offset / volume->cluster_size), cluster, next;
    uint32_t within = (uint32_t)(offset % volume->cluster_size);

    int error = cluster_at(volume, node, index, &cluster);
    if (error || cluster == FAT_END)
        return error;
    *device = fat_cluster_offset(volume, cluster) + within;
    size_t run = volume->cluster_size - within;
    while (run < size) {
        error = cluster_at(volume, node, ++index, &next);
        if (error)
            return error;
        if (next != cluster + 1)
            break;
        cluster = next;
        run += volume->cluster_size;
    }
    return (ssize_t)(run < size ? run : size);
}

/* ---- bytes ---- */

/* Reads or writes bytes (NULL: zeros) in one run; sectors that are not whole go through
   volume->sector. */
static int run_move(struct fat_volume *volume, uint64_t device, uint8_t *to, const uint8_t *from,
                    size_t size)
{
    size_t sector = volume->sector_size, within = device & (sector - 1);
    bool reads = to != NULL;
    int error = 0;

    while (size && !error) {
        size_t piece = sector - within < size ? sector - within : size;
        if (within == 0 && size >= sector && (reads || from)) {
            piece = size & ~(sector - 1);
            error = reads ? fat_device_read(volume, device, to, piece)
                          : fat_device_write(volume, device, from, piece);
        } else {
            if (reads || piece < sector)
                error = fat_device_read(volume, device - within, volume->sector, sector);
            if (!error && reads)
                memcpy(to, volume->sector + within, piece);
            if (!error && !reads) {
                if (from)
                    memcpy(volume->sector + within, from, piece);
                else
                    memset(volume->sector + within, 0, piece);
                error = fat_device_write(volume, device - within, volume->sector, sector);
            }
        }
        device += piece;
        size -= piece;
        to = to ? to + piece : NULL;
        from = from ? from + piece : NULL;
        within = 0;
    }
    return error;
}

/* [offset, offset+size) of a node whose chain is long enough. */
static int node_move(struct fat_volume *volume, struct fat_node *node, uint64_t offset, uint8_t *to,
                     const uint8_t *from, uint64_t size)
{
    while (size) {
        uint64_t device;
        ssize_t run =
            run_at(volume, node, offset, size < (1U << 30) ? (size_t)size : 1U << 30, &device);
        if (run <= 0)
            return run ? (int)run : -EIO;
        int error = run_move(volume, device, to, from, (size_t)run);
        if (error)
            return error;
        offset += (uint64_t)run;
        size -= (uint64_t)run;
        to = to ? to + run : NULL;
        from = from ? from + run : NULL;
    }
    return 0;
}

ssize_t fat_read(struct fat_volume *volume, struct fat_node *node, uint64_t offset, void *bytes,
                 size_t size)
{
    if (offset >= node->size)
        return 0;
    if (size > node->size - offset)
        size = (size_t)(node->size - offset);
    int error = node_move(volume, node, offset, bytes, NULL, size);
    return error ? error : (ssize_t)size;
}

/* ---- longer and shorter ---- */

static void touch(struct fat_node *node, const struct fat_time *now)
{
    node->modified = *now;
    node->attributes |= FAT_ARCHIVE;
}

/* Makes the file `size` long, more than it is; of what is new, [offset, offset+length) becomes
   these bytes and the rest zeros. All of it is there before anything leads to it. */
static int grow(struct fat_volume *volume, struct fat_node *node, uint64_t size, uint64_t offset,
                const uint8_t *bytes, size_t length, const struct fat_time *now)
{
    uint32_t had = clusters_for(volume, node->size), wanted = clusters_for(volume, size);
    uint64_t border = (uint64_t)had * volume->cluster_size; /* from here on it is new clusters */
    uint32_t last = FAT_END;
    struct fat_node fresh = {.size = 0};
    int error = 0;

    if (had) {
        error = cluster_at(volume, node, had - 1, &last);
        if (!error && last == FAT_END)
            error = -EIO; /* the chain is too short for what its entry says */
    }
    if (!error && wanted > had)
        error = fat_allocate(volume, wanted - had, &fresh.first);
    if (error)
        return error;
    /* What the old last cluster holds behind the old end, then the new ones. */
    uint64_t end = offset + length;
    uint64_t gap_end = offset < border ? offset : border;
    if (node->size < gap_end)
        error = node_move(volume, node, node->size, NULL, NULL, gap_end - node->size);
    if (!error && offset < border && length)
        error =
            node_move(volume, node, offset, NULL, bytes, (end < border ? end : border) - offset);
    if (!error && wanted > had) {
        uint64_t start = offset > border ? offset - border : 0;
        size_t skipped = offset < border ? (size_t)(border - offset) : 0;
        error = start ? node_move(volume, &fresh, 0, NULL, NULL, start) : 0;
        if (!error && length > skipped)
            error = node_move(volume, &fresh, start, NULL, bytes + skipped, length - skipped);
        uint64_t filled = start + (length > skipped ? length - skipped : 0);
        uint64_t room = (uint64_t)(wanted - had) * volume->cluster_size;
        if (!error && filled < room)
            error = node_move(volume, &fresh, filled, NULL, NULL, room - filled);
        if (!error && had)
            error = fat_set(volume, last, fresh.first);
        if (error) {
            fat_free_chain(volume, fresh.first);
            return error;
        }
    }
    if (error)
        return error;
    struct fat_node old = *node;
    if (!had)
        node->first = fresh.first;
    node->size = (uint32_t)size;
    touch(node, now);
    error = fat_update(volume, node);
    if (error)
        *node = old;
    return error;
}

static int shrink(struct fat_volume *volume, struct fat_node *node, uint64_t size,
                  const struct fat_time *now)
{
    uint32_t wanted = clusters_for(volume, size), last, rest = FAT_END;
    int error = 0;

    if (wanted) {
        error = cluster_at(volume, node, wanted - 1, &last);
        if (!error && last == FAT_END)
            error = -EIO;
        if (!error)
            error = fat_next(volume, last, &rest);
    } else if (node->first) {
        rest = node->first;
    }
    if (error)
        return error;
    node->size = (uint32_t)size;
    node->at_cluster = 0;
    if (!wanted)
        node->first = 0;
    touch(node, now);
    error = fat_update(volume, node);
    if (!error && wanted && rest != FAT_END)
        error = fat_set(volume, last, FAT_END);
    if (!error && rest != FAT_END)
        error = fat_free_chain(volume, rest);
    return error;
}

int fat_resize(struct fat_volume *volume, struct fat_node *node, uint64_t size,
               const struct fat_time *now)
{
    if (volume->device.read_only)
        return -EROFS;
    if (size > FAT_SIZE_MAXIMUM)
        return -EFBIG;
    return size > node->size ? grow(volume, node, size, size, NULL, 0, now)
                             : shrink(volume, node, size, now);
}

ssize_t fat_write(struct fat_volume *volume, struct fat_node *node, uint64_t offset,
                  const void *bytes, size_t size, const struct fat_time *now)
{
    if (volume->device.read_only)
        return -EROFS;
    if (!size)
        return 0;
    if (offset >= FAT_SIZE_MAXIMUM)
        return -EFBIG;
    if (size > FAT_SIZE_MAXIMUM - offset)
        size = (size_t)(FAT_SIZE_MAXIMUM - offset);
    int error;
    if (offset + size > node->size) {
        /* What lies within it is written with the rest: before the size says that there is more. */
        error = grow(volume, node, offset + size, offset, bytes, size, now);
    } else {
        error = node_move(volume, node, offset, NULL, bytes, size);
        touch(node, now);
        if (!error)
            error = fat_update(volume, node);
    }
    return error ? error : (ssize_t)size;
}

int fat_release(struct fat_volume *volume, struct fat_node *node)
{
    uint32_t first = node->first;

    node->first = node->size = node->at_cluster = 0;
    return first ? fat_free_chain(volume, first) : 0;
}
