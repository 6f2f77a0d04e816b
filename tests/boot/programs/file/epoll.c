/* epoll: what epoll(7) instances say, of files and of each other, and how far they may nest. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "cases.h"

#define MANY 8

static struct epoll_event events[MANY];

/* The result of epoll_ctl(2), or minus its errno. */
static int control(int epoll, int operation, int file, uint32_t wanted)
{
    struct epoll_event event = {.events = wanted, .data.u32 = (uint32_t)file};

    return epoll_ctl(epoll, operation, file, &event) ? -errno : 0;
}

static int add(int epoll, int file, uint32_t wanted)
{
    return control(epoll, EPOLL_CTL_ADD, file, wanted);
}

/* How many events there are now, in `events`. */
static int collect(int epoll)
{
    return epoll_wait(epoll, events, MANY, 0);
}

static short ready(int file)
{
    struct pollfd request = {file, POLLIN | POLLOUT, 0};

    return poll(&request, 1, 0) < 0 ? -1 : request.revents;
}

/* ---- what is reported ---- */

/* Ends come whether asked for or not. */
static bool end_of_pair(uint32_t wanted)
{
    int ends[2], epoll = epoll_create1(0);

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(add(epoll, ends[0], wanted) == 0);
    REQUIRE(collect(epoll) == 0);
    close(ends[1]);
    REQUIRE(collect(epoll) == 1 && events[0].events == EPOLLHUP);
    return true;
}

static bool no_events_hang_up(void)
{
    return end_of_pair(0);
}

static bool one_shot_hang_up(void)
{
    return end_of_pair(EPOLLONESHOT);
}

static bool one_shot_once(void)
{
    int ends[2], epoll = epoll_create1(0);

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(add(epoll, ends[0], EPOLLIN | EPOLLONESHOT) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(collect(epoll) == 1 && events[0].events == EPOLLIN);
    close(ends[1]); /* not even an end is told any more */
    REQUIRE(collect(epoll) == 0);
    REQUIRE(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLONESHOT) == 0);
    REQUIRE(collect(epoll) == 1 && events[0].events == EPOLLHUP);
    return true;
}

static bool modified_hang_up(void)
{
    int ends[2], epoll = epoll_create1(0);

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    close(ends[1]);
    REQUIRE(add(epoll, ends[0], EPOLLOUT | EPOLLET) == 0);
    REQUIRE(collect(epoll) == 1 && (events[0].events & EPOLLHUP));
    REQUIRE(collect(epoll) == 0);
    REQUIRE(control(epoll, EPOLL_CTL_MOD, ends[0], 0) == 0);
    REQUIRE(collect(epoll) == 1 && events[0].events == EPOLLHUP);
    return true;
}

/* Six pipes with a byte each, in the order of their making. */
static int six_ready(uint32_t wanted)
{
    int epoll = epoll_create1(0);

    for (int i = 0; i < 6; i++) {
        int ends[2];
        struct epoll_event event = {.events = wanted, .data.u32 = (uint32_t)i};
        if (pipe(ends) || write(ends[1], "x", 1) != 1 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event))
            return -1;
    }
    return epoll;
}

static bool takes(int epoll, int most, const char *expected)
{
    char got[MANY + 1] = "";
    int count = epoll_wait(epoll, events, most, 0);

    for (int i = 0; i < count; i++)
        got[i] = (char)('0' + events[i].data.u32);
    if (strcmp(got, expected) != 0)
        tap_note("got %s, not %s", got, expected);
    return strcmp(got, expected) == 0;
}

static bool order_by_turns(void)
{
    int epoll = six_ready(EPOLLIN);

    REQUIRE(epoll >= 0);
    REQUIRE(takes(epoll, 4, "0123") && takes(epoll, 4, "4501") && takes(epoll, 4, "2345"));
    return true;
}

static bool order_of_all(void)
{
    int epoll = six_ready(EPOLLIN);

    REQUIRE(epoll >= 0);
    REQUIRE(takes(epoll, MANY, "012345") && takes(epoll, MANY, "012345"));
    return true;
}

static bool order_of_edges(void)
{
    int epoll = six_ready(EPOLLIN | EPOLLET);

    REQUIRE(epoll >= 0);
    REQUIRE(takes(epoll, 4, "0123") && takes(epoll, 4, "45") && takes(epoll, 4, ""));
    return true;
}

static bool order_after_fault(void)
{
    int epoll = six_ready(EPOLLIN);
    void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(epoll >= 0);
    REQUIRE_ERRNO(epoll_wait(epoll, nowhere, 4, 0), EFAULT);
    REQUIRE(takes(epoll, 4, "0123"));
    return true;
}

