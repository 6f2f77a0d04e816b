/* status.c: what a process is: /proc/PID/stat, status, comm. */
#include <asm/errno.h>
#include <linux/time.h>

#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/tree/file_system_context.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "proc/process/files.h"
#include "proc/process/target.h"
#include "process/hooks.h"
#include "process/process.h"
#include "process/signal/delivery.h"
#include "process/thread_account.h"
#include "process/time/usage.h"

/* Hundredths of a second, as times(2) counts. */
static uint64_t to_ticks(uint64_t nanoseconds)
{
    return nanoseconds / (NANOSECONDS_PER_SECOND / 100);
}

/* ---- what is told of it ---- */

/* Gathered at one moment; a zombie has no space and no thread. */
struct facts {
    uint32_t id, group_id, parent, process_group, session, threads;
    uint32_t terminal; /* device number; 0: none */
    int foreground;    /* process group of the terminal; -1: none */
    char name[16];
    char state;
    const char *state_name;
    struct resource_usage usage, children;
    int nice, exit_signal, exit_status;
    uint64_t started;
    uint32_t cpu;
    signal_set pending, shared_pending, blocked, ignored, caught;
    struct cpu_set affinity;
    uint32_t queued_signals;
    uint64_t limit_resident, limit_signals;
};

static void facts_state(struct facts *facts, const struct user_thread *thread, bool single)
{
    static const struct {
        char letter;
        const char *name;
    } states[] = {
        [THREAD_RUNNABLE] = {'R', "running"},    [THREAD_UNINTERRUPTIBLE] = {'D', "disk sleep"},
        [THREAD_KILLABLE] = {'D', "disk sleep"}, [THREAD_INTERRUPTIBLE] = {'S', "sleeping"},
        [THREAD_STOPPED] = {'T', "stopped"},     [THREAD_DEAD] = {'X', "dead"},
    };
    uint32_t state = thread ? __atomic_load_n(&thread->thread.state, __ATOMIC_RELAXED) : 0;

    if (!thread || thread->exiting ||
        (!single && thread->thread.id != thread->thread.process->id)) {
        facts->state = 'Z'; /* the process: when its first thread has ended, whoever is left */
        facts->state_name = "zombie";
    } else if (state < array_length(states)) {
        facts->state = states[state].letter;
        facts->state_name = states[state].name;
    }
}

static void facts_signals(struct facts *facts, struct process *process)
{
    for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
        __sighandler_t handler = signal_handler(process, signal);
        if (handler == SIG_IGN)
            facts->ignored |= signal_bit(signal);
        else if (handler != SIG_DFL)
            facts->caught |= signal_bit(signal);
    }
}

/* Where the process stands in its family. process_table_lock is taken. */
static void facts_family(struct facts *facts, struct process *process)
{
    struct session *session = NULL;
    bool enabled = spinlock_acquire_save(&process_table_lock);

    facts->parent = process->parent ? process->parent->id : 0;
    struct process_group *group = process_group_of(process);
    if (group) {
        session = group->session;
        session_reference(session);
        facts->process_group = group->id;
        facts->session = session->id;
    }
    facts->exit_signal = process->exit_signal;
    spinlock_release_restore(&process_table_lock, enabled);
    facts->foreground = -1;
    if (session) {
        process_hooks.session_terminal(session, &facts->terminal, &facts->foreground);
        session_release(session);
    }
}

/* `single`: of the thread alone, for task/TID. */
static void facts_gather(struct facts *facts, const struct pid_target *target, bool single)
{
    struct process *process = target->process;
    struct user_thread *thread = target->thread;

    memset(facts, 0, sizeof(*facts));
    facts_family(facts, process);
    if (!single || !thread)
        usage_of_process(&facts->usage, process);
    bool enabled = spinlock_acquire_save(&process->lock);
    facts->group_id = process->id;
    facts->id = single && thread ? thread->thread.id : process->id;
    memcpy(facts->name, thread ? thread->thread.name : process->name, sizeof(facts->name));
    facts_state(facts, thread, single);
    facts->threads = process->thread_count;
    if (single && thread)
        usage_of_thread(&facts->usage, thread);
    facts->children = process->children_usage;
    facts->started = single && thread ? thread->started : process->started;
    facts->exit_status = process->exit_status;
    facts->limit_resident = process_limits(process)[RLIMIT_RSS].rlim_cur;
    facts->limit_signals = process_limits(process)[RLIMIT_SIGPENDING].rlim_cur;
    facts->shared_pending = process->signals.pending.set;
    if (process->signals.actions)
        facts_signals(facts, process);
    if (thread) {
        facts->nice = thread->thread.nice;
        facts->cpu = thread->thread.cpu ? thread->thread.cpu->number : 0;
        facts->pending = thread->signals.pending.set;
        facts->blocked = thread->signals.blocked;
        cpu_set_copy(&facts->affinity, &thread->thread.affinity);
        if (thread->thread.account)
            facts->queued_signals = thread->thread.account->signals;
    }
    spinlock_release_restore(&process->lock, enabled);
}

