/* socket.c: AF_UNIX sockets (unix(7)): their life, and what they do as files. */
#include "socket/socket.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/sockios.h>

#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/ram/anonymous.h"
#include "library/format.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"
#include "socket/system_calls.h"
#include "thread/restart.h"

/* Of memory, what the sockets of one user but the superuser may take; then socket(2) says ENFILE.
 */
#define SOCKETS_PART         16
#define BUFFER_LIMIT_DEFAULT 212992 /* socket(7): /proc/sys/net/core/wmem_default */

static const struct file_operations socket_operations;

struct socket_identity socket_identity_current(void)
{
    const struct credentials *credentials = credentials_current();
    return (struct socket_identity){.process = file_hooks.process_number(),
                                    .user = credentials->effective_user,
                                    .group = credentials->effective_group};
}

void sockets_initialize(void)
{
    socket_names_initialize();
    socket_connections_initialize();
    rights_initialize();
}

/* ---- life ---- */

/* Each counts, also who waits in a backlog and who is only kept by what it sent: there may be many
   more of these than descriptors. False: the user has too many. */
static bool account_charge(struct user_account *account)
{
    uint64_t limit = account->user
                         ? frame_total() / SOCKETS_PART * PAGE_SIZE / sizeof(struct socket)
                         : UINT64_MAX;

    if (!user_account_charge(&account->sockets, 1, limit))
        return false;
    __atomic_fetch_add(&account->heap_bytes, sizeof(struct socket), __ATOMIC_RELAXED);
    return true;
}

static void account_discharge(struct user_account *account)
{
    __atomic_fetch_sub(&account->heap_bytes, sizeof(struct socket), __ATOMIC_RELAXED);
    user_account_discharge(&account->sockets, 1);
}

int socket_create(uint32_t type, struct socket **result)
{
    struct user_account *account = user_account_get_current();
    bool charged = account_charge(account);
    struct socket *socket = charged ? heap_allocate_zeroed(sizeof(*socket)) : NULL;
    if (!socket) {
        if (charged)
            account_discharge(account);
        user_account_release(account);
        return charged ? -ENOMEM : -ENFILE;
    }
    socket->references = 1;
    socket->type = type;
    socket->account = account;
    mutex_initialize(&socket->lock, MUTEX_SOCKET);
    TAILQ_INIT(&socket->inbox);
    TAILQ_INIT(&socket->backlog);
    LIST_INIT(&socket->carried);
    LIST_INIT(&socket->carriers);
    wait_queue_initialize(&socket->changed);
    async_list_initialize(&socket->async);
    socket->least_received = 1;
    socket->send_limit = BUFFER_LIMIT_DEFAULT;
    socket->receive_limit = BUFFER_LIMIT_DEFAULT;
    socket->other = (struct socket_identity){.user = UINT32_MAX, .group = UINT32_MAX};
    socket_list_add(socket);
    *result = socket;
    return 0;
}

void socket_release(struct socket *socket)
{
    if (!socket || __atomic_sub_fetch(&socket->references, 1, __ATOMIC_ACQ_REL))
        return;
    socket_list_remove(socket);
    account_discharge(socket->account);
    user_account_release(socket->account);
    heap_free(socket);
}

struct file *socket_file_create(uint32_t flags)
{
    char name[32];

    struct inode *inode = internal_inode_create(INTERNAL_SOCKETS, S_IFSOCK | 0777, NULL, NULL);
    if (!inode)
        return NULL;
    int length = format_string(name, sizeof(name), "socket:[%lu]", inode->number);
    struct file *file = internal_file_create(name, (size_t)length, inode, &socket_operations,
                                             O_RDWR | (flags & O_NONBLOCK));
    inode_release(inode);
    if (file)
        file->stream = true;
    return file;
}

void socket_attach(struct file *file, struct socket *socket)
{
    file->private = socket;
    __atomic_store_n(&socket->number, file->inode->number, __ATOMIC_RELEASE);
    __atomic_store_n(&socket->file, file, __ATOMIC_RELEASE);
}

