/*
 * handoff.h: what the loader hands to the kernel.
 *
 * One structure, filled by loader/ while the firmware is still there and read
 * by kernel/start/ once it is gone. It is self-sufficient: the kernel never
 * calls boot services, and it trusts no pointer, size or order in it unchecked
 * (kernel/start/handoff_check.c).
 *
 * Only fixed-width types: the loader is LLP64, the kernel LP64. The offsets
 * are asserted at the end of this file, in both builds.
 *
 * Machine state at the kernel's entry point (loader/jump.S makes it so):
 *   RDI      physical address of struct handoff, identity-mapped
 *   RSP      16-byte aligned as after a call, at least 16 KiB, in loader memory
 *   RFLAGS   IF=0, DF=0
 *   CR0      PG, PE, WP, NE, MP set; EM, TS, CD, NW clear
 *   CR4      PAE, OSFXSR, OSXMMEXCPT set; LA57, PGE, PCIDE, SMEP, SMAP clear
 *   EFER     LME, LMA, NXE set
 *   CR3      the loader's tables, which the kernel drops. Identity-mapped, writable,
 *            not executable: all memory of the map that may be touched (what
 *            kernel/library/memory_map.h calls mapped), every range named in here,
 *            and the framebuffer, with the type that the MTRRs give it. The jump's own
 *            page, in the loader's image, is executable and not writable. The kernel
 *            at kernel.virtual_base, each segment with its own permissions. No other
 *            device is mapped, no APIC.
 *   GDT, IDT the loader's, empty but for a flat code and data segment, in the jump's
 *            page; the kernel loads its own before it does anything else
 *   APICs    as the firmware left them; PIC and local vector table not masked
 */
#ifndef BATON_HANDOFF_H
#define BATON_HANDOFF_H

#include <stdint.h>

/* "BATON\0\0\0" read as a little-endian number. */
#define HANDOFF_MAGIC UINT64_C(0x4e4f544142)
/* Counts up with every change of the layout or of the meaning of a field. */
#define HANDOFF_VERSION 6

/* A range of physical memory; base and size in bytes. Size 0: there is none. */
struct handoff_range {
    uint64_t base;
    uint64_t size;
};

/* The kernel's image in memory. All of it is EfiLoaderData (rule 10). */
struct handoff_kernel {
    uint64_t physical_base; /* page aligned; any place */
    uint64_t size;          /* bytes, a multiple of 4096; from the first to the last segment */
    uint64_t virtual_base;  /* 2 MiB aligned, random, in the top 2 GiB */
    uint64_t entry;         /* virtual address jumped to */
};

/* The final memory map, as GetMemoryMap returned it (UEFI 2.10, 7.2.3): raw. */
struct handoff_memory_map {
    uint64_t base;               /* physical address of the first descriptor */
    uint64_t size;               /* bytes in use */
    uint64_t descriptor_size;    /* bytes from one descriptor to the next (rule 3) */
    uint32_t descriptor_version; /* EFI_MEMORY_DESCRIPTOR_VERSION, 1 */
    uint32_t exit_attempts;      /* calls of ExitBootServices it took (rule 1) */
};

/* How a pixel of 32 bits is laid out (UEFI 2.10, 12.9.2). */
enum {
    HANDOFF_PIXEL_NONE = 0, /* there is no linear framebuffer */
    HANDOFF_PIXEL_RGB = 1,  /* red in the lowest byte */
    HANDOFF_PIXEL_BGR = 2,  /* blue in the lowest byte */
    HANDOFF_PIXEL_MASK = 3, /* as the masks say */
};

struct handoff_framebuffer {
    uint64_t base;     /* physical address */
    uint64_t size;     /* bytes the firmware says it has */
    uint32_t width;    /* pixels */
    uint32_t height;   /* pixels */
    uint32_t stride;   /* pixels from one line to the next: PixelsPerScanLine (rule 15) */
    uint32_t format;   /* HANDOFF_PIXEL_* */
    uint32_t red_mask; /* for HANDOFF_PIXEL_MASK, else 0 */
    uint32_t green_mask;
    uint32_t blue_mask;
    uint32_t reserved;
};

/* Where the firmware's tables are (UEFI 2.10, 4.6); 0: not present. */
struct handoff_tables {
    uint64_t system_table;        /* EFI_SYSTEM_TABLE */
    uint64_t configuration;       /* its ConfigurationTable array */
    uint64_t configuration_count; /* entries in it */
    uint64_t acpi2;               /* RSDP of EFI_ACPI_20_TABLE_GUID */
    uint64_t acpi1;               /* RSDP of ACPI_TABLE_GUID */
    uint64_t smbios3;             /* 64-bit entry point of SMBIOS3_TABLE_GUID */
    uint64_t smbios;              /* 32-bit entry point of SMBIOS_TABLE_GUID */
};

/* Where the bytes of the seed came from; or-ed. */
enum {
    HANDOFF_SEED_RNG_PROTOCOL = 1, /* EFI_RNG_PROTOCOL (UEFI 2.10, 37.5) */
    HANDOFF_SEED_RDRAND = 2,       /* the RDRAND instruction */
    HANDOFF_SEED_TSC = 4,          /* time stamp counter jitter and the clock: weak */
};

/* The wall clock as GetTime gave it (UEFI 2.10, 8.3.1). */
struct handoff_time {
    int64_t unix_seconds; /* seconds since 1970-01-01 UTC; 0 when valid is 0 */
    uint32_t nanoseconds;
    int16_t timezone; /* minutes, or 0x7ff (EFI_UNSPECIFIED_TIMEZONE): taken as UTC */
    uint8_t daylight;
    uint8_t valid; /* 1: GetTime succeeded and its fields were in range */
    uint64_t tsc;  /* the time stamp counter when it was read */
};

