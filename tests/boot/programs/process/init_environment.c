/* init_environment: the surroundings that init promises every command, and that other tests rely
 * on. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <tap.h>

extern char **environ;

int main(int argc, char **argv)
{
    struct stat status;
    char byte;

    tap_plan(8);
    tap_ok(argc == 1 && strncmp(argv[0], "/tests/init_environment", 23) == 0, "arguments arrive");
    tap_ok(getenv("PATH") != NULL, "PATH is set");
    tap_ok(read(STDIN_FILENO, &byte, 1) == 0, "/dev/null is at its end");
    tap_ok(fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode), "output is a pipe");
    tap_ok(fstat(STDERR_FILENO, &status) == 0 && S_ISFIFO(status.st_mode), "errors are a pipe");
    tap_errno(access("/command", F_OK), ENOENT, "/command is gone");
    tap_errno(fcntl(3, F_GETFD), EBADF, "no descriptor beyond the three is open");
    tap_ok(getppid() > 0, "the parent is there");
    return tap_done();
}
