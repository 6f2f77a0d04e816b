/* shutdown.c: see shutdown.h. */
#define _GNU_SOURCE
#include "shutdown.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "servers.h"

#define HEED_SECONDS 2 /* for processes to heed SIGTERM, and then to end by SIGKILL */

static const struct request {
    int signal;
    int command; /* of reboot(2) */
    const char *text;
} requests[] = {
    {SIGUSR2, RB_POWER_OFF, "powering off"}, {SIGPWR, RB_POWER_OFF, "powering off"},
    {SIGTERM, RB_AUTOBOOT, "restarting"},    {SIGINT, RB_AUTOBOOT, "restarting"},
    {SIGUSR1, RB_HALT_SYSTEM, "halting"},
};
#define REQUEST_COUNT (sizeof(requests) / sizeof(requests[0]))

static sigset_t asking;             /* the signals of requests */
static volatile sig_atomic_t asked; /* the one that came, or 0 */

static void request_note(int signal)
{
    asked = signal;
}

static void child_note(int signal)
{
    (void)signal; /* only interrupts the wait */
}

void shutdown_prepare(void)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    signal(SIGCHLD, child_note);
    sigprocmask(SIG_BLOCK, &child, NULL);
    sigemptyset(&asking);
    for (size_t at = 0; at < REQUEST_COUNT; at++) {
        sigaddset(&asking, requests[at].signal);
        signal(requests[at].signal, request_note);
    }
    sigprocmask(SIG_BLOCK, &asking, NULL);
    reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del is for us to answer: reboot(2) */
}

void shutdown_wait_mask(sigset_t *mask)
{
    sigprocmask(SIG_SETMASK, NULL, mask);
    sigdelset(mask, SIGCHLD);
    for (size_t at = 0; at < REQUEST_COUNT; at++)
        sigdelset(mask, requests[at].signal);
}

/* Until none of those is left to whom `remain` sends a signal, but no longer than HEED_SECONDS.
   Every orphan is init's child. */
static bool ended(bool (*remain)(int signal))
{
    struct timespec second = {.tv_sec = 1};
    time_t until = time(NULL) + HEED_SECONDS;
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    do {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if ((pid < 0 && errno == ECHILD) || !remain(0))
            return true;
        sigtimedwait(&child, NULL, &second);
    } while (time(NULL) <= until);
    return false;
}

_Noreturn void shutdown_now(int command)
{
    sync();
    if (servers_signal(SIGTERM)) {
        ended(servers_signal);
        sync(); /* what they wrote last */
    }
    reboot(command);
    fprintf(stderr, "init: reboot: %s\n", strerror(errno));
    for (;;)
        pause();
}

void shutdown_if_asked(pid_t shell)
{
    const struct timespec now = {0};
    const struct request *request = requests;
    /* A wait that found something else to do has let none through (ppoll(2)). */
    int signal = asked ? asked : sigtimedwait(&asking, NULL, &now);

    if (signal <= 0)
        return;
    while (request->signal != signal)
        request++;
    fprintf(stderr, "init: %s\n", request->text);
    others_signal(SIGTERM);
    if (shell > 0)
        kill(shell, SIGHUP);
    others_signal(SIGCONT); /* what is stopped heeds nothing */
    if (!ended(others_signal)) {
        others_signal(SIGKILL);
        ended(others_signal);
    }
    shutdown_now(request->command);
}
