/*
 * memory_eaters: programs that take all memory there is, each in its way, and a fork bomb. Each is
 * ended by the rule or told ENOMEM (or EAGAIN); this program, and one that starts others all the
 * time beside it, go on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "hoarders.h"
#include "proc_baton.h"
#include "tap.h"

#define CHILDREN 120
#define NOBODY   4712
#define SECONDS  60

/* Of the program that goes on beside; shared. */
static struct {
    _Atomic unsigned started; /* programs that were started and ended well */
    _Atomic unsigned failed;
    _Atomic int error;
    _Atomic bool over;
} * beside;

static void start_a_program(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        execl("/bin/busybox", "busybox", "true", NULL);
        _exit(errno);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    else
        beside->error = errno;
    if (child > 0 && status == 0) {
        beside->started++;
    } else {
        beside->failed++;
        if (child > 0)
            beside->error = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
}

static pid_t go_on_beside(void)
{
    pid_t child = fork();

    if (child == 0) {
        while (!beside->over) {
            start_a_program();
            nanosleep(&(struct timespec){0, 20000000}, NULL);
        }
        _exit(0);
    }
    return child;
}

/* ---- those that eat ---- */

static void eat_by_heap(void)
{
    char *end = sbrk(0);
    for (; sbrk(PAGE) != (void *)-1; end += PAGE)
        *end = 1;
}

static void eat_by_mapping_ahead(void)
{
    while (mmap(NULL, 64 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) !=
           MAP_FAILED)
        continue;
}

static void eat_regions(void)
{
    char *memory =
        mmap(NULL, 1UL << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return;
    for (size_t at = 0; at < 1UL << 40; at += 2 * PAGE)
        if (mprotect(memory + at, PAGE, PROT_READ))
            return;
}

static void eat_by_file(void)
{
    static char block[64 * PAGE];
    int file = open("/tmp/memory_ends", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    unlink("/tmp/memory_ends");
    while (write(file, block, sizeof(block)) > 0)
        continue;
}

static void eat_by_shared_file(void)
{
    int file = memfd_create("eaten", 0);
    const size_t size = 4UL << 30;
    if (ftruncate(file, (off_t)size))
        return;
    char *memory = mmap(NULL, size, RW, MAP_SHARED, file, 0);
    for (size_t at = 0; memory != MAP_FAILED && at < size; at += PAGE)
        memory[at] = 1;
}

static void eat_by_pipes(void)
{
    static char block[64 * 1024];
    int ends[2];

    setrlimit(RLIMIT_NOFILE, &(struct rlimit){500000, 500000});
    while (pipe2(ends, O_NONBLOCK) == 0)
        if (write(ends[1], block, sizeof(block)) < 0)
            return;
}

static void eat_threads(void)
{
    pthread_t thread;
    while ((errno = pthread_create(&thread, NULL, wait_forever, NULL)) == 0)
        continue;
}

static void eat_by_copies(void)
{
    const size_t size = 8UL << 20;
    char *memory = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; at < size; at += PAGE)
        memory[at] = 1;
    for (unsigned copies = 0; copies < 60; copies++) { /* twice what there is room for */
        pid_t child = fork();
        if (child < 0)
            return;
        if (child == 0) {
            for (size_t at = 0; at < size; at += PAGE)
                memory[at] = 2;
            pause();
        }
    }
}

static void eat_shared(void)
{
    for (;;) {
        char *memory = mmap(NULL, 1024 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return;
        for (size_t at = 0; at < 1024 * PAGE; at += PAGE)
            memory[at] = 1;
    }
}

static void descend(volatile char *above)
{
    volatile char frame[8 * PAGE];
    for (size_t at = 0; at < sizeof(frame); at += PAGE)
        frame[at] = above ? above[at] : 1;
    if (frame[0])
        descend(frame);
}

static void eat_stack(void)
{
    pid_t child;
    setrlimit(RLIMIT_STACK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    /* Without a limit a new program's stack may grow into all that is free. */
    if ((child = fork()) == 0)
        descend(NULL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV))
        errno = ENOMEM;
}

/* Names without contents, in the file system of the root. */
static void eat_names(void)
{
    char name[200];
    for (unsigned number = 0;; number++) {
        snprintf(name, sizeof(name), "/tmp/names/%u%0150d", number, 0);
        int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (file < 0)
            return;
        close(file);
    }
}

static void eat_links(void)
{
    char name[64], target[4001];
    memset(target, 'x', 4000);
    target[4000] = '\0';
    for (unsigned number = 0;; number++) {
        snprintf(name, sizeof(name), "/tmp/names/l%u", number);
        if (symlink(target, name))
            return;
    }
}

static void take_descriptors(void)
{
    raise_descriptor_limit();
    while (open("/dev/null", O_RDONLY) >= 0)
        continue;
}

static void eat_descriptors(void)
{
    in_children(take_descriptors, CHILDREN, false);
}

static void eat_pipes_in_children(void)
{
    in_children(eat_by_pipes, CHILDREN, false);
}

static void take_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}) == 0)
        continue;
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    while (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        continue;
}

