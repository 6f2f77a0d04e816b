/*
 * acpi_list.h: all the ACPI tables that there are, by the names and in the order of Linux's
 * /sys/firmware/acpi/tables.
 *
 * Pure, as acpi.h.
 */
#ifndef BATON_LIBRARY_ACPI_LIST_H
#define BATON_LIBRARY_ACPI_LIST_H

#include "library/acpi.h"

struct acpi_listed {
    char name[16]; /* its signature; several of one have a number behind it: SSDT1, SSDT2 */
    const uint8_t *bytes;
    uint32_t size;
    uint32_t order; /* where Linux lists it */
};

/* More are left out. */
#define ACPI_LISTED_MAXIMUM 256

/*
 * The tables that the root names, and the DSDT and the FACS, which the FADT names: how many of
 * `capacity`. A wrong checksum is no reason to leave one out, as it is none in Linux; where it
 * lies in no memory, or has an impossible length, it is left out. A character of a signature
 * that is no capital letter, digit or underscore becomes an underscore.
 */
size_t acpi_list(const struct acpi_root *root, struct acpi_listed *list, size_t capacity);

/* What a table points to and Linux shows in `data`: the boot error region of a BERT (ACPI 6.5,
   18.3.1). 0 or -ENOENT. */
int acpi_list_errors(const struct acpi_root *root, struct acpi_listed *errors);

#endif
