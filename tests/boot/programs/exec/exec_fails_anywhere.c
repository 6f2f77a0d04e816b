/*
 * exec_fails_anywhere: allocation number N of an execve fails, for every N until the call succeeds;
 * then the same for its reads of files, and for the pages of its caller that it touches (debug
 * kernels). Each failed call returns an errno and has changed nothing: process_view.h says what is
 * compared, before and after each call. In the end the program runs, and no frame is missing.
 *
 * The caller is one process through all failures: alone, or with threads that wait in all kinds of
 * calls, of which one has to answer after each failure.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tap.h>

#include "proc_baton.h"
#include "process_view.h"

#define FOLDER "/tmp/exec_fails_anywhere"
#define SCRIPT FOLDER "/script"
#define PAGES  FOLDER "/pages"

enum { RAN = 42, LAST = 5000, PLACES = 512, PAGE = 4096, DIFFERENCE = 512 };

enum failure { ALLOCATION, READ, FAULT, FAILURES };
static const struct {
    const char *name;
    int error;
} failures[FAILURES] = {
    [ALLOCATION] = {"allocation", ENOMEM},
    [READ] = {"read", EIO},
    [FAULT] = {"fault", EFAULT},
};

/* Who calls. */
enum caller {
    ALONE,
    FIRST,   /* the first one of several threads */
    SIBLING, /* another of them */
    VFORKED, /* a child that shares the memory of the process that is looked at */
    CALLERS,
};
static const char *const callers[CALLERS] = {"one thread", "the first of many threads",
                                             "another of many threads", "a vfork's child"};

/* What is executed. */
static const struct image {
    const char *name, *path;
    bool by_descriptor; /* execveat(2), AT_EMPTY_PATH */
} images[] = {
    {"a static program", "/tests/exec_fails_anywhere", false},
    {"a dynamic program", "/tests/exec_fails_anywhere_dynamic", false},
    {"a script", SCRIPT, false},
    {"a static PIE", "/tests/exec_fails_anywhere_pie", false},
    {"a descriptor", "/tests/exec_fails_anywhere", true},
};
enum { STATIC, DYNAMIC, AS_SCRIPT, PIE, DESCRIPTOR };

/* Path, arguments and environment as a file's pages, so that they can be there or not. */
struct pages {
    char path[PAGE];
    char *arguments[PAGE / sizeof(char *)];
    char *environment[PAGE / sizeof(char *)];
    char first[PAGE];
    char second[3 * PAGE]; /* one string over several pages */
    char variable[2 * PAGE];
};

/* Shared by the test and the caller. The notebook comes first: all of it is left out of the sums.
 */
static struct notes {
    struct view_notebook notebook;
    const struct image *image;
    enum failure failure;
    enum caller caller;
    struct pages *pages; /* where they are mapped when they are */
    int descriptor;      /* of the image */
    uint64_t sum;        /* of the pages */
    long result;         /* of the call */
    bool pages_changed;  /* by the call */
    unsigned long place; /* of what failed in it, relative to the kernel's image; 0: nothing */
    unsigned number, tried, changed, wrong_error, uncaused, place_count;
    unsigned long places[PLACES]; /* so far */
    char difference[DIFFERENCE];  /* the first one */
} * notes;

/* ---- what the threads of the caller do meanwhile ---- */

static int hold[2], signal_pipe[2]; /* pipes that nobody writes to */
static uint32_t question, answer;   /* futexes */

static void futex_wait(uint32_t *word, uint32_t value)
{
    raw_call(SYS_futex, (long)word, FUTEX_WAIT, value, 0, 0);
}

static void futex_wake(uint32_t *word)
{
    raw_call(SYS_futex, (long)word, FUTEX_WAKE, 1, 0, 0);
}

/* A copy of each question is its answer. */
static void *answer_questions(void *unused)
{
    for (uint32_t seen = 0;; seen++) {
        while (__atomic_load_n(&question, __ATOMIC_ACQUIRE) == seen)
            futex_wait(&question, seen);
        __atomic_store_n(&answer, seen + 1, __ATOMIC_RELEASE);
        futex_wake(&answer);
    }
    return unused;
}

/* Until all other threads of this process do. */
static void wait_until_they_sleep(void)
{
    char path[300], text[512];
    bool awake;

    do {
        DIR *folder = opendir("/proc/self/task");
        struct dirent *entry;
        awake = false;
        while ((entry = readdir(folder))) {
            snprintf(path, sizeof(path), "/proc/self/task/%s/stat", entry->d_name);
            if (entry->d_name[0] == '.' || atoi(entry->d_name) == gettid() ||
                file_text(path, text, sizeof(text)) < 0)
                continue;
            const char *state = strchr(text, ')');
            awake |= state && state[2] == 'R';
        }
        closedir(folder);
        if (awake)
            sched_yield();
    } while (awake);
}

