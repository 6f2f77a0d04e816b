/* process.c: /proc/PID and /proc/PID/task/TID. */
#include <asm/errno.h>
#include <asm/ptrace.h>
#include <linux/capability.h>
#include <linux/stat.h>
#include <linux/time.h>

#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/tree/file_system_context.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "proc/proc.h"
#include "process/hooks.h"
#include "process/out_of_memory.h"
#include "process/process.h"
#include "process/signal/delivery.h"
#include "process/thread_account.h"
#include "process/time/usage.h"
#include "process/trace_access.h"

/* Hundredths of a second, as times(2) counts. */
static uint64_t to_ticks(uint64_t nanoseconds)
{
    return nanoseconds / (NANOSECONDS_PER_SECOND / 100);
}

/* ---- whom a key means ---- */

bool proc_parse_number(const char *text, uint32_t *number)
{
    uint64_t value = 0;

    if (!*text || (*text == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > UINT32_MAX / 10)
            return false;
        value = value * 10 + (*text - '0');
    }
    if (value > UINT32_MAX)
        return false;
    *number = value;
    return true;
}

/* The process, zombies too, and a thread of it (NULL: a zombie), with references. */
struct target {
    struct process *process;
    struct user_thread *thread;
};

static void target_release(struct target *target)
{
    if (target->thread)
        user_thread_release(target->thread);
    if (target->process)
        process_release(target->process);
}

static int target_get(struct target *target, const struct pseudo_key *key)
{
    target->thread = NULL;
    target->process = process_find(key->number[PROC_KEY_PROCESS]);
    if (!target->process)
        return -ESRCH;
    uint32_t id = key->number[PROC_KEY_THREAD];
    if (!id) {
        target->thread = process_thread_get(target->process);
        return 0;
    }
    target->thread = user_thread_find(id);
    if (target->thread && target->thread->thread.process == target->process)
        return 0;
    target_release(target);
    return -ESRCH;
}

/* The target's memory, to be looked at; NULL: it has left it. */
static struct address_space *observe_target(const struct target *target,
                                            const struct pseudo_key *key)
{
    if (!key->number[PROC_KEY_THREAD])
        return process_address_space_observe(target->process);
    return target->thread ? user_thread_address_space_observe(target->thread) : NULL;
}

static struct address_space *observe_memory(const struct pseudo_key *key)
{
    struct target target;

    if (target_get(&target, key))
        return NULL;
    struct address_space *space = observe_target(&target, key);
    target_release(&target);
    return space;
}

int proc_memory_show(const struct pseudo_key *key, struct text *text,
                     int (*show)(struct address_space *space, struct text *text))
{
    struct address_space *space;
    size_t begin = text->size;

    while ((space = observe_memory(key))) {
        int error = show(space, text);
        bool ended = address_space_has_ended(space);
        address_space_unobserve(space);
        if (error || !ended)
            return error;
        text->size = begin;
    }
    return 0;
}

/* Which image files are about that only show the one they were opened for. */
static uint64_t memory_number(const struct pseudo_key *key)
{
    struct address_space *space = observe_memory(key);
    uint64_t number = space ? space->number : 0;

    if (space)
        address_space_unobserve(space);
    return number;
}

/* May the caller look into the other process? Of a zombie there is nothing to see. */
static int check_access(const struct pseudo_key *key, struct file *file)
{
    struct target target;

    (void)file;
    int error = target_get(&target, key);
    if (error)
        return error;
    error = target.thread ? trace_check(target.thread, TRACE_AS_FILE_USER) : 0;
    target_release(&target);
    return error ? -EACCES : 0;
}

/* The target's memory, observed, if the caller may look into it. 0, -EPERM, -ESRCH: it has none. */
static int trace_target(const struct target *target, const struct pseudo_key *key,
                        struct address_space **space)
{
    if (!key->number[PROC_KEY_THREAD])
        return trace_process_address_space(target->process, TRACE_AS_FILE_USER, space);
    return target->thread ? trace_address_space(target->thread, TRACE_AS_FILE_USER, space) : -ESRCH;
}

