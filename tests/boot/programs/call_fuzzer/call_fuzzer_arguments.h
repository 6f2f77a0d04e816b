/*
 * call_fuzzer_arguments.h: a value for each kind of argument (call_fuzzer_table.h), mostly one that
 * the call can use, of the few things that all players fight over; sometimes a nasty one.
 *
 * A player's block holds its state, its stacks and what it passes to calls; it is found from the
 * stack pointer, so that no thread-local storage is needed, which random clone flags would share.
 */
#ifndef BATON_TEST_CALL_FUZZER_ARGUMENTS_H
#define BATON_TEST_CALL_FUZZER_ARGUMENTS_H

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "call_fuzzer_table.h"

#define BLOCKS_AT    0x100000000000UL
#define BLOCK_SIZE   0x10000UL /* and alignment */
#define BLOCK_COUNT  8         /* of threads that share memory */
#define COMMONS_AT   (BLOCKS_AT - 0x10000)
#define MAPPINGS_AT  0x200000000000UL
#define MAPPINGS     64 /* pages */
#define DESCRIPTORS  1000
#define LOW          64  /* most descriptors are below */
#define HIGH         300 /* descriptors above are there for a moment only */
#define TOLD         1024
#define SIGNAL_STACK 0x2000
#define SCRATCH      0x6000

struct player {
    uint64_t magic; /* RING_MAGIC */
    uint64_t chance;
    struct ring *ring;
    uint32_t process, thread;
    uint32_t depth;    /* of signal handlers */
    uint32_t handlers; /* that have run */
    uint32_t steps;
    uint32_t scratch_used;
    uint32_t rally; /* the last one that was joined */
    bool ordinary;  /* of a team that may never be root */
    bool alone;     /* has not made threads yet */
    bool cold;      /* answers go to a page that is not there yet */
};

/* In a block: the player, the stack of signals, the stack, what is passed, a page to be touched. */
struct block {
    union {
        struct player player;
        char first[PAGE];
    };
    char signal_stack[SIGNAL_STACK];
    char stack[BLOCK_SIZE - 2 * PAGE - SIGNAL_STACK - SCRATCH];
    char scratch[SCRATCH];
    char cold[PAGE];
};
_Static_assert(sizeof(struct block) == BLOCK_SIZE, "a block");

/* A call that several threads make at one moment (call_fuzzer_rally.h). */
struct rally {
    _Atomic uint32_t serial; /* odd: threads may join */
    _Atomic uint32_t members, arrived, round;
    uint32_t call;
    uint32_t repeat; /* of each member's call */
    bool hold;       /* the second member keeps the address space busy instead */
    uint64_t arguments[ARGUMENTS];
};

/* What the threads that share memory have in common. */
struct commons {
    uint32_t block_owner[BLOCK_COUNT]; /* TID, cleared by the kernel at its end */
    uint8_t kinds[1024];               /* of descriptors */
    _Atomic int32_t last_timer;
    _Atomic uint64_t told[TOLD]; /* process << 32 | timer + 1 */
    _Atomic uint32_t words[8];   /* of futexes */
    _Atomic int32_t predicted;   /* the descriptor that is about to be made; -1: none */
    struct rally rally;
};

#define COMMONS ((struct commons *)COMMONS_AT)

static inline struct block *block_at(unsigned number)
{
    return (struct block *)(BLOCKS_AT + number * BLOCK_SIZE);
}

static inline struct block *block_of(struct player *self)
{
    return (struct block *)self;
}

/* ---- pieces ---- */

static uint64_t below(struct player *self, uint64_t limit)
{
    return random_below(&self->chance, limit);
}

static bool one(struct player *self, unsigned of)
{
    return below(self, of) == 0;
}

static uint64_t nasty(struct player *self)
{
    static const uint64_t values[] = {
        0,          1,          4095,       UINT64_MAX, UINT64_MAX - 99,    INT32_MAX,
        0x80000000, INT64_MAX,  1UL << 63,  UINT32_MAX, 0x7fffffffefff,     0x7ffffffff000,
        1UL << 47,  ~0UL << 47, ~0UL << 31, ~0UL << 12, MAPPINGS_AT + 4090,
    };
    return values[below(self, sizeof(values) / sizeof(values[0]))];
}

