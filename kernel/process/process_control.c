/* process_control.c: prctl(2), arch_prctl(2), personality(2): what a program may set of itself. */
#include <asm/errno.h>
#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "file/credentials.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/user_copy.h"
#include "process/credentials_change.h"
#include "process/process.h"
#include "process/system_calls.h"

/* ---- names ---- */

static ssize_t name_set(vaddr_t from)
{
    struct thread *thread = thread_current();
    char name[sizeof(thread->name)] = {0};

    /* Longer ones are cut off (PR_SET_NAME). */
    ssize_t length = user_string_in(name, from, sizeof(name));
    if (length == -EFAULT)
        return -EFAULT;
    name[sizeof(name) - 1] = 0;
    bool enabled = spinlock_acquire_save(&process_current()->lock);
    memset(thread->name, 0, sizeof(thread->name));
    memcpy(thread->name, name, strlen(name));
    spinlock_release_restore(&process_current()->lock, enabled);
    return 0;
}

/* ---- capabilities ---- */

static ssize_t secure_bit_set(uint32_t bit, uint64_t value)
{
    if (value > 1)
        return -EINVAL;
    if (credentials_current()->secure_bits & (bit << 1)) /* its lock */
        return -EPERM;
    struct credentials *fresh = credentials_change_begin();
    if (!fresh)
        return -ENOMEM;
    fresh->secure_bits = value ? fresh->secure_bits | bit : fresh->secure_bits & ~bit;
    return credentials_change_commit(fresh);
}

static ssize_t secure_bits_set(uint64_t bits)
{
    const struct credentials *own = credentials_current();

    if (bits & ~(uint64_t)(SECURE_ALL_BITS | SECURE_ALL_LOCKS))
        return -EPERM;
    if (!credentials_capable(own, CAP_SETPCAP) ||
        (((own->secure_bits & SECURE_ALL_LOCKS) >> 1) & (own->secure_bits ^ bits)) ||
        ((own->secure_bits & SECURE_ALL_LOCKS) & ~bits))
        return -EPERM;
    struct credentials *fresh = credentials_change_begin();
    if (!fresh)
        return -ENOMEM;
    fresh->secure_bits = bits;
    return credentials_change_commit(fresh);
}

static ssize_t bounding_drop(uint64_t capability)
{
    if (!credentials_capable(credentials_current(), CAP_SETPCAP))
        return -EPERM;
    if (capability > CAP_LAST_CAP)
        return -EINVAL;
    struct credentials *fresh = credentials_change_begin();
    if (!fresh)
        return -ENOMEM;
    fresh->bounding &= ~(1UL << capability);
    return credentials_change_commit(fresh);
}

static ssize_t ambient_change(uint64_t operation, uint64_t capability)
{
    const struct credentials *own = credentials_current();
    uint64_t bit = capability <= CAP_LAST_CAP ? 1UL << capability : 0;

    if (operation == PR_CAP_AMBIENT_CLEAR_ALL ? capability != 0 : !bit)
        return -EINVAL;
    if (operation == PR_CAP_AMBIENT_IS_SET)
        return (own->ambient & bit) != 0;
    if (operation == PR_CAP_AMBIENT_RAISE &&
        (!(own->permitted & own->inheritable & bit) ||
         (own->secure_bits & issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE))))
        return -EPERM;
    if (operation != PR_CAP_AMBIENT_RAISE && operation != PR_CAP_AMBIENT_LOWER &&
        operation != PR_CAP_AMBIENT_CLEAR_ALL)
        return -EINVAL;
    struct credentials *fresh = credentials_change_begin();
    if (!fresh)
        return -ENOMEM;
    fresh->ambient = operation == PR_CAP_AMBIENT_RAISE       ? fresh->ambient | bit
                     : operation == PR_CAP_AMBIENT_CLEAR_ALL ? 0
                                                             : fresh->ambient & ~bit;
    return credentials_change_commit(fresh);
}

