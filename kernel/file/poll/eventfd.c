/* eventfd.c: eventfd(2). */
#include <asm/errno.h>
#include <linux/fcntl.h>

#include "file/descriptor_table.h"
#include "file/system_calls.h"
#include "library/format.h"
#include "memory/heap.h"

/* eventfd(2); not among the UAPI headers. */
#define EVENT_SEMAPHORE   1
#define EVENT_CLOEXEC     O_CLOEXEC
#define EVENT_NONBLOCKING O_NONBLOCK

#define COUNT_MAXIMUM (UINT64_MAX - 1)

struct event {
    struct spinlock lock;
    uint64_t count; /* lock; atomic to read */
    bool semaphore; /* constant */
    struct wait_queue changed;
};

static uint64_t event_count(const struct event *event)
{
    return __atomic_load_n(&event->count, __ATOMIC_ACQUIRE);
}

/* Takes what a read gets: 0: nothing is there. */
static uint64_t event_take(struct event *event)
{
    spinlock_acquire(&event->lock);
    uint64_t taken = event->semaphore && event->count ? 1 : event->count;
    __atomic_store_n(&event->count, event->count - taken, __ATOMIC_RELEASE);
    spinlock_release(&event->lock);
    return taken;
}

static bool event_add(struct event *event, uint64_t value)
{
    spinlock_acquire(&event->lock);
    bool fits = value <= COUNT_MAXIMUM - event->count;
    if (fits)
        __atomic_store_n(&event->count, event->count + value, __ATOMIC_RELEASE);
    spinlock_release(&event->lock);
    return fits;
}

static ssize_t event_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct event *event = file->private;
    uint64_t value;

    (void)offset;
    if (to->left < sizeof(value))
        return -EINVAL;
    while (!(value = event_take(event))) {
        if (to->nowait || file_nonblocking(file))
            return -EAGAIN;
        if (wait_event(&event->changed, event_count(event), THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return -RESTART_CALL;
    }
    wait_queue_wake_for(&event->changed, POLLOUT);
    return transfer_out(to, &value, sizeof(value)) < sizeof(value) ? -EFAULT
                                                                   : (ssize_t)sizeof(value);
}

static ssize_t event_write(struct file *file, struct transfer *from, int64_t *offset)
{
    struct event *event = file->private;
    uint64_t value;

    (void)offset;
    if (from->left < sizeof(value))
        return -EINVAL;
    if (transfer_in(from, &value, sizeof(value)) < sizeof(value))
        return -EFAULT;
    if (value == UINT64_MAX)
        return -EINVAL;
    while (!event_add(event, value)) {
        if (file_nonblocking(file))
            return -EAGAIN;
        if (wait_event(&event->changed, value <= COUNT_MAXIMUM - event_count(event),
                       THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return -RESTART_CALL;
    }
    wait_queue_wake_for(&event->changed, POLLIN);
    return sizeof(value);
}

static unsigned event_poll(struct file *file, struct poll_table *table)
{
    struct event *event = file->private;

    poll_wait(table, &event->changed);
    uint64_t count = event_count(event);
    return (count ? POLLIN : 0) | (count < COUNT_MAXIMUM ? POLLOUT : 0);
}

static void event_release(struct file *file)
{
    heap_free(file->private);
}

static void event_describe(struct file *file, char *buffer, size_t size)
{
    struct event *event = file->private;
    format_string(buffer, size, "eventfd-count: %16lx\n", event_count(event));
}

static const struct file_operations event_operations = {
    .read = event_read,
    .write = event_write,
    .plain_write = true,
    .takes_nowait = true,
    .seek = file_seek_null,
    .poll = event_poll,
    .release = event_release,
    .describe = event_describe,
};

ssize_t sys_eventfd2(unsigned value, int flags)
{
    if (flags & ~(EVENT_SEMAPHORE | EVENT_CLOEXEC | EVENT_NONBLOCKING))
        return -EINVAL;
    struct event *event = heap_allocate_zeroed(sizeof(*event));
    if (!event)
        return -ENOMEM;
    event->count = value;
    event->semaphore = flags & EVENT_SEMAPHORE;
    wait_queue_initialize(&event->changed);
    struct file *file =
        file_create_anonymous("[eventfd]", &event_operations, event, O_RDWR | (flags & O_NONBLOCK));
    if (!file) {
        heap_free(event);
        return -ENOMEM;
    }
    return descriptor_add(file, flags & EVENT_CLOEXEC);
}

ssize_t sys_eventfd(unsigned value)
{
    return sys_eventfd2(value, 0);
}
