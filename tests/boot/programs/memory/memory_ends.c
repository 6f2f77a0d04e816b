/*
 * memory_ends: a program that takes all memory is ended by SIGKILL or gets ENOMEM; everything else
 * goes on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "children.h"
#include "tap.h"

#define PAGE 4096UL
#define LOT  (16UL << 20)

/* Touches anonymous memory without end. */
static void eat(int flags)
{
    for (;;) {
        char *p = mmap(NULL, LOT, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            _exit(errno == ENOMEM ? 12 : 1);
        for (size_t i = 0; i < LOT; i += PAGE)
            p[i] = 1;
    }
}

static bool ended_by_rule(int status)
{
    if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
        (WIFEXITED(status) && WEXITSTATUS(status) == 12))
        return true;
    tap_note("status %#x", status);
    return false;
}

int main(void)
{
    /* What has to live through it: memory that is known, and a child that waits. */
    enum { OWN = 1000 };
    char *own = mmap(NULL, OWN * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < OWN; i++)
        own[i * PAGE] = (char)i;
    int channel[2];
    if (pipe(channel))
        return 1;
    pid_t witness = fork();
    if (witness == 0) {
        char byte;
        close(channel[1]);
        _exit(read(channel[0], &byte, 1) == 1 ? byte : 1);
    }

    static const struct {
        const char *name;
        int flags;
    } kinds[] = {{"private memory", MAP_PRIVATE}, {"shared memory", MAP_SHARED}};
    for (size_t i = 0; i < 2; i++) {
        for (int round = 0; round < 2; round++) {
            pid_t child = fork();
            if (child == 0)
                eat(kinds[i].flags);
            tap_ok(ended_by_rule(status_of(child)), "who takes all %s is ended", kinds[i].name);
        }
    }

    /* Several at once. */
    pid_t eaters[4];
    for (size_t i = 0; i < 4; i++) {
        eaters[i] = fork();
        if (eaters[i] == 0)
            eat(MAP_PRIVATE);
    }
    bool ended = true;
    for (size_t i = 0; i < 4; i++)
        ended = ended_by_rule(status_of(eaters[i])) && ended;
    tap_ok(ended, "four at once are ended");

    /* A file without end. */
    pid_t writer = fork();
    if (writer == 0) {
        static char lot[1 << 16];
        int file = open("/tmp/memory_ends", O_CREAT | O_WRONLY | O_TRUNC, 0600);
        ssize_t count;
        while ((count = write(file, lot, sizeof(lot))) > 0)
            ;
        int error = errno;
        unlink("/tmp/memory_ends");
        _exit(error == ENOMEM || error == ENOSPC ? 12 : 1);
    }
    tap_ok(ended_by_rule(status_of(writer)), "who writes a file without end is told so");

    bool intact = true;
    for (size_t i = 0; i < OWN; i++)
        intact = intact && own[i * PAGE] == (char)i;
    tap_ok(intact, "the memory of others is as it was");
    tap_ok(write(channel[1], "\7", 1) == 1 && status_of(witness) == 7 << 8,
           "a process that waited goes on");
    tap_ok(system("true") == 0, "new programs start");
    return tap_done();
}