/* Has the one thread answer, and leaves it asleep. */
static void ask(void)
{
    uint32_t before = answer;

    __atomic_store_n(&question, before + 1, __ATOMIC_RELEASE);
    futex_wake(&question);
    while (__atomic_load_n(&answer, __ATOMIC_ACQUIRE) == before)
        futex_wait(&answer, before);
    wait_until_they_sleep();
}

static void *read_pipe(void *unused)
{
    char byte;
    (void)!read(hold[0], &byte, 1);
    return unused;
}
static void *sleep_long(void *unused)
{
    sleep(10000);
    return unused;
}
static void *suspend(void *unused)
{
    sigset_t all;
    sigfillset(&all);
    for (;;)
        sigsuspend(&all);
    return unused;
}
/* Its child ends when no process holds the pipe for writing any more. */
static void *wait_in_vfork(void *unused)
{
    pid_t child = vfork();
    if (child == 0) {
        char byte;
        close(hold[1]);
        (void)!read(hold[0], &byte, 1);
        _exit(0);
    }
    return unused;
}

/* ---- the caller ---- */

static void handler(int number)
{
    (void)number;
}

/* A bit of everything that an exec could change by mistake. */
static void prepare_caller(void)
{
    static char alternate[1 << 14];
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec later = {{1000, 0}, {100000, 0}};
    struct itimerval later_too = {{1000, 0}, {100000, 0}};
    union sigval value = {.sival_int = 17};
    uint32_t control = 0x3f80; /* rounds downwards: Intel SDM volume 1, 10.2.3 */
    sigset_t mask;
    timer_t timer;

    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGHUP, SIG_IGN);
    sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof(alternate)}, NULL);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGRTMIN);
    sigaddset(&mask, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    kill(getpid(), SIGUSR2);
    sigqueue(getpid(), SIGRTMIN, value);
    sigqueue(getpid(), SIGRTMIN, value);
    raw_call(SYS_tkill, gettid(), SIGRTMIN + 1, 0, 0, 0);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &later, NULL);
    setitimer(ITIMER_REAL, &later_too, NULL);
    setitimer(ITIMER_PROF, &later_too, NULL);
    __asm__ volatile("ldmxcsr %0" : : "m"(control));

    (void)!pipe2(hold, O_CLOEXEC);
    (void)!pipe(signal_pipe);
    (void)!write(signal_pipe[1], "waits", 5);
    lseek(open("/etc/passwd", O_RDONLY | O_CLOEXEC), 7, SEEK_SET);
    int file = open(FOLDER "/offset", O_RDWR | O_CREAT | O_APPEND, 0600);
    (void)!write(file, "offset", 6);
    dup2(file, 20);
    fcntl(file, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_len = 3});
    open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    eventfd(3, EFD_NONBLOCK);
    notes->descriptor = open(notes->image->path, O_PATH | O_CLOEXEC);

    mlock(alternate, PAGE);
    memset(malloc(1 << 16), 0x22, 1 << 16);
    uint8_t *mapping =
        mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(mapping, 0x33, 1 << 15);
    mprotect(mapping, PAGE, PROT_READ);
    mprotect(mapping + PAGE, PAGE, PROT_NONE);
}

static bool map_pages(void)
{
    int file = open(PAGES, O_RDONLY | O_CLOEXEC);
    void *place = mmap(notes->pages, sizeof(*notes->pages), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_FIXED_NOREPLACE, file, 0);

    close(file);
    return place == notes->pages;
}

/* The call itself, which returns only if it fails. Number 0 does anyway: there is no such file. */
static void execute(void)
{
    const struct pages *pages = notes->pages;
    const char *path = notes->number ? pages->path : "/no/such";
    char line[64];

    snprintf(line, sizeof(line), "%s %u", failures[notes->failure].name, notes->number);
    baton_inject(line);
    if (notes->image->by_descriptor && notes->number)
        notes->result = raw_call(SYS_execveat, notes->descriptor, (long)"", (long)pages->arguments,
                                 (long)pages->environment, AT_EMPTY_PATH);
    else
        notes->result = raw_call(SYS_execve, (long)path, (long)pages->arguments,
                                 (long)pages->environment, 0, 0);
    view_read_file(&notes->notebook, "/proc/baton/inject");
    baton_inject("off");
    sscanf(notes->notebook.text, "count %*u failed_at %lx", &notes->place);
}

