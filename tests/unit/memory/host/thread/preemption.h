/* preemption.h: stands in for the kernel's on the host: there is one thread. */
#ifndef BATON_THREAD_PREEMPTION_H
#define BATON_THREAD_PREEMPTION_H

static inline void thread_preemption_point(void)
{
}

#endif
