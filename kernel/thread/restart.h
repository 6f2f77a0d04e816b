/*
 * restart.h: what a system call returns inside the kernel when a signal ended
 * its sleep. These codes never reach a program: the signal code turns them
 * into EINTR or into a second call, by the frame's original number (signal(7),
 * "Interruption of system calls"). The values are Linux's, for debuggers.
 */
#ifndef BATON_THREAD_RESTART_H
#define BATON_THREAD_RESTART_H

#include "library/types.h"

#define RESTART_CALL       512 /* again, unless a handler without SA_RESTART ran: then EINTR */
#define RESTART_ALWAYS     513 /* again, in any case */
#define RESTART_NO_HANDLER 514 /* again, unless any handler ran: then EINTR */
#define RESTART_WITH_BLOCK 516 /* by restart_syscall(2), unless any handler ran: then EINTR */

static inline bool restart_is_wanted(int64_t answer)
{
    return (-answer >= RESTART_CALL && -answer <= RESTART_NO_HANDLER) ||
           -answer == RESTART_WITH_BLOCK;
}

/*
 * How a call that answered RESTART_WITH_BLOCK goes on when the program, unknowingly,
 * comes back by restart_syscall(2): with its deadline, not with its first timeout.
 * thread->restart; own.
 */
struct restart_block {
    int64_t (*again)(struct restart_block *block); /* NULL: nothing to go on with */
    uint64_t values[6];                            /* the call's business */
};

#endif
