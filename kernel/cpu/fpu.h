/*
 * fpu.h: the x87, SSE and AVX registers of user mode. The kernel itself uses
 * none of them (page.c borrows one): while it works for a thread the registers hold that thread's,
 * and the scheduler saves and loads them with each switch (thread->fpu).
 */
#ifndef BATON_CPU_FPU_H
#define BATON_CPU_FPU_H

#include "library/types.h"

/*
 * An image is what XSAVE (standard form) or FXSAVE writes: Intel SDM volume 1,
 * 13.4 and 10.5.1. Found once at boot; FPU_IMAGE_MAXIMUM bounds what is enabled
 * in XCR0.
 */
#define FPU_IMAGE_MAXIMUM 2816
extern uint32_t fpu_image_size;     /* bytes: 512, or what CPUID leaf 0xd says */
extern uint64_t fpu_image_features; /* XCR0; 0: no XSAVE, images are FXSAVE's */

/* Finds out what an image holds; once, on the boot CPU, after cpu_features_enable(). */
void fpu_initialize(void);
/* Turns the extensions on (XCR0) and resets the registers; on each CPU, after
   cpu_features_enable(). */
void fpu_initialize_cpu(void);

/* The calling thread's registers to and from an image in kernel memory, 64-byte aligned. */
void fpu_save(void *image);
/* The same into memory that held no image yet. */
void fpu_save_first(void *image);
/*
 * Loads an image that may be anything: -EINVAL when it sets what the CPU reserves (MXCSR,
 * XSTATE_BV, the header), and then nothing was changed.
 */
int fpu_load(const void *image);
/* The registers as a new program finds them: 0x37f, 0x1f80, all else zero. */
void fpu_reset(void);

#endif
