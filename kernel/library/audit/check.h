/*
 * check.h: what the checks have in common: how they answer, and how they look
 * at maps, page tables, images, ACPI tables in a record. Only audit/ includes it.
 *
 * A check that says nothing passes.
 */
#ifndef BATON_LIBRARY_AUDIT_CHECK_H
#define BATON_LIBRARY_AUDIT_CHECK_H

#include "library/audit/audit.h"

#include <stdarg.h>

struct audit {
    const struct record *record;
    const struct record *baseline; /* or NULL */
    enum audit_profile profile;
    struct audit_finding *finding;
    unsigned physical_bits; /* MAXPHYADDR; 0: not recorded */
    uint64_t steps;         /* that this check took, of those that a record can multiply */
};

struct audit_family {
    const char *name;
    const struct audit_check *checks;
    size_t count;
};
extern const struct audit_family audit_map, audit_map_use, audit_exit, audit_machine_state,
    audit_processor, audit_protection, audit_tables, audit_acpi, audit_smbios, audit_attributes,
    audit_runtime, audit_trust, audit_loader;

#define AUDIT_FAMILY(variable, title, array)                                                       \
    const struct audit_family variable = {title, array, sizeof(array) / sizeof((array)[0])}

/* ---- answers ---- */

/* It fails here. offset: of the bytes in the record, or AUDIT_NO_OFFSET. */
void audit_fail(struct audit *audit, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void audit_fail_list(struct audit *audit, uint64_t offset, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* The same, with the image in which address lies, if there is one. */
void audit_fail_at(struct audit *audit, uint64_t offset, uint64_t address, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, in the image of that name. */
void audit_fail_in(struct audit *audit, uint64_t offset, const char *image, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Unless it failed before. */
void audit_not_known(struct audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void audit_not_applicable(struct audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Charges steps of a loop within a loop; a check may take AUDIT_STEPS, enough for
 * thousands of descriptors each against each. false: it took too many, and gives up with
 * "not known" unless it failed before: nobody's record keeps a processor for minutes.
 */
enum {
    AUDIT_STEPS = 4 * 1024 * 1024,
};
bool audit_afford(struct audit *audit, uint64_t steps);

/* The first entry of a kind; without one the answer is "not known". */
bool audit_need(struct audit *audit, uint16_t kind, struct record_entry *entry);

/* For what is found: "EFI_NOT_FOUND", "0x99"; "624 KiB", "1000.5 MiB". */
struct words {
    char text[32];
};
struct words status_text(uint64_t status);
struct words pages_text(uint64_t pages);

/* ---- EFI ---- */

#define EFI_ERROR_BIT         (UINT64_C(1) << 63)
#define EFI_INVALID_PARAMETER (EFI_ERROR_BIT | 2)
#define EFI_UNSUPPORTED       (EFI_ERROR_BIT | 3)
#define EFI_NOT_FOUND         (EFI_ERROR_BIT | 14)

enum {
    PAGE = 4096,
    MIB = 1024 * 1024,

    /* EFI_MEMORY_TYPE (UEFI 2.11, 7.2.1) */
    TYPE_RESERVED = 0,
    TYPE_LOADER_CODE = 1,
    TYPE_LOADER_DATA = 2,
    TYPE_BOOT_CODE = 3,
    TYPE_BOOT_DATA = 4,
    TYPE_RUNTIME_CODE = 5,
    TYPE_RUNTIME_DATA = 6,
    TYPE_FREE = 7,
    TYPE_UNUSABLE = 8,
    TYPE_ACPI_RECLAIM = 9,
    TYPE_ACPI_NVS = 10,
    TYPE_MMIO = 11,
    TYPE_PORTS = 12,
    TYPE_PAL = 13,
    TYPE_PERSISTENT = 14,
    TYPE_UNACCEPTED = 15,
    TYPE_COUNT = 16,
};

#define MEMORY_WB       UINT64_C(0x8)
#define MEMORY_XP       UINT64_C(0x4000)
#define MEMORY_NV       UINT64_C(0x8000)
#define MEMORY_RO       UINT64_C(0x20000)
#define MEMORY_SP       UINT64_C(0x40000)
#define MEMORY_HOT_PLUG UINT64_C(0x100000)
#define MEMORY_RUNTIME  (UINT64_C(1) << 63)

/* RAM that an operating system uses, at once or in time. */
bool type_is_for_use(uint32_t type);

/* ---- memory maps ---- */

struct map {
    struct record_entry entry;
    const uint8_t *descriptors;
    size_t count; /* whole descriptors that are in the record */
    struct record_map head;
};

struct descriptor {
    uint32_t type;
    uint64_t base, pages, attributes;
    uint64_t end; /* first address behind; cut off at 2^64 - 1 when it wraps */
    bool wraps;
    uint64_t offset; /* in the record */
};

/* count is 0 when the descriptor size makes no sense. */
void map_load(const struct record_entry *entry, struct map *map);
void map_descriptor(const struct map *map, size_t index, struct descriptor *descriptor);

/* The map that the exit accepted, or what there is; without a usable one "not known". */
bool map_need(struct audit *audit, struct map *map);
bool map_need_first(struct audit *audit, struct map *map);

/* The first descriptor that holds address. */
bool map_find(const struct map *map, uint64_t address, struct descriptor *descriptor);

/* Calls fail for the first descriptor with such a type that meets the range. */
bool map_meets(const struct map *map, uint64_t base, uint64_t size, struct descriptor *descriptor);

/* ---- page tables, images, registers ---- */

/* Signatures and names are the firmware's bytes, and go to consoles: what is no character becomes
 * ?. */
void printable(char *text);

/* The firmware's page tables; without them "not known". */
struct page_tables {
    const uint8_t *runs; /* struct record_page_run, ascending */
    size_t count;
    uint64_t offset; /* of the first one in the record */
    struct record_page_tables head;
};
bool page_tables_need(struct audit *audit, struct page_tables *tables);
void page_run(const struct page_tables *tables, size_t index, struct record_page_run *run);
bool page_find(const struct page_tables *tables, uint64_t linear, struct record_page_run *run);

/* The image that holds address; its name, terminated, in name, "" when it has none. */
bool image_find(const struct record *record, uint64_t address, char *name, size_t size);
void image_name(const struct record_entry *entry, char *name, size_t size);
bool image_ours(const struct record *record, struct record_entry *entry,
                struct record_image *image);

/* A section of an image whose header is in the record. */
struct section {
    char name[9];
    uint64_t base, size;
    uint32_t characteristics;
};
bool recorded_section(const struct record_entry *entry, size_t index, struct section *section);

bool msr_find(const struct record_entry *entry, uint32_t index, uint64_t *value);
bool cpuid_find(const struct record *record, uint32_t leaf, struct record_cpuid *answer);

/* Once for all checks. */
unsigned physical_bits(const struct record *record);

/* ---- ACPI tables ---- */

struct acpi_view {
    uint64_t offset; /* of the table's first byte in the record */
    const uint8_t *bytes;
    size_t size; /* bytes that are in the record, at most the table's length */
    struct record_acpi head;
};

void acpi_load(const struct record_entry *entry, struct acpi_view *view);

/* The next table with this signature (NULL: any). Begin with an entry that is all 0. */
bool acpi_next(const struct record *record, const char *signature, struct record_entry *entry,
               struct acpi_view *view);
bool acpi_find(const struct record *record, const char *signature, struct acpi_view *view);

/* The configuration table with this GUID; its address. */
bool configuration_find(const struct record *record, const uint8_t guid[16], uint64_t *address);

/* The vendor table with this GUID; its bytes. */
const uint8_t *vendor_table(const struct record *record, const uint8_t guid[16], size_t *size,
                            uint64_t *offset);

/* EFI_GUID from the way it is written. */
#define GUID(a, b, c, ...)                                                                         \
    {                                                                                              \
        (uint8_t)(a), (uint8_t)((a) >> 8), (uint8_t)((a) >> 16), (uint8_t)((a) >> 24),             \
            (uint8_t)(b), (uint8_t)((b) >> 8), (uint8_t)(c), (uint8_t)((c) >> 8), __VA_ARGS__      \
    }

#endif
