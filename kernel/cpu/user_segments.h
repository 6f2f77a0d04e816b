/*
 * user_segments.h: the bases of FS and GS as user mode of the calling thread
 * has them now (thread-local storage). thread->fs_base and gs_base hold them
 * while the thread does not run. Interrupts on or off; the caller cannot be
 * moved between CPUs within the kernel unless it sleeps.
 */
#ifndef BATON_CPU_USER_SEGMENTS_H
#define BATON_CPU_USER_SEGMENTS_H

#include "cpu/registers.h"

static inline uint64_t user_fs_base(void)
{
    return msr_read(MSR_FS_BASE);
}

static inline void user_fs_base_set(uint64_t base)
{
    msr_write(MSR_FS_BASE, base);
}

/* In the kernel GS is the kernel's; the user's waits for SWAPGS (Intel SDM volume 3, 5.8.8). */
static inline uint64_t user_gs_base(void)
{
    return msr_read(MSR_KERNEL_GS_BASE);
}

static inline void user_gs_base_set(uint64_t base)
{
    msr_write(MSR_KERNEL_GS_BASE, base);
}

#endif
