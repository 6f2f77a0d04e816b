/*
 * call_fuzzer_calls.h: making one call, many like it, or one by several threads at the same moment;
 * what is noted of it, and what is checked of its answer.
 */
#ifndef BATON_TEST_CALL_FUZZER_CALLS_H
#define BATON_TEST_CALL_FUZZER_CALLS_H

#include "call_fuzzer_arguments.h"

#define CROWD        200 /* so many like one */
#define RALLY_ROUNDS 16
#define PATIENCE     1500 /* looks at a word that another thread changes */

static inline long raw_call6(long number, const uint64_t *arguments)
{
    long result;
    register uint64_t r10 __asm__("r10") = arguments[3];
    register uint64_t r8 __asm__("r8") = arguments[4];
    register uint64_t r9 __asm__("r9") = arguments[5];

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]),
                       "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define RAW(number, ...) raw_call6(number, (uint64_t[ARGUMENTS]){__VA_ARGS__})

/* ---- what is noted ---- */

static struct ring_entry *note_begin(struct player *self, long number, const uint64_t *arguments)
{
    struct ring *ring = self->ring;
    uint64_t ordinal = ring->count++;
    struct ring_entry *entry = &ring->entries[ordinal % RING_ENTRIES];

    ring->moves++;
    ring->depth = self->depth;
    entry->process = self->process;
    entry->thread = self->thread;
    entry->number = (uint32_t)number;
    entry->done = 0;
    entry->result = 0;
    memcpy(entry->arguments, arguments, sizeof(entry->arguments));
    entry->ordinal = ordinal;
    return entry;
}

static void note_end(struct player *self, struct ring_entry *entry, long result)
{
    entry->result = result;
    entry->done = 1;
    self->ring->moves++;
    shared->calls++;
}

/* A call that is noted. What comes back may be another process (fork): it has to look. */
static long noted_call(struct player *self, long number, const uint64_t *arguments)
{
    struct ring_entry *entry = note_begin(self, number, arguments);
    long result = raw_call6(number, arguments);
    note_end(self, entry, result);
    return result;
}

/* ---- what is checked ---- */

/*
 * A timer's number is told once in the life of a process (both kernels count on). `handlers`: how
 * many ran before the call; what one that came since has called may have answered there too. And
 * a handler may run in a new process before that knows that it is another one than its parent.
 */
static void check_timer(struct player *self, const uint64_t *arguments, uint32_t handlers)
{
    uint64_t at = arguments[2], block = (uint64_t)self;
    if (at < block || at >= block + BLOCK_SIZE)
        return; /* others write there too */
    int32_t id = *(volatile int32_t *)at;
    if (*(volatile uint32_t *)&self->handlers != handlers || RAW(SYS_getpid, 0) != self->process)
        return;
    if (id < 0) {
        breach(BREACH_TIMER_NUMBER, (uint32_t)id, self->process);
        return;
    }
    uint64_t mark = (uint64_t)self->process << 32 | (uint32_t)(id + 1);
    if (__c11_atomic_exchange(&COMMONS->told[id % TOLD], mark, __ATOMIC_SEQ_CST) == mark)
        breach(BREACH_TIMER_NUMBER, (uint32_t)id, self->process);
    COMMONS->last_timer = id;
}

/* Codes that are the kernel's own: a restart (512 to 516) is never told, nor is a worse error. */
static void check_answer(long number, long result)
{
    bool own = result <= -512 && result >= -530 && number != SYS_fcntl;
    if (own || (result < -4095 && number != SYS_lseek && number != SYS_fcntl &&
                number != SYS_ioctl && number != SYS_mremap && number != SYS_mmap))
        breach(BREACH_ANSWER, (uint64_t)number, (uint64_t)result);
}

/*
 * Nobody can change the program that players begin with, not even root: it lies on a read-only
 * mount. But they copy it, and root's players make files of others set-user-ID: who runs such a
 * copy is root by right. True: it was one, and the player goes on without. The file stays as it is,
 * because it tells the same of others who run it, and of threads made meanwhile.
 */
static bool root_gave_it(uint32_t user)
{
    static struct stat program, given;

    if (RAW(SYS_stat, (uint64_t) "/proc/self/exe", (uint64_t)&program) || program.st_uid ||
        !(program.st_mode & S_ISUID) || RAW(SYS_stat, (uint64_t) "/fuzzer", (uint64_t)&given) ||
        (program.st_dev == given.st_dev && program.st_ino == given.st_ino))
        return false;
    RAW(SYS_setresuid, user, user, user);
    return true;
}

