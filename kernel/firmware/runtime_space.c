/* runtime_space.c: what the firmware's code finds in memory. Guarded by who makes the calls. */
#include "firmware/runtime_space.h"

#include <asm/errno.h>
#include <efi.h>

#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "cpu/trap.h"
#include "firmware/acpi_devices.h"
#include "firmware/firmware_memory.h"
#include "library/align.h"
#include "library/format.h"
#include "library/memory_attributes.h"
#include "library/pe_image.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/kernel_space.h"
#include "memory/page_table.h"

#define USER_HALF_END    0x0000800000000000UL
#define LENT_MAXIMUM     512   /* pages in one call: ECAM has one for each function */
#define REPORT_MAXIMUM   64    /* lines in the life of the machine */
#define IMAGE_PAGES_BACK 4096  /* how far below an address its image's head is looked for */
#define AHEAD_MAXIMUM    65536 /* pages that are mapped before they are touched */

paddr_t runtime_root;
static uint64_t table_count; /* of the root's tables */
static uint64_t ahead_left = AHEAD_MAXIMUM;
static bool first_view = true, second_view; /* which there are, at their own addresses and moved */

static const struct memory_range *map; /* constant after boot */
static size_t map_count;

static vaddr_t lent[LENT_MAXIMUM];
static size_t lent_count;

/* What was said already. */
static struct report {
    const char *service;
    paddr_t base;
    char access;
} reports[REPORT_MAXIMUM];
static size_t report_count;

static const struct memory_range *range_of(paddr_t address)
{
    return memory_map_find(map, map_count, address);
}

bool runtime_space_is_runtime(const struct memory_range *range)
{
    return range->kind == MEMORY_RUNTIME_CODE || range->kind == MEMORY_RUNTIME_DATA ||
           (range->attributes & MEMORY_ATTRIBUTE_RUNTIME);
}

static bool is_firmware_memory(enum memory_kind kind)
{
    return kind == MEMORY_RUNTIME_DATA || kind == MEMORY_RUNTIME_CODE ||
           kind == MEMORY_BOOT_SERVICES || kind == MEMORY_ACPI_TABLES || kind == MEMORY_ACPI_NVS;
}

const void *runtime_space_view_most(paddr_t address, size_t *size)
{
    const struct memory_range *range = range_of(address);

    if (!range || !is_firmware_memory(range->kind))
        return NULL;
    if (*size > range->base + range->size - address)
        *size = range->base + range->size - address;
    return frame_pointer(address);
}

const void *runtime_space_table(paddr_t address, size_t *size)
{
    const struct memory_range *range = range_of(address);
    uint64_t left = range ? range->base + range->size - address : PAGE_SIZE - address % PAGE_SIZE;

    if (*size > left)
        *size = left;
    return firmware_memory_view(map, map_count, address, *size);
}

const void *runtime_space_view(paddr_t address, size_t size)
{
    size_t most = size;
    const void *view = runtime_space_view_most(address, &most);

    return most < size ? NULL : view;
}

const void *runtime_space_view_reserved(paddr_t address, size_t size)
{
    const struct memory_range *range = range_of(address);

    if (range && range->kind == MEMORY_RESERVED)
        return firmware_memory_view(map, map_count, address, size);
    return runtime_space_view(address, size);
}

const struct memory_range *runtime_space_range(size_t index)
{
    return index < map_count ? &map[index] : NULL;
}

/* ---- pages ---- */

/* In CR3's format, of a page that may be written and executed. */
static uint64_t entry_of(paddr_t page, bool cached)
{
    return page | PAGE_PRESENT | PAGE_WRITABLE | PAGE_ACCESSED | PAGE_DIRTY |
           (cached ? 0 : PAGE_UNCACHED);
}

static int map_page(vaddr_t page, uint64_t value)
{
    uint64_t *leaf = page_table_leaf_create(runtime_root, page, &table_count);
    if (!leaf)
        return -ENOMEM;
    uint64_t *entry = &leaf[page_table_index(page, 0)];
    if (!*entry)
        page_table_filled(entry, entry, 1);
    *entry = value;
    return 0;
}

static void unmap_page(vaddr_t page)
{
    vaddr_t stop = page + PAGE_SIZE;
    uint64_t *leaf = page_table_leaf(runtime_root, page, &stop);
    paddr_t tables[3];

    if (!leaf || !leaf[page_table_index(page, 0)])
        return;
    leaf[page_table_index(page, 0)] = 0;
    if (--*page_table_count(leaf) == 0)
        page_table_free(tables, page_table_prune(runtime_root, page, tables, &table_count));
}

