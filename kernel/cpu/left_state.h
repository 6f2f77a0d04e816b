/*
 * left_state.h: the processor as the firmware has left it, for the record of the handoff: control
 * registers, and the local APIC in either mode, before anybody has initialised it (SDM volume 3,
 * 11.4.1 and 11.12.1).
 */
#ifndef BATON_CPU_LEFT_STATE_H
#define BATON_CPU_LEFT_STATE_H

#include "cpu/registers.h"

/* ---- registers of this processor ---- */

struct left_registers {
    uint64_t apic_base, cr0, cr4, efer;
};

static inline struct left_registers left_registers_read(void)
{
    return (struct left_registers){msr_read(MSR_APIC_BASE), cr0_read(), cr4_read(),
                                   msr_read(MSR_EFER)};
}

/* For who is given a function. */
static inline struct cpuid_result left_cpuid(uint32_t leaf, uint32_t subleaf)
{
    return cpuid(leaf, subleaf);
}

static inline uint64_t left_msr(uint32_t index)
{
    return msr_read(index);
}

/* ---- its local APIC ---- */

enum {
    APIC_VIEW_ID = 0x20,
    APIC_VIEW_VERSION = 0x30,
    APIC_VIEW_PRIORITY = 0x80,
    APIC_VIEW_END = 0xb0,
    APIC_VIEW_SPURIOUS = 0xf0,
    APIC_VIEW_IN_SERVICE = 0x100,
    APIC_VIEW_REQUESTED = 0x200,
    APIC_VIEW_ERROR = 0x280,
    APIC_VIEW_CMCI = 0x2f0,
    APIC_VIEW_TIMER = 0x320, /* then thermal, performance, LINT0, LINT1, error */
    APIC_VIEW_INITIAL = 0x380,
    APIC_VIEW_CURRENT = 0x390,
    APIC_VIEW_DIVIDE = 0x3e0,
};

struct local_apic_view {
    bool on, x2apic;
    volatile uint32_t *registers; /* NULL in x2APIC mode */
};

static inline uint32_t local_apic_view_read(const struct local_apic_view *apic, uint32_t offset)
{
    return apic->x2apic ? (uint32_t)msr_read(0x800 + offset / 16) : apic->registers[offset / 4];
}

static inline void local_apic_view_end(const struct local_apic_view *apic)
{
    if (apic->x2apic)
        msr_write(0x800 + APIC_VIEW_END / 16, 0);
    else
        apic->registers[APIC_VIEW_END / 4] = 0;
}

/* `map`: maps device registers. */
static inline struct local_apic_view local_apic_view_open(void *(*map)(paddr_t base, size_t size))
{
    const uint64_t enable = 1UL << 11, x2apic = 1UL << 10, address = 0xffffffffff000UL;
    uint64_t base = msr_read(MSR_APIC_BASE);
    struct local_apic_view view = {.x2apic = base & x2apic};

    if (!view.x2apic)
        view.registers = map(base & address, PAGE_SIZE);
    view.on = base & enable && (view.x2apic || view.registers);
    return view;
}

#endif
