/*
 * memory_stress: threads that map, unmap, protect, fork, truncate and copy at once, each of which
 * knows what its own memory has to hold. Afterwards no frame is missing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#include "races.h"

#define PAGE    4096UL
#define RW      (PROT_READ | PROT_WRITE)
#define SECONDS 4

static _Atomic bool over;
static _Atomic unsigned ready;
#define PLAYERS 9

static _Atomic unsigned long work[6];
/* By the line that noticed. */
static _Atomic unsigned wrong, wrong_line;
#define WRONG() (wrong++, wrong_line = __LINE__)

static _Thread_local sigjmp_buf escape;
static _Thread_local volatile bool may_fault;

static void caught(int signal, siginfo_t *information, void *context)
{
    if (!may_fault) {
        const ucontext_t *user = context;
        tap_ok(false,
               "a fault nobody expected: signal %d, code %d, address %p, error %lld, at %llx",
               signal, information->si_code, information->si_addr, user->uc_mcontext.gregs[REG_ERR],
               user->uc_mcontext.gregs[REG_RIP]);
        _exit(1);
    }
    siglongjmp(escape, 1);
}

/* Everybody has mapped what it needs: `pull` leaves holes that a mapping could fall into. */
static void wait_for_all(void)
{
    ready++;
    while (ready < PLAYERS)
        sched_yield();
}

static unsigned pick(unsigned *state, unsigned below)
{
    *state = *state * 1103515245 + 12345;
    return (*state >> 8) % below;
}

/* Maps and unmaps pages of its own arena; page i holds `values[i]`, 0: not mapped. */
static void *map_and_unmap(void *seed)
{
    enum { PAGES = 600 }; /* more than one table */
    static _Thread_local uint64_t values[PAGES];
    unsigned state = (unsigned)(uintptr_t)seed;
    char *arena = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    wait_for_all();
    for (uint64_t round = 1; !over; round++, work[0]++) {
        unsigned first = pick(&state, PAGES), count = 1 + pick(&state, 20);
        if (first + count > PAGES)
            count = PAGES - first;
        char *place = arena + first * PAGE;
        switch (pick(&state, 4)) {
        case 0:
            if (mmap(place, count * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                MAP_FAILED)
                break;
            for (unsigned i = first; i < first + count; i++)
                *(uint64_t *)(arena + i * PAGE) = values[i] = round;
            break;
        case 1:
            munmap(place, count * PAGE);
            for (unsigned i = first; i < first + count; i++)
                values[i] = 0;
            break;
        case 2:
            mprotect(place, count * PAGE, PROT_READ);
            for (unsigned i = first; i < first + count; i++)
                if (values[i] && *(uint64_t *)(arena + i * PAGE) != values[i])
                    WRONG();
            mprotect(place, count * PAGE, RW);
            break;
        default:
            for (unsigned i = first; i < first + count; i++)
                if (values[i] && *(uint64_t *)(arena + i * PAGE) != values[i])
                    WRONG();
        }
        /* What was never mapped since the start is PROT_NONE, but nobody looks there. */
    }
    munmap(arena, PAGES * PAGE);
    return NULL;
}

/* Forks children that change their copies, while it goes on changing its own. */
static void *fork_children(void *unused)
{
    enum { PAGES = 40 };
    (void)unused;
    uint64_t *memory = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const size_t step = PAGE / sizeof(*memory);

    wait_for_all();
    for (uint64_t round = 1; !over; round++, work[1]++) {
        for (size_t i = 0; i < PAGES; i++)
            memory[i * step] = round;
        pid_t child = fork();
        if (child < 0)
            continue;
        if (child == 0) {
            for (size_t i = 0; i < PAGES; i++) {
                if (memory[i * step] != round)
                    _exit(1);
                memory[i * step] = ~round;
            }
            _exit(0);
        }
        for (size_t i = 0; i < PAGES; i++) {
            if (memory[i * step] != round)
                WRONG();
            memory[i * step] = round + 1000000;
        }
        int status = 1;
        waitpid(child, &status, 0);
        if (status != 0)
            WRONG();
    }
    munmap(memory, PAGES * PAGE);
    return NULL;
}

static int cut_file;
#define CUT_PAGES 64

/* Makes a file longer and shorter... */
static void *cut(void *unused)
{
    unsigned state = 7;
    (void)unused;
    wait_for_all();
    for (; !over; work[2]++) {
        unsigned pages = pick(&state, CUT_PAGES);
        if (ftruncate(cut_file, (off_t)(pages * PAGE)))
            WRONG();
    }
    return NULL;
}

/* ...while others touch it: each page holds its number or zero, or is not there. */
static void *touch_cut(void *seed)
{
    unsigned state = (unsigned)(uintptr_t)seed;
    uint64_t *file = mmap(NULL, CUT_PAGES * PAGE, RW, MAP_SHARED, cut_file, 0);
    const size_t step = PAGE / sizeof(*file);

    wait_for_all();
    for (; !over; work[3]++) {
        volatile unsigned page = pick(&state, CUT_PAGES);
        may_fault = true;
        if (sigsetjmp(escape, 1) == 0) {
            uint64_t value = file[page * step];
            if (value != 0 && value != page)
                WRONG();
            file[page * step] = page;
        }
        may_fault = false;
    }
    munmap(file, CUT_PAGES * PAGE);
    return NULL;
}

static char *pulled;

/* Takes memory away under read(2) and gives it back... */
static void *pull(void *unused)
{
    (void)unused;
    wait_for_all();
    for (; !over; work[4]++) {
        munmap(pulled, 8 * PAGE);
        if (mmap(pulled, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != pulled)
            WRONG();
    }
    return NULL;
}

/* ...which answers with bytes or EFAULT. */
static void *read_into(void *unused)
{
    int zero = open("/dev/zero", O_RDONLY);
    (void)unused;
    wait_for_all();
    for (; !over; work[5]++) {
        ssize_t count = read(zero, pulled + 100, 7 * PAGE);
        if (count < 0 ? errno != EFAULT : count > (ssize_t)(7 * PAGE))
            WRONG();
    }
    close(zero);
    return NULL;
}

static void play(void)
{
    static void *(*const players[PLAYERS])(void *) = {map_and_unmap, map_and_unmap, map_and_unmap,
                                                      fork_children, cut,           touch_cut,
                                                      touch_cut,     pull,          read_into};
    pthread_t threads[PLAYERS];

    for (uintptr_t i = 0; i < PLAYERS; i++)
        if (pthread_create(&threads[i], NULL, players[i], (void *)(i + 1)))
            WRONG();
    struct race race = race_begin(SECONDS);
    while (race_goes_on(&race))
        sleep_ms(1000);
    over = true;
    for (size_t i = 0; i < PLAYERS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_NODEFER | SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    char name[] = "/tmp/stress_XXXXXX";
    cut_file = mkstemp(name);
    unlink(name);
    pulled = mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    play();
    static const char *const names[] = {"maps and unmaps", "forks", "truncations",
                                        "touches of it",   "pulls", "reads"};
    for (size_t i = 0; i < 6; i++)
        tap_ok(work[i] > 0, "%s were made", names[i]);
    tap_note("%lu maps, %lu forks, %lu truncations, %lu touches, %lu pulls, %lu reads", work[0],
             work[1], work[2], work[3], work[4], work[5]);
    if (!tap_ok(wrong == 0, "memory held what it had to"))
        tap_note("%u times not, the last in line %u", wrong, wrong_line);
    return tap_done();
}
