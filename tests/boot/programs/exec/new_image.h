/*
 * new_image.h: what the image finds that one of several threads has executed: it is alone, SIGUSR2
 * is blocked and SIGUSR1 is not, SIGUSR1's handler is gone, SIGHUP is ignored.
 */
#ifndef BATON_TESTS_NEW_IMAGE_H
#define BATON_TESTS_NEW_IMAGE_H

#include <signal.h>

#include "proc_baton.h"

/* The status with which the image exits. */
enum fault {
    WRONG_NUMBER = 1,
    NOT_ALONE,
    MASK_LOST,
    HANDLER_KEPT,
    IGNORE_LOST,
    LEFT_OPEN,
    WELL = 42,
};

static inline int threads_here(void)
{
    static char text[4096];
    const char *line =
        file_text("/proc/self/status", text, sizeof(text)) > 0 ? strstr(text, "Threads:") : NULL;
    return line ? atoi(line + 8) : 0;
}

/* 0: none. */
static inline enum fault fault_of_image(void)
{
    struct sigaction action;
    sigset_t mask;

    if (threads_here() != 1)
        return NOT_ALONE;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (!sigismember(&mask, SIGUSR2) || sigismember(&mask, SIGUSR1))
        return MASK_LOST;
    sigaction(SIGUSR1, NULL, &action);
    if (action.sa_handler != SIG_DFL)
        return HANDLER_KEPT;
    sigaction(SIGHUP, NULL, &action);
    return action.sa_handler == SIG_IGN ? 0 : IGNORE_LOST;
}

#endif
