/*
 * file_system_type.h: what mount(2) knows by a type's name. Rooms above make
 * theirs known at boot.
 */
#ifndef BATON_FILE_TREE_FILE_SYSTEM_TYPE_H
#define BATON_FILE_TREE_FILE_SYSTEM_TYPE_H

#include "file/inode.h"

/* What mount(2) was told. All texts live as long as the call. */
struct mount_request {
    const char *source;  /* NULL: none */
    const char *type;    /* as it was given: with what follows the first dot */
    uint32_t flags;      /* MS_* */
    const char *options; /* NULL: none */
};

struct file_system_type {
    const char *name;
    bool on_device; /* lies on a block device: /proc/filesystems */
    /* A file system, new or shared, with a reference and its root, or an error. May sleep. */
    int (*mount)(const struct mount_request *request, struct file_system **result);
    struct file_system_type *next;
};

/* The caller keeps the storage for ever. At boot only. */
void file_system_type_add(struct file_system_type *type);
/* By its name, of which what follows the first dot tells no more than who serves it ("fuse.sshfs");
   NULL: there is none. */
const struct file_system_type *file_system_type_find(const char *name);
/* In the order in which they were made known; NULL: the first. */
const struct file_system_type *file_system_type_next(const struct file_system_type *type);

#endif
