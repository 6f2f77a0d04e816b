/*
 * hooks.h: what this room asks of the rooms above. The table is constant, and all of it is there
 * from the first instruction on: kernel/start/hooks.c.
 */
#ifndef BATON_PROCESS_HOOKS_H
#define BATON_PROCESS_HOOKS_H

#include "library/types.h"

struct file;
struct process;
struct session;

extern const struct process_hooks {
    /* A session leader ends: its session loses its terminal, which hangs up (POSIX "Controlling
       Terminal"). Called by the leader's last thread, no lock held; may sleep. */
    void (*session_leader_ends)(struct session *session);
    /* Its terminal's device number and foreground group, or 0 and -1: proc(5), stat. No lock held.
     */
    void (*session_terminal)(struct session *session, uint32_t *device, int *foreground);
    /* The process that this directory of /proc is of, with a reference, or NULL
       (pidfd_send_signal(2)). No lock held; may sleep. */
    struct process *(*of_directory)(const struct file *file);
    /* The machine's power goes off, or it starts again. They return only when they cannot. Any
       context, no lock held. */
    void (*power_off)(void);
    void (*restart)(void);
} process_hooks;

#endif
