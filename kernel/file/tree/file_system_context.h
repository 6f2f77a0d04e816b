/*
 * file_system_context.h: where a process stands in the file system. Shared by
 * threads (CLONE_FS) through references.
 */
#ifndef BATON_FILE_TREE_FILE_SYSTEM_CONTEXT_H
#define BATON_FILE_TREE_FILE_SYSTEM_CONTEXT_H

#include "file/tree/path.h"

struct file_system_context {
    uint32_t references; /* atomic */
    struct spinlock lock;
    struct path root;    /* lock; references are held */
    struct path working; /* lock; references are held */
    uint32_t umask;      /* atomic */
};

/* At the root of the first mount, umask 022; one reference. NULL: no memory. */
struct file_system_context *file_system_context_create(void);
struct file_system_context *file_system_context_copy(struct file_system_context *from);
static inline void file_system_context_reference(struct file_system_context *context)
{
    __atomic_fetch_add(&context->references, 1, __ATOMIC_RELAXED);
}
/* May sleep. NULL allowed. */
void file_system_context_release(struct file_system_context *context);

/* With references, for the caller to release. `context` NULL (kernel threads): the first root. */
void file_system_context_root(struct file_system_context *context, struct path *path);
void file_system_context_working(struct file_system_context *context, struct path *path);

#endif
