/*
 * run_queue.c: see run_queue.h. Three kinds of threads wait: those of real-time priority; those of
 * users who have had much less of the processors than another one (share.h); all others. They go in
 * this order, but the first two kinds leave something to those behind them.
 */
#include "thread/run_queue.h"

#include "thread/share.h"

#define SLICE_NS    4000000ULL /* 4 ms at nice 0, while no more than so many wait … */
#define SLICE_WAITS 4
#define SLICE_LEAST 500000ULL /* … then they share a period, but for no less than this each */
/* Favoured threads' slices: whose they are may soon be the one who has had most. */
#define SLICE_FAVOURED_NS 100000ULL
/* Less than that left of a slice is not worth a switch. */
#define REST_NS 50000ULL
/* So long they may run in one go while others wait; then one of these has its turn. */
#define FAVOURED_NS (2 * SLICE_NS)

/* What is left to real-time threads of this period. Queue's lock held. */
static uint64_t real_time_left(struct run_queue *queue, uint64_t now)
{
    if (now - queue->real_time_since >= REAL_TIME_PERIOD_NS) {
        queue->real_time_since = now;
        queue->real_time_used = 0;
    }
    return queue->real_time_used < REAL_TIME_RUNTIME_NS
               ? REAL_TIME_RUNTIME_NS - queue->real_time_used
               : 0;
}

/* From 19 (least) to -20 each step of nice is a twentieth of a slice more. */
uint64_t run_queue_slice(const struct thread *thread, struct run_queue *queue, uint64_t now)
{
    if (thread->priority) {
        uint64_t left = real_time_left(queue, now);
        if (!left)
            left = REAL_TIME_PERIOD_NS - REAL_TIME_RUNTIME_NS;
        return thread->round_robin && left > SLICE_ROUND_ROBIN_NS ? SLICE_ROUND_ROBIN_NS : left;
    }
    if (thread->favoured)
        return SLICE_FAVOURED_NS;
    int nice = __atomic_load_n(&thread->nice, __ATOMIC_RELAXED);
    uint64_t slice = SLICE_NS - (uint64_t)((int64_t)nice * (int64_t)(SLICE_NS / 20));
    if (queue->length > SLICE_WAITS)
        slice = slice * SLICE_WAITS / queue->length;
    if (slice < SLICE_LEAST)
        slice = SLICE_LEAST;
    return thread->turn_left && thread->turn_left < slice ? thread->turn_left : slice;
}

uint64_t run_queue_turn_left(const struct run_queue *queue, const struct thread *thread,
                             uint64_t now)
{
    return queue->yielding || thread->slice_end < now + REST_NS ? 0 : thread->slice_end - now;
}

bool run_queue_favours(const struct thread *thread)
{
    return thread->share && !thread->priority &&
           __atomic_load_n(&thread->nice, __ATOMIC_RELAXED) <= 0 &&
           processor_share_is_behind(thread->share);
}

/* Who yields has had his turn. Queue's lock held. */
static bool is_favoured(const struct run_queue *queue, const struct thread *thread)
{
    return !queue->yielding && run_queue_favours(thread);
}

void run_queue_add(struct run_queue *queue, struct thread *thread, bool first)
{
    struct thread_queue *threads = &queue->threads;
    struct thread *next = NULL;

    thread->queued = true;
    thread->favoured = is_favoured(queue, thread);
    if (thread->favoured) {
        threads = &queue->favoured;
    } else if (first || thread->priority) {
        TAILQ_FOREACH(next, threads, run_link)
        if (next->priority < thread->priority || (first && next->priority == thread->priority))
            break;
    }
    if (next)
        TAILQ_INSERT_BEFORE(next, thread, run_link);
    else
        TAILQ_INSERT_TAIL(threads, thread, run_link);
    __atomic_store_n(&queue->length, queue->length + 1, __ATOMIC_RELAXED);
}

void run_queue_remove(struct run_queue *queue, struct thread *thread)
{
    struct thread_queue *threads = thread->favoured ? &queue->favoured : &queue->threads;

    thread->queued = false;
    TAILQ_REMOVE(threads, thread, run_link);
    __atomic_store_n(&queue->length, queue->length - 1, __ATOMIC_RELAXED);
}

/* Who was favoured when it was queued may be so no longer: its user has run meanwhile on other
   CPUs. So many are looked at: some milliseconds of a processor's time may have made thousands. */
#define LOOKS 8

/* Queue's lock held. */
static struct thread *first_favoured(struct run_queue *queue)
{
    struct thread *thread;
    unsigned looks = 0;

    while ((thread = TAILQ_FIRST(&queue->favoured)) && looks++ < LOOKS &&
           !is_favoured(queue, thread)) {
        TAILQ_REMOVE(&queue->favoured, thread, run_link);
        TAILQ_INSERT_TAIL(&queue->threads, thread, run_link);
        thread->favoured = false;
    }
    return thread;
}

/* …where threads of several kinds wait. */
static __attribute__((noinline)) struct thread *first_of_kinds(struct run_queue *queue,
                                                               uint64_t now)
{
    struct thread *favoured = first_favoured(queue);
    struct thread *first = TAILQ_FIRST(&queue->threads), *ordinary = first;

    if (first && first->priority && real_time_left(queue, now))
        return first;
    while (ordinary && ordinary->priority)
        ordinary = TAILQ_NEXT(ordinary, run_link);
    if (favoured && (!ordinary || now - queue->ordinary_ran < FAVOURED_NS))
        return favoured;
    return ordinary ? ordinary : first;
}

struct thread *run_queue_first(struct run_queue *queue, uint64_t now)
{
    struct thread *first = TAILQ_FIRST(&queue->threads);

    if (!TAILQ_EMPTY(&queue->favoured) || (first && first->priority))
        return first_of_kinds(queue, now);
    return first;
}

bool run_queue_keeps_turn(const struct run_queue *queue, const struct thread *thread, uint64_t now)
{
    if (!thread->priority)
        return thread->turn_left;
    return !queue->yielding && (!thread->round_robin || now < thread->slice_end);
}
