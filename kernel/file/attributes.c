/* attributes.c: what can be changed about files beside their bytes. */
#include <asm/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/system_calls.h"
#include "memory/user_copy.h"
#include "thread/thread.h"

/* UTIME_NOW and UTIME_OMIT of utimensat(2) are not among the UAPI headers. */
#define TIME_NOW  ((1L << 30) - 1L)
#define TIME_OMIT ((1L << 30) - 2L)

/* A change, done to one file. */
typedef int change(const struct path *path, const void *wanted);

static int apply(const struct path *path, change *change, const void *wanted)
{
    if (mount_flag(path->mount, MS_RDONLY))
        return -EROFS;
    return change(path, wanted);
}

static ssize_t apply_name(int directory, vaddr_t name, unsigned flags, change *change,
                          const void *wanted)
{
    struct path path;

    int error = path_lookup_user(directory, name, flags, &path);
    if (error)
        return error;
    error = apply(&path, change, wanted);
    path_release(&path);
    return error;
}

static ssize_t apply_descriptor(int descriptor, change *change, const void *wanted)
{
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    int error = apply(&file->path, change, wanted);
    file_release(file);
    return error;
}

/* Sets mode, user and group, where they lie. `which`: CHANGE_*, that differ. Lock held. */
static int attributes_change(struct inode *inode, unsigned which,
                             struct inode_attributes attributes)
{
    if (inode->operations && inode->operations->change)
        return inode->operations->change(
            inode, &(struct attribute_change){.which = which, .attributes = attributes});
    inode_attributes_set(inode, attributes);
    inode_touch(inode, INODE_CHANGED);
    return 0;
}

/* Takes the lock of an inode whose attributes are to change, and says what they are. After 0 it is
   held. */
static int attributes_begin(struct inode *inode, struct inode_attributes *attributes)
{
    int error = inode_lock(inode);
    if (error)
        return error;
    *attributes = inode_attributes(inode);
    if (inode->operations && inode->operations->change)
        error = inode_attributes_now(inode, attributes);
    if (error)
        mutex_release(&inode->lock);
    return error;
}

/* ---- chmod(2) ---- */

static int change_mode(const struct path *path, const void *wanted)
{
    const struct credentials *credentials = credentials_current();
    struct inode *inode = path->dentry->inode;
    uint32_t mode = *(const unsigned *)wanted & 07777;
    struct inode_attributes attributes;

    int error = attributes_begin(inode, &attributes);
    if (error)
        return error;
    if (S_ISLNK(attributes.mode)) {
        error = -EOPNOTSUPP;
    } else if ((error = inode_change_allowed(inode, INODE_CHANGE_MODE))) {
        /* not even by its owner */
    } else if (!inode_owned(inode, credentials)) {
        error = -EPERM;
    } else {
        if (!credentials_in_group(credentials, attributes.group) &&
            !credentials_capable(credentials, CAP_FSETID))
            mode &= ~S_ISGID;
        attributes.mode = (attributes.mode & S_IFMT) | mode;
        error = attributes_change(inode, CHANGE_MODE, attributes);
    }
    mutex_release(&inode->lock);
    return error;
}

ssize_t sys_fchmodat(int directory, vaddr_t name, unsigned mode)
{
    return apply_name(directory, name, WALK_FOLLOW, change_mode, &mode);
}

ssize_t sys_chmod(vaddr_t name, unsigned mode)
{
    return sys_fchmodat(AT_FDCWD, name, mode);
}

ssize_t sys_fchmod(int descriptor, unsigned mode)
{
    return apply_descriptor(descriptor, change_mode, &mode);
}

/* ---- chown(2) ---- */

#define KEEP_ID 0xffffffffU /* (uid_t)-1 */

struct owner {
    uint32_t user, group;
};

/* May the caller give a file away that is now like this? */
static bool may_change_owner(const struct credentials *credentials,
                             const struct inode_attributes *now, const struct owner *owner)
{
    bool own = credentials->file_user == now->user;

    if (credentials_capable(credentials, CAP_CHOWN))
        return true;
    if (owner->user != KEEP_ID && !(own && owner->user == now->user))
        return false;
    return owner->group == KEEP_ID ||
           (own && (owner->group == now->group || credentials_in_group(credentials, owner->group)));
}

