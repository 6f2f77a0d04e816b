/*
 * machine_state.h: P5: interrupt controllers and timers as the firmware left them, before the
 * kernel changes any; and whose interrupts come when they may.
 */
#ifndef BATON_FIRMWARE_RECORD_MACHINE_STATE_H
#define BATON_FIRMWARE_RECORD_MACHINE_STATE_H

#include "cpu/left_state.h"
#include "library/acpi.h"
#include "library/types.h"

/*
 * Records them. At boot, once, interrupts off, when device_map()
 * works, before interrupt_controller_initialize(). `acpi` NULL: there are no tables. `rflags`: as
 * ExitBootServices left them.
 */
void handoff_record_machine_state(const struct acpi_root *acpi, uint64_t rflags);

/* The local APIC, as the function above has found it. */
extern struct local_apic_view local_apic_view;

/*
 * Lets interrupts in for some 10 ms, with nobody who asked for any; then they are off again. Right
 * after the function above, and only when everything is to be recorded.
 */
void handoff_record_watch_interrupts(void);
/* Records what came, when the clock can tell how long it was. */
void handoff_record_interrupts(void);

#endif
