/*
 * out_of_memory.c: the rule. Programs are promised more memory than there is
 * (mmap(2), MAP_NORESERVE; fork(2)), so a touch can find none. Then the process
 * that has most of it goes, by SIGKILL; never PID 1. One at a time: until it is
 * gone, everybody else who finds no memory waits.
 */
#include "process/out_of_memory.h"

#include <linux/sched.h>

#include "cpu/log.h"
#include "memory/address_space.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/user_thread.h"

/* How long it takes a victim to end, more or less. */
#define PATIENCE (10 * 1000 * 1000ULL)

/* What its end gives back: pages, and the tables that a sparse map needs more of than of pages. */
static uint64_t resident_pages(struct process *process)
{
    struct user_thread *thread = process_thread_get(process);
    if (!thread)
        return 0;
    struct address_space *space = user_thread_address_space_observe(thread);
    user_thread_release(thread);
    if (!space)
        return 0;
    uint64_t pages = __atomic_load_n(&space->pages_mapped, __ATOMIC_RELAXED) +
                     __atomic_load_n(&space->page_tables, __ATOMIC_RELAXED);
    address_space_unobserve(space);
    return pages;
}

/* The process with the most pages, with a reference; NULL: none but PID 1. */
static struct process *choose(uint64_t *most)
{
    struct process *process, *chosen = NULL;

    *most = 0;
    for (uint32_t id = 2; (process = process_next(&id)); id++) {
        uint64_t pages = resident_pages(process);
        if (pages <= *most) {
            process_release(process);
            continue;
        }
        if (chosen)
            process_release(chosen);
        chosen = process;
        *most = pages;
    }
    return chosen;
}

bool out_of_memory(void)
{
    uint64_t pages;
    struct process *victim = choose(&pages);
    if (!victim)
        return false;

    if (!__atomic_load_n(&victim->exiting, __ATOMIC_RELAXED)) {
        log_write(LOG_WARNING, "out of memory: process %u, with %lu pages, is ended", victim->id,
                  pages);
        siginfo_t information = signal_information_kernel(SIGKILL);
        signal_send_process(victim, &information);
    }
    bool own = victim == process_current();
    process_release(victim);
    if (!own) {
        thread_prepare_sleep(THREAD_KILLABLE);
        thread_sleep(clock_now() + PATIENCE);
    }
    return true;
}