static int trace_memory(const struct pseudo_key *key, struct address_space **space)
{
    struct target target;

    int error = target_get(&target, key);
    if (error)
        return error;
    error = trace_target(&target, key, space);
    target_release(&target);
    return error;
}

/* Its files belong to its effective user, or to root when others may not look into it. */
static void process_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes)
{
    struct target target;

    attributes->user = 0;
    attributes->group = 0;
    if (target_get(&target, key))
        return;
    if (target.thread) {
        bool enabled = spinlock_acquire_save(&target.process->lock);
        const struct credentials *credentials = user_thread_credentials(target.thread);
        if (credentials && (__atomic_load_n(&target.process->dumpable, __ATOMIC_RELAXED) == 1 ||
                            S_ISDIR(attributes->mode))) {
            attributes->user = credentials->effective_user;
            attributes->group = credentials->effective_group;
        }
        spinlock_release_restore(&target.process->lock, enabled);
    }
    target_release(&target);
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
    uint64_t affinity;
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
static void facts_gather(struct facts *facts, const struct target *target, bool single)
{
    struct process *process = target->process;
    struct user_thread *thread = target->thread;

    memset(facts, 0, sizeof(*facts));
    facts_family(facts, process);
    bool enabled = spinlock_acquire_save(&process->lock);
    facts->group_id = process->id;
    facts->id = single && thread ? thread->thread.id : process->id;
    memcpy(facts->name, thread ? thread->thread.name : process->name, sizeof(facts->name));
    facts_state(facts, thread, single);
    facts->threads = process->thread_count;
    if (single && thread)
        usage_of_thread(&facts->usage, thread);
    else
        usage_of_process_locked(&facts->usage, process);
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
        facts->affinity = thread->thread.affinity;
        if (thread->thread.account)
            facts->queued_signals = thread->thread.account->signals;
    }
    spinlock_release_restore(&process->lock, enabled);
}

static int facts_get(struct facts *facts, struct target *target, const struct pseudo_key *key)
{
    int error = target_get(target, key);

    if (!error)
        facts_gather(facts, target, key->number[PROC_KEY_THREAD] != 0);
    return error;
}

/* ---- memory of the process ---- */

/* Sizes in pages. */
struct memory_facts {
    uint64_t total, most_total, resident, most_resident, shared, text, data, stack, page_tables,
        locked, library;
};

static void memory_gather(struct memory_facts *facts, struct address_space *space)
{
    struct region *region;

    memset(facts, 0, sizeof(*facts));
    address_space_lock(space);
    facts->total = space->pages_total;
    facts->resident = space->pages_mapped;
    facts->most_resident = address_space_most_resident(space);
    facts->most_total =
        space->pages_total > space->pages_total_most ? space->pages_total : space->pages_total_most;
    facts->data = space->pages_data;
    facts->text = (space->code_end - space->code_start + PAGE_SIZE - 1) >> PAGE_SHIFT;
    facts->page_tables = space->page_tables;
    for (region = space->first; region; region = region->next) {
        uint64_t pages = (region->end - region->start) >> PAGE_SHIFT;
        if (region->flags & REGION_STACK)
            facts->stack += pages;
        if (region->flags & REGION_LOCKED)
            facts->locked += pages;
        if (region->object && (region->flags & REGION_EXECUTE))
            facts->library += pages;
    }
    address_space_unlock(space);
    facts->library -= facts->library < facts->text ? facts->library : facts->text;
}

/* A piece of the process's memory, as text; what is gone is left out. */
static int show_bytes(struct address_space *space, struct text *text, vaddr_t from, vaddr_t end)
{
    char piece[512];

    while (from < end) {
        size_t size = end - from < sizeof(piece) ? end - from : sizeof(piece);
        if (address_space_copy_in(space, piece, from, size))
            break;
        text_append(text, piece, size);
        from += size;
    }
    return 0;
}