static int change_owner(const struct path *path, const void *wanted)
{
    const struct credentials *credentials = credentials_current();
    const struct owner *owner = wanted;
    struct inode *inode = path->dentry->inode;
    struct inode_attributes attributes;

    int error = attributes_begin(inode, &attributes);
    if (error)
        return error;
    /* chown(2): set-user-ID goes, also for user 0, and in the same step: nobody is to see it with
       the new owner. Who may not change a mode does not change it by this either. */
    uint32_t dropped = S_ISDIR(attributes.mode) ? 0 : inode_privileges(&attributes, credentials);
    if (owner->user != KEEP_ID || owner->group != KEEP_ID)
        error = inode_change_allowed(inode, INODE_CHANGE_OWNER);
    if (!error && (!may_change_owner(credentials, &attributes, owner) ||
                   (dropped && !inode_owned(inode, credentials))))
        error = -EPERM;
    if (!error) {
        if (owner->user != KEEP_ID)
            attributes.user = owner->user;
        if (owner->group != KEEP_ID)
            attributes.group = owner->group;
        attributes.mode &= ~dropped;
        error = attributes_change(inode,
                                  (owner->user != KEEP_ID ? CHANGE_USER : 0) |
                                      (owner->group != KEEP_ID ? CHANGE_GROUP : 0) |
                                      (dropped ? CHANGE_MODE : 0),
                                  attributes);
    }
    mutex_release(&inode->lock);
    return error;
}

