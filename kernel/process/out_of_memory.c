/*
 * out_of_memory.c: the rule. Programs are promised more memory than there is
 * (mmap(2), MAP_NORESERVE; fork(2)), so a touch can find none. Then the process
 * that has most of it goes, by SIGKILL; never PID 1, nor one that is spared
 * (proc(5), oom_score_adj). One at a time: until it is gone, everybody else who
 * finds no memory waits.
 */
#include "process/out_of_memory.h"

#include <linux/oom.h>

#include "cpu/log.h"
#include "file/descriptor_table.h"
#include "memory/address_space.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/page_fault.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/user_thread.h"

/* How long others wait before they look again, and how long a victim may take to end before the
   next one is chosen: it may wait for a lock of one who waits here. */
#define PATIENCE (10 * 1000 * 1000ULL)
#define RESPITE  (1000 * 1000 * 1000ULL)
/* Calls are not made again forever. */
#define ATTEMPTS_MAXIMUM 300
/* Of all memory a victim has to have one in so many for a call that wants more. */
#define GOOD_PART 32

/* Written by the one who chooses; atomic. */
static uint32_t victim;       /* its PID; 0: there was none yet */
static uint64_t victim_since; /* ns since boot */
static bool choosing;         /* somebody looks for one; the others wait for what it finds */

/* ---- the rule ---- */

/* What a thread of the process holds for all of them. Process's lock held. */
static uint64_t shared_pages(const struct user_thread *thread)
{
    const struct address_space *space = thread->thread.address_space;
    const struct descriptor_table *descriptors = thread->thread.descriptors;
    uint64_t pages = 0, bytes = 0;

    if (space) {
        pages = __atomic_load_n(&space->pages_mapped, __ATOMIC_RELAXED) +
                __atomic_load_n(&space->page_tables, __ATOMIC_RELAXED);
        bytes = __atomic_load_n(&space->region_count, __ATOMIC_RELAXED) * sizeof(struct region);
    }
    if (descriptors)
        bytes += __atomic_load_n(&descriptors->capacity, __ATOMIC_RELAXED) * sizeof(struct file);
    return pages + bytes / PAGE_SIZE;
}

int64_t out_of_memory_score(struct process *process)
{
    int adjustment = __atomic_load_n(&process->oom_score_adjustment, __ATOMIC_RELAXED);
    uint64_t most = 0;

    if (process == process_init || adjustment == OOM_SCORE_ADJ_MIN)
        return INT64_MIN;
    bool enabled = spinlock_acquire_save(&process->lock);
    struct user_thread *thread;
    LIST_FOREACH(thread, &process->threads, process_link)
    {
        uint64_t pages = shared_pages(thread);
        if (pages > most)
            most = pages;
        if (pages) /* one that has begun to end has given it up: the next may not have */
            break;
    }
    uint64_t stacks = process->thread_count * (KERNEL_STACK_SIZE / PAGE_SIZE);
    spinlock_release_restore(&process->lock, enabled);
    if (!most)
        return INT64_MIN;
    return (int64_t)(most + stacks) + adjustment * (int64_t)(frame_total() / 1000);
}

/* The process with the highest score, with a reference; NULL: none may be chosen. */
static struct process *choose(int64_t *highest)
{
    struct process *process, *chosen = NULL;

    *highest = INT64_MIN;
    for (uint32_t id = 2; (process = process_next(&id)); id++) {
        /* The last one has had its time. */
        int64_t score = id == victim ? INT64_MIN : out_of_memory_score(process);
        if (score <= *highest) {
            process_release(process);
            continue;
        }
        if (chosen)
            process_release(chosen);
        chosen = process;
        *highest = score;
    }
    return chosen;
}

/* ---- one at a time ---- */

/* Is the last victim still there, with its memory? One that takes too long is given up. */
static bool victim_ends(void)
{
    if (clock_now() - __atomic_load_n(&victim_since, __ATOMIC_ACQUIRE) > RESPITE)
        return false;
    struct process *process = process_find(__atomic_load_n(&victim, __ATOMIC_RELAXED));
    bool ends = process && !__atomic_load_n(&process->zombie, __ATOMIC_ACQUIRE);
    if (process)
        process_release(process);
    return ends;
}

static void victim_end(struct process *process, int64_t score)
{
    __atomic_store_n(&victim, process->id, __ATOMIC_RELAXED);
    __atomic_store_n(&victim_since, clock_now(), __ATOMIC_RELEASE);
    log_write(LOG_WARNING, "out of memory: process %u, with a score of %ld pages, is ended",
              process->id, score);
    siginfo_t information = signal_information_kernel(SIGKILL);
    signal_send_process(process, &information);
}

/* Ends the process with the highest score, if it is worth it, or waits for one that ends. */
static bool make_room(int64_t least)
{
    int64_t score;

    if (thread_interrupted(THREAD_KILLABLE))
        return false;
    if (!victim_ends() && !__atomic_exchange_n(&choosing, true, __ATOMIC_ACQUIRE)) {
        if (memory_gather()) { /* one at a time: it waits for every CPU */
            __atomic_store_n(&choosing, false, __ATOMIC_RELEASE);
            return true;
        }
        struct process *process = victim_ends() ? NULL : choose(&score);
        bool found = process && score >= least;
        if (found)
            victim_end(process, score);
        __atomic_store_n(&choosing, false, __ATOMIC_RELEASE);
        if (process)
            process_release(process);
        if (!found && !victim_ends())
            return false;
    }
    thread_prepare_sleep(THREAD_KILLABLE);
    thread_sleep(clock_now() + PATIENCE);
    return !thread_interrupted(THREAD_KILLABLE);
}

bool out_of_memory(void)
{
    return make_room(INT64_MIN);
}

bool out_of_memory_call_again(unsigned attempts)
{
    if (attempts == ATTEMPTS_MAXIMUM || !thread_had_no_memory())
        return false;
    return make_room((int64_t)(frame_total() / GOOD_PART));
}
