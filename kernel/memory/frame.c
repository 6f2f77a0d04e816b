/*
 * frame.c: who has which frame.
 *
 * Free frames are of two kinds. Those that were used before are on lists,
 * linked through their metadata. Those never used are ranges with a cursor:
 * neither they nor their metadata are touched before they are needed.
 *
 * Each CPU keeps some of the first kind at hand, and its own counts: most calls
 * take no lock. What it has too few or too many of it exchanges with the others
 * in lots, so that they seldom meet at the lock.
 */
#include "memory/frame.h"

#include "cpu/call.h"
#include "cpu/cpu.h"
#include "cpu/page.h"
#include "cpu/panic.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/frame_setup.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "thread/injection.h"

const char *const frame_owner_names[FRAME_OWNER_COUNT] = {
    "free",      "kernel", "kernel_stack", "page_table", "page_cache",
    "anonymous", "shared", "pipe",         "device",
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

static struct spinlock frame_lock =
    SPINLOCK_RANKED(LOCK_FRAME); /* guards all below; a leaf: taken last */
static paddr_t free_list[ZONE_COUNT];
static paddr_t zeroed_list; /* free frames full of zeros, of any zone but the first */
static uint32_t zeroed_count;
/* Chains of LOT free frames each, as a list of their first: in the lowest zone of any of them, and
   none is below 1 MiB. */
static paddr_t lots[ZONE_COUNT];
/* More are not told from the others: what memory costs shall not depend on what ended before. */
#define ZEROED_MAXIMUM 32
static struct unused_range *unused[ZONE_COUNT];
static struct unused_range *first_range; /* the array of them all; constant after boot */
static struct unused_range *spare_range; /* its next free place, for frame_give_back() */
static unsigned spare_ranges;
static uint64_t frames_total; /* without metadata, made or promised; constant after boot */
static uint64_t frames_by_owner[FRAME_OWNER_COUNT]; /* of the boot */
static uint64_t metadata_promised;                  /* frames that the metadata to come will take */

/* What a CPU has at hand; its own, with interrupts off. */
struct at_hand {
    paddr_t used;   /* a list of free frames, none below 1 MiB */
    paddr_t zeroed; /* the same, full of zeros: kept for page tables, which come and go */
    uint32_t used_count, zeroed_count;
    int64_t by_owner[FRAME_OWNER_COUNT]; /* allocated less freed here; others may read */
} __attribute__((aligned(64)));
#define AT_HAND_MAXIMUM 64 /* of each list */
#define LOT             16 /* frames that change hands together, as one chain */
static struct at_hand at_hand[CPU_MAXIMUM];

static enum zone zone_of(paddr_t frame)
{
    return frame < zone_end[ZONE_BELOW_1M]   ? ZONE_BELOW_1M
           : frame < zone_end[ZONE_BELOW_4G] ? ZONE_BELOW_4G
                                             : ZONE_HIGH;
}

/* ---- memory never used ---- */

/*
 * All metadata there can be, and the tables that map them, are no part of the total from the start
 * (nor are they of Linux's MemTotal): nobody else can have them, and no count depends on how much
 * memory was in use some time before.
 */
static void metadata_promise(uint64_t frames)
{
    metadata_promised += frames;
    frames_total -= frames;
}

/* Pieces of `span` bytes that [start, end) touches and that begin at or behind *next, which moves
   behind them. */
static uint64_t new_pieces(paddr_t start, paddr_t end, uint64_t span, paddr_t *next)
{
    paddr_t first = align_down(start, span), behind = align_up(end, span);
    if (first < *next)
        first = *next;
    if (behind <= first)
        return 0;
    *next = behind;
    return (behind - first) / span;
}

/* Promised, or made already? */
static bool metadata_known(paddr_t piece)
{
    if (kernel_page_frame((vaddr_t)frame_metadata(piece)))
        return true;
    for (const struct unused_range *range = first_range; range < spare_range; range++) {
        if (range->next < piece + METADATA_SPAN && piece < range->end)
            return true;
    }
    return false;
}

/* Where the metadata of `metadata_source` get their own frames from: itself. */
static struct unused_range *metadata_source;

static paddr_t metadata_frame(void)
{
    struct unused_range *range = metadata_source;
    if (range->next == range->end)
        return 0;
    paddr_t frame = range->next;
    range->next += PAGE_SIZE;
    if (metadata_promised == 0)
        metadata_promise(1);
    metadata_promised--;
    memset(frame_pointer(frame), 0, PAGE_SIZE);
    return frame;
}

/*
 * The first touch of memory can take a hypervisor milliseconds, for it has to find some, a large
 * page perhaps. So that this does not happen under the lock, who maps metadata touches memory that
 * far ahead when he has let the lock go.
 */
#define AHEAD (2UL << 20)
static paddr_t to_touch; /* 0: nothing */

static void note_ahead(const struct unused_range *range)
{
    if (range->end - range->next > METADATA_SPAN + AHEAD)
        to_touch = range->metadata_end + AHEAD;
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
    note_ahead(range);
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
    paddr_t next[3] = {0}; /* behind what has metadata promised: pages, tables, tables of tables */

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
        for (unsigned level = 0; start < end && level < array_length(next); level++)
            metadata_promise(new_pieces(start, end, METADATA_SPAN << 9 * level, &next[level]));
        while (start < end) {
            enum zone zone = zone_of(start);
            paddr_t stop = end < zone_end[zone] ? end : zone_end[zone];
            list[count] = (struct unused_range){start, stop, 0, unused[zone]};
            unused[zone] = frame_pointer((paddr_t)&list[count++]);
            start = stop;
        }
    }
    first_range = frame_pointer((paddr_t)list);
    spare_range = first_range + count;
    spare_ranges = (unsigned)(range_count + SPARE_RANGES - count);
}