/* The processor as the firmware left it to the loader (UEFI 2.10, 2.3.4). */
struct handoff_entry_state {
    uint64_t rflags;
    uint64_t cr0;
    uint64_t cr3;
    uint64_t cr4;
    uint64_t efer;
    uint64_t rsp;
    uint64_t tsc; /* time stamp counter at the loader's first instruction */
};

/* What was measured into the TPM: its event log, "crypto agile" (PC Client Platform Firmware
 * Profile 1.06, 10). */
struct handoff_measurements {
    struct handoff_range log; /* a copy in loader memory of its own, whole pages; size 0: none */
    uint64_t final_events;    /* where the firmware has what came since it gave the log:
                                 EFI_TCG2_FINAL_EVENTS_TABLE; 0: nowhere */
    uint64_t final_known;     /* bytes of that table's events which are in the log, too */
};

/* What a partition is known by (UEFI 2.10, 10.3.5.1, SignatureType). */
enum {
    HANDOFF_PARTITION_NONE =
        0, /* the loader came from none: a network, a CD, a disk without a table */
    HANDOFF_PARTITION_MBR = 1,  /* the disk's signature in the first 4 bytes of `signature` */
    HANDOFF_PARTITION_GUID = 2, /* the partition's own, as the disk has it */
};

/* The partition whose volume the loader was started from, as the firmware named it. */
struct handoff_partition {
    uint32_t kind;   /* HANDOFF_PARTITION_* */
    uint32_t number; /* from 1 on */
    uint8_t signature[16];
};

struct handoff {
    uint64_t magic;   /* HANDOFF_MAGIC */
    uint32_t version; /* HANDOFF_VERSION */
    uint32_t size;    /* sizeof(struct handoff) as the loader saw it */

    struct handoff_kernel kernel;
    struct handoff_memory_map memory_map;
    struct handoff_framebuffer framebuffer;
    struct handoff_tables tables;
    struct handoff_time time;
    struct handoff_entry_state entry_state;

    struct handoff_range initrd;  /* cpio archives, one behind the other, each 4-byte aligned */
    struct handoff_range symbols; /* the kernel file's .symtab: Elf64_Sym, link addresses, to be
                                     added to kernel.virtual_base; size 0: it was stripped */
    struct handoff_range symbol_names; /* its .strtab */
    struct handoff_range options; /* the boot entry's options: printable ASCII, one NUL at the end,
                                     size counts the NUL */
    struct handoff_range loader;  /* handoff, map, tables and stack of the loader; free when the
                                     kernel has copied what it wants and has tables of its own */

    uint8_t seed[32];      /* random bytes */
    uint32_t seed_sources; /* HANDOFF_SEED_* */
    uint32_t bus_masters;  /* PCI functions that still had bus mastering on after the exit; the
                              loader turned it off (rule 19) */
    uint64_t exit_tsc;     /* time stamp counter after ExitBootServices succeeded */

    struct handoff_range workspace; /* in `loader`: room to sort the map in, at least
                                       memory_map_capacity() ranges of memory_map.h */

    struct handoff_range record; /* room of the handoff's record (handoff_record.h), which begins
                                    in it; loader memory of its own, whole pages */
    uint64_t exit_rflags;        /* RFLAGS as ExitBootServices left them */

    struct handoff_measurements measurements;
    uint32_t secure_boot; /* 1: images were checked before they ran (UEFI 2.10, 32) */
    uint32_t reserved;    /* 0 */

    struct handoff_partition partition; /* where the loader came from */
};

#define HANDOFF_ASSERT_OFFSET(field, offset)                                                       \
    _Static_assert(__builtin_offsetof(struct handoff, field) == (offset), "handoff layout")
HANDOFF_ASSERT_OFFSET(magic, 0);
HANDOFF_ASSERT_OFFSET(version, 8);
HANDOFF_ASSERT_OFFSET(size, 12);
HANDOFF_ASSERT_OFFSET(kernel, 16);
HANDOFF_ASSERT_OFFSET(memory_map, 48);
HANDOFF_ASSERT_OFFSET(framebuffer, 80);
HANDOFF_ASSERT_OFFSET(tables, 128);
HANDOFF_ASSERT_OFFSET(time, 184);
HANDOFF_ASSERT_OFFSET(entry_state, 208);
HANDOFF_ASSERT_OFFSET(initrd, 264);
HANDOFF_ASSERT_OFFSET(symbols, 280);
HANDOFF_ASSERT_OFFSET(symbol_names, 296);
HANDOFF_ASSERT_OFFSET(options, 312);
HANDOFF_ASSERT_OFFSET(loader, 328);
HANDOFF_ASSERT_OFFSET(seed, 344);
HANDOFF_ASSERT_OFFSET(seed_sources, 376);
HANDOFF_ASSERT_OFFSET(exit_tsc, 384);
HANDOFF_ASSERT_OFFSET(workspace, 392);
HANDOFF_ASSERT_OFFSET(record, 408);
HANDOFF_ASSERT_OFFSET(exit_rflags, 424);
HANDOFF_ASSERT_OFFSET(measurements, 432);
HANDOFF_ASSERT_OFFSET(secure_boot, 464);
HANDOFF_ASSERT_OFFSET(partition, 472);
_Static_assert(sizeof(struct handoff) == 496, "handoff layout");

#endif
