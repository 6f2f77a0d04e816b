/*
 * libc.c: all that the libraries ask of a C library, and where the image begins. Beside these there
 * are memcpy, memmove, memset and memcmp, which kernel/library/string.c has.
 */
#include <library/string.h>

#include "format.h"

bool UNPACKER_ABI unpacker_enter(struct unpacker_job *job);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *memory);
_Noreturn void __stack_chk_fail(void);

static const struct unpacker_host *host;

/* Between these lie the constructors of the libraries (unpacker.ld). */
extern void (*const constructors_start[])(void), (*const constructors_end[])(void);

void *malloc(size_t size)
{
    return host->allocate(size ? size : 1);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *memory = __builtin_mul_overflow(count, size, &bytes) ? NULL : malloc(bytes);

    return memory ? memset(memory, 0, bytes) : NULL;
}

void free(void *memory)
{
    if (memory)
        host->release(memory);
}

/* The stack is overwritten: there is nothing to return to. An exception, which the firmware shows.
 */
_Noreturn void __stack_chk_fail(void)
{
    __builtin_trap();
}

bool UNPACKER_ABI unpacker_enter(struct unpacker_job *job)
{
    host = job->host;
    for (void (*const *constructor)(void) = constructors_start; constructor < constructors_end;
         constructor++)
        (*constructor)();
    return unpacker_start(job);
}
