/*
 * pages.h: memory from the firmware, and whose it is.
 *
 * Rule 10: OEM memory types freeze ExitBootServices on some machines, so everything is
 * EfiLoaderData, or EfiLoaderCode where it will be executed, and the loader keeps the ownership
 * itself: a list of what was taken, for whom. A failure gives all of it back.
 */
#ifndef BATON_LOADER_PAGES_H
#define BATON_LOADER_PAGES_H

#include "firmware.h"

/*
 * Takes `size` bytes, rounded up to pages, zeroed, anywhere above the first MiB. `what` names the
 * purpose in the message when there is not enough. On success *memory is page aligned and its
 * address is physical as well (UEFI 2.10, 2.3.4: the firmware maps memory one to one).
 */
EFI_STATUS pages_allocate(uint64_t size, const char *what, void **memory);

/* The same, but with whatever lies there. */
EFI_STATUS pages_allocate_unset(uint64_t size, const char *what, void **memory);

/* The same, in the first 4 GiB: what is used while the processor runs 32-bit code (rule 21). */
EFI_STATUS pages_allocate_below_4gib(uint64_t size, const char *what, void **memory);

/* The same, of the type that may hold code (rule 9). */
EFI_STATUS pages_allocate_code(uint64_t size, const char *what, void **memory);

/* Gives one allocation back. NULL is nothing. */
void pages_free(void *memory);

/* Gives everything back that was taken and not given back. */
void pages_free_all(void);

/* The physical address of memory from pages_allocate(). */
static inline uint64_t pages_address(const void *memory)
{
    return (uint64_t)(uintptr_t)memory;
}

#endif
