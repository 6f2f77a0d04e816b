/*
 * page.h: a whole page cleared, or copied: half of what a first touch costs. Any context; the
 * registers of programs stay as they are.
 */
#ifndef BATON_CPU_PAGE_H
#define BATON_CPU_PAGE_H

/* Both page aligned. */
void page_clear(void *page);
void page_copy(void *to, const void *from);

#endif
