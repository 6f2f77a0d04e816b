/*
 * user_thread.h: a thread of a program: struct thread, and what the process
 * room keeps beside it.
 *
 * What a thread shares with others (thread->address_space, descriptors,
 * file_system, credentials) is read and changed by the thread itself. It
 * changes these pointers under its process's lock, so that someone else may
 * look at them, and take a reference, under that lock (user_thread_*_get).
 */
#ifndef BATON_PROCESS_USER_THREAD_H
#define BATON_PROCESS_USER_THREAD_H

#include "process/signal/signal.h"
#include "thread/thread.h"

struct address_space;
struct identity;
struct process;
struct vfork_wait;

/* What the first thread begins with, ns; prctl(2), PR_SET_TIMERSLACK. */
#define TIMER_SLACK_DEFAULT 50000

struct user_thread {
    struct thread thread; /* first: a struct thread of a program is one of these */

    uint32_t references;                   /* atomic: one until it is off its stack; lookups */
    struct identity *identity;             /* its TID; process table's lock */
    TAILQ_ENTRY(user_thread) process_link; /* in process->threads; process's lock */
    uint64_t place;                /* how many of the process were made up to it; constant */
    bool listed;                   /* in process->threads; process's lock */
    bool exiting;                  /* has begun to end; process's lock */
    struct vfork_wait *vfork_wait; /* the parent that sleeps in vfork; process's lock */

    struct thread_signals signals; /* signal.h */

    /* What the C library asked for. Own. User addresses, 0: none. */
    vaddr_t set_child_tid;   /* where a new thread writes its number at first */
    vaddr_t clear_child_tid; /* set to 0 and woken at the end */
    vaddr_t robust_list;     /* get_robust_list(2); atomic to read */
    vaddr_t rseq;            /* rseq(2): restartable_sequence_set() */
    uint32_t rseq_size, rseq_signature;

    uint64_t started;                    /* ns since boot; constant */
    uint64_t minor_faults, major_faults; /* own */
    int parent_death_signal;             /* prctl(2); own */
    bool no_new_privileges;              /* prctl(2); own; never cleared */
    bool exceeds_processes;              /* RLIMIT_NPROC, by setuid(2): thread_account.h; own */
    int policy, priority;                /* sched_setscheduler(2): remembered; atomic */
    uint16_t io_priority;                /* ioprio_set(2): kept only to be told; atomic */
    bool reset_on_fork;                  /* its children begin as SCHED_OTHER; atomic */
    uint64_t timer_slack;                /* prctl(2), ns; kept only to be told; own */
    uint8_t machine_check_policy;        /* PR_MCE_KILL_*; the same */
    bool io_flusher;                     /* the same */
    uint64_t default_timer_slack;        /* …what it was when the thread began; constant */
};

_Static_assert(__builtin_offsetof(struct user_thread, thread) == 0, "the casts below");

static inline struct user_thread *user_thread_of(struct thread *thread)
{
    return (struct user_thread *)thread;
}

/* The calling thread, which must be a program's (thread->process is not NULL). */
static inline struct user_thread *user_thread_current(void)
{
    return user_thread_of(thread_current());
}

/*
 * The thread with this TID, with a reference for the caller; NULL: there is none. It may end at any
 * time; the structure stays until the release. The first thread of a process is found until the
 * process is reaped, also when it has ended: a zombie.
 */
struct user_thread *user_thread_find(uint32_t id);
/* The same; 0: the calling thread. */
struct user_thread *user_thread_find_or_self(uint32_t id);
static inline void user_thread_reference(struct user_thread *thread)
{
    __atomic_fetch_add(&thread->references, 1, __ATOMIC_RELAXED);
}
/* Any context. */
void user_thread_release(struct user_thread *thread);

/*
 * What another thread points to, with a reference for the caller; NULL: the
 * thread has given it up already. Takes the process's lock.
 */
struct address_space *user_thread_address_space_observe(struct user_thread *thread);
struct descriptor_table *user_thread_descriptors_get(struct user_thread *thread);
struct file_system_context *user_thread_file_system_get(struct user_thread *thread);
const struct credentials *user_thread_credentials_get(struct user_thread *thread);

#endif
