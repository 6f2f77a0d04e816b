/* poll.c: poll(2) and select(2): one way to wait for several files. */
#include "file/poll/poll.h"

#include <asm/errno.h>
#include <linux/posix_types.h>
#include <linux/time_types.h>

#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/system_calls.h"
#include "library/string.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"
#include "thread/limits.h"
#include "thread/preemption.h"

void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
    if (table && !table->add(table, queue, NULL))
        table->failed = true;
}

bool watch_limit_join(struct watch_limit *limit)
{
    if (__atomic_fetch_add(&limit->watchers, 1, __ATOMIC_ACQ_REL) < limit->most)
        return true;
    __atomic_fetch_sub(&limit->watchers, 1, __ATOMIC_ACQ_REL);
    return false;
}

void watch_limit_leave(struct watch_limit *limit)
{
    if (!__atomic_sub_fetch(&limit->watchers, 1, __ATOMIC_ACQ_REL) && limit->unwatched)
        limit->unwatched(limit);
}

void poll_wait_limited(struct poll_table *table, struct wait_queue *queue,
                       struct watch_limit *limit)
{
    if (!table)
        return;
    if (!watch_limit_join(limit)) {
        table->failed = true;
    } else if (!table->add(table, queue, limit)) {
        watch_limit_leave(limit);
        table->failed = true;
    }
    watch_limit_look(limit);
}

void poll_refuse(struct poll_table *table)
{
    if (table)
        table->failed = true;
}

unsigned file_poll(struct file *file, struct poll_table *table)
{
    if (!file->operations->poll)
        return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
    return file->operations->poll(file, table);
}

/* ---- times ---- */

uint64_t deadline_from_milliseconds(int milliseconds)
{
    return milliseconds < 0 ? CLOCK_NEVER : clock_now() + (uint64_t)milliseconds * 1000000;
}

/* Far times are never, not soon. */
static uint64_t deadline_after(uint64_t seconds, uint64_t nanoseconds)
{
    uint64_t now = clock_now();
    if (seconds >= (CLOCK_NEVER - now) / NANOSECONDS_PER_SECOND - 1)
        return CLOCK_NEVER;
    return now + seconds * NANOSECONDS_PER_SECOND + nanoseconds;
}

int deadline_from_user(vaddr_t time, uint64_t *deadline)
{
    struct __kernel_timespec value;

    *deadline = CLOCK_NEVER;
    if (!time)
        return 0;
    if (user_get(&value, time))
        return -EFAULT;
    if (value.tv_sec < 0 || value.tv_nsec < 0 || value.tv_nsec >= (long long)NANOSECONDS_PER_SECOND)
        return -EINVAL;
    *deadline = deadline_after((uint64_t)value.tv_sec, (uint64_t)value.tv_nsec);
    return 0;
}

/* Tells the caller how much of the time is left, as Linux does; a fault does not matter. */
static void remaining_to_user(vaddr_t time, uint64_t deadline, bool microseconds)
{
    uint64_t now = clock_now();
    uint64_t left = deadline > now ? deadline - now : 0;
    int64_t value[2] = {(int64_t)(left / NANOSECONDS_PER_SECOND),
                        (int64_t)(left % NANOSECONDS_PER_SECOND)};

    if (microseconds)
        value[1] /= 1000;
    if (time && deadline != CLOCK_NEVER)
        (void)user_put(time, &value);
}

/* ---- waiting ---- */

/* One file and what is wanted of it. */
struct poll_item {
    struct file *file; /* NULL: none */
    struct file *held; /* the same, where it has a reference: descriptor_use() */
    unsigned wanted;
    unsigned found;
};

#define POLL_ENTRIES 12

/* Entries on the queues of the files, in pieces. */
struct poll_entries {
    struct poll_entries *next;
    unsigned used;
    struct poll_entry {
        struct wait_entry entry;
        struct poller *poller;
        struct watch_limit *limit; /* to be left; or NULL */
    } entries[POLL_ENTRIES];
};

struct poller {
    struct poll_table table;
    struct thread *thread;
    bool triggered; /* atomic: something happened since the last look */
    struct poll_entries first, *last;
};

static bool poller_notify(struct wait_entry *wait_entry, unsigned events)
{
    struct poller *poller = container_of(wait_entry, struct poll_entry, entry)->poller;

    (void)events;
    __atomic_store_n(&poller->triggered, true, __ATOMIC_SEQ_CST);
    thread_wake(poller->thread);
    return true;
}

static bool poller_add(struct poll_table *table, struct wait_queue *queue,
                       struct watch_limit *limit)
{
    struct poller *poller = container_of(table, struct poller, table);
    struct poll_entries *entries = poller->last;

