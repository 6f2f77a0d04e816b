/*
 * page_cache.c: a radix tree of frames, 64 to a node.
 *
 * A cache of height 0 has one page, and `root` is its frame; with height h,
 * `root` is a node and 64^h pages have a place. Missing frames are holes.
 */
#include "memory/page_cache.h"

#include <linux/errno.h>

#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"
#include "thread/thread.h"

#define NODE_BITS  6
#define NODE_SLOTS (1U << NODE_BITS)

struct node {
    void *slots[NODE_SLOTS]; /* nodes, or in the lowest ones frames' addresses */
};

/* ---- the tree: lock held ---- */

static unsigned slot_index(uint64_t index, unsigned height)
{
    return index >> (NODE_BITS * height) & (NODE_SLOTS - 1);
}

static bool has_place(const struct page_cache *cache, uint64_t index)
{
    unsigned bits = NODE_BITS * cache->height;
    return bits >= 64 || index >> bits == 0;
}

/* The slot of page `index`, and how many from there on lie side by side; NULL: all of these are
   holes. */
static inline void *const *tree_slots(const struct page_cache *cache, uint64_t index, size_t *count)
{
    unsigned bits = NODE_BITS * cache->height;
    void *const *slot = &cache->root;

    *count = bits ? NODE_SLOTS - slot_index(index, 0) : 1;
    if (bits < 64 && index >> bits)
        return NULL;
    while (bits > 0) {
        const struct node *node = *slot;
        if (!node)
            return NULL;
        bits -= NODE_BITS;
        slot = &node->slots[index >> bits & (NODE_SLOTS - 1)];
    }
    return slot;
}

static paddr_t tree_find(const struct page_cache *cache, uint64_t index)
{
    size_t count;
    void *const *slot = tree_slots(cache, index, &count);
    return slot ? (paddr_t)*slot : 0;
}

static bool node_is_empty(const struct node *node, unsigned from)
{
    for (unsigned i = from; i < NODE_SLOTS; i++) {
        if (node->slots[i])
            return false;
    }
    return true;
}

/* Frees the node in `*slot` if it is empty. */
static void node_prune(void **slot)
{
    if (!node_is_empty(*slot, 0))
        return;
    heap_free(*slot);
    *slot = NULL;
}

/* Takes away levels that are of no use any more. */
static void tree_lower(struct page_cache *cache)
{
    while (cache->height > 0) {
        struct node *node = cache->root;
        if (node && !node_is_empty(node, 1))
            return;
        if (node) {
            cache->root = node->slots[0];
            heap_free(node);
        }
        cache->height--;
    }
}

/* In a frame's flags, in a cache that is backed: it is to be written back. The cache's lock. */
#define PAGE_DIRTIED 1

static bool is_dirty(const struct page_cache *cache, paddr_t frame)
{
    return cache->backed && frame_metadata(frame)->flags & PAGE_DIRTIED;
}

static void set_dirty(struct page_cache *cache, paddr_t frame, bool dirty)
{
    if (is_dirty(cache, frame) == dirty)
        return;
    frame_metadata(frame)->flags = dirty ? PAGE_DIRTIED : 0;
    __atomic_store_n(&cache->dirty_count, cache->dirty_count + (dirty ? 1 : UINT64_MAX),
                     __ATOMIC_RELAXED);
    if (cache->dirty_sum)
        __atomic_fetch_add(cache->dirty_sum, dirty ? 1 : UINT64_MAX, __ATOMIC_RELAXED);
}

/* What is taken out of [first, last]; the frames go to a list, linked through their metadata:
   somebody may still map them. */
struct removal {
    struct page_cache *cache;
    uint64_t first, last;
    bool clean_only;
    paddr_t list;
};

static void page_remove(struct removal *removal, void **slot)
{
    struct page_cache *cache = removal->cache;
    paddr_t frame = (paddr_t)*slot;

    if (cache->backed) {
        if (removal->clean_only && is_dirty(cache, frame))
            return;
        set_dirty(cache, frame, false);
    }
    frame_metadata(frame)->words[0] = removal->list;
    removal->list = frame;
    __atomic_store_n(&cache->frame_count, cache->frame_count - 1, __ATOMIC_RELAXED);
    *slot = NULL;
}

