/*
 * credentials_calls.c: on whose behalf a thread acts: credentials(7), the
 * setuid family, groups and capabilities(7). Credentials belong to the thread;
 * the C libraries change all threads of a process together.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>

#include "file/credentials.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/credentials_change.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "process/thread_account.h"

#define KEEP ((uint32_t)-1) /* this one stays as it is */

/* What a file system looks at: what a file user other than 0 may not have. */
#define CAPABILITIES_FILE                                                                          \
    (1UL << CAP_CHOWN | 1UL << CAP_DAC_OVERRIDE | 1UL << CAP_DAC_READ_SEARCH | 1UL << CAP_FOWNER | \
     1UL << CAP_FSETID | 1UL << CAP_LINUX_IMMUTABLE | 1UL << CAP_MKNOD | 1UL << CAP_MAC_OVERRIDE)

/* ---- changing ---- */

/*
 * capabilities(7), "Effect of user ID changes on capabilities": who leaves user
 * 0 altogether loses them all, unless told to keep the permitted ones.
 */
static void capabilities_follow(struct credentials *fresh, const struct credentials *old)
{
    if (fresh->secure_bits & issecure_mask(SECURE_NO_SETUID_FIXUP))
        return;
    bool was_root = !old->real_user || !old->effective_user || !old->saved_user;
    bool is_root = !fresh->real_user || !fresh->effective_user || !fresh->saved_user;
    if (was_root && !is_root) {
        if (!(fresh->secure_bits & issecure_mask(SECURE_KEEP_CAPS))) {
            fresh->permitted = 0;
            fresh->effective = 0;
        }
        fresh->ambient = 0;
    }
    if (!old->effective_user && fresh->effective_user)
        fresh->effective = 0;
    if (old->effective_user && !fresh->effective_user)
        fresh->effective = fresh->permitted;
}

struct credentials *credentials_change_begin(void)
{
    const struct credentials *own = credentials_current();

    return credentials_copy(own, own->group_count);
}

static int user_changed(struct credentials *fresh, const struct credentials *old)
{
    return fresh->real_user == old->real_user ? 0 : user_account_move_thread(fresh->real_user);
}

int credentials_change_commit(struct credentials *fresh)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    const struct credentials *old = thread->thread.credentials;

    if (user_changed(fresh, old)) {
        credentials_release(fresh);
        return -EAGAIN;
    }
    /* Others may look into a process only as long as it is who it was (prctl(2), PR_SET_DUMPABLE).
     */
    if (fresh->effective_user != old->effective_user ||
        fresh->effective_group != old->effective_group || fresh->file_user != old->file_user ||
        fresh->file_group != old->file_group || (fresh->permitted & ~old->permitted)) {
        __atomic_store_n(&process->dumpable, 0, __ATOMIC_RELAXED);
        thread->parent_death_signal = 0;
    }
    bool enabled = spinlock_acquire_save(&process->lock);
    thread->thread.credentials = fresh;
    spinlock_release_restore(&process->lock, enabled);
    credentials_release(old);
    return 0;
}

static bool capable(unsigned capability)
{
    return credentials_capable(credentials_current(), capability);
}

/* ---- users ---- */

ssize_t sys_getuid(void)
{
    return credentials_current()->real_user;
}

ssize_t sys_geteuid(void)
{
    return credentials_current()->effective_user;
}

static ssize_t users_set(uint32_t real, uint32_t effective, uint32_t saved)
{
    const struct credentials *own = credentials_current();
    struct credentials *fresh = credentials_change_begin();

    if (!fresh)
        return -ENOMEM;
    fresh->real_user = real;
    fresh->effective_user = effective;
    fresh->saved_user = saved;
    fresh->file_user = effective;
    capabilities_follow(fresh, own);
    return credentials_change_commit(fresh);
}

ssize_t sys_setuid(uint32_t user)
{
    const struct credentials *own = credentials_current();

    if (user == KEEP)
        return -EINVAL;
    if (capable(CAP_SETUID))
        return users_set(user, user, user);
    if (user != own->real_user && user != own->saved_user)
        return -EPERM;
    return users_set(own->real_user, user, own->saved_user);
}

ssize_t sys_setreuid(uint32_t real, uint32_t effective)
{
    const struct credentials *own = credentials_current();
    uint32_t new_real = real == KEEP ? own->real_user : real;
    uint32_t new_effective = effective == KEEP ? own->effective_user : effective;
    uint32_t saved = own->saved_user;

    if (!capable(CAP_SETUID)) {
        if (new_real != own->real_user && new_real != own->effective_user)
            return -EPERM;
        if (new_effective != own->real_user && new_effective != own->effective_user &&
            new_effective != own->saved_user)
            return -EPERM;
    }
    /* setreuid(2): the saved one follows when the real one is set, or the effective one differs. */
    if (real != KEEP || (effective != KEEP && new_effective != own->real_user))
        saved = new_effective;
    return users_set(new_real, new_effective, saved);
}

static bool is_own_user(const struct credentials *own, uint32_t user)
{
    return user == KEEP || user == own->real_user || user == own->effective_user ||
           user == own->saved_user;
}

