#include "menu/interface.h"

#include <library/format.h>
#include <library/string.h>

#include "partition.h"
#include "processor.h"
#include "start.h"
#include "text.h"

static const EFI_GUID loader_vendor = {
    0x4a67b082, 0x0a4c, 0x41cf, {0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f}};
static const EFI_GUID global_vendor = EFI_GLOBAL_VARIABLE;

/* Read by the system that is started; forgotten with the power; kept. */
#define FOR_THIS_START (EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS)
#define KEPT           (FOR_THIS_START | EFI_VARIABLE_NON_VOLATILE)

#define BOOT_TO_SETUP UINT64_C(1) /* EFI_OS_INDICATIONS_BOOT_TO_FW_UI */

/* What this loader does of the interface's features. */
#define FEATURES                                                                                   \
    (UINT64_C(1) << 0 |  /* LoaderConfigTimeout */                                                 \
     UINT64_C(1) << 1 |  /* LoaderConfigTimeoutOneShot */                                          \
     UINT64_C(1) << 2 |  /* LoaderEntryDefault */                                                  \
     UINT64_C(1) << 3 |  /* LoaderEntryOneShot */                                                  \
     UINT64_C(1) << 4 |  /* boot counting */                                                       \
     UINT64_C(1) << 5 |  /* the extended boot loader partition */                                  \
     UINT64_C(1) << 8 |  /* the key "sort-key" */                                                  \
     UINT64_C(1) << 9 |  /* "@saved" */                                                            \
     UINT64_C(1) << 13 | /* the timeout "menu-disabled" */                                         \
     UINT64_C(1) << 16)  /* the key "uki" */

/* ---- variables ---- */

static bool variable_set(const CHAR16 *name, uint32_t attributes, const void *data, size_t size)
{
    return !EFI_ERROR(firmware.runtime->SetVariable((CHAR16 *)name, (EFI_GUID *)&loader_vendor,
                                                    attributes, size, (void *)data));
}

static void variable_remove(const CHAR16 *name)
{
    variable_set(name, 0, NULL, 0);
}

/* Strings are UTF-16 with their NUL. */
static bool text_set(const CHAR16 *name, uint32_t attributes, const char *text)
{
    CHAR16 wide[BOOT_FILE_NAME_MAX];

    return text_widen(text, wide, BOOT_FILE_NAME_MAX) &&
           variable_set(name, attributes, wide, (strlen(text) + 1) * sizeof *wide);
}

/* False: there is none, or it is no text of ASCII. It may lack its NUL. */
static bool text_get(const CHAR16 *name, char text[BOOT_FILE_NAME_MAX])
{
    CHAR16 wide[BOOT_FILE_NAME_MAX];
    UINTN size = sizeof wide;
    size_t length = 0;

    *text = '\0';
    if (EFI_ERROR(firmware.runtime->GetVariable((CHAR16 *)name, (EFI_GUID *)&loader_vendor, NULL,
                                                &size, wide)) ||
        size > sizeof wide)
        return false;
    for (; length < size / sizeof *wide && wide[length]; length++) {
        if (length + 1 == BOOT_FILE_NAME_MAX || wide[length] < ' ' || wide[length] > '~') {
            *text = '\0';
            return false;
        }
        text[length] = (char)wide[length];
    }
    text[length] = '\0';
    return length > 0;
}

static uint32_t timeout_get(const CHAR16 *name)
{
    char text[BOOT_FILE_NAME_MAX];
    uint32_t timeout;

    if (!text_get(name, text) || !menu_timeout_parse(text, strlen(text), &timeout))
        return MENU_TIMEOUT_UNSET;
    return timeout;
}

void interface_wishes_read(struct interface_wishes *wishes)
{
    text_get(L"LoaderEntryDefault", wishes->usual);
    text_get(L"LoaderEntryLastBooted", wishes->last);
    if (text_get(L"LoaderEntryOneShot", wishes->once))
        variable_remove(L"LoaderEntryOneShot");
    wishes->timeout = timeout_get(L"LoaderConfigTimeout");
    wishes->timeout_once = timeout_get(L"LoaderConfigTimeoutOneShot");
    if (wishes->timeout_once != MENU_TIMEOUT_UNSET)
        variable_remove(L"LoaderConfigTimeoutOneShot");
    /* "If set to 0 the boot menu timeout is turned off, and the menu is shown indefinitely". */
    if (wishes->timeout_once == 0)
        wishes->timeout_once = MENU_TIMEOUT_FOREVER;
}

/* ---- times ---- */

/* Cycles of the time stamp counter in a microsecond, by the processor's word (SDM volume 2, CPUID
   leaves 15H and 16H), else by a wait of the firmware's. */
static uint64_t cycles_per_microsecond(void)
{
    enum { WAIT = 1000 }; /* microseconds */
    uint32_t leaves = cpuid(0, 0).eax;
    uint64_t start;

    if (leaves >= 0x15) {
        struct cpuid_result crystal = cpuid(0x15, 0);

        if (crystal.eax && crystal.ebx && crystal.ecx)
            return (uint64_t)crystal.ecx * crystal.ebx / crystal.eax / 1000000;
    }
    if (leaves >= 0x16 && (cpuid(0x16, 0).eax & 0xffff))
        return cpuid(0x16, 0).eax & 0xffff;
    start = tsc_read();
    firmware.boot->Stall(WAIT);
    return (tsc_read() - start) / WAIT;
}

