/* The processor at the loader's first instruction, and the others: 34 to 41 (UEFI 2.11, 2.3.4). */
#include "library/audit/check.h"
#include "library/string.h"

#define CR0_EM     (UINT64_C(1) << 2)
#define CR0_TS     (UINT64_C(1) << 3)
#define CR0_NW     (UINT64_C(1) << 29)
#define CR0_CD     (UINT64_C(1) << 30)
#define CR0_PE     UINT64_C(1)
#define CR0_PG     (UINT64_C(1) << 31)
#define CR4_PAE    (UINT64_C(1) << 5)
#define CR4_OSFXSR (UINT64_C(1) << 9)
#define CR4_LA57   (UINT64_C(1) << 12)
#define EFER_LME   (UINT64_C(1) << 8)
#define EFER_LMA   (UINT64_C(1) << 10)
#define FLAGS_IF   (UINT64_C(1) << 9)
#define FLAGS_DF   (UINT64_C(1) << 10)
#define GIB_4      (UINT64_C(1) << 32)

#define AT(field) (entry.offset + __builtin_offsetof(struct record_entry_state, field))

static bool state_need(struct audit *audit, struct record_entry *entry,
                       struct record_entry_state *state)
{
    if (!audit_need(audit, RECORD_ENTRY_STATE, entry))
        return false;
    (void)record_load(entry, state, sizeof(*state), NULL);
    return true;
}

static void control_registers(struct audit *audit)
{
    const uint64_t cr0 = CR0_PE | CR0_PG, efer = EFER_LME | EFER_LMA;
    struct record_entry_state state;
    struct record_entry entry;

    if (!state_need(audit, &entry, &state))
        return;
    if ((state.cr0 & (cr0 | CR0_CD | CR0_NW)) != cr0)
        audit_fail(audit, AT(cr0), "CR0 0x%llx", (unsigned long long)state.cr0);
    if (!(state.cr4 & CR4_PAE))
        audit_fail(audit, AT(cr4), "CR4 0x%llx", (unsigned long long)state.cr4);
    if ((state.efer & efer) != efer)
        audit_fail(audit, AT(efer), "EFER 0x%llx", (unsigned long long)state.efer);
}

static void flags(struct audit *audit)
{
    struct record_entry_state state;
    struct record_entry entry;

    if (!state_need(audit, &entry, &state))
        return;
    if (!(state.rflags & FLAGS_IF))
        audit_fail(audit, AT(rflags), "interrupts are off: RFLAGS 0x%llx",
                   (unsigned long long)state.rflags);
    if (state.rflags & FLAGS_DF)
        audit_fail(audit, AT(rflags), "the direction flag is set: RFLAGS 0x%llx",
                   (unsigned long long)state.rflags);
}

/*
 * How far the stack can reach down is not told anywhere: at most to the begin
 * of its descriptor, or to a page that is not there or not writable.
 */
static uint64_t stack_left(const struct page_tables *tables, uint64_t rsp,
                           const struct descriptor *range)
{
    uint64_t left = rsp - range->base;
    struct record_page_run run;

    for (uint64_t down = 0; down < left && down < 128 * 1024; down += PAGE) {
        if (!page_find(tables, rsp - down, &run) || !(run.rights & RECORD_PAGE_WRITABLE))
            return down;
    }
    return left;
}

static void stack(struct audit *audit)
{
    struct record_entry_state state;
    struct record_entry entry;
    struct page_tables tables;
    struct descriptor range;
    struct map map;

    if (!state_need(audit, &entry, &state) || !map_need_first(audit, &map) ||
        !page_tables_need(audit, &tables))
        return;
    if (state.rsp % 16 != 8)
        audit_fail(audit, AT(rsp),
                   "RSP 0x%llx at the first instruction: not 16-aligned at the call",
                   (unsigned long long)state.rsp);
    if (!map_find(&map, state.rsp, &range)) {
        audit_fail(audit, AT(rsp), "RSP 0x%llx is not in the memory map",
                   (unsigned long long)state.rsp);
        return;
    }
    uint64_t left = stack_left(&tables, state.rsp, &range);
    if (left < 128 * 1024)
        audit_fail(audit, AT(rsp), "at most %llu bytes below 0x%llx", (unsigned long long)left,
                   (unsigned long long)state.rsp);
}

