/*
 * scheduler.c: who runs. A queue a CPU, in turn (round robin), a slice each; before them threads of
 * users who have had much less than another one, and of real-time priority (run_queue.h).
 *
 * Kernel code is never preempted: a thread is switched when it sleeps, on its
 * way to user mode (scheduler_user_return), and where long work says so
 * (thread_preemption_point).
 */
#include <asm/errno.h>
#include <linux/resource.h>

#include "cpu/clock.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "thread/injection.h"
#include "thread/load.h"
#include "thread/mutex.h"
#include "thread/run_queue.h"
#include "thread/share.h"
#include "thread/thread.h"
#include "thread/timer_queue.h"
#include "thread/user_registers.h"

void context_switch(struct thread *from, struct thread *to); /* context_switch.S */
void scheduler_begin_thread(void);                           /* called by it */

bool scheduler_trace; /* option trace=switch; constant after boot */

static struct run_queue run_queues[CPU_MAXIMUM];

/* Guards all_threads; taken with interrupts off. */
static struct spinlock thread_list_lock = SPINLOCK_RANKED(LOCK_THREAD_LIST);
static struct thread_queue all_threads = TAILQ_HEAD_INITIALIZER(all_threads);

/* The queue of the CPU the thread belongs to, locked; interrupts are off. */
static struct run_queue *lock_queue_of(struct thread *thread)
{
    for (;;) {
        struct cpu *cpu = __atomic_load_n(&thread->cpu, __ATOMIC_RELAXED);
        struct run_queue *queue = cpu->run_queue;
        spinlock_acquire(&queue->lock);
        if (thread->cpu == cpu)
            return queue;
        spinlock_release(&queue->lock);
    }
}

static bool may_run_on(const struct thread *thread, const struct cpu *cpu)
{
    return cpu_is_in(cpu, &thread->affinity);
}

/* A slice ends only where somebody waits for it to; an idle CPU has no tick. */
static void arm_slice(struct run_queue *queue, struct thread *thread)
{
    if (queue->length && thread != thread->cpu->idle)
        timer_queue_arm_slice(thread->slice_end);
    else
        timer_queue_arm_slice(CLOCK_NEVER);
}

/* What a thread has run is told to its user's share in lots: there are many short turns. */
#define CHARGE_NS 50000

/* Of a thread that has run `runtime` ns so far. Its queue's lock held. */
static void charge(struct thread *thread, uint64_t runtime, uint64_t now)
{
    if (runtime <= thread->charged) /* by another CPU's clock it had run longer */
        return;
    if (thread->share)
        processor_share_charge(thread->share, runtime - thread->charged, now);
    thread->charged = runtime;
}

/* What it has run since it was switched to, too. Its queue's lock held. */
static void charge_running(struct thread *running)
{
    uint64_t now = clock_now();

    if (now > running->switched_in)
        charge(running, running->runtime + (now - running->switched_in), now);
}

static void account(struct run_queue *queue, struct thread *previous, uint64_t now)
{
    uint64_t stretch = now - previous->switched_in, user_ticks = previous->user_ticks;

    if (now >= __atomic_load_n(&load_next_sample, __ATOMIC_RELAXED))
        load_sample(now); /* before the next one counts: it has not run yet */
    previous->runtime += stretch;
    if (previous->runtime >= previous->charged + CHARGE_NS)
        charge(previous, previous->runtime, now);
    queue->user_ticks += user_ticks - previous->user_counted;
    previous->user_counted = user_ticks;
    if (previous->priority)
        queue->real_time_used += stretch;
}

static void place(struct run_queue *queue, struct thread *thread);

/* A dead thread is off its stack. */
static __attribute__((noinline)) void bury(struct thread *thread)
{
    bool enabled = spinlock_acquire_save(&thread_list_lock);

    TAILQ_REMOVE(&all_threads, thread, all_link);
    spinlock_release_restore(&thread_list_lock, enabled);
    if (thread->release)
        thread->release(thread);
}

/*
 * After a switch, on the new stack: lets the queue go, and the thread that was
 * left, if it was its last time. Interrupts are off.
 */
