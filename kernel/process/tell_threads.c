/*
 * tell_threads.c: what a process is to do concerns all its threads: to end, to make way for an
 * exec, to stop, to go on. They may be thousands, and who decides holds the process's lock with
 * interrupts off: so the first ones are told at once, and the others by a thread of the kernel, by
 * what holds then.
 */
#include <asm/errno.h>

#include "memory/worker.h"
#include "process/process.h"
#include "thread/preemption.h"

#define TOLD_AT_ONCE 32

/* Processes whose threads are still to be told; each holds a reference. */
static STAILQ_HEAD(, process) queue = STAILQ_HEAD_INITIALIZER(queue); /* queue_lock */
static struct spinlock queue_lock = SPINLOCK_INITIALIZER;             /* with interrupts off */
static struct wait_queue teller_queue = {
    .lock = SPINLOCK_RANKED(LOCK_WAIT_QUEUE),
    .entries = TAILQ_HEAD_INITIALIZER(teller_queue.entries),
};

static void go_on(struct user_thread *thread)
{
    __atomic_fetch_and(&thread->thread.work, ~(uint32_t)THREAD_WORK_STOP, __ATOMIC_ACQ_REL);
    thread_post_work(&thread->thread, THREAD_WORK_SIGNAL);
    if (thread->signals.stopped) {
        thread->signals.stopped = false;
        thread_wake(&thread->thread);
    }
}

void process_tell_thread(struct user_thread *thread)
{
    const struct process *process = thread->thread.process;

    if (process->executor == thread && !process->exiting)
        return;
    /* Also one that ends already: its robust futexes and its files may lie with a server that does
       not answer, and nobody waits for that. */
    if (process->exiting || process->executor)
        thread_post_work(&thread->thread, THREAD_WORK_KILL);
    else if (thread->exiting)
        return;
    else if (process->signals.stop_signal)
        thread_post_work(&thread->thread, THREAD_WORK_STOP | THREAD_WORK_SIGNAL);
    else
        go_on(thread);
}

/* The next ones. False: that was all. Lock held. */
static bool tell_some(struct process *process)
{
    struct user_thread *thread = TAILQ_FIRST(&process->threads);

    while (thread && thread->place <= process->told)
        thread = TAILQ_NEXT(thread, process_link);
    for (int i = 0; thread && i < TOLD_AT_ONCE; i++) {
        process->told = thread->place;
        process_tell_thread(thread);
        thread = TAILQ_NEXT(thread, process_link);
    }
    return thread;
}

/* Takes a reference, unless it is queued already. */
static void leave_to_teller(struct process *process)
{
    bool enabled = spinlock_acquire_save(&queue_lock);
    bool queued = process->telling;

    if (!queued) {
        process_reference(process);
        process->telling = true;
        STAILQ_INSERT_TAIL(&queue, process, telling_link);
    }
    spinlock_release_restore(&queue_lock, enabled);
    if (!queued)
        wait_queue_wake(&teller_queue);
}

void process_tell_threads(struct process *process)
{
    process->told = 0;
    if (tell_some(process))
        leave_to_teller(process);
}

void process_begin_exit(struct process *process, int status)
{
    if (GUARDED_BY(&process->lock, process->exiting))
        return;
    process->exiting = true;
    process->exit_status = status;
    process_tell_threads(process);
}

/* With its reference; NULL: none. */
static struct process *take_queued(void)
{
    bool enabled = spinlock_acquire_save(&queue_lock);
    struct process *process = STAILQ_FIRST(&queue);

    if (process) {
        STAILQ_REMOVE_HEAD(&queue, telling_link);
        process->telling = false;
    }
    spinlock_release_restore(&queue_lock, enabled);
    return process;
}

/* A piece of each in turn. */
static void teller(void *argument)
{
    struct process *process;

    (void)argument;
    for (;;) {
        wait_event(&teller_queue, (process = take_queued()), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
        bool enabled = spinlock_acquire_save(&process->lock);
        if (tell_some(process))
            leave_to_teller(process);
        spinlock_release_restore(&process->lock, enabled);
        process_release(process);
        thread_preemption_point();
    }
}

int process_start_teller(void)
{
    static struct worker worker;

    return worker_start(&worker, "thread-teller", teller, NULL);
}
