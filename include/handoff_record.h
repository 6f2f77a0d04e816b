/*
 * handoff_record.h: the record of a handoff: what the firmware gave, as raw
 * bytes, in the order in which it was seen, with times.
 *
 * Loader and kernel only record. kernel/library/audit/ judges a record, now or
 * years later and on another machine: a record of a real machine cannot be
 * taken again. So this format only grows:
 *   - a kind's number and the meaning of its fields never change; a kind without
 *     a tail may get fields at its end, or in place of reserved ones (its version
 *     counts up); one with a tail keeps its fixed part, or a new kind is made;
 *   - who does not know a kind, or a version, keeps the entry and goes on;
 *   - raw bytes are kept where there are any, and nothing is judged here.
 *
 * A record is a header and entries, all numbers little-endian. Each entry
 * begins at a multiple of 8 bytes from the record's first byte; up to 7 zero
 * bytes fill the gap behind one. A kind's payload is a fixed part (a structure
 * below) and, where the structure says so, a tail up to the entry's end. An
 * entry that is shorter than its structure was written by an older version:
 * what is missing reads as 0.
 *
 * Only fixed-width types; handoff_record_layout.h asserts size and offsets of
 * everything, for LLP64 and LP64 alike. All addresses are physical unless it says otherwise;
 * statuses are EFI_STATUS as returned (UEFI 2.11, appendix D); TSC is the time stamp counter.
 *
 * "Read by" names the checks of the audit (kernel/library/audit/README.md has
 * their list) that need the kind; a check that lacks it answers "not known".
 */
#ifndef BATON_HANDOFF_RECORD_H
#define BATON_HANDOFF_RECORD_H

#include <stdint.h>

/* "BATONREC" read as a little-endian number. */
#define RECORD_MAGIC   UINT64_C(0x4345524e4f544142)
#define RECORD_VERSION 1

enum {
    RECORD_STATIC_SIZE = 64 * 1024,   /* what comes before the first allocation */
    RECORD_BUFFER_SIZE = 1024 * 1024, /* what comes after it */
    RECORD_ALIGNMENT = 8,
};

/* struct record_header.flags */
enum {
    RECORD_SEALED = 1, /* size and crc are those of a finished record */
    RECORD_EDITED = 2, /* not as a machine gave it: made or changed for a test */
};

struct record_header {
    uint64_t magic;        /* RECORD_MAGIC */
    uint16_t version;      /* RECORD_VERSION: counts up when entries can no longer be walked */
    uint16_t header_size;  /* bytes; the first entry is here */
    uint32_t flags;        /* RECORD_SEALED, RECORD_EDITED */
    uint64_t size;         /* bytes in use, header and filling included */
    uint32_t crc;          /* CRC-32 (IEEE 802.3, as UEFI's tables have it) of size bytes with this
                              field 0; means nothing unless RECORD_SEALED */
    uint32_t lost_entries; /* that found no room */
    uint64_t lost_bytes;   /* that these would have taken */
    uint8_t boot[16];      /* identifier of this boot: random */
    char build[32];        /* version of what recorded, terminated */
};

/*
 * With `report=variable` the kernel leaves what came after the loader's report in a variable of the
 * firmware's: a record of that boot, sealed, of some of its entries. The loader adds these to the
 * report on the volume at the next boot with `report`, and removes the variable.
 */
#define RECORD_VARIABLE_NAME u"BatonReport"
#define RECORD_VARIABLE_GUID                                                                       \
    {                                                                                              \
        0x5a1f0c7e, 0x3b52, 0x4c66,                                                                \
        {                                                                                          \
            0x9d, 0x0b, 0x6e, 0x21, 0x84, 0xd7, 0x19, 0xf3                                         \
        }                                                                                          \
    }
enum { RECORD_VARIABLE_SIZE = 1024 }; /* bytes at most */

struct record_entry_header {
    uint16_t kind;    /* enum record_kind */
    uint16_t version; /* of the kind's structure: 1 unless it says otherwise */
    uint32_t size;    /* bytes of the payload that follows, without filling */
    uint64_t tsc;     /* when it was recorded; 0: not by a processor */
};