static void floating_point(struct audit *audit)
{
    struct record_entry_state state;
    struct record_entry entry;

    if (!state_need(audit, &entry, &state))
        return;
    if (state.cr0 & (CR0_EM | CR0_TS))
        audit_fail(audit, AT(cr0), "EM or TS set: CR0 0x%llx", (unsigned long long)state.cr0);
    if (!(state.cr4 & CR4_OSFXSR))
        audit_fail(audit, AT(cr4), "SSE is off: CR4 0x%llx", (unsigned long long)state.cr4);
    if ((state.valid & RECORD_VALID_FCW) && state.fcw != 0x37f)
        audit_fail(audit, AT(fcw), "x87 control word 0x%x", state.fcw);
    if ((state.valid & RECORD_VALID_MXCSR) && state.mxcsr != 0x1f80)
        audit_fail(audit, AT(mxcsr), "MXCSR 0x%x", state.mxcsr);
}

/* ---- 38: the identity map ---- */

static bool must_be_mapped(const struct audit *audit, const struct descriptor *range)
{
    if (range->type == TYPE_FREE)
        return audit->profile != AUDIT_EMP; /* there free memory is not mapped: see 46 */
    return type_is_for_use(range->type) || range->type == TYPE_RUNTIME_CODE ||
           range->type == TYPE_RUNTIME_DATA || range->type == TYPE_ACPI_NVS;
}

/* Page 0 may be left out, to catch null pointers. */
static void identity_ask(struct audit *audit, const struct page_tables *tables,
                         const struct descriptor *range)
{
    struct record_page_run run;
    uint64_t at = range->base == 0 ? PAGE : range->base;

    while (at < range->end && audit_afford(audit, 1)) {
        if (!page_find(tables, at, &run) || run.physical + (at - run.linear) != at) {
            audit_fail(audit, range->offset, "%s at 0x%llx: 0x%llx is not mapped to itself",
                       record_memory_type_name(range->type), (unsigned long long)range->base,
                       (unsigned long long)at);
            return;
        }
        uint64_t end = run.linear + run.pages * PAGE;
        if (end <= at)
            return;
        at = end;
    }
}

static void identity_map(struct audit *audit)
{
    struct page_tables tables;
    struct descriptor range;
    struct map map;

    if (!map_need_first(audit, &map) || !page_tables_need(audit, &tables))
        return;
    if (tables.head.cut) {
        audit_not_known(audit, "the page tables were recorded in part");
        return;
    }
    for (size_t i = 0; i < map.count; i++) {
        map_descriptor(&map, i, &range);
        if (must_be_mapped(audit, &range))
            identity_ask(audit, &tables, &range);
    }
}

static void five_levels(struct audit *audit)
{
    struct record_entry_state state;
    struct record_entry entry;

    if (!state_need(audit, &entry, &state))
        return;
    if (!(state.cr4 & CR4_LA57)) {
        audit_not_applicable(audit, "paging has 4 levels");
        return;
    }
    if (state.rip >= GIB_4)
        audit_fail(audit, AT(rip), "the image is at 0x%llx", (unsigned long long)state.rip);
    if (state.cr3 >= GIB_4)
        audit_fail(audit, AT(cr3), "the tables are at 0x%llx", (unsigned long long)state.cr3);
}

/* ---- 40, 41: the other processors ---- */

/*
 * INIT leaves MTRRs as they are (SDM volume 3, table 10-1); QEMU's emulated processors clear them
 * (x86_cpu_reset() in target/i386/cpu.c, which do_cpu_init() calls; PAT it keeps). What firmware
 * had set there is gone when the kernel wakes the processor, and nobody's fault.
 */
static bool init_clears_mtrrs(const struct record *record)
{
    struct record_cpuid answer;

    return cpuid_find(record, 0x40000000, &answer) && memcmp(&answer.ebx, "TCGT", 4) == 0 &&
           memcmp(&answer.ecx, "CGTC", 4) == 0 && memcmp(&answer.edx, "GTCG", 4) == 0;
}

static bool is_mtrr(uint32_t index)
{
    return (index >= 0x200 && index < 0x270) || index == 0x2ff;
}