    if (entries->used == POLL_ENTRIES) {
        entries = user_account_heap_allocate(sizeof(*entries));
        if (!entries)
            return false;
        poller->last->next = entries;
        poller->last = entries;
    }
    struct poll_entry *entry = &entries->entries[entries->used++];
    entry->poller = poller;
    entry->limit = limit;
    entry->entry = (struct wait_entry){.notify = poller_notify, .thread = poller->thread};
    wait_queue_add(queue, &entry->entry);
    return true;
}

static void poller_begin(struct poller *poller)
{
    poller->table = (struct poll_table){.add = poller_add};
    poller->thread = thread_current();
    poller->triggered = false;
    poller->first.next = NULL;
    poller->first.used = 0;
    poller->last = &poller->first;
}

static void poller_end(struct poller *poller)
{
    struct poll_entries *entries = &poller->first;

    while (entries) {
        struct poll_entries *next = entries->next;
        for (unsigned i = 0; i < entries->used; i++) {
            wait_queue_remove(&entries->entries[i].entry);
            if (entries->entries[i].limit)
                watch_limit_leave(entries->entries[i].limit);
        }
        if (entries != &poller->first)
            user_account_heap_free(entries, sizeof(*entries));
        entries = next;
        thread_preemption_point();
    }
}

/* After so many others may run. */
#define POLL_PIECE 32

static void poll_pause(size_t done)
{
    if (done % POLL_PIECE == 0)
        thread_preemption_point();
}

/* How many items have something. Queues are joined only until one is found. */
static int poll_scan(struct poll_item *items, size_t count, struct poll_table *table)
{
    int ready = 0;

    for (size_t i = 0; i < count; i++) {
        struct poll_item *item = &items[i];
        if (!item->file)
            continue;
        item->found =
            file_poll(item->file, ready ? NULL : table) & (item->wanted | POLLERR | POLLHUP);
        if (item->found)
            ready++;
        poll_pause(i);
    }
    return ready;
}

/* Waits until an item has what is wanted: how many; 0: the deadline; -EINTR, -ENOMEM. `already`:
   items that need no waiting (bad descriptors). */
static int poll_items(struct poll_item *items, size_t count, uint64_t deadline, int already)
{
    struct poller poller;
    bool first = true, late = already || (deadline != CLOCK_NEVER && deadline <= clock_now());
    int ready;

    poller_begin(&poller);
    for (;;) {
        __atomic_store_n(&poller.triggered, false, __ATOMIC_SEQ_CST);
        ready = poll_scan(items, count, first && !late ? &poller.table : NULL) + already;
        first = false;
        if (ready || late)
            break;
        if (poller.table.failed) {
            ready = -ENOMEM;
            break;
        }
        thread_prepare_sleep(THREAD_INTERRUPTIBLE);
        int error = 0;
        if (__atomic_load_n(&poller.triggered, __ATOMIC_SEQ_CST))
            thread_cancel_sleep();
        else
            error = thread_sleep(deadline);
        if (error == -EINTR) {
            ready = -EINTR;
            break;
        }
        late = error == -ETIMEDOUT;
    }
    poller_end(&poller);
    return ready;
}

/* ---- poll(2) ---- */

#define POLL_SMALL 16

/* What poll works on: from the stack when it is little. */
struct poll_set {
    struct pollfd small_requests[POLL_SMALL], *requests;
    struct poll_item small_items[POLL_SMALL], *items;
    unsigned count;
};

static void poll_set_free(struct poll_set *set)
{
    if (set->requests != set->small_requests)
        user_account_heap_free(set->requests, set->count * sizeof(*set->requests));
    if (set->items != set->small_items)
        user_account_heap_free(set->items, set->count * sizeof(*set->items));
}

static bool poll_set_allocate(struct poll_set *set, unsigned count)
{
    set->requests = set->small_requests;
    set->items = set->small_items;
    set->count = count;
    if (count > POLL_SMALL) {
        set->requests = user_account_heap_allocate(count * sizeof(*set->requests));
        set->items = user_account_heap_allocate(count * sizeof(*set->items));
    }
    if (set->requests && set->items)
        return true;
    poll_set_free(set);
    return false;
}

