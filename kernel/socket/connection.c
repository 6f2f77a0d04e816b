/*
 * connection.c: who is connected to whom: bind(2), listen(2), connect(2), accept(2),
 * shutdown(2) and the names of both sides.
 *
 * connect(2) makes the other end itself, connected from the beginning, and puts it in the
 * listener's backlog; accept(2) gives it a file.
 */
#include <asm/errno.h>

#include "file/descriptor_table.h"
#include "memory/user_copy.h"
#include "socket/socket.h"
#include "socket/system_calls.h"
#include "thread/preemption.h"

#define BACKLOG_MAXIMUM 4096 /* listen(2): /proc/sys/net/core/somaxconn */

static struct mutex connection_mutex;

void socket_connections_initialize(void)
{
    mutex_initialize(&connection_mutex, MUTEX_SOCKET_CONNECTIONS);
}

/* connection_mutex held, for these. */
static void set_state(struct socket *socket, enum socket_state state)
{
    mutex_acquire(&socket->lock);
    __atomic_store_n(&socket->state, state, __ATOMIC_RELEASE);
    mutex_release(&socket->lock);
}

static void set_peer(struct socket *socket, struct socket *peer)
{
    socket_reference(peer);
    mutex_acquire(&socket->lock);
    struct socket *old = socket->peer;
    socket->peer = peer;
    __atomic_store_n(&socket->state, SOCKET_CONNECTED, __ATOMIC_RELEASE);
    mutex_release(&socket->lock);
    wait_queue_wake(&socket->changed);
    socket_release(old);
}

static void set_waiting(struct socket *listener, unsigned waiting)
{
    __atomic_store_n(&listener->waiting, waiting, __ATOMIC_RELEASE);
    wait_queue_wake(&listener->changed);
    if (waiting)
        async_tell(&listener->async, POLL_IN);
}

void socket_join(struct socket *first, struct socket *second)
{
    struct socket_identity self = socket_identity_current();

    mutex_acquire(&connection_mutex);
    first->other = self;
    second->other = self;
    set_peer(first, second);
    set_peer(second, first);
    mutex_release(&connection_mutex);
}

struct socket_identity socket_other(struct socket *socket)
{
    mutex_acquire(&connection_mutex);
    struct socket_identity other = socket->other;
    mutex_release(&connection_mutex);
    return other;
}

/* The first of a backlog that nobody accepts from any more; NULL: there is none left. */
static struct socket *take_waiting(struct socket *listener)
{
    mutex_acquire(&connection_mutex);
    struct socket *waiting = TAILQ_FIRST(&listener->backlog);
    if (waiting)
        socket_backlog_remove(listener, waiting, NULL);
    mutex_release(&connection_mutex);
    return waiting;
}

void socket_connections_end(struct socket *socket)
{
    struct socket *waiting;

    mutex_acquire(&connection_mutex);
    set_state(socket, SOCKET_CLOSED);
    mutex_release(&connection_mutex);
    while ((waiting = take_waiting(socket))) {
        /* Never accepted: to who connected that is a reset, as if something were unread. */
        struct socket *peer = socket_peer(waiting);
        if (peer)
            socket_shut_peer(peer, SHUT_BOTH, ECONNRESET);
        socket_release(peer);
        socket_close(waiting);
        thread_preemption_point();
    }
}

/* ---- bind(2), listen(2) ---- */

static int bind_by_name(struct socket *socket, vaddr_t address, int size, uint32_t mode)
{
    struct socket_name name;
    int error = socket_name_from_user(&name, address, size);

    return error ? error : socket_bind(socket, &name, mode);
}

ssize_t sys_bind(int descriptor, vaddr_t address, int size)
{
    struct socket *socket;
    struct file *file;

    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    error = socket->netlink ? netlink_bind(socket, address, size)
                            : bind_by_name(socket, address, size, file->inode->mode);
    file_release(file);
    return error;
}

static int start_listening(struct socket *socket, int backlog)
{
    if (!socket_is_connection(socket))
        return -EOPNOTSUPP;
    if (!__atomic_load_n(&socket->name.length, __ATOMIC_ACQUIRE))
        return -EINVAL;
    int error = 0;
    mutex_acquire(&connection_mutex);
    if (socket->state == SOCKET_CONNECTED) {
        error = -EINVAL;
    } else {
        socket->backlog_limit =
            (unsigned)backlog < BACKLOG_MAXIMUM ? (unsigned)backlog : BACKLOG_MAXIMUM;
        socket->own = socket_identity_current();
        set_state(socket, SOCKET_LISTENING);
    }
    mutex_release(&connection_mutex);
    wait_queue_wake(&socket->changed); /* who waits for room in the backlog */
    return error;
}

