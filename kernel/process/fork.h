/* fork.h: making threads, for fork.c and the creation of init. */
#ifndef BATON_PROCESS_FORK_H
#define BATON_PROCESS_FORK_H

#include "process/process.h"

/*
 * A thread that nobody sees yet, with its number, its kernel stack and room for
 * its FPU registers. It belongs to no process. NULL with *error: -ENOMEM, -EAGAIN.
 */
struct user_thread *user_thread_create(int *error);
/* Undoes that; what was put into the thread's fields is the caller's to release. */
void user_thread_discard(struct user_thread *thread);

/* A process that nobody sees yet; takes over the reference to `actions`. NULL: no memory. */
struct process *process_create(struct signal_actions *actions);

/* Finds the places of the user frame, which it returns, and of the FPU registers. */
struct trap_frame *user_thread_place_frame(struct user_thread *thread);

/*
 * Makes struct thread ready to run: it will leave to user mode by its user
 * frame, which the caller has filled, in the address space of its field.
 */
void user_thread_prepare(struct user_thread *thread, const char *name);

/* The thread joins the process's list. The process's lock is held. */
void user_thread_join(struct user_thread *thread, struct process *process);

#endif
