/*
 * kernel_space.h: the upper half of every address space, the kernel's own.
 *
 * Built once at boot; its top-level entries never change afterwards (invariant
 * 5). What is mapped where is drawn in kernel/memory/README.md.
 */
#ifndef BATON_MEMORY_KERNEL_SPACE_H
#define BATON_MEMORY_KERNEL_SPACE_H

#include <handoff.h>

#include "library/memory_map.h"
#include "library/types.h"

/* Virtual areas; with FRAME_METADATA (frame.h) each has a top-level entry (512 GiB) of its own. */
#define DIRECT_MAP_SIZE 0x0000400000000000UL /* from DIRECT_MAP_BASE (frame.h): 64 TiB */
#ifndef KERNEL_HEAP_BASE
#define KERNEL_HEAP_BASE 0xffffc08000000000UL /* large blocks and stacks (heap.c) */
#endif
#define KERNEL_HEAP_SIZE 0x0000000200000000UL /* 8 GiB: 262,144 stacks */
#define DEVICE_MAP_BASE  0xffffc10000000000UL
#define KERNEL_AREA_SIZE 0x0000008000000000UL

/*
 * Called once at boot, on the loader's tables (every range of the memory map
 * identity-mapped), interrupts off, with what memory_map_parse() made of the
 * firmware's map. cpu_features must be known, page_attributes_load() done.
 *
 * Builds the kernel's tables and prepares the frame allocator. Returns the
 * root (below 4 GiB), or 0 when there is too little memory. No other function
 * of this room may be called before the caller has loaded that root into CR3.
 * From then on physical memory, also the handoff, is reached by
 * frame_pointer(), and the stack must be one inside the kernel's image.
 */
paddr_t memory_initialize(const struct handoff *handoff, const struct memory_range *ranges,
                          size_t range_count);

/* What needs the kernel's own tables; called once, when they are loaded. 0 or -ENOMEM. */
int memory_start(void);

/* Is memory of this kind in the direct map? */
bool direct_map_covers(enum memory_kind kind);

/* Does the direct map show this address? Then it is memory, and no device's. Any context. */
bool direct_map_shows(paddr_t address);

/* The root of kernel and idle threads and of other CPUs' start; constant. */
extern paddr_t kernel_root;

/*
 * Gives memory of kind MEMORY_LOADER (the loader's, the initrd, once they were copied;
 * MEMORY_ACPI_TABLES too) to the frame allocator. Only whole pages; at most once for each.
 */
void memory_give_back(paddr_t base, size_t size);

/*
 * Maps one page in the kernel's half, in one of the areas above. `flags`: PAGE_* of
 * page_table.h. 0 or -ENOMEM. Any context without the kernel space's lock.
 */
int kernel_page_map(vaddr_t page, paddr_t frame, uint64_t flags);
/*
 * Ends the mappings of [start, end), on every CPU, and releases their frames.
 * Interrupts on, no spinlock held.
 */
void kernel_pages_unmap(vaddr_t start, vaddr_t end);
/* The same in two steps, for many at once: the caller's shootdown on every CPU comes between. */
void kernel_pages_hide(vaddr_t start, vaddr_t end);
void kernel_pages_free(vaddr_t start, vaddr_t end);
/*
 * Frees the lowest tables of [start, end), whole ones of the heap's area (LEAF_SPAN), which map
 * nothing any more and in which nobody maps meanwhile. Interrupts on, no spinlock held.
 */
void kernel_tables_release(vaddr_t start, vaddr_t end);
/* The frame that a page of these areas is mapped to, 0: none. */
paddr_t kernel_page_frame(vaddr_t page);

/* Puts the kernel's top-level entries into a root, or takes them out again (page_table.c). */
void kernel_space_install(uint64_t *root);
void kernel_space_remove(uint64_t *root);

/* kernel_page_map() for frame.c, which maps its own metadata: tables come zeroed from `allocate`
   (0: none), the frame lock guards them. */
int kernel_page_map_from(vaddr_t page, paddr_t frame, uint64_t flags, paddr_t (*allocate)(void));

#endif
