/*
 * membarrier.c: membarrier(2): makes every CPU that runs a thread of the caller
 * pass a full memory barrier. One interrupt to each other CPU does that: its
 * entry and its IRET serialise (Intel SDM volume 3, 8.2.3, 8.3). A private barrier goes to the
 * CPUs that may hold the caller's root, so that others are left alone; one that comes to hold it
 * later has loaded CR3 meanwhile, which serialises too.
 */
#include <asm/errno.h>
#include <linux/membarrier.h>

#include "cpu/tlb.h"
#include "process/process.h"
#include "process/system_calls.h"

#define COMMANDS                                                                                   \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                                     \
     MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |                 \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |      \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)

ssize_t sys_membarrier(int command, unsigned flags, int cpu)
{
    struct process *process = process_current();
    const struct cpu_set *which = thread_current()->root_cpus;
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
        break;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        if (!(ready & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE))
            return -EPERM;
        break;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
        which = &cpu_online;
        break;
    default:
        return -EINVAL;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* who comes to the space from here on sees all */
    tlb_shootdown(which, 0, PAGE_SIZE);      /* nothing is ever mapped there */
    return 0;
}