static bool errors_in_order(void)
{
    int epoll = epoll_create1(0), ends[2];

    REQUIRE(pipe(ends) == 0);
    REQUIRE_ERRNO(epoll_wait(-1, events, 0, 0), EINVAL);
    REQUIRE_ERRNO(epoll_wait(-1, events, 1, 0), EBADF);
    REQUIRE_ERRNO(epoll_wait(ends[0], events, 1, 0), EINVAL);
    REQUIRE(add(ends[0], ends[1], EPOLLIN) == -EINVAL && add(epoll, epoll, EPOLLIN) == -EINVAL);
    REQUIRE(control(epoll, 77, ends[0], EPOLLIN) == -EINVAL);
    REQUIRE(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN) == -ENOENT);
    REQUIRE(control(epoll, EPOLL_CTL_DEL, ends[0], EPOLLIN) == -ENOENT);
    REQUIRE(add(epoll, ends[0], EPOLLIN) == 0 && add(epoll, ends[0], EPOLLIN) == -EEXIST);
    int directory = open("/tmp", O_RDONLY);
    REQUIRE(add(epoll, directory, EPOLLIN) == -EPERM);
    return true;
}

static bool times(void)
{
    int epoll = epoll_create1(0);
    struct timespec none = {0, 0}, wrong = {0, 1000000000}, negative = {-1, 0},
                    some = {0, 20000000};

    REQUIRE(syscall(SYS_epoll_pwait2, epoll, events, 1, &none, NULL, 8) == 0);
    REQUIRE_ERRNO(syscall(SYS_epoll_pwait2, epoll, events, 1, &wrong, NULL, 8), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_epoll_pwait2, epoll, events, 1, &negative, NULL, 8), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_epoll_pwait2, epoll, events, 1, (void *)8, NULL, 8), EFAULT);
    long before = now_ms();
    REQUIRE(syscall(SYS_epoll_pwait2, epoll, events, 1, &some, NULL, 8) == 0);
    REQUIRE(now_ms() - before >= 19);
    return true;
}

