#include "hosted.h"

#include "call.h"
#include "firmware.h"
#include "processor.h"

#define CR0_MONITOR    (UINT64_C(1) << 1) /* SDM volume 3, 2.5 and 13.1 */
#define CR0_EMULATION  (UINT64_C(1) << 2)
#define CR0_SWITCHED   (UINT64_C(1) << 3)
#define CR4_FXSR       (UINT64_C(1) << 9)
#define CR4_EXCEPTIONS (UINT64_C(1) << 10)
#define MSR_FS_BASE    0xc0000100

static struct {
    EFI_TPL level;
    uint64_t cr0, cr4, fs_base;
    struct vector_registers registers;
} before;

/* The thread's block of glibc, of which the stack protector reads the word at 0x28. */
static uint64_t thread_block[8];

/* The control word of x87 and MXCSR (System V psABI, 3.4.1), in their places (SDM volume
 * 1, 10.5.1). */
static const struct vector_registers as_programs_begin = {
    {[0] = 0x7f, [1] = 0x03, [24] = 0x80, [25] = 0x1f}};

void hosted_enter(void)
{
    calls_allow_interrupts(false);
    before.level = firmware.boot->RaiseTPL(TPL_HIGH_LEVEL); /* interrupts are off: UEFI 2.10, 7.1 */
    before.cr0 = cr0_read();
    before.cr4 = cr4_read();
    before.fs_base = msr_read(MSR_FS_BASE);
    cr0_write((before.cr0 | CR0_MONITOR) & ~(CR0_EMULATION | CR0_SWITCHED));
    cr4_write(before.cr4 | CR4_FXSR | CR4_EXCEPTIONS);
    vector_registers_save(&before.registers);
    vector_registers_load(&as_programs_begin);
    msr_write(MSR_FS_BASE, (uintptr_t)thread_block);
}

void hosted_leave(void)
{
    msr_write(MSR_FS_BASE, before.fs_base);
    vector_registers_load(&before.registers);
    cr4_write(before.cr4);
    cr0_write(before.cr0);
    calls_allow_interrupts(true);
    firmware.boot->RestoreTPL(before.level);
}
