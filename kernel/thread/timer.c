#include "thread/timer.h"

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "thread/thread.h"
#include "thread/timer_queue.h"

RB_HEAD(timer_tree, timer);

struct timer_queue {
    struct spinlock lock; /* taken with interrupts off; under it nothing else is taken */
    struct timer_tree timers;
    struct timer *running; /* whose function is being called; lock */
    uint64_t slice_end;    /* own */
};
static struct timer_queue queues[CPU_MAXIMUM];

static int timer_compare(struct timer *a, struct timer *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* The generated functions are not all used; <bsd/sys/cdefs.h> leaves the word to the C library. */
#undef __unused
#define __unused __attribute__((unused))
RB_GENERATE_STATIC(timer_tree, timer, link, timer_compare)

static struct timer_queue *own_queue(void)
{
    return &queues[cpu_current()->number];
}

/* Arms the clock for whatever comes first. Queue's lock held, own queue. */
static void arm_clock(struct timer_queue *queue)
{
    struct timer *first = RB_MIN(timer_tree, &queue->timers);
    uint64_t deadline = first ? first->deadline : CLOCK_NEVER;

    clock_arm(deadline < queue->slice_end ? deadline : queue->slice_end);
}

void timer_queue_arm_slice(uint64_t deadline)
{
    own_queue()->slice_end = deadline;
    clock_arm(deadline);
}

/* As many timers as programs set may expire at once: after so many, or so long, others have their
   turn, for half as long at least. */
#define EXPIRIES_AT_ONCE 8
#define EXPIRIES_TIME    50000 /* ns */
#define EXPIRIES_PAUSE   10000 /* ns */

static void clock_expired(void)
{
    struct timer_queue *queue = own_queue();
    uint64_t now = clock_now(), spent = 0;
    unsigned expired = 0;
    struct timer *timer;

    spinlock_acquire(&queue->lock);
    while ((timer = RB_MIN(timer_tree, &queue->timers)) && timer->deadline <= now &&
           expired++ < EXPIRIES_AT_ONCE && spent < EXPIRIES_TIME) {
        RB_REMOVE(timer_tree, &queue->timers, timer);
        timer->armed = false;
        queue->running = timer;
        spinlock_release(&queue->lock);
        timer->expired(timer);
        spinlock_acquire(&queue->lock);
        queue->running = NULL;
        spent = clock_now() - now;
    }
    if (queue->slice_end <= now)
        queue->slice_end = CLOCK_NEVER; /* the switch that follows arms the next one */
    if (timer && timer->deadline <= now)
        clock_arm(now + spent + (spent / 2 > EXPIRIES_PAUSE ? spent / 2 : EXPIRIES_PAUSE));
    else
        arm_clock(queue);
    spinlock_release(&queue->lock);
    scheduler_tick(now);
}

void timer_queue_initialize_cpu(void)
{
    spinlock_initialize(&own_queue()->lock, LOCK_TIMER_QUEUE);
    own_queue()->slice_end = CLOCK_NEVER;
    clock_set_expired(clock_expired);
}

void timer_initialize(struct timer *timer, void (*expired)(struct timer *timer))
{
    *timer = (struct timer){.expired = expired};
}

/* The queue that the timer was armed on last, locked; interrupts are off. */
static struct timer_queue *lock_queue_of(struct timer *timer)
{
    for (;;) {
        uint32_t cpu = __atomic_load_n(&timer->cpu, __ATOMIC_RELAXED);
        struct timer_queue *queue = &queues[cpu];
        spinlock_acquire(&queue->lock);
        if (__atomic_load_n(&timer->cpu, __ATOMIC_RELAXED) == cpu)
            return queue;
        spinlock_release(&queue->lock);
    }
}

/*
 * A timer that is armed stays on its queue, whoever arms it again: then the
 * other CPU's clock may come early or, when the time moved forward, is told to
 * look again.
 */
void timer_arm(struct timer *timer, uint64_t deadline)
{
    bool enabled = interrupts_save();
    struct timer_queue *queue = lock_queue_of(timer);

    if (timer->armed) {
        RB_REMOVE(timer_tree, &queue->timers, timer);
        timer->armed = false;
    }
    if (queue != own_queue() && queue->running != timer) {
        __atomic_store_n(&timer->cpu, cpu_current()->number, __ATOMIC_RELAXED);
        spinlock_release(&queue->lock);
        queue = lock_queue_of(timer);
    }
    timer->deadline = deadline;
    timer->armed = true;
    RB_INSERT(timer_tree, &queue->timers, timer);
    if (queue == own_queue())
        arm_clock(queue);
    spinlock_release(&queue->lock);
    interrupts_restore(enabled);
}

bool timer_cancel(struct timer *timer)
{
    for (;;) {
        bool enabled = interrupts_save();
        struct timer_queue *queue = lock_queue_of(timer);
        bool armed = timer->armed;
        bool running = queue->running == timer;

        if (armed) {
            RB_REMOVE(timer_tree, &queue->timers, timer);
            timer->armed = false;
        }
        spinlock_release(&queue->lock);
        interrupts_restore(enabled);
        if (!running || queue == own_queue())
            return armed;
        cpu_relax();
    }
}
