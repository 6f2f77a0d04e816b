/*
 * exec_basic: replaces itself by exec_target. Whatever of this program appears after that, or
 * appears twice, is a fault of the kernel; so is the line at the end.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char *const arguments[] = {"exec_target", NULL};
    char *const environment[] = {NULL};

    execve("/bin/exec_target", arguments, environment);
    fprintf(stderr, "exec_basic: /bin/exec_target: %s\n", strerror(errno));
    return 1;
}
