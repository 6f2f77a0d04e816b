/* proc_baton.h: what a test reads in /proc/baton (kernel/proc/baton.c). */
#ifndef BATON_TEST_PROC_BATON_H
#define BATON_TEST_PROC_BATON_H

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/* Whether this kernel is Baton. */
static inline bool baton_is_here(void)
{
    return access("/proc/baton/frames", F_OK) == 0;
}

/* Reads a small file whole, with a NUL behind it; -1 on error. */
static inline ssize_t file_text(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t count = -1;

    if (file < 0)
        return -1;
    while (used < size - 1 && (count = read(file, text + used, size - 1 - used)) > 0)
        used += count;
    close(file);
    text[used] = '\0';
    return count < 0 ? -1 : (ssize_t)used;
}

/*
 * All that is counted: frames, objects, the kernel's heap by size. It takes pages of `text` only;
 * touch them before the first time. What is behind the last line is filled with NULs.
 */
static inline void baton_counts(char *text, size_t size)
{
    static const char *const files[] = {"/proc/baton/frames", "/proc/baton/objects",
                                        "/proc/baton/heap"};
    size_t used = 0;

    memset(text, 0, size);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        ssize_t count = file_text(files[i], text + used, size - used);
        used += count > 0 ? (size_t)count : 0;
    }
}

/* The same once what was reported so far has been read, and nobody else is busy: what is on its way
   is in a pipe, and counted. A pipe may keep a page that was read: then it is enough that nothing
   changes for a while. Gives up after some seconds. */
static inline void baton_counts_quiet(char *text, size_t size)
{
    static char again[4096];
    int same = 0;

    memset(again, 1, sizeof(again)); /* touches the pages */
    for (int tries = 0; tries < 100 && same < 5; tries++) {
        baton_counts(text, size);
        nanosleep(&(struct timespec){0, 50000000}, NULL);
        baton_counts(again, size);
        same = strcmp(text, again) == 0 ? same + 1 : 0;
        if (same && strstr(text, "pipe 0\n"))
            return;
    }
}

/* Frames, and objects, when nothing of this program is on its way any more: no signal waits, and
 * what was reported so far has left its pipe. Elsewhere two empty texts. */
static inline void baton_counts_at_rest(char counts[2][4096])
{
    static const char *const files[] = {"/proc/baton/frames", "/proc/baton/objects"};
    struct timespec at_once = {0, 0};
    sigset_t all;

    sigfillset(&all);
    while (sigtimedwait(&all, NULL, &at_once) > 0)
        ;
    usleep(100000);
    for (size_t i = 0; i < 2; i++)
        if (file_text(files[i], counts[i], 4096) < 0)
            counts[i][0] = '\0';
}

/* Tells what is another count than before; the lines are the same ones. */
static inline void baton_counts_note(const char *before, const char *after)
{
    while (*before && *after) {
        size_t length = strcspn(before, "\n"), now = strcspn(after, "\n");
        if (length != now || strncmp(before, after, length) != 0)
            tap_note("before %.*s, after %.*s", (int)length, before, (int)now, after);
        before += length + (before[length] != '\0');
        after += now + (after[now] != '\0');
    }
}

/* Arms the calling thread; false where the kernel cannot (not Baton, or not a debug kernel). */
static inline bool baton_inject(const char *what)
{
    int file = open("/proc/baton/inject", O_WRONLY | O_CLOEXEC);
    bool done = file >= 0 && write(file, what, strlen(what)) == (ssize_t)strlen(what);

    if (file >= 0)
        close(file);
    return done;
}

/* Of the calling thread: its field, its address space's root, CR3, and its timer interrupts. */
struct baton_roots {
    uint64_t field;
    uint64_t space;
    uint64_t cr3;
    uint64_t ticks;
};

/* Reads them; false when a line for this thread is missing. */
static inline bool baton_roots_read(struct baton_roots *roots)
{
    static char text[1 << 16];
    unsigned long self = gettid();
    bool thread_found = false;
    bool cpu_found = false;

    if (file_text("/proc/baton/threads", text, sizeof(text)) < 0)
        return false;
    for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        unsigned long id;
        if (sscanf(line, "%lu %*s %" SCNx64 " %" SCNx64 " %" SCNu64, &id, &roots->field,
                   &roots->space, &roots->ticks) == 4 &&
            id == self) {
            thread_found = true;
            break;
        }
    }
    if (file_text("/proc/baton/cpus", text, sizeof(text)) < 0)
        return false;
    for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        unsigned long id;
        uint64_t cr3;
        if (sscanf(line, "%*u %" SCNx64 " %lu", &cr3, &id) == 2 && id == self) {
            roots->cr3 = cr3;
            cpu_found = true;
        }
    }
    return thread_found && cpu_found;
}

/* Whether any thread has this root, or any CPU holds it. */
static inline bool baton_root_in_use(uint64_t root)
{
    static char text[1 << 16];
    char wanted[20];

    snprintf(wanted, sizeof(wanted), "%016" PRIx64, root);
    return file_text("/proc/baton/threads", text, sizeof(text)) < 0 || strstr(text, wanted) ||
           file_text("/proc/baton/cpus", text, sizeof(text)) < 0 || strstr(text, wanted);
}

#endif
