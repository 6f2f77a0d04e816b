/*
 * fork.c: fork, vfork, clone, clone3 (clone(2)). Everything a child needs is
 * prepared while nobody sees it; each failure takes back what was prepared, in
 * the opposite order; then one step under the locks makes the child visible,
 * and that step may still say no: to a caller that is being killed, or that has
 * a signal to handle first.
 */
#include "process/fork.h"

#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/sched.h>

#include "cpu/fpu.h"
#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/tree/file_system_context.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "process/exit.h"
#include "process/identity.h"
#include "process/pidfd.h"
#include "process/process_group.h"
#include "process/restartable_sequence.h"
#include "process/scheduling.h"
#include "process/system_calls.h"
#include "process/thread_account.h"
#include "thread/injection.h"
#include "thread/restart.h"

/* What clone(2) and clone3(2) are asked for. */
struct fork_request {
    uint64_t flags;
    int exit_signal;
    vaddr_t stack; /* 0: the caller's */
    vaddr_t parent_tid, child_tid;
    vaddr_t process_descriptor; /* where CLONE_PIDFD's goes */
    uint64_t thread_pointer;
};

/* ---- a thread and a process, aside ---- */

struct user_thread *user_thread_create(int *error)
{
    struct user_thread *thread = heap_allocate_zeroed(sizeof(*thread));
    if (!thread) {
        *error = -ENOMEM;
        return NULL;
    }
    thread->references = 1;
    thread->identity = identity_reserve(error);
    if (!thread->identity)
        goto no_identity;
    thread->thread.kernel_stack = kernel_stack_allocate();
    if (!thread->thread.kernel_stack) {
        *error = -ENOMEM;
        goto no_stack;
    }
    *error = user_account_add_thread(thread);
    if (*error)
        goto no_account;
    return thread;

no_account:
    kernel_stack_free(thread->thread.kernel_stack);
no_stack:
    identity_cancel(thread->identity);
no_identity:
    heap_free(thread);
    return NULL;
}

void user_thread_discard(struct user_thread *thread)
{
    user_account_remove_thread(&thread->thread.account);
    kernel_stack_free(thread->thread.kernel_stack);
    identity_cancel(thread->identity);
    heap_free(thread);
}

struct process *process_create(struct signal_actions *actions)
{
    struct process *process = heap_allocate_zeroed(sizeof(*process));
    if (!process)
        return NULL;
    process->references = 1; /* the table's */
    spinlock_initialize(&process->lock, LOCK_PROCESS);
    LIST_INIT(&process->children);
    TAILQ_INIT(&process->threads);
    wait_queue_initialize(&process->child_events);
    wait_queue_initialize(&process->off_stack);
    wait_queue_initialize(&process->ended);
    process_signals_initialize(&process->signals, actions);
    process_timers_initialize(&process->timers);
    process->started = clock_now();
    process->dumpable = 1;
    return process;
}

/* The first thing a new thread does, on its own kernel stack. */
static void enter_user_mode(void *argument)
{
    struct user_thread *thread = argument;
    struct trap_frame *frame = thread_user_frame(&thread->thread);

    if (thread->set_child_tid)
        user_put(thread->set_child_tid, &thread->thread.id); /* clone(2): a fault is ignored */
    interrupts_disable();
    signal_user_return(frame);
    trap_return_to_user(frame);
}

/* The FPU registers lie above the kernel stack, in the same allocation: one less for a fork. */
static size_t fpu_area(void)
{
    return align_up(fpu_image_size, 64);
}

struct trap_frame *user_thread_place_frame(struct user_thread *thread)
{
    vaddr_t end = thread->thread.kernel_stack + KERNEL_STACK_SIZE;

    thread->thread.kernel_stack_top = end - fpu_area();
    thread->thread.fpu = (struct fpu_state *)thread->thread.kernel_stack_top;
    return thread_user_frame(&thread->thread);
}

void user_thread_prepare(struct user_thread *thread, const char *name)
{
    vaddr_t stack = thread->thread.kernel_stack;

    thread->thread.release = user_thread_off_stack;
    thread->thread.root_cpus = &thread->thread.address_space->cpus;
    thread_initialize(&thread->thread, name, stack, KERNEL_STACK_SIZE - fpu_area(), enter_user_mode,
                      thread, thread->thread.address_space->root);
}

void user_thread_join(struct user_thread *thread, struct process *process)
{
    thread->place = ++process->threads_made;
    thread->listed = true;
    TAILQ_INSERT_TAIL(&process->threads, thread, process_link);
    process->thread_count++;
    process->living++;
    __atomic_store_n(&process->stacks, process->stacks + 1, __ATOMIC_RELAXED);
}

/* ---- preparing a child ---- */

