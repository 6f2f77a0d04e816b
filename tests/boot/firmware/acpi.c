/*
 * acpi.c: tables that lie. `acpi SIGNATURE OFFSET BYTES [seal]` writes bytes over a table, of which
 * RSDP and DSDT are two; with `seal` its checksum is right again. `acpi-append SIGNATURE BYTES`
 * makes a longer copy of a table, sealed, and puts it into XSDT and RSDT; of the XSDT, in its
 * place. `acpi-move SIGNATURE OFFSET` has a table, also the RSDP, lie that far behind a page's
 * begin. `acpi-point SIGNATURE OFFSET BYTES` puts the bytes into a reserved page and that page's
 * address into a table. `acpi-name SIGNATURE` puts that table into the XSDT's last entry.
 * `acpi-none` takes the tables from the configuration table.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

#define APPENDED_PAGES 16

#pragma pack(push, 1)
struct root_pointer { /* ACPI 6.4, 5.2.5.3 */
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
};

struct table { /* ACPI 6.4, 5.2.6 */
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    uint8_t rest[26];
    uint8_t body[];
};
#pragma pack(pop)

static struct root_pointer *root_pointer_find(void)
{
    static const EFI_GUID acpi2 = ACPI_20_TABLE_GUID;

    for (UINTN i = 0; i < system_table->NumberOfTableEntries; i++) {
        EFI_CONFIGURATION_TABLE *entry = &system_table->ConfigurationTable[i];

        if (memcmp(&entry->VendorGuid, &acpi2, sizeof acpi2) == 0)
            return entry->VendorTable;
    }
    return NULL;
}

static uint8_t sum(const void *bytes, size_t size)
{
    const uint8_t *next = bytes;
    uint8_t total = 0;

    while (size--)
        total += *next++;
    return total;
}

static void seal(struct table *table)
{
    table->checksum = 0;
    table->checksum = -sum(table, table->length);
}

static void root_pointer_seal(struct root_pointer *root)
{
    root->checksum = root->extended_checksum = 0;
    root->checksum = -sum(root, 20);
    root->extended_checksum = -sum(root, sizeof *root);
}

static uint64_t entry_get(const struct table *list, size_t index, size_t width)
{
    uint64_t address = 0;

    memcpy(&address, list->body + index * width, width);
    return address;
}

/* The FADT names it (ACPI 6.4, 5.2.9). */
static struct table *dsdt_find(const struct table *fadt)
{
    uint64_t address = 0;

    if (fadt)
        memcpy(&address, (const uint8_t *)fadt + 140, sizeof address);
    if (fadt && !address)
        memcpy(&address, (const uint8_t *)fadt + 40, sizeof(uint32_t));
    return (struct table *)address;
}

static struct table *table_find(struct root_pointer *root, const char *signature)
{
    struct table *list = (struct table *)root->xsdt;

    if (strcmp(signature, "DSDT") == 0)
        return dsdt_find(table_find(root, "FACP"));

    if (strcmp(signature, "XSDT") == 0)
        return list;
    if (strcmp(signature, "RSDT") == 0)
        return (struct table *)(uintptr_t)root->rsdt;
    for (size_t i = 0; i < (list->length - sizeof *list) / 8; i++) {
        struct table *table = (struct table *)entry_get(list, i, 8);

        if (memcmp(table->signature, signature, 4) == 0)
            return table;
    }
    report("acpi: no table %s\n", signature);
    return NULL;
}

static void entry_replace(struct table *list, size_t width, uint64_t old, uint64_t new)
{
    for (size_t i = 0; list && i < (list->length - sizeof *list) / width; i++) {
        if (entry_get(list, i, width) == old)
            memcpy(list->body + i * width, &new, width);
    }
    if (list)
        seal(list);
}

/* Whatever names a table names its copy. */
static void replace(struct root_pointer *root, const struct table *table, const struct table *copy)
{
    if (table == (struct table *)root->xsdt)
        root->xsdt = (uintptr_t)copy;
    if (table == (struct table *)(uintptr_t)root->rsdt)
        root->rsdt = (uint32_t)(uintptr_t)copy;
    root_pointer_seal(root);
    entry_replace((struct table *)root->xsdt, 8, (uintptr_t)table, (uintptr_t)copy);
    entry_replace((struct table *)(uintptr_t)root->rsdt, 4, (uintptr_t)table, (uintptr_t)copy);
}

