/*
 * pidfd.h: a process that is held by a descriptor (pidfd_open(2)), for fork, wait and the
 * calls that take one.
 */
#ifndef BATON_PROCESS_PIDFD_H
#define BATON_PROCESS_PIDFD_H

#include "file/file.h"
#include "process/process.h"

/*
 * A file for the process, and a descriptor reserved for it; `nonblocking`: O_NONBLOCK. The
 * descriptor, with *file, for descriptor_install(); or -EMFILE, -ENOMEM.
 */
int process_file_prepare(struct process *process, bool nonblocking, struct file **file);

/* The process behind a descriptor, with a reference; NULL: it is no such descriptor (-EBADF).
 *nonblocking: O_NONBLOCK is set. */
struct process *process_file_get(int descriptor, bool *nonblocking);
/* The same, or of an open directory /proc/PID (pidfd_send_signal(2)). */
struct process *process_file_or_directory_get(int descriptor);

#endif
