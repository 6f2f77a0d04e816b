/*
 * heap.h: memory for the kernel's own structures. No allocation panics
 * (invariant 8): NULL is an answer, and every caller has a path for it.
 */
#ifndef BATON_MEMORY_HEAP_H
#define BATON_MEMORY_HEAP_H

#include "library/types.h"

/*
 * `size` bytes, aligned to 16 (to a page from a page on), or NULL. Any context without a heap
 * lock; but to free more than a page: interrupts on, no spinlock held (other CPUs are told).
 */
void *heap_allocate(size_t size);
void *heap_allocate_zeroed(size_t size);
/* A larger copy of `pointer` (NULL allowed) of `size` bytes; NULL: the old one is still there. */
void *heap_grow(void *pointer, size_t old_size, size_t size);
/* NULL is allowed. */
void heap_free(void *pointer);
char *heap_copy_string(const char *string);

/* Bytes in use, for /proc/baton and leak checks. */
uint64_t heap_bytes_used(void);
/* Of size class `class` (from 0 on): bytes of an object, and how many are in use. The last one is
   of whole pages. False: there is no such class. */
bool heap_class_used(size_t class, uint32_t *size, uint64_t *used);

/* Gives back the slabs kept in reserve. True: there were some. Any context without a heap lock;
   the frame allocator's last resort. */
bool heap_reclaim(void);

/*
 * A kernel stack with a guard page below it (its lowest address), or 0: no
 * memory. Not in interrupts. Freeing: any context.
 */
#define KERNEL_STACK_SIZE 16384UL
vaddr_t kernel_stack_allocate(void);
void kernel_stack_free(vaddr_t stack);

/* What ended of several pages, stacks too, stays in reserve, mapped and counted as free. Gives it
   back but `keep` pages. True: there was some. Interrupts on, no spinlock held. */
bool heap_trim(size_t keep);
/* The same once there is so much that it pays: each time all CPUs are waited for. Whoever frees
   stacks calls it when he may. */
void heap_trim_surplus(void);

/* Maps a device's registers or framebuffer, uncached or write-combining, or as the MTRRs say what
   is memory but not ours; NULL: no room, or it is memory that we have, or where interrupts'
   messages go: whoever names it is wrong, which a line on the log says. There is no unmapping. */
enum device_caching {
    DEVICE_UNCACHED,
    DEVICE_WRITE_COMBINING,
    DEVICE_CACHED,
};
void *device_map(paddr_t base, size_t size, enum device_caching caching);

#endif
