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

/* ---- what is waited for ---- */

#define POLL_SMALL 16

/* Descriptors and what is wanted of each; from the stack when they are few. */
struct poll_set {
    struct pollfd *requests;
    struct file **files; /* of the requests, once they were looked at; NULL: none */
    unsigned count;
    bool references; /* to the files: the table is not this thread's alone */
    struct pollfd small_requests[POLL_SMALL];
    struct file *small_files[POLL_SMALL];
};

static size_t poll_set_size(unsigned count)
{
    return count * (sizeof(struct pollfd) + sizeof(struct file *));
}

/* False: no memory. */
static bool poll_set_allocate(struct poll_set *set, unsigned count)
{
    set->requests = set->small_requests;
    set->files = set->small_files;
    set->count = count;
    set->references = false;
    if (count > POLL_SMALL) {
        set->requests = user_account_heap_allocate(poll_set_size(count));
        set->files = (struct file **)(set->requests + count);
    }
    return set->requests;
}

static void poll_set_free(struct poll_set *set)
{
    if (set->requests != set->small_requests)
        user_account_heap_free(set->requests, poll_set_size(set->count));
}

/* After so many others may run. */
#define POLL_PIECE 32

static void poll_pause(size_t done)
{
    if (done % POLL_PIECE == 0)
        thread_preemption_point();
}

/* What of the events asked for the file has now. */
static inline unsigned poll_look(struct file *file, short events, struct poll_table *table)
{
    return file_poll(file, table) & ((unsigned short)events | POLLERR | POLLHUP);
}

/* The first look finds the files, too. How many requests have something. Queues are joined only
   until one has. Not inline: the loop wants all registers. */
static __attribute__((noinline)) int poll_look_first(struct poll_set *set, struct poll_table *table)
{
    const struct descriptor_table *descriptors = thread_current()->descriptors;
    bool own = descriptor_table_is_own(descriptors);
    struct pollfd *request = set->requests, *end = request + set->count;
    struct file **files = set->files;
    int ready = 0;

    set->references = !own;
    for (; request < end; request++) {
        struct file *file = NULL;
        unsigned found = 0;
        if (request->fd >= 0) {
            file = own ? descriptor_own(descriptors, request->fd) : descriptor_get(request->fd);
            found = file ? poll_look(file, request->events, table) : POLLNVAL;
        }
        *files++ = file;
        request->revents = (short)found;
        if (found) {
            ready++;
            table = NULL;
        }
        poll_pause((size_t)(end - request));
    }
    return ready;
}

/* How many have something, when they are looked at again: nobody had, so each is a file or none. */
static int poll_look_again(const struct poll_set *set)
{
    int ready = 0;

    for (unsigned i = 0; i < set->count; i++) {
        struct pollfd *request = &set->requests[i];
        unsigned found = set->files[i] ? poll_look(set->files[i], request->events, NULL) : 0;
        request->revents = (short)found;
        ready += found != 0;
        poll_pause(i);
    }
    return ready;
}

static void poll_release_files(const struct poll_set *set)
{
    for (unsigned i = 0; set->references && i < set->count; i++) {
        file_release(set->files[i]);
        poll_pause(i);
    }
}

/* Waits until a request has what is wanted: how many; 0: the deadline; -EINTR, -ENOMEM. */
static int poll_set_wait(struct poll_set *set, uint64_t deadline)
{
    struct poller poller;
    bool late = deadline != CLOCK_NEVER && deadline <= clock_now();

    poller_begin(&poller);
    int ready = poll_look_first(set, late ? NULL : &poller.table);
    while (!ready && !late) {
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
        __atomic_store_n(&poller.triggered, false, __ATOMIC_SEQ_CST);
        ready = poll_look_again(set);
    }
    poller_end(&poller);
    poll_release_files(set);
    return ready;
}

/* ---- poll(2) ---- */

/* Result as poll(2), -EINTR when a signal came. */
static ssize_t poll_until(vaddr_t descriptors, unsigned count, uint64_t deadline)
{
    struct poll_set set;

    if (count > thread_limit(RLIMIT_NOFILE))
        return -EINVAL;
    if (!poll_set_allocate(&set, count))
        return -ENOMEM;
    ssize_t result = user_copy_in(set.requests, descriptors, count * sizeof(struct pollfd));
    if (!result)
        result = poll_set_wait(&set, deadline);
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

static unsigned select_count(const struct select_sets *sets)
{
    unsigned count = 0;

    for (size_t word = 0; word < sets->words; word++)
        count += (unsigned)__builtin_popcountll(select_any(sets, word));
    return count;
}

/* What the sets that have this descriptor ask of it. */
static short select_events(const struct select_sets *sets, size_t word, unsigned bit)
{
    unsigned events = 0;

    for (int set = 0; set < SET_COUNT; set++)
        if (sets->bits[set][word] >> bit & 1)
            events |= set_events[set];
    return (short)events;
}

/* A request for each descriptor that is in any set. */
static void select_make_requests(const struct select_sets *sets, struct pollfd *request)
{
    size_t made = 0;

    for (size_t word = 0; word < sets->words; word++) {
        for (uint64_t any = select_any(sets, word); any; any &= any - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(any);
            *request++ = (struct pollfd){.fd = (int)(word * 64 + bit),
                                         .events = select_events(sets, word, bit)};
            poll_pause(++made);
        }
    }
}

/* Leaves of the sets what was found of one descriptor: in how many. */
static unsigned select_keep_found(const struct select_sets *sets, const struct pollfd *request)
{
    size_t word = (size_t)request->fd / 64;
    uint64_t bit = UINT64_C(1) << request->fd % 64;
    unsigned found = 0;

    for (int set = 0; set < SET_COUNT; set++) {
        if (!((unsigned short)request->revents & set_events[set]))
            sets->bits[set][word] &= ~bit;
        else if (sets->bits[set][word] & bit)
            found++;
    }
    return found;
}

/* Turns what was found into sets again: how many bits; -EBADF, -EFAULT. */
static ssize_t select_write_sets(const struct select_sets *sets, const struct poll_set *found)
{
    ssize_t total = 0;

    for (unsigned i = 0; i < found->count; i++) {
        if (found->requests[i].revents == POLLNVAL)
            return -EBADF;
        total += select_keep_found(sets, &found->requests[i]);
        poll_pause(i);
    }
    for (int set = 0; set < SET_COUNT; set++)
        if (sets->addresses[set] &&
            user_copy_out(sets->addresses[set], sets->bits[set], sets->words * sizeof(uint64_t)))
            return -EFAULT;
    return total;
}

static ssize_t select_wait(const struct select_sets *sets, uint64_t deadline)
{
    struct poll_set set;

    if (!poll_set_allocate(&set, select_count(sets)))
        return -ENOMEM;
    select_make_requests(sets, set.requests);
    ssize_t result = poll_set_wait(&set, deadline);
    if (result >= 0)
        result = select_write_sets(sets, &set);
    poll_set_free(&set);
    return result;
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
    ssize_t result = select_wait(&sets, deadline);
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
