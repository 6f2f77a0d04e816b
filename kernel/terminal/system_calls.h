/* system_calls.h: the system calls of this room, for the table in syscall/. */
#ifndef BATON_TERMINAL_SYSTEM_CALLS_H
#define BATON_TERMINAL_SYSTEM_CALLS_H

#include "library/types.h"

ssize_t sys_vhangup(void);

#endif
