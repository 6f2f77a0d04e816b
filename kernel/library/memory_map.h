/*
 * memory_map.h: turns the firmware's memory map (UEFI 2.10, 7.2.3) into a list
 * that can be relied upon: sorted, page-aligned, without overlaps or
 * empty ranges, neighbours of one kind merged.
 *
 * Pure: no allocation, no lock; nothing in the map is trusted.
 */
#ifndef BATON_LIBRARY_MEMORY_MAP_H
#define BATON_LIBRARY_MEMORY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a range may be used for, from the least to the most restrictive: where
 * descriptors overlap the greater kind wins. Only MEMORY_USABLE is free.
 */
enum memory_kind {
    MEMORY_NONE,            /* no descriptor: never in the list */
    MEMORY_USABLE,          /* EfiConventionalMemory, write-back, from 1 MiB up */
    MEMORY_LOW,             /* the same below 1 MiB: only for the start-up code of other CPUs */
    MEMORY_BOOT_SERVICES,   /* EfiBootServicesCode, -Data; runtime services may still touch it */
    MEMORY_LOADER,          /* EfiLoaderCode, -Data: image, handoff, initrd, tables */
    MEMORY_ACPI_TABLES,     /* EfiACPIReclaimMemory: free once the tables are copied */
    MEMORY_SPECIAL_PURPOSE, /* EFI_MEMORY_SP: not for general use */
    MEMORY_UNCACHED,        /* would be one of the above but is not write-back */
    MEMORY_PERSISTENT,      /* EfiPersistentMemory, EFI_MEMORY_NV */
    MEMORY_UNACCEPTED,      /* EfiUnacceptedMemoryType: touching it traps */
    MEMORY_ACPI_NVS,        /* EfiACPIMemoryNVS */
    MEMORY_RUNTIME_DATA,    /* EfiRuntimeServicesData, or EFI_MEMORY_RUNTIME on memory */
    MEMORY_RUNTIME_CODE,    /* EfiRuntimeServicesCode */
    MEMORY_DEVICE,          /* EfiMemoryMappedIO, -PortSpace */
    MEMORY_RESERVED,        /* reserved, unusable, of an unknown or a firmware maker's type */
    MEMORY_PAGE_ZERO,       /* the first page, if it was RAM: never handed out */
    MEMORY_KIND_COUNT,
};

/* UEFI 2.10, 7.2.3: the attributes that matter here. */
#define MEMORY_ATTRIBUTE_UC            UINT64_C(0x1)
#define MEMORY_ATTRIBUTE_WC            UINT64_C(0x2)
#define MEMORY_ATTRIBUTE_WT            UINT64_C(0x4)
#define MEMORY_ATTRIBUTE_WB            UINT64_C(0x8)
#define MEMORY_ATTRIBUTE_NV            UINT64_C(0x8000)
#define MEMORY_ATTRIBUTE_MORE_RELIABLE UINT64_C(0x10000)
#define MEMORY_ATTRIBUTE_SP            UINT64_C(0x40000)
#define MEMORY_ATTRIBUTE_RUNTIME       (UINT64_C(1) << 63)

struct memory_range {
    uint64_t base;       /* physical address, multiple of 4096 */
    uint64_t size;       /* bytes, multiple of 4096, not 0 */
    uint64_t attributes; /* of the descriptor that won; those all have, where several did */
    enum memory_kind kind;
    uint32_t type; /* EFI_MEMORY_TYPE of the descriptor that won */
};

/* What is wrong with the firmware's map, counted for the log and the audit. */
struct memory_map_findings {
    uint32_t descriptors;
    uint32_t zero_length;     /* ignored */
    uint32_t overflowing;     /* base + length passes 2^64: cut off, RAM ignored */
    uint32_t beyond_limit;    /* reaches beyond the CPU's physical addresses: cut off */
    uint32_t unaligned;       /* RAM is made smaller, everything else larger */
    uint32_t unsorted;        /* begins below its predecessor */
    uint32_t overlapping;     /* bytes also described by another descriptor */
    uint32_t unknown_type;    /* taken as reserved */
    uint32_t unknown_version; /* 1 when the descriptor version is not 1 */
    uint32_t tail;            /* bytes behind the last whole descriptor: ignored */
};

/* Bytes of a map: 400,000 descriptors, of which the longest seen had some hundred. */
#define MEMORY_MAP_SIZE_MAX (UINT64_C(16) << 20)

/*
 * Ranges that a map of this size can come to at most, which is also the room
 * that memory_map_parse needs: 2 a descriptor and 4. 0 when descriptor_size is
 * below 40 (then the map is of no use) or the map is larger than MEMORY_MAP_SIZE_MAX.
 */
size_t memory_map_capacity(uint64_t map_size, uint64_t descriptor_size);

/*
 * Reads map_size bytes of descriptors, descriptor_size bytes apart, into
 * ranges. physical_bits is the CPU's MAXPHYADDR (CPUID 80000008h). findings
 * may be NULL. Returns the number of ranges, or
 *   -EINVAL  descriptor_size below 40 or not a multiple of 8, map_size below one
 *            descriptor or over MEMORY_MAP_SIZE_MAX, physical_bits not within 32
 *            to 52
 *   -ENOSPC  capacity below memory_map_capacity
 * Time is n log n for n descriptors that do not overlap.
 */
int memory_map_parse(const void *map, uint64_t map_size, uint64_t descriptor_size,
                     uint32_t descriptor_version, unsigned physical_bits,
                     struct memory_range *ranges, size_t capacity,
                     struct memory_map_findings *findings);

/*
 * Gives ranges of MEMORY_UNCACHED the kind that they would be with the write-back attribute, where
 * `is_write_back` says of the whole range that it is write-back all the same: some firmware leaves
 * the attribute out. Returns how many bytes those are; *left is how many stay uncached. The ranges
 * stay as many.
 */
uint64_t memory_map_judge_uncached(struct memory_range *ranges, size_t count,
                                   bool (*is_write_back)(uint64_t base, uint64_t size),
                                   uint64_t *left);

/*
 * What is wrong with the map in words, with blanks between: "3 unaligned, 2 empty". An empty text
 * when nothing is. `size` of at least MEMORY_MAP_FINDINGS_TEXT holds any.
 */
#define MEMORY_MAP_FINDINGS_TEXT 256
void memory_map_findings_text(const struct memory_map_findings *findings, char *text, size_t size);

/* Is it RAM that the kernel uses or reads: what the loader's page tables have to show? */
bool memory_kind_is_mapped(enum memory_kind kind);

/* A word for the log, as "usable"; "unknown" for no kind. */
const char *memory_kind_name(enum memory_kind kind);

/*
 * The range that holds address in a list made by memory_map_parse, by binary
 * search; NULL when none does.
 */
const struct memory_range *memory_map_find(const struct memory_range *ranges, size_t count,
                                           uint64_t address);

#endif