ssize_t sys_listen(int descriptor, int backlog)
{
    struct socket *socket;
    struct file *file;

    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    error = start_listening(socket, backlog);
    file_release(file);
    return error;
}

/* ---- connect(2) ---- */

static bool backlog_full(const struct socket *listener)
{
    return __atomic_load_n(&listener->waiting, __ATOMIC_ACQUIRE) > listener->backlog_limit;
}

/* Is it worth trying again? */
static bool backlog_moved(const struct socket *listener)
{
    return __atomic_load_n(&listener->state, __ATOMIC_ACQUIRE) != SOCKET_LISTENING ||
           __atomic_load_n(&listener->shut, __ATOMIC_ACQUIRE) & SHUT_RECEIVE ||
           !backlog_full(listener);
}

/* `end` becomes the listener's side of a connection. 0, -EAGAIN: the backlog is full; … */
static int join_backlog(struct socket *socket, struct socket *listener, struct socket *end)
{
    if (socket->state == SOCKET_CONNECTED)
        return -EISCONN;
    if (socket->state != SOCKET_UNCONNECTED)
        return -EINVAL;
    if (listener->state != SOCKET_LISTENING || listener->shut & SHUT_RECEIVE)
        return -ECONNREFUSED;
    if (backlog_full(listener))
        return -EAGAIN;
    socket_name_of(listener, &end->name);
    end->other = socket_identity_current();
    end->options = listener->options;
    socket->other = listener->own;
    set_peer(end, socket);
    set_peer(socket, end);
    socket_backlog_insert(listener, end);
    set_waiting(listener, listener->waiting + 1);
    return 0;
}

static int connect_to_listener(struct socket *socket, const struct socket_name *name,
                               bool nonblocking)
{
    uint64_t deadline = socket_deadline(&socket->send_timeout);
    struct socket *listener, *end;

    int error = socket_create(socket->type, &end);
    if (error)
        return error;
    for (;;) {
        error = socket_find(name, socket->type, &listener);
        if (error)
            break;
        mutex_acquire(&connection_mutex);
        error = join_backlog(socket, listener, end);
        mutex_release(&connection_mutex);
        bool again = error == -EAGAIN && !nonblocking;
        if (again)
            error = socket_wait_error(wait_event(&listener->changed, backlog_moved(listener),
                                                 THREAD_INTERRUPTIBLE, deadline),
                                      deadline);
        socket_release(listener);
        if (!again || error)
            break;
    }
    if (error)
        socket_release(end);
    return error;
}

/* A datagram socket's peer is only whom send(2) means. */
static int connect_datagrams(struct socket *socket, const struct socket_name *name)
{
    struct socket *receiver;

    int error = socket_find(name, socket->type, &receiver);
    if (error)
        return error;
    struct socket *back = socket_peer(receiver);
    if (back && back != socket) {
        error = -EPERM;
    } else {
        mutex_acquire(&connection_mutex);
        set_peer(socket, receiver);
        mutex_release(&connection_mutex);
    }
    socket_release(back);
    socket_release(receiver);
    return error;
}

static int disconnect_datagrams(struct socket *socket)
{
    mutex_acquire(&connection_mutex);
    mutex_acquire(&socket->lock);
    struct socket *old = socket->peer;
    socket->peer = NULL;
    __atomic_store_n(&socket->state, SOCKET_UNCONNECTED, __ATOMIC_RELEASE);
    mutex_release(&socket->lock);
    mutex_release(&connection_mutex);
    socket_release(old);
    return 0;
}

static int connect(struct file *file, struct socket *socket, vaddr_t address, int size)
{
    struct socket_name name;
    uint16_t family;

    if (!socket_is_connection(socket) && size >= (int)sizeof(family)) {
        if (user_get(&family, address))
            return -EFAULT;
        if (family == AF_UNSPEC)
            return disconnect_datagrams(socket);
    }
    int error = socket_name_from_user(&name, address, size);
    if (error)
        return error;
    if (!name.length)
        return -EINVAL;
    return socket_is_connection(socket) ? connect_to_listener(socket, &name, file_nonblocking(file))
                                        : connect_datagrams(socket, &name);
}

ssize_t sys_connect(int descriptor, vaddr_t address, int size)
{
    struct socket *socket;
    struct file *file;

    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    error = connect(file, socket, address, size);
    file_release(file);
    return error;
}

