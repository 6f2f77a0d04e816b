/* The memory map against what else is known of memory: 14 to 21. */
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/string.h"

/* ---- 14: MTRRs (SDM volume 3, 12.11) ---- */

enum {
    MSR_MTRR_CAP = 0xfe,
    MSR_MTRR_DEFAULT = 0x2ff,
    MSR_MTRR_VARIABLE = 0x200,
    MTRR_UC = 0,
    MTRR_WT = 4,
    MTRR_WB = 6,
    MTRRS_MAX = 32, /* more than any processor has so far */
};
#define MTRR_ENABLED (UINT64_C(1) << 11)

struct mtrr {
    uint64_t base, size;
    uint8_t type;
};

struct mtrrs {
    uint64_t standard; /* IA32_MTRR_DEF_TYPE */
    unsigned count;
    struct mtrr ranges[MTRRS_MAX]; /* those that are on */
    struct record_entry entry;
};

/* A variable range; false: it is off. */
static bool mtrr_load(const struct record_entry *entry, unsigned index, uint64_t address_bits,
                      struct mtrr *range)
{
    uint64_t base, mask;

    if (!msr_find(entry, MSR_MTRR_VARIABLE + 2 * index, &base) ||
        !msr_find(entry, MSR_MTRR_VARIABLE + 2 * index + 1, &mask) || !(mask & MTRR_ENABLED))
        return false;
    mask &= address_bits;
    *range = (struct mtrr){
        .base = base & mask, .size = (~mask & address_bits) + PAGE, .type = base & 0xff};
    return true;
}

/* SDM volume 3, 12.11.4.1: UC wins, then WT over WB; what no range holds has the default type. */
static uint8_t mtrr_type(const struct mtrrs *mtrrs, uint64_t address)
{
    bool held = false;
    uint8_t result = MTRR_WB;

    for (unsigned i = 0; i < mtrrs->count; i++) {
        const struct mtrr *range = &mtrrs->ranges[i];
        if (address < range->base || address - range->base >= range->size)
            continue;
        if (range->type == MTRR_UC)
            return MTRR_UC;
        result = held && result == MTRR_WT ? MTRR_WT : range->type;
        held = true;
    }
    return held ? result : mtrrs->standard & 0xff;
}

static bool mtrrs_load(struct audit *audit, struct mtrrs *mtrrs)
{
    unsigned bits = audit->physical_bits;
    uint64_t capabilities;

    if (!audit_need(audit, RECORD_MSRS, &mtrrs->entry))
        return false;
    if (bits == 0 || !msr_find(&mtrrs->entry, MSR_MTRR_CAP, &capabilities) ||
        !msr_find(&mtrrs->entry, MSR_MTRR_DEFAULT, &mtrrs->standard)) {
        audit_not_known(audit, "MTRRs or CPUID leaf 80000008h were not recorded");
        return false;
    }
    unsigned count = capabilities & 0xff;
    if (count > MTRRS_MAX) {
        audit_not_known(audit, "there are %u variable MTRRs, this version knows up to %u", count,
                        MTRRS_MAX);
        return false;
    }
    mtrrs->count = 0;
    for (unsigned i = 0; i < count; i++)
        mtrrs->count +=
            mtrr_load(&mtrrs->entry, i, ((UINT64_C(1) << bits) - 1) & ~(uint64_t)(PAGE - 1),
                      &mtrrs->ranges[mtrrs->count]);
    return true;
}

static bool not_write_back(struct audit *audit, const struct mtrrs *mtrrs,
                           const struct descriptor *range, uint64_t address)
{
    uint8_t type = mtrr_type(mtrrs, address);

    if (type == MTRR_WB)
        return false;
    audit_fail(audit, range->offset, "%s at 0x%llx is %s from 0x%llx on",
               record_memory_type_name(range->type), (unsigned long long)range->base,
               record_cache_type_name(type), (unsigned long long)address);
    return true;
}