static void eat_signals(void)
{
    in_children(take_signals, CHILDREN, false);
}

static void take_watches(void)
{
    int watched = eventfd(0, 0), poll;
    while ((poll = epoll_create1(0)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, watched, &event))
            return;
    }
}

static void eat_watches(void)
{
    in_children(take_watches, CHILDREN, false);
}

/* Programs with long arguments, all at once. */
static void eat_arguments(void)
{
    static char text[100000];
    char *arguments[18] = {"/bin/busybox", "sleep", "1000"};
    memset(text, 'a', sizeof(text) - 1);
    for (size_t i = 3; i < 17; i++)
        arguments[i] = text;
    arguments[1] = "sh";
    arguments[2] = "-c";
    arguments[3] = "read line < /tmp/names/fifo";
    for (unsigned children = 0; children < 150; children++) {
        pid_t child = fork();
        if (child < 0)
            return;
        if (child == 0) {
            execv(arguments[0], arguments);
            _exit(errno);
        }
    }
    /* They stay, or were ended. */
    usleep(200000);
    errno = ENOMEM;
}

/* A tree of processes, each with some memory of its own. */
static void eat_by_tree(void)
{
    const size_t size = 1UL << 20;
    for (;;) {
        char *memory = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t at = 0; memory != MAP_FAILED && at < size; at += PAGE)
            memory[at] = 1;
        pid_t child = fork();
        if (child < 0)
            return;
        if (child > 0)
            pause(); /* the child goes on */
    }
}

static const struct eater {
    const char *name;
    void (*eat)(void);
    bool slow; /* not a part of every day's tests */
} eaters[] = {
    {"touches what it maps", take_memory, false},
    {"grows its heap", eat_by_heap, false},
    {"needs page tables only", take_page_tables, false},
    {"has its maps populated", eat_by_mapping_ahead, false},
    {"cuts a map into regions", eat_regions, false},
    {"writes a file", eat_by_file, false},
    {"touches a shared file", eat_by_shared_file, false},
    {"fills pipes", eat_by_pipes, false},
    {"makes threads", eat_threads, false},
    {"makes copies of itself", eat_by_copies, false},
    {"touches shared memory", eat_shared, false},
    {"grows its stack", eat_stack, false},
    {"makes names of files", eat_names, false},
    {"makes long symbolic links", eat_links, false},
    {"opens descriptors in many processes", eat_descriptors, true},
    {"fills pipes in many processes", eat_pipes_in_children, true},
    {"queues signals and makes timers", eat_signals, true},
    {"makes watches of epoll", eat_watches, true},
    {"starts programs with long arguments", eat_arguments, true},
    {"makes a tree of processes", eat_by_tree, true},
};