/* The upper byte is the point (P0 to P7, 8: the host), the lower one the kind. */
enum record_kind {
    /* P0: first instruction of the loader */
    RECORD_ENTRY_STATE = 0x0001, /* struct record_entry_state */
    RECORD_CPUID = 0x0002,       /* struct record_cpuid, one behind the other */
    RECORD_MSRS = 0x0003,        /* struct record_msrs: the boot processor's */

    /* P1: before the first allocation */
    RECORD_MAP_FIRST = 0x0101,   /* struct record_map */
    RECORD_PAGE_TABLES = 0x0102, /* struct record_page_tables: the firmware's */

    /* P2: inventory */
    RECORD_SYSTEM_TABLE = 0x0201,      /* struct record_bytes: EFI_SYSTEM_TABLE */
    RECORD_BOOT_SERVICES = 0x0202,     /* struct record_bytes: EFI_BOOT_SERVICES */
    RECORD_RUNTIME_SERVICES = 0x0203,  /* struct record_bytes: EFI_RUNTIME_SERVICES */
    RECORD_CONFIGURATION = 0x0204,     /* struct record_configuration, one behind the other */
    RECORD_VENDOR_TABLE = 0x0205,      /* struct record_vendor_table */
    RECORD_IMAGE = 0x0206,             /* struct record_image */
    RECORD_HANDLE = 0x0207,            /* struct record_handle */
    RECORD_SCREEN = 0x0208,            /* struct record_screen */
    RECORD_BLOCK_DEVICE = 0x0209,      /* struct record_block_device */
    RECORD_VARIABLE = 0x020a,          /* struct record_variable */
    RECORD_TPM = 0x020b,               /* struct record_tpm */
    RECORD_TPM_LOG = 0x020c,           /* struct record_tpm_log */
    RECORD_TPM_FINAL_LOG = 0x020d,     /* struct record_bytes: the final events table */
    RECORD_PCRS = 0x020e,              /* struct record_pcrs */
    RECORD_MEMORY_PROTECTION = 0x020f, /* struct record_protection */
    RECORD_LOADER_DIGEST = 0x0210,     /* struct record_digest: Authenticode of our image */
    RECORD_ACPI_ROOT = 0x0211,         /* struct record_acpi: RSDP */
    RECORD_ACPI_TABLE = 0x0212,        /* struct record_acpi */
    RECORD_SMBIOS_ANCHOR = 0x0213,     /* struct record_bytes: entry point, "_SM_" or "_SM3_" */
    RECORD_SMBIOS_STRUCTURES = 0x0214, /* struct record_bytes: what the anchor points to */
    RECORD_BOOT_PERFORMANCE = 0x0215,  /* struct record_bytes: FBPT, that FPDT points to */
    RECORD_PCI_FUNCTION = 0x0216,      /* struct record_pci */
    RECORD_RANDOM = 0x0217,            /* struct record_random */
    RECORD_LOAD_OPTIONS = 0x0218, /* the bytes, as many as LoadOptionsSize says, at most 4096 */
    RECORD_FIRMWARE = 0x0219,     /* struct record_firmware */

    /* P3: each boot-services call of the loader */
    RECORD_CALL = 0x0301,      /* struct record_call */
    RECORD_FILE_READ = 0x0302, /* struct record_file_read */

    /* P4: each attempt at the exit */
    RECORD_MAP_EXIT = 0x0401,     /* struct record_map: the map of the attempt that follows */
    RECORD_EXIT_ATTEMPT = 0x0402, /* struct record_exit */

    /* P5: first instruction after the exit */
    RECORD_SYSTEM_TABLE_AFTER = 0x0501, /* struct record_bytes */
    RECORD_AFTER_EXIT = 0x0502,         /* struct record_after_exit */
    RECORD_IO_APIC = 0x0503,            /* struct record_io_apic */
    RECORD_HPET = 0x0504,               /* struct record_hpet */
    RECORD_PCI_COMMANDS = 0x0505,       /* struct record_pci_command, one behind the other */