/* ---- prctl ---- */

static ssize_t put_int(vaddr_t to, int value)
{
    return user_put(to, &value);
}

static ssize_t death_signal_set(uint64_t signal)
{
    if (signal > SIGNAL_COUNT)
        return -EINVAL;
    user_thread_current()->parent_death_signal = signal;
    return 0;
}

static ssize_t dumpable_set(uint64_t value)
{
    if (value > 1)
        return -EINVAL;
    __atomic_store_n(&process_current()->dumpable, value, __ATOMIC_RELAXED);
    return 0;
}

static ssize_t no_new_privileges_set(uint64_t value, bool rest)
{
    if (value != 1 || rest)
        return -EINVAL;
    user_thread_current()->no_new_privileges = true;
    return 0;
}

/* Of a broken page of memory nobody learns before it is used, whatever is wished. */
static ssize_t machine_check_set(uint64_t operation, uint64_t policy, bool rest)
{
    struct user_thread *thread = user_thread_current();

    if (rest)
        return -EINVAL;
    if (operation == PR_MCE_KILL_CLEAR && !policy)
        thread->machine_check_policy = PR_MCE_KILL_DEFAULT;
    else if (operation == PR_MCE_KILL_SET && policy <= PR_MCE_KILL_DEFAULT)
        thread->machine_check_policy = (uint8_t)policy;
    else
        return -EINVAL;
    return 0;
}

static ssize_t flusher_set(uint64_t value, bool rest)
{
    if (!credentials_capable(credentials_current(), CAP_SYS_RESOURCE))
        return -EPERM;
    if (value > 1 || rest)
        return -EINVAL;
    user_thread_current()->io_flusher = value;
    return 0;
}

static ssize_t flusher_get(bool arguments)
{
    if (!credentials_capable(credentials_current(), CAP_SYS_RESOURCE))
        return -EPERM;
    return arguments ? -EINVAL : user_thread_current()->io_flusher;
}