static int show_arguments(struct address_space *space, struct text *text)
{
    address_space_lock(space);
    vaddr_t from = space->argument_start, end = space->argument_end;
    address_space_unlock(space);
    return show_bytes(space, text, from, end);
}

static int show_environment(struct address_space *space, struct text *text)
{
    address_space_lock(space);
    vaddr_t from = space->environment_start, end = space->environment_end;
    address_space_unlock(space);
    return show_bytes(space, text, from, end);
}

static int show_auxiliary_vector(struct address_space *space, struct text *text)
{
    size_t count = 0;

    while (count + 2 < array_length(space->auxiliary_vector) && space->auxiliary_vector[count])
        count += 2;
    text_append(text, space->auxiliary_vector, (count + 2) * sizeof(uint64_t));
    return 0;
}

static int command_line_show(const struct pseudo_key *key, struct text *text)
{
    return proc_memory_show(key, text, show_arguments);
}

static int environment_show(const struct pseudo_key *key, struct text *text)
{
    return proc_memory_show(key, text, show_environment);
}

static int auxiliary_show(const struct pseudo_key *key, struct text *text)
{
    return proc_memory_show(key, text, show_auxiliary_vector);
}

/* ---- stat, statm, status, comm, limits ---- */

/* proc(5), /proc/pid/stat: 52 numbers in one line. */
static int stat_show(const struct pseudo_key *key, struct text *text)
{
    struct memory_facts memory = {0};
    struct target target;
    struct facts facts;

    int error = facts_get(&facts, &target, key);
    if (error)
        return error;
    struct address_space *space = observe_target(&target, key), *open;
    if (space)
        memory_gather(&memory, space);
    if (trace_target(&target, key, &open))
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
    target_release(&target);
    return 0;
}