/* Takes out what lies below `*slot`, whose own first page is `base`. */
static void slot_remove(struct removal *removal, void **slot, unsigned height, uint64_t base)
{
    uint64_t first = removal->first, last = removal->last;

    if (!*slot)
        return;
    if (height == 0) {
        page_remove(removal, slot);
        return;
    }
    struct node *node = *slot;
    uint64_t span = 1UL << (NODE_BITS * (height - 1));
    unsigned from = first <= base ? 0 : (unsigned)((first - base) / span);
    uint64_t to = (last - base) / span;
    for (unsigned i = from; i < NODE_SLOTS && i <= to; i++)
        slot_remove(removal, &node->slots[i], height - 1, base + i * span);
    node_prune(slot);
    thread_preemption_point();
}

static uint64_t last_place(const struct page_cache *cache)
{
    unsigned bits = NODE_BITS * cache->height;
    return bits >= 64 ? UINT64_MAX : (1UL << bits) - 1;
}

/* Is page `index` a hole? All before `*next` are what it is: a hole is as large as what is missing
   of the tree. */
static bool tree_is_hole(const struct page_cache *cache, uint64_t index, uint64_t *next)
{
    unsigned bits = NODE_BITS * cache->height;
    void *const *slot = &cache->root;

    *next = UINT64_MAX;
    if (!*slot || index > last_place(cache))
        return true;
    while (*slot && bits > 0) {
        const struct node *node = *slot;
        bits -= NODE_BITS;
        slot = &node->slots[index >> bits & (NODE_SLOTS - 1)];
    }
    *next = (index | ((1UL << bits) - 1)) + 1;
    return !*slot;
}

/* Takes out [first, last]: a list of frames for frames_release(). */
static paddr_t tree_remove_some(struct page_cache *cache, uint64_t first, uint64_t last,
                                bool clean_only)
{
    struct removal removal = {cache, first, last, clean_only, 0};

    if (last > last_place(cache))
        removal.last = last = last_place(cache);
    if (first > last)
        return 0;
    uint64_t before = cache->frame_count;
    slot_remove(&removal, &cache->root, cache->height, 0);
    tree_lower(cache);
    if (cache->quota)
        quota_give(cache->quota, before - cache->frame_count);
    return removal.list;
}

static paddr_t tree_remove(struct page_cache *cache, uint64_t first, uint64_t last)
{
    return tree_remove_some(cache, first, last, false);
}

static void frames_release(paddr_t list)
{
    while (list) {
        paddr_t frame = list;
        list = frame_metadata(frame)->words[0];
        frame_release(frame);
        thread_preemption_point();
    }
}

/* The place of page `index`; NULL: no memory, and the tree is as it was. */
static void **tree_place(struct page_cache *cache, uint64_t index)
{
    while (!has_place(cache, index)) {
        if (cache->root) {
            struct node *node = heap_allocate_zeroed(sizeof(*node));
            if (!node) {
                tree_lower(cache);
                return NULL;
            }
            node->slots[0] = cache->root;
            cache->root = node;
        }
        cache->height++;
    }
    void **path[64 / NODE_BITS + 2];
    unsigned depth = 0;
    void **slot = &cache->root;
    for (unsigned height = cache->height; height > 0; height--) {
        if (!*slot) {
            *slot = heap_allocate_zeroed(sizeof(struct node));
            if (!*slot) {
                while (depth > 0)
                    node_prune(path[--depth]);
                return NULL;
            }
        }
        path[depth++] = slot;
        slot = &((struct node *)*slot)->slots[slot_index(index, height - 1)];
    }
    return slot;
}

static uint64_t page_count(const struct page_cache *cache)
{
    return cache->size / PAGE_SIZE + (cache->size % PAGE_SIZE != 0);
}

/* ---- pages ---- */

