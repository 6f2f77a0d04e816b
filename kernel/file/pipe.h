/* pipe.h: pipes and FIFOs, for the other files of this room. */
#ifndef BATON_FILE_PIPE_H
#define BATON_FILE_PIPE_H

#include "file/file.h"

/* fcntl's F_GETPIPE_SZ and F_SETPIPE_SZ. -EBADF: not a pipe. */
ssize_t pipe_control_size(struct file *file, unsigned command, uint64_t size);

#endif
