/* inode.c: the life of inodes, and who may do what with them. */
#include "file/inode.h"
#include <asm/signal.h>
#include <linux/mount.h>

#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>

#include "cpu/clock.h"
#include "file/file.h"
#include "file/hooks.h"
#include "file/lock.h"
#include "file/ram/ram.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "thread/limits.h"

void file_system_begin(struct file_system *file_system)
{
    file_system->references = 1;
    file_system->next_number = 1;
    file_system->device = file_system_next_device();
    mutex_initialize(&file_system->rename, MUTEX_RENAME);
}

void file_system_release(struct file_system *file_system)
{
    if (__atomic_sub_fetch(&file_system->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (file_system->operations && file_system->operations->end)
        file_system->operations->end(file_system);
    else
        heap_free(file_system);
}

static uint64_t inodes_known; /* atomic */

uint64_t inode_count(void)
{
    return __atomic_load_n(&inodes_known, __ATOMIC_RELAXED);
}

struct inode *inode_create(struct file_system *file_system, uint32_t mode,
                           const struct inode_operations *operations,
                           const struct file_operations *file_operations)
{
    struct inode *inode = heap_allocate_zeroed(sizeof(*inode));
    if (!inode)
        return NULL;
    __atomic_fetch_add(&inodes_known, 1, __ATOMIC_RELAXED);
    inode->operations = operations;
    inode->refreshes = operations && operations->refresh;
    inode->file_operations = file_operations;
    inode->file_system = file_system;
    file_system_reference(file_system);
    inode->references = 1;
    inode->mode = mode;
    inode->number = __atomic_fetch_add(&file_system->next_number, 1, __ATOMIC_RELAXED);
    inode->accessed = file_time(clock_wall());
    inode->modified = inode->changed = inode->created = inode->accessed;
    mutex_initialize(&inode->lock, MUTEX_INODE);
    page_cache_initialize(&inode->cache, FRAME_PAGE_CACHE);
    return inode;
}

uint64_t file_system_next_device(void)
{
    static uint32_t last = 1; /* atomic */
    return device_number(0, __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED));
}

void inode_release(struct inode *inode)
{
    if (__atomic_sub_fetch(&inode->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (inode->operations && inode->operations->destroy)
        inode->operations->destroy(inode);
    page_cache_destroy(&inode->cache);
    debug_assert(!inode->locks); /* whoever has one has the inode too */
    struct file_system *file_system = inode->file_system;
    if (file_system->inode_ended)
        file_system->inode_ended(inode);
    heap_free(inode->link_target);
    user_account_release(inode->account);
    __atomic_fetch_sub(&inodes_known, 1, __ATOMIC_RELAXED);
    heap_free(inode);
    file_system_release(file_system);
}

bool inode_reference_found(struct inode *inode)
{
    uint32_t references = __atomic_load_n(&inode->references, __ATOMIC_RELAXED);

    do {
        if (!references)
            return false;
    } while (!__atomic_compare_exchange_n(&inode->references, &references, references + 1, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return true;
}

void inode_attributes_set(struct inode *inode, struct inode_attributes attributes)
{
    mutex_check_held(&inode->lock);
    inode_attributes_store(inode, attributes);
}

void inode_attributes_store(struct inode *inode, struct inode_attributes attributes)
{
    uint32_t sequence = inode->attributes_sequence;

    __atomic_store_n(&inode->attributes_sequence, sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&inode->mode, attributes.mode, __ATOMIC_RELAXED);
    __atomic_store_n(&inode->user, attributes.user, __ATOMIC_RELAXED);
    __atomic_store_n(&inode->group, attributes.group, __ATOMIC_RELAXED);
    __atomic_store_n(&inode->attributes_sequence, sequence + 2, __ATOMIC_RELEASE);
}

/* path_resolution(7), "Permissions" and "Bypassing permission checks". Inline: each step of each
   walk asks. */
static inline int permission_of(struct inode_attributes attributes, unsigned permission,
                                const struct credentials *credentials)
{
    uint32_t mode = attributes.mode, granted = mode;
    if (credentials->file_user == attributes.user)
        granted = mode >> 6;
    else if (credentials_in_group(credentials, attributes.group))
        granted = mode >> 3;
    if (!(permission & ~granted & 7))
        return 0;

    bool directory = S_ISDIR(mode);
    if (permission == PERMISSION_READ || (directory && !(permission & PERMISSION_WRITE))) {
        if (credentials_capable(credentials, CAP_DAC_READ_SEARCH))
            return 0;
    }
    /* Nobody executes a file without any x bit. */
    if (directory || !(permission & PERMISSION_EXECUTE) || (mode & 0111)) {
        if (credentials_capable(credentials, CAP_DAC_OVERRIDE))
            return 0;
    }
    return -EACCES;
}

int inode_attributes_now(struct inode *inode, struct inode_attributes *attributes)
{
    if (inode->refreshes)
        return inode->operations->refresh(inode, attributes);
    *attributes = inode_attributes(inode);
    return 0;
}

/* Where the answer lies elsewhere. */
static __attribute__((noinline)) int permission_refreshed(struct inode *inode, unsigned permission,
                                                          const struct credentials *credentials)
{
    struct inode_attributes attributes;

    if (inode->operations->forbid) {
        int error = inode->operations->forbid(inode, permission);
        if (error)
            return error;
    }
    if (inode->operations->permission)
        return inode->operations->permission(inode, permission, credentials);
    int error = inode->operations->refresh(inode, &attributes);
    return error ? error : permission_of(attributes, permission & 7, credentials);
}

int inode_permission(struct inode *inode, unsigned permission,
                     const struct credentials *credentials)
{
    if (inode->refreshes)
        return permission_refreshed(inode, permission, credentials);
    return permission_of(inode_attributes(inode), permission & 7, credentials);
}

int inode_attributes_permission(const struct inode_attributes *attributes, unsigned permission,
                                const struct credentials *credentials)
{
    return permission_of(*attributes, permission & 7, credentials);
}

bool inode_owned(struct inode *inode, const struct credentials *credentials)
{
    struct inode_attributes attributes = {.user = __atomic_load_n(&inode->user, __ATOMIC_RELAXED)};

    /* Whose a process's files are it knows itself; what a server says was asked before. */
    if (inode->refreshes && inode->operations->forbid_change)
        inode->operations->refresh(inode, &attributes);
    return credentials->file_user == attributes.user ||
           credentials_capable(credentials, CAP_FOWNER);
}

/* Moves `writers` by `step` unless it is on the other side of zero. */
static int writers_move(struct inode *inode, int32_t step)
{
    int32_t writers = __atomic_load_n(&inode->writers, __ATOMIC_RELAXED);
    do {
        if (step > 0 ? writers < 0 : writers > 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&inode->writers, &writers, writers + step, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return 0;
}

int inode_deny_write(struct inode *inode)
{
    return writers_move(inode, -1);
}

void inode_allow_write(struct inode *inode)
{
    __atomic_fetch_add(&inode->writers, 1, __ATOMIC_ACQ_REL);
}

int inode_write_begin(struct inode *inode)
{
    return writers_move(inode, 1);
}

void inode_write_end(struct inode *inode)
{
    __atomic_fetch_sub(&inode->writers, 1, __ATOMIC_ACQ_REL);
}

bool inode_can_truncate(const struct inode *inode)
{
    return inode->file_operations == &regular_operations ||
           (S_ISREG(inode->mode) && inode->operations && inode->operations->change);
}

/* Cuts contents that lie elsewhere. Lock held. */
static int truncate_elsewhere(struct inode *inode, uint64_t size, struct file *file)
{
    struct attribute_change change = {
        .which = CHANGE_SIZE | CHANGE_MODIFIED | CHANGE_MODIFIED_NOW, .size = size, .file = file};

    if (inode->operations && inode->operations->change)
        return inode->operations->change(inode, &change);
    return 0;
}

int inode_truncate(struct inode *inode, uint64_t size, struct file *file)
{
    int error = inode_lock(inode);
    if (error)
        return error;
    uint64_t old = inode_size(inode);
    if (size > old && size > thread_limit(RLIMIT_FSIZE)) {
        file_hooks.signal_self(SIGXFSZ);
        error = -EFBIG;
    } else if (size > old && (inode->seals & F_SEAL_GROW)) {
        error = -EPERM;
    } else if (size < old && (inode->seals & F_SEAL_SHRINK)) {
        error = -EPERM;
    } else {
        error = truncate_elsewhere(inode, size, file);
    }
    if (!error) {
        page_cache_resize(&inode->cache, size);
        inode_remove_privileges(inode);
        inode_touch(inode, INODE_MODIFIED | INODE_CHANGED);
    }
    mutex_release(&inode->lock);
    return error;
}

uint32_t inode_privileges(const struct inode_attributes *attributes,
                          const struct credentials *credentials)
{
    uint32_t mode = attributes->mode, dropped = mode & S_ISUID;

    /* Without group execution the bit means mandatory locking, not privilege: it stays for who
       could have set it. */
    if (mode & S_ISGID &&
        (mode & S_IXGRP || !(credentials_in_group(credentials, attributes->group) ||
                             credentials_capable(credentials, CAP_FSETID))))
        dropped |= S_ISGID;
    return dropped;
}

void inode_remove_privileges(struct inode *inode)
{
    const struct credentials *credentials = credentials_current();
    struct inode_attributes attributes = inode_attributes(inode);

    if (!(attributes.mode & (S_ISUID | S_ISGID)) || !S_ISREG(attributes.mode) ||
        credentials_capable(credentials, CAP_FSETID))
        return;
    attributes.mode &= ~inode_privileges(&attributes, credentials);
    inode_attributes_set(inode, attributes);
}

void inode_touch(struct inode *inode, unsigned which)
{
    struct file_time now = file_time(clock_wall());

    if (which & INODE_ACCESSED)
        file_time_set(&inode->accessed, now);
    if (which & INODE_MODIFIED)
        file_time_set(&inode->modified, now);
    if (which & INODE_CHANGED)
        file_time_set(&inode->changed, now);
}

static bool is_later(const struct file_time *left, const struct file_time *right)
{
    return left->seconds != right->seconds ? left->seconds > right->seconds
                                           : left->nanoseconds > right->nanoseconds;
}

#define DAY 86400 /* seconds */

void inode_touch_accessed(struct inode *inode, const struct mount *mount)
{
    if (inode->refreshes || mount_flag(mount, MS_NOATIME | MS_RDONLY) ||
        (S_ISDIR(inode->mode) && mount_flag(mount, MS_NODIRATIME)))
        return;
    struct file_time now = file_time(clock_wall()), accessed = file_time_get(&inode->accessed);
    /* mount(2), MS_RELATIME. */
    if (mount_flag(mount, MS_RELATIME) && is_later(&accessed, &inode->modified) &&
        is_later(&accessed, &inode->changed) &&
        (uint64_t)now.seconds - (uint64_t)accessed.seconds < DAY)
        return;
    file_time_set(&inode->accessed, now);
}

/* What Linux's tmpfs pretends an entry of a directory to take (mm/shmem.c, BOGO_DIRENT_SIZE). */
#define DIRECTORY_ENTRY_SIZE 20
int inode_stat(struct inode *inode, struct stat *result)
{
    struct inode_attributes attributes;

    int error = inode_attributes_now(inode, &attributes);
    if (error)
        return error;

    memset(result, 0, sizeof(*result));
    result->st_dev = inode->file_system->device;
    result->st_ino = inode->number;
    result->st_nlink = inode->links;
    result->st_mode = attributes.mode;
    result->st_uid = attributes.user;
    result->st_gid = attributes.group;
    result->st_rdev = inode->device;
    result->st_size = (long)inode_size(inode);
    result->st_blksize = file_system_block_size(inode->file_system);
    uint64_t pages = __atomic_load_n(&inode->cache.frame_count, __ATOMIC_RELAXED);
    if (inode->link_target)
        pages = link_pages((uint64_t)result->st_size);
    result->st_blocks = (long)(pages * (PAGE_SIZE / 512));
    struct file_time time = file_time_get(&inode->accessed);
    result->st_atime = (uint64_t)time.seconds;
    result->st_atime_nsec = time.nanoseconds;
    time = file_time_get(&inode->modified);
    result->st_mtime = (uint64_t)time.seconds;
    result->st_mtime_nsec = time.nanoseconds;
    time = file_time_get(&inode->changed);
    result->st_ctime = (uint64_t)time.seconds;
    result->st_ctime_nsec = time.nanoseconds;
    if (inode->refreshes && inode->operations->status)
        inode->operations->status(inode, result);
    return 0;
}

uint64_t directory_size(uint64_t entries)
{
    return (2 + entries) * DIRECTORY_ENTRY_SIZE;
}
