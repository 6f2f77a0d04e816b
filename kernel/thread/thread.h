/*
 * thread.h: a thread of execution, and nothing of processes or files.
 *
 * Invariant 1: the page-table root belongs to the thread. The field below is
 * the only source of CR3 once threads run. CR3 is written in three places:
 * context_switch.S, which reads the field of the thread it switches to;
 * thread_set_root(), which stores the field and loads CR3 together; and the
 * start-up code of each CPU.
 */
#ifndef BATON_THREAD_THREAD_H
#define BATON_THREAD_THREAD_H

#include <bsd/sys/queue.h>

#include "cpu/cpu.h"
#include "cpu/spinlock.h"
#include "cpu/trap.h"
#include "cpu/trap_offsets.h"
#include "cpu/user_segments.h"
#include "library/types.h"
#include "thread/mutex_order.h"
#include "thread/restart.h"

struct address_space;
struct credentials;
struct descriptor_table;
struct file_system_context;
struct fpu_state;
struct process;
struct processor_share;
struct rlimit64;
enum thread_state {
    THREAD_RUNNABLE, /* runs, or is queued to run */
    /* asleep; in this order, each can also be ended by what ends the one before */
    THREAD_UNINTERRUPTIBLE, /* only a wake-up ends the sleep */
    THREAD_KILLABLE,        /* …or a fatal signal */
    THREAD_INTERRUPTIBLE,   /* …or any signal that is to be handled */
    THREAD_STOPPED,         /* job control; by SIGCONT or a fatal signal */
    THREAD_DEAD,
};

/* All that a thread may have to do before it returns to user mode (thread->work; or-ed): each way
   out tests this one word, and with nothing in it does nothing more (trap_entry.S). */
enum {
    THREAD_WORK_RESCHEDULE = 1, /* its time slice is over */
    THREAD_WORK_SIGNAL = 2,     /* there is a signal to handle: ends interruptible sleeps */
    THREAD_WORK_KILL = 4,       /* it must end (fatal signal, exec or exit of another thread):
                                   ends killable sleeps; never cleared */
    THREAD_WORK_STOP = 8,       /* job control wants it stopped */
    THREAD_WORK_ANSWER = 16,    /* its call is to be restarted, or its signal mask restored */
    THREAD_WORK_SEQUENCE = 32,  /* it was off its CPU, and its program wants to know (rseq(2)) */
};

/* What a debug kernel can make go wrong in this thread, on request (injection.h). */
struct thread_injection {
    bool at_return;   /* a timer interrupt is to be pending when user mode is entered */
    uint32_t failure; /* enum injection_failure that is counted; 0: none */
    uint64_t count;   /* of these since it was armed */
    uint64_t number;  /* of the one to fail; 0: none */
    void *failed_at;  /* return address of the one that failed; NULL: none did */
    uint32_t point;   /* enum injection_point that acts; 0: none */
    uint32_t action;  /* enum injection_action */
};

struct thread {
    paddr_t page_table_root; /* own, with interrupts off: thread_set_root() */
    vaddr_t stack_pointer;   /* of the kernel stack, while it does not run; run queue's lock */

    uint32_t work;               /* THREAD_WORK_*; atomic */
    uint32_t work_when_switched; /* …that each switch away from it adds: 0, _SEQUENCE; own */
    uint64_t user_since; /* when it last entered user mode; 0: it is in a call; own; ticks */
    uint64_t user_ticks; /* that it was in user mode before; own. Ticks of the time stamp
                            counter both: whoever reads them turns them into ns */

    struct cpu_set *root_cpus; /* the CPUs that may hold the root; own, with interrupts off;
                                  NULL: the kernel's root, which is never freed */

    vaddr_t kernel_stack;          /* lowest address; constant */
    vaddr_t kernel_stack_top;      /* constant */
    struct fpu_state *fpu;         /* user registers while it does not run; NULL: kernel thread */
    struct user_segments segments; /* of user mode (user_segments.h) */