/*
 * A range at its own address. Images mix code and data in EfiRuntimeServicesCode (UEFI 2.10, 7.2):
 * where no table says which is which, those pages are writable and executable, the one place where
 * W^X ends, and they are so in no other address space.
 */
static uint64_t entry_in(const struct memory_range *range, paddr_t page)
{
    bool cached = range->kind != MEMORY_DEVICE && (range->attributes & MEMORY_ATTRIBUTE_WB);

    return entry_of(page, cached) | (range->kind == MEMORY_RUNTIME_CODE ? 0 : PAGE_NO_EXECUTE);
}

/* Unless it is longer than what may be mapped ahead: some maps have all that is above memory, or a
   window for devices of a TiB, which would take all memory for tables. */
static int map_range(const struct memory_range *range)
{
    if (range->size / PAGE_SIZE > ahead_left)
        return 0;
    ahead_left -= range->size / PAGE_SIZE;
    for (paddr_t page = range->base; page < range->base + range->size; page += PAGE_SIZE)
        if (map_page(page, entry_in(range, page)))
            return -ENOMEM;
    return 0;
}

/* A page of a range that was not mapped ahead, when it is touched, in a view that there is. */
static bool map_its_own(vaddr_t address)
{
    bool is_second = address >= RUNTIME_VIRTUAL_OFFSET;
    paddr_t page = align_down(address - (is_second ? RUNTIME_VIRTUAL_OFFSET : 0), PAGE_SIZE);
    const struct memory_range *range = range_of(page);

    return (is_second ? second_view : first_view) && range && runtime_space_is_runtime(range) &&
           !map_page(align_down(address, PAGE_SIZE), entry_in(range, page));
}

/* ---- the memory attributes table ---- */

static const EFI_GUID attributes_table = {
    0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};

/* Where the configuration table of this name lies; 0: there is none. */
static paddr_t configuration_find(const struct handoff_tables *tables, const EFI_GUID *name)
{
    size_t count = tables->configuration_count;
    const EFI_CONFIGURATION_TABLE *entries =
        count > 4096
            ? NULL
            : runtime_space_view_reserved(tables->configuration, count * sizeof(entries[0]));

    for (size_t i = 0; entries && i < count; i++)
        if (!memcmp(&entries[i].VendorGuid, name, sizeof(*name)))
            return (paddr_t)entries[i].VendorTable;
    return 0;
}

/* Pages outside runtime ranges are nobody's: false. */
static bool protect(const struct memory_attributes_entry *part)
{
    const struct memory_range *range = range_of(part->base);

    if (!range || !runtime_space_is_runtime(range) ||
        part->size > range->base + range->size - part->base)
        return false;
    for (vaddr_t page = part->base; page < part->base + part->size; page += PAGE_SIZE) {
        uint64_t *entry = page_table_entry(runtime_root, page);
        if (!entry || !*entry)
            return false;
        *entry &= ~(PAGE_WRITABLE | PAGE_DIRTY | PAGE_NO_EXECUTE);
        *entry |= part->writable ? PAGE_WRITABLE | PAGE_DIRTY : 0;
        *entry |= part->executable ? 0 : PAGE_NO_EXECUTE;
    }
    return true;
}

static void protect_all(const struct handoff_tables *tables)
{
    paddr_t place = configuration_find(tables, &attributes_table);
    const struct memory_range *range = place ? range_of(place) : NULL;
    size_t size = range ? range->base + range->size - place : 0;
    const uint8_t *bytes = range ? runtime_space_view(place, size) : NULL;
    struct memory_attributes table;
    struct memory_attributes_entry part;
    const char *reason = "it lies where no memory is";
    unsigned kept = 0, ignored = 0;
    int error;

    if (!place) {
        log_write(LOG_NOTICE, "firmware: no memory attributes table: its code can be written to");
        return;
    }
    if (!bytes || memory_attributes_start(bytes, size, &table, &reason)) {
        log_write(LOG_WARNING, "firmware: the memory attributes table is ignored: %s", reason);
        return;
    }
    for (uint32_t i = 0; (error = memory_attributes_at(&table, i, &part)) != -ENOENT; i++) {
        if (!error && protect(&part))
            kept++;
        else
            ignored++;
    }
    log_write(ignored ? LOG_WARNING : LOG_NOTICE,
              "firmware: memory attributes: %u ranges protected, %u unusable", kept, ignored);
}

