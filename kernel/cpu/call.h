/* call.h: a function that runs on other CPUs, now. */
#ifndef BATON_CPU_CALL_H
#define BATON_CPU_CALL_H

#include "cpu/cpu_set.h"
#include "library/types.h"

/*
 * Calls function(context) on each online CPU of `cpus`, the calling
 * one too if it is among them, with interrupts off, and waits until all have
 * returned. Interrupts on (or no other CPU in `cpus`), no spinlock held: the
 * others may be waiting for it. The function takes no lock but leaves that are only ever held
 * with interrupts off.
 */
void cpu_call(const struct cpu_set *cpus, void (*function)(void *context), void *context);

/* Waits until every interrupt's handler that runs on some CPU has returned: what it used may go
   then. Interrupts on, no spinlock held. */
void interrupts_settle(void);

/* Once, at boot, before other CPUs start. */
void cpu_call_initialize(void);

#endif
