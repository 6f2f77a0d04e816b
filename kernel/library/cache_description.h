/*
 * cache_description.h: what CPUID says of a processor's caches: Intel SDM volume 2, CPUID leaf 4;
 * AMD APM volume 3, appendix E, Fn8000_001D, Fn8000_0005 and Fn8000_0006. Pure.
 */
#ifndef BATON_LIBRARY_CACHE_DESCRIPTION_H
#define BATON_LIBRARY_CACHE_DESCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

enum cache_type {
    CACHE_NONE,
    CACHE_DATA,
    CACHE_INSTRUCTION,
    CACHE_UNIFIED,
};

struct cache_description {
    uint8_t level;
    enum cache_type type;
    uint32_t line, partitions, ways, sets; /* bytes; lines a tag; ways 0: fully associative */
    uint64_t size;                         /* bytes */
    uint32_t sharers;                      /* APIC identifiers that may share it, at most; 0: all */
};

/* By the registers of leaf 4, or of 8000_001D, which has its form. False: no further cache. */
bool cache_of_leaf(const uint32_t registers[4], struct cache_description *cache);
/* Number `index` of what older processors of AMD say: registers C and D of 8000_0005 and 8000_0006.
   False: no such cache. */
bool cache_of_old_leaves(const uint32_t first[2], const uint32_t second[2], unsigned index,
                         struct cache_description *cache);

#endif
