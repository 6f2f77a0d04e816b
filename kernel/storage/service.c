/*
 * service.c: the room's threads. One looks for partitions and writes back what has been dirty for a
 * while, and may wait for disks; the other has drivers recover whose disks it waits for.
 */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "memory/worker.h"
#include "storage/block.h"
#include "storage/disks.h"

/* What is dirty stays so long in memory at most, as on Linux (vm.dirty_writeback_centisecs). */
#define WRITE_BACK_DELAY (5 * NANOSECONDS_PER_SECOND)

static struct spinlock service_lock = SPINLOCK_RANKED(LOCK_BLOCK_SERVICE); /* with interrupts off */

struct service {
    STAILQ_HEAD(, block_job) jobs; /* service_lock */
    struct wait_queue waiting;     /* the thread */
    struct wait_queue done;        /* who waits for a job */
    bool write_back;               /* service_lock */
    bool busy;                     /* service_lock */
    struct worker worker;
};
static struct service scanner, recoverer;
static struct timer write_back_timer;
static bool write_back_armed; /* service_lock */

/* ---- asking ---- */

/* A reference to the disk goes with the job. Returns how often it was wanted. */
static uint64_t ask(struct service *service, struct block_job *job)
{
    bool enabled = spinlock_acquire_save(&service_lock);
    uint64_t number = ++job->wanted;

    if (!job->queued) {
        __atomic_fetch_add(&job->disk->references, 1, __ATOMIC_RELAXED);
        STAILQ_INSERT_TAIL(&service->jobs, job, link);
        job->queued = true;
    }
    spinlock_release_restore(&service_lock, enabled);
    wait_queue_wake(&service->waiting);
    return number;
}

void block_service_scan(struct block_disk *disk)
{
    ask(&scanner, &disk->scan);
}

void block_service_recover(struct block_disk *disk)
{
    ask(&recoverer, &disk->recovery);
}

static bool is_done(const struct block_job *job, uint64_t number)
{
    bool enabled = spinlock_acquire_save(&service_lock);
    bool done = job->done >= number;

    spinlock_release_restore(&service_lock, enabled);
    return done;
}

void block_service_await(struct block_job *job)
{
    uint64_t number = ask(&scanner, job);

    wait_event(&scanner.done, is_done(job, number), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
}

void block_service_relabel(struct block_device *device)
{
    __atomic_store_n(&device->relabel, true, __ATOMIC_RELAXED);
    block_service_await(&device->owner->labels);
}

void block_service_dirtied(void)
{
    if (__atomic_load_n(&write_back_armed, __ATOMIC_RELAXED))
        return;
    bool enabled = spinlock_acquire_save(&service_lock);
    bool arm = !write_back_armed;

    __atomic_store_n(&write_back_armed, true, __ATOMIC_RELAXED);
    spinlock_release_restore(&service_lock, enabled);
    if (arm)
        timer_arm(&write_back_timer, clock_now() + WRITE_BACK_DELAY);
}

static void write_back_due(struct timer *timer)
{
    (void)timer;
    spinlock_acquire(&service_lock);
    __atomic_store_n(&write_back_armed, false, __ATOMIC_RELAXED);
    scanner.write_back = true;
    spinlock_release(&service_lock);
    wait_queue_wake(&scanner.waiting);
}

/* ---- doing ---- */

/* The job is its owner's again once it is finished: its disk is kept by the reference. */
struct work {
    struct block_job *job;
    struct block_disk *disk;
    uint64_t number; /* of the job, when it was taken */
    bool write_back;
};

static bool take(struct service *service, struct work *work)
{
    bool enabled = spinlock_acquire_save(&service_lock);
    struct block_job *job = STAILQ_FIRST(&service->jobs);

    *work = (struct work){.job = job, .write_back = service->write_back};
    service->write_back = false;
    if (job) {
        STAILQ_REMOVE_HEAD(&service->jobs, link);
        job->queued = false;
        work->disk = job->disk;
        work->number = job->wanted;
    }
    service->busy = job || work->write_back;
    spinlock_release_restore(&service_lock, enabled);
    return job || work->write_back;
}

static void finish(struct service *service, const struct work *work)
{
    bool enabled = spinlock_acquire_save(&service_lock);

    if (work->job)
        work->job->done = work->number;
    service->busy = false;
    spinlock_release_restore(&service_lock, enabled);
    wait_queue_wake_all(&service->done);
}

static void write_back_all(void)
{
    struct block_device *device = NULL;

    while ((device = block_device_next(device)))
        block_write_back(device);
}

static void serve(void *argument)
{
    struct service *service = argument;
    struct work work;

    for (;;) {
        wait_event(&service->waiting, take(service, &work), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
        if (work.job)
            work.job->work(work.job);
        if (work.write_back)
            write_back_all();
        finish(service, &work);
        if (work.disk)
            block_disk_release(work.disk);
    }
}

/* ---- what a disk may want ---- */

static void scan(struct block_job *job)
{
    __atomic_store_n(&job->disk->scan_error, block_partitions_scan(job->disk), __ATOMIC_RELAXED);
}

static void read_labels(struct block_job *job)
{
    block_labels_read(job->disk);
}

static void recover(struct block_job *job)
{
    block_requests_recover(job->disk);
}

void block_service_begin(struct block_disk *disk)
{
    disk->scan = (struct block_job){.disk = disk, .work = scan};
    disk->labels = (struct block_job){.disk = disk, .work = read_labels};
    disk->recovery = (struct block_job){.disk = disk, .work = recover};
}

static bool is_idle(void)
{
    bool enabled = spinlock_acquire_save(&service_lock);
    bool idle = STAILQ_EMPTY(&scanner.jobs) && !scanner.busy;

    spinlock_release_restore(&service_lock, enabled);
    return idle;
}

void storage_settle(uint64_t patience)
{
    wait_event(&scanner.done, is_idle(), THREAD_UNINTERRUPTIBLE, clock_now() + patience);
}

static int start(struct service *service, const char *name)
{
    STAILQ_INIT(&service->jobs);
    wait_queue_initialize(&service->waiting);
    wait_queue_initialize(&service->done);
    return worker_start(&service->worker, name, serve, service);
}

int block_service_start(void)
{
    timer_initialize(&write_back_timer, write_back_due);
    int error = start(&scanner, "disks");
    return error ? error : start(&recoverer, "disk-recovery");
}
