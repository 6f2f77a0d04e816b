/*
 * transfer.c: send(2) and recv(2) in all their forms: where bytes, names and control
 * messages (cmsg(3)) come from and go to.
 */
#include <asm/errno.h>
#include <asm/socket.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>

#include "file/descriptor_table.h"
#include "file/poll/poll.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "socket/socket.h"
#include "socket/system_calls.h"

/* struct msghdr, struct mmsghdr and struct cmsghdr as programs have them; not among the UAPI
   headers. */
struct message_header {
    vaddr_t name;
    int name_size;
    vaddr_t segments;
    uint64_t segment_count;
    vaddr_t control;
    uint64_t control_size;
    uint32_t flags;
};
struct message_header_counted {
    struct message_header header;
    uint32_t bytes;
};
struct control_header {
    uint64_t size; /* with the header, without what aligns the next */
    int level, type;
};
_Static_assert(sizeof(struct message_header) == 56 && sizeof(struct control_header) == 16,
               "the x86-64 ABI");

#define SCM_RIGHTS           1
#define SCM_CREDENTIALS      2
#define CONTROL_ALIGN        8
#define CONTROL_SIZE_MAXIMUM 20480 /* unix(7)'s optmem_max */
#define MESSAGES_MAXIMUM     1024  /* UIO_MAXIOV: of one sendmmsg(2) */

/* ---- control messages that are sent ---- */

/* The descriptors in a control message join the rights. */
static int add_files(struct rights **rights, const char *numbers, size_t size)
{
    unsigned count = (unsigned)(size / sizeof(int));

    if (count > RIGHTS_FILES_MAXIMUM - (*rights ? (*rights)->count : 0))
        return -EINVAL;
    struct rights *longer = count ? rights_extend(*rights, count) : *rights;
    if (count && !longer)
        return -ENOMEM;
    *rights = longer;
    for (unsigned i = 0; i < count; i++) {
        int descriptor;
        memcpy(&descriptor, numbers + i * sizeof(int), sizeof(int));
        struct file *file = descriptor_get_any(descriptor);
        if (!file)
            return -EBADF;
        (*rights)->files[(*rights)->count++].file = file;
    }
    return 0;
}

/* Who one may pretend to be: unix(7), SCM_CREDENTIALS. */
static int take_identity(struct socket_identity *identity, const char *bytes, size_t size)
{
    const struct credentials *self = credentials_current();
    struct socket_identity wanted;

    if (size != sizeof(wanted))
        return -EINVAL;
    memcpy(&wanted, bytes, sizeof(wanted));
    bool process = wanted.process == identity->process || credentials_capable(self, CAP_SYS_ADMIN);
    bool user = wanted.user == self->real_user || wanted.user == self->effective_user ||
                wanted.user == self->saved_user || credentials_capable(self, CAP_SETUID);
    bool group = wanted.group == self->real_group || wanted.group == self->effective_group ||
                 wanted.group == self->saved_group || credentials_capable(self, CAP_SETGID);
    if (!process || !user || !group)
        return -EPERM;
    *identity = wanted;
    return 0;
}

/* Reads what is in `size` bytes of control messages into the outgoing message. */
static int parse_control(struct outgoing *out, const char *control, size_t size)
{
    struct control_header header;
    int error = 0;

    for (size_t at = 0; at + sizeof(header) <= size && !error;
         at += align_up(header.size, CONTROL_ALIGN)) {
        memcpy(&header, control + at, sizeof(header));
        if (header.size < sizeof(header) || header.size > size - at)
            return -EINVAL;
        const char *data = control + at + sizeof(header);
        size_t data_size = header.size - sizeof(header);
        if (header.level != SOL_SOCKET)
            continue;
        if (header.type == SCM_RIGHTS)
            error = add_files(&out->rights, data, data_size);
        else if (header.type == SCM_CREDENTIALS)
            error = take_identity(&out->identity, data, data_size);
        else
            error = -EINVAL;
    }
    return error;
}

static int control_from_user(struct outgoing *out, vaddr_t address, size_t size)
{
    if (!size)
        return 0;
    if (size > CONTROL_SIZE_MAXIMUM)
        return -ENOBUFS;
    char *control = heap_allocate(size);
    if (!control)
        return -ENOMEM;
    int error = user_copy_in(control, address, size);
    if (!error)
        error = parse_control(out, control, size);
    heap_free(control);
    return error;
}

/* ---- what sending and receiving begin with ---- */

