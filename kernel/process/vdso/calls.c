/*
 * calls.c: system calls that programs make without entering the kernel (vdso(7)). This is
 * program code: it runs in user mode, on the program's stack, in every address space at another
 * place. What a clock says comes from the page in front of the object, which is the kernel's own
 * (cpu/clock_page.h); for all else the system call is made.
 */
#include <asm/unistd.h>
#include <linux/time.h>

#include "cpu/clock_page.h"
#include "cpu/trap.h"
#include "library/types.h"

#define NANOSECONDS_PER_SECOND 1000000000UL
#define COARSE_RESOLUTION      4000000 /* as sys_clock_getres() has it */

/* Prototypes for the compiler; programs have their C library's. */
int __vdso_clock_gettime(int clock, struct __kernel_timespec *now);
int __vdso_clock_getres(int clock, struct __kernel_timespec *resolution);
int __vdso_gettimeofday(struct __kernel_old_timeval *now, struct timezone *zone);
long __vdso_time(long *now);
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

/* The object's first byte (defined by the linker); the clock's page lies right before it. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static const struct clock_page *clock_page(void)
{
    return (const struct clock_page *)((uintptr_t)__ehdr_start - PAGE_SIZE);
}

/* 0 or a negative errno, as vDSO functions return too (vdso(7)). */
static long system_call(long number, long first, void *second)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second)
                     : "rcx", "r11", "memory");
    return result;
}

/* What the kernel's clock_read() says, where that needs nothing but the counter. */
static bool clock_read(int clock, uint64_t *now)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        *now = clock_page_wall(clock_page());
        return true;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *now = clock_page_now(clock_page());
        return true;
    }
    return false;
}

int __vdso_clock_gettime(int clock, struct __kernel_timespec *result)
{
    uint64_t now;

    if (!clock_read(clock, &now))
        return system_call(__NR_clock_gettime, clock, result);
    result->tv_sec = now / NANOSECONDS_PER_SECOND;
    result->tv_nsec = now % NANOSECONDS_PER_SECOND;
    return 0;
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *resolution)
{
    uint64_t now;

    if (!clock_read(clock, &now))
        return system_call(__NR_clock_getres, clock, resolution);
    if (resolution) {
        bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
        resolution->tv_sec = 0;
        resolution->tv_nsec = coarse ? COARSE_RESOLUTION : 1;
    }
    return 0;
}

int __vdso_gettimeofday(struct __kernel_old_timeval *result, struct timezone *zone)
{
    if (result) {
        uint64_t now = clock_page_wall(clock_page());
        result->tv_sec = now / NANOSECONDS_PER_SECOND;
        result->tv_usec = now % NANOSECONDS_PER_SECOND / 1000;
    }
    if (zone)
        zone->tz_minuteswest = zone->tz_dsttime = 0;
    return 0;
}

long __vdso_time(long *result)
{
    long now = clock_page_wall(clock_page()) / NANOSECONDS_PER_SECOND;
    if (result)
        *result = now;
    return now;
}

/* Every x86-64 processor has LSL, which needs no memory either; RDPID is newer, RDTSCP slower. */
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    unsigned number;

    (void)unused;
    __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(SELECTOR_CPU_NUMBER) : "cc");
    if (cpu)
        *cpu = number;
    if (node)
        *node = 0; /* all memory is one node */
    return 0;
}

/* The names without a prefix are weak, so that a program's own go first. */
#define ALSO_AS(name)                                                                              \
    extern __typeof__(__vdso_##name)(name) __attribute__((weak, alias("__vdso_" #name)))
ALSO_AS(clock_gettime);
ALSO_AS(clock_getres);
ALSO_AS(gettimeofday);
ALSO_AS(time);
ALSO_AS(getcpu);
