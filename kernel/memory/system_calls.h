/*
 * system_calls.h: the memory room's system calls. mmap(2) is the file room's:
 * it takes a descriptor.
 */
#ifndef BATON_MEMORY_SYSTEM_CALLS_H
#define BATON_MEMORY_SYSTEM_CALLS_H

#include "library/types.h"

ssize_t sys_brk(vaddr_t address);
ssize_t sys_munmap(vaddr_t address, size_t size);
ssize_t sys_mprotect(vaddr_t address, size_t size, uint64_t protection);
ssize_t sys_mremap(vaddr_t address, size_t old_size, size_t new_size, uint64_t flags,
                   vaddr_t new_address);
ssize_t sys_madvise(vaddr_t address, size_t size, int advice);
ssize_t sys_msync(vaddr_t address, size_t size, int flags);
ssize_t sys_mincore(vaddr_t address, size_t size, vaddr_t vector);
ssize_t sys_mlock(vaddr_t address, size_t size);
ssize_t sys_mlock2(vaddr_t address, size_t size, int flags);
ssize_t sys_munlock(vaddr_t address, size_t size);
ssize_t sys_mlockall(int flags);
ssize_t sys_munlockall(void);

#endif
