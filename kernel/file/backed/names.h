/*
 * names.h: names of file systems that keep them elsewhere: what the tree has of them is a copy,
 * bounded, which is asked for again when it is too old.
 */
#ifndef BATON_FILE_BACKED_NAMES_H
#define BATON_FILE_BACKED_NAMES_H

#include "file/tree/path.h"

/* Those of one file system, oldest first; embedded in its own structure, as file_system->names. */
struct cached_names {
    TAILQ_HEAD(cached_list, dentry) list; /* tree_lock */
    uint64_t count;                       /* tree_lock */
    uint64_t limit;                       /* beyond it unused ones are let go of; constant */
};

void cached_names_initialize(struct cached_names *names);

/*
 * What `name` in the directory is now, by a lookup or because it was made: the dentry for it, with
 * a reference, new or the one that is there. It need not be asked for again before `valid_until`
 * (ns since boot). -ENOMEM; -ELOOP: it is a directory in which this name lies. May sleep; no lock
 * but of directories.
 */
int cached_name_enter(struct dentry *directory, const char *name, size_t length,
                      struct inode *inode, uint64_t valid_until, struct dentry **found);
/* Is it young enough not to be asked for? */
static inline bool cached_name_fresh(struct dentry *dentry)
{
    __atomic_store_n(&dentry->used, true, __ATOMIC_RELAXED);
    return clock_now() < __atomic_load_n(&dentry->valid_until, __ATOMIC_RELAXED);
}
static inline void cached_name_refresh(struct dentry *dentry, uint64_t valid_until)
{
    __atomic_store_n(&dentry->asked, clock_now(), __ATOMIC_RELAXED);
    __atomic_store_n(&dentry->valid_until, valid_until, __ATOMIC_RELAXED);
}
/* The name is gone, or means something else: takes it out of the tree, if it is still there. */
void cached_name_drop(struct dentry *dentry);
/* After a rename was done where the names lie: the tree follows. */
int cached_name_move(struct dentry *source, struct dentry *directory, const char *name,
                     size_t length, struct dentry *target, unsigned flags);
/* The last mount is gone: none is left. */
void cached_names_end(struct file_system *file_system);

/* For dentry.c: it left the tree. tree_lock held. */
void cached_name_forget(struct dentry *dentry);

#endif
