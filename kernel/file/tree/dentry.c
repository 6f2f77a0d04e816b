/* dentry.c: the tree of names. */
#include <asm/errno.h>

#include "cpu/panic.h"
#include "file/backed/names.h"
#include "file/tree/dentry.h"
#include "library/hash.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/preemption.h"

struct spinlock tree_lock = SPINLOCK_INITIALIZER;

/* By hash, so that most comparisons are of numbers; names decide among equal hashes. */
static int name_compare(const struct dentry *left, const struct dentry *right)
{
    if (left->name_hash != right->name_hash)
        return left->name_hash < right->name_hash ? -1 : 1;
    if (left->name_length != right->name_length)
        return left->name_length < right->name_length ? -1 : 1;
    return memcmp(left->name, right->name, left->name_length);
}

/* Newest first. */
static int order_compare(const struct dentry *left, const struct dentry *right)
{
    return left->order > right->order ? -1 : left->order < right->order;
}

RB_PROTOTYPE(dentry_names, dentry, name_link, name_compare)
RB_GENERATE(dentry_names, dentry, name_link, name_compare)
RB_PROTOTYPE(dentry_order, dentry, order_link, order_compare)
RB_GENERATE(dentry_order, dentry, order_link, order_compare)

uint32_t dentry_name_hash(const char *name, size_t length)
{
    return (uint32_t)hash_bytes(name, length, 0);
}

struct dentry *dentry_create(struct dentry *parent, const char *name, size_t length,
                             struct inode *inode)
{
    struct dentry *dentry = heap_allocate_zeroed(sizeof(*dentry));
    char *text = heap_allocate(length + 1);
    if (!dentry || !text) {
        heap_free(dentry);
        heap_free(text);
        return NULL;
    }
    memcpy(text, name, length);
    text[length] = '\0';
    dentry->references = 1;
    dentry->inode = inode;
    inode_reference(inode);
    dentry->parent = parent ? parent : dentry;
    if (parent)
        dentry_reference(parent);
    dentry->linked = !parent;
    dentry->name = text;
    dentry->name_length = (uint32_t)length;
    dentry->name_hash = dentry_name_hash(name, length);
    RB_INIT(&dentry->names);
    RB_INIT(&dentry->ordered);
    return dentry;
}

void dentry_release(struct dentry *dentry)
{
    /* A child holds its parent: the chain may end link by link. */
    while (dentry && __atomic_sub_fetch(&dentry->references, 1, __ATOMIC_ACQ_REL) == 0) {
        struct dentry *parent = dentry->parent == dentry ? NULL : dentry->parent;
        debug_assert(RB_EMPTY(&dentry->names));
        inode_release(dentry->inode);
        heap_free(dentry->name);
        heap_free(dentry);
        dentry = parent;
        thread_preemption_point();
    }
}

struct dentry *dentry_find_hashed(struct dentry *directory, const char *name, size_t length,
                                  uint32_t hash)
{
    struct dentry *dentry = RB_ROOT(&GUARDED_BY(&tree_lock, directory->names));

    while (dentry) {
        if (hash == dentry->name_hash && length == dentry->name_length) {
            int difference = memcmp(name, dentry->name, length);
            if (difference == 0)
                return dentry;
            dentry = difference < 0 ? RB_LEFT(dentry, name_link) : RB_RIGHT(dentry, name_link);
        } else if (hash != dentry->name_hash ? hash < dentry->name_hash
                                             : length < dentry->name_length) {
            dentry = RB_LEFT(dentry, name_link);
        } else {
            dentry = RB_RIGHT(dentry, name_link);
        }
    }
    return NULL;
}

struct dentry *dentry_find(struct dentry *directory, const char *name, size_t length)
{
    return dentry_find_hashed(directory, name, length, dentry_name_hash(name, length));
}

void dentry_insert(struct dentry *dentry)
{
    struct dentry *directory = dentry->parent;

    dentry_reference(dentry);
    dentry->order = ++GUARDED_BY(&tree_lock, directory->next_order);
    dentry->linked = true;
    directory->child_count++;
    struct dentry *other = RB_INSERT(dentry_names, &directory->names, dentry);
    assert_invariant(!other);
    RB_INSERT(dentry_order, &directory->ordered, dentry);
}

void dentry_remove(struct dentry *dentry)
{
    struct dentry *directory = dentry->parent;

    RB_REMOVE(dentry_names, &directory->names, dentry);
    RB_REMOVE(dentry_order, &directory->ordered, dentry);
    GUARDED_BY(&tree_lock, directory->child_count)--;
    dentry->linked = false;
    if (dentry->cached)
        cached_name_forget(dentry);
}

struct dentry *dentry_move(struct dentry *dentry, struct dentry *parent, char *name, size_t length)
{
    struct dentry *old = dentry->parent;

    dentry->name = name;
    dentry->name_length = (uint32_t)length;
    dentry->name_hash = dentry_name_hash(name, length);
    dentry_reference(parent);
    dentry->parent = parent;
    dentry_insert(dentry);
    __atomic_fetch_sub(&dentry->references, 1, __ATOMIC_RELAXED); /* the tree had one already */
    return old;
}

struct dentry *dentry_next(struct dentry *directory, uint64_t limit)
{
    struct dentry *dentry = RB_ROOT(&directory->ordered);
    struct dentry *best = NULL;

    while (dentry) {
        if (dentry->order < limit) {
            best = dentry;
            dentry = RB_LEFT(dentry, order_link);
        } else {
            dentry = RB_RIGHT(dentry, order_link);
        }
    }
    return best;
}

void dentry_tear_down(struct dentry *root)
{
    struct dentry *directory = root;

    for (;;) {
        spinlock_acquire(&tree_lock);
        struct dentry *child = RB_ROOT(&directory->ordered);
        if (child && !RB_EMPTY(&child->ordered)) {
            spinlock_release(&tree_lock);
            directory = child;
            continue;
        }
        if (child) {
            dentry_remove(child);
            *inode_links(child->inode) = 0;
        }
        spinlock_release(&tree_lock);
        if (child) {
            dentry_release(child);
            thread_preemption_point();
            continue;
        }
        if (directory == root)
            return;
        directory = directory->parent;
    }
}

#define STEPS_UP 4096 /* at a time, then others may run */

bool dentry_is_within(struct dentry *place, const struct inode *directory)
{
    for (struct dentry *from = NULL;; from = place) {
        spinlock_acquire(&tree_lock);
        for (int i = 0; i < STEPS_UP && place->inode != directory && place->parent != place; i++)
            place = place->parent;
        bool found = place->inode == directory, on = !found && place->parent != place;
        if (on)
            dentry_reference(place);
        spinlock_release(&tree_lock);
        if (from)
            dentry_release(from);
        if (!on)
            return found;
        thread_preemption_point();
    }
}

struct dentry *dentry_parent(struct dentry *dentry)
{
    spinlock_acquire(&tree_lock);
    struct dentry *parent = dentry->parent;
    dentry_reference(parent);
    spinlock_release(&tree_lock);
    return parent;
}

void dentry_name_copy(struct dentry *dentry, char *name, size_t size)
{
    spinlock_acquire(&tree_lock);
    string_copy(name, dentry->name, size);
    spinlock_release(&tree_lock);
}
