/*
 * memory_rules: what mmap(2) refuses, the other ways to the same memory refuse too: mprotect(2),
 * mremap(2), brk(2), the stack's growth; and values at the edges.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "cases.h"

#define PAGE       4096UL
#define READ_WRITE (PROT_READ | PROT_WRITE)

/* More than the machine has, in bytes. */
static size_t too_much(void)
{
    struct sysinfo information;
    return sysinfo(&information) ? 0 : 2 * information.totalram & ~(PAGE - 1);
}

static void *anonymous(size_t size, int protection, int flags)
{
    return mmap(NULL, size, protection, MAP_ANONYMOUS | flags, -1, 0);
}

/* ---- noexec ---- */

#define NO_EXECUTE "/tmp/memory_rules.noexec"

/* A file of a page on a mount that lets nothing run, or on the same file system mounted again. */
static int file_without_execution(void)
{
    if (mkdir(NO_EXECUTE, 0755) && errno != EEXIST)
        return -1;
    if (mount("none", NO_EXECUTE, "tmpfs", MS_NOEXEC, NULL))
        return -1;
    int file = open(NO_EXECUTE "/code", O_RDWR | O_CREAT, 0755);
    umount2(NO_EXECUTE, MNT_DETACH);
    return file >= 0 && ftruncate(file, (off_t)PAGE) == 0 ? file : -1;
}

static bool noexec_holds_for_mprotect(void)
{
    int file = file_without_execution();

    REQUIRE(file >= 0);
    REQUIRE_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0), EPERM);
    for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
        char *page = mmap(NULL, PAGE, PROT_READ, flags, file, 0);
        REQUIRE(page != MAP_FAILED);
        REQUIRE_ERRNO(mprotect(page, PAGE, PROT_READ | PROT_EXEC), EACCES);
        REQUIRE_ERRNO(mprotect(page, PAGE, PROT_EXEC), EACCES);
        REQUIRE(mprotect(page, PAGE, PROT_NONE) == 0 && mprotect(page, PAGE, PROT_READ) == 0);
        REQUIRE_ERRNO(mprotect(page, PAGE, READ_WRITE | PROT_EXEC), EACCES);
    }
    return true;
}

