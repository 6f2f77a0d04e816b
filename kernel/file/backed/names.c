/* names.c: the names that the tree has of what lies elsewhere. */
#include "file/backed/names.h"

#include <asm/errno.h>
#include <linux/fs.h>

#include "file/tree/dentry.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"

/* So many names for each frame of memory: some hundred bytes each. */
#define FRAMES_PER_NAME 16
/* Names that are looked at when one is to go. */
#define SEARCH_STEPS 16

void cached_names_initialize(struct cached_names *names)
{
    TAILQ_INIT(&names->list);
    names->count = 0;
    names->limit = frame_total() / FRAMES_PER_NAME;
}

void cached_name_forget(struct dentry *dentry)
{
    struct cached_names *names = dentry->inode->file_system->names;

    TAILQ_REMOVE(&names->list, dentry, cached_link);
    names->count--;
    dentry->cached = false;
}

/* A name that nobody uses, taken out of the tree, whose reference is the caller's; NULL: not worth
   it, or there is none among the oldest. tree_lock held. */
static struct dentry *take_unused(struct cached_names *names)
{
    if (names->count <= names->limit)
        return NULL;
    for (int i = 0; i < SEARCH_STEPS; i++) {
        struct dentry *oldest = TAILQ_FIRST(&names->list);
        bool used = __atomic_exchange_n(&oldest->used, false, __ATOMIC_RELAXED);
        /* Whoever takes a reference to what only the tree has holds the lock. */
        if (!used && !oldest->mounts &&
            __atomic_load_n(&oldest->references, __ATOMIC_ACQUIRE) == 1) {
            dentry_remove(oldest);
            return oldest;
        }
        TAILQ_REMOVE(&names->list, oldest, cached_link);
        TAILQ_INSERT_TAIL(&names->list, oldest, cached_link);
    }
    return NULL;
}

/* Enters a dentry that has no place in the tree yet. tree_lock held. */
static void insert(struct dentry *dentry)
{
    struct cached_names *names = dentry->inode->file_system->names;

    dentry_insert(dentry);
    TAILQ_INSERT_TAIL(&names->list, dentry, cached_link);
    names->count++;
    dentry->cached = true;
}

int cached_name_enter(struct dentry *directory, const char *name, size_t length,
                      struct inode *inode, uint64_t valid_until, struct dentry **found)
{
    /* Whoever takes a directory's lock and then its child's would wait for himself. */
    if (S_ISDIR(inode->mode) && dentry_is_within(directory, inode))
        return -ELOOP;
    struct dentry *dentry = dentry_create(directory, name, length, inode);
    if (!dentry)
        return -ENOMEM;
    cached_name_refresh(dentry, valid_until);

    spinlock_acquire(&tree_lock);
    struct dentry *other = dentry_find(directory, name, length), *extra = NULL;
    if (other && (other->inode == inode || other->mounts)) {
        dentry_reference(other);
        cached_name_refresh(other, valid_until);
        extra = dentry;
        dentry = other;
        other = NULL;
    } else {
        if (other)
            dentry_remove(other);
        insert(dentry);
    }
    struct dentry *unused = take_unused(inode->file_system->names);
    spinlock_release(&tree_lock);
    dentry_release(extra);
    dentry_release(other);
    dentry_release(unused);
    *found = dentry;
    return 0;
}

void cached_name_drop(struct dentry *dentry)
{
    spinlock_acquire(&tree_lock);
    bool there = dentry->cached && !dentry->mounts;
    if (there)
        dentry_remove(dentry);
    spinlock_release(&tree_lock);
    if (there)
        dentry_release(dentry); /* the tree's */
}

/* Gives the source its new place; what is there by now, of a lookup, goes. Returns the old name, or
   the new one if it was of no use; the old parent and who went get to *released. */
static char *move(struct dentry *source, struct dentry *directory, char *name, size_t length,
                  struct dentry *released[2])
{
    spinlock_acquire(&tree_lock);
    struct dentry *other = dentry_find(directory, name, length);
    if (other && other != source)
        dentry_remove(other);
    released[0] = other != source ? other : NULL;
    if (source->cached) {
        char *old_name = source->name;
        dentry_remove(source);
        released[1] = dentry_move(source, directory, name, length);
        struct cached_names *names = source->inode->file_system->names;
        TAILQ_INSERT_TAIL(&names->list, source, cached_link);
        names->count++;
        source->cached = true;
        name = old_name;
    }
    spinlock_release(&tree_lock);
    return name;
}

int cached_name_move(struct dentry *source, struct dentry *directory, const char *name,
                     size_t length, struct dentry *target, unsigned flags)
{
    struct dentry *released[2] = {NULL, NULL};
    char *text = flags & RENAME_EXCHANGE ? NULL : heap_allocate(length + 1);

    if (target)
        cached_name_drop(target);
    if (!text) { /* without memory for its new name it is looked up again */
        cached_name_drop(source);
        return 0;
    }
    memcpy(text, name, length);
    text[length] = '\0';
    heap_free(move(source, directory, text, length, released));
    dentry_release(released[0]);
    dentry_release(released[1]);
    return 0;
}

/* A name without any below it, taken out of the tree: its reference; NULL: there is none. */
static struct dentry *take_leaf(struct cached_names *names)
{
    spinlock_acquire(&tree_lock);
    struct dentry *dentry = TAILQ_FIRST(&names->list);
    while (dentry && dentry_next(dentry, UINT64_MAX))
        dentry = dentry_next(dentry, UINT64_MAX);
    if (dentry)
        dentry_remove(dentry);
    spinlock_release(&tree_lock);
    return dentry;
}

void cached_names_end(struct file_system *file_system)
{
    struct dentry *root = file_system->root;

    file_system->root = NULL;
    if (!root)
        return;
    dentry_tear_down(root);
    dentry_release(root);
    /* What hung below a directory whose own name went before. */
    while ((root = take_leaf(file_system->names)))
        dentry_release(root);
}
