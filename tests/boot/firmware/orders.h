/*
 * orders.h: what this firmware is told to do wrong, read from COM3 when it waits for it.
 *
 * An order is a line of words, as `map-add 4 0x100000 16 0xf`, between `begin N` and `go N`.
 * README.md has the whole list. Numbers are decimal or, with 0x, hexadecimal; bytes are hexadecimal
 * digits.
 */
#ifndef BATON_TEST_FIRMWARE_ORDERS_H
#define BATON_TEST_FIRMWARE_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_WORDS 8

struct order {
    const char *words[ORDER_WORDS]; /* the name, then its arguments; "" where there are no more */
};

/* Says on COM3 that it is ready, and reads orders up to `go`; false: one could not be read. */
bool orders_read(void);

/* The next order of that name behind `previous` (NULL: the first); NULL when there is no more. */
const struct order *order_next(const struct order *previous, const char *name);

/* Argument `index`, from 1, of an order; 0 where there is none. */
uint64_t order_number(const struct order *order, int index);

/* The argument of the first order of that name; `otherwise` without such an order. */
uint64_t order_value(const char *name, uint64_t otherwise);

/* The bytes that an argument spells: at most `size`; how many. */
size_t order_bytes(const struct order *order, int index, void *bytes, size_t size);

/* A line to whoever gave the orders. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
