#include "storage/disks.h"

#include "cpu/log.h"
#include "device/disk.h"

int storage_disk_add(struct disk *disk)
{
    log_write(LOG_NOTICE, "%s: %lu blocks of %u bytes: %s %s", disk->kind ? disk->kind : disk->name,
              disk->block_count, disk->block_size, disk->vendor, disk->model);
    return 0;
}

void storage_disk_remove(struct disk *disk)
{
    log_write(LOG_NOTICE, "%s: gone", disk->kind ? disk->kind : disk->name);
}
