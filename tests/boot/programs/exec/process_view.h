/*
 * process_view.h: all that a process can find out about itself, written down, so that two looks at
 * it can be compared: every byte of memory it can read, its threads, descriptors, signals, timers,
 * what /proc shows of it, and, on Baton, the kernel's counts.
 *
 * Looking must not change what is looked at. So it makes its system calls itself (errno stays as it
 * is), and what it writes is left out of the sums: the notebook, which holds the views, and the
 * part of the looking thread's stack that was not in use when view_begin() was called. Left out
 * are also [vvar], in which the kernel tells the time, and counts of switches.
 */
#ifndef BATON_TEST_PROCESS_VIEW_H
#define BATON_TEST_PROCESS_VIEW_H

#include <asm/prctl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "raw_call.h"

enum { VIEW_PARTS = 96, VIEW_BYTES = 1 << 17, VIEW_TEXT = 1 << 15, VIEW_DESCRIPTORS = 32 };

struct view_part {
    char name[40];
    size_t end; /* of its bytes; they begin where those of the part before end */
};

struct view {
    size_t part_count;
    struct view_part parts[VIEW_PARTS];
    size_t used;
    char bytes[VIEW_BYTES];
};

/* What is left out of the sums. Its maker maps it and keeps nothing else beside it in a page. */
struct view_notebook {
    uintptr_t stack_used; /* from here up the looking thread's stack is looked at */
    size_t size;          /* of the whole mapping that begins with this structure */
    char text[VIEW_TEXT], line[1024];
    struct view before, after;
};

/* ---- writing down ---- */

static inline void view_add(struct view *view, const void *bytes, size_t size)
{
    if (size > VIEW_BYTES - view->used)
        size = VIEW_BYTES - view->used;
    memcpy(view->bytes + view->used, bytes, size);
    view->used += size;
}

__attribute__((format(printf, 2, 3))) static inline void view_print(struct view *view,
                                                                    const char *format, ...)
{
    va_list arguments;
    size_t room = VIEW_BYTES - view->used;

    va_start(arguments, format);
    int size = vsnprintf(view->bytes + view->used, room, format, arguments);
    va_end(arguments);
    view->used += (size_t)size < room ? (size_t)size : room;
}

/* What was written since the last part is this one. */
static inline void view_end_part(struct view *view, const char *name)
{
    if (view->part_count == VIEW_PARTS)
        return;
    struct view_part *part = &view->parts[view->part_count++];
    snprintf(part->name, sizeof(part->name), "%s", name);
    part->end = view->used;
}

