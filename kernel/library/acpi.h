/*
 * acpi.h: the static ACPI tables a kernel needs before it has an interpreter
 * (ACPI 6.5, chapter 5; HPET specification 1.0a, 3.2.4).
 *
 * Pure but for the caller's map function: no allocation, no lock; no pointer,
 * length or count in a table is trusted.
 */
#ifndef BATON_LIBRARY_ACPI_H
#define BATON_LIBRARY_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ACPI_TABLE_SIZE_MAX = 16 * 1024 * 1024, /* bytes; longer tables are taken as broken */
    ACPI_HEADER_SIZE = 36,
};

/*
 * Gives a readable view of size bytes at a physical address, or NULL when there
 * is no such memory. The view must last as long as what was found is used.
 */
typedef const void *acpi_map_function(void *context, uint64_t physical, size_t size);

struct acpi_memory {
    acpi_map_function *map;
    void *context;
};

/* The tables' root, found and checked. */
struct acpi_root {
    struct acpi_memory memory;
    const uint8_t *entries; /* physical addresses of tables */
    uint32_t entry_size;    /* 8 (XSDT) or 4 (RSDT) bytes */
    uint32_t entry_count;
    uint8_t revision;    /* of the RSDP: 0 (ACPI 1) or 2 */
    bool checksum_wrong; /* of the XSDT or RSDT that is used: no other is better */
    uint16_t port_base;  /* to be added to the FADT's ports; 0 but for firmware/acpi_ports.c */
    char oem[7];         /* OEMID, terminated */
};

/*
 * Checks the RSDP at the physical address rsdp and the XSDT it names, or the
 * RSDT where there is no XSDT or a broken one; one with a wrong checksum where
 * there is no better one. 0, or -EINVAL with *reason.
 */
int acpi_root_find(const struct acpi_memory *memory, uint64_t rsdp, struct acpi_root *root,
                   const char **reason);

/*
 * A table with a valid length. Its bytes include the header. A wrong checksum is not the end of it:
 * firmware patches its tables and forgets to seal them again, other systems take them with a
 * warning (Linux: ACPI_CHECKSUM_ABORT is FALSE), and what reads them believes no table anyway.
 */
struct acpi_table {
    uint64_t physical;
    const uint8_t *bytes;
    size_t size;
    uint8_t revision;
    bool checksum_wrong;
    char signature[5]; /* terminated */
};

/*
 * The table number index of the root. 0, or -ENOENT: no such index; -EINVAL
 * with *reason: null or unreadable address, bad length (the others may be good,
 * go on with the next).
 */
int acpi_table_at(const struct acpi_root *root, uint32_t index, struct acpi_table *table,
                  const char **reason);

/* The first table with this signature of 4 letters and a right checksum; without one of these, the
   first with a wrong one. 0, -ENOENT. */
int acpi_table_find(const struct acpi_root *root, const char *signature, struct acpi_table *table);

/*
 * The table at a physical address that another one names (the DSDT, by the FADT). 0, or -EINVAL
 * with *reason.
 */
int acpi_table_read(const struct acpi_root *root, uint64_t physical, struct acpi_table *table,
                    const char **reason);

/* Generic address structure (ACPI 6.5, 5.2.3.2). */
enum {
    ACPI_SPACE_MEMORY = 0,
    ACPI_SPACE_PORT = 1,
    ACPI_SPACE_PCI = 2,
};

struct acpi_address {
    uint8_t space; /* ACPI_SPACE_* */
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t access_size; /* 0 undefined, 1 byte, 2 word, 3 double word, 4 quad word */
    uint64_t address;    /* 0: the register is not there */
};

/* MADT (ACPI 6.5, 5.2.12), read entry by entry. */
struct acpi_madt {
    uint64_t local_apic_address; /* physical; with the override entry's, if there is one */
    bool has_8259;               /* PCAT_COMPAT: two 8259s to be masked */
    const uint8_t *entries;
    size_t size;   /* bytes */
    size_t offset; /* of the next entry */
};

enum acpi_madt_kind {
    ACPI_MADT_PROCESSOR, /* local APIC or local x2APIC */
    ACPI_MADT_IO_APIC,
    ACPI_MADT_OVERRIDE,   /* interrupt source override */
    ACPI_MADT_NMI_SOURCE, /* an I/O APIC input that is an NMI */
    ACPI_MADT_LOCAL_NMI,  /* a local APIC input that is an NMI */
};

/* Signals of the MPS INTI flags. */
enum {
    ACPI_POLARITY_BUS = 0,
    ACPI_POLARITY_HIGH = 1,
    ACPI_POLARITY_LOW = 3,
    ACPI_TRIGGER_BUS = 0,
    ACPI_TRIGGER_EDGE = 1,
    ACPI_TRIGGER_LEVEL = 3,
};

#define ACPI_ALL_PROCESSORS UINT32_MAX

