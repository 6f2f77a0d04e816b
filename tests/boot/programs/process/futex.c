/* futex: waiting on a word of memory, between threads and processes; robust lists. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "cases.h"

static long futex(volatile uint32_t *word, int operation, uint32_t value, const void *timeout,
                  volatile uint32_t *word2, uint32_t value3)
{
    return syscall(SYS_futex, word, operation, value, timeout, word2, value3);
}

static volatile uint32_t word, word2;

/* What a thread does: waits, and tells how it went. */
struct waiter {
    pthread_t thread;
    volatile uint32_t *word;
    uint32_t expected, bits;
    int operation;
    long result;
    int error;
    volatile bool started, done;
};

static void *wait_here(void *argument)
{
    struct waiter *waiter = argument;

    waiter->started = true;
    waiter->result =
        futex(waiter->word, waiter->operation, waiter->expected, NULL, NULL, waiter->bits);
    waiter->error = errno;
    waiter->done = true;
    return NULL;
}

static void start(struct waiter *waiter, volatile uint32_t *at, int operation, uint32_t bits)
{
    *waiter = (struct waiter){
        .word = at, .expected = *at, .bits = bits, .operation = operation, .result = -2};
    pthread_create(&waiter->thread, NULL, wait_here, waiter);
    while (!waiter->started)
        sleep_ms(1);
    sleep_ms(15); /* it sleeps by now */
}

static bool joined(struct waiter *waiter)
{
    if (!EVENTUALLY(waiter->done))
        return false;
    return pthread_join(waiter->thread, NULL) == 0 && waiter->result == 0;
}

static bool wait_value_differs(void)
{
    word = 1;
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT, 2, NULL, NULL, 0), EAGAIN);
    return true;
}

static bool wake_nobody(void)
{
    REQUIRE(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0) == 0);
    return true;
}

static bool wait_and_wake(void)
{
    struct waiter waiter;

    start(&waiter, &word, FUTEX_WAIT_PRIVATE, 0);
    REQUIRE(!waiter.done);
    REQUIRE(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1);
    REQUIRE(joined(&waiter));
    return true;
}

static bool wakes_as_many_as_asked(void)
{
    struct waiter waiters[4];

    for (int i = 0; i < 4; i++)
        start(&waiters[i], &word, FUTEX_WAIT, 0);
    REQUIRE(futex(&word, FUTEX_WAKE, 3, NULL, NULL, 0) == 3);
    REQUIRE(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0) == 1);
    for (int i = 0; i < 4; i++)
        REQUIRE(joined(&waiters[i]));
    return true;
}

static bool private_and_shared_meet(void)
{
    struct waiter waiter;

    /* The same private memory, with and without the flag. */
    start(&waiter, &word, FUTEX_WAIT, 0);
    REQUIRE(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) <= 1);
    REQUIRE(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) <= 1);
    REQUIRE(joined(&waiter));
    return true;
}

static bool wait_times_out(void)
{
    struct timespec time = {0, 50000000};
    long before = now_ms();

    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT, word, &time, NULL, 0), ETIMEDOUT);
    REQUIRE(now_ms() - before >= 49);
    return true;
}

static bool wait_bad_timeout(void)
{
    struct timespec bad = {0, 1000000000}, negative = {-1, 0};

    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT, word, &bad, NULL, 0), EINVAL);
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT, word, &negative, NULL, 0), EINVAL);
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT, word, (void *)1, NULL, 0), EFAULT);
    return true;
}

