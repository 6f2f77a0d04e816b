/* lock.h: fcntl and flock locks, for the files of this room. */
#ifndef BATON_FILE_LOCK_H
#define BATON_FILE_LOCK_H

#include "file/file.h"

void record_locks_free(struct record_locks *locks);
/* A descriptor of `table` for the file is closed: its fcntl locks end (POSIX, fcntl). */
void record_locks_release_owner(struct file *file, const void *table);
/* The open file ends: its flock and OFD locks end. */
void record_locks_release_file(struct file *file);
ssize_t record_lock_control(struct file *file, unsigned command, vaddr_t argument);

#endif
