/* ACPI tables: 49 to 57 (ACPI 6.6, chapter 5). */
#include "library/audit/check.h"
#include "library/bytes.h"
#include "library/string.h"

static const uint8_t guid_acpi1[16] =
    GUID(0xeb9d2d30, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d);
static const uint8_t guid_acpi2[16] =
    GUID(0x8868e871, 0xe4f1, 0x11d3, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81);

/* An entry of a kind; when the configuration tables name no ACPI: not applicable. */
static bool acpi_need(struct audit *audit, uint16_t kind, struct record_entry *entry)
{
    uint64_t address;

    if (record_find(audit->record, kind, entry))
        return true;
    if (record_count(audit->record, RECORD_CONFIGURATION) > 0 &&
        !configuration_find(audit->record, guid_acpi1, &address) &&
        !configuration_find(audit->record, guid_acpi2, &address))
        audit_not_applicable(audit, "there is no ACPI");
    else
        (void)audit_need(audit, kind, entry);
    return false;
}

static uint8_t sum_of(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum;
}

/* ---- 49, 50, 51: the root ---- */

static bool root_next(const struct record *record, struct record_entry *entry,
                      struct acpi_view *view)
{
    if (!record_next_of(record, RECORD_ACPI_ROOT, entry))
        return false;
    acpi_load(entry, view);
    view->size = entry->size - (size_t)(view->bytes - entry->bytes); /* ACPI 1's says no length */
    return true;
}

static void root(struct audit *audit)
{
    struct record_entry entry = {0};
    struct acpi_view view;

    if (!acpi_need(audit, RECORD_ACPI_ROOT, &entry))
        return;
    entry = (struct record_entry){0};
    while (root_next(audit->record, &entry, &view)) {
        if (view.size < 20) {
            audit_not_known(audit, "the RSDP was recorded in part");
            continue;
        }
        if (memcmp(view.bytes, "RSD PTR ", 8) != 0)
            audit_fail(audit, view.offset, "signature \"%.8s\"", (const char *)view.bytes);
        if (sum_of(view.bytes, 20) != 0)
            audit_fail(audit, view.offset + 8, "the first 20 bytes add up to 0x%02x",
                       sum_of(view.bytes, 20));
        if (view.bytes[15] >= 2 && (view.size < 36 || sum_of(view.bytes, 36) != 0))
            audit_fail(audit, view.offset + 32, "the extended checksum is wrong");
    }
}

static void revisions(struct audit *audit)
{
    struct record_entry entry = {0};
    struct acpi_view view;

    if (!acpi_need(audit, RECORD_ACPI_ROOT, &entry))
        return;
    entry = (struct record_entry){0};
    while (root_next(audit->record, &entry, &view)) {
        if (view.size < 20 || view.head.named_by == 0 || view.head.named_by > 2)
            continue;
        bool two = view.head.named_by == RECORD_ACPI_BY_GUID_2;
        if (two && (view.bytes[15] < 2 || view.size < 36 || load64(view.bytes + 24) == 0))
            audit_fail(audit, view.offset + 15, "ACPI 2.0's GUID names an RSDP of revision %u%s",
                       view.bytes[15], view.bytes[15] < 2 ? "" : " without an XSDT");
        if (!two && load32(view.bytes + 16) == 0)
            audit_fail(audit, view.offset + 16, "ACPI 1.0's GUID names an RSDP without an RSDT");
    }
}

static void xsdt(struct audit *audit)
{
    struct record_entry entry = {0};
    struct acpi_view view;

    if (!acpi_need(audit, RECORD_ACPI_TABLE, &entry))
        return;
    if (!acpi_find(audit->record, "XSDT", &view)) {
        audit_fail(audit, AUDIT_NO_OFFSET, "there is no XSDT%s",
                   acpi_find(audit->record, "RSDT", &view) ? ", an RSDT is used" : "");
        return;
    }
    if (view.head.sum != 0)
        audit_fail(audit, view.offset, "its bytes add up to 0x%02x", view.head.sum);
    if (view.head.length < 36 || (view.head.length - 36) % 8 != 0)
        audit_fail(audit, view.offset + 4, "its length is %u", view.head.length);
    for (size_t at = 36; at + 8 <= view.size; at += 8) {
        if (load64(view.bytes + at) == 0)
            audit_fail(audit, view.offset + at, "entry %zu is NULL", (at - 36) / 8);
    }
}

