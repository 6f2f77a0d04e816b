/*
 * regular.h: regular files whose contents lie elsewhere: read through the page cache, written
 * through it (nothing of write(2) waits in it), written back where programs map them.
 */
#ifndef BATON_FILE_BACKED_REGULAR_H
#define BATON_FILE_BACKED_REGULAR_H

#include "file/file.h"

/* Makes it one of these: a regular file, new, whose operations have read_pages. `dirty_pages`:
   where its owner's pages that wait to be written back are counted; outlives the inode. */
void backed_inode_begin(struct inode *inode, uint64_t *dirty_pages);
/* Its end: before the rest of the inode. */
void backed_inode_end(struct inode *inode);

/* For struct file_operations. -EINTR where a fatal signal ended the wait. */
ssize_t backed_read(struct file *file, struct transfer *to, int64_t *offset);
ssize_t backed_write(struct file *file, struct transfer *from, int64_t *offset);
/* The same past the cache (FOPEN_DIRECT_IO, O_DIRECT): what is in it is dropped or written first.
 */
ssize_t backed_read_directly(struct file *file, struct transfer *to, int64_t *offset);
ssize_t backed_write_directly(struct file *file, struct transfer *from, int64_t *offset);
/* struct memory_object's. */
int backed_fetch(struct memory_object *object, uint64_t index, bool write);

/* Writes back what programs wrote through mappings. `file`: through which, or NULL. 0 or the first
   error; what could not be written is dropped. */
int backed_write_back(struct inode *inode, struct file *file);
/* The size became another one elsewhere. */
void backed_size_set(struct inode *inode, uint64_t size);

/* Forgets pages of such files, the longest unused first, when memory ends. True: there were some.
   No address space's mutex held. */
bool backed_reclaim(void);
void backed_initialize(void);

#endif