/* The type can change only where a variable range begins or ends. */
static void mtrr_ask(struct audit *audit, const struct mtrrs *mtrrs, const struct descriptor *range)
{
    if (not_write_back(audit, mtrrs, range, range->base))
        return;
    for (unsigned i = 0; i < mtrrs->count; i++) {
        uint64_t base = mtrrs->ranges[i].base, end = base + mtrrs->ranges[i].size;
        if (base > range->base && base < range->end && not_write_back(audit, mtrrs, range, base))
            return;
        if (end > range->base && end < range->end && not_write_back(audit, mtrrs, range, end))
            return;
    }
}

static void mtrrs(struct audit *audit)
{
    struct descriptor range;
    struct mtrrs registers;
    struct map map;

    if (!map_need(audit, &map) || !mtrrs_load(audit, &registers))
        return;
    if (!(registers.standard & MTRR_ENABLED)) {
        audit_fail(audit, registers.entry.offset, "MTRRs are off: all memory is uncached");
        return;
    }
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &range);
        /* Below 1 MiB the fixed ranges count; what firmware keeps there is its own affair. */
        if (type_is_for_use(range.type) && range.base >= MIB && range.pages > 0 &&
            (range.attributes & MEMORY_WB))
            mtrr_ask(audit, &registers, &range);
    }
}

/* ---- 15, 16: devices in RAM ---- */

static void framebuffer(struct audit *audit)
{
    struct record_entry entry;
    struct record_screen screen;
    struct descriptor range;
    struct map map;

    if (!audit_need(audit, RECORD_SCREEN, &entry) || !map_need(audit, &map))
        return;
    bool any = false;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_SCREEN, &entry)) {
        (void)record_load(&entry, &screen, sizeof(screen), NULL);
        if ((screen.flags & RECORD_SCREEN_NONE) || screen.framebuffer_size == 0)
            continue;
        any = true;
        if (!audit_afford(audit, map.count))
            return;
        if (map_meets(&map, screen.framebuffer_base, screen.framebuffer_size, &range))
            audit_fail(audit, range.offset, "framebuffer 0x%llx meets %s at 0x%llx",
                       (unsigned long long)screen.framebuffer_base,
                       record_memory_type_name(range.type), (unsigned long long)range.base);
    }
    if (!any)
        audit_not_applicable(audit, "there is no framebuffer");
}

struct devices {
    struct audit *audit;
    struct map map;
};

static void device_ask(struct devices *devices, const char *what, uint64_t base, uint64_t size)
{
    struct descriptor range;

    if (base != 0 && audit_afford(devices->audit, devices->map.count) &&
        map_meets(&devices->map, base, size, &range))
        audit_fail(devices->audit, range.offset, "%s 0x%llx lies in %s at 0x%llx", what,
                   (unsigned long long)base, record_memory_type_name(range.type),
                   (unsigned long long)range.base);
}

/* MADT's I/O APICs: type 1, 12 bytes (ACPI 6.6, 5.2.12.3). */
static void io_apics_ask(struct devices *devices, const struct acpi_view *madt)
{
    for (size_t at = 44; at + 2 <= madt->size && madt->bytes[at + 1] >= 2;
         at += madt->bytes[at + 1]) {
        if (madt->bytes[at] == 1 && at + 12 <= madt->size)
            device_ask(devices, "I/O APIC", load32(madt->bytes + at + 4), PAGE);
    }
}

/* MCFG's windows: 16 bytes each from 44 on, 1 MiB a bus (PCI Firmware 3.3, 4.1.2). */
static void windows_ask(struct devices *devices, const struct acpi_view *mcfg)
{
    for (size_t at = 44; at + 16 <= mcfg->size; at += 16) {
        const uint8_t *item = mcfg->bytes + at;
        if (item[11] >= item[10])
            device_ask(devices, "ECAM", load64(item) + (uint64_t)item[10] * MIB,
                       (item[11] - item[10] + UINT64_C(1)) * MIB);
    }
}

/* DMAR's remapping units: type 0 (VT-d 4.1, 8.3). */
static void iommus_ask(struct devices *devices, const struct acpi_view *dmar)
{
    for (size_t at = 48; at + 4 <= dmar->size && load16(dmar->bytes + at + 2) >= 4;
         at += load16(dmar->bytes + at + 2)) {
        if (load16(dmar->bytes + at) == 0 && at + 16 <= dmar->size)
            device_ask(devices, "IOMMU", load64(dmar->bytes + at + 8), PAGE);
    }
}