int runtime_space_initialize(const struct handoff_tables *tables, const struct acpi_root *acpi,
                             const struct memory_range *ranges, size_t range_count)
{
    map = ranges;
    map_count = range_count;
    acpi_devices_initialize(acpi);
    runtime_root = page_table_create();
    if (!runtime_root)
        return -ENOMEM;
    table_count = 1;
    for (size_t i = 0; i < range_count; i++)
        if (runtime_space_is_runtime(&ranges[i]) && map_range(&ranges[i]))
            return -ENOMEM;
    protect_all(tables);
    return 0;
}

/* ---- two views ---- */

/* Each page of a range for which there are tables, by a function that answers 0 or an error. */
static int for_each_page_of(const struct memory_range *range, int (*act)(paddr_t page))
{
    paddr_t end = range->base + range->size, page = range->base;
    int error = 0;

    while (page < end && !error) {
        vaddr_t stop = end;
        bool is_mapped = page_table_leaf(runtime_root, page, &stop);
        for (; page < stop && is_mapped && !error; page += PAGE_SIZE)
            error = act(page);
        page = error ? page : stop;
    }
    return error;
}

/* The same of all runtime ranges. */
static int for_each_page(int (*act)(paddr_t page))
{
    int error = 0;

    for (size_t i = 0; i < map_count && !error; i++)
        if (runtime_space_is_runtime(&map[i]))
            error = for_each_page_of(&map[i], act);
    return error;
}

static int show_twice(paddr_t page)
{
    uint64_t *entry = page_table_entry(runtime_root, page);

    if (!entry || !*entry)
        return 0;
    uint64_t value = *entry;
    *entry = (value | PAGE_WRITABLE | PAGE_DIRTY) & ~PAGE_NO_EXECUTE;
    return map_page(page + RUNTIME_VIRTUAL_OFFSET, value);
}

int runtime_space_second_view(void)
{
    second_view = true;
    return for_each_page(show_twice);
}

static int drop_first(paddr_t page)
{
    unmap_page(page);
    return 0;
}

static int drop_second(paddr_t page)
{
    uint64_t *entry = page_table_entry(runtime_root, page);
    const uint64_t *second = page_table_entry(runtime_root, page + RUNTIME_VIRTUAL_OFFSET);

    if (entry && *entry && second && *second)
        *entry = *second;
    unmap_page(page + RUNTIME_VIRTUAL_OFFSET);
    return 0;
}

void runtime_space_choose_view(bool second)
{
    first_view = !second;
    second_view = second;
    for_each_page(second ? drop_first : drop_second);
}

/* ---- what the log calls an address ---- */

/* The image whose head is nearest below an address and that reaches up to it. */
static bool image_of(paddr_t address, paddr_t *base, struct pe_image *image)
{
    const struct memory_range *range = range_of(address);
    paddr_t page = align_down(address, PAGE_SIZE);

    if (!range || !is_firmware_memory(range->kind))
        return false;
    for (size_t i = 0; i < IMAGE_PAGES_BACK; i++, page -= PAGE_SIZE) {
        range = range_of(page);
        if (!range || !is_firmware_memory(range->kind))
            return false;
        size_t size = range->base + range->size - page;
        if (pe_image_read(frame_pointer(page), size, image)) {
            *base = page;
            return address - page < image->size;
        }
    }
    return false;
}

static const char *kind_of(paddr_t address)
{
    const struct memory_range *range = address < USER_HALF_END ? range_of(address) : NULL;
    const char *device = address < USER_HALF_END ? acpi_devices_name(address) : NULL;

    if (address >= USER_HALF_END)
        return "the kernel's";
    return device ? device : range ? memory_kind_name(range->kind) : "not in the memory map";
}

const char *runtime_space_describe(vaddr_t address, char *text, size_t size)
{
    struct pe_image image;
    paddr_t base;

    if (address < USER_HALF_END && image_of(address, &base, &image))
        format_string(text, size, "%#lx (%s, image %s at %#lx + %#lx)", address, kind_of(address),
                      image.name[0] ? image.name : "without a name", base, address - base);
    else
        format_string(text, size, "%#lx (%s)", address, kind_of(address));
    return text;
}