ssize_t sys_setresuid(uint32_t real, uint32_t effective, uint32_t saved)
{
    const struct credentials *own = credentials_current();

    if (!capable(CAP_SETUID) &&
        (!is_own_user(own, real) || !is_own_user(own, effective) || !is_own_user(own, saved)))
        return -EPERM;
    return users_set(real == KEEP ? own->real_user : real,
                     effective == KEEP ? own->effective_user : effective,
                     saved == KEEP ? own->saved_user : saved);
}

static ssize_t put_three(const uint32_t values[3], vaddr_t first, vaddr_t second, vaddr_t third)
{
    return user_put(first, &values[0]) || user_put(second, &values[1]) ||
                   user_put(third, &values[2])
               ? -EFAULT
               : 0;
}

ssize_t sys_getresuid(vaddr_t real, vaddr_t effective, vaddr_t saved)
{
    const struct credentials *own = credentials_current();
    uint32_t values[3] = {own->real_user, own->effective_user, own->saved_user};

    return put_three(values, real, effective, saved);
}

/* Answers what it was, whether or not it changed (setfsuid(2)). */
ssize_t sys_setfsuid(uint32_t user)
{
    const struct credentials *own = credentials_current();
    uint32_t before = own->file_user;

    if (user == KEEP || user == before)
        return before;
    if (!is_own_user(own, user) && !capable(CAP_SETUID))
        return before;
    struct credentials *fresh = credentials_change_begin();
    if (!fresh)
        return before;
    fresh->file_user = user;
    if (!(own->secure_bits & issecure_mask(SECURE_NO_SETUID_FIXUP))) {
        if (!before && user)
            fresh->effective &= ~CAPABILITIES_FILE;
        if (before && !user)
            fresh->effective |= fresh->permitted & CAPABILITIES_FILE;
    }
    credentials_change_commit(fresh);
    return before;
}

/* ---- groups ---- */

ssize_t sys_getgid(void)
{
    return credentials_current()->real_group;
}

ssize_t sys_getegid(void)
{
    return credentials_current()->effective_group;
}

static ssize_t groups_set(uint32_t real, uint32_t effective, uint32_t saved)
{
    struct credentials *fresh = credentials_change_begin();

    if (!fresh)
        return -ENOMEM;
    fresh->real_group = real;
    fresh->effective_group = effective;
    fresh->saved_group = saved;
    fresh->file_group = effective;
    return credentials_change_commit(fresh);
}

ssize_t sys_setgid(uint32_t group)
{
    const struct credentials *own = credentials_current();

    if (group == KEEP)
        return -EINVAL;
    if (capable(CAP_SETGID))
        return groups_set(group, group, group);
    if (group != own->real_group && group != own->saved_group)
        return -EPERM;
    return groups_set(own->real_group, group, own->saved_group);
}

ssize_t sys_setregid(uint32_t real, uint32_t effective)
{
    const struct credentials *own = credentials_current();
    uint32_t new_real = real == KEEP ? own->real_group : real;
    uint32_t new_effective = effective == KEEP ? own->effective_group : effective;
    uint32_t saved = own->saved_group;

    if (!capable(CAP_SETGID)) {
        if (new_real != own->real_group && new_real != own->effective_group)
            return -EPERM;
        if (new_effective != own->real_group && new_effective != own->effective_group &&
            new_effective != own->saved_group)
            return -EPERM;
    }
    if (real != KEEP || (effective != KEEP && new_effective != own->real_group))
        saved = new_effective;
    return groups_set(new_real, new_effective, saved);
}

static bool is_own_group(const struct credentials *own, uint32_t group)
{
    return group == KEEP || group == own->real_group || group == own->effective_group ||
           group == own->saved_group;
}

ssize_t sys_setresgid(uint32_t real, uint32_t effective, uint32_t saved)
{
    const struct credentials *own = credentials_current();

    if (!capable(CAP_SETGID) &&
        (!is_own_group(own, real) || !is_own_group(own, effective) || !is_own_group(own, saved)))
        return -EPERM;
    return groups_set(real == KEEP ? own->real_group : real,
                      effective == KEEP ? own->effective_group : effective,
                      saved == KEEP ? own->saved_group : saved);
}

ssize_t sys_getresgid(vaddr_t real, vaddr_t effective, vaddr_t saved)
{
    const struct credentials *own = credentials_current();
    uint32_t values[3] = {own->real_group, own->effective_group, own->saved_group};

    return put_three(values, real, effective, saved);
}

ssize_t sys_setfsgid(uint32_t group)
{
    const struct credentials *own = credentials_current();
    uint32_t before = own->file_group;

    if (group == KEEP || group == before)
        return before;
    if (!is_own_group(own, group) && !capable(CAP_SETGID))
        return before;
    struct credentials *fresh = credentials_change_begin();
    if (!fresh)
        return before;
    fresh->file_group = group;
    credentials_change_commit(fresh);
    return before;
}