/* ---- 52, 53: every table ---- */

static bool is_facs(const struct acpi_view *view)
{
    return view->size >= 4 && memcmp(view->bytes, "FACS", 4) == 0;
}

static void table_ask(struct audit *audit, const struct acpi_view *view)
{
    const char *name = (const char *)view->bytes;

    if (view->size < 8 || load32(view->bytes + 4) != view->head.length ||
        view->head.length < (is_facs(view) ? 64 : 36)) {
        audit_fail(audit, view->offset + 4, "%.4s at 0x%llx has length %u",
                   view->size >= 4 ? name : "", (unsigned long long)view->head.address,
                   view->head.length);
        return;
    }
    /* FACS has no checksum (ACPI 6.6, 5.2.10). */
    bool whole = view->size == view->head.length;
    uint8_t sum = whole ? sum_of(view->bytes, view->size) : view->head.sum;
    if (!is_facs(view) && sum != 0)
        audit_fail(audit, view->offset + 9, "%.4s at 0x%llx adds up to 0x%02x", name,
                   (unsigned long long)view->head.address, sum);
}

static void checksums(struct audit *audit)
{
    struct record_entry entry = {0};
    struct acpi_view view;

    if (!acpi_need(audit, RECORD_ACPI_TABLE, &entry))
        return;
    entry = (struct record_entry){0};
    while (acpi_next(audit->record, NULL, &entry, &view))
        table_ask(audit, &view);
}

static void place_ask(struct audit *audit, const struct map *map, const struct acpi_view *view)
{
    struct descriptor range;
    bool found = map_find(map, view->head.address, &range);
    bool right = found && (range.type == TYPE_ACPI_NVS ||
                           (range.type == TYPE_ACPI_RECLAIM && !is_facs(view)));

    if (!right)
        audit_fail(audit, view->offset, "%.4s at 0x%llx lies in %s",
                   view->size >= 4 ? (const char *)view->bytes : "",
                   (unsigned long long)view->head.address,
                   found ? record_memory_type_name(range.type) : "no descriptor");
    if (is_facs(view) && view->head.address % 64 != 0)
        audit_fail(audit, view->offset, "FACS at 0x%llx is not aligned to 64 bytes",
                   (unsigned long long)view->head.address);
}

static void places(struct audit *audit)
{
    struct record_entry entry = {0};
    struct acpi_view view;
    struct map map;

    if (!acpi_need(audit, RECORD_ACPI_TABLE, &entry) || !map_need(audit, &map))
        return;
    entry = (struct record_entry){0};
    while (acpi_next(audit->record, NULL, &entry, &view) && audit_afford(audit, map.count))
        place_ask(audit, &map, &view);
}

/* ---- 54: FADT (ACPI 6.6, 5.2.9) ---- */

struct twice {
    const char *name;
    uint16_t narrow, wide; /* offsets; a generic address's address is 4 bytes into it */
};

static void fadt(struct audit *audit)
{
    static const struct twice fields[] = {
        {"FIRMWARE_CTRL", 36, 132}, {"DSDT", 40, 140},         {"PM1a_EVT_BLK", 56, 152},
        {"PM1b_EVT_BLK", 60, 164},  {"PM1a_CNT_BLK", 64, 176}, {"PM1b_CNT_BLK", 68, 188},
        {"PM2_CNT_BLK", 72, 200},   {"PM_TMR_BLK", 76, 212},   {"GPE0_BLK", 80, 224},
        {"GPE1_BLK", 84, 236},
    };
    struct record_entry entry = {0};
    struct acpi_view view;

    if (!acpi_need(audit, RECORD_ACPI_TABLE, &entry))
        return;
    if (!acpi_find(audit->record, "FACP", &view)) {
        audit_not_known(audit, "no FADT was recorded");
        return;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (view.size < fields[i].wide + 8U)
            break;
        uint32_t narrow = load32(view.bytes + fields[i].narrow);
        uint64_t wide = load64(view.bytes + fields[i].wide);
        if (narrow != 0 && wide != 0 && narrow != wide)
            audit_fail(audit, view.offset + fields[i].narrow, "%s 0x%x, X_%s 0x%llx",
                       fields[i].name, narrow, fields[i].name, (unsigned long long)wide);
    }
}

