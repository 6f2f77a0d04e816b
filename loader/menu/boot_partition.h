/*
 * boot_partition.h: the second place for boot entries, the extended boot loader partition (Boot
 * Loader Specification, "The Partitions").
 */
#ifndef BATON_LOADER_MENU_BOOT_PARTITION_H
#define BATON_LOADER_MENU_BOOT_PARTITION_H

#include "firmware.h"

/*
 * Its volume, on the disk that the loader was started from; NULL: there is none, none with files,
 * or the firmware does not tell types of partitions (UEFI 2.7).
 */
EFI_HANDLE boot_partition_find(void);

#endif
