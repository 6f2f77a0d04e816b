/*
 * aml.h: the one thing of ACPI's machine language (ACPI 6.5, chapter 20) that is wanted without its
 * interpreter: what is written into the registers to enter a sleep state.
 *
 * Pure: no allocation, no lock; nothing in the table is trusted.
 */
#ifndef BATON_LIBRARY_AML_H
#define BATON_LIBRARY_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SLP_TYP values of a sleep state (ACPI 6.5, 7.4.2), 3 bits each: for PM1a, or the sleep control
   register, and for PM1b. */
struct aml_sleep_type {
    uint8_t a, b;
};

/*
 * Looks in a definition block (the bytes behind the header of a DSDT or an SSDT) for the object
 * Name (\_Sn_, Package () {a, b, …}) of sleep state `state`, 0 to 5, with constant integers as its
 * first elements. False: there is none like that. Of several the first counts.
 */
bool aml_sleep_type_find(const uint8_t *aml, size_t size, unsigned state,
                         struct aml_sleep_type *type);

#endif