    /* P6: the kernel */
    RECORD_PROCESSOR = 0x0601,        /* struct record_processor */
    RECORD_PROCESSOR_MSRS = 0x0602,   /* struct record_msrs */
    RECORD_CANARY = 0x0603,           /* struct record_canary */
    RECORD_INTERRUPTS = 0x0604,       /* struct record_interrupts */
    RECORD_RUNTIME_CALL = 0x0605,     /* struct record_runtime_call */
    RECORD_RUNTIME_FAULT = 0x0606,    /* struct record_runtime_fault */
    RECORD_CMOS_TIME = 0x0607,        /* struct record_cmos */
    RECORD_RUNTIME_VARIABLE = 0x0608, /* struct record_variable: found after the exit */
    RECORD_VARIABLE_LIST = 0x0609,    /* struct record_variable_list */
    RECORD_CLOCK = 0x060a,            /* struct record_clock */
    RECORD_STILL_RUNNING = 0x060b,    /* struct record_still_running */
    RECORD_PCI_RANGES = 0x060c,       /* struct record_pci_range, one behind the other */

    /* P7: after SetVirtualAddressMap; structures of P6 */
    RECORD_VIRTUAL_MAP = 0x0701,   /* struct record_map: as handed over */
    RECORD_VIRTUAL_CALL = 0x0702,  /* struct record_runtime_call */
    RECORD_VIRTUAL_FAULT = 0x0703, /* struct record_runtime_fault */

    /* The host that ran or edited it */
    RECORD_OBSERVATION = 0x0801, /* struct record_observation */
    RECORD_NOTE = 0x0802,        /* text: what was edited and why */
};

/* ---- P0 ---- */

/* struct record_entry_state.valid: what could be read. */
enum {
    RECORD_VALID_PAT = 1,
    RECORD_VALID_XCR0 = 2,  /* CR4.OSXSAVE was set */
    RECORD_VALID_MXCSR = 4, /* CR4.OSFXSR was set, CR0.EM and TS clear: else STMXCSR faults */
    RECORD_VALID_FCW = 8,   /* CR0.EM and TS were clear */
    RECORD_VALID_APIC_BASE = 16,
};

/* The processor as the firmware left it (UEFI 2.11, 2.3.4). Read by 16 34 35 36 37 39 42 56 57. */
struct record_entry_state {
    uint64_t rflags;
    uint64_t cr0;
    uint64_t cr2;
    uint64_t cr3;
    uint64_t cr4;
    uint64_t cr8;
    uint64_t efer; /* MSR c0000080h */
    uint64_t pat;  /* MSR 277h */
    uint64_t xcr0;
    uint64_t apic_base; /* MSR 1bh: address, bit 11 enabled, bit 10 x2APIC */
    uint64_t rsp;       /* at the first instruction: the return address lies there */
    uint64_t rip;       /* address of the loader's first instruction */
    uint64_t gdt_base;
    uint64_t idt_base;
    uint16_t gdt_limit;
    uint16_t idt_limit;
    uint16_t cs, ds, es, fs, gs, ss, tr, ldtr; /* selectors */
    uint16_t fcw;                              /* x87 control word */
    uint16_t reserved;
    uint32_t mxcsr;
    uint32_t valid; /* RECORD_VALID_* */
    uint64_t image_handle;
    uint64_t system_table;
};

/* One answer of CPUID. Read by 06 (leaf 80000008h), 14. */
struct record_cpuid {
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t eax, ebx, ecx, edx;
};

struct record_msr {
    uint32_t index;
    uint32_t faulted; /* 1: reading it raised #GP */
    uint64_t value;
};

/*
 * Model-specific registers of one processor: MTRR capabilities (feh), default
 * type (2ffh), fixed (250h, 258h, 259h, 268h-26fh), variable (200h on), PAT
 * (277h), microcode revision (8bh). Read by 14 (P0), 40 (P0 and P6).
 */
