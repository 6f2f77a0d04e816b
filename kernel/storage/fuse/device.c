/* device.c: /dev/fuse, through which a server reads requests and writes answers. */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>

#include "file/descriptor_table.h"
#include "file/device.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "storage/fuse/fuse.h"
#include "thread/preemption.h"

#define FUSE_MAJOR 10
#define FUSE_MINOR 229

/* Nodes that are forgotten with one message. */
#define FORGOTTEN_AT_ONCE 64

/* The connection of an open file: nothing before mount(2) or FUSE_DEV_IOC_CLONE. */
static struct spinlock device_lock = SPINLOCK_INITIALIZER; /* file->private, to set */

static struct fuse_connection *connection_of(const struct file *file)
{
    return __atomic_load_n(&file->private, __ATOMIC_ACQUIRE);
}

static const struct file_operations fuse_device_operations;

/* False: it has one. */
static bool connection_set(struct file *file, struct fuse_connection *connection)
{
    spinlock_acquire(&device_lock);
    bool first = !file->private;
    if (first) {
        __atomic_fetch_add(&connection->references, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&connection->devices, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&file->private, connection, __ATOMIC_RELEASE);
    }
    spinlock_release(&device_lock);
    return first;
}

struct fuse_connection *fuse_device_connection(struct file *file,
                                               struct fuse_file_system *file_system)
{
    if (!file_is(file, &fuse_device_operations))
        return NULL;
    struct fuse_connection *connection = fuse_connection_create();
    if (!connection)
        return NULL;
    connection->file_system = file_system;
    if (connection_set(file, connection))
        return connection;
    fuse_connection_release(connection);
    return NULL;
}

static void device_release(struct file *file)
{
    struct fuse_connection *connection = file->private;

    if (!connection)
        return;
    if (__atomic_sub_fetch(&connection->devices, 1, __ATOMIC_ACQ_REL) == 0)
        fuse_connection_end(connection);
    fuse_connection_release(connection);
}

/* ---- reading requests ---- */

static bool something_to_read(struct fuse_connection *connection)
{
    return fuse_connection_ended(connection) || !TAILQ_EMPTY(&connection->pending) ||
           !TAILQ_EMPTY(&connection->forgotten);
}

/* The smallest buffer in which every request fits (fuse_dev_do_read on Linux). */
static size_t least_buffer(const struct fuse_connection *connection)
{
    size_t least = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in) +
                   connection->terms.write_maximum;
    return least > FUSE_MIN_READ_BUFFER ? least : FUSE_MIN_READ_BUFFER;
}

static bool put(struct transfer *to, const void *bytes, size_t size)
{
    return transfer_out(to, bytes, size) == size;
}

/* One message that forgets many nodes. Bytes, 0: there are none, or -EFAULT. */
static ssize_t read_forgotten(struct fuse_connection *connection, struct transfer *to)
{
    struct fuse_node *nodes[FORGOTTEN_AT_ONCE];
    size_t count = fuse_nodes_forgotten(connection, nodes, array_length(nodes));
    struct fuse_in_header header = {
        .len = (uint32_t)(sizeof(header) + sizeof(struct fuse_batch_forget_in) +
                          count * sizeof(struct fuse_forget_one)),
        .opcode = FUSE_BATCH_FORGET,
    };
    const struct fuse_batch_forget_in head = {.count = (uint32_t)count};

    if (!count)
        return 0;
    bool done = put(to, &header, sizeof(header)) && put(to, &head, sizeof(head));
    for (size_t i = 0; i < count; i++) {
        const struct fuse_forget_one one = {nodes[i]->number, nodes[i]->lookups};
        done = done && put(to, &one, sizeof(one));
        heap_free(nodes[i]);
    }
    return done ? (ssize_t)header.len : -EFAULT;
}

