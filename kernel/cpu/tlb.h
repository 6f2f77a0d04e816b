/*
 * tlb.h: ending what processors remember of page tables (Intel SDM volume 3, 4.10).
 */
#ifndef BATON_CPU_TLB_H
#define BATON_CPU_TLB_H

#include "library/types.h"

#define TLB_EVERY_CPU UINT64_MAX

/*
 * Makes every CPU of `mask` (a bit each) forget translations of the pages in
 * [start, end), global ones too, and all it remembers of upper table levels. The
 * entries were changed before. When it returns, none can use the old ones.
 * Interrupts on (or only this CPU in `mask`), no spinlock held.
 */
void tlb_shootdown(uint64_t mask, vaddr_t start, vaddr_t end);

#endif