/* ---- accept(2) ---- */

/* The first that waits gets the file. 0, -EAGAIN: none does; -EINVAL. */
static int take_first(struct socket *listener, struct file *file)
{
    int error = -EAGAIN;

    mutex_acquire(&connection_mutex);
    struct socket *first = TAILQ_FIRST(&listener->backlog);
    if (listener->state != SOCKET_LISTENING) {
        error = -EINVAL;
    } else if (first) {
        socket_backlog_remove(listener, first, file);
        set_waiting(listener, listener->waiting - 1);
        error = 0;
    } else if (listener->shut & SHUT_RECEIVE) {
        error = -EINVAL;
    }
    mutex_release(&connection_mutex);
    return error;
}

static bool accept_moved(const struct socket *listener)
{
    return __atomic_load_n(&listener->waiting, __ATOMIC_ACQUIRE) ||
           __atomic_load_n(&listener->shut, __ATOMIC_ACQUIRE) & SHUT_RECEIVE;
}

static int accept_into(struct socket *listener, struct file *file, bool nonblocking)
{
    uint64_t deadline = socket_deadline(&listener->receive_timeout);
    int error;

    if (!socket_is_connection(listener))
        return -EOPNOTSUPP;
    while ((error = take_first(listener, file)) == -EAGAIN && !nonblocking) {
        error = socket_wait_error(
            wait_event(&listener->changed, accept_moved(listener), THREAD_INTERRUPTIBLE, deadline),
            deadline);
        if (error)
            break;
    }
    return error;
}

/* The name of who connected, as accept(2) and getpeername(2) give it. */
static int peer_name_to_user(struct socket *socket, vaddr_t address, vaddr_t size)
{
    struct socket_name name;

    struct socket *peer = socket_peer(socket);
    if (!peer)
        return -ENOTCONN;
    socket_name_of(peer, &name);
    socket_release(peer);
    return socket_name_to_user(&name, address, size);
}

ssize_t sys_accept4(int descriptor, vaddr_t address, vaddr_t size, int flags)
{
    struct socket *listener;
    struct file *file;

    int error = socket_get(descriptor, &file, &listener);
    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK) && error != -EBADF) {
        if (!error)
            file_release(file);
        return -EINVAL;
    }
    if (error)
        return error;
    int number = descriptor_reserve(0, flags & SOCK_CLOEXEC);
    struct file *accepted = number < 0 ? NULL : socket_file_create((uint32_t)flags);
    error = number < 0 ? number : -ENOMEM;
    if (accepted)
        error = accept_into(listener, accepted, file_nonblocking(file));
    if (!error && address)
        error = peer_name_to_user(accepted->private, address, size);
    if (!error) {
        descriptor_install(number, accepted);
    } else {
        file_release(accepted);
        if (number >= 0)
            descriptor_cancel(number);
    }
    file_release(file);
    return error ? error : number;
}

ssize_t sys_accept(int descriptor, vaddr_t address, vaddr_t size)
{
    return sys_accept4(descriptor, address, size, 0);
}

/* ---- the rest ---- */

ssize_t sys_shutdown(int descriptor, int how)
{
    struct socket *socket;
    struct file *file;

    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    uint32_t directions = (uint32_t)how + 1; /* SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2 */
    if (how < 0 || how > 2) {
        error = -EINVAL;
    } else {
        socket_shut(socket, directions, 0);
        struct socket *peer = socket_is_connection(socket) ? socket_peer(socket) : NULL;
        if (peer) /* what one does not send the other does not receive */
            socket_shut_peer(peer, (directions & SHUT_SEND) >> 1 | (directions & SHUT_RECEIVE) << 1,
                             0);
        socket_release(peer);
    }
    file_release(file);
    return error;
}

ssize_t sys_getsockname(int descriptor, vaddr_t address, vaddr_t size)
{
    struct socket_name name;
    struct socket *socket;
    struct file *file;

    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    socket_name_of(socket, &name);
    error = socket->netlink ? netlink_name_to_user(socket, address, size)
                            : socket_name_to_user(&name, address, size);
    file_release(file);
    return error;
}

ssize_t sys_getpeername(int descriptor, vaddr_t address, vaddr_t size)
{
    struct socket *socket;
    struct file *file;

    int error = socket_get(descriptor, &file, &socket);
    if (error)
        return error;
    error = peer_name_to_user(socket, address, size);
    file_release(file);
    return error;
}