static bool put_frames(struct transfer *to, const struct fuse_request *request)
{
    for (size_t at = 0; at < request->frame_bytes; at += PAGE_SIZE) {
        size_t left = request->frame_bytes - at;
        if (!put(to, frame_pointer(request->frames[at / PAGE_SIZE]),
                 left < PAGE_SIZE ? left : PAGE_SIZE))
            return false;
    }
    return true;
}

/* Gives one request to the server. Bytes, or an error: then the request has ended with -EIO. */
static ssize_t read_request(struct fuse_connection *connection, struct fuse_request *request,
                            struct transfer *to)
{
    size_t size = request->header.len;

    if (size > to->left) { /* fuse_dev_do_read: "too large for buffer" */
        fuse_request_end(connection, request,
                         request->header.opcode == FUSE_SETXATTR ? -E2BIG : -EIO);
        return 0;
    }
    /* First: an answer may come before this call returns. */
    bool answered = !request->unanswered;
    if (answered && !fuse_request_sent(connection, request))
        return 0;
    bool done = put(to, &request->header, sizeof(request->header)) &&
                put(to, request->memory, request->argument_size) &&
                (request->frames_out || put_frames(to, request));
    if (!done || !answered)
        fuse_request_end(connection, request, done ? 0 : -EIO);
    return done ? (ssize_t)size : -EFAULT;
}

static ssize_t device_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct fuse_connection *connection = connection_of(file);

    (void)offset;
    if (!connection)
        return -EPERM;
    if (to->left < least_buffer(connection))
        return -EINVAL;
    for (;;) {
        if (fuse_connection_ended(connection))
            return -ENODEV;
        struct fuse_request *request = fuse_connection_next(connection);
        ssize_t done =
            request ? read_request(connection, request, to) : read_forgotten(connection, to);
        fuse_request_release(request);
        if (done)
            return done;
        if (request)
            continue;
        if (file_nonblocking(file))
            return -EAGAIN;
        if (wait_event(&connection->server, something_to_read(connection), THREAD_INTERRUPTIBLE,
                       CLOCK_NEVER))
            return -RESTART_CALL;
    }
}

/* ---- answers ---- */

/* Takes the bytes of an answer without an error. 0 or -EINVAL, -EFAULT. */
static int answer_take(struct fuse_request *request, struct transfer *from, size_t size)
{
    size_t room = request->frames_out ? request->frame_bytes : request->answer_maximum;

    if (size > room)
        return -EINVAL;
    request->answer_size = size;
    if (!request->frames_out)
        return transfer_in(from, request->answer, size) == size ? 0 : -EFAULT;
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        size_t piece = size - at < PAGE_SIZE ? size - at : PAGE_SIZE;
        if (transfer_in(from, frame_pointer(request->frames[at / PAGE_SIZE]), piece) != piece)
            return -EFAULT;
    }
    return 0;
}

static ssize_t answer(struct fuse_connection *connection, const struct fuse_out_header *head,
                      struct transfer *from)
{
    size_t size = head->len - sizeof(*head);

    if (head->unique & 1) { /* to an interrupt: it came too late or is not known */
        if (head->error == -ENOSYS)
            __atomic_fetch_or(&connection->missing[FUSE_INTERRUPT / 32], 1U << FUSE_INTERRUPT % 32,
                              __ATOMIC_RELAXED);
        return (ssize_t)head->len;
    }
    struct fuse_request *request = fuse_connection_take(connection, head->unique);
    if (!request)
        return -ENOENT;
    int error = 0;
    if (head->error)
        error = size ? -EINVAL : 0;
    else
        error = answer_take(request, from, size);
    fuse_request_end(connection, request, error ? -EIO : head->error);
    fuse_request_release(request);
    return error ? error : (ssize_t)head->len;
}

/* ---- notices ---- */

