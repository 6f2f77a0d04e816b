/*
 * user_access.h: user_access.S for user_copy.c, which checks ranges, and for the page fault
 * handler. Nobody else calls these.
 */
#ifndef BATON_CPU_USER_ACCESS_H
#define BATON_CPU_USER_ACCESS_H

#include "library/types.h"

/* SMAP is on (CR4.SMAP), on every CPU: STAC and CLAC exist. Set at start-up. */
extern bool user_access_smap;

size_t user_access_copy(void *to, const void *from, size_t size);
size_t user_access_zero(void *to, size_t size);
size_t user_access_put_fields(void *to, const void *from, size_t count, size_t stride);
ssize_t user_access_string(char *to, const char *from, size_t size);
int user_access_fpu_save(void *image, uint64_t features);
int user_access_fpu_load(const void *image, uint64_t features);
int user_access_compare_exchange(uint32_t *address, uint32_t *expected, uint32_t value);

/* Where to go on when the instruction at `rip` has faulted for good; 0: it is none of these. */
vaddr_t user_access_fixup(vaddr_t rip);

#endif
