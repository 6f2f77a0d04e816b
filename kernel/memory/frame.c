/*
 * frame.c: who has which frame.
 *
 * Free frames are of two kinds. Those that were used before are on lists,
 * linked through their metadata. Those never used are ranges with a cursor:
 * neither they nor their metadata are touched before they are needed.
 */
#include "memory/frame.h"

#include "cpu/panic.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/frame_setup.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "thread/injection.h"

const char *const frame_owner_names[FRAME_OWNER_COUNT] = {
    "free", "kernel", "kernel_stack", "page_table", "page_cache", "anonymous", "shared", "pipe",
};

/* By address: what callers can ask for. */
enum zone {
    ZONE_BELOW_1M,
    ZONE_BELOW_4G,
    ZONE_HIGH,
    ZONE_COUNT,
};
static const paddr_t zone_end[ZONE_COUNT] = {1UL << 20, 1UL << 32, UINT64_MAX};

/* Memory that was never used: all from `next` to `end`. */
struct unused_range {
    paddr_t next, end;
    paddr_t metadata_end; /* frames below have their metadata mapped */
    struct unused_range *following;
};
/* A usable range can be cut at 1 MiB and 4 GiB; and what is given back after boot. */
#define SPARE_RANGES 16

/* The frames that one page of metadata describes. */
#define METADATA_SPAN (PAGE_SIZE / sizeof(struct frame) * PAGE_SIZE)

static struct spinlock frame_lock; /* guards all below; a leaf: taken last */
static paddr_t free_list[ZONE_COUNT];
static paddr_t zeroed_list; /* free frames full of zeros, of any zone but the first */
static struct unused_range *unused[ZONE_COUNT];
static struct unused_range *spare_range; /* the next of the array, for frame_give_back() */
static unsigned spare_ranges;
static uint64_t frames_total;                       /* constant after boot */
static uint64_t frames_by_owner[FRAME_OWNER_COUNT]; /* but FRAME_FREE: the rest is free */

static enum zone zone_of(paddr_t frame)
{
    return frame < zone_end[ZONE_BELOW_1M]   ? ZONE_BELOW_1M
           : frame < zone_end[ZONE_BELOW_4G] ? ZONE_BELOW_4G
                                             : ZONE_HIGH;
}

/* ---- memory never used ---- */

/* Where the metadata of `metadata_source` get their own frames from: itself. */
static struct unused_range *metadata_source;

static paddr_t metadata_frame(void)
{
    struct unused_range *range = metadata_source;
    if (range->next == range->end)
        return 0;
    paddr_t frame = range->next;
    range->next += PAGE_SIZE;
    frames_by_owner[FRAME_KERNEL]++;
    memset(frame_pointer(frame), 0, PAGE_SIZE);
    return frame;
}

/* Maps the metadata of the range's next frames. If it is too short for that, it is used up. */
static void metadata_map(struct unused_range *range)
{
    vaddr_t page = align_down((vaddr_t)frame_metadata(range->next), PAGE_SIZE);

    range->metadata_end = align_down(range->next, METADATA_SPAN) + METADATA_SPAN;
    if (kernel_page_frame(page))
        return;
    metadata_source = range;
    paddr_t frame = metadata_frame();
    if (!frame || kernel_page_map_from(page, frame, 0, metadata_frame))
        range->next = range->end;
}

static paddr_t take_unused(enum zone zone)
{
    struct unused_range *range;

    while ((range = unused[zone])) {
        while (range->next < range->end && range->next >= range->metadata_end)
            metadata_map(range);
        if (range->next < range->end) {
            paddr_t frame = range->next;
            range->next += PAGE_SIZE;
            return frame;
        }
        unused[zone] = range->following;
    }
    return 0;
}

/* Adds [start, end) in pieces of one zone each. Pieces without a place in the array are lost. */
static void add_unused(paddr_t start, paddr_t end)
{
    while (start < end && spare_ranges > 0) {
        enum zone zone = zone_of(start);
        paddr_t stop = end < zone_end[zone] ? end : zone_end[zone];
        *spare_range = (struct unused_range){start, stop, 0, unused[zone]};
        unused[zone] = spare_range++;
        spare_ranges--;
        start = stop;
    }
}

size_t frame_setup_size(size_t range_count)
{
    return (range_count + SPARE_RANGES) * sizeof(struct unused_range);
}

void frame_setup(const struct memory_range *ranges, size_t range_count, paddr_t early_next,
                 paddr_t early_end, void *storage)
{
    /* The list is filled through its physical address and used through the direct map: links are
       of the second kind from the start. */
    struct unused_range *list = storage;
    size_t count = 0;

    for (size_t i = 0; i < range_count; i++) {
        paddr_t start = ranges[i].base, end = start + ranges[i].size;
        enum memory_kind kind = ranges[i].kind;
        if (end > DIRECT_MAP_SIZE)
            continue;
        if (kind == MEMORY_LOADER || kind == MEMORY_ACPI_TABLES) {
            frames_total += ranges[i].size >> PAGE_SHIFT;
            frames_by_owner[FRAME_KERNEL] += ranges[i].size >> PAGE_SHIFT;
        }
        if (kind != MEMORY_USABLE && kind != MEMORY_LOW)
            continue;
        frames_total += ranges[i].size >> PAGE_SHIFT;
        if (start < early_next && early_next <= end && early_end <= end) {
            frames_by_owner[FRAME_KERNEL] += (early_next - start) >> PAGE_SHIFT;
            start = early_next;
        }
        while (start < end) {
            enum zone zone = zone_of(start);
            paddr_t stop = end < zone_end[zone] ? end : zone_end[zone];
            list[count] = (struct unused_range){start, stop, 0, unused[zone]};
            unused[zone] = frame_pointer((paddr_t)&list[count++]);
            start = stop;
        }
    }
    spare_range = frame_pointer((paddr_t)&list[count]);
    spare_ranges = (unsigned)(range_count + SPARE_RANGES - count);
}

