/*
 * variables.c: all variables while boot services are there (UEFI 2.11, 8.2): name, attributes, size
 * and digest. The data is kept only of those that tell how the machine boots, and are no secret.
 */
#include <library/align.h>
#include <library/sha256.h>
#include <library/string.h>

#include "pages.h"
#include "record/inventory.h"
#include "record/recording.h"

enum {
    NAME_MAXIMUM = 1024, /* bytes */
    DATA_MAXIMUM = 256 * 1024,
    KEPT_MAXIMUM = 1024,
    COUNT_MAXIMUM = 2048,
};

/* Whether the name begins with ASCII text. */
static bool begins(const CHAR16 *name, const char *with)
{
    for (; *with; name++, with++) {
        if (*name != (CHAR16)*with)
            return false;
    }
    return true;
}

/* Boot options and the modes of Secure Boot (UEFI 2.11, 3.3). */
static bool data_is_kept(const CHAR16 *name)
{
    static const char *const names[] = {"Boot",         "SecureBoot",   "SetupMode",
                                        "AuditMode",    "DeployedMode", "OsIndications",
                                        "PlatformLang", "Timeout"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (begins(name, names[i]))
            return true;
    }
    return false;
}

static void record_variable(const EFI_RUNTIME_SERVICES *runtime, CHAR16 *name, UINTN name_size,
                            EFI_GUID *guid, uint8_t *data)
{
    struct record_variable head = {.name_size = (uint32_t)name_size};
    size_t name_room = align_up(name_size, 8);
    UINTN size = DATA_MAXIMUM;
    UINT32 attributes = 0;
    uint8_t *to;

    memcpy(head.guid, guid, sizeof head.guid);
    head.status = runtime->GetVariable(name, guid, &attributes, &size, data);
    head.attributes = attributes;
    head.data_size = (uint32_t)size;
    if (!EFI_ERROR(head.status) && size <= DATA_MAXIMUM) {
        sha256(data, size, NULL, 0, head.sha256);
        if (data_is_kept(name) && size <= KEPT_MAXIMUM)
            head.data_kept = (uint32_t)size;
    }
    to = record_reserve(&recording, RECORD_VARIABLE, 0, sizeof head + name_room + head.data_kept);
    if (!to)
        return;
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, name, name_size);
    memcpy(to + sizeof head + name_room, data, head.data_kept);
}

void record_variables(void)
{
    static CHAR16 name[NAME_MAXIMUM / sizeof(CHAR16)];
    const EFI_RUNTIME_SERVICES *runtime = firmware.runtime;
    EFI_GUID guid = {0};
    void *data;

    if (EFI_ERROR(pages_allocate_unset(DATA_MAXIMUM, "recording variables", &data)))
        return;
    for (unsigned count = 0; count < COUNT_MAXIMUM; count++) {
        UINTN size = sizeof name;

        if (EFI_ERROR(runtime->GetNextVariableName(&size, name, &guid)))
            break;
        record_variable(runtime, name, size <= sizeof name ? size : sizeof name, &guid, data);
    }
    pages_free(data);
}
