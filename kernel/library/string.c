/*
 * Large copies and fills are `rep movsq` and `rep stosq`: eight bytes a step,
 * for an emulator counts and executes every step, and without relying on
 * enhanced `rep movsb` (CPUID 7.EBX bit 9). Small ones are two overlapping
 * moves. This file must be compiled with -fno-builtin (part of -ffreestanding),
 * or the compiler would turn the loops into calls of themselves.
 */
#define STRING_WITHOUT_BUILTINS /* the functions themselves are meant here */
#include "library/string.h"

#include "library/bytes.h"
#include <linux/errno.h>
#include <stdint.h>

static void store16(void *bytes, uint16_t value)
{
    __builtin_memcpy(bytes, &value, sizeof(value));
}

static void store32(void *bytes, uint32_t value)
{
    __builtin_memcpy(bytes, &value, sizeof(value));
}

static void store64(void *bytes, uint64_t value)
{
    __builtin_memcpy(bytes, &value, sizeof(value));
}

/* At most 16 bytes; all is read before anything is written, so overlap does not matter. */
static void copy_small(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 8) {
        uint64_t head = load64(from), tail = load64(from + size - 8);
        store64(to, head);
        store64(to + size - 8, tail);
    } else if (size >= 4) {
        uint32_t head = load32(from), tail = load32(from + size - 4);
        store32(to, head);
        store32(to + size - 4, tail);
    } else if (size >= 2) {
        uint16_t head = load16(from), tail = load16(from + size - 2);
        store16(to, head);
        store16(to + size - 2, tail);
    } else if (size == 1) {
        *to = *from;
    }
}

/* Right also when the areas overlap and `to` is the lower one. */
static void copy_ascending(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size <= 16) {
        copy_small(to, from, size);
        return;
    }
    uint8_t *last = to + size - 8;
    uint64_t tail = load64(from + size - 8);
    size_t words = size / 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    store64(last, tail);
}

/* The same when `to` is the higher one. */
static void copy_descending(uint8_t *to, const uint8_t *from, size_t size)
{
    while (size > 16) {
        size -= 8;
        store64(to + size, load64(from + size));
    }
    copy_small(to, from, size);
}

void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    copy_ascending(destination, source, size);
    return destination;
}

void *memmove(void *destination, const void *source, size_t size)
{
    /* Below the source the difference wraps to more than any size. */
    if ((uintptr_t)destination - (uintptr_t)source >= size)
        copy_ascending(destination, source, size);
    else
        copy_descending(destination, source, size);
    return destination;
}

void *memset(void *destination, int value, size_t size)
{
    uint8_t *to = destination;
    uint64_t pattern = (uint8_t)value * UINT64_C(0x0101010101010101);

    if (size >= 8) {
        uint8_t *last = to + size - 8;
        size_t words = size / 8;
        __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
        store64(last, pattern);
    } else if (size >= 4) {
        store32(to, (uint32_t)pattern);
        store32(to + size - 4, (uint32_t)pattern);
    } else if (size >= 2) {
        store16(to, (uint16_t)pattern);
        store16(to + size - 2, (uint16_t)pattern);
    } else if (size == 1) {
        *to = (uint8_t)pattern;
    }
    return destination;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;

    while (size >= 8 && load64(a) == load64(b)) {
        a += 8;
        b += 8;
        size -= 8;
    }
    if (size >= 4 && size < 8 && load32(a) == load32(b) &&
        load32(a + size - 4) == load32(b + size - 4))
        return 0; /* two that overlap are all of it */
    for (; size > 0; a++, b++, size--) {
        if (*a != *b)
            return *a - *b;
    }
    return 0;
}

void *memchr(const void *memory, int value, size_t size)
{
    const uint8_t *byte = memory;

    for (; size > 0; byte++, size--) {
        if (*byte == (uint8_t)value)
            return (void *)byte;
    }
    return NULL;
}

size_t strlen(const char *string)
{
    const char *end = string;

    while (*end != '\0')
        end++;
    return (size_t)(end - string);
}

size_t strnlen(const char *string, size_t maximum)
{
    size_t length = 0;

    while (length < maximum && string[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (uint8_t)*left - (uint8_t)*right;
}

int strncmp(const char *left, const char *right, size_t maximum)
{
    for (; maximum > 0; left++, right++, maximum--) {
        if (*left != *right || *left == '\0')
            return (uint8_t)*left - (uint8_t)*right;
    }
    return 0;
}

char *strchr(const char *string, int character)
{
    for (;; string++) {
        if (*string == (char)character)
            return (char *)string;
        if (*string == '\0')
            return NULL;
    }
}

char *strrchr(const char *string, int character)
{
    const char *found = NULL;

    do {
        if (*string == (char)character)
            found = string;
    } while (*string++ != '\0');
    return (char *)found;
}

ptrdiff_t string_copy(char *destination, const char *string, size_t size)
{
    size_t length = strnlen(string, size);

    if (length < size) {
        memcpy(destination, string, length + 1);
        return (ptrdiff_t)length;
    }
    if (size > 0) {
        memcpy(destination, string, size - 1);
        destination[size - 1] = '\0';
    }
    return -ENAMETOOLONG;
}