static void execute_in_child(void)
{
    int status = 0;

    notes->result = 0;
    pid_t child = vfork();
    if (child == 0) {
        execute();
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (notes->result == 0)
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}

/*
 * One call between two looks. For page faults the arguments are mapped anew each time, and gone
 * again when the caller is looked at: a page that a failed call has touched is there afterwards,
 * as with any call.
 */
static void attempt(void)
{
    const struct pages *pages = notes->pages;
    bool fresh = notes->failure == FAULT;

    view_take(&notes->notebook, &notes->notebook.before);
    if (fresh)
        map_pages();
    if (notes->caller == VFORKED)
        execute_in_child();
    else
        execute();
    notes->pages_changed = view_sum(0, (uintptr_t)pages, (uintptr_t)(pages + 1)) != notes->sum;
    if (fresh)
        munmap(notes->pages, sizeof(*notes->pages));
    view_take(&notes->notebook, &notes->notebook.after);
}

static void judge(void)
{
    struct view_notebook *notebook = &notes->notebook;
    char *difference = notes->changed ? notebook->line : notes->difference;
    unsigned at = 0;

    notes->tried++;
    notes->wrong_error += notes->result != -failures[notes->failure].error;
    notes->uncaused += notes->place == 0;
    notes->changed += notes->pages_changed ||
                      !view_equal(&notebook->before, &notebook->after, difference, DIFFERENCE);
    while (at < notes->place_count && notes->places[at] != notes->place)
        at++;
    if (at == notes->place_count && at < PLACES)
        notes->places[notes->place_count++] = notes->place;
}

/* Number N fails, for every N. */
static void fail_everywhere(void)
{
    view_begin(&notes->notebook);
    if (notes->failure != FAULT)
        map_pages();
    attempt(); /* for warm-up */
    while (++notes->number < LAST) {
        attempt();
        judge();
        if (notes->caller == FIRST || notes->caller == SIBLING)
            ask();
    }
    _exit(1);
}

static void *fail_from_sibling(void *unused)
{
    wait_until_they_sleep();
    fail_everywhere();
    return unused;
}

/* In a child of the test. */
static void run_caller(void)
{
    static void *(*const siblings[])(void *) = {answer_questions, read_pipe, sleep_long, suspend,
                                                wait_in_vfork};
    pthread_t thread;

    prepare_caller();
    if (notes->caller == FIRST || notes->caller == SIBLING) {
        for (size_t i = 0; i < sizeof(siblings) / sizeof(*siblings); i++)
            pthread_create(&thread, NULL, siblings[i], NULL);
        ask();
    }
    if (notes->caller == SIBLING) {
        pthread_create(&thread, NULL, fail_from_sibling, NULL);
        suspend(NULL);
    }
    fail_everywhere();
}

/* ---- the test ---- */

/* Lays the pages with path, arguments and environment into a file. */
static void write_pages(const char *path, struct pages *place)
{
    static struct pages pages;
    int file = open(PAGES, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    memset(&pages, 0, sizeof(pages));
    strcpy(pages.path, path);
    strcpy(pages.first, "exec");
    memset(pages.second, 's', sizeof(pages.second) - 9);
    memset(pages.variable, 'v', sizeof(pages.variable) - 5);
    pages.arguments[0] = place->first;
    pages.arguments[1] = place->second;
    pages.environment[0] = place->variable;
    (void)!write(file, &pages, sizeof(pages));
    close(file);
    notes->sum = view_sum(0, (uintptr_t)&pages, (uintptr_t)(&pages + 1));
}

static void begin_notes(enum caller caller, unsigned image, enum failure failure)
{
    memset(notes, 0, sizeof(*notes));
    notes->notebook.size = sizeof(*notes);
    notes->image = &images[image];
    notes->caller = caller;
    notes->failure = failure;
    notes->pages = (struct pages *)(UINT64_C(1) << 40);
    write_pages(images[image].path, notes->pages);
}

/* A caller from its beginning to the end of all that came of it. Its wait status. */
static int run(enum caller caller, unsigned image, enum failure failure)
{
    int status = 0, other;
    pid_t ended;

    begin_notes(caller, image, failure);
    pid_t child = fork();
    if (child == 0)
        run_caller();
    while ((ended = waitpid(-1, &other, 0)) > 0)
        if (ended == child)
            status = other;
    return status;
}

static void check(enum caller caller, unsigned image, enum failure failure)
{
    static char frames[4096], frames_after[4096];
    char what[128];

    snprintf(what, sizeof(what), "%s, called by %s, %ss", images[image].name, callers[caller],
             failures[failure].name);
    usleep(100000); /* what was reported so far has left its pipe */
    file_text("/proc/baton/frames", frames, sizeof(frames));
    int status = run(caller, image, failure);
    file_text("/proc/baton/frames", frames_after, sizeof(frames_after));

    tap_note("%s: %u, at %u places", what, notes->tried, notes->place_count);
    tap_ok(notes->tried > 0 && notes->uncaused == 0, "%s: they were made to fail", what);
    if (!tap_ok(notes->changed == 0, "%s: the caller is as it was each time", what))
        tap_note("%u times not: %s", notes->changed, notes->difference);
    tap_ok(notes->wrong_error == 0, "%s: %s each time", what, strerror(failures[failure].error));
    if (!tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == RAN, "%s: in the end it runs", what))
        tap_note("wait status %#x, number %u, result %ld", status, notes->number, notes->result);
    if (!tap_ok(strcmp(frames, frames_after) == 0, "%s: no count of frames has changed", what))
        tap_note("before: %s after: %s", frames, frames_after);
}

/* ---- the guard: what would be a change is seen as one ---- */

static uint8_t *some_memory;

static void change_nothing(void)
{
}
static void change_memory(void)
{
    some_memory[12345] ^= 1;
}
static void change_mapping(void)
{
    mprotect(some_memory, PAGE, PROT_READ);
}
static void change_descriptor(void)
{
    fcntl(hold[0], F_SETFD, 0);
}
static void change_offset(void)
{
    lseek(notes->descriptor, 1, SEEK_SET);
}
static void change_action(void)
{
    signal(SIGHUP, SIG_DFL);
}
static void change_mask(void)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
}
static void change_pending(void)
{
    raw_call(SYS_tkill, gettid(), SIGUSR2, 0, 0, 0);
}
static void change_timer(void)
{
    raw_call(SYS_timer_delete, 0, 0, 0, 0, 0);
}
static void change_name(void)
{
    prctl(PR_SET_NAME, "another");
}
static void change_frames(void)
{
    munmap(some_memory + 4 * PAGE, PAGE);
}

