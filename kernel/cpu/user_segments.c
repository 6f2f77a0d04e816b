#include "cpu/user_segments.h"

#include "cpu/cpu.h"
#include "cpu/registers.h"

/* In the kernel GS is the kernel's; the user's waits for SWAPGS (Intel SDM volume 3, 5.8.8). */
static void write_fs(uint64_t base)
{
    msr_write(MSR_FS_BASE, base);
}

static void write_gs(uint64_t base)
{
    msr_write(MSR_KERNEL_GS_BASE, base);
}

void user_segments_load(const struct user_segments *segments)
{
    struct user_segments *loaded = &cpu_current()->user_segments;

    if (loaded->fs_base != segments->fs_base)
        write_fs(segments->fs_base);
    if (loaded->gs_base != segments->gs_base)
        write_gs(segments->gs_base);
    *loaded = *segments;
}

static bool selectors_are_loaded(void)
{
    uint32_t fs, gs;

    __asm__ volatile("movl %%fs, %0\n\t"
                     "movl %%gs, %1"
                     : "=r"(fs), "=r"(gs));
    return fs | gs;
}

void user_segments_take_changed(struct user_segments *segments)
{
    if (!selectors_are_loaded())
        return;
    segments->fs_base = msr_read(MSR_FS_BASE);
    segments->gs_base = msr_read(MSR_KERNEL_GS_BASE);
    __asm__ volatile("movl %0, %%fs\n\t"
                     "swapgs\n\t"
                     "movl %0, %%gs\n\t"
                     "swapgs" ::"r"(0)
                     : "memory");
    write_fs(segments->fs_base);
    write_gs(segments->gs_base);
    cpu_current()->user_segments = *segments;
}
