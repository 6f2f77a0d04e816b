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

/* EFI_STATUS without its error bit (UEFI 2.11, appendix D). */
static const char *const errors[] = {
    NULL,
    "EFI_LOAD_ERROR",
    "EFI_INVALID_PARAMETER",
    "EFI_UNSUPPORTED",
    "EFI_BAD_BUFFER_SIZE",
    "EFI_BUFFER_TOO_SMALL",
    "EFI_NOT_READY",
    "EFI_DEVICE_ERROR",
    "EFI_WRITE_PROTECTED",
    "EFI_OUT_OF_RESOURCES",
    "EFI_VOLUME_CORRUPTED",
    "EFI_VOLUME_FULL",
    "EFI_NO_MEDIA",
    "EFI_MEDIA_CHANGED",
    "EFI_NOT_FOUND",
    "EFI_ACCESS_DENIED",
    "EFI_NO_RESPONSE",
    "EFI_NO_MAPPING",
    "EFI_TIMEOUT",
    "EFI_NOT_STARTED",
    "EFI_ALREADY_STARTED",
    "EFI_ABORTED",
    "EFI_ICMP_ERROR",
    "EFI_TFTP_ERROR",
    "EFI_PROTOCOL_ERROR",
    "EFI_INCOMPATIBLE_VERSION",
    "EFI_SECURITY_VIOLATION",
    "EFI_CRC_ERROR",
    "EFI_END_OF_MEDIA",
};

/* Types of memory in MTRRs and PAT (SDM volume 3, table 12-2). */
static const char *const cache_types[] = {
    "uncached",      "write-combining", NULL,         NULL,
    "write-through", "write-protected", "write-back", "uncached",
};

/* Class and subclass (PCI Code and ID Assignment Specification 1.11, 1). */
static const struct {
    uint16_t code;
    const char *name;
} pci_classes[] = {
    {0x0100, "SCSI controller"},
    {0x0101, "IDE controller"},
    {0x0104, "RAID controller"},
    {0x0106, "SATA controller"},
    {0x0107, "SAS controller"},
    {0x0108, "NVMe controller"},
    {0x0180, "storage controller"},
    {0x0200, "Ethernet controller"},
    {0x0280, "network controller"},
    {0x0300, "VGA controller"},
    {0x0302, "3D controller"},
    {0x0380, "display controller"},
    {0x0401, "audio controller"},
    {0x0403, "HD audio controller"},
    {0x0500, "memory"},
    {0x0600, "host bridge"},
    {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"},
    {0x0680, "bridge"},
    {0x0700, "serial port"},
    {0x0780, "communication controller"},
    {0x0800, "interrupt controller"},
    {0x0806, "IOMMU"},
    {0x0880, "system device"},
    {0x0c03, "USB controller"},
    {0x0c05, "SMBus controller"},
    {0x1080, "encryption controller"},
    {0x1180, "signal processor"},
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

const char *record_status_name(uint64_t status)
{
    const uint64_t error = UINT64_C(1) << 63;

    if (status == 0)
        return "EFI_SUCCESS";
    return (status & error) && (status & ~error) < sizeof(errors) / sizeof(errors[0])
               ? errors[status & ~error]
               : NULL;
}

const char *record_cache_type_name(unsigned type)
{
    const char *name =
        type < sizeof(cache_types) / sizeof(cache_types[0]) ? cache_types[type] : NULL;

    return name != NULL ? name : "unknown";
}

const char *record_pci_class_name(uint16_t code)
{
    for (size_t i = 0; i < sizeof(pci_classes) / sizeof(pci_classes[0]); i++) {
        if (pci_classes[i].code == code)
            return pci_classes[i].name;
    }
    return NULL;
}
