/* mount.h: trees laid over each other, for the files of this room. */
#ifndef BATON_FILE_TREE_MOUNT_H
#define BATON_FILE_TREE_MOUNT_H

#include "file/tree/path.h"

/* A mount that is nowhere, with one reference; takes a reference to the file system's root or the
   given one. NULL: no memory. */
struct mount *mount_create(struct file_system *file_system, struct dentry *root, const char *source,
                           uint32_t flags);
/* Nothing of the file system is mounted any more, or it could not be mounted at all. May sleep. */
void file_system_unmounted(struct file_system *file_system);
/* Makes it the first of all. Boot only. */
void mount_attach_root(struct mount *mount);
/* The newest mount on this place, without a reference, or NULL. tree_lock held. */
struct mount *mount_find(const struct mount *parent, const struct dentry *place);
/* A mount on this one, and one whose parent was taken off; without a reference, or NULL. tree_lock
   held. */
struct mount *mount_child(const struct mount *parent);
struct mount *mount_orphan(void);
/* From a place whose dentry is covered to the root of what covers it, without references.
   tree_lock held. */
void mount_enter(struct path *path);
/* The same with references: the old ones go. Takes tree_lock. */
void path_enter_mounts(struct path *path);
/* Puts the mount on a place (NULL: it is the first of all), which it keeps referenced. tree_lock
   held. */
void mount_attach(struct mount *mount, const struct path *place);
/* Takes it off; the place's references and the table's become the caller's. tree_lock held. */
void mount_detach(struct mount *mount, struct path *place);

#endif
