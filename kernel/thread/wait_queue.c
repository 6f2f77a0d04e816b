#include "thread/wait_queue.h"

#include "cpu/panic.h"
#include "thread/preemption.h"

#define ANYTHING UINT32_MAX

static bool wake_thread(struct wait_entry *entry, unsigned events)
{
    (void)events;
    return thread_wake(entry->thread);
}

void wait_queue_add(struct wait_queue *queue, struct wait_entry *entry)
{
    entry->queue = queue;
    bool enabled = spinlock_acquire_save(&queue->lock);
    TAILQ_INSERT_TAIL(&queue->entries, entry, link);
    spinlock_release_restore(&queue->lock, enabled);
}

void wait_queue_remove(struct wait_entry *entry)
{
    bool enabled = spinlock_acquire_save(&entry->queue->lock);
    TAILQ_REMOVE(&entry->queue->entries, entry, link);
    spinlock_release_restore(&entry->queue->lock, enabled);
}

void wait_begin(struct wait_queue *queue, struct wait_entry *entry, enum thread_state state)
{
    entry->notify = wake_thread;
    entry->thread = thread_current();
    entry->state = state;
    entry->exclusive = entry->taken = false;
    wait_queue_add(queue, entry);
    thread_prepare_sleep(state);
}

/* Who was woken by wait_queue_take_one() sees here that it is off the queue. Lets the taker finish
   first. */
static void return_to_queue(struct wait_entry *entry)
{
    bool enabled = spinlock_acquire_save(&entry->queue->lock);
    if (entry->taken) {
        entry->taken = false;
        TAILQ_INSERT_TAIL(&entry->queue->entries, entry, link);
    }
    spinlock_release_restore(&entry->queue->lock, enabled);
}

void wait_again(struct wait_entry *entry)
{
    if (__atomic_load_n(&entry->taken, __ATOMIC_RELAXED))
        return_to_queue(entry);
    thread_prepare_sleep(entry->state);
}

void wait_end(struct wait_entry *entry)
{
    thread_cancel_sleep();
    bool enabled = spinlock_acquire_save(&entry->queue->lock);
    if (!entry->taken)
        TAILQ_REMOVE(&entry->queue->entries, entry, link);
    spinlock_release_restore(&entry->queue->lock, enabled);
}

/* Interrupts stay off for so many entries at most, where the waker has them on; then it may be
   preempted. */
#define WAKE_PIECE 32

static bool wake_nobody(struct wait_entry *entry, unsigned events)
{
    (void)events;
    (void)entry;
    return false;
}

/* A wake-up of all on its way through a queue. */
struct wake_walk {
    struct wait_entry here, end; /* mark where it goes on, and where those begin that came later */
    bool end_marked;
};

/* Lets interrupts, others at the queue and other threads in. Returns the entry to go on with. */
static struct wait_entry *wake_pause(struct wake_walk *walk, struct wait_queue *queue,
                                     struct wait_entry *next)
{
    walk->here = (struct wait_entry){.notify = wake_nobody};
    if (!walk->end_marked) {
        walk->end = walk->here;
        TAILQ_INSERT_TAIL(&queue->entries, &walk->end, link);
        walk->end_marked = true;
    }
    TAILQ_INSERT_BEFORE(next, &walk->here, link);
    spinlock_release_restore(&queue->lock, true);
    thread_preemption_point();
    spinlock_acquire_save(&queue->lock);
    next = TAILQ_NEXT(&walk->here, link);
    TAILQ_REMOVE(&queue->entries, &walk->here, link);
    return next;
}

/* Wakes all, of the exclusive ones `exclusive` at most. */
static int wake_all(struct wait_queue *queue, unsigned events, int exclusive)
{
    struct wait_entry *entry, *next;
    struct wake_walk walk; /* set when it is needed: nearly always a queue is short */
    int woken = 0, looked_at = 0;

    /* With interrupts on: no lock that another thread on this processor would wait for. */
    debug_assert(!interrupts_enabled() || !cpu_current()->spinlocks_held);
    bool enabled = spinlock_acquire_save(&queue->lock);

    walk.end_marked = false;
    for (entry = TAILQ_FIRST(&queue->entries); entry && entry != &walk.end; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if ((!entry->exclusive || exclusive) && entry->notify(entry, events)) {
            woken++;
            exclusive -= entry->exclusive;
        }
        if (++looked_at % WAKE_PIECE == 0 && enabled && next)
            next = wake_pause(&walk, queue, next);
    }
    if (walk.end_marked)
        TAILQ_REMOVE(&queue->entries, &walk.end, link);
    spinlock_release_restore(&queue->lock, enabled);
    return woken;
}

/*
 * Most wake-ups find nobody. Who comes to wait stands in the queue before it looks at the
 * condition; who wakes has changed the condition before it looks at the queue: with a barrier in
 * between on both sides (a lock's exchange on the other) one of the two sees the other.
 */
static bool is_empty(const struct wait_queue *queue)
{
    memory_barrier();
    return !__atomic_load_n(&queue->entries.tqh_first, __ATOMIC_RELAXED);
}

int wait_queue_wake(struct wait_queue *queue)
{
    return is_empty(queue) ? 0 : wake_all(queue, ANYTHING, 1);
}

int wait_queue_wake_for(struct wait_queue *queue, unsigned events)
{
    return is_empty(queue) ? 0 : wake_all(queue, events, 1);
}

int wait_queue_wake_all(struct wait_queue *queue)
{
    return is_empty(queue) ? 0 : wake_all(queue, ANYTHING, INT32_MAX);
}

int wait_queue_wake_one(struct wait_queue *queue)
{
    struct wait_entry *entry;
    int woken = 0;
    bool enabled = spinlock_acquire_save(&queue->lock);

    TAILQ_FOREACH(entry, &queue->entries, link)
    if ((woken = entry->notify(entry, ANYTHING)))
        break;
    spinlock_release_restore(&queue->lock, enabled);
    return woken;
}

/* `taken` is set before the wake-up: who runs by it sees it. */
static bool take(struct wait_queue *queue, struct wait_entry *entry)
{
    struct wait_entry *next = TAILQ_NEXT(entry, link);

    __atomic_store_n(&entry->taken, true, __ATOMIC_RELAXED);
    TAILQ_REMOVE(&queue->entries, entry, link);
    if (entry->notify(entry, ANYTHING))
        return true;
    if (next)
        TAILQ_INSERT_BEFORE(next, entry, link);
    else
        TAILQ_INSERT_TAIL(&queue->entries, entry, link);
    __atomic_store_n(&entry->taken, false, __ATOMIC_RELAXED);
    return false;
}

int wait_queue_take_one(struct wait_queue *queue)
{
    struct wait_entry *entry, *next;
    bool enabled = spinlock_acquire_save(&queue->lock);

    for (entry = TAILQ_FIRST(&queue->entries); entry; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if (take(queue, entry))
            break;
    }
    spinlock_release_restore(&queue->lock, enabled);
    return entry != NULL;
}