/* Room in the scratch, of this size; never fails: it begins anew. */
static void *room(struct player *self, size_t size)
{
    if (self->scratch_used + size > SCRATCH)
        self->scratch_used = 0;
    char *place = block_of(self)->scratch + self->scratch_used;
    self->scratch_used += (size + 15) & ~15UL;
    return place;
}

static uint64_t mapping_address(struct player *self)
{
    return MAPPINGS_AT + below(self, MAPPINGS) * PAGE;
}

/* Random bytes, most of them small numbers. */
static void fill(struct player *self, void *place, size_t size)
{
    uint8_t *bytes = place;
    uint64_t kind = below(self, 3);

    if (size > 256) /* the rest stays what it was */
        size = 256;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t value = kind == 0 ? below(self, 8) : kind == 1 ? random_next(&self->chance) : 0;
        memcpy(bytes + at, &value, size - at < 8 ? size - at : 8);
    }
}

static uint64_t descriptor(struct player *self, unsigned kind)
{
    struct commons *commons = COMMONS;
    int32_t predicted = commons->predicted;

    if (predicted >= 0 && one(self, 3))
        return predicted;
    if (one(self, 100))
        return nasty(self);
    if (kind != ANY && !one(self, 12)) {
        unsigned start = below(self, LOW);
        for (unsigned i = 0; i < LOW; i++)
            if (commons->kinds[(start + i) % LOW] == kind)
                return (start + i) % LOW;
    }
    return below(self, 40);
}

/* Some player; sometimes one that has ended, or the caller. */
static struct ring *somebody(struct player *self)
{
    unsigned births = shared->births, last = births < 40 ? births : 40;
    return one(self, 4) || !last ? self->ring : ring_at(births - 1 - below(self, last));
}

static uint64_t process_number(struct player *self)
{
    uint64_t choice = below(self, 16);
    if (self->ordinary && choice == 0)
        return one(self, 40) ? UINT64_MAX : 0;
    if (choice == 1)
        return self->process;
    return somebody(self)->process;
}

static uint64_t signal_number(struct player *self)
{
    static const uint8_t often[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGCONT, SIGURG,
                                    SIGPIPE, SIGIO,   33,      34,      35,      36};
    static const uint8_t rare[] = {0,       SIGHUP,  SIGINT, SIGTSTP, SIGTTIN, SIGSTOP,
                                   SIGTERM, SIGKILL, 64,     65,      SIGSEGV};
    return one(self, 12) ? rare[below(self, sizeof(rare))] : often[below(self, sizeof(often))];
}

static uint64_t signal_set(struct player *self)
{
    uint64_t set = one(self, 3) ? random_next(&self->chance) : 0;
    for (unsigned i = below(self, 4); i > 0; i--)
        set |= 1UL << ((signal_number(self) - 1) & 63);
    return set & ~(1UL << (SIGUSR1 - 1) | 1UL << (SIGSEGV - 1));
}

static uint64_t user_number(struct player *self)
{
    static const uint32_t users[] = {0, 4711, 4712, 4713, UINT32_MAX};
    return users[below(self, 5)];
}

static uint64_t size_number(struct player *self)
{
    static const uint32_t sizes[] = {0, 1, 7, 8, 64, 100, 512, 4095, 4096};
    return one(self, 60) ? nasty(self) : sizes[below(self, sizeof(sizes) / 4)];
}

static uint64_t offset_number(struct player *self)
{
    static const uint32_t offsets[] = {0, 0, 1, 100, 4095, 4096, 8192, 65536, 1 << 20};
    return one(self, 30) ? nasty(self) : offsets[below(self, sizeof(offsets) / 4)];
}

static uint64_t clock_number(struct player *self)
{
    return one(self, 8) ? ~(below(self, 64) << 3 | 6) : below(self, 12);
}

