/*
 * epoll.c: epoll(7).
 *
 * An item watches a file for one epoll instance. It does not hold the file: a
 * file's end takes its items away (forget_file). A queue's wake-up puts
 * the item on the ready list; who collects events asks the file again.
 *
 * Locks: nesting_mutex → watch_mutex (who watches what) → epoll->lock, an outer instance's before
 * that of one it watches → a queue's lock → epoll->ready_lock. An instance's own
 * queues are woken under no other lock but that of the queue that woke the item.
 *
 * Everybody's watches wait for watch_mutex, and looking through instances that watch each other
 * may take as long as a user has items. So those who do that queue for nesting_mutex first: all
 * others have but one of them before them, however many threads a user makes.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/fcntl.h>

#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/poll/epoll.h"
#include "file/system_calls.h"
#include "file/user_limits.h"
#include "library/format.h"
#include "memory/hasty_copy.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

#define EVENTS_MAXIMUM (INT32_MAX / (int)sizeof(struct epoll_event))

/* Bits of epoll_event.events that are no events. */
#define PRIVATE_BITS                                                                               \
    ((uint32_t)EPOLLWAKEUP | (uint32_t)EPOLLONESHOT | (uint32_t)EPOLLET | (uint32_t)EPOLLEXCLUSIVE)
/* What may be asked for together with EPOLLEXCLUSIVE: epoll_ctl(2). */
#define EXCLUSIVE_BITS                                                                             \
    ((uint32_t)EPOLLIN | (uint32_t)EPOLLOUT | (uint32_t)EPOLLERR | (uint32_t)EPOLLHUP |            \
     (uint32_t)EPOLLWAKEUP | (uint32_t)EPOLLET | (uint32_t)EPOLLEXCLUSIVE)

uint64_t epoll_watches_maximum;

#define REMOVED_AT_ONCE 64 /* items, before others may have watch_mutex */

struct mutex epoll_watch_mutex;
static struct mutex nesting_mutex;
static const struct file_operations epoll_operations;

static int item_compare(const struct epoll_item *left, const struct epoll_item *right)
{
    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    return left->descriptor < right->descriptor ? -1 : left->descriptor > right->descriptor;
}
RB_GENERATE(epoll_items, epoll_item, link, item_compare)

void epoll_initialize(void)
{
    mutex_initialize(&nesting_mutex, MUTEX_EPOLL_NESTING);
    mutex_initialize(&epoll_watch_mutex, MUTEX_EPOLL_WATCH);
    /* As on Linux a 25th of all memory. */
    epoll_watches_maximum = frame_total() / 25 * PAGE_SIZE / sizeof(struct epoll_item);
}

struct epoll *epoll_of_file(const struct file *file)
{
    return file->operations == &epoll_operations ? file->private : NULL;
}

/* ---- readiness ---- */

static void item_set_ready(struct epoll_item *item, bool first)
{
    struct epoll *epoll = item->epoll;

    bool enabled = spinlock_acquire_save(&epoll->ready_lock);
    if (!item->ready) {
        item->ready = true;
        if (first)
            TAILQ_INSERT_HEAD(&epoll->ready, item, ready_link);
        else
            TAILQ_INSERT_TAIL(&epoll->ready, item, ready_link);
    }
    spinlock_release_restore(&epoll->ready_lock, enabled);
}

/* What the item asks for; 0: nothing, as it had its one event (EPOLLONESHOT). */
static uint32_t item_wanted(const struct epoll_item *item)
{
    return __atomic_load_n(&item->events, __ATOMIC_RELAXED) & ~PRIVATE_BITS;
}

/* Of the exclusive items of a file one whose instance is waited for is enough. */
static bool item_notify(struct wait_entry *entry, unsigned events)
{
    struct epoll_item *item = container_of(entry, struct item_entry, entry)->item;

    if (!(item_wanted(item) & events))
        return false;
    item_set_ready(item, false);
    bool waited_for = wait_queue_take_one(&item->epoll->waiters);
    wait_queue_wake_for(&item->epoll->watchers, POLLIN | POLLRDNORM);
    return waited_for || !entry->exclusive;
}

static bool item_add_queue(struct poll_table *table, struct wait_queue *queue,
                           struct watch_limit *limit)
{
    struct epoll_item *item = container_of(table, struct epoll_item, table);

    if (item->queue_count == ITEM_QUEUES)
        return false;
    struct item_entry *entry = &item->entries[item->queue_count++];
    entry->item = item;
    entry->limit = limit;
    entry->entry = (struct wait_entry){.notify = item_notify,
                                       .exclusive = item->events & (uint32_t)EPOLLEXCLUSIVE};
    wait_queue_add(queue, &entry->entry);
    return true;
}