void frame_give_back(paddr_t start, paddr_t end)
{
    bool enabled = spinlock_acquire_save(&frame_lock);
    frames_by_owner[FRAME_KERNEL] -= (end - start) >> PAGE_SHIFT;
    for (paddr_t piece = align_down(start, METADATA_SPAN); piece < end; piece += METADATA_SPAN)
        metadata_promise(!metadata_known(piece));
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

static void push(paddr_t frame, paddr_t *list)
{
    frame_metadata(frame)->words[0] = *list;
    *list = frame;
}

/* Of a lot, frames are linked as in any list; the first knows the first of the next lot. Lock held.
 */
static void lot_push(paddr_t lot, enum zone zone)
{
    frame_metadata(lot)->words[1] = lots[zone];
    lots[zone] = lot;
}

static paddr_t lot_pop(enum zone zone)
{
    paddr_t lot = lots[zone];
    if (lot)
        lots[zone] = frame_metadata(lot)->words[1];
    return lot;
}

/* For who does not want a whole one. False: there is none. */
static bool lot_divide(enum zone zone)
{
    paddr_t lot = lot_pop(zone), frame;
    bool found = lot;

    while ((frame = pop(&lot)))
        push(frame, &free_list[zone_of(frame)]);
    return found;
}

static paddr_t take_from(enum zone zone)
{
    if (!free_list[zone])
        lot_divide(zone);
    paddr_t frame = pop(&free_list[zone]);
    return frame ? frame : take_unused(zone);
}

static paddr_t take_anywhere(void)
{
    paddr_t frame = pop(&free_list[ZONE_HIGH]);
    if (!frame)
        frame = pop(&free_list[ZONE_BELOW_4G]);
    if (!frame)
        frame = take_from(ZONE_HIGH);
    if (!frame)
        frame = take_from(ZONE_BELOW_4G);
    return frame;
}

static struct at_hand *own(void)
{
    return &at_hand[cpu_current()->number];
}

static void count_add(struct at_hand *hand, enum frame_owner owner, int64_t frames)
{
    __atomic_store_n(&hand->by_owner[owner], hand->by_owner[owner] + frames, __ATOMIC_RELAXED);
}

/* Lock held. */
static paddr_t take_zeroed(bool *zeroed)
{
    paddr_t frame = pop(&zeroed_list);

    *zeroed = frame != 0;
    zeroed_count -= *zeroed;
    return frame;
}

/* Brings a lot to hand, where nothing is; without one as many frames. Lock held. */
static void refill(struct at_hand *hand)
{
    paddr_t frame;

    hand->used = lot_pop(ZONE_HIGH);
    if (!hand->used)
        hand->used = lot_pop(ZONE_BELOW_4G);
    if (hand->used)
        hand->used_count = LOT;
    for (; hand->used_count < LOT && (frame = take_anywhere()); hand->used_count++)
        push(frame, &hand->used);
}

static paddr_t take_at_hand(struct at_hand *hand)
{
    paddr_t frame = pop(&hand->used);

    hand->used_count -= frame != 0;
    return frame;
}

/* A write, but of what is there: somebody may have the frame by now. */
static void touch_ahead(paddr_t frame)
{
    uint64_t value = 0;

    if (frame)
        __atomic_compare_exchange_n((uint64_t *)frame_pointer(frame), &value, value, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static paddr_t take_below(enum zone zone)
{
    spinlock_acquire(&frame_lock);
    paddr_t frame = take_from(zone);
    spinlock_release(&frame_lock);
    return frame;
}

/* Interrupts off. A frame of zeros is wanted from those that are known to be so; else from the
   others: clearing one is worse than taking a lock. */
static __attribute__((noinline)) paddr_t take(struct at_hand *hand, unsigned flags, bool *zeroed)
{
    if (flags & FRAME_BELOW_1M)
        return take_below(ZONE_BELOW_1M);
    if (flags & FRAME_BELOW_4G)
        return take_below(ZONE_BELOW_4G);
    bool want_zeroed = flags & FRAME_ZEROED && __atomic_load_n(&zeroed_list, __ATOMIC_RELAXED);
    if (hand->used && !want_zeroed)
        return take_at_hand(hand);

    spinlock_acquire(&frame_lock);
    paddr_t frame = want_zeroed ? take_zeroed(zeroed) : 0;
    if (!frame && !hand->used)
        refill(hand);
    if (!frame)
        frame = take_at_hand(hand);
    if (!frame)
        frame = take_zeroed(zeroed);
    paddr_t ahead = to_touch;
    to_touch = 0;
    spinlock_release(&frame_lock);
    touch_ahead(ahead);
    if (!frame && hand->zeroed) {
        hand->zeroed_count--;
        frame = pop(&hand->zeroed);
    }
    return frame;
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

/* It is somebody's now. */
static inline paddr_t begin(paddr_t frame, enum frame_owner owner)
{
    struct frame *metadata = frame_metadata(frame);

    debug_assert(metadata->references == 0);
    metadata->owner = (uint8_t)owner;
    metadata->flags = 0;
    metadata->small = 0;
    __atomic_store_n(&metadata->references, 1, __ATOMIC_RELAXED);
    return frame;
}

static paddr_t clear(paddr_t frame)
{
    page_clear(frame_pointer(frame));
    return frame;
}

/* What nobody has at hand: from the others, from the heap's reserve, or none. */
static __attribute__((noinline)) paddr_t allocate_slowly(enum frame_owner owner, unsigned flags)
{
    bool zeroed = false;
    paddr_t frame;

    do {
        bool enabled = interrupts_save();
        struct at_hand *hand = own();
        frame = take(hand, flags, &zeroed);
        if (frame)
            count_add(hand, owner, 1);
        interrupts_restore(enabled);
    } while (!frame && heap_reclaim());
    if (!frame) {
        thread_note_no_memory();
        return 0;
    }
    begin(frame, owner);
    return flags & FRAME_ZEROED && !zeroed ? clear(frame) : frame;
}

/* Frames of zeros that all share are for take(). */
static inline bool is_at_hand(unsigned flags)
{
    return flags == FRAME_ANYWHERE ||
           (flags == FRAME_ZEROED && !__atomic_load_n(&zeroed_list, __ATOMIC_RELAXED));
}

paddr_t frame_allocate(enum frame_owner owner, unsigned flags)
{
    if (injection_fails(INJECTION_ALLOCATION, __builtin_return_address(0)))
        return 0;

    bool enabled = interrupts_save();
    struct at_hand *hand = own();
    bool zeroed = flags == FRAME_ZEROED && owner == FRAME_PAGE_TABLE && hand->zeroed;
    paddr_t frame = 0;
    if (zeroed) {
        hand->zeroed_count--;
        frame = pop(&hand->zeroed);
    } else if (is_at_hand(flags)) {
        frame = take_at_hand(hand);
    }
    if (frame)
        count_add(hand, owner, 1);
    interrupts_restore(enabled);
    if (!frame)
        return allocate_slowly(owner, flags);
    begin(frame, owner);
    return flags & FRAME_ZEROED && !zeroed ? clear(frame) : frame;
}

/* ---- freeing ---- */

/* Gives a lot away. Interrupts off. */
static __attribute__((noinline)) void spill(struct at_hand *hand)
{
    paddr_t lot = hand->used, last = lot;
    enum zone lowest = zone_of(lot);

    for (unsigned i = 1; i < LOT; i++) {
        last = frame_metadata(last)->words[0];
        lowest = zone_of(last) < lowest ? zone_of(last) : lowest;
    }
    hand->used = frame_metadata(last)->words[0];
    hand->used_count -= LOT;
    frame_metadata(last)->words[0] = 0;
    spinlock_acquire(&frame_lock);
    lot_push(lot, lowest);
    spinlock_release(&frame_lock);
}

static void put_back_low(paddr_t frame)
{
    spinlock_acquire(&frame_lock);
    push(frame, &free_list[ZONE_BELOW_1M]);
    spinlock_release(&frame_lock);
}

/* Interrupts off. */
static inline void put_back(struct at_hand *hand, paddr_t frame)
{
    struct frame *metadata = frame_metadata(frame);
    count_add(hand, metadata->owner, -1);
    metadata->owner = FRAME_FREE;

    if (zone_of(frame) == ZONE_BELOW_1M) {
        put_back_low(frame);
        return;
    }
    if (hand->used_count == AT_HAND_MAXIMUM)
        spill(hand);
    hand->used_count++;
    push(frame, &hand->used);
}

/* The same for a frame of zeros; none of those lies below 1 MiB. Interrupts off. */
static inline void put_back_zeroed(struct at_hand *hand, paddr_t frame)
{
    if (hand->zeroed_count < AT_HAND_MAXIMUM) {
        hand->zeroed_count++;
        push(frame, &hand->zeroed);
        return;
    }
    spinlock_acquire(&frame_lock);
    bool kept = zeroed_count < ZEROED_MAXIMUM;
    zeroed_count += kept;
    push(frame, kept ? &zeroed_list : &free_list[zone_of(frame)]);
    spinlock_release(&frame_lock);
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
    bool enabled = interrupts_save();
    put_back(own(), frame);
    interrupts_restore(enabled);
}

void frame_release_many(const paddr_t *frames, size_t count)
{
    bool enabled = interrupts_save();
    struct at_hand *hand = own();
    for (size_t i = 0; i < count; i++) {
        if (drop(frames[i])) {
            poison(frames[i]);
            put_back(hand, frames[i]);
        }
    }
    interrupts_restore(enabled);
}

void frame_release_tables(const paddr_t *tables, size_t count)
{
    bool enabled = interrupts_save();
    struct at_hand *hand = own();
    count_add(hand, FRAME_PAGE_TABLE, -(int64_t)count);
    for (size_t i = 0; i < count; i++) {
        struct frame *metadata = frame_metadata(tables[i]);
        debug_assert(metadata->references == 1 && metadata->owner == FRAME_PAGE_TABLE);
        metadata->owner = FRAME_FREE;
        __atomic_store_n(&metadata->references, 0, __ATOMIC_RELAXED);
        put_back_zeroed(hand, tables[i]);
    }
    interrupts_restore(enabled);
}

/* Of one CPU: gives away what it has at hand. Interrupts off. */
static void give_all(void *given)
{
    struct at_hand *hand = own();
    paddr_t frame;

    spinlock_acquire(&frame_lock);
    while ((frame = pop(&hand->used)) || (frame = pop(&hand->zeroed))) {
        push(frame, &free_list[zone_of(frame)]);
        ++*(size_t *)given;
    }
    spinlock_release(&frame_lock);
    hand->used_count = hand->zeroed_count = 0;
}

/* More than a fault takes: its page, its page tables, what the heap needs for it. What a fault gave
   back that failed for the last of these is found here, and would be found again and again. */
#define WORTH_ANOTHER_TRY 16

bool frame_gather(void)
{
    size_t given = 0;
    cpu_call(&cpu_online, give_all, &given);
    return given >= WORTH_ANOTHER_TRY;
}

/* ---- frames side by side ---- */

static void push_run(paddr_t first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        push(first + i * PAGE_SIZE, &free_list[zone_of(first)]);
}

/* Where the metadata's own frames, or another range, come in between, it begins anew. */
static paddr_t take_run(enum zone zone, size_t count)
{
    paddr_t first = 0, frame;
    size_t length = 0;

    while (length < count && (frame = take_unused(zone))) {
        if (frame != first + length * PAGE_SIZE) {
            push_run(first, length);
            first = frame;
            length = 0;
        }
        length++;
    }
    if (length == count)
        return first;
    push_run(first, length);
    return 0;
}

static void run_begin(enum frame_owner owner, paddr_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct frame *metadata = frame_metadata(first + i * PAGE_SIZE);
        *metadata = (struct frame){.owner = (uint8_t)owner};
        __atomic_store_n(&metadata->references, 1, __ATOMIC_RELAXED);
    }
}

paddr_t frame_allocate_run(enum frame_owner owner, unsigned flags, size_t count)
{
    debug_assert(count > 0 && count <= FRAME_RUN_MAXIMUM);
    if (injection_fails(INJECTION_ALLOCATION, __builtin_return_address(0)))
        return 0;

    bool enabled = spinlock_acquire_save(&frame_lock);
    paddr_t first = flags & FRAME_BELOW_4G ? 0 : take_run(ZONE_HIGH, count);
    if (!first)
        first = take_run(ZONE_BELOW_4G, count);
    if (first) {
        run_begin(owner, first, count);
        count_add(own(), owner, (int64_t)count);
    }
    spinlock_release_restore(&frame_lock, enabled);
    if (!first)
        thread_note_no_memory();
    else if (flags & FRAME_ZEROED)
        memset(frame_pointer(first), 0, count * PAGE_SIZE);
    return first;
}

/* ---- counting ---- */

void frame_set_owner(paddr_t frame, enum frame_owner owner)
{
    struct frame *metadata = frame_metadata(frame);
    bool enabled = interrupts_save();
    struct at_hand *hand = own();
    count_add(hand, metadata->owner, -1);
    count_add(hand, owner, 1);
    metadata->owner = (uint8_t)owner;
    interrupts_restore(enabled);
}

void frame_count_reserved(enum frame_owner owner, int64_t count)
{
    bool enabled = interrupts_save();
    count_add(own(), owner, -count);
    interrupts_restore(enabled);
}

uint64_t frame_total(void)
{
    return frames_total;
}

/* Exact when no frame changes hands meanwhile. What is not somebody's is free, at hand or not. */
void frame_count(struct frame_counts *counts)
{
    counts->total = frames_total;
    counts->by_owner[FRAME_FREE] = frames_total;
    for (size_t owner = FRAME_FREE + 1; owner < FRAME_OWNER_COUNT; owner++) {
        uint64_t frames = __atomic_load_n(&frames_by_owner[owner], __ATOMIC_RELAXED);
        for (size_t cpu = 0; cpu < CPU_MAXIMUM; cpu++)
            frames += (uint64_t)__atomic_load_n(&at_hand[cpu].by_owner[owner], __ATOMIC_RELAXED);
        counts->by_owner[owner] = frames;
        counts->by_owner[FRAME_FREE] -= frames;
    }
}
