/*
 * placement.h: where a new program's memory lies: at random, or at fixed places.
 *
 *   │ program … │ heap ▶ … … ◀ mmap, interpreter │ gap │ ◀ stack │ arguments │ vDSO │ end
 */
#ifndef BATON_EXEC_PLACEMENT_H
#define BATON_EXEC_PLACEMENT_H

#include "library/align.h"
#include "memory/address_space.h"

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

#define EXEC_STACK_AT_FIRST (128UL << 10) /* bytes mapped below the arguments */

/* ---- the places: in line, for each is asked for once in an exec ---- */

/*
 * Where things may lie. The distances are Linux's, but for the mmap area's: within 256 GiB stack
 * and mmap area share a table of the second level, always, so that no exec needs a frame more or
 * less than another by chance.
 */
#define IMAGE_BASE      0x555555554000UL /* of a position-independent program: 2/3 of the space */
#define IMAGE_PLACES    (1UL << 28)      /* pages: 1 TiB to choose from */
#define MMAP_PLACES     (1UL << 26)      /* 256 GiB */
#define STACK_PLACES    (1UL << 22)      /* 16 GiB */
#define HEAP_PLACES     (1UL << 13)      /* 32 MiB */
#define VDSO_PLACES     512              /* pages: what one page table maps */
#define STACK_GAP_LEAST (128UL << 20)    /* between the stack and what mmap gives out */
#define STACK_GAP_MOST  (USER_END / 6 * 5)
#define STACK_HEADROOM  (16 * PAGE_SIZE)  /* what lies above the stack's strings and pointers */
#define HEAP_ALIGNMENT  (512 * PAGE_SIZE) /* a page table of its own */
#define HEAP_AT_FIRST   (128UL << 10)     /* what small programs use of it */

/* What the first functions use fits in the first page; the arguments begin at one of so many places
   16 bytes apart above it. With more places many an exec would need a second page for them. */
#define STACK_START 1536
#define STACK_SLOTS 64

/*
 * Moves [place, place+size) down, if need be, so that one page table of the lowest level maps it:
 * again, no exec is to cost more than another by chance.
 */
static inline vaddr_t whole_in_one_table(vaddr_t place, size_t size)
{
    const vaddr_t span = 512 * PAGE_SIZE;
    return size <= span && place % span + size > span ? align_down(place, span) + span - size
                                                      : place;
}

/* The arguments' first page; they take at most `limit` bytes. The stack grows down from there. */
static inline vaddr_t exec_place_arguments(const struct exec_placement *placement, size_t limit)
{
    vaddr_t base = align_down(USER_END - STACK_HEADROOM - limit, PAGE_SIZE) -
                   placement->stack % STACK_PLACES * PAGE_SIZE;

    return whole_in_one_table(base - EXEC_STACK_AT_FIRST, 2 * EXEC_STACK_AT_FIRST) +
           EXEC_STACK_AT_FIRST;
}

/* At which byte of it they begin. */
static inline size_t exec_place_start(const struct exec_placement *placement)
{
    return STACK_START + placement->stack / STACK_PLACES % STACK_SLOTS * 16;
}

/* A position-independent program of so many bytes. */
static inline vaddr_t exec_place_image(const struct exec_placement *placement, size_t size)
{
    return whole_in_one_table(IMAGE_BASE + placement->image % IMAGE_PLACES * PAGE_SIZE, size);
}

/* The heap of a program whose data end there. */
static inline vaddr_t exec_place_heap(const struct exec_placement *placement, vaddr_t data_end)
{
    vaddr_t heap = align_up(data_end, HEAP_ALIGNMENT) + placement->heap % HEAP_PLACES * PAGE_SIZE;

    return whole_in_one_table(heap, HEAP_AT_FIRST);
}

/* From where downwards mmap gives out places, below the stack of a limit that begins there. */
static inline vaddr_t exec_place_mmap(const struct exec_placement *placement, vaddr_t arguments,
                                      uint64_t stack_limit)
{
    uint64_t gap = stack_limit;
    if (gap < STACK_GAP_LEAST)
        gap = STACK_GAP_LEAST;
    if (gap > STACK_GAP_MOST)
        gap = STACK_GAP_MOST;

    return align_down(arguments - gap - STACK_GUARD_GAP, PAGE_SIZE) -
           placement->mmap % MMAP_PLACES * PAGE_SIZE;
}

/* The vDSO of so many bytes: above the stack's top, where the same page table maps it if there is
   room, with a page between them that is never mapped. */
static inline vaddr_t exec_place_vdso(const struct exec_placement *placement, vaddr_t top,
                                      size_t size)
{
    vaddr_t first = top + PAGE_SIZE;
    vaddr_t last = align_up(first, VDSO_PLACES * PAGE_SIZE) - size;

    if (last > USER_END - size)
        last = USER_END - size;
    if (last <= first)
        return first;
    return first + placement->vdso % ((last - first) / PAGE_SIZE + 1) * PAGE_SIZE;
}

#endif
