#include "firmware/record/machine_state.h"

#include "cpu/left_state.h"
#include "firmware/record/handoff_record.h"
#include "library/string.h"
#include "memory/heap.h"

struct local_apic_view local_apic_view;

static void *map_registers(paddr_t base, size_t size)
{
    return device_map(base, size, DEVICE_UNCACHED);
}

/* ---- the local APIC ---- */

/* 256 bits in eight registers, 16 bytes apart. */
static void read_vectors(uint32_t offset, uint32_t bits[8])
{
    for (unsigned i = 0; i < 8; i++)
        bits[i] = local_apic_view_read(&local_apic_view, offset + 16 * i);
}

static uint32_t local_entry(unsigned index)
{
    return local_apic_view_read(&local_apic_view, APIC_VIEW_TIMER + 16 * index);
}

static void read_local_apic(struct record_after_exit *state)
{
    const struct local_apic_view *apic = &local_apic_view;
    const uint32_t last_with_cmci = 6; /* entries but one, in the version register */

    state->apic_base = left_registers_read().apic_base;
    if (!apic->on)
        return;
    state->valid |= RECORD_VALID_LOCAL_APIC;
    state->apic_id = local_apic_view_read(apic, APIC_VIEW_ID);
    if (!apic->x2apic)
        state->apic_id >>= 24;
    state->apic_version = local_apic_view_read(apic, APIC_VIEW_VERSION);
    state->spurious = local_apic_view_read(apic, APIC_VIEW_SPURIOUS);
    state->priority = local_apic_view_read(apic, APIC_VIEW_PRIORITY);
    state->error = local_apic_view_read(apic, APIC_VIEW_ERROR);
    state->lvt_timer = local_entry(0);
    state->lvt_thermal = local_entry(1);
    state->lvt_performance = local_entry(2);
    state->lvt_lint0 = local_entry(3);
    state->lvt_lint1 = local_entry(4);
    state->lvt_error = local_entry(5);
    if ((state->apic_version >> 16 & 0xff) >= last_with_cmci)
        state->lvt_cmci = local_apic_view_read(apic, APIC_VIEW_CMCI);
    state->timer_initial = local_apic_view_read(apic, APIC_VIEW_INITIAL);
    state->timer_current = local_apic_view_read(apic, APIC_VIEW_CURRENT);
    state->timer_divide = local_apic_view_read(apic, APIC_VIEW_DIVIDE);
    read_vectors(APIC_VIEW_IN_SERVICE, state->in_service);
    read_vectors(APIC_VIEW_REQUESTED, state->requested);
}

/* ---- the 8259s (Intel, 8259A data sheet: OCW3) ---- */

static void read_pics(const struct acpi_root *acpi, struct record_after_exit *state)
{
    static const uint16_t commands[2] = {0x20, 0xa0}, edges[2] = {0x4d0, 0x4d1};
    enum { READ_REQUESTED = 0x0a, READ_IN_SERVICE = 0x0b };
    struct acpi_table table;
    struct acpi_madt madt;
    const char *reason;

    if (!acpi || acpi_table_find(acpi, "APIC", &table) || acpi_madt_start(&madt, &table, &reason) ||
        !madt.has_8259)
        return;
    state->valid |= RECORD_VALID_8259;
    for (unsigned i = 0; i < 2; i++) {
        state->pic_mask[i] = port_read8(commands[i] + 1);
        port_write8(commands[i], READ_REQUESTED);
        state->pic_requested[i] = port_read8(commands[i]);
        port_write8(commands[i], READ_IN_SERVICE);
        state->pic_in_service[i] = port_read8(commands[i]);
        state->pic_edge_level[i] = port_read8(edges[i]);
    }
}

/* ---- I/O APICs (82093AA data sheet) and the HPET (specification 1.0a, 2.3) ---- */

static void record_io_apic(uint64_t address)
{
    enum { INPUTS_MAXIMUM = 256 };
    static uint64_t entries[INPUTS_MAXIMUM];
    volatile uint32_t *registers = device_map(address, PAGE_SIZE, DEVICE_UNCACHED);
    struct record_io_apic head = {.address = address};
    uint32_t inputs;

    if (!registers)
        return;
    registers[0] = 0;
    head.id = registers[4];
    registers[0] = 1;
    head.version = registers[4];
    inputs = (head.version >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < inputs; i++) {
        registers[0] = 0x10 + 2 * i;
        entries[i] = registers[4];
        registers[0] = 0x11 + 2 * i;
        entries[i] |= (uint64_t)registers[4] << 32;
    }
    handoff_record_append(RECORD_IO_APIC, &head, sizeof(head), entries,
                          inputs * sizeof(entries[0]));
}

static void record_io_apics(const struct acpi_root *acpi)
{
    struct acpi_table table;
    struct acpi_madt madt;
    struct acpi_madt_entry entry;
    const char *reason;

    if (acpi_table_find(acpi, "APIC", &table) || acpi_madt_start(&madt, &table, &reason))
        return;
    while (acpi_madt_next(&madt, &entry) == 1)
        if (entry.kind == ACPI_MADT_IO_APIC)
            record_io_apic(entry.io_apic.address);
}

static void record_hpet(const struct acpi_root *acpi)
{
    enum { TIMERS_MAXIMUM = 32 };
    uint64_t timers[2 * TIMERS_MAXIMUM];
    struct record_hpet head = {0};
    struct acpi_table table;
    struct acpi_hpet hpet;
    const char *reason;

    if (acpi_table_find(acpi, "HPET", &table) || acpi_hpet_parse(&table, &hpet, &reason))
        return;
    volatile uint64_t *registers = device_map(hpet.address.address, PAGE_SIZE, DEVICE_UNCACHED);
    if (!registers)
        return;
    head.address = hpet.address.address;
    head.capabilities = registers[0];
    head.configuration = registers[2];
    head.status = registers[4];
    head.counter = registers[0xf0 / 8];
    unsigned count = (head.capabilities >> 8 & 0x1f) + 1;
    for (unsigned i = 0; i < count; i++) {
        timers[2 * i] = registers[(0x100 + 0x20 * i) / 8];
        timers[2 * i + 1] = registers[(0x108 + 0x20 * i) / 8];
    }
    handoff_record_append(RECORD_HPET, &head, sizeof(head), timers, 2 * count * sizeof(timers[0]));
}

void handoff_record_machine_state(const struct acpi_root *acpi, uint64_t rflags)
{
    struct record_after_exit state = {.rflags = rflags};

    if (!handoff_record_wanted())
        return;
    local_apic_view = local_apic_view_open(map_registers);
    read_local_apic(&state);
    read_pics(acpi, &state);
    handoff_record_append(RECORD_AFTER_EXIT, &state, sizeof(state), NULL, 0);
    if (!acpi)
        return;
    record_io_apics(acpi);
    record_hpet(acpi);
}