static uint64_t timer_number(struct player *self)
{
    int32_t last = COMMONS->last_timer;
    uint64_t choice = below(self, 8);
    return choice < 5 ? (uint64_t)(last + (int32_t)below(self, 3) - 1) : below(self, last + 2);
}

/* ---- names ---- */

static uint64_t new_path(struct player *self)
{
    static const char *const folders[] = {"/d/", "/e/", "/d/d/", "", "d/", "../"};
    char *name = room(self, 32);
    unsigned folder = below(self, one(self, 10) ? 6 : 3);

    snprintf(name, 32, "%s%c", folders[folder], (char)('g' + below(self, 18)));
    return (uint64_t)name;
}

static uint64_t process_path(struct player *self)
{
    static const char *const files[] = {
        "maps", "stat",     "status",        "environ",   "cmdline", "auxv",   "mem",    "smaps",
        "fd",   "fdinfo/5", "fd/6",          "exe",       "cwd",     "root",   "limits", "comm",
        "task", "statm",    "oom_score_adj", "mountinfo", "wchan",   "timers", "syscall"};
    char *name = room(self, 64);
    snprintf(name, 64, "/proc/%u/%s", (unsigned)somebody(self)->process,
             files[below(self, sizeof(files) / sizeof(files[0]))]);
    return (uint64_t)name;
}

static uint64_t file_path(struct player *self, unsigned kind)
{
    char *name = room(self, 40);
    snprintf(name, 40, "/proc/self/fd/%d", (int)descriptor(self, kind));
    return (uint64_t)name;
}

static uint64_t path(struct player *self)
{
    static const char *const paths[] = {
        ".",
        "..",
        "d",
        "e",
        "f",
        "l",
        "",
        "/fuzzer",
        "/secret",
        "/script",
        "/dev/null",
        "/dev/zero",
        "/proc",
        "/dev/tty",
        "/proc/self/fd",
        "/proc/self/exe",
        "/proc/mounts",
        "/proc/locks",
        "/proc/baton/threads",
        "/proc/baton/frames",
        "/proc/meminfo",
        "/dev/pts/0",
        "/dev/pts/1",
        "/sys/kernel",
    };
    switch (below(self, 8)) {
    case 0:
        return process_path(self);
    case 1:
        return file_path(self, ANY);
    case 2:
        return (uint64_t)paths[below(self, sizeof(paths) / sizeof(paths[0]))];
    case 3:
        if (one(self, 40)) { /* longer than any name may be */
            char *name = room(self, 5000);
            memset(name, 'x', 4999);
            name[4999] = '\0';
            return (uint64_t)name;
        }
        return (uint64_t)paths[below(self, 6)];
    default:
        return new_path(self);
    }
}

static uint64_t mount_target(struct player *self)
{
    static const char *const targets[] = {"/m", "/m/d", "/n", "d", "/e/d"};
    return (uint64_t)targets[below(self, 5)];
}

static uint64_t mount_options(struct player *self)
{
    static const char *const options[] = {
        "size=64k,nr_inodes=20", "size=1m", "nr_inodes=3", "size=0", "mode=777", "size=x", ""};
    return (uint64_t)options[below(self, 7)];
}

/* ---- structures ---- */

static uint64_t bytes(struct player *self, size_t size)
{
    char *place = room(self, size);
    fill(self, place, size);
    if (one(self, 8))
        return mapping_address(self) + (one(self, 2) ? PAGE - 4 : 0);
    return (uint64_t)place;
}

static uint64_t vector(struct player *self, bool remote)
{
    struct iovec *pieces = room(self, 8 * sizeof(*pieces));
    for (unsigned i = 0; i < 8; i++) {
        pieces[i].iov_base =
            (void *)(remote || one(self, 4) ? mapping_address(self) : bytes(self, 256));
        pieces[i].iov_len = one(self, 60) ? nasty(self) : below(self, 300);
    }
    return (uint64_t)pieces;
}

