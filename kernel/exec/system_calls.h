/* system_calls.h: this room's system calls, as kernel/process/system_calls.h says. */
#ifndef BATON_EXEC_SYSTEM_CALLS_H
#define BATON_EXEC_SYSTEM_CALLS_H

#include "library/types.h"

ssize_t sys_execve(vaddr_t path, vaddr_t arguments, vaddr_t environment);
ssize_t sys_execveat(int directory, vaddr_t path, vaddr_t arguments, vaddr_t environment,
                     int flags);

#endif
