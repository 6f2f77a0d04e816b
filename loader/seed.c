#include "seed.h"

#include "firmware.h"
#include "processor.h"
#include "record/entry_state.h"

/* The firmware's generator, in the algorithm it prefers (UEFI 2.10, 37.5). */
static void rng_protocol_mix(struct seed *seed)
{
    static const EFI_GUID rng_protocol = EFI_RNG_PROTOCOL_GUID;
    EFI_RNG_PROTOCOL *rng = firmware_locate(&rng_protocol, NULL);
    uint8_t bytes[32];

    if (!rng || !recording_can_call(&rng->GetRNG, 1) ||
        EFI_ERROR(rng->GetRNG(rng, NULL, sizeof bytes, bytes)))
        return;
    random_mix(seed->key, bytes, sizeof bytes);
    seed->sources |= HANDOFF_SEED_RNG_PROTOCOL;
}

static void rdrand_mix(struct seed *seed)
{
    const uint32_t rdrand = UINT32_C(1) << 30; /* CPUID.1:ECX */
    uint64_t values[4];

    if (!(cpuid(1, 0).ecx & rdrand))
        return;
    for (int i = 0; i < 4; i++) {
        int tries = 10; /* as the SDM advises, volume 1, 7.3.17.1 */

        while (!random_read(&values[i])) {
            if (--tries == 0)
                return;
        }
        /* Some processors answer all ones after a suspend, and say it is random. */
        if (values[i] == UINT64_MAX || (i > 0 && values[i] == values[i - 1]))
            return;
    }
    random_mix(seed->key, values, sizeof values);
    seed->sources |= HANDOFF_SEED_RDRAND;
}

/* What is always there: how long firmware calls take, the clock, our own place in memory. */
static void jitter_mix(struct seed *seed, const struct handoff_time *time)
{
    const void *place = firmware.loaded_image->ImageBase;

    random_mix(seed->key, time, sizeof *time);
    random_mix(seed->key, &place, sizeof place);
    for (int i = 0; i < 64; i++) {
        uint64_t now;

        firmware.boot->Stall(1); /* microseconds, more or less: the less counts */
        now = tsc_read();
        random_mix(seed->key, &now, sizeof now);
    }
    seed->sources |= HANDOFF_SEED_TSC;
}

void seed_gather(struct seed *seed, const struct handoff_time *time)
{
    *seed = (struct seed){0};
    rng_protocol_mix(seed);
    rdrand_mix(seed);
    jitter_mix(seed, time);
}

void seed_draw(struct seed *seed, void *bytes, size_t size)
{
    random_generate(seed->key, bytes, size);
}