static uint64_t epoll_event(struct player *self)
{
    static const uint32_t events[] = {EPOLLIN,
                                      EPOLLIN | EPOLLOUT,
                                      EPOLLIN | EPOLLET,
                                      EPOLLOUT | EPOLLONESHOT,
                                      EPOLLIN | EPOLLEXCLUSIVE,
                                      0,
                                      UINT32_MAX & ~EPOLLEXCLUSIVE};
    struct epoll_event *event = room(self, sizeof(*event));
    event->events = events[below(self, 7)];
    event->data.u64 = random_next(&self->chance);
    return (uint64_t)event;
}

static uint64_t socket_name(struct player *self)
{
    struct sockaddr_un *name = room(self, sizeof(*name));
    memset(name, 0, sizeof(*name));
    name->sun_family = AF_UNIX;
    if (one(self, 2))
        name->sun_path[1] = (char)('a' + below(self, 4)); /* abstract */
    else
        name->sun_path[0] = (char)('g' + below(self, 18));
    return (uint64_t)name;
}

/* With up to three descriptors in it, or credentials, or nonsense. */
static void message(struct player *self, struct msghdr *header)
{
    struct {
        struct cmsghdr header;
        int values[4];
    } *control = room(self, 64);

    memset(header, 0, sizeof(*header));
    header->msg_iov = (void *)vector(self, false);
    header->msg_iovlen = 1 + below(self, 3);
    if (one(self, 4)) {
        header->msg_name = (void *)socket_name(self);
        header->msg_namelen = one(self, 2) ? 3 : 110;
    }
    if (one(self, 4))
        return;
    header->msg_control = control;
    unsigned count = 1 + below(self, 3);
    memset(control, 0, sizeof(*control));
    control->header.cmsg_level = SOL_SOCKET;
    control->header.cmsg_type = one(self, 8) ? SCM_CREDENTIALS : SCM_RIGHTS;
    control->header.cmsg_len = sizeof(control->header) + 4 * count;
    header->msg_controllen = (sizeof(control->header) + 4 * count + 7) & ~7UL;
    for (unsigned i = 0; i < count; i++)
        control->values[i] = (int)descriptor(self, one(self, 3) ? SOCKET : ANY);
}

static uint64_t messages(struct player *self, unsigned count)
{
    struct mmsghdr {
        struct msghdr header;
        unsigned length;
    } *several = room(self, count * sizeof(*several));
    for (unsigned i = 0; i < count; i++)
        message(self, &several[i].header);
    return (uint64_t)several;
}

static void short_time(struct player *self, struct timespec *time)
{
    time->tv_sec = one(self, 200) ? (time_t)nasty(self) : 0;
    time->tv_nsec = one(self, 100) ? (long)nasty(self) : (long)below(self, 3000000);
}

static uint64_t times(struct player *self, unsigned count)
{
    struct timespec *place = room(self, count * sizeof(*place));
    for (unsigned i = 0; i < count; i++)
        short_time(self, &place[i]);
    if (count == 2 && one(self, 3)) /* once */
        memset(place, 0, sizeof(*place));
    return (uint64_t)place;
}

static uint64_t interval(struct player *self)
{
    uint64_t *values = room(self, 4 * 8);
    for (unsigned i = 0; i < 4; i++)
        values[i] = i % 2 ? below(self, 5000) : 0;
    return (uint64_t)values;
}

static uint64_t signal_event(struct player *self)
{
    static const int ways[] = {SIGEV_SIGNAL, SIGEV_SIGNAL,    SIGEV_NONE,
                               SIGEV_THREAD, SIGEV_THREAD_ID, 99};
    if (one(self, 4))
        return 0;
    struct sigevent *event = room(self, sizeof(*event));
    memset(event, 0, sizeof(*event));
    event->sigev_notify = ways[below(self, 6)];
    event->sigev_signo = (int)signal_number(self);
    event->sigev_value.sival_ptr = (void *)random_next(&self->chance);
    *(uint32_t *)((char *)event + 16) = one(self, 2) ? self->thread : somebody(self)->thread;
    return (uint64_t)event;
}

typedef void signal_handler(int, siginfo_t *, void *);
signal_handler call_fuzzer_handle;
void call_fuzzer_restore(void);
__asm__(".text\n.globl call_fuzzer_restore\ncall_fuzzer_restore: movl $15, %eax\n\tsyscall\n\thlt");

