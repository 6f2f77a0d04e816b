/* numbers.h: the major numbers of disks, for nodes and /proc/devices. */
#ifndef BATON_STORAGE_NUMBERS_H
#define BATON_STORAGE_NUMBERS_H

#include "library/types.h"

struct block_major {
    const char *prefix;    /* of the disks' names; NULL: all others */
    const char *name;      /* in /proc/devices */
    uint32_t number, each; /* each: minor numbers a disk, with its own */
};
extern const struct block_major block_majors[];
extern const size_t block_major_count;

#define BLOCK_MAJOR_EXTENDED 259
#define BLOCK_MINORS         4096 /* of each major number */

/* Of NVMe controllers' own nodes; Linux takes one that is free. */
#define NVME_MAJOR 242

#endif
