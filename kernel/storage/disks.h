/* disks.h: the disks there are. */
#ifndef BATON_STORAGE_DISKS_H
#define BATON_STORAGE_DISKS_H

struct disk;

/* disk_add() and disk_remove() of device/disk.h. */
int storage_disk_add(struct disk *disk);
void storage_disk_remove(struct disk *disk);

#endif
