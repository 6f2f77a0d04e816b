/* timer_queue.h: a CPU's timers and its one-shot clock; for the scheduler. */
#ifndef BATON_THREAD_TIMER_QUEUE_H
#define BATON_THREAD_TIMER_QUEUE_H

#include "thread/timer.h"

void timer_queue_initialize_cpu(void);
/* When the slice of what runs on this CPU ends; CLOCK_NEVER: it need not. Interrupts off. */
void timer_queue_arm_slice(uint64_t deadline);

#endif
