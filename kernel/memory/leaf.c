/*
 * leaf.c: who has which lowest table. The protocol is drawn in README.md, "Leaves that are shared".
 *
 * A leaf that n spaces share has n references in its frame's metadata, and in a list there
 * (words[1]) n - 1 spare frames: what the copies will take that all but one of them make. So a
 * copy cannot fail, and tables count as if each space had its own.
 */
#include "memory/leaf.h"

#include <linux/errno.h>

#include "memory/space_pages.h"
#include "thread/mutex.h"

/* Of each leaf that is shared one of these guards its references, its spares, and who copies it. */
static struct mutex mutexes[64];

static struct mutex *mutex_of(paddr_t leaf)
{
    return &mutexes[(leaf >> PAGE_SHIFT) % array_length(mutexes)];
}

void leaf_initialize(void)
{
    for (size_t i = 0; i < array_length(mutexes); i++)
        mutex_initialize(&mutexes[i], MUTEX_LEAF);
}

/* ---- references and spares: the leaf's mutex held ---- */

static void reference(paddr_t leaf, paddr_t spare)
{
    frame_reference(leaf);
    frame_metadata(spare)->words[0] = frame_metadata(leaf)->words[1];
    frame_metadata(leaf)->words[1] = spare;
}

/* What came with a reference that is about to go. */
static paddr_t take_spare(paddr_t leaf)
{
    paddr_t spare = frame_metadata(leaf)->words[1];

    frame_metadata(leaf)->words[1] = frame_metadata(spare)->words[0];
    return spare;
}

static void unreference(paddr_t leaf)
{
    __atomic_fetch_sub(&frame_metadata(leaf)->references, 1, __ATOMIC_RELEASE);
}

static bool has_others(paddr_t leaf)
{
    return frame_references(leaf) > 1;
}

/* ---- copying ---- */

static void copy_line(uint64_t *copies, uint64_t *entries)
{
    for (unsigned i = 0; i < TABLE_LINE; i++)
        copies[i] = entries[i] ? entry_share(&entries[i]) : 0;
}

static void clear_line(uint64_t *copies)
{
    for (unsigned i = 0; i < TABLE_LINE; i++)
        copies[i] = 0;
}

static void copy_leaf(paddr_t to, paddr_t from)
{
    uint64_t *copies = frame_pointer(to), *entries = frame_pointer(from);
    struct frame *copy = frame_metadata(to);
    const struct frame *original = frame_metadata(from);

    copy->small = original->small;
    copy->words[0] = original->words[0];
    copy->words[1] = 0;
    copy->words[2] = original->words[2];
    uint64_t lines = original->words[0];
    for (unsigned i = 0; i < TABLE_ENTRIES; i += TABLE_LINE, lines >>= 1) {
        if (lines & 1)
            copy_line(&copies[i], &entries[i]);
        else
            clear_line(&copies[i]);
    }
}

/* ---- sharing, having alone, leaving ---- */

int leaf_share(uint64_t *from, uint64_t *to)
{
    paddr_t leaf = *from & PAGE_FRAME;
    paddr_t spare = frame_allocate(FRAME_PAGE_TABLE, FRAME_ANYWHERE);
    if (!spare)
        return -ENOMEM;

    /* Who is alone stays alone: the others would have to get it from here. */
    bool others = has_others(leaf);
    if (others)
        mutex_acquire(mutex_of(leaf));
    reference(leaf, spare);
    if (others)
        mutex_release(mutex_of(leaf));
    *to = *from &= ~PAGE_WRITABLE;
    page_table_filled(to, to, 1);
    return 0;
}

/* What `slot` points to becomes the space's own: a copy, or what the others have left. */
static __attribute__((noinline)) uint64_t *own(struct address_space *space, uint64_t *slot,
                                               vaddr_t address)
{
    paddr_t leaf = *slot & PAGE_FRAME;

    mutex_acquire(mutex_of(leaf));
    if (has_others(leaf)) {
        paddr_t copy = take_spare(leaf);
        copy_leaf(copy, leaf);
        *slot ^= leaf ^ copy;
        /* The others may change the leaf soon: no CPU may find it through this space then. */
        space_shootdown(space, address, address + PAGE_SIZE);
        unreference(leaf);
    }
    *slot |= PAGE_WRITABLE;
    mutex_release(mutex_of(leaf));
    return page_table_below(*slot);
}

paddr_t leaf_leave(struct address_space *space, uint64_t *slot, vaddr_t start)
{
    paddr_t leaf = *slot & PAGE_FRAME, spare = 0;

    mutex_acquire(mutex_of(leaf));
    if (has_others(leaf)) {
        *slot = 0;
        if (!address_space_has_ended(space)) /* else no CPU has its root */
            space_shootdown(space, start, start + LEAF_SPAN);
        spare = take_spare(leaf);
        unreference(leaf);
    } else {
        *slot |= PAGE_WRITABLE;
    }
    mutex_release(mutex_of(leaf));
    return spare;
}

/* ---- for who changes entries ---- */

uint64_t *leaf_prepare(struct address_space *space, vaddr_t page, bool write)
{
    uint64_t *slot = page_table_slot_prepare(space->root, page, &space->page_tables);
    if (!slot)
        return NULL;
    if (!*slot)
        return page_table_leaf_make(space->root, page, slot, &space->page_tables);
    uint64_t *leaf = page_table_below(*slot);
    if (!leaf_is_shared(*slot) || (!write && leaf[page_table_index(page, 0)]))
        return leaf;
    return own(space, slot, page);
}

static bool is_empty(const uint64_t *entry, const uint64_t *behind)
{
    while (entry < behind && !*entry)
        entry++;
    return entry == behind;
}

uint64_t *leaf_change(struct address_space *space, vaddr_t address, vaddr_t *end)
{
    uint64_t *slot = page_table_slot(space->root, address, end);
    if (!slot)
        return NULL;
    uint64_t *leaf = page_table_below(*slot);
    if (!leaf_is_shared(*slot))
        return leaf;
    const uint64_t *entry = &leaf[page_table_index(address, 0)];
    return is_empty(entry, entry + ((*end - address) >> PAGE_SHIFT)) ? NULL
                                                                     : own(space, slot, address);
}
