/* signal_cases.h: handlers that note what came, and masks, for the programs about signals. */
#ifndef BATON_TESTS_SIGNAL_CASES_H
#define BATON_TESTS_SIGNAL_CASES_H

#include "cases.h"

static volatile sig_atomic_t count, last_signal, order[16], depth, deepest;
static volatile siginfo_t last;

static inline void counting(int signal)
{
    last_signal = signal;
    order[count++ % 16] = signal;
}

static inline void informing(int signal, siginfo_t *information, void *context)
{
    (void)context;
    last = *information;
    last_signal = signal;
    order[count++ % 16] = signal;
}

static inline void on(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signal, &action, NULL);
}

static inline void inform(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = informing, .sa_flags = flags | SA_SIGINFO};

    sigaction(signal, &action, NULL);
}

static inline void block(int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static inline bool is_pending(int signal)
{
    sigset_t set;

    sigpending(&set);
    return sigismember(&set, signal);
}

static sigset_t mask_in_handler;

static inline void look_at_mask(int signal)
{
    (void)signal;
    sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
}

static inline void nothing_done(int signal)
{
    (void)signal;
}

#endif
