#include "cpu/calibration.h"

#include "cpu/clock.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "library/acpi.h"
#include "library/clock_choice.h"

#define WITNESS_NS     100000ULL    /* to see whether it runs, and agrees with another */
#define CALIBRATION_NS 1000000ULL   /* by the one that is believed */
#define STANDSTILL_NS  100000000ULL /* by a counter whose speed is not known yet */
#define GUESS          1000000000ULL

/* ---- references: clocks that count at a known rate ---- */

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
    struct acpi_fadt fadt;
    const char *reason;

    if (!acpi || acpi_fadt_find(acpi, &fadt, &reason) || !fadt.timer.address)
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

static bool find_pit(const struct acpi_root *acpi, struct reference *reference,
                     void *(*map)(paddr_t, size_t))
{
    (void)acpi;
    (void)map;
    port_write8(0x61, (port_read8(0x61) & ~2) | 1); /* gate on, speaker off */
    port_write8(0x43, 0xb0);                        /* channel 2, both bytes, mode 0 */
    port_write8(0x42, 0xff);
    port_write8(0x42, 0xff);
    *reference = (struct reference){"8254", pit_read, 1193182, 0xffff};
    return true;
}

/* The clocks as they were read one after the other, `took` ticks from the first to the last. */
struct reading {
    uint64_t tsc, took, reference, apic_left;
};

static struct reading read_once(const struct reference *reference)
{
    uint64_t before = tsc_read();
    struct reading reading = {
        .reference = reference->read(),
        .apic_left = local_apic_timer_left(),
    };

    reading.took = tsc_read() - before;
    reading.tsc = before + reading.took / 2;
    return reading;
}

/* All three clocks at one moment: a reading, and how far behind it the moment lies, in parts of a
   tick. */
#define PARTS 256
struct moment {
    struct reading first;
    uint64_t tsc, reference, apic;
};

/*
 * The middle of many readings. A tick of the reference may be as long as a reading takes, and each
 * comes at another place in it: so many say some ten times as much as one, and a tenth of the time
 * has to pass between two moments. Readings are left out that took much longer than the quickest: a
 * host that runs something else in the middle of one would spoil the clock for good.
 */
#define READINGS 64

static struct moment read_moment(const struct reference *reference)
{
    struct reading readings[READINGS];
    uint64_t quickest = UINT64_MAX, count = 0;

    for (int i = 0; i < READINGS; i++) {
        readings[i] = read_once(reference);
        if (readings[i].took < quickest)
            quickest = readings[i].took;
    }
    struct moment moment = {.first = readings[0]};
    for (int i = 0; i < READINGS; i++) {
        if (readings[i].took > quickest + quickest / 4)
            continue;
        moment.tsc += readings[i].tsc - readings[0].tsc;
        moment.reference += (readings[i].reference - readings[0].reference) & reference->mask;
        moment.apic += readings[0].apic_left - readings[i].apic_left;
        count++;
    }
    moment.tsc = moment.tsc * PARTS / count;
    moment.reference = moment.reference * PARTS / count;
    moment.apic = moment.apic * PARTS / count;
    return moment;
}

/* What a reference says of both counters within so much time; zeros: it stands still. */
static struct calibration measure(const struct reference *reference, uint64_t nanoseconds)
{
    uint64_t wanted = reference->frequency * nanoseconds / NANOSECONDS_PER_SECOND;
    uint64_t patience = clock_patience(STANDSTILL_NS);

    local_apic_timer_arm(UINT32_MAX);
    struct moment start = read_moment(reference);
    while (((reference->read() - start.first.reference) & reference->mask) < wanted)
        if (clock_patience_over(patience))
            return (struct calibration){0};
    struct moment end = read_moment(reference);
    local_apic_timer_arm(0);

    uint64_t passed = ((end.first.reference - start.first.reference) & reference->mask) * PARTS +
                      end.reference - start.reference;
    uint64_t tsc = (end.first.tsc - start.first.tsc) * PARTS + end.tsc - start.tsc;
    uint64_t apic = (start.first.apic_left - end.first.apic_left) * PARTS + end.apic - start.apic;
    return (struct calibration){
        .tsc_frequency = tsc * reference->frequency / passed,
        .apic_frequency = apic * reference->frequency / passed,
    };
}

/* ---- what CPUID says ---- */

#define HYPERVISOR       (1U << 31) /* leaf 1, ECX */
#define HYPERVISOR_FIRST 0x40000000U
#define HYPERVISOR_TIME  0x40000010U

