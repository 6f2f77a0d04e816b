/*
 * resource_bombs: an ordinary user makes the kernel hold as much as it lets him, of one kind after
 * the other. Meanwhile a program of another user, which was there before, is asked over and over to
 * do what programs do: it lives, every call of it succeeds, and its answer takes no ten times of
 * what it took before the bomb, by the clock of who asks: the median while the bomb takes, and that
 * while it holds what it has. With BOMBS_EXACT, where the clock counts instructions and no host is
 * in between, this holds for nine answers in ten. When the bomb's processes are gone all counts are
 * what they were. A bomb whose programs are ended by the rule of memory has done as much as it
 * could, too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "hoarders.h"
#include "proc_baton.h"
#include "tap.h"

#define ROOM "/tmp/bombs"

enum {
    BOMBER = 4741,
    INNOCENT = 4742,
    SECONDS = 120, /* that a bomb may take, or an answer, unless BOMB_SECONDS says otherwise */
    CHILDREN = 40, /* of a bomb that works in several processes */
    ANSWERS = 15,  /* that count, while the bomb holds what it has */
    FEW = 5,       /* as beside a bomb that is over at once: they say nothing by themselves */
    TIMES = 512,
    POLLS = 4096, /* of one call: the hard limit of descriptors */
};

/* How much there is to fill differs: 400 processes take minutes for a GiB of messages. */
static int patience_ms(void)
{
    const char *seconds = getenv("BOMB_SECONDS");

    return (seconds ? atoi(seconds) : SECONDS) * 1000;
}

/* ---- the innocent ---- */

/* What is asked of it and answered: what failed, if anything did. */
struct answer {
    int line, error;
};

static int innocent; /* our end of the socket to it */

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            answer.line = __LINE__;                                                                \
            answer.error = errno;                                                                  \
            return answer;                                                                         \
        }                                                                                          \
    } while (0)

static struct answer do_what_programs_do(void)
{
    struct answer answer = {0};
    int ends[2];
    char byte;

    char *memory = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(memory != MAP_FAILED);
    memory[0] = 1;
    NEED(munmap(memory, 4 * PAGE) == 0);
    NEED(pipe(ends) == 0);
    NEED(write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1);
    NEED(close(ends[0]) == 0 && close(ends[1]) == 0);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    NEED(write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1);
    NEED(close(ends[0]) == 0 && close(ends[1]) == 0);
    int file = open("/proc/self/stat", O_RDONLY);
    NEED(file >= 0 && read(file, &byte, 1) == 1 && close(file) == 0);
    NEED(raise(SIGUSR1) == 0);
    return answer;
}

static long clock_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void ignore(int signal)
{
    (void)signal;
}

static void serve(int asked)
{
    char byte;

    signal(SIGUSR1, ignore);
    while (read(asked, &byte, 1) == 1) {
        struct answer answer = do_what_programs_do();
        if (write(asked, &answer, sizeof(answer)) != sizeof(answer))
            break;
    }
    _exit(0);
}

static pid_t start_innocent(void)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        if (!become(INNOCENT))
            _exit(99);
        serve(ends[1]);
    }
    close(ends[1]);
    innocent = ends[0];
    return child;
}

/* How long its answers took, ns. */
struct times {
    long each[TIMES];
    unsigned count;
};

/* What it said beside one bomb. */
static struct {
    struct times before, meanwhile, held;
    struct answer failed;
    bool silent;
} heard;

static bool ask(struct times *times)
{
    struct answer answer;
    struct pollfd poll_answer = {.fd = innocent, .events = POLLIN};
    long asked = clock_ns();

    if (heard.silent || write(innocent, "?", 1) != 1 || poll(&poll_answer, 1, patience_ms()) != 1 ||
        read(innocent, &answer, sizeof(answer)) != sizeof(answer)) {
        heard.silent = true;
        return false;
    }
    long time = clock_ns() - asked;
    if (answer.line)
        heard.failed = answer;
    else if (times->count < TIMES)
        times->each[times->count++] = time;
    return true;
}

static void ask_often(struct times *times, unsigned answers)
{
    while (answers-- > 0)
        ask(times);
}

static int compare(const void *left, const void *right)
{
    long one = *(const long *)left, other = *(const long *)right;
    return one < other ? -1 : one > other;
}