static bool noexec_goes_along(void)
{
    int file = file_without_execution();
    char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    char *place = anonymous(PAGE, PROT_NONE, MAP_PRIVATE);

    REQUIRE(page != MAP_FAILED && place != MAP_FAILED);
    REQUIRE(mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
    REQUIRE_ERRNO(mprotect(place, PAGE, PROT_READ | PROT_EXEC), EACCES);
    pid_t child = fork();
    if (child == 0)
        _exit(mprotect(place, PAGE, PROT_EXEC) == -1 && errno == EACCES ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static bool anonymous_memory_may_run(void)
{
    char *page = anonymous(PAGE, READ_WRITE, MAP_PRIVATE);
    REQUIRE(page != MAP_FAILED && mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
    page = anonymous(PAGE, READ_WRITE, MAP_SHARED);
    REQUIRE(page != MAP_FAILED && mprotect(page, PAGE, READ_WRITE | PROT_EXEC) == 0);
    return true;
}

/* ---- what a file may not be written through ---- */

static bool read_only_zeros_stay_so(void)
{
    int file = open("/dev/zero", O_RDONLY);
    char *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);

    REQUIRE(page != MAP_FAILED);
    REQUIRE_ERRNO(mmap(NULL, PAGE, READ_WRITE, MAP_SHARED, file, 0), EACCES);
    REQUIRE_ERRNO(mprotect(page, PAGE, READ_WRITE), EACCES);
    page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    REQUIRE(page != MAP_FAILED && mprotect(page, PAGE, READ_WRITE) == 0);
    file = open("/dev/zero", O_RDWR);
    page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    REQUIRE(page != MAP_FAILED && mprotect(page, PAGE, READ_WRITE) == 0);
    return true;
}

/* ---- memory that cannot come true ---- */

static bool too_much_by_any_way(void)
{
    size_t size = too_much();

    REQUIRE_ERRNO(anonymous(size, READ_WRITE, MAP_PRIVATE), ENOMEM);
    char *place = anonymous(size, PROT_NONE, MAP_PRIVATE);
    REQUIRE(place != MAP_FAILED);
    REQUIRE_ERRNO(mprotect(place, size, READ_WRITE), ENOMEM);
    REQUIRE_ERRNO(mprotect(place, size, PROT_WRITE | PROT_EXEC), ENOMEM);
    REQUIRE(mprotect(place, size, PROT_READ) == 0);
    REQUIRE(mprotect(place, PAGE, READ_WRITE) == 0); /* a piece of it may be */
    place = anonymous(PAGE, READ_WRITE, MAP_PRIVATE);
    REQUIRE(place != MAP_FAILED);
    REQUIRE_ERRNO(mremap(place, PAGE, size, MREMAP_MAYMOVE), ENOMEM);
    return true;
}

static bool too_much_of_the_heap(void)
{
    unsigned long end = (unsigned long)syscall(SYS_brk, 0);

    REQUIRE((unsigned long)syscall(SYS_brk, end + too_much()) == end);
    REQUIRE((unsigned long)syscall(SYS_brk, end + PAGE) == end + PAGE);
    return true;
}

static bool too_much_that_is_shared(void)
{
    REQUIRE_ERRNO(anonymous(too_much(), READ_WRITE, MAP_SHARED), ENOMEM);
    REQUIRE_ERRNO(anonymous(too_much(), PROT_NONE, MAP_SHARED), ENOMEM);
    return true;
}

static bool unreserved_is_not_counted(void)
{
    size_t size = too_much();
    char *place = anonymous(size, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);

    REQUIRE(place != MAP_FAILED && mprotect(place, size, READ_WRITE) == 0);
    REQUIRE(anonymous(size, READ_WRITE, MAP_PRIVATE | MAP_NORESERVE) != MAP_FAILED);
    REQUIRE(anonymous(size, READ_WRITE, MAP_SHARED | MAP_NORESERVE) != MAP_FAILED);
    return true;
}

/* Uses so many bytes of the stack, page by page. */
static __attribute__((noinline)) void dig(size_t size)
{
    volatile char *hole = __builtin_alloca(size);

    for (size_t left = size; left > 0; left -= PAGE)
        hole[left - PAGE] = 1;
}

static bool locked_stacks_are_limited(void)
{
    struct rlimit limit = {1UL << 20, 1UL << 20};

    pid_t child = fork();
    if (child == 0) {
        if (setrlimit(RLIMIT_MEMLOCK, &limit) || setresuid(1000, 1000, 1000))
            _exit(1);
        if (mlockall(MCL_CURRENT)) /* what there is may be too much already */
            _exit(errno == ENOMEM ? 3 : 1);
        dig(4UL << 20);
        _exit(2);
    }
    int status = status_of(child);
    if (exited(status, 3)) {
        tap_note("not to be shown: the program is larger than the limit");
        return true;
    }
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    return true;
}

/* ---- mremap ---- */

static bool shrinks_over_regions(void)
{
    char *place = anonymous(4 * PAGE, READ_WRITE, MAP_PRIVATE);

    REQUIRE(place != MAP_FAILED && mprotect(place + 2 * PAGE, PAGE, PROT_READ) == 0);
    REQUIRE(mremap(place, 4 * PAGE, 3 * PAGE, 0) == place);
    REQUIRE(mremap(place, 3 * PAGE, PAGE, 0) == place);
    unsigned char there;
    REQUIRE_ERRNO(mincore(place + PAGE, PAGE, &there), ENOMEM);
    REQUIRE(mincore(place, PAGE, &there) == 0);
    return true;
}

static bool shrinks_over_holes(void)
{
    char *place = anonymous(4 * PAGE, READ_WRITE, MAP_PRIVATE);

    REQUIRE(place != MAP_FAILED && munmap(place + 2 * PAGE, PAGE) == 0);
    REQUIRE(mremap(place, 4 * PAGE, PAGE, 0) == place);
    REQUIRE_ERRNO(mremap(place, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), EFAULT);
    REQUIRE_ERRNO(mremap(place + PAGE, PAGE, PAGE, 0), EFAULT);
    return true;
}

static bool shrinks_and_moves(void)
{
    char *place = anonymous(4 * PAGE, READ_WRITE, MAP_PRIVATE);
    char *target = anonymous(PAGE, PROT_NONE, MAP_PRIVATE);

    REQUIRE(place != MAP_FAILED && target != MAP_FAILED);
    place[0] = 'a';
    REQUIRE(mprotect(place + 2 * PAGE, PAGE, PROT_READ) == 0);
    REQUIRE(mremap(place, 4 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    REQUIRE(target[0] == 'a');
    unsigned char there;
    for (int i = 0; i < 4; i++)
        REQUIRE_ERRNO(mincore(place + i * PAGE, PAGE, &there), ENOMEM);
    return true;
}

/* ---- madvise ---- */

static bool advice_about_locked_and_shared(void)
{
    int file = open("/tmp/memory_rules.file", O_RDWR | O_CREAT | O_TRUNC, 0600);

    REQUIRE(ftruncate(file, 16 * PAGE) == 0);
    char *shared = mmap(NULL, 16 * PAGE, PROT_READ, MAP_SHARED, file, 0);
    char *private = mmap(NULL, 16 * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    char *memory = anonymous(16 * PAGE, PROT_READ, MAP_SHARED);
    unlink("/tmp/memory_rules.file");
    REQUIRE(mlock(shared, 16 * PAGE) == 0);
    REQUIRE_ERRNO(madvise(shared, 16 * PAGE, MADV_REMOVE), EINVAL);
    REQUIRE_ERRNO(madvise(shared, 16 * PAGE, MADV_DONTNEED), EINVAL);
    REQUIRE_ERRNO(madvise(shared, 16 * PAGE, MADV_FREE), EINVAL);
    REQUIRE_ERRNO(madvise(shared, 16 * PAGE, MADV_WIPEONFORK), EINVAL);
    REQUIRE_ERRNO(madvise(memory, 16 * PAGE, MADV_WIPEONFORK), EINVAL);
    REQUIRE_ERRNO(madvise(private, 16 * PAGE, MADV_WIPEONFORK), EINVAL);
    REQUIRE(munmap(shared + 15 * PAGE, PAGE) == 0);
    REQUIRE_ERRNO(madvise(shared, 16 * PAGE, MADV_NORMAL), ENOMEM);
    REQUIRE_ERRNO(madvise(shared, 16 * PAGE, MADV_WILLNEED), ENOMEM);
    return true;
}

/* ---- files and their ends ---- */

static bool offsets_near_the_end(void)
{
    const off_t last = INT64_MAX;
    int file = open("/tmp/memory_rules.far", O_RDWR | O_CREAT | O_TRUNC, 0600);

    unlink("/tmp/memory_rules.far");
    REQUIRE(ftruncate(file, last) == 0);
    off_t page = last & ~(off_t)(PAGE - 1);
    for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
        REQUIRE_ERRNO(mmap(NULL, PAGE, PROT_READ, flags, file, page), EOVERFLOW);
        REQUIRE_ERRNO(mmap(NULL, 2 * PAGE, PROT_READ, flags, file, page), EOVERFLOW);
        REQUIRE_ERRNO(mmap(NULL, 2 * PAGE, PROT_READ, flags, file, page - (off_t)PAGE), EOVERFLOW);
        REQUIRE_ERRNO(mmap(NULL, PAGE, PROT_READ, flags, file, -(off_t)PAGE), EOVERFLOW);
        REQUIRE(mmap(NULL, PAGE, PROT_READ, flags, file, page - (off_t)PAGE) != MAP_FAILED);
        REQUIRE(mmap(NULL, 2 * PAGE, PROT_READ, flags, file, page - 2 * (off_t)PAGE) != MAP_FAILED);
    }
    return true;
}

static bool words_behind_the_end(void)
{
    int file = open("/tmp/memory_rules.word", O_RDWR | O_CREAT | O_TRUNC, 0600);

    unlink("/tmp/memory_rules.word");
    REQUIRE(ftruncate(file, PAGE) == 0);
    int *word = mmap(NULL, 2 * PAGE, READ_WRITE, MAP_SHARED, file, 0);
    REQUIRE(word != MAP_FAILED);
    REQUIRE(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    REQUIRE_ERRNO(syscall(SYS_futex, word + PAGE / 4, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    REQUIRE(ftruncate(file, 1) == 0); /* the page of its end is still there */
    REQUIRE(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    REQUIRE(ftruncate(file, 0) == 0);
    REQUIRE_ERRNO(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    REQUIRE_ERRNO(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    return true;
}

static bool validation_needs_a_file(void)
{
    REQUIRE_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    return true;
}

static const struct test_case cases[] = {
    {"noexec: mprotect too", "mprotect(2)", noexec_holds_for_mprotect},
    {"noexec: after mremap and fork", "mprotect(2)", noexec_goes_along},
    {"anonymous memory may run", "mprotect(2)", anonymous_memory_may_run},
    {"/dev/zero, opened to be read", "mprotect(2)", read_only_zeros_stay_so},
    {"more than there is: mmap, mprotect, mremap", "proc(5)", too_much_by_any_way},
    {"more than there is: brk", "proc(5)", too_much_of_the_heap},
    {"more than there is: shared", "proc(5)", too_much_that_is_shared},
    {"MAP_NORESERVE", "mmap(2)", unreserved_is_not_counted},
    {"RLIMIT_MEMLOCK: a stack that is locked", "getrlimit(2)", locked_stacks_are_limited},
    {"mremap: shrinks over several regions", "mremap(2)", shrinks_over_regions},
    {"mremap: shrinks over holes", "mremap(2)", shrinks_over_holes},
    {"mremap: shrinks and moves", "mremap(2)", shrinks_and_moves},
    {"madvise: locked and shared", "madvise(2)", advice_about_locked_and_shared},
    {"mmap: offsets near the end", "mmap(2)", offsets_near_the_end},
    {"MAP_SHARED_VALIDATE: not without a file", "mmap(2)", validation_needs_a_file},
    {"futex: behind a file's end", "futex(2)", words_behind_the_end},
};

int main(void)
{
    int result = run_cases(cases, sizeof(cases) / sizeof(cases[0]));
    rmdir(NO_EXECUTE);
    return result;
}
