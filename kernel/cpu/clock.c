#include "cpu/clock.h"

#include "cpu/clock_page.h"
#include "cpu/contained_call.h"
#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "library/acpi.h"

#define CALIBRATION_NS 10000000ULL /* 10 ms */

static struct clock_page boot_page;            /* until there is one that programs see */
static struct clock_page *page = &boot_page;   /* constant when programs run */
static uint64_t tsc_frequency, apic_frequency; /* constant after clock_initialize() */
static void (*expired)(void);                  /* constant */

/* ---- reading ---- */

uint64_t clock_now(void)
{
    return clock_page_now(page);
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

void clock_move(struct clock_page *shown)
{
    *shown = *page;
    page = shown;
}

/* ---- calibration: a reference clock that counts up or down at a known rate ---- */

struct reference {
    const char *name;
    uint64_t (*read)(void);
    uint64_t frequency; /* Hz */
    uint64_t mask;      /* its width */
};

static volatile const uint32_t *hpet;
static struct acpi_address pm_timer;
static volatile const uint32_t *pm_timer_memory;

static uint64_t hpet_read(void)
{
    return hpet[0xf0 / 4];
}

static uint64_t pm_timer_read(void)
{
    return pm_timer_memory ? *pm_timer_memory : port_read32(pm_timer.address);
}

/* Channel 2 of the 8254 counts down from 65535 with its speaker off; latched, then read. */
static uint64_t pit_read(void)
{
    port_write8(0x43, 0x80);
    uint64_t low = port_read8(0x42);
    return 0xffff - (low | (uint64_t)port_read8(0x42) << 8);
}

static bool find_hpet(const struct acpi_root *acpi, struct reference *reference,
                      void *(*map)(paddr_t, size_t))
{
    struct acpi_table table;
    struct acpi_hpet found;
    const char *reason;

    if (!acpi || acpi_table_find(acpi, "HPET", &table) ||
        acpi_hpet_parse(&table, &found, &reason) || found.address.space != ACPI_SPACE_MEMORY)
        return false;
    volatile uint32_t *registers = map(found.address.address, PAGE_SIZE);
    if (!registers)
        return false;
    /* HPET specification 1.0a, 2.3.4: femtoseconds a tick, at most 100 ns. */
    uint32_t period = registers[1];
    if (!period || period > 100000000)
        return false;
    registers[0x10 / 4] |= 1; /* ENABLE_CNF: the main counter runs */
    hpet = registers;
    *reference = (struct reference){"HPET", hpet_read, 1000000000000000ULL / period, UINT32_MAX};
    return true;
}

static bool find_pm_timer(const struct acpi_root *acpi, struct reference *reference,
                          void *(*map)(paddr_t, size_t))
{
    struct acpi_table table;
    struct acpi_fadt fadt;
    const char *reason;

    if (!acpi || acpi_table_find(acpi, "FACP", &table) || acpi_fadt_parse(&table, &fadt, &reason) ||
        !fadt.timer.address)
        return false;
    pm_timer = fadt.timer;
    if (pm_timer.space == ACPI_SPACE_MEMORY) {
        pm_timer_memory = map(pm_timer.address, sizeof(uint32_t));
        if (!pm_timer_memory)
            return false;
    }
    *reference = (struct reference){"ACPI PM timer", pm_timer_read, 3579545,
                                    fadt.timer_32_bit ? UINT32_MAX : 0xffffff};
    return true;
}

static void use_pit(struct reference *reference)
{
    port_write8(0x61, (port_read8(0x61) & ~2) | 1); /* gate on, speaker off */
    port_write8(0x43, 0xb0);                        /* channel 2, both bytes, mode 0 */
    port_write8(0x42, 0xff);
    port_write8(0x42, 0xff);
    *reference = (struct reference){"8254", pit_read, 1193182, 0xffff};
}

/* All three clocks at one moment. */
struct moment {
    uint64_t tsc, reference, apic_left;
};

/*
 * Reads the clocks so that little time passes between the first reading and the
 * last: of several tries, the quickest. A host that runs something else in the
 * middle of a try would spoil the clock for good.
 */
#define READ_TRIES 20

static struct moment read_moment(const struct reference *reference)
{
    struct moment best = {0};
    uint64_t quickest = UINT64_MAX;

    for (int i = 0; i < READ_TRIES; i++) {
        uint64_t before = tsc_read();
        struct moment moment = {0, reference->read(), local_apic_timer_left()};
        uint64_t took = tsc_read() - before;
        if (took < quickest) {
            quickest = took;
            best = moment;
            best.tsc = before + took / 2;
        }
    }
    return best;
}

/* Waits for CALIBRATION_NS by the reference. A reference that stands still ends it, too: false. */
static bool measure(const struct reference *reference, uint64_t *tsc_ticks, uint64_t *apic_ticks,
                    uint64_t *reference_ticks)
{
    uint64_t wanted = reference->frequency * CALIBRATION_NS / NANOSECONDS_PER_SECOND;

    local_apic_timer_arm(UINT32_MAX);
    struct moment start = read_moment(reference);
    for (uint32_t reads = 0; ((reference->read() - start.reference) & reference->mask) < wanted;
         reads++) {
        if (reads == 100000000)
            return false;
    }
    struct moment end = read_moment(reference);
    local_apic_timer_arm(0);
    *tsc_ticks = end.tsc - start.tsc;
    *apic_ticks = start.apic_left - end.apic_left;
    *reference_ticks = (end.reference - start.reference) & reference->mask;
    return true;
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
    struct reference reference;
    uint64_t tsc_ticks, apic_ticks, passed;

    if (!find_hpet(acpi, &reference, map) && !find_pm_timer(acpi, &reference, map))
        use_pit(&reference);
    if (!measure(&reference, &tsc_ticks, &apic_ticks, &passed)) {
        log_write(LOG_WARNING, "clock: the %s stands still: time is a guess", reference.name);
        tsc_ticks = apic_ticks = 10000000;
        passed = reference.frequency / 100;
    }
    tsc_frequency = tsc_ticks * reference.frequency / passed;
    apic_frequency = apic_ticks * reference.frequency / passed;
    page->tsc_base = tsc_read();
    page->multiplier = (NANOSECONDS_PER_SECOND << 32) / tsc_frequency;
    interrupt_set_handler(VECTOR_TIMER, timer_interrupt, NULL);
    log_write(LOG_NOTICE, "clock: time stamp counter %lu kHz, APIC timer %lu kHz, by the %s",
              tsc_frequency / 1000, apic_frequency / 1000, reference.name);
}

/* ---- the timer ---- */

void clock_set_expired(void (*function)(void))
{
    expired = function;
}

void clock_arm(uint64_t deadline)
{
    struct cpu *cpu = cpu_current();

    if (cpu->timer_deadline == deadline)
        return;
    cpu->timer_deadline = deadline;
    if (deadline == CLOCK_NEVER) {
        local_apic_timer_arm(0);
        return;
    }
    uint64_t now = clock_now();
    uint64_t wait = deadline > now ? deadline - now : 0;
    if (wait > NANOSECONDS_PER_SECOND)
        wait = NANOSECONDS_PER_SECOND; /* comes early, and is armed again */
    uint64_t ticks = wait * (apic_frequency / 1000) / 1000000 + 1;
    local_apic_timer_arm(ticks > UINT32_MAX ? UINT32_MAX : ticks);
}
