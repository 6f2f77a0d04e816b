/*
 * epoll.c: epoll(7).
 *
 * An item watches a file for one epoll instance. It does not hold the file: a
 * file's end takes its items away (epoll_forget_file). A queue's wake-up puts
 * the item on the ready list; who collects events asks the file again.
 *
 * Locks: watch_mutex (who watches what) → epoll->lock → a queue's lock →
 * epoll->ready_lock. An instance's own queue is woken under no other lock but
 * that of the queue that woke the item.
 */
#include <asm/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "file/internal.h"
#include "file/poll.h"
#include "file/system_calls.h"
#include "file/user_limits.h"
#include "library/format.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"

#define NESTING_MAXIMUM 5 /* instances that watch instances; epoll_ctl(2), ELOOP */
#define EVENTS_MAXIMUM  (INT32_MAX / (int)sizeof(struct epoll_event))

/* Bits of epoll_event.events that are no events. */
#define PRIVATE_BITS                                                                               \
    ((uint32_t)EPOLLWAKEUP | (uint32_t)EPOLLONESHOT | (uint32_t)EPOLLET | (uint32_t)EPOLLEXCLUSIVE)

uint64_t epoll_watches_maximum;

struct epoll {
    struct mutex lock;
    struct user_account *account;              /* charged for the items: a reference; constant */
    uint64_t rounds;                           /* of collecting events; lock */
    RB_HEAD(epoll_items, epoll_item) items;    /* lock */
    TAILQ_HEAD(epoll_ready, epoll_item) ready; /* ready_lock */
    struct spinlock ready_lock;                /* taken with interrupts off */
    struct wait_queue changed;                 /* waiters, and who polls the instance */
};

/* A file rarely has more than two queues. */
#define ITEM_QUEUES 3

struct epoll_item {
    RB_ENTRY(epoll_item) link;          /* epoll->lock */
    TAILQ_ENTRY(epoll_item) ready_link; /* epoll->ready_lock */
    LIST_ENTRY(epoll_item) watch_link;  /* watch_mutex */
    bool ready;                         /* on the list; epoll->ready_lock */
    struct epoll *epoll;                /* constant */
    struct file *file;                  /* no reference; constant */
    int descriptor;                     /* constant */
    struct epoll_event event;           /* epoll->lock */
    struct poll_table table;
    uint64_t round;           /* when it was last looked at; epoll->lock */
    struct epoll_item *again; /* the next that stays ready; while events are collected */
    bool failed;              /* more queues than entries */
    unsigned queue_count;
    struct item_entry {
        struct wait_entry entry;
        struct epoll_item *item;
    } entries[ITEM_QUEUES];
};

static struct mutex watch_mutex;
static const struct file_operations epoll_operations;

static int item_compare(const struct epoll_item *left, const struct epoll_item *right)
{
    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    return left->descriptor < right->descriptor ? -1 : left->descriptor > right->descriptor;
}
RB_PROTOTYPE(epoll_items, epoll_item, link, item_compare)
RB_GENERATE(epoll_items, epoll_item, link, item_compare)

void epoll_initialize(void)
{
    mutex_initialize(&watch_mutex, MUTEX_EPOLL_WATCH);
    /* As on Linux a 25th of all memory. */
    epoll_watches_maximum = frame_total() / 25 * PAGE_SIZE / sizeof(struct epoll_item);
}

/* ---- readiness ---- */

static void item_set_ready(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    bool enabled = spinlock_acquire_save(&epoll->ready_lock);
    if (!item->ready) {
        item->ready = true;
        TAILQ_INSERT_TAIL(&epoll->ready, item, ready_link);
    }
    spinlock_release_restore(&epoll->ready_lock, enabled);
}

static bool item_notify(struct wait_entry *entry)
{
    struct epoll_item *item = container_of(entry, struct item_entry, entry)->item;

    item_set_ready(item);
    wait_queue_wake(&item->epoll->changed);
    return true;
}

