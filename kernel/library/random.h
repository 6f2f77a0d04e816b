/*
 * random.h: the pure half of the random number generator: ChaCha20 (RFC 8439)
 * with fast key erasure. The kernel keeps the state and its lock.
 */
#ifndef BATON_LIBRARY_RANDOM_H
#define BATON_LIBRARY_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum {
    RANDOM_KEY_SIZE = 32,
    RANDOM_BLOCK_SIZE = 64,
};

/* The ChaCha20 block function (RFC 8439, 2.3). */
void random_block(const uint8_t key[RANDOM_KEY_SIZE], uint32_t counter, const uint8_t nonce[12],
                  uint8_t block[RANDOM_BLOCK_SIZE]);

/*
 * Fills output with size bytes and replaces the key, so that a later reader of
 * the state cannot tell what was put out (D. J. Bernstein, "Fast-key-erasure
 * random-number generators", 2017). size may be 0.
 */
void random_generate(uint8_t key[RANDOM_KEY_SIZE], void *output, size_t size);

/*
 * Mixes size bytes of any quality into the key; it never gets less random. Cheap
 * enough for an interrupt with a time stamp.
 */
void random_mix(uint8_t key[RANDOM_KEY_SIZE], const void *input, size_t size);

#endif
