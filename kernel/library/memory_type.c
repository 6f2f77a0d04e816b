/* memory_type.c: see memory_type.h. Sections are of the SDM, volume 3A. */
#include "library/memory_type.h"

/* 11.11.2.1: IA32_MTRR_DEF_TYPE. */
#define DEFAULT_TYPE_MASK UINT64_C(0xff)
#define FIXED_ENABLED     (UINT64_C(1) << 10)
#define REGISTERS_ENABLED (UINT64_C(1) << 11)
/* 11.11.2.3: IA32_MTRR_PHYSMASKn. */
#define RANGE_VALID        (UINT64_C(1) << 11)
#define RANGE_ADDRESS_MASK (~UINT64_C(0xfff))

#define FIXED_END UINT64_C(0x100000)

/* Table 11-8: "Memory Types That Can Be Encoded in MTRRs". */
enum { TYPE_UNCACHED = 0, TYPE_WRITE_BACK = 6, TYPE_NONE = 256 };

/* 11.11.2.2: one register of eight 64 KiB pieces, two of 16 KiB, eight of 4 KiB. */
static unsigned fixed_type(const struct memory_type_registers *registers, uint64_t address,
                           uint64_t *piece)
{
    unsigned index;

    if (address < 0x80000) {
        *piece = 0x10000;
        index = (unsigned)(address / *piece);
    } else if (address < 0xc0000) {
        *piece = 0x4000;
        index = 8 + (unsigned)((address - 0x80000) / *piece);
    } else {
        *piece = 0x1000;
        index = 24 + (unsigned)((address - 0xc0000) / *piece);
    }
    return registers->fixed[index / 8] >> index % 8 * 8 & DEFAULT_TYPE_MASK;
}

/*
 * 11.11.4.1: the type at an address by the variable ranges, and in *end the next address at which
 * it may be another one. Of several ranges, write-back counts only if all of them say so.
 */
static unsigned variable_type(const struct memory_type_registers *registers, uint64_t limit,
                              uint64_t address, uint64_t *end)
{
    unsigned type = TYPE_NONE;

    for (unsigned i = 0; i < registers->variable_count; i++) {
        uint64_t mask = registers->mask[i] & RANGE_ADDRESS_MASK & (limit - 1);
        uint64_t size = mask & -mask; /* of the smallest piece, if the mask has holes */
        uint64_t next = (address & -size) + size;
        unsigned own = registers->base[i] & DEFAULT_TYPE_MASK;

        if (!(registers->mask[i] & RANGE_VALID) || !mask)
            continue;
        if (next < *end)
            *end = next;
        if ((address & mask) == (registers->base[i] & mask))
            type = type == TYPE_NONE || type == own ? own : TYPE_UNCACHED;
    }
    return type == TYPE_NONE ? registers->default_type & DEFAULT_TYPE_MASK : type;
}

bool memory_type_is_write_back(const struct memory_type_registers *registers,
                               unsigned physical_bits, uint64_t base, uint64_t size)
{
    uint64_t limit = UINT64_C(1) << physical_bits;
    uint64_t end = base + size;

    if (!(registers->default_type & REGISTERS_ENABLED) || base >= limit || size > limit - base)
        return false;
    for (uint64_t address = base; address < end;) {
        uint64_t next = end, piece;
        unsigned type;

        if (address < FIXED_END && registers->default_type & FIXED_ENABLED) {
            type = fixed_type(registers, address, &piece);
            next = (address & -piece) + piece;
        } else {
            type = variable_type(registers, limit, address, &next);
            if (address < FIXED_END && next > FIXED_END)
                next = FIXED_END;
        }
        if (type != TYPE_WRITE_BACK)
            return false;
        address = next;
    }
    return true;
}
