#include "thread/injection.h"

#include "cpu/clock.h"
#include "cpu/interrupt_controller.h"

const char *const injection_failure_names[INJECTION_FAILURE_COUNT] = {
    [INJECTION_ALLOCATION] = "allocation",
    [INJECTION_READ] = "read",
    [INJECTION_FAULT] = "fault",
};

const char *const injection_point_names[INJECTION_POINT_COUNT] = {
    [INJECTION_NONE] = "none",
    [INJECTION_EXEC_PREPARED] = "exec_prepared",
    [INJECTION_EXEC_CLAIMED] = "exec_claimed",
    [INJECTION_EXEC_ALONE] = "exec_alone",
    [INJECTION_EXEC_NUMBERED] = "exec_numbered",
    [INJECTION_EXEC_SWITCHED] = "exec_switched",
    [INJECTION_EXEC_RESET] = "exec_reset",
    [INJECTION_EXEC_COMMITTED] = "exec_committed",
    [INJECTION_FORK_PREPARED] = "fork_prepared",
    [INJECTION_FORK_VISIBLE] = "fork_visible",
    [INJECTION_EXIT_BEGUN] = "exit_begun",
    [INJECTION_EXIT_LEFT] = "exit_left",
};

#ifdef DEBUG_CHECKS

bool injection_fails(enum injection_failure failure, void *caller)
{
    if (!cpu_current()->run_queue)
        return false; /* no thread yet */
    struct thread_injection *injection = &thread_current()->injection;

    if (injection->failure != failure || cpu_current()->interrupt_depth)
        return false;
    if (!injection->number || ++injection->count < injection->number)
        return false;
    /* A page that cannot be had stays away: user_access.S tries more than once. */
    if (injection->count > injection->number && failure != INJECTION_FAULT)
        return false;
    injection->failed_at = caller;
    return true;
}

void injection_delay(void)
{
    thread_prepare_sleep(THREAD_UNINTERRUPTIBLE);
    thread_sleep(clock_now() + 1000000);
}

void injection_reach(enum injection_point point)
{
    struct thread_injection *injection = &thread_current()->injection;

    if (injection->point != point)
        return;
    switch (injection->action) {
    case INJECTION_ACT_TIMER: {
        uint64_t before = __atomic_load_n(&thread_current()->timer_interrupts, __ATOMIC_RELAXED);
        local_apic_send_self(VECTOR_TIMER);
        while (__atomic_load_n(&thread_current()->timer_interrupts, __ATOMIC_RELAXED) == before)
            cpu_relax();
        break;
    }
    case INJECTION_ACT_RETURN:
        injection->at_return = true;
        break;
    case INJECTION_ACT_YIELD:
        thread_yield();
        break;
    case INJECTION_ACT_DELAY:
        injection_delay();
        break;
    default:
        break;
    }
}

void injection_user_return(void)
{
    struct thread_injection *injection = &thread_current()->injection;

    if (injection->at_return) {
        injection->at_return = false;
        local_apic_send_self(VECTOR_TIMER); /* interrupts are off: it comes in user mode */
    }
}

#endif
