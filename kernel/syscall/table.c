/* table.c: every system call Baton has: its number and its function, a line each. */
#include "syscall/table.h"

#include <asm/errno.h>
#include <asm/unistd_64.h>

#include "cpu/log.h"
#include "process/system_calls.h"
#include "syscall/names.h"

typedef ssize_t system_call(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* Each function has its own parameters; by the psABI they are where these six are. */
#define CALL(function) (system_call *)(void (*)(void))(function)

/* In the order of the numbers. */
static system_call *const table[SYSTEM_CALL_NAME_COUNT] = {};

const char *system_call_name(uint64_t number)
{
    return number < SYSTEM_CALL_NAME_COUNT ? system_call_names[number] : NULL;
}

/* Says once by name that a program wants a call that is not there. */
static void report_missing(uint64_t number)
{
    static uint64_t reported[(SYSTEM_CALL_NAME_COUNT + 63) / 64];

    if (!system_call_name(number))
        return;
    uint64_t bit = 1UL << number % 64;
    if (!(__atomic_fetch_or(&reported[number / 64], bit, __ATOMIC_RELAXED) & bit))
        log_write(LOG_WARNING, "system call %s (%lu) does not exist yet: ENOSYS",
                  system_call_name(number), number);
}

void system_call_dispatch(struct trap_frame *frame)
{
    uint64_t number = frame->code;

    if (number < array_length(table) && table[number]) {
        frame->rax =
            table[number](frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9);
    } else {
        report_missing(number);
        frame->rax = -ENOSYS;
    }
}
