/*
 * heap.c: the kernel's own structures.
 *
 * Up to half a page they come from slabs: a frame cut into objects of one
 * size, whose bookkeeping is in the frame's metadata. Up to a page they are a
 * frame. Larger ones are frames mapped one behind the other in an area of
 * virtual addresses, with an unmapped page on either side.
 */
#include "memory/heap.h"

#include <bsd/sys/queue.h>

#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/spinlock.h"
#include "cpu/tlb.h"
#include "library/align.h"
#include "library/bitmap.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/kernel_space.h"
#include "memory/page_table.h"
#include "thread/injection.h"
#include "thread/preemption.h"

/* ---- slabs ---- */

/* struct frame as a slab sees it. */
struct slab {
    uint32_t references;
    uint8_t owner;
    uint8_t class;         /* index of size_classes, or HEAP_FRAME, HEAP_AREA */
    uint16_t used;         /* objects handed out; class's lock */
    void *free;            /* the first free object, which points to the next; class's lock */
    LIST_ENTRY(slab) link; /* class's lock */
};
_Static_assert(sizeof(struct slab) == sizeof(struct frame), "a slab is a frame's metadata");
_Static_assert(__builtin_offsetof(struct slab, class) == __builtin_offsetof(struct frame, flags),
               "a slab is a frame's metadata");

/* In place of a class: the block is this whole frame, or an area that begins with it. */
#define HEAP_FRAME 254
#define HEAP_AREA  255

struct size_class {
    struct spinlock lock;      /* taken with interrupts off; before the frame lock */
    uint32_t size;             /* bytes of an object; constant */
    uint64_t used;             /* objects handed out; lock */
    struct slab *reserve;      /* an empty slab, counted as free; lock */
    LIST_HEAD(, slab) partial; /* slabs with used and free objects; lock */
};
#define SIZE_CLASS(bytes)                                                                          \
    {                                                                                              \
        .lock = SPINLOCK_RANKED(LOCK_HEAP), .size = (bytes)                                        \
    }
static struct size_class size_classes[] = {
    SIZE_CLASS(16),  SIZE_CLASS(32),  SIZE_CLASS(48),   SIZE_CLASS(64),   SIZE_CLASS(96),
    SIZE_CLASS(128), SIZE_CLASS(192), SIZE_CLASS(256),  SIZE_CLASS(384),  SIZE_CLASS(512),
    SIZE_CLASS(672), SIZE_CLASS(816), SIZE_CLASS(1024), SIZE_CLASS(1360), SIZE_CLASS(2048),
};
#define LARGEST_OBJECT 2048
#define OBJECT_UNIT    16

/* Then others may run. */
#define COPIED_AT_ONCE   (64 * PAGE_SIZE) /* by heap_grow() */
#define UNMAPPED_AT_ONCE 1024UL           /* pages; then all CPUs forget them */

static uint64_t frames_used; /* in whole frames and areas; atomic */

static struct size_class *class_of(size_t size)
{
    /* Sizes in units of 16 bytes, up to 512; the few classes above are searched. */
    static const uint8_t small_classes[] = {
        0, 0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7,
        8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9,
    };
    size_t units = (size + OBJECT_UNIT - 1) / OBJECT_UNIT;
    if (units < sizeof(small_classes))
        return &size_classes[small_classes[units]];
    struct size_class *class = &size_classes[small_classes[sizeof(small_classes) - 1] + 1];
    while (class->size < size)
        class ++;
    return class;
}

static struct slab *slab_of(paddr_t frame)
{
    return (struct slab *)frame_metadata(frame);
}

static paddr_t slab_frame(const struct slab *slab)
{
    return (paddr_t)((const struct frame *)slab - FRAME_METADATA) << PAGE_SHIFT;
}

static struct slab *slab_create(struct size_class *class)
{
    paddr_t frame = frame_allocate(FRAME_KERNEL, FRAME_ANYWHERE);
    if (!frame)
        return NULL;
    struct slab *slab = slab_of(frame);
    slab->class = (uint8_t)(class - size_classes);
    slab->used = 0;

