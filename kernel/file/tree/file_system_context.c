/* file_system_context.c: root and working directory, shared by threads. */
#include "file/tree/file_system_context.h"

#include "file/tree/mount.h"
#include "file/tree/walk.h"
#include "memory/heap.h"

struct file_system_context *file_system_context_create(void)
{
    struct file_system_context *context = heap_allocate_zeroed(sizeof(*context));
    if (!context)
        return NULL;
    context->references = 1;
    context->umask = 022;
    file_system_context_root(NULL, &context->root);
    file_system_context_root(NULL, &context->working);
    return context;
}

struct file_system_context *file_system_context_copy(struct file_system_context *from)
{
    struct file_system_context *context = heap_allocate_zeroed(sizeof(*context));
    if (!context)
        return NULL;
    context->references = 1;
    spinlock_acquire(&from->lock);
    context->umask = from->umask;
    context->root = from->root;
    context->working = from->working;
    path_reference(&context->root);
    path_reference(&context->working);
    spinlock_release(&from->lock);
    return context;
}

void file_system_context_release(struct file_system_context *context)
{
    if (!context || __atomic_sub_fetch(&context->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    path_release(&context->root);
    path_release(&context->working);
    heap_free(context);
}

void file_system_context_root(struct file_system_context *context, struct path *path)
{
    if (!context) {
        *path = (struct path){root_mount, root_mount->root};
        path_reference(path);
        path_enter_mounts(path);
        return;
    }
    spinlock_acquire(&context->lock);
    *path = context->root;
    path_reference(path);
    spinlock_release(&context->lock);
}

void file_system_context_working(struct file_system_context *context, struct path *path)
{
    if (!context) {
        file_system_context_root(NULL, path);
        return;
    }
    spinlock_acquire(&context->lock);
    *path = context->working;
    path_reference(path);
    spinlock_release(&context->lock);
}
