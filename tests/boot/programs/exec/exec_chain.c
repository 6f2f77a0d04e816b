/*
 * exec_chain: 10,000 execs in a chain, each of the next. Afterwards every count of frames is what
 * it was after the tenth.
 */
#define _GNU_SOURCE
#include <sys/personality.h>
#include <tap.h>

#include "proc_baton.h"

#ifndef CHAIN_LENGTH
#define CHAIN_LENGTH 10000
#endif

enum { WARM = 10, LAST = CHAIN_LENGTH };

/* Made before the counting begins, and of one size: it must not disturb the counts. */
#define NOTES "/tmp/exec_chain"

static char counts[4096];
static char counts_before[4096];

static int end(void)
{
    int file = open(NOTES, O_RDONLY | O_CLOEXEC);
    bool read_back = read(file, counts_before, sizeof(counts_before)) == sizeof(counts_before);

    close(file);
    unlink(NOTES);
    tap_continue(2, 0, 0);
    tap_ok(true, "%d execs", LAST);
    if (!baton_is_here())
        tap_skip("this kernel is not Baton",
                 "every count of frames and objects is as after the tenth");
    else if (!tap_ok(read_back && strcmp(counts, counts_before) == 0,
                     "every count of frames and objects is as after the tenth"))
        baton_counts_note(counts_before, counts);
    return tap_done();
}

int main(int argc, char **argv)
{
    char number[16];
    char *arguments[] = {argv[0], number, NULL};
    int turn = argc > 1 ? atoi(argv[1]) : 0;

    if (turn == 0) {
        personality(ADDR_NO_RANDOMIZE); /* each image takes as many frames as the one before */
        int file = open(NOTES, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (write(file, counts, sizeof(counts)) != sizeof(counts))
            return 1;
        close(file);
        tap_plan(2);
    }
    if (turn == WARM || turn == LAST) {
        usleep(100000); /* what was reported so far has left its pipe */
        baton_counts(counts, sizeof(counts));
    }
    if (turn == WARM) {
        int file = open(NOTES, O_WRONLY | O_CLOEXEC);
        if (write(file, counts, sizeof(counts)) != sizeof(counts))
            return 1;
        close(file);
    }
    if (turn == LAST)
        return end();
    snprintf(number, sizeof(number), "%07d", turn + 1);
    execv(argv[0], arguments);
    tap_ok(false, "exec number %d: %s", turn + 1, strerror(errno));
    return 1;
}
