/* user_registers.h: what a CPU holds for user mode of one thread, and each switch exchanges. */
#ifndef BATON_THREAD_USER_REGISTERS_H
#define BATON_THREAD_USER_REGISTERS_H

#include "thread/thread.h"

/* Takes what the CPU holds of the one and gives it what the other left. Interrupts off. */
void user_registers_switch(struct thread *previous, struct thread *next);

#endif