void socket_shut(struct socket *socket, uint32_t directions, int error)
{
    mutex_acquire(&socket->lock);
    __atomic_store_n(&socket->shut, socket->shut | directions, __ATOMIC_RELEASE);
    if (error)
        __atomic_store_n(&socket->error, error, __ATOMIC_RELEASE);
    mutex_release(&socket->lock);
    wait_queue_wake_all(&socket->changed);
}

void socket_shut_peer(struct socket *peer, uint32_t directions, int error)
{
    socket_shut(peer, directions, error);
    if (directions & SHUT_RECEIVE)
        async_tell(&peer->async, directions == SHUT_BOTH ? POLL_HUP : POLL_IN);
}

void socket_close(struct socket *socket)
{
    struct message_list unread = TAILQ_HEAD_INITIALIZER(unread);

    socket_unbind(socket);
    socket_connections_end(socket);
    mutex_acquire(&socket->lock);
    TAILQ_CONCAT(&unread, &socket->inbox, link);
    struct socket *peer = socket->peer;
    socket->peer = NULL;
    mutex_release(&socket->lock);
    socket_shut(socket, SHUT_BOTH, 0);
    if (peer && socket_is_connection(socket))
        socket_shut_peer(peer, SHUT_BOTH, TAILQ_EMPTY(&unread) ? 0 : ECONNRESET);
    socket_release(peer);
    messages_free(&unread);
    socket_release(socket);
}

struct socket *socket_peer(struct socket *socket)
{
    mutex_acquire(&socket->lock);
    struct socket *peer = socket->peer;
    if (peer)
        socket_reference(peer);
    mutex_release(&socket->lock);
    return peer;
}

uint64_t socket_deadline(const uint64_t *timeout)
{
    uint64_t value = __atomic_load_n(timeout, __ATOMIC_RELAXED);
    return value ? clock_now() + value : CLOCK_NEVER;
}

int socket_wait_error(int error, uint64_t deadline)
{
    if (error == -ETIMEDOUT)
        return -EAGAIN;
    if (error)
        return deadline == CLOCK_NEVER ? -RESTART_CALL : -EINTR;
    return 0;
}

struct socket *socket_of_file(const struct file *file)
{
    return file_is(file, &socket_operations) ? file->private : NULL;
}

int socket_get(int descriptor, struct file **file, struct socket **socket)
{
    *file = descriptor_get(descriptor);
    if (!*file)
        return -EBADF;
    *socket = socket_of_file(*file);
    if (*socket)
        return 0;
    file_release(*file);
    return -ENOTSOCK;
}

/* ---- as a file ---- */

static ssize_t socket_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct incoming in = {.data = to, .nonblocking = file_nonblocking(file)};

    (void)offset;
    if (!to->left)
        return 0;
    ssize_t result = socket_receive(file->private, &in);
    socket_release(in.sender);
    rights_end(in.rights);
    return result;
}

static ssize_t socket_write(struct file *file, struct transfer *from, int64_t *offset)
{
    struct outgoing out = {
        .data = from, .identity = socket_identity_current(), .nonblocking = file_nonblocking(file)};

    (void)offset;
    return socket_send(file->private, &out);
}

static ssize_t socket_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct socket *socket = file->private;
    int bytes;

    switch (command) {
    case FIOSETOWN:
    case SIOCSPGRP:
        return user_get(&bytes, argument) ? -EFAULT : async_owner_set(file, bytes);
    case FIOGETOWN:
    case SIOCGPGRP:
        bytes = async_owner_get(file);
        break;
    case FIONREAD: /* SIOCINQ */
        if (socket->state == SOCKET_LISTENING)
            return -EINVAL;
        bytes = (int)socket_readable_size(socket);
        break;
    case SIOCATMARK: /* nothing comes out of band */
        if (socket->type != SOCK_STREAM)
            return -EOPNOTSUPP;
        bytes = 0;
        break;
    case TIOCOUTQ: /* SIOCOUTQ */
        bytes = (int)__atomic_load_n(&socket->charged, __ATOMIC_RELAXED);
        break;
    default:
        return -ENOTTY;
    }
    return user_put(argument, &bytes);
}

