/* share.c: see share.h. Sums that fade: by half with each period. */
#include "thread/share.h"

#define PERIOD_SHIFT 27 /* ns since boot: a period is 134 ms */

struct processor_share processor_share_heaviest;

/* Another processor may have begun a newer period for the share: nothing of it has faded then. */
static uint64_t faded(const struct processor_share *share, uint32_t period)
{
    uint64_t used = __atomic_load_n(&share->used, __ATOMIC_RELAXED);
    int32_t periods = (int32_t)(period - __atomic_load_n(&share->period, __ATOMIC_RELAXED));

    if (periods <= 0)
        return used;
    return periods < 64 ? used >> periods : 0;
}

/* By one caller a period: the first. Another processor's clock may be a bit behind. */
static void fade(struct processor_share *share, uint32_t period)
{
    uint32_t before = __atomic_load_n(&share->period, __ATOMIC_RELAXED);
    uint64_t left = faded(share, period), used = __atomic_load_n(&share->used, __ATOMIC_RELAXED);

    if ((int32_t)(period - before) > 0 &&
        __atomic_compare_exchange_n(&share->period, &before, period, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED) &&
        left < used)
        __atomic_fetch_sub(&share->used, used - left, __ATOMIC_RELAXED);
}

void processor_share_charge(struct processor_share *share, uint64_t used, uint64_t now)
{
    uint32_t period = (uint32_t)(now >> PERIOD_SHIFT);

    fade(&processor_share_heaviest, period);
    fade(share, period);
    uint64_t sum = __atomic_add_fetch(&share->used, used, __ATOMIC_RELAXED);
    if (sum > __atomic_load_n(&processor_share_heaviest.used, __ATOMIC_RELAXED))
        __atomic_store_n(&processor_share_heaviest.used, sum, __ATOMIC_RELAXED);
}

bool processor_share_is_behind_by_now(const struct processor_share *share)
{
    uint32_t period = __atomic_load_n(&processor_share_heaviest.period, __ATOMIC_RELAXED);

    return 2 * faded(share, period) <
           __atomic_load_n(&processor_share_heaviest.used, __ATOMIC_RELAXED);
}