/* Result as poll(2), -EINTR when a signal came. */
static ssize_t poll_until(vaddr_t descriptors, unsigned count, uint64_t deadline)
{
    struct poll_set set;
    int bad = 0;

    if (count > thread_limit(RLIMIT_NOFILE))
        return -EINVAL;
    if (!poll_set_allocate(&set, count))
        return -ENOMEM;
    if (user_copy_in(set.requests, descriptors, count * sizeof(struct pollfd))) {
        poll_set_free(&set);
        return -EFAULT;
    }
    for (unsigned i = 0; i < count; i++) {
        struct pollfd *request = &set.requests[i];
        poll_pause(i);
        set.items[i] = (struct poll_item){.wanted = (uint16_t)request->events};
        if (request->fd < 0)
            continue;
        set.items[i].file = descriptor_use(request->fd, &set.items[i].held);
        if (!set.items[i].file) {
            set.items[i].found = POLLNVAL;
            bad++;
        }
    }
    ssize_t result = poll_items(set.items, count, deadline, bad);
    for (unsigned i = 0; i < count; i++) {
        set.requests[i].revents = (int16_t)set.items[i].found;
        if (set.items[i].held)
            file_release(set.items[i].held);
        poll_pause(i);
    }
    /* Nothing else of a request is the kernel's to write: others may be changing it. */
    size_t offset = __builtin_offsetof(struct pollfd, revents);
    if (result >= 0 &&
        user_put_fields(descriptors + offset, &set.requests->revents, count, sizeof(struct pollfd)))
        result = -EFAULT;
    poll_set_free(&set);
    return result;
}

/* restart_syscall(2): on with what is left of the time. */
static int64_t poll_again(struct restart_block *block)
{
    ssize_t result = poll_until(block->values[0], (unsigned)block->values[1], block->values[2]);
    return result == -EINTR ? -RESTART_WITH_BLOCK : result;
}

ssize_t sys_poll(vaddr_t descriptors, unsigned count, int milliseconds)
{
    uint64_t deadline = deadline_from_milliseconds(milliseconds);

    ssize_t result = poll_until(descriptors, count, deadline);
    if (result != -EINTR)
        return result;
    thread_current()->restart =
        (struct restart_block){.again = poll_again, .values = {descriptors, count, deadline}};
    return -RESTART_WITH_BLOCK;
}

ssize_t sys_ppoll(vaddr_t descriptors, unsigned count, vaddr_t time, vaddr_t mask, size_t size)
{
    uint64_t deadline;

    int error = deadline_from_user(time, &deadline);
    if (error)
        return error;
    error = mask ? file_hooks.signal_mask_replace(mask, size) : 0;
    if (error)
        return error;
    ssize_t result = poll_until(descriptors, count, deadline);
    if (mask)
        file_hooks.signal_mask_restore(result == -EINTR);
    remaining_to_user(time, deadline, false);
    return result == -EINTR ? -RESTART_NO_HANDLER : result;
}

/* ---- select(2) ---- */

/* What each set asks of poll, select(2) "Correspondence between select() and poll()". */
#define SELECT_READ  (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_WRITE (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)

enum { SET_READ, SET_WRITE, SET_EXCEPT, SET_COUNT };
static const unsigned set_events[SET_COUNT] = {SELECT_READ, SELECT_WRITE, POLLPRI};

struct select_sets {
    vaddr_t addresses[SET_COUNT]; /* 0: not given */
    uint64_t *bits[SET_COUNT];    /* in one piece of memory */
    size_t words;
    struct poll_item *items;
    int *numbers; /* descriptor of each item */
    size_t item_count, item_room;
};

static size_t select_bits_size(const struct select_sets *sets)
{
    return (sets->words + 1) * SET_COUNT * sizeof(uint64_t);
}

static int select_read_sets(struct select_sets *sets, int count)
{
    sets->words = ((size_t)count + 63) / 64;
    uint64_t *bits = user_account_heap_allocate(select_bits_size(sets));
    if (!bits)
        return -ENOMEM;
    for (int set = 0; set < SET_COUNT; set++) {
        sets->bits[set] = bits + (size_t)set * sets->words;
        if (sets->addresses[set] &&
            user_copy_in(sets->bits[set], sets->addresses[set], sets->words * sizeof(uint64_t))) {
            user_account_heap_free(bits, select_bits_size(sets));
            return -EFAULT;
        }
        if (count % 64)
            sets->bits[set][sets->words - 1] &= (UINT64_C(1) << count % 64) - 1;
    }
    return 0;
}

static uint64_t select_any(const struct select_sets *sets, size_t word)
{
    return sets->bits[SET_READ][word] | sets->bits[SET_WRITE][word] | sets->bits[SET_EXCEPT][word];
}