static void item_add_queue(struct poll_table *table, struct wait_queue *queue)
{
    struct epoll_item *item = container_of(table, struct epoll_item, table);

    if (item->queue_count == ITEM_QUEUES) {
        item->failed = true;
        return;
    }
    struct item_entry *entry = &item->entries[item->queue_count++];
    entry->item = item;
    entry->entry = (struct wait_entry){.notify = item_notify};
    wait_queue_add(queue, &entry->entry);
}

static bool epoll_is_ready(struct epoll *epoll)
{
    return !TAILQ_EMPTY(&epoll->ready);
}

/* Takes the first ready item off the list; NULL: none. */
static struct epoll_item *epoll_take_ready(struct epoll *epoll)
{
    bool enabled = spinlock_acquire_save(&epoll->ready_lock);
    struct epoll_item *item = TAILQ_FIRST(&epoll->ready);
    if (item) {
        TAILQ_REMOVE(&epoll->ready, item, ready_link);
        item->ready = false;
    }
    spinlock_release_restore(&epoll->ready_lock, enabled);
    return item;
}

/* ---- items ---- */

/* Unhooks and frees. watch_mutex and epoll->lock held. */
static void item_free(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    for (unsigned i = 0; i < item->queue_count; i++)
        wait_queue_remove(&item->entries[i].entry);
    bool enabled = spinlock_acquire_save(&epoll->ready_lock);
    if (item->ready)
        TAILQ_REMOVE(&epoll->ready, item, ready_link);
    spinlock_release_restore(&epoll->ready_lock, enabled);
    RB_REMOVE(epoll_items, &epoll->items, item);
    LIST_REMOVE(item, watch_link);
    user_account_discharge(&epoll->account->watches, 1);
    heap_free(item);
}

void epoll_forget_file(struct file *file)
{
    /* Nobody can begin to watch a file that has no reference left. */
    if (LIST_EMPTY(&file->watchers))
        return;
    mutex_acquire(&watch_mutex);
    while (!LIST_EMPTY(&file->watchers)) {
        struct epoll_item *item = LIST_FIRST(&file->watchers);
        struct epoll *epoll = item->epoll;
        mutex_acquire(&epoll->lock);
        item_free(item);
        mutex_release(&epoll->lock);
    }
    mutex_release(&watch_mutex);
}

static struct epoll_item *item_find(struct epoll *epoll, struct file *file, int descriptor)
{
    struct epoll_item key = {.file = file, .descriptor = descriptor};
    return RB_FIND(epoll_items, &epoll->items, &key);
}

/* Asks the file whether the item has something now, and marks it if so. epoll->lock held. */
static void item_check(struct epoll_item *item, struct poll_table *table)
{
    unsigned wanted = item->event.events | POLLERR | POLLHUP;

    if (!(file_poll(item->file, table) & wanted & ~PRIVATE_BITS))
        return;
    item_set_ready(item);
    wait_queue_wake(&item->epoll->changed);
}

static int item_add(struct epoll *epoll, struct file *file, int descriptor,
                    const struct epoll_event *event)
{
    if (!user_account_charge(&epoll->account->watches, 1,
                             __atomic_load_n(&epoll_watches_maximum, __ATOMIC_RELAXED)))
        return -ENOSPC;
    struct epoll_item *item = heap_allocate_zeroed(sizeof(*item));
    if (!item) {
        user_account_discharge(&epoll->account->watches, 1);
        return -ENOMEM;
    }
    item->epoll = epoll;
    item->file = file;
    item->descriptor = descriptor;
    item->event = *event;
    item->table.add = item_add_queue;
    RB_INSERT(epoll_items, &epoll->items, item);
    LIST_INSERT_HEAD(&file->watchers, item, watch_link);
    item_check(item, &item->table);
    if (!item->failed)
        return 0;
    item_free(item);
    return -ENOSPC;
}

