/*
 * call_fuzzer_players.h: the players: how they come to be and end, what they do beside plain calls,
 * and what they look at that nobody may see. Everything is done by system calls as such: threads
 * share the C library's own state, and signal handlers make calls too.
 */
#ifndef BATON_TEST_CALL_FUZZER_PLAYERS_H
#define BATON_TEST_CALL_FUZZER_PLAYERS_H

#include <ucontext.h>

#include "call_fuzzer_calls.h"

#define PLAYERS_MOST  28 /* nobody is born while there are more */
#define DEPTH_MOST    3  /* handlers in handlers */
#define HANDLER_CALLS 3
#define PEEKS         300
#define MARK_SIZE     32

/*
 * At the same place in every process. In /secret, the set-user-ID program, which is a copy of this
 * one, each byte is another one: who has those bytes has read them there.
 */
static volatile char mark[PAGE] __attribute__((aligned(PAGE))) = "what anybody may read: this mark";
#define SECRET_BITS 0x5a

static bool is_secret(const volatile char *bytes)
{
    static const char open[] = "what anybody may read: this mark";
    for (unsigned i = 0; i < MARK_SIZE; i++)
        if ((bytes[i] ^ SECRET_BITS) != open[i])
            return false;
    return true;
}

/* Whether they are anywhere in there. */
static bool has_secret(const char *bytes, long size)
{
    for (long at = 0; at + MARK_SIZE <= size; at++)
        if (is_secret(bytes + at))
            return true;
    return false;
}

static void play(struct player *self);

/* ---- beginning ---- */

static struct player *player_begin(struct block *block, uint64_t seed, enum team team)
{
    struct player *self = &block->player;
    uint32_t slot = shared->births++ % RINGS;
    struct ring *ring = ring_at(slot);

    *self = (struct player){.magic = RING_MAGIC, .chance = seed, .ring = ring};
    self->process = (uint32_t)RAW(SYS_getpid, 0);
    self->thread = (uint32_t)RAW(SYS_gettid, 0);
    self->ordinary = team != TEAM_ROOT;
    ring->thread = 0; /* whoever had it before ended, or shares it from now on */
    ring->slot = slot;
    ring->seed = shared->seed;
    ring->round = shared->round;
    ring->team = team;
    ring->player_seed = seed;
    ring->count = 0;
    ring->killed_since = 0;
    ring->moves++;
    ring->process = self->process;
    ring->thread = self->thread;
    ring->magic = RING_MAGIC;
    return self;
}

/* The memory that all threads of a process have in common; after a fork only what is left of it. */
static void commons_begin(struct player *self)
{
    struct commons *commons = COMMONS;

    for (unsigned i = 0; i < BLOCK_COUNT; i++)
        commons->block_owner[i] = block_at(i) == block_of(self) ? self->thread : 0;
    commons->predicted = -1;
    commons->last_timer = 0;
    commons->rally.serial = 0;
}

static void memory_begin(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    mmap((void *)COMMONS_AT, BLOCKS_AT - COMMONS_AT, RW, flags, -1, 0);
    mmap((void *)BLOCKS_AT, BLOCK_COUNT * BLOCK_SIZE, RW, flags, -1, 0);
    mmap((void *)MAPPINGS_AT, MAPPINGS / 2 * PAGE, RW, flags, -1, 0);
}

static void shared_map(void)
{
    shared = mmap(NULL, SHARED_SIZE, RW, MAP_SHARED, SHARED_FILE, 0);
    if (shared == MAP_FAILED)
        _exit(98);
    rings = (struct ring *)((char *)shared + PAGE);
}

static void set_handler(int signal)
{
    struct kernel_action action = {call_fuzzer_handle, 0x04000000 | SA_SIGINFO | SA_NODEFER,
                                   call_fuzzer_restore, 0};
    RAW(SYS_rt_sigaction, (uint64_t)signal, (uint64_t)&action, 0, 8);
}

/* One of each kind at least. */
static void open_pool(struct player *self)
{
    for (unsigned i = 0; i < CALLS; i++) {
        uint64_t arguments[ARGUMENTS];
        if (!calls[i].makes || calls[i].number == SYS_accept4 || one(self, 4))
            continue;
        arguments_make(self, &calls[i], arguments);
        call_make(self, &calls[i], arguments);
    }
}

/* On the stack of its own block, whatever the one before was. */
static void play_on(struct block *block)
{
    __asm__ volatile("movq %0, %%rsp\n\txorl %%ebp, %%ebp\n\tcall *%1\n\thlt"
                     :
                     : "r"(block->scratch), "r"(play), "D"(block)
                     : "memory");
    __builtin_unreachable();
}

