#include "thread/user_registers.h"

#include "cpu/fpu.h"

void user_registers_switch(struct thread *previous, struct thread *next)
{
    if (previous->fpu) {
        if (previous->state != THREAD_DEAD)
            fpu_save(previous->fpu);
        user_segments_take_changed(&previous->segments);
    }
    if (next->fpu) {
        fpu_load(next->fpu);
        user_segments_load(&next->segments);
    }
}

struct user_segments thread_segments(void)
{
    bool enabled = interrupts_save();
    struct thread *thread = thread_current();

    user_segments_take_changed(&thread->segments);
    interrupts_restore(enabled);
    return thread->segments;
}

void thread_set_segments(const struct user_segments *segments)
{
    bool enabled = interrupts_save();
    struct thread *thread = thread_current();

    user_segments_take_changed(&thread->segments); /* so that the selectors are 0 */
    thread->segments = *segments;
    user_segments_load(segments);
    interrupts_restore(enabled);
}