/* Does `file` watch `epoll`, itself or through others, or nest too deep? watch_mutex held. */
static bool makes_loop(struct file *file, const struct epoll *epoll, unsigned depth)
{
    if (file->operations != &epoll_operations)
        return false;
    struct epoll *inner = file->private;
    if (inner == epoll || depth >= NESTING_MAXIMUM)
        return true;
    struct epoll_item *item;
    RB_FOREACH(item, epoll_items, &inner->items)
    if (makes_loop(item->file, epoll, depth + 1))
        return true;
    return false;
}

static int control(struct epoll *epoll, int operation, struct file *file, int descriptor,
                   const struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && makes_loop(file, epoll, 0))
        return -ELOOP;
    mutex_acquire(&epoll->lock);
    struct epoll_item *item = item_find(epoll, file, descriptor);
    int error = 0;
    if (operation == EPOLL_CTL_ADD) {
        error = item ? -EEXIST : item_add(epoll, file, descriptor, event);
    } else if (!item) {
        error = -ENOENT;
    } else if (operation == EPOLL_CTL_DEL) {
        item_free(item);
    } else if ((item->event.events | event->events) & EPOLLEXCLUSIVE) {
        error = -EINVAL;
    } else {
        item->event = *event;
        item_check(item, NULL);
    }
    mutex_release(&epoll->lock);
    return error;
}

ssize_t sys_epoll_ctl(int descriptor, int operation, int target, vaddr_t event_address)
{
    struct epoll_event event = {0};
    int error = 0;

    if (operation != EPOLL_CTL_DEL && user_get(&event, event_address))
        return -EFAULT;
    struct file *epoll_file = descriptor_get(descriptor);
    if (!epoll_file)
        return -EBADF;
    struct file *file = descriptor_get(target);
    if (!file) {
        error = -EBADF;
    } else if (!file->operations->poll) {
        error = -EPERM;
    } else if (file == epoll_file || epoll_file->operations != &epoll_operations) {
        error = -EINVAL;
    } else if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_DEL &&
               operation != EPOLL_CTL_MOD) {
        error = -EINVAL;
    } else {
        mutex_acquire(&watch_mutex);
        error = control(epoll_file->private, operation, file, target, &event);
        mutex_release(&watch_mutex);
    }
    file_release(file);
    file_release(epoll_file);
    return error;
}

/* ---- waiting ---- */

/*
 * Gives out up to `count` events: how many, or -EFAULT. An item that stays ready
 * (level-triggered) goes back behind those that were not looked at.
 */
static ssize_t epoll_collect(struct epoll *epoll, vaddr_t events, int count)
{
    struct epoll_item *item, *again = NULL;
    ssize_t given = 0;

    mutex_acquire(&epoll->lock);
    uint64_t round = ++epoll->rounds;
    while (given < count && (item = epoll_take_ready(epoll))) {
        if (item->round == round) { /* it became ready once more: for the next time */
            item_set_ready(item);
            break;
        }
        item->round = round;
        unsigned found =
            file_poll(item->file, NULL) & (item->event.events | POLLERR | POLLHUP) & ~PRIVATE_BITS;
        if (!found || !(item->event.events & ~PRIVATE_BITS))
            continue;
        struct epoll_event event = {.events = found, .data = item->event.data};
        if (user_put(events + (size_t)given * sizeof(event), &event)) {
            item_set_ready(item);
            if (!given)
                given = -EFAULT;
            break;
        }
        given++;
        if (item->event.events & EPOLLONESHOT)
            item->event.events &= PRIVATE_BITS;
        else if (!(item->event.events & EPOLLET)) {
            item->again = again;
            again = item;
        }
    }
    for (; again; again = again->again)
        item_set_ready(again);
    mutex_release(&epoll->lock);
    return given;
}

static ssize_t epoll_wait_until(int descriptor, vaddr_t events, int count, uint64_t deadline)
{
    if (count <= 0 || count > EVENTS_MAXIMUM)
        return -EINVAL;
    if (!user_range_ok(events, (size_t)count * sizeof(struct epoll_event)))
        return -EFAULT;
    struct file *file = descriptor_get(descriptor);
    if (!file)
        return -EBADF;
    ssize_t result = -EINVAL;
    while (file->operations == &epoll_operations) {
        struct epoll *epoll = file->private;
        result = epoll_collect(epoll, events, count);
        if (result)
            break;
        int error = -ETIMEDOUT;
        if (deadline == CLOCK_NEVER || deadline > clock_now())
            error =
                wait_event(&epoll->changed, epoll_is_ready(epoll), THREAD_INTERRUPTIBLE, deadline);
        if (error == -ETIMEDOUT)
            break;
        if (error) {
            result = -EINTR;
            break;
        }
    }
    file_release(file);
    return result;
}

