/*
 * protection.h: what may not be done with names and files that others left in directories which
 * anyone may write to (proc(5), /proc/sys/fs/protected_*).
 */
#ifndef BATON_FILE_TREE_PROTECTION_H
#define BATON_FILE_TREE_PROTECTION_H

#include "file/inode.h"

enum protection {
    PROTECTION_FIFOS,     /* 0 to 2: 2 in directories too that only a group may write to */
    PROTECTION_HARDLINKS, /* 0 or 1 */
    PROTECTION_REGULAR,   /* 0 to 2, as FIFOs */
    PROTECTION_SYMLINKS,  /* 0 or 1 */
    PROTECTION_COUNT,
};

uint32_t protection_level(enum protection kind);
/* 0, or -EINVAL: there is no such level. */
int protection_set_level(enum protection kind, uint32_t level);

/* May the caller follow this symbolic link, the last component of its name, out of `directory`? 0
   or -EACCES. */
int protection_follow(const struct inode *directory, const struct inode *link,
                      const struct credentials *credentials);
/* May the caller make a further name for this file? 0 or -EPERM. */
int protection_link(struct inode *inode, const struct credentials *credentials);
/* May the caller, who said O_CREAT, open this file, which was there before? `mode`, `owner`: of the
   directory it was found in. 0 or -EACCES. */
int protection_open(uint32_t mode, uint32_t owner, const struct inode *inode,
                    const struct credentials *credentials);

#endif