static void finish_switch(void)
{
    struct run_queue *queue = cpu_current()->run_queue;
    struct thread *previous = queue->previous;
    bool dead = __atomic_load_n(&previous->state, __ATOMIC_RELAXED) == THREAD_DEAD;

    if (queue->previous_must_move) {
        queue->previous_must_move = false;
        place(queue, previous);
    } else {
        spinlock_release(&queue->lock);
    }
    if (dead)
        bury(previous);
}

/* The CPU in the sets of who may hold a root: set before CR3 gets it, cleared after. */
static void enter_root(struct thread *next, const struct cpu *cpu)
{
    if (next->root_cpus)
        cpu_join(cpu, next->root_cpus);
}

static void leave_root(struct cpu_set *root_cpus, const struct cpu *cpu)
{
    if (root_cpus)
        cpu_leave(cpu, root_cpus);
}

/*
 * Chooses the next thread and switches to it. Queue's lock held, interrupts
 * off. Returns, when the calling thread runs again, with the lock released.
 */
static void switch_away(struct run_queue *queue)
{
    struct cpu *cpu = cpu_current();
    struct thread *previous = cpu->current;
    uint64_t now = clock_now();

    account(queue, previous, now);
    previous->turn_left = run_queue_turn_left(queue, previous, now);
    if (!previous->favoured)
        queue->ordinary_ran = now; /* until now, however long that was */
    if (__atomic_load_n(&previous->state, __ATOMIC_RELAXED) == THREAD_RUNNABLE &&
        previous != cpu->idle) {
        if (may_run_on(previous, cpu))
            run_queue_add(queue, previous, run_queue_keeps_turn(queue, previous, now));
        else
            queue->previous_must_move = true; /* once it is off its stack */
    }
    queue->yielding = false;
    struct thread *next = run_queue_first(queue, now);
    if (!next || !next->favoured)
        queue->ordinary_ran = now;
    if (next)
        run_queue_remove(queue, next);
    else
        next = cpu->idle;
    if (next->work & THREAD_WORK_RESCHEDULE && /* which nobody sets now: the lock */
        may_run_on(next, cpu))                 /* else it moves on its way to user mode */
        __atomic_fetch_and(&next->work, ~(uint32_t)THREAD_WORK_RESCHEDULE, __ATOMIC_RELAXED);
    next->switched_in = now;
    next->slice_end = now + run_queue_slice(next, queue, now);
    next->turn_left = 0;
    __atomic_store_n(&queue->running_priority, next->priority, __ATOMIC_RELAXED);
    arm_slice(queue, next);
    if (next == previous) {
        spinlock_release(&queue->lock);
        return;
    }

    if (scheduler_trace && next->page_table_root != previous->page_table_root)
        log_write(LOG_NOTICE,
                  "switch: cpu %u, thread %u (%s) root %#lx -> thread %u (%s) root %#lx",
                  cpu->number, previous->id, previous->name, previous->page_table_root, next->id,
                  next->name, next->page_table_root);
    user_registers_switch(previous, next);
    if (previous->work_when_switched)
        __atomic_fetch_or(&previous->work, previous->work_when_switched, __ATOMIC_RELAXED);
    if (next->root_cpus != previous->root_cpus)
        enter_root(next, cpu);
    queue->switches++;
    queue->running = next;
    queue->previous = previous;
    __atomic_store_n(&cpu->current, next, __ATOMIC_RELAXED);
    trap_set_kernel_stack(cpu, next->kernel_stack_top);
    struct cpu_set *left = next->root_cpus != previous->root_cpus ? previous->root_cpus : NULL;
    cpu->root_left = left;
    context_switch(previous, next);
    cpu = cpu_current(); /* perhaps another one now */
    leave_root(cpu->root_left, cpu);
    finish_switch();
}

