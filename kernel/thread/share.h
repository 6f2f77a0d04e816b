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

/* Has he had less than half of what the one had who had most? A hint: who asks at another moment
   may hear otherwise. Any context, no lock. */
bool processor_share_is_behind(const struct processor_share *share);

#endif
