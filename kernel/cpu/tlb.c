#include "cpu/tlb.h"

#include "cpu/call.h"
#include "cpu/cpu.h"
#include "cpu/registers.h"

/* Beyond this many pages forgetting everything is cheaper. */
#define PAGES_ONE_BY_ONE 32

/* A change of CR4.PGE ends everything, global entries too (Intel SDM volume 3, 4.10.4.1). CR3
   itself is not written here: see invariant 1. */
void tlb_forget(void)
{
    bool enabled = interrupts_save();
    uint64_t cr4 = cr4_read();
    cr4_write(cr4 ^ CR4_PGE);
    cr4_write(cr4);
    interrupts_restore(enabled);
}

static void flush_local(vaddr_t start, vaddr_t end)
{
    if ((end - start) >> PAGE_SHIFT > PAGES_ONE_BY_ONE) {
        tlb_forget();
        return;
    }
    /* INVLPG also ends all of the paging-structure caches (4.10.4.1). */
    for (vaddr_t page = start; page < end; page += PAGE_SIZE)
        page_invalidate(page);
}

struct range {
    vaddr_t start, end;
};

static void flush_range(void *context)
{
    const struct range *range = context;
    flush_local(range->start, range->end);
}

void tlb_shootdown(const struct cpu_set *which, vaddr_t start, vaddr_t end)
{
    struct range range = {start, end};
    /* The thread does not move within the kernel. */
    if (cpu_set_is_only(which, cpu_current()->number)) {
        flush_local(start, end);
        return;
    }
    if (!cpu_set_is_empty(which))
        cpu_call(which, flush_range, &range);
}