/* What the child shares with the caller, or a copy of it. 0 or -ENOMEM; see release_shared(). */
static int prepare_shared(struct thread *child, const struct thread *caller, uint64_t flags)
{
    if (flags & CLONE_VM) {
        child->address_space = caller->address_space;
        address_space_reference(child->address_space);
    } else {
        child->address_space = address_space_fork(caller->address_space);
    }
    if (flags & CLONE_FILES) {
        child->descriptors = caller->descriptors;
        descriptor_table_reference(child->descriptors);
    } else {
        child->descriptors = descriptor_table_copy(caller->descriptors);
    }
    if (flags & CLONE_FS) {
        child->file_system = caller->file_system;
        file_system_context_reference(child->file_system);
    } else {
        child->file_system = file_system_context_copy(caller->file_system);
    }
    child->credentials = caller->credentials;
    credentials_reference(child->credentials);
    return child->address_space && child->descriptors && child->file_system ? 0 : -ENOMEM;
}

static void release_shared(struct thread *child)
{
    if (child->address_space)
        address_space_release(child->address_space);
    descriptor_table_release(child->descriptors);
    file_system_context_release(child->file_system);
    credentials_release(child->credentials);
}

/* The child's registers: the caller's, but for the answer 0, the stack and FS. */
static void prepare_registers(struct user_thread *child, const struct fork_request *request)
{
    struct trap_frame *frame = user_thread_place_frame(child);

    *frame = *thread_user_frame(thread_current());
    frame->rax = 0;
    if (request->stack)
        frame->rsp = request->stack;
    fpu_save_first(child->thread.fpu);
    child->thread.segments = thread_segments();
    if (request->flags & CLONE_SETTLS)
        child->thread.segments.fs_base = request->thread_pointer;
}

