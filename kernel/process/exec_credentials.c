#include "process/exec_credentials.h"

#include <asm/errno.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "file/file.h"
#include "library/string.h"

/* The set-user-ID and set-group-ID bits (execve(2)): they count only where they may. */
static void apply_bits(struct credentials *new, const struct file *file, bool ignore_bits)
{
    const struct inode *inode = file->inode;
    uint32_t group_bits = S_ISGID | S_IXGRP; /* S_ISGID alone means mandatory locking */

    if (ignore_bits || mount_flag(file->path.mount, MS_NOSUID))
        return;
    if (inode->mode & S_ISUID)
        new->effective_user = inode->user;
    if ((inode->mode & group_bits) == group_bits)
        new->effective_group = inode->group;
}

/* capabilities(7), "Transformation of capabilities during execve()"; files carry none. */
static void transform_capabilities(struct credentials *new, bool privileged)
{
    bool root_counts = !(new->secure_bits &SECBIT_NOROOT);

    if (privileged)
        new->ambient = 0;
    new->permitted = new->ambient;
    new->effective = new->ambient;
    if (root_counts && (new->effective_user == 0 || new->real_user == 0)) {
        new->permitted = new->inheritable | new->bounding;
        if (new->effective_user == 0)
            new->effective = new->permitted;
    }
    new->secure_bits &= ~(uint32_t)SECBIT_KEEP_CAPS;
}

static bool is_secure(const struct credentials *new, bool privileged)
{
    if (privileged)
        return true;
    return new->real_user != 0 && (new->effective || (new->permitted & ~new->ambient));
}

static bool are_equal(const struct credentials *left, const struct credentials *right)
{
    size_t compared = __builtin_offsetof(struct credentials, groups);
    size_t skipped = __builtin_offsetof(struct credentials, real_user);

    return !memcmp((const char *)left + skipped, (const char *)right + skipped, compared - skipped);
}

int exec_credentials_prepare(struct exec_credentials *result, const struct file *file,
                             bool ignore_bits)
{
    const struct credentials *old = credentials_current();
    struct credentials new = *old; /* without the groups, which exec does not change */

    apply_bits(&new, file, ignore_bits);
    bool identity_changed =
        new.effective_user != old->effective_user || new.effective_group != old->effective_group;
    new.saved_user = new.file_user = new.effective_user;
    new.saved_group = new.file_group = new.effective_group;
    transform_capabilities(&new, identity_changed);

    result->privileged = identity_changed;
    result->secure = is_secure(&new, new.effective_user != new.real_user ||
                                         new.effective_group != new.real_group);
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
