/*
 * page.h: a whole page cleared, or copied: half of what a first touch costs. Any context; the
 * registers of programs stay as they are.
 */
#ifndef BATON_CPU_PAGE_H
#define BATON_CPU_PAGE_H

#include <stdbool.h>

/* There is YMM0, and no more of it (AVX-512). fpu_initialize() finds out, once. */
extern bool page_borrows_register;

/* Both page aligned. */
void page_clear(void *page);
void page_copy(void *to, const void *from);

#endif
