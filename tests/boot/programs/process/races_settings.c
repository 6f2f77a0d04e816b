/*
 * races_settings: settings that are read, changed and stored in one go by one thread, while another
 * changes a part of them: nothing that was set is lost, and nobody sees half of it.
 */
#define _GNU_SOURCE
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "races.h"

static uint32_t ended;

/* ---- a terminal's settings ---- */

static int slave;

static void *carrier_toggle(void *unused)
{
    for (int local = 0; !load(&ended); local = !local)
        ioctl(slave, TIOCSSOFTCAR, &local);
    return unused;
}

/* The carrier is one bit of what TCSETS sets: who sets that bit alone leaves the others. */
static bool carrier_leaves_the_rest(void)
{
    struct race race = race_begin(4000);
    struct termios settings, now;
    pthread_t thread;
    unsigned lost = 0;
    int master;

    REQUIRE(openpty(&master, &slave, NULL, NULL, NULL) == 0 && tcgetattr(slave, &settings) == 0);
    REQUIRE(pthread_create(&thread, NULL, carrier_toggle, NULL) == 0);
    while (race_goes_on(&race)) {
        settings.c_lflag ^= ECHO;
        REQUIRE(ioctl(slave, TCSETS, &settings) == 0 && ioctl(slave, TCGETS, &now) == 0);
        lost += (settings.c_lflag ^ now.c_lflag) & ECHO;
        dawdle(200);
    }
    store(&ended, 1);
    pthread_join(thread, NULL);
    tap_note("%u settings, %u lost", race.round, lost);
    return lost == 0;
}

/* ---- O_ASYNC ---- */

static int ends[2];

static void async_step(unsigned member)
{
    int on = member > 0;

    dawdle(100);
    if (member < 2)
        fcntl(ends[0], F_SETFL, on ? O_ASYNC | O_NONBLOCK : O_NONBLOCK);
    else
        ioctl(ends[0], FIOASYNC, &on);
}

static bool is_signalled(void)
{
    const struct timespec none = {0};
    sigset_t signals;
    char byte;

    sigemptyset(&signals);
    sigaddset(&signals, SIGIO);
    while (sigtimedwait(&signals, NULL, &none) > 0)
        ;
    if (write(ends[1], "x", 1) != 1 || read(ends[0], &byte, 1) != 1)
        return false;
    return sigtimedwait(&signals, NULL, &none) == SIGIO;
}

/* Whoever was last: the file's flag says whether it sends signals. */
static bool flag_and_signals_agree(void)
{
    struct race race = race_begin(200);
    unsigned differ = 0;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGIO);
    REQUIRE(sigprocmask(SIG_BLOCK, &signals, NULL) == 0);
    REQUIRE(pipe(ends) == 0 && fcntl(ends[0], F_SETOWN, getpid()) == 0);
    REQUIRE(team_begin(async_step, 3));
    while (race_goes_on(&race)) {
        fcntl(ends[0], F_SETFL, race.round % 2 ? O_NONBLOCK : O_ASYNC | O_NONBLOCK);
        team_turn_begin();
        team_turn_end();
        bool flagged = fcntl(ends[0], F_GETFL) & O_ASYNC;
        differ += flagged != is_signalled();
    }
    team_end();
    tap_note("%u rounds, %u in which flag and signals differ", race.round, differ);
    return differ == 0;
}

/* ---- scheduling ---- */

static void *policy_toggle(void *id)
{
    while (!load(&ended)) {
        int high = 10, low = 0;
        syscall(SYS_sched_setscheduler, (int)(intptr_t)id, SCHED_RR, &high);
        syscall(SYS_sched_setscheduler, (int)(intptr_t)id, SCHED_BATCH, &low);
    }
    return NULL;
}

static bool policy_and_priority_agree(void)
{
    struct race race = race_begin(3000);
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t times[3];
    } attributes;
    pthread_t thread;
    unsigned torn = 0;

    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    REQUIRE(pthread_create(&thread, NULL, policy_toggle, (void *)(intptr_t)child) == 0);
    while (race_goes_on(&race)) {
        REQUIRE(syscall(SYS_sched_getattr, child, &attributes, 48, 0) == 0);
        torn += (attributes.policy == SCHED_RR) != (attributes.priority == 10);
    }
    store(&ended, 1);
    pthread_join(thread, NULL);
    kill(child, SIGKILL);
    tap_note("%u looks, %u saw half", race.round, torn);
    return torn == 0 && killed_by(status_of(child), SIGKILL);
}

static const struct test_case cases[] = {
    {"TIOCSSOFTCAR beside TCSETS", "ioctl_tty(2)", carrier_leaves_the_rest},
    {"F_SETFL and FIOASYNC at once", "fcntl(2)", flag_and_signals_agree},
    {"sched_getattr beside sched_setscheduler", "sched_setattr(2)", policy_and_priority_agree},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