/* PR_SET_MM: what is where in memory stays as exec made it. */
static ssize_t place_set(bool odd)
{
    return odd || credentials_capable(credentials_current(), CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
}

/* Whom Yama would let trace this process beside its parents: here nobody's parents are asked
   (/proc/sys/kernel/yama/ptrace_scope is 0), so there is nothing to be remembered. */
static ssize_t tracer_set(int id)
{
    if (id == 0 || id == -1)
        return 0;
    struct user_thread *tracer = id > 0 ? user_thread_find((uint32_t)id) : NULL;

    if (!tracer)
        return -EINVAL;
    user_thread_release(tracer);
    return 0;
}

static ssize_t subreaper_set(uint64_t value)
{
    __atomic_store_n(&process_current()->subreaper, value != 0, __ATOMIC_RELAXED);
    return 0;
}

/* Timers here have none: they fire when they are due. */
static ssize_t timer_slack_set(uint64_t value)
{
    struct user_thread *thread = user_thread_current();

    thread->timer_slack = (int64_t)value > 0 ? value : thread->default_timer_slack;
    return 0;
}

ssize_t sys_prctl(int option, uint64_t argument2, uint64_t argument3, uint64_t argument4,
                  uint64_t argument5)
{
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    const struct credentials *own = credentials_current();
    bool rest = argument3 || argument4 || argument5;

    switch (option) {
    case PR_SET_NAME:
        return name_set(argument2);
    case PR_GET_NAME:
        return user_copy_out(argument2, thread->thread.name, sizeof(thread->thread.name));
    case PR_SET_PDEATHSIG:
        return death_signal_set(argument2);
    case PR_GET_PDEATHSIG:
        return put_int(argument2, thread->parent_death_signal);
    case PR_SET_DUMPABLE:
        return dumpable_set(argument2);
    case PR_GET_DUMPABLE:
        return __atomic_load_n(&process->dumpable, __ATOMIC_RELAXED);
    case PR_SET_NO_NEW_PRIVS:
        return no_new_privileges_set(argument2, rest);
    case PR_GET_NO_NEW_PRIVS:
        return argument2 || rest ? -EINVAL : thread->no_new_privileges;
    case PR_SET_CHILD_SUBREAPER:
        return subreaper_set(argument2);
    case PR_GET_CHILD_SUBREAPER:
        return put_int(argument2, process->subreaper);
    case PR_SET_KEEPCAPS:
        return secure_bit_set(issecure_mask(SECURE_KEEP_CAPS), argument2);
    case PR_GET_KEEPCAPS:
        return (own->secure_bits & issecure_mask(SECURE_KEEP_CAPS)) != 0;
    case PR_SET_SECUREBITS:
        return secure_bits_set(argument2);
    case PR_GET_SECUREBITS:
        return own->secure_bits;
    case PR_CAPBSET_READ:
        return argument2 > CAP_LAST_CAP ? -EINVAL : (ssize_t)(own->bounding >> argument2 & 1);
    case PR_CAPBSET_DROP:
        return bounding_drop(argument2);
    case PR_CAP_AMBIENT:
        return argument4 || argument5 ? -EINVAL : ambient_change(argument2, argument3);
    case PR_GET_SECCOMP:
        return 0;
    case PR_SET_SECCOMP: /* there are no filters: nobody shall believe to be in a sandbox */
        return -EINVAL;
    case PR_SET_THP_DISABLE:
        return rest ? -EINVAL : 0; /* there are no huge pages to disable */
    case PR_GET_THP_DISABLE:
        return argument2 || rest ? -EINVAL : 0;
    case PR_GET_TIMERSLACK:
        return (ssize_t)thread->timer_slack;
    case PR_SET_TIMERSLACK:
        return timer_slack_set(argument2);
    case PR_GET_TIMING:
        return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING:
        return argument2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_GET_TSC:
        return put_int(argument2, PR_TSC_ENABLE);
    case PR_SET_TSC:
        return argument2 == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_GET_TID_ADDRESS:
        return user_put(argument2, &thread->clear_child_tid);
    case PR_MCE_KILL:
        return machine_check_set(argument2, argument3, argument4 || argument5);
    case PR_MCE_KILL_GET:
        return argument2 || rest ? -EINVAL : thread->machine_check_policy;
    case PR_SET_IO_FLUSHER:
        return flusher_set(argument2, rest);
    case PR_GET_IO_FLUSHER:
        return flusher_get(argument2 || rest);
    case PR_SET_MM:
        return place_set(argument4 || argument5);
    case PR_SET_PTRACER:
        return tracer_set((int)argument2);
    }
    return -EINVAL; /* PR_SET_VMA too, names for anonymous memory: as a Linux without that option */
}

/* ---- the others ---- */

ssize_t sys_arch_prctl(int option, vaddr_t address)
{
    struct user_segments segments = thread_segments();

    switch (option) {
    case ARCH_SET_FS:
        if (address >= USER_END)
            return -EPERM;
        segments.fs_base = address;
        thread_set_segments(&segments);
        return 0;
    case ARCH_SET_GS:
        if (address >= USER_END)
            return -EPERM;
        segments.gs_base = address;
        thread_set_segments(&segments);
        return 0;
    case ARCH_GET_FS:
        return user_put(address, &segments.fs_base);
    case ARCH_GET_GS:
        return user_put(address, &segments.gs_base);
    case ARCH_GET_CPUID:
        return 1;
    case ARCH_SET_CPUID:
        return -ENODEV;
    default:
        return -EINVAL;
    }
}

ssize_t sys_personality(unsigned persona)
{
    struct process *process = process_current();

    return persona == 0xffffffff
               ? __atomic_load_n(&process->personality, __ATOMIC_RELAXED)
               : __atomic_exchange_n(&process->personality, persona, __ATOMIC_RELAXED);
}
