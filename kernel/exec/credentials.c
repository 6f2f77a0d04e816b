#include "exec/credentials.h"

#include <asm/errno.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "file/file.h"
#include "library/string.h"

/* The set-user-ID and set-group-ID bits (execve(2)): they count only where they may. */
static bool apply_bits(struct credentials *new, const struct file *file,
                       const struct inode_attributes *attributes)
{
    uint32_t group_bits = S_ISGID | S_IXGRP; /* S_ISGID alone means mandatory locking */
    bool sets_user = attributes->mode & S_ISUID;
    bool sets_group = (attributes->mode & group_bits) == group_bits;

    if (mount_flag(file->path.mount, MS_NOSUID))
        return false;
    if (sets_user)
        new->effective_user = attributes->user;
    if (sets_group)
        new->effective_group = attributes->group;
    return sets_user || sets_group;
}

/* Root's capabilities (capabilities(7), "Capabilities and execution of programs by root"). */
static uint64_t root_capabilities(const struct credentials *new)
{
    bool root_counts = !(new->secure_bits &SECBIT_NOROOT);

    if (root_counts && (new->effective_user == 0 || new->real_user == 0))
        return new->inheritable | new->bounding;
    return 0;
}

/* What was gained is given back; a caller who may set user IDs keeps those. */
static void give_back(struct credentials *new, const struct credentials *old, bool nothing_new)
{
    if (nothing_new || !credentials_capable(old, CAP_SETUID)) {
        new->effective_user = new->real_user;
        new->effective_group = new->real_group;
    }
    new->permitted &= old->permitted;
}

static bool are_equal(const struct credentials *left, const struct credentials *right)
{
    size_t compared = __builtin_offsetof(struct credentials, groups);
    size_t skipped = __builtin_offsetof(struct credentials, real_user);

    return !memcmp((const char *)left + skipped, (const char *)right + skipped, compared - skipped);
}

/*
 * The order is that of cap_bprm_creds_from_file() in Linux's security/commoncap.c (6.1); files
 * carry no capabilities here. `is_set` is true also when nothing changes but the effective user
 * was another than the real one before.
 */
int exec_credentials_prepare(struct exec_credentials *result, const struct file *file,
                             const struct inode_attributes *attributes, bool no_new_privileges,
                             bool shared)
{
    const struct credentials *old = credentials_current();
    struct credentials new = *old; /* without the groups, which exec does not change */

    result->has_bits = !no_new_privileges && apply_bits(&new, file, attributes);
    /* Opening the file asked whether it may be executed, but it may be another one's by now: the
       attributes that give something have to permit it themselves. */
    if (result->has_bits && inode_attributes_permission(attributes, PERMISSION_EXECUTE, old))
        return -EACCES;
    new.permitted = root_capabilities(&new);
    bool is_root = new.permitted &&new.effective_user == 0;
    bool is_set = new.effective_user != old->real_user || new.effective_group != old->real_group;
    result->gains = is_set || (new.permitted & ~old->permitted);
    if (result->gains && (no_new_privileges || shared))
        give_back(&new, old, no_new_privileges);

    new.saved_user = new.file_user = new.effective_user;
    new.saved_group = new.file_group = new.effective_group;
    if (is_set)
        new.ambient = 0;
    new.permitted |= new.ambient;
    new.effective = is_root ? new.permitted : new.ambient;
    new.secure_bits &= ~(uint32_t)SECBIT_KEEP_CAPS;

    result->secure = is_set || (new.real_user != 0 && (is_root || (new.permitted & ~new.ambient)));
    result->changed = new.effective_user != old->effective_user ||
                      new.effective_group != old->effective_group ||
                      new.file_user != old->file_user || new.file_group != old->file_group ||
                      (new.permitted & ~old->permitted);
    if (are_equal(&new, old)) {
        credentials_reference(old);
        result->credentials = old;
        return 0;
    }
    struct credentials *copy = credentials_copy(old, old->group_count);
    if (!copy)
        return -ENOMEM;
    size_t skipped = __builtin_offsetof(struct credentials, real_user);
    memcpy((char *)copy + skipped, (char *)&new + skipped,
           __builtin_offsetof(struct credentials, groups) - skipped);
    result->credentials = copy;
    return 0;
}
