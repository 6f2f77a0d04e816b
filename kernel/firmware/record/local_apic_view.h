/* local_apic_view.h: this processor's local APIC, read as the firmware left it: in either mode, and
 * before anybody has initialised it (SDM volume 3, 11.4.1 and 11.12.1). */
#ifndef BATON_FIRMWARE_RECORD_LOCAL_APIC_VIEW_H
#define BATON_FIRMWARE_RECORD_LOCAL_APIC_VIEW_H

#include "cpu/registers.h"

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

/* The view that handoff_record_machine_state() has made. */
extern struct local_apic_view local_apic_view;

#endif
