/* options.c: getsockopt(2) and setsockopt(2), as socket(7) and unix(7) tell. */
#include <asm/errno.h>
#include <asm/socket.h>
#include <linux/time_types.h>

#include "memory/user_copy.h"
#include "socket/socket.h"
#include "socket/system_calls.h"

/* Options that are on or off; but for SO_PASSCRED nothing depends on them here. */
#define SWITCHES                                                                                   \
    (1U << SO_DEBUG | 1U << SO_REUSEADDR | 1U << SO_DONTROUTE | 1U << SO_BROADCAST |               \
     1U << SO_KEEPALIVE | 1U << SO_OOBINLINE | 1U << SO_NO_CHECK | 1U << SO_PASSCRED)

#define BUFFER_LIMIT_SEND    4608   /* the least that Linux gives: SOCK_MIN_SNDBUF */
#define BUFFER_LIMIT_RECEIVE 2304   /* SOCK_MIN_RCVBUF */
#define BUFFER_LIMIT_MAXIMUM 212992 /* /proc/sys/net/core/wmem_max, rmem_max */

#define MICROSECONDS_PER_SECOND 1000000

struct linger {
    int on, seconds;
};

static bool is_switch(int option)
{
    return option >= 0 && option < 32 && SWITCHES >> option & 1;
}

/* ---- setting ---- */

static int set_switch(struct socket *socket, int option, bool on)
{
    uint32_t bit = 1U << option;

    if (option == SO_DEBUG && on && !credentials_capable(credentials_current(), CAP_NET_ADMIN))
        return -EACCES;
    if (on)
        __atomic_fetch_or(&socket->options, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&socket->options, ~bit, __ATOMIC_RELAXED);
    return 0;
}

/* Twice what is asked for: the kernel's own needs are counted, socket(7). */
static int set_limit(size_t *limit, int value, size_t least)
{
    size_t size = value < 0 || value > BUFFER_LIMIT_MAXIMUM ? BUFFER_LIMIT_MAXIMUM : (size_t)value;

    size *= 2;
    __atomic_store_n(limit, size < least ? least : size, __ATOMIC_RELAXED);
    return 0;
}

static int set_timeout(uint64_t *timeout, vaddr_t address, unsigned size)
{
    struct __kernel_sock_timeval value;

    if (size < sizeof(value))
        return -EINVAL;
    if (user_get(&value, address))
        return -EFAULT;
    if (value.tv_usec < 0 || value.tv_usec >= MICROSECONDS_PER_SECOND)
        return -EDOM;
    /* Negative times do not wait at all; far ones are for ever. */
    uint64_t time = 1;
    if (value.tv_sec >= 0)
        time = value.tv_sec > INT32_MAX ? 0
                                        : (uint64_t)value.tv_sec * NANOSECONDS_PER_SECOND +
                                              (uint64_t)value.tv_usec * 1000;
    __atomic_store_n(timeout, time, __ATOMIC_RELAXED);
    return 0;
}

/* socket(7), SO_PRIORITY: outside 0 to 6 it takes a capability. */
static bool may_prioritise(int priority)
{
    const struct credentials *credentials = credentials_current();

    return (priority >= 0 && priority <= 6) || credentials_capable(credentials, CAP_NET_RAW) ||
           credentials_capable(credentials, CAP_NET_ADMIN);
}

static int set_priority(struct socket *socket, int priority)
{
    if (!may_prioritise(priority))
        return -EPERM;
    __atomic_store_n(&socket->priority, priority, __ATOMIC_RELAXED);
    return 0;
}