static const struct {
    const char *name;
    void (*make)(void);
} changes[] = {
    {"nothing", change_nothing},
    {"a byte", change_memory},
    {"a protection", change_mapping},
    {"a descriptor's flag", change_descriptor},
    {"an offset", change_offset},
    {"a signal's action", change_action},
    {"the signal mask", change_mask},
    {"a pending signal", change_pending},
    {"a timer", change_timer},
    {"a thread's name", change_name},
    {"a page of its own", change_frames},
};

/* In a child: whether two looks with the change between them differ. */
static bool is_seen(void (*make)(void))
{
    struct view_notebook *notebook = &notes->notebook;

    prepare_caller();
    notes->descriptor = open("/etc/group", O_RDONLY);
    some_memory = malloc(1 << 17);
    memset(some_memory, 0x44, 1 << 17);
    some_memory += -(uintptr_t)some_memory % PAGE;
    view_begin(notebook);
    view_take(notebook, &notebook->before); /* for warm-up */
    view_take(notebook, &notebook->before);
    make();
    view_take(notebook, &notebook->after);
    return !view_equal(&notebook->before, &notebook->after, notes->difference, DIFFERENCE);
}

static void check_the_check(void)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        int status = 0;
        begin_notes(ALONE, STATIC, READ);
        pid_t child = fork();
        if (child == 0)
            _exit(is_seen(changes[i].make));
        waitpid(child, &status, 0);
        if (!tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == (i > 0),
                    "two looks see that %s has changed", changes[i].name))
            tap_note("status %#x: %s", status, notes->difference);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        enum caller caller;
        unsigned image;
    } pairs[] = {
        {ALONE, STATIC},      {ALONE, DYNAMIC},   {ALONE, AS_SCRIPT}, {FIRST, STATIC},
        {FIRST, DYNAMIC},     {FIRST, AS_SCRIPT}, {SIBLING, STATIC},  {SIBLING, DYNAMIC},
        {SIBLING, AS_SCRIPT}, {VFORKED, STATIC},  {ALONE, PIE},       {ALONE, DESCRIPTOR},
    };

    (void)argv;
    if (argc > 1)
        return RAN;
    mkdir(FOLDER, 0755);
    int file = open(SCRIPT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    dprintf(file, "#!/tests/exec_fails_anywhere run\n");
    close(file);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    notes = mmap(NULL, (sizeof(*notes) + PAGE - 1) & -PAGE, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check_the_check();
    if (!baton_inject("off")) {
        tap_skip("this kernel makes nothing fail", "an exec that fails has changed nothing");
        return tap_done();
    }
    for (enum caller caller = 0; caller < CALLERS; caller++)
        run(caller, STATIC, READ); /* for warm-up */
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        for (enum failure failure = 0; failure < FAILURES; failure++)
            check(pairs[i].caller, pairs[i].image, failure);
    return tap_done();
}