static bool epoll_is_ready(struct epoll *epoll)
{
    return !TAILQ_EMPTY(&epoll->ready);
}

/* Takes the first ready item off the list that was not looked at in this round; NULL: none. Lock
   held. */
static struct epoll_item *epoll_take_ready(struct epoll *epoll)
{
    bool enabled = spinlock_acquire_save(&epoll->ready_lock);
    struct epoll_item *item = TAILQ_FIRST(&epoll->ready);
    if (item && item->round == epoll->rounds)
        item = NULL; /* it became ready once more: for the next time */
    if (item) {
        TAILQ_REMOVE(&epoll->ready, item, ready_link);
        item->ready = false;
        item->round = epoll->rounds;
    }
    spinlock_release_restore(&epoll->ready_lock, enabled);
    return item;
}

/* What the item asks for and its file has now. epoll->lock held. */
static uint32_t item_events(struct epoll_item *item, struct poll_table *table)
{
    for (unsigned i = 0; i < item->queue_count; i++)
        if (item->entries[i].limit)
            watch_limit_look(item->entries[i].limit);
    return file_poll(item->file, table) & item_wanted(item);
}

/* ---- items ---- */

/* Unhooks and frees. watch_mutex and epoll->lock held. */
static void item_free(struct epoll_item *item)
{
    struct epoll *epoll = item->epoll;

    for (unsigned i = 0; i < item->queue_count; i++) {
        wait_queue_remove(&item->entries[i].entry);
        if (item->entries[i].limit)
            watch_limit_leave(item->entries[i].limit);
    }
    bool enabled = spinlock_acquire_save(&epoll->ready_lock);
    if (item->ready)
        TAILQ_REMOVE(&epoll->ready, item, ready_link);
    spinlock_release_restore(&epoll->ready_lock, enabled);
    RB_REMOVE(epoll_items, &epoll->items, item);
    LIST_REMOVE(item, watch_link);
    epoll_nesting_changed(epoll, item->file);
    user_account_discharge(&epoll->account->watches, 1);
    heap_free(item);
}

/* Takes some of the file's items away. False: there are no more. */
static bool forget_some(struct file *file)
{
    mutex_acquire(&epoll_watch_mutex);
    for (int i = 0; i < REMOVED_AT_ONCE && !LIST_EMPTY(&file->watchers); i++) {
        struct epoll_item *item = LIST_FIRST(&file->watchers);
        struct epoll *epoll = item->epoll;
        mutex_acquire(&epoll->lock);
        item_free(item);
        mutex_release(&epoll->lock);
    }
    bool more = !LIST_EMPTY(&file->watchers);
    mutex_release(&epoll_watch_mutex);
    return more;
}

/* Nobody has the file any more: no item is added meanwhile. */
static void forget_file(struct file *file)
{
    while (forget_some(file))
        thread_preemption_point();
}

static struct epoll_item *item_find(struct epoll *epoll, struct file *file, int descriptor)
{
    struct epoll_item key = {.file = file, .descriptor = descriptor};
    return RB_FIND(epoll_items, &epoll->items, &key);
}

/* Asks the file whether the item has something now, and marks it if so. epoll->lock held. */
static void item_check(struct epoll_item *item, struct poll_table *table)
{
    if (!item_events(item, table))
        return;
    item_set_ready(item, false);
    wait_queue_take_one(&item->epoll->waiters);
    wait_queue_wake_for(&item->epoll->watchers, POLLIN | POLLRDNORM);
}

static void item_set_event(struct epoll_item *item, const struct epoll_event *event)
{
    item->data = event->data;
    __atomic_store_n(&item->events, event->events | EPOLLERR | EPOLLHUP, __ATOMIC_RELAXED);
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
    item->table = (struct poll_table){.add = item_add_queue, .nests = true};
    item_set_event(item, event);
    RB_INSERT(epoll_items, &epoll->items, item);
    LIST_INSERT_HEAD(&file->watchers, item, watch_link);
    __atomic_store_n(&file->forget_watchers, forget_file, __ATOMIC_RELAXED);
    epoll_nesting_changed(epoll, file);
    item_check(item, &item->table);
    if (!item->table.failed)
        return 0;
    item_free(item);
    return -ENOSPC;
}

/* An exclusive item cannot be changed. */
static int item_modify(struct epoll_item *item, const struct epoll_event *event)
{
    if (item->events & (uint32_t)EPOLLEXCLUSIVE)
        return -EINVAL;
    item_set_event(item, event);
    item_check(item, NULL);
    return 0;
}