static void prepare_thread(struct user_thread *child, const struct fork_request *request)
{
    struct user_thread *caller = user_thread_current();
    uint64_t flags = request->flags;

    prepare_registers(child, request);
    /* A thread of its own stack has no use for the caller's alternate one; vfork's child has. */
    bool keep_stack = (flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM;
    thread_signals_initialize(&child->signals, &caller->signals, keep_stack);
    if (flags & CLONE_CHILD_CLEARTID)
        child->clear_child_tid = request->child_tid;
    if (flags & CLONE_CHILD_SETTID)
        child->set_child_tid = request->child_tid;
    if (!(flags & CLONE_VM)) {
        restartable_sequence_set(child, caller->rseq);
        child->rseq_size = caller->rseq_size;
        child->rseq_signature = caller->rseq_signature;
    }
    child->started = clock_now();
    child->no_new_privileges = caller->no_new_privileges;
    scheduling_inherit(child, caller);
    child->timer_slack = child->default_timer_slack = caller->timer_slack;
    child->machine_check_policy = caller->machine_check_policy;
    child->io_flusher = caller->io_flusher;
    child->thread.affinity = caller->thread.affinity;
    child->thread.id = child->identity->number;
}

/* The signal actions of a new process: shared, copied, or copied with the handlers left out. */
static struct signal_actions *prepare_actions(struct process *caller, uint64_t flags)
{
    struct signal_actions *actions = caller->signals.actions;

    if (flags & CLONE_SIGHAND) {
        signal_actions_reference(actions);
        return actions;
    }
    actions = signal_actions_copy(actions);
    if (actions && (flags & CLONE_CLEAR_SIGHAND))
        signal_actions_reset(actions);
    return actions;
}

static struct process *prepare_process(const struct fork_request *request, uint32_t id)
{
    struct process *caller = process_current();
    struct signal_actions *actions = prepare_actions(caller, request->flags);
    if (!actions)
        return NULL;
    struct process *child = process_create(actions);
    if (!child) {
        signal_actions_release(actions);
        return NULL;
    }
    child->id = id;
    child->exit_signal = request->exit_signal;
    child->creator = user_thread_current();
    return child;
}

/*
 * A whole child that nobody sees: its thread, and its process if it is not
 * just another thread of the caller's. NULL with *error.
 */
static struct user_thread *prepare_child(const struct fork_request *request, int *error)
{
    struct user_thread *child = user_thread_create(error);
    if (!child)
        return NULL;
    *error = prepare_shared(&child->thread, thread_current(), request->flags);
    if (*error)
        goto no_memory;
    if (request->flags & CLONE_THREAD) {
        child->thread.process = process_current();
        process_reference(child->thread.process);
    } else {
        child->thread.process = prepare_process(request, child->identity->number);
        if (!child->thread.process) {
            *error = -ENOMEM;
            goto no_memory;
        }
        process_reference(
            child->thread.process); /* the thread's; process_create gave the table's */
    }
    child->thread.limits = child->thread.process->limits;
    prepare_thread(child, request);
    return child;

no_memory:
    release_shared(&child->thread);
    user_thread_discard(child);
    return NULL;
}

static void discard_child(struct user_thread *child, uint64_t flags)
{
    struct process *process = child->thread.process;

    thread_signals_destroy(&child->signals);
    process_release(process);
    if (!(flags & CLONE_THREAD))
        process_release(process);
    release_shared(&child->thread);
    user_thread_discard(child);
}

/* ---- making it visible ---- */

/*
 * May the caller have a child now? 0; -RESTART_ALWAYS: first it has to handle a
 * signal or to end, so that a signal to a whole group misses nobody (POSIX
 * fork: a signal sent before the child exists is the parent's). Process's lock held.
 */
static int may_fork(struct user_thread *caller)
{
    const struct process *process = caller->thread.process;

    if (process->exiting || process->executor || process->signals.stop_signal)
        process_tell_thread(caller); /* who is one of thousands may not know yet */
    uint32_t work = __atomic_load_n(&caller->thread.work, __ATOMIC_ACQUIRE);
    return work & (THREAD_WORK_KILL | THREAD_WORK_SIGNAL | THREAD_WORK_STOP) ? -RESTART_ALWAYS : 0;
}

static void join_family(struct process *child, uint64_t flags)
{
    struct process *caller = process_current();

    child->parent = flags & CLONE_PARENT ? caller->parent : caller;
    child->maker_executions = flags & CLONE_PARENT ? caller->maker_executions : caller->executions;
    if (flags & CLONE_PARENT)
        child->exit_signal = caller->exit_signal;
    LIST_INSERT_HEAD(&child->parent->children, child, sibling_link);
    process_group_join(process_group_of(caller), child);
}

/* What others can change of the caller: as it is when the child comes to be. Caller's lock held. */
static void inherit(struct process *child, struct process *caller)
{
    child->dumpable = __atomic_load_n(&caller->dumpable, __ATOMIC_RELAXED);
    child->oom_score_adjustment = __atomic_load_n(&caller->oom_score_adjustment, __ATOMIC_RELAXED);
    child->oom_score_adjustment_least = caller->oom_score_adjustment_least;
    child->personality = __atomic_load_n(&caller->personality, __ATOMIC_RELAXED);
    memcpy(child->limits, process_limits(caller), sizeof(child->limits));
    if (child->limits[RLIMIT_CPU].rlim_cur == RLIM64_INFINITY)
        return;
    spinlock_acquire(&child->lock);
    process_timers_watch_cpu(child);
    spinlock_release(&child->lock);
}

/* The one step in which the child comes to be. 0 or -RESTART_ALWAYS. */
static int commit_child(struct user_thread *child, uint64_t flags)
{
    struct user_thread *caller = user_thread_current();
    struct process *process = caller->thread.process;

    bool enabled = spinlock_acquire_save(&process_table_lock);
    spinlock_acquire(&process->lock);
    int error = may_fork(caller);
    if (!error) {
        user_thread_prepare(child, caller->thread.name);
        child->identity->thread = child;
        if (flags & CLONE_THREAD) {
            user_thread_join(child, process);
        } else {
            struct process *created = child->thread.process;
            created->identity = child->identity;
            created->identity->process = created;
            user_thread_join(child, created);
            join_family(created, flags);
            inherit(created, process);
        }
    }
    spinlock_release(&process->lock);
    spinlock_release_restore(&process_table_lock, enabled);
    return error;
}

/* Sleeps until the child has left the caller's memory: by exec or by its end (vfork(2)). */
static void wait_for_vfork(struct user_thread *child, struct vfork_wait *wait)
{
    struct process *process = child->thread.process;

    for (;;) {
        thread_prepare_sleep(THREAD_KILLABLE);
        if (__atomic_load_n(&wait->done, __ATOMIC_ACQUIRE))
            break;
        if (thread_sleep(CLOCK_NEVER))
            break;
    }
    thread_cancel_sleep();

    bool enabled = spinlock_acquire_save(&process->lock);
    if (child->vfork_wait == wait)
        child->vfork_wait = NULL;
    spinlock_release_restore(&process->lock, enabled);
}

/* A descriptor for the caller that holds the child (clone(2), CLONE_PIDFD). */
struct child_descriptor {
    int number;
    struct file *file; /* NULL: none was asked for */
};

/* The program is told of it before it is there. 0, -EMFILE, -ENOMEM, -EFAULT. */
static int prepare_descriptor(struct child_descriptor *descriptor, struct user_thread *child,
                              const struct fork_request *request)
{
    descriptor->file = NULL;
    if (!(request->flags & CLONE_PIDFD))
        return 0;
    descriptor->number = process_file_prepare(child->thread.process, false, &descriptor->file);
    if (descriptor->number < 0)
        return descriptor->number;
    if (!user_put(request->process_descriptor, &descriptor->number))
        return 0;
    descriptor_cancel(descriptor->number);
    file_release(descriptor->file);
    return -EFAULT;
}

static void finish_descriptor(struct child_descriptor *descriptor, bool child_exists)
{
    if (!descriptor->file)
        return;
    if (child_exists) {
        descriptor_install(descriptor->number, descriptor->file);
    } else {
        descriptor_cancel(descriptor->number);
        file_release(descriptor->file);
    }
}

static ssize_t fork_child(const struct fork_request *request)
{
    struct vfork_wait vfork_wait = {.parent = thread_current()};
    struct child_descriptor descriptor;
    int error = 0;

    struct user_thread *child = prepare_child(request, &error);
    if (!child)
        return error;
    error = prepare_descriptor(&descriptor, child, request);
    if (error) {
        discard_child(child, request->flags);
        return error;
    }
    if (request->flags & CLONE_VFORK) {
        child->vfork_wait = &vfork_wait;
        user_thread_reference(child);
    }
    ssize_t id = child->thread.id;
    injection_reach(INJECTION_FORK_PREPARED);
    error = commit_child(child, request->flags);
    finish_descriptor(&descriptor, !error);
    if (error) {
        discard_child(child, request->flags);
        return error;
    }

    injection_reach(INJECTION_FORK_VISIBLE);

    if (request->flags & CLONE_PARENT_SETTID) {
        int number = id;
        user_put(request->parent_tid, &number); /* a fault is ignored, as on Linux */
    }
    thread_start(&child->thread);
    if (request->flags & CLONE_VFORK) {
        wait_for_vfork(child, &vfork_wait);
        user_thread_release(child);
    }
    return id;
}

/* ---- the calls ---- */

#define NAMESPACE_FLAGS                                                                            \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

/* What clone(2) lists under EINVAL and EPERM. */
static int check(const struct fork_request *request)
{
    uint64_t flags = request->flags;

    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_PARENT) && process_current() == process_init)
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_THREAD | CLONE_DETACHED)))
        return -EINVAL;
    if (flags & (NAMESPACE_FLAGS | CLONE_INTO_CGROUP))
        return -EINVAL; /* there are none of these yet */
    if ((flags & CLONE_SETTLS) && request->thread_pointer >= USER_END)
        return -EPERM;
    return 0;
}

