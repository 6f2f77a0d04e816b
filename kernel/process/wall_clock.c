#include "process/wall_clock.h"

static struct spinlock watches_lock = SPINLOCK_RANKED(LOCK_WALL_CLOCK);
static LIST_HEAD(, wall_clock_watch) watches; /* watches_lock */
static uint64_t settings;                     /* atomic */

struct wait_queue wall_clock_sleepers = {
    .lock = SPINLOCK_RANKED(LOCK_WAIT_QUEUE),
    .entries = TAILQ_HEAD_INITIALIZER(wall_clock_sleepers.entries),
};

uint64_t wall_clock_settings(void)
{
    return __atomic_load_n(&settings, __ATOMIC_SEQ_CST);
}

void wall_clock_set(uint64_t nanoseconds)
{
    struct wall_clock_watch *watch;

    clock_wall_set(nanoseconds);
    __atomic_add_fetch(&settings, 1, __ATOMIC_SEQ_CST);
    bool enabled = spinlock_acquire_save(&watches_lock);
    LIST_FOREACH(watch, &watches, link)
    timer_arm(watch->timer, clock_now());
    spinlock_release_restore(&watches_lock, enabled);
    wait_queue_wake(&wall_clock_sleepers);
}

void wall_clock_watch(struct wall_clock_watch *watch, struct timer *timer)
{
    bool enabled = spinlock_acquire_save(&watches_lock);

    if (!watch->timer) {
        watch->timer = timer;
        LIST_INSERT_HEAD(&watches, watch, link);
    }
    spinlock_release_restore(&watches_lock, enabled);
}

void wall_clock_forget(struct wall_clock_watch *watch)
{
    bool enabled = spinlock_acquire_save(&watches_lock);

    if (watch->timer)
        LIST_REMOVE(watch, link);
    watch->timer = NULL;
    spinlock_release_restore(&watches_lock, enabled);
}