void scheduler_cpu_times(const struct cpu *cpu, struct cpu_times *times)
{
    struct run_queue *queue = cpu->run_queue;
    bool enabled = spinlock_acquire_save(&queue->lock);
    const struct thread *running = queue->running;
    uint64_t now = clock_now(), ticks = tsc_read(), since = running ? running->user_since : 0;
    uint64_t user = queue->user_ticks;

    times->switches = queue->switches;
    if (running)
        user += running->user_ticks - running->user_counted;
    if (since && since < ticks)
        user += ticks - since;
    times->user = clock_duration(user);
    times->idle = cpu->idle->runtime;
    if (running == cpu->idle && now > running->switched_in)
        times->idle += now - running->switched_in;
    spinlock_release_restore(&queue->lock, enabled);
    uint64_t busy = now > times->idle ? now - times->idle : 0;
    times->system = busy > times->user ? busy - times->user : 0;
}

/* The first thing on a new thread's stack. */
void scheduler_begin_thread(void)
{
    struct cpu *cpu = cpu_current();

    leave_root(cpu->root_left, cpu);
    finish_switch();
}

static void schedule(void)
{
    struct run_queue *queue = cpu_current()->run_queue;

    spinlock_acquire(&queue->lock);
    switch_away(queue);
}

void scheduler_tick(uint64_t now)
{
    struct thread *thread = thread_current();

    __atomic_store_n(&thread->timer_interrupts, thread->timer_interrupts + 1, __ATOMIC_RELAXED);
    if (now >= thread->slice_end && cpu_current()->run_queue->length)
        __atomic_fetch_or(&thread->work, THREAD_WORK_RESCHEDULE, __ATOMIC_RELAXED);
}

void scheduler_user_return(void)
{
    thread_current()->involuntary_switches++;
    schedule();
}

void scheduler_check_root(void)
{
#ifdef DEBUG_CHECKS
    struct thread *thread = thread_current();

    injection_user_return();
    if (cr3_read() != thread->page_table_root)
        panic("thread %u (%s) returns to user mode with CR3 %#lx, its root is %#lx", thread->id,
              thread->name, cr3_read(), thread->page_table_root);
#endif
}

bool thread_is_running(const struct thread *thread)
{
    CPU_SET_FOREACH (number, &cpu_online)
        if (__atomic_load_n(&cpus[number]->current, __ATOMIC_RELAXED) == thread)
            return true;
    return false;
}

void thread_find_cpus(bool (*wanted)(const struct thread *thread), struct cpu_set *found)
{
    CPU_SET_FOREACH (number, &cpu_online) {
        struct run_queue *queue = cpus[number]->run_queue;
        bool enabled = spinlock_acquire_save(&queue->lock);
        if (wanted(queue->running))
            cpu_join(cpus[number], found);
        spinlock_release_restore(&queue->lock, enabled);
    }
}

void thread_note_no_memory(void)
{
    if (cpu_current()->run_queue && !cpu_current()->interrupt_depth)
        thread_current()->no_memory = true;
}

bool thread_had_no_memory(void)
{
    bool had = thread_current()->no_memory;
    thread_current()->no_memory = false;
    return had;
}

void thread_yield(void)
{
    bool enabled = interrupts_save();
    struct run_queue *queue = cpu_current()->run_queue;

    thread_current()->voluntary_switches++;
    if (__atomic_load_n(&queue->length, __ATOMIC_RELAXED)) {
        spinlock_acquire(&queue->lock);
        queue->yielding = true;
        switch_away(queue);
    }
    interrupts_restore(enabled);
}

void thread_give_way(void)
{
    bool enabled = interrupts_save();

    scheduler_user_return();
    interrupts_restore(enabled);
}

void thread_set_share(struct processor_share *share)
{
    bool enabled = interrupts_save();
    struct run_queue *queue = cpu_current()->run_queue;

    spinlock_acquire(&queue->lock);
    charge_running(thread_current());
    thread_current()->share = share;
    spinlock_release(&queue->lock);
    interrupts_restore(enabled);
}

/* ---- the root ---- */

void thread_set_root(paddr_t root, struct cpu_set *root_cpus)
{
    struct thread *thread = thread_current();
    bool enabled = interrupts_save();
    struct cpu_set *left = thread->root_cpus;

    if (scheduler_trace)
        log_write(LOG_NOTICE, "switch: thread %u (%s) root %#lx -> %#lx", thread->id, thread->name,
                  thread->page_table_root, root);
    thread->root_cpus = root_cpus;
    enter_root(thread, cpu_current());
#ifndef MUTATION_ROOT_NOT_STORED /* scripts/test mutation leaves it out, to see a test notice */
    thread->page_table_root = root;
#endif
    cr3_write(root);
    leave_root(left, cpu_current());
    interrupts_restore(enabled);
}