__attribute__((noreturn)) static void player_main(uint64_t seed, enum team team)
{
    memory_begin();
    struct player *self = player_begin(block_at(0), seed, team);
    commons_begin(self);
    set_handler(SIGSEGV);
    set_handler(SIGBUS);
    set_handler(SIGUSR1);
    open_pool(self);
    self->alone = true;
    play_on(block_at(0));
    __builtin_unreachable();
}

/* ---- births ---- */

static struct block *block_take(uint32_t **owner)
{
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        uint32_t nobody = 0;
        *owner = &COMMONS->block_owner[i];
        if (__atomic_compare_exchange_n(*owner, &nobody, UINT32_MAX, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return block_at(i);
    }
    return NULL;
}

static bool birth_allowed(void)
{
    return shared->players < PLAYERS_MOST && !shared->over;
}

static uint64_t some_flags(struct player *self, const uint64_t *flags, unsigned count)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < count; i++)
        result |= one(self, 4) ? flags[i] : 0;
    return result;
}

/* A new process on a copy of this memory, or none. True: the caller is the child. */
static bool birth_copy(struct player *self, uint64_t flags)
{
    static const uint8_t ends[] = {SIGCHLD, SIGCHLD, SIGCHLD, 0, SIGUSR2, SIGURG};
    uint32_t *words = room(self, 16);
    uint64_t seed = random_next(&self->chance);
    enum team team = self->ring->team;
    uint64_t arguments[ARGUMENTS] = {flags | ends[below(self, 6)], 0, (uint64_t)words,
                                     (uint64_t)(words + 1),        0, 0};

    if (noted_call(self, SYS_clone, arguments) != 0 || RAW(SYS_gettid, 0) == self->thread)
        return false;
    player_begin(block_of(self), seed, team);
    commons_begin(self);
    self->alone = true;
    return true;
}

static void play_fork(struct player *self)
{
    static const uint64_t flags[] = {
        CLONE_FILES, CLONE_FS, CLONE_PARENT, CLONE_CHILD_SETTID, CLONE_PARENT_SETTID, CLONE_PIDFD};
    if (!birth_allowed())
        return;
    shared->forks++;
    birth_copy(self, some_flags(self, flags, 6));
}

static void thread_begin(struct block *block)
{
    /* Its seed and its team were left for it there. */
    player_begin(block, block->player.chance, block->player.ring->team);
    for (unsigned i = 0; i < BLOCK_COUNT; i++)
        if (block_at(i) == block)
            COMMONS->block_owner[i] = block->player.thread;
    play(&block->player);
}

/* clone(2) on a new stack, or clone3(2): the caller's answer. The new one plays. */
static long clone_onto(struct player *self, struct block *block, uint64_t flags, uint32_t *owner)
{
    uint64_t *top = (uint64_t *)block->scratch - 2;
    uint64_t *more = room(self, 11 * 8);
    uint64_t number = SYS_clone, first = flags | (flags & CLONE_THREAD ? 0 : SIGCHLD);
    uint64_t second = (uint64_t)top;
    long result;

    top[0] = (uint64_t)block;
    top[1] = (uint64_t)thread_begin;
    memset(more, 0, 11 * 8);
    if (one(self, 3)) {
        number = SYS_clone3;
        more[0] = flags;
        more[2] = more[3] = (uint64_t)owner;
        more[4] = flags & CLONE_THREAD ? 0 : SIGCHLD;
        more[5] = (uint64_t)block->stack;
        more[6] = (uint64_t)top - more[5];
        first = (uint64_t)more;
        second = 88;
    }
    uint64_t noted[ARGUMENTS] = {first, second, flags, 0, 0, 0};
    struct ring_entry *entry = note_begin(self, (long)number, noted);
    register uint64_t r10 __asm__("r10") = (uint64_t)owner;
    register uint64_t r8 __asm__("r8") = 0;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "popq %%rdi\n\t"
                     "popq %%rax\n\t"
                     "call *%%rax\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"((uint64_t)owner), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    note_end(self, entry, result);
    return result;
}

static void birth_onto(struct player *self, uint64_t flags)
{
    uint32_t *owner;
    struct block *block = birth_allowed() ? block_take(&owner) : NULL;

    if (!block)
        return;
    shared->threads++;
    block->player.chance = random_next(&self->chance);
    block->player.ring = self->ring;
    if (clone_onto(self, block, flags | CLONE_VM | CLONE_CHILD_CLEARTID, owner) < 0)
        *owner = 0;
}