    char *object = frame_pointer(frame);
    char *last = object + (PAGE_SIZE / class->size - 1) * class->size;
    slab->free = object;
    for (; object < last; object += class->size)
        *(void **)object = object + class->size;
    *(void **)last = NULL;
    return slab;
}

/* A slab with free objects only, now on the list of partial ones; NULL: no memory. Lock held, but
   not while a new one is made. */
static struct slab *slab_add(struct size_class *class, bool *enabled)
{
    struct slab *slab = class->reserve;
    if (slab) {
        class->reserve = NULL;
        frame_set_owner(slab_frame(slab), FRAME_KERNEL);
    } else {
        spinlock_release_restore(&class->lock, *enabled);
        slab = slab_create(class);
        *enabled = spinlock_acquire_save(&class->lock);
        if (!slab)
            return NULL;
    }
    LIST_INSERT_HEAD(&class->partial, slab, link);
    return slab;
}

/* An object of a partial slab. Lock held; it is released here. */
static inline void *object_take(struct size_class *class, struct slab *slab, bool enabled)
{
    void *object = slab->free;
    slab->free = *(void **)object;
    slab->used++;
    class->used++;
    if (!slab->free)
        LIST_REMOVE(slab, link);
    spinlock_release_restore(&class->lock, enabled);
    return object;
}

/* What is rare and calls others is not inline, so that objects come and go in few instructions. */

/* There is no partial slab. Lock held; it is released here. */
static __attribute__((noinline)) void *object_of_new_slab(struct size_class *class, bool enabled)
{
    struct slab *slab = slab_add(class, &enabled);
    if (slab)
        return object_take(class, slab, enabled);
    spinlock_release_restore(&class->lock, enabled);
    return NULL;
}

static void *object_allocate(struct size_class *class)
{
    bool enabled = spinlock_acquire_save(&class->lock);
    struct slab *slab = LIST_FIRST(&class->partial);
    return slab ? object_take(class, slab, enabled) : object_of_new_slab(class, enabled);
}

/* Nothing of a slab is in use any more. Lock held; it is released here. */
static __attribute__((noinline)) void slab_emptied(struct size_class *class, struct slab *slab,
                                                   bool enabled)
{
    bool keep = !class->reserve;

    LIST_REMOVE(slab, link);
    if (keep) {
        class->reserve = slab;
        frame_set_owner(slab_frame(slab), FRAME_FREE);
    }
    spinlock_release_restore(&class->lock, enabled);
    if (!keep)
        frame_release(slab_frame(slab));
}

static void object_free(struct slab *slab, void *object)
{
    struct size_class *class = &size_classes[slab->class];
    debug_assert((vaddr_t)object % PAGE_SIZE % class->size == 0);
#ifdef DEBUG_CHECKS
    memset(object, 0xfd, class->size); /* so that a use after this is noticed */
#endif
    bool enabled = spinlock_acquire_save(&class->lock);
    debug_assert(slab->used > 0);
    if (!slab->free)
        LIST_INSERT_HEAD(&class->partial, slab, link);
    *(void **)object = slab->free;
    slab->free = object;
    class->used--;
    if (--slab->used == 0)
        slab_emptied(class, slab, enabled);
    else
        spinlock_release_restore(&class->lock, enabled);
}

bool heap_reclaim(void)
{
    bool found = false;

    for (size_t i = 0; i < array_length(size_classes); i++) {
        struct size_class *class = &size_classes[i];
        bool enabled = spinlock_acquire_save(&class->lock);
        struct slab *slab = class->reserve;
        class->reserve = NULL;
        spinlock_release_restore(&class->lock, enabled);
        if (slab) {
            frame_release(slab_frame(slab));
            found = true;
        }
    }
    return found;
}

/* ---- areas: frames mapped one behind the other ---- */

/*
 * Addresses are given out in slots of eight pages, the first of them unmapped: a kernel stack takes
 * one, a larger block several. A word of the map, 64 slots, is what one lowest page table maps;
 * when it is empty, its table goes back. The lowest free slots are taken, so that few tables are
 * needed. Whatever was in use at once, what is left of it when it has ended is nothing.
 */
