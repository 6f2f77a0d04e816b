#include "process/system_information.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "cpu/clock.h"
#include "cpu/log.h"
#include "file/credentials.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "thread/load.h"

static bool capable(unsigned capability)
{
    return credentials_capable(credentials_current(), capability);
}

/* ---- names ---- */

static struct spinlock name_lock = SPINLOCK_INITIALIZER;
static char host_name[HOST_NAME_SIZE] = "(none)";   /* name_lock */
static char domain_name[HOST_NAME_SIZE] = "(none)"; /* name_lock */

static void name_get(char to[HOST_NAME_SIZE], const char *from)
{
    bool enabled = spinlock_acquire_save(&name_lock);
    memcpy(to, from, HOST_NAME_SIZE);
    spinlock_release_restore(&name_lock, enabled);
}

static void name_set(char *to, const char *from, size_t length)
{
    bool enabled = spinlock_acquire_save(&name_lock);
    length = length < HOST_NAME_SIZE ? length : HOST_NAME_SIZE - 1;
    memset(to, 0, HOST_NAME_SIZE);
    memcpy(to, from, length);
    spinlock_release_restore(&name_lock, enabled);
}

void host_name_get(char name[HOST_NAME_SIZE])
{
    name_get(name, host_name);
}

void host_name_set(const char *name, size_t length)
{
    name_set(host_name, name, length);
}

void domain_name_get(char name[HOST_NAME_SIZE])
{
    name_get(name, domain_name);
}

void domain_name_set(const char *name, size_t length)
{
    name_set(domain_name, name, length);
}

ssize_t sys_uname(vaddr_t buffer)
{
    struct new_utsname names = {
        .sysname = SYSTEM_NAME,
        .release = SYSTEM_RELEASE,
        .version = SYSTEM_VERSION,
        .machine = SYSTEM_MACHINE,
    };

    host_name_get(names.nodename);
    domain_name_get(names.domainname);
    return user_put(buffer, &names);
}

static ssize_t name_from_user(char name[HOST_NAME_SIZE], vaddr_t from, int size)
{
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (size < 0 || size >= HOST_NAME_SIZE)
        return -EINVAL;
    return user_copy_in(name, from, size);
}

ssize_t sys_sethostname(vaddr_t from, int size)
{
    char name[HOST_NAME_SIZE];
    ssize_t error = name_from_user(name, from, size);

    if (!error)
        host_name_set(name, size);
    return error;
}

ssize_t sys_setdomainname(vaddr_t from, int size)
{
    char name[HOST_NAME_SIZE];
    ssize_t error = name_from_user(name, from, size);

    if (!error)
        domain_name_set(name, size);
    return error;
}

static const char *options = "";

void system_set_options(const char *given)
{
    options = given;
}

const char *system_options(void)
{
    return options;
}

/* ---- memory and threads ---- */

void memory_summary(struct memory_summary *summary)
{
    struct frame_counts counts;

    frame_count(&counts);
    *summary = (struct memory_summary){
        .total = counts.total,
        .free = counts.by_owner[FRAME_FREE],
        .cached = counts.by_owner[FRAME_PAGE_CACHE] + counts.by_owner[FRAME_SHARED],
        .shared = counts.by_owner[FRAME_SHARED],
        .page_tables = counts.by_owner[FRAME_PAGE_TABLE],
        .kernel = counts.by_owner[FRAME_KERNEL],
        .kernel_stacks = counts.by_owner[FRAME_KERNEL_STACK],
        .anonymous = counts.by_owner[FRAME_ANONYMOUS],
    };
}

static void count_thread(struct thread *thread, void *context)
{
    struct thread_summary *summary = context;

    if (!thread->process)
        return;
    summary->threads++;
    summary->processes += thread->id == thread->process->id;
    uint32_t state = __atomic_load_n(&thread->state, __ATOMIC_RELAXED);
    summary->runnable += state == THREAD_RUNNABLE;
    summary->blocked += state == THREAD_UNINTERRUPTIBLE || state == THREAD_KILLABLE;
    if (thread->id > summary->newest)
        summary->newest = thread->id;
}

void thread_summary(struct thread_summary *summary)
{
    *summary = (struct thread_summary){0};
    thread_for_each(count_thread, summary);
}

ssize_t sys_sysinfo(vaddr_t buffer)
{
    struct memory_summary memory;
    struct thread_summary threads;

    memory_summary(&memory);
    thread_summary(&threads);
    struct sysinfo information = {
        .uptime = clock_now() / NANOSECONDS_PER_SECOND,
        .totalram = memory.total * PAGE_SIZE,
        .freeram = memory.free * PAGE_SIZE,
        .sharedram = memory.shared * PAGE_SIZE,
        .procs = threads.threads < UINT16_MAX ? threads.threads : UINT16_MAX,
        .mem_unit = 1,
    };
    uint64_t averages[3];
    load_averages(averages);
    for (size_t i = 0; i < array_length(averages); i++)
        information.loads[i] = averages[i] << (SI_LOAD_SHIFT - LOAD_SHIFT);
    return user_put(buffer, &information);
}
