/* kernel_log.h: how programs and the kernel's log meet (kernel_log.c): what can be set. */
#ifndef BATON_FILE_KERNEL_LOG_H
#define BATON_FILE_KERNEL_LOG_H

#include "library/types.h"

extern unsigned kernel_log_default_level; /* of what programs write without one; atomic */
extern bool kernel_log_takes_programs;    /* false: what they write is dropped; atomic */

/* Registers /dev/kmsg. At boot. */
int kernel_log_initialize(void);

/* cpu_hooks.log_wake: wakes who reads. */
void kernel_log_readers_wake(void);

#endif