/* An edge is one of what was asked for. */
static bool edges_of_the_other_direction(void)
{
    int ends[2], epoll = epoll_create1(0), input = epoll_create1(0);
    char byte;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(add(input, ends[0], EPOLLIN | EPOLLET) == 0);
    REQUIRE(add(epoll, ends[0], EPOLLOUT | EPOLLET) == 0);
    REQUIRE(collect(epoll) == 1 && collect(epoll) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(collect(input) == 1 && collect(epoll) == 0);
    REQUIRE(write(ends[0], "x", 1) == 1 && read(ends[1], &byte, 1) == 1);
    REQUIRE(collect(input) == 0 && collect(epoll) == 1);
    REQUIRE(write(ends[1], "x", 1) == 1 && collect(input) == 1); /* once more, unread or not */
    return true;
}

/* Reading a part is no edge. */
static bool edges_and_what_is_left(void)
{
    int ends[2], epoll = epoll_create1(0), event = eventfd(0, 0);
    uint64_t one = 1;
    char byte;

    REQUIRE(pipe(ends) == 0 && add(epoll, ends[0], EPOLLIN | EPOLLET) == 0);
    REQUIRE(write(ends[1], "xy", 2) == 2 && collect(epoll) == 1);
    REQUIRE(read(ends[0], &byte, 1) == 1 && collect(epoll) == 0);
    REQUIRE(write(ends[1], "z", 1) == 1 && collect(epoll) == 1);
    REQUIRE(add(epoll, event, EPOLLIN | EPOLLET) == 0);
    REQUIRE(write(event, &one, 8) == 8 && collect(epoll) == 1 && collect(epoll) == 0);
    REQUIRE(write(event, &one, 8) == 8 && collect(epoll) == 1);
    REQUIRE(control(epoll, EPOLL_CTL_MOD, event, EPOLLIN | EPOLLET) == 0 && collect(epoll) == 1);
    return true;
}

/* ---- instances that watch instances ---- */

static bool drained_inner(void)
{
    int ends[2], inner = epoll_create1(0), outer = epoll_create1(0);
    char byte;

    REQUIRE(pipe(ends) == 0);
    REQUIRE(add(inner, ends[0], EPOLLIN) == 0 && add(outer, inner, EPOLLIN) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(collect(outer) == 1 && (ready(inner) & POLLIN));
    REQUIRE(read(ends[0], &byte, 1) == 1);
    REQUIRE(collect(outer) == 0 && ready(inner) == 0 && ready(outer) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(ready(outer) == POLLIN && collect(outer) == 1 && collect(inner) == 1);
    return true;
}

/* A chain on top of `file`: how many instances it may have, with the errno of one more. */
static int longest_chain(int file, int *error)
{
    for (int i = 0;; i++) {
        int epoll = epoll_create1(0);
        *error = -add(epoll, file, EPOLLIN);
        if (*error || i > 20)
            return i;
        file = epoll;
    }
}

static bool nests_upwards(void)
{
    int ends[2], error;

    REQUIRE(pipe(ends) == 0);
    REQUIRE(longest_chain(ends[0], &error) == 5 && (error == ELOOP || error == EINVAL));
    return true;
}

static bool never_in_a_ring(void)
{
    int one = epoll_create1(0), two = epoll_create1(0), three = epoll_create1(0);

    REQUIRE(add(one, two, EPOLLIN) == 0 && add(two, three, EPOLLIN) == 0);
    REQUIRE(add(three, one, EPOLLIN) == -ELOOP && add(two, one, EPOLLIN) == -ELOOP);
    return true;
}

/* Four instances, each watching the next `ways` times, and a file at the bottom. */
static int diamond(int ways)
{
    int epoll[5];

    for (int i = 0; i < 5; i++)
        epoll[i] = epoll_create1(0);
    for (int level = 0; level < 4; level++) {
        for (int way = 0; way < ways; way++) {
            int error = add(epoll[level], dup(epoll[level + 1]), EPOLLIN);
            if (error)
                return error;
        }
    }
    int event = eventfd(0, 0), error = add(epoll[4], event, EPOLLIN);
    uint64_t one = 1;
    if (write(event, &one, sizeof(one)) != sizeof(one))
        return -errno;
    return error ? error : collect(epoll[0]);
}

static bool few_ways(void)
{
    REQUIRE(diamond(1) == 1);
    return true;
}

static bool too_many_ways(void)
{
    REQUIRE(diamond(2) == -EINVAL);
    REQUIRE(diamond(100) == -EINVAL); /* a hundred million at once */
    return true;
}

/* `count` instances watch one that watches a file, in this order or the other. */
static int fan(int count, bool file_first)
{
    int inner = epoll_create1(0), event = eventfd(0, 0);

    if (file_first && add(inner, event, EPOLLIN))
        return -1;
    for (int i = 0; i < count; i++) {
        int error = add(epoll_create1(0), inner, EPOLLIN);
        if (error)
            return error;
    }
    return file_first ? 0 : add(inner, event, EPOLLIN);
}

static bool ways_through_one(void)
{
    REQUIRE(fan(500, true) == 0);
    return true;
}

static bool too_many_through_one(void)
{
    REQUIRE(fan(501, true) == -EINVAL);
    return true;
}

static bool too_many_before_the_file(void)
{
    REQUIRE(fan(501, false) == -EINVAL);
    return true;
}

static bool directly_any_number(void)
{
    int event = eventfd(0, 0);

    for (int i = 0; i < 600; i++)
        REQUIRE(add(epoll_create1(0), event, EPOLLIN) == 0);
    return true;
}

/* ---- EPOLLEXCLUSIVE ---- */

static bool exclusive_errors(void)
{
    int epoll = epoll_create1(0), other = epoll_create1(0), ends[2];

    REQUIRE(pipe(ends) == 0);
    REQUIRE(add(epoll, other, EPOLLIN | EPOLLEXCLUSIVE) == -EINVAL);
    REQUIRE(add(epoll, ends[0], EPOLLIN | EPOLLRDHUP | EPOLLEXCLUSIVE) == -EINVAL);
    REQUIRE(add(epoll, ends[0], EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE) == -EINVAL);
    REQUIRE(add(epoll, ends[0], EPOLLPRI | EPOLLEXCLUSIVE) == -EINVAL);
    REQUIRE(add(epoll, ends[0], EPOLLIN | EPOLLEXCLUSIVE) == 0);
    REQUIRE(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN) == -EINVAL);
    REQUIRE(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLEXCLUSIVE) == -EINVAL);
    REQUIRE(control(epoll, EPOLL_CTL_DEL, ends[0], 0) == 0);
    return true;
}

struct counts {
    _Atomic int waiting, woken;
};

/* A child with an instance of its own that waits for the pipe once. */
static void wait_in_child(const int ends[2], uint32_t wanted, struct counts *counts)
{
    if (fork())
        return;
    close(ends[1]);
    int epoll = epoll_create1(0);
    if (add(epoll, ends[0], wanted))
        _exit(1);
    counts->waiting++;
    if (epoll_wait(epoll, events, 1, -1) == 1)
        counts->woken++;
    pause();
}

/* How many wait, once they had the time to get from the count into the call. */
static int settled(const struct counts *counts, int all)
{
    if (counts->waiting == all)
        sleep_ms(200);
    return counts->waiting;
}

static bool exclusive_one(void)
{
    struct counts *counts =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    for (int i = 0; i < 4; i++)
        wait_in_child(ends, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, counts);
    REQUIRE(EVENTUALLY(settled(counts, 4) == 4));
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(EVENTUALLY(counts->woken == 1));
    sleep_ms(100); /* for the others to come, should they */
    REQUIRE(counts->woken == 1);
    REQUIRE(write(ends[1], "x", 1) == 1); /* the first does not wait any more */
    REQUIRE(EVENTUALLY(counts->woken == 2));
    close(ends[1]);
    return true;
}

static bool exclusive_end(void)
{
    struct counts *counts =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    for (int i = 0; i < 3; i++)
        wait_in_child(ends, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, counts);
    REQUIRE(EVENTUALLY(settled(counts, 3) == 3));
    close(ends[1]);
    REQUIRE(EVENTUALLY(counts->woken == 3));
    return true;
}

/* ---- several that wait for one instance ---- */

static struct {
    int epoll;
    _Atomic int waiting, got;
} shared;

static void *wait_for_one(void *nothing)
{
    struct epoll_event event;

    shared.waiting++;
    if (epoll_wait(shared.epoll, &event, 1, -1) == 1)
        shared.got++;
    return nothing;
}

static bool each_event_to_one(void)
{
    int pipes[3][2];

    shared.epoll = epoll_create1(0);
    for (int i = 0; i < 3; i++) {
        REQUIRE(pipe(pipes[i]) == 0);
        REQUIRE(add(shared.epoll, pipes[i][0], EPOLLIN | EPOLLET) == 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, wait_for_one, NULL) == 0);
    }
    REQUIRE(EVENTUALLY(shared.waiting == 3));
    sleep_ms(100);
    REQUIRE(write(pipes[0][1], "x", 1) == 1);
    REQUIRE(EVENTUALLY(shared.got == 1));
    sleep_ms(50);
    REQUIRE(shared.got == 1);
    REQUIRE(write(pipes[1][1], "x", 1) == 1 && write(pipes[2][1], "x", 1) == 1);
    REQUIRE(EVENTUALLY(shared.got == 3));
    return true;
}

