/*
 * message.c: what is sent to a socket lies in its inbox, a message for each datagram, or
 * for each piece of a stream.
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <asm/socket.h>

#include "cpu/clock.h"
#include "file/hooks.h"
#include "library/string.h"
#include "memory/hasty_copy.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "socket/socket.h"

/* A stream's pieces fill a page. */
#define STREAM_PIECE (PAGE_SIZE - sizeof(struct message))
/* A datagram may be as large as the room for what is on its way, without what Linux takes of it. */
#define DATAGRAM_MARGIN 32

static size_t message_charge(const struct message *message)
{
    return sizeof(*message) + message->size;
}

/* What has been sent and not received belongs to who sent it. */
static void sender_charge(const struct message *message)
{
    struct socket *sender = message->sender;
    __atomic_fetch_add(&sender->charged, message_charge(message), __ATOMIC_ACQ_REL);
    __atomic_fetch_add(&sender->account->heap_bytes, message_charge(message), __ATOMIC_RELAXED);
}

static void sender_discharge(const struct message *message)
{
    struct socket *sender = message->sender;
    __atomic_fetch_sub(&sender->account->heap_bytes, message_charge(message), __ATOMIC_RELAXED);
    __atomic_fetch_sub(&sender->charged, message_charge(message), __ATOMIC_ACQ_REL);
}

/* Frees it; its files, if any, are somebody else's by now. Any lock of a socket may be held. */
static void message_free(struct message *message)
{
    struct socket *sender = message->sender;

    sender_discharge(message);
    if (socket_writable(sender)) {
        wait_queue_wake_for(&sender->changed, POLLOUT | POLLWRNORM | POLLWRBAND);
        if (__atomic_exchange_n(&sender->room_wanted, false, __ATOMIC_ACQ_REL))
            async_tell(&sender->async, POLL_OUT);
    }
    socket_release(sender);
    heap_free(message);
}

void messages_free(struct message_list *messages)
{
    struct message *message;

    while ((message = TAILQ_FIRST(messages))) {
        TAILQ_REMOVE(messages, message, link);
        rights_end(rights_take(&message->rights));
        message_free(message);
    }
}

/* ---- sending ---- */

/* `size` bytes of what is sent as a message. 0, -ENOMEM, -EFAULT. */
static int message_create(struct socket *sender, const struct outgoing *out, size_t size,
                          struct message **result)
{
    struct message *message = heap_allocate(sizeof(*message) + size);
    if (!message)
        return -ENOMEM;
    *message = (struct message){.sender = sender, .identity = out->identity, .size = size};
    if (transfer_in(out->data, message->bytes, size) < size) {
        heap_free(message);
        return -EFAULT;
    }
    socket_reference(sender);
    sender_charge(message);
    *result = message;
    return 0;
}

/* Puts a message into an inbox; the outgoing files go with it. 0, or why it cannot be. */
static int message_deliver(struct message *message, struct socket *receiver, struct outgoing *out)
{
    bool has_rights = out->rights;
    int error = 0;

    mutex_acquire(&receiver->lock);
    if (receiver->state == SOCKET_CLOSED) /* who closes it has emptied the inbox, or is about to */
        error = receiver->type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
    else if (receiver->shut & SHUT_RECEIVE)
        error = -EPIPE;
    else if (out->rights)
        error = rights_begin(out->rights, receiver, &message->rights);
    if (!error) {
        out->rights = NULL;
        if (__atomic_load_n(&receiver->stamp, __ATOMIC_RELAXED))
            message->came = clock_wall();
        TAILQ_INSERT_TAIL(&receiver->inbox, message, link);
        __atomic_store_n(&receiver->waiting, receiver->waiting + 1, __ATOMIC_RELEASE);
    }
    mutex_release(&receiver->lock);
    if (error)
        message_free(message);
    else {
        wait_queue_wake_for(&receiver->changed, POLLIN | POLLRDNORM);
        async_tell(&receiver->async, POLL_IN);
    }
    if (has_rights)
        rights_collect_garbage();
    return error;
}

static bool has_room(const struct socket *socket)
{
    return __atomic_load_n(&socket->charged, __ATOMIC_ACQUIRE) <
           __atomic_load_n(&socket->send_limit, __ATOMIC_RELAXED);
}

static bool cannot_send(const struct socket *socket)
{
    return __atomic_load_n(&socket->shut, __ATOMIC_ACQUIRE) & SHUT_SEND;
}

