/*
 * vdso.h: the pages the kernel puts into every program (vdso(7)): the clock's,
 * which programs only read, and behind it a shared object of program code that
 * reads it (vdso/).
 */
#ifndef BATON_PROCESS_VDSO_VDSO_H
#define BATON_PROCESS_VDSO_VDSO_H

#include "library/types.h"

struct address_space;

/* Prepares the pages that all programs share; from then on the clock is kept in one of them.
   Once, at boot, by the first thread. 0 or -ENOMEM. */
int vdso_initialize(void);

/* Bytes that both take together; and where the shared object is (AT_SYSINFO_EHDR) if they are
   mapped at `place`. */
size_t vdso_size(void);
vaddr_t vdso_program_address(vaddr_t place);

/* Maps both at `place` (page aligned), above all else in a space that nobody uses yet. 0, -ENOMEM,
   -EEXIST. */
int vdso_map(struct address_space *space, vaddr_t place);

/* The shared object, as it was linked (generated: vdso/image.py). */
extern const unsigned char vdso_image[];
extern const size_t vdso_image_size;

#endif
