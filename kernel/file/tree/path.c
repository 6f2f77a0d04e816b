/* path.c: a place as text, as getcwd(2) and readlink(2) of /proc tell it. */
#include "file/tree/path.h"

#include <asm/errno.h>
#include <linux/mount.h>

#include "file/tree/file_system_context.h"
#include "library/string.h"

/* Puts text before what the buffer's end holds already. */
static int prepend(char *buffer, size_t *start, const char *text, size_t length)
{
    if (*start < length)
        return -ENAMETOOLONG;
    *start -= length;
    memcpy(buffer + *start, text, length);
    return 0;
}

ssize_t path_describe(const struct path *path, const struct path *root, bool deleted, char *buffer,
                      size_t size)
{
    struct path own_root = {NULL, NULL};
    if (!root) {
        file_system_context_root(thread_current()->file_system, &own_root);
        root = &own_root;
    }

    size_t start = size;
    struct path at = *path;
    int error = prepend(buffer, &start, "", 1);
    spinlock_acquire(&tree_lock);
    if (!at.dentry->linked) {
        if (!deleted)
            error = -ENOENT;
        else if (!error)
            error = prepend(buffer, &start, " (deleted)", 10);
    }
    if (at.mount->file_system->internal) {
        /* "pipe:[7]": its name is all it has; but a file in memory is shown as on Linux. */
        bool in_memory = S_ISREG(at.dentry->inode->mode);
        if (!error && in_memory)
            error = prepend(buffer, &start, " (deleted)", 10);
        if (!error)
            error = prepend(buffer, &start, at.dentry->name, at.dentry->name_length);
        if (!error && in_memory)
            error = prepend(buffer, &start, "/", 1);
    } else {
        bool named = false;
        while (!error && !path_equal(&at, root)) {
            if (at.dentry == at.mount->root) {
                if (!at.mount->parent)
                    break;
                at = (struct path){at.mount->parent, at.mount->place};
                continue;
            }
            error = prepend(buffer, &start, at.dentry->name, at.dentry->name_length);
            if (!error)
                error = prepend(buffer, &start, "/", 1);
            named = true;
            at.dentry = at.dentry->parent;
        }
        if (!error && !named)
            error = prepend(buffer, &start, "/", 1);
        if (!error && !path_equal(&at, root) && root->mount)
            error = prepend(buffer, &start, "(unreachable)", 13);
    }
    spinlock_release(&tree_lock);
    if (own_root.mount)
        path_release(&own_root);
    if (error)
        return error;
    memmove(buffer, buffer + start, size - start);
    return (ssize_t)(size - start - 1);
}

bool path_may_execute(const struct path *path)
{
    return !mount_flag(path->mount, MS_NOEXEC) && !path->mount->file_system->no_execute;
}