static int facts_get(struct facts *facts, struct pid_target *target, const struct pseudo_key *key)
{
    int error = pid_target_get(target, key);

    if (!error)
        facts_gather(facts, target, key->number[PROC_KEY_THREAD] != 0);
    return error;
}

/* ---- stat, status, comm ---- */

/* proc(5), /proc/pid/stat: 52 numbers in one line. */
int pid_stat_show(const struct pseudo_key *key, struct text *text)
{
    struct pid_memory memory = {0};
    struct pid_target target;
    struct facts facts;

    int error = facts_get(&facts, &target, key);
    if (error)
        return error;
    struct address_space *space = pid_target_observe(&target, key), *open;
    if (space)
        pid_memory_gather(&memory, space);
    if (pid_target_trace(&target, key, &open))
        open = NULL; /* its addresses are not for the caller */
    text_print(text, "%u (%s) %c %u %u %u %u %d %u ", facts.id, facts.name, facts.state,
               facts.parent, facts.process_group, facts.session, facts.terminal, facts.foreground,
               0x400000U);
    text_print(text, "%lu %lu %lu %lu ", facts.usage.minor_faults, facts.children.minor_faults,
               facts.usage.major_faults, facts.children.major_faults);
    text_print(text, "%lu %lu %lu %lu ", to_ticks(facts.usage.user_time),
               to_ticks(facts.usage.system_time), to_ticks(facts.children.user_time),
               to_ticks(facts.children.system_time));
    text_print(text, "%d %d %u 0 %lu ", 20 + facts.nice, facts.nice, facts.threads,
               to_ticks(facts.started));
    text_print(text, "%lu %lu %lu ", memory.total * PAGE_SIZE, memory.resident,
               facts.limit_resident);
    text_print(text, "%lu %lu %lu 0 0 ", open ? open->code_start : 0, open ? open->code_end : 0,
               open ? open->stack_start : 0);
    /* Signals as far as 31 bits show them: /proc/PID/status has them whole. */
    text_print(text, "%lu %lu %lu %lu ", facts.pending & INT32_MAX, facts.blocked & INT32_MAX,
               facts.ignored & INT32_MAX, facts.caught & INT32_MAX);
    text_print(text, "0 0 0 %d %u 0 0 0 0 0 ", facts.exit_signal, facts.cpu);
    text_print(text, "%lu %lu %lu %lu %lu %lu %lu %d\n", open ? open->data_start : 0,
               open ? open->data_end : 0, open ? open->brk_start : 0,
               open ? open->argument_start : 0, open ? open->argument_end : 0,
               open ? open->environment_start : 0, open ? open->environment_end : 0,
               facts.state == 'Z' ? facts.exit_status : 0);
    if (open)
        address_space_unobserve(open);
    if (space)
        address_space_unobserve(space);
    pid_target_release(&target);
    return 0;
}

static void status_credentials(struct text *text, const struct credentials *credentials)
{
    text_print(text, "Uid:\t%u\t%u\t%u\t%u\n", credentials->real_user, credentials->effective_user,
               credentials->saved_user, credentials->file_user);
    text_print(text, "Gid:\t%u\t%u\t%u\t%u\n", credentials->real_group,
               credentials->effective_group, credentials->saved_group, credentials->file_group);
}

static void status_groups(struct text *text, const struct credentials *credentials)
{
    text_print(text, "Groups:\t");
    for (uint32_t i = 0; i < credentials->group_count; i++)
        text_print(text, "%u ", credentials->groups[i]);
    text_print(text, "\n");
}

