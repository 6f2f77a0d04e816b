/*
 * terminal COMMAND [ARG...]: runs a command on a pseudo-terminal of its own, of 24 lines and 80
 * columns. What comes on standard input (4096 bytes at most) is typed there, what is shown goes to
 * standard output. Its status is the command's, 128 and the signal's number if one ended it.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char typed[4096];
static ssize_t size, at;
static pid_t shell;
static bool ready; /* a job said so since the last control character */

/*
 * May the next byte be typed? A control character, which may be a signal, is for a job: not before
 * one is there and has shown "ready". What is behind it is for the shell, and not before that is
 * in the foreground again: it would be thrown away with what the job has not read.
 */
static bool may_type(int terminal)
{
    if (at >= size)
        return false;
    if (typed[at] < ' ' && typed[at] != '\n')
        return ready;
    return at == 0 || typed[at - 1] >= ' ' || typed[at - 1] == '\n' || tcgetpgrp(terminal) == shell;
}

static void look_for_ready(const char *shown, ssize_t count)
{
    static const char word[] = "ready";
    static size_t found;

    for (ssize_t i = 0; i < count; i++) {
        found = shown[i] == word[found] ? found + 1 : shown[i] == word[0];
        if (found == sizeof(word) - 1) {
            ready = true;
            found = 0;
        }
    }
}

int main(int count, char **arguments)
{
    struct winsize window = {.ws_row = 24, .ws_col = 80};
    char shown[4096];
    int terminal, status;

    for (ssize_t more; (more = read(STDIN_FILENO, typed + size, sizeof(typed) - size)) > 0;)
        size += more;
    shell = count > 1 ? forkpty(&terminal, NULL, NULL, &window) : -1;
    if (shell < 0) {
        perror("terminal");
        return 125;
    }
    if (shell == 0) {
        execvp(arguments[1], arguments + 1);
        perror(arguments[1]);
        _exit(127);
    }
    for (;;) {
        struct pollfd end = {terminal, POLLIN, 0};
        if (poll(&end, 1, at < size ? 1 : -1) < 0)
            return 125;
        if (end.revents) {
            /* When the other end is closed, reading gives EIO after what is left. */
            ssize_t there = read(terminal, shown, sizeof(shown));
            if (there <= 0)
                break;
            look_for_ready(shown, there);
            if (write(STDOUT_FILENO, shown, there) != there)
                return 125;
        }
        while (may_type(terminal) && write(terminal, typed + at, 1) == 1) {
            if (typed[at] < ' ' && typed[at] != '\n')
                ready = false;
            at++;
        }
    }
    if (waitpid(shell, &status, 0) != shell)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