static int wait_for_room(struct socket *socket, const struct outgoing *out, uint64_t deadline)
{
    if (cannot_send(socket))
        return -EPIPE;
    if (has_room(socket))
        return 0;
    __atomic_store_n(&socket->room_wanted, true, __ATOMIC_RELEASE);
    if (out->nonblocking)
        return -EAGAIN;
    int error = wait_event(&socket->changed, has_room(socket) || cannot_send(socket),
                           THREAD_INTERRUPTIBLE, deadline);
    if (error)
        return socket_wait_error(error, deadline);
    return cannot_send(socket) ? -EPIPE : 0;
}

static int send_message(struct socket *socket, struct socket *receiver, struct outgoing *out,
                        size_t size, uint64_t deadline)
{
    struct message *message;

    int error = wait_for_room(socket, out, deadline);
    if (!error)
        error = message_create(socket, out, size, &message);
    return error ? error : message_deliver(message, receiver, out);
}

static ssize_t send_stream(struct socket *socket, struct socket *peer, struct outgoing *out,
                           uint64_t deadline)
{
    ssize_t total = 0;

    while (out->data->left) {
        size_t size = out->data->left < STREAM_PIECE ? out->data->left : STREAM_PIECE;
        int error = send_message(socket, peer, out, size, deadline);
        if (error) {
            if (error == -EPIPE && !total && !out->silent)
                file_hooks.signal_self(SIGPIPE);
            return total ? total : error;
        }
        total += (ssize_t)size;
    }
    return total;
}

/* A datagram socket whose peer is gone has none any more. */
static void forget_peer(struct socket *socket, struct socket *gone)
{
    mutex_acquire(&socket->lock);
    bool forgotten = socket->peer == gone;
    if (forgotten) {
        socket->peer = NULL;
        __atomic_store_n(&socket->state, SOCKET_UNCONNECTED, __ATOMIC_RELEASE);
    }
    mutex_release(&socket->lock);
    if (forgotten)
        socket_release(gone);
}

static ssize_t send_datagram(struct socket *socket, struct socket *receiver, struct outgoing *out,
                             uint64_t deadline)
{
    size_t size = out->data->left;

    if (size > __atomic_load_n(&socket->send_limit, __ATOMIC_RELAXED) - DATAGRAM_MARGIN)
        return -EMSGSIZE;
    struct socket *back = socket_peer(receiver);
    bool other = back && back != socket;
    socket_release(back);
    if (other)
        return -EPERM; /* it wants to hear of somebody else only */
    int error = send_message(socket, receiver, out, size, deadline);
    if (error == -ECONNREFUSED)
        forget_peer(socket, receiver);
    return error ? error : (ssize_t)size;
}

ssize_t socket_send(struct socket *socket, struct outgoing *out)
{
    uint64_t deadline = socket_deadline(&socket->send_timeout);

    struct socket *receiver = out->receiver;
    if (receiver)
        socket_reference(receiver);
    else
        receiver = socket_peer(socket);
    if (!receiver)
        return -ENOTCONN;
    ssize_t result = socket->type == SOCK_STREAM ? send_stream(socket, receiver, out, deadline)
                                                 : send_datagram(socket, receiver, out, deadline);
    socket_release(receiver);
    return result;
}

/* ---- receiving: the socket's lock is held ---- */

static void message_remove(struct socket *socket, struct message *message)
{
    TAILQ_REMOVE(&socket->inbox, message, link);
    __atomic_store_n(&socket->waiting, socket->waiting - 1, __ATOMIC_RELEASE);
    message_free(message);
}

/* What comes with the bytes. 0 or -ENOMEM. */
static int take_company(struct message *message, struct incoming *in)
{
    if (!in->sender) {
        in->sender = message->sender;
        socket_reference(in->sender);
        in->identity = message->identity;
        in->came = message->came;
    }
    if (!message->rights)
        return 0;
    if (in->peek)
        return rights_copy(&message->rights, &in->rights);
    in->rights = rights_take(&message->rights);
    return 0;
}

static bool same_identity(const struct socket_identity *one, const struct socket_identity *other)
{
    return one->process == other->process && one->user == other->user && one->group == other->group;
}