/* An item for each descriptor that is in any set. 0, -EBADF, -ENOMEM. */
static int select_make_items(struct select_sets *sets)
{
    size_t total = 0;
    for (size_t word = 0; word < sets->words; word++)
        total += (size_t)__builtin_popcountll(select_any(sets, word));
    sets->item_room = total + 1;
    sets->items = user_account_heap_allocate(sets->item_room * sizeof(*sets->items));
    sets->numbers = user_account_heap_allocate(sets->item_room * sizeof(*sets->numbers));
    if (!sets->items || !sets->numbers)
        return -ENOMEM;
    for (size_t word = 0; word < sets->words; word++) {
        for (uint64_t any = select_any(sets, word); any; any &= any - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(any);
            int number = (int)(word * 64 + bit);
            struct poll_item *item = &sets->items[sets->item_count];
            item->file = descriptor_use(number, &item->held);
            if (!item->file)
                return -EBADF;
            for (int set = 0; set < SET_COUNT; set++)
                if (sets->bits[set][word] >> bit & 1)
                    item->wanted |= set_events[set];
            sets->numbers[sets->item_count++] = number;
            poll_pause(sets->item_count);
        }
    }
    return 0;
}

/* Turns what was found into sets again: how many bits. */
static ssize_t select_write_sets(struct select_sets *sets)
{
    ssize_t total = 0;

    for (size_t i = 0; i < sets->item_count; i++) {
        size_t word = (size_t)sets->numbers[i] / 64;
        uint64_t bit = UINT64_C(1) << sets->numbers[i] % 64;
        poll_pause(i);
        for (int set = 0; set < SET_COUNT; set++) {
            if (!(sets->bits[set][word] & bit))
                continue;
            if (sets->items[i].found & set_events[set])
                total++;
            else
                sets->bits[set][word] &= ~bit;
        }
    }
    for (int set = 0; set < SET_COUNT; set++)
        if (sets->addresses[set] &&
            user_copy_out(sets->addresses[set], sets->bits[set], sets->words * sizeof(uint64_t)))
            return -EFAULT;
    return total;
}

/* Result as select(2), -EINTR when a signal came. */
static ssize_t select_until(int count, vaddr_t read, vaddr_t write, vaddr_t except,
                            uint64_t deadline)
{
    struct select_sets sets = {.addresses = {read, write, except}};

    if (count < 0)
        return -EINVAL;
    if (count > DESCRIPTORS_MAXIMUM)
        count = DESCRIPTORS_MAXIMUM;
    /* What lies above the table cannot be open and is not looked at. */
    int capacity = (int)__atomic_load_n(&thread_current()->descriptors->capacity, __ATOMIC_RELAXED);
    if (count > capacity)
        count = capacity;
    int error = select_read_sets(&sets, count);
    if (error)
        return error;
    ssize_t result = select_make_items(&sets);
    if (!result)
        result = poll_items(sets.items, sets.item_count, deadline, 0);
    if (result >= 0)
        result = select_write_sets(&sets);
    for (size_t i = 0; i < sets.item_count; i++) {
        poll_pause(i);
        if (sets.items[i].held)
            file_release(sets.items[i].held);
    }
    user_account_heap_free(sets.items, sets.item_room * sizeof(*sets.items));
    user_account_heap_free(sets.numbers, sets.item_room * sizeof(*sets.numbers));
    user_account_heap_free(sets.bits[0], select_bits_size(&sets));
    return result;
}

ssize_t sys_select(int count, vaddr_t read, vaddr_t write, vaddr_t except, vaddr_t time)
{
    struct __kernel_old_timeval value;
    uint64_t deadline = CLOCK_NEVER;

    if (time) {
        if (user_get(&value, time))
            return -EFAULT;
        if (value.tv_sec < 0 || value.tv_usec < 0)
            return -EINVAL;
        deadline = deadline_after((uint64_t)value.tv_sec + (uint64_t)value.tv_usec / 1000000,
                                  (uint64_t)value.tv_usec % 1000000 * 1000);
    }
    ssize_t result = select_until(count, read, write, except, deadline);
    remaining_to_user(time, deadline, true);
    return result == -EINTR ? -RESTART_NO_HANDLER : result;
}

ssize_t sys_pselect6(int count, vaddr_t read, vaddr_t write, vaddr_t except, vaddr_t time,
                     vaddr_t mask)
{
    uint64_t deadline, mask_argument[2] = {0, 0}; /* address and size */

    if (mask && user_get(&mask_argument, mask))
        return -EFAULT;
    int error = deadline_from_user(time, &deadline);
    if (error)
        return error;
    if (mask_argument[0])
        error = file_hooks.signal_mask_replace(mask_argument[0], mask_argument[1]);
    if (error)
        return error;
    ssize_t result = select_until(count, read, write, except, deadline);
    if (mask_argument[0])
        file_hooks.signal_mask_restore(result == -EINTR);
    remaining_to_user(time, deadline, false);
    return result == -EINTR ? -RESTART_NO_HANDLER : result;
}