/* ---- threads ---- */

void thread_begin(void); /* context_switch.S */

/* What context_switch() pops for a thread that never ran. */
struct first_frame {
    uint64_t r15, r14, r13, r12, rbx, rbp, rip;
};

static void list_thread(struct thread *thread)
{
    bool enabled = spinlock_acquire_save(&thread_list_lock);
    TAILQ_INSERT_TAIL(&all_threads, thread, all_link);
    spinlock_release_restore(&thread_list_lock, enabled);
}

static const struct rlimit64 unlimited[RLIM_NLIMITS] = {
    [0 ... RLIM_NLIMITS - 1] = {RLIM64_INFINITY, RLIM64_INFINITY},
};

void thread_initialize(struct thread *thread, const char *name, vaddr_t stack, size_t size,
                       void (*entry)(void *argument), void *argument, paddr_t root)
{
    thread->page_table_root = root;
    thread->kernel_stack = stack;
    thread->kernel_stack_top = stack + size;
    thread->state = THREAD_UNINTERRUPTIBLE; /* until thread_start() */
    thread->cpu = cpu_current();            /* who finds it before that may post work to it */
    if (cpu_set_is_empty(&thread->affinity))
        thread->affinity = cpu_set_all;
    if (!thread->limits)
        thread->limits = unlimited;
    for (size_t i = 0; i < sizeof(thread->name) - 1 && name[i]; i++)
        thread->name[i] = name[i];

    /* User threads keep their user frame at the top; the stack begins below it. */
    vaddr_t top = thread->kernel_stack_top - sizeof(struct trap_frame);
    struct first_frame *frame = (struct first_frame *)(top & ~15UL) - 1;
    *frame = (struct first_frame){
        .rbx = (uint64_t)entry, .r12 = (uint64_t)argument, .rip = (uint64_t)thread_begin};
    thread->stack_pointer = (vaddr_t)frame;
    list_thread(thread);
}

void thread_for_each(void (*visit)(struct thread *thread, void *context), void *context)
{
    bool enabled = spinlock_acquire_save(&thread_list_lock);
    struct thread *thread;
    TAILQ_FOREACH(thread, &all_threads, all_link)
    visit(thread, context);
    spinlock_release_restore(&thread_list_lock, enabled);
}

/* CPUs that wait for something to do. Each comes in before it looks for work a last time and
   leaves after. */
static struct cpu_set idle_cpus;

static uint8_t running_priority(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->run_queue->running_priority, __ATOMIC_RELAXED);
}

/* Of all it may run on the one whose thread matters least; where it was, if that is as good. */
static struct cpu *choose_busy_cpu(const struct thread *thread)
{
    struct cpu *best = may_run_on(thread, thread->cpu) ? thread->cpu : NULL;

    CPU_SET_FOREACH (number, &cpu_online)
        if (may_run_on(thread, cpus[number]) &&
            (!best || running_priority(cpus[number]) < running_priority(best)))
            best = cpus[number];
    return best ? best : thread->cpu;
}

/* Where it is woken it can take the turn at once, or have it when its waker sleeps; another CPU
   would have to be interrupted. One at a time: others are not to wait behind it. */
static bool may_stay_here(const struct thread *thread, const struct cpu *cpu)
{
    return may_run_on(thread, cpu) && !running_priority(cpu) &&
           !__atomic_load_n(&TAILQ_FIRST(&cpu->run_queue->favoured), __ATOMIC_RELAXED) &&
           run_queue_favours(thread);
}

/*
 * Where a thread that can run is to be queued: where it was, if that CPU is idle
 * or nobody is; else at an idle one. Its affinity comes first.
 */
static struct cpu *choose_cpu(const struct thread *thread)
{
    struct cpu *last = thread->cpu;
    bool may_stay = cpu_is_in(last, &thread->affinity);