    struct cpu *cpu;         /* where it runs, is queued or ran last; run queue's lock */
    uint32_t state;          /* enum thread_state; set by the thread, changed back under the run
                                queue's lock; atomic */
    bool queued;             /* is on the run queue; run queue's lock */
    bool favoured;           /* was, when it was queued last (run_queue.h); run queue's lock */
    uint64_t slice_end;      /* own; ns since boot */
    uint64_t turn_left;      /* ns, while it does not run: it slept before its turn was over, or had
                                it taken away; its own or run queue's lock */
    uint64_t runtime;        /* ns it has run, without the present stretch; own */
    uint64_t charged;        /* of that, what its user's share knows of; run queue's lock */
    uint64_t user_counted;   /* of user_ticks, what its CPUs have counted; own */
    uint64_t switched_in;    /* when it began to run; own */
    int nice;                /* -20 to 19; atomic */
    uint8_t priority;        /* 1 to 99: real-time (sched(7)); 0: in turn; run queue's lock to
                                write */
    bool round_robin;        /* a real-time thread whose slices end; run queue's lock to write */
    struct cpu_set affinity; /* where it may run; process's lock to write; atomic */
    uint64_t timer_interrupts; /* that came while it ran; own, in the interrupt; atomic to read */
    uint64_t voluntary_switches, involuntary_switches; /* own */
    TAILQ_ENTRY(thread) run_link;                      /* run queue's lock */
    TAILQ_ENTRY(thread) all_link;                      /* thread_list_lock */

    uint32_t id;   /* TID; 0 for kernel threads; exec may change it, process table's lock */
    char name[16]; /* comm; NUL-terminated; written by its own thread only */

    /* What it shares with others; reference-counted by their rooms; own, except that the
       process room says who may look at a foreign one, and how. NULL in kernel threads. */
    struct process *process;
    struct address_space *address_space;
    struct descriptor_table *descriptors;
    struct file_system_context *file_system;
    const struct credentials *credentials;
    struct user_account *account;  /* of its real user, who is charged for what it makes */
    struct processor_share *share; /* in that account: thread_set_share(); run queue's lock; NULL */
    const struct rlimit64 *limits; /* its process's, or those of nobody: limits.h; constant */

    /* Called by the scheduler when the dead thread is off its stack; frees it. May not sleep. */
    void (*release)(struct thread *thread);

    struct restart_block restart; /* own; what restart_syscall(2) goes on with */

    bool no_memory; /* there was no frame for it: thread_had_no_memory(); own */

    /* memory/hasty_copy.h; own */
    struct {
        bool now;        /* copies do not wait */
        unsigned access; /* what for one would have waited: REGION_* */
        vaddr_t missed;  /* …and where; 0: nowhere */
    } hasty;

    struct rights_list *ending; /* the socket room's: what it is about to end; own; NULL */

    struct thread_injection injection; /* own; debug builds */
#ifdef DEBUG_CHECKS
    uint8_t mutexes_held[MUTEX_RANK_COUNT]; /* own; see mutex_order.h */
#endif
};

_Static_assert(__builtin_offsetof(struct thread, page_table_root) == 0, "context_switch.S");
_Static_assert(__builtin_offsetof(struct thread, stack_pointer) == 8, "context_switch.S");
_Static_assert(__builtin_offsetof(struct thread, work) == THREAD_WORK, "trap_entry.S");
_Static_assert(__builtin_offsetof(struct thread, user_since) == THREAD_USER_SINCE, "trap_entry.S");
_Static_assert(__builtin_offsetof(struct thread, user_ticks) == THREAD_USER_TICKS, "trap_entry.S");

/* Not volatile, so that a function asks once: who comes back from a switch is who left. */
static inline struct thread *thread_current(void)
{
    struct thread *thread;
    __asm__("mov %%gs:8, %0" : "=r"(thread));
    return thread;
}

/* The frame of the last entry from user mode: always at the top of the kernel stack. */
static inline struct trap_frame *thread_user_frame(const struct thread *thread)
{
    return (struct trap_frame *)thread->kernel_stack_top - 1;
}

/*
 * Prepares a thread that will call entry(argument) on the stack
 * [stack, stack + size) when it is first switched to. The caller zeroed
 * *thread and owns its memory. Adds it to the list of all threads; does not
 * start it (thread_start).
 */
void thread_initialize(struct thread *thread, const char *name, vaddr_t stack, size_t size,
                       void (*entry)(void *argument), void *argument, paddr_t root);

/* Makes a new thread runnable, on the CPU with the least to do. It may have been found and sent
   work before; it sees that once it runs. */
void thread_start(struct thread *thread);

