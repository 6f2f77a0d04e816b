#include "process/time/wall_clock.h"

static struct spinlock watches_lock = SPINLOCK_RANKED(LOCK_WALL_CLOCK);
/* Who was told of the latest setting is behind those who were not. watches_lock. */
static TAILQ_HEAD(, wall_clock_watch) watches = TAILQ_HEAD_INITIALIZER(watches);
static uint64_t settings; /* atomic */

struct wait_queue wall_clock_sleepers = {
    .lock = SPINLOCK_RANKED(LOCK_WAIT_QUEUE),
    .entries = TAILQ_HEAD_INITIALIZER(wall_clock_sleepers.entries),
};

uint64_t wall_clock_settings(void)
{
    return __atomic_load_n(&settings, __ATOMIC_SEQ_CST);
}

/* Tells so many at once: programs may have any number of timers. */
#define TOLD_AT_ONCE 64

/* False: all have been told. */
static bool tell_some(void)
{
    struct wall_clock_watch *watch;
    unsigned left = TOLD_AT_ONCE;
    bool enabled = spinlock_acquire_save(&watches_lock);

    while ((watch = TAILQ_FIRST(&watches)) && watch->told != settings && left) {
        TAILQ_REMOVE(&watches, watch, link);
        TAILQ_INSERT_TAIL(&watches, watch, link);
        watch->told = settings;
        timer_arm(watch->timer, clock_now());
        left--;
    }
    spinlock_release_restore(&watches_lock, enabled);
    return !left;
}

void wall_clock_set(uint64_t nanoseconds)
{
    clock_wall_set(nanoseconds);
    __atomic_add_fetch(&settings, 1, __ATOMIC_SEQ_CST);
    while (tell_some())
        ;
    wait_queue_wake(&wall_clock_sleepers);
}

void wall_clock_watch(struct wall_clock_watch *watch, struct timer *timer)
{
    bool enabled = spinlock_acquire_save(&watches_lock);

    if (!watch->timer) {
        watch->timer = timer;
        watch->told = settings;
        TAILQ_INSERT_TAIL(&watches, watch, link);
    }
    spinlock_release_restore(&watches_lock, enabled);
}

void wall_clock_forget(struct wall_clock_watch *watch)
{
    bool enabled = spinlock_acquire_save(&watches_lock);

    if (watch->timer)
        TAILQ_REMOVE(&watches, watch, link);
    watch->timer = NULL;
    spinlock_release_restore(&watches_lock, enabled);
}
