/*
 * extended_attributes.c: getxattr(2) and its kin. Files in memory keep none: what is asked for is
 * not there (ENODATA), and none can be set (EOPNOTSUPP); where a file lies with a server, that has
 * the last word. What is wrong with a call is found in Linux's order: the file, the flags, the
 * name, the value, then what the name's class asks of the file.
 */
#include <asm/errno.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/xattr.h>

#include "file/descriptor_table.h"
#include "file/system_calls.h"
#include "file/tree/walk.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

/* What is done to one file. */
typedef ssize_t action(const struct path *path, void *wanted);

static ssize_t by_name(vaddr_t name, unsigned flags, action *action, void *wanted)
{
    struct path path;

    int error = path_lookup_user(AT_FDCWD, name, flags, &path);
    if (error)
        return error;
    ssize_t result = action(&path, wanted);
    path_release(&path);
    return result;
}

static ssize_t by_descriptor(int descriptor, action *action, void *wanted)
{
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    ssize_t result = action(&file->path, wanted);
    file_release(file);
    return result;
}

struct attribute {
    vaddr_t name;  /* user address */
    vaddr_t value; /* user address, or the list's */
    size_t size;
    int flags; /* XATTR_CREATE, XATTR_REPLACE */
};

/* The name, and whether the caller may: xattr(7), "Extended attribute namespaces". */
static int name_get(const struct attribute *wanted, char name[XATTR_NAME_MAX + 1])
{
    ssize_t length = user_string_in(name, wanted->name, XATTR_NAME_MAX + 1);
    if (length < 0)
        return length == -ENAMETOOLONG ? -ERANGE : (int)length;
    return length ? 0 : -ERANGE;
}

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* ---- where none is kept ---- */

/* What comes behind the prefix; NULL: the name is not of that class. */
static const char *behind(const char *name, const char *prefix)
{
    return has_prefix(name, prefix) ? name + strlen(prefix) : NULL;
}

static bool is_access_list(const char *name)
{
    return strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0 ||
           strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT) == 0;
}

/* Does Linux's file system of this kind keep attributes of that class, so that one could be there?
   What comes behind the class's prefix, or NULL: it does not. */
static const char *kept_as(const struct inode *inode, const char *name)
{
    uint32_t magic = inode->file_system->magic;
    bool memory = magic == TMPFS_MAGIC || magic == RAMFS_MAGIC, sys = magic == SYSFS_MAGIC;
    const char *rest = NULL;

    if (memory && is_access_list(name) && !S_ISLNK(inode->mode))
        return name;
    if (memory || sys)
        rest = behind(name, XATTR_TRUSTED_PREFIX);
    if (!rest && (memory || sys))
        rest = behind(name, XATTR_SECURITY_PREFIX);
    return !rest && sys ? behind(name, XATTR_USER_PREFIX) : rest;
}

static int none_to_get(const struct inode *inode, const char *name)
{
    const char *rest = kept_as(inode, name);
    return !rest ? -EOPNOTSUPP : *rest ? -ENODATA : -EINVAL;
}

static int none_to_set(const struct inode *inode, const char *name, size_t size)
{
    const char *rest = kept_as(inode, name);
    return rest && (!*rest || (is_access_list(name) && !size)) ? -EINVAL : -EOPNOTSUPP;
}

/* An access list that is gone leaves the mode, which says all there is to say, as before. */
static int none_to_remove(const struct inode *inode, const char *name)
{
    int error = none_to_get(inode, name);

    if (error != -ENODATA)
        return error;
    if (is_access_list(name))
        return 0;
    return has_prefix(name, XATTR_USER_PREFIX) ? -EOPNOTSUPP : error;
}

/* ---- who may ---- */

/* A size that is none of a file's capabilities' (linux/capability.h). */
static bool is_bad_capability(const char *name, size_t size)
{
    return strcmp(name, XATTR_NAME_CAPS) == 0 && size && size != XATTR_CAPS_SZ_2 &&
           size != XATTR_CAPS_SZ_3;
}

/* Before anybody is asked who he is. */
static int may_change(const struct inode *inode, const char *name, size_t size)
{
    return is_bad_capability(name, size) ? -EINVAL
                                         : inode_change_allowed(inode, INODE_CHANGE_ATTRIBUTES);
}

static int may_use(struct inode *inode, const char *name, unsigned permission)
{
    const struct credentials *credentials = credentials_current();
    bool write = permission & PERMISSION_WRITE;

    if (has_prefix(name, XATTR_SECURITY_PREFIX) || has_prefix(name, XATTR_SYSTEM_PREFIX))
        return 0;
    if (has_prefix(name, XATTR_TRUSTED_PREFIX)) {
        if (!credentials_capable(credentials, CAP_SYS_ADMIN))
            return write ? -EPERM : -ENODATA;
        return 0;
    }
    if (has_prefix(name, XATTR_USER_PREFIX)) {
        if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
            return write ? -EPERM : -ENODATA;
        if (S_ISDIR(inode->mode) && inode_attributes(inode).mode & S_ISVTX && write &&
            !inode_owned(inode, credentials))
            return -EPERM;
    }
    return inode_permission(inode, permission, credentials);
}

/* ---- getxattr(2), listxattr(2) ---- */

/* A buffer for an answer of at most `size` bytes; 0: only the size is asked for. */
static int buffer_create(size_t *size, size_t maximum, void **buffer)
{
    if (*size > maximum)
        *size = maximum;
    *buffer = *size ? heap_allocate(*size) : NULL;
    return *size && !*buffer ? -ENOMEM : 0;
}