static int statm_show(const struct pseudo_key *key, struct text *text)
{
    struct address_space *space = observe_memory(key);
    struct memory_facts memory = {0};

    if (space) {
        memory_gather(&memory, space);
        address_space_unobserve(space);
    }
    text_print(text, "%lu %lu %lu %lu 0 %lu 0\n", memory.total, memory.resident, memory.shared,
               memory.text, memory.data + memory.stack);
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
    struct memory_facts memory;

    memory_gather(&memory, space);
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

void proc_text_cpus(struct text *text, uint64_t mask)
{
    bool first = true;

    for (unsigned number = 0; number < 64; number++) {
        if (!(mask >> number & 1))
            continue;
        unsigned last = number;
        while (last < 63 && (mask >> (last + 1) & 1))
            last++;
        text_print(text, last > number ? "%s%u-%u" : "%s%u", first ? "" : ",", number, last);
        first = false;
        number = last;
    }
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

static int status_show(const struct pseudo_key *key, struct text *text)
{
    struct target target;
    struct facts facts;

    int error = facts_get(&facts, &target, key);
    if (error)
        return error;
    struct user_thread *thread = target.thread;
    const struct credentials *credentials = thread ? user_thread_credentials_get(thread) : NULL;
    struct address_space *space = observe_target(&target, key);
    uint64_t allowed = facts.affinity & cpu_online_mask();

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
    text_print(text, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", allowed);
    proc_text_cpus(text, allowed);
    text_print(text, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
    text_print(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
               facts.usage.voluntary_switches, facts.usage.involuntary_switches);
    if (space)
        address_space_unobserve(space);
    credentials_release(credentials);
    target_release(&target);
    return 0;
}

static int name_show(const struct pseudo_key *key, struct text *text)
{
    struct target target;
    struct facts facts;

    int error = facts_get(&facts, &target, key);
    if (error)
        return error;
    text_print(text, "%s\n", facts.name);
    target_release(&target);
    return 0;
}

/* Only a thread of the same process may rename another one (proc(5)). */
static int name_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    struct target target;

    int error = target_get(&target, key);
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
    target_release(&target);
    return error;
}

static void text_limit(struct text *text, uint64_t value)
{
    if (value == RLIM64_INFINITY)
        text_print(text, "%-20s ", "unlimited");
    else
        text_print(text, "%-20lu ", value);
}

static int limits_show(const struct pseudo_key *key, struct text *text)
{
    static const struct {
        const char *name, *unit;
    } names[RLIM_NLIMITS] = {
        [RLIMIT_CPU] = {"Max cpu time", "seconds"},
        [RLIMIT_FSIZE] = {"Max file size", "bytes"},
        [RLIMIT_DATA] = {"Max data size", "bytes"},
        [RLIMIT_STACK] = {"Max stack size", "bytes"},
        [RLIMIT_CORE] = {"Max core file size", "bytes"},
        [RLIMIT_RSS] = {"Max resident set", "bytes"},
        [RLIMIT_NPROC] = {"Max processes", "processes"},
        [RLIMIT_NOFILE] = {"Max open files", "files"},
        [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
        [RLIMIT_AS] = {"Max address space", "bytes"},
        [RLIMIT_LOCKS] = {"Max file locks", "locks"},
        [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
        [RLIMIT_NICE] = {"Max nice priority", ""},
        [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
        [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };
    struct rlimit64 limits[RLIM_NLIMITS];
    struct target target;

    int error = target_get(&target, key);
    if (error)
        return error;
    bool enabled = spinlock_acquire_save(&target.process->lock);
    memcpy(limits, process_limits(target.process), sizeof(limits));
    spinlock_release_restore(&target.process->lock, enabled);
    target_release(&target);

    text_print(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        text_print(text, "%-25s ", names[i].name);
        text_limit(text, limits[i].rlim_cur);
        text_limit(text, limits[i].rlim_max);
        text_print(text, *names[i].unit ? "%-10s\n" : "\n", names[i].unit);
    }
    return 0;
}

/* ---- who is to end when memory does ---- */

static int oom_adjustment_show(const struct pseudo_key *key, struct text *text)
{
    struct target target;

    int error = target_get(&target, key);
    if (error)
        return error;
    text_print(text, "%d\n", target.process->oom_score_adjustment);
    target_release(&target);
    return 0;
}

static int oom_adjustment_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    struct target target;
    bool negative = *bytes == '-';
    char digits[8] = {0};
    uint32_t number;

    size -= negative;
    bytes += negative;
    if (size && bytes[size - 1] == '\n')
        size--;
    if (size >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, bytes, size);
    if (!proc_parse_number(digits, &number) || number > 1000)
        return -EINVAL;
    int adjustment = negative ? -(int)number : (int)number;

    int error = target_get(&target, key);
    if (error)
        return error;
    if (adjustment < target.process->oom_score_adjustment &&
        !credentials_capable(credentials_current(), CAP_SYS_RESOURCE))
        error = -EACCES;
    else
        __atomic_store_n(&target.process->oom_score_adjustment, adjustment, __ATOMIC_RELAXED);
    target_release(&target);
    return error;
}

static int oom_score_show(const struct pseudo_key *key, struct text *text)
{
    struct target target;

    int error = target_get(&target, key);
    if (error)
        return error;
    /* fs/proc/base.c: in thousandths of all memory, of which 1000 stand for the adjustment. */
    int64_t score = out_of_memory_score(target.process);
    if (score != INT64_MIN)
        score = (1000 + score * 1000 / (int64_t)frame_total()) * 2 / 3;
    text_print(text, "%ld\n", score > 0 ? score : 0L);
    target_release(&target);
    return 0;
}

/* ---- links: exe, cwd, root, fd/N ---- */

static int executable_follow(const struct pseudo_key *key, struct path *path)
{
    struct address_space *space;
    int error;

    while (!(error = trace_memory(key, &space))) {
        address_space_lock(space);
        struct file *file = space->executable ? file_from_object(space->executable) : NULL;
        if (file) {
            *path = file->path;
            path_reference(path);
        }
        address_space_unlock(space);
        bool ended = address_space_has_ended(space);
        address_space_unobserve(space);
        if (file)
            return 0;
        if (!ended)
            break;
    }
    return error == -EPERM ? -EACCES : -ENOENT;
}

static int place_follow(const struct pseudo_key *key, struct path *path,
                        void (*get)(struct file_system_context *context, struct path *path))
{
    struct target target;

    int error = target_get(&target, key);
    if (error)
        return error;
    error = target.thread ? trace_path(target.thread, TRACE_AS_FILE_USER, get, path) : -ESRCH;
    target_release(&target);
    return error == -EPERM ? -EACCES : error ? -ENOENT : 0;
}

static int working_follow(const struct pseudo_key *key, struct path *path)
{
    return place_follow(key, path, file_system_context_working);
}

static int root_follow(const struct pseudo_key *key, struct path *path)
{
    return place_follow(key, path, file_system_context_root);
}

/* The text of a magic link is the path of what it leads to. */
static ssize_t link_read(int (*follow)(const struct pseudo_key *key, struct path *path),
                         const struct pseudo_key *key, char *buffer, size_t size)
{
    struct path path;
    int error = follow(key, &path);

    if (error)
        return error;
    char *text = heap_allocate(PATH_SIZE_MAXIMUM);
    ssize_t length = -ENOMEM;
    if (text) {
        length = path_describe(&path, NULL, true, text, PATH_SIZE_MAXIMUM);
        if (length > (ssize_t)size)
            length = size;
        if (length > 0)
            memcpy(buffer, text, length);
    }
    heap_free(text);
    path_release(&path);
    return length;
}

static ssize_t executable_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(executable_follow, key, buffer, size);
}

static ssize_t working_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(working_follow, key, buffer, size);
}

static ssize_t root_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(root_follow, key, buffer, size);
}

/* ---- descriptors ---- */

/* NULL: not open, or not to be seen. */
static struct file *key_file(const struct pseudo_key *key, bool *closes_on_exec)
{
    struct file *file = NULL;
    struct target target;

    if (target_get(&target, key))
        return NULL;
    if (target.thread)
        trace_file(target.thread, TRACE_AS_FILE_USER, key->number[PROC_KEY_DESCRIPTOR], &file,
                   closes_on_exec);
    target_release(&target);
    return file;
}

static int descriptor_follow(const struct pseudo_key *key, struct path *path)
{
    struct file *file = key_file(key, NULL);

    if (!file)
        return -ENOENT;
    *path = file->path;
    path_reference(path);
    file_release(file);
    return 0;
}

static ssize_t descriptor_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    return link_read(descriptor_follow, key, buffer, size);
}

/* The permissions of the link are how the file was opened. */
static void descriptor_attributes(const struct pseudo_key *key,
                                  struct pseudo_attributes *attributes)
{
    struct file *file = key_file(key, NULL);

    process_attributes(key, attributes);
    attributes->size = 64;
    if (!file)
        return;
    attributes->mode =
        (attributes->mode & S_IFMT) | (file->readable ? 0500 : 0) | (file->writable ? 0300 : 0);
    file_release(file);
}

static int descriptor_information_show(const struct pseudo_key *key, struct text *text)
{
    char more[512] = "";
    bool closes;

    struct file *file = key_file(key, &closes);
    if (!file)
        return -ENOENT;
    uint32_t flags = __atomic_load_n(&file->flags, __ATOMIC_RELAXED) | (closes ? O_CLOEXEC : 0);
    text_print(text, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
               file->stream ? 0 : (uint64_t)file->offset, flags,
               file->path.mount ? file->path.mount->id : 0, file->inode->number);
    if (file->operations->describe) {
        file->operations->describe(file, more, sizeof(more));
        text_append(text, more, strlen(more));
    }
    file_release(file);
    return 0;
}

static struct pseudo_node descriptor_link = {
    .mode = S_IFLNK | 0700,
    .read_link = descriptor_read,
    .follow = descriptor_follow,
    .attributes = descriptor_attributes,
};
static struct pseudo_node descriptor_information = {
    .mode = S_IFREG | 0400,
    .show = descriptor_information_show,
    .attributes = process_attributes,
};

static int descriptor_find_node(const struct pseudo_key *key, const char *name,
                                struct pseudo_key *child_key, struct pseudo_node **child,
                                struct pseudo_node *node)
{
    uint32_t number;

    if (!proc_parse_number(name, &number))
        return -ENOENT;
    *child_key = *key;
    child_key->number[PROC_KEY_DESCRIPTOR] = number;
    struct file *file = key_file(child_key, NULL);
    if (!file)
        return -ENOENT;
    file_release(file);
    *child = node;
    return 0;
}

static int descriptor_find(const struct pseudo_key *key, const char *name,
                           struct pseudo_key *child_key, struct pseudo_node **child)
{
    return descriptor_find_node(key, name, child_key, child, &descriptor_link);
}

static int descriptor_information_find(const struct pseudo_key *key, const char *name,
                                       struct pseudo_key *child_key, struct pseudo_node **child)
{
    return descriptor_find_node(key, name, child_key, child, &descriptor_information);
}

static bool descriptor_next(const struct pseudo_key *key, uint64_t *position,
                            struct pseudo_name *name)
{
    struct target target;
    int number = -ESRCH;

    if (*position > INT32_MAX || target_get(&target, key))
        return false;
    if (target.thread)
        number = trace_next_descriptor(target.thread, TRACE_AS_FILE_USER, *position);
    target_release(&target);
    if (number < 0)
        return false;
    *position = (uint64_t)number + 1;
    format_string(name->text, sizeof(name->text), "%d", number);
    name->type = S_IFLNK;
    return true;
}

static bool descriptor_information_next(const struct pseudo_key *key, uint64_t *position,
                                        struct pseudo_name *name)
{
    bool more = descriptor_next(key, position, name);

    name->type = S_IFREG;
    return more;
}

/* ---- the directories ---- */

/* Files and links with the attributes that all of them have. */
#define SHOWN(file, permissions, function)                                                         \
    .name = (file), .mode = S_IFREG | (permissions), .show = (function),                           \
    .attributes = process_attributes
#define LINK(file, reader, follower)                                                               \
    .name = (file), .mode = S_IFLNK | 0777, .read_link = (reader), .follow = (follower),           \
    .attributes = process_attributes

static int thread_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                       struct pseudo_node **child);
static bool thread_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name);