#define SLOT_PAGES   8
#define WORD_SLOTS   64
#define AREA_WORDS   (KERNEL_HEAP_SIZE / LEAF_SPAN)
#define SLOT_ADDRESS (SLOT_PAGES * PAGE_SIZE)
_Static_assert(WORD_SLOTS *SLOT_ADDRESS == LEAF_SPAN, "a word is a page table");

/*
 * To unmap a block all CPUs have to be waited for. So a block that ends stays mapped, in reserve
 * for the next of its size; when there is much in reserve, most of it goes back at once.
 */
#define RESERVED_LARGEST 32UL  /* pages of a block */
#define RESERVED_MOST    384UL /* pages of them all; then all but … */
#define RESERVED_KEPT    64UL
#define BLOCKS_AT_ONCE   64 /* that CPUs forget together */
#define STACK_PAGES      (KERNEL_STACK_SIZE / PAGE_SIZE)

static struct spinlock area_lock;            /* taken with interrupts off; guards the below */
static uint64_t slots_taken[AREA_WORDS];     /* a bit a slot */
static uint64_t words_full[AREA_WORDS / 64]; /* a bit a word without a free slot */
/* Ended blocks by their pages, and kernel stacks: mapped, counted as free; each begins with the
   address of the next. */
#define RESERVED_STACKS (RESERVED_LARGEST + 1)
static vaddr_t reserved[RESERVED_STACKS + 1];
static size_t reserved_pages; /* of them all; atomic to read */

/* With the unmapped page; what does not fit in a word takes whole ones. */
static size_t slots_for(size_t pages)
{
    size_t slots = pages / SLOT_PAGES + 1;
    return slots <= WORD_SLOTS ? slots : align_up(slots, WORD_SLOTS);
}

static size_t slot_of(vaddr_t block)
{
    return (block - KERNEL_HEAP_BASE) / SLOT_ADDRESS;
}

/* area_lock held. */
static void slots_mark(size_t first, size_t count, bool taken)
{
    uint64_t bits = (count < WORD_SLOTS ? (1UL << count) - 1 : UINT64_MAX) << first % WORD_SLOTS;
    size_t word = first / WORD_SLOTS;

    for (size_t end = word + (count + WORD_SLOTS - 1) / WORD_SLOTS; word < end; word++) {
        slots_taken[word] = taken ? slots_taken[word] | bits : slots_taken[word] & ~bits;
        if (slots_taken[word] == UINT64_MAX)
            bitmap_set(words_full, word);
        else
            bitmap_clear(words_full, word);
    }
}

/* Are there `count` free slots in a row that begin in this word? Then *first is the first. */
static bool slots_fit(size_t word, size_t count, size_t *first)
{
    for (size_t next = word; count > WORD_SLOTS; count -= WORD_SLOTS) {
        if (slots_taken[next++] || next == AREA_WORDS || slots_taken[next])
            return false;
    }
    uint64_t starts = ~slots_taken[word];
    for (size_t i = 1; i < count; i++)
        starts &= ~slots_taken[word] >> i;
    *first = word * WORD_SLOTS + (starts ? (size_t)__builtin_ctzl(starts) : 0);
    return starts != 0;
}

/* The address of a block of so many pages, none of them mapped; 0: no room. */
static vaddr_t area_take(size_t pages)
{
    size_t slots = slots_for(pages), first = 0;
    bool enabled = spinlock_acquire_save(&area_lock);
    size_t word = bitmap_next_clear(words_full, AREA_WORDS, 0);
    while (word < AREA_WORDS && !slots_fit(word, slots, &first))
        word = bitmap_next_clear(words_full, AREA_WORDS, word + 1);
    if (word < AREA_WORDS)
        slots_mark(first, slots, true);
    spinlock_release_restore(&area_lock, enabled);
    return word < AREA_WORDS ? KERNEL_HEAP_BASE + first * SLOT_ADDRESS + PAGE_SIZE : 0;
}

/* Gives the addresses of a block back in which nothing is mapped any more. Interrupts on, no
   spinlock held. */
