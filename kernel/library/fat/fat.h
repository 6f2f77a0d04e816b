/*
 * fat.h: the FAT file system with 12, 16 and 32 bits and long names, for reading and writing
 * (Microsoft, "FAT32 File System Specification", 1.03; long names, its "FAT Long Directory
 * Entries"). Pure: it knows a device by two functions. What lies on the device is outside input: no
 * cluster, offset, size or name of it is used unchecked, and no chain is followed without a bound.
 *
 * Writes go out at once, in an order in which a cut after any of them leaves names and contents as
 * they were before or after, and at most clusters that belong to nobody:
 *
 *     a file grows:    new clusters chained among themselves, their data, then one link to them,
 * then the size (cut before: a chain longer than the size, which nobody reads) it shrinks:      the
 * size, the chain's end, then the clusters a name comes:    what it names, then all its entries in
 * one write a name goes:     all its entries in one write, then the clusters a name changes: within
 * one piece of a directory in one write; else it goes before it comes
 *
 * The second table follows the first. A directory's entries for one name lie in one cluster where
 * they fit in it, so that one write has them all.
 *
 * Errors: -EIO: the device's own, or what lies there makes no sense; -ENOSPC, -ENOENT, -EEXIST,
 * -EINVAL: no name for such a file system, -ENOTEMPTY, -EROFS, -EFBIG. The caller serialises.
 */
#ifndef BATON_LIBRARY_FAT_FAT_H
#define BATON_LIBRARY_FAT_FAT_H

#include "library/types.h"

#define FAT_SECTOR_MAXIMUM  4096
#define FAT_CLUSTER_MAXIMUM 65536
#define FAT_NAME_MAXIMUM    255 /* bytes of UTF-8, and units of UTF-16 */
#define FAT_SIZE_MAXIMUM    UINT64_C(0xffffffff)

/* Bits of an entry's attributes. */
enum {
    FAT_READ_ONLY = 1,
    FAT_HIDDEN = 2,
    FAT_SYSTEM = 4,
    FAT_LABEL = 8,
    FAT_DIRECTORY = 16,
    FAT_ARCHIVE = 32,
};

/* Offsets and sizes are in bytes and multiples of the volume's sector size (of 512 before it is
   known). 0 or a negative errno. */
struct fat_device {
    void *context;
    uint64_t size;
    bool read_only;
    int (*read)(void *context, uint64_t offset, void *bytes, size_t size);
    int (*write)(void *context, uint64_t offset, const void *bytes, size_t size);
};

struct fat_volume {
    struct fat_device device;
    unsigned bits; /* 12, 16, 32 */
    uint32_t sector_size, cluster_size;
    uint32_t table_count;
    uint64_t table_start, table_size; /* of the first; each */
    uint64_t root_start;              /* 12 and 16 bits */
    uint32_t root_size;
    uint32_t root_cluster; /* 32 bits */
    uint64_t data_start;
    uint32_t cluster_count; /* they are numbered from 2 on */
    uint64_t information;   /* offset of FSInfo; 0: there is none */
    uint32_t number;        /* of the volume */
    char label[12];         /* of the boot sector; without spaces at its end */

    uint32_t free_count; /* UINT32_MAX: not counted yet */
    uint32_t next_free;  /* where to look first */
    bool changed;        /* FSInfo says "unknown" until fat_synchronise() */
    uint64_t table_at;   /* what `table` holds, two sectors; UINT64_MAX: nothing */
    uint8_t table[2 * FAT_SECTOR_MAXIMUM];
    uint8_t sector[FAT_SECTOR_MAXIMUM];
    uint8_t *chunk; /* the caller's, cluster_size bytes: a piece of a directory */
};

/* A moment as FAT has it: seconds since 1970 in UTC, from 1980 to 2107, in steps of 10 ms. */
struct fat_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

/* A file or directory: what its entry says. */
struct fat_node {
    uint32_t first; /* cluster; 0: none */
    uint32_t size;  /* of a directory 0 */
    uint8_t attributes;
    struct fat_time created, modified, accessed;
    uint64_t entry; /* offset of its short entry on the device; 0: the root, or no name any more */
    uint32_t at_index, at_cluster; /* the last cluster that was looked for */
};

/* A name in a directory. */
struct fat_name {
    char name[FAT_NAME_MAXIMUM + 1]; /* UTF-8 */
    size_t length;
    uint8_t alias[11]; /* the short one, as it lies there */
    uint64_t first;    /* offset of the first of its entries in the directory */
    uint32_t count;    /* entries */
    struct fat_node node;
};