static struct pseudo_node process_files[] = {
    {SHOWN("auxv", 0400, auxiliary_show), .check = check_access, .subject = memory_number},
    {SHOWN("cmdline", 0444, command_line_show)},
    {SHOWN("comm", 0644, name_show), .store = name_store},
    {LINK("cwd", working_read, working_follow)},
    {SHOWN("environ", 0400, environment_show), .check = check_access, .subject = memory_number},
    {LINK("exe", executable_read, executable_follow)},
    {.name = "fd",
     .mode = S_IFDIR | 0500,
     .find = descriptor_find,
     .next = descriptor_next,
     .attributes = process_attributes},
    {.name = "fdinfo",
     .mode = S_IFDIR | 0555,
     .find = descriptor_information_find,
     .next = descriptor_information_next,
     .attributes = process_attributes},
    {SHOWN("limits", 0444, limits_show)},
    {SHOWN("maps", 0444, proc_maps_show), .check = check_access, .subject = memory_number},
    {SHOWN("mountinfo", 0444, proc_mount_info_show)},
    {SHOWN("mounts", 0444, proc_mounts_show)},
    {SHOWN("oom_score", 0444, oom_score_show)},
    {SHOWN("oom_score_adj", 0644, oom_adjustment_show), .store = oom_adjustment_store},
    {LINK("root", root_read, root_follow)},
    {SHOWN("smaps", 0444, proc_smaps_show), .check = check_access, .subject = memory_number},
    {SHOWN("smaps_rollup", 0444, proc_smaps_rollup_show), .check = check_access,
     .subject = memory_number},
    {SHOWN("stat", 0444, stat_show)},
    {SHOWN("statm", 0444, statm_show)},
    {SHOWN("status", 0444, status_show)},
    /* Last: a thread's own directory has all but this. */
    {.name = "task",
     .mode = S_IFDIR | 0555,
     .find = thread_find,
     .next = thread_next,
     .attributes = process_attributes},
};
static struct pseudo_node thread_directory = {
    .mode = S_IFDIR | 0555,
    .children = process_files,
    .child_count = array_length(process_files) - 1, /* all but "task" */
    .attributes = process_attributes,
};

