/* table.h: the way from a number in RAX to a function. */
#ifndef BATON_SYSCALL_TABLE_H
#define BATON_SYSCALL_TABLE_H

#include "cpu/trap.h"

/*
 * Calls the function that frame->code (the number) asks for, with the
 * arguments in the frame, and leaves its answer in frame->rax. For
 * trap_hooks.system_call: interrupts on, may sleep.
 */
void system_call_dispatch(struct trap_frame *frame);

/* The name of a call's number; NULL: this number has none. Names are generated
   from <asm/unistd_64.h>. */
const char *system_call_name(uint64_t number);

#endif