void page_cache_initialize(struct page_cache *cache, enum frame_owner owner)
{
    *cache = (struct page_cache){.owner = owner};
    mutex_initialize(&cache->truncation, MUTEX_TRUNCATION);
    mutex_initialize(&cache->lock, MUTEX_PAGE_CACHE);
    LIST_INIT(&cache->regions);
}

void page_cache_destroy(struct page_cache *cache)
{
    frames_release(tree_remove(cache, 0, UINT64_MAX));
}

/* Lock held. */
static int tree_enter(struct page_cache *cache, uint64_t index, paddr_t frame)
{
    if (tree_find(cache, index))
        return -EEXIST;
    if (cache->quota && !quota_take(cache->quota, 1))
        return -ENOSPC;
    void **place = tree_place(cache, index);
    if (!place) {
        if (cache->quota)
            quota_give(cache->quota, 1);
        return -ENOMEM;
    }
    *place = (void *)frame;
    if (cache->backed)
        frame_metadata(frame)->flags = 0;
    __atomic_store_n(&cache->frame_count, cache->frame_count + 1, __ATOMIC_RELAXED);
    return 0;
}

int page_cache_adopt(struct page_cache *cache, uint64_t index, paddr_t frame)
{
    mutex_acquire(&cache->lock);
    int error = tree_enter(cache, index, frame);
    mutex_release(&cache->lock);
    return error;
}

paddr_t page_cache_get(struct page_cache *cache, uint64_t index)
{
    mutex_acquire(&cache->lock);
    paddr_t frame = tree_find(cache, index);
    if (frame)
        frame_reference(frame);
    mutex_release(&cache->lock);
    return frame;
}

int page_cache_create(struct page_cache *cache, uint64_t index, paddr_t *frame)
{
    for (;;) {
        *frame = page_cache_get(cache, index);
        if (*frame)
            return 0;
        *frame = frame_allocate(cache->owner, FRAME_ZEROED);
        if (!*frame)
            return -ENOMEM;
        frame_reference(*frame); /* the caller's; the other is the cache's */
        int error = page_cache_adopt(cache, index, *frame);
        if (!error)
            return 0;
        frame_release(*frame);
        frame_release(*frame);
        if (error != -EEXIST) /* else somebody was faster */
            return error;
    }
}

size_t page_cache_map(struct page_cache *cache, uint64_t first, size_t count, uint64_t bits,
                      uint64_t *frames, unsigned *found)
{
    mutex_acquire(&cache->lock);
    uint64_t pages = page_count(cache);
    size_t below = first >= pages ? 0 : pages - first < count ? pages - first : count;
    const uint64_t *behind = frames + below;
    unsigned holes = 0;
    while (frames < behind) {
        size_t run;
        void *const *slot = tree_slots(cache, first, &run);
        const uint64_t *stop = run < (size_t)(behind - frames) ? frames + run : behind;
        first += run;
        for (; frames < stop; frames++) {
            paddr_t frame = slot ? (paddr_t)*slot++ : 0;
            holes += !frame;
            *frames = frame ? frame | bits : 0;
        }
    }
    mutex_release(&cache->lock);
    *found = (unsigned)below - holes;
    return below;
}

bool page_cache_find(struct page_cache *cache, uint64_t index, paddr_t *frame)
{
    mutex_acquire(&cache->lock);
    bool below = index < page_count(cache);
    *frame = below ? tree_find(cache, index) : 0;
    mutex_release(&cache->lock);
    return below;
}

bool page_cache_has(struct page_cache *cache, uint64_t index)
{
    mutex_acquire(&cache->lock);
    bool found = tree_find(cache, index) != 0;
    mutex_release(&cache->lock);
    return found;
}

uint64_t page_cache_seek(struct page_cache *cache, uint64_t index, bool hole)
{
    uint64_t next;

    mutex_acquire(&cache->lock);
    while (index < page_count(cache) && tree_is_hole(cache, index, &next) != hole) {
        index = next;
        thread_preemption_point();
    }
    mutex_release(&cache->lock);
    return index;
}