/* What `percent` of the answers took no longer than, ns; without an answer: 0. */
static long most(struct times *times, unsigned percent)
{
    if (!times->count)
        return 0;
    qsort(times->each, times->count, sizeof(times->each[0]), compare);
    return times->each[(times->count - 1) * percent / 100];
}

static bool within_ten_times(struct times *times)
{
    unsigned percent = getenv("BOMBS_EXACT") && times->count >= 10 ? 90 : 50;

    return times->count < FEW || most(times, percent) <= 10 * most(&heard.before, 50);
}

static void times_note(const char *when, struct times *times)
{
    tap_note("%s: %u answers, half of them within %ld us, nine in ten %ld us, all %ld us", when,
             times->count, most(times, 50) / 1000, most(times, 90) / 1000, most(times, 100) / 1000);
}

/* ---- bombs: each ends when the kernel refuses more; what it has it keeps ---- */

static int children_wanted(void)
{
    const char *many = getenv("BOMB_CHILDREN");

    return many ? atoi(many) : CHILDREN;
}

static void bomb_processes(void)
{
    for (unsigned refused = 0; refused < 3;)
        refused += fork() < 0;
}

static void bomb_threads(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    while (pthread_create(&thread, &attributes, wait_forever, NULL) == 0)
        continue;
}

static void bomb_zombies(void)
{
    pid_t child;

    while ((child = fork()) >= 0)
        if (child == 0)
            _exit(0);
}

static void take_pipes(void)
{
    static char block[64 * 1024];
    int ends[2];

    while (pipe2(ends, O_NONBLOCK) == 0)
        while (write(ends[1], block, sizeof(block)) > 0)
            continue;
}

static void bomb_pipes(void)
{
    in_children(take_pipes, children_wanted(), true);
}

static bool fill(int file, size_t blocks)
{
    static char block[256 * 1024];

    for (size_t i = 0; i < blocks; i++)
        if (write(file, block, sizeof(block)) < 0)
            return false;
    return true;
}

static void take_memory_files(void)
{
    while (fill(memfd_create("bomb", 0), 4))
        continue;
}

static void bomb_memory_files(void)
{
    in_children(take_memory_files, children_wanted(), true);
}

/* Held by mappings only, hardly any page of which is shown. */
static void take_mapped_files(void)
{
    for (;;) {
        int file = memfd_create("bomb", 0);
        if (file < 0 || !fill(file, 4) ||
            mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED)
            return;
        close(file);
    }
}

static void bomb_mapped_files(void)
{
    in_children(take_mapped_files, children_wanted(), true);
}

static bool send_file(int socket, int file)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec vector = {(char *)"f", 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof(int));
    return sendmsg(socket, &message, MSG_DONTWAIT) == 1;
}

/* Memory that only messages hold. */
static void bomb_flights(void)
{
    int ends[2], sent = 0, file;

    do {
        if (sent % 8 == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
            return;
        file = memfd_create("bomb", 0);
    } while (fill(file, 4) && send_file(ends[0], file) && close(file) == 0 && ++sent);
}

/* Sockets, each in the inbox of the next. */
static void bomb_chain(void)
{
    int ends[2], before = -1;

    while (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0) {
        if (before >= 0 && !send_file(ends[1], before))
            return;
        close(before);
        close(ends[1]);
        before = ends[0];
    }
}

/* Sockets, each in the inbox of the other, that nobody has: garbage as fast as it can be made. */
static void bomb_rings(void)
{
    int ends[2];

    for (unsigned i = 0; i < 5000 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0; i++) {
        send_file(ends[0], ends[1]);
        send_file(ends[1], ends[0]);
        close(ends[0]);
        close(ends[1]);
    }
}

/* Connections that nobody accepts and whose other side is closed: none has a descriptor. */
static void bomb_connections(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size;
    int listener, connection;

    do {
        listener = socket(AF_UNIX, SOCK_STREAM, 0);
        size = sizeof(name);
        if (bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)) ||
            getsockname(listener, (struct sockaddr *)&name, &size) || listen(listener, 4096))
            return;
        do {
            connection = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        } while (connect(connection, (struct sockaddr *)&name, size) == 0 &&
                 close(connection) == 0);
    } while (connection >= 0 && errno == EAGAIN && close(connection) == 0);
}