/* Copies the answer out, frees the buffer. */
static ssize_t buffer_return(void *buffer, vaddr_t to, size_t size, ssize_t result)
{
    if (result > 0 && size && ((size_t)result > size || user_copy_out(to, buffer, (size_t)result)))
        result = (size_t)result > size ? -ERANGE : -EFAULT;
    heap_free(buffer);
    return result;
}

static ssize_t get(const struct path *path, void *data)
{
    struct attribute *wanted = data;
    struct inode *inode = path->dentry->inode;
    char name[XATTR_NAME_MAX + 1];
    void *buffer;

    int error = name_get(wanted, name);
    if (!error)
        error = may_use(inode, name, PERMISSION_READ);
    if (!error && !(inode->operations && inode->operations->attribute_get))
        error = none_to_get(inode, name);
    if (!error)
        error = buffer_create(&wanted->size, XATTR_SIZE_MAX, &buffer);
    if (error)
        return error;
    return buffer_return(buffer, wanted->value, wanted->size,
                         inode->operations->attribute_get(inode, name, buffer, wanted->size));
}

ssize_t sys_getxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size)
{
    return by_name(name, WALK_FOLLOW, get, &(struct attribute){attribute, value, size, 0});
}

ssize_t sys_lgetxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size)
{
    return by_name(name, 0, get, &(struct attribute){attribute, value, size, 0});
}

ssize_t sys_fgetxattr(int descriptor, vaddr_t attribute, vaddr_t value, size_t size)
{
    return by_descriptor(descriptor, get, &(struct attribute){attribute, value, size, 0});
}

static ssize_t list(const struct path *path, void *data)
{
    struct attribute *wanted = data;
    struct inode *inode = path->dentry->inode;
    void *buffer;

    if (!(inode->operations && inode->operations->attribute_list))
        return 0;
    int error = buffer_create(&wanted->size, XATTR_LIST_MAX, &buffer);
    if (error)
        return error;
    return buffer_return(buffer, wanted->value, wanted->size,
                         inode->operations->attribute_list(inode, buffer, wanted->size));
}

ssize_t sys_listxattr(vaddr_t name, vaddr_t names, size_t size)
{
    return by_name(name, WALK_FOLLOW, list, &(struct attribute){0, names, size, 0});
}

ssize_t sys_llistxattr(vaddr_t name, vaddr_t names, size_t size)
{
    return by_name(name, 0, list, &(struct attribute){0, names, size, 0});
}

ssize_t sys_flistxattr(int descriptor, vaddr_t names, size_t size)
{
    return by_descriptor(descriptor, list, &(struct attribute){0, names, size, 0});
}

/* ---- setxattr(2), removexattr(2) ---- */

static int value_get(const struct attribute *wanted, void **value)
{
    if (wanted->size > XATTR_SIZE_MAX)
        return -E2BIG;
    *value = heap_allocate(wanted->size ? wanted->size : 1);
    if (!*value)
        return -ENOMEM;
    if (!user_copy_in(*value, wanted->value, wanted->size))
        return 0;
    heap_free(*value);
    return -EFAULT;
}

static ssize_t set(const struct path *path, void *data)
{
    const struct attribute *wanted = data;
    struct inode *inode = path->dentry->inode;
    char name[XATTR_NAME_MAX + 1];
    void *value;

    if (mount_flag(path->mount, MS_RDONLY))
        return -EROFS;
    if (wanted->flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    int error = name_get(wanted, name);
    if (!error)
        error = value_get(wanted, &value);
    if (error)
        return error;
    error = may_change(inode, name, wanted->size);
    if (!error)
        error = may_use(inode, name, PERMISSION_WRITE);
    if (!error && !(inode->operations && inode->operations->attribute_set))
        error = none_to_set(inode, name, wanted->size);
    if (!error)
        error = inode_lock(inode);
    if (!error) {
        error = inode->operations->attribute_set(inode, name, value, wanted->size, wanted->flags);
        mutex_release(&inode->lock);
    }
    heap_free(value);
    return error;
}

ssize_t sys_setxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size, int flags)
{
    return by_name(name, WALK_FOLLOW, set, &(struct attribute){attribute, value, size, flags});
}

ssize_t sys_lsetxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size, int flags)
{
    return by_name(name, 0, set, &(struct attribute){attribute, value, size, flags});
}

ssize_t sys_fsetxattr(int descriptor, vaddr_t attribute, vaddr_t value, size_t size, int flags)
{
    return by_descriptor(descriptor, set, &(struct attribute){attribute, value, size, flags});
}

static ssize_t remove(const struct path *path, void *data)
{
    struct inode *inode = path->dentry->inode;
    char name[XATTR_NAME_MAX + 1];

    if (mount_flag(path->mount, MS_RDONLY))
        return -EROFS;
    int error = name_get(data, name);
    if (!error)
        error = may_change(inode, name, 0);
    if (!error)
        error = may_use(inode, name, PERMISSION_WRITE);
    if (!error && !(inode->operations && inode->operations->attribute_remove))
        return none_to_remove(inode, name);
    if (!error)
        error = inode_lock(inode);
    if (!error) {
        error = inode->operations->attribute_remove(inode, name);
        mutex_release(&inode->lock);
    }
    return error;
}

ssize_t sys_removexattr(vaddr_t name, vaddr_t attribute)
{
    return by_name(name, WALK_FOLLOW, remove, &(struct attribute){.name = attribute});
}

ssize_t sys_lremovexattr(vaddr_t name, vaddr_t attribute)
{
    return by_name(name, 0, remove, &(struct attribute){.name = attribute});
}

ssize_t sys_fremovexattr(int descriptor, vaddr_t attribute)
{
    return by_descriptor(descriptor, remove, &(struct attribute){.name = attribute});
}
