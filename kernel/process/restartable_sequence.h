/*
 * restartable_sequence.h: rseq(2): a few instructions of a program that run
 * either whole on one CPU, undisturbed, or are taken back. The program says in
 * its struct rseq which instructions; the kernel looks there when it
 * was switched out or gets a signal.
 */
#ifndef BATON_PROCESS_RESTARTABLE_SEQUENCE_H
#define BATON_PROCESS_RESTARTABLE_SEQUENCE_H

#include "process/user_thread.h"

/*
 * From now on the program wants to be told of each switch; `area` 0: no more. The thread is the
 * calling one, or does not run yet.
 */
void restartable_sequence_set(struct user_thread *thread, vaddr_t area);

/*
 * Of THREAD_WORK_SEQUENCE: takes back a sequence that was being run, by pointing the frame at its
 * abort handler, and tells the program its CPU. A structure that makes no sense costs a SIGSEGV.
 * May sleep (user memory).
 */
void restartable_sequence_update(struct user_thread *thread, struct trap_frame *frame);

#endif