static void append(struct root_pointer *root, const struct order *order)
{
    struct table *table = table_find(root, order->words[1]), *longer;
    UINTN pages = table ? table->length / EFI_PAGE_SIZE + 1 + APPENDED_PAGES : 0;

    if (!table || !(longer = pages_take(EfiACPIReclaimMemory, pages)))
        return;
    memcpy(longer, table, table->length);
    longer->length +=
        order_bytes(order, 2, (uint8_t *)longer + table->length, APPENDED_PAGES * EFI_PAGE_SIZE);
    seal(longer);
    replace(root, table, longer);
}

/* The pointer itself: both names of it in the configuration table lead there. */
static void root_pointer_move(const struct root_pointer *root, void *place)
{
    for (UINTN i = 0; i < system_table->NumberOfTableEntries; i++) {
        EFI_CONFIGURATION_TABLE *entry = &system_table->ConfigurationTable[i];

        if (entry->VendorTable == root)
            entry->VendorTable = place;
    }
    memcpy(place, root, sizeof *root);
}

static void move(struct root_pointer *root, const struct order *order)
{
    bool is_root = strcmp(order->words[1], "RSDP") == 0;
    struct table *table = is_root ? NULL : table_find(root, order->words[1]);
    uint64_t offset = order_number(order, 2);
    uint8_t *pages = pages_take(EfiACPIReclaimMemory, APPENDED_PAGES);

    if (is_root && pages) {
        root_pointer_move(root, pages + offset);
    } else if (table && pages) {
        memcpy(pages + offset, table, table->length);
        replace(root, table, (struct table *)(pages + offset));
    }
}

static void overwrite(struct root_pointer *root, const struct order *order)
{
    bool sealed = strcmp(order->words[4], "seal") == 0;
    uint64_t offset = order_number(order, 2);
    struct table *table;

    if (strcmp(order->words[1], "RSDP") == 0) {
        order_bytes(order, 3, (uint8_t *)root + offset, sizeof *root - offset);
        if (sealed)
            root_pointer_seal(root);
        return;
    }
    table = table_find(root, order->words[1]);
    if (!table)
        return;
    order_bytes(order, 3, (uint8_t *)table + offset, EFI_PAGE_SIZE);
    if (sealed)
        seal(table);
}

static void point(struct root_pointer *root, const struct order *order)
{
    struct table *table = table_find(root, order->words[1]);
    uint8_t *page = pages_take(EfiReservedMemoryType, 1);
    uint64_t address = (uintptr_t)page;

    if (!table || !page)
        return;
    order_bytes(order, 3, page, EFI_PAGE_SIZE);
    memcpy((uint8_t *)table + order_number(order, 2), &address, sizeof address);
    seal(table);
}

/* Of a list that was made longer. */
static void name_last(struct root_pointer *root, const struct order *order)
{
    struct table *list = (struct table *)root->xsdt, *table = table_find(root, order->words[1]);
    uint64_t address = (uintptr_t)table;

    memcpy((uint8_t *)list + list->length - sizeof address, &address, sizeof address);
    seal(list);
}

void acpi_install(void)
{
    static EFI_GUID guids[] = {ACPI_20_TABLE_GUID, ACPI_TABLE_GUID};
    struct root_pointer *root = root_pointer_find();
    const struct order *order;

    for (order = NULL; root && (order = order_next(order, "acpi-append"));)
        append(root, order);
    for (order = NULL; root && (order = order_next(order, "acpi-move"));)
        move(root, order);
    for (order = NULL; root && (order = order_next(order, "acpi-name"));)
        name_last(root, order);
    for (order = NULL; root && (order = order_next(order, "acpi-point"));)
        point(root, order);
    for (order = NULL; root && (order = order_next(order, "acpi"));)
        overwrite(root, order);
    if (order_next(NULL, "acpi-none")) {
        for (int i = 0; i < 2; i++)
            real_boot.InstallConfigurationTable(&guids[i], NULL);
    }
}
