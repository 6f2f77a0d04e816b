#include "cpu/processor_state.h"

#include "cpu/cpu.h"
#include "cpu/features.h"
#include "cpu/registers.h"
#include "cpu/trap.h"
#include "library/format.h"
#include "library/string.h"

/* One register or table: how it is read and written. `number` is a model-specific register's. */
struct kept {
    const char *name;
    uint64_t (*read)(uint32_t number);
    void (*write)(uint32_t number, uint64_t value);
    uint32_t number;
};

static uint64_t read_msr(uint32_t number)
{
    return msr_read(number);
}

static void write_msr(uint32_t number, uint64_t value)
{
    msr_write(number, value);
}

static bool has_mtrrs(void)
{
    return cpu_has_flag(1, 'd', 12);
}

static uint64_t read_mtrr(uint32_t number)
{
    return has_mtrrs() ? msr_read(number) : 0;
}

static void write_mtrr(uint32_t number, uint64_t value)
{
    msr_write(number, value);
}

static uint64_t read_cr0(uint32_t unused)
{
    (void)unused;
    return cr0_read();
}

static void write_cr0(uint32_t unused, uint64_t value)
{
    (void)unused;
    cr0_write(value);
}

static uint64_t read_cr4(uint32_t unused)
{
    (void)unused;
    return cr4_read();
}

static void write_cr4(uint32_t unused, uint64_t value)
{
    (void)unused;
    cr4_write(value);
}

static uint64_t read_cr8(uint32_t unused)
{
    uint64_t value;

    (void)unused;
    __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

static void write_cr8(uint32_t unused, uint64_t value)
{
    (void)unused;
    __asm__ volatile("mov %0, %%cr8" ::"r"(value));
}

static uint64_t read_xcr0(uint32_t unused)
{
    uint32_t low, high;

    (void)unused;
    if (!(cr4_read() & CR4_OSXSAVE))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static void write_xcr0(uint32_t unused, uint64_t value)
{
    (void)unused;
    if (value)
        __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* Breakpoints are nobody's here: it is enough that none is on (SDM volume 3, 18.2.4). */
static uint64_t read_dr7(uint32_t unused)
{
    uint64_t value;

    (void)unused;
    __asm__ volatile("mov %%dr7, %0" : "=r"(value));
    return value;
}

static void write_dr7(uint32_t unused, uint64_t value)
{
    (void)unused;
    __asm__ volatile("mov %0, %%dr7" ::"r"(value));
}

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static uint64_t read_gdt(uint32_t unused)
{
    struct table_register gdt;

    (void)unused;
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    return gdt.base ^ (uint64_t)gdt.limit << 48;
}

static uint64_t read_task(uint32_t unused)
{
    uint16_t selector;

    (void)unused;
    __asm__ volatile("str %0" : "=m"(selector));
    return selector;
}

/* Code, stack and task too: the selectors may be those of another table. GS is known here. */
static void write_gdt(uint32_t unused, uint64_t value)
{
    struct cpu *cpu = cpu_current();

    (void)unused, (void)value;
    trap_load_segments(cpu);
    msr_write(MSR_GS_BASE, (uint64_t)cpu);
}

/* DS, ES, FS and GS in one word; loading the last two changes their bases, which come behind. */
static uint64_t read_segments(uint32_t unused)
{
    uint16_t ds, es, fs, gs;

    (void)unused;
    __asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3"
                     : "=m"(ds), "=m"(es), "=m"(fs), "=m"(gs));
    return ds | (uint64_t)es << 16 | (uint64_t)fs << 32 | (uint64_t)gs << 48;
}

static void write_segments(uint32_t unused, uint64_t value)
{
    (void)unused;
    __asm__ volatile("mov %0, %%ds\n\tmov %1, %%es\n\tmov %2, %%fs\n\tmov %3, %%gs" ::"r"(
                         (uint32_t)(value & 0xffff)),
                     "r"((uint32_t)(value >> 16 & 0xffff)), "r"((uint32_t)(value >> 32 & 0xffff)),
                     "r"((uint32_t)(value >> 48)));
}

/* In the order in which they are put back; segments change the bases of FS and GS. What not every
 * processor has (a TSC_AUX) is not here. */
static const struct kept kept[PROCESSOR_STATE_REGISTERS] = {
    {"the base of GS", read_msr, write_msr, MSR_GS_BASE},
    {"CR0", read_cr0, write_cr0, 0},
    {"CR4", read_cr4, write_cr4, 0},
    {"XCR0", read_xcr0, write_xcr0, 0},
    {"DR7", read_dr7, write_dr7, 0},
    {"the GDT", read_gdt, write_gdt, 0},
    {"the task register", read_task, write_gdt, 0},
    {"segments", read_segments, write_segments, 0},
    {"the base of FS", read_msr, write_msr, MSR_FS_BASE},
    {"the program's base of GS", read_msr, write_msr, MSR_KERNEL_GS_BASE},
    {"EFER", read_msr, write_msr, MSR_EFER},
    {"STAR", read_msr, write_msr, MSR_STAR},
    {"LSTAR", read_msr, write_msr, MSR_LSTAR},
    {"CSTAR", read_msr, write_msr, MSR_CSTAR},
    {"FMASK", read_msr, write_msr, MSR_FMASK},
    {"the page attribute table", read_msr, write_msr, MSR_PAT},
    {"the local APIC's base", read_msr, write_msr, MSR_APIC_BASE},
    {"the MTRRs' default", read_mtrr, write_mtrr, MSR_MTRR_DEF_TYPE},
    {"CR8", read_cr8, write_cr8, 0},
};

void processor_state_take(struct processor_state *state)
{
    for (size_t i = 0; i < array_length(kept); i++)
        state->value[i] = kept[i].read(kept[i].number);
}

uint32_t processor_state_restore(const struct processor_state *state, struct cpu *cpu)
{
    uint32_t changed = 0;

    for (size_t i = 0; i < array_length(kept); i++) {
        if (kept[i].read(kept[i].number) == state->value[i])
            continue;
        kept[i].write(kept[i].number, state->value[i]);
        changed |= 1U << i;
    }
    msr_write(MSR_GS_BASE, (uint64_t)cpu);
    return changed;
}

const char *processor_state_names(uint32_t changed, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < array_length(kept); i++)
        if (changed >> i & 1 && used < size)
            used += (size_t)format_string(text + used, size - used, "%s%s", used ? ", " : "",
                                          kept[i].name);
    return text;
}
