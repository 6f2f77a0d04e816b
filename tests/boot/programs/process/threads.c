/*
 * threads: 64 threads at once on everything that pthreads offer: each kind of mutex, condition
 * variables, barriers, read-write locks, semaphores, cancellation, data of their own, once. What
 * they share is changed in steps that only hold together if the lock does; each part ends with the
 * count that it must have.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>

#define CASE_SECONDS 100 /* for 8 processors on a host that has fewer */
#include "cases.h"

enum { THREADS = 64, ROUNDS = 200 };

#define REQUIRE_THREAD(condition)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            tap_note("line %d: %s", __LINE__, #condition);                                         \
            return (void *)1;                                                                      \
        }                                                                                          \
    } while (0)

/* Runs `work` in 64 threads, with their numbers; true: each said NULL. */
static bool in_threads(void *(*work)(void *number))
{
    pthread_t threads[THREADS];
    bool good = true;
    void *result;

    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        good &= pthread_join(threads[i], &result) == 0 && result == NULL;
    return good;
}

static struct timespec soon(int clock, long milliseconds)
{
    struct timespec time;

    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds % 1000 * 1000000;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

/* ---- mutexes ---- */

static pthread_mutex_t mutex;
static volatile long one, other; /* equal whenever the lock is free */

static bool step(void)
{
    bool equal = one == other;

    one++;
    if (one % 64 == 0)
        sched_yield();
    other++;
    return equal;
}

static void *lock_and_step(void *number)
{
    (void)number;
    for (int i = 0; i < ROUNDS; i++) {
        REQUIRE_THREAD(pthread_mutex_lock(&mutex) == 0);
        bool good = step();
        REQUIRE_THREAD(pthread_mutex_unlock(&mutex) == 0 && good);
    }
    return NULL;
}

static bool mutex_of(int type, int robust, int shared)
{
    pthread_mutexattr_t attributes;

    one = other = 0;
    pthread_mutexattr_init(&attributes);
    REQUIRE(pthread_mutexattr_settype(&attributes, type) == 0);
    REQUIRE(pthread_mutexattr_setrobust(&attributes, robust) == 0);
    REQUIRE(pthread_mutexattr_setpshared(&attributes, shared) == 0);
    REQUIRE(pthread_mutex_init(&mutex, &attributes) == 0);
    return true;
}

static bool all_steps(void)
{
    REQUIRE(one == THREADS * ROUNDS && other == one);
    return pthread_mutex_destroy(&mutex) == 0;
}

static bool mutex_normal(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    return in_threads(lock_and_step) && all_steps();
}

static bool mutex_shared(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_SHARED));
    return in_threads(lock_and_step) && all_steps();
}

static void *lock_twice_and_step(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        REQUIRE_THREAD(pthread_mutex_lock(&mutex) == 0);
        REQUIRE_THREAD(pthread_mutex_trylock(&mutex) == 0);
        bool good = step();
        REQUIRE_THREAD(pthread_mutex_unlock(&mutex) == 0);
        REQUIRE_THREAD(pthread_mutex_unlock(&mutex) == 0 && good);
    }
    return pthread_mutex_unlock(&mutex) == EPERM ? NULL : number;
}

static bool mutex_recursive(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    return in_threads(lock_twice_and_step) && all_steps();
}

static void *lock_checked_and_step(void *number)
{
    (void)number;
    for (int i = 0; i < ROUNDS; i++) {
        REQUIRE_THREAD(pthread_mutex_lock(&mutex) == 0);
        REQUIRE_THREAD(pthread_mutex_lock(&mutex) == EDEADLK);
        bool good = step();
        REQUIRE_THREAD(pthread_mutex_unlock(&mutex) == 0 && good);
        REQUIRE_THREAD(pthread_mutex_unlock(&mutex) == EPERM);
    }
    return NULL;
}

static bool mutex_checking(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    return in_threads(lock_checked_and_step) && all_steps();
}

/* Each thread ends with the lock held; the next one finds out and puts things right. */
static void *lock_and_leave(void *number)
{
    int error = pthread_mutex_lock(&mutex);

    REQUIRE_THREAD(error == ((intptr_t)one == 0 ? 0 : EOWNERDEAD) || error == 0);
    if (error == EOWNERDEAD)
        REQUIRE_THREAD(pthread_mutex_consistent(&mutex) == 0);
    one++;
    (void)number;
    return NULL; /* with the lock */
}

