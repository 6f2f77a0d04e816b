/* What numbers in a record are called; the one place that says it, also for the host's tool. */
#include "library/record/record.h"

/* EFI_MEMORY_TYPE without its "Efi" (UEFI 2.11, 7.2.1). */
static const char *const memory_types[] = {
    "Reserved",
    "LoaderCode",
    "LoaderData",
    "BootServicesCode",
    "BootServicesData",
    "RuntimeServicesCode",
    "RuntimeServicesData",
    "Conventional",
    "Unusable",
    "ACPIReclaim",
    "ACPINVS",
    "MemoryMappedIO",
    "PortSpace",
    "PalCode",
    "Persistent",
    "Unaccepted",
};

/* EFI_BOOT_SERVICES behind its header of 24 bytes (UEFI 2.11, 4.4.1). */
static const char *const boot_services[] = {
    "RaiseTPL",
    "RestoreTPL",
    "AllocatePages",
    "FreePages",
    "GetMemoryMap",
    "AllocatePool",
    "FreePool",
    "CreateEvent",
    "SetTimer",
    "WaitForEvent",
    "SignalEvent",
    "CloseEvent",
    "CheckEvent",
    "InstallProtocolInterface",
    "ReinstallProtocolInterface",
    "UninstallProtocolInterface",
    "HandleProtocol",
    "Reserved",
    "RegisterProtocolNotify",
    "LocateHandle",
    "LocateDevicePath",
    "InstallConfigurationTable",
    "LoadImage",
    "StartImage",
    "Exit",
    "UnloadImage",
    "ExitBootServices",
    "GetNextMonotonicCount",
    "Stall",
    "SetWatchdogTimer",
    "ConnectController",
    "DisconnectController",
    "OpenProtocol",
    "CloseProtocol",
    "OpenProtocolInformation",
    "ProtocolsPerHandle",
    "LocateHandleBuffer",
    "LocateProtocol",
    "InstallMultipleProtocolInterfaces",
    "UninstallMultipleProtocolInterfaces",
    "CalculateCrc32",
    "CopyMem",
    "SetMem",
    "CreateEventEx",
};

/* EFI_RUNTIME_SERVICES behind its header (UEFI 2.11, 4.5.1). */
static const char *const runtime_services[] = {
    "GetTime",
    "SetTime",
    "GetWakeupTime",
    "SetWakeupTime",
    "SetVirtualAddressMap",
    "ConvertPointer",
    "GetVariable",
    "GetNextVariableName",
    "SetVariable",
    "GetNextHighMonotonicCount",
    "ResetSystem",
    "UpdateCapsule",
    "QueryCapsuleCapabilities",
    "QueryVariableInfo",
};

/* Functions of protocols: no header comes before them. */
static const char *const file[] = {
    NULL,      "Open",    "Close", "Delete", "Read",   "Write",   "GetPosition", "SetPosition",
    "GetInfo", "SetInfo", "Flush", "OpenEx", "ReadEx", "WriteEx", "FlushEx",
};
static const char *const volume[] = {NULL, "OpenVolume"};
static const char *const screen[] = {"QueryMode", "SetMode", "Blt"};
static const char *const text[] = {
    "Reset",        "OutputString", "TestString",        "QueryMode",    "SetMode",
    "SetAttribute", "ClearScreen",  "SetCursorPosition", "EnableCursor",
};
static const char *const keys[] = {"Reset", "ReadKeyStroke"};
static const char *const rng[] = {"GetInfo", "GetRNG"};
static const char *const tcg2[] = {
    "GetCapability",     "GetEventLog",       "HashLogExtendEvent",           "SubmitCommand",
    "GetActivePcrBanks", "SetActivePcrBanks", "GetResultOfSetActivePcrBanks",
};
static const char *const attributes[] = {
    "GetMemoryAttributes",
    "SetMemoryAttributes",
    "ClearMemoryAttributes",
};
static const char *const pci_io[] = {
    "PollMem",    "PollIo",           "Mem.Read",         "Mem.Write", "Io.Read",
    "Io.Write",   "Pci.Read",         "Pci.Write",        "CopyMem",   "Map",
    "Unmap",      "AllocateBuffer",   "FreeBuffer",       "Flush",     "GetLocation",
    "Attributes", "GetBarAttributes", "SetBarAttributes",
};

#define TABLE(first, array)                                                                        \
    {                                                                                              \
        first, sizeof(array) / sizeof((array)[0]), array                                           \
    }

static const struct {
    uint16_t first; /* offset of the first function */
    uint16_t count;
    const char *const *names;
} tables[] = {
    [RECORD_BOOT] = TABLE(24, boot_services), [RECORD_RUNTIME] = TABLE(24, runtime_services),
    [RECORD_FILE] = TABLE(0, file),           [RECORD_VOLUME] = TABLE(0, volume),
    [RECORD_SCREEN_TABLE] = TABLE(0, screen), [RECORD_TEXT] = TABLE(0, text),
    [RECORD_KEYS] = TABLE(0, keys),           [RECORD_RNG] = TABLE(0, rng),
    [RECORD_TCG2] = TABLE(0, tcg2),           [RECORD_ATTRIBUTES] = TABLE(0, attributes),
    [RECORD_PCI_IO] = TABLE(0, pci_io),
};

const char *record_memory_type_name(uint32_t type)
{
    if (type < sizeof(memory_types) / sizeof(memory_types[0]))
        return memory_types[type];
    return type >= 0x80000000   ? "a type of an OS"
           : type >= 0x70000000 ? "a type of an OEM"
                                : "unknown";
}

const char *record_service_name(uint32_t service)
{
    uint32_t table = service >> 16, offset = service & 0xffff;

    if (table >= sizeof(tables) / sizeof(tables[0]) || offset < tables[table].first ||
        offset % 8 != 0)
        return NULL;
    uint32_t index = (offset - tables[table].first) / 8;
    return index < tables[table].count ? tables[table].names[index] : NULL;
}
