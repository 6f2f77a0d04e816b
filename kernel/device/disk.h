/*
 * disk.h: what the driver of a disk gives to storage/, and how it is asked for blocks.
 *
 * The driver fills a struct disk and adds it. storage/ names it (sda, nvme0n1), looks for
 * partitions, keeps blocks in memory, and never has more requests under way than the disk takes.
 */
#ifndef BATON_DEVICE_DISK_H
#define BATON_DEVICE_DISK_H

#include <bsd/sys/queue.h>

#include "library/types.h"

struct block_disk;
struct disk;
struct pci_device;

enum disk_operation {
    DISK_READ,
    DISK_WRITE,
    DISK_FLUSH,   /* what was written and done before is kept without power; no blocks, no memory */
    DISK_DISCARD, /* these blocks' contents are of no use any more; no memory */
    DISK_OPERATIONS,
};

/* A piece of memory, inside one page. */
struct disk_segment {
    paddr_t address;
    uint32_t size;
};

/*
 * The memory of a request is as one buffer that virtual addresses run through: every segment but
 * the first begins at a page's start, every one but the last ends at a page's end. Addresses and
 * sizes are multiples of DISK_ALIGNMENT; all together they are `count` blocks.
 */
#define DISK_ALIGNMENT 512
struct disk_request {
    enum disk_operation operation;
    uint64_t first; /* block, of the disk's size; checked against the disk's number of blocks */
    uint32_t count; /* at most blocks_maximum */
    uint32_t segment_count;              /* at most segments_maximum */
    const struct disk_segment *segments; /* stay until it is done */

    int status; /* 0, -EIO, -ENODEV, -ETIMEDOUT, -EROFS, -EOPNOTSUPP, …: set before done() */
    /* Called once by the driver, with no lock held, in an interrupt or by submit() itself. It may
       free the request, and submit others. */
    void (*done)(struct disk_request *request);

    STAILQ_ENTRY(disk_request) link; /* the driver's, while it has the request */
    uint64_t submitted;              /* ns since boot; storage's */
};

/* What a device said of itself, in its own language: the driver's memory, constant as long as the
   disk is added. NULL: it speaks another one. */
struct disk_identity {
    const uint8_t *ata;                              /* IDENTIFY DEVICE: 512 bytes */
    const uint8_t *inquiry;                          /* SCSI's INQUIRY: 36 bytes */
    const uint8_t *nvme_controller, *nvme_namespace; /* Identify: a page each */
    uint32_t nvme_number;                            /* of the namespace */
    uint32_t nvme_index;                             /* the 0 of nvme0: of the controller */
};
#define DISK_ATA_SIZE     512
#define DISK_INQUIRY_SIZE 36
#define DISK_NVME_SIZE    4096

#define DISK_NAME_MAXIMUM 24

struct disk {
    /* The driver fills these before disk_add(), and they stay. */
    const char *kind;             /* "sd", "vd", "nvme", "mmcblk" */
    char name[DISK_NAME_MAXIMUM]; /* nvme0n1, mmcblk0; empty: the kind and a letter, which
                                     disk_add() writes here */
    uint32_t ordinal;             /* among its kind, from 1 on; 0: the first that is free */
    uint32_t block_size;          /* bytes: 512, 1024, 2048 or 4096 */
    uint32_t physical_block_size; /* a multiple of it; 0: the same */
    uint64_t block_count;
    bool read_only;  /* the medium is, for good */
    bool removable;  /* the medium can go without the drive */
    bool internal;   /* belongs to the PC: not written to unless a person says so */
    bool discards;   /* knows DISK_DISCARD */
    bool keeps_late; /* has a cache that loses what was not flushed */
    bool rotates;
    char vendor[9], model[41], serial[41], revision[9]; /* as the device says: printable ASCII, no
                                                           spaces at the ends; disk_text() */
    uint32_t requests_maximum;                          /* under way at once, at least 1 */
    uint32_t segments_maximum;                          /* of a request, at least 2 */
    uint32_t blocks_maximum;                            /* of a request, at least a page's */
    uint64_t address_maximum; /* the last that the device reaches in memory: at least 4 GiB - 1 */
    char path[32];            /* where behind that: "ata-1", "usb-0:2:1.0-scsi-0:0:0:0"; or empty */
    const struct pci_device *pci; /* it hangs on; for /sys; NULL: unknown */
    struct disk_identity identity;
    void *private; /* the driver's */

    /* Begins a request. Never sleeps; any context, several at once; no lock of the driver's held.
     */
    void (*submit)(struct disk *disk, struct disk_request *request);
    /*
     * Something takes longer than DISK_PATIENCE: perhaps an interrupt was lost, or the device
     * hangs. When it returns, every request that was submitted before it has been done: with what
     * the device says, or after a reset with an error. By a thread; may sleep, bounded. NULL: the
     * driver sees to its time itself.
     */
    void (*recover)(struct disk *disk);

    struct block_disk *block; /* storage's */
};
#define DISK_PATIENCE (10UL * 1000 * 1000 * 1000) /* ns */

/*
 * Makes a disk known; partitions are looked for by another thread. By a thread that may sleep,
 * which holds no lock of the driver's. 0, -EINVAL (what it says of itself cannot be), -ENOMEM.
 */
int disk_add(struct disk *disk);
/*
 * The device is gone, or the driver leaves it. From now on `submit` is not called; the driver does
 * all requests that are under way, with -ENODEV, before it calls this or from another thread
 * meanwhile: this waits for them. Afterwards the disk's memory is the driver's again, whoever has
 * its nodes open. May sleep.
 */
void disk_remove(struct disk *disk);

/* A text of `size` bytes as devices keep it (padded with spaces, not ended) for the fields above:
   what is not printable is '.'. `room`: of the result, with its end. */
void disk_text(char *result, size_t room, const uint8_t *text, size_t size);

#endif
