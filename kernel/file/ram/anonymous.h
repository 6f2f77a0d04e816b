/* anonymous.h: files without a place, for this room and that of sockets. */
#ifndef BATON_FILE_RAM_ANONYMOUS_H
#define BATON_FILE_RAM_ANONYMOUS_H

#include "file/file.h"

/* File systems that are mounted nowhere: what statfs(2) says a file is of. */
enum internal_file_system {
    INTERNAL_ANONYMOUS, /* eventfd, epoll, … */
    INTERNAL_PIPES,
    INTERNAL_SOCKETS,
    INTERNAL_MEMORY, /* memfd */
    INTERNAL_FILE_SYSTEM_COUNT
};

int anonymous_initialize(void);
/* An inode of such a file system, owned by the caller; one reference. NULL: no memory. */
struct inode *internal_inode_create(enum internal_file_system which, uint32_t mode,
                                    const struct inode_operations *operations,
                                    const struct file_operations *file_operations);
/* A file on it that is shown under this name. Access as in the flags. NULL: no memory. */
struct file *internal_file_create(const char *name, size_t length, struct inode *inode,
                                  const struct file_operations *operations, uint32_t flags);
int memory_file_create(const char *name, size_t length, bool sealable, struct file **result);

#endif
