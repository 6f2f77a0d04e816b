#include "firmware/record/variable_report.h"

#include "cpu/log.h"
#include "firmware/record/handoff_record.h"
#include "firmware/runtime_calls.h"
#include "memory/heap.h"

/* Of what came after the loader's report, by how much it tells: faults, the exit, the machine after
 * it. */
static const uint16_t kinds[] = {RECORD_RUNTIME_FAULT, RECORD_VIRTUAL_FAULT, RECORD_EXIT_ATTEMPT,
                                 RECORD_AFTER_EXIT,    RECORD_INTERRUPTS,    RECORD_CANARY,
                                 RECORD_VARIABLE_LIST, RECORD_CMOS_TIME,     RECORD_STILL_RUNNING};

/* The excerpt's size; 0: there is no record. */
static size_t excerpt(uint8_t *memory)
{
    struct record_writer writer;
    struct record record;
    const char *reason;
    size_t size, made = 0;
    const void *bytes = handoff_record_view_locked(&size);

    if (bytes && !record_open(&record, bytes, size, &reason) &&
        !record_start(&writer, memory, RECORD_VARIABLE_SIZE, record.header.build,
                      record.header.boot)) {
        for (size_t i = 0; i < array_length(kinds); i++)
            record_append_from(&writer, &record, kinds[i]);
        record_seal(&writer);
        made = record_size(&writer);
    }
    handoff_record_unlock();
    return made;
}

void handoff_report_to_variable(void)
{
    CHAR16 name[] = RECORD_VARIABLE_NAME; /* a service may write to what it is given */
    EFI_GUID vendor = RECORD_VARIABLE_GUID;
    uint8_t *memory = heap_allocate(RECORD_VARIABLE_SIZE);
    size_t size = memory ? excerpt(memory) : 0;
    EFI_STATUS status = EFI_OUT_OF_RESOURCES;

    if (size)
        status = runtime_set_variable(name, &vendor,
                                      EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS |
                                          EFI_VARIABLE_RUNTIME_ACCESS,
                                      size, memory);
    if (EFI_ERROR(status))
        log_write(LOG_WARNING, "report: not in a variable: EFI status %#lx", (uint64_t)status);
    else
        log_write(LOG_NOTICE, "report: %lu bytes in the variable BatonReport", size);
    heap_free(memory);
}
