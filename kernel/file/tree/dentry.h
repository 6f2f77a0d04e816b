/* dentry.h: the tree of names, for the files of this room. */
#ifndef BATON_FILE_TREE_DENTRY_H
#define BATON_FILE_TREE_DENTRY_H

#include "file/tree/path.h"

/* The child, without a reference, or NULL. tree_lock held. */
struct dentry *dentry_find(struct dentry *directory, const char *name, size_t length);
/* The same, for who knows dentry_name_hash() of the name. */
struct dentry *dentry_find_hashed(struct dentry *directory, const char *name, size_t length,
                                  uint32_t hash);
/* Puts a new dentry (parent and name set) into the tree, which takes a reference. tree_lock held.
   The caller holds the directory's inode lock and has seen that the name is free. */
void dentry_insert(struct dentry *dentry);
/* Takes it out; the tree's reference becomes the caller's. tree_lock held. */
void dentry_remove(struct dentry *dentry);
/* Gives a dentry that was taken out another place; takes over `name`, from the heap. The old
   parent's reference and the old name become the caller's. tree_lock held. */
struct dentry *dentry_move(struct dentry *dentry, struct dentry *parent, char *name, size_t length);
/* The next one in reading order whose `order` is below the limit; NULL. tree_lock held. */
struct dentry *dentry_next(struct dentry *directory, uint64_t limit);
/* Is this the directory, or does one above `place` have its inode? By inode: a file system that
   lies may give a directory several names. Takes tree_lock; may sleep. */
bool dentry_is_within(struct dentry *place, const struct inode *directory);
/* Frees all that is below a root nobody uses any more. May sleep. */
void dentry_tear_down(struct dentry *root);
/* hash_bytes(), with the seed 0. */
uint32_t dentry_name_hash(const char *name, size_t length);

#endif