static void check_user(struct player *self)
{
    if (!self->ordinary)
        return;
    uint32_t users[3] = {1, 1, 1};
    RAW(SYS_getresuid, (uint64_t)&users[0], (uint64_t)&users[1], (uint64_t)&users[2]);
    bool root = !users[0] || !users[1] || !users[2];
    if (root && (!users[0] || !root_gave_it(users[0])))
        breach(BREACH_ROOT, self->process, (uint64_t)users[0] << 32 | users[1]);
}

/* ---- one call ---- */

static const struct call *call_pick(struct player *self, unsigned wanted_flags)
{
    for (;;) {
        const struct call *call = &calls[below(self, CALLS)];
        if (below(self, 24) >= call->weight || (call->flags & wanted_flags) != wanted_flags)
            continue;
        if (self->ordinary ? call->flags & CALL_ROOT : call->flags & CALL_ORDINARY)
            continue;
        return call;
    }
}

static void arguments_make(struct player *self, const struct call *call, uint64_t *arguments)
{
    for (unsigned i = 0; i < ARGUMENTS; i++) {
        arguments[i] = argument_make(self, &call->arguments[i]);
        if (call->arguments[i].kind && one(self, 400))
            arguments[i] = nasty(self);
    }
    /* What only root can do wrong: everybody's processes are not the fuzzer's to end. */
    if (!self->ordinary && (int32_t)arguments[0] < 0 && call->arguments[0].kind == ARGUMENT_PROCESS)
        arguments[0] = self->process;
}

/* What a call made is of some kind from now on. */
static void remember(const struct call *call, const uint64_t *arguments, long result)
{
    struct commons *commons = COMMONS;

    if (call->number == SYS_pipe2 || call->number == SYS_socketpair) {
        const int *pair = (const int *)arguments[call->number == SYS_pipe2 ? 0 : 3];
        if ((uint64_t)pair < BLOCKS_AT || (uint64_t)pair >= BLOCKS_AT + BLOCK_COUNT * BLOCK_SIZE)
            return;
        for (unsigned i = 0; i < 2; i++)
            if ((unsigned)pair[i] < DESCRIPTORS)
                commons->kinds[pair[i]] = call->makes;
    } else if (result < DESCRIPTORS) {
        commons->kinds[result] = call->makes;
    }
}

static void make_room(struct player *self)
{
    for (unsigned i = 0; i < LOW; i += 2)
        if (one(self, 2))
            RAW(SYS_close, i);
}

/* What the next call tells goes to a page that is not there, if so it was decided. */
static void make_cold(struct player *self)
{
    if (self->cold)
        RAW(SYS_madvise, (uint64_t)block_of(self)->cold, PAGE, MADV_DONTNEED);
    self->cold = false;
}

static long call_make(struct player *self, const struct call *call, const uint64_t *arguments)
{
    make_cold(self);
    uint32_t handlers = self->handlers;
    long result = noted_call(self, call->number, arguments);
    check_answer(call->number, result);
    if (call->makes && result >= 0) {
        remember(call, arguments, result);
        if (result >= LOW - 4 && call->number != SYS_pipe2 && call->number != SYS_socketpair)
            make_room(self);
    }
    if (call->number == SYS_timer_create && result == 0)
        check_timer(self, arguments, handlers);
    return result;
}

static void play_call(struct player *self)
{
    uint64_t arguments[ARGUMENTS];
    const struct call *call = call_pick(self, 0);

    arguments_make(self, call, arguments);
    call_make(self, call, arguments);
}

/* ---- many like one ---- */

/* Each descriptor is another one of the same file, names and values are made anew. */
static void play_crowd(struct player *self)
{
    uint64_t arguments[ARGUMENTS], fresh[ARGUMENTS];
    const struct call *call = call_pick(self, CALL_PILES);
    unsigned failures = 0;

    shared->crowds++;
    arguments_make(self, call, arguments);
    for (unsigned i = 0; i < CROWD && failures < 8 && !shared->over; i++) {
        memcpy(fresh, arguments, sizeof(fresh));
        for (unsigned at = 1; at < ARGUMENTS; at++) {
            const struct argument *argument = &call->arguments[at];
            if (argument->kind == ARGUMENT_DESCRIPTOR)
                fresh[at] = (uint64_t)RAW(SYS_fcntl, arguments[at], F_DUPFD, HIGH);
            else if (argument->kind == ARGUMENT_NEW_PATH || argument->kind == ARGUMENT_ADDRESS)
                fresh[at] = argument_make(self, argument);
        }
        failures += call_make(self, call, fresh) < 0;
    }
    RAW(SYS_close_range, HIGH, SHARED_FILE - 1, 0);
}

