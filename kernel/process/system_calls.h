/*
 * system_calls.h: the process room's system calls. Each takes what the manual
 * page says, user addresses as vaddr_t, and returns a result or a negative
 * errno. No parameter is narrower than int: the upper half of such a register
 * is the program's, but below 32 bits C trusts its caller.
 */
#ifndef BATON_PROCESS_SYSTEM_CALLS_H
#define BATON_PROCESS_SYSTEM_CALLS_H

#include "library/types.h"

/* fork.c */
ssize_t sys_fork(void);
ssize_t sys_vfork(void);
ssize_t sys_clone(uint64_t flags, vaddr_t stack, vaddr_t parent_tid, vaddr_t child_tid,
                  uint64_t thread_pointer);
ssize_t sys_clone3(vaddr_t arguments, size_t size);
ssize_t sys_set_tid_address(vaddr_t address);

/* exec.c */
ssize_t sys_execve(vaddr_t path, vaddr_t arguments, vaddr_t environment);
ssize_t sys_execveat(int directory, vaddr_t path, vaddr_t arguments, vaddr_t environment,
                     int flags);

/* exit.c, wait.c */
ssize_t sys_exit(int code);
ssize_t sys_exit_group(int code);
ssize_t sys_wait4(int id, vaddr_t status, int options, vaddr_t usage);
ssize_t sys_waitid(int type, int id, vaddr_t information, int options, vaddr_t usage);

/* process_group.c, process.c */
ssize_t sys_getpid(void);
ssize_t sys_gettid(void);
ssize_t sys_getppid(void);
ssize_t sys_getpgrp(void);
ssize_t sys_getpgid(int id);
ssize_t sys_setpgid(int id, int group);
ssize_t sys_getsid(int id);
ssize_t sys_setsid(void);

#endif
