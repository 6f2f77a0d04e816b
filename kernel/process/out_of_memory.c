/*
 * out_of_memory.c: the rule. Programs are promised more memory than there is
 * (mmap(2), MAP_NORESERVE; fork(2)), so a touch can find none. Then the process
 * that has most of it goes, by SIGKILL; never PID 1, nor one that is spared
 * (proc(5), oom_score_adj). One at a time: until it is gone, everybody else who
 * finds no memory waits.
 *
 * A process has what is mapped in it, what its descriptors keep (a file that it
 * shares with others: its share), and what the kernel needs for it. What a user
 * made and counts for no process of his, as a file on its way in a message that lies
 * in the inbox of another one, he has all the same: as long as that is more, it
 * is what each of his processes has, and of these the largest goes. The
 * superuser's do not answer for each other: the session's first process is one.
 */
#include "process/out_of_memory.h"

#include <linux/oom.h>

#include "cpu/log.h"
#include "file/backed/regular.h"
#include "file/descriptor_table.h"
#include "memory/address_space.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/page_fault.h"
#include "memory/user_account.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "process/user_thread.h"
#include "storage/cache.h"
#include "thread/preemption.h"

/* How long others wait before they look again, and how long a victim may take to end before the
   next one is chosen: it may wait for a lock of one who waits here. */
#define PATIENCE (10 * 1000 * 1000ULL)
#define RESPITE  (1000 * 1000 * 1000ULL)
/* Calls are not made again forever. */
#define ATTEMPTS_MAXIMUM 300
/* Of all memory a victim has to have one in so many for a call that wants more. */
#define GOOD_PART 32
/* How long a count of what descriptors keep is good enough to choose by. What is added meanwhile
   counts for its user at once. */
#define FILES_COUNT_LASTS (10 * 1000 * 1000 * 1000ULL)

/* Written by the one who chooses; atomic. */
static uint32_t victim;       /* its PID; 0: there was none yet */
static uint64_t victim_since; /* ns since boot */
static bool choosing;         /* somebody looks for one; the others wait for what it finds */

/* ---- the rule ---- */

/* How many descriptors are looked at before others get a turn. */
#define DESCRIPTORS_AT_ONCE 256

/* The first thread that has not given up what it shares with the others, or NULL. Lock held. */
static struct user_thread *thread_that_has(const struct process *process)
{
    struct user_thread *thread;

    TAILQ_FOREACH(thread, &process->threads, process_link)
    if (thread->thread.address_space || thread->thread.descriptors)
        break;
    return thread;
}

/* Bytes of the address space and of the kernel's for the threads. Lock held. */
static uint64_t memory_of_threads(const struct process *process, const struct user_thread *thread)
{
    const struct address_space *space = thread->thread.address_space;
    uint64_t pages = process->thread_count * (KERNEL_STACK_SIZE / PAGE_SIZE);
    uint64_t bytes = 0;

    if (space) {
        pages += __atomic_load_n(&space->pages_mapped, __ATOMIC_RELAXED) +
                 __atomic_load_n(&space->page_tables, __ATOMIC_RELAXED);
        bytes = __atomic_load_n(&space->region_count, __ATOMIC_RELAXED) * sizeof(struct region);
    }
    return bytes + pages * PAGE_SIZE;
}

/* Bytes that descriptors from *from on keep; moves it on, to 0 behind the last one. Lock held. */
static uint64_t memory_of_descriptors(const struct user_thread *thread, unsigned *from)
{
    struct descriptor_table *table = thread->thread.descriptors;
    uint64_t bytes = 0;

    if (table)
        bytes = descriptor_table_memory(table, *from, DESCRIPTORS_AT_ONCE);
    *from += DESCRIPTORS_AT_ONCE;
    if (!table || *from >= __atomic_load_n(&table->capacity, __ATOMIC_RELAXED))
        *from = 0;
    return bytes;
}

/* What the descriptors keep, in bytes. */
static uint64_t count_descriptors(struct process *process)
{
    uint64_t bytes = 0;
    unsigned descriptor = 0;

    do {
        bool enabled = spinlock_acquire_save(&process->lock);
        const struct user_thread *thread = thread_that_has(process);
        if (thread)
            bytes += memory_of_descriptors(thread, &descriptor);
        else
            descriptor = 0;
        spinlock_release_restore(&process->lock, enabled);
        thread_preemption_point();
    } while (descriptor);
    return bytes;
}

/* The same, counted no longer than `age` ns ago: a bomb that forks with thousands of descriptors
   would else make every choice a walk over millions. */
static uint64_t descriptors_of(struct process *process, uint64_t age)
{
    bool enabled = spinlock_acquire_save(&process->lock);
    uint64_t bytes = process->files_memory, counted = process->files_memory_time;
    spinlock_release_restore(&process->lock, enabled);

    if (counted && clock_now() - counted < age)
        return bytes;
    bytes = count_descriptors(process);
    enabled = spinlock_acquire_save(&process->lock);
    process->files_memory = bytes;
    process->files_memory_time = clock_now();
    spinlock_release_restore(&process->lock, enabled);
    return bytes;
}

/* Pages that the process has by itself, and its user with it; own 0: it has begun to end. */
struct holdings {
    uint64_t own, user;
};

static struct holdings holdings_of(struct process *process, uint64_t age)
{
    struct holdings holdings = {0, 0};
    uint64_t files = descriptors_of(process, age);
    bool enabled = spinlock_acquire_save(&process->lock);
    const struct user_thread *thread = thread_that_has(process);

    if (thread)
        holdings.own = (files + memory_of_threads(process, thread)) / PAGE_SIZE;
    if (thread && thread->thread.account && thread->thread.account->user)
        holdings.user = user_account_pages(thread->thread.account);
    spinlock_release_restore(&process->lock, enabled);
    return holdings;
}

static bool is_spared(const struct process *process)
{
    return process == process_init ||
           __atomic_load_n(&process->oom_score_adjustment, __ATOMIC_RELAXED) == OOM_SCORE_ADJ_MIN;
}

static int64_t score_of(struct process *process, const struct holdings *holdings)
{
    int adjustment = __atomic_load_n(&process->oom_score_adjustment, __ATOMIC_RELAXED);

    if (is_spared(process) || !holdings->own)
        return INT64_MIN;
    uint64_t pages = holdings->own > holdings->user ? holdings->own : holdings->user;
    return (int64_t)pages + adjustment * (int64_t)(frame_total() / 1000);
}

int64_t out_of_memory_score(struct process *process)
{
    struct holdings holdings = holdings_of(process, 0);
    return score_of(process, &holdings);
}

/* The process with the highest score, of several the one that has most by itself, with a
   reference; NULL: none may be chosen. */
static struct process *choose(int64_t *highest)
{
    struct process *process, *chosen = NULL;
    uint64_t most = 0;

    *highest = INT64_MIN;
    for (uint32_t id = 2; (process = process_next(&id)); id++) {
        struct holdings holdings = holdings_of(process, FILES_COUNT_LASTS);
        /* The last one has had its time. */
        int64_t score = id == victim ? INT64_MIN : score_of(process, &holdings);
        if (score <= *highest && !(chosen && score == *highest && holdings.own > most)) {
            process_release(process);
            continue;
        }
        if (chosen)
            process_release(chosen);
        chosen = process;
        *highest = score;
        most = holdings.own;
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
        if (memory_gather() || backed_reclaim() ||
            block_cache_reclaim()) { /* one at a time: it waits for every CPU */
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