    if (may_stay && cpu_is_in(last, &idle_cpus))
        return last;
    unsigned idle = cpu_set_first_of_both(&idle_cpus, &thread->affinity);
    if (idle < CPU_MAXIMUM)
        return cpus[idle];
    if (thread->priority)
        return choose_busy_cpu(thread);
    if (!(may_stay && last == cpu_current()) && may_stay_here(thread, cpu_current()))
        return cpu_current();
    if (may_stay)
        return last;
    unsigned first = cpu_set_first_of_both(&cpu_online, &thread->affinity);
    return first < CPU_MAXIMUM ? cpus[first] : last;
}

/* The running thread's turn is over, at its next return to user mode. Queue's lock held. */
static void preempt(struct run_queue *queue, struct cpu *cpu)
{
    __atomic_fetch_or(&queue->running->work, THREAD_WORK_RESCHEDULE, __ATOMIC_RELAXED);
    if (cpu != cpu_current())
        local_apic_send(cpu->apic_id, VECTOR_RESCHEDULE);
}

/*
 * Queue's lock held, a thread was just queued. Where others wait already the CPU
 * knows; else an idle one is woken, and a busy one gets to know that its slice has
 * an end. `urgent`: at once.
 */
static void kick(struct run_queue *queue, struct cpu *cpu, bool urgent)
{
    if (urgent && queue->running != cpu->idle) {
        preempt(queue, cpu);
        return;
    }
    if (queue->length > 1)
        return;
    if (cpu != cpu_current())
        local_apic_send(cpu->apic_id, VECTOR_RESCHEDULE);
    else if (queue->running != cpu->idle)
        timer_queue_arm_slice(queue->running->slice_end);
}

/* Does who wakes take the turn of who runs? */
static bool goes_before(const struct thread *thread, const struct thread *running)
{
    if (thread->priority || running->priority)
        return thread->priority > running->priority;
    return thread->favoured && !running->favoured;
}

/* Queue's lock held, of the CPU that the thread belongs to. */
static void enqueue(struct run_queue *queue, struct thread *thread)
{
    struct thread *running = queue->running;

    if (running->share && running->share != thread->share)
        charge_running(running); /* so that it is known whose turn it is */
    run_queue_add(queue, thread, !thread->priority && thread->turn_left);
    kick(queue, thread->cpu, goes_before(thread, running));
}

/* Queues a thread that can run, is on no queue and on no CPU: nobody else touches it meanwhile. The
   lock of its CPU's queue is held, and let go of. Interrupts are off. */
static void place(struct run_queue *queue, struct thread *thread)
{
    struct cpu *cpu = choose_cpu(thread);

    if (cpu != thread->cpu) {
        spinlock_release(&queue->lock);
        __atomic_store_n(&thread->cpu, cpu, __ATOMIC_RELAXED);
        queue = cpu->run_queue;
        spinlock_acquire(&queue->lock);
    }
    enqueue(queue, thread);
    spinlock_release(&queue->lock);
}

void thread_start(struct thread *thread)
{
    thread_wake(thread);
}

void thread_exit(void)
{
    mutex_check_none_held();
    interrupts_disable();
    struct thread *thread = thread_current();
    struct run_queue *queue = cpu_current()->run_queue;

    spinlock_acquire(&queue->lock);
    __atomic_store_n(&thread->state, THREAD_DEAD, __ATOMIC_RELAXED);
    switch_away(queue);
    panic("a dead thread runs");
}

/* ---- sleeping and waking ---- */

/* What of thread->work ends a sleep in each state. */
static const uint8_t ending_work[THREAD_DEAD + 1] = {
    [THREAD_KILLABLE] = THREAD_WORK_KILL,
    [THREAD_INTERRUPTIBLE] = THREAD_WORK_KILL | THREAD_WORK_SIGNAL | THREAD_WORK_STOP,
    [THREAD_STOPPED] = THREAD_WORK_KILL,
};

bool thread_interrupted(enum thread_state state)
{
    return __atomic_load_n(&thread_current()->work, __ATOMIC_SEQ_CST) & ending_work[state];
}

struct sleep_timer {
    struct timer timer;
    struct thread *thread;
    bool expired; /* atomic */
};