static int thread_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                       struct pseudo_node **child)
{
    struct target target;
    uint32_t id;

    if (!proc_parse_number(name, &id) || !id)
        return -ENOENT;
    *child_key = *key;
    child_key->number[PROC_KEY_THREAD] = id;
    if (target_get(&target, child_key))
        return -ENOENT;
    target_release(&target);
    *child = &thread_directory;
    return 0;
}

static bool thread_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    struct process *process = process_find(key->number[PROC_KEY_PROCESS]);
    uint32_t id = *position;

    if (!process)
        return false;
    struct user_thread *thread = process_next_thread(process, &id);
    process_release(process);
    if (!thread)
        return false;
    user_thread_release(thread);
    *position = (uint64_t)id + 1;
    format_string(name->text, sizeof(name->text), "%u", id);
    name->type = S_IFDIR;
    return true;
}

static struct pseudo_node process_directory = {
    .mode = S_IFDIR | 0555,
    .children = process_files,
    .child_count = array_length(process_files),
    .attributes = process_attributes,
};

struct process *proc_process_of_directory(const struct file *file)
{
    if (pseudo_directory_node(file) != &process_directory)
        return NULL;
    return process_find(pseudo_file_key(file)->number[PROC_KEY_PROCESS]);
}

/* A TID leads to its process as well, though it is not listed (proc(5)). */
static int process_find_node(const struct pseudo_key *key, const char *name,
                             struct pseudo_key *child_key, struct pseudo_node **child)
{
    uint32_t id;

