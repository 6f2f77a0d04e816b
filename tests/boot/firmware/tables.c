/*
 * tables.c: configuration tables that are wrong. `table GUID OFFSET BYTES` writes bytes over one,
 * `table-add GUID BYTES` installs one, `table-null GUID` leaves it with no address, `table-twice
 * GUID` lists it a second time, `table-at GUID ADDRESS` says that it is there. A GUID is its 16
 * bytes as they lie in memory, in hexadecimal digits. `system-table OFFSET BYTES`,
 * `boot-table OFFSET BYTES` and `runtime-table OFFSET BYTES` write over the tables of the firmware
 * itself.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

static EFI_CONFIGURATION_TABLE *entry_find(const struct order *order)
{
    EFI_GUID guid = {0};

    order_bytes(order, 1, &guid, sizeof guid);
    for (UINTN i = 0; i < system_table->NumberOfTableEntries; i++) {
        EFI_CONFIGURATION_TABLE *entry = &system_table->ConfigurationTable[i];

        if (memcmp(&entry->VendorGuid, &guid, sizeof guid) == 0)
            return entry;
    }
    report("%s: no table %s\n", order->words[0], order->words[1]);
    return NULL;
}

/* In memory that the kernel still reads after the exit. */
static void table_add(const struct order *order)
{
    static EFI_GUID guid;
    uint8_t *table = pages_take(EfiACPIReclaimMemory, 1);

    order_bytes(order, 1, &guid, sizeof guid);
    if (!table)
        return;
    order_bytes(order, 2, table, EFI_PAGE_SIZE);
    real_boot.InstallConfigurationTable(&guid, table);
}

static void table_overwrite(const struct order *order)
{
    EFI_CONFIGURATION_TABLE *entry = entry_find(order);

    if (entry)
        order_bytes(order, 3, (uint8_t *)entry->VendorTable + order_number(order, 2),
                    EFI_PAGE_SIZE);
}

static void table_null(const struct order *order)
{
    EFI_CONFIGURATION_TABLE *entry = entry_find(order);

    if (entry)
        entry->VendorTable = NULL;
}

static void table_at(const struct order *order)
{
    EFI_CONFIGURATION_TABLE *entry = entry_find(order);

    if (entry)
        entry->VendorTable = (void *)order_number(order, 2);
}

static void system_table_overwrite(const struct order *order)
{
    order_bytes(order, 2, (uint8_t *)system_table + order_number(order, 1), sizeof *system_table);
}

static void runtime_table_overwrite(const struct order *order)
{
    order_bytes(order, 2, (uint8_t *)system_table->RuntimeServices + order_number(order, 1),
                sizeof *system_table->RuntimeServices);
}

/* In a copy, which the loader sees: the firmware's own drivers know where the table is. */
static void boot_table_overwrite(const struct order *order)
{
    static EFI_BOOT_SERVICES copy;

    if (system_table->BootServices != &copy)
        copy = *system_table->BootServices;
    system_table->BootServices = &copy;
    order_bytes(order, 2, (uint8_t *)system_table->BootServices + order_number(order, 1),
                sizeof *system_table->BootServices);
}

static void table_twice(const struct order *order)
{
    EFI_CONFIGURATION_TABLE *entry = entry_find(order);
    EFI_CONFIGURATION_TABLE *longer = entry ? pages_take(EfiACPIReclaimMemory, 1) : NULL;
    UINTN count = system_table->NumberOfTableEntries;

    if (!longer || (count + 1) * sizeof *longer > EFI_PAGE_SIZE)
        return;
    memcpy(longer, system_table->ConfigurationTable, count * sizeof *longer);
    longer[count] = *entry;
    system_table->ConfigurationTable = longer;
    system_table->NumberOfTableEntries = count + 1;
}

/* What installs comes before what changes the list behind the firmware's back. */
void tables_install(void)
{
    static const struct {
        const char *name;
        void (*obey)(const struct order *order);
    } kinds[] = {
        {"table-add", table_add},
        {"table", table_overwrite},
        {"table-null", table_null},
        {"table-twice", table_twice},
        {"table-at", table_at},
        {"boot-table", boot_table_overwrite},
        {"runtime-table", runtime_table_overwrite},
        {"system-table", system_table_overwrite},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (const struct order *order = NULL; (order = order_next(order, kinds[i].name));)
            kinds[i].obey(order);
    }
}
