/* working_directory.c: chdir(2), chroot(2), getcwd(2), umask(2). */
#include <asm/errno.h>

#include "file/descriptor_table.h"
#include "file/system_calls.h"
#include "file/tree/file_system_context.h"
#include "file/tree/walk.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

/* Puts the path (whose references pass) in the place of one of the context's two. */
static void context_set(struct file_system_context *context, struct path *which, struct path path)
{
    spinlock_acquire(&context->lock);
    struct path old = *which;
    *which = path;
    spinlock_release(&context->lock);
    path_release(&old);
}

/* The directory of this name, which the caller may search, with references. */
static int directory_lookup(vaddr_t name, struct path *path)
{
    int error = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, path);
    if (error)
        return error;
    error = inode_permission(path->dentry->inode, PERMISSION_EXECUTE | PERMISSION_ASKED,
                             credentials_current());
    if (error)
        path_release(path);
    return error;
}

ssize_t sys_chdir(vaddr_t name)
{
    struct file_system_context *context = thread_current()->file_system;
    struct path path;

    int error = directory_lookup(name, &path);
    if (!error)
        context_set(context, &context->working, path);
    return error;
}

ssize_t sys_fchdir(int descriptor)
{
    struct file_system_context *context = thread_current()->file_system;

    struct file *file = descriptor_get_any(descriptor);
    if (!file)
        return -EBADF;
    int error = -ENOTDIR;
    if (S_ISDIR(file->inode->mode))
        error = inode_permission(file->inode, PERMISSION_EXECUTE | PERMISSION_ASKED,
                                 credentials_current());
    if (!error) {
        path_reference(&file->path);
        context_set(context, &context->working, file->path);
    }
    file_release(file);
    return error;
}

ssize_t sys_chroot(vaddr_t name)
{
    struct file_system_context *context = thread_current()->file_system;
    struct path path;

    int error = directory_lookup(name, &path);
    if (error)
        return error;
    if (!credentials_capable(credentials_current(), CAP_SYS_CHROOT)) {
        path_release(&path);
        return -EPERM;
    }
    context_set(context, &context->root, path);
    return 0;
}

ssize_t sys_getcwd(vaddr_t buffer, size_t size)
{
    struct path working;

    char *text = heap_allocate(PATH_SIZE_MAXIMUM);
    if (!text)
        return -ENOMEM;
    file_system_context_working(thread_current()->file_system, &working);
    ssize_t length = path_describe(&working, NULL, false, text, PATH_SIZE_MAXIMUM);
    path_release(&working);
    if (length >= 0) {
        length++; /* the answer counts the NUL */
        if ((size_t)length > size)
            length = -ERANGE;
        else if (user_copy_out(buffer, text, (size_t)length))
            length = -EFAULT;
    }
    heap_free(text);
    return length;
}

ssize_t sys_umask(unsigned mask)
{
    struct file_system_context *context = thread_current()->file_system;
    return __atomic_exchange_n(&context->umask, mask & 0777, __ATOMIC_RELAXED);
}
