/* memory_locks: mlock and its like, what shared mappings do to a file's times, and how many
   mappings there may be. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "cases.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

static char *map(size_t size, int flags)
{
    return mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static bool resident(void *page)
{
    unsigned char present = 0;

    return mincore(page, PAGE, &present) == 0 && (present & 1);
}

/* A number of /proc/self/status, in KiB; -1: there is none. */
static long status_number(const char *name)
{
    char line[128];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");

    while (file && fgets(line, sizeof(line), file))
        if (!strncmp(line, name, strlen(name)))
            sscanf(line + strlen(name), ": %ld", &value);
    if (file)
        fclose(file);
    return value;
}

static bool limited_to(rlim_t bytes)
{
    struct rlimit limit = {bytes, bytes};

    return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && setresuid(1000, 1000, 1000) == 0;
}

static bool lock_brings_pages(void)
{
    char *area = map(4 * PAGE, 0);
    long before = status_number("VmLck");

    REQUIRE(!resident(area));
    REQUIRE(mlock(area + 100, 2 * PAGE) == 0); /* three pages are touched */
    REQUIRE(resident(area) && resident(area + 2 * PAGE) && !resident(area + 3 * PAGE));
    REQUIRE(status_number("VmLck") == before + 12);
    REQUIRE(munlock(area, 4 * PAGE) == 0);
    REQUIRE(status_number("VmLck") == before);
    return true;
}

static bool lock_on_fault(void)
{
    char *area = map(2 * PAGE, 0);

    REQUIRE(mlock2(area, 2 * PAGE, 1 /* MLOCK_ONFAULT */) == 0);
    REQUIRE(!resident(area));
    REQUIRE_ERRNO(mlock2(area, PAGE, 2), EINVAL);
    return true;
}

static bool lock_errors(void)
{
    char *area = map(2 * PAGE, 0);

    munmap(area + PAGE, PAGE);
    REQUIRE_ERRNO(mlock(area, 2 * PAGE), ENOMEM);
    REQUIRE_ERRNO(munlock(area + PAGE, PAGE), ENOMEM);
    REQUIRE_ERRNO(mlockall(0), EINVAL);
    REQUIRE_ERRNO(mlockall(8), EINVAL);
    REQUIRE_ERRNO(mlockall(4 /* MCL_ONFAULT alone */), EINVAL);
    return true;
}

static bool lock_limit(void)
{
    char *area = map(4 * PAGE, 0);

    REQUIRE(limited_to(2 * PAGE));
    REQUIRE_ERRNO(mlock(area, 3 * PAGE), ENOMEM);
    REQUIRE(mlock(area, 2 * PAGE) == 0);
    REQUIRE(mlock(area, 2 * PAGE) == 0); /* these count once */
    REQUIRE_ERRNO(mlock(area + 2 * PAGE, PAGE), ENOMEM);
    REQUIRE_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
    REQUIRE(map(PAGE, MAP_LOCKED) == MAP_FAILED && errno == EAGAIN);
    REQUIRE(munlock(area, PAGE) == 0);
    REQUIRE(map(PAGE, MAP_LOCKED) != MAP_FAILED);
    return true;
}

static bool lock_needs_permission(void)
{
    char *area = map(PAGE, 0);

    REQUIRE(limited_to(0));
    REQUIRE_ERRNO(mlock(area, PAGE), EPERM);
    REQUIRE_ERRNO(mlockall(MCL_CURRENT), EPERM);
    /* musl's mmap(3) would say ENOMEM. */
    REQUIRE_ERRNO(
        syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EPERM);
    REQUIRE(munlock(area, PAGE) == 0);
    return true;
}

static bool lock_all_current(void)
{
    char *area = map(PAGE, 0);

    REQUIRE(mlockall(MCL_CURRENT) == 0);
    REQUIRE(resident(area));
    REQUIRE(status_number("VmLck") > 0);
    REQUIRE(!resident(map(PAGE, 0)));
    REQUIRE(munlockall() == 0);
    REQUIRE(status_number("VmLck") == 0);
    return true;
}