/* sendto(2), recvfrom(2): one piece of memory. */
struct plain_call {
    struct file *file; /* a reference, the caller's to release */
    struct socket *socket;
    struct transfer transfer;
};

static ssize_t plain_call_begin(struct plain_call *call, int descriptor, vaddr_t buffer,
                                size_t size, uint32_t flags)
{
    ssize_t result = socket_get(descriptor, &call->file, &call->socket);
    if (result)
        return result;
    if (size > TRANSFER_MAXIMUM)
        size = TRANSFER_MAXIMUM;
    transfer_user(&call->transfer, buffer, size);
    if (!user_range_ok(buffer, size))
        result = -EFAULT;
    else if (flags & MSG_OOB)
        result = -EOPNOTSUPP;
    if (result)
        file_release(call->file);
    return result;
}

/* The memory that a message's bytes are in; after 0 call transfer_vector_end(). */
static ssize_t segments_begin(struct transfer_vector *vector, const struct message_header *header)
{
    if (header->segment_count > TRANSFER_SEGMENTS_MAXIMUM)
        return -EMSGSIZE;
    return transfer_vector_begin(vector, header->segments, header->segment_count);
}

/* Sends or receives the message whose header is at a user address: how many bytes. */
typedef ssize_t message_call(struct file *file, vaddr_t message, uint32_t flags);

static ssize_t one_message(int descriptor, vaddr_t message, uint32_t flags, message_call *call)
{
    struct socket *socket;
    struct file *file;

    ssize_t result = socket_get(descriptor, &file, &socket);
    if (result)
        return result;
    result = call(file, message, flags);
    file_release(file);
    return result;
}

/* One of several, which is told how many bytes there were. 0 or an error. */
static ssize_t counted_message(struct file *file, vaddr_t messages, unsigned number, uint32_t flags,
                               message_call *call)
{
    vaddr_t address = messages + number * sizeof(struct message_header_counted);
    ssize_t result = call(file, address, flags);
    uint32_t bytes = (uint32_t)result;

    if (result < 0)
        return result;
    return user_put(address + __builtin_offsetof(struct message_header_counted, bytes), &bytes);
}

/* ---- sending ---- */

/* Whom a message is for, if it says so. A stream's are for who is connected. */
static int find_receiver(struct socket *socket, vaddr_t address, int size, struct outgoing *out)
{
    struct socket_name name;

    if (!address || !size)
        return 0;
    if (socket->type == SOCK_STREAM)
        return __atomic_load_n(&socket->state, __ATOMIC_ACQUIRE) == SOCKET_CONNECTED ? -EISCONN
                                                                                     : -EOPNOTSUPP;
    if (socket->type == SOCK_SEQPACKET)
        return 0;
    int error = socket_name_from_user(&name, address, size);
    if (!error && !name.length)
        error = -EINVAL;
    return error ? error : socket_find(&name, socket->type, &out->receiver);
}

static struct outgoing outgoing_begin(struct file *file, struct transfer *data, uint32_t flags)
{
    return (struct outgoing){
        .data = data,
        .identity = socket_identity_current(),
        .nonblocking = file_nonblocking(file) || flags & MSG_DONTWAIT,
        .silent = flags & MSG_NOSIGNAL,
    };
}

static void outgoing_end(struct outgoing *out)
{
    socket_release(out->receiver);
    rights_end(out->rights);
}

ssize_t sys_sendto(int descriptor, vaddr_t buffer, size_t size, uint32_t flags, vaddr_t address,
                   int address_size)
{
    struct plain_call call;

    ssize_t result = plain_call_begin(&call, descriptor, buffer, size, flags);
    if (result)
        return result;
    struct outgoing out = outgoing_begin(call.file, &call.transfer, flags);
    result = find_receiver(call.socket, address, address_size, &out);
    if (!result)
        result = socket_send(call.socket, &out);
    outgoing_end(&out);
    file_release(call.file);
    return result;
}

static ssize_t send_message(struct file *file, vaddr_t message, uint32_t flags)
{
    struct socket *socket = file->private;
    struct transfer_vector vector;
    struct message_header header;

    if (user_get(&header, message))
        return -EFAULT;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    ssize_t result = segments_begin(&vector, &header);
    if (result)
        return result;
    struct outgoing out = outgoing_begin(file, &vector.transfer, flags);
    result = header.name_size < 0 ? -EINVAL : 0;
    if (!result)
        result = control_from_user(&out, header.control, header.control_size);
    if (!result)
        result = find_receiver(socket, header.name, header.name_size, &out);
    if (!result)
        result = socket_send(socket, &out);
    outgoing_end(&out);
    transfer_vector_end(&vector);
    return result;
}

