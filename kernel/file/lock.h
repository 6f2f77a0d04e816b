/* lock.h: fcntl and flock locks, for the files of this room. */
#ifndef BATON_FILE_LOCK_H
#define BATON_FILE_LOCK_H

#include "file/file.h"

/* All that an owner has locked of a file, whose inode the caller holds, ends: a descriptor table's
   when one of its descriptors is closed (POSIX, fcntl), an open file's when it ends. May sleep.
   A load where nobody has locked anything, as each close comes by. */
void record_locks_release_owner(struct inode *inode, const void *owner);
static inline void record_locks_release(struct inode *inode, const void *owner)
{
    if (__atomic_load_n(&inode->locks, __ATOMIC_ACQUIRE))
        record_locks_release_owner(inode, owner);
}
/* fcntl(2)'s six commands for the file, which is held and was found as `descriptor`. */
ssize_t record_lock_control(struct file *file, int descriptor, unsigned command, vaddr_t argument);

struct text;
/* /proc/locks. */
void record_locks_show(struct text *text);

#endif