/* ---- faults ---- */

static char access_of(const struct trap_frame *frame)
{
    return frame->code & PAGE_FAULT_FETCH ? 'x' : frame->code & PAGE_FAULT_WRITE ? 'w' : 'r';
}

static bool is_news(const char *service, paddr_t base, char access)
{
    for (size_t i = 0; i < report_count; i++) {
        const struct report *report = &reports[i];
        if (report->service == service && report->base == base && report->access == access)
            return false;
    }
    if (report_count == REPORT_MAXIMUM)
        return false;
    reports[report_count++] = (struct report){service, base, access};
    return true;
}

static void report(const char *service, const struct trap_frame *frame, vaddr_t address,
                   const char *answer)
{
    const struct memory_range *range = range_of(address);
    char access = access_of(frame), what[160], where[160];

    if (!is_news(service, range ? range->base : align_down(address, 1UL << 20), access))
        return;
    log_write(LOG_WARNING, "firmware: %s %s %s, from %s: %s", service,
              access == 'x'   ? "executes"
              : access == 'w' ? "writes to"
                              : "reads",
              runtime_space_describe(address, what, sizeof(what)),
              runtime_space_describe(frame->rip, where, sizeof(where)), answer);
}

/* Memory that Baton uses for nothing, devices of the map and of ACPI: what may be lent, and how. */
static bool may_lend(vaddr_t address, bool *cached)
{
    const struct memory_range *range = range_of(address);

    *cached = range && range->attributes & MEMORY_ATTRIBUTE_WB;
    if (!range)
        return acpi_devices_name(address);
    switch (range->kind) {
    case MEMORY_DEVICE:
        *cached = false;
        return true;
    case MEMORY_BOOT_SERVICES:
    case MEMORY_ACPI_TABLES:
    case MEMORY_ACPI_NVS:
    case MEMORY_UNCACHED:
    case MEMORY_RESERVED:
        return true;
    default:
        return false;
    }
}

/* Baton's interrupts and its scheduler's ticks are made there: who writes to it stops the machine,
   so it may only be read. */
static bool is_local_apic(paddr_t page)
{
    return page == align_down(local_apic_address(), PAGE_SIZE);
}

static bool lend(vaddr_t address, char access)
{
    vaddr_t page = align_down(address, PAGE_SIZE);
    bool cached;

    if (lent_count == LENT_MAXIMUM || !may_lend(address, &cached))
        return false;
    if (access == 'w' && is_local_apic(page))
        return false;
    if (access == 'x' && !cached)
        return false; /* a device is not executed */
    uint64_t value = entry_of(page, cached);
    if (access != 'w')
        value &= ~(PAGE_WRITABLE | PAGE_DIRTY);
    if (access != 'x')
        value |= PAGE_NO_EXECUTE;
    if (map_page(page, value))
        return false;
    lent[lent_count++] = page;
    return true;
}

/* It has the page, but not the right: it gets it, for some firmware writes to its code. Lent pages
   begin with what was asked for first. */
static bool widen(uint64_t *entry, vaddr_t address, char access)
{
    uint64_t before = *entry;

    if (access == 'w' && !is_local_apic(*entry & PAGE_FRAME))
        *entry |= PAGE_WRITABLE | PAGE_DIRTY;
    else if (access == 'x')
        *entry &= ~PAGE_NO_EXECUTE;
    page_invalidate(align_down(address, PAGE_SIZE));
    return *entry != before;
}

bool runtime_space_fault(const char *service, const struct trap_frame *frame, vaddr_t address)
{
    if (address >= USER_HALF_END || address < PAGE_SIZE)
        return false;
    uint64_t *entry = page_table_entry(runtime_root, align_down(address, PAGE_SIZE));
    char access = access_of(frame);
    bool there = entry && *entry;

    if (!there && map_its_own(address))
        return true;
    if (address >> cpu_features.physical_bits)
        return false;
    if (there ? !widen(entry, address, access) : !lend(address, access))
        return false;
    const struct memory_range *range = range_of(address);
    bool is_its_own = there && range && runtime_space_is_runtime(range);
    report(service, frame, address, is_its_own ? "allowed against its own table" : "lent to it");
    return true;
}

void runtime_space_close(void)
{
    while (lent_count)
        unmap_page(lent[--lent_count]);
}