/* May the item be added? In the order of epoll_ctl(2) on Linux. */
static int check_add(struct epoll *epoll, struct file *file, int descriptor)
{
    int error = epoll_nesting_check(epoll, file);

    if (!error && item_find(epoll, file, descriptor))
        error = -EEXIST;
    return error ? error : epoll_ways_check(epoll, file);
}

/* watch_mutex held. */
static int control(struct epoll *epoll, int operation, struct file *file, int descriptor,
                   const struct epoll_event *event)
{
    int error = operation == EPOLL_CTL_ADD ? check_add(epoll, file, descriptor) : 0;
    if (error)
        return error;
    mutex_acquire(&epoll->lock);
    struct epoll_item *item = item_find(epoll, file, descriptor);
    if (operation == EPOLL_CTL_ADD)
        error = item_add(epoll, file, descriptor, event);
    else if (!item)
        error = -ENOENT;
    else if (operation == EPOLL_CTL_DEL)
        item_free(item);
    else
        error = item_modify(item, event);
    mutex_release(&epoll->lock);
    return error;
}

/* Will instances that watch each other be looked through? Without watch_mutex a guess. */
static bool looks_far(const struct epoll *epoll, int operation, const struct file *file)
{
    return operation == EPOLL_CTL_ADD &&
           (epoll_of_file(file) ||
            __atomic_load_n(&epoll->file->watchers.lh_first, __ATOMIC_RELAXED));
}

static int control_in_turn(struct epoll *epoll, int operation, struct file *file, int descriptor,
                           const struct epoll_event *event)
{
    bool far = looks_far(epoll, operation, file);

    if (far)
        mutex_acquire(&nesting_mutex);
    mutex_acquire(&epoll_watch_mutex);
    if (!far && looks_far(epoll, operation, file)) { /* it came to be watched meanwhile */
        mutex_release(&epoll_watch_mutex);
        mutex_acquire(&nesting_mutex);
        mutex_acquire(&epoll_watch_mutex);
        far = true;
    }
    int error = control(epoll, operation, file, descriptor, event);
    mutex_release(&epoll_watch_mutex);
    if (far)
        mutex_release(&nesting_mutex);
    return error;
}

/* Can the file be watched so, whatever is watched already? */
static int check_request(const struct file *epoll_file, int operation, const struct file *file,
                         uint32_t events)
{
    if (!file->operations->poll)
        return -EPERM;
    if (file == epoll_file || !epoll_of_file(epoll_file))
        return -EINVAL;
    if (operation == EPOLL_CTL_DEL)
        return 0;
    if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_MOD)
        return -EINVAL;
    if (!(events & (uint32_t)EPOLLEXCLUSIVE))
        return 0;
    bool allowed =
        operation == EPOLL_CTL_ADD && !epoll_of_file(file) && !(events & ~EXCLUSIVE_BITS);
    return allowed ? 0 : -EINVAL;
}

ssize_t sys_epoll_ctl(int descriptor, int operation, int target, vaddr_t event_address)
{
    struct epoll_event event = {0};

    if (operation != EPOLL_CTL_DEL && user_get(&event, event_address))
        return -EFAULT;
    struct file *epoll_file = descriptor_get(descriptor);
    if (!epoll_file)
        return -EBADF;
    struct file *file = descriptor_get(target);
    /* epoll_ctl(2): without the capability the flag is ignored. */
    if (!credentials_capable(credentials_current(), CAP_BLOCK_SUSPEND))
        event.events &= ~(uint32_t)EPOLLWAKEUP;
    int error = file ? check_request(epoll_file, operation, file, event.events) : -EBADF;
    if (!error)
        error = control_in_turn(epoll_file->private, operation, file, target, &event);
    file_release(file);
    file_release(epoll_file);
    return error;
}

/* ---- waiting ---- */

/* Puts those back that stay ready, in the order in which they were given out. */
static void set_ready_again(struct epoll_item *item)
{
    for (; item; item = item->again)
        item_set_ready(item, false);
}

/* Gives out an event of the item, if it has one: 1, 0 or -EFAULT. *again: it stays ready. */
static int item_give(struct epoll_item *item, vaddr_t to, bool *again)
{
    uint32_t found = item_events(item, NULL);
    struct epoll_event event = {.events = found, .data = item->data};

    *again = false;
    if (!found)
        return 0;
    if (user_put(to, &event)) {
        item_set_ready(item, true);
        return -EFAULT;
    }
    if (item->events & EPOLLONESHOT)
        __atomic_store_n(&item->events, item->events & PRIVATE_BITS, __ATOMIC_RELAXED);
    else
        *again = !(item->events & (uint32_t)EPOLLET);
    return 1;
}