static void devices_in_ram(struct audit *audit)
{
    struct devices devices = {.audit = audit};
    struct record_entry_state state;
    struct record_entry entry;
    struct acpi_view table;

    if (!map_need(audit, &devices.map) || !audit_need(audit, RECORD_ENTRY_STATE, &entry) ||
        !audit_need(audit, RECORD_ACPI_TABLE, &(struct record_entry){0}))
        return;
    (void)record_load(&entry, &state, sizeof(state), NULL);
    if (state.valid & RECORD_VALID_APIC_BASE)
        device_ask(&devices, "local APIC", state.apic_base & ~(uint64_t)(PAGE - 1), PAGE);
    if (acpi_find(audit->record, "APIC", &table))
        io_apics_ask(&devices, &table);
    if (acpi_find(audit->record, "HPET", &table) && table.size >= 52)
        device_ask(&devices, "HPET", load64(table.bytes + 44), 1024);
    if (acpi_find(audit->record, "MCFG", &table))
        windows_ask(&devices, &table);
    if (acpi_find(audit->record, "DMAR", &table))
        iommus_ask(&devices, &table);
}

/* ---- 17 to 21 ---- */

static void page_zero(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_runtime_fault fault;
    struct descriptor range;
    struct map map;

    if (!map_need(audit, &map))
        return;
    if (!map_find(&map, 0, &range) || !type_is_for_use(range.type)) {
        audit_not_applicable(audit, "page 0 is not free");
        return;
    }
    if (!audit_need(audit, RECORD_RUNTIME_CALL, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_RUNTIME_FAULT, &entry)) {
        (void)record_load(&entry, &fault, sizeof(fault), NULL);
        if (fault.address < PAGE)
            audit_fail_at(audit, entry.offset, fault.rip, "a runtime service touched 0x%llx",
                          (unsigned long long)fault.address);
    }
}

static void own_image(struct audit *audit)
{
    struct record_image image;
    struct record_entry entry;
    struct descriptor range;
    struct map map;

    if (!map_need_first(audit, &map))
        return;
    if (!image_ours(audit->record, &entry, &image)) {
        audit_not_known(audit, "the loader's image was not recorded");
        return;
    }
    uint64_t end = image.base + image.size;
    for (uint64_t address = image.base; address < end && audit_afford(audit, map.count);
         address = range.end) {
        bool found = map_find(&map, address, &range);
        if (found && (range.type == TYPE_LOADER_CODE || range.type == TYPE_LOADER_DATA))
            continue;
        audit_fail(audit, found ? range.offset : AUDIT_NO_OFFSET, "0x%llx of the image is %s",
                   (unsigned long long)address,
                   found ? record_memory_type_name(range.type) : "not in the map");
        return;
    }
}

static void growth(struct audit *audit)
{
    struct record_entry entry = {0};
    struct map map;
    bool probed = false;

    while (record_next(audit->record, &entry)) {
        if (entry.kind != RECORD_MAP_FIRST && entry.kind != RECORD_MAP_EXIT)
            continue;
        map_load(&entry, &map);
        probed |= map.head.probe_size != 0;
        if (map.head.probe_size != 0 && map.head.map_size > map.head.probe_size)
            audit_fail(audit, entry.offset, "%llu bytes asked for, %llu given",
                       (unsigned long long)map.head.probe_size,
                       (unsigned long long)map.head.map_size);
    }
    if (!probed)
        audit_not_known(audit, "no call of GetMemoryMap without a buffer was recorded");
}

struct pieces {
    size_t all, runtime;
};

static bool pieces_count(const struct record *record, struct pieces *pieces, uint64_t *offset)
{
    struct record_entry entry;
    struct descriptor range;
    struct map map;

    if (!record_find_last(record, RECORD_MAP_EXIT, &entry) &&
        !record_find(record, RECORD_MAP_FIRST, &entry))
        return false;
    map_load(&entry, &map);
    *pieces = (struct pieces){.all = map.count};
    *offset = entry.offset;
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &range);
        pieces->runtime += (range.attributes & MEMORY_RUNTIME) != 0;
    }
    return map.count > 0;
}