ssize_t sys_epoll_wait(int descriptor, vaddr_t events, int count, int milliseconds)
{
    return epoll_wait_until(descriptor, events, count, deadline_from_milliseconds(milliseconds));
}

static ssize_t epoll_wait_masked(int descriptor, vaddr_t events, int count, uint64_t deadline,
                                 vaddr_t mask, size_t size)
{
    int error = mask ? file_hooks->signal_mask_replace(mask, size) : 0;
    if (error)
        return error;
    ssize_t result = epoll_wait_until(descriptor, events, count, deadline);
    if (mask)
        file_hooks->signal_mask_restore(result == -EINTR);
    return result;
}

ssize_t sys_epoll_pwait(int descriptor, vaddr_t events, int count, int milliseconds, vaddr_t mask,
                        size_t size)
{
    return epoll_wait_masked(descriptor, events, count, deadline_from_milliseconds(milliseconds),
                             mask, size);
}

ssize_t sys_epoll_pwait2(int descriptor, vaddr_t events, int count, vaddr_t time, vaddr_t mask,
                         size_t size)
{
    uint64_t deadline;

    int error = deadline_from_user(time, &deadline);
    return error ? error : epoll_wait_masked(descriptor, events, count, deadline, mask, size);
}

/* ---- the instance ---- */

/* Ready if collecting now would find something. */
static unsigned epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *epoll = file->private;

    poll_wait(table, &epoll->changed);
    return epoll_is_ready(epoll) ? POLLIN | POLLRDNORM : 0;
}

static void epoll_free(struct epoll *epoll)
{
    user_account_release(epoll->account);
    heap_free(epoll);
}

static void epoll_release(struct file *file)
{
    struct epoll *epoll = file->private;

    mutex_acquire(&watch_mutex);
    mutex_acquire(&epoll->lock);
    while (!RB_EMPTY(&epoll->items))
        item_free(RB_ROOT(&epoll->items));
    mutex_release(&epoll->lock);
    mutex_release(&watch_mutex);
    epoll_free(epoll);
}

static void epoll_describe(struct file *file, char *buffer, size_t size)
{
    struct epoll *epoll = file->private;
    struct epoll_item *item;
    size_t used = 0;

    if (size)
        buffer[0] = '\0';
    mutex_acquire(&epoll->lock);
    RB_FOREACH(item, epoll_items, &epoll->items)
    if (used < size)
        used +=
            (size_t)format_string(buffer + used, size - used, "tfd: %8d events: %8x data: %16llx\n",
                                  item->descriptor, item->event.events, item->event.data);
    mutex_release(&epoll->lock);
}

static const struct file_operations epoll_operations = {
    .poll = epoll_poll,
    .release = epoll_release,
    .describe = epoll_describe,
};

ssize_t sys_epoll_create1(int flags)
{
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    struct epoll *epoll = heap_allocate_zeroed(sizeof(*epoll));
    if (!epoll)
        return -ENOMEM;
    mutex_initialize(&epoll->lock, MUTEX_EPOLL);
    epoll->account = user_account_get_current();
    RB_INIT(&epoll->items);
    TAILQ_INIT(&epoll->ready);
    wait_queue_initialize(&epoll->changed);
    struct file *file = file_create_anonymous("[eventpoll]", &epoll_operations, epoll, O_RDWR);
    if (!file) {
        epoll_free(epoll);
        return -ENOMEM;
    }
    return descriptor_add(file, flags & EPOLL_CLOEXEC);
}

ssize_t sys_epoll_create(int size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}
