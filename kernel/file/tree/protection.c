/*
 * protection.c: the rules of /proc/sys/fs/protected_* (proc(5)): whoever trusts a name in /tmp may
 * find somebody else's trap there.
 */
#include "file/tree/protection.h"

#include <asm/errno.h>

/* What systemd sets, not what Linux begins with: the safe ones. Atomic each. */
static uint32_t levels[PROTECTION_COUNT] = {
    [PROTECTION_FIFOS] = 1,
    [PROTECTION_HARDLINKS] = 1,
    [PROTECTION_REGULAR] = 2,
    [PROTECTION_SYMLINKS] = 1,
};

uint32_t protection_level(enum protection kind)
{
    return __atomic_load_n(&levels[kind], __ATOMIC_RELAXED);
}

int protection_set_level(enum protection kind, uint32_t level)
{
    uint32_t highest = kind == PROTECTION_FIFOS || kind == PROTECTION_REGULAR ? 2 : 1;

    if (level > highest)
        return -EINVAL;
    __atomic_store_n(&levels[kind], level, __ATOMIC_RELAXED);
    return 0;
}

int protection_follow(const struct inode *directory, const struct inode *link,
                      const struct credentials *credentials)
{
    const uint32_t shared = S_ISVTX | S_IWOTH;

    if (!protection_level(PROTECTION_SYMLINKS))
        return 0;
    struct inode_attributes place = inode_attributes(directory), named = inode_attributes(link);
    if (credentials->file_user == named.user || (place.mode & shared) != shared ||
        place.user == named.user)
        return 0;
    return -EACCES;
}

/* Would a further name of it be of no use to who is after other people's rights? */
static bool link_harmless(struct inode *inode, const struct credentials *credentials)
{
    uint32_t mode = inode->mode;

    return S_ISREG(mode) && !(mode & S_ISUID) &&
           (mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) &&
           !inode_permission(inode, PERMISSION_READ | PERMISSION_WRITE, credentials);
}

int protection_link(struct inode *inode, const struct credentials *credentials)
{
    if (!protection_level(PROTECTION_HARDLINKS) || inode_owned(inode, credentials) ||
        link_harmless(inode, credentials))
        return 0;
    return -EPERM;
}

int protection_open(uint32_t mode, uint32_t owner, const struct inode *inode,
                    const struct credentials *credentials)
{
    uint32_t fifos = protection_level(PROTECTION_FIFOS);
    uint32_t regular = protection_level(PROTECTION_REGULAR);
    bool is_fifo = S_ISFIFO(inode->mode), is_regular = S_ISREG(inode->mode);

    if (!(mode & S_ISVTX) || inode->user == owner || inode->user == credentials->file_user ||
        (is_fifo && !fifos) || (is_regular && !regular))
        return 0;
    if (mode & S_IWOTH)
        return -EACCES;
    return mode & S_IWGRP && ((is_fifo && fifos >= 2) || (is_regular && regular >= 2)) ? -EACCES
                                                                                       : 0;
}