/* Registers of one processor against those of the boot processor. */
static void registers_ask(struct audit *audit, const struct record_entry *boot,
                          const struct record_entry *other, bool cleared)
{
    struct record_msrs head;
    struct record_msr msr;
    uint64_t value;
    size_t size;
    const uint8_t *items = record_load(other, &head, sizeof(head), &size);

    for (size_t at = 0; sizeof(msr) <= size - at; at += sizeof(msr)) {
        if (!audit_afford(audit, boot->size / sizeof(msr)))
            return;
        memcpy(&msr, items + at, sizeof(msr));
        if (msr.faulted || !msr_find(boot, msr.index, &value) || value == msr.value)
            continue;
        if (cleared && is_mtrr(msr.index) && msr.value == 0)
            audit_not_known(audit, "QEMU's emulated processors clear MTRRs at INIT");
        else
            audit_fail(audit, other->offset + sizeof(head) + at,
                       "APIC %u: MSR 0x%x is 0x%llx, the boot processor's 0x%llx", head.apic_id,
                       msr.index, (unsigned long long)msr.value, (unsigned long long)value);
    }
}

static void processors_equal(struct audit *audit)
{
    struct record_entry boot, other = {0};

    if (!audit_need(audit, RECORD_MSRS, &boot))
        return;
    if (record_count(audit->record, RECORD_PROCESSOR) == 1) {
        audit_not_applicable(audit, "there is one processor");
        return;
    }
    if (!audit_need(audit, RECORD_PROCESSOR_MSRS, &other))
        return;
    other = (struct record_entry){0};
    bool cleared = init_clears_mtrrs(audit->record);
    while (record_next_of(audit->record, RECORD_PROCESSOR_MSRS, &other))
        registers_ask(audit, &boot, &other, cleared);
}

static void processors_wake(struct audit *audit)
{
    static const char *const results[] = {NULL, NULL, "did not wake", "woke after it was given up",
                                          "ran before it was told to"};
    struct record_processor processor;
    struct record_entry entry = {0};

    if (!audit_need(audit, RECORD_PROCESSOR, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_PROCESSOR, &entry)) {
        (void)record_load(&entry, &processor, sizeof(processor), NULL);
        if (processor.result < sizeof(results) / sizeof(results[0]) &&
            results[processor.result] != NULL)
            audit_fail(audit, entry.offset, "APIC %u %s", processor.apic_id,
                       results[processor.result]);
    }
}

static const struct audit_check checks[] = {
    {34, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "control registers at entry", "UEFI 2.11, 2.3.4",
     "64-bit mode with paging and caches: CR0.PE, PG without CD, NW; CR4.PAE; EFER.LME, LMA",
     "Start applications in long mode with caches on.", control_registers},
    {35, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "flags at entry", "UEFI 2.11, 2.3.4",
     "interrupts on, direction flag clear",
     "Start an application at TPL_APPLICATION, with RFLAGS.DF clear.", flags},
    {36, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "stack at entry", "UEFI 2.11, 2.3.4",
     "128 KiB or more, 16-byte aligned at the call",
     "Give the boot manager a larger stack, or start an image on one of its own (EDK2: STACK_SIZE "
     "in MdeModulePkg/Core/DxeIplPeim).",
     stack},
    {37, AUDIT_MEDIUM, AUDIT_MEDIUM, true, "floating point at entry", "UEFI 2.11, 2.3.4",
     "x87 control word 037fh, MXCSR 1f80h, CR0.EM and TS clear, SSE usable (CR4.OSFXSR)",
     "Initialise x87 and SSE before an image is started.", floating_point},
    {38, AUDIT_HIGH, AUDIT_HIGH, false, "identity map covers the memory map", "UEFI 2.11, 2.3.4",
     "each range of RAM mapped to itself (free memory may be left out in the profile emp)",
     "Map all memory that the map describes; compare the address at which it ends.", identity_map},
    {39, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "five-level paging",
     "UEFI 2.11, 2.3.4; SDM volume 3, 4.5",
     "image and page tables below 4 GiB, so that a loader can leave 5-level paging",
     "Load applications below 4 GiB when CR4.LA57 is set.", five_levels},
    {40, AUDIT_HIGH, AUDIT_HIGH, false, "MTRRs, PAT, microcode equal",
     "SDM volume 3, 12.11.8 and 10.11", "on every processor what the boot processor has",
     "Programme MTRRs and load microcode on all processors, the last ones too.", processors_equal},
    {41, AUDIT_HIGH, AUDIT_HIGH, false, "processors wait and wake",
     "SDM volume 3, 9.4; ACPI 6.6, 5.2.12",
     "each enabled processor of MADT wakes at INIT-SIPI-SIPI, and none before",
     "Leave application processors in wait-for-SIPI or HLT; list in MADT only those that are "
     "there.",
     processors_wake},
};

AUDIT_FAMILY(audit_processor, "processor", checks);