static void fragmentation(struct audit *audit)
{
    struct pieces now, then;
    uint64_t offset, ignored;

    if (audit->baseline == NULL) {
        audit_not_applicable(audit, "no baseline was given");
        return;
    }
    if (!pieces_count(audit->record, &now, &offset) ||
        !pieces_count(audit->baseline, &then, &ignored)) {
        audit_not_known(audit, "one of the two records has no memory map");
        return;
    }
    if (now.all > then.all + then.all / 4 + 8)
        audit_fail(audit, offset, "%zu descriptors; %zu before", now.all, then.all);
    if (now.runtime > then.runtime)
        audit_fail(audit, offset, "%zu runtime descriptors; %zu before", now.runtime, then.runtime);
}

static void special_memory(struct audit *audit)
{
    struct descriptor range;
    struct map map;

    if (!map_need(audit, &map))
        return;
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &range);
        const char *what = range.attributes & MEMORY_SP         ? "specific-purpose"
                           : range.attributes & MEMORY_HOT_PLUG ? "hot-pluggable"
                           : range.type == TYPE_PERSISTENT      ? "persistent"
                           : range.attributes & MEMORY_NV       ? "persistent"
                           : range.type == TYPE_UNACCEPTED      ? "unaccepted"
                                                                : NULL;
        if (what != NULL)
            audit_fail(audit, range.offset, "%s: %s at 0x%llx, %llu pages", what,
                       record_memory_type_name(range.type), (unsigned long long)range.base,
                       (unsigned long long)range.pages);
    }
}

static const struct audit_check checks[] = {
    {14, AUDIT_HIGH, AUDIT_HIGH, false, "MTRRs against the map",
     "SDM volume 3, 12.11; UEFI 2.11, 7.2.3",
     "RAM above 1 MiB with EFI_MEMORY_WB has the MTRR type write-back",
     "Programme the MTRRs for all of RAM, or take EFI_MEMORY_WB away from what is not cached.",
     mtrrs},
    {15, AUDIT_HIGH, AUDIT_HIGH, false, "framebuffer in RAM", "UEFI 2.11, 12.9.2 and 7.2.3",
     "FrameBufferBase outside of memory that the system will use",
     "Report a stolen framebuffer as EfiReservedMemoryType.", framebuffer},
    {16, AUDIT_HIGH, AUDIT_HIGH, false, "APIC, HPET, ECAM, IOMMU in RAM",
     "UEFI 2.11, 7.2.3; ACPI 6.6, 5.2.12; PCI Firmware 3.3, 4.1.2", "devices outside of RAM",
     "Report the windows of devices as EfiMemoryMappedIO or EfiReservedMemoryType.",
     devices_in_ram},
    {17, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "page 0 is free but used", "UEFI 2.11, 7.2.3 and 8.1",
     "no runtime service touches page 0",
     "Keep page 0 out of the map if firmware or SMM needs it at run time.", page_zero},
    {18, AUDIT_LOW, AUDIT_LOW, false, "type of the loader's image", "UEFI 2.11, 7.2.1 and 7.4.1",
     "EfiLoaderCode or EfiLoaderData for an application",
     "LoadImage has to allocate by the image's subsystem.", own_image},
    {19, AUDIT_LOW, AUDIT_LOW, false, "map grows between probe and call", "UEFI 2.11, 7.2.3",
     "the size that the first call told is enough when nothing was allocated in between",
     "Add room for the descriptors that an allocation of the caller's can make.", growth},
    {20, AUDIT_LOW, AUDIT_LOW, false, "fragmentation, against the baseline", "UEFI 2.11, 7.2.3",
     "not many more descriptors than before, and no more runtime ones",
     "Allocate runtime memory in bins (EDK2's memory type information).", fragmentation},
    {21, AUDIT_LOW, AUDIT_LOW, false, "special memory", "UEFI 2.11, 7.2.1 and 7.2.3",
     "listed: specific-purpose, persistent, unaccepted, hot-pluggable",
     "Nothing is wrong: systems treat these ranges apart, see that you mean it.", special_memory},
};

AUDIT_FAMILY(audit_map_use, "map", checks);