/* Bytes of as many pieces as there is room for; files end it, and another sender who is told. */
static ssize_t take_from_stream(struct socket *socket, struct incoming *in)
{
    struct message *message, *next;
    ssize_t total = 0;

    TAILQ_FOREACH_SAFE(message, &socket->inbox, link, next)
    {
        if (in->sender && socket_option(socket, SO_PASSCRED) &&
            !same_identity(&in->identity, &message->identity))
            break;
        size_t left = message->size - message->taken;
        size_t wanted = left < in->data->left ? left : in->data->left;
        size_t done = transfer_out(in->data, message->bytes + message->taken, wanted);
        if (done < wanted && !done && !total)
            return -EFAULT;
        int error = take_company(message, in);
        if (error)
            return total ? total : error;
        total += (ssize_t)done;
        if (!in->peek) {
            message->taken += done;
            if (message->taken == message->size)
                message_remove(socket, message);
        }
        if (done < left || in->rights || !in->data->left)
            break;
    }
    return total;
}

static ssize_t take_datagram(struct socket *socket, struct incoming *in)
{
    struct message *message = TAILQ_FIRST(&socket->inbox);
    size_t wanted = message->size < in->data->left ? message->size : in->data->left;

    ssize_t done = (ssize_t)transfer_out(in->data, message->bytes, wanted);
    if ((size_t)done < wanted && hasty_copy_missed())
        return -EFAULT; /* once more, when the memory is there */
    in->full_size = message->size;
    int error = take_company(message, in);
    if (!in->peek)
        message_remove(socket, message);
    if (error)
        return error;
    return (size_t)done < wanted ? -EFAULT : done; /* the datagram is lost then, as on Linux */
}

/* What there is now: bytes, 0: the end; -EAGAIN: nothing. */
static ssize_t take(struct socket *socket, struct incoming *in)
{
    if (!TAILQ_EMPTY(&socket->inbox))
        return socket->type == SOCK_STREAM ? take_from_stream(socket, in)
                                           : take_datagram(socket, in);
    int error = __atomic_exchange_n(&socket->error, 0, __ATOMIC_ACQ_REL);
    if (error)
        return -error;
    return socket->shut & SHUT_RECEIVE ? 0 : -EAGAIN;
}

/* ---- receiving ---- */

static bool something_came(const struct socket *socket)
{
    return __atomic_load_n(&socket->waiting, __ATOMIC_ACQUIRE) ||
           __atomic_load_n(&socket->shut, __ATOMIC_ACQUIRE) & SHUT_RECEIVE ||
           __atomic_load_n(&socket->error, __ATOMIC_ACQUIRE);
}

/* The inbox's lock is its senders' too: memory that lies elsewhere is not waited for with it. */
static ssize_t take_locked(struct socket *socket, struct incoming *in)
{
    for (;;) {
        struct transfer before = *in->data;
        hasty_copy_begin();
        mutex_acquire(&socket->lock);
        ssize_t done = take(socket, in);
        mutex_release(&socket->lock);
        if (!hasty_copy_end() || done != -EFAULT || hasty_copy_wait())
            return done;
        *in->data = before;
    }
}

ssize_t socket_receive(struct socket *socket, struct incoming *in)
{
    uint64_t deadline = socket_deadline(&socket->receive_timeout);
    ssize_t total = 0, done;

    if (socket_is_connection(socket) &&
        __atomic_load_n(&socket->state, __ATOMIC_ACQUIRE) != SOCKET_CONNECTED)
        return socket->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
    for (;;) {
        done = take_locked(socket, in);
        if (done > 0)
            total += done;
        bool wanted = in->all || total < __atomic_load_n(&socket->least_received, __ATOMIC_RELAXED);
        bool more = wanted && !in->peek && socket->type == SOCK_STREAM && done > 0 &&
                    in->data->left && !in->rights;
        if (!more && (done != -EAGAIN || in->nonblocking))
            break;
        if (done != -EAGAIN)
            continue;
        int error =
            wait_event(&socket->changed, something_came(socket), THREAD_INTERRUPTIBLE, deadline);
        if (error) {
            done = socket_wait_error(error, deadline);
            break;
        }
    }
    return total ? total : done;
}

size_t socket_readable_size(struct socket *socket)
{
    struct message *message;
    size_t size = 0;

    mutex_acquire(&socket->lock);
    TAILQ_FOREACH(message, &socket->inbox, link)
    {
        size += message->size - message->taken;
        if (socket->type == SOCK_DGRAM)
            break;
    }
    mutex_release(&socket->lock);
    return size;
}
