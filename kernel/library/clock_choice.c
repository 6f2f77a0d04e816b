#include "library/clock_choice.h"

#define TOLERANCE         32 /* a part of this size */
#define FREQUENCY_MINIMUM UINT64_C(100000000)
#define FREQUENCY_MAXIMUM UINT64_C(20000000000)

bool clock_witnesses_agree(uint64_t left, uint64_t right)
{
    uint64_t apart = left > right ? left - right : right - left;

    return left && right && apart <= left / TOLERANCE;
}

int clock_choose(const struct clock_witness *witnesses, size_t count)
{
    int first = -1;

    for (size_t i = 0; i < count; i++) {
        if (!witnesses[i].frequency)
            continue;
        if (first < 0)
            first = (int)i;
        for (size_t other = 0; other < count; other++)
            if (other != i &&
                clock_witnesses_agree(witnesses[i].frequency, witnesses[other].frequency))
                return (int)i;
    }
    return first;
}

static uint64_t plausible(uint64_t frequency)
{
    return frequency >= FREQUENCY_MINIMUM && frequency <= FREQUENCY_MAXIMUM ? frequency : 0;
}

uint64_t clock_stated_frequency(const struct clock_leaves *leaves)
{
    bool ratio = leaves->denominator && leaves->numerator;

    if (leaves->hypervisor_kilohertz)
        return plausible(leaves->hypervisor_kilohertz * UINT64_C(1000));
    if (ratio && leaves->crystal)
        return plausible((uint64_t)leaves->crystal * leaves->numerator / leaves->denominator);
    return ratio ? plausible(leaves->base_megahertz * UINT64_C(1000000)) : 0;
}
