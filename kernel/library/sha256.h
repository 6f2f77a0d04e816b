/*
 * sha256.h: SHA-256 (FIPS 180-4, 6.2), to replay a TPM's event log. Pure; any
 * context; about 400 bytes of stack.
 */
#ifndef BATON_LIBRARY_SHA256_H
#define BATON_LIBRARY_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum {
    SHA256_SIZE = 32,
};

/* The digest of two parts, one behind the other; a part of size 0 may be NULL. */
void sha256(const void *first, size_t first_size, const void *second, size_t second_size,
            uint8_t digest[SHA256_SIZE]);

#endif
