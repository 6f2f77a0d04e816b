/*
 * placement.h: the random numbers that decide where a new program's
 * memory lies.
 */
#ifndef BATON_EXEC_PLACEMENT_H
#define BATON_EXEC_PLACEMENT_H

#include "library/types.h"

/* Drawn once for an exec. 32 bytes: so much is cheap (random_fill). */
struct exec_placement {
    uint32_t stack, mmap, image; /* 0: the fixed place */
    uint16_t heap, vdso;         /* the same */
    uint8_t bytes[16];           /* AT_RANDOM; always random */
};
_Static_assert(sizeof(struct exec_placement) == 32, "no holes");

/* Draws one; `fixed`: personality(2) asks for the fixed places. */
void exec_placement_draw(struct exec_placement *placement, bool fixed);

/* What is random at all (proc(5), /proc/sys/kernel/randomize_va_space): 0 nothing, 1 all but the
   heap, 2 the heap too. At boot 2; the kernel option norandmaps makes it 0. */
extern uint32_t exec_placement_level; /* atomic */

#endif