/* ---- 55, 56, 57: MADT (ACPI 6.6, 5.2.12) ---- */

enum {
    MADT_ENTRIES = 44,
    MADT_APIC = 0,
    MADT_ADDRESS_OVERRIDE = 5,
    MADT_X2APIC = 9,
    MADT_USABLE = 3, /* enabled, online capable */
};

struct madt_processor {
    uint32_t apic_id, uid;
    bool x2apic;
    uint64_t offset;
};

static bool madt_need(struct audit *audit, struct acpi_view *view)
{
    struct record_entry entry;

    if (!acpi_need(audit, RECORD_ACPI_TABLE, &entry))
        return false;
    if (acpi_find(audit->record, "APIC", view))
        return true;
    audit_not_known(audit, "no MADT was recorded");
    return false;
}

/* The next structure at *at with a length that makes sense; moves on. */
static const uint8_t *madt_next(const struct acpi_view *view, size_t *at)
{
    const uint8_t *item = view->bytes + *at;

    if (*at + 2 > view->size || item[1] < 2 || *at + item[1] > view->size)
        return NULL;
    *at += item[1];
    return item;
}

static bool processor_next(const struct acpi_view *view, size_t *at,
                           struct madt_processor *processor)
{
    const uint8_t *item;

    while ((item = madt_next(view, at)) != NULL) {
        processor->offset = view->offset + (uint64_t)(item - view->bytes);
        if (item[0] == MADT_APIC && item[1] >= 8 && (load32(item + 4) & MADT_USABLE)) {
            processor->apic_id = item[3];
            processor->uid = item[2];
            processor->x2apic = false;
            return true;
        }
        if (item[0] == MADT_X2APIC && item[1] >= 16 && (load32(item + 8) & MADT_USABLE)) {
            processor->apic_id = load32(item + 4);
            processor->uid = load32(item + 12);
            processor->x2apic = true;
            return true;
        }
    }
    return false;
}

static void processors_unique(struct audit *audit)
{
    struct madt_processor left, right;
    struct acpi_view view;
    size_t at = MADT_ENTRIES;

    if (!madt_need(audit, &view))
        return;
    while (processor_next(&view, &at, &left)) {
        for (size_t other = at; processor_next(&view, &other, &right);) {
            if (!audit_afford(audit, 1))
                return;
            if (left.apic_id == right.apic_id)
                audit_fail(audit, right.offset, "APIC identifier %u is there twice", left.apic_id);
            if (left.uid == right.uid)
                audit_fail(audit, right.offset, "processor UID %u is there twice", left.uid);
        }
    }
}

static bool apic_base(struct audit *audit, uint64_t *base)
{
    struct record_entry_state state;
    struct record_entry entry;

    if (!audit_need(audit, RECORD_ENTRY_STATE, &entry))
        return false;
    (void)record_load(&entry, &state, sizeof(state), NULL);
    *base = state.apic_base;
    if (state.valid & RECORD_VALID_APIC_BASE)
        return true;
    audit_not_known(audit, "the APIC base register was not read");
    return false;
}

static void processors_reachable(struct audit *audit)
{
    enum {
        X2APIC_MODE = 1 << 10, /* SDM volume 3, 11.12.1 */
    };
    struct madt_processor processor;
    struct acpi_view view;
    size_t at = MADT_ENTRIES;
    uint64_t base;

    if (!madt_need(audit, &view) || !apic_base(audit, &base))
        return;
    while (processor_next(&view, &at, &processor)) {
        if (!(base & X2APIC_MODE) && processor.apic_id >= 255)
            audit_fail(audit, processor.offset, "APIC identifier %u, and the APIC is in xAPIC mode",
                       processor.apic_id);
    }
}

