/*
 * disk_io DISK MIB read|write: moves so much from or to the beginning of a disk, one MiB a call,
 * and to the medium in the end, between two marks of the plugin count.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1L << 20)

static char buffer[MIB];

static inline void mark(void)
{
    __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t"
                     ".long 0x5ba7c0de" ::
                         : "memory");
}

/* The next mark begins a section, whatever init marked before. */
static inline void mark_group(void)
{
    __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t"
                     ".long 0x5ba7c0df");
}

/* 0, or the call that failed. */
static const char *move(int file, long mib, int writes)
{
    for (long i = 0; i < mib; i++) {
        if (!writes && read(file, buffer, MIB) != MIB)
            return "read";
        if (writes && write(file, buffer, MIB) != MIB)
            return "write";
    }
    return writes && fsync(file) ? "fsync" : NULL;
}

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    int writes = strcmp(arguments[3], "write") == 0;
    int file = open(arguments[1], writes ? O_WRONLY : O_RDONLY);
    if (file < 0) {
        perror(arguments[1]);
        return 1;
    }
    memset(buffer, 'x', sizeof(buffer));
    mark_group();
    mark();
    const char *failed = move(file, atol(arguments[2]), writes);
    mark();
    if (failed)
        perror(failed);
    return failed ? 1 : 0;
}