struct record_msrs {
    uint32_t apic_id;
    uint32_t count;
    struct record_msr msrs[]; /* tail */
};

/* ---- P1, P4, P7: memory maps ---- */

/*
 * What GetMemoryMap returned, raw. Read by 01 to 22, 38, 46, 53, 61; 18 and 36
 * read the first one, what follows the exit the last one.
 */
struct record_map {
    uint64_t probe_size; /* bytes that a call without a buffer asked for just before; 0: none */
    uint64_t status;     /* of the call that gave the map */
    uint64_t key;
    uint64_t map_size;        /* bytes, as returned */
    uint64_t descriptor_size; /* bytes, as returned */
    uint32_t descriptor_version;
    uint32_t reserved;
    uint8_t descriptors[]; /* tail: map_size bytes, or what there was room for */
};

/* struct record_page_run.rights: from all levels together (SDM volume 3, 4.6) */
enum {
    RECORD_PAGE_WRITABLE = 1,
    RECORD_PAGE_EXECUTABLE = 2, /* no XD bit on the way, or EFER.NXE clear */
    RECORD_PAGE_USER = 4,
};

/* Neighbouring pages with the same rights, level and type, and physical addresses in a row. */
struct record_page_run {
    uint64_t linear;
    uint64_t physical;
    uint64_t pages;      /* of 4 KiB */
    uint16_t rights;     /* RECORD_PAGE_* */
    uint8_t level;       /* of the entry that maps it: 1 4 KiB, 2 2 MiB, 3 1 GiB */
    uint8_t memory_type; /* that PAT gives: 0 UC 1 WC 4 WT 5 WP 6 WB 7 UC-; ffh not known */
    uint32_t reserved;
};

/* The firmware's page tables. Read by 36 38 42 43 45 46. */
struct record_page_tables {
    uint64_t root;                 /* CR3 */
    uint32_t levels;               /* 4 or 5 */
    uint32_t cut;                  /* 1: there were more runs than were recorded */
    struct record_page_run runs[]; /* tail, ascending */
};

/* ---- P2 ---- */

/* Bytes at an address. Read by 26 (system table), 58, and 49 to 57 through struct record_acpi. */
struct record_bytes {
    uint64_t address;
    uint64_t length; /* bytes there are; the tail may be shorter */
    uint8_t bytes[]; /* tail */
};

/* EFI_CONFIGURATION_TABLE (UEFI 2.11, 4.6.1). Read by 48 50 51. */
struct record_configuration {
    uint8_t guid[16];
    uint64_t address;
};

/* A vendor table's bytes. Read by 59 (ESRT), 60 (RT_PROPERTIES), 61 62 (memory attributes). */
struct record_vendor_table {
    uint8_t guid[16];
    uint64_t address;
    uint64_t length;
    uint8_t bytes[]; /* tail */
};

enum {
    RECORD_IMAGE_OURS = 1,    /* the loader */
    RECORD_IMAGE_HEADER = 2,  /* a PE header was found: the fields that come from it are valid */
    RECORD_IMAGE_DEBUG = 4,   /* it stands in the debug image information table */
    RECORD_IMAGE_RUNTIME = 8, /* subsystem 12: a runtime driver */
};

/*
 * A loaded image (UEFI 2.11, 9.1; PE format). Read by 18 43 47; 42 62 63 64
 * name it. The tail is: name_size bytes of its name (UTF-8, from the debug
 * entry or the file path), section_count section headers of 40 bytes, and a
 * device path, each filled up to a multiple of 8.
 */
struct record_image {
    uint64_t handle;
    uint64_t base;
    uint64_t size;
    uint64_t entry_point;
    uint32_t flags;     /* RECORD_IMAGE_* */
    uint32_t code_type; /* EFI_MEMORY_TYPE: ImageCodeType, ImageDataType */
    uint32_t data_type;
    uint32_t section_alignment; /* PE optional header */
    uint16_t subsystem;
    uint16_t dll_characteristics; /* 100h: NX_COMPAT */
    uint16_t section_count;
    uint16_t name_size;
    uint32_t path_size;
    uint32_t reserved;
    uint8_t tail[];
};