static void status_memory(struct text *text, struct address_space *space)
{
    struct pid_memory memory;

    pid_memory_gather(&memory, space);
    const uint64_t kilobytes = PAGE_SIZE / 1024;
    text_print(text, "VmPeak:\t%8lu kB\n", memory.most_total * kilobytes);
    text_print(text, "VmSize:\t%8lu kB\n", memory.total * kilobytes);
    text_print(text, "VmLck:\t%8lu kB\n", memory.locked * kilobytes);
    text_print(text, "VmPin:\t%8u kB\n", 0);
    text_print(text, "VmHWM:\t%8lu kB\n", memory.most_resident * kilobytes);
    text_print(text, "VmRSS:\t%8lu kB\n", memory.resident * kilobytes);
    text_print(text, "VmData:\t%8lu kB\n", memory.data * kilobytes);
    text_print(text, "VmStk:\t%8lu kB\n", memory.stack * kilobytes);
    text_print(text, "VmExe:\t%8lu kB\n", memory.text * kilobytes);
    text_print(text, "VmLib:\t%8lu kB\n", memory.library * kilobytes);
    text_print(text, "VmPTE:\t%8lu kB\n", memory.page_tables * kilobytes);
    text_print(text, "VmSwap:\t%8u kB\n", 0);
}

static uint32_t descriptor_capacity(struct user_thread *thread)
{
    struct descriptor_table *table = user_thread_descriptors_get(thread);
    uint32_t capacity = table ? table->capacity : 0;

    descriptor_table_release(table);
    return capacity;
}

static uint32_t umask_of(struct user_thread *thread)
{
    struct file_system_context *context = user_thread_file_system_get(thread);
    uint32_t umask = context ? __atomic_load_n(&context->umask, __ATOMIC_RELAXED) : 0;

    file_system_context_release(context);
    return umask;
}

int pid_status_show(const struct pseudo_key *key, struct text *text)
{
    struct pid_target target;
    struct facts facts;

    int error = facts_get(&facts, &target, key);
    if (error)
        return error;
    struct user_thread *thread = target.thread;
    const struct credentials *credentials = thread ? user_thread_credentials_get(thread) : NULL;
    struct address_space *space = pid_target_observe(&target, key);
    struct cpu_set allowed = cpu_set_and(&facts.affinity, &cpu_online);

    text_print(text, "Name:\t");
    text_append_escaped(text, facts.name, "\n\\");
    text_print(text, "\n");
    if (space)
        text_print(text, "Umask:\t%04o\n", umask_of(thread));
    text_print(text, "State:\t%c (%s)\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
               facts.state, facts.state_name, facts.group_id, facts.id, facts.parent);
    if (credentials)
        status_credentials(text, credentials);
    text_print(text, "FDSize:\t%u\n", thread ? descriptor_capacity(thread) : 0);
    if (credentials)
        status_groups(text, credentials);
    text_print(text, "NStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", facts.group_id, facts.id,
               facts.process_group, facts.session);
    if (space)
        status_memory(text, space);
    text_print(text, "Threads:\t%u\nSigQ:\t%u/%lu\n", facts.threads, facts.queued_signals,
               facts.limit_signals);
    text_print(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", facts.pending,
               facts.shared_pending, facts.blocked);
    text_print(text, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", facts.ignored, facts.caught);
    if (credentials)
        text_print(text,
                   "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
                   "CapAmb:\t%016lx\n",
                   credentials->inheritable, credentials->permitted, credentials->effective,
                   credentials->bounding, credentials->ambient);
    text_print(text, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n",
               thread ? thread->no_new_privileges : 0);
    text_print(text, "Speculation_Store_Bypass:\tvulnerable\n");
    text_print(text, "Cpus_allowed:\t");
    proc_text_cpu_mask(text, &allowed);
    text_print(text, "\nCpus_allowed_list:\t");
    proc_text_cpus(text, &allowed);
    text_print(text, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
    text_print(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
               facts.usage.voluntary_switches, facts.usage.involuntary_switches);
    if (space)
        address_space_unobserve(space);
    credentials_release(credentials);
    pid_target_release(&target);
    return 0;
}

int pid_name_show(const struct pseudo_key *key, struct text *text)
{
    struct pid_target target;
    struct facts facts;

    int error = facts_get(&facts, &target, key);
    if (error)
        return error;
    text_print(text, "%s\n", facts.name);
    pid_target_release(&target);
    return 0;
}

/* Only a thread of the same process may rename another one (proc(5)). */
int pid_name_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    struct pid_target target;

    int error = pid_target_get(&target, key);
    if (error)
        return error;
    if (target.process != process_current() || !target.thread)
        error = -EINVAL;
    if (!error) {
        char *name = target.thread->thread.name;
        const size_t room = sizeof(target.thread->thread.name);
        bool enabled = spinlock_acquire_save(&target.process->lock);
        memset(name, 0, room);
        memcpy(name, bytes, size < room ? size : room - 1);
        spinlock_release_restore(&target.process->lock, enabled);
    }
    pid_target_release(&target);
    return error;
}