static void area_give_back(vaddr_t block, size_t pages)
{
    size_t first = slot_of(block), slots = slots_for(pages);
    size_t words = align_up(slots, WORD_SLOTS), words_first = align_down(first, WORD_SLOTS);

    bool enabled = spinlock_acquire_save(&area_lock);
    slots_mark(first, slots, false);
    bool empty = slots_taken[first / WORD_SLOTS] == 0;
    if (empty)
        slots_mark(words_first, words, true); /* nobody's, until the tables are gone */
    spinlock_release_restore(&area_lock, enabled);
    if (!empty)
        return;

    vaddr_t start = KERNEL_HEAP_BASE + words_first * SLOT_ADDRESS;
    kernel_tables_release(start, start + words * SLOT_ADDRESS);
    enabled = spinlock_acquire_save(&area_lock);
    slots_mark(words_first, words, false);
    spinlock_release_restore(&area_lock, enabled);
}

/* Ends a block of which the first `mapped` pages are mapped. Interrupts on, no spinlock held. */
static void area_free(vaddr_t block, size_t mapped, size_t pages)
{
    for (size_t done = 0, piece; done < mapped; done += piece) {
        piece = mapped - done < UNMAPPED_AT_ONCE ? mapped - done : UNMAPPED_AT_ONCE;
        kernel_pages_unmap(block + done * PAGE_SIZE, block + (done + piece) * PAGE_SIZE);
        thread_preemption_point();
    }
    area_give_back(block, pages);
}

static size_t area_pages(vaddr_t block)
{
    const struct frame *first = frame_metadata(kernel_page_frame(block));
    debug_assert(first->flags == HEAP_AREA);
    return first->words[0];
}

/* Any context. `list`: its pages, or RESERVED_STACKS. */
static void reserve_add(vaddr_t block, size_t list, size_t pages, enum frame_owner owner)
{
    frame_count_reserved(owner, (int64_t)pages);
    bool enabled = spinlock_acquire_save(&area_lock);
    *(vaddr_t *)block = reserved[list];
    reserved[list] = block;
    __atomic_store_n(&reserved_pages, reserved_pages + pages, __ATOMIC_RELAXED);
    spinlock_release_restore(&area_lock, enabled);
}

/* A block of a list as long as more than `keep` pages are in reserve; 0: none. */
static vaddr_t reserve_take(size_t list, size_t pages, enum frame_owner owner, size_t keep)
{
    bool enabled = spinlock_acquire_save(&area_lock);
    vaddr_t block = reserved_pages > keep ? reserved[list] : 0;
    if (block) {
        reserved[list] = *(vaddr_t *)block;
        __atomic_store_n(&reserved_pages, reserved_pages - pages, __ATOMIC_RELAXED);
    }
    spinlock_release_restore(&area_lock, enabled);
    if (block)
        frame_count_reserved(owner, -(int64_t)pages);
    return block;
}

/* How many it took: stacks, then of the largest first. */
static size_t reserve_take_many(vaddr_t *blocks, size_t most, size_t keep)
{
    size_t count = 0;

    while (count < most &&
           (blocks[count] = reserve_take(RESERVED_STACKS, STACK_PAGES, FRAME_KERNEL_STACK, keep)))
        count++;
    for (size_t pages = RESERVED_LARGEST; pages > 1; pages--)
        while (count < most && (blocks[count] = reserve_take(pages, pages, FRAME_KERNEL, keep)))
            count++;
    return count;
}

/* All CPUs forget them together. */
static void blocks_free(const vaddr_t *blocks, const size_t count)
{
    vaddr_t lowest = UINT64_MAX, highest = 0;
    size_t pages[BLOCKS_AT_ONCE];

    for (size_t i = 0; i < count; i++) {
        pages[i] = area_pages(blocks[i]);
        vaddr_t end = blocks[i] + pages[i] * PAGE_SIZE;
        kernel_pages_hide(blocks[i], end);
        lowest = blocks[i] < lowest ? blocks[i] : lowest;
        highest = end > highest ? end : highest;
    }
    tlb_shootdown(&cpu_online, lowest, highest);
    for (size_t i = 0; i < count; i++) {
        kernel_pages_free(blocks[i], blocks[i] + pages[i] * PAGE_SIZE);
        area_give_back(blocks[i], pages[i]);
        thread_preemption_point();
    }
}

