/* types.h: the two kinds of address. A physical address is never a pointer. */
#ifndef BATON_LIBRARY_TYPES_H
#define BATON_LIBRARY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;  /* physical */
typedef uintptr_t vaddr_t; /* virtual; system calls take user addresses as vaddr_t, so that
                              nobody can dereference one by mistake */
typedef int64_t ssize_t;

#define PAGE_SIZE  UINT64_C(4096) /* 64 bits wide also where long has 32: the loader */
#define PAGE_SHIFT 12

#define container_of(pointer, type, member)                                                        \
    ((type *)((char *)(pointer) - __builtin_offsetof(type, member)))
#define array_length(array) (sizeof(array) / sizeof((array)[0]))

#endif
