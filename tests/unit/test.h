/*
 * test.h: named cases and their checks, reported as TAP on standard output. A
 * case passes when every check in it did.
 */
#ifndef BATON_TESTS_UNIT_TEST_H
#define BATON_TESTS_UNIT_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the case before and begins the next; the name is formatted as by printf. */
void test_case(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the last case and prints the plan. Returns main's status. */
int test_end(void);

/* Checks go on after a failure, which says where it was and what it saw. */
#define expect(condition) test_expect((condition), #condition, __FILE__, __LINE__)
#define expect_equal(actual, expected)                                                             \
    test_expect_equal((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define expect_string(actual, expected)                                                            \
    test_expect_string((actual), (expected), #actual, __FILE__, __LINE__)

bool test_expect(bool condition, const char *text, const char *file, int line);
bool test_expect_equal(long long actual, long long expected, const char *text, const char *file,
                       int line);
bool test_expect_string(const char *actual, const char *expected, const char *text,
                        const char *file, int line);

/*
 * A copy of the bytes in memory of exactly that size, so that AddressSanitizer
 * sees a parser that reads beyond it. It lives until test_end.
 */
void *test_copy(const void *bytes, size_t size);

/* Little-endian numbers at any address. */
void put16(void *bytes, uint16_t value);
void put32(void *bytes, uint32_t value);
void put64(void *bytes, uint64_t value);

#endif
