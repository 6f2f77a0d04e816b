/*
 * system_calls.h: the system calls of this room, for the table in syscall/.
 * Arguments are in the order of Linux's x86-64 convention; user addresses are
 * vaddr_t, results are values or negative errnos (also RESTART_* codes).
 */
#ifndef BATON_FILE_SYSTEM_CALLS_H
#define BATON_FILE_SYSTEM_CALLS_H

#include "library/types.h"

/* read_write.c */
ssize_t sys_read(int descriptor, vaddr_t buffer, size_t size);
ssize_t sys_write(int descriptor, vaddr_t buffer, size_t size);
ssize_t sys_pread64(int descriptor, vaddr_t buffer, size_t size, int64_t offset);
ssize_t sys_pwrite64(int descriptor, vaddr_t buffer, size_t size, int64_t offset);
ssize_t sys_readv(int descriptor, vaddr_t vector, unsigned long count);
ssize_t sys_writev(int descriptor, vaddr_t vector, unsigned long count);
ssize_t sys_preadv(int descriptor, vaddr_t vector, unsigned long count, int64_t offset);
ssize_t sys_pwritev(int descriptor, vaddr_t vector, unsigned long count, int64_t offset);
ssize_t sys_preadv2(int descriptor, vaddr_t vector, unsigned long count, int64_t offset,
                    uint64_t high, int flags);
ssize_t sys_pwritev2(int descriptor, vaddr_t vector, unsigned long count, int64_t offset,
                     uint64_t high, int flags);
ssize_t sys_lseek(int descriptor, int64_t offset, unsigned whence);
ssize_t sys_sendfile(int out, int in, vaddr_t offset, size_t count);
ssize_t sys_copy_file_range(int in, vaddr_t in_offset, int out, vaddr_t out_offset, size_t size,
                            unsigned flags);
ssize_t sys_splice(int in, vaddr_t in_offset, int out, vaddr_t out_offset, size_t size,
                   unsigned flags);
ssize_t sys_tee(int in, int out, size_t size, unsigned flags);
ssize_t sys_vmsplice(int descriptor, vaddr_t vector, unsigned long count, unsigned flags);

/* open.c */
ssize_t sys_open(vaddr_t name, int flags, unsigned mode);
ssize_t sys_openat(int directory, vaddr_t name, int flags, unsigned mode);
ssize_t sys_openat2(int directory, vaddr_t name, vaddr_t how, size_t size);
ssize_t sys_creat(vaddr_t name, unsigned mode);
ssize_t sys_memfd_create(vaddr_t name, unsigned flags);

/* descriptor_calls.c */
ssize_t sys_close(int descriptor);
ssize_t sys_close_range(unsigned first, unsigned last, unsigned flags);
ssize_t sys_dup(int descriptor);
ssize_t sys_dup2(int descriptor, int wanted);
ssize_t sys_dup3(int descriptor, int wanted, int flags);
ssize_t sys_fcntl(int descriptor, unsigned command, uint64_t argument);
ssize_t sys_ioctl(int descriptor, unsigned command, vaddr_t argument);
ssize_t sys_flock(int descriptor, unsigned operation);

/* stat.c */
ssize_t sys_stat(vaddr_t name, vaddr_t result);
ssize_t sys_lstat(vaddr_t name, vaddr_t result);
ssize_t sys_fstat(int descriptor, vaddr_t result);
ssize_t sys_newfstatat(int directory, vaddr_t name, vaddr_t result, int flags);
ssize_t sys_statx(int directory, vaddr_t name, unsigned flags, unsigned mask, vaddr_t result);
ssize_t sys_statfs(vaddr_t name, vaddr_t result);
ssize_t sys_fstatfs(int descriptor, vaddr_t result);
ssize_t sys_access(vaddr_t name, int mode);
ssize_t sys_faccessat(int directory, vaddr_t name, int mode);
ssize_t sys_faccessat2(int directory, vaddr_t name, int mode, int flags);
ssize_t sys_readlink(vaddr_t name, vaddr_t buffer, int size);
ssize_t sys_readlinkat(int directory, vaddr_t name, vaddr_t buffer, int size);

