/* own_copy.h: copies of the program that runs, for it to execute. */
#ifndef BATON_TESTS_OWN_COPY_H
#define BATON_TESTS_OWN_COPY_H

#include <fcntl.h>
#include <sys/stat.h>

#include "cases.h"

/* Of user 1234 and group 4321, for copies that are set-user-ID. */
static inline bool copy_program(const char *path, mode_t mode)
{
    static char buffer[65536];
    ssize_t size;

    unlink(path); /* it may be another user's from before: protected_regular, proc(5) */
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
    REQUIRE(from >= 0 && to >= 0);
    while ((size = read(from, buffer, sizeof(buffer))) > 0)
        REQUIRE(write(to, buffer, size) == size);
    REQUIRE(size == 0 && !fchown(to, 1234, 4321) && !fchmod(to, mode));
    close(from);
    close(to);
    return true;
}

#endif
