/* disks.h: drivers' disks come and go; the room comes to life. */
#ifndef BATON_STORAGE_DISKS_H
#define BATON_STORAGE_DISKS_H

#include <stdbool.h>
#include <stdint.h>

struct disk;

/* Once, at boot, before drivers start. `write_disks`: internal disks too may be written to. 0 or
   -ENOMEM. */
int storage_initialize(bool write_disks);

/* Waits until the partitions of all disks that came so far are there, at most so long (ns). */
void storage_settle(uint64_t patience);

/* sync(2): what was written to any disk is on it. May sleep. */
void storage_synchronise(void);

/* disk_add() and disk_remove() of device/disk.h. */
int storage_disk_add(struct disk *disk);
void storage_disk_remove(struct disk *disk);

#endif
