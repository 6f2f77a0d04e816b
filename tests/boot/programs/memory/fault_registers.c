/*
 * fault_registers: what the kernel does to a page, whatever registers it borrows for that, leaves
 * the program's as they were: all of YMM0 and of XMM1 to XMM3, through faults and calls that clear
 * and copy pages.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cases.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)
#define MANY 64U /* pages */

struct registers {
    uint8_t bytes[4][32];
};

static struct registers pattern(void)
{
    struct registers registers;

    for (size_t i = 0; i < sizeof(registers); i++)
        ((uint8_t *)&registers)[i] = (uint8_t)(i * 7 + 1);
    return registers;
}

/* Writes to the byte at `place` with these registers; they are what they are afterwards. */
__attribute__((target("avx"))) static void touch_wide(struct registers *registers, char *place)
{
    __asm__ volatile("vmovdqu 0(%0), %%ymm0\n\tvmovdqu 32(%0), %%ymm1\n\t"
                     "vmovdqu 64(%0), %%ymm2\n\tvmovdqu 96(%0), %%ymm3\n\t"
                     "movb $1, (%1)\n\t"
                     "vmovdqu %%ymm0, 0(%0)\n\tvmovdqu %%ymm1, 32(%0)\n\t"
                     "vmovdqu %%ymm2, 64(%0)\n\tvmovdqu %%ymm3, 96(%0)\n\t"
                     "vzeroupper"
                     :
                     : "r"(registers), "r"(place)
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
}

static void touch_narrow(struct registers *registers, char *place)
{
    __asm__ volatile("movups 0(%0), %%xmm0\n\tmovups 32(%0), %%xmm1\n\t"
                     "movups 64(%0), %%xmm2\n\tmovups 96(%0), %%xmm3\n\t"
                     "movb $1, (%1)\n\t"
                     "movups %%xmm0, 0(%0)\n\tmovups %%xmm1, 32(%0)\n\t"
                     "movups %%xmm2, 64(%0)\n\tmovups %%xmm3, 96(%0)"
                     :
                     : "r"(registers), "r"(place)
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
}

/* AVX, and a kernel that has turned it on (Intel SDM volume 1, 14.3). */
static bool has_avx(void)
{
    enum { OSXSAVE = 1 << 27, AVX = 1 << 28 };
    unsigned a = 1, b, c = 0, d;

    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (c & OSXSAVE) && (c & AVX);
}

/* Do they stay through a write to each page? */
static bool stay(char *pages)
{
    const struct registers before = pattern();

    for (unsigned i = 0; i < MANY; i++) {
        struct registers registers = before;
        if (has_avx())
            touch_wide(&registers, pages + i * PAGE);
        else
            touch_narrow(&registers, pages + i * PAGE);
        REQUIRE(memcmp(&registers, &before, sizeof(before)) == 0);
        REQUIRE(pages[i * PAGE] == 1);
    }
    return true;
}

static char *map(void)
{
    char *pages = mmap(NULL, MANY * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages == MAP_FAILED ? NULL : pages;
}

static bool new_pages(void)
{
    char *pages = map();

    REQUIRE(pages != NULL && stay(pages));
    for (unsigned i = 0; i < MANY * PAGE; i++)
        REQUIRE(pages[i] == (i % PAGE == 0));
    return true;
}

static bool copied_pages(void)
{
    char *pages = map();

    REQUIRE(pages != NULL);
    for (unsigned i = 0; i < MANY * PAGE; i++)
        pages[i] = (char)(i * 13);
    pid_t child = fork();
    if (child == 0) {
        bool same = stay(pages);
        for (unsigned i = 0; i < MANY * PAGE; i++)
            same &= i % PAGE == 0 || pages[i] == (char)(i * 13);
        _exit(same ? 0 : 1);
    }
    REQUIRE(child > 0 && exited(status_of(child), 0));
    return true;
}

static bool pages_of_a_file(void)
{
    int file = memfd_create("pages", MFD_CLOEXEC);

    REQUIRE(file >= 0);
    char bytes[PAGE];
    memset(bytes, 'x', sizeof(bytes));
    for (unsigned i = 0; i < MANY; i++)
        REQUIRE(write(file, bytes, PAGE) == (ssize_t)PAGE);
    char *pages = mmap(NULL, MANY * PAGE, RW, MAP_PRIVATE, file, 0);
    REQUIRE(pages != MAP_FAILED && stay(pages));
    for (unsigned i = 0; i < MANY * PAGE; i++)
        REQUIRE(pages[i] == (i % PAGE ? 'x' : 1));
    return true;
}

static const struct test_case cases[] = {
    {"pages that are touched first", "mmap(2)", new_pages},
    {"pages that are copied after a fork", "fork(2)", copied_pages},
    {"private pages of a file", "mmap(2)", pages_of_a_file},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