static void take_messages(void)
{
    static char block[16384];
    int ends[2];

    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0)
        while (write(ends[0], block, sizeof(block)) > 0)
            continue;
}

static void bomb_messages(void)
{
    in_children(take_messages, children_wanted(), true);
}

static void take_descriptors(void)
{
    while (open("/dev/null", O_RDONLY) >= 0)
        continue;
}

static void bomb_descriptors(void)
{
    in_children(take_descriptors, children_wanted(), true);
}

/* As many on each of fifty files as there may be. */
static void take_watches(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int first = eventfd(0, 0), watcher;

    for (int i = 1; i < 50; i++)
        eventfd(0, 0);
    while ((watcher = epoll_create1(0)) >= 0)
        for (int file = first; file < first + 50; file++)
            if (epoll_ctl(watcher, EPOLL_CTL_ADD, file, &event))
                return;
}

static void bomb_watches(void)
{
    in_children(take_watches, children_wanted(), true);
}

static void bomb_terminals(void)
{
    while (open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
        continue;
}

static void bomb_locks(void)
{
    int file;

    while ((file = open(ROOM, O_RDWR | O_TMPFILE, 0600)) >= 0)
        for (int i = 0; i < 300; i++) {
            struct flock lock = {.l_type = F_WRLCK, .l_start = i * 2, .l_len = 1};
            if (fcntl(file, F_SETLK, &lock))
                return;
        }
}

static void bomb_names(void)
{
    char name[200];

    for (unsigned number = 0; number < 20000; number++) {
        snprintf(name, sizeof(name), ROOM "/%u%0150d", number, 0);
        int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (file < 0)
            return;
        close(file);
    }
}

static void bomb_depth(void)
{
    if (chdir(ROOM))
        return;
    for (unsigned depth = 0; depth < 5000; depth++)
        if (mkdir("d", 0700) || chdir("d"))
            return;
}

static void bomb_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}) == 0)
        continue;
}

static void bomb_timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    timer_t timer;

    signal(SIGUSR2, SIG_IGN);
    while (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        timer_settime(timer, 0, &often, NULL);
}

