/* system_calls.h: this room's system calls, as kernel/process/system_calls.h says. */
#ifndef BATON_SOCKET_SYSTEM_CALLS_H
#define BATON_SOCKET_SYSTEM_CALLS_H

#include "library/types.h"

/* socket.c */
ssize_t sys_socket(int family, int type, int protocol);
ssize_t sys_socketpair(int family, int type, int protocol, vaddr_t descriptors);

/* connection.c, name.c */
ssize_t sys_bind(int descriptor, vaddr_t address, int size);
ssize_t sys_listen(int descriptor, int backlog);
ssize_t sys_connect(int descriptor, vaddr_t address, int size);
ssize_t sys_accept(int descriptor, vaddr_t address, vaddr_t size);
ssize_t sys_accept4(int descriptor, vaddr_t address, vaddr_t size, int flags);
ssize_t sys_shutdown(int descriptor, int how);
ssize_t sys_getsockname(int descriptor, vaddr_t address, vaddr_t size);
ssize_t sys_getpeername(int descriptor, vaddr_t address, vaddr_t size);

/* transfer.c */
ssize_t sys_sendto(int descriptor, vaddr_t buffer, size_t size, uint32_t flags, vaddr_t address,
                   int address_size);
ssize_t sys_sendmsg(int descriptor, vaddr_t message, uint32_t flags);
ssize_t sys_sendmmsg(int descriptor, vaddr_t messages, unsigned count, uint32_t flags);
ssize_t sys_recvfrom(int descriptor, vaddr_t buffer, size_t size, uint32_t flags, vaddr_t address,
                     vaddr_t address_size);
ssize_t sys_recvmsg(int descriptor, vaddr_t message, uint32_t flags);
ssize_t sys_recvmmsg(int descriptor, vaddr_t messages, unsigned count, uint32_t flags,
                     vaddr_t time);

/* options.c */
ssize_t sys_setsockopt(int descriptor, int level, int option, vaddr_t value, int size);
ssize_t sys_getsockopt(int descriptor, int level, int option, vaddr_t value, vaddr_t size);

#endif
