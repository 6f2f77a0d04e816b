#include "library/random.h"

#include "library/bytes.h"
#include "library/string.h"

enum {
    STATE_WORDS = 16,
    ROUNDS = 20,
};

static uint32_t rotate(uint32_t value, int bits)
{
    return value << bits | value >> (32 - bits);
}

/* RFC 8439, 2.1. */
static void quarter_round(uint32_t *state, int a, int b, int c, int d)
{
    state[a] += state[b];
    state[d] = rotate(state[d] ^ state[a], 16);
    state[c] += state[d];
    state[b] = rotate(state[b] ^ state[c], 12);
    state[a] += state[b];
    state[d] = rotate(state[d] ^ state[a], 8);
    state[c] += state[d];
    state[b] = rotate(state[b] ^ state[c], 7);
}

void random_block(const uint8_t key[RANDOM_KEY_SIZE], uint32_t counter, const uint8_t nonce[12],
                  uint8_t block[RANDOM_BLOCK_SIZE])
{
    uint32_t start[STATE_WORDS], state[STATE_WORDS];

    memcpy(start, "expand 32-byte k", 16);
    memcpy(start + 4, key, RANDOM_KEY_SIZE);
    start[12] = counter;
    memcpy(start + 13, nonce, 12);
    memcpy(state, start, sizeof(state));

    for (int round = 0; round < ROUNDS; round += 2) {
        quarter_round(state, 0, 4, 8, 12);
        quarter_round(state, 1, 5, 9, 13);
        quarter_round(state, 2, 6, 10, 14);
        quarter_round(state, 3, 7, 11, 15);
        quarter_round(state, 0, 5, 10, 15);
        quarter_round(state, 1, 6, 11, 12);
        quarter_round(state, 2, 7, 8, 13);
        quarter_round(state, 3, 4, 9, 14);
    }
    for (int i = 0; i < STATE_WORDS; i++)
        state[i] += start[i];
    memcpy(block, state, sizeof(state));
}

void random_generate(uint8_t key[RANDOM_KEY_SIZE], void *output, size_t size)
{
    static const uint8_t nonce[12];
    uint8_t old_key[RANDOM_KEY_SIZE], block[RANDOM_BLOCK_SIZE];
    uint8_t *to = output;

    /* Block 0 is the next key and the first 32 bytes; the rest comes from the old key. */
    memcpy(old_key, key, RANDOM_KEY_SIZE);
    random_block(old_key, 0, nonce, block);
    memcpy(key, block, RANDOM_KEY_SIZE);

    size_t used = RANDOM_KEY_SIZE;
    for (uint32_t counter = 1; size > 0; counter++) {
        size_t part = RANDOM_BLOCK_SIZE - used < size ? RANDOM_BLOCK_SIZE - used : size;
        memcpy(to, block + used, part);
        to += part;
        size -= part;
        used = 0;
        if (size > 0)
            random_block(old_key, counter, nonce, block);
    }
    /* What was put out must not stay on the stack; volatile, or it would be optimised away. */
    memset(old_key, 0, sizeof(old_key));
    memset(block, 0, sizeof(block));
    __asm__ volatile("" : : "r"(old_key), "r"(block) : "memory");
}

void random_mix(uint8_t key[RANDOM_KEY_SIZE], const void *input, size_t size)
{
    static const uint8_t nonce[12] = "mix";
    const uint8_t *from = input;
    uint8_t block[RANDOM_BLOCK_SIZE];

    /* Each part is added to the key, and the sum goes through the block function. */
    size_t done = 0;
    do {
        size_t part = size - done < RANDOM_KEY_SIZE ? size - done : RANDOM_KEY_SIZE;
        for (size_t i = 0; i < part; i++)
            key[i] ^= from[done + i];
        random_block(key, (uint32_t)part, nonce, block);
        memcpy(key, block, RANDOM_KEY_SIZE);
        done += part;
    } while (done < size);
}
