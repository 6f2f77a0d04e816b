#include "device/tamper.h"

#ifdef DEBUG_CHECKS

static uint64_t one_in_so_many; /* constant after boot */
static uint64_t state = 1;      /* atomic; which numbers come does not matter much */

void tamper_begin(uint64_t one_in)
{
    one_in_so_many = one_in;
}

/* A step of a linear congruential generator (Knuth's MMIX); its upper half is the better one. */
static uint32_t next_random(void)
{
    uint64_t seen = __atomic_load_n(&state, __ATOMIC_RELAXED);

    seen = seen * 6364136223846793005UL + 1442695040888963407UL;
    __atomic_store_n(&state, seen, __ATOMIC_RELAXED);
    return (uint32_t)(seen >> 32);
}

/* A bit of it, one more or less, something small, or anything. */
static uint32_t another(uint32_t value)
{
    uint32_t random = next_random();

    switch (random % 4) {
    case 0:
        return value ^ 1U << (random >> 8) % 32;
    case 1:
        return random & 4 ? value + 1 : value - 1;
    case 2:
        return random >> 8 & 0xff;
    default:
        return next_random();
    }
}

uint32_t tamper(uint32_t value)
{
    if (!one_in_so_many || next_random() % one_in_so_many != 0)
        return value;
    return another(value);
}

void tamper_bytes(void *bytes, size_t size)
{
    uint8_t *byte = bytes;

    for (size_t i = 0; one_in_so_many && i < size; i++)
        byte[i] = (uint8_t)tamper(byte[i]);
}

#endif
