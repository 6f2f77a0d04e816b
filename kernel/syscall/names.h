/* names.h: the generated table of names (kernel/syscall/generate-names). */
#ifndef BATON_SYSCALL_NAMES_H
#define BATON_SYSCALL_NAMES_H

#include <asm/unistd_64.h>

/* Behind the last call of any Linux that <asm/unistd_64.h> could come from. */
#define SYSTEM_CALL_NAME_COUNT 512

extern const char *const system_call_names[SYSTEM_CALL_NAME_COUNT]; /* NULL: no such call */

#endif