/* A handle: tail: protocol_count GUIDs of 16 bytes, then a device path. For the page. */
struct record_handle {
    uint64_t handle;
    uint32_t protocol_count;
    uint32_t path_size;
    uint8_t tail[];
};

enum {
    RECORD_SCREEN_NONE = 1,    /* there is no graphics output at all; the rest is 0 */
    RECORD_SCREEN_CONSOLE = 2, /* it is on the console's handle */
    RECORD_SCREEN_IN_USE = 4,  /* the loader took this one */
};

/* A graphics output in its present mode (UEFI 2.11, 12.9.2). Read by 15 71. Tail: EDID. */
struct record_screen {
    uint64_t handle;
    uint64_t framebuffer_base;
    uint64_t framebuffer_size;
    uint64_t bar_base; /* of the PCI BAR that holds it, by its device; 0: not known */
    uint64_t bar_size;
    uint32_t flags; /* RECORD_SCREEN_* */
    uint32_t mode;
    uint32_t mode_count;
    uint32_t width, height;
    uint32_t stride;       /* PixelsPerScanLine */
    uint32_t pixel_format; /* 0 RGB 1 BGR 2 masks 3 BLT only */
    uint32_t red_mask, green_mask, blue_mask, reserved_mask;
    uint32_t edid_size;
    uint8_t edid[]; /* tail */
};

/* EFI_BLOCK_IO_MEDIA (UEFI 2.11, 13.9). Tail: device path. For the page. */
struct record_block_device {
    uint64_t handle;
    uint64_t last_block;
    uint32_t block_size;
    uint32_t media_id;
    uint32_t flags; /* 1 removable 2 present 4 logical partition 8 read-only 16 write caching */
    uint32_t path_size;
    uint8_t path[]; /* tail */
};

/*
 * A variable. Tail: name_size bytes of its name (UTF-16, with its NUL), filled
 * up to 8, then data_kept bytes of its data: all of it, or none where only the
 * digest is kept. Read by 67 69 (P2), 66 67 (P6).
 */
struct record_variable {
    uint8_t guid[16];
    uint64_t status; /* of GetVariable */
    uint32_t attributes;
    uint32_t data_size;
    uint32_t name_size;
    uint32_t data_kept;
    uint8_t sha256[32]; /* of the data */
    uint8_t tail[];
};

/* TCG2 protocol (TCG EFI Protocol Specification 1.00, 6.4). Tail: capability structure. Read by 70.
 */
struct record_tpm {
    uint64_t locate_status; /* EFI_NOT_FOUND: there is none */
    uint64_t capability_status;
    uint8_t capability[]; /* tail: EFI_TCG2_BOOT_SERVICE_CAPABILITY */
};

/* The event log as GetEventLog gave it. Read by 70. */
struct record_tpm_log {
    uint64_t status;
    uint64_t location;
    uint64_t last_entry; /* address of the last event */
    uint32_t format;     /* 1: TCG 1.2, 2: crypto agile */
    uint32_t truncated;  /* as the firmware says */
    uint8_t bytes[];     /* tail: through the last event */
};

/* PCR values, read when the log was. Read by 70. Tail: count digests from PCR 0 on. */
struct record_pcrs {
    uint64_t status;
    uint16_t algorithm; /* TPM_ALG_ID: 4 SHA-1, bh SHA-256, ch SHA-384 */
    uint16_t digest_size;
    uint32_t count;
    uint8_t digests[];
};

struct record_protection_run {
    uint64_t base;
    uint64_t size;
    uint64_t status;     /* of GetMemoryAttributes */
    uint64_t attributes; /* EFI_MEMORY_RP 2000h, XP 4000h, RO 20000h */
};

/* The memory attribute protocol (UEFI 2.11, 37.7), asked of our own image. Read by 44 45. */
struct record_protection {
    uint64_t locate_status;              /* EFI_NOT_FOUND: there is none */
    struct record_protection_run runs[]; /* tail */
};

