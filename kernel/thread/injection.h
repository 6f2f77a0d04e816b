/*
 * injection.h: making things go wrong on request, in debug kernels. A thread
 * arms itself through /proc/baton/inject; only its own calls are affected.
 */
#ifndef BATON_THREAD_INJECTION_H
#define BATON_THREAD_INJECTION_H

#include "thread/thread.h"

/* What can be made to fail, by its number. */
enum injection_failure {
    INJECTION_NOTHING,
    INJECTION_ALLOCATION, /* of a frame, of the heap, of a kernel stack: no memory */
    INJECTION_READ,       /* of a file: EIO */
    INJECTION_FAULT,      /* a page of the program that a call touches, and those after it */
    INJECTION_FAILURE_COUNT,
};

/* Points in the code where something can be made to happen. */
enum injection_point {
    INJECTION_NONE,
    INJECTION_EXEC_PREPARED,  /* prepared, nothing claimed */
    INJECTION_EXEC_CLAIMED,   /* claimed, not committed */
    INJECTION_EXEC_ALONE,     /* commit: the siblings are gone */
    INJECTION_EXEC_NUMBERED,  /* commit: the thread has the process's number */
    INJECTION_EXEC_SWITCHED,  /* commit: the root is the new one */
    INJECTION_EXEC_RESET,     /* commit: attributes are reset, the old image is dropped */
    INJECTION_EXEC_COMMITTED, /* all done, before the return to user mode */
    INJECTION_FORK_PREPARED,  /* a child is prepared that nobody sees yet */
    INJECTION_FORK_VISIBLE,   /* the child can be found, but does not run yet */
    INJECTION_EXIT_BEGUN,     /* a thread gets no signals any more */
    INJECTION_EXIT_LEFT,      /* it has left its memory and its files, not its process */
    INJECTION_POINT_COUNT,
};

enum injection_action {
    INJECTION_ACT_NONE,
    INJECTION_ACT_TIMER,  /* a timer interrupt comes right there */
    INJECTION_ACT_RETURN, /* a timer interrupt is pending when user mode is entered */
    INJECTION_ACT_YIELD,  /* others run first */
    INJECTION_ACT_DELAY,  /* one millisecond passes */
};

extern const char *const injection_failure_names[INJECTION_FAILURE_COUNT];
extern const char *const injection_point_names[INJECTION_POINT_COUNT];

#ifdef DEBUG_CHECKS
/* True: this one, of the calling thread, has to fail. `caller`: for the report. Any context. */
bool injection_fails(enum injection_failure failure, void *caller);
void injection_reach(enum injection_point point);
/* One millisecond passes: for what a kernel of `scripts/test mutation` leaves open. Sleeps. */
void injection_delay(void);
/* Before user mode, interrupts off: INJECTION_ACT_RETURN. */
void injection_user_return(void);
#else
static inline bool injection_fails(enum injection_failure failure, void *caller)
{
    (void)failure;
    (void)caller;
    return false;
}
static inline void injection_reach(enum injection_point point)
{
    (void)point;
}
static inline void injection_user_return(void)
{
}
#endif

#endif
