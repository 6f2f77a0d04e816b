/*
 * superblock.h: what a file system on a disk says of itself: its identifier and its label, as
 * blkid(8) shows them and udev's links in /dev/disk/by-uuid and by-label have them.
 *
 * ext2 to ext4, XFS, Btrfs, swap space, FAT, exFAT, NTFS (its identifier only), ISO 9660. Pure:
 * bytes are read through a function; nothing in them is trusted.
 */
#ifndef BATON_LIBRARY_SUPERBLOCK_H
#define BATON_LIBRARY_SUPERBLOCK_H

#include "library/fat/fat.h"

/* What is read from. */
struct superblock_source {
    /* Bytes inside `size`; 0 or a negative errno. */
    int (*read)(void *context, uint64_t offset, void *bytes, size_t size);
    void *context;
    uint64_t size;
};

#define SUPERBLOCK_UUID_SIZE  37
#define SUPERBLOCK_LABEL_SIZE 129
struct superblock {
    char uuid[SUPERBLOCK_UUID_SIZE];   /* as text; "": it has none */
    char label[SUPERBLOCK_LABEL_SIZE]; /* as it lies there, spaces at its end are gone; the same */
};

/* Room to work in: the caller's, too large for a stack. */
struct superblock_work {
    uint8_t bytes[512];
    struct fat_volume volume;
};

/* 0, also where there is no file system that it knows (both texts are empty then); or what read()
   said. */
int superblock_read(const struct superblock_source *source, struct superblock_work *work,
                    struct superblock *result);

#endif
