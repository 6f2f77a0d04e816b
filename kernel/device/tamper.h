/*
 * tamper.h: a device that lies, for debug kernels: the option `tamper=N` has one in N of the
 * numbers that drivers read from what devices wrote be another one. What a driver takes for an
 * index, a length or an identifier passes here.
 */
#ifndef BATON_DEVICE_TAMPER_H
#define BATON_DEVICE_TAMPER_H

#include "library/types.h"

#ifdef DEBUG_CHECKS
/* At boot, before drivers start. 0: never. */
void tamper_begin(uint64_t one_in);
/* What the device "says". Any context. */
uint32_t tamper(uint32_t value);
/* The same of a copy of what the device wrote, byte by byte. */
void tamper_bytes(void *bytes, size_t size);
#else
static inline uint32_t tamper(uint32_t value)
{
    return value;
}
static inline void tamper_bytes(void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
}
#endif

#endif