/* The host bridge of Q35 has the window's base itself (PCIEXBAR, register 60h). */
static void window_ask(struct audit *audit, const struct acpi_view *mcfg)
{
    struct record_entry entry = {0};
    struct record_pci function;
    size_t size;

    while (mcfg->size >= 60 && record_next_of(audit->record, RECORD_PCI_FUNCTION, &entry)) {
        const uint8_t *registers = record_load(&entry, &function, sizeof(function), &size);
        bool bridge = function.segment == 0 && function.bus == 0 && function.device == 0 &&
                      function.function == 0 && size >= 0x68 && load32(registers) == 0x29c08086;
        uint64_t window = bridge ? load64(registers + 0x60) & ~UINT64_C(0x3ffffff) : 0;
        if (window != 0 && window != load64(mcfg->bytes + 44))
            audit_fail(audit, mcfg->offset + 44, "MCFG says 0x%llx, the host bridge 0x%llx",
                       (unsigned long long)load64(mcfg->bytes + 44), (unsigned long long)window);
    }
}

static void addresses(struct audit *audit)
{
    struct acpi_view view;
    const uint8_t *item;
    size_t at = MADT_ENTRIES;
    uint64_t base;

    if (!madt_need(audit, &view) || !apic_base(audit, &base))
        return;
    uint64_t said = view.size >= MADT_ENTRIES ? load32(view.bytes + 36) : 0;
    while ((item = madt_next(&view, &at)) != NULL) {
        if (item[0] == MADT_ADDRESS_OVERRIDE && item[1] >= 12)
            said = load64(item + 4);
    }
    base &= ~(uint64_t)(PAGE - 1);
    if (said != base)
        audit_fail(audit, view.offset + 36, "MADT says 0x%llx, the register 0x%llx",
                   (unsigned long long)said, (unsigned long long)base);
    if (acpi_find(audit->record, "MCFG", &view))
        window_ask(audit, &view);
}

static const struct audit_check checks[] = {
    {49, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "RSDP", "ACPI 6.6, 5.2.5.3",
     "signature \"RSD PTR \", both checksums right",
     "Compute the checksums after the last change of the RSDP.", root},
    {50, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "ACPI 1.0 against 2.0",
     "ACPI 6.6, 5.2.5.2 and 5.2.5.3; UEFI 2.11, 4.6.1.1",
     "the GUID for 2.0 names an RSDP of revision 2 with an XSDT, the one for 1.0 an RSDT",
     "Install the RSDP under EFI_ACPI_20_TABLE_GUID with revision 2 and an XSDT.", revisions},
    {51, AUDIT_HIGH, AUDIT_HIGH, false, "XSDT", "ACPI 6.6, 5.2.8", "there, whole, without NULL",
     "Produce an XSDT with a right length and checksum, and let an RSDP of revision 2 name it; "
     "systems fall back to the RSDT, or stop.",
     xsdt},
    {52, AUDIT_HIGH, AUDIT_HIGH, false, "checksums and lengths", "ACPI 6.6, 5.2.6",
     "every table adds up to 0 and has its header's length",
     "Update the checksum after each patch of a table.", checksums},
    {53, AUDIT_HIGH, AUDIT_HIGH, false, "where ACPI tables lie",
     "UEFI 2.11, 2.3.4; ACPI 6.6, 5.2.10",
     "EfiACPIReclaimMemory or EfiACPIMemoryNVS; FACS in the latter, aligned to 64 bytes",
     "Allocate tables with these types.", places},
    {54, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "FADT, 32 against 64 bits", "ACPI 6.6, 5.2.9",
     "where both fields are set they say the same", "Set both from one value.", fadt},
    {55, AUDIT_HIGH, AUDIT_HIGH, false, "identifiers in MADT", "ACPI 6.6, 5.2.12.2 and 5.2.12.12",
     "APIC identifiers and processor UIDs of usable processors are unique",
     "List a processor either as local APIC or as local x2APIC, once.", processors_unique},
    {56, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "identifiers that can be reached",
     "ACPI 6.6, 5.2.12.12; SDM volume 3, 11.12", "below 255 unless the APIC is in x2APIC mode",
     "Switch to x2APIC mode on all processors before the handoff, or do not list these.",
     processors_reachable},
    {57, AUDIT_HIGH, AUDIT_HIGH, false, "addresses in MADT and MCFG",
     "ACPI 6.6, 5.2.12; PCI Firmware 3.3, 4.1.2", "what the registers say",
     "Read the addresses from the registers when the tables are made.", addresses},
};

AUDIT_FAMILY(audit_acpi, "tables", checks);