static bool bad_addresses(void)
{
    volatile uint32_t *odd = (volatile uint32_t *)((uintptr_t)&word + 1);

    REQUIRE_ERRNO(futex(odd, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    REQUIRE_ERRNO(futex(odd, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    REQUIRE_ERRNO(futex((void *)4096, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    REQUIRE_ERRNO(futex((void *)0xffffffff80000000, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    REQUIRE_ERRNO(futex((void *)4096, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    return true;
}

static bool unknown_operation(void)
{
    REQUIRE_ERRNO(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
    return true;
}

static void nothing(int signal)
{
    (void)signal;
}

static bool wait_interrupted(void)
{
    struct sigaction action = {.sa_handler = nothing};

    sigaction(SIGUSR1, &action, NULL);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(30);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT, word, NULL, NULL, 0), EINTR);
    status_of(child);
    return true;
}

static bool wait_with_timeout_interrupted(void)
{
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    struct timespec time = {3, 0};

    sigaction(SIGUSR1, &action, NULL);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(30);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT, word, &time, NULL, 0), EINTR);
    status_of(child);
    return true;
}

static bool shared_between_processes(void)
{
    volatile uint32_t *shared =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    pid_t child = fork();
    if (child == 0)
        _exit(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
    REQUIRE(EVENTUALLY(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0) == 1));
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool shared_by_file_at_two_places(void)
{
    int file = memfd_create("futex", 0);
    REQUIRE(ftruncate(file, 8192) == 0);
    volatile uint32_t *one = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    volatile uint32_t *two = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 4096);
    struct waiter waiter;

    start(&waiter, one + 1024 + 7, FUTEX_WAIT, 0);
    REQUIRE(futex(two + 6, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    REQUIRE(futex(two + 7, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
    REQUIRE(joined(&waiter));
    return true;
}

static bool shared_by_file_opened_twice(void)
{
    int file = open("/tmp/futex-word", O_RDWR | O_CREAT, 0600);
    REQUIRE(ftruncate(file, 4096) == 0);
    volatile uint32_t *mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    pid_t child = fork();
    if (child == 0) {
        int again = open("/tmp/futex-word", O_RDWR);
        volatile uint32_t *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
        _exit(futex(other, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
    }
    REQUIRE(EVENTUALLY(futex(mine, FUTEX_WAKE, 1, NULL, NULL, 0) == 1));
    REQUIRE(exited(status_of(child), 0));
    unlink("/tmp/futex-word");
    return true;
}

static bool private_not_shared_after_fork(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct timespec time = {0, 100000000};
        futex(&word, FUTEX_WAIT, word, &time, NULL, 0);
        _exit(errno == ETIMEDOUT ? 0 : 1);
    }
    sleep_ms(30);
    REQUIRE(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool bitset_selects(void)
{
    struct waiter one, two;

    start(&one, &word, FUTEX_WAIT_BITSET, 1);
    start(&two, &word, FUTEX_WAIT_BITSET, 2);
    REQUIRE(futex(&word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 4) == 0);
    REQUIRE(futex(&word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 2) == 1);
    REQUIRE(joined(&two) && !one.done);
    REQUIRE(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0) == 1);
    REQUIRE(joined(&one));
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT_BITSET, word, NULL, NULL, 0), EINVAL);
    REQUIRE_ERRNO(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
    return true;
}

static bool bitset_absolute_timeout(void)
{
    struct timespec until;
    long before = now_ms();

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 50000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT_BITSET, word, &until, NULL, ~0U), ETIMEDOUT);
    REQUIRE(now_ms() - before >= 49);
    clock_gettime(CLOCK_REALTIME, &until);
    REQUIRE_ERRNO(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, word, &until, NULL, ~0U),
                  ETIMEDOUT);
    return true;
}

static bool requeue_moves(void)
{
    struct waiter waiters[3];

    for (int i = 0; i < 3; i++)
        start(&waiters[i], &word, FUTEX_WAIT, 0);
    REQUIRE(futex(&word, FUTEX_REQUEUE, 1, (void *)10, &word2, 0) == 3);
    REQUIRE(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0) == 0);
    REQUIRE(futex(&word2, FUTEX_WAKE, 10, NULL, NULL, 0) == 2);
    for (int i = 0; i < 3; i++)
        REQUIRE(joined(&waiters[i]));
    return true;
}

static bool compare_requeue(void)
{
    struct waiter waiters[2];

    word = 5;
    for (int i = 0; i < 2; i++)
        start(&waiters[i], &word, FUTEX_WAIT_PRIVATE, 0);
    REQUIRE_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word2, 4), EAGAIN);
    REQUIRE(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)1, &word2, 5) == 1);
    REQUIRE(futex(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 1);
    REQUIRE(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 1);
    for (int i = 0; i < 2; i++)
        REQUIRE(joined(&waiters[i]));
    REQUIRE_ERRNO(futex(&word, FUTEX_CMP_REQUEUE, -1, (void *)1, &word2, 5), EINVAL);
    return true;
}

static bool wake_operation(void)
{
    struct waiter one, two;

    word = 0;
    word2 = 3;
    start(&one, &word, FUTEX_WAIT, 0);
    start(&two, &word2, FUTEX_WAIT, 0);
    /* word2 += 4; it was 3, so those on word2 wake too. */
    uint32_t code = FUTEX_OP(FUTEX_OP_ADD, 4, FUTEX_OP_CMP_EQ, 3);
    REQUIRE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, code) == 2);
    REQUIRE(word2 == 7);
    REQUIRE(joined(&one) && joined(&two));
    code = FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_GT, 7);
    REQUIRE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, code) == 0 && word2 == 9);
    code = FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_LT, 0);
    REQUIRE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, code) == 0 && word2 == 8);
    code = FUTEX_OP(FUTEX_OP_XOR | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_NE, 8);
    REQUIRE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, code) == 0 && word2 == 24);
    return true;
}

