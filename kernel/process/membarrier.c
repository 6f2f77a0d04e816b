/*
 * membarrier.c: membarrier(2): makes CPUs pass a full memory barrier. An interrupt does that: its
 * entry and its IRET serialise (Intel SDM volume 3, 8.2.3, 8.3). So that nobody is interrupted by
 * any user as often as that user likes, a private barrier goes to the CPUs that may hold the
 * caller's root, and an expedited one for all to those that run who registered for it; a CPU that
 * comes to run such a thread later has loaded CR3 meanwhile, which serialises too. A barrier for
 * all that is not expedited goes to every CPU, but takes its time.
 */
#include <asm/errno.h>
#include <linux/membarrier.h>

#include "cpu/clock.h"
#include "cpu/tlb.h"
#include "process/process.h"
#include "process/system_calls.h"
#include "thread/wait_queue.h"

#define COMMANDS                                                                                   \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                                     \
     MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |                 \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |      \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)

/* An interrupt to each of them; nothing is ever mapped in the page that they forget. */
static void barrier_on(const struct cpu_set *which)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* who comes to the space from here on sees all */
    tlb_shootdown(which, 0, PAGE_SIZE);
}

/* ---- for all ---- */

/* Time from one round, in which every CPU passes a barrier, to the next. However many ask for one,
   they get the same: the first that begins after they asked. Linux waits for a grace period. */
#define ROUND_NS (10 * 1000 * 1000ULL)

static uint64_t rounds_begun, rounds_ended; /* atomic */
static bool round_making;                   /* somebody makes the next one; atomic */
static uint64_t round_last;                 /* when, ns since boot; who makes one */
static struct wait_queue round_waiters = {
    .lock = SPINLOCK_RANKED(LOCK_WAIT_QUEUE),
    .entries = TAILQ_HEAD_INITIALIZER(round_waiters.entries),
};

static bool round_has_ended(uint64_t number)
{
    return __atomic_load_n(&rounds_ended, __ATOMIC_SEQ_CST) >= number;
}

static void round_make(void)
{
    thread_prepare_sleep(THREAD_UNINTERRUPTIBLE);
    thread_sleep(round_last + ROUND_NS);
    uint64_t number = __atomic_add_fetch(&rounds_begun, 1, __ATOMIC_SEQ_CST);
    barrier_on(&cpu_online);
    round_last = clock_now();
    __atomic_store_n(&rounds_ended, number, __ATOMIC_SEQ_CST);
}

static void barrier_for_all(void)
{
    uint64_t wanted = __atomic_load_n(&rounds_begun, __ATOMIC_SEQ_CST) + 1;

    while (!round_has_ended(wanted)) {
        if (__atomic_exchange_n(&round_making, true, __ATOMIC_SEQ_CST)) {
            wait_event(&round_waiters,
                       round_has_ended(wanted) || !__atomic_load_n(&round_making, __ATOMIC_SEQ_CST),
                       THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
            continue;
        }
        if (!round_has_ended(wanted))
            round_make();
        __atomic_store_n(&round_making, false, __ATOMIC_SEQ_CST);
        wait_queue_wake_all(&round_waiters);
    }
}

static bool is_registered_for_all(const struct thread *thread)
{
    return thread->process && __atomic_load_n(&thread->process->membarrier, __ATOMIC_RELAXED) &
                                  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
}

static void barrier_for_registered(void)
{
    struct cpu_set which = {0};

    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* who is not seen to run sees all when he does */
    thread_find_cpus(is_registered_for_all, &which);
    if (!cpu_set_is_empty(&which))
        barrier_on(&which);
}

/* ---- the call ---- */

ssize_t sys_membarrier(int command, unsigned flags, int cpu)
{
    struct process *process = process_current();
    uint32_t ready = __atomic_load_n(&process->membarrier, __ATOMIC_RELAXED);

    (void)cpu; /* only with MEMBARRIER_CMD_FLAG_CPU, which belongs to the rseq commands */
    if (flags)
        return -EINVAL;
    switch (command) {
    case MEMBARRIER_CMD_QUERY:
        return COMMANDS;
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
        __atomic_fetch_or(&process->membarrier, (uint32_t)command, __ATOMIC_RELAXED);
        return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        if (!(ready & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
            return -EPERM;
        barrier_on(thread_current()->root_cpus);
        return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        if (!(ready & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE))
            return -EPERM;
        barrier_on(thread_current()->root_cpus);
        return 0;
    case MEMBARRIER_CMD_GLOBAL:
        barrier_for_all();
        return 0;
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
        barrier_for_registered();
        return 0;
    default:
        return -EINVAL;
    }
}
