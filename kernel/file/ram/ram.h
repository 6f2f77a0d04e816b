/* ram.h: file systems in memory, for the files of this room. */
#ifndef BATON_FILE_RAM_RAM_H
#define BATON_FILE_RAM_RAM_H

#include "file/tree/path.h"

struct memory_options;
/* Makes tmpfs and ramfs known. */
void ram_initialize(void);
/* A RAM file system with an empty root directory of this mode, unless the options say another;
   one reference. NULL: no memory. */
struct file_system *ram_file_system_create(const char *type, uint32_t mode,
                                           const struct memory_options *options);
/* An inode of it, owned by user 0; one reference. `link_target`: of a symbolic link, is copied; or
   NULL. 0, -ENOMEM, -ENOSPC. */
int ram_inode_create(struct file_system *file_system, uint32_t mode, uint64_t device,
                     const char *link_target, struct inode **result);
/* An inode as names in `directory` get it, without a name: also for O_TMPFILE. */
int ram_inode_create_in(const struct inode *directory, const struct creation *creation,
                        struct inode **result);
/* What directories do with names in memory: ram/names.c. */
extern const struct inode_operations ram_directory_inode_operations;

#endif
