/* caches.c: /sys/devices/system/cpu/cpuN/cache, for lscpu(1): Linux's
 * Documentation/ABI/testing/sysfs-devices-system-cpu. number[0] of a key is the processor's,
 * number[1] the cache's. All processors are taken to be alike. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "cpu/cpu.h"
#include "cpu/features.h"
#include "library/cache_description.h"
#include "library/format.h"
#include "library/string.h"
#include "proc/machine/machine.h"

static struct cache_description cache_of(const struct pseudo_key *key)
{
    struct cache_description cache = {.type = CACHE_NONE};

    cpu_cache_at((unsigned)key->number[1], &cache);
    return cache;
}

/* Identifiers that share a cache are alike but for their lowest bits: as many as count the sharers.
 */
static unsigned sharing_bits(const struct cache_description *cache)
{
    unsigned bits = 0;

    while (cache->sharers > 1U << bits)
        bits++;
    return cache->sharers ? bits : 32;
}

static uint64_t cache_identifier(const struct cache_description *cache, uint64_t processor)
{
    return (uint64_t)cpus[processor]->apic_id >> sharing_bits(cache);
}

static struct cpu_set sharers_of(const struct pseudo_key *key)
{
    struct cache_description cache = cache_of(key);
    struct cpu_set sharers = {0};

    CPU_SET_FOREACH (number, &cpu_online)
        if (cache_identifier(&cache, number) == cache_identifier(&cache, key->number[0]))
            sharers.words[number / 64] |= 1UL << number % 64;
    return sharers;
}

#define NUMBER(field, value)                                                                       \
    static int field##_show(const struct pseudo_key *key, struct text *text)                       \
    {                                                                                              \
        struct cache_description cache = cache_of(key);                                            \
        text_print(text, "%u\n", (unsigned)(value));                                               \
        return 0;                                                                                  \
    }
NUMBER(line, cache.line)
NUMBER(level, cache.level)
NUMBER(sets, cache.sets)
NUMBER(partitions, cache.partitions)
NUMBER(ways, cache.sets > 1 ? cache.ways : 0)

/* As Linux numbers them: one that all share has a number of each processor's own. */
static int id_show(const struct pseudo_key *key, struct text *text)
{
    struct cache_description cache = cache_of(key);
    unsigned bits = cache.sharers ? sharing_bits(&cache) : 0;

    text_print(text, "%u\n", bits < 32 ? cpus[key->number[0]]->apic_id >> bits : 0);
    return 0;
}

static int size_show(const struct pseudo_key *key, struct text *text)
{
    text_print(text, "%luK\n", cache_of(key).size >> 10);
    return 0;
}

static int type_show(const struct pseudo_key *key, struct text *text)
{
    static const char *const types[] = {"", "Data", "Instruction", "Unified"};

    text_print(text, "%s\n", types[cache_of(key).type]);
    return 0;
}

static int sharers_list_show(const struct pseudo_key *key, struct text *text)
{
    struct cpu_set sharers = sharers_of(key);

    proc_text_cpus(text, &sharers);
    text_print(text, "\n");
    return 0;
}

static int sharers_map_show(const struct pseudo_key *key, struct text *text)
{
    struct cpu_set sharers = sharers_of(key);

    proc_text_cpu_mask(text, &sharers);
    text_print(text, "\n");
    return 0;
}

static struct pseudo_node cache_files[] = {
    {.name = "coherency_line_size", .mode = S_IFREG | 0444, .show = line_show},
    {.name = "id", .mode = S_IFREG | 0444, .show = id_show},
    {.name = "level", .mode = S_IFREG | 0444, .show = level_show},
    {.name = "number_of_sets", .mode = S_IFREG | 0444, .show = sets_show},
    {.name = "physical_line_partition", .mode = S_IFREG | 0444, .show = partitions_show},
    {.name = "shared_cpu_list", .mode = S_IFREG | 0444, .show = sharers_list_show},
    {.name = "shared_cpu_map", .mode = S_IFREG | 0444, .show = sharers_map_show},
    {.name = "size", .mode = S_IFREG | 0444, .show = size_show},
    {.name = "type", .mode = S_IFREG | 0444, .show = type_show},
    {.name = "ways_of_associativity", .mode = S_IFREG | 0444, .show = ways_show},
};
static struct pseudo_node cache_node = {
    .mode = S_IFDIR | 0755,
    .children = cache_files,
    .child_count = array_length(cache_files),
};

static int cache_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                      struct pseudo_node **child)
{
    struct cache_description cache;
    uint32_t number;

    (void)key;
    if (strncmp(name, "index", 5) != 0 || !proc_parse_number(name + 5, &number) ||
        !cpu_cache_at(number, &cache))
        return -ENOENT;
    child_key->number[1] = number;
    *child = &cache_node;
    return 0;
}

static bool cache_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    struct cache_description cache;

    (void)key;
    if (*position > UINT32_MAX || !cpu_cache_at((unsigned)*position, &cache))
        return false;
    format_string(name->text, sizeof(name->text), "index%lu", (*position)++);
    name->type = S_IFDIR;
    return true;
}

struct pseudo_node sys_caches_directory = {
    .name = "cache", .mode = S_IFDIR | 0755, .find = cache_find, .next = cache_next};
