#include "cpu/fpu.h"

#include <asm/errno.h>

#include "cpu/cpu.h"
#include "cpu/page.h"
#include "cpu/registers.h"
#include "library/string.h"

/* XCR0 (Intel SDM volume 1, 13.3): x87, SSE, AVX; the three of AVX-512 only together. */
#define XCR0_BASIC  0x7UL
#define XCR0_AVX    0x4UL
#define XCR0_AVX512 0xe0UL

/* Behind FXSAVE's area (13.4). */
#define XSAVE_HEADER      512
#define XSAVE_HEADER_SIZE 64

uint32_t fpu_image_size = 512;
uint64_t fpu_image_features;

/* The registers of a new program; written once at boot. */
static char initial_image[FPU_IMAGE_MAXIMUM] __attribute__((aligned(64)));

/* The only instruction here that may fault (exception table). */
static int image_restore(const void *image)
{
    int error;

    if (fpu_image_features)
        __asm__ volatile("1: xrstor64 (%1)\n\t"
                         "xorl %0, %0\n"
                         "2:\n\t"
                         ".pushsection .exception_table, \"a\"\n\t"
                         ".balign 4\n\t"
                         ".long 1b - ., 3f - .\n\t"
                         ".popsection\n\t"
                         ".pushsection .text.unlikely, \"ax\"\n"
                         "3: movl %4, %0\n\t"
                         "jmp 2b\n\t"
                         ".popsection"
                         : "=&r"(error)
                         : "r"(image), "a"((uint32_t)fpu_image_features),
                           "d"((uint32_t)(fpu_image_features >> 32)), "i"(-EINVAL)
                         : "memory");
    else
        __asm__ volatile("1: fxrstor64 (%1)\n\t"
                         "xorl %0, %0\n"
                         "2:\n\t"
                         ".pushsection .exception_table, \"a\"\n\t"
                         ".balign 4\n\t"
                         ".long 1b - ., 3f - .\n\t"
                         ".popsection\n\t"
                         ".pushsection .text.unlikely, \"ax\"\n"
                         "3: movl %2, %0\n\t"
                         "jmp 2b\n\t"
                         ".popsection"
                         : "=&r"(error)
                         : "r"(image), "i"(-EINVAL)
                         : "memory");
    return error;
}

/* What this CPU has, as far as an image has room for it. */
static uint64_t choose_features(void)
{
    uint64_t supported = cpuid(0xd, 0).eax;
    uint64_t features = supported & XCR0_BASIC;

    if ((supported & XCR0_AVX512) == XCR0_AVX512 && (features & XCR0_AVX))
        features |= XCR0_AVX512;
    return features;
}

static void enable(uint64_t features)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)features), "d"(0));
}

void fpu_initialize(void)
{
    if (cpu_features.xsave) {
        fpu_image_features = choose_features();
        enable(fpu_image_features);
        if (cpuid(0xd, 0).ebx > FPU_IMAGE_MAXIMUM) { /* the size for what XCR0 enables now */
            fpu_image_features &= XCR0_BASIC;
            enable(fpu_image_features);
        }
        fpu_image_size = cpuid(0xd, 0).ebx;
        page_borrows_register = (fpu_image_features & (XCR0_AVX | XCR0_AVX512)) == XCR0_AVX;
    }
    /* FXSAVE's legacy area: FCW at 0, MXCSR at 24; an XSAVE header of zeros means "initial". */
    uint16_t control = 0x37f;
    uint32_t mxcsr = 0x1f80;
    memcpy(initial_image, &control, sizeof(control));
    memcpy(initial_image + 24, &mxcsr, sizeof(mxcsr));
}

void fpu_initialize_cpu(void)
{
    if (fpu_image_features)
        enable(fpu_image_features);
    fpu_reset();
}

void fpu_save(void *image)
{
    if (fpu_image_features)
        __asm__ volatile("xsave64 (%0)" ::"r"(image), "a"((uint32_t)fpu_image_features),
                         "d"((uint32_t)(fpu_image_features >> 32))
                         : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(image) : "memory");
}

/* XSAVE keeps of what is there only the header, of which it writes a part (Intel SDM volume 1,
   13.7), and what neither instruction writes neither reads. */
void fpu_save_first(void *image)
{
    memset((char *)image + XSAVE_HEADER, 0, fpu_image_features ? XSAVE_HEADER_SIZE : 0);
    fpu_save(image);
}

int fpu_load(const void *image)
{
    return image_restore(image);
}

void fpu_reset(void)
{
    image_restore(initial_image);
}