/*
 * Gives out up to `count` events: how many, or -EFAULT. An item that stays ready
 * (level-triggered) goes back behind those that were not looked at.
 */
static ssize_t collect(struct epoll *epoll, vaddr_t events, int count)
{
    struct epoll_item *item, *again = NULL, **again_last = &again;
    ssize_t given = 0;

    mutex_acquire(&epoll->lock);
    epoll->rounds++;
    while (given < count && (item = epoll_take_ready(epoll))) {
        bool stays;
        int one = item_give(item, events + (size_t)given * sizeof(struct epoll_event), &stays);
        if (one < 0) {
            given = given ? given : one;
            break;
        }
        given += one;
        if (stays) {
            item->again = NULL;
            *again_last = item;
            again_last = &item->again;
        }
        thread_preemption_point();
    }
    set_ready_again(again);
    mutex_release(&epoll->lock);
    if (epoll_is_ready(epoll)) /* what this one leaves is another one's */
        wait_queue_take_one(&epoll->waiters);
    return given;
}

/* Who closes a file that is watched wants the lock: memory that lies elsewhere is not waited for
   with it. */
static ssize_t epoll_collect(struct epoll *epoll, vaddr_t events, int count)
{
    for (;;) {
        hasty_copy_begin();
        ssize_t given = collect(epoll, events, count);
        if (!hasty_copy_end() || given != -EFAULT || hasty_copy_wait())
            return given;
    }
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
                wait_event(&epoll->waiters, epoll_is_ready(epoll), THREAD_INTERRUPTIBLE, deadline);
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
    int error = mask ? file_hooks.signal_mask_replace(mask, size) : 0;
    if (error)
        return error;
    ssize_t result = epoll_wait_until(descriptor, events, count, deadline);
    if (mask)
        file_hooks.signal_mask_restore(result == -EINTR);
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

/* Would collecting now find something? What has nothing any more leaves the list. Lock held. */
static bool epoll_has_events(struct epoll *epoll)
{
    struct epoll_item *item;

    epoll->rounds++;
    while ((item = epoll_take_ready(epoll))) {
        if (item_events(item, NULL)) {
            item_set_ready(item, true);
            return true;
        }
        thread_preemption_point();
    }
    return false;
}

static unsigned epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *epoll = file->private;

    if (table && table->nests)
        poll_wait(table, &epoll->watchers);
    else
        poll_wait_limited(table, &epoll->watchers, &epoll->watch_limit);
    mutex_acquire(&epoll->lock);
    bool ready = epoll_has_events(epoll);
    mutex_release(&epoll->lock);
    return ready ? POLLIN | POLLRDNORM : 0;
}

static void epoll_free(struct epoll *epoll)
{
    user_account_release(epoll->account);
    heap_free(epoll);
}

/* Takes some of the instance's items away. False: there are no more. */
static bool release_some(struct epoll *epoll)
{
    mutex_acquire(&epoll_watch_mutex);
    mutex_acquire(&epoll->lock);
    for (int i = 0; i < REMOVED_AT_ONCE && !RB_EMPTY(&epoll->items); i++)
        item_free(RB_ROOT(&epoll->items));
    bool more = !RB_EMPTY(&epoll->items);
    mutex_release(&epoll->lock);
    mutex_release(&epoll_watch_mutex);
    return more;
}

static void epoll_release(struct file *file)
{
    struct epoll *epoll = file->private;

    while (release_some(epoll))
        thread_preemption_point();
    epoll_free(epoll);
}

/* As proc(5) shows it. */
static size_t item_describe(const struct epoll_item *item, char *buffer, size_t size)
{
    const struct file *file = item->file;

    return (size_t)format_string(
        buffer, size, "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%lx\n",
        item->descriptor, item->events, item->data, file->stream ? 0 : file->offset,
        file->inode->number, file->inode->file_system->device);
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
        used += item_describe(item, buffer + used, size - used);
    mutex_release(&epoll->lock);
}

static const struct file_operations epoll_operations = {
    .seek = file_seek_null,
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
    wait_queue_initialize(&epoll->waiters);
    wait_queue_initialize(&epoll->watchers);
    epoll->watch_limit.most = WATCHERS_FEW / 2;
    struct file *file = file_create_anonymous("[eventpoll]", &epoll_operations, epoll, O_RDWR);
    if (!file) {
        epoll_free(epoll);
        return -ENOMEM;
    }
    epoll->file = file;
    return descriptor_add(file, flags & EPOLL_CLOEXEC);
}

ssize_t sys_epoll_create(int size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}
