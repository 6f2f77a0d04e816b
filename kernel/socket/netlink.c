/*
 * netlink.c: sockets of AF_NETLINK (netlink(7)) for the kernel's events about devices, which libusb
 * and udev's library want to have before they begin. Nothing is told by them: there are no such
 * events yet. They are datagram sockets that nobody can send to; of other families of netlink there
 * is none.
 */
#include <asm/errno.h>
#include <linux/netlink.h>

#include "file/hooks.h"
#include "memory/user_copy.h"
#include "socket/socket.h"

bool netlink_is_known(uint32_t type, int protocol)
{
    return (type == SOCK_RAW || type == SOCK_DGRAM) && protocol == NETLINK_KOBJECT_UEVENT;
}

/* Port 0: one that nobody else has; of a process's first socket it is its number. */
int netlink_bind(struct socket *socket, vaddr_t address, int size)
{
    struct sockaddr_nl name;

    if (size < (int)sizeof(name))
        return -EINVAL;
    if (user_get(&name, address))
        return -EFAULT;
    if (name.nl_family != AF_NETLINK)
        return -EINVAL;
    uint32_t port = name.nl_pid ? name.nl_pid : (uint32_t)file_hooks.process_number();
    __atomic_store_n(&socket->netlink_port, port, __ATOMIC_RELAXED);
    __atomic_store_n(&socket->netlink_groups, name.nl_groups, __ATOMIC_RELAXED);
    return 0;
}

int netlink_name_to_user(const struct socket *socket, vaddr_t address, vaddr_t size_address)
{
    const struct sockaddr_nl name = {
        .nl_family = AF_NETLINK,
        .nl_pid = __atomic_load_n(&socket->netlink_port, __ATOMIC_RELAXED),
        .nl_groups = __atomic_load_n(&socket->netlink_groups, __ATOMIC_RELAXED),
    };

    return socket_address_to_user(&name, sizeof(name), address, size_address);
}
