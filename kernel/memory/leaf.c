/*
 * leaf.c: who has which lowest table. The protocol is drawn in README.md, "Leaves that are shared".
 *
 * A leaf that n spaces share has n references in its frame's metadata, and in a list there
 * (words[1]) n - 1 spare frames: what the copies will take that all but one of them make. So a
 * copy cannot fail, and tables count as if each space had its own.
 *
 * Of a leaf with much in it the first write copies a block only, the others follow when they are
 * touched: such a copy is partial. It has a frame of its own and keeps its reference, with the
 * spare, to the one that it is a copy of, its original (words[1]), in which nobody changes an entry
 * as ever. It counts all entries as its own from the start.
 */
#include "memory/leaf.h"

#include <linux/errno.h>

#include "library/align.h"
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

/* What is known of a leaf is the copy's too, but for the lines that it has. */
static void copy_counts(paddr_t to, paddr_t from)
{
    struct frame *copy = frame_metadata(to);
    const struct frame *original = frame_metadata(from);

    copy->small = original->small;
    copy->words[2] = original->words[2];
}

static void copy_leaf(paddr_t to, paddr_t from)
{
    uint64_t *copies = frame_pointer(to), *entries = frame_pointer(from);
    uint64_t lines = frame_metadata(from)->words[0];

    copy_counts(to, from);
    frame_metadata(to)->words[0] = lines;
    frame_metadata(to)->words[1] = 0;
    for (unsigned i = 0; i < TABLE_ENTRIES; i += TABLE_LINE, lines >>= 1) {
        if (lines & 1)
            copy_line(&copies[i], &entries[i]);
        else
            clear_line(&copies[i]);
    }
}

/* ---- copying in part: blocks of lines ---- */

/* The entries of a block, and the least of which a leaf has more to be copied in part. (Host tests
   have smaller ones.) */
#ifndef LEAF_BLOCK
#define LEAF_BLOCK 64U
#endif
#define BLOCK_LINES (LEAF_BLOCK / TABLE_LINE)

/* The lines of the block that `page` is in, as page_table_lines() has them. */
static uint64_t block_of(vaddr_t page)
{
    unsigned first = page_table_index(page, 0) / LEAF_BLOCK * BLOCK_LINES;

    return ((1UL << BLOCK_LINES) - 1) << first;
}

static paddr_t original_of(const uint64_t *leaf)
{
    return frame_metadata(frame_address(leaf))->words[1];
}

/* The lines that have yet to be copied. */
static uint64_t lines_left(const uint64_t *leaf)
{
    return page_table_lines(frame_pointer(original_of(leaf))) & ~page_table_lines(leaf);
}

/* Copies what is left of these lines. The original's mutex held. */
static void copy_lines(uint64_t *leaf, uint64_t lines)
{
    uint64_t *entries = frame_pointer(original_of(leaf));

    lines &= lines_left(leaf);
    frame_metadata(frame_address(leaf))->words[0] |= lines;
    for (; lines; lines &= lines - 1) {
        unsigned first = TABLE_LINE * (unsigned)__builtin_ctzl(lines);
        copy_line(&leaf[first], &entries[first]);
    }
}

/* Begins a copy of a leaf in part, with the block of `page`: what is to be pointed to, or 0: it is
   not worth it, or there is no memory. The leaf's mutex held. */
static paddr_t copy_begin(paddr_t original, vaddr_t page)
{
    if (frame_metadata(original)->small <= LEAF_BLOCK)
        return 0;
    paddr_t copy = frame_allocate(FRAME_PAGE_TABLE, FRAME_ZEROED);
    if (!copy)
        return 0;
    copy_counts(copy, original);
    frame_metadata(copy)->words[0] = 0;
    frame_metadata(copy)->words[1] = original;
    copy_lines(frame_pointer(copy), block_of(page));
    return copy;
}

/* ---- sharing, having alone, leaving ---- */