/* Reads a boot sector. After 0 volume->chunk has to be set. -EINVAL: this is no FAT. */
int fat_open(struct fat_volume *volume, const struct fat_device *device);
void fat_root(const struct fat_volume *volume, struct fat_node *root);
/* Says on the volume that it is in use, or that all is written (as Linux does). */
int fat_mark(struct fat_volume *volume, bool dirty);
/* FSInfo is true again. */
int fat_synchronise(struct fat_volume *volume);
/* Free clusters; counts them the first time. */
int fat_free_count(struct fat_volume *volume, uint32_t *count);

/* The next name at or behind *offset, which moves behind it. 1, 0: no more, or an error. */
int fat_list(struct fat_volume *volume, const struct fat_node *directory, uint64_t *offset,
             struct fat_name *found);
/* By its long or short name, whatever its case. */
int fat_lookup(struct fat_volume *volume, const struct fat_node *directory, const char *name,
               size_t length, struct fat_name *found);
/* Makes a file, or a directory; the name is not there yet. */
int fat_create(struct fat_volume *volume, struct fat_node *directory, const char *name,
               size_t length, uint8_t attributes, const struct fat_time *now,
               struct fat_name *created);
/* Takes a name out; the clusters stay until fat_release(). */
int fat_remove(struct fat_volume *volume, const struct fat_node *directory,
               const struct fat_name *name);
/* Frees the clusters of what has no name any more. */
int fat_release(struct fat_volume *volume, struct fat_node *node);
/* `to` becomes the name of what `from` names; `target`: what has that name now and loses it, or
   NULL. *moved: the new one. */
int fat_rename(struct fat_volume *volume, const struct fat_node *from_directory,
               const struct fat_name *from, struct fat_node *to_directory, const char *to,
               size_t length, const struct fat_name *target, struct fat_name *moved);
/* 0 or -ENOTEMPTY. */
int fat_check_empty(struct fat_volume *volume, const struct fat_node *directory);

/* Bytes, fewer at the end. */
ssize_t fat_read(struct fat_volume *volume, struct fat_node *node, uint64_t offset, void *bytes,
                 size_t size);
/* Bytes; what lies between the old end and `offset` becomes zeros. */
ssize_t fat_write(struct fat_volume *volume, struct fat_node *node, uint64_t offset,
                  const void *bytes, size_t size, const struct fat_time *now);
int fat_resize(struct fat_volume *volume, struct fat_node *node, uint64_t size,
               const struct fat_time *now);
/* Writes attributes, times and size to the entry. */
int fat_update(struct fat_volume *volume, const struct fat_node *node);

/* ---- for the files of this folder ---- */

#define FAT_END UINT32_MAX /* behind the last cluster of a chain */

int fat_device_read(struct fat_volume *volume, uint64_t offset, void *bytes, size_t size);
int fat_device_write(struct fat_volume *volume, uint64_t offset, const void *bytes, size_t size);
static inline bool fat_is_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    return cluster >= 2 && cluster - 2 < volume->cluster_count;
}
static inline uint64_t fat_cluster_offset(const struct fat_volume *volume, uint32_t cluster)
{
    return volume->data_start + (uint64_t)(cluster - 2) * volume->cluster_size;
}
/* The cluster behind this one, or FAT_END. -EIO: free, bad or none. */
int fat_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next);
int fat_set(struct fat_volume *volume, uint32_t cluster, uint32_t value);
/* A chain of `count` free clusters, marked; nobody links to it yet. */
int fat_allocate(struct fat_volume *volume, uint32_t count, uint32_t *first);
int fat_free_chain(struct fat_volume *volume, uint32_t first);

/* Long names: UTF-8 to UTF-16 and back; the length in units, or -EINVAL. */
int fat_name_to_units(const char *name, size_t length, uint16_t units[FAT_NAME_MAXIMUM]);
int fat_name_from_units(const uint16_t *units, size_t count, char name[FAT_NAME_MAXIMUM + 1]);
bool fat_names_equal(const char *left, size_t left_length, const char *right, size_t right_length);
/* The short name as it is shown; `flags`: byte 12 of the entry. The length, or -EIO. */
int fat_alias_show(const uint8_t alias[11], uint8_t flags, char name[FAT_NAME_MAXIMUM + 1]);
/* Is the name its own short one, in capitals? */
bool fat_alias_exact(const char *name, size_t length, uint8_t alias[11]);
/* The `attempt`'th short name for a long one. */
void fat_alias_make(const char *name, size_t length, unsigned attempt, uint8_t alias[11]);
uint8_t fat_alias_checksum(const uint8_t alias[11]);

void fat_time_store(const struct fat_time *time, uint16_t *date, uint16_t *clock, uint8_t *fine);
struct fat_time fat_time_load(uint16_t date, uint16_t clock, uint8_t fine);

#endif