/* A small file, with a NUL behind it, in the notebook's text. Its size, or -errno. */
static inline long view_read_file(struct view_notebook *notebook, const char *path)
{
    long file = raw_call(SYS_open, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    long count = 0, used = 0;

    if (file < 0)
        return file;
    while (used < VIEW_TEXT - 1 && (count = raw_call(SYS_read, file, (long)(notebook->text + used),
                                                     VIEW_TEXT - 1 - used, 0, 0)) > 0)
        used += count;
    raw_call(SYS_close, file, 0, 0, 0, 0);
    notebook->text[used] = '\0';
    return count < 0 ? count : used;
}

static inline void view_file(struct view_notebook *notebook, struct view *view, const char *path)
{
    long size = view_read_file(notebook, path);

    if (size < 0)
        view_print(view, "error %ld\n", -size);
    else
        view_add(view, notebook->text, size);
    view_end_part(view, path);
}

static inline void view_link(struct view_notebook *notebook, struct view *view, const char *path)
{
    view_print(view, "%s: ", path);
    long size =
        raw_call(SYS_readlink, (long)path, (long)notebook->line, sizeof(notebook->line), 0, 0);
    if (size < 0)
        view_print(view, "error %ld", -size);
    else
        view_add(view, notebook->line, size);
    view_print(view, "\n");
}

/* ---- memory ---- */

/* Of the words in [start, end), both multiples of their size; FNV-1a, a word at a time. */
static inline uint64_t view_sum(uint64_t sum, uintptr_t start, uintptr_t end)
{
    for (const volatile uint64_t *word = (void *)start; word < (const uint64_t *)end; word++)
        sum = (sum ^ *word) * UINT64_C(1099511628211);
    return sum;
}

static inline void view_region(const struct view_notebook *notebook, struct view *view,
                               uintptr_t start, uintptr_t end)
{
    uintptr_t notes = (uintptr_t)notebook, used = notebook->stack_used;
    uint64_t sum = UINT64_C(14695981039346656037);

    if (start <= used && used < end)
        start = used;
    if (notes >= start && notes < end) {
        sum = view_sum(sum, start, notes);
        start = notes + notebook->size;
    }
    view_print(view, "%lx-%lx %016lx\n", start, end, view_sum(sum, start, end));
}

static inline void view_memory(struct view_notebook *notebook, struct view *view)
{
    view_read_file(notebook, "/proc/self/maps");
    for (char *line = notebook->text, *next; *line; line = next) {
        char *behind;
        uintptr_t start = strtoul(line, &behind, 16);
        uintptr_t end = strtoul(behind + 1, &behind, 16);
        next = strchrnul(line, '\n');
        char *clock = strstr(line, "[v"); /* [vvar], [vsyscall]; [vdso] is looked at */
        if (behind[1] == 'r' && !(clock && clock < next && strncmp(clock, "[vdso]", 6) != 0))
            view_region(notebook, view, start, end);
        next += *next != '\0';
    }
    view_end_part(view, "memory");
}

/* ---- the rest ---- */

/* The lines of a status file, but for those that count what happens all the time. */
static inline void view_status(struct view_notebook *notebook, struct view *view, const char *path)
{
    long size = view_read_file(notebook, path);

    if (size < 0)
        view_print(view, "error %ld\n", -size);
    for (char *line = notebook->text, *next; size >= 0 && *line; line = next) {
        next = strchrnul(line, '\n');
        next += *next != '\0';
        if (!strstr(line, "ctxt_switches:") || strstr(line, "ctxt_switches:") > next)
            view_add(view, line, next - line);
    }
    view_end_part(view, path);
}

static inline void view_threads(struct view_notebook *notebook, struct view *view)
{
    struct {
        uint64_t inode, offset;
        uint16_t size;
        uint8_t type;
        char name[];
    } * entry;
    static const char *const files[] = {"status", "comm"};
    char names[2048], path[64];

    long folder = raw_call(SYS_open, (long)"/proc/self/task", O_RDONLY | O_DIRECTORY, 0, 0, 0);
    long size = raw_call(SYS_getdents64, folder, (long)names, sizeof(names), 0, 0);
    raw_call(SYS_close, folder, 0, 0, 0, 0);
    for (long at = 0; at < size; at += entry->size) {
        entry = (void *)(names + at);
        for (size_t i = 0; i < 2 && entry->name[0] != '.'; i++) {
            snprintf(path, sizeof(path), "/proc/self/task/%s/%s", entry->name, files[i]);
            view_status(notebook, view, path);
        }
    }
    view_print(view, "%ld bytes of names\n", size);
    view_end_part(view, "threads");
}

static inline void view_descriptors(struct view_notebook *notebook, struct view *view)
{
    char path[64];

    for (long number = 0; number < VIEW_DESCRIPTORS; number++) {
        int waiting = 0;
        long flags = raw_call(SYS_fcntl, number, F_GETFD, 0, 0, 0);
        if (flags < 0)
            continue;
        raw_call(SYS_ioctl, number, FIONREAD, (long)&waiting, 0, 0);
        view_print(view, "%ld flags %lx status %lx offset %ld readable %d\n", number, flags,
                   raw_call(SYS_fcntl, number, F_GETFL, 0, 0, 0),
                   raw_call(SYS_lseek, number, 0, SEEK_CUR, 0, 0), waiting);
        snprintf(path, sizeof(path), "/proc/self/fd/%ld", number);
        view_link(notebook, view, path);
    }
    view_end_part(view, "descriptors");
}

static inline void view_signals(struct view *view)
{
    uint64_t words[4];
    stack_t stack;

    for (long number = 1; number <= 64; number++) {
        memset(words, 0, sizeof(words));
        long error = raw_call(SYS_rt_sigaction, number, 0, (long)words, 8, 0);
        view_print(view, "%ld: %ld %lx %lx %lx %lx\n", number, error, words[0], words[1], words[2],
                   words[3]);
    }
    view_end_part(view, "signal actions");
    raw_call(SYS_rt_sigprocmask, 0, 0, (long)&words[0], 8, 0);
    raw_call(SYS_rt_sigpending, (long)&words[1], 8, 0, 0, 0);
    memset(&stack, 0, sizeof(stack));
    raw_call(SYS_sigaltstack, 0, (long)&stack, 0, 0, 0);
    view_print(view, "blocked %lx pending %lx stack %p %x %zx\n", words[0], words[1], stack.ss_sp,
               stack.ss_flags, stack.ss_size);
    view_end_part(view, "signal masks");
}

/* Whether they run, and how often they come; not how long it still takes. */
static inline void view_timers(struct view *view)
{
    struct itimerval interval;
    struct itimerspec timer;

    for (long which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        raw_call(SYS_getitimer, which, (long)&interval, 0, 0, 0);
        view_print(view, "itimer %ld: %s every %ld\n", which,
                   interval.it_value.tv_sec ? "runs" : "does not run", interval.it_interval.tv_sec);
    }
    for (long id = 0; id < 4; id++) {
        memset(&timer, 0, sizeof(timer));
        long error = raw_call(SYS_timer_gettime, id, (long)&timer, 0, 0, 0);
        view_print(view, "timer %ld: %ld %s every %ld overrun %ld\n", id, error,
                   timer.it_value.tv_sec ? "runs" : "does not run", timer.it_interval.tv_sec,
                   raw_call(SYS_timer_getoverrun, id, 0, 0, 0, 0));
    }
    view_end_part(view, "timers");
}

static inline void view_attributes(struct view *view)
{
    static const long calls[] = {SYS_getpid,  SYS_gettid,  SYS_getppid,
                                 SYS_getpgrp, SYS_getuid,  SYS_geteuid,
                                 SYS_getgid,  SYS_getegid, SYS_sched_getscheduler};
    static const long options[] = {PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_GET_KEEPCAPS,
                                   PR_GET_TIMERSLACK};
    uint64_t words[4] = {0};
    struct rlimit limit;
    uint32_t control = 0;
    uint16_t x87_control = 0;

    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        view_print(view, "%ld ", raw_call(calls[i], 0, 0, 0, 0, 0));
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        view_print(view, "%ld ", raw_call(SYS_prctl, options[i], 0, 0, 0, 0));
    for (long which = 0; which < 16; which++) {
        raw_call(SYS_prlimit64, 0, which, 0, (long)&limit, 0);
        view_print(view, "%llx/%llx ", limit.rlim_cur, limit.rlim_max);
    }
    raw_call(SYS_arch_prctl, ARCH_GET_FS, (long)&words[0], 0, 0, 0);
    raw_call(SYS_get_robust_list, 0, (long)&words[1], (long)&words[2], 0, 0);
    raw_call(SYS_sched_getaffinity, 0, 8, (long)&words[3], 0, 0);
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(control), "=m"(x87_control));
    view_print(view,
               "fs %lx robust %lx %lx cpus %lx mxcsr %x x87 %x priority %ld personality %lx\n",
               words[0], words[1], words[2], words[3], control, x87_control,
               raw_call(SYS_getpriority, PRIO_PROCESS, 0, 0, 0, 0),
               raw_call(SYS_personality, 0xffffffff, 0, 0, 0, 0));
    view_end_part(view, "attributes");
}