ssize_t sys_fchownat(int directory, vaddr_t name, unsigned user, unsigned group, int flags)
{
    struct owner owner = {user, group};

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return apply_name(directory, name,
                      (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
                          (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
                      change_owner, &owner);
}

ssize_t sys_chown(vaddr_t name, unsigned user, unsigned group)
{
    return sys_fchownat(AT_FDCWD, name, user, group, 0);
}

ssize_t sys_lchown(vaddr_t name, unsigned user, unsigned group)
{
    return sys_fchownat(AT_FDCWD, name, user, group, AT_SYMLINK_NOFOLLOW);
}

ssize_t sys_fchown(int descriptor, unsigned user, unsigned group)
{
    struct owner owner = {user, group};
    return apply_descriptor(descriptor, change_owner, &owner);
}

/* ---- utimensat(2) and its ancestors ---- */

/* In the units of struct timespec; `set` false: both are now. */
struct times {
    bool set;
    struct __kernel_timespec accessed, modified;
};

/* The moment that is meant. */
static struct file_time time_of(const struct __kernel_timespec *time, struct file_time now)
{
    /* As Linux has it, the first and the last second have no fraction. */
    bool last = time->tv_sec == INT64_MIN || time->tv_sec == INT64_MAX;
    struct file_time given = {time->tv_sec, last ? 0 : (uint32_t)time->tv_nsec};
    return time->tv_nsec == TIME_NOW ? now : given;
}

/* Sets the times, where they lie. Lock held. */
static int times_change(struct inode *inode, const struct __kernel_timespec *accessed,
                        const struct __kernel_timespec *modified)
{
    struct file_time now = file_time(clock_wall());
    struct attribute_change change = {
        .which = (accessed->tv_nsec == TIME_OMIT  ? 0
                  : accessed->tv_nsec == TIME_NOW ? CHANGE_ACCESSED | CHANGE_ACCESSED_NOW
                                                  : CHANGE_ACCESSED) |
                 (modified->tv_nsec == TIME_OMIT  ? 0
                  : modified->tv_nsec == TIME_NOW ? CHANGE_MODIFIED | CHANGE_MODIFIED_NOW
                                                  : CHANGE_MODIFIED),
        .accessed = time_of(accessed, now),
        .modified = time_of(modified, now),
    };

    if (inode->operations && inode->operations->change)
        return inode->operations->change(inode, &change);
    if (change.which & CHANGE_ACCESSED)
        file_time_set(&inode->accessed, change.accessed);
    if (change.which & CHANGE_MODIFIED)
        file_time_set(&inode->modified, change.modified);
    inode_touch(inode, INODE_CHANGED);
    return 0;
}

static int change_times(const struct path *path, const void *wanted)
{
    static const struct __kernel_timespec now_time = {.tv_nsec = TIME_NOW};
    const struct credentials *credentials = credentials_current();
    const struct times *times = wanted;
    struct inode *inode = path->dentry->inode;
    bool now =
        !times->set || (times->accessed.tv_nsec == TIME_NOW && times->modified.tv_nsec == TIME_NOW);

    struct inode_attributes attributes;
    int error = attributes_begin(inode, &attributes);
    if (error)
        return error;
    error = inode_change_allowed(inode, INODE_CHANGE_TIMES);
    if (!error && !inode_owned(inode, credentials))
        error = now ? inode_permission(inode, PERMISSION_WRITE, credentials) : -EPERM;
    if (!error)
        error = times_change(inode, times->set ? &times->accessed : &now_time,
                             times->set ? &times->modified : &now_time);
    mutex_release(&inode->lock);
    return error;
}

static bool time_valid(const struct __kernel_timespec *time)
{
    if (time->tv_nsec == TIME_NOW || time->tv_nsec == TIME_OMIT)
        return true;
    return time->tv_nsec >= 0 && time->tv_nsec < (long long)NANOSECONDS_PER_SECOND;
}

static ssize_t set_times(int directory, vaddr_t name, const struct times *times, int flags)
{
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (times->set && times->accessed.tv_nsec == TIME_OMIT && times->modified.tv_nsec == TIME_OMIT)
        return 0;
    if (!name && directory != AT_FDCWD)
        return flags ? -EINVAL : apply_descriptor(directory, change_times, times);
    return apply_name(directory, name,
                      (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
                          (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
                      change_times, times);
}

ssize_t sys_utimensat(int directory, vaddr_t name, vaddr_t address, int flags)
{
    struct __kernel_timespec values[2];
    struct times times = {.set = address};

    if (address) {
        if (user_get(&values, address))
            return -EFAULT;
        times.accessed = values[0];
        times.modified = values[1];
        bool omit = values[0].tv_nsec == TIME_OMIT && values[1].tv_nsec == TIME_OMIT;
        if (!omit && (!time_valid(&values[0]) || !time_valid(&values[1])))
            return -EINVAL;
    }
    return set_times(directory, name, &times, flags);
}

ssize_t sys_futimesat(int directory, vaddr_t name, vaddr_t address)
{
    struct __kernel_old_timeval values[2];
    struct times times = {.set = address};

    if (address) {
        if (user_get(&values, address))
            return -EFAULT;
        for (int i = 0; i < 2; i++)
            if (values[i].tv_usec < 0 || values[i].tv_usec >= 1000000)
                return -EINVAL;
        times.accessed = (struct __kernel_timespec){values[0].tv_sec, values[0].tv_usec * 1000};
        times.modified = (struct __kernel_timespec){values[1].tv_sec, values[1].tv_usec * 1000};
    }
    return set_times(directory, name, &times, 0);
}

ssize_t sys_utimes(vaddr_t name, vaddr_t times)
{
    return sys_futimesat(AT_FDCWD, name, times);
}

ssize_t sys_utime(vaddr_t name, vaddr_t address)
{
    int64_t values[2]; /* struct utimbuf */
    struct times times = {.set = address};

    if (address) {
        if (user_get(&values, address))
            return -EFAULT;
        times.accessed.tv_sec = values[0];
        times.modified.tv_sec = values[1];
    }
    return set_times(AT_FDCWD, name, &times, 0);
}

/* ---- truncate(2) ---- */

/* What makes its contents when it is read has no size to be set; that is no error. `file`: by which
   it is asked for, or NULL. */
static int set_size(struct inode *inode, int64_t size, struct file *file)
{
    int64_t last = inode->file_system->last_offset;

    if (last && size > last)
        return -EFBIG;
    return inode_can_truncate(inode) ? inode_truncate(inode, (uint64_t)size, file) : 0;
}

static int change_size(const struct path *path, const void *wanted)
{
    struct inode *inode = path->dentry->inode;

    if (S_ISDIR(inode->mode))
        return -EISDIR;
    if (!S_ISREG(inode->mode))
        return -EINVAL;
    int error = inode_permission(inode, PERMISSION_WRITE, credentials_current());
    if (!error)
        error = inode_write_begin(inode);
    if (error)
        return error;
    error = set_size(inode, *(const int64_t *)wanted, NULL);
    inode_write_end(inode);
    return error;
}

ssize_t sys_truncate(vaddr_t name, int64_t size)
{
    return size < 0 ? -EINVAL : apply_name(AT_FDCWD, name, WALK_FOLLOW, change_size, &size);
}

ssize_t sys_ftruncate(int descriptor, int64_t size)
{
    if (size < 0)
        return -EINVAL;
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    int error = -EINVAL;
    if (S_ISREG(file->inode->mode) && file->writable)
        error = set_size(file->inode, size, file);
    file_release(file);
    return error;
}

#define ALLOCATE_KNOWN                                                                             \
    (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |                       \
     FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

/* Is this mode one that fallocate(2) tells of, whether or not the file can do it? */
static int check_allocate_mode(int mode)
{
    const int alone = FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;

    if (mode & ~ALLOCATE_KNOWN)
        return -EOPNOTSUPP;
    if (mode & FALLOC_FL_PUNCH_HOLE &&
        (mode & FALLOC_FL_ZERO_RANGE || !(mode & FALLOC_FL_KEEP_SIZE)))
        return -EOPNOTSUPP;
    if (mode & alone && mode != FALLOC_FL_COLLAPSE_RANGE && mode != FALLOC_FL_INSERT_RANGE)
        return -EINVAL;
    if (mode & FALLOC_FL_UNSHARE_RANGE && mode & ~(FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE))
        return -EINVAL;
    return 0;
}

ssize_t sys_fallocate(int descriptor, int mode, int64_t offset, int64_t size)
{
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    int64_t end, last = file->inode->file_system->last_offset;
    int error = check_allocate_mode(mode);
    if (offset < 0 || size <= 0)
        error = -EINVAL;
    else if (error)
        ; /* before anything is asked of the file */
    else if (!file->writable)
        error = -EBADF;
    else if (S_ISFIFO(file->inode->mode))
        error = -ESPIPE;
    else if (S_ISDIR(file->inode->mode))
        error = -EISDIR;
    else if (!S_ISREG(file->inode->mode))
        error = -ENODEV;
    else if (__builtin_add_overflow(offset, size, &end) || (last && end > last))
        error = -EFBIG;
    else if (!file->operations->allocate)
        error = -EOPNOTSUPP;
    else
        error = file->operations->allocate(file, mode, offset, size);
    file_release(file);
    return error;
}

/* ---- what is written stays; what lies in RAM needs nothing ---- */

static int file_system_synchronise(struct file_system *file_system)
{
    const struct file_system_operations *operations = file_system->operations;

    return operations && operations->synchronise ? operations->synchronise(file_system) : 0;
}

static int mount_synchronise(struct mount *mount, void *context)
{
    (void)context;
    file_system_synchronise(mount->file_system); /* sync(2) has no errors to tell */
    return thread_interrupted(THREAD_KILLABLE);
}

ssize_t sys_sync(void)
{
    mount_for_each(mount_synchronise, NULL);
    file_hooks.disks_synchronise();
    return 0;
}

ssize_t sys_syncfs(int descriptor)
{
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    int error = file_system_synchronise(file->inode->file_system);
    file_release(file);
    return error;
}

static ssize_t synchronise(int descriptor, bool data_only)
{
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    int error = -EINVAL;
    if (file->operations->synchronise)
        error = file->operations->synchronise(file, data_only);
    else if (S_ISREG(file->inode->mode) || S_ISDIR(file->inode->mode))
        error = 0;
    file_release(file);
    return error;
}

ssize_t sys_fsync(int descriptor)
{
    return synchronise(descriptor, false);
}

ssize_t sys_fdatasync(int descriptor)
{
    return synchronise(descriptor, true);
}

ssize_t sys_sync_file_range(int descriptor, int64_t offset, int64_t size, unsigned flags)
{
    int64_t end;

    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    uint32_t mode = file->inode->mode;
    file_release(file);
    if (flags & ~7U || offset < 0 || size < 0 || __builtin_add_overflow(offset, size, &end))
        return -EINVAL;
    return S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode) || S_ISLNK(mode) ? 0 : -ESPIPE;
}

ssize_t sys_fadvise64(int descriptor, int64_t offset, size_t size, int advice)
{
    (void)offset;
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    ssize_t error = 0;
    if (S_ISFIFO(file->inode->mode))
        error = -ESPIPE;
    else if ((ssize_t)size < 0 || advice < 0 || advice > 5)
        error = -EINVAL;
    file_release(file);
    return error;
}

ssize_t sys_readahead(int descriptor, int64_t offset, size_t size)
{
    (void)offset;
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    ssize_t error = 0;
    if (!file->readable)
        error = -EBADF;
    else if (!S_ISREG(file->inode->mode) || (ssize_t)size < 0)
        error = -EINVAL;
    file_release(file);
    return error;
}