bool heap_trim(size_t keep)
{
    vaddr_t blocks[BLOCKS_AT_ONCE];
    bool found = false;
    size_t count;

    while ((count = reserve_take_many(blocks, array_length(blocks), keep)) > 0) {
        blocks_free(blocks, count);
        found = true;
        thread_preemption_point();
    }
    return found;
}

void heap_trim_surplus(void)
{
    if (__atomic_load_n(&reserved_pages, __ATOMIC_RELAXED) > RESERVED_MOST)
        heap_trim(RESERVED_KEPT);
}

/* A new block of so many pages, or 0. Its first frame knows how many. */
static vaddr_t area_allocate(size_t pages, enum frame_owner owner)
{
    if (pages > KERNEL_HEAP_SIZE / PAGE_SIZE)
        return 0;
    vaddr_t block = area_take(pages);
    if (!block)
        return 0;
    for (size_t i = 0; i < pages; i++) {
        paddr_t frame = frame_allocate(owner, FRAME_ANYWHERE);
        if (frame && kernel_page_map(block + i * PAGE_SIZE, frame, 0)) {
            frame_release(frame);
            frame = 0;
        }
        if (!frame) {
            area_free(block, i, pages);
            return 0;
        }
        if (i == 0) {
            frame_metadata(frame)->flags = HEAP_AREA;
            frame_metadata(frame)->words[0] = pages;
        }
        thread_preemption_point();
    }
    return block;
}

/* ---- the interface ---- */

static __attribute__((noinline)) void *pages_allocate(size_t size)
{
    if (size > UINT64_MAX / 2)
        return NULL;

    size_t pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    void *block = NULL;
    if (pages == 1) {
        paddr_t frame = frame_allocate(FRAME_KERNEL, FRAME_ANYWHERE);
        if (frame) {
            frame_metadata(frame)->flags = HEAP_FRAME;
            block = frame_pointer(frame);
        }
    } else {
        vaddr_t area = pages <= RESERVED_LARGEST ? reserve_take(pages, pages, FRAME_KERNEL, 0) : 0;
        block = (void *)(area ? area : area_allocate(pages, FRAME_KERNEL));
    }
    if (block)
        __atomic_fetch_add(&frames_used, pages, __ATOMIC_RELAXED);
    return block;
}

static void *heap_allocate_for(size_t size, void *caller)
{
    if (injection_fails(INJECTION_ALLOCATION, caller))
        return NULL;
    return size <= LARGEST_OBJECT ? object_allocate(class_of(size)) : pages_allocate(size);
}

void *heap_allocate(size_t size)
{
    return heap_allocate_for(size, __builtin_return_address(0));
}

void *heap_allocate_zeroed(size_t size)
{
    void *block = heap_allocate_for(size, __builtin_return_address(0));
    if (block)
        memset(block, 0, size);
    return block;
}

static __attribute__((noinline)) void free_area(vaddr_t block)
{
    size_t pages = area_pages(block);

    __atomic_fetch_sub(&frames_used, pages, __ATOMIC_RELAXED);
    if (pages > RESERVED_LARGEST) {
        area_free(block, pages, pages);
        return;
    }
#ifdef DEBUG_CHECKS
    memset((void *)block, 0xfd, pages * PAGE_SIZE); /* so that a use after this is noticed */
#endif
    reserve_add(block, pages, pages, FRAME_KERNEL);
    heap_trim_surplus();
}

void heap_free(void *pointer)
{
    if (!pointer)
        return;
    if ((vaddr_t)pointer >= KERNEL_HEAP_BASE) {
        free_area((vaddr_t)pointer);
        return;
    }
    paddr_t frame = align_down(frame_address(pointer), PAGE_SIZE);
    struct slab *slab = slab_of(frame);
    if (slab->class == HEAP_FRAME) {
        __atomic_fetch_sub(&frames_used, 1, __ATOMIC_RELAXED);
        frame_release(frame);
    } else {
        object_free(slab, pointer);
    }
}

/* As memcpy(), but others may run in between. */
static void copy_in_pieces(char *to, const char *from, size_t size)
{
    for (size_t done = 0, piece; done < size; done += piece) {
        piece = size - done < COPIED_AT_ONCE ? size - done : COPIED_AT_ONCE;
        memcpy(to + done, from + done, piece);
        thread_preemption_point();
    }
}

