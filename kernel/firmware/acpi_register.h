/*
 * acpi_register.h: a register that an ACPI table names by space and address (ACPI 6.5, 5.2.3.2):
 * a port, device memory, or configuration space of a function on PCI's bus 0.
 */
#ifndef BATON_FIRMWARE_ACPI_REGISTER_H
#define BATON_FIRMWARE_ACPI_REGISTER_H

#include "library/acpi.h"
#include "library/types.h"

/* Zeros: there is none. */
struct acpi_register {
    bool there;
    uint8_t space;  /* ACPI_SPACE_* */
    uint32_t place; /* port; for PCI what goes into the address port */
    volatile uint8_t *memory;
};

/*
 * Makes a register of `size` bytes (1 or 2) ready for use; maps it if it lies in memory. False: the
 * table names none, or one that cannot be reached. By a thread, at boot.
 */
bool acpi_register_open(struct acpi_register *access, const struct acpi_address *address,
                        size_t size);

/* Of one that is there; others read as 0 and forget what is written. Any context. */
uint8_t acpi_register_read8(const struct acpi_register *access);
uint16_t acpi_register_read16(const struct acpi_register *access);
void acpi_register_write8(const struct acpi_register *access, uint8_t value);
void acpi_register_write16(const struct acpi_register *access, uint16_t value);

#endif
