/*
 * memory_type.h: how the processor treats physical memory, by its memory type range registers
 * (Intel SDM, volume 3A, 11.11 "Memory Type Range Registers").
 *
 * Pure: the caller reads the registers.
 */
#ifndef BATON_LIBRARY_MEMORY_TYPE_H
#define BATON_LIBRARY_MEMORY_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_TYPE_VARIABLE_MAX 32
#define MEMORY_TYPE_FIXED_COUNT  11

struct memory_type_registers {
    uint64_t default_type;                   /* IA32_MTRR_DEF_TYPE */
    uint64_t fixed[MEMORY_TYPE_FIXED_COUNT]; /* from FIX64K_00000 to FIX4K_F8000 */
    uint64_t base[MEMORY_TYPE_VARIABLE_MAX]; /* IA32_MTRR_PHYSBASEn */
    uint64_t mask[MEMORY_TYPE_VARIABLE_MAX]; /* IA32_MTRR_PHYSMASKn */
    unsigned variable_count;
};

/* Is every byte of [base, base + size) write-back? `physical_bits` is MAXPHYADDR. */
bool memory_type_is_write_back(const struct memory_type_registers *registers,
                               unsigned physical_bits, uint64_t base, uint64_t size);

#endif
