/*
 * page.c: a page is 128 steps of 32 bytes where there is AVX, and 512 of a string instruction else.
 *
 * The first borrow YMM0 from the program. Nobody sees that: the kernel is not preempted, and an
 * interrupt that clears a page gives the register back, too. With AVX-512 it is not done: an
 * instruction that writes to YMM0 clears the upper half of ZMM0 (Intel SDM volume 2, 2.3.10.1).
 * Copies to and from programs do the same (user_access.S).
 */
#include "cpu/page.h"

#include "library/string.h"
#include "library/types.h"

#define STEP       32
#define AT_ONCE    16 /* steps to a round */
#define ROUND_SIZE (STEP * AT_ONCE)

bool page_borrows_register;

struct register_image {
    char bytes[STEP];
};

static void clear_wide(char *page)
{
    struct register_image saved;
    char *end = page + PAGE_SIZE;

    __asm__ volatile("vmovdqu %%ymm0, %0\n\t"
                     "vpxor %%xmm0, %%xmm0, %%xmm0\n"
                     "1:\n\t"
                     ".set offset, 0\n\t"
                     ".rept %c3\n\t"
                     "vmovdqa %%ymm0, offset(%1)\n\t"
                     ".set offset, offset + %c4\n\t"
                     ".endr\n\t"
                     "addq %5, %1\n\t"
                     "cmpq %2, %1\n\t"
                     "jne 1b\n\t"
                     "vmovdqu %0, %%ymm0"
                     : "=&m"(saved), "+r"(page)
                     : "r"(end), "i"(AT_ONCE), "i"(STEP), "i"(ROUND_SIZE)
                     : "memory", "cc");
}

static void copy_wide(char *to, const char *from)
{
    struct register_image saved;
    const char *end = from + PAGE_SIZE;

    __asm__ volatile("vmovdqu %%ymm0, %0\n"
                     "1:\n\t"
                     ".set offset, 0\n\t"
                     ".rept %c4\n\t"
                     "vmovdqa offset(%2), %%ymm0\n\t"
                     "vmovdqa %%ymm0, offset(%1)\n\t"
                     ".set offset, offset + %c5\n\t"
                     ".endr\n\t"
                     "addq %6, %1\n\t"
                     "addq %6, %2\n\t"
                     "cmpq %3, %2\n\t"
                     "jne 1b\n\t"
                     "vmovdqu %0, %%ymm0"
                     : "=&m"(saved), "+r"(to), "+r"(from)
                     : "r"(end), "i"(AT_ONCE), "i"(STEP), "i"(ROUND_SIZE)
                     : "memory", "cc");
}

void page_clear(void *page)
{
    if (page_borrows_register)
        clear_wide(page);
    else
        memset(page, 0, PAGE_SIZE);
}

void page_copy(void *to, const void *from)
{
    if (page_borrows_register)
        copy_wide(to, from);
    else
        memcpy(to, from, PAGE_SIZE);
}