struct kernel_action {
    signal_handler *handler;
    uint64_t flags;
    void (*restore)(void);
    uint64_t mask;
};

static uint64_t action(struct player *self)
{
    static const uint32_t flags[] = {SA_RESTART, SA_NODEFER,   SA_RESETHAND,
                                     SA_ONSTACK, SA_NOCLDWAIT, SA_NOCLDSTOP};
    struct kernel_action *place = room(self, sizeof(*place));
    uint64_t choice = below(self, 10);

    place->handler = choice == 0   ? (signal_handler *)SIG_DFL
                     : choice == 1 ? (signal_handler *)SIG_IGN
                                   : call_fuzzer_handle;
    place->flags = 0x04000000 | SA_SIGINFO; /* SA_RESTORER */
    for (unsigned i = 0; i < 6; i++)
        place->flags |= one(self, 4) ? flags[i] : 0;
    place->restore = call_fuzzer_restore;
    place->mask = signal_set(self);
    return (uint64_t)place;
}

static uint64_t stack(struct player *self)
{
    stack_t *place = room(self, sizeof(*place));
    memset(place, 0, sizeof(*place));
    place->ss_sp = one(self, 20) ? (void *)mapping_address(self) : block_of(self)->signal_stack;
    place->ss_size = one(self, 20) ? nasty(self) : SIGNAL_STACK;
    place->ss_flags = one(self, 6) ? SS_DISABLE : one(self, 6) ? (int)(1U << 31) : 0;
    return (uint64_t)place;
}

static uint64_t information(struct player *self)
{
    siginfo_t *place = room(self, sizeof(*place));
    memset(place, 0, sizeof(*place));
    place->si_code = one(self, 4) ? (int)nasty(self) : SI_QUEUE;
    place->si_signo = (int)signal_number(self);
    return one(self, 4) ? 0 : (uint64_t)place;
}

static uint64_t limit(struct player *self)
{
    static const uint64_t values[] = {128UL << 20, 256UL << 20, 64, 512, 1UL << 20, UINT64_MAX};
    uint64_t *place = room(self, 16);
    place[0] = values[below(self, 6)];
    place[1] = values[below(self, 6)];
    return (uint64_t)place;
}

static uint64_t poll_list(struct player *self)
{
    struct pollfd *list = room(self, 16 * sizeof(*list));
    for (unsigned i = 0; i < 16; i++)
        list[i] =
            (struct pollfd){(int)descriptor(self, ANY), POLLIN | (one(self, 4) ? POLLOUT : 0), 0};
    return (uint64_t)list;
}

static uint64_t groups(struct player *self)
{
    uint32_t *list = room(self, 20 * sizeof(*list));
    for (unsigned i = 0; i < 20; i++)
        list[i] = (uint32_t)user_number(self);
    return (uint64_t)list;
}

static uint64_t open_how(struct player *self)
{
    uint64_t *how = room(self, 24);
    how[0] = one(self, 3) ? O_RDWR | O_CREAT : 0;
    how[1] = how[0] ? 0600 : 0;
    how[2] = one(self, 2) ? 0 : 1UL << below(self, 6);
    return (uint64_t)how;
}

static uint64_t answer(struct player *self)
{
    if (self->cold || one(self, 12)) {
        self->cold = true;
        return (uint64_t)block_of(self)->cold;
    }
    return one(self, 30) ? mapping_address(self) : (uint64_t)room(self, 512);
}

/* ---- any argument ---- */

static uint64_t listed(struct player *self, const struct argument *argument)
{
    const uint64_t *values = argument->values;
    uint64_t value = 0;

    if (argument->kind == ARGUMENT_ONE_OF)
        return values[1 + below(self, values[0])];
    for (unsigned i = below(self, 4); i > 0; i--)
        value |= values[1 + below(self, values[0])];
    return one(self, 100) ? value | 1UL << below(self, 64) : value;
}

