#include "cpu/contained_call.h"

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/fpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/panic.h"
#include "cpu/processor_state.h"
#include "cpu/registers.h"
#include "cpu/trap_offsets.h"

_Static_assert(__builtin_offsetof(struct contained_call, function) == CALL_FUNCTION, "assembly");
_Static_assert(__builtin_offsetof(struct contained_call, arguments) == CALL_ARGUMENTS, "assembly");
_Static_assert(__builtin_offsetof(struct contained_call, stack_top) == CALL_STACK_TOP, "assembly");
_Static_assert(__builtin_offsetof(struct contained_call, result) == CALL_RESULT, "assembly");
_Static_assert(__builtin_offsetof(struct contained_call, after) == CALL_AFTER, "assembly");

/* contained_call.S */
void contained_call_enter(struct contained_call *call);
extern const char contained_call_leave[];

/* How long after its time is over a call that does not see its own timer is helped by another CPU.
 */
#define WATCH_AFTER (200 * 1000000UL) /* ns */

static struct contained_call *running; /* atomic; written by the CPU that makes the call */
static struct cpu *running_on;         /* constant while a call is running */
static char user_registers[FPU_IMAGE_MAXIMUM] __attribute__((aligned(64)));

bool contained_call_runs(void)
{
    return __atomic_load_n(&running, __ATOMIC_ACQUIRE);
}

enum contained_end contained_call(struct contained_call *call)
{
    bool enabled = interrupts_save();
    struct cpu *cpu = cpu_current();
    struct processor_state before;

    assert_invariant(!running);
    processor_state_take(&before);
    call->end = CONTAINED_RETURNED;
    call->interrupt_depth = cpu->interrupt_depth;
    fpu_save(user_registers);
    fpu_reset(); /* UEFI 2.10, 2.3.4: as a new program's */
    trap_enter_contained();
    running_on = cpu;
    __atomic_store_n(&running, call, __ATOMIC_RELEASE);
    interrupt_nmi_ticks(true);
    contained_call_enter(call);
    interrupt_nmi_ticks(false);
    __atomic_store_n(&running, NULL, __ATOMIC_RELEASE);
    call->changed = processor_state_restore(&before, cpu);
    trap_leave_contained();
    fpu_load(user_registers);
    interrupts_restore(enabled);
    return call->end;
}

uint32_t contained_call_changed(const struct contained_after *after)
{
    static const uint8_t numbers[] = {3, 5, 6, 7, 12, 13, 14, 15};
    const unsigned first_vector = 6;
    uint32_t changed = 0;

    for (size_t i = 0; i < array_length(numbers); i++) {
        uint64_t expected = numbers[i] == 5 ? 0 : CALL_PATTERN + numbers[i];
        changed |= after->registers[i] != expected ? 1U << numbers[i] : 0;
    }
    for (size_t i = 0; i < array_length(after->vector_halves); i++)
        if (after->vector_halves[i] != UINT64_MAX)
            changed |= 1U << (16 + first_vector + i / 2);
    return changed;
}

/* ---- traps and interrupts meanwhile ---- */

/* The frame is the call's own: on the CPU that makes it, and not of an interrupt's handler. GS is
   looked at last, for the call may have changed it. */
static struct contained_call *call_of(const struct trap_frame *frame)
{
    struct contained_call *call = __atomic_load_n(&running, __ATOMIC_ACQUIRE);

    if (!call || !trap_on_contained_stack(frame, running_on))
        return NULL;
    msr_write(MSR_GS_BASE, (uint64_t)running_on);
    return running_on->interrupt_depth == call->interrupt_depth ? call : NULL;
}

static void end_call(struct contained_call *call, enum contained_end end, struct trap_frame *frame,
                     vaddr_t address)
{
    call->end = end;
    call->trap = *frame;
    call->address = address;
    frame->rip = (vaddr_t)contained_call_leave;
    frame->cs = SELECTOR_KERNEL_CODE;
    frame->ss = SELECTOR_KERNEL_DATA;
    frame->rflags = RFLAGS_FIXED;
}

bool contained_call_trap(struct trap_frame *frame, vaddr_t address)
{
    struct contained_call *call = call_of(frame);

    if (!call)
        return false;
    if (frame->vector == TRAP_DEBUG) {
        frame->rflags &= ~RFLAGS_TF;
        return true;
    }
    if (frame->vector != TRAP_PAGE_FAULT || !call->resolve(call, frame, address))
        end_call(call, CONTAINED_TRAPPED, frame, address);
    return true;
}

/* Not a handler of ours, nor the way into the call and out of it: code of the lower half, or on the
   call's own stack. */
static bool is_of_call(const struct contained_call *call, const struct trap_frame *frame)
{
    return (int64_t)frame->rip >= 0 || call->stack_top - frame->rsp <= call->stack_size;
}

/* Of GS nothing is known here: the CPU is told by its APIC. */
bool contained_call_nmi(struct trap_frame *frame)
{
    struct contained_call *call = __atomic_load_n(&running, __ATOMIC_ACQUIRE);

    if (!call || running_on->apic_id != local_apic_id())
        return false;
    if (clock_now() >= call->deadline && is_of_call(call, frame)) {
        msr_write(MSR_GS_BASE, (uint64_t)running_on);
        end_call(call, CONTAINED_LATE, frame, 0);
    }
    return true;
}

void contained_call_watch(void)
{
    struct contained_call *call = __atomic_load_n(&running, __ATOMIC_ACQUIRE);

    if (call && running_on != cpu_current() &&
        clock_now() >= __atomic_load_n(&call->deadline, __ATOMIC_RELAXED) + WATCH_AFTER)
        local_apic_send_nmi(running_on->apic_id);
}

/* In the handler of the timer's interrupt, which counts as one level more. */
void contained_call_tick(struct trap_frame *frame)
{
    struct contained_call *call = __atomic_load_n(&running, __ATOMIC_ACQUIRE);

    if (call && trap_on_contained_stack(frame, running_on) &&
        running_on->interrupt_depth == call->interrupt_depth + 1 && clock_now() >= call->deadline)
        end_call(call, CONTAINED_LATE, frame, 0);
}