/* Read by 70. */
struct record_digest {
    uint16_t algorithm; /* as in struct record_pcrs */
    uint16_t size;
    uint32_t reserved;
    uint8_t bytes[]; /* tail */
};

/* struct record_acpi.named_by */
enum {
    RECORD_ACPI_BY_GUID_1 = 1, /* an RSDP: the ACPI 1.0 GUID */
    RECORD_ACPI_BY_GUID_2 = 2, /* an RSDP: the ACPI 2.0 GUID */
    RECORD_ACPI_BY_RSDP = 3,   /* XSDT, RSDT */
    RECORD_ACPI_BY_XSDT = 4,
    RECORD_ACPI_BY_RSDT = 5,
    RECORD_ACPI_BY_FADT = 6, /* DSDT, FACS */
};

/* RSDP or a table. Read by 16 49 to 57. */
struct record_acpi {
    uint64_t address;
    uint32_t length;  /* as its header says */
    uint8_t sum;      /* of all length bytes, modulo 256: 0 is right; RSDP: of the first 20 */
    uint8_t named_by; /* RECORD_ACPI_BY_* */
    uint8_t reserved[2];
    uint8_t bytes[]; /* tail: all of it, or the beginning of a large one */
};

enum {
    RECORD_PCI_BRIDGE = 1,    /* header type 1 */
    RECORD_PCI_BAR_SIZES = 2, /* bar_size is valid */
};

/* A PCI function's configuration space, before the exit. Read by 30 57 71. */
struct record_pci {
    uint16_t segment;
    uint8_t bus, device, function;
    uint8_t flags;
    uint8_t reserved[2];
    uint64_t bar_size[6];    /* bytes; 0: not there, or the upper half of the one before */
    uint8_t configuration[]; /* tail: 64 to 4096 bytes */
};

/* EFI_RNG_PROTOCOL (UEFI 2.11, 37.5). Read by 74. */
struct record_random {
    uint64_t locate_status;
    uint64_t status; /* of GetRNG for 32 bytes; the bytes are not kept */
};

/* Tail: FirmwareVendor, UTF-16 with its NUL. For the page. */
struct record_firmware {
    uint32_t firmware_revision;
    uint32_t uefi_revision; /* of the system table's header */
    uint8_t vendor[];
};

/* ---- P3 ---- */

/*
 * A service is a table and the offset of its function pointer in that table's
 * structure: RECORD_SERVICE(RECORD_BOOT, 0xe8) is ExitBootServices.
 */
enum {
    RECORD_BOOT = 1,
    RECORD_RUNTIME = 2,
    RECORD_FILE = 3,         /* EFI_FILE_PROTOCOL */
    RECORD_VOLUME = 4,       /* EFI_SIMPLE_FILE_SYSTEM_PROTOCOL */
    RECORD_SCREEN_TABLE = 5, /* EFI_GRAPHICS_OUTPUT_PROTOCOL */
    RECORD_TEXT = 6,         /* EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL */
    RECORD_KEYS = 7,         /* EFI_SIMPLE_TEXT_INPUT(_EX)_PROTOCOL */
    RECORD_RNG = 8,
    RECORD_TCG2 = 9,
    RECORD_ATTRIBUTES = 10, /* EFI_MEMORY_ATTRIBUTE_PROTOCOL */
    RECORD_PCI_IO = 11,
};
#define RECORD_SERVICE(table, offset) ((uint32_t)(table) << 16 | (offset))

/* A boot-services call of the loader. Read by 32 (SetWatchdogTimer), 33. */
struct record_call {
    uint32_t service; /* RECORD_SERVICE */
    uint32_t reserved;
    uint64_t arguments[4];
    uint64_t status;
    uint64_t before, after; /* TSC */
};

/* A read of a file. Read by 73. Tail: the path, UTF-8. */
struct record_file_read {
    uint64_t status;
    uint64_t offset; /* where in the file */
    uint64_t asked;  /* bytes */
    uint64_t got;
    uint64_t left; /* bytes from offset to the end that the file information told */
    uint8_t path[];
};

