/*
 * options.h: the kernel's options line, read by Linux's rules: words separated
 * by white space, `key` or `key=value`, double quotes round a value or a whole
 * word keep spaces, '-' and '_' in keys are the same, the last one wins, and
 * what follows a word `--` belongs to init.
 *
 * Pure: words are slices of the line, which is a terminated string.
 */
#ifndef BATON_LIBRARY_OPTIONS_H
#define BATON_LIBRARY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option {
    const char *key;
    size_t key_length;
    const char *value; /* without its quotes; NULL: a bare word */
    size_t value_length;
    const char *word; /* the whole word without its outer quotes: an argument for init */
    size_t word_length;
};

/* Takes the next word at *position and moves on. false at the end. "--" is a word. */
bool options_next(const char **position, struct option *option);

/* What follows the word `--`, to be read with options_next; "" when there is none. */
const char *options_for_init(const char *options);

/* The last word with this key before `--`. */
bool options_find(const char *options, const char *key, struct option *option);

/* Whether the key is there and its value is none, 1, y, yes, on or true. */
bool options_flag(const char *options, const char *key);

/* The same, but any value is a yes that is not 0, n, no, off or false: `audit=emp`. */
bool options_asked(const char *options, const char *key);

/*
 * Copies the key's value, terminated, into buffer. 0, -ENOENT: no such key or
 * a bare one; -ENAMETOOLONG: it does not fit in size bytes; buffer is then "".
 */
int options_string(const char *options, const char *key, char *buffer, size_t size);

/*
 * Reads the key's value as a number: decimal, 0x hexadecimal or 0 octal, with
 * one of K M G T P E behind it (powers of 1024). 0, -ENOENT, -EINVAL: not a
 * number; -ERANGE: beyond 64 bits. *value is only written on success.
 */
int options_number(const char *options, const char *key, uint64_t *value);

#endif
