/*
 * block.h: disks and their partitions, as the files of this room, and what is above, see them.
 *
 * A block_disk stands for what a driver added; it outlives the driver's struct disk while somebody
 * has it open. A block_device is the whole disk or a partition: what a device node opens, with a
 * page cache of its own, as on Linux: what is written through one is seen through the other when it
 * was written back.
 */
#ifndef BATON_STORAGE_BLOCK_H
#define BATON_STORAGE_BLOCK_H

#include <bsd/sys/queue.h>

#include "device/disk.h"
#include "library/partition_table.h"
#include "library/superblock.h"
#include "memory/page_cache.h"
#include "thread/mutex.h"
#include "thread/timer.h"

#define SECTOR_SHIFT 9 /* of what Linux tells of sizes and places: 512 bytes */

/* What was done, for /proc/diskstats (Documentation/admin-guide/iostats.rst); atomic. */
struct block_statistics {
    uint64_t requests[DISK_OPERATIONS], sectors[DISK_OPERATIONS], nanoseconds[DISK_OPERATIONS];
};

struct block_device {
    TAILQ_ENTRY(block_device) link; /* blocks_lock */
    struct block_disk *owner;       /* a reference is held; constant */
    uint32_t references;            /* atomic; the list's and who has it open */
    char name[32];                  /* constant, as all to `guid` */
    uint32_t partition;             /* 0: the whole disk */
    uint32_t major, minor;
    uint64_t first; /* bytes, on the disk */
    uint64_t size;  /* bytes; changes with loop devices only: cache.size is read */
    enum partition_table_kind table;
    uint8_t type;
    uint8_t type_guid[16], guid[16];
    char label[PARTITION_NAME_SIZE];

    struct superblock marks; /* of the file system on it; owner's scan_mutex */
    bool relabel;            /* somebody may have changed them; atomic */

    bool listed; /* it can still be found; blocks_lock */
    bool locked; /* nobody may write: as a person, or the option, said; atomic */
    struct page_cache cache;
    struct mutex mutex;   /* what changes contents: writing, writing back, forgetting */
    uint32_t openers;     /* open_mutex */
    uint32_t exclusive;   /* of these, who wants it for himself (O_EXCL, mounts); open_mutex */
    uint64_t errors;      /* of writing back, so far; atomic */
    uint64_t forget_next; /* where pages are dropped next; mutex */
    struct block_statistics statistics;
};

/* A piece of work that a thread waits for: how many requests are not done yet, and the first error.
 */
struct block_wait {
    uint32_t left; /* atomic */
    int error;     /* atomic */
};

/* One of a disk's requests. */
struct block_request {
    struct disk_request request;
    struct block_disk *disk;               /* constant */
    struct block_device *device;           /* for whom */
    struct block_wait *wait;               /* who waits */
    STAILQ_ENTRY(block_request) free_link; /* disk's lock */
    bool under_way;                        /* disk's lock */
    struct disk_segment segments[];        /* segments_maximum */
};

/* What one of the room's threads is to do for a disk. */
struct block_job {
    struct block_disk *disk; /* constant, as the next */
    void (*work)(struct block_job *job);
    STAILQ_ENTRY(block_job) link; /* service.c's lock, as the next two */
    bool queued;
    uint64_t wanted, done; /* how often */
};

struct block_disk {
    TAILQ_ENTRY(block_disk) link; /* blocks_lock */
    uint32_t references;          /* atomic: its devices, work that is queued */
    struct disk *disk;            /* the driver's; only for users */
    struct disk facts;            /* a copy of what it said: constant */
    uint32_t index;               /* of its kind, from 0 on */
    struct block_device *whole;   /* constant; no reference: there as long as it is listed, or a
                                     partition of it is there, which has one */

    struct spinlock lock;              /* with interrupts off */
    bool gone;                         /* lock */
    uint32_t users;                    /* requests, and threads, that need the driver; lock */
    STAILQ_HEAD(, block_request) free; /* lock */
    struct block_request **requests;   /* requests_maximum of them; constant */
    struct wait_queue room;            /* who waits for a free request, and for the last user */
    struct wait_queue finished;        /* who waits for requests: as many as there are requests */
    struct timer watchdog;             /* armed while something is under way */
    bool watched;                      /* it is armed; lock */

    struct block_job scan, labels, recovery; /* service.c */
    int scan_error;                          /* of the last look at its partitions; atomic */

    struct mutex scan_mutex;         /* its names and partitions: one change at a time */
    bool named;                      /* the whole disk has its names; scan_mutex */
    enum partition_table_kind table; /* scan_mutex */
    uint32_t signature;              /* of an MBR; scan_mutex */
    uint8_t guid[16];                /* of a GPT; scan_mutex */
};

/* ---- finding ---- */

/* With a reference, or NULL. Any thread. */
struct block_device *block_device_find(uint32_t major, uint32_t minor);
/* The next in the order of coming, with a reference; `before`, whose reference goes, or NULL: the
   first. */
struct block_device *block_device_next(struct block_device *before);
static inline void block_device_reference(struct block_device *device)
{
    __atomic_fetch_add(&device->references, 1, __ATOMIC_RELAXED);
}
/* The last one frees it. May sleep. NULL allowed. */
void block_device_release(struct block_device *device);

/* ---- using: who has it open; all may sleep ---- */

