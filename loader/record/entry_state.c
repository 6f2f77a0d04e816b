#include "record/entry_state.h"

#include <library/bytes.h>
#include <library/record/processor_registers.h>
#include <library/string.h>

#include "processor.h"
#include "record/recording.h"
#include "start.h"

/* What P1's map leaves of the static part for the page tables, and they for the calls before the
 * first allocation. */
enum {
    ROOM_FOR_TABLES = 16 * 1024,
    ROOM_FOR_CALLS = 4 * 1024,
};

static bool map_recorded;
static struct record_paging paging;

/* ---- P0 ---- */

/* All of this is as it was at the first instruction: compiled code changes none of it. */
static void read_selectors(struct record_entry_state *state)
{
    uint8_t table[DESCRIPTOR_TABLE_SIZE];

    state->cs = cs_read();
    state->ds = ds_read();
    state->es = es_read();
    state->fs = fs_read();
    state->gs = gs_read();
    state->ss = ss_read();
    state->tr = task_register_read();
    state->ldtr = local_table_read();
    gdt_read(table);
    state->gdt_limit = load16(table);
    state->gdt_base = load64(table + 2);
    idt_read(table);
    state->idt_limit = load16(table);
    state->idt_base = load64(table + 2);
}

static void read_control(struct record_entry_state *state)
{
    state->cr2 = cr2_read();
    state->cr8 = cr8_read();
    state->rflags = start_state.rflags;
    state->cr0 = start_state.cr0;
    state->cr3 = start_state.cr3;
    state->cr4 = start_state.cr4;
    state->efer = start_state.efer;
    state->rsp = start_state.rsp;
    state->rip = (uintptr_t)loader_start;
}

/* What depends on whether it is there, and switched on: else reading it is an exception. */
static void read_optional(struct record_entry_state *state)
{
    const uint64_t emulate_or_switched = 1 << 2 | 1 << 3; /* CR0.EM, TS */
    const uint64_t fxsr = 1 << 9, xsave = 1 << 18;        /* CR4.OSFXSR, OSXSAVE */
    uint32_t features = cpuid(1, 0).edx;

    if (features & 1 << 16) {
        state->pat = msr_read(0x277);
        state->valid |= RECORD_VALID_PAT;
    }
    if (features & 1 << 9) {
        state->apic_base = msr_read(0x1b);
        state->valid |= RECORD_VALID_APIC_BASE;
    }
    if (state->cr4 & xsave) {
        state->xcr0 = xcr0_read();
        state->valid |= RECORD_VALID_XCR0;
    }
    if (state->cr0 & emulate_or_switched)
        return;
    state->fcw = x87_control_read();
    state->valid |= RECORD_VALID_FCW;
    if (state->cr4 & fxsr) {
        state->mxcsr = mxcsr_read();
        state->valid |= RECORD_VALID_MXCSR;
    }
}

static struct cpuid_result ask_cpuid(uint32_t leaf, uint32_t subleaf)
{
    return cpuid(leaf, subleaf);
}

static uint64_t ask_msr(uint32_t index)
{
    return msr_read(index);
}

static void record_processor(struct record_entry_state *state)
{
    read_control(state);
    read_selectors(state);
    read_optional(state);
    record_append(&recording, RECORD_ENTRY_STATE, start_state.tsc, state, sizeof *state, NULL, 0);
    record_append_cpuid(&recording, start_state.tsc, ask_cpuid);
    record_append_msrs(&recording, RECORD_MSRS, start_state.tsc, ask_cpuid, ask_msr);
}

/* ---- P1 ---- */

/* A call with the buffer's room, in the record itself. */
static EFI_STATUS record_map(const EFI_BOOT_SERVICES *boot, size_t spare)
{
    size_t room = record_room(&recording);
    UINTN size = 0, key = 0, descriptor_size = 0;
    UINT32 version = 0;
    struct record_map *map;

    boot->GetMemoryMap(&size, NULL, &key, &descriptor_size, &version);
    if (room < spare + sizeof *map + size)
        return EFI_BUFFER_TOO_SMALL;
    map = record_reserve(&recording, RECORD_MAP_FIRST, tsc_read(), room - spare);
    map->probe_size = size;
    size = room - spare - sizeof *map;
    map->status =
        boot->GetMemoryMap(&size, (void *)map->descriptors, &key, &descriptor_size, &version);
    map->key = key;
    map->map_size = size;
    map->descriptor_size = descriptor_size;
    map->descriptor_version = version;
    record_shorten(&recording, sizeof *map + (EFI_ERROR(map->status) ? 0 : size));
    return map->status;
}

void recording_map_retry(void)
{
    if (!map_recorded)
        record_map(firmware.boot, record_room(&recording) / 2);
}

/* The firmware maps its tables as it maps all memory: one to one (UEFI 2.11, 2.3.4). */
static const uint64_t *table_at(uint64_t physical)
{
    return (const uint64_t *)(uintptr_t)physical;
}

static void paging_begin(const struct record_entry_state *state)
{
    const uint64_t no_execute = 1 << 11, five_levels = 1 << 12; /* EFER.NXE, CR4.LA57 */
    const uint64_t pat_at_reset = UINT64_C(0x0007040600070406);

    paging = (struct record_paging){
        .root = state->cr3,
        .levels = state->cr4 & five_levels ? 5 : 4,
        .no_execute = state->efer & no_execute,
        .physical_bits = physical_address_bits(),
        .pat = state->valid & RECORD_VALID_PAT ? state->pat : pat_at_reset,
        .table = table_at,
    };
}

/* By the tables that are in force now; in the lower half, as nothing is one to one in the other. */
bool recording_is_mapped(uint64_t address, uint64_t size)
{
    const unsigned lower_half = 12 + 9 * paging.levels - 1; /* bits */
    uint64_t last = address + size - 1;

    if (size == 0 || last < address || last >> lower_half)
        return false;
    paging.root = cr3_read();
    if (!record_page_present(&paging, last)) /* what is far too long is seen at once */
        return false;
    for (uint64_t page = address & -EFI_PAGE_SIZE; page <= last; page += EFI_PAGE_SIZE) {
        if (!record_page_present(&paging, page))
            return false;
    }
    return true;
}

bool recording_can_call(const void *services, size_t count)
{
    const uint64_t *service = services;

    if (!services || !recording_is_mapped((uintptr_t)services, count * sizeof *service))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!service[i] || !recording_is_mapped(service[i], 1))
            return false;
    }
    return true;
}

bool recording_can_read(uint64_t address, uint64_t size)
{
    return size <= RECORD_BUFFER_SIZE && recording_is_mapped(address, size);
}

uint64_t recording_readable(uint64_t address)
{
    uint64_t size = 0;

    for (uint64_t next; size < RECORD_BUFFER_SIZE; size = next) {
        next = size + EFI_PAGE_SIZE - (address + size) % EFI_PAGE_SIZE;
        if (!recording_can_read(address + size, next - size))
            break;
    }
    return size;
}

void recording_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    struct record_entry_state state = {.image_handle = (uintptr_t)image,
                                       .system_table = (uintptr_t)system};

    recording_begin();
    record_processor(&state);
    paging_begin(&state);
    map_recorded = recording_can_call(&system->BootServices->GetMemoryMap, 1) &&
                   !EFI_ERROR(record_map(system->BootServices, ROOM_FOR_TABLES));
    record_append_page_tables(&recording, tsc_read(), &paging, ROOM_FOR_CALLS);
}
