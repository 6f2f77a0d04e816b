/* smbios.c: entry points, and the structures that they point to (SMBIOS 3.7, 5.2). */
#include <library/bytes.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

enum { ANCHOR = 24 }; /* the shorter of the two, "_SM3_" */

static void record_anchor_3(void)
{
    static const EFI_GUID smbios_3 = SMBIOS3_TABLE_GUID;
    const uint8_t *anchor = configuration_table(&smbios_3);

    if (!anchor || !recording_can_read((uintptr_t)anchor, ANCHOR))
        return;
    record_memory(RECORD_SMBIOS_ANCHOR, (uintptr_t)anchor, anchor[6]);
    record_memory(RECORD_SMBIOS_STRUCTURES, load64(anchor + 16), load32(anchor + 12));
}

static void record_anchor_2(void)
{
    enum { ANCHOR_2 = 31 };
    static const EFI_GUID smbios = SMBIOS_TABLE_GUID;
    const uint8_t *anchor = configuration_table(&smbios);

    if (!anchor || !recording_can_read((uintptr_t)anchor, ANCHOR_2))
        return;
    record_memory(RECORD_SMBIOS_ANCHOR, (uintptr_t)anchor, anchor[5]);
    record_memory(RECORD_SMBIOS_STRUCTURES, load32(anchor + 24), load16(anchor + 22));
}

void record_smbios(void)
{
    record_anchor_3();
    record_anchor_2();
}
