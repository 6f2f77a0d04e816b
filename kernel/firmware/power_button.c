#include "firmware/power_button.h"

#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "firmware/acpi_power.h"
#include "library/acpi.h"
#include "library/error.h"
#include "process/reboot.h"

/* PM1 status and enable registers (ACPI 6.5, tables 4.10 and 4.11): the same bit in both. */
#define POWER_BUTTON (1U << 8)

/* Interrupts that are not the button's before the line is given up: somebody else holds it. */
#define STRAY_MAXIMUM 1000

/* A block of status registers with as many enable registers behind them. Constant after boot. */
struct event_block {
    uint16_t status, enable; /* ports; 0: there is none */
    uint16_t size;           /* bytes of each half */
};

static struct event_block events[2]; /* PM1a and PM1b */
static uint8_t interrupt;            /* constant after boot */
static unsigned stray;               /* the interrupt's own */

/* Halves of at least `minimum` bytes, on ports; anything else is taken as absent. */
static struct event_block event_block(const struct acpi_address *address, uint16_t minimum)
{
    uint16_t half = address->bit_width / 16;

    if (address->space != ACPI_SPACE_PORT || !address->address || half < minimum ||
        address->address + 2 * half > UINT16_MAX)
        return (struct event_block){0};
    return (struct event_block){
        .status = (uint16_t)address->address,
        .enable = (uint16_t)(address->address + half),
        .size = half,
    };
}

static bool button_was_pressed(const struct event_block *block)
{
    if (!block->status || !(port_read16(block->status) & POWER_BUTTON))
        return false;
    port_write16(block->status, POWER_BUTTON); /* a one clears it */
    return true;
}

bool power_button_pressed(void)
{
    bool first = button_was_pressed(&events[0]);

    return button_was_pressed(&events[1]) || first;
}

static void acpi_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    if (power_button_pressed()) {
        stray = 0;
        machine_button_pressed();
    } else if (frame && ++stray == STRAY_MAXIMUM) { /* without a frame it was only asked */
        interrupt_mask_isa(interrupt);
        log_write(LOG_WARNING, "power button: interrupt %u is held by something else: given up",
                  interrupt);
    }
}

/* General-purpose events need the interpreter; one that the firmware left on would hold the line.
 */
static void disable_other_events(const struct acpi_fadt *fadt)
{
    for (size_t i = 0; i < array_length(fadt->general_event); i++) {
        struct event_block block = event_block(&fadt->general_event[i], 1);
        for (uint16_t at = 0; block.status && at < block.size; at++)
            port_write8(block.enable + at, 0);
    }
}

static void enable_button(const struct event_block *block)
{
    if (!block->status)
        return;
    port_write16(block->status, POWER_BUTTON);
    port_write16(block->enable, POWER_BUTTON);
}

void power_button_initialize(const struct acpi_root *acpi)
{
    struct acpi_fadt fadt;
    const char *reason;

    if (!acpi || acpi_fadt_find(acpi, &fadt, &reason) || fadt.hardware_reduced ||
        !fadt.fixed_power_button)
        return;
    events[0] = event_block(&fadt.pm1a_event, sizeof(uint16_t));
    events[1] = event_block(&fadt.pm1b_event, sizeof(uint16_t));
    if (!events[0].status || fadt.sci_interrupt > UINT8_MAX || !acpi_mode_enter()) {
        log_write(LOG_NOTICE, "power button: the firmware keeps it");
        return;
    }
    disable_other_events(&fadt);
    interrupt = (uint8_t)fadt.sci_interrupt;
    int error = interrupt_connect_isa(interrupt, "acpi", acpi_interrupt, NULL);
    if (error) {
        log_write(LOG_NOTICE, "power button: no interrupt %u: %s", interrupt, error_text(error));
        return;
    }
    enable_button(&events[0]);
    enable_button(&events[1]);
}
