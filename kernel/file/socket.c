/* socket.c: sockets are not there yet: every family is unknown. */
#include <asm/errno.h>

#include "file/system_calls.h"

ssize_t sys_socket(int family, int type, int protocol)
{
    (void)family;
    (void)type;
    (void)protocol;
    return -EAFNOSUPPORT;
}

ssize_t sys_socketpair(int family, int type, int protocol, vaddr_t descriptors)
{
    (void)family;
    (void)type;
    (void)protocol;
    (void)descriptors;
    return -EAFNOSUPPORT;
}
