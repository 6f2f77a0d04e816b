/* copy.h: bytes from one open file to another, for read_write.c and splice.c. */
#ifndef BATON_FILE_COPY_H
#define BATON_FILE_COPY_H

#include "file/file.h"

#define COPY_BUFFER_SIZE 16384

/* One end of a copy: an open file, at an offset of the caller's or at its own. */
struct copy_end {
    struct file *file;
    vaddr_t offset_address; /* 0: the file's own offset moves */
    int64_t offset;
};

/* Reads or writes, with kernel memory, as read(2) and write(2) or pread(2) and pwrite(2). */
ssize_t copy_end_move(struct copy_end *end, bool writes, void *buffer, size_t size);
/* As splice(2) does; `size` at least 1. Bytes, 0 at the end, or an error. Sleeps unless
   `nonblocking` for bytes and for room. */
ssize_t splice_to_pipe(struct copy_end *in, struct file *out, size_t size, bool nonblocking);
/* Puts back what was read and could not be written, where the file has offsets. */
void copy_end_return(struct copy_end *end, size_t size);

#endif
