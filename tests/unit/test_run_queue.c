/* Whose turn it is among threads that wait for one CPU: kernel/thread/run_queue.c and share.c.
   Times are arguments; nobody else uses the queue, so that its lock is not needed. */
#include "test.h"
#include "thread/run_queue.c"
#include "thread/share.c"

#include <string.h>

#define MILLISECOND UINT64_C(1000000)
#define THREADS     12

static struct run_queue queue;
static struct thread threads[THREADS];
static struct processor_share hog, guest; /* of two users */
static uint64_t now;

/* All threads are the hog's, who has just had all there was. */
static void begin(const char *name)
{
    test_case("%s", name);
    now += 100000 * MILLISECOND;
    memset(&queue, 0, sizeof(queue));
    TAILQ_INIT(&queue.threads);
    TAILQ_INIT(&queue.favoured);
    memset(threads, 0, sizeof(threads));
    hog = guest = (struct processor_share){0};
    processor_share_charge(&hog, 100 * MILLISECOND, now);
    for (int i = 0; i < THREADS; i++)
        threads[i].share = &hog;
    queue.ordinary_ran = now;
}

static void add(int number)
{
    run_queue_add(&queue, &threads[number], run_queue_keeps_turn(&queue, &threads[number], now));
}

/* The number of who runs next, who leaves the queue; -1: nobody. */
static int next(void)
{
    struct thread *thread = run_queue_first(&queue, now);

    if (!thread)
        return -1;
    run_queue_remove(&queue, thread);
    return (int)(thread - threads);
}

static void test_turns(void)
{
    begin("threads have their turns in the order in which they came");
    expect_equal(next(), -1);
    add(0);
    add(1);
    add(2);
    expect_equal(next(), 0);
    expect_equal(next(), 1);
    expect_equal(next(), 2);
    expect_equal(next(), -1);

    begin("who gave its turn up before it was over goes first, for what is left");
    threads[1].slice_end = now + 3 * MILLISECOND;
    threads[1].turn_left = run_queue_turn_left(&queue, &threads[1], now);
    expect_equal(threads[1].turn_left, 3 * MILLISECOND);
    add(0);
    add(1);
    expect_equal(run_queue_slice(&threads[1], &queue, now), 3 * MILLISECOND);
    expect_equal(next(), 1);

    begin("a turn that is over, or given away, is not kept");
    threads[1].slice_end = now;
    expect_equal(run_queue_turn_left(&queue, &threads[1], now), 0);
    threads[1].slice_end = now + 3 * MILLISECOND;
    queue.yielding = true;
    expect_equal(run_queue_turn_left(&queue, &threads[1], now), 0);

    begin("where many wait turns are shorter, but not as short as one likes");
    uint64_t alone = run_queue_slice(&threads[0], &queue, now);
    for (int i = 1; i < THREADS; i++)
        add(i);
    uint64_t among = run_queue_slice(&threads[0], &queue, now);
    expect(among < alone / 2);
    queue.length = 100000;
    expect(run_queue_slice(&threads[0], &queue, now) > alone / 20);
}

static void test_favoured(void)
{
    begin("the thread of a user who has had little goes first");
    threads[2].share = &guest;
    add(0);
    add(1);
    add(2);
    expect_equal(next(), 2);
    expect_equal(next(), 0);

    begin("but does not keep the others from their turns for ever");
    threads[2].share = &guest;
    add(0);
    add(2);
    now += 100 * MILLISECOND;
    expect_equal(next(), 0);

    begin("and not when its user has had much since it was queued");
    for (int i = 1; i < THREADS; i++)
        threads[i].share = &guest;
    add(0);
    for (int i = 1; i < THREADS; i++)
        add(i);
    processor_share_charge(&guest, 99 * MILLISECOND, now);
    for (int i = 0; i < LOOKS && TAILQ_FIRST(&queue.favoured); i++)
        (void)run_queue_first(&queue, now);
    expect_equal(next(), 0);
    expect_equal(queue.length, THREADS - 1);

    begin("who is meant to matter less is not favoured");
    threads[0].share = threads[1].share = &guest;
    threads[0].nice = 1;
    threads[1].priority = 1;
    expect(!run_queue_favours(&threads[0]) && !run_queue_favours(&threads[1]));
    threads[0].nice = 0;
    expect(run_queue_favours(&threads[0]));
}

static void test_real_time(void)
{
    begin("real-time threads go before all others, the higher first");
    threads[1].priority = 10;
    threads[2].priority = 20;
    threads[3].share = &guest;
    for (int i = 0; i < 4; i++)
        add(i);
    expect_equal(next(), 2);
    expect_equal(next(), 1);
    expect_equal(next(), 3);
    expect_equal(next(), 0);

    begin("and leave something of each second");
    threads[1].priority = 10;
    add(0);
    add(1);
    queue.real_time_since = now;
    queue.real_time_used = REAL_TIME_RUNTIME_NS;
    expect_equal(next(), 0);
}

int main(void)
{
    test_turns();
    test_favoured();
    test_real_time();
    return test_end();
}
