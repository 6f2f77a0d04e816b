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
static struct cpu_set pending; /* who has not returned; atomic */

static void call_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
    called(called_context);
    cpu_leave(cpu_current(), &pending);
}

static void call_others(const struct cpu_set *others, void (*function)(void *context),
                        void *context)
{
    debug_assert(interrupts_enabled() && !cpu_current()->spinlocks_held);
    spinlock_acquire(&turn);
    called = function;
    called_context = context;
    cpu_set_copy(&pending, others);
    CPU_SET_FOREACH (number, others)
        local_apic_send(cpus[number]->apic_id, VECTOR_CALL);
    while (!cpu_set_is_empty(&pending))
        cpu_relax();
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* what they did is seen behind it */
    spinlock_release(&turn);
}

void cpu_call(const struct cpu_set *which, void (*function)(void *context), void *context)
{
    struct cpu_set others = cpu_set_and(which, &cpu_online);
    const struct cpu *own = cpu_current();

    if (cpu_is_in(own, which)) {
        bool enabled = interrupts_save();
        function(context);
        interrupts_restore(enabled);
    }
    cpu_leave(own, &others);
    if (!cpu_set_is_empty(&others))
        call_others(&others, function, context);
}

static void nothing(void *context)
{
    (void)context;
}

/* A handler has interrupts off: a CPU that answers is in none. */
void interrupts_settle(void)
{
    cpu_call(&cpu_online, nothing, NULL);
}

void cpu_call_initialize(void)
{
    interrupt_set_handler(VECTOR_CALL, call_interrupt, NULL);
}