static void time_set(const CHAR16 *name, uint64_t tsc)
{
    static uint64_t cycles;
    char text[24];

    if (!cycles)
        cycles = cycles_per_microsecond();
    if (!cycles)
        return;
    format_string(text, sizeof text, "%llu", (unsigned long long)(tsc / cycles));
    text_set(name, FOR_THIS_START, text);
}

/* ---- what is told ---- */

static void partition_tell(void)
{
    struct handoff_partition partition;
    const EFI_GUID *guid = (const EFI_GUID *)(const void *)partition.signature;
    char text[40];

    partition_find(&partition);
    if (partition.kind != HANDOFF_PARTITION_GUID)
        return;
    format_string(text, sizeof text, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                  guid->Data1, guid->Data2, guid->Data3, guid->Data4[0], guid->Data4[1],
                  guid->Data4[2], guid->Data4[3], guid->Data4[4], guid->Data4[5], guid->Data4[6],
                  guid->Data4[7]);
    text_set(L"LoaderDevicePartUUID", FOR_THIS_START, text);
}

static void firmware_tell(void)
{
    EFI_SYSTEM_TABLE *system = firmware.system;
    char text[BOOT_FILE_NAME_MAX], vendor[64];
    CHAR16 wide[FIRMWARE_VENDOR_MAX];

    firmware_vendor(wide);
    text_narrow(wide, vendor, sizeof vendor);
    format_string(text, sizeof text, "%s %u.%02u", vendor, system->FirmwareRevision >> 16,
                  system->FirmwareRevision & 0xffff);
    text_set(L"LoaderFirmwareInfo", FOR_THIS_START, text);
    format_string(text, sizeof text, "UEFI %u.%02u", system->Hdr.Revision >> 16,
                  system->Hdr.Revision & 0xffff);
    text_set(L"LoaderFirmwareType", FOR_THIS_START, text);
}

void interface_tell_loader(void)
{
    uint64_t features = FEATURES;
    char path[BOOT_FILE_NAME_MAX];

    time_set(L"LoaderTimeInitUSec", start_state.tsc);
    text_set(L"LoaderInfo", FOR_THIS_START, "Baton " BATON_VERSION);
    variable_set(L"LoaderFeatures", FOR_THIS_START, &features, sizeof features);
    firmware_tell();
    partition_tell();
    if (firmware_own_path(path, sizeof path))
        text_set(L"LoaderImageIdentifier", FOR_THIS_START, path);
}

/* "A series of boot loader entry identifiers, each individually NUL terminated". */
void interface_tell_entries(const struct entries *entries)
{
    UINTN size = 0, used = 0;
    CHAR16 *list;

    for (size_t i = 0; i < entries->count; i++)
        size += (strlen(entries->shown[i]->identifier) + 1) * sizeof *list;
    if (!size || EFI_ERROR(firmware.boot->AllocatePool(EfiLoaderData, size, (void **)&list)))
        return;
    for (size_t i = 0; i < entries->count; i++) {
        const char *identifier = entries->shown[i]->identifier;

        do
            list[used++] = (CHAR16)(unsigned char)*identifier;
        while (*identifier++);
    }
    variable_set(L"LoaderEntries", FOR_THIS_START, list, size);
    firmware.boot->FreePool(list);
}

void interface_tell_start(const char *identifier)
{
    text_set(L"LoaderEntrySelected", FOR_THIS_START, identifier);
    time_set(L"LoaderTimeExecUSec", tsc_read());
}

void interface_tell_counted(const char *path)
{
    CHAR16 wide[BOOT_ENTRY_PATH_MAX];

    if (*path && text_widen_path(path, wide, BOOT_ENTRY_PATH_MAX))
        variable_set(L"LoaderBootCountPath", FOR_THIS_START, wide,
                     (strlen(path) + 1) * sizeof *wide);
    else
        variable_remove(L"LoaderBootCountPath");
}

void interface_save_entry(const char *identifier)
{
    char last[BOOT_FILE_NAME_MAX];

    if (!text_get(L"LoaderEntryLastBooted", last) || strcmp(last, identifier) != 0)
        text_set(L"LoaderEntryLastBooted", KEPT, identifier);
}

bool interface_set_default(const char *identifier)
{
    return text_set(L"LoaderEntryDefault", KEPT, identifier);
}

bool interface_set_timeout(uint32_t seconds)
{
    char text[16];

    format_string(text, sizeof text, "%u", seconds);
    return text_set(L"LoaderConfigTimeout", KEPT, seconds ? text : "menu-hidden");
}

/* ---- the firmware's own ---- */

static uint64_t global_get(const CHAR16 *name, size_t size)
{
    uint64_t value = 0;
    UINTN read = size;

    if (EFI_ERROR(firmware.runtime->GetVariable((CHAR16 *)name, (EFI_GUID *)&global_vendor, NULL,
                                                &read, &value)) ||
        read != size)
        return 0;
    return value;
}

bool interface_setup_is_there(void)
{
    return global_get(L"OsIndicationsSupported", sizeof(uint64_t)) & BOOT_TO_SETUP;
}

bool interface_setup_ask(void)
{
    uint64_t wishes = global_get(L"OsIndications", sizeof wishes) | BOOT_TO_SETUP;

    return !EFI_ERROR(firmware.runtime->SetVariable(L"OsIndications", (EFI_GUID *)&global_vendor,
                                                    KEPT, sizeof wishes, &wishes));
}
