/* delivery.h: what the files about signals share among themselves. */
#ifndef BATON_PROCESS_SIGNAL_DELIVERY_H
#define BATON_PROCESS_SIGNAL_DELIVERY_H

#include "process/signal/signal.h"

/* Default actions (signal(7)). */
#define SIGNALS_STOPPING                                                                           \
    (signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define SIGNALS_IGNORED                                                                            \
    (signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH))
#define SIGNALS_FATAL (~(SIGNALS_STOPPING | SIGNALS_IGNORED))

/* What a thread did to itself comes before all else, so that its registers are still those. */
#define SIGNALS_SYNCHRONOUS                                                                        \
    (signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) |         \
     signal_bit(SIGFPE) | signal_bit(SIGSYS))

/* Removes the signals of the set, as many as may be at once. True: that was all. Lock held. */
bool signal_queue_remove(struct signal_queue *queue, signal_set set);
/* Gives an entry that left this queue back to its owner. */
void queued_signal_free(const struct signal_queue *queue, struct queued_signal *entry);
/* The action's handler. Lock held. */
__sighandler_t signal_handler(struct process *process, int signal);
/* Do all threads stand still that have not begun to end? Lock held. */
bool signal_stop_is_complete(struct process *process);
/*
 * Takes the next signal of `wanted` that waits for the calling thread or its process:
 * synchronous ones first, then its own, then by number. 0: none. Lock held.
 */
int signal_take(struct user_thread *thread, signal_set wanted, siginfo_t *information);
/* Sets or clears THREAD_WORK_SIGNAL of the calling thread by what is pending. Lock held. */
void signal_update_work(struct user_thread *thread);
/* Forgets what is pending of these signals, in the process and all its threads, as many as may be
   at once. True: that was all, as of standard signals always. Lock held. */
bool signal_forget(struct process *process, signal_set set);

#endif
