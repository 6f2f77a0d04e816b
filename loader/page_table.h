/*
 * page_table.h: the first page tables, which the kernel drops when it has its own.
 *
 * Tables are built in a pool of frames that the caller gives and sized with page_table_frames();
 * nothing here calls the firmware, so the code runs after the exit and in host tests alike. An
 * address that is mapped already stays as it is: what needs permissions of its own goes first.
 */
#ifndef BATON_LOADER_PAGE_TABLE_H
#define BATON_LOADER_PAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Intel SDM, volume 3A, 4.5: 4-level paging. */
#define PAGE_PRESENT    UINT64_C(1)
#define PAGE_WRITABLE   (UINT64_C(1) << 1)
#define PAGE_LARGE      (UINT64_C(1) << 7)
#define PAGE_NO_EXECUTE (UINT64_C(1) << 63)

#define PAGE_TABLE_FRAME UINT64_C(4096)

/* The lower half's end: what lies above has no identity mapping with four levels. */
#define PAGE_TABLE_IDENTITY_END (UINT64_C(1) << 47)

/* A contiguous piece of an address space. Virtual address + offset = physical address. */
struct page_table_range {
    uint64_t start;  /* virtual, multiple of 4096 */
    uint64_t end;    /* first address after it; ranges do not wrap */
    uint64_t offset; /* modulo 2^64; 0 for an identity mapping */
    uint64_t flags;  /* PAGE_PRESENT, PAGE_WRITABLE, PAGE_NO_EXECUTE */
};

struct page_table {
    uint64_t *root;
    uint64_t next; /* next free frame of the pool */
    uint64_t end;  /* first address after the pool */
    bool gigabyte; /* the processor has 1 GiB pages */
};

/*
 * Counts the frames that a table may need, an upper bound: zero it, call page_table_count() for
 * each range, read `frames`. Close for ranges in ascending order, safe for any.
 */
struct page_table_counter {
    uint64_t frames;
    uint64_t last[5]; /* by level: the last region counted, plus 1 */
};

void page_table_count(struct page_table_counter *counter, const struct page_table_range *range,
                      bool gigabyte);

/* The pool is `frames` zeroed frames from physical address `pool`, at least one, mapped 1:1. */
void page_table_begin(struct page_table *table, uint64_t pool, uint64_t frames, bool gigabyte);

/* Maps what is not mapped yet of the range. False: the pool is empty, a part is not mapped. */
bool page_table_map(struct page_table *table, const struct page_table_range *range);

#endif
