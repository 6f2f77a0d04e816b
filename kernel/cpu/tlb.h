/*
 * tlb.h: ending what processors remember of page tables (Intel SDM volume 3, 4.10).
 */
#ifndef BATON_CPU_TLB_H
#define BATON_CPU_TLB_H

#include "cpu/cpu_set.h"
#include "library/types.h"

/*
 * Makes every CPU of `which` that is online forget translations of the pages in
 * [start, end), global ones too, and all it remembers of upper table levels. The
 * entries were changed before. When it returns, none can use the old ones.
 * Interrupts on (or only this CPU in `which`), no spinlock held.
 */
void tlb_shootdown(const struct cpu_set *which, vaddr_t start, vaddr_t end);

/* This CPU forgets all, what holds for every address space too. */
void tlb_forget(void);

#endif