static ssize_t fork_checked(const struct fork_request *request)
{
    int error = check(request);
    return error ? error : fork_child(request);
}

ssize_t sys_fork(void)
{
    return fork_checked(&(struct fork_request){.exit_signal = SIGCHLD});
}

ssize_t sys_vfork(void)
{
    return fork_checked(&(struct fork_request){
        .flags = CLONE_VFORK | CLONE_VM,
        .exit_signal = SIGCHLD,
    });
}

ssize_t sys_clone(uint64_t flags, vaddr_t stack, vaddr_t parent_tid, vaddr_t child_tid,
                  uint64_t thread_pointer)
{
    flags &= UINT32_MAX;
    if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
        return -EINVAL; /* both would go to parent_tid */
    return fork_checked(&(struct fork_request){
        .flags = flags & ~(uint64_t)CSIGNAL,
        .exit_signal = flags & CLONE_THREAD ? 0 : flags & CSIGNAL,
        .stack = stack,
        .parent_tid = parent_tid,
        .process_descriptor = parent_tid,
        .child_tid = child_tid,
        .thread_pointer = thread_pointer,
    });
}

ssize_t sys_clone3(vaddr_t from, size_t size)
{
    struct clone_args arguments;

    int error = user_copy_struct(&arguments, sizeof(arguments), CLONE_ARGS_SIZE_VER0, from, size);
    if (error)
        return error;

    const uint64_t known = UINT32_MAX | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
    if ((arguments.flags & ~known) ||
        (arguments.flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))))
        return -EINVAL;
    if ((arguments.flags & (CLONE_THREAD | CLONE_PARENT)) && arguments.exit_signal)
        return -EINVAL;
    if (arguments.exit_signal > SIGNAL_COUNT)
        return -EINVAL;
    if (!arguments.stack != !arguments.stack_size || arguments.set_tid || arguments.set_tid_size)
        return -EINVAL;
    if (!user_range_ok(arguments.stack, arguments.stack_size))
        return -EINVAL;
    return fork_checked(&(struct fork_request){
        .flags = arguments.flags,
        .exit_signal = arguments.exit_signal,
        .stack = arguments.stack ? arguments.stack + arguments.stack_size : 0,
        .parent_tid = arguments.parent_tid,
        .process_descriptor = arguments.pidfd,
        .child_tid = arguments.child_tid,
        .thread_pointer = arguments.tls,
    });
}
