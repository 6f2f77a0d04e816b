#include "library/sha256.h"

#include "library/string.h"

enum {
    BLOCK = 64,
};

struct state {
    uint32_t hash[8];
    uint8_t block[BLOCK];
    size_t used; /* bytes in block */
};

/* FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

static uint32_t load_big(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_big(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* FIPS 180-4, 6.2.2, step 1. */
static void schedule_make(uint32_t schedule[64], const uint8_t *block)
{
    for (unsigned i = 0; i < 16; i++)
        schedule[i] = load_big(block + 4 * i);
    for (unsigned i = 16; i < 64; i++) {
        uint32_t low = schedule[i - 15], high = schedule[i - 2];
        uint32_t small0 = rotate(low, 7) ^ rotate(low, 18) ^ low >> 3;
        uint32_t small1 = rotate(high, 17) ^ rotate(high, 19) ^ high >> 10;
        schedule[i] = small1 + schedule[i - 7] + small0 + schedule[i - 16];
    }
}

/* Steps 2 to 4; v holds the working variables a to h. */
static void compress(uint32_t hash[8], const uint8_t *block)
{
    uint32_t schedule[64], v[8];

    schedule_make(schedule, block);
    memcpy(v, hash, sizeof(v));
    for (unsigned i = 0; i < 64; i++) {
        uint32_t big1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t one = v[7] + big1 + choice + constants[i] + schedule[i];
        uint32_t big0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += one;
        v[0] = one + big0 + majority;
    }
    for (unsigned i = 0; i < 8; i++)
        hash[i] += v[i];
}

static void update(struct state *state, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        state->block[state->used++] = bytes[i];
        if (state->used == BLOCK) {
            compress(state->hash, state->block);
            state->used = 0;
        }
    }
}

/* FIPS 180-4, 5.1.1: a bit 1, zeros, the length in bits. */
static void pad(struct state *state, uint64_t size)
{
    static const uint8_t padding[BLOCK] = {0x80};
    uint8_t length[8];

    store_big(length, (uint32_t)(size >> 29));
    store_big(length + 4, (uint32_t)(size << 3));
    update(state, padding, (state->used < 56 ? 56 : 120) - state->used);
    update(state, length, sizeof(length));
}

void sha256(const void *first, size_t first_size, const void *second, size_t second_size,
            uint8_t digest[SHA256_SIZE])
{
    /* FIPS 180-4, 5.3.3. */
    struct state state = {.hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                   0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};

    update(&state, first, first_size);
    update(&state, second, second_size);
    pad(&state, (uint64_t)first_size + second_size);
    for (unsigned i = 0; i < 8; i++)
        store_big(digest + 4 * i, state.hash[i]);
}
