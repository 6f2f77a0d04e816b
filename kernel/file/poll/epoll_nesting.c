/*
 * epoll_nesting.c: epoll instances that watch each other. An event of a file goes up to every
 * instance that watches it, from there to those that watch these, and so on, with spinlocks held
 * and interrupts off: so they may nest neither in a ring nor deep, and the ways up from one file
 * are counted. Linux draws the line at the same numbers.
 *
 * A check looks at each instance and each file once: what it found is kept there with the check's
 * number. What it walks is as long as there are items (their number has a limit a user), and
 * everybody's watches wait for watch_mutex: so a check leaves it to others now and then. If they
 * changed what was looked at, it begins again. nesting_mutex sees to it that meanwhile nobody adds
 * what has to be checked, and that not many checks wait for each other before others' watches.
 */
#include <asm/errno.h>

#include "file/poll/epoll.h"
#include "thread/preemption.h"

/* How many ways may lead from a file through so many instances to one that nobody watches; any
   number may watch it directly. */
static const unsigned ways_allowed[NESTING_MAXIMUM] = {UINT32_MAX, 500, 100, 50, 10};
/* …from a file that has few_ways. */
static const unsigned ways_few[NESTING_MAXIMUM] = {UINT32_MAX, 8, 4, 2, 1};

/* The item that is to be added: it counts as if it were there. */
struct candidate {
    struct epoll *epoll;
    const struct file *file;
};

#define LOOKED_AT_ONCE 256 /* items, before others may have watch_mutex */
#define TRIES_MAXIMUM  10  /* then no change can come between */

/* watch_mutex guards these, and nesting_mutex has it that they are one check's. */
static uint64_t check;        /* its number */
static unsigned items_looked; /* at since others could have watch_mutex */
static bool pauses;           /* others may have it */
static bool overtaken;        /* something that was looked at has changed: the check is void */
static struct candidate candidate;

/* ---- a check ---- */

void epoll_nesting_changed(const struct epoll *epoll, const struct file *file)
{
    const struct epoll *inner = epoll_of_file(file);

    if (epoll->looked_at == check || file->watch_check == check ||
        (inner && inner->looked_at == check))
        overtaken = true;
}

static void check_begin(unsigned tries)
{
    check++;
    items_looked = 0;
    pauses = tries < TRIES_MAXIMUM;
    overtaken = false;
}

/* After each item. False: what the caller holds may be gone. */
static bool check_goes_on(void)
{
    if (overtaken || ++items_looked < LOOKED_AT_ONCE)
        return !overtaken;
    items_looked = 0;
    if (pauses)
        mutex_release(&epoll_watch_mutex);
    thread_preemption_point();
    if (pauses)
        mutex_acquire(&epoll_watch_mutex);
    return !overtaken;
}

/* ---- rings and depth ---- */

/* How many instances lie below this one in a row; NESTING_MAXIMUM: too many, or `forbidden`. */
static unsigned depth_below(struct epoll *epoll, const struct epoll *forbidden, unsigned level)
{
    struct epoll_item *item;

    if (epoll == forbidden || level >= NESTING_MAXIMUM)
        return NESTING_MAXIMUM;
    if (epoll->checked_below == check)
        return epoll->depth;
    epoll->looked_at = check;
    epoll->depth = 0;
    RB_FOREACH(item, epoll_items, &epoll->items)
    {
        struct epoll *inner = epoll_of_file(item->file);
        unsigned depth = inner ? 1 + depth_below(inner, forbidden, level + 1) : 0;
        if (depth >= NESTING_MAXIMUM || !check_goes_on())
            return NESTING_MAXIMUM;
        if (depth > epoll->depth)
            epoll->depth = depth;
    }
    epoll->checked_below = check;
    return epoll->depth;
}

static void ways_add_through(unsigned ways[NESTING_MAXIMUM], const struct epoll *outer)
{
    for (unsigned i = 1; i < NESTING_MAXIMUM; i++)
        if (ways[i] <= ways_allowed[i])
            ways[i] += outer->ways[i - 1];
}