/* A robust list with one lock, held by a thread that ends. */
static struct {
    struct robust_list_head head;
    struct robust_list entry;
    volatile uint32_t lock;
} * robust;

/* The calling thread takes the lock, and tells the kernel that it has it. */
static void hold_robustly(void)
{
    robust->head.list.next = &robust->entry;
    robust->head.futex_offset = (long)&robust->lock - (long)&robust->entry;
    robust->head.list_op_pending = NULL;
    robust->entry.next = &robust->head.list;
    syscall(SYS_set_robust_list, &robust->head, sizeof(robust->head));
    robust->lock = gettid();
}

static void *hold_and_end(void *argument)
{
    (void)argument;
    hold_robustly();
    syscall(SYS_exit, 0);
    return NULL;
}

static bool make_robust(void)
{
    robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return robust != MAP_FAILED;
}

static bool robust_process(void)
{
    REQUIRE(make_robust());
    pid_t child = fork();
    if (child == 0)
        hold_and_end(NULL);
    status_of(child);
    REQUIRE(robust->lock == FUTEX_OWNER_DIED);
    return true;
}

static bool robust_wakes(void)
{
    REQUIRE(make_robust());
    pid_t child = fork();
    if (child == 0) {
        hold_robustly();
        while (!(robust->lock & FUTEX_WAITERS))
            sleep_ms(1);
        sleep_ms(30);
        raise(SIGKILL);
    }
    REQUIRE(EVENTUALLY(robust->lock != 0));
    uint32_t value = robust->lock | FUTEX_WAITERS;
    robust->lock = value;
    REQUIRE(futex(&robust->lock, FUTEX_WAIT, value, NULL, NULL, 0) == 0);
    REQUIRE(robust->lock == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
    status_of(child);
    return true;
}

static bool robust_exec(void)
{
    char self[64];

    REQUIRE(make_robust());
    snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
    pid_t child = fork();
    if (child == 0) {
        hold_robustly();
        execl(self, "futex", "nothing", NULL);
        _exit(1);
    }
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(robust->lock == FUTEX_OWNER_DIED);
    return true;
}

static bool robust_cycle_ends(void)
{
    REQUIRE(make_robust());
    pid_t child = fork();
    if (child == 0) {
        robust->head.list.next = &robust->entry;
        robust->entry.next = &robust->entry; /* for ever */
        syscall(SYS_set_robust_list, &robust->head, sizeof(robust->head));
        _exit(0);
    }
    REQUIRE(exited(status_of(child), 0));
    child = fork();
    if (child == 0) {
        syscall(SYS_set_robust_list, (void *)0xffff800000000000, sizeof(robust->head));
        _exit(0);
    }
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool robust_list_calls(void)
{
    struct robust_list_head head, *got;
    size_t size;

    REQUIRE_ERRNO(syscall(SYS_set_robust_list, &head, 3), EINVAL);
    REQUIRE(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
    REQUIRE(syscall(SYS_get_robust_list, 0, &got, &size) == 0);
    REQUIRE(got == &head && size == sizeof(head));
    REQUIRE_ERRNO(syscall(SYS_get_robust_list, 0x3fffffff, &got, &size), ESRCH);
    syscall(SYS_set_robust_list, NULL, sizeof(head));
    return true;
}

static bool tid_is_cleared(void)
{
    struct waiter waiter;

    start(&waiter, &word, FUTEX_WAIT, 0);
    /* pthread_join waits for the kernel's wake-up at the thread's TID. */
    REQUIRE(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
    REQUIRE(pthread_join(waiter.thread, NULL) == 0);
    return true;
}

/* ---- what C libraries build on it ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long total;

static void *add(void *argument)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        total++;
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

static bool mutex_excludes(void)
{
    pthread_t threads[8];

    for (int i = 0; i < 8; i++)
        REQUIRE(pthread_create(&threads[i], NULL, add, NULL) == 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    REQUIRE(total == 16000);
    return true;
}

static volatile int turn;

static void *take_turns(void *argument)
{
    int own = (int)(intptr_t)argument;

    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != own)
            pthread_cond_wait(&condition, &mutex);
        turn = !own;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static bool condition_variables(void)
{
    pthread_t threads[2];

    for (intptr_t i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, take_turns, (void *)i) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return true;
}

static pthread_barrier_t barrier;

static void *meet(void *argument)
{
    for (int i = 0; i < 50; i++)
        pthread_barrier_wait(&barrier);
    return argument;
}

static bool barriers(void)
{
    pthread_t threads[6];

    pthread_barrier_init(&barrier, NULL, 6);
    for (int i = 0; i < 6; i++)
        REQUIRE(pthread_create(&threads[i], NULL, meet, NULL) == 0);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    return true;
}

static void *sleep_long(void *argument)
{
    sleep_ms(60000);
    return argument;
}

static bool cancellation(void)
{
    pthread_t thread;
    void *result;

    REQUIRE(pthread_create(&thread, NULL, sleep_long, NULL) == 0);
    sleep_ms(20);
    REQUIRE(pthread_cancel(thread) == 0);
    REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    return true;
}

static bool semaphore_between_processes(void)
{
    sem_t *semaphores = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    sem_init(&semaphores[0], 1, 0);
    sem_init(&semaphores[1], 1, 0);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 100; i++) {
            sem_wait(&semaphores[0]);
            sem_post(&semaphores[1]);
        }
        _exit(0);
    }
    for (int i = 0; i < 100; i++) {
        sem_post(&semaphores[0]);
        REQUIRE(sem_wait(&semaphores[1]) == 0);
    }
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static volatile char *racing;
static volatile bool racing_ends;

static void *map_and_unmap(void *argument)
{
    while (!racing_ends) {
        munmap((void *)racing, 4096);
        mmap((void *)racing, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0);
    }
    return argument;
}

static bool races_with_munmap(void)
{
    struct timespec none = {0, 1000};
    pthread_t thread;

    racing = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pthread_create(&thread, NULL, map_and_unmap, NULL) == 0);
    for (int i = 0; i < 2000; i++) {
        long result = futex((void *)racing, FUTEX_WAIT, 0, &none, NULL, 0);
        REQUIRE(result == -1 && (errno == ETIMEDOUT || errno == EFAULT));
        futex((void *)racing, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    racing_ends = true;
    pthread_join(thread, NULL);
    return true;
}

static const struct test_case cases[] = {
    {"FUTEX_WAIT: another value", "futex(2)", wait_value_differs},
    {"FUTEX_WAKE: nobody waits", "futex(2)", wake_nobody},
    {"FUTEX_WAIT and FUTEX_WAKE", "futex(2)", wait_and_wake},
    {"FUTEX_WAKE wakes as many as asked for", "futex(2)", wakes_as_many_as_asked},
    {"private memory, with the flag and without", "futex(2)", private_and_shared_meet},
    {"FUTEX_WAIT: timeout", "futex(2)", wait_times_out},
    {"FUTEX_WAIT: bad timeouts", "futex(2)", wait_bad_timeout},
    {"bad addresses", "futex(2)", bad_addresses},
    {"an unknown operation", "futex(2)", unknown_operation},
    {"FUTEX_WAIT: EINTR", "signal(7)", wait_interrupted},
    {"FUTEX_WAIT with a timeout: EINTR in spite of SA_RESTART", "signal(7)",
     wait_with_timeout_interrupted},
    {"shared anonymous memory", "futex(2)", shared_between_processes},
    {"one word of a file at two addresses", "futex(2)", shared_by_file_at_two_places},
    {"one word of a file that was opened twice", "futex(2)", shared_by_file_opened_twice},
    {"private memory is no longer the same after fork", "fork(2)", private_not_shared_after_fork},
    {"FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET", "futex(2)", bitset_selects},
    {"FUTEX_WAIT_BITSET: absolute timeouts", "futex(2)", bitset_absolute_timeout},
    {"FUTEX_REQUEUE", "futex(2)", requeue_moves},
    {"FUTEX_CMP_REQUEUE", "futex(2)", compare_requeue},
    {"FUTEX_WAKE_OP", "futex(2)", wake_operation},
    {"robust list: the holder ends", "get_robust_list(2)", robust_process},
    {"robust list: a waiter is woken", "get_robust_list(2)", robust_wakes},
    {"robust list: the holder execs", "get_robust_list(2)", robust_exec},
    {"robust list: an endless one, and nonsense", "get_robust_list(2)", robust_cycle_ends},
    {"set_robust_list, get_robust_list", "get_robust_list(2)", robust_list_calls},
    {"the end of a thread wakes who joins it", "set_tid_address(2)", tid_is_cleared},
    {"mutexes", "pthread_mutex_lock(3)", mutex_excludes},
    {"condition variables", "pthread_cond_wait(3)", condition_variables},
    {"barriers", "pthread_barrier_wait(3)", barriers},
    {"cancellation", "pthread_cancel(3)", cancellation},
    {"semaphores between processes", "sem_overview(7)", semaphore_between_processes},
    {"races with munmap give errnos", "futex(2)", races_with_munmap},
};

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return 0;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
