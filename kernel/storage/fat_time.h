/* fat_time.h: the clock as FAT volumes take it. */
#ifndef BATON_STORAGE_FAT_TIME_H
#define BATON_STORAGE_FAT_TIME_H

#include "cpu/clock.h"
#include "file/inode.h"
#include "library/fat/fat.h"

static inline struct fat_time fat_time_now(void)
{
    struct file_time now = file_time(clock_wall());
    return (struct fat_time){now.seconds, now.nanoseconds};
}

#endif