/* Long texts, each half read. */
static void bomb_texts(void)
{
    char byte;

    for (int i = 0; i < 1000; i++)
        if (mmap(NULL, PAGE, i % 2 ? PROT_READ : RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ==
            MAP_FAILED)
            return;
    for (int i = 0; i < 500; i++) {
        int file = open("/proc/self/maps", O_RDONLY);
        if (file < 0 || read(file, &byte, 1) != 1)
            return;
    }
}

/* As many as may be, or until the rule of memory ends one: each waits for one file as often as it
   may. */
static void bomb_polls(void)
{
    int ends[2];
    struct pollfd *requests =
        mmap(NULL, sizeof(*requests) * POLLS, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (requests == MAP_FAILED || pipe(ends) || dup2(ends[0], STDIN_FILENO))
        return;
    for (unsigned i = 0; i < POLLS; i++)
        requests[i] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (unsigned refused = 0; refused < 3 && waitpid(-1, NULL, WNOHANG) <= 0;) {
        pid_t child = fork();
        if (child == 0) {
            syscall(SYS_close_range, 3, ~0U, 0); /* also what says that the bomb has ended */
            _exit(poll(requests, POLLS, -1) != 0);
        }
        refused += child < 0;
    }
}

/* So that this program has touched all it will. */
static void bomb_nothing(void)
{
}

static const struct bomb {
    const char *name;
    void (*explode)(void);
} bombs[] = {
    {"processes", bomb_processes},
    {"threads", bomb_threads},
    {"zombies", bomb_zombies},
    {"memory", take_memory},
    {"page tables", take_page_tables},
    {"pipes", bomb_pipes},
    {"memory files", bomb_memory_files},
    {"memory files that are mapped", bomb_mapped_files},
    {"memory files on their way", bomb_flights},
    {"a chain of sockets on their way", bomb_chain},
    {"rings of sockets", bomb_rings},
    {"connections", bomb_connections},
    {"unread messages", bomb_messages},
    {"descriptors", bomb_descriptors},
    {"watches", bomb_watches},
    {"pseudo-terminals", bomb_terminals},
    {"locks", bomb_locks},
    {"names", bomb_names},
    {"deep directories", bomb_depth},
    {"queued signals", bomb_signals},
    {"timers", bomb_timers},
    {"texts of /proc", bomb_texts},
    {"long polls", bomb_polls},
};

/* ---- one bomb ---- */

static pid_t innocent_id;
static bool innocent_lives = true;

/* Also what comes to this process when its parent ends. */
static void reap(void)
{
    pid_t ended;

    while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
        innocent_lives &= ended != innocent_id;
}

/* All processes of the user end, and what he made in ROOM. */
static void clear_away(void)
{
    int depth = 0;
    pid_t child = fork();

    if (child == 0) {
        if (become(BOMBER))
            kill(-1, SIGKILL);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    if (chdir(ROOM) == 0) {
        while (chdir("d") == 0)
            depth++;
        for (; depth > 0 && chdir("..") == 0; depth--)
            rmdir("d");
        if (chdir("/") || system("rm -rf " ROOM "/*"))
            tap_note("the names do not go");
    }
}

/* True: it has all it can have, or has ended. */
static bool is_on(int ready, int wait_ms)
{
    struct pollfd poll_ready = {.fd = ready, .events = POLLIN};
    return poll(&poll_ready, 1, wait_ms) == 1;
}

static char before[4096], after[4096];

static bool counts_return(void)
{
    for (int tries = 0; tries < 200; tries++) {
        reap();
        baton_counts(after, sizeof(after));
        if (strcmp(before, after) == 0)
            return true;
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    }
    return false;
}

/* In a process of the user's own. */
static void explode(const struct bomb *bomb, int ready)
{
    close(innocent);
    if (!become(BOMBER))
        _exit(99);
    raise_descriptor_limit();
    bomb->explode();
    if (write(ready, "", 1) < 0)
        _exit(1);
    for (;;)
        pause();
}

static void report(const struct bomb *bomb, bool on)
{
    bool right = on && !heard.silent && !heard.failed.line;

    if (!tap_ok(right, "beside a bomb of %s an innocent program goes on", bomb->name))
        tap_note("bomb on: %d, no answer: %d, line %d failed for errno %d", on, heard.silent,
                 heard.failed.line, heard.failed.error);
    bool quick = heard.held.count >= FEW && within_ten_times(&heard.meanwhile) &&
                 within_ten_times(&heard.held);
    tap_ok(quick, "…and answers within ten times its usual time");
    times_note("before", &heard.before);
    times_note("meanwhile", &heard.meanwhile);
    times_note("then", &heard.held);
}

static void set_off(const struct bomb *bomb, bool counts)
{
    int ends[2];
    long begun = now_ms();

    memset(&heard, 0, sizeof(heard));
    ask_often(&heard.before, 2 * ANSWERS);
    baton_counts_quiet(before, sizeof(before));
    if (pipe(ends)) {
        tap_ok(false, "%s: pipe", bomb->name);
        return;
    }
    pid_t child = fork();
    if (child == 0)
        explode(bomb, ends[1]);
    close(ends[1]);
    long until = now_ms() + patience_ms();
    while (!is_on(ends[0], 1) && now_ms() < until)
        ask(&heard.meanwhile);
    bool on = is_on(ends[0], 0);
    ask_often(&heard.held, ANSWERS);
    close(ends[0]);
    long held = now_ms();
    clear_away();
    waitpid(child, NULL, 0);
    report(bomb, on);
    tap_note("%s: %ld + %ld ms", bomb->name, held - begun, now_ms() - held);
    if (!tap_ok(!counts || counts_return(), "…and all of it comes back"))
        baton_counts_note(before, after);
}

int main(void)
{
    const char *only = getenv("BOMB"); /* a part of a name, while working on one */

    memset(before, 1, sizeof(before)); /* touches the pages */
    memset(after, 1, sizeof(after));
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    mkdir(ROOM, 0700);
    if (chown(ROOM, BOMBER, BOMBER))
        tap_note("chown: errno %d", errno);
    innocent_id = start_innocent();
    set_off(&(struct bomb){"nothing", bomb_nothing}, false);
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++)
        if (!only || strstr(bombs[i].name, only))
            set_off(&bombs[i], true);
    tap_ok(innocent_lives, "the innocent program has lived through all");
    kill(innocent_id, SIGKILL);
    rmdir(ROOM);
    return tap_done();
}