static inline void view_proc(struct view_notebook *notebook, struct view *view)
{
    static const char *const files[] = {
        "/proc/self/cmdline", "/proc/self/environ", "/proc/self/auxv",
        "/proc/self/maps",    "/proc/self/comm",    "/proc/self/limits",
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        view_file(notebook, view, files[i]);
    view_link(notebook, view, "/proc/self/exe");
    view_link(notebook, view, "/proc/self/cwd");
    view_link(notebook, view, "/proc/self/root");
    view_end_part(view, "links in /proc/self");
}

/* From here on the calling function's own variables and what it calls are left out of the sums. */
#define view_begin(notebook)                                                                       \
    ((notebook)->stack_used = (uintptr_t)__builtin_frame_address(0) & ~UINT64_C(7))

/* Looks. The kernel's counts come first, before anything else could change them. */
static inline void view_take(struct view_notebook *notebook, struct view *view)
{
    view->part_count = view->used = 0;
    if (raw_call(SYS_access, (long)"/proc/baton/frames", F_OK, 0, 0, 0) == 0) {
        view_file(notebook, view, "/proc/baton/frames");
        view_file(notebook, view, "/proc/baton/objects");
    }
    view_memory(notebook, view);
    view_threads(notebook, view);
    view_descriptors(notebook, view);
    view_signals(view);
    view_timers(view);
    view_attributes(view);
    view_proc(notebook, view);
}

/* The line of `text` in [from, end) that holds the byte `at`. */
static inline int view_line(const char *text, size_t from, size_t at, size_t end, const char **line)
{
    size_t start = at, behind = at;

    while (start > from && text[start - 1] != '\n')
        start--;
    while (behind < end && text[behind] != '\n')
        behind++;
    *line = text + start;
    return behind - start < 200 ? (int)(behind - start) : 200;
}

/* Whether both looks saw the same; else `difference` tells the first thing they did not. */
static inline bool view_equal(const struct view *before, const struct view *after, char *difference,
                              size_t size)
{
    for (size_t i = 0, start = 0, start_after = 0; i < before->part_count; i++) {
        const struct view_part *part = &before->parts[i], *part_after = &after->parts[i];
        size_t length = part->end - start, length_after = part_after->end - start_after, at = 0;
        while (at < length && at < length_after &&
               before->bytes[start + at] == after->bytes[start_after + at])
            at++;
        if (i >= after->part_count || strcmp(part->name, part_after->name) != 0 || at < length ||
            at < length_after) {
            const char *line, *line_after;
            int width = view_line(before->bytes, start, start + at, part->end, &line);
            int width_after = view_line(after->bytes, start_after, start_after + at,
                                        part_after->end, &line_after);
            snprintf(difference, size, "%s: %.*s | %.*s", part->name, width, line, width_after,
                     line_after);
            return false;
        }
        start = part->end;
        start_after = part_after->end;
    }
    return before->part_count == after->part_count;
}

#endif
