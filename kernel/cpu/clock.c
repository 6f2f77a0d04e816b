#include "cpu/clock.h"

#include "cpu/calibration.h"
#include "cpu/clock_page.h"
#include "cpu/contained_call.h"
#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/registers.h"

static struct clock_page boot_page;            /* until there is one that programs see */
static struct clock_page *page = &boot_page;   /* constant when programs run */
static uint64_t tsc_frequency, apic_frequency; /* constant after clock_initialize() */
static void (*expired)(void);                  /* constant */

/* ---- reading ---- */

uint64_t clock_now(void)
{
    return clock_page_now(page);
}

uint64_t clock_duration(uint64_t ticks)
{
    return clock_page_duration(page, ticks);
}

uint64_t clock_wall(void)
{
    return clock_page_wall(page);
}

void clock_wall_set(uint64_t nanoseconds)
{
    __atomic_store_n(&page->wall_offset, nanoseconds - clock_now(), __ATOMIC_RELAXED);
}

uint64_t clock_tsc_frequency(void)
{
    return tsc_frequency;
}

/* A processor that counts faster than this waits less than it is told, before the clock is set. */
#define TICKS_A_NANOSECOND 5

uint64_t clock_patience(uint64_t nanoseconds)
{
    uint64_t ticks = tsc_frequency ? nanoseconds * (tsc_frequency / 1000) / 1000000
                                   : nanoseconds * TICKS_A_NANOSECOND;
    return tsc_read() + ticks;
}

bool clock_patience_over(uint64_t patience)
{
    return (int64_t)(tsc_read() - patience) >= 0;
}

void clock_move(struct clock_page *shown)
{
    *shown = *page;
    page = shown;
}

static void timer_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    cpu_current()->timer_deadline = CLOCK_NEVER;
    if (expired)
        expired();
    contained_call_tick(frame);
}

void clock_initialize(const struct acpi_root *acpi, void *(*map)(paddr_t base, size_t size))
{
    const struct calibration found = calibrate(acpi, map);

    tsc_frequency = found.tsc_frequency;
    apic_frequency = found.apic_frequency;
    page->tsc_base = tsc_read();
    page->multiplier = (NANOSECONDS_PER_SECOND << 32) / tsc_frequency;
    interrupt_set_handler(VECTOR_TIMER, timer_interrupt, NULL);
}

/* ---- the timer ---- */

void clock_set_expired(void (*function)(void))
{
    expired = function;
}

void clock_arm(uint64_t deadline)
{
    struct cpu *cpu = cpu_current();

    if (cpu->timer_deadline <= deadline)
        return;
    cpu->timer_deadline = deadline;
    uint64_t now = clock_now();
    uint64_t wait = deadline > now ? deadline - now : 0;
    if (wait > NANOSECONDS_PER_SECOND)
        wait = NANOSECONDS_PER_SECOND; /* comes early, and is armed again */
    uint64_t ticks = wait * (apic_frequency / 1000) / 1000000 + 1;
    local_apic_timer_arm(ticks > UINT32_MAX ? UINT32_MAX : ticks);
}