static void play_thread(struct player *self)
{
    static const uint64_t flags[] = {CLONE_SYSVSEM, CLONE_PARENT, CLONE_DETACHED};
    uint64_t shares = one(self, 4) ? 0 : CLONE_FILES;
    birth_onto(self, CLONE_SIGHAND | CLONE_THREAD | shares | (one(self, 3) ? 0 : CLONE_FS) |
                         some_flags(self, flags, 3));
}

static void play_sharing_process(struct player *self)
{
    static const uint64_t flags[] = {CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_VFORK,
                                     CLONE_PARENT};
    birth_onto(self, some_flags(self, flags, 5));
}

/* ---- exec and ends ---- */

static void exec_again(struct player *self)
{
    static const char *const programs[] = {"/fuzzer", "/fuzzer", "/proc/self/exe",
                                           "/script", "/secret", "/d/none"};
    char seed[24], team[4];
    char *arguments[] = {"player", seed, team, NULL};
    char *environment[] = {"A=1", NULL};
    uint64_t program = (uint64_t)programs[below(self, 6)];

    snprintf(seed, sizeof(seed), "%#llx", (unsigned long long)random_next(&self->chance));
    snprintf(team, sizeof(team), "%u", self->ring->team);
    shared->execs++;
    if (one(self, 3))
        noted_call(self, SYS_execveat,
                   (uint64_t[ARGUMENTS]){(uint64_t)AT_FDCWD, program, (uint64_t)arguments,
                                         (uint64_t)environment, 0, 0});
    else
        noted_call(
            self, SYS_execve,
            (uint64_t[ARGUMENTS]){program, (uint64_t)arguments, (uint64_t)environment, 0, 0, 0});
}

static void play_exec(struct player *self)
{
    if (one(self, 3) && birth_allowed() && birth_copy(self, 0)) {
        exec_again(self);
        return;
    }
    if (one(self, 3))
        exec_again(self);
}

static void play_end(struct player *self)
{
    noted_call(self, one(self, 4) ? SYS_exit_group : SYS_exit,
               (uint64_t[ARGUMENTS]){below(self, 256), 0, 0, 0, 0, 0});
}

/* ---- what nobody may see ---- */

/* Reads or writes the mark in another process, which may be /secret by now. -1: not possible. */
static long peek(uint64_t process, bool writes)
{
    char copy[MARK_SIZE];
    struct iovec here = {copy, sizeof(copy)}, there = {(void *)mark, sizeof(copy)};

    memcpy(copy, (const char *)mark, sizeof(copy)); /* what is there already, but in /secret */
    long result = RAW(writes ? SYS_process_vm_writev : SYS_process_vm_readv, process,
                      (uint64_t)&here, 1, (uint64_t)&there, 1, 0);
    if (result > 0 && !writes && has_secret(copy, result))
        breach(BREACH_SECRET_READ, process, SYS_process_vm_readv);
    return result;
}

/* A child becomes /secret while its parent looks into it. */
static void play_secret(struct player *self)
{
    if (!self->ordinary || !birth_allowed())
        return;
    uint64_t writes = below(self, 2);
    long child = RAW(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        char *arguments[] = {"secret", NULL}, *environment[] = {NULL};
        RAW(SYS_execve, (uint64_t) "/secret", (uint64_t)arguments, (uint64_t)environment);
        RAW(SYS_exit_group, 1);
    }
    for (unsigned i = 0; child > 0 && i < PEEKS; i++) {
        long result = peek((uint64_t)child, writes);
        if (result == -1 /* EPERM */ || result == -3 /* ESRCH */)
            break;
    }
    self->ring->moves++;
}

static void play_peek(struct player *self)
{
    if (self->ordinary)
        peek(process_number(self), one(self, 2));
}

/* Reads a file of another process in /proc. */
static void play_look(struct player *self)
{
    char *bytes = room(self, 4096);
    uint64_t name = process_path(self);
    long file =
        noted_call(self, SYS_open, (uint64_t[ARGUMENTS]){name, O_RDONLY | O_NONBLOCK, 0, 0, 0, 0});
    if (file < 0)
        return;
    uint64_t offset = one(self, 2) ? 0 : (uint64_t)mark;
    long size =
        noted_call(self, SYS_pread64,
                   (uint64_t[ARGUMENTS]){(uint64_t)file, (uint64_t)bytes, 2048, offset, 0, 0});
    if (self->ordinary && size > 0 && size <= 4096 && has_secret(bytes, size))
        breach(BREACH_SECRET_READ, offset, SYS_pread64);
    RAW(SYS_close, (uint64_t)file);
}