ssize_t sys_sendmsg(int descriptor, vaddr_t message, uint32_t flags)
{
    return one_message(descriptor, message, flags, send_message);
}

ssize_t sys_sendmmsg(int descriptor, vaddr_t messages, unsigned count, uint32_t flags)
{
    struct socket *socket;
    struct file *file;
    unsigned done = 0;

    ssize_t result = socket_get(descriptor, &file, &socket);
    if (result)
        return result;
    if (count > MESSAGES_MAXIMUM)
        count = MESSAGES_MAXIMUM;
    while (done < count && !(result = counted_message(file, messages, done, flags, send_message)))
        done++;
    file_release(file);
    return done ? (ssize_t)done : result;
}

/* ---- control messages that are received ---- */

/* Where they go; what did not fit is told by MSG_CTRUNC. */
struct control_room {
    vaddr_t address;
    size_t left;
    bool truncated;
};

static int put_control(struct control_room *room, int type, const void *data, size_t size)
{
    struct control_header header = {
        .size = sizeof(header) + size, .level = SOL_SOCKET, .type = type};

    if (room->left < sizeof(header)) {
        room->truncated = true;
        return 0;
    }
    if (room->left < header.size) {
        room->truncated = true;
        header.size = room->left;
    }
    if (user_put(room->address, &header) ||
        user_copy_out(room->address + sizeof(header), data, header.size - sizeof(header)))
        return -EFAULT;
    size_t used = align_up(header.size, CONTROL_ALIGN);
    if (used > room->left)
        used = room->left;
    room->address += used;
    room->left -= used;
    return 0;
}

/* When the message came, or, if it was not asked for by then, now. */
static int put_stamp(struct control_room *room, const struct incoming *in, int stamp)
{
    uint64_t came = in->came ? in->came : clock_wall();
    long long seconds = (long long)(came / NANOSECONDS_PER_SECOND);
    long rest = (long)(came % NANOSECONDS_PER_SECOND);
    const struct __kernel_timespec fine = {.tv_sec = seconds, .tv_nsec = rest};
    const struct __kernel_sock_timeval coarse = {.tv_sec = seconds, .tv_usec = rest / 1000};

    if (stamp == SO_TIMESTAMPNS_OLD || stamp == SO_TIMESTAMPNS_NEW)
        return put_control(room, stamp, &fine, sizeof(fine));
    return put_control(room, stamp, &coarse, sizeof(coarse));
}

/* Opens as many of the files as there is room for and the limit allows: how many. */
static unsigned open_files(struct rights *rights, vaddr_t numbers, unsigned count, bool close)
{
    unsigned done = 0;

    for (; done < count; done++) {
        int descriptor = descriptor_reserve(0, close);
        if (descriptor < 0)
            break;
        if (user_put(numbers + done * sizeof(int), &descriptor)) {
            descriptor_cancel(descriptor);
            break;
        }
        file_reference(rights->files[done].file);
        descriptor_install(descriptor, rights->files[done].file);
    }
    return done;
}

static int put_files(struct control_room *room, struct rights *rights, bool close)
{
    struct control_header header = {.level = SOL_SOCKET, .type = SCM_RIGHTS};
    unsigned count = 0;

    if (room->left >= sizeof(header) + sizeof(int))
        count = (unsigned)((room->left - sizeof(header)) / sizeof(int));
    if (count > rights->count)
        count = rights->count;
    count = open_files(rights, room->address + sizeof(header), count, close);
    if (count < rights->count)
        room->truncated = true;
    if (!count)
        return 0;
    header.size = sizeof(header) + count * sizeof(int);
    if (user_put(room->address, &header))
        return -EFAULT;
    size_t used = align_up(header.size, CONTROL_ALIGN);
    if (used > room->left)
        used = room->left;
    room->address += used;
    room->left -= used;
    return 0;
}

/* ---- receiving ---- */

static struct incoming incoming_begin(struct file *file, struct transfer *data, uint32_t flags)
{
    return (struct incoming){
        .data = data,
        .peek = flags & MSG_PEEK,
        .all = flags & MSG_WAITALL,
        .nonblocking = file_nonblocking(file) || flags & MSG_DONTWAIT,
    };
}

static void incoming_end(struct incoming *in)
{
    socket_release(in->sender);
    rights_end(in->rights);
}