static void sleep_expired(struct timer *timer)
{
    struct sleep_timer *sleep = container_of(timer, struct sleep_timer, timer);
    struct thread *thread = sleep->thread;

    __atomic_store_n(&sleep->expired, true, __ATOMIC_RELEASE);
    thread_wake(thread);
}

/* Gives the CPU away unless a wake-up came since thread_prepare_sleep(). */
static void sleep_once(void)
{
    bool enabled = interrupts_save();
    struct thread *thread = thread_current();
    struct run_queue *queue = cpu_current()->run_queue;

    debug_assert(cpu_current()->spinlocks_held == 0);
    spinlock_acquire(&queue->lock);
    if (__atomic_load_n(&thread->state, __ATOMIC_SEQ_CST) == THREAD_RUNNABLE) {
        spinlock_release(&queue->lock);
    } else {
        thread->voluntary_switches++;
        switch_away(queue);
    }
    interrupts_restore(enabled);
}

/* Until that time at the latest. */
static __attribute__((noinline)) int sleep_until(enum thread_state state, uint64_t deadline)
{
    struct sleep_timer sleep = {.thread = thread_current()};

    if (clock_now() >= deadline) {
        thread_cancel_sleep();
        return -ETIMEDOUT;
    }
    timer_initialize(&sleep.timer, sleep_expired);
    timer_arm(&sleep.timer, deadline);
    sleep_once();
    timer_cancel(&sleep.timer);
    if (thread_interrupted(state))
        return -EINTR;
    return __atomic_load_n(&sleep.expired, __ATOMIC_ACQUIRE) ? -ETIMEDOUT : 0;
}

int thread_sleep(uint64_t deadline)
{
    enum thread_state state = __atomic_load_n(&thread_current()->state, __ATOMIC_RELAXED);

    if (state == THREAD_RUNNABLE)
        return 0; /* the wake-up was faster */
    if (thread_interrupted(state)) {
        thread_cancel_sleep();
        return -EINTR;
    }
    if (deadline != CLOCK_NEVER)
        return sleep_until(state, deadline);
    sleep_once();
    return thread_interrupted(state) ? -EINTR : 0;
}

/* Makes the thread runnable if it sleeps in a state that `work` ends; 0: in any. */
static bool wake_if(struct thread *thread, uint32_t work)
{
    bool enabled = interrupts_save();
    struct run_queue *queue = lock_queue_of(thread);
    enum thread_state state = __atomic_load_n(&thread->state, __ATOMIC_SEQ_CST);
    bool asleep =
        state != THREAD_RUNNABLE && state != THREAD_DEAD && (!work || (work & ending_work[state]));

    if (asleep)
        __atomic_store_n(&thread->state, THREAD_RUNNABLE, __ATOMIC_SEQ_CST);
    if (asleep && queue->running != thread) /* else it has not left its CPU yet */
        place(queue, thread);
    else
        spinlock_release(&queue->lock);
    interrupts_restore(enabled);
    return asleep;
}

bool thread_wake(struct thread *thread)
{
    return wake_if(thread, 0);
}

void thread_post_work(struct thread *thread, uint32_t work)
{
    __atomic_fetch_or(&thread->work, work, __ATOMIC_SEQ_CST);
    if (!wake_if(thread, work)) {
        struct cpu *cpu = __atomic_load_n(&thread->cpu, __ATOMIC_RELAXED);
        /* In user mode on another CPU: an interrupt brings it in. */
        if (cpu != cpu_current() && __atomic_load_n(&cpu->current, __ATOMIC_RELAXED) == thread)
            local_apic_send(cpu->apic_id, VECTOR_RESCHEDULE);
    }
}

/* A thread that is made to matter less stays before its new equals, as on Linux. */
void thread_set_priority(struct thread *thread, uint8_t priority, bool round_robin)
{
    bool enabled = interrupts_save();
    struct run_queue *queue = lock_queue_of(thread);
    bool queued = thread->queued, lowered = priority < thread->priority;

    if (queued)
        run_queue_remove(queue, thread);
    __atomic_store_n(&thread->priority, priority, __ATOMIC_RELAXED);
    thread->round_robin = round_robin;
    if (queued)
        run_queue_add(queue, thread, lowered);
    if (queue->running == thread) {
        uint64_t now = clock_now();
        __atomic_store_n(&queue->running_priority, priority, __ATOMIC_RELAXED);
        thread->slice_end = now + run_queue_slice(thread, queue, now);
    }
    const struct thread *first = TAILQ_FIRST(&queue->threads);
    if (first && first->priority > queue->running->priority)
        preempt(queue, thread->cpu);
    spinlock_release(&queue->lock);
    interrupts_restore(enabled);
}

