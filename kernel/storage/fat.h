/* fat.h: FAT volumes as file systems. */
#ifndef BATON_STORAGE_FAT_FAT_H
#define BATON_STORAGE_FAT_FAT_H

/* Makes vfat known to mount(2). At boot. */
void fat_initialize(void);

#endif