void frame_give_back(paddr_t start, paddr_t end)
{
    bool enabled = spinlock_acquire_save(&frame_lock);
    frames_by_owner[FRAME_KERNEL] -= (end - start) >> PAGE_SHIFT;
    add_unused(start, end);
    spinlock_release_restore(&frame_lock, enabled);
}

/* ---- allocating ---- */

static paddr_t pop(paddr_t *list)
{
    paddr_t frame = *list;
    if (frame)
        *list = frame_metadata(frame)->words[0];
    return frame;
}

static paddr_t take_from(enum zone zone)
{
    paddr_t frame = pop(&free_list[zone]);
    return frame ? frame : take_unused(zone);
}

static paddr_t take_anywhere(void)
{
    paddr_t frame = pop(&free_list[ZONE_HIGH]);
    if (!frame)
        frame = pop(&free_list[ZONE_BELOW_4G]);
    if (!frame)
        frame = take_unused(ZONE_HIGH);
    if (!frame)
        frame = take_unused(ZONE_BELOW_4G);
    return frame;
}

static paddr_t take(unsigned flags, bool *zeroed)
{
    if (flags & FRAME_BELOW_1M)
        return take_from(ZONE_BELOW_1M);
    if (flags & FRAME_BELOW_4G)
        return take_from(ZONE_BELOW_4G);

    paddr_t frame = 0;
    if (!(flags & FRAME_ZEROED))
        frame = take_anywhere();
    if (!frame) {
        frame = pop(&zeroed_list);
        *zeroed = frame != 0;
    }
    return frame ? frame : take_anywhere();
}

#ifdef DEBUG_CHECKS
/* Freed frames are filled with this: no entry of a page table that it could be is present. */
#define POISON 0xfefefefefefefefeUL

static void poison(paddr_t frame)
{
    memset(frame_pointer(frame), (uint8_t)POISON, PAGE_SIZE);
}
#else
static void poison(paddr_t frame)
{
    (void)frame;
}
#endif

paddr_t frame_allocate(enum frame_owner owner, unsigned flags)
{
    if (injection_allocation_fails(__builtin_return_address(0)))
        return 0;

    bool zeroed = false;
    paddr_t frame;
    do {
        bool enabled = spinlock_acquire_save(&frame_lock);
        frame = take(flags, &zeroed);
        if (frame)
            frames_by_owner[owner]++;
        spinlock_release_restore(&frame_lock, enabled);
    } while (!frame && heap_reclaim());
    if (!frame)
        return 0;

    struct frame *metadata = frame_metadata(frame);
    debug_assert(metadata->references == 0);
    metadata->owner = (uint8_t)owner;
    metadata->flags = 0;
    metadata->small = 0;
    __atomic_store_n(&metadata->references, 1, __ATOMIC_RELAXED);
    if (flags & FRAME_ZEROED && !zeroed)
        memset(frame_pointer(frame), 0, PAGE_SIZE);
    return frame;
}

/* ---- freeing ---- */

static void push(paddr_t frame, paddr_t *list)
{
    struct frame *metadata = frame_metadata(frame);
    frames_by_owner[metadata->owner]--;
    metadata->owner = FRAME_FREE;
    metadata->words[0] = *list;
    *list = frame;
}

/* True: that was the last reference. */
static bool drop(paddr_t frame)
{
    uint32_t before = __atomic_fetch_sub(&frame_metadata(frame)->references, 1, __ATOMIC_ACQ_REL);
    debug_assert(before != 0);
    return before == 1;
}

void frame_release(paddr_t frame)
{
    if (!drop(frame))
        return;
    poison(frame);
    bool enabled = spinlock_acquire_save(&frame_lock);
    push(frame, &free_list[zone_of(frame)]);
    spinlock_release_restore(&frame_lock, enabled);
}

void frame_release_many(const paddr_t *frames, size_t count)
{
    bool enabled = spinlock_acquire_save(&frame_lock);
    for (size_t i = 0; i < count; i++) {
        if (drop(frames[i])) {
            poison(frames[i]);
            push(frames[i], &free_list[zone_of(frames[i])]);
        }
    }
    spinlock_release_restore(&frame_lock, enabled);
}

void frame_release_zeroed(paddr_t frame)
{
    enum zone zone = zone_of(frame);
    bool last = drop(frame);
    debug_assert(last);
    (void)last;
    bool enabled = spinlock_acquire_save(&frame_lock);
    push(frame, zone == ZONE_BELOW_1M ? &free_list[zone] : &zeroed_list);
    spinlock_release_restore(&frame_lock, enabled);
}

/* ---- counting ---- */

void frame_set_owner(paddr_t frame, enum frame_owner owner)
{
    struct frame *metadata = frame_metadata(frame);
    bool enabled = spinlock_acquire_save(&frame_lock);
    frames_by_owner[metadata->owner]--;
    frames_by_owner[owner]++;
    metadata->owner = (uint8_t)owner;
    spinlock_release_restore(&frame_lock, enabled);
}

uint64_t frame_total(void)
{
    return frames_total;
}

void frame_count(struct frame_counts *counts)
{
    bool enabled = spinlock_acquire_save(&frame_lock);
    counts->total = frames_total;
    uint64_t taken = 0;
    for (size_t owner = FRAME_FREE + 1; owner < FRAME_OWNER_COUNT; owner++) {
        counts->by_owner[owner] = frames_by_owner[owner];
        taken += frames_by_owner[owner];
    }
    counts->by_owner[FRAME_FREE] = frames_total - taken;
    spinlock_release_restore(&frame_lock, enabled);
}
