#include "cpu/call.h"

#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/panic.h"
#include "cpu/spinlock.h"

/*
 * One call at a time. A CPU that waits for its turn, or for the others, has
 * interrupts on and so answers calls of others meanwhile.
 */
static struct spinlock turn; /* guards the two below */
static void (*called)(void *context);
static void *called_context;
static uint64_t pending; /* a bit per CPU that has not returned; atomic */

static void call_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
    called(called_context);
    __atomic_fetch_and(&pending, ~(1UL << cpu_current()->number), __ATOMIC_RELEASE);
}

static void call_others(uint64_t others, void (*function)(void *context), void *context)
{
    debug_assert(interrupts_enabled() && !cpu_current()->spinlocks_held);
    spinlock_acquire(&turn);
    called = function;
    called_context = context;
    __atomic_store_n(&pending, others, __ATOMIC_RELEASE);
    for (uint64_t left = others; left; left &= left - 1)
        local_apic_send(cpus[__builtin_ctzl(left)]->apic_id, VECTOR_CALL);
    while (__atomic_load_n(&pending, __ATOMIC_ACQUIRE))
        cpu_relax();
    spinlock_release(&turn);
}

void cpu_call(uint64_t which, void (*function)(void *context), void *context)
{
    uint64_t online = cpu_count >= 64 ? UINT64_MAX : (1UL << cpu_count) - 1;
    uint64_t own = 1UL << cpu_current()->number;

    if (which & own) {
        bool enabled = interrupts_save();
        function(context);
        interrupts_restore(enabled);
    }
    which &= online & ~own;
    if (which)
        call_others(which, function, context);
}

void cpu_call_initialize(void)
{
    interrupt_set_handler(VECTOR_CALL, call_interrupt, NULL);
}
