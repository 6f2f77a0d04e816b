/*
 * processor_list.h: which of the processors that a MADT names can be started
 * (ACPI 6.5, 5.2.12.2 and 5.2.12.12).
 *
 * Pure: no allocation, no lock. Firmware names processors that are not there,
 * one of them twice, or by a number that no interrupt reaches.
 */
#ifndef BATON_LIBRARY_PROCESSOR_LIST_H
#define BATON_LIBRARY_PROCESSOR_LIST_H

#include "library/acpi.h"

struct processor_list {
    uint32_t
        *apic_ids;  /* the caller's room: whom to start, in the table's order, without its own */
    uint32_t room;  /* entries */
    uint32_t count; /* of them in use */

    /* Those that stay off, and the first of each kind. */
    uint32_t too_many;                       /* no room was left */
    uint32_t twice, first_twice;             /* further entries with an identifier that was there */
    uint32_t unreachable, first_unreachable; /* not in the APIC's mode */
    bool own_missing;                        /* the processor that runs is not in the table */
};

/*
 * Goes through the rest of the table. `apic_ids` and `room` are set by the
 * caller, all else here. `own`: the identifier of the processor that runs;
 * `greatest`: the last one that can be reached.
 */
void processor_list_read(struct processor_list *list, struct acpi_madt *madt, uint32_t own,
                         uint32_t greatest);

#endif