static uint64_t stated_frequency(void)
{
    uint32_t last = cpuid(0, 0).eax;
    struct clock_leaves leaves = {0};

    if (last >= 0x15) {
        struct cpuid_result ratio = cpuid(0x15, 0);
        leaves.denominator = ratio.eax;
        leaves.numerator = ratio.ebx;
        leaves.crystal = ratio.ecx;
    }
    if (last >= 0x16)
        leaves.base_megahertz = cpuid(0x16, 0).eax & 0xffff;
    if (cpuid(1, 0).ecx & HYPERVISOR && cpuid(HYPERVISOR_FIRST, 0).eax >= HYPERVISOR_TIME)
        leaves.hypervisor_kilohertz = cpuid(HYPERVISOR_TIME, 0).eax;
    return clock_stated_frequency(&leaves);
}

static uint64_t tsc_reference_read(void)
{
    return tsc_read();
}

/* The time stamp counter itself, whose speed is believed: for the local APIC's timer. */
static struct reference statement(uint64_t frequency)
{
    return (struct reference){"CPUID", tsc_reference_read, frequency, UINT64_MAX};
}

/* ---- whom to believe ---- */

enum {
    BY_HPET,
    BY_PM_TIMER,
    BY_PIT,
    BY_CPUID,
    WITNESSES,
};

static bool (*const finders[])(const struct acpi_root *acpi, struct reference *reference,
                               void *(*map)(paddr_t, size_t)) = {
    [BY_HPET] = find_hpet,
    [BY_PM_TIMER] = find_pm_timer,
    [BY_PIT] = find_pit,
};

/* Is there one to whom another has agreed? */
static bool settled(const struct clock_witness *witnesses)
{
    int chosen = clock_choose(witnesses, WITNESSES);

    for (int i = 0; chosen >= 0 && i < WITNESSES; i++)
        if (i != chosen &&
            clock_witnesses_agree(witnesses[chosen].frequency, witnesses[i].frequency))
            return true;
    return false;
}

static void say(const struct clock_witness *witnesses, bool was_asked[WITNESSES], int chosen)
{
    for (int i = 0; i < WITNESSES; i++) {
        if (!was_asked[i] || i == chosen)
            continue;
        if (!witnesses[i].frequency)
            log_write(LOG_WARNING, "clock: the %s stands still", witnesses[i].name);
        else if (chosen >= 0 &&
                 !clock_witnesses_agree(witnesses[chosen].frequency, witnesses[i].frequency))
            log_write(LOG_WARNING, "clock: by the %s it would be %lu kHz: not believed",
                      witnesses[i].name, witnesses[i].frequency / 1000);
    }
}

struct calibration calibrate(const struct acpi_root *acpi, void *(*map)(paddr_t base, size_t size))
{
    struct clock_witness witnesses[WITNESSES] = {[BY_CPUID] = {"CPUID", stated_frequency()}};
    struct reference references[WITNESSES] = {[BY_CPUID] =
                                                  statement(witnesses[BY_CPUID].frequency)};
    bool was_asked[WITNESSES] = {[BY_CPUID] = witnesses[BY_CPUID].frequency};

    for (int i = 0; i < BY_CPUID && !settled(witnesses); i++) {
        if (!finders[i](acpi, &references[i], map))
            continue;
        witnesses[i].name = references[i].name;
        witnesses[i].frequency = measure(&references[i], WITNESS_NS).tsc_frequency;
        was_asked[i] = true;
    }
    int chosen = clock_choose(witnesses, WITNESSES);
    say(witnesses, was_asked, chosen);
    if (chosen < 0) {
        log_write(LOG_WARNING, "clock: none runs: time is a guess");
        return (struct calibration){GUESS, GUESS};
    }
    struct calibration result = measure(&references[chosen], CALIBRATION_NS);
    if (chosen == BY_CPUID || !result.tsc_frequency) /* …or it stands still by now */
        result.tsc_frequency = witnesses[chosen].frequency;
    if (!result.apic_frequency)
        result.apic_frequency = GUESS;
    log_write(LOG_NOTICE, "clock: time stamp counter %lu kHz, APIC timer %lu kHz, by the %s%s",
              result.tsc_frequency / 1000, result.apic_frequency / 1000, witnesses[chosen].name,
              settled(witnesses) ? ", to which another agrees" : "");
    return result;
}
