/*
 * runtime.h: P6 and P7: every call of a runtime service, and what it did that it should not have.
 * For runtime_services.c, by who has the turn.
 */
#ifndef BATON_FIRMWARE_RECORD_RUNTIME_H
#define BATON_FIRMWARE_RECORD_RUNTIME_H

#include "cpu/contained_call.h"
#include "library/types.h"

/* Before a call: fills its stack, so that it can be seen how much of it was used. Nothing if
   nothing is to be recorded. */
void handoff_record_call_begins(char *stack, size_t size);

/* A fault of the call that runs; `given_up`: it ends the call. Any context; kept until it ends. */
void handoff_record_fault(const struct trap_frame *frame, vaddr_t address, bool given_up);

/* The call has ended; `service`: the offset of its pointer in EFI_RUNTIME_SERVICES. */
struct runtime_call_notes {
    uint32_t service;
    enum contained_end end;
    uint64_t before, after; /* TSC */
    const char *stack;      /* as it was given to handoff_record_call_begins() */
    size_t stack_size;
};
void handoff_record_call(const struct contained_call *call, const struct runtime_call_notes *notes);

/* From now on calls are those after SetVirtualAddressMap (P7). */
void handoff_record_calls_are_virtual(void);

/*
 * Calls each service that changes nothing, so that its answers are recorded; and all variables. At
 * boot, once, by a thread; only if everything is to be recorded.
 */
void handoff_record_try_services(void);
/* The same services once more, after SetVirtualAddressMap. */
void handoff_record_try_again(void);

#endif