/* Nothing here lingers, but what is set is told: the seconds only change while it is on. */
static int set_linger(struct socket *socket, vaddr_t address, unsigned size)
{
    union {
        struct linger value;
        uint64_t whole;
    } linger, old;

    if (size < sizeof(linger.value))
        return -EINVAL;
    if (user_get(&linger.value, address))
        return -EFAULT;
    linger.value.on = linger.value.on != 0;
    old.whole = __atomic_load_n(&socket->linger, __ATOMIC_RELAXED);
    do {
        if (!linger.value.on)
            linger.value.seconds = old.value.seconds;
    } while (!__atomic_compare_exchange_n(&socket->linger, &old.whole, linger.whole, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 0;
}

/* Any of them on replaces another, any of them off ends all, socket(7). */
static int set_stamp(struct socket *socket, int option, bool on)
{
    __atomic_store_n(&socket->stamp, on ? option : 0, __ATOMIC_RELAXED);
    return 0;
}

/* At least a byte, however little is asked for. */
static int set_least_received(struct socket *socket, int value)
{
    int least = value < 0 ? INT32_MAX : value ? value : 1;

    __atomic_store_n(&socket->least_received, least, __ATOMIC_RELAXED);
    return 0;
}

static int set_option(struct socket *socket, int option, vaddr_t address, unsigned size)
{
    int value;

    if (size < sizeof(value))
        return -EINVAL;
    if (user_get(&value, address))
        return -EFAULT;
    if (is_switch(option))
        return set_switch(socket, option, value);
    switch (option) {
    case SO_SNDBUF:
        return set_limit(&socket->send_limit, value, BUFFER_LIMIT_SEND);
    case SO_RCVBUF:
        return set_limit(&socket->receive_limit, value, BUFFER_LIMIT_RECEIVE);
    case SO_SNDTIMEO:
        return set_timeout(&socket->send_timeout, address, size);
    case SO_RCVTIMEO:
        return set_timeout(&socket->receive_timeout, address, size);
    case SO_LINGER:
        return set_linger(socket, address, size);
    case SO_PRIORITY:
        return set_priority(socket, value);
    case SO_RCVLOWAT:
        return set_least_received(socket, value);
    case SO_TIMESTAMP_OLD:
    case SO_TIMESTAMP_NEW:
    case SO_TIMESTAMPNS_OLD:
    case SO_TIMESTAMPNS_NEW:
        return set_stamp(socket, option, value);
    case SO_BSDCOMPAT: /* means nothing since long */
        return 0;
    case SO_ATTACH_FILTER: /* nothing comes that it could keep out */
        return socket->netlink ? 0 : -ENOPROTOOPT;
    case SO_DETACH_FILTER: /* there is none */
        return -ENOENT;
    case SO_REUSEPORT: /* there are no ports */
        return value ? -EOPNOTSUPP : 0;
    case SO_SNDBUFFORCE: /* beyond the limits: nobody gets that here */
    case SO_RCVBUFFORCE:
    case SO_MARK:
        return credentials_capable(credentials_current(), CAP_NET_ADMIN) ? -ENOPROTOOPT : -EPERM;
    default:
        return -ENOPROTOOPT;
    }
}

ssize_t sys_setsockopt(int descriptor, int level, int option, vaddr_t value, int size)
{
    struct socket *socket;
    struct file *file;

    if (size < 0)
        return -EINVAL;
    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    error = level == SOL_SOCKET ? set_option(socket, option, value, (unsigned)size) : -EOPNOTSUPP;
    file_release(file);
    return error;
}

/* ---- getting ---- */

union option_value {
    int number;
    struct linger linger;
    uint64_t whole_linger;
    struct __kernel_sock_timeval time;
    struct socket_identity identity;
};

static size_t give_time(const uint64_t *timeout, union option_value *value)
{
    uint64_t time = __atomic_load_n(timeout, __ATOMIC_RELAXED);

    value->time = (struct __kernel_sock_timeval){
        .tv_sec = (long long)(time / NANOSECONDS_PER_SECOND),
        .tv_usec = (long long)(time % NANOSECONDS_PER_SECOND / 1000),
    };
    return sizeof(value->time);
}

/* Is it this one? As on Linux, SO_TIMESTAMP_NEW is what is not SO_TIMESTAMP_OLD. */
static bool is_stamped(const struct socket *socket, int option)
{
    int stamp = __atomic_load_n(&socket->stamp, __ATOMIC_RELAXED);

    return stamp == option || (option == SO_TIMESTAMP_NEW && stamp == SO_TIMESTAMPNS_NEW);
}

/* The option's value and its size, or -ENOPROTOOPT. */
static ssize_t get_option(struct socket *socket, int option, union option_value *value)
{
    if (is_switch(option)) {
        value->number = socket_option(socket, (unsigned)option);
        return sizeof(int);
    }
    switch (option) {
    case SO_TYPE:
        value->number = (int)socket->type;
        return sizeof(int);
    case SO_DOMAIN:
        value->number = socket->netlink ? AF_NETLINK : AF_UNIX;
        return sizeof(int);
    case SO_PROTOCOL:
    case SO_BSDCOMPAT:
    case SO_REUSEPORT:
        value->number = 0;
        return sizeof(int);
    case SO_ERROR:
        value->number = __atomic_exchange_n(&socket->error, 0, __ATOMIC_ACQ_REL);
        return sizeof(int);
    case SO_ACCEPTCONN:
        value->number = __atomic_load_n(&socket->state, __ATOMIC_ACQUIRE) == SOCKET_LISTENING;
        return sizeof(int);
    case SO_SNDBUF:
        value->number = (int)__atomic_load_n(&socket->send_limit, __ATOMIC_RELAXED);
        return sizeof(int);
    case SO_RCVBUF:
        value->number = (int)__atomic_load_n(&socket->receive_limit, __ATOMIC_RELAXED);
        return sizeof(int);
    case SO_PRIORITY:
        value->number = __atomic_load_n(&socket->priority, __ATOMIC_RELAXED);
        return sizeof(int);
    case SO_RCVLOWAT:
        value->number = __atomic_load_n(&socket->least_received, __ATOMIC_RELAXED);
        return sizeof(int);
    case SO_TIMESTAMP_OLD:
    case SO_TIMESTAMP_NEW:
    case SO_TIMESTAMPNS_OLD:
    case SO_TIMESTAMPNS_NEW:
        value->number = is_stamped(socket, option);
        return sizeof(int);
    case SO_SNDLOWAT:
        value->number = 1;
        return sizeof(int);
    case SO_SNDTIMEO:
        return (ssize_t)give_time(&socket->send_timeout, value);
    case SO_RCVTIMEO:
        return (ssize_t)give_time(&socket->receive_timeout, value);
    case SO_LINGER:
        value->whole_linger = __atomic_load_n(&socket->linger, __ATOMIC_RELAXED);
        return sizeof(value->linger);
    case SO_PEERCRED:
        value->identity = socket_other(socket);
        return sizeof(value->identity);
    default:
        return -ENOPROTOOPT;
    }
}

static int option_to_user(struct socket *socket, int option, vaddr_t address, vaddr_t size_address)
{
    union option_value value;
    int room;

    if (user_get(&room, size_address))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    ssize_t size = get_option(socket, option, &value);
    if (size < 0)
        return (int)size;
    if (room > size)
        room = (int)size;
    if (user_copy_out(address, &value, (size_t)room))
        return -EFAULT;
    return user_put(size_address, &room);
}

ssize_t sys_getsockopt(int descriptor, int level, int option, vaddr_t value, vaddr_t size)
{
    struct socket *socket;
    struct file *file;

    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    error = level == SOL_SOCKET ? option_to_user(socket, option, value, size) : -EOPNOTSUPP;
    file_release(file);
    return error;
}
