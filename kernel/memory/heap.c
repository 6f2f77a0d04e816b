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

#include "cpu/panic.h"
#include "cpu/spinlock.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/kernel_space.h"
#include "memory/page_table.h"
#include "thread/injection.h"

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

/* A slab with a free object, now on the list of partial ones; NULL: no memory. Lock held, but
   not while a new one is made. */
static struct slab *slab_find(struct size_class *class, bool *enabled)
{
    struct slab *slab = LIST_FIRST(&class->partial);
    if (slab)
        return slab;
    if (class->reserve) {
        slab = class->reserve;
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

static void *object_allocate(struct size_class *class)
{
    bool enabled = spinlock_acquire_save(&class->lock);
    struct slab *slab = slab_find(class, &enabled);
    void *object = NULL;
    if (slab) {
        object = slab->free;
        slab->free = *(void **)object;
        slab->used++;
        class->used++;
        if (!slab->free)
            LIST_REMOVE(slab, link);
    }
    spinlock_release_restore(&class->lock, enabled);
    return object;
}

static void object_free(struct slab *slab, void *object)
{
    struct size_class *class = &size_classes[slab->class];
    debug_assert((vaddr_t)object % PAGE_SIZE % class->size == 0);
#ifdef DEBUG_CHECKS
    memset(object, 0xfd, class->size); /* so that a use after this is noticed */
#endif
    struct slab *empty = NULL;

    bool enabled = spinlock_acquire_save(&class->lock);
    debug_assert(slab->used > 0);
    if (!slab->free)
        LIST_INSERT_HEAD(&class->partial, slab, link);
    *(void **)object = slab->free;
    slab->free = object;
    class->used--;
    if (--slab->used == 0) {
        LIST_REMOVE(slab, link);
        if (class->reserve) {
            empty = slab;
        } else {
            class->reserve = slab;
            frame_set_owner(slab_frame(slab), FRAME_FREE);
        }
    }
    spinlock_release_restore(&class->lock, enabled);
    if (empty)
        frame_release(slab_frame(empty));
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
 * A place for up to 2^order - 1 pages behind an unmapped one. Its record is
 * made once and never freed: a place that was used is used again.
 */
struct area {
    SLIST_ENTRY(area) link; /* area_lock; while it is free, or a stack in reserve */
    vaddr_t start;          /* constant */
    uint32_t order;         /* constant */
    uint32_t pages;         /* mapped; its holder's */
};
SLIST_HEAD(area_list, area);

static struct spinlock area_lock;                /* taken with interrupts off; guards the below */
static vaddr_t area_next = KERNEL_HEAP_BASE;     /* from here on no place was ever used */
#define AREA_ORDERS 28                           /* up to a terabyte, more than there is */
static struct area_list free_areas[AREA_ORDERS]; /* by order */
static struct area_list reserved_stacks;         /* mapped, counted as free */
static size_t reserved_stack_count;

static struct area *area_take(size_t pages)
{
    unsigned order = 1;
    while ((1UL << order) < pages + 1)
        order++;
    if (order >= AREA_ORDERS)
        return NULL;

    bool enabled = spinlock_acquire_save(&area_lock);
    struct area *area = SLIST_FIRST(&free_areas[order]);
    vaddr_t start = 0;
    if (area) {
        SLIST_REMOVE_HEAD(&free_areas[order], link);
    } else if (KERNEL_HEAP_BASE + KERNEL_AREA_SIZE - area_next > PAGE_SIZE << order) {
        start = area_next;
        area_next += PAGE_SIZE << order;
    }
    spinlock_release_restore(&area_lock, enabled);

    if (start) {
        area = object_allocate(class_of(sizeof(*area)));
        if (area) {
            area->start = start;
            area->order = order;
        }
        /* Without a record the addresses are lost: there are 2^27 pages of them. */
    }
    if (area)
        area->pages = 0;
    return area;
}

/* Unmaps and frees what the area has. Interrupts on, no spinlock held. */
static void area_free(struct area *area)
{
    vaddr_t first = area->start + PAGE_SIZE;
    kernel_pages_unmap(first, first + area->pages * PAGE_SIZE);
    bool enabled = spinlock_acquire_save(&area_lock);
    SLIST_INSERT_HEAD(&free_areas[area->order], area, link);
    spinlock_release_restore(&area_lock, enabled);
}

static struct area *area_allocate(size_t pages, enum frame_owner owner)
{
    struct area *area = area_take(pages);
    if (!area)
        return NULL;
    for (; area->pages < pages; area->pages++) {
        paddr_t frame = frame_allocate(owner, FRAME_ANYWHERE);
        if (frame && kernel_page_map(area->start + (area->pages + 1) * PAGE_SIZE, frame, 0)) {
            frame_release(frame);
            frame = 0;
        }
        if (!frame) {
            area_free(area);
            return NULL;
        }
        if (area->pages == 0) {
            frame_metadata(frame)->flags = HEAP_AREA;
            frame_metadata(frame)->words[0] = (uint64_t)area;
        }
    }
    return area;
}

static struct area *area_of(vaddr_t block)
{
    struct frame *first = frame_metadata(kernel_page_frame(block));
    debug_assert(first->flags == HEAP_AREA);
    return (struct area *)first->words[0];
}

/* ---- the interface ---- */

static void *heap_allocate_for(size_t size, void *caller)
{
    if (injection_fails(INJECTION_ALLOCATION, caller))
        return NULL;
    if (size <= LARGEST_OBJECT)
        return object_allocate(class_of(size));
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
        struct area *area = area_allocate(pages, FRAME_KERNEL);
        if (area)
            block = (void *)(area->start + PAGE_SIZE);
    }
    if (block)
        __atomic_fetch_add(&frames_used, pages, __ATOMIC_RELAXED);
    return block;
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

void heap_free(void *pointer)
{
    if (!pointer)
        return;
    if ((vaddr_t)pointer >= KERNEL_HEAP_BASE) {
        struct area *area = area_of((vaddr_t)pointer);
        __atomic_fetch_sub(&frames_used, area->pages, __ATOMIC_RELAXED);
        area_free(area);
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

void *heap_grow(void *pointer, size_t old_size, size_t size)
{
    void *block = heap_allocate_for(size, __builtin_return_address(0));
    if (block && pointer) {
        memcpy(block, pointer, old_size < size ? old_size : size);
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

uint64_t heap_bytes_used(void)
{
    uint64_t bytes = __atomic_load_n(&frames_used, __ATOMIC_RELAXED) * PAGE_SIZE;

    for (size_t i = 0; i < array_length(size_classes); i++) {
        struct size_class *class = &size_classes[i];
        bytes += __atomic_load_n(&class->used, __ATOMIC_RELAXED) * class->size;
    }
    return bytes;
}

/* ---- kernel stacks ---- */

#define STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)

static void stack_set_owner(const struct area *area, enum frame_owner owner)
{
    for (size_t i = 1; i <= STACK_PAGES; i++)
        frame_set_owner(kernel_page_frame(area->start + i * PAGE_SIZE), owner);
}

static struct area *stack_take_reserved(size_t keep)
{
    bool enabled = spinlock_acquire_save(&area_lock);
    struct area *area = NULL;
    if (reserved_stack_count > keep) {
        area = SLIST_FIRST(&reserved_stacks);
        SLIST_REMOVE_HEAD(&reserved_stacks, link);
        reserved_stack_count--;
    }
    spinlock_release_restore(&area_lock, enabled);
    return area;
}

vaddr_t kernel_stack_allocate(void)
{
    if (injection_fails(INJECTION_ALLOCATION, __builtin_return_address(0)))
        return 0;
    struct area *area = stack_take_reserved(0);
    if (area)
        stack_set_owner(area, FRAME_KERNEL_STACK);
    else
        area = area_allocate(STACK_PAGES, FRAME_KERNEL_STACK);
    return area ? area->start + PAGE_SIZE : 0;
}

void kernel_stack_free(vaddr_t stack)
{
    struct area *area = area_of(stack);

    stack_set_owner(area, FRAME_FREE);
    bool enabled = spinlock_acquire_save(&area_lock);
    SLIST_INSERT_HEAD(&reserved_stacks, area, link);
    reserved_stack_count++;
    spinlock_release_restore(&area_lock, enabled);
}

bool kernel_stack_trim(size_t keep)
{
    bool found = false;
    struct area *area;

    while ((area = stack_take_reserved(keep))) {
        area_free(area);
        found = true;
    }
    return found;
}

/* ---- devices ---- */

void *device_map(paddr_t base, size_t size, enum device_caching caching)
{
    static vaddr_t next = DEVICE_MAP_BASE; /* area_lock */
    uint64_t flags = caching == DEVICE_UNCACHED ? PAGE_UNCACHED : PAGE_WRITE_COMBINING;
    paddr_t start = align_down(base, PAGE_SIZE);
    size_t pages = (base - start + size + PAGE_SIZE - 1) / PAGE_SIZE;

    bool enabled = spinlock_acquire_save(&area_lock);
    vaddr_t address = next;
    bool room = pages < (DEVICE_MAP_BASE + KERNEL_AREA_SIZE - next) / PAGE_SIZE;
    if (room)
        next += (pages + 1) * PAGE_SIZE; /* with an unmapped page behind it */
    spinlock_release_restore(&area_lock, enabled);
    if (!room)
        return NULL;

    for (size_t i = 0; i < pages; i++) {
        if (kernel_page_map(address + i * PAGE_SIZE, start + i * PAGE_SIZE, flags))
            return NULL; /* what was mapped stays: nobody has the address */
    }
    return (void *)(address + (base - start));
}
