/*
 * string.h: memory and strings for code without a C library.
 *
 * The functions of ISO C 7.24 with their standard names and meaning, because
 * clang emits calls to memcpy, memmove, memset and memcmp for any target; plus
 * string_copy. They need no lock, never sleep, and may be called in any
 * context. In host tests the C library provides the standard ones.
 */
#ifndef BATON_LIBRARY_STRING_H
#define BATON_LIBRARY_STRING_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
void *memchr(const void *memory, int value, size_t size);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t maximum);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t maximum);
char *strchr(const char *string, int character);
char *strrchr(const char *string, int character);

/*
 * Copies string, with its NUL, to destination of size bytes. Returns its
 * length, or -ENAMETOOLONG when it does not fit: then destination holds what
 * fits, terminated. A size of 0 writes nothing.
 */
ptrdiff_t string_copy(char *destination, const char *string, size_t size);

/* Freestanding code asks for the compiler's own small copies by name. */
#if !__STDC_HOSTED__ && !defined(STRING_WITHOUT_BUILTINS)
#define memcpy(destination, source, size)  __builtin_memcpy(destination, source, size)
#define memmove(destination, source, size) __builtin_memmove(destination, source, size)
#define memset(destination, value, size)   __builtin_memset(destination, value, size)
#define memcmp(left, right, size)          __builtin_memcmp(left, right, size)
#define strlen(string)                     __builtin_strlen(string)
#endif

#endif
