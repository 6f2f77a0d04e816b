/*
 * frame.h: physical memory in pieces of a page.
 *
 * Invariant 4: every frame has an owner and is counted under it. The metadata
 * (32 bytes a frame) lie in a virtual array that is filled as memory is first
 * used, so that neither the boot nor the kernel's size grows with RAM.
 */
#ifndef BATON_MEMORY_FRAME_H
#define BATON_MEMORY_FRAME_H

#include "cpu/spinlock.h"
#include "library/types.h"

enum frame_owner {
    FRAME_FREE,
    FRAME_KERNEL,       /* image, heap, metadata */
    FRAME_KERNEL_STACK, /* of threads */
    FRAME_PAGE_TABLE,   /* of address spaces */
    FRAME_PAGE_CACHE,   /* contents of files */
    FRAME_ANONYMOUS,    /* private memory of programs */
    FRAME_SHARED,       /* shared anonymous memory */
    FRAME_PIPE,         /* pipe and socket buffers */
    FRAME_DEVICE,       /* what devices read and write (device/dma.h) */
    FRAME_OWNER_COUNT,
};
extern const char *const frame_owner_names[FRAME_OWNER_COUNT];

struct frame {
    uint32_t references; /* atomic; 0: free */
    uint8_t owner;       /* enum frame_owner; written while allocated by its only holder */
    uint8_t flags;       /* the owner's business */
    uint16_t small;      /* the owner's business */
    uint64_t words[3];   /* the owner's business: list links, place in a file */
};
_Static_assert(sizeof(struct frame) == 32, "the plan says 32 bytes a frame");

/* Where a frame has to be. */
enum {
    FRAME_ANYWHERE = 0,
    FRAME_BELOW_4G = 1,
    FRAME_BELOW_1M = 2, /* start-up code of other CPUs */
    FRAME_ZEROED = 4,   /* filled with zeros */
};

/*
 * Allocates one frame with one reference, not zeroed unless asked. Returns its
 * address, or 0 when there is none (and when a debug kernel was told to fail).
 * Any context without a frame lock.
 */
paddr_t frame_allocate(enum frame_owner owner, unsigned flags);
/*
 * Allocates `count` frames side by side, each with one reference, as frame_allocate(): the address
 * of the first, or 0. They come from memory that was never used, so that drivers get them when they
 * begin, and later perhaps not; each goes back by itself. Any context without a frame lock.
 */
#define FRAME_RUN_MAXIMUM 64 /* half of what a page of metadata describes */
paddr_t frame_allocate_run(enum frame_owner owner, unsigned flags, size_t count);
/* Drops a reference; the last one frees the frame. */
void frame_release(paddr_t frame);
/* The same for many frames at once. */
void frame_release_many(const paddr_t *frames, size_t count);
/* Frees page tables, each with one reference and no entry: full of zeros, so that the next table
   needs no clearing. None lies below 1 MiB. */
void frame_release_tables(const paddr_t *tables, size_t count);
/* Makes what every CPU has at hand available to all. True: there was so much that it is worth
   another try. Interrupts on, no spinlock held. */
bool frame_gather(void);
/* Counts an allocated frame under another owner: its only holder calls it. FRAME_FREE: it is kept
   in reserve for quick use, and given back when frames run out. */
void frame_set_owner(paddr_t frame, enum frame_owner owner);

/* So many frames of an owner are kept in reserve, mapped as they are, and count as free; or (below
   0) do so no longer. Counts alone: whoever keeps them knows which. */
void frame_count_reserved(enum frame_owner owner, int64_t count);

/* The metadata of an allocated frame. (Host tests have their own places for these areas.) */
#ifndef FRAME_METADATA
#define FRAME_METADATA ((struct frame *)0xffffc00000000000UL)
#endif
static inline struct frame *frame_metadata(paddr_t frame)
{
    return &FRAME_METADATA[frame >> PAGE_SHIFT];
}
static inline uint32_t frame_references(paddr_t frame)
{
    return __atomic_load_n(&frame_metadata(frame)->references, __ATOMIC_ACQUIRE);
}
static inline void frame_reference(paddr_t frame)
{
    __atomic_fetch_add(&frame_metadata(frame)->references, 1, __ATOMIC_RELAXED);
}

/* Frames by owner; exact. */
struct frame_counts {
    uint64_t total; /* usable RAM of this machine */
    uint64_t by_owner[FRAME_OWNER_COUNT];
};
void frame_count(struct frame_counts *counts);
uint64_t frame_total(void);

/* The kernel's own window on physical memory: all RAM, writable, never executable. */
#ifndef DIRECT_MAP_BASE
#define DIRECT_MAP_BASE 0xffff800000000000UL
#endif
static inline void *frame_pointer(paddr_t address)
{
    return (void *)(DIRECT_MAP_BASE + address);
}
static inline paddr_t frame_address(const void *pointer)
{
    return (vaddr_t)pointer - DIRECT_MAP_BASE;
}

#endif
