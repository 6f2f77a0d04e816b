#include "tables.h"

#include <library/string.h>

#include "firmware.h"

void tables_find(struct handoff_tables *tables)
{
    const struct {
        EFI_GUID guid;
        uint64_t *address;
    } wanted[] = {
        {ACPI_20_TABLE_GUID, &tables->acpi2},
        {ACPI_TABLE_GUID, &tables->acpi1},
        {SMBIOS3_TABLE_GUID, &tables->smbios3},
        {SMBIOS_TABLE_GUID, &tables->smbios},
    };
    EFI_SYSTEM_TABLE *system = firmware.system;

    tables->system_table = (uintptr_t)system;
    tables->configuration = (uintptr_t)system->ConfigurationTable;
    tables->configuration_count = firmware_table_count();

    for (size_t i = 0; i < tables->configuration_count; i++) {
        const EFI_CONFIGURATION_TABLE *table = &system->ConfigurationTable[i];

        for (size_t j = 0; j < sizeof wanted / sizeof wanted[0]; j++) {
            /* The first one wins, as everywhere; a second one is for the audit to report. */
            if (!*wanted[j].address &&
                memcmp(&table->VendorGuid, &wanted[j].guid, sizeof(EFI_GUID)) == 0)
                *wanted[j].address = (uintptr_t)table->VendorTable;
        }
    }
}