/* ---- size ---- */

/* Zeros bytes of a page that is there. Lock held. */
static void zero_within(struct page_cache *cache, uint64_t offset, size_t size)
{
    paddr_t frame = tree_find(cache, offset / PAGE_SIZE);
    if (frame && size)
        memset((char *)frame_pointer(frame) + offset % PAGE_SIZE, 0, size);
}

/* From `offset` to the end of its page. Lock held. */
static void zero_tail(struct page_cache *cache, uint64_t offset)
{
    if (offset % PAGE_SIZE)
        zero_within(cache, offset, PAGE_SIZE - offset % PAGE_SIZE);
}

void page_cache_resize(struct page_cache *cache, uint64_t size)
{
    mutex_acquire(&cache->truncation);
    mutex_acquire(&cache->lock);
    bool mapped = !LIST_EMPTY(&cache->regions);
    bool shrinks = size < cache->size;
    /* What a mapping wrote behind the old end must not become part of the file. */
    if (mapped && !shrinks)
        zero_tail(cache, cache->size);
    __atomic_store_n(&cache->size, size, __ATOMIC_RELAXED);
    uint64_t pages = page_count(cache);
    paddr_t removed = 0;
    if (shrinks) {
        zero_tail(cache, size);
        removed = tree_remove(cache, pages, UINT64_MAX);
        cache->truncations++;
    }
    mutex_release(&cache->lock);
    if (shrinks && mapped)
        address_spaces_forget(cache, pages, UINT64_MAX);
    frames_release(removed);
    mutex_release(&cache->truncation);
}

int page_cache_seal(struct page_cache *cache, bool writing, bool holes)
{
    const struct region *region;
    int error = 0;

    mutex_acquire(&cache->lock);
    LIST_FOREACH(region, &cache->regions, cache_link)
    {
        if (writing && region->flags & REGION_SHARED &&
            region->flags & (REGION_WRITE | REGION_MAY_WRITE))
            error = -EBUSY;
    }
    if (!error) {
        cache->no_writing |= writing;
        __atomic_store_n(&cache->no_holes, cache->no_holes | holes, __ATOMIC_RELAXED);
    }
    mutex_release(&cache->lock);
    return error;
}

bool page_cache_may_punch(const struct page_cache *cache)
{
    return !__atomic_load_n(&cache->no_holes, __ATOMIC_RELAXED);
}

void page_cache_punch(struct page_cache *cache, uint64_t offset, uint64_t size)
{
    uint64_t end = offset + size < offset ? UINT64_MAX : offset + size;
    uint64_t first = offset / PAGE_SIZE + (offset % PAGE_SIZE != 0);
    uint64_t behind = end / PAGE_SIZE;

    mutex_acquire(&cache->truncation);
    mutex_acquire(&cache->lock);
    if (first > behind) {
        zero_within(cache, offset, size);
    } else {
        zero_tail(cache, offset);
        zero_within(cache, behind * PAGE_SIZE, end % PAGE_SIZE);
    }
    bool mapped = !LIST_EMPTY(&cache->regions);
    paddr_t removed = 0;
    if (first < behind) {
        removed = tree_remove(cache, first, behind - 1);
        cache->truncations++;
    }
    mutex_release(&cache->lock);
    if (mapped && first < behind)
        address_spaces_forget(cache, first, behind - 1);
    frames_release(removed);
    mutex_release(&cache->truncation);
}

/* ---- of a file that lies elsewhere ---- */

uint64_t page_cache_changes(struct page_cache *cache)
{
    mutex_acquire(&cache->lock);
    uint64_t changes = cache->changes;
    mutex_release(&cache->lock);
    return changes;
}

void page_cache_changed(struct page_cache *cache)
{
    mutex_acquire(&cache->lock);
    cache->changes++;
    mutex_release(&cache->lock);
}

