/*
 * user_segments.h: where FS and GS of programs begin (thread-local storage).
 *
 * FSGSBASE is off (features.c), so a program changes them by arch_prctl(2), which the kernel
 * remembers, or by loading a selector other than 0, which the selector then shows: no register has
 * to be asked for at a switch, nor written where the next thread has the same. A program that loads
 * 0 over what it was given finds that again after some switch or other, as on Linux without
 * FSGSBASE.
 */
#ifndef BATON_CPU_USER_SEGMENTS_H
#define BATON_CPU_USER_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct user_segments {
    uint64_t fs_base, gs_base;
};

/* Gives user mode of this CPU these. Interrupts off. */
void user_segments_load(const struct user_segments *segments);
/* Where the program has loaded selectors of its own, what came of that is written to *segments, and
   the selectors are 0 again. Interrupts off. */
void user_segments_take_changed(struct user_segments *segments);

#endif
