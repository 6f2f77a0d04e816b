#include "library/acpi.h"

#include "library/bytes.h"
#include "library/string.h"
#include <linux/errno.h>

/* Root system description pointer (ACPI 6.5, 5.2.5.3). */
enum {
    RSDP_OEM = 9,
    RSDP_REVISION = 15,
    RSDP_RSDT = 16,
    RSDP_SIZE_1 = 20, /* revision 0: up to here */
    RSDP_LENGTH = 20,
    RSDP_XSDT = 24,
    RSDP_SIZE_2 = 36,
    RSDP_SIZE_MAX = 4096,
};

/* System description table header (ACPI 6.5, 5.2.6). */
enum {
    HEADER_LENGTH = 4,
    HEADER_REVISION = 8,
};

/* Bytes of an entry of the root tables (ACPI 6.5, 5.2.7 and 5.2.8). */
enum { RSDT_ENTRY = 4, XSDT_ENTRY = 8 };

static int fail(const char **reason, const char *text)
{
    *reason = text;
    return -EINVAL;
}

static bool checksum_is_right(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

static const uint8_t *map(const struct acpi_memory *memory, uint64_t physical, size_t size)
{
    if (physical == 0 || physical > UINT64_MAX - size)
        return NULL;
    return memory->map(memory->context, physical, size);
}

/* Maps the header first: only it says how long the table is. */
static int table_read(const struct acpi_memory *memory, uint64_t physical, struct acpi_table *table,
                      const char **reason)
{
    const uint8_t *header = map(memory, physical, ACPI_HEADER_SIZE);
    if (header == NULL)
        return fail(reason, "a table lies where no memory is");
    uint32_t size = load32(header + HEADER_LENGTH);
    if (size < ACPI_HEADER_SIZE || size > ACPI_TABLE_SIZE_MAX)
        return fail(reason, "a table has an impossible length");
    const uint8_t *bytes = map(memory, physical, size);
    if (bytes == NULL)
        return fail(reason, "a table reaches where no memory is");
    *table = (struct acpi_table){
        .physical = physical,
        .bytes = bytes,
        .size = size,
        .revision = bytes[HEADER_REVISION],
        .checksum_wrong = !checksum_is_right(bytes, size),
    };
    memcpy(table->signature, bytes, 4);
    return 0;
}

/* The RSDT or the XSDT: a header and an array of addresses of entry_size bytes. */
static int root_read(struct acpi_root *root, uint64_t physical, uint32_t entry_size, bool strict,
                     const char **reason)
{
    struct acpi_table table;
    int error = table_read(&root->memory, physical, &table, reason);

    if (error)
        return error;
    if (memcmp(table.signature, entry_size == XSDT_ENTRY ? "XSDT" : "RSDT", 4) != 0)
        return fail(reason, "the root table has another signature");
    if (strict && table.checksum_wrong)
        return fail(reason, "the root table has a wrong checksum");
    root->checksum_wrong = table.checksum_wrong;
    root->entries = table.bytes + ACPI_HEADER_SIZE;
    root->entry_size = entry_size;
    root->entry_count = (uint32_t)(table.size - ACPI_HEADER_SIZE) / entry_size;
    return 0;
}

int acpi_root_find(const struct acpi_memory *memory, uint64_t rsdp, struct acpi_root *root,
                   const char **reason)
{
    const uint8_t *bytes = map(memory, rsdp, RSDP_SIZE_1);

    if (bytes == NULL)
        return fail(reason, "the RSDP lies where no memory is");
    if (memcmp(bytes, "RSD PTR ", 8) != 0)
        return fail(reason, "the RSDP has no signature");
    if (!checksum_is_right(bytes, RSDP_SIZE_1))
        return fail(reason, "the RSDP has a wrong checksum");

    *root = (struct acpi_root){.memory = *memory, .revision = bytes[RSDP_REVISION]};
    memcpy(root->oem, bytes + RSDP_OEM, 6);
    uint64_t rsdt = load32(bytes + RSDP_RSDT);
    if (root->revision >= 2) {
        bytes = map(memory, rsdp, RSDP_SIZE_2);
        if (bytes == NULL)
            return fail(reason, "the RSDP reaches where no memory is");
        uint32_t size = load32(bytes + RSDP_LENGTH);
        if (size < RSDP_SIZE_2 || size > RSDP_SIZE_MAX)
            return fail(reason, "the RSDP has an impossible length");
        bytes = map(memory, rsdp, size);
        if (bytes == NULL)
            return fail(reason, "the RSDP reaches where no memory is");
        if (!checksum_is_right(bytes, size))
            return fail(reason, "the RSDP has a wrong extended checksum");
        uint64_t xsdt = load64(bytes + RSDP_XSDT);
        if (root_read(root, xsdt, XSDT_ENTRY, true, reason) == 0 ||
            root_read(root, rsdt, RSDT_ENTRY, true, reason) == 0 ||
            root_read(root, xsdt, XSDT_ENTRY, false, reason) == 0)
            return 0;
    }
    return root_read(root, rsdt, RSDT_ENTRY, false, reason);
}

int acpi_table_at(const struct acpi_root *root, uint32_t index, struct acpi_table *table,
                  const char **reason)
{
    if (index >= root->entry_count)
        return -ENOENT;
    const uint8_t *entry = root->entries + (size_t)index * root->entry_size;
    uint64_t physical = root->entry_size == 8 ? load64(entry) : load32(entry);
    return table_read(&root->memory, physical, table, reason);
}

int acpi_table_find(const struct acpi_root *root, const char *signature, struct acpi_table *table)
{
    struct acpi_table found;
    const char *reason;
    int result = -ENOENT;

    for (uint32_t i = 0; i < root->entry_count; i++) {
        if (acpi_table_at(root, i, &found, &reason) != 0 ||
            memcmp(found.signature, signature, 4) != 0)
            continue;
        if (result != 0 || !found.checksum_wrong)
            *table = found;
        result = 0;
        if (!found.checksum_wrong)
            break;
    }
    return result;
}

int acpi_table_read(const struct acpi_root *root, uint64_t physical, struct acpi_table *table,
                    const char **reason)
{
    return table_read(&root->memory, physical, table, reason);
}

static bool signature_is(const struct acpi_table *table, const char *signature)
{
    return memcmp(table->signature, signature, 4) == 0;
}

/* MADT (ACPI 6.5, 5.2.12). */
enum {
    MADT_LOCAL_APIC = 36,
    MADT_FLAGS = 40,
    MADT_ENTRIES = 44,
    MADT_PCAT_COMPAT = 1,

    ENTRY_LOCAL_APIC = 0,
    ENTRY_IO_APIC = 1,
    ENTRY_OVERRIDE = 2,
    ENTRY_NMI_SOURCE = 3,
    ENTRY_LOCAL_NMI = 4,
    ENTRY_LOCAL_APIC_ADDRESS = 5,
    ENTRY_X2APIC = 9,
    ENTRY_X2APIC_NMI = 10,

    PROCESSOR_ENABLED = 1,
    PROCESSOR_ONLINE_CAPABLE = 2,

    APIC_ID_RESERVED = 0xff,
    MESSAGES = 0xfee, /* the MiB where a write is an interrupt (SDM volume 3, 11.11.1) */
    UID_ALL = 0xff,
};

/* The least length of an entry of this type, with its own type and length bytes. */
static size_t madt_entry_size(uint8_t type)
{
    switch (type) {
    case ENTRY_LOCAL_APIC:
        return 8;
    case ENTRY_IO_APIC:
        return 12;
    case ENTRY_OVERRIDE:
        return 10;
    case ENTRY_NMI_SOURCE:
        return 8;
    case ENTRY_LOCAL_NMI:
        return 6;
    case ENTRY_LOCAL_APIC_ADDRESS:
        return 12;
    case ENTRY_X2APIC:
        return 16;
    case ENTRY_X2APIC_NMI:
        return 12;
    default:
        return 2;
    }
}

int acpi_madt_start(struct acpi_madt *madt, const struct acpi_table *table, const char **reason)
{
    if (!signature_is(table, "APIC"))
        return fail(reason, "the table is not a MADT");
    if (table->size < MADT_ENTRIES)
        return fail(reason, "the MADT is too short");
    *madt = (struct acpi_madt){
        .local_apic_address = load32(table->bytes + MADT_LOCAL_APIC),
        .has_8259 = load32(table->bytes + MADT_FLAGS) & MADT_PCAT_COMPAT,
        .entries = table->bytes + MADT_ENTRIES,
        .size = table->size - MADT_ENTRIES,
    };
    for (size_t offset = 0; offset < madt->size; offset += madt->entries[offset + 1]) {
        const uint8_t *entry = madt->entries + offset;
        size_t left = madt->size - offset;
        if (left < 2 || entry[1] > left || entry[1] < madt_entry_size(entry[0]))
            return fail(reason, "the MADT holds an entry of an impossible length");
        if (entry[0] == ENTRY_LOCAL_APIC_ADDRESS)
            madt->local_apic_address = load64(entry + 4);
    }
    return 0;
}

/* MPS INTI flags (ACPI 6.5, table 5.26). */
static uint8_t polarity(const uint8_t *flags)
{
    return load16(flags) & 3;
}

static uint8_t trigger(const uint8_t *flags)
{
    return load16(flags) >> 2 & 3;
}

static bool processor_read(struct acpi_madt_entry *entry, uint32_t apic_id, uint32_t uid,
                           uint32_t flags, bool x2apic)
{
    if (apic_id == (x2apic ? UINT32_MAX : APIC_ID_RESERVED))
        return false;
    entry->kind = ACPI_MADT_PROCESSOR;
    entry->processor.apic_id = apic_id;
    entry->processor.uid = uid;
    entry->processor.enabled = flags & PROCESSOR_ENABLED;
    entry->processor.online_capable =
        (flags & PROCESSOR_ONLINE_CAPABLE) && !(flags & PROCESSOR_ENABLED);
    entry->processor.x2apic = x2apic;
    return true;
}

static void local_nmi_read(struct acpi_madt_entry *entry, uint32_t uid, const uint8_t *flags,
                           uint8_t input)
{
    entry->kind = ACPI_MADT_LOCAL_NMI;
    entry->local_nmi.uid = uid;
    entry->local_nmi.polarity = polarity(flags);
    entry->local_nmi.trigger = trigger(flags);
    entry->local_nmi.input = input;
}

/* false: an entry that is of no use to the caller. */
static bool madt_entry_read(const uint8_t *bytes, struct acpi_madt_entry *entry)
{
    *entry = (struct acpi_madt_entry){0};
    switch (bytes[0]) {
    case ENTRY_LOCAL_APIC:
        return processor_read(entry, bytes[3], bytes[2], load32(bytes + 4), false);
    case ENTRY_X2APIC:
        return processor_read(entry, load32(bytes + 4), load32(bytes + 12), load32(bytes + 8),
                              true);
    case ENTRY_IO_APIC:
        entry->kind = ACPI_MADT_IO_APIC;
        entry->io_apic.id = bytes[2];
        entry->io_apic.address = load32(bytes + 4);
        entry->io_apic.first_interrupt = load32(bytes + 8);
        return entry->io_apic.address >> 20 != MESSAGES;
    case ENTRY_OVERRIDE:
        entry->kind = ACPI_MADT_OVERRIDE;
        entry->override.source = bytes[3];
        entry->override.interrupt = load32(bytes + 4);
        entry->override.polarity = polarity(bytes + 8);
        entry->override.trigger = trigger(bytes + 8);
        return bytes[2] == 0 && bytes[3] < 16; /* bus 0 is ISA, the only one there is */
    case ENTRY_NMI_SOURCE:
        entry->kind = ACPI_MADT_NMI_SOURCE;
        entry->nmi_source.polarity = polarity(bytes + 2);
        entry->nmi_source.trigger = trigger(bytes + 2);
        entry->nmi_source.interrupt = load32(bytes + 4);
        return true;
    case ENTRY_LOCAL_NMI:
        local_nmi_read(entry, bytes[2] == UID_ALL ? ACPI_ALL_PROCESSORS : bytes[2], bytes + 3,
                       bytes[5]);
        return bytes[5] < 2;
    case ENTRY_X2APIC_NMI:
        local_nmi_read(entry, load32(bytes + 4), bytes + 2, bytes[8]);
        return bytes[8] < 2;
    default:
        return false;
    }
}

int acpi_madt_next(struct acpi_madt *madt, struct acpi_madt_entry *entry)
{
    while (madt->offset < madt->size) {
        const uint8_t *bytes = madt->entries + madt->offset;
        madt->offset += bytes[1];
        if (madt_entry_read(bytes, entry))
            return 1;
    }
    return 0;
}

/* FADT (ACPI 6.5, 5.2.9). */
enum {
    FADT_FACS = 36,
    FADT_DSDT = 40,
    FADT_SCI_INTERRUPT = 46,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_EVENT = 56,
    FADT_PM1B_EVENT = 60,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_TIMER = 76,
    FADT_GPE0 = 80,
    FADT_GPE1 = 84,
    FADT_PM1_EVENT_LENGTH = 88,
    FADT_PM1_CONTROL_LENGTH = 89,
    FADT_TIMER_LENGTH = 91,
    FADT_GPE0_LENGTH = 92,
    FADT_GPE1_LENGTH = 93,
    FADT_CENTURY = 108,
    FADT_BOOT_ARCHITECTURE = 109,
    FADT_FLAGS = 112,
    FADT_SIZE_MIN = 116, /* ACPI 1.0's */
    FADT_RESET_REGISTER = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_FACS = 132,
    FADT_X_DSDT = 140,
    FADT_X_PM1A_EVENT = 148,
    FADT_X_PM1B_EVENT = 160,
    FADT_X_PM1A_CONTROL = 172,
    FADT_X_PM1B_CONTROL = 184,
    FADT_X_TIMER = 208,
    FADT_X_GPE0 = 220,
    FADT_X_GPE1 = 232,
    FADT_SLEEP_CONTROL = 244,
    FADT_SLEEP_STATUS = 256,

    FADT_FLAG_POWER_BUTTON = 1 << 4, /* set: not a fixed feature */
    FADT_FLAG_TIMER_32_BIT = 1 << 8,
    FADT_FLAG_RESET = 1 << 10,
    FADT_FLAG_HARDWARE_REDUCED = 1 << 20,

    ADDRESS_SIZE = 12, /* of a generic address structure */
};

static struct acpi_address address_read(const uint8_t *bytes)
{
    return (struct acpi_address){
        .space = bytes[0],
        .bit_width = bytes[1],
        .bit_offset = bytes[2],
        .access_size = bytes[3],
        .address = load64(bytes + 4),
    };
}

/* A register block: the extended field where the table has it, or the 32-bit port. */
static struct acpi_address block_read(const struct acpi_table *table, size_t extended, size_t port,
                                      size_t length)
{
    if (extended + ADDRESS_SIZE <= table->size) {
        struct acpi_address address = address_read(table->bytes + extended);
        if (address.address != 0)
            return address;
    }
    return (struct acpi_address){
        .space = ACPI_SPACE_PORT,
        .bit_width = (uint8_t)(table->bytes[length] * 8),
        .address = load32(table->bytes + port),
    };
}

static uint64_t pointer_read(const struct acpi_table *table, size_t extended, size_t pointer)
{
    if (extended + sizeof(uint64_t) <= table->size && load64(table->bytes + extended) != 0)
        return load64(table->bytes + extended);
    return load32(table->bytes + pointer);
}

int acpi_fadt_parse(const struct acpi_table *table, struct acpi_fadt *fadt, const char **reason)
{
    const uint8_t *bytes = table->bytes;

    if (!signature_is(table, "FACP"))
        return fail(reason, "the table is not a FADT");
    if (table->size < FADT_SIZE_MIN)
        return fail(reason, "the FADT is too short");

    uint32_t flags = load32(bytes + FADT_FLAGS);
    *fadt = (struct acpi_fadt){
        .sci_interrupt = load16(bytes + FADT_SCI_INTERRUPT),
        .boot_architecture = load16(bytes + FADT_BOOT_ARCHITECTURE),
        .flags = flags,
        .hardware_reduced = flags & FADT_FLAG_HARDWARE_REDUCED,
        .timer_32_bit = flags & FADT_FLAG_TIMER_32_BIT,
        .century = bytes[FADT_CENTURY],
        .dsdt = pointer_read(table, FADT_X_DSDT, FADT_DSDT),
        .facs = pointer_read(table, FADT_X_FACS, FADT_FACS),
    };
    if ((flags & FADT_FLAG_RESET) && table->size > FADT_RESET_VALUE) {
        fadt->reset_register = address_read(bytes + FADT_RESET_REGISTER);
        fadt->reset_value = bytes[FADT_RESET_VALUE];
        fadt->has_reset = fadt->reset_register.address != 0;
    }
    if (table->size >= FADT_SLEEP_STATUS + ADDRESS_SIZE) {
        fadt->sleep_control = address_read(bytes + FADT_SLEEP_CONTROL);
        fadt->sleep_status = address_read(bytes + FADT_SLEEP_STATUS);
    }
    if (fadt->hardware_reduced)
        return 0;
    fadt->fixed_power_button = !(flags & FADT_FLAG_POWER_BUTTON);

    fadt->smi_command = load32(bytes + FADT_SMI_COMMAND);
    fadt->acpi_enable = bytes[FADT_ACPI_ENABLE];
    fadt->pm1a_event = block_read(table, FADT_X_PM1A_EVENT, FADT_PM1A_EVENT, FADT_PM1_EVENT_LENGTH);
    fadt->pm1b_event = block_read(table, FADT_X_PM1B_EVENT, FADT_PM1B_EVENT, FADT_PM1_EVENT_LENGTH);
    fadt->pm1a_control =
        block_read(table, FADT_X_PM1A_CONTROL, FADT_PM1A_CONTROL, FADT_PM1_CONTROL_LENGTH);
    fadt->pm1b_control =
        block_read(table, FADT_X_PM1B_CONTROL, FADT_PM1B_CONTROL, FADT_PM1_CONTROL_LENGTH);
    fadt->general_event[0] = block_read(table, FADT_X_GPE0, FADT_GPE0, FADT_GPE0_LENGTH);
    fadt->general_event[1] = block_read(table, FADT_X_GPE1, FADT_GPE1, FADT_GPE1_LENGTH);
    /* ACPI 6.5, 5.2.9: a timer length other than 4 means that there is no timer. */
    if (bytes[FADT_TIMER_LENGTH] == 4)
        fadt->timer = block_read(table, FADT_X_TIMER, FADT_TIMER, FADT_TIMER_LENGTH);
    return 0;
}

/* What a PC has at ports that no table can give to another: the system board's own (DMA,
   interrupts, timer, keyboard), the serial ports COM4, COM2, COM3 and COM1, and PCI's. */
static bool port_is_taken(uint64_t port)
{
    static const struct {
        uint16_t first, last;
    } taken[] = {{0, 0xff},      {0x2e8, 0x2ef}, {0x2f8, 0x2ff},
                 {0x3e8, 0x3ef}, {0x3f8, 0x3ff}, {0xcf8, 0xcff}};

    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        if (port >= taken[i].first && port <= taken[i].last)
            return true;
    return false;
}

/* Moves a block to where the ports are; one among other devices' ports is none at all: what is
   written to it would start transfers, not switch the machine off, and what is read be missed. */
static void block_place(struct acpi_address *block, uint32_t base, bool there)
{
    if (block->space != ACPI_SPACE_PORT || !there)
        return;
    block->address += base;
    if (port_is_taken(block->address))
        block->address = 0;
}

int acpi_fadt_find(const struct acpi_root *root, struct acpi_fadt *fadt, const char **reason)
{
    struct acpi_table table;

    if (acpi_table_find(root, "FACP", &table) != 0)
        return fail(reason, "there is none");
    int error = acpi_fadt_parse(&table, fadt, reason);
    if (error != 0 || fadt->hardware_reduced)
        return error;
    /* The first block begins at the base itself. */
    block_place(&fadt->pm1a_event, root->port_base, root->port_base || fadt->pm1a_event.address);
    struct acpi_address *others[] = {&fadt->pm1b_event,       &fadt->pm1a_control,
                                     &fadt->pm1b_control,     &fadt->timer,
                                     &fadt->general_event[0], &fadt->general_event[1]};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        block_place(others[i], root->port_base, others[i]->address);
    return 0;
}

/* HPET description table (HPET specification 1.0a, 3.2.4). */
enum {
    HPET_BLOCK_ID = 36,
    HPET_ADDRESS = 40,
    HPET_NUMBER = 52,
    HPET_MINIMUM_TICK = 53,
    HPET_SIZE = 56,
};

int acpi_hpet_parse(const struct acpi_table *table, struct acpi_hpet *hpet, const char **reason)
{
    if (!signature_is(table, "HPET"))
        return fail(reason, "the table is not an HPET table");
    if (table->size < HPET_SIZE)
        return fail(reason, "the HPET table is too short");
    *hpet = (struct acpi_hpet){
        .address = address_read(table->bytes + HPET_ADDRESS),
        .block_id = load32(table->bytes + HPET_BLOCK_ID),
        .minimum_tick = load16(table->bytes + HPET_MINIMUM_TICK),
        .number = table->bytes[HPET_NUMBER],
    };
    if (hpet->address.space != ACPI_SPACE_MEMORY || hpet->address.address == 0)
        return fail(reason, "the HPET is not in memory");
    return 0;
}

enum {
    MCFG_ENTRIES = 44,
    MCFG_ENTRY_SIZE = 16,
};

int acpi_ecam_at(const struct acpi_table *table, uint32_t index, struct acpi_ecam *ecam)
{
    if (!signature_is(table, "MCFG") || table->size < MCFG_ENTRIES)
        return -EINVAL;
    if (index >= (table->size - MCFG_ENTRIES) / MCFG_ENTRY_SIZE)
        return -ENOENT;
    const uint8_t *entry = table->bytes + MCFG_ENTRIES + (size_t)index * MCFG_ENTRY_SIZE;
    *ecam = (struct acpi_ecam){
        .base = load64(entry),
        .segment = load16(entry + 8),
        .first_bus = entry[10],
        .last_bus = entry[11],
    };
    return ecam->base && ecam->first_bus <= ecam->last_bus ? 0 : -EINVAL;
}

enum {
    DMAR_STRUCTURES = 48,
    DMAR_HEAD = 4, /* of a structure: its type, its length */
    DMAR_UNIT = 0, /* a type */
    DMAR_UNIT_REGISTERS = 8,
    DMAR_UNIT_SIZE = 16,
};

int acpi_remapping_unit_at(const struct acpi_table *table, uint32_t index, uint64_t *registers)
{
    if (!signature_is(table, "DMAR"))
        return -EINVAL;
    for (size_t at = DMAR_STRUCTURES, size; at + DMAR_HEAD <= table->size; at += size) {
        const uint8_t *structure = table->bytes + at;
        size = load16(structure + 2);
        if (size < DMAR_HEAD || size > table->size - at)
            return -EINVAL;
        if (load16(structure) != DMAR_UNIT || index-- > 0)
            continue;
        if (size < DMAR_UNIT_SIZE)
            return -EINVAL;
        *registers = load64(structure + DMAR_UNIT_REGISTERS);
        return *registers ? 0 : -EINVAL;
    }
    return -ENOENT;
}
