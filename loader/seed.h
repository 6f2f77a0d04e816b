/* seed.h: random bytes, for the kernel's place and for the kernel. */
#ifndef BATON_LOADER_SEED_H
#define BATON_LOADER_SEED_H

#include <handoff.h>

#include <library/random.h>

struct seed {
    uint8_t key[RANDOM_KEY_SIZE]; /* the generator's state */
    uint32_t sources;             /* HANDOFF_SEED_*: what went into it */
};

/* Gathers what there is; never fails, but `sources` may be weak. */
void seed_gather(struct seed *seed, const struct handoff_time *time);

/* Draws bytes; what was drawn does not tell what comes next. */
void seed_draw(struct seed *seed, void *bytes, size_t size);

#endif
