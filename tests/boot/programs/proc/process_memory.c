/* process_memory: /proc/PID/mem, a process's memory as a file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "cases.h"
#include "proc_baton.h"

#define USER 1000

static volatile char own[8] = "before";

static int memory_of(pid_t id, int flags)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/mem", id);
    return open(path, flags | O_CLOEXEC);
}

static off_t place(const volatile void *pointer)
{
    return (off_t)(uintptr_t)pointer;
}

static bool own_memory(void)
{
    char bytes[8] = "";
    int file = memory_of(getpid(), O_RDWR);

    REQUIRE(file >= 0);
    REQUIRE(pread(file, bytes, 7, place(own)) == 7 && strcmp(bytes, "before") == 0);
    REQUIRE(pwrite(file, "behind", 7, place(own)) == 7 && strcmp((char *)own, "behind") == 0);
    REQUIRE(lseek(file, place(own), SEEK_SET) == place(own));
    REQUIRE(read(file, bytes, 3) == 3 && memcmp(bytes, "beh", 3) == 0);
    REQUIRE(lseek(file, 0, SEEK_CUR) == place(own) + 3);
    return true;
}

static bool what_is_not_there(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char bytes[16];
    int file = memory_of(getpid(), O_RDWR);

    munmap(pages + 4096, 4096);
    memset(pages, 'a', 4096);
    REQUIRE_ERRNO(pread(file, bytes, 1, 0), EIO);
    REQUIRE_ERRNO(pwrite(file, bytes, 1, place(pages) + 4096), EIO);
    REQUIRE(pread(file, bytes, 16, place(pages) + 4090) == 6);
    REQUIRE(pwrite(file, bytes, 16, place(pages) + 4090) == 6);
    REQUIRE_ERRNO(pread(file, (void *)8, 1, place(pages)), EFAULT);
    REQUIRE_ERRNO(pread(file, bytes, 1, INT64_MAX - 1), EIO);
    REQUIRE_ERRNO(lseek(file, 0, SEEK_END), EINVAL);
    return true;
}

/* Linux writes to what is read-only as a debugger would; here nobody does (invariant 6). */
static bool read_only_stays(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int file = memory_of(getpid(), O_RDWR);

    REQUIRE_ERRNO(pwrite(file, "x", 1, place(page)), EIO);
    REQUIRE_ERRNO(pwrite(file, "x", 1, place(read_only_stays)), EIO);
    REQUIRE(mprotect(page, 4096, PROT_NONE) == 0);
    REQUIRE_ERRNO(pread(file, page, 1, place(page)), EIO);
    return true;
}

/* A child that waits to be killed. */
static pid_t child_begin(void)
{
    pid_t child = fork();

    if (child == 0)
        for (;;)
            pause();
    return child;
}

static void child_end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static bool of_a_child(void)
{
    char bytes[8] = "";
    pid_t child = child_begin();
    int file = memory_of(child, O_RDWR);

    REQUIRE(file >= 0);
    REQUIRE(pwrite(file, "theirs", 7, place(own)) == 7);
    REQUIRE(pread(file, bytes, 7, place(own)) == 7 && strcmp(bytes, "theirs") == 0);
    REQUIRE(strcmp((char *)own, "before") == 0);
    child_end(child);
    REQUIRE(pread(file, bytes, 7, place(own)) == 0); /* its memory has gone */
    REQUIRE(pwrite(file, bytes, 7, place(own)) == 0);
    return true;
}

static bool of_others(void)
{
    pid_t child = child_begin();

    REQUIRE(setgid(USER) == 0 && setuid(USER) == 0);
    REQUIRE_ERRNO(memory_of(child, O_RDONLY), EACCES);
    REQUIRE_ERRNO(memory_of(1, O_RDONLY), EACCES);
    REQUIRE_ERRNO(memory_of(0x3fffffff, O_RDONLY), ENOENT);
    return true;
}

/* Whoever has the file has the memory that it was opened for, and no other's. */
static bool inherited(void)
{
    char bytes[8] = "";
    int status, file = memory_of(getpid(), O_RDWR);
    pid_t child = fork();

    if (child == 0) {
        own[0] = 'X';
        _exit(pread(file, bytes, 7, place(own)) != 7 || strcmp(bytes, "before") != 0);
    }
    REQUIRE(waitpid(child, &status, 0) == child && status == 0);
    return true;
}

static const struct test_case cases[] = {
    {"one's own", "proc(5)", own_memory},
    {"what is not there", "proc(5)", what_is_not_there},
    {"a child's", "proc(5)", of_a_child},
    {"of others", "proc(5), ptrace(2)", of_others},
    {"of who opened it", "proc(5)", inherited},
    {"what is read-only stays as it is", "docs/architecture.md", read_only_stays}, /* Baton only */
};

int main(void)
{
    size_t all = sizeof(cases) / sizeof(cases[0]);

    return run_cases(cases, baton_is_here() ? all : all - 1);
}