/*
 * Makes `root` the root of the calling thread: field and CR3 together, with
 * interrupts off meanwhile. Used by exec, exit and calls into firmware.
 * `root_cpus`: the address space's set of CPUs whose CR3 may hold the root,
 * kept by this function and the scheduler; NULL with the kernel's root.
 */
void thread_set_root(paddr_t root, struct cpu_set *root_cpus);

/* Sets where FS or GS of the calling thread's user mode begins (arch_prctl(2), exec). */
void thread_set_segments(const struct user_segments *segments);
/* What they are now. */
struct user_segments thread_segments(void);

/* From now on the calling thread runs at the cost of this share, which stays as long; NULL:
   nobody's. What it has run so far is charged to the one before. Any context. */
void thread_set_share(struct processor_share *share);

/* Ends the calling thread; thread->release is called once it is off its stack. */
_Noreturn void thread_exit(void);

/* ---- sleeping and waking: see wait_queue.h for the usual way ---- */

/*
 * Sleeps in the state that was set by thread_prepare_sleep(), until a wake-up, the
 * time `deadline` (ns since boot, CLOCK_NEVER) or what else ends that state.
 * Returns 0, -ETIMEDOUT or -EINTR. No spinlock held, interrupts on.
 */
int thread_sleep(uint64_t deadline);
/* Announces a sleep: any wake-up from now on makes thread_sleep() return at once. */
static inline void thread_prepare_sleep(enum thread_state state)
{
    __atomic_store_n(&thread_current()->state, state, __ATOMIC_SEQ_CST);
}
/* Takes the announcement back. */
static inline void thread_cancel_sleep(void)
{
    __atomic_store_n(&thread_current()->state, THREAD_RUNNABLE, __ATOMIC_SEQ_CST);
}
/* Ends a sleep, if there is one. Any context. True: it was asleep. */
bool thread_wake(struct thread *thread);
/* Sets work bits and ends the sleeps that these bits end. Any context. */
void thread_post_work(struct thread *thread, uint32_t work);

/* Is there something that ends a sleep of this kind for the calling thread? */
bool thread_interrupted(enum thread_state state);

#define SLICE_ROUND_ROBIN_NS 100000000 /* of real-time threads */

/* Of each second real-time threads get so much, if others want to run: Linux's
   kernel.sched_rt_runtime_us (proc(5)). One that never sleeps does not take the machine away. */
#define REAL_TIME_PERIOD_NS  1000000000
#define REAL_TIME_RUNTIME_NS 950000000

/* Makes a thread a real-time one (`priority` 1 to 99) or one of those that run in turn (0). Any
   context. */
void thread_set_priority(struct thread *thread, uint8_t priority, bool round_robin);

/* Does some CPU run it right now? The pointer is only compared, never followed. */
bool thread_is_running(const struct thread *thread);

/* Adds the CPUs that run a thread of which `wanted` is true; it is asked under a run queue's lock.
 */
void thread_find_cpus(bool (*wanted)(const struct thread *thread), struct cpu_set *found);

/* Notes that there was no frame for the calling thread. Any context. */
void thread_note_no_memory(void);
/* Was that so since it was asked last? */
bool thread_had_no_memory(void);

/* Lets others run, if there are any, and goes behind all of them. */
void thread_yield(void);
/* Lets others run whose turn it is: preemption.h. */
void thread_give_way(void);

/* Calls `visit` for every thread, under thread_list_lock (a spinlock): it may not sleep. */
void thread_for_each(void (*visit)(struct thread *thread, void *context), void *context);

struct cpu;
/* What a CPU has done since it began, ns, and how often it went from one thread to another. */
struct cpu_times {
    uint64_t user, system, idle, switches;
};
void scheduler_cpu_times(const struct cpu *cpu, struct cpu_times *times);

/* Starts scheduling on this CPU: the caller becomes its idle thread. */
void scheduler_initialize_cpu(struct thread *idle, paddr_t kernel_root);
_Noreturn void scheduler_idle(void);
/* The timer interrupt of this CPU. Interrupts off. */
void scheduler_tick(uint64_t now);
/* Work before user mode: lets others run. Interrupts off. */
void scheduler_user_return(void);
/* The last thing before user mode: debug builds check that CR3 is the thread's root. */
void scheduler_check_root(void);
/* Option trace=switch: each change of root is logged. Set at boot. */
extern bool scheduler_trace;

#endif