int leaf_share(struct address_space *space, uint64_t *from, uint64_t *to)
{
    if (leaf_is_partial(*from))
        leaf_complete(space, from);
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

/* What `slot` points to becomes the space's own: a copy, or what the others have left. `in_part`:
   for now only what is round `page` is needed. */
static uint64_t *own(struct address_space *space, uint64_t *slot, vaddr_t page, bool in_part)
{
    paddr_t leaf = *slot & PAGE_FRAME;

    mutex_acquire(mutex_of(leaf));
    if (has_others(leaf)) {
        paddr_t copy = in_part ? copy_begin(leaf, page) : 0;
        bool partial = copy;
        if (partial) {
            *slot |= LEAF_PARTIAL;
            space->page_tables++;
        } else {
            copy = take_spare(leaf);
            copy_leaf(copy, leaf);
        }
        *slot ^= leaf ^ copy;
        /* The others may change the leaf soon: no CPU may find it through this space then. */
        space_shootdown(space, page, page + PAGE_SIZE);
        if (!partial)
            unreference(leaf);
    }
    *slot |= PAGE_WRITABLE;
    mutex_release(mutex_of(leaf));
    return page_table_below(*slot);
}

/* Nobody has it any more, and no CPU uses it. */
static void end_original(uint64_t *leaf)
{
    paddr_t frame = frame_address(leaf);

    for (uint64_t lines = page_table_lines(leaf); lines; lines &= lines - 1) {
        uint64_t *line = &leaf[TABLE_LINE * (unsigned)__builtin_ctzl(lines)];
        for (unsigned i = 0; i < TABLE_LINE; i++) {
            entry_release(line[i]);
            line[i] = 0;
        }
    }
    page_table_free(&frame, 1);
}

paddr_t leaf_leave_original(uint64_t *leaf, uint64_t **original)
{
    paddr_t from = original_of(leaf), spare = 0;

    mutex_acquire(mutex_of(from));
    if (has_others(from)) {
        spare = take_spare(from);
        unreference(from);
    }
    mutex_release(mutex_of(from));
    *original = frame_pointer(from);
    return spare;
}

void leaf_complete(struct address_space *space, uint64_t *slot)
{
    uint64_t *leaf = page_table_below(*slot), *original;
    struct mutex *mutex = mutex_of(original_of(leaf));

    mutex_acquire(mutex);
    copy_lines(leaf, UINT64_MAX);
    mutex_release(mutex);
    paddr_t spare = leaf_leave_original(leaf, &original);
    if (spare)
        frame_release(spare);
    else
        end_original(original);
    frame_metadata(frame_address(leaf))->words[1] = 0;
    *slot &= ~LEAF_PARTIAL;
    space->page_tables--;
}

/* Copies the block of `page`, and the rest when that was the last one, or when nobody else has the
   original any more: it would only keep what is not needed. */
static void go_on_copying(struct address_space *space, uint64_t *slot, vaddr_t page)
{
    uint64_t *leaf = page_table_below(*slot);
    uint64_t left = lines_left(leaf), block = block_of(page);
    paddr_t original = original_of(leaf);

    if (!(left & ~block) || !has_others(original)) {
        leaf_complete(space, slot);
    } else if (left & block) {
        mutex_acquire(mutex_of(original));
        copy_lines(leaf, block);
        mutex_release(mutex_of(original));
    }
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

uint64_t *leaf_touch_shared(struct address_space *space, uint64_t *slot, vaddr_t page, bool write)
{
    uint64_t *leaf = page_table_below(*slot);

    if (leaf_is_partial(*slot))
        go_on_copying(space, slot, page);
    else if (write || !leaf[page_table_index(page, 0)])
        leaf = own(space, slot, page, true);
    return leaf;
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
    if (leaf_is_shared(*slot)) {
        const uint64_t *entry = &leaf[page_table_index(address, 0)];
        if (is_empty(entry, entry + ((*end - address) >> PAGE_SHIFT)))
            return NULL;
        leaf = own(space, slot, address, false);
    }
    if (leaf_is_partial(*slot))
        leaf_complete(space, slot);
    return leaf;
}

/* ---- for who only looks ---- */

const uint64_t *leaf_look(const struct address_space *space, vaddr_t address, vaddr_t *end)
{
    const uint64_t *slot = page_table_slot(space->root, address, end);
    if (!slot)
        return NULL;
    const uint64_t *leaf = page_table_below(*slot);
    if (!leaf_is_partial(*slot))
        return leaf;
    vaddr_t block_end = align_down(address, LEAF_BLOCK * PAGE_SIZE) + LEAF_BLOCK * PAGE_SIZE;
    if (block_end < *end)
        *end = block_end;
    return lines_left(leaf) & block_of(address) ? frame_pointer(original_of(leaf)) : leaf;
}
