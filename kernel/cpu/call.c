/*
 * call.c: see call.h. Calls of several CPUs go on side by side (README.md, "Calls"): there is no
 * lock, and no turn to be waited for. Each CPU has one call of its own at most, for its caller
 * waits for the end with interrupts on, and so does what others want of it meanwhile.
 */
#include "cpu/call.h"

#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/panic.h"
#include "cpu/registers.h"

/* The callers' bits are cleared before their functions run: who calls from then on sends another
   interrupt. */
static void call_interrupt(void *context, struct trap_frame *frame)
{
    struct cpu *own = cpu_current();

    (void)context;
    (void)frame;
    for (unsigned word = 0; word < cpu_set_words; word++) {
        uint64_t callers = __atomic_exchange_n(&own->called_by.words[word], 0, __ATOMIC_SEQ_CST);
        for (; callers; callers &= callers - 1) {
            struct cpu *caller = cpus[word * 64 + (unsigned)__builtin_ctzl(callers)];
            caller->called(caller->called_context);
            cpu_leave(own, &caller->call_pending);
        }
    }
}

/* Where somebody's bit is set already, an interrupt is on its way. */
static void call_one(const struct cpu *own, struct cpu *other)
{
    uint64_t *callers = &other->called_by.words[own->set_word];

    if (!__atomic_fetch_or(callers, own->set_bit, __ATOMIC_SEQ_CST))
        local_apic_send(other->apic_id, VECTOR_CALL);
}

static void call_others(struct cpu *own, const struct cpu_set *others,
                        void (*function)(void *context), void *context)
{
    debug_assert(interrupts_enabled() && !own->spinlocks_held);
    own->called = function;
    own->called_context = context;
    cpu_set_copy(&own->call_pending, others);
    CPU_SET_FOREACH (number, others)
        call_one(own, cpus[number]);
    while (!cpu_set_is_empty(&own->call_pending))
        cpu_relax();
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* what they did is seen behind it */
}

void cpu_call(const struct cpu_set *which, void (*function)(void *context), void *context)
{
    struct cpu_set others = cpu_set_and(which, &cpu_online);
    struct cpu *own = cpu_current();

    if (cpu_is_in(own, which)) {
        bool enabled = interrupts_save();
        function(context);
        interrupts_restore(enabled);
    }
    cpu_leave(own, &others);
    if (!cpu_set_is_empty(&others))
        call_others(own, &others, function, context);
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
