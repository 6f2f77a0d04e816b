/*
 * processor_registers.h: what a record keeps of a processor: CPUID's answers, model-specific
 * registers, and what its page tables map. Loader and kernel both write these; how a register is
 * read is theirs.
 *
 * Pure but for the callers' functions.
 */
#ifndef BATON_LIBRARY_RECORD_PROCESSOR_REGISTERS_H
#define BATON_LIBRARY_RECORD_PROCESSOR_REGISTERS_H

#include "library/record/record.h"

#include <instructions.h>

typedef struct cpuid_result record_cpuid_function(uint32_t leaf, uint32_t subleaf);
typedef uint64_t record_msr_function(uint32_t index);

/* RECORD_CPUID: every leaf that the processor says it has, up to 32 of each range. */
void record_append_cpuid(struct record_writer *writer, uint64_t tsc, record_cpuid_function *ask);

/* RECORD_MSRS, RECORD_PROCESSOR_MSRS: those that CPUID says are there, for reading any other one
 * raises an exception. */
void record_append_msrs(struct record_writer *writer, uint16_t kind, uint64_t tsc,
                        record_cpuid_function *ask, record_msr_function *read);

/* How the tables at a root are read. */
struct record_paging {
    uint64_t root; /* CR3 */
    unsigned levels;
    bool no_execute; /* EFER.NXE */
    unsigned physical_bits;
    uint64_t pat;
    /* The 512 entries of the table at a physical address; NULL: it cannot be read. */
    const uint64_t *(*table)(uint64_t physical);
};

/* Whether a linear address is mapped. */
bool record_page_present(const struct record_paging *paging, uint64_t linear);

/* RECORD_PAGE_TABLES: runs, as many as there is room for, but for `spare` bytes. */
void record_append_page_tables(struct record_writer *writer, uint64_t tsc,
                               const struct record_paging *paging, size_t spare);

#endif