ssize_t sys_getgroups(int size, vaddr_t list)
{
    const struct credentials *own = credentials_current();

    if (size < 0)
        return -EINVAL;
    if (size == 0)
        return own->group_count;
    if ((uint32_t)size < own->group_count)
        return -EINVAL;
    if (user_copy_out(list, own->groups, own->group_count * sizeof(uint32_t)))
        return -EFAULT;
    return own->group_count;
}

/* Ascending, as struct credentials promises: heap sort, for the list is the program's and long. */
static void groups_sift(uint32_t *groups, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && groups[child + 1] > groups[child])
            child++;
        if (groups[root] >= groups[child])
            return;
        uint32_t swap = groups[root];
        groups[root] = groups[child];
        groups[child] = swap;
    }
}

static void groups_sort(uint32_t *groups, size_t count)
{
    for (size_t root = count / 2; root-- > 0;)
        groups_sift(groups, root, count);
    for (size_t last = count; last-- > 1;) {
        uint32_t largest = groups[0];
        groups[0] = groups[last];
        groups[last] = largest;
        groups_sift(groups, 0, last);
    }
}

ssize_t sys_setgroups(int size, vaddr_t list)
{
    if (!capable(CAP_SETGID))
        return -EPERM;
    if (size < 0 || size > CREDENTIALS_GROUPS_MAXIMUM)
        return -EINVAL;
    struct credentials *fresh = credentials_copy(credentials_current(), size);
    if (!fresh)
        return -ENOMEM;
    if (user_copy_in(fresh->groups, list, size * sizeof(uint32_t))) {
        credentials_release(fresh);
        return -EFAULT;
    }
    for (int i = 0; i < size; i++) {
        if (fresh->groups[i] == KEEP) {
            credentials_release(fresh);
            return -EINVAL;
        }
    }
    fresh->group_count = size;
    groups_sort(fresh->groups, size);
    return credentials_change_commit(fresh);
}

/* ---- capabilities ---- */

/* How many 32-bit pieces a version has; 0: unknown. */
static unsigned version_pieces(uint32_t version)
{
    switch (version) {
    case _LINUX_CAPABILITY_VERSION_1:
        return 1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        return 2;
    default:
        return 0;
    }
}

/* Reads the header; an unknown version is answered with ours (capget(2)). */
static int header_read(struct __user_cap_header_struct *header, unsigned *pieces, vaddr_t from)
{
    if (user_get(header, from))
        return -EFAULT;
    *pieces = version_pieces(header->version);
    if (*pieces)
        return 0;
    header->version = _LINUX_CAPABILITY_VERSION_3;
    return user_put(from, header) ? -EFAULT : -EINVAL;
}

ssize_t sys_capget(vaddr_t header_address, vaddr_t data)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct sets[2];
    const struct credentials *credentials;
    unsigned pieces;

    int error = header_read(&header, &pieces, header_address);
    if (error)
        return error == -EINVAL && !data ? 0 : error;
    if (header.pid < 0)
        return -EINVAL;
    if (!data)
        return 0;
    struct user_thread *thread = header.pid ? user_thread_find(header.pid) : NULL;
    if (header.pid && !thread)
        return -ESRCH;
    if (thread) {
        credentials = user_thread_credentials_get(thread);
        user_thread_release(thread);
        if (!credentials)
            return -ESRCH;
    } else {
        credentials = credentials_current();
        credentials_reference(credentials);
    }
    for (unsigned i = 0; i < 2; i++) {
        sets[i].effective = credentials->effective >> (32 * i);
        sets[i].permitted = credentials->permitted >> (32 * i);
        sets[i].inheritable = credentials->inheritable >> (32 * i);
    }
    credentials_release(credentials);
    return user_copy_out(data, sets, pieces * sizeof(sets[0]));
}

ssize_t sys_capset(vaddr_t header_address, vaddr_t data)
{
    const struct credentials *own = credentials_current();
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct sets[2] = {0};
    unsigned pieces;

    int error = header_read(&header, &pieces, header_address);
    if (error)
        return error;
    if (header.pid && (uint32_t)header.pid != thread_current()->id)
        return -EPERM;
    if (user_copy_in(sets, data, pieces * sizeof(sets[0])))
        return -EFAULT;
    uint64_t effective = sets[0].effective | (uint64_t)sets[1].effective << 32;
    uint64_t permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
    uint64_t inheritable = sets[0].inheritable | (uint64_t)sets[1].inheritable << 32;
    effective &= CAPABILITIES_ALL;
    permitted &= CAPABILITIES_ALL;
    inheritable &= CAPABILITIES_ALL;

    /* capabilities(7), "Programmatically adjusting capability sets". */
    if ((inheritable & ~(own->inheritable | own->permitted)) && !capable(CAP_SETPCAP))
        return -EPERM;
    if ((inheritable & ~(own->inheritable | own->bounding)) || (permitted & ~own->permitted) ||
        (effective & ~permitted))
        return -EPERM;
    struct credentials *fresh = credentials_change_begin();
    if (!fresh)
        return -ENOMEM;
    fresh->effective = effective;
    fresh->permitted = permitted;
    fresh->inheritable = inheritable;
    fresh->ambient &= permitted & inheritable;
    return credentials_change_commit(fresh);
}
