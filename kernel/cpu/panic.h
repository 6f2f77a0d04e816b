/* panic.h: the end: in order, or for a broken invariant of ours (and /proc/sysrq-trigger). */
#ifndef BATON_CPU_PANIC_H
#define BATON_CPU_PANIC_H

struct trap_frame;

/* From here on a CPU stops when another one panics; once, at boot. */
void panic_initialize(void);

/* Stops the other CPUs, prints the reason, registers, a symbolised backtrace and the last lines
   of the log, and halts. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with the registers of a trap. */
_Noreturn void panic_trap(const struct trap_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Stops the other CPUs for good, between two instructions where they let interrupts in: they hold
 * no lock that is taken with interrupts off. Waits for them for a bounded time and says how many do
 * not obey. Any context.
 */
void cpu_stop_others(void);
/* Stops the other CPUs and halts, without a word: nothing runs any more. */
_Noreturn void cpu_halt_all(void);

#define assert_invariant(condition)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            panic("%s:%d: broken invariant: %s", __FILE__, __LINE__, #condition);                  \
    } while (0)

/* Checks that only debug builds pay for. */
#ifdef DEBUG_CHECKS
#define debug_assert(condition) assert_invariant(condition)
#else
#define debug_assert(condition) ((void)sizeof(condition))
#endif

#endif