/* ---- P4 ---- */

/* One call of ExitBootServices, and of GetMemoryMap before it. Read by 22 23 24 25 33. */
struct record_exit {
    uint32_t attempt; /* from 1 */
    uint32_t reserved;
    uint64_t map_status; /* of GetMemoryMap; not 0: ExitBootServices was not called */
    uint64_t key;
    uint64_t status;        /* of ExitBootServices */
    uint64_t before, after; /* TSC, round ExitBootServices */
};

/* ---- P5 ---- */

enum {
    RECORD_VALID_LOCAL_APIC = 1,
    RECORD_VALID_8259 = 2, /* MADT says that there are two */
};

/* Read by 28 29 34. */
struct record_after_exit {
    uint64_t rflags;
    uint64_t apic_base; /* MSR 1bh */
    uint32_t valid;
    uint32_t apic_id;
    uint32_t apic_version;
    uint32_t spurious; /* SVR */
    uint32_t priority; /* TPR */
    uint32_t error;    /* ESR */
    uint32_t lvt_timer, lvt_thermal, lvt_performance, lvt_lint0, lvt_lint1, lvt_error, lvt_cmci;
    uint32_t timer_initial, timer_current, timer_divide;
    uint32_t in_service[8];   /* ISR: bit n of word m is vector 32 m + n */
    uint32_t requested[8];    /* IRR */
    uint8_t pic_mask[2];      /* master, slave: 1 is masked */
    uint8_t pic_requested[2]; /* IRR */
    uint8_t pic_in_service[2];
    uint8_t pic_edge_level[2]; /* ELCR */
};

/* For the page, and 28 in time. */
struct record_io_apic {
    uint64_t address;
    uint32_t id;
    uint32_t version;
    uint64_t entries[]; /* tail: redirection entries; bit 16: masked */
};

struct record_hpet {
    uint64_t address;
    uint64_t capabilities;
    uint64_t configuration; /* bit 0: it runs */
    uint64_t status;
    uint64_t counter;
    uint64_t timers[]; /* tail: pairs of configuration and comparator */
};

/* A function's command register, before the loader turns bus mastering off. Read by 30. */
struct record_pci_command {
    uint16_t segment;
    uint8_t bus;
    uint8_t device_function; /* device << 3 | function */
    uint16_t command;        /* bit 2: bus master */
    uint16_t class_code;     /* class << 8 | subclass */
};

/* ---- P6 and P7 ---- */

/* struct record_processor.result */
enum {
    RECORD_PROCESSOR_BOOT = 0, /* it is the one that runs */
    RECORD_PROCESSOR_WOKE = 1,
    RECORD_PROCESSOR_SILENT = 2,
    RECORD_PROCESSOR_LATE = 3,    /* it came after it was given up */
    RECORD_PROCESSOR_UNASKED = 4, /* it ran before it was told to */
};

/* A processor that MADT names. Read by 40 41. */
struct record_processor {
    uint32_t apic_id;
    uint32_t result;
    uint64_t wake_nanoseconds;
    uint64_t apic_base; /* MSR 1bh */
    uint64_t cr0, cr4, efer;
};

/* A pattern in free memory, looked at again. Read by 31. Tail: changed bytes, at most 256. */
struct record_canary {
    uint64_t base;
    uint64_t size;
    uint64_t nanoseconds; /* between the two looks */
    uint64_t changed;     /* bytes */
    uint64_t first;       /* address of the first one */
    uint8_t bytes[];
};

struct record_interrupt {
    uint32_t vector;
    uint32_t count;
};

/* What came with interrupts on, our own IDT, and nothing asked for. Read by 27. */
struct record_interrupts {
    uint64_t nanoseconds;
    struct record_interrupt vectors[]; /* tail: those with a count */
};

