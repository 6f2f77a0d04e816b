#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct copy {
    struct copy *next;
    void *bytes;
};

static int cases, failed_cases;
static bool case_failed;
static bool case_checked; /* anything at all */
static char case_name[256];
static struct copy *copies;

static void case_end(void)
{
    if (cases == 0)
        return;
    if (!case_checked) {
        printf("# nothing was checked\n");
        case_failed = true;
    }
    printf("%s %d - %s\n", case_failed ? "not ok" : "ok", cases, case_name);
    failed_cases += case_failed;
    fflush(stdout);
}

void test_case(const char *format, ...)
{
    va_list arguments;

    case_end();
    cases++;
    case_failed = case_checked = false;
    va_start(arguments, format);
    vsnprintf(case_name, sizeof(case_name), format, arguments);
    va_end(arguments);
    /* TAP reads a '#' as the beginning of a directive, and a case is one line. */
    for (char *at = case_name; *at != '\0'; at++) {
        if (*at == '#' || *at < ' ')
            *at = '_';
    }
}

int test_end(void)
{
    case_end();
    printf("1..%d\n", cases);
    while (copies != NULL) {
        struct copy *next = copies->next;
        free(copies->bytes);
        free(copies);
        copies = next;
    }
    return failed_cases > 0 || cases == 0;
}

bool test_expect(bool condition, const char *text, const char *file, int line)
{
    case_checked = true;
    if (!condition) {
        printf("# %s:%d: not true: %s\n", file, line, text);
        case_failed = true;
    }
    return condition;
}

bool test_expect_equal(long long actual, long long expected, const char *text, const char *file,
                       int line)
{
    case_checked = true;
    if (actual != expected) {
        printf("# %s:%d: %s is %lld (0x%llx), expected %lld (0x%llx)\n", file, line, text, actual,
               (unsigned long long)actual, expected, (unsigned long long)expected);
        case_failed = true;
    }
    return actual == expected;
}

bool test_expect_string(const char *actual, const char *expected, const char *text,
                        const char *file, int line)
{
    bool equal = actual != NULL && strcmp(actual, expected) == 0;

    case_checked = true;
    if (!equal) {
        printf("# %s:%d: %s is \"%s\", expected \"%s\"\n", file, line, text,
               actual != NULL ? actual : "(null)", expected);
        case_failed = true;
    }
    return equal;
}

void *test_copy(const void *bytes, size_t size)
{
    struct copy *copy = malloc(sizeof(*copy));

    copy->bytes = malloc(size);
    if (size > 0)
        memcpy(copy->bytes, bytes, size);
    copy->next = copies;
    copies = copy;
    return copy->bytes;
}

void put16(void *bytes, uint16_t value)
{
    memcpy(bytes, &value, sizeof(value));
}

void put32(void *bytes, uint32_t value)
{
    memcpy(bytes, &value, sizeof(value));
}

void put64(void *bytes, uint64_t value)
{
    memcpy(bytes, &value, sizeof(value));
}
