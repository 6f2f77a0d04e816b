/*
 * qr_code.h: a short text as a QR code, for a camera in front of a screen: byte mode, version 5,
 * error correction level L (ISO/IEC 18004), which mends 7% of what is misread. One version is
 * enough for what Baton shows, and has all its code words in one block.
 *
 * Pure: no lock, no allocation, any context.
 */
#ifndef BATON_LIBRARY_QR_CODE_H
#define BATON_LIBRARY_QR_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QR_SIZE = 37,          /* modules on a side */
    QR_QUIET = 4,          /* light modules that have to be round it */
    QR_TEXT_MAXIMUM = 106, /* bytes */
};

struct qr_code {
    uint64_t rows[QR_SIZE]; /* from top to bottom; bit x: the module at column x is dark */
};

/* Makes the code of a text of `length` bytes; false: it is longer than QR_TEXT_MAXIMUM. */
bool qr_code_make(struct qr_code *code, const char *text, size_t length);

/* Whether a module is dark; outside of the code none is. */
bool qr_code_dark(const struct qr_code *code, int column, int row);

#endif