/* struct record_runtime_call.flags */
enum {
    RECORD_CALL_FAULTED = 1,     /* it was given up; status means nothing */
    RECORD_CALL_DIRECTION = 2,   /* it came back with RFLAGS.DF set */
    RECORD_CALL_INTERRUPTS = 4,  /* it came back with another RFLAGS.IF */
    RECORD_CALL_STACK_KNOWN = 8, /* stack_used was measured */
};

/*
 * A call of a runtime service. Read by 60 63 64 65 66 68. Tail: what it gave:
 * GetTime's EFI_TIME (16 bytes).
 */
struct record_runtime_call {
    uint32_t service; /* RECORD_SERVICE(RECORD_RUNTIME, offset) */
    uint32_t flags;
    uint64_t arguments[4];
    uint64_t status;
    uint64_t before, after; /* TSC */
    uint32_t changed;       /* registers that should be as before: bit n is register n in the order
                               of ModRM (1 RCX … 3 RBX, 5 RBP, 6 RSI, 7 RDI, 12 to 15), bit 16 + n
                               XMM n */
    uint32_t stack_used;    /* bytes */
    uint8_t result[];       /* tail */
};

/* A fault inside a runtime service. Read by 17 63 64. */
struct record_runtime_fault {
    uint32_t service;
    uint32_t vector;
    uint64_t rip;
    uint64_t address;
    uint32_t error_code;
    uint32_t given_up;    /* 1: the call failed; 0: the page was mapped and it went on */
    uint32_t memory_type; /* EFI_MEMORY_TYPE at address; ffffffffh: the map has nothing there */
    uint32_t reserved;
    uint64_t image_base; /* of the image that rip lies in; 0: none */
    char image[32];      /* its name, terminated */
};

/* The clock's registers 0 to 0dh and the century's, raw. Read by 65. */
struct record_cmos {
    uint8_t registers[14];
    uint8_t century;  /* BCD or binary as register bh says; 0: not known */
    uint8_t updating; /* 1: an update was in progress all the time */
};

/* The end of an enumeration of variables. Read by 66 67. */
struct record_variable_list {
    uint64_t status; /* of the last GetNextVariableName */
    uint64_t count;
    uint64_t limit;    /* calls after which it is given up */
    uint32_t repeated; /* 1: a name came twice */
    uint32_t reserved;
    uint64_t maximum_storage, remaining_storage, maximum_size; /* QueryVariableInfo */
    uint64_t query_status;
};

/* Read by 33; makes times of TSC. */
struct record_clock {
    uint64_t tsc_hz;
    uint32_t reference; /* 1 HPET 2 PM timer 3 8254 4 CPUID */
    uint32_t reserved;
};

/* Written again and again by a machine that lives. Read by 32. */
struct record_still_running {
    uint64_t nanoseconds; /* since the exit */
};

/* struct record_pci_range.flags */
enum {
    RECORD_PCI_PORTS = 1,
    RECORD_PCI_MEMORY = 2,
    RECORD_PCI_PREFETCH = 4,
    RECORD_PCI_64 = 8, /* the register is one of 64 bits */
};

/*
 * What a PCI function decodes, by its registers as the firmware left them and by what they read as
 * when all ones were written to them (PCI 3.0, 6.2.5.1). For the page.
 */
struct record_pci_range {
    uint16_t segment;
    uint8_t bus;
    uint8_t device_function; /* device << 3 | function */
    uint8_t number; /* of the base address register; 6: the ROM; 7 to 9: a bridge's windows */
    uint8_t reserved[3];
    uint64_t base;
    uint64_t size;  /* bytes, or ports */
    uint32_t flags; /* RECORD_PCI_* */
    uint32_t reserved2;
};

/* ---- the host ---- */

enum {
    RECORD_SAW_RESET = 1,    /* the machine reset itself */
    RECORD_SAW_STANDING = 2, /* nothing happened any more */
    RECORD_SAW_END = 3,      /* it ended as it was told to */
};

/* What whoever ran the machine saw. Read by 23 32. */
struct record_observation {
    uint32_t what;
    uint32_t reserved;
    uint64_t nanoseconds; /* since the machine was started */
};

#include "handoff_record_layout.h"

#endif