/* ---- a CPU ---- */

static void reschedule_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
    struct thread *thread = thread_current();
    if (thread != cpu_current()->idle)
        timer_queue_arm_slice(thread->slice_end);
}

void scheduler_initialize_cpu(struct thread *idle, paddr_t root)
{
    struct cpu *cpu = cpu_current();
    struct run_queue *queue = &run_queues[cpu->number];

    idle->page_table_root = root;
    idle->cpu = cpu;
    idle->state = THREAD_RUNNABLE;
    idle->affinity = cpu_set_of(cpu->number);
    idle->limits = unlimited;
    idle->switched_in = clock_now();
    list_thread(idle);
    cpu->idle = idle;
    cpu->current = idle;
    cpu->timer_deadline = CLOCK_NEVER;
    spinlock_initialize(&queue->lock, LOCK_RUN_QUEUE);
    TAILQ_INIT(&queue->threads);
    TAILQ_INIT(&queue->favoured);
    queue->running = idle;
    cpu->run_queue = queue;
    timer_queue_initialize_cpu();
    interrupt_set_handler(VECTOR_RESCHEDULE, reschedule_interrupt, NULL);
}

/* Programs choose where their threads may run: of a queue of such threads so many are looked at. */
#define STEAL_LOOKS 64

/* The oldest waiting thread that may run on this CPU. Queue's lock held. */
static struct thread *find_to_steal(const struct thread_queue *threads, const struct cpu *cpu)
{
    struct thread *thread;
    unsigned looks = 0;

    TAILQ_FOREACH(thread, threads, run_link)
    {
        if (may_run_on(thread, cpu))
            return thread;
        if (++looks == STEAL_LOOKS)
            break;
    }
    return NULL;
}

/* Takes the oldest waiting thread of another CPU that may run here. NULL: there is none. */
static struct thread *steal(struct cpu *cpu)
{
    if (__atomic_load_n(&cpu_count, __ATOMIC_RELAXED) == 1)
        return NULL;
    for (struct cpu *other = cpu_next_online(cpu); other != cpu; other = cpu_next_online(other)) {
        struct run_queue *victim = other->run_queue;
        if (!__atomic_load_n(&victim->length, __ATOMIC_RELAXED))
            continue;
        spinlock_acquire(&victim->lock);
        struct thread *thread = find_to_steal(&victim->favoured, cpu);
        if (!thread)
            thread = find_to_steal(&victim->threads, cpu);
        if (thread) {
            run_queue_remove(victim, thread);
            __atomic_store_n(&thread->cpu, cpu, __ATOMIC_RELAXED);
        }
        spinlock_release(&victim->lock);
        if (thread)
            return thread;
    }
    return NULL;
}

/* Waits until this CPU's queue holds something. Interrupts are off. */
static void wait_for_work(struct cpu *cpu)
{
    struct run_queue *queue = cpu->run_queue;
    struct thread *stolen;

    cpu_join(cpu, &idle_cpus);
    if (!__atomic_load_n(&queue->length, __ATOMIC_SEQ_CST) && (stolen = steal(cpu))) {
        spinlock_acquire(&queue->lock);
        run_queue_add(queue, stolen, false);
        spinlock_release(&queue->lock);
    } else if (!__atomic_load_n(&queue->length, __ATOMIC_SEQ_CST)) {
        interrupts_await();
    }
    cpu_leave(cpu, &idle_cpus);
}

void scheduler_idle(void)
{
    struct cpu *cpu = cpu_current();

    interrupts_disable();
    for (;;) {
        if (__atomic_load_n(&cpu->run_queue->length, __ATOMIC_SEQ_CST))
            schedule();
        else
            wait_for_work(cpu);
    }
}
