/*
 * share.h: what each user has had of the processors lately, so that one who had much less goes
 * before who had more (run_queue.h), however many threads that one has.
 */
#ifndef BATON_THREAD_SHARE_H
#define BATON_THREAD_SHARE_H

#include "library/types.h"

/* A user's, in the account of what he holds (memory/user_account.h). */
struct processor_share {
    uint64_t used;   /* ns of this period, half of the one before, a quarter …; atomic */
    uint32_t period; /* the period that `used` is of; atomic */
};

/* `used` ns up to `now`, ns since boot. Any context, no lock. */
void processor_share_charge(struct processor_share *share, uint64_t used, uint64_t now);

/* What the user has had who has had most. For this header. */
extern struct processor_share processor_share_heaviest;
/* The same where something may have faded since the share was charged last. */
bool processor_share_is_behind_by_now(const struct processor_share *share);

/* Has he had less than half of what the one had who had most? A hint: who asks at another moment
   may hear otherwise. Any context, no lock. Inline, for each wake-up and each switch of threads
   asks: where both are of the same period, which is nearly always, nothing has to be faded. */
static inline bool processor_share_is_behind(const struct processor_share *share)
{
    const struct processor_share *heaviest = &processor_share_heaviest;
    uint32_t period = __atomic_load_n(&share->period, __ATOMIC_RELAXED);

    if (period != __atomic_load_n(&heaviest->period, __ATOMIC_RELAXED))
        return processor_share_is_behind_by_now(share);
    return 2 * __atomic_load_n(&share->used, __ATOMIC_RELAXED) <
           __atomic_load_n(&heaviest->used, __ATOMIC_RELAXED);
}

#endif
