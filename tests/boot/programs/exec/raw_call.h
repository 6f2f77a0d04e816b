/* raw_call.h: system calls without the C library, which notes errors and may be cancelled in them.
 */
#ifndef BATON_TEST_RAW_CALL_H
#define BATON_TEST_RAW_CALL_H

#include <sys/syscall.h>

/* A system call, and nothing else: -errno instead of errno. */
static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
