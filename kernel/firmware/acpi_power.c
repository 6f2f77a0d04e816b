#include "firmware/acpi_power.h"

#include "cpu/clock.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "firmware/acpi_register.h"
#include "library/aml.h"
#include "library/string.h"

/* PM1 control register (ACPI 6.5, table 4.12). */
#define ACPI_MODE        1U
#define SLEEP_TYPE(type) ((unsigned)(type) << 10)
#define SLEEP_ENABLE     (1U << 13)
/* PM1 status register (table 4.10): a one clears it. */
#define WAKE_STATUS (1U << 15)
/* Sleep control and status registers (tables 4.18 and 4.19). */
#define REDUCED_TYPE(type)  ((unsigned)(type) << 2)
#define REDUCED_ENABLE      (1U << 5)
#define REDUCED_WAKE_STATUS (1U << 7)

#define ACPI_MODE_PATIENCE (NANOSECONDS_PER_SECOND / 3)

/* All constant after boot. */
static struct acpi_fadt fadt;
static struct acpi_register control[2], status[2]; /* PM1a and PM1b */
static struct acpi_register sleep_control, sleep_status, reset_register;
static struct aml_sleep_type off; /* of S5 */
static bool knows_off;

/* ---- boot ---- */

/* \_S5_ stands in the DSDT or, seldom, in an SSDT. */
static bool find_off(const struct acpi_root *acpi)
{
    struct acpi_table table;
    const char *reason;

    if (!acpi_table_read(acpi, fadt.dsdt, &table, &reason)) {
        if (table.checksum_wrong)
            log_write(LOG_WARNING, "acpi: the DSDT has a wrong checksum: used all the same");
        if (aml_sleep_type_find(table.bytes + ACPI_HEADER_SIZE, table.size - ACPI_HEADER_SIZE, 5,
                                &off))
            return true;
    } else {
        log_write(LOG_WARNING, "acpi: the DSDT cannot be read: %s", reason);
    }
    for (uint32_t i = 0; i < acpi->entry_count; i++) {
        if (!acpi_table_at(acpi, i, &table, &reason) && !memcmp(table.signature, "SSDT", 4) &&
            aml_sleep_type_find(table.bytes + ACPI_HEADER_SIZE, table.size - ACPI_HEADER_SIZE, 5,
                                &off))
            return true;
    }
    return false;
}

void acpi_power_initialize(const struct acpi_root *acpi)
{
    const char *reason;

    if (!acpi)
        return;
    if (acpi_fadt_find(acpi, &fadt, &reason)) {
        log_write(LOG_WARNING, "acpi: no usable FADT: %s", reason);
        return;
    }
    acpi_register_open(&control[0], &fadt.pm1a_control, sizeof(uint16_t));
    acpi_register_open(&control[1], &fadt.pm1b_control, sizeof(uint16_t));
    acpi_register_open(&status[0], &fadt.pm1a_event, sizeof(uint16_t));
    acpi_register_open(&status[1], &fadt.pm1b_event, sizeof(uint16_t));
    if (fadt.hardware_reduced) {
        acpi_register_open(&sleep_control, &fadt.sleep_control, sizeof(uint8_t));
        acpi_register_open(&sleep_status, &fadt.sleep_status, sizeof(uint8_t));
    }
    if (fadt.has_reset)
        acpi_register_open(&reset_register, &fadt.reset_register, sizeof(uint8_t));
    knows_off = find_off(acpi);
    if (!knows_off)
        log_write(LOG_NOTICE, "acpi: no table tells how to power off (_S5_)");
}

bool acpi_hardware_reduced(void)
{
    return fadt.hardware_reduced;
}

/* ---- the mode ---- */

bool acpi_mode_enter(void)
{
    if (!control[0].there)
        return false;
    if (acpi_register_read16(&control[0]) & ACPI_MODE)
        return true;
    if (!fadt.smi_command || fadt.smi_command > UINT16_MAX || !fadt.acpi_enable)
        return false;
    port_write8((uint16_t)fadt.smi_command, fadt.acpi_enable);
    uint64_t until = clock_now() + ACPI_MODE_PATIENCE;
    while (!(acpi_register_read16(&control[0]) & ACPI_MODE)) {
        if (clock_now() > until)
            return false;
        cpu_relax();
    }
    return true;
}

/* ---- the end ---- */

/* Type first, then the bit that makes it happen, as Linux does: some chipsets want two writes. */
static void write_controls(unsigned also)
{
    const uint8_t types[] = {off.a, off.b};

    for (size_t i = 0; i < array_length(control); i++) {
        unsigned kept = acpi_register_read16(&control[i]) & ~(SLEEP_TYPE(7) | SLEEP_ENABLE);
        acpi_register_write16(&control[i], (uint16_t)(kept | SLEEP_TYPE(types[i]) | also));
    }
}

bool acpi_has_power_off(void)
{
    return knows_off && (sleep_control.there || control[0].there);
}

bool acpi_has_reset(void)
{
    return reset_register.there;
}

void acpi_power_off(void)
{
    if (sleep_control.there) {
        acpi_register_write8(&sleep_status, REDUCED_WAKE_STATUS);
        acpi_register_write8(&sleep_control, REDUCED_TYPE(off.a) | REDUCED_ENABLE);
        return;
    }
    acpi_mode_enter(); /* where it fails, the registers may work all the same */
    for (size_t i = 0; i < array_length(status); i++)
        acpi_register_write16(&status[i], WAKE_STATUS);
    write_controls(0);
    write_controls(SLEEP_ENABLE);
}

void acpi_reset(void)
{
    acpi_register_write8(&reset_register, fadt.reset_value);
}
