/*
 * runtime_space.h: the address space in which the firmware's code runs: the kernel's half, and at
 * their own addresses the memory map's runtime ranges. More is lent, page by page, when that code
 * touches what it should not but what it does no harm to touch.
 */
#ifndef BATON_FIRMWARE_RUNTIME_SPACE_H
#define BATON_FIRMWARE_RUNTIME_SPACE_H

#include <handoff.h>

#include "library/acpi.h"
#include "library/memory_map.h"
#include "library/types.h"

struct trap_frame;

/*
 * Builds the space; once, at boot, by a thread. `ranges` stay where they are; `acpi` NULL: there
 * are no tables. 0 or -ENOMEM.
 */
int runtime_space_initialize(const struct handoff_tables *tables, const struct acpi_root *acpi,
                             const struct memory_range *ranges, size_t range_count);

/* Its root; constant after boot. */
extern paddr_t runtime_root;

/*
 * A page fault of code on that root. True: the page is there now, go on. Says on the log what was
 * touched by `service`, once for each range and kind of access. Interrupts off, no lock held.
 */
bool runtime_space_fault(const char *service, const struct trap_frame *frame, vaddr_t address);
/* Takes back what was lent, when no CPU has the root any more. */
void runtime_space_close(void);

/* The bytes at a physical address, if all of them are in one range of memory that the direct map
   shows and that the firmware had: NULL otherwise. */
const void *runtime_space_view(paddr_t address, size_t size);
/* The same, also in reserved memory, as some maps call what is the firmware's own. At boot. */
const void *runtime_space_view_reserved(paddr_t address, size_t size);
/* As many of them as lie in that range: *size may become less. */
const void *runtime_space_view_most(paddr_t address, size_t *size);
/* The same of a table of the firmware's that may lie in reserved memory too
   (firmware_memory_view()). At boot. */
const void *runtime_space_table(paddr_t address, size_t *size);

/* Range number `index` of the firmware's memory map, NULL: no more. */
const struct memory_range *runtime_space_range(size_t index);

/* Whether it has EFI_MEMORY_RUNTIME, or a type that has to. */
bool runtime_space_is_runtime(const struct memory_range *range);

/*
 * For SetVirtualAddressMap: shows all runtime ranges a second time, that far away, with the rights
 * they have; where they are they may be written to and executed meanwhile, for the firmware moves
 * its images itself. 0 or -ENOMEM. Then only the second view is left, or only the first one, with
 * its rights as before.
 */
#define RUNTIME_VIRTUAL_OFFSET 0x100000000000UL
int runtime_space_second_view(void);
void runtime_space_choose_view(bool second);

/* For the log: what the memory map and the images in memory call an address. Returns `text`. */
const char *runtime_space_describe(vaddr_t address, char *text, size_t size);

#endif