static int notice_act(struct fuse_connection *connection, int code,
                      const struct fuse_notice *notice)
{
    struct inode *inode = fuse_inode_find(connection, notice->node);

    if (!inode)
        return -ENOENT;
    if (code == FUSE_NOTIFY_INVAL_INODE) {
        fuse_attributes_expire(inode);
        if (notice->offset >= 0)
            page_cache_drop(&inode->cache, (uint64_t)notice->offset / PAGE_SIZE,
                            notice->length <= 0 || notice->length > INT64_MAX - notice->offset
                                ? UINT64_MAX
                                : (uint64_t)(notice->offset + notice->length - 1) / PAGE_SIZE);
    } else {
        fuse_attributes_expire(inode);
        __atomic_store_n(&fuse_node(inode)->names_expired, clock_now(), __ATOMIC_RELAXED);
    }
    inode_release(inode);
    return 0;
}

static ssize_t notice(struct fuse_connection *connection, const struct fuse_out_header *head,
                      struct transfer *from)
{
    size_t size = head->len - sizeof(*head);
    struct fuse_notice notice;
    char bytes[sizeof(struct fuse_notify_delete_out) + FUSE_NAME_MAXIMUM + 2];

    if (head->error < 0 || size > sizeof(bytes))
        return -EINVAL;
    if (transfer_in(from, bytes, size) != size)
        return -EFAULT;
    int error = fuse_notice_parse(head->error, bytes, size, &notice);
    if (!error)
        error = notice_act(connection, head->error, &notice);
    return error ? error : (ssize_t)head->len;
}

static ssize_t device_write(struct file *file, struct transfer *from, int64_t *offset)
{
    struct fuse_connection *connection = connection_of(file);
    size_t size = from->left;
    struct fuse_out_header head;

    (void)offset;
    if (!connection)
        return -EPERM;
    if (size < sizeof(head))
        return -EINVAL;
    if (transfer_in(from, &head, sizeof(head)) != sizeof(head))
        return -EFAULT;
    /*
     * Through a pipe: libfuse puts the header into it by vmsplice(2) and only then, after it has
     * spliced the data, corrects the length in its own memory. That memory is what lies in the
     * pipe on Linux; here it is a copy.
     */
    if (from->kernel && head.len > size)
        head.len = (uint32_t)size;
    if (head.unique == 0 && head.len == size)
        return notice(connection, &head, from);
    if (fuse_head_check(&head, size))
        return -EINVAL;
    return answer(connection, &head, from);
}

/* ---- the rest ---- */

static unsigned device_poll(struct file *file, struct poll_table *table)
{
    struct fuse_connection *connection = connection_of(file);

    if (!connection)
        return POLLERR;
    poll_wait(table, &connection->server);
    if (fuse_connection_ended(connection))
        return POLLERR;
    return POLLOUT | POLLWRNORM | (something_to_read(connection) ? POLLIN | POLLRDNORM : 0);
}

static ssize_t device_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    uint32_t descriptor;

    if (command != FUSE_DEV_IOC_CLONE)
        return -ENOTTY;
    if (user_get(&descriptor, argument))
        return -EFAULT;
    struct file *other = descriptor_get((int)descriptor);
    ssize_t error = -EINVAL;
    if (other && file_is(other, &fuse_device_operations) && connection_of(other))
        error = connection_set(file, connection_of(other)) ? 0 : -EINVAL;
    file_release(other);
    return error;
}

static int device_open(struct inode *inode, struct file *file)
{
    (void)inode;
    file->stream = true;
    file->private = NULL;
    return 0;
}

static const struct file_operations fuse_device_operations = {
    .open = device_open,
    .read = device_read,
    .write = device_write,
    .poll = device_poll,
    .messages = true,
    .ioctl = device_ioctl,
    .release = device_release,
};

int fuse_device_initialize(void)
{
    static struct device device = {DEVICE_CHARACTER,        FUSE_MAJOR, FUSE_MINOR, 1,
                                   &fuse_device_operations, "misc",     NULL,       NULL};

    return device_register(&device);
}