struct acpi_madt_entry {
    enum acpi_madt_kind kind;
    union {
        struct {
            uint32_t apic_id;
            uint32_t uid; /* ACPI processor UID */
            bool enabled;
            bool online_capable; /* not enabled, but can be later */
            bool x2apic;         /* from an x2APIC entry */
        } processor;
        struct {
            uint8_t id;
            uint32_t address;         /* physical */
            uint32_t first_interrupt; /* global system interrupt of its input 0 */
        } io_apic;
        struct {
            uint8_t source;     /* ISA interrupt 0 to 15 */
            uint8_t polarity;   /* ACPI_POLARITY_* */
            uint8_t trigger;    /* ACPI_TRIGGER_* */
            uint32_t interrupt; /* global system interrupt */
        } override;
        struct {
            uint8_t polarity;
            uint8_t trigger;
            uint32_t interrupt;
        } nmi_source;
        struct {
            uint32_t uid; /* ACPI processor UID or ACPI_ALL_PROCESSORS */
            uint8_t polarity;
            uint8_t trigger;
            uint8_t input; /* LINT0 or LINT1 */
        } local_nmi;
    };
};

/*
 * Checks a table with the signature "APIC" up to its end. 0, or -EINVAL with
 * *reason. Afterwards acpi_madt_next returns 1 with the next entry of a known
 * kind or 0 at the end; local APIC entries with the reserved identifier 0xff
 * (x2APIC: 0xffffffff) are passed over, and I/O APICs where messages go.
 */
int acpi_madt_start(struct acpi_madt *madt, const struct acpi_table *table, const char **reason);
int acpi_madt_next(struct acpi_madt *madt, struct acpi_madt_entry *entry);

/* FADT (ACPI 6.5, 5.2.9). Registers that are absent have the address 0. */
struct acpi_fadt {
    uint16_t sci_interrupt;
    uint16_t boot_architecture; /* IAPC_BOOT_ARCH: bit 0 legacy devices, bit 1 8042, ... */
    uint32_t flags;
    bool hardware_reduced;   /* no PM registers, no PM timer */
    bool has_reset;          /* reset_register and reset_value are valid */
    bool fixed_power_button; /* it is a bit of the PM1 event registers */
    bool timer_32_bit;       /* the PM timer counts 32 bits, else 24; at 3,579,545 Hz */
    uint8_t reset_value;
    uint8_t acpi_enable;  /* written to smi_command to leave legacy mode */
    uint8_t century;      /* CMOS index of the century, 0: none */
    uint32_t smi_command; /* port, 0: none */
    struct acpi_address timer;
    struct acpi_address reset_register;
    struct acpi_address pm1a_event;
    struct acpi_address pm1b_event;
    struct acpi_address pm1a_control;
    struct acpi_address pm1b_control;
    struct acpi_address sleep_control; /* where there are no PM1 registers: 4.8.3.7 */
    struct acpi_address sleep_status;
    struct acpi_address general_event[2]; /* GPE0 and GPE1: status, and enable behind it */
    uint64_t dsdt;                        /* physical */
    uint64_t facs;                        /* physical */
};

/* Reads a table with the signature "FACP". 0, or -EINVAL with *reason. */
int acpi_fadt_parse(const struct acpi_table *table, struct acpi_fadt *fadt, const char **reason);

/*
 * The root's FADT, with its ports where they are: moved by root->port_base, and none among other
 * devices'. 0, or -EINVAL with *reason.
 */
int acpi_fadt_find(const struct acpi_root *root, struct acpi_fadt *fadt, const char **reason);

/* MCFG (PCI firmware specification 3.3, 4.1.2): where PCI's configuration space is seen. */
struct acpi_ecam {
    uint64_t base; /* physical, of bus 0, whether or not it is among those below */
    uint16_t segment;
    uint8_t first_bus, last_bus;
};
/* Entry number index of a table with the signature "MCFG". 0; -ENOENT: no such entry; -EINVAL: not
   such a table, or an entry of no buses. */
int acpi_ecam_at(const struct acpi_table *table, uint32_t index, struct acpi_ecam *ecam);

/*
 * Unit number index of a table with the signature "DMAR" (Intel VT-d specification 4.1, 8.1
 * and 8.3): where the registers of a unit that remaps DMA lie. 0; -ENOENT: no such unit; -EINVAL:
 * not such a table, or a structure of it that makes no sense.
 */
int acpi_remapping_unit_at(const struct acpi_table *table, uint32_t index, uint64_t *registers);

struct acpi_hpet {
    struct acpi_address address; /* of the register block: memory */
    uint32_t block_id;           /* vendor, counter size, comparators, revision */
    uint16_t minimum_tick;
    uint8_t number;
};

/* Reads a table with the signature "HPET". 0, or -EINVAL with *reason. */
int acpi_hpet_parse(const struct acpi_table *table, struct acpi_hpet *hpet, const char **reason);

#endif