/* `exclusive`: nobody else may have it or its whole so. 0, -ENXIO: it is gone, -EBUSY. */
int block_device_open(struct block_device *device, bool exclusive);
/* The last one (true) writes back, and forgets the contents. */
bool block_device_close(struct block_device *device, bool exclusive);

bool block_device_gone(struct block_device *device);
/* The same of a disk: with its scan_mutex held, one that is not gone keeps its `whole`. */
bool block_disk_gone(struct block_disk *disk);
static inline uint64_t block_device_size(const struct block_device *device)
{
    return __atomic_load_n(&device->cache.size, __ATOMIC_RELAXED);
}
/* May nobody write to it? */
bool block_device_read_only(const struct block_device *device);
/* Makes it end elsewhere: pages behind the new end are forgotten, dirty ones too. May sleep. */
void block_device_resize(struct block_device *device, uint64_t size);
/* Says so, of a whole disk for its partitions too. 0, -EACCES: the medium cannot be written. */
int block_device_lock(struct block_device *device, bool locked);

/* Bytes by way of the cache; kernel memory. 0 or an error; all of them. Writing wants it to be
   permitted: block_device_read_only(). For file systems, and the partitions' own table. */
int block_read(struct block_device *device, uint64_t offset, void *buffer, size_t size);
int block_write(struct block_device *device, uint64_t offset, const void *buffer, size_t size);
/* What was written is on the medium; an error of writing back since *seen, which is moved. */
int block_flush(struct block_device *device, uint64_t *seen);

/* ---- for the files of this room ---- */

extern struct spinlock blocks_lock; /* the lists of disks and devices */
TAILQ_HEAD(block_devices, block_device);
extern struct block_devices block_devices; /* in order of coming, partitions behind their disk */

void block_disk_release(struct block_disk *disk);

/* request.c: moves whole pages' worth of blocks between the device, from byte `offset` on (a
   multiple of the block size), and frames from byte `start` of the first on; the sum of errors is
   in the wait. `size`: a multiple of the block size. Several may be begun before they are awaited.
 */
void block_begin(struct block_wait *wait, struct block_device *device,
                 enum disk_operation operation, uint64_t offset, const paddr_t *frames,
                 size_t start, size_t size);
int block_await(struct block_wait *wait, struct block_device *device);
/* Both at once. */
int block_transfer(struct block_device *device, enum disk_operation operation, uint64_t offset,
                   const paddr_t *frames, size_t start, size_t size);
int block_requests_create(struct block_disk *disk);
void block_requests_destroy(struct block_disk *disk);
/* While somebody needs the driver, and what belongs to it, it stays. False: it is gone. */
bool block_user_begin(struct block_disk *disk);
void block_user_end(struct block_disk *disk);
/* Marks it gone and waits until nobody needs the driver any more. */
void block_requests_end(struct block_disk *disk);
/* By the room's thread: has the driver look, or reset. */
void block_requests_recover(struct block_disk *disk);

/* service.c: has the room's threads look for partitions, or have the driver recover. Any context.
 */
void block_service_scan(struct block_disk *disk);
void block_service_recover(struct block_disk *disk);
/* Has a job done, from now on, and waits for it. May sleep. */
void block_service_await(struct block_job *job);
/* The device's contents, or where it ends, may have become others: so may its names. The same. */
void block_service_relabel(struct block_device *device);
/* Something is dirty: it is written back some time later. Any context. */
void block_service_dirtied(void);
int block_service_start(void);
/* Of a new disk: its jobs. */
void block_service_begin(struct block_disk *disk);

/* partitions.c, by a thread of the kernel: names the disk, if it has no names yet; reads the table
   anew, and takes away and adds partitions. 0, -EBUSY: one is open; or what reading says. */
int block_partitions_scan(struct block_disk *disk);
void block_partitions_remove(struct block_disk *disk);
/* BLKPG of ioctl(2): one partition comes, goes, or ends elsewhere, whatever the disk's table says;
   in bytes. 0, -EBUSY: it is open, or there, or would overlap another; -ENXIO: it is not there;
   -EINVAL. May sleep; no lock held. */
int block_partition_add(struct block_disk *disk, uint32_t number, uint64_t first, uint64_t size);
int block_partition_delete(struct block_disk *disk, uint32_t number);
int block_partition_resize(struct block_disk *disk, uint32_t number, uint64_t first, uint64_t size);

/* labels.c, by a thread of the kernel: reads anew what the file systems say of themselves on those
   of the disk's devices whose contents may have changed, and names them so. */
void block_labels_read(struct block_disk *disk);

/* devices.c */
struct block_device *block_device_create(struct block_disk *disk, const struct partition *partition,
                                         enum partition_table_kind table);
/* Nobody finds it any more; its names are gone. */
void block_device_remove(struct block_device *device);
void block_devices_initialize(void);
/* Is a partition of it open: this one, or (0) any? */
bool block_partition_open(struct block_disk *disk, uint32_t number);
extern bool block_write_disks; /* internal disks are not locked; constant after boot */

/* cache.c */
void block_cache_initialize(void);
void block_cache_begin(struct block_device *device);
/* Writes back all that is dirty. 0 or the first error, which also counts for block_flush(). */
int block_write_back(struct block_device *device);
/* Drops what is clean; what is dirty too: `all`. */
void block_forget(struct block_device *device, bool all);
/* Makes page `index` be in the cache. 0, -ERANGE: behind the end, or an error. */
int block_fetch(struct block_device *device, uint64_t index, size_t ahead);

#endif
