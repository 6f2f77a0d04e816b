/* exit.h: parts of a thread's end that fork, exec and wait share. */
#ifndef BATON_PROCESS_EXIT_H
#define BATON_PROCESS_EXIT_H

#include "process/process.h"
#include "process/process_group.h"

/* What a parent that called vfork sleeps on; on its own stack. The child's process's lock. */
struct vfork_wait {
    struct thread *parent;
    bool done;
};

/* The calling thread has left the memory it shared with a vfork's parent: that goes on. */
void vfork_complete(struct user_thread *thread);

/* Given to each thread of a program as thread->release: it is off its kernel stack. */
void user_thread_off_stack(struct thread *thread);

/* Sleeps until only `stacks` (0 or 1) kernel stacks of the process's threads are in use: whatever
   the other threads had is back then. No lock held, interrupts on. */
void process_wait_off_stack(struct process *process, uint32_t stacks);

/*
 * Takes a zombie out of the table and its family. process_table_lock held. The
 * caller then frees *remains and drops the table's reference (process_release).
 */
void process_reap(struct process *process, struct process_group_remains *remains);

/* A status of wait4(2) as SIGCHLD's si_code (CLD_EXITED, …) and si_status have it. */
int process_child_code(int status, int *value);

/* Adds what one used to a sum; the resident maximum is the larger one. */
void resource_usage_add(struct resource_usage *sum, const struct resource_usage *part);

#endif
