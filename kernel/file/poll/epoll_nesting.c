/*
 * epoll_nesting.c: epoll instances that watch each other. An event of a file goes up to every
 * instance that watches it, from there to those that watch these, and so on, with spinlocks held
 * and interrupts off: so they may nest neither in a ring nor deep, and the ways up from one file
 * are counted. Linux draws the line at the same numbers.
 *
 * A check looks at each instance and each file once: what it found is kept there with the check's
 * number. What it walks is as long as there are items (their number has a limit a user).
 */
#include <asm/errno.h>

#include "file/poll/epoll.h"

/* How many ways may lead from a file through so many instances to one that nobody watches; any
   number may watch it directly. */
static const unsigned ways_allowed[NESTING_MAXIMUM] = {UINT32_MAX, 500, 100, 50, 10};

static uint64_t check; /* its number; watch_mutex */

/* ---- rings and depth ---- */

/* How many instances lie below this one in a row; NESTING_MAXIMUM: too many, or `forbidden`. */
static unsigned depth_below(struct epoll *epoll, const struct epoll *forbidden, unsigned level)
{
    struct epoll_item *item;

    if (epoll == forbidden || level >= NESTING_MAXIMUM)
        return NESTING_MAXIMUM;
    if (epoll->checked_below == check)
        return epoll->depth;
    epoll->depth = 0;
    RB_FOREACH(item, epoll_items, &epoll->items)
    {
        struct epoll *inner = epoll_of_file(item->file);
        unsigned depth = inner ? 1 + depth_below(inner, forbidden, level + 1) : 0;
        if (depth >= NESTING_MAXIMUM)
            return NESTING_MAXIMUM;
        if (depth > epoll->depth)
            epoll->depth = depth;
        thread_preemption_point();
    }
    epoll->checked_below = check;
    return epoll->depth;
}

/* Fills in epoll->ways. */
static void ways_count(struct epoll *epoll)
{
    struct epoll_item *item;
    unsigned ways[NESTING_MAXIMUM] = {LIST_EMPTY(&epoll->file->watchers)};

    if (epoll->checked_above == check)
        return;
    LIST_FOREACH(item, &epoll->file->watchers, watch_link)
    {
        ways_count(item->epoll);
        for (unsigned i = 1; i < NESTING_MAXIMUM; i++)
            if (ways[i] <= ways_allowed[i])
                ways[i] += item->epoll->ways[i - 1];
        thread_preemption_point();
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

    if (!inner)
        return 0;
    check++;
    unsigned instances = depth_below(inner, epoll, 1) + 2 + height_above(epoll);
    return instances > NESTING_MAXIMUM ? -ELOOP : 0;
}

/* ---- ways up ---- */

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
        for (unsigned i = 1; i < NESTING_MAXIMUM; i++) {
            ways[i] += item->epoll->ways[i];
            if (ways[i] > ways_allowed[i])
                return true;
        }
        thread_preemption_point();
    }
    return false;
}

/* The same for any file below this instance. */
static bool files_have_many_ways(struct epoll *epoll)
{
    struct epoll_item *item;

    if (epoll->checked_files == check)
        return false;
    epoll->checked_files = check;
    RB_FOREACH(item, epoll_items, &epoll->items)
    {
        struct epoll *inner = epoll_of_file(item->file);
        if (inner ? files_have_many_ways(inner) : file_has_many_ways(item->file))
            return true;
        thread_preemption_point();
    }
    return false;
}

int epoll_ways_check(struct epoll *epoll, struct file *file)
{
    struct epoll *inner = epoll_of_file(file);

    if (!inner && LIST_EMPTY(&epoll->file->watchers))
        return 0;
#ifdef MUTATION_EPOLL_WAYS /* the fuzzer of system calls has to notice: scripts/test mutation */
    return 0;
#endif
    check++;
    return (inner ? files_have_many_ways(inner) : file_has_many_ways(file)) ? -EINVAL : 0;
}
