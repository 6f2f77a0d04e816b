#include "firmware/record/processors.h"

#include "cpu/clock.h"
#include "cpu/left_state.h"
#include "firmware/record/handoff_record.h"
#include "library/record/processor_registers.h"
#include "library/string.h"
#include "memory/heap.h"

struct processor_notes {
    bool taken; /* atomic */
    uint64_t woke;
    struct left_registers left;
    struct record_writer writer; /* a record of its own, of one entry */
    uint64_t memory[192];
};

struct processor_notes *handoff_record_notes_make(void)
{
    return handoff_record_wanted() ? heap_allocate_zeroed(sizeof(struct processor_notes)) : NULL;
}

void handoff_record_notes_take(struct processor_notes *notes)
{
    static const uint8_t boot[16];

    if (!notes)
        return;
    notes->woke = tsc_read();
    notes->left = left_registers_read();
    record_start(&notes->writer, notes->memory, sizeof(notes->memory), "", boot);
    record_append_msrs(&notes->writer, RECORD_PROCESSOR_MSRS, notes->woke, left_cpuid, left_msr);
    __atomic_store_n(&notes->taken, true, __ATOMIC_RELEASE);
}

static void set_registers(struct record_processor *entry, const struct left_registers *left)
{
    entry->apic_base = left->apic_base;
    entry->cr0 = left->cr0;
    entry->cr4 = left->cr4;
    entry->efer = left->efer;
}

static void append_registers(struct processor_notes *notes)
{
    const char *reason;
    struct record record;
    struct record_entry entry;

    if (!record_open(&record, notes->memory, sizeof(notes->memory), &reason) &&
        record_find(&record, RECORD_PROCESSOR_MSRS, &entry))
        handoff_record_append(RECORD_PROCESSOR_MSRS, entry.bytes, entry.size, NULL, 0);
}

void handoff_record_processor(struct processor_notes *notes, uint32_t apic_id, uint32_t result,
                              uint64_t asked)
{
    struct record_processor entry = {.apic_id = apic_id, .result = result};
    bool taken = notes && __atomic_load_n(&notes->taken, __ATOMIC_ACQUIRE);

    if (taken) {
        entry.wake_nanoseconds = notes->woke > asked ? (notes->woke - asked) * 1000 /
                                                           (clock_tsc_frequency() / 1000000 + 1)
                                                     : 0;
        set_registers(&entry, &notes->left);
    }
    handoff_record_append(RECORD_PROCESSOR, &entry, sizeof(entry), NULL, 0);
    if (taken)
        append_registers(notes);
}

void handoff_record_boot_processor(uint32_t apic_id)
{
    const struct left_registers left = left_registers_read();
    struct record_processor entry = {.apic_id = apic_id, .result = RECORD_PROCESSOR_BOOT};

    set_registers(&entry, &left);
    handoff_record_append(RECORD_PROCESSOR, &entry, sizeof(entry), NULL, 0);
}
