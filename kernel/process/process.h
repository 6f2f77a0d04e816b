/*
 * process.h: processes, their families, groups and sessions. Who holds whom,
 * which lock guards what, and how racing execs, exits and stops are decided
 * is in README.md.
 */
#ifndef BATON_PROCESS_PROCESS_H
#define BATON_PROCESS_PROCESS_H

#include <linux/resource.h>

#include "process/signal/signal.h"
#include "process/time/process_timers.h"
#include "process/user_thread.h"
#include "thread/wait_queue.h"

struct terminal; /* a higher room's */

/* What wait4(2) and getrusage(2) report. Times in ns. */
struct resource_usage {
    uint64_t user_time, system_time;
    uint64_t minor_faults, major_faults;
    uint64_t voluntary_switches, involuntary_switches;
    uint64_t maximum_resident; /* pages; the largest, not a sum */
};

/*
 * A number that stands for a thread, a process, a group or a session; free
 * again when it stands for none of them. All fields: process_table_lock.
 */
struct identity {
    uint32_t number;
    LIST_ENTRY(identity) hash_link;
    struct user_thread *thread;  /* NULL: no thread has this TID */
    struct process *process;     /* NULL: reaped, or never one */
    struct process_group *group; /* NULL: no such group */
    struct session *session;     /* NULL: no such session */
};

struct session {
    uint32_t references;       /* atomic: its groups, lookups, the terminal */
    uint32_t id;               /* constant */
    struct terminal *terminal; /* the controlling one; the terminal room's lock */
};

struct process_group {
    uint32_t references;           /* atomic: its members, lookups, a terminal's foreground */
    uint32_t id;                   /* constant */
    struct session *session;       /* constant; a reference is held */
    TAILQ_HEAD(, process) members; /* in the order in which they joined; process_table_lock */
    uint64_t joined;               /* so many did; process_table_lock */
};

struct process {
    uint32_t references;       /* atomic: each thread, the table until it is reaped,
                                  lookups */
    uint32_t id;               /* TGID; constant */
    struct identity *identity; /* process_table_lock; NULL: reaped */

    /* Family; process_table_lock. */
    struct process *parent; /* NULL: init, and what has been reaped */
    LIST_HEAD(, process) children;
    LIST_ENTRY(process) sibling_link; /* in parent->children */
    struct process_group *group;      /* a reference is held */
    TAILQ_ENTRY(process) group_link;  /* in group->members */
    uint64_t group_place;             /* how many had joined it */
    bool subreaper;                   /* prctl(PR_SET_CHILD_SUBREAPER) */
    bool has_executed;                /* since fork: setpgid(2) says EACCES */
    bool zombie;                      /* every thread has ended; wait may reap it; atomic to read */
    int exit_signal;                  /* what the parent gets at the end; 0: none */
    uint32_t executions;              /* how often it has passed itself on to another program */
    uint32_t maker_executions;        /* those of its parent when that made it */
    struct user_thread *creator;      /* the parent's thread (__WNOTHREAD); may be gone: compare
                                         only */
    struct wait_queue child_events;   /* wait4 sleeps here: a child ended, stopped, went on */
    struct wait_queue ended;          /* poll of a pidfd: the process became a zombie */

    /*
     * Taken with interrupts off, after process_table_lock. Of two processes
     * at once: the parent's first.
     */
    struct spinlock lock;

    TAILQ_HEAD(user_threads, user_thread) threads; /* in the order in which they were made; lock */
    uint64_t threads_made;                         /* so many; lock */
    uint32_t thread_count;                         /* in `threads`; lock; atomic to read */
    uint32_t living;                               /* of these, that have not begun to end; lock */
    uint32_t stacks; /* kernel stacks of its threads still in use; lock; atomic
                        to read */
    uint64_t told;   /* the place of the last who was told what to do; lock */
    bool telling;    /* these two are tell_threads.c's */
    STAILQ_ENTRY(process) telling_link;
    struct wait_queue off_stack; /* the executor sleeps here until it is alone, who reaps the
                                    process until nothing of it is in use */

    /* The races: see README.md. lock. */
    struct user_thread *executor; /* has claimed an exec and not yet committed; NULL */
    bool exiting;                 /* exit_group or a fatal signal: exit_status stands */
    int exit_status;              /* as wait4(2) encodes it */

    struct process_signals signals; /* signal.h; also stop and continue */
    struct process_timers timers;   /* process_timers.h */

    struct rlimit64 limits[RLIM_NLIMITS]; /* lock */
    struct resource_usage usage;          /* of threads that ended; lock */
    struct resource_usage children_usage; /* of children that were reaped; lock */
    uint64_t started;                     /* ns since boot; constant */

    const struct credentials *credentials; /* of a zombie: its first thread's; lock */
    struct user_account *account;          /* of a zombie: its last thread's; lock */
    uint32_t membarrier;                   /* the commands it registered for; atomic */
    uint32_t dumpable;                     /* prctl(PR_SET_DUMPABLE); atomic */
    int oom_score_adjustment;              /* -1000 to 1000; lock to write; atomic */
    int oom_score_adjustment_least;        /* without a privilege: what one with it set; lock */
    uint64_t files_memory;                 /* bytes that its descriptors kept when counted; lock */
    uint64_t files_memory_time;            /* ns since boot of that count; 0: none yet; lock */
    uint32_t personality;                  /* personality(2); own threads; atomic */
    char name[16];                         /* the leader's last name, for /proc of a zombie; lock */
};

