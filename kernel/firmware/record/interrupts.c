/* interrupts.c: whose interrupts come after the exit, with our own table of handlers and nobody who
 * asked for any (UEFI 2.11, 7.4.6: boot services' timer is gone). */
#include "cpu/clock.h"
#include "cpu/trap.h"
#include "firmware/record/handoff_record.h"
#include "firmware/record/machine_state.h"
#include "library/string.h"

/* The 8254 of old ticks each 55 ms, and one tick has to fit in. No clock is known yet: 60 ms at
 * 5 GHz, more on a slower processor. */
#define CYCLES  300000000UL
#define VECTORS 256

static uint32_t counts[VECTORS];
static uint64_t watched; /* cycles; 0: not watched */

static void end_8259(void)
{
    enum { END = 0x20 }; /* OCW2: not specific */

    port_write8(0xa0, END);
    port_write8(0x20, END);
}

/*
 * What the firmware left in service (P5 has it) holds back whatever comes behind it, and whether it
 * did is chance: a tick that came a moment before the exit. A system ends these before it begins.
 */
static void end_left_in_service(void)
{
    for (unsigned line = 0; line < 8; line++)
        end_8259();
    for (unsigned i = 0; local_apic_view.on && i < VECTORS; i++)
        local_apic_view_end(&local_apic_view);
}

/* The local APIC's own interrupts are in service there, those of the 8259s are not. */
static void count_interrupt(struct trap_frame *frame)
{
    unsigned vector = (unsigned)frame->vector;

    counts[vector]++;
    if (local_apic_view.on &&
        local_apic_view_read(&local_apic_view, APIC_VIEW_IN_SERVICE + vector / 32 * 16) >>
                (vector % 32) &
            1) {
        local_apic_view_end(&local_apic_view);
        return;
    }
    end_8259();
}

void handoff_record_watch_interrupts(void)
{
    uint64_t start = tsc_read();

    if (!handoff_record_wanted())
        return;
    end_left_in_service();
    interrupt_watch_stray(count_interrupt);
    interrupts_enable();
    while (tsc_read() - start < CYCLES)
        cpu_relax();
    interrupts_disable();
    interrupt_watch_stray(NULL);
    watched = tsc_read() - start;
}

void handoff_record_interrupts(void)
{
    struct record_interrupts head = {0};
    struct record_interrupt items[32];
    size_t count = 0;

    if (!watched)
        return;
    head.nanoseconds = watched * 1000 / (clock_tsc_frequency() / 1000000 + 1);
    for (unsigned vector = 0; vector < VECTORS && count < array_length(items); vector++)
        if (counts[vector])
            items[count++] = (struct record_interrupt){vector, counts[vector]};
    handoff_record_append(RECORD_INTERRUPTS, &head, sizeof(head), items, count * sizeof(items[0]));
}
