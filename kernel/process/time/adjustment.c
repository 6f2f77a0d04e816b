/*
 * adjustment.c: adjtimex(2), clock_adjtime(2): how the wall's clock is steered. Nobody steers it
 * here: its state can be read, and is that of a clock that was never compared with a better one.
 */
#include <asm/errno.h>
#include <linux/timex.h>

#include "cpu/clock.h"
#include "file/credentials.h"
#include "memory/user_copy.h"
#include "process/system_calls.h"
#include "process/time/clocks.h"

/* What Linux says of such a clock, all in its units: microseconds, 2^-16 parts in a million. */
#define ERROR_MAXIMUM     16000000
#define FREQUENCY_MAXIMUM 32768000
#define TICK              10000
#define TIME_CONSTANT     2

static ssize_t state_give(vaddr_t state_address, struct __kernel_timex *state)
{
    uint64_t now = clock_wall();

    *state = (struct __kernel_timex){
        .maxerror = ERROR_MAXIMUM,
        .esterror = ERROR_MAXIMUM,
        .status = STA_UNSYNC,
        .constant = TIME_CONSTANT,
        .precision = 1,
        .tolerance = FREQUENCY_MAXIMUM,
        .time = {.tv_sec = (long long)(now / NANOSECONDS_PER_SECOND),
                 .tv_usec = (long long)(now % NANOSECONDS_PER_SECOND / 1000)},
        .tick = TICK,
    };
    ssize_t error = user_put(state_address, state);
    return error ? error : TIME_ERROR;
}

ssize_t sys_adjtimex(vaddr_t state_address)
{
    struct __kernel_timex state;

    if (user_get(&state, state_address))
        return -EFAULT;
    if (!state.modes)
        return state_give(state_address, &state);
    return credentials_capable(credentials_current(), CAP_SYS_TIME) ? -EINVAL : -EPERM;
}

ssize_t sys_clock_adjtime(int clock, vaddr_t state_address)
{
    struct __kernel_timex state;
    uint64_t now;

    if (user_get(&state, state_address))
        return -EFAULT;
    if (clock == CLOCK_REALTIME)
        return sys_adjtimex(state_address);
    return clock < 0 || !clock_read(clock, &now) ? -EOPNOTSUPP : -EINVAL;
}
