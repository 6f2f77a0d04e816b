/*
 * run_queue.c: see run_queue.h. Three kinds of threads wait: those of real-time priority; those of
 * users who have had much less of the processors than another one (share.h); all others. They go in
 * this order, but the first two kinds leave something to those behind them.
 */
#include "thread/run_queue.h"

#include "thread/share.h"

#define SLICE_NS 4000000ULL /* 4 ms at nice 0 */
/* Favoured threads' slices: whose they are may soon be the one who has had most. */
#define SLICE_FAVOURED_NS 100000ULL
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

/* From 19 (least) to -20 each step of nice is a fifth of a millisecond more. */
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
    return SLICE_NS - (int64_t)nice * (int64_t)(SLICE_NS / 20);
}

/* Of a user who has had little, and neither real-time nor meant to matter less; who
   yields has had his turn, too. Queue's lock held. */
static bool is_favoured(const struct run_queue *queue, const struct thread *thread)
{
    return !queue->yielding && thread->share && !thread->priority &&
           __atomic_load_n(&thread->nice, __ATOMIC_RELAXED) <= 0 &&
           processor_share_is_behind(thread->share);
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

struct thread *run_queue_first(struct run_queue *queue, uint64_t now)
{
    struct thread *first = TAILQ_FIRST(&queue->threads), *ordinary = first;
    struct thread *favoured = TAILQ_FIRST(&queue->favoured);

    if (first && first->priority && real_time_left(queue, now))
        return first;
    while (ordinary && ordinary->priority)
        ordinary = TAILQ_NEXT(ordinary, run_link);
    if (favoured && (!ordinary || now - queue->ordinary_ran < FAVOURED_NS))
        return favoured;
    return ordinary ? ordinary : first;
}

bool run_queue_keeps_turn(const struct run_queue *queue, const struct thread *thread, uint64_t now)
{
    return thread->priority && !queue->yielding &&
           (!thread->round_robin || now < thread->slice_end);
}
