/*
 * frame.h: what a handler finds on the stack, and the way back from it
 * (rt_sigreturn). The layout is Linux's struct rt_sigframe for x86-64.
 */
#ifndef BATON_PROCESS_SIGNAL_FRAME_H
#define BATON_PROCESS_SIGNAL_FRAME_H

#include "process/signal/signal.h"

/*
 * Pushes a frame and points the thread at the handler. `mask` is what sigreturn puts back.
 * 0, or -EFAULT: the stack cannot take it, nothing was changed. May sleep.
 */
int signal_frame_push(struct trap_frame *frame, const struct sigaction *action,
                      const siginfo_t *information, signal_set mask);
/* No frame could be pushed for `signal`: SIGSEGV, which ends a process that was getting one. */
void signal_frame_failed(int signal);

/* The size that AT_MINSIGSTKSZ tells programs: a frame with this CPU's registers. */
size_t signal_frame_size(void);

/* sigaltstack(2)'s SS_ONSTACK: is `stack_pointer` on the calling thread's alternate stack? */
bool signal_stack_in_use(vaddr_t stack_pointer);
/* Sets it, as sigaltstack(2); 0, -EINVAL, -ENOMEM, -EPERM (it is in use). */
int signal_stack_set(const stack_t *stack, vaddr_t stack_pointer);

#endif