static uint64_t folder(struct player *self)
{
    return one(self, 2) ? (uint64_t)AT_FDCWD : descriptor(self, DIRECTORY);
}

static uint64_t thread_number(struct player *self)
{
    return one(self, 2) ? self->thread : somebody(self)->thread;
}

static uint64_t length(struct player *self)
{
    return (1 + below(self, one(self, 8) ? MAPPINGS : 6)) * PAGE;
}

static uint64_t word(struct player *self)
{
    return (uint64_t)&COMMONS->words[below(self, 4)];
}

static uint64_t own_vector(struct player *self)
{
    return vector(self, false);
}

static uint64_t remote_vector(struct player *self)
{
    return vector(self, true);
}

static uint64_t name_or_none(struct player *self)
{
    return one(self, 4) ? 0 : socket_name(self);
}

static uint64_t one_message(struct player *self)
{
    return messages(self, 1);
}

static uint64_t three_messages(struct player *self)
{
    return messages(self, 3);
}

static uint64_t one_time(struct player *self)
{
    return times(self, 1);
}

static uint64_t timer_value(struct player *self)
{
    return times(self, 2);
}

static uint64_t set_of_signals(struct player *self)
{
    uint64_t *set = room(self, sizeof(*set));
    *set = signal_set(self);
    return (uint64_t)set;
}

/* Of the kinds that need to know no more. */
static uint64_t (*const makers[ARGUMENT_KINDS])(struct player *) = {
    [ARGUMENT_SIZE] = size_number,
    [ARGUMENT_OFFSET] = offset_number,
    [ARGUMENT_AT] = folder,
    [ARGUMENT_PATH] = path,
    [ARGUMENT_NEW_PATH] = new_path,
    [ARGUMENT_TARGET] = mount_target,
    [ARGUMENT_MOUNT_OPTIONS] = mount_options,
    [ARGUMENT_PROCESS] = process_number,
    [ARGUMENT_THREAD] = thread_number,
    [ARGUMENT_SIGNAL] = signal_number,
    [ARGUMENT_CLOCK] = clock_number,
    [ARGUMENT_TIMER] = timer_number,
    [ARGUMENT_USER] = user_number,
    [ARGUMENT_ADDRESS] = mapping_address,
    [ARGUMENT_LENGTH] = length,
    [ARGUMENT_ANSWER] = answer,
    [ARGUMENT_WORD] = word,
    [ARGUMENT_VECTOR] = own_vector,
    [ARGUMENT_REMOTE_VECTOR] = remote_vector,
    [ARGUMENT_EVENT] = epoll_event,
    [ARGUMENT_SOCKET_NAME] = name_or_none,
    [ARGUMENT_MESSAGE] = one_message,
    [ARGUMENT_MESSAGES] = three_messages,
    [ARGUMENT_TIME] = one_time,
    [ARGUMENT_TIMER_VALUE] = timer_value,
    [ARGUMENT_INTERVAL] = interval,
    [ARGUMENT_SIGNAL_EVENT] = signal_event,
    [ARGUMENT_SIGNAL_SET] = set_of_signals,
    [ARGUMENT_ACTION] = action,
    [ARGUMENT_STACK] = stack,
    [ARGUMENT_INFORMATION] = information,
    [ARGUMENT_LIMIT] = limit,
    [ARGUMENT_POLL] = poll_list,
    [ARGUMENT_GROUPS] = groups,
    [ARGUMENT_HOW] = open_how,
};

static uint64_t argument_make(struct player *self, const struct argument *argument)
{
    switch (argument->kind) {
    case ARGUMENT_ZERO:
        return 0;
    case ARGUMENT_ONE_OF:
    case ARGUMENT_FLAGS:
        return listed(self, argument);
    case ARGUMENT_NUMBER:
        return below(self, argument->detail);
    case ARGUMENT_DESCRIPTOR:
        return descriptor(self, argument->detail);
    case ARGUMENT_FILE_PATH:
        return file_path(self, argument->detail);
    case ARGUMENT_BYTES:
        return bytes(self, argument->detail);
    default:
        return makers[argument->kind](self);
    }
}

#endif