int page_cache_adopt_fetched(struct page_cache *cache, uint64_t index, paddr_t frame,
                             uint64_t changes)
{
    mutex_acquire(&cache->lock);
    int error = cache->changes != changes    ? -EAGAIN
                : index >= page_count(cache) ? -ERANGE
                                             : tree_enter(cache, index, frame);
    mutex_release(&cache->lock);
    return error;
}

bool page_cache_mark_dirty(struct page_cache *cache, uint64_t index)
{
    mutex_acquire(&cache->lock);
    paddr_t frame = index < page_count(cache) ? tree_find(cache, index) : 0;
    if (frame)
        set_dirty(cache, frame, true);
    mutex_release(&cache->lock);
    return frame;
}

bool page_cache_is_dirty(struct page_cache *cache, uint64_t index)
{
    mutex_acquire(&cache->lock);
    paddr_t frame = tree_find(cache, index);
    bool dirty = frame && is_dirty(cache, frame);
    mutex_release(&cache->lock);
    return dirty;
}

/* The first dirty page from `index` on; UINT64_MAX: there is none. Lock held. */
static uint64_t next_dirty(const struct page_cache *cache, uint64_t index)
{
    uint64_t next;

    for (; cache->dirty_count && index <= last_place(cache); index = next) {
        paddr_t frame = tree_is_hole(cache, index, &next) ? 0 : tree_find(cache, index);
        if (frame && is_dirty(cache, frame))
            return index;
        thread_preemption_point();
    }
    return UINT64_MAX;
}

size_t page_cache_clean(struct page_cache *cache, uint64_t *index, size_t count, paddr_t *frames)
{
    size_t taken = 0;

    mutex_acquire(&cache->truncation);
    mutex_acquire(&cache->lock);
    uint64_t first = *index = next_dirty(cache, *index);
    while (taken < count && first != UINT64_MAX) {
        paddr_t frame = tree_find(cache, first + taken);
        if (!frame || !is_dirty(cache, frame))
            break;
        frame_reference(frame);
        set_dirty(cache, frame, false);
        frames[taken++] = frame;
    }
    bool mapped = taken && !LIST_EMPTY(&cache->regions);
    cache->truncations += mapped;
    mutex_release(&cache->lock);
    if (mapped)
        address_spaces_forget(cache, first, first + taken - 1);
    mutex_release(&cache->truncation);
    return taken;
}

uint64_t page_cache_drop(struct page_cache *cache, uint64_t first, uint64_t last)
{
    mutex_acquire(&cache->truncation);
    mutex_acquire(&cache->lock);
    uint64_t before = cache->frame_count;
    paddr_t removed = tree_remove_some(cache, first, last, true);
    uint64_t dropped = before - cache->frame_count;
    bool mapped = dropped && !LIST_EMPTY(&cache->regions);
    cache->truncations += mapped;
    cache->changes++;
    mutex_release(&cache->lock);
    if (mapped)
        address_spaces_forget(cache, first, last);
    frames_release(removed);
    mutex_release(&cache->truncation);
    return dropped;
}

/* ---- copying ---- */

/* The other side of a copy: kernel memory, or the calling thread's. */
struct copy_end {
    bool user;
    uintptr_t address;
};

/* Both return how many bytes were copied. */
static size_t copy_out(struct copy_end to, size_t done, const void *from, size_t size)
{
    if (to.user)
        return user_copy_out_partial(to.address + done, from, size);
    memcpy((char *)to.address + done, from, size);
    return size;
}

static size_t copy_in(void *to, struct copy_end from, size_t done, size_t size)
{
    if (from.user)
        return user_copy_in_partial(to, from.address + done, size);
    memcpy(to, (const char *)from.address + done, size);
    return size;
}

static size_t zero_out(struct copy_end to, size_t done, size_t size)
{
    if (to.user)
        return user_zero(to.address + done, size) ? 0 : size;
    memset((char *)to.address + done, 0, size);
    return size;
}

static size_t within_page(uint64_t offset, size_t size)
{
    size_t rest = PAGE_SIZE - offset % PAGE_SIZE;
    return size < rest ? size : rest;
}