/*
 * Guards identities and families. Taken with interrupts off, before any
 * process's lock. Nobody allocates or sleeps under it.
 */
extern struct spinlock process_table_lock;
extern struct process *process_init; /* PID 1; set once at boot */

static inline struct process *process_current(void)
{
    return thread_current()->process;
}

/* ---- what a lock guards, read under it: debug kernels check (GUARDED_BY) ---- */

/* process_table_lock held; NULL: it has been reaped. */
static inline struct process_group *process_group_of(const struct process *process)
{
    return GUARDED_BY(&process_table_lock, process->group);
}
/* Its process's lock held; the caller's own: credentials_current(). NULL: it has ended. */
static inline const struct credentials *user_thread_credentials(const struct user_thread *thread)
{
    return GUARDED_BY(&thread->thread.process->lock, thread->thread.credentials);
}
/* Process's lock held. One's own soft limits: thread_limit(). */
static inline struct rlimit64 *process_limits(struct process *process)
{
    return GUARDED_BY(&process->lock, process->limits);
}

/* The process with this PID, also a zombie, with a reference; NULL: none. */
struct process *process_find(uint32_t id);
/* The same by the number of any of its threads, as kill(2) takes it. */
struct process *process_find_named(uint32_t id);
static inline void process_reference(struct process *process)
{
    __atomic_fetch_add(&process->references, 1, __ATOMIC_RELAXED);
}
void process_release(struct process *process); /* any context */
/* The same in two steps, for who drops a reference under the process's lock: true, it was the last
   one; then, without the lock, the end. */
bool process_drop(struct process *process);
void process_destroy(struct process *process);
/* Has its parent, or who stands for it, done with it? Then its number may be another's. */
bool process_is_reaped(struct process *process);

/* The process's thread with the process's own TID, or any other; NULL: zombie. Its lock held. */
struct user_thread *process_thread(const struct process *process);
/* The same, with a reference; takes the lock. */
struct user_thread *process_thread_get(struct process *process);
/* The space that its threads share, to be looked at, also while some of them end; NULL: all have
   left it. */
struct address_space *process_address_space_observe(struct process *process);

/* The same for groups and sessions. process_group_find: any group, of any session. */
struct process_group *process_group_find(uint32_t id);
void process_group_release(struct process_group *group);
static inline void process_group_reference(struct process_group *group)
{
    __atomic_fetch_add(&group->references, 1, __ATOMIC_RELAXED);
}
void session_release(struct session *session);
static inline void session_reference(struct session *session)
{
    __atomic_fetch_add(&session->references, 1, __ATOMIC_RELAXED);
}
/* The calling process's group, with a reference. */
struct process_group *process_group_current(void);
/*
 * Has no member a parent in another group of the same session (POSIX
 * "orphaned process group")? Takes process_table_lock.
 */
bool process_group_is_orphaned(struct process_group *group);

/* Calls `visit` for each process, zombies too, under process_table_lock: it may not sleep. */
void process_for_each(void (*visit)(struct process *process, void *context), void *context);
/*
 * The process with the lowest PID >= *id, with a reference, for reading a
 * directory piece by piece; sets *id. NULL: no more.
 */
struct process *process_next(uint32_t *id);
/* How far a walk through a process's threads, or a group's members, has come. */
struct list_place {
    uint64_t place; /* of the last one, which may be gone by now; 0: nobody yet */
    uint32_t id;    /* its number */
};
/* The next one in the order in which they came, with a reference, so that each that is there all
   the time is met once; moves *place. NULL: no more. The second may be preempted. */
struct user_thread *process_next_thread(struct process *process, struct list_place *place);
struct process *process_group_next(struct process_group *group, struct list_place *place);

/* kcmp(2) draws what it hides addresses with. At boot. */
void kcmp_initialize(void);

/* ---- what the rooms below ask of this one, which start/hooks.c gives them: given.c ---- */

struct descriptor_table;
int32_t process_number_current(void);
void process_replace_descriptors(struct descriptor_table *table);
bool process_locks_unlimited(void);

/* ---- ends: exit.c ---- */

/*
 * Ends the whole process (exit_group), with a status as wait4(2) encodes it:
 * exit code << 8, or a signal, with WAIT_CORE_DUMPED. A sibling's exec wins.
 */
_Noreturn void process_exit(int status);
/* Ends the calling thread only; the last one ends the process. */
_Noreturn void user_thread_exit(int status);
/*
 * Says that the process must end with `status` (a fatal signal): the first
 * one to say so, or to call exit_group, decides. Every thread gets
 * THREAD_WORK_KILL, by process_tell_threads(). The process's lock is held.
 */
void process_begin_exit(struct process *process, int status);
/* On the way to user mode, when THREAD_WORK_KILL is set. */
_Noreturn void user_thread_killed(void);

/*
 * For one that ended, stopped or went on: its parent, with a reference, if somebody there waits for
 * children; NULL: nobody. Process table's lock held.
 */
struct process *process_waited_for_by(struct process *process);
/* …then, when the lock is free, wakes who waits (they may be thousands) and releases it. NULL
   allowed. */
void process_wake_waiters(struct process *parent);

/* What all threads of the process are to do has changed (exiting, executor, stop_signal): lets them
   know, the first ones at once, the others soon. Lock held. */
void process_tell_threads(struct process *process);
void process_tell_thread(struct user_thread *thread);
/* Once, when there are threads: starts the thread that does so. 0 or -ENOMEM. */
int process_start_teller(void);

#endif