static bool lock_all_future(void)
{
    REQUIRE(mlockall(MCL_FUTURE) == 0);
    REQUIRE(resident(map(PAGE, 0)));
    REQUIRE(munlockall() == 0);
    REQUIRE(!resident(map(PAGE, 0)));
    REQUIRE(mlockall(MCL_FUTURE | 4 /* MCL_ONFAULT */) == 0);
    REQUIRE(!resident(map(PAGE, 0)));
    REQUIRE(status_number("VmLck") >= 4);
    return true;
}

static bool locks_are_not_inherited(void)
{
    REQUIRE(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(status_number("VmLck") == 0 && !resident(map(PAGE, 0)) ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool locked_is_not_invalidated(void)
{
    char *area = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    REQUIRE(msync(area, PAGE, MS_SYNC | MS_INVALIDATE) == 0);
    REQUIRE(mlockall(MCL_CURRENT) == 0);
    REQUIRE_ERRNO(msync(area, PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
    return true;
}

/* ---- times ---- */

static bool after(struct timespec one, struct timespec other)
{
    return one.tv_sec > other.tv_sec || (one.tv_sec == other.tv_sec && one.tv_nsec > other.tv_nsec);
}

static bool mapping_changes_times(void)
{
    struct stat before, mapped, written;
    int file = open("/tmp/memory-times", O_RDWR | O_CREAT | O_TRUNC, 0600);

    REQUIRE(write(file, "text", 4) == 4 && fstat(file, &before) == 0);
    sleep_ms(20);
    char *area = mmap(NULL, PAGE, RW, MAP_SHARED, file, 0);
    REQUIRE(fstat(file, &mapped) == 0);
    REQUIRE(after(mapped.st_atim, before.st_atim));
    REQUIRE(!after(mapped.st_mtim, before.st_mtim));
    sleep_ms(20);
    area[0] = 'T';
    REQUIRE(msync(area, PAGE, MS_SYNC) == 0 && fstat(file, &written) == 0);
    REQUIRE(after(written.st_mtim, mapped.st_mtim) && after(written.st_ctim, mapped.st_ctim));
    unlink("/tmp/memory-times");
    return true;
}

/* ---- how many ---- */

static bool mappings_are_limited(void)
{
    enum { MORE_THAN_ENOUGH = 70000 };
    char *area = mmap(NULL, MORE_THAN_ENOUGH * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long count = 0;

    REQUIRE(area != MAP_FAILED);
    while (count < MORE_THAN_ENOUGH / 2 && !mprotect(area + 2 * count * PAGE, PAGE, PROT_READ))
        count++;
    REQUIRE(errno == ENOMEM && count > 32000 && count < 32767);
    REQUIRE(munmap(area, MORE_THAN_ENOUGH * PAGE) == 0);
    REQUIRE(map(PAGE, 0) != MAP_FAILED);
    return true;
}

static const struct test_case cases[] = {
    {"mlock: every page touched is there", "mlock(2)", lock_brings_pages},
    {"mlock2: MLOCK_ONFAULT", "mlock(2)", lock_on_fault},
    {"mlock: errors", "mlock(2)", lock_errors},
    {"RLIMIT_MEMLOCK: ENOMEM, EAGAIN", "mlock(2)", lock_limit},
    {"RLIMIT_MEMLOCK 0: EPERM", "mlock(2)", lock_needs_permission},
    {"mlockall: MCL_CURRENT", "mlockall(2)", lock_all_current},
    {"mlockall: MCL_FUTURE, MCL_ONFAULT", "mlockall(2)", lock_all_future},
    {"locks are not inherited", "mlock(2)", locks_are_not_inherited},
    {"msync: MS_INVALIDATE of locked memory", "msync(2)", locked_is_not_invalidated},
    {"shared mappings change a file's times", "POSIX mmap", mapping_changes_times},
    {"no more than vm.max_map_count mappings", "proc(5)", mappings_are_limited},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