static bool mutex_robust(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_PRIVATE));
    REQUIRE(in_threads(lock_and_leave));
    REQUIRE(one == THREADS);
    REQUIRE(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    REQUIRE(pthread_mutex_unlock(&mutex) == 0); /* without having put it right */
    REQUIRE(pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
    return true;
}

static void *lock_in_time(void *number)
{
    int tries = 0;

    for (int i = 0; i < ROUNDS / 4; i++) {
        int error;
        do {
            struct timespec until = soon(CLOCK_REALTIME, 1 + (intptr_t)number % 3);
            error = pthread_mutex_timedlock(&mutex, &until);
        } while (error == ETIMEDOUT && ++tries < 100000);
        REQUIRE_THREAD(error == 0);
        bool good = step();
        REQUIRE_THREAD(pthread_mutex_unlock(&mutex) == 0 && good);
    }
    return NULL;
}

static bool mutex_timed(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    REQUIRE(in_threads(lock_in_time));
    REQUIRE(one == THREADS * (ROUNDS / 4) && other == one);
    return true;
}

static pthread_spinlock_t spin;

static void *spin_and_step(void *number)
{
    (void)number;
    for (int i = 0; i < ROUNDS / 4; i++) {
        while (pthread_spin_trylock(&spin)) /* a holder may be waiting for a CPU */
            sched_yield();
        bool good = one == other;
        one++;
        other++;
        REQUIRE_THREAD(pthread_spin_unlock(&spin) == 0 && good);
    }
    return NULL;
}

static bool spin_locks(void)
{
    one = other = 0;
    REQUIRE(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0);
    REQUIRE(in_threads(spin_and_step));
    REQUIRE(one == THREADS * (ROUNDS / 4));
    return true;
}

/* ---- condition variables ---- */

static pthread_cond_t turn_changed;
static int turn;

static void *take_turns(void *number)
{
    for (int i = 0; i < 8; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % THREADS != (intptr_t)number)
            REQUIRE_THREAD(pthread_cond_wait(&turn_changed, &mutex) == 0);
        turn++;
        pthread_cond_broadcast(&turn_changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static bool condition_broadcast(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    pthread_cond_init(&turn_changed, NULL);
    turn = 0;
    REQUIRE(in_threads(take_turns));
    REQUIRE(turn == 8 * THREADS);
    return true;
}

/* A queue of 4 places: half of the threads put in, half take out. */
static pthread_cond_t not_full, not_empty;
static int used;
static long put, taken;

static void *put_or_take(void *number)
{
    bool puts = (intptr_t)number % 2;

    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        while (used == (puts ? 4 : 0))
            REQUIRE_THREAD(pthread_cond_wait(puts ? &not_full : &not_empty, &mutex) == 0);
        used += puts ? 1 : -1;
        REQUIRE_THREAD(used >= 0 && used <= 4);
        *(puts ? &put : &taken) += 1;
        pthread_cond_signal(puts ? &not_empty : &not_full);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static bool condition_signal(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    pthread_cond_init(&not_full, NULL);
    pthread_cond_init(&not_empty, NULL);
    REQUIRE(in_threads(put_or_take));
    REQUIRE(used == 0 && put == THREADS / 2 * ROUNDS && taken == put);
    return true;
}

static void *wait_in_vain(void *number)
{
    int clock = (intptr_t)number % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    struct timespec until = soon(clock, 20 + (intptr_t)number % 7);
    pthread_cond_t *nobody = clock == CLOCK_MONOTONIC ? &not_full : &not_empty;
    int error;

    pthread_mutex_lock(&mutex);
    do
        error = pthread_cond_timedwait(nobody, &mutex, &until);
    while (error == 0);
    pthread_mutex_unlock(&mutex);
    REQUIRE_THREAD(error == ETIMEDOUT);
    struct timespec now;
    clock_gettime(clock, &now);
    REQUIRE_THREAD(now.tv_sec > until.tv_sec ||
                   (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
    return NULL;
}

static bool condition_timed(void)
{
    pthread_condattr_t attributes;

    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    pthread_condattr_init(&attributes);
    pthread_cond_init(&not_empty, &attributes);
    REQUIRE(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    pthread_cond_init(&not_full, &attributes);
    return in_threads(wait_in_vain);
}

/* ---- barriers ---- */

static pthread_barrier_t barrier;
static volatile int arrived[8];
static int serials;

static void *meet(void *number)
{
    (void)number;
    for (int i = 0; i < 8; i++) {
        __atomic_add_fetch(&arrived[i], 1, __ATOMIC_SEQ_CST);
        int result = pthread_barrier_wait(&barrier);
        REQUIRE_THREAD(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
        REQUIRE_THREAD(arrived[i] == THREADS);
        if (result)
            __atomic_add_fetch(&serials, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static bool barriers(void)
{
    REQUIRE(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    REQUIRE(in_threads(meet));
    REQUIRE(serials == 8);
    return pthread_barrier_destroy(&barrier) == 0;
}

/* ---- read-write locks ---- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *read_or_write(void *number)
{
    bool writes = (intptr_t)number % 8 == 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct timespec until = soon(CLOCK_REALTIME, 60000);
        int error = i % 2
                        ? (writes ? pthread_rwlock_wrlock(&rwlock) : pthread_rwlock_rdlock(&rwlock))
                        : (writes ? pthread_rwlock_timedwrlock(&rwlock, &until)
                                  : pthread_rwlock_timedrdlock(&rwlock, &until));
        REQUIRE_THREAD(error == 0);
        bool good = writes ? step() : one == other;
        REQUIRE_THREAD(pthread_rwlock_unlock(&rwlock) == 0 && good);
    }
    return NULL;
}

static bool read_write_locks(void)
{
    one = other = 0;
    REQUIRE(in_threads(read_or_write));
    REQUIRE(one == THREADS / 8 * ROUNDS);
    REQUIRE(pthread_rwlock_trywrlock(&rwlock) == 0);
    REQUIRE(pthread_rwlock_tryrdlock(&rwlock) == EBUSY);
    return true;
}

/* ---- semaphores ---- */

static sem_t places;
static volatile int inside, most;

static void *enter_and_leave(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec until = soon(CLOCK_REALTIME, 60000);
        REQUIRE_THREAD((i % 2 ? sem_wait(&places) : sem_timedwait(&places, &until)) == 0);
        int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        if (now > most)
            most = now;
        if (i % 16 == (intptr_t)number % 16)
            sched_yield();
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        REQUIRE_THREAD(sem_post(&places) == 0);
    }
    return NULL;
}

static bool semaphores(void)
{
    int value;

    REQUIRE(sem_init(&places, 0, 3) == 0);
    REQUIRE(in_threads(enter_and_leave));
    REQUIRE(sem_getvalue(&places, &value) == 0 && value == 3 && inside == 0);
    REQUIRE(most >= 1 && most <= 3);
    return true;
}

/* ---- cancellation ---- */

static int cleaned, ready;

static void count_up(void *counter)
{
    __atomic_add_fetch((int *)counter, 1, __ATOMIC_SEQ_CST);
}

static void unlock(void *lock)
{
    pthread_mutex_unlock(lock);
}

/* Sleeps in a different cancellation point each. */
static void *sleep_until_cancelled(void *number)
{
    pthread_cleanup_push(count_up, &cleaned);
    count_up(&ready);
    for (;;) {
        switch ((intptr_t)number % 4) {
        case 0:
            pause();
            break;
        case 1:
            sem_wait(&places);
            break;
        case 2:
            pthread_mutex_lock(&mutex);
            pthread_cleanup_push(unlock, &mutex);
            pthread_cond_wait(&turn_changed, &mutex);
            pthread_cleanup_pop(1);
            break;
        default:
            sleep(1000);
        }
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void *run_until_cancelled(void *number)
{
    volatile unsigned long count = (uintptr_t)number;

    pthread_cleanup_push(count_up, &cleaned);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    count_up(&ready);
    for (;;)
        count++;
    pthread_cleanup_pop(0);
    return NULL;
}

/* Is not to be disturbed before it says so. */
static void *hold_off_cancellation(void *number)
{
    (void)number;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    count_up(&ready);
    for (int i = 0; i < 20; i++) {
        sched_yield();
        pthread_testcancel();
    }
    count_up(&cleaned);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    for (;;)
        pause();
    return NULL;
}

static bool cancel_all(void *(*work)(void *number))
{
    pthread_t threads[THREADS];
    void *result;

    cleaned = ready = 0;
    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < THREADS)
        sched_yield();
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_cancel(threads[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], &result) == 0 && result == PTHREAD_CANCELED);
    REQUIRE(cleaned == THREADS);
    return true;
}

static bool cancelled_while_asleep(void)
{
    REQUIRE(mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE));
    pthread_cond_init(&turn_changed, NULL);
    sem_init(&places, 0, 0);
    REQUIRE(cancel_all(sleep_until_cancelled));
    REQUIRE(pthread_mutex_trylock(&mutex) == 0); /* nobody took it along */
    return true;
}

static bool cancelled_at_any_instruction(void)
{
    return cancel_all(run_until_cancelled);
}

static bool cancelled_when_enabled(void)
{
    return cancel_all(hold_off_cancellation);
}

/* ---- data of a thread, once ---- */

static pthread_key_t keys[16];
static int destroyed;
static __thread long mine = 7;

static void destroy(void *value)
{
    free(value);
    __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

static void *keep_data(void *number)
{
    long *values[16];

    REQUIRE_THREAD(mine == 7);
    mine = (intptr_t)number;
    for (int i = 0; i < 16; i++) {
        values[i] = malloc(sizeof(long));
        REQUIRE_THREAD(values[i] && pthread_getspecific(keys[i]) == NULL);
        *values[i] = (intptr_t)number * 100 + i;
        REQUIRE_THREAD(pthread_setspecific(keys[i], values[i]) == 0);
        sched_yield();
    }
    for (int i = 0; i < 16; i++) {
        long *value = pthread_getspecific(keys[i]);
        REQUIRE_THREAD(value == values[i] && *value == (intptr_t)number * 100 + i);
    }
    REQUIRE_THREAD(mine == (intptr_t)number);
    return NULL;
}

static bool data_of_their_own(void)
{
    for (int i = 0; i < 16; i++)
        REQUIRE(pthread_key_create(&keys[i], destroy) == 0);
    REQUIRE(in_threads(keep_data));
    REQUIRE(destroyed == THREADS * 16);
    REQUIRE(mine == 7);
    return true;
}

static pthread_once_t control[8];
static int initialized;

static void initialize(void)
{
    sched_yield();
    __atomic_add_fetch(&initialized, 1, __ATOMIC_SEQ_CST);
}

static void *initialize_once(void *number)
{
    (void)number;
    for (int i = 0; i < 8; i++) {
        REQUIRE_THREAD(pthread_once(&control[i], initialize) == 0);
        REQUIRE_THREAD(__atomic_load_n(&initialized, __ATOMIC_SEQ_CST) >= i + 1);
    }
    return NULL;
}

static bool once(void)
{
    for (int i = 0; i < 8; i++)
        control[i] = (pthread_once_t)PTHREAD_ONCE_INIT;
    REQUIRE(in_threads(initialize_once));
    REQUIRE(initialized == 8);
    return true;
}

/* ---- coming and going ---- */

static void *make_another(void *number)
{
    pthread_t thread;
    intptr_t depth = (intptr_t)number / 1000;

    if (depth < 8) {
        REQUIRE_THREAD(
            pthread_create(&thread, NULL, make_another, (void *)((intptr_t)number + 1000)) == 0);
        void *result;
        REQUIRE_THREAD(pthread_join(thread, &result) == 0 && result == NULL);
    }
    count_up(&ready);
    return NULL;
}

static bool threads_that_make_threads(void)
{
    ready = 0;
    REQUIRE(in_threads(make_another));
    REQUIRE(ready == THREADS * 9);
    return true;
}

static const struct test_case cases[] = {
    {"64 threads, a normal mutex", "POSIX pthread_mutex_lock", mutex_normal},
    {"64 threads, a process-shared mutex", "POSIX pthread_mutexattr_setpshared", mutex_shared},
    {"64 threads, a recursive mutex", "POSIX pthread_mutex_lock", mutex_recursive},
    {"64 threads, an error-checking mutex", "POSIX pthread_mutex_lock", mutex_checking},
    {"64 threads, a robust mutex", "POSIX pthread_mutex_consistent", mutex_robust},
    {"64 threads, pthread_mutex_timedlock", "POSIX pthread_mutex_timedlock", mutex_timed},
    {"64 threads, a spin lock", "POSIX pthread_spin_lock", spin_locks},
    {"64 threads, pthread_cond_broadcast", "POSIX pthread_cond_broadcast", condition_broadcast},
    {"64 threads, pthread_cond_signal", "POSIX pthread_cond_signal", condition_signal},
    {"64 threads, pthread_cond_timedwait", "POSIX pthread_cond_timedwait", condition_timed},
    {"64 threads, a barrier", "POSIX pthread_barrier_wait", barriers},
    {"64 threads, a read-write lock", "POSIX pthread_rwlock_rdlock", read_write_locks},
    {"64 threads, a semaphore", "POSIX sem_wait", semaphores},
    {"64 threads, cancelled while asleep", "POSIX pthread_cancel", cancelled_while_asleep},
    {"64 threads, cancelled at any instruction", "POSIX pthread_setcanceltype",
     cancelled_at_any_instruction},
    {"64 threads, cancelled when they permit it", "POSIX pthread_setcancelstate",
     cancelled_when_enabled},
    {"64 threads, data of their own", "POSIX pthread_key_create", data_of_their_own},
    {"64 threads, once", "POSIX pthread_once", once},
    {"64 threads that make threads", "POSIX pthread_create", threads_that_make_threads},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
