/*
 * limits.c: what each user may hold, as an administrator sees and changes it: /proc/sys/fs
 * (pipe(7), "/proc files"; epoll(7), "/proc interfaces").
 */
#include <asm/errno.h>

#include "file/user_limits.h"
#include "library/string.h"
#include "proc/proc.h"

static int limit_show(const uint64_t *limit, uint64_t unit, struct text *text)
{
    text_print(text, "%lu\n", __atomic_load_n(limit, __ATOMIC_RELAXED) * unit);
    return 0;
}

static int limit_store(uint64_t *limit, const char *bytes)
{
    int64_t number;
    int error = proc_setting_parse(bytes, 0, UINT32_MAX, &number);

    if (!error)
        __atomic_store_n(limit, (uint64_t)number, __ATOMIC_RELAXED);
    return error;
}

/* A file that shows a limit, and sets it. */
#define LIMIT(name, limit)                                                                         \
    static int name##_show(const struct pseudo_key *key, struct text *text)                        \
    {                                                                                              \
        (void)key;                                                                                 \
        return limit_show(limit, 1, text);                                                         \
    }                                                                                              \
    static int name##_store(const struct pseudo_key *key, const char *bytes, size_t size)          \
    {                                                                                              \
        (void)key;                                                                                 \
        (void)size;                                                                                \
        return limit_store(limit, bytes);                                                          \
    }
LIMIT(pipe_soft, &pipe_limits.user_pages_soft)
LIMIT(pipe_hard, &pipe_limits.user_pages_hard)
LIMIT(watches, &epoll_watches_maximum)

static int pipe_size_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    return limit_show(&pipe_limits.pages, PAGE_SIZE, text);
}

/* Rounded up to a power of two, of a page at least; more than 2 GiB is none. */
static int pipe_size_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    uint64_t pages = 1;
    int64_t number;

    (void)key;
    (void)size;
    int error = proc_setting_parse(bytes, 0, 1L << 31, &number);
    if (error)
        return error;
    while (pages * PAGE_SIZE < (uint64_t)number)
        pages *= 2;
    __atomic_store_n(&pipe_limits.pages, pages, __ATOMIC_RELAXED);
    return 0;
}

#define LIMIT_NODE(file, function)                                                                 \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0644, .show = function##_show, .store = function##_store \
    }
static struct pseudo_node epoll_files[] = {
    LIMIT_NODE("max_user_watches", watches),
};
static struct pseudo_node limit_files[] = {
    {.name = "epoll",
     .mode = S_IFDIR | 0555,
     .children = epoll_files,
     .child_count = array_length(epoll_files)},
    LIMIT_NODE("pipe-max-size", pipe_size),
    LIMIT_NODE("pipe-user-pages-hard", pipe_hard),
    LIMIT_NODE("pipe-user-pages-soft", pipe_soft),
};

void proc_limits_add(struct pseudo_node *sys_fs)
{
    pseudo_add(sys_fs, limit_files, array_length(limit_files));
}