/* ---- memory, and what goes wrong on request ---- */

extern const char call_fuzzer_touch_done[];

/* Reads or writes a page of the mappings, which may not be there. */
static void play_touch(struct player *self)
{
    volatile char *place = (volatile char *)mapping_address(self);
    __asm__ volatile("testl %1, %1\n\t"
                     "jz 1f\n\t"
                     "movb $1, (%0)\n\t"
                     "1: movb (%0), %%al\n"
                     ".globl call_fuzzer_touch_done\ncall_fuzzer_touch_done:"
                     :
                     : "r"(place), "r"((uint32_t)below(self, 2))
                     : "rax", "memory");
}

/* Debug kernels of Baton, root: an allocation, a read or a fault of this thread fails. */
static void play_injection(struct player *self)
{
    static const char *const kinds[] = {"allocation", "read", "fault"};
    static const char *const points[] = {"fork_prepared", "fork_visible",  "exit_begun",
                                         "exit_left",     "exec_prepared", "exec_claimed"};
    char line[48];

    if (self->ordinary)
        return;
    if (one(self, 3))
        snprintf(line, sizeof(line), "off");
    else if (one(self, 3))
        snprintf(line, sizeof(line), "point %s %s", points[below(self, 6)],
                 one(self, 2) ? "yield" : "delay");
    else
        snprintf(line, sizeof(line), "%s %u", kinds[below(self, 3)], 1 + (unsigned)below(self, 20));
    long file = RAW(SYS_open, (uint64_t) "/proc/baton/inject", O_WRONLY | O_CLOEXEC);
    RAW(SYS_write, (uint64_t)file, (uint64_t)line, strlen(line));
    RAW(SYS_close, (uint64_t)file);
}

/* ---- signals ---- */

/* The player whose stack this is; NULL: some random one. */
static struct player *player_here(void)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    struct player *self = (struct player *)(here & ~(BLOCK_SIZE - 1));
    bool known = here >= BLOCKS_AT && here < BLOCKS_AT + BLOCK_COUNT * BLOCK_SIZE;
    return known && self->magic == RING_MAGIC ? self : NULL;
}

void call_fuzzer_handle(int signal, siginfo_t *information, void *context)
{
    ucontext_t *user = context;
    struct player *self = player_here();
    greg_t at = user->uc_mcontext.gregs[REG_RIP], done = (greg_t)call_fuzzer_touch_done;

    if ((signal == SIGSEGV || signal == SIGBUS) && information->si_code > 0) {
        if (at >= done || at < done - 16)
            RAW(SYS_exit_group, 3); /* the kernel took something away that it needs */
        user->uc_mcontext.gregs[REG_RIP] = done;
        return;
    }
    if (!self || self->depth >= DEPTH_MOST || shared->over)
        return;
    self->depth++;
    self->handlers++;
    for (unsigned i = below(self, HANDLER_CALLS + 1); i > 0; i--)
        play_call(self);
    self->depth--;
}

/* ---- playing ---- */

static const struct {
    uint16_t weight; /* of 1000 */
    void (*play)(struct player *);
} plays[] = {
    {25, play_touch}, {80, play_rally},    {4, play_crowd},           {3, play_tower},
    {2, play_hold},   {20, play_thread},   {3, play_sharing_process}, {12, play_fork},
    {4, play_exec},   {3, play_end},       {3, play_secret},          {6, play_peek},
    {6, play_look},   {6, play_injection},
};

static void play_once(struct player *self)
{
    unsigned choice = (unsigned)below(self, 1000);

    for (unsigned i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        if (choice < plays[i].weight) {
            plays[i].play(self);
            return;
        }
        choice -= plays[i].weight;
    }
    play_call(self);
}

static void play(struct player *self)
{
    while (!shared->over) {
        if (self->alone && !self->depth) { /* a process begins with some threads */
            self->alone = false;
            play_thread(self);
            play_thread(self);
        }
        if (self->steps++ % 64 == 0)
            check_user(self);
        rally_join(self);
        play_once(self);
    }
    RAW(SYS_exit_group, 0);
}

/* ---- /secret ---- */

/* A set-user-ID program with something in its memory; it is there for some milliseconds. */
static int secret_main(void)
{
    shared_map();
    shared->secrets++;
    for (unsigned i = 0; i < 10 && !shared->over; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        if (!is_secret(mark))
            breach(BREACH_SECRET_WRITE, (uint64_t)getpid(), (uint64_t)mark[0]);
    }
    return 0;
}

#endif