/* attributes.c */
ssize_t sys_chmod(vaddr_t name, unsigned mode);
ssize_t sys_fchmod(int descriptor, unsigned mode);
ssize_t sys_fchmodat(int directory, vaddr_t name, unsigned mode);
ssize_t sys_chown(vaddr_t name, unsigned user, unsigned group);
ssize_t sys_lchown(vaddr_t name, unsigned user, unsigned group);
ssize_t sys_fchown(int descriptor, unsigned user, unsigned group);
ssize_t sys_fchownat(int directory, vaddr_t name, unsigned user, unsigned group, int flags);
ssize_t sys_utime(vaddr_t name, vaddr_t times);
ssize_t sys_utimes(vaddr_t name, vaddr_t times);
ssize_t sys_futimesat(int directory, vaddr_t name, vaddr_t times);
ssize_t sys_utimensat(int directory, vaddr_t name, vaddr_t times, int flags);
ssize_t sys_truncate(vaddr_t name, int64_t size);
ssize_t sys_ftruncate(int descriptor, int64_t size);
ssize_t sys_fallocate(int descriptor, int mode, int64_t offset, int64_t size);
ssize_t sys_sync(void);
ssize_t sys_syncfs(int descriptor);
ssize_t sys_fsync(int descriptor);
ssize_t sys_fdatasync(int descriptor);
ssize_t sys_sync_file_range(int descriptor, int64_t offset, int64_t size, unsigned flags);
ssize_t sys_fadvise64(int descriptor, int64_t offset, size_t size, int advice);
ssize_t sys_readahead(int descriptor, int64_t offset, size_t size);
ssize_t sys_getxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size);
ssize_t sys_lgetxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size);
ssize_t sys_fgetxattr(int descriptor, vaddr_t attribute, vaddr_t value, size_t size);
ssize_t sys_listxattr(vaddr_t name, vaddr_t list, size_t size);
ssize_t sys_llistxattr(vaddr_t name, vaddr_t list, size_t size);
ssize_t sys_flistxattr(int descriptor, vaddr_t list, size_t size);
ssize_t sys_setxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size, int flags);
ssize_t sys_lsetxattr(vaddr_t name, vaddr_t attribute, vaddr_t value, size_t size, int flags);
ssize_t sys_fsetxattr(int descriptor, vaddr_t attribute, vaddr_t value, size_t size, int flags);
ssize_t sys_removexattr(vaddr_t name, vaddr_t attribute);
ssize_t sys_lremovexattr(vaddr_t name, vaddr_t attribute);
ssize_t sys_fremovexattr(int descriptor, vaddr_t attribute);

/* names.c */
ssize_t sys_mkdir(vaddr_t name, unsigned mode);
ssize_t sys_mkdirat(int directory, vaddr_t name, unsigned mode);
ssize_t sys_mknod(vaddr_t name, unsigned mode, unsigned device);
ssize_t sys_mknodat(int directory, vaddr_t name, unsigned mode, unsigned device);
ssize_t sys_rmdir(vaddr_t name);
ssize_t sys_unlink(vaddr_t name);
ssize_t sys_unlinkat(int directory, vaddr_t name, int flags);
ssize_t sys_rename(vaddr_t from, vaddr_t to);
ssize_t sys_renameat(int from_directory, vaddr_t from, int to_directory, vaddr_t to);
ssize_t sys_renameat2(int from_directory, vaddr_t from, int to_directory, vaddr_t to,
                      unsigned flags);
ssize_t sys_link(vaddr_t from, vaddr_t to);
ssize_t sys_linkat(int from_directory, vaddr_t from, int to_directory, vaddr_t to, int flags);
ssize_t sys_symlink(vaddr_t target, vaddr_t name);
ssize_t sys_symlinkat(vaddr_t target, int directory, vaddr_t name);

/* directory.c */
ssize_t sys_getdents(int descriptor, vaddr_t buffer, unsigned size);
ssize_t sys_getdents64(int descriptor, vaddr_t buffer, unsigned size);

/* file_system_context.c */
ssize_t sys_getcwd(vaddr_t buffer, size_t size);
ssize_t sys_chdir(vaddr_t name);
ssize_t sys_fchdir(int descriptor);
ssize_t sys_chroot(vaddr_t name);
ssize_t sys_umask(unsigned mask);

/* mount.c */
ssize_t sys_mount(vaddr_t source, vaddr_t target, vaddr_t type, unsigned long flags, vaddr_t data);
ssize_t sys_umount2(vaddr_t target, int flags);

/* pipe.c */
ssize_t sys_pipe(vaddr_t descriptors);
ssize_t sys_pipe2(vaddr_t descriptors, int flags);

/* poll.c */
ssize_t sys_poll(vaddr_t descriptors, unsigned count, int milliseconds);
ssize_t sys_ppoll(vaddr_t descriptors, unsigned count, vaddr_t time, vaddr_t mask, size_t size);
ssize_t sys_select(int count, vaddr_t read, vaddr_t write, vaddr_t except, vaddr_t time);
ssize_t sys_pselect6(int count, vaddr_t read, vaddr_t write, vaddr_t except, vaddr_t time,
                     vaddr_t mask);

/* epoll.c */
ssize_t sys_epoll_create(int size);
ssize_t sys_epoll_create1(int flags);
ssize_t sys_epoll_ctl(int epoll, int operation, int descriptor, vaddr_t event);
ssize_t sys_epoll_wait(int epoll, vaddr_t events, int count, int milliseconds);
ssize_t sys_epoll_pwait(int epoll, vaddr_t events, int count, int milliseconds, vaddr_t mask,
                        size_t size);
ssize_t sys_epoll_pwait2(int epoll, vaddr_t events, int count, vaddr_t time, vaddr_t mask,
                         size_t size);

/* poll/eventfd.c */
ssize_t sys_eventfd(unsigned value);
ssize_t sys_eventfd2(unsigned value, int flags);

/* mmap.c */
ssize_t sys_mmap(vaddr_t address, size_t size, unsigned long protection, unsigned long flags,
                 int descriptor, uint64_t offset);

/* memory_devices.c */
ssize_t sys_getrandom(vaddr_t buffer, size_t size, unsigned flags);

/* kernel_log.c */
ssize_t sys_syslog(int type, vaddr_t buffer, int size);

#endif
