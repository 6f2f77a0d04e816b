/* ram.h: file systems in memory, for the files of this room. */
#ifndef BATON_FILE_RAM_RAM_H
#define BATON_FILE_RAM_RAM_H

#include "file/tree/path.h"

struct memory_options;
/* A RAM file system with an empty root directory of this mode, unless the options say another;
   one reference. NULL: no memory. */
struct file_system *ram_file_system_create(const char *type, uint32_t mode,
                                           const struct memory_options *options);
/* Changes its limits (mount(2), MS_REMOUNT). -EINVAL: more is used already, or there was none. */
int ram_file_system_limit(struct file_system *file_system, const struct memory_options *options);
/* An inode of it, owned by user 0; one reference. `link_target`: of a symbolic link, is copied; or
   NULL. 0, -ENOMEM, -ENOSPC. */
int ram_inode_create(struct file_system *file_system, uint32_t mode, uint64_t device,
                     const char *link_target, struct inode **result);
/* Puts a new name into its directory or takes it out (the caller gets the tree's reference):
   links, size and times with it. The directory's inode's lock is held. */
void ram_name_insert(struct dentry *dentry);
/* -EBUSY: something is mounted on it. */
int ram_name_remove(struct dentry *dentry);
/* The same without its times; tree_lock held. */
int ram_name_detach(struct dentry *dentry);
/* A further name of an inode that is there, or the first of one made without. -ENOENT: its last
   name is gone; -ENOSPC. */
int ram_link_insert(struct dentry *dentry);
void ram_directory_changed(struct dentry *directory);

#endif