    *child_key = *key;
    if (!proc_parse_number(name, &id) || !id)
        return -ENOENT;
    struct process *process = process_find_named(id);
    if (!process)
        return -ENOENT;
    child_key->number[PROC_KEY_PROCESS] = process->id;
    process_release(process);
    *child = &process_directory;
    return 0;
}

static bool process_next_node(const struct pseudo_key *key, uint64_t *position,
                              struct pseudo_name *name)
{
    uint32_t id = *position;
    struct process *process = process_next(&id);

    (void)key;
    if (!process)
        return false;
    process_release(process);
    *position = (uint64_t)id + 1;
    format_string(name->text, sizeof(name->text), "%u", id);
    name->type = S_IFDIR;
    return true;
}

/* ---- who looks ---- */

static ssize_t put_link(char *buffer, size_t size, const char *text)
{
    size_t length = strlen(text);

    length = length < size ? length : size;
    memcpy(buffer, text, length);
    return length;
}

static ssize_t self_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    struct process *process = process_current();
    char text[16];

    (void)key;
    if (!process)
        return -ENOENT;
    format_string(text, sizeof(text), "%u", process->id);
    return put_link(buffer, size, text);
}

static ssize_t thread_self_read(const struct pseudo_key *key, char *buffer, size_t size)
{
    struct process *process = process_current();
    char text[40];

    (void)key;
    if (!process)
        return -ENOENT;
    format_string(text, sizeof(text), "%u/task/%u", process->id, thread_current()->id);
    return put_link(buffer, size, text);
}

static struct pseudo_node self_nodes[] = {
    {.name = "self", .mode = S_IFLNK | 0777, .read_link = self_read},
    {.name = "thread-self", .mode = S_IFLNK | 0777, .read_link = thread_self_read},
};

void proc_process_initialize(void)
{
    pseudo_add(&proc_root, self_nodes, array_length(self_nodes));
    pseudo_add(&process_directory, &proc_net_directory, 1);
    proc_root.find = process_find_node;
    proc_root.next = process_next_node;
}