void *heap_grow(void *pointer, size_t old_size, size_t size)
{
    void *block = heap_allocate_for(size, __builtin_return_address(0));
    if (block && pointer) {
        copy_in_pieces(block, pointer, old_size < size ? old_size : size);
        heap_free(pointer);
    }
    return block;
}

char *heap_copy_string(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = heap_allocate_for(size, __builtin_return_address(0));
    if (copy)
        memcpy(copy, string, size);
    return copy;
}

bool heap_class_used(size_t class, uint32_t *size, uint64_t *used)
{
    if (class == array_length(size_classes)) {
        *size = PAGE_SIZE;
        *used = __atomic_load_n(&frames_used, __ATOMIC_RELAXED);
    } else if (class < array_length(size_classes)) {
        *size = size_classes[class].size;
        *used = __atomic_load_n(&size_classes[class].used, __ATOMIC_RELAXED);
    }
    return class <= array_length(size_classes);
}

uint64_t heap_bytes_used(void)
{
    uint64_t bytes = 0, used;
    uint32_t size;

    for (size_t class = 0; heap_class_used(class, &size, &used); class ++)
        bytes += used * size;
    return bytes;
}

/* ---- kernel stacks ---- */

vaddr_t kernel_stack_allocate(void)
{
    if (injection_fails(INJECTION_ALLOCATION, __builtin_return_address(0)))
        return 0;
    vaddr_t stack = reserve_take(RESERVED_STACKS, STACK_PAGES, FRAME_KERNEL_STACK, 0);
    return stack ? stack : area_allocate(STACK_PAGES, FRAME_KERNEL_STACK);
}

void kernel_stack_free(vaddr_t stack)
{
    reserve_add(stack, RESERVED_STACKS, STACK_PAGES, FRAME_KERNEL_STACK);
}

/* ---- devices ---- */

/* Where a write is an interrupt (SDM volume 3, 11.11.1): to ask what lies there would send one. */
static bool is_message_window(paddr_t address)
{
    return address >> 20 == 0xfee;
}

/* Bits of a page's entry above those that the processor has are reserved (SDM volume 3, 4.5): the
   first access would fault. */
static bool can_be_reached(paddr_t base, size_t size)
{
    paddr_t limit = 1UL << cpu_features.physical_bits;

    return size && base < limit && size <= limit - base;
}

void *device_map(paddr_t base, size_t size, enum device_caching caching)
{
    static vaddr_t next = DEVICE_MAP_BASE; /* area_lock */
    static const uint64_t page_flags[] = {
        [DEVICE_UNCACHED] = PAGE_UNCACHED,
        [DEVICE_WRITE_COMBINING] = PAGE_WRITE_COMBINING,
        [DEVICE_CACHED] = 0,
    };
    paddr_t start = align_down(base, PAGE_SIZE);
    size_t pages = (base - start + size + PAGE_SIZE - 1) / PAGE_SIZE;

    if (!can_be_reached(base, size)) {
        log_write(LOG_WARNING,
                  "a device is said to be at %#lx, beyond the processor's addresses: not used",
                  base);
        return NULL;
    }
    if (direct_map_shows(base) || direct_map_shows(base + size - 1)) {
        log_write(LOG_WARNING, "a device is said to be at %#lx, which is memory: not used", base);
        return NULL;
    }
    if (is_message_window(start) && start != local_apic_address()) {
        log_write(LOG_WARNING, "a device is said to be at %#lx, where interrupts go: not used",
                  base);
        return NULL;
    }
    bool enabled = spinlock_acquire_save(&area_lock);
    vaddr_t address = next;
    bool room = pages < (DEVICE_MAP_BASE + KERNEL_AREA_SIZE - next) / PAGE_SIZE;
    if (room)
        next += (pages + 1) * PAGE_SIZE; /* with an unmapped page behind it */
    spinlock_release_restore(&area_lock, enabled);
    if (!room)
        return NULL;

    for (size_t i = 0; i < pages; i++) {
        if (kernel_page_map(address + i * PAGE_SIZE, start + i * PAGE_SIZE, page_flags[caching]))
            return NULL; /* what was mapped stays: nobody has the address */
    }
    return (void *)(address + (base - start));
}
