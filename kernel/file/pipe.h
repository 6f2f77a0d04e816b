/* pipe.h: pipes and FIFOs, for the other files of this room. */
#ifndef BATON_FILE_PIPE_H
#define BATON_FILE_PIPE_H

#include "file/file.h"

/* fcntl's F_GETPIPE_SZ and F_SETPIPE_SZ. -EBADF: not a pipe. */
ssize_t pipe_control_size(struct file *file, unsigned command, uint64_t size);

/* ---- for splice.c; each file is a pipe's. All may sleep. ---- */

bool file_is_pipe(const struct file *file);
/* Is there something to read? Waits for it, unless nonblocking: 1; 0: the end; -EAGAIN,
   -RESTART_CALL. */
int pipe_wait_bytes(struct file *file, bool nonblocking);
/* How many bytes there is room for, in whole pages; waits for some. -EAGAIN, -RESTART_CALL, -EPIPE
   with its signal. Another writer may be quicker. */
ssize_t pipe_wait_room(struct file *file, bool nonblocking);
/* As write(2). */
ssize_t pipe_put(struct file *file, struct transfer *from, bool nonblocking);
/* From here on the caller alone reads, so that what cannot be written elsewhere stays in the pipe.
   0, or -RESTART_CALL. */
int pipe_claim(struct file *file);
void pipe_unclaim(struct file *file);
/* Copies what is in the pipe behind the first `skip` bytes, without taking it: how much. */
size_t pipe_peek(struct file *file, size_t skip, char *buffer, size_t size);
/* Takes so many bytes of what pipe_peek() has shown. */
void pipe_consume(struct file *file, size_t size);

extern const struct file_operations fifo_operations;

#endif