/* ---- how long others wait ---- */

enum { LAYERS = 4, WIDTH = 28, CHECKERS = 16, ROUNDS = 21 };

static int layers[LAYERS][WIDTH];
static unsigned checks; /* that were done */
static bool checkers_end;

/* Each instance of a layer watches all of the next one. */
static bool build_layers(void)
{
    for (int layer = 0; layer < LAYERS; layer++)
        for (int i = 0; i < WIDTH; i++)
            REQUIRE((layers[layer][i] = epoll_create1(0)) >= 0);
    for (int layer = 0; layer + 1 < LAYERS; layer++)
        for (int i = 0; i < WIDTH; i++)
            for (int j = 0; j < WIDTH; j++)
                REQUIRE(add(layers[layer][i], layers[layer + 1][j], EPOLLIN) == 0);
    return true;
}

static void *check_again(void *nothing)
{
    int top = epoll_create1(0);

    while (!__atomic_load_n(&checkers_end, __ATOMIC_RELAXED)) {
        add(top, layers[0][0], EPOLLIN);
        control(top, EPOLL_CTL_DEL, layers[0][0], 0);
        __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
    }
    close(top);
    return nothing;
}

static int by_size(const void *left, const void *right)
{
    long a = *(const long *)left, b = *(const long *)right;

    return a < b ? -1 : a > b;
}

/* The median of how long it takes to begin and to cease to watch the file. Not at once after each
   other: who releases a mutex and takes it again is quicker than who waits for it. */
static long time_to_watch(int file)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    long times[ROUNDS];
    struct timespec begin, end;
    int epoll = epoll_create1(0);

    for (int i = 0; i < ROUNDS; i++) {
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &begin);
        add(epoll, file, EPOLLIN);
        control(epoll, EPOLL_CTL_DEL, file, 0);
        clock_gettime(CLOCK_MONOTONIC, &end);
        times[i] = (end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec;
    }
    close(epoll);
    qsort(times, ROUNDS, sizeof(times[0]), by_size);
    return times[ROUNDS / 2];
}

/* Many threads have their instances looked through, which is long; who watches but a file does not
   stand in their queue. */
