/* mount.h: trees laid over each other, for the files of this room. */
#ifndef BATON_FILE_TREE_MOUNT_H
#define BATON_FILE_TREE_MOUNT_H

#include "file/tree/path.h"

void mount_release(struct mount *mount);
static inline void mount_reference(struct mount *mount)
{
    __atomic_fetch_add(&mount->references, 1, __ATOMIC_RELAXED);
}
/* A mount that is nowhere, with one reference; takes a reference to the file system's root or the
   given one. NULL: no memory. */
struct mount *mount_create(struct file_system *file_system, struct dentry *root, const char *source,
                           uint32_t flags);
/* Makes it the first of all. Boot only. */
void mount_attach_root(struct mount *mount);
/* The newest mount on this place, without a reference, or NULL. tree_lock held. */
struct mount *mount_find(const struct mount *parent, const struct dentry *place);

#endif
