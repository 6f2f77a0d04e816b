/*
 * restartable_sequence.h: rseq(2): a few instructions of a program that run
 * either whole on one CPU, undisturbed, or are taken back. The program says in
 * its struct rseq which instructions; the kernel looks there when it
 * was switched out or gets a signal.
 */
#ifndef BATON_PROCESS_RESTARTABLE_SEQUENCE_H
#define BATON_PROCESS_RESTARTABLE_SEQUENCE_H

#include "process/user_thread.h"

/* Has the thread been off its CPU since the program was last told? Own thread. */
static inline bool restartable_sequence_disturbed(const struct user_thread *thread)
{
    return thread->rseq && thread->rseq_switches != thread->thread.voluntary_switches +
                                                        thread->thread.involuntary_switches;
}
/*
 * Takes back a sequence that was being run, by pointing the frame at its abort
 * handler, and tells the program its CPU. A structure that makes no sense costs
 * a SIGSEGV. May sleep (user memory).
 */
void restartable_sequence_update(struct user_thread *thread, struct trap_frame *frame);

#endif