/* ---- things in things ---- */

/*
 * Epoll instances that watch one another, each the one below it many times over, and something at
 * the bottom; then that becomes ready, or is closed.
 */
static void play_tower(struct player *self)
{
    static const uint8_t crowds[] = {1, 10, 50, CROWD};
    unsigned levels = 1 + (unsigned)below(self, 5), crowd = crowds[below(self, 4)];
    struct epoll_event event = {.events = one(self, 2) ? EPOLLIN : EPOLLIN | EPOLLET};
    uint64_t inner = (uint64_t)RAW(SYS_eventfd2, 0, O_NONBLOCK), bottom = inner, one_more = 1;

    for (unsigned level = 0; level < levels && !shared->over; level++) {
        long outer = noted_call(self, SYS_epoll_create1, (uint64_t[ARGUMENTS]){0});
        for (unsigned i = 0; i < crowd && outer >= 0 && !shared->over; i++) {
            uint64_t watched = i ? (uint64_t)RAW(SYS_fcntl, inner, F_DUPFD, HIGH) : inner;
            uint64_t arguments[ARGUMENTS] = {
                (uint64_t)outer, EPOLL_CTL_ADD, watched, (uint64_t)&event, 0, 0};
            if (noted_call(self, SYS_epoll_ctl, arguments) < 0)
                break;
        }
        RAW(SYS_close_range, HIGH, SHARED_FILE - 1, 0);
        if (outer < 0)
            break;
        if (outer < LOW)
            COMMONS->kinds[outer] = EPOLL;
        inner = (uint64_t)outer;
    }
    noted_call(self, SYS_write, (uint64_t[ARGUMENTS]){bottom, (uint64_t)&one_more, 8, 0, 0, 0});
    noted_call(self, SYS_close,
               (uint64_t[ARGUMENTS]){one(self, 2) ? bottom : inner, 0, 0, 0, 0, 0});
    RAW(SYS_close_range, LOW, SHARED_FILE - 1, 0);
}

/* ---- one call by several threads ---- */

static bool wait_for(_Atomic uint32_t *word, uint32_t value, bool at_least)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        uint32_t now = *word;
        if (at_least ? now >= value : now == value)
            return true;
        if (i % 64 == 63)
            RAW(SYS_sched_yield, 0);
        __builtin_ia32_pause();
    }
    return false;
}

/* The same numbers, but one's own pointers and names. */
static void rally_call(struct player *self, const struct rally *rally)
{
    uint64_t arguments[ARGUMENTS];
    const struct call *call = &calls[rally->call];

    for (unsigned i = 0; i < ARGUMENTS; i++)
        switch (call->arguments[i].kind) {
        case ARGUMENT_ZERO:
        case ARGUMENT_ONE_OF:
        case ARGUMENT_FLAGS:
        case ARGUMENT_NUMBER:
        case ARGUMENT_SIZE:
        case ARGUMENT_OFFSET:
        case ARGUMENT_DESCRIPTOR:
        case ARGUMENT_PROCESS:
        case ARGUMENT_THREAD:
        case ARGUMENT_TIMER:
            arguments[i] = rally->arguments[i];
            break;
        case ARGUMENT_FILE_PATH:
            arguments[i] = (uint64_t)room(self, 40);
            snprintf((char *)arguments[i], 40, "/proc/self/fd/%d",
                     (int)(rally->arguments[i] & INT32_MAX));
            break;
        default:
            arguments[i] = argument_make(self, &call->arguments[i]);
        }
    for (unsigned i = 0; i < rally->repeat; i++)
        call_make(self, call, arguments);
}

/* Keeps the address space busy, so that a call that finds a page missing has to wait. */
static void play_hold(struct player *self)
{
    uint64_t size = (1 + below(self, 8)) << 20;
    long place =
        noted_call(self, SYS_mmap,
                   (uint64_t[ARGUMENTS]){0, size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                                         UINT64_MAX, 0});
    if (place > 0)
        noted_call(self, SYS_munmap, (uint64_t[ARGUMENTS]){(uint64_t)place, size, 0, 0, 0, 0});
}