/* Fills in epoll->ways. */
static void ways_count(struct epoll *epoll)
{
    struct epoll_item *item;
    bool is_candidate = epoll->file == candidate.file;
    unsigned ways[NESTING_MAXIMUM] = {!is_candidate && LIST_EMPTY(&epoll->file->watchers)};

    if (epoll->checked_above == check)
        return;
    epoll->looked_at = check;
    LIST_FOREACH(item, &epoll->file->watchers, watch_link)
    {
        ways_count(item->epoll);
        if (!check_goes_on())
            return;
        ways_add_through(ways, item->epoll);
    }
    if (is_candidate) {
        ways_count(candidate.epoll);
        if (overtaken)
            return;
        ways_add_through(ways, candidate.epoll);
    }
    for (unsigned i = 0; i < NESTING_MAXIMUM; i++)
        epoll->ways[i] = ways[i];
    epoll->checked_above = check;
}

/* How many instances lie above this one in a row. */
static unsigned height_above(struct epoll *epoll)
{
    unsigned height = NESTING_MAXIMUM - 1;

    ways_count(epoll);
    while (height && !epoll->ways[height])
        height--;
    return height;
}

int epoll_nesting_check(struct epoll *epoll, struct file *file)
{
    struct epoll *inner = epoll_of_file(file);
    unsigned instances, tries = 0;

    if (!inner)
        return 0;
    candidate = (struct candidate){0};
    do {
        check_begin(tries++);
        instances = depth_below(inner, epoll, 1) + 2;
        if (!overtaken)
            instances += height_above(epoll);
    } while (overtaken);
    return instances > NESTING_MAXIMUM ? -ELOOP : 0;
}

/* ---- ways up ---- */

/* Adds those that begin at this instance. False: more than are allowed for the file. */
static bool ways_add_from(unsigned ways[NESTING_MAXIMUM], const struct epoll *epoll,
                          const struct file *file)
{
    const unsigned *allowed = file->operations->few_ways ? ways_few : ways_allowed;

    for (unsigned i = 1; i < NESTING_MAXIMUM; i++) {
        ways[i] += epoll->ways[i];
        if (ways[i] > allowed[i])
            return false;
    }
    return true;
}

/* Do more ways lead up from the file than are allowed? Looked at once a check. */
static bool file_has_many_ways(struct file *file)
{
    struct epoll_item *item;
    unsigned ways[NESTING_MAXIMUM] = {0};

    if (file->watch_check == check)
        return false;
    file->watch_check = check;
    LIST_FOREACH(item, &file->watchers, watch_link)
    {
        ways_count(item->epoll);
        if (!check_goes_on() || !ways_add_from(ways, item->epoll, file))
            return true;
    }
    if (file != candidate.file)
        return false;
    ways_count(candidate.epoll);
    return !ways_add_from(ways, candidate.epoll, file);
}

/* The same for any file below this instance. */
static bool files_have_many_ways(struct epoll *epoll)
{
    struct epoll_item *item;

    if (epoll->checked_files == check)
        return false;
    epoll->checked_files = epoll->looked_at = check;
    RB_FOREACH(item, epoll_items, &epoll->items)
    {
        struct epoll *inner = epoll_of_file(item->file);
        if ((inner ? files_have_many_ways(inner) : file_has_many_ways(item->file)) ||
            !check_goes_on())
            return true;
    }
    return false;
}

int epoll_ways_check(struct epoll *epoll, struct file *file)
{
    struct epoll *inner = epoll_of_file(file);
    unsigned tries = 0;
    bool many;

    if (!inner && LIST_EMPTY(&epoll->file->watchers))
        return 0;
#ifdef MUTATION_EPOLL_WAYS /* the fuzzer of system calls has to notice: scripts/test mutation */
    return 0;
#endif
    candidate = (struct candidate){epoll, file};
    do {
        check_begin(tries++);
        many = inner ? files_have_many_ways(inner) : file_has_many_ways(file);
    } while (overtaken);
    return many ? -EINVAL : 0;
}
