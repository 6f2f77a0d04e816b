/* registers.h: a device's registers in memory, of 8 to 64 bits at a byte's offset. Device memory is
   uncached: each access is made once, in the order of the program. */
#ifndef BATON_DEVICE_REGISTERS_H
#define BATON_DEVICE_REGISTERS_H

#include "library/types.h"

static inline uint8_t register_read8(const volatile void *base, size_t offset)
{
    return ((const volatile uint8_t *)base)[offset];
}

static inline uint16_t register_read16(const volatile void *base, size_t offset)
{
    return *(const volatile uint16_t *)((const volatile uint8_t *)base + offset);
}

static inline uint32_t register_read32(const volatile void *base, size_t offset)
{
    return *(const volatile uint32_t *)((const volatile uint8_t *)base + offset);
}

/* In two halves, which every device takes. */
static inline uint64_t register_read64(const volatile void *base, size_t offset)
{
    uint64_t low = register_read32(base, offset);
    return low | (uint64_t)register_read32(base, offset + 4) << 32;
}

static inline void register_write8(volatile void *base, size_t offset, uint8_t value)
{
    ((volatile uint8_t *)base)[offset] = value;
}

static inline void register_write16(volatile void *base, size_t offset, uint16_t value)
{
    *(volatile uint16_t *)((volatile uint8_t *)base + offset) = value;
}

static inline void register_write32(volatile void *base, size_t offset, uint32_t value)
{
    *(volatile uint32_t *)((volatile uint8_t *)base + offset) = value;
}

static inline void register_write64(volatile void *base, size_t offset, uint64_t value)
{
    register_write32(base, offset, (uint32_t)value);
    register_write32(base, offset + 4, (uint32_t)(value >> 32));
}

#endif
