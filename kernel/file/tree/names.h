/* names.h: names are made and removed, for the files of this room. */
#ifndef BATON_FILE_TREE_NAMES_H
#define BATON_FILE_TREE_NAMES_H

#include <linux/magic.h>

#include "file/tree/path.h"

/*
 * Makes `name` in a directory whose inode's lock is held and in which the name
 * is known to be free. *created: a dentry with a reference.
 */
int name_create(const struct path *directory, const char *name, size_t length,
                const struct creation *creation, struct dentry **created);
/* Is it /proc? It says of each name that is not there that it does not exist, also to who wants to
   make it; the others say that nothing can be made. */
static inline bool names_are_given(const struct file_system *file_system)
{
    return file_system->magic == PROC_SUPER_MAGIC;
}
/* May the caller make names in this directory? Its inode's lock is held. */
int name_may_create(const struct credentials *credentials, const struct path *directory);
/* mkdir, mknod and symlink; link; unlink and rmdir: by names in kernel memory. */
int name_make(int directory, const char *name, uint32_t mode, uint64_t device,
              const char *link_target);
/* As name_make; *inode: what was made, a reference. */
int name_make_inode(int directory, const char *name, uint32_t mode, uint64_t device,
                    const char *link_target, struct inode **inode);
int name_link(const struct path *from, int directory, const char *name);
int name_remove(int directory_descriptor, const char *name, bool directory);
uint32_t umask_current(void);

#endif
