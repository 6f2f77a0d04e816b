#include "library/memory_attributes.h"

#include "library/bytes.h"
#include <linux/errno.h>

enum {
    VERSION = 0,
    COUNT = 4,
    DESCRIPTOR_SIZE = 8,
    ENTRIES = 16,

    /* EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2.3). */
    TYPE = 0,
    PHYSICAL_START = 8,
    NUMBER_OF_PAGES = 24,
    ATTRIBUTE = 32,
    DESCRIPTOR_SIZE_MINIMUM = 40,
    DESCRIPTOR_SIZE_MAXIMUM = 4096,

    RUNTIME_SERVICES_CODE = 5,
    RUNTIME_SERVICES_DATA = 6,
    VERSION_MAXIMUM = 2,
    PAGE_BITS = 12,
};
#define EXECUTE_PROTECTED UINT64_C(0x4000)
#define READ_ONLY         UINT64_C(0x20000)

static int fail(const char **reason, const char *text)
{
    *reason = text;
    return -EINVAL;
}

int memory_attributes_start(const uint8_t *bytes, size_t size, struct memory_attributes *table,
                            const char **reason)
{
    if (size < ENTRIES)
        return fail(reason, "it is too short");
    uint32_t version = load32(bytes + VERSION), count = load32(bytes + COUNT);
    uint32_t entry_size = load32(bytes + DESCRIPTOR_SIZE);

    if (version < 1 || version > VERSION_MAXIMUM)
        return fail(reason, "its version is unknown");
    if (entry_size < DESCRIPTOR_SIZE_MINIMUM || entry_size > DESCRIPTOR_SIZE_MAXIMUM ||
        entry_size % 8 != 0)
        return fail(reason, "its descriptors have an impossible size");
    if (count > (size - ENTRIES) / entry_size)
        return fail(reason, "it is longer than the memory in which it lies");
    *table = (struct memory_attributes){
        .entries = bytes + ENTRIES,
        .count = count,
        .entry_size = entry_size,
    };
    return 0;
}

int memory_attributes_at(const struct memory_attributes *table, uint32_t index,
                         struct memory_attributes_entry *entry)
{
    if (index >= table->count)
        return -ENOENT;
    const uint8_t *bytes = table->entries + (size_t)index * table->entry_size;
    uint32_t type = load32(bytes + TYPE);
    uint64_t base = load64(bytes + PHYSICAL_START), pages = load64(bytes + NUMBER_OF_PAGES);
    uint64_t attribute = load64(bytes + ATTRIBUTE);

    *entry = (struct memory_attributes_entry){
        .base = base,
        .size = pages << PAGE_BITS,
        .writable = !(attribute & READ_ONLY),
        .executable = !(attribute & EXECUTE_PROTECTED),
    };
    if ((type != RUNTIME_SERVICES_CODE && type != RUNTIME_SERVICES_DATA) || pages == 0 ||
        base & ((1U << PAGE_BITS) - 1) || pages > (UINT64_MAX - base) >> PAGE_BITS ||
        (entry->writable && entry->executable))
        return -EINVAL;
    return 0;
}
