/* limits.c: a process's limits, and whether it is chosen to end when memory does. */
#include <asm/errno.h>
#include <linux/capability.h>

#include "file/credentials.h"
#include "library/string.h"
#include "memory/frame.h"
#include "proc/process/files.h"
#include "proc/process/target.h"
#include "process/out_of_memory.h"
#include "process/process.h"

static void text_limit(struct text *text, uint64_t value)
{
    if (value == RLIM64_INFINITY)
        text_print(text, "%-20s ", "unlimited");
    else
        text_print(text, "%-20lu ", value);
}

int pid_limits_show(const struct pseudo_key *key, struct text *text)
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
    struct pid_target target;

    int error = pid_target_get(&target, key);
    if (error)
        return error;
    bool enabled = spinlock_acquire_save(&target.process->lock);
    memcpy(limits, process_limits(target.process), sizeof(limits));
    spinlock_release_restore(&target.process->lock, enabled);
    pid_target_release(&target);

    text_print(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        text_print(text, "%-25s ", names[i].name);
        text_limit(text, limits[i].rlim_cur);
        text_limit(text, limits[i].rlim_max);
        text_print(text, *names[i].unit ? "%-10s\n" : "\n", names[i].unit);
    }
    return 0;
}

/* ---- who is chosen when memory ends: the OOM score ---- */

int pid_oom_adjustment_show(const struct pseudo_key *key, struct text *text)
{
    struct pid_target target;

    int error = pid_target_get(&target, key);
    if (error)
        return error;
    text_print(text, "%d\n",
               __atomic_load_n(&target.process->oom_score_adjustment, __ATOMIC_RELAXED));
    pid_target_release(&target);
    return 0;
}

/* proc(5): what somebody with the privilege has set is the least that others may set. */
static int adjust(struct process *process, int adjustment)
{
    bool privileged = credentials_capable(credentials_current(), CAP_SYS_RESOURCE);
    bool enabled = spinlock_acquire_save(&process->lock);
    bool allowed = privileged || adjustment >= process->oom_score_adjustment_least;

    if (allowed)
        __atomic_store_n(&process->oom_score_adjustment, adjustment, __ATOMIC_RELAXED);
    if (privileged)
        process->oom_score_adjustment_least = adjustment;
    spinlock_release_restore(&process->lock, enabled);
    return allowed ? 0 : -EACCES;
}

int pid_oom_adjustment_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    struct pid_target target;
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

    int error = pid_target_get(&target, key);
    if (error)
        return error;
    error = adjust(target.process, adjustment);
    pid_target_release(&target);
    return error;
}

int pid_oom_score_show(const struct pseudo_key *key, struct text *text)
{
    struct pid_target target;

    int error = pid_target_get(&target, key);
    if (error)
        return error;
    /* fs/proc/base.c: in thousandths of all memory, of which 1000 stand for the adjustment. */
    int64_t score = out_of_memory_score(target.process);
    if (score != INT64_MIN)
        score = (1000 + score * 1000 / (int64_t)frame_total()) * 2 / 3;
    text_print(text, "%ld\n", score > 0 ? score : 0L);
    pid_target_release(&target);
    return 0;
}
