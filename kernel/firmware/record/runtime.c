#include "firmware/record/runtime.h"

#include <efi.h>

#include "cpu/registers.h"

#include "firmware/record/handoff_record.h"
#include "library/bytes.h"
#include "library/string.h"

#define UNUSED_WORD 0x0badf00d0badf00dUL

enum { FAULTS_MAXIMUM = 16 }; /* of one call */

static struct record_runtime_fault faults[FAULTS_MAXIMUM]; /* of the call that runs */
static size_t fault_count;
static bool virtual_calls;

/* ---- stack ---- */

void handoff_record_call_begins(char *stack, size_t size)
{
    fault_count = 0;
    if (!handoff_record_wanted())
        return;
    uint64_t *words = (uint64_t *)stack;
    for (size_t i = 0; i < size / sizeof(*words); i++)
        words[i] = UNUSED_WORD;
}

static uint32_t stack_used(const char *stack, size_t size)
{
    const uint64_t *words = (const uint64_t *)stack;
    size_t unused = 0;

    while (unused < size / sizeof(*words) && words[unused] == UNUSED_WORD)
        unused++;
    return (uint32_t)(size - unused * sizeof(*words));
}

/* ---- faults ---- */

void handoff_record_fault(const struct trap_frame *frame, vaddr_t address, bool given_up)
{
    if (fault_count == FAULTS_MAXIMUM)
        return;
    faults[fault_count++] = (struct record_runtime_fault){
        .vector = (uint32_t)frame->vector,
        .rip = frame->rip,
        .address = address,
        .error_code = (uint32_t)frame->code,
        .given_up = given_up,
        .memory_type = UINT32_MAX,
    };
}

/* The type of the memory at an address, in the map of the exit. */
static uint32_t type_at(const struct record *record, uint64_t address)
{
    struct record_entry entry;
    struct record_map map;
    size_t size;

    if (!record_find_last(record, RECORD_MAP_EXIT, &entry))
        return UINT32_MAX;
    const uint8_t *bytes = record_load(&entry, &map, sizeof(map), &size);
    if (map.descriptor_size < sizeof(EFI_MEMORY_DESCRIPTOR))
        return UINT32_MAX;
    for (size_t at = 0; sizeof(EFI_MEMORY_DESCRIPTOR) <= size - at; at += map.descriptor_size) {
        uint64_t base = load64(bytes + at + 8), pages = load64(bytes + at + 24);
        if (address >= base && (address - base) >> PAGE_SHIFT < pages)
            return load32(bytes + at);
        if (map.descriptor_size > size - at)
            break;
    }
    return UINT32_MAX;
}

/* The image that an address lies in, as the loader has seen it. */
static void name_image(const struct record *record, struct record_runtime_fault *fault)
{
    struct record_entry entry = {0};
    struct record_image image;
    size_t size;

    while (record_next_of(record, RECORD_IMAGE, &entry)) {
        const uint8_t *tail = record_load(&entry, &image, sizeof(image), &size);
        if (fault->rip < image.base || fault->rip - image.base >= image.size)
            continue;
        size_t length = image.name_size < size ? image.name_size : size;
        if (length > sizeof(fault->image) - 1)
            length = sizeof(fault->image) - 1;
        memcpy(fault->image, tail, length);
        fault->image_base = image.base;
        return;
    }
}

static void complete_faults(uint32_t service)
{
    struct record record;

    if (!fault_count)
        return;
    bool open = handoff_record_look_locked(&record);

    for (size_t i = 0; i < fault_count; i++) {
        faults[i].service = service;
        if (!open)
            continue;
        faults[i].memory_type = type_at(&record, faults[i].address);
        name_image(&record, &faults[i]);
    }
    handoff_record_unlock();
}

/* ---- calls ---- */

static uint32_t flags_of(const struct contained_call *call, enum contained_end end)
{
    if (end != CONTAINED_RETURNED)
        return RECORD_CALL_FAULTED;
    return (call->after.rflags & RFLAGS_DF ? RECORD_CALL_DIRECTION : 0) |
           (call->after.rflags & RFLAGS_IF ? 0 : RECORD_CALL_INTERRUPTS);
}

/* What GetTime gave is worth keeping. */
static const void *result_of(const struct record_runtime_call *entry, size_t *size)
{
    bool time =
        entry->service == RECORD_SERVICE(RECORD_RUNTIME, offsetof(EFI_RUNTIME_SERVICES, GetTime));

    *size = time && !entry->status && !(entry->flags & RECORD_CALL_FAULTED) ? sizeof(EFI_TIME) : 0;
    return *size ? (const void *)entry->arguments[0] : NULL;
}

void handoff_record_call(const struct contained_call *call, const struct runtime_call_notes *notes)
{
    struct record_runtime_call entry = {
        .service = RECORD_SERVICE(RECORD_RUNTIME, notes->service),
        .flags = flags_of(call, notes->end) | RECORD_CALL_STACK_KNOWN,
        .status = call->result,
        .before = notes->before,
        .after = notes->after,
        .stack_used = stack_used(notes->stack, notes->stack_size),
    };
    size_t size;

    if (!handoff_record_wanted() || !notes->service)
        return;
    if (notes->end == CONTAINED_RETURNED)
        entry.changed = contained_call_changed(&call->after);
    memcpy(entry.arguments, call->arguments, sizeof(entry.arguments));
    complete_faults(entry.service);
    for (size_t i = 0; i < fault_count; i++)
        handoff_record_append(virtual_calls ? RECORD_VIRTUAL_FAULT : RECORD_RUNTIME_FAULT,
                              &faults[i], sizeof(faults[i]), NULL, 0);
    const void *result = result_of(&entry, &size);
    handoff_record_append(virtual_calls ? RECORD_VIRTUAL_CALL : RECORD_RUNTIME_CALL, &entry,
                          sizeof(entry), result, size);
}

void handoff_record_calls_are_virtual(void)
{
    virtual_calls = true;
}
