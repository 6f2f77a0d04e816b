/* worker.c: see worker.h. */
#include "memory/worker.h"

#include <asm/errno.h>

#include "cpu/clock.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"

/* Between two looks whether one has ended: nobody is woken by who is off his stack. */
#define MOMENT (NANOSECONDS_PER_SECOND / 1000)

static void off_stack(struct thread *thread)
{
    struct worker *worker = container_of(thread, struct worker, thread);

    kernel_stack_free(thread->kernel_stack);
    __atomic_store_n(&worker->runs, false, __ATOMIC_RELEASE);
}

int worker_start(struct worker *worker, const char *name, void (*run)(void *), void *argument)
{
    vaddr_t stack = kernel_stack_allocate();

    if (!stack)
        return -ENOMEM;
    thread_initialize(&worker->thread, name, stack, KERNEL_STACK_SIZE, run, argument, kernel_root);
    worker->thread.release = off_stack;
    worker->runs = true;
    thread_start(&worker->thread);
    return 0;
}

void worker_await_end(const struct worker *worker)
{
    while (__atomic_load_n(&worker->runs, __ATOMIC_ACQUIRE)) {
        thread_prepare_sleep(THREAD_UNINTERRUPTIBLE);
        thread_sleep(clock_now() + MOMENT);
    }
}