bool socket_writable(const struct socket *socket)
{
    /* So that a writer that is woken has something to do: a quarter of the room at most is used. */
    return __atomic_load_n(&socket->charged, __ATOMIC_ACQUIRE) * 4 <=
           __atomic_load_n(&socket->send_limit, __ATOMIC_RELAXED);
}

static unsigned socket_poll(struct file *file, struct poll_table *table)
{
    struct socket *socket = file->private;
    unsigned answer = 0;

    poll_wait(table, &socket->changed);
    uint32_t state = __atomic_load_n(&socket->state, __ATOMIC_ACQUIRE);
    uint32_t shut = __atomic_load_n(&socket->shut, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&socket->error, __ATOMIC_ACQUIRE))
        answer |= POLLERR;
    if (shut == SHUT_BOTH || (socket_is_connection(socket) && state == SOCKET_UNCONNECTED))
        answer |= POLLHUP;
    if (shut & SHUT_RECEIVE)
        answer |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (__atomic_load_n(&socket->waiting, __ATOMIC_ACQUIRE))
        answer |= POLLIN | POLLRDNORM;
    if (state != SOCKET_LISTENING && socket_writable(socket))
        answer |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return answer;
}

static struct async_list *socket_async(struct file *file, bool joins)
{
    struct socket *socket = file->private;

    (void)joins;
    return &socket->async;
}

static void socket_file_release(struct file *file)
{
    if (file->private)
        socket_close(file->private);
}

/* What it sent and nobody received. */
static uint64_t socket_memory(const struct file *file)
{
    const struct socket *socket = file->private;
    return socket ? sizeof(*socket) + __atomic_load_n(&socket->charged, __ATOMIC_RELAXED) : 0;
}

static const struct file_operations socket_operations = {
    .memory = socket_memory,
    .read = socket_read,
    .write = socket_write,
    .ioctl = socket_ioctl,
    .map = file_map_none,
    .poll = socket_poll,
    .async = socket_async,
    .release = socket_file_release,
};

/* ---- socket(2), socketpair(2) ---- */

/* 0, or what socket(2) says of it. *type: without its flags. */
static int check_kind(int family, int type, int protocol, uint32_t *kind)
{
    uint32_t value = (uint32_t)type & SOCK_TYPE_MASK;

    if ((uint32_t)type & ~(uint32_t)(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    if (family == AF_NETLINK && netlink_is_known(value, protocol)) {
        *kind = SOCK_DGRAM;
        return 0;
    }
    if (family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (value > 10) /* Linux's SOCK_MAX */
        return -EINVAL;
    if (protocol && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (value == SOCK_RAW)
        value = SOCK_DGRAM;
    if (value != SOCK_STREAM && value != SOCK_DGRAM && value != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    *kind = value;
    return 0;
}

/* A new socket and its file. 0, -ENOMEM, -ENFILE. */
static int create(int family, uint32_t kind, int flags, struct file **file)
{
    struct socket *socket;

    int error = socket_create(kind, &socket);
    if (error)
        return error;
    socket->netlink = family == AF_NETLINK;
    *file = socket_file_create((uint32_t)flags);
    if (*file) {
        socket_attach(*file, socket);
        return 0;
    }
    socket_release(socket);
    return -ENOMEM;
}

ssize_t sys_socket(int family, int type, int protocol)
{
    struct file *file;
    uint32_t kind;

    int error = check_kind(family, type, protocol, &kind);
    if (!error)
        error = create(family, kind, type, &file);
    return error ? error : descriptor_add(file, type & SOCK_CLOEXEC);
}

ssize_t sys_socketpair(int family, int type, int protocol, vaddr_t result)
{
    struct file *ends[2];
    uint32_t kind;

    int error = check_kind(family, type, protocol, &kind);
    if (!error && family != AF_UNIX)
        error = -EOPNOTSUPP;
    if (!error)
        error = create(family, kind, type, &ends[0]);
    if (error)
        return error;
    error = create(family, kind, type, &ends[1]);
    if (error) {
        file_release(ends[0]);
        return error;
    }
    socket_join(ends[0]->private, ends[1]->private);
    return descriptor_add_pair(ends, type & SOCK_CLOEXEC, result);
}