static ssize_t cache_read(struct page_cache *cache, uint64_t offset, struct copy_end to,
                          size_t size)
{
    size_t done = 0;

    while (done < size) {
        uint64_t position = offset + done;
        mutex_acquire(&cache->lock);
        uint64_t rest = position < cache->size ? cache->size - position : 0;
        size_t piece = within_page(position, size - done < rest ? size - done : rest);
        paddr_t frame = piece ? tree_find(cache, position / PAGE_SIZE) : 0;
        if (frame)
            frame_reference(frame);
        mutex_release(&cache->lock);
        if (!piece)
            break;

        size_t copied;
        if (frame) {
            copied = copy_out(to, done, (char *)frame_pointer(frame) + position % PAGE_SIZE, piece);
            frame_release(frame);
        } else {
            copied = zero_out(to, done, piece);
        }
        done += copied;
        if (copied < piece)
            return done ? (ssize_t)done : -EFAULT;
    }
    return (ssize_t)done;
}

/* Fills a hole with bytes that are copied first, so that nobody sees a page half done. Bytes
   copied, -ENOMEM, -ENOSPC, or -EEXIST when it is no hole any more. */
static ssize_t write_hole(struct page_cache *cache, uint64_t position, struct copy_end from,
                          size_t done, size_t size)
{
    paddr_t frame = frame_allocate(cache->owner, FRAME_ANYWHERE);
    if (!frame)
        return -ENOMEM;
    char *page = frame_pointer(frame);
    size_t start = position % PAGE_SIZE;
    size_t copied = copy_in(page + start, from, done, size);
    memset(page, 0, start);
    memset(page + start + copied, 0, PAGE_SIZE - start - copied);
    int error = copied ? page_cache_adopt(cache, position / PAGE_SIZE, frame) : 0;
    if (error || !copied)
        frame_release(frame);
    return error ? error : (ssize_t)copied;
}

static ssize_t cache_write(struct page_cache *cache, uint64_t offset, struct copy_end from,
                           size_t size)
{
    size_t done = 0;

    while (done < size) {
        uint64_t position = offset + done;
        size_t piece = within_page(position, size - done);
        ssize_t copied;
        paddr_t frame = page_cache_get(cache, position / PAGE_SIZE);
        if (frame) {
            char *page = frame_pointer(frame);
            copied = (ssize_t)copy_in(page + position % PAGE_SIZE, from, done, piece);
            frame_release(frame);
        } else {
            copied = write_hole(cache, position, from, done, piece);
            if (copied == -EEXIST)
                continue;
            if (copied < 0)
                return done ? (ssize_t)done : copied;
        }
        done += (size_t)copied;
        if ((size_t)copied < piece)
            return done ? (ssize_t)done : -EFAULT;
    }
    return (ssize_t)done;
}

ssize_t page_cache_read(struct page_cache *cache, uint64_t offset, void *to, size_t size)
{
    return cache_read(cache, offset, (struct copy_end){false, (uintptr_t)to}, size);
}

ssize_t page_cache_write(struct page_cache *cache, uint64_t offset, const void *from, size_t size)
{
    return cache_write(cache, offset, (struct copy_end){false, (uintptr_t)from}, size);
}

ssize_t page_cache_read_user(struct page_cache *cache, uint64_t offset, vaddr_t to, size_t size)
{
    return cache_read(cache, offset, (struct copy_end){true, to}, size);
}

ssize_t page_cache_write_user(struct page_cache *cache, uint64_t offset, vaddr_t from, size_t size)
{
    return cache_write(cache, offset, (struct copy_end){true, from}, size);
}

void page_cache_update(struct page_cache *cache, uint64_t offset, const void *from, size_t size)
{
    for (size_t done = 0, piece; done < size; done += piece) {
        uint64_t position = offset + done;
        piece = within_page(position, size - done);
        paddr_t frame = page_cache_get(cache, position / PAGE_SIZE);
        if (!frame)
            continue;
        memcpy((char *)frame_pointer(frame) + position % PAGE_SIZE, (const char *)from + done,
               piece);
        frame_release(frame);
    }
}