/* Joins the one that is announced, if any. */
static void rally_join(struct player *self)
{
    struct rally *rally = &COMMONS->rally;
    uint32_t serial = rally->serial;

    if (serial % 2 == 0 || serial == self->rally || self->depth)
        return;
    self->rally = serial;
    bool holds = rally->members++ && rally->hold;
    for (uint32_t round = 1; round <= RALLY_ROUNDS; round++) {
        rally->arrived++;
        if (!wait_for(&rally->round, round, true) || rally->serial / 2 != serial / 2)
            return;
        if (holds)
            play_hold(self);
        else
            rally_call(self, rally);
    }
}

/* A resource and a call that takes it; or any call. */
struct match {
    const struct call *maker, *user;
    unsigned place; /* of the argument that takes it */
    bool before;    /* the others take it while it is being made */
};

static bool takes(const struct call *call, unsigned kind, bool exactly, unsigned *place)
{
    for (unsigned i = 0; i < ARGUMENTS; i++) {
        const struct argument *argument = &call->arguments[i];
        bool descriptor =
            argument->kind == ARGUMENT_DESCRIPTOR || argument->kind == ARGUMENT_FILE_PATH;
        *place = i;
        if (kind == ANY
                ? argument->kind == ARGUMENT_TIMER
                : descriptor && (argument->detail == kind || (!exactly && argument->detail == ANY)))
            return true;
    }
    return false;
}

/* The kind ANY stands for timers: those have no descriptors. */
static void match_find(struct player *self, struct match *match)
{
    bool exactly = !one(self, 3);

    do
        match->maker = call_pick(self, 0);
    while (!match->maker->makes && match->maker->number != SYS_timer_create);
    do
        match->user = call_pick(self, 0);
    while (!takes(match->user, match->maker->makes, exactly, &match->place));
    match->before = one(self, 2);
}

/* The number that the next resource will have. */
static uint64_t predict(struct player *self, const struct match *match)
{
    if (!match->maker->makes)
        return (uint64_t)(COMMONS->last_timer + 1);
    uint64_t number = (uint64_t)RAW(SYS_fcntl, 2, F_DUPFD, 0);
    if (number < DESCRIPTORS)
        RAW(SYS_close, number);
    (void)self;
    return number;
}

static void rally_round(struct player *self, struct rally *rally, const struct match *match,
                        uint32_t round)
{
    uint64_t arguments[ARGUMENTS];

    self->cold = match->before;
    arguments_make(self, match->maker, arguments);
    arguments_make(self, match->user, rally->arguments);
    if (match->before) {
        rally->arguments[match->place] = predict(self, match);
    } else {
        long made = call_make(self, match->maker, arguments);
        if (match->maker->number == SYS_timer_create)
            made = COMMONS->last_timer;
        rally->arguments[match->place] = (uint64_t)made;
    }
    if (!wait_for(&rally->arrived, rally->members * round, true))
        rally->members = 0; /* the others are held up */
    make_cold(self);
    rally->round = round;
    shared->rounds++;
    if (match->before)
        call_make(self, match->maker, arguments);
    else
        rally_call(self, rally);
    if (match->maker->makes && rally->arguments[match->place] < DESCRIPTORS)
        RAW(SYS_close, rally->arguments[match->place]);
}

static void play_rally(struct player *self)
{
    struct rally *rally = &COMMONS->rally;
    uint32_t serial = rally->serial;
    struct match match;

    match_find(self, &match);
    /* Even: nobody holds one. The middle value (serial + 2 less 1) is what others may join. */
    if (serial % 2 || self->depth ||
        !__c11_atomic_compare_exchange_strong(&rally->serial, &serial, serial + 1, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST))
        return;
    shared->races++;
    rally->round = rally->arrived = rally->members = 0;
    rally->call = (uint32_t)(match.user - calls);
    rally->hold = match.before && one(self, 2);
    rally->repeat = match.before ? 1 + (uint32_t)below(self, 12) : 1;
    self->rally = serial + 1;
    bool joined = wait_for(&rally->members, 1, true);
    for (uint32_t round = 1; joined && round <= RALLY_ROUNDS && rally->members; round++)
        rally_round(self, rally, &match, round);
    rally->serial = serial + 2;
}

#endif
