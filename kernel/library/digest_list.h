/*
 * digest_list.h: which files were signed together with a program: its section ".digests" has a line
 * of "SHA-256 /path" for each.
 *
 * Pure: no allocation, no lock; nothing in the text is trusted.
 */
#ifndef BATON_LIBRARY_DIGEST_LIST_H
#define BATON_LIBRARY_DIGEST_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "library/sha256.h"

/*
 * Does the list name this digest for this path? Letters of a path are the same in either case, as
 * are slashes and backslashes; the name of an entry is without the tries that are left, which are
 * counted after it was signed. A path of 256 bytes or more is never named. Size 0: an empty list.
 */
bool digest_list_has(const char *list, size_t size, const char *path,
                     const uint8_t digest[SHA256_SIZE]);

#endif