static void reap_all(void)
{
    pid_t child = fork();

    if (child == 0) {
        if (setuid(NOBODY) == 0)
            kill(-1, SIGKILL);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

/* The eater's end, or that of the time. Its status; -1: it had to be ended. */
static int wait_for(pid_t child)
{
    int status = -1;

    for (unsigned passed = 0; passed < SECONDS * 100; passed++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return status;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return -1;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void feed(const struct eater *eater)
{
    unsigned before = beside->started;
    double begun = seconds();
    pid_t child = fork();

    if (child == 0) {
        if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
            _exit(99);
        errno = 0;
        eater->eat();
        _exit(errno == 0 || errno == ENOMEM || errno == EAGAIN || errno == ENOSPC ||
                      errno == ENFILE || errno == EMFILE
                  ? 0
                  : 100);
    }
    int status = child > 0 ? wait_for(child) : -2;
    reap_all();
    bool rule =
        status >= 0 &&
        ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
         (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGBUS)));
    if (!tap_ok(rule, "a program that %s is ended, or told so", eater->name))
        tap_note("status %#x", status);
    for (unsigned passed = 0; beside->started == before && passed < SECONDS * 10; passed++)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    tap_ok(beside->started > before, "others go on beside one that %s", eater->name);
    tap_note("%.1f seconds, %u programs beside", seconds() - begun, beside->started - before);
    if (beside->failed)
        tap_note("%u programs beside were not started, the last for %d", beside->failed,
                 beside->error);
    beside->failed = 0;
}

/* ---- who is chosen ---- */

struct holding {
    size_t size;
    const char *adjustment; /* of oom_score_adj */
};

static bool hold_memory(const void *argument)
{
    const struct holding *holding = argument;
    int file = open("/proc/self/oom_score_adj", O_WRONLY);
    if (write(file, holding->adjustment, strlen(holding->adjustment)) < 0)
        return false;
    char *memory = mmap(NULL, holding->size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; at < holding->size; at += PAGE)
        memory[at] = 1;
    return true;
}

/* A process with so much memory and this oom_score_adj that waits to be ended. */
static pid_t hold(size_t size, const char *adjustment)
{
    const struct holding holding = {size, adjustment};
    pid_t child = child_that_holds(hold_memory, &holding);

    if (child < 0)
        tap_note("a holder does not hold");
    return child;
}

/* proc(5), oom_score_adj: -1000 is never chosen, 1000 before all others. */
static void test_scores(void)
{
    pid_t spared = hold(96UL << 20, "-1000"), offered = hold(1UL << 20, "1000");
    pid_t eater = fork();

    if (eater == 0) {
        take_memory();
        _exit(0);
    }
    int status = -1;
    tap_ok(waitpid(offered, &status, 0) == offered && WIFSIGNALED(status) &&
               WTERMSIG(status) == SIGKILL,
           "one with oom_score_adj 1000 is ended first");
    status = wait_for(eater);
    tap_ok(status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
           "the eater is ended next");
    tap_ok(waitpid(spared, &status, WNOHANG) == 0, "one with -1000 is not, whatever it has");
    kill(spared, SIGKILL);
    waitpid(spared, &status, 0);
}

/* ---- a fork bomb ---- */

static void bomb(void)
{
    setrlimit(RLIMIT_NPROC, &(struct rlimit){200, 200});
    if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
        _exit(99);
    for (;;)
        fork();
}

static void test_bomb(void)
{
    struct timespec begun, now;
    unsigned before = beside->started, own = 0;

    clock_gettime(CLOCK_MONOTONIC, &begun);
    pid_t child = fork();
    if (child == 0)
        bomb();
    do {
        unsigned count = beside->failed;
        start_a_program();
        own += beside->failed == count;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begun.tv_sec < 5);
    tap_note("%u programs started during the bomb, %u beside", own, beside->started - before);
    tap_ok(own > 0, "beside a fork bomb under RLIMIT_NPROC programs start");
    reap_all();
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    unsigned failed = beside->failed;
    start_a_program();
    tap_ok(beside->failed == failed, "the bomb is ended by one kill(2)");
    double load = 0;
    static char text[64];
    if (file_text("/proc/loadavg", text, sizeof(text)) > 0)
        load = strtod(text, NULL);
    tap_ok(load > 1, "the load average tells of it");
}

static long frames_free(void)
{
    static char text[4096];
    const char *line;

    file_text("/proc/baton/frames", text, sizeof(text));
    line = strstr(text, "free ");
    return line ? atol(line + 5) : 0;
}

int main(void)
{
    beside = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mkdir("/tmp/names", 0700);
    if (chown("/tmp/names", NOBODY, NOBODY))
        tap_note("chown: errno %d", errno);
    mkfifo("/tmp/names/fifo", 0666);
    pid_t other = go_on_beside();
    bool baton = baton_is_here();
    long before = baton ? frames_free() : 0;

    const char *only = getenv("EATER"); /* a part of a name, while working on one */
    for (size_t i = 0; i < sizeof(eaters) / sizeof(eaters[0]); i++)
        if (only ? strstr(eaters[i].name, only) != NULL : !eaters[i].slow || getenv("EATERS_ALL"))
            feed(&eaters[i]);
    test_scores();
    test_bomb();
    if (system("rm -rf /tmp/names"))
        tap_note("the names do not go");
    beside->over = true;
    int status = -1;
    tap_ok(waitpid(other, &status, 0) == other && status == 0, "the program beside is still there");
    if (baton) {
        long after = frames_free();
        tap_note("%ld frames free before, %ld after", before, after);
        tap_ok(after > before - 2000, "the memory comes back");
    }
    return tap_done();
}
