/* pass_through.h: what a program asks of a disk in the disk's own language. */
#ifndef BATON_STORAGE_PASS_THROUGH_H
#define BATON_STORAGE_PASS_THROUGH_H

#include "storage/block.h"

/* ioctl(2): SG_IO, NVME_IOCTL_ID, NVME_IOCTL_ADMIN_CMD. -ENOTTY: another, or the disk speaks
   another language. May sleep; no lock held. */
ssize_t pass_through_ioctl(struct block_device *device, unsigned command, vaddr_t argument);

/* Makes /dev/nvme0 and its like answer (names.c makes them). At boot. 0 or -EBUSY. */
int pass_through_initialize(void);

#endif
