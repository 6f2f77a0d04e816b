/*
 * Intel's (VT-d specification 4.1, 10.4). Firmware that guards itself against DMA before boot, as
 * notebooks with Thunderbolt do, turns them on, and some forget to turn them off at the exit. AMD's
 * are left as they are: no firmware is known that does it there.
 */
#include "firmware/dma_remapping.h"

#include "cpu/log.h"
#include "cpu/registers.h"
#include "library/acpi.h"
#include "memory/heap.h"

enum { COMMAND = 0x18 / 4, STATUS = 0x1c / 4 }; /* of 32 bits */

#define TRANSLATION (1U << 31)
#define INTERRUPTS  (1U << 25)
/* Status bits that a command has to repeat; the others are one-shot (10.4.4). */
#define KEPT 0x96ffffffU

/* Before there is a clock: a second at 4 GHz. */
#define PATIENCE_CYCLES (UINT64_C(1) << 32)

/* One at a time, as the specification asks. False: it stays on. */
static bool turn_off(volatile uint32_t *registers, uint32_t what)
{
    uint64_t start = tsc_read();

    if (!(registers[STATUS] & what))
        return true;
    registers[COMMAND] = registers[STATUS] & KEPT & ~what;
    while (registers[STATUS] & what) {
        if (tsc_read() - start > PATIENCE_CYCLES)
            return false;
        cpu_relax();
    }
    return true;
}

static void stop_unit(paddr_t base)
{
    volatile uint32_t *registers = device_map(base, PAGE_SIZE, DEVICE_UNCACHED);

    if (!registers || registers[STATUS] == UINT32_MAX ||
        !(registers[STATUS] & (TRANSLATION | INTERRUPTS)))
        return;
    bool off = turn_off(registers, TRANSLATION);
    off = turn_off(registers, INTERRUPTS) && off;
    log_write(LOG_WARNING, "dma: the firmware left remapping on at %#lx: %s", base,
              off ? "turned off" : "it stays on, and devices may not work");
}

void dma_remapping_stop(const struct acpi_root *acpi)
{
    struct acpi_table table;
    uint64_t base;

    if (!acpi || acpi_table_find(acpi, "DMAR", &table))
        return;
    for (uint32_t i = 0; acpi_remapping_unit_at(&table, i, &base) == 0; i++)
        stop_unit(base);
}