static bool checks_hold_up_nobody(void)
{
    pthread_t checkers[CHECKERS];
    int file = eventfd(0, 0);

    REQUIRE(build_layers());
    long check = time_to_watch(layers[0][0]);
    for (int i = 0; i < CHECKERS; i++)
        REQUIRE(pthread_create(&checkers[i], NULL, check_again, NULL) == 0);
    while (__atomic_load_n(&checks, __ATOMIC_RELAXED) < 4 * CHECKERS)
        sched_yield();
    long watch;
    int tries = 0;
    do /* on a busy host processors stand still now and then; in a queue it would be long each time
        */
        watch = time_to_watch(file);
    while (watch >= 4 * check && ++tries < 10);
    __atomic_store_n(&checkers_end, true, __ATOMIC_RELAXED);
    for (int i = 0; i < CHECKERS; i++)
        pthread_join(checkers[i], NULL);
    tap_note("a check takes %ld us, to watch a file beside many %ld us", check / 1000,
             watch / 1000);
    return watch < 4 * check;
}

/* ---- what others see of it ---- */

static bool shown_in_fdinfo(void)
{
    int epoll = epoll_create1(0), ends[2];
    char path[64], text[512], expected[64];

    REQUIRE(pipe(ends) == 0);
    REQUIRE(add(epoll, ends[0], EPOLLIN) == 0);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll);
    int information = open(path, O_RDONLY);
    ssize_t size = read(information, text, sizeof(text) - 1);
    REQUIRE(size > 0);
    text[size] = '\0';
    snprintf(expected, sizeof(expected), "tfd: %8d events: %8x data: %16x  pos:0 ino:", ends[0],
             EPOLLIN | EPOLLERR | EPOLLHUP, (unsigned)ends[0]);
    REQUIRE(strstr(text, expected));
    return true;
}

static bool without_the_capability(void)
{
    int epoll = epoll_create1(0), ends[2];

    REQUIRE(pipe(ends) == 0);
    REQUIRE(add(epoll, ends[0], EPOLLIN | EPOLLWAKEUP) == 0); /* as root or not */
    REQUIRE(add(epoll, ends[1], EPOLLIN | EPOLLWAKEUP | EPOLLEXCLUSIVE) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"an end is told without any events", "epoll_ctl(2)", no_events_hang_up},
    {"an end is told with EPOLLONESHOT alone", "epoll_ctl(2)", one_shot_hang_up},
    {"EPOLLONESHOT tells one event", "epoll_ctl(2)", one_shot_once},
    {"an end is told after a change to no events", "epoll_ctl(2)", modified_hang_up},
    {"files take turns", "epoll_wait(2)", order_by_turns},
    {"files come in order", "epoll_wait(2)", order_of_all},
    {"edges come in order, once", "epoll(7)", order_of_edges},
    {"a fault loses nothing", "epoll_wait(2)", order_after_fault},
    {"errors", "epoll_ctl(2)", errors_in_order},
    {"times of epoll_pwait2", "epoll_pwait2(2)", times},
    {"an edge is one of what was asked for", "epoll(7)", edges_of_the_other_direction},
    {"edges, and what is left", "epoll(7)", edges_and_what_is_left},
    {"an instance whose files were drained is not ready", "epoll(7)", drained_inner},
    {"five may nest", "epoll_ctl(2)", nests_upwards},
    {"none in a ring", "epoll_ctl(2)", never_in_a_ring},
    {"one way through five", "epoll_ctl(2)", few_ways},
    {"too many ways through five", "epoll_ctl(2)", too_many_ways},
    {"500 ways through one", "epoll_ctl(2)", ways_through_one},
    {"not 501", "epoll_ctl(2)", too_many_through_one},
    {"not when the file comes last", "epoll_ctl(2)", too_many_before_the_file},
    {"any number watch a file directly", "epoll_ctl(2)", directly_any_number},
    {"EPOLLEXCLUSIVE: errors", "epoll_ctl(2)", exclusive_errors},
    {"EPOLLEXCLUSIVE: one of several is woken", "epoll_ctl(2)", exclusive_one},
    {"EPOLLEXCLUSIVE: all are woken at the end", "epoll_ctl(2)", exclusive_end},
    {"of several threads that wait one has the event", "epoll(7)", each_event_to_one},
    {"many who nest hold nobody up", "epoll(7)", checks_hold_up_nobody},
    {"what an instance watches is in fdinfo", "proc(5)", shown_in_fdinfo},
    {"EPOLLWAKEUP is taken", "epoll_ctl(2)", without_the_capability},
};

int main(void)
{
    struct rlimit limit = {4096, 4096};

    setrlimit(RLIMIT_NOFILE, &limit);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
