/*
 * fuzz.h: what the fuzz targets share. A target is a libFuzzer entry point that
 * gives the input to one parser and checks what must hold for whatever comes
 * out; reads beyond the input are AddressSanitizer's to find, for libFuzzer
 * hands over a heap block of exactly its size.
 */
#ifndef BATON_TESTS_FUZZ_FUZZ_H
#define BATON_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant: libFuzzer keeps the input that makes the program abort. */
#define require(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