/* The sender's name; a nameless one's has no size. */
static int sender_to_user(const struct incoming *in, vaddr_t address, vaddr_t size_address)
{
    struct socket_name name = {0};
    const int none = 0;

    if (in->sender)
        socket_name_of(in->sender, &name);
    return name.length ? socket_name_to_user(&name, address, size_address)
                       : user_put(size_address, &none);
}

/* What recv(2) answers: the whole size of a datagram, if asked for by MSG_TRUNC. */
static ssize_t received_size(const struct socket *socket, const struct incoming *in, ssize_t result,
                             uint32_t flags)
{
    bool whole = flags & MSG_TRUNC && socket->type != SOCK_STREAM && result >= 0;
    return whole ? (ssize_t)in->full_size : result;
}

ssize_t sys_recvfrom(int descriptor, vaddr_t buffer, size_t size, uint32_t flags, vaddr_t address,
                     vaddr_t address_size)
{
    struct plain_call call;

    ssize_t result = plain_call_begin(&call, descriptor, buffer, size, flags);
    if (result)
        return result;
    struct incoming in = incoming_begin(call.file, &call.transfer, flags);
    result = received_size(call.socket, &in, socket_receive(call.socket, &in), flags);
    if (result >= 0 && address && sender_to_user(&in, address, address_size))
        result = -EFAULT;
    incoming_end(&in);
    file_release(call.file);
    return result;
}

/* What goes beside the bytes, and back into the header. */
static int company_to_user(struct socket *socket, struct incoming *in, vaddr_t message,
                           struct message_header *header, uint32_t flags)
{
    struct control_room room = {header->control, header->control_size, false};
    int stamp = __atomic_load_n(&socket->stamp, __ATOMIC_RELAXED);
    int error = 0;

    header->flags = flags & MSG_CMSG_CLOEXEC;
    if (socket->type != SOCK_STREAM && in->full_size > in->taken)
        header->flags |= MSG_TRUNC;
    if (header->name)
        error = sender_to_user(in, header->name,
                               message + __builtin_offsetof(struct message_header, name_size));
    if (!error && in->sender && stamp && socket->type != SOCK_STREAM)
        error = put_stamp(&room, in, stamp);
    if (!error && in->sender && socket_option(socket, SO_PASSCRED))
        error = put_control(&room, SCM_CREDENTIALS, &in->identity, sizeof(in->identity));
    if (!error && in->rights)
        error = put_files(&room, in->rights, flags & MSG_CMSG_CLOEXEC);
    if (error)
        return error;
    if (room.truncated)
        header->flags |= MSG_CTRUNC;
    header->control_size -= room.left;
    return user_put(message + __builtin_offsetof(struct message_header, flags), &header->flags) ||
                   user_put(message + __builtin_offsetof(struct message_header, control_size),
                            &header->control_size)
               ? -EFAULT
               : 0;
}

static ssize_t receive_message(struct file *file, vaddr_t message, uint32_t flags)
{
    struct socket *socket = file->private;
    struct transfer_vector vector;
    struct message_header header;

    if (user_get(&header, message))
        return -EFAULT;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (header.name_size < 0)
        return -EINVAL;
    ssize_t result = segments_begin(&vector, &header);
    if (result)
        return result;
    struct incoming in = incoming_begin(file, &vector.transfer, flags);
    result = socket_receive(socket, &in);
    if (result >= 0) {
        in.taken = (size_t)result;
        int error = company_to_user(socket, &in, message, &header, flags);
        result = error ? error : received_size(socket, &in, result, flags);
    }
    incoming_end(&in);
    transfer_vector_end(&vector);
    return result;
}

ssize_t sys_recvmsg(int descriptor, vaddr_t message, uint32_t flags)
{
    return one_message(descriptor, message, flags, receive_message);
}

ssize_t sys_recvmmsg(int descriptor, vaddr_t messages, unsigned count, uint32_t flags, vaddr_t time)
{
    struct socket *socket;
    struct file *file;
    uint64_t deadline;
    unsigned done;

    int error = deadline_from_user(time, &deadline);
    if (error)
        return error;
    ssize_t result = socket_get(descriptor, &file, &socket);
    if (result)
        return result;
    if (count > MESSAGES_MAXIMUM)
        count = MESSAGES_MAXIMUM;
    for (done = 0; done < count; done++) {
        result = counted_message(file, messages, done, flags, receive_message);
        if (result)
            break;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        /* recvmmsg(2), BUGS: the time is looked at after each message only. */
        if (deadline != CLOCK_NEVER && clock_now() >= deadline) {
            done++;
            break;
        }
    }
    file_release(file);
    return done ? (ssize_t)done : result;
}
