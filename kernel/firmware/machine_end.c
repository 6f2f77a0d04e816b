/*
 * machine_end.c: the ways in which a machine is switched off or restarted, one after the other
 * until one works, in the order that Linux has (drivers/acpi/sleep.c, arch/x86/kernel/reboot.c):
 * what makers test is what other systems do.
 */
#include "firmware/machine_end.h"

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "firmware/acpi_power.h"
#include "firmware/runtime_services.h"
#include "library/options.h"
#include "library/types.h"
#include "thread/thread.h"

#define MILLISECOND (NANOSECONDS_PER_SECOND / 1000)
#define MICROSECOND (MILLISECOND / 1000)

static size_t restart_first; /* constant after boot */
static bool has_firmware;    /* the turn at its services was taken */

static void wait_for(uint64_t nanoseconds)
{
    for (uint64_t until = clock_now() + nanoseconds; clock_now() < until;)
        cpu_relax();
}

/* ---- ways ---- */

static bool always(void)
{
    return true;
}

static bool firmware_there(void)
{
    return has_firmware;
}

static bool firmware_first(void)
{
    return has_firmware && acpi_hardware_reduced();
}

static void firmware_power_off(void)
{
    runtime_reset(RUNTIME_RESET_SHUTDOWN);
}

static void firmware_restart(void)
{
    runtime_reset(RUNTIME_RESET_COLD);
}

/* The keyboard controller's output 0 is the reset line (IBM PS/2 Technical Reference, command FE).
 */
#define KEYBOARD_COMMAND 0x64 /* write; read: status */
#define KEYBOARD_BUSY    0x02
#define KEYBOARD_PULSE   0xfe
#define KEYBOARD_PULSES  10

static void keyboard_reset(void)
{
    for (int i = 0; i < KEYBOARD_PULSES; i++) {
        uint64_t until = clock_now() + 20 * MILLISECOND;
        while (port_read8(KEYBOARD_COMMAND) & KEYBOARD_BUSY && clock_now() < until)
            cpu_relax();
        wait_for(50 * MICROSECOND);
        port_write8(KEYBOARD_COMMAND, KEYBOARD_PULSE);
        wait_for(50 * MICROSECOND);
    }
}

/* The reset control register of chipsets that have PCI's first way to configuration space, in the
   midst of whose ports it lies (Intel ICH9 data sheet, 13.7.5). */
#define PCI_ADDRESS    0xcf8
#define PCI_ENABLE     (1U << 31)
#define RESET_CONTROL  0xcf9
#define RESET_HARD     0x02
#define RESET_FULL_NOW 0x0e /* hard, now, with the power off for a moment */

static bool reset_control_there(void)
{
    uint32_t before = port_read32(PCI_ADDRESS);

    port_write32(PCI_ADDRESS, PCI_ENABLE);
    bool there = port_read32(PCI_ADDRESS) == PCI_ENABLE;
    port_write32(PCI_ADDRESS, before);
    return there;
}

static void reset_control(void)
{
    uint8_t kept = port_read8(RESET_CONTROL) & (uint8_t)~RESET_FULL_NOW;

    port_write8(RESET_CONTROL, kept | RESET_HARD);
    wait_for(50 * MICROSECOND);
    port_write8(RESET_CONTROL, kept | RESET_FULL_NOW);
}

struct way {
    const char *name;
    char letter; /* of `reboot=`; 0: it cannot be chosen */
    bool (*there)(void);
    void (*attempt)(void);
    uint64_t patience; /* ns until the machine has obeyed, if it does */
};

static const struct way power_off_ways[] = {
    {"ResetSystem of the firmware", 0, firmware_first, firmware_power_off, MILLISECOND},
    {"ACPI, state S5", 0, acpi_has_power_off, acpi_power_off, 3 * NANOSECONDS_PER_SECOND},
    {"ResetSystem of the firmware", 0, firmware_there, firmware_power_off, MILLISECOND},
};

/* ACPI and the keyboard controller twice: on some machines the second time works, for another
   system has it in this order (Linux 660e34cebf0a). */
static const struct way restart_ways[] = {
    {"ResetSystem of the firmware", 0, firmware_first, firmware_restart, MILLISECOND},
    {"ACPI's reset register", 'a', acpi_has_reset, acpi_reset, NANOSECONDS_PER_SECOND},
    {"the keyboard controller", 'k', always, keyboard_reset, 100 * MILLISECOND},
    {"ACPI's reset register", 0, acpi_has_reset, acpi_reset, NANOSECONDS_PER_SECOND},
    {"the keyboard controller", 0, always, keyboard_reset, 100 * MILLISECOND},
    {"ResetSystem of the firmware", 'e', firmware_there, firmware_restart, MILLISECOND},
    {"port 0xcf9", 'p', reset_control_there, reset_control, NANOSECONDS_PER_SECOND},
    {"a triple fault", 't', always, triple_fault, NANOSECONDS_PER_SECOND},
};

/* ---- one after the other ---- */

/* Firmware expects the processor it was started on, and others that do nothing. */
static void be_alone(void)
{
    if (!cpu_current()->interrupt_depth) {
        const struct cpu_set boot_cpu = cpu_set_of(0);
        cpu_set_copy(&thread_current()->affinity, &boot_cpu);
        thread_yield();
    }
    has_firmware = runtime_services_take();
    cpu_stop_others();
}

/* Beginning with number `first`, and around the end. */
static void try_all(const char *what, const struct way *ways, size_t count, size_t first)
{
    be_alone();
    for (size_t i = 0; i < count; i++) {
        const struct way *way = &ways[(first + i) % count];
        if (!way->there())
            continue;
        log_write(LOG_NOTICE, "%s: by %s", what, way->name);
        way->attempt();
        wait_for(way->patience);
    }
    log_write(LOG_ERROR, "%s: nothing works on this machine", what);
}

void machine_power_off(void)
{
    try_all("power off", power_off_ways, array_length(power_off_ways), 0);
}

void machine_restart(void)
{
    try_all("restart", restart_ways, array_length(restart_ways), restart_first);
}

void machine_end_initialize(const char *options)
{
    struct option chosen;

    if (options_find(options, "reboot", &chosen) && chosen.value_length) {
        for (size_t i = 0; i < array_length(restart_ways); i++)
            if (restart_ways[i].letter == chosen.value[0])
                restart_first = i;
    }
}
