/*
 * memory_basic: mmap, munmap, mprotect, mremap, brk, madvise, msync, mincore, mlock, faults and
 * limits, as POSIX and the manual pages have them. What each check rests on stands beside it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tap.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#define MADV_KEEPONFORK 19
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

/* ---- faults are caught and looked at ---- */

static sigjmp_buf fault_escape;
static volatile int fault_signal, fault_code;
static void *volatile fault_address;

static void fault_caught(int signal, siginfo_t *information, void *context)
{
    (void)context;
    fault_signal = signal;
    fault_code = information->si_code;
    fault_address = information->si_addr;
    siglongjmp(fault_escape, 1);
}

/* What touching `address` gives: 0, or the signal. */
static int touch(volatile char *address, bool write)
{
    fault_signal = 0;
    if (sigsetjmp(fault_escape, 1))
        return fault_signal;
    if (write)
        *address = 1;
    else
        (void)*address;
    return 0;
}

static int run(void *address)
{
    fault_signal = 0;
    if (sigsetjmp(fault_escape, 1))
        return fault_signal;
    ((void (*)(void))address)();
    return 0;
}

static bool faults(volatile char *address, bool write, int signal, int code)
{
    bool as_expected = touch(address, write) == signal &&
                       (!signal || (fault_code == code && fault_address == address));
    if (!as_expected)
        tap_note("signal %d, code %d, address %p of %p", fault_signal, fault_code, fault_address,
                 (void *)address);
    return as_expected;
}

static char *map(size_t size, int protection, int flags)
{
    return mmap(NULL, size, protection, MAP_ANONYMOUS | flags, -1, 0);
}

static char *map_pages(size_t pages)
{
    return map(pages * PAGE, RW, MAP_PRIVATE);
}

/* A file of `pages` pages, each full of its number from 'a' on; removed already. */
static int file_make(size_t pages)
{
    char name[] = "/tmp/memory_XXXXXX", page[PAGE];
    int file = mkstemp(name);
    for (size_t i = 0; i < pages; i++) {
        memset(page, (int)('a' + i), sizeof(page));
        if (write(file, page, sizeof(page)) != sizeof(page))
            return -1;
    }
    unlink(name);
    return file;
}

static int exit_of(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* Runs `test` in a child; its result. */
static int in_child(int (*test)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(test());
    return exit_of(child);
}

/* ---- mmap(2) ---- */

static void test_mmap(void)
{
    char *p = map_pages(3);
    tap_ok(p != MAP_FAILED && (uintptr_t)p % PAGE == 0, "mmap(2): anonymous memory");
    bool zero = true;
    for (size_t i = 0; i < 3 * PAGE; i++)
        zero = zero && p[i] == 0;
    tap_ok(zero, "mmap(2): anonymous memory is zero");
    memset(p, 7, 3 * PAGE);
    tap_ok(munmap(p + PAGE, PAGE) == 0 && p[0] == 7 && p[2 * PAGE] == 7,
           "munmap(2): a hole in the middle leaves both ends");
    tap_ok(faults(p + PAGE, false, SIGSEGV, SEGV_MAPERR), "munmap(2): the hole is SEGV_MAPERR");
    tap_errno(munmap(p, 3 * PAGE), 0, "munmap(2): holes are no error");
    tap_errno(munmap(p, 3 * PAGE), 0, "munmap(2): nothing there is no error");
    tap_errno(munmap(p + 1, PAGE), EINVAL, "munmap(2): an unaligned address");
    tap_errno(munmap(p, 0), EINVAL, "munmap(2): size 0");
    tap_errno(munmap((void *)(UINTPTR_MAX & -PAGE), PAGE), EINVAL, "munmap(2): the kernel half");
    tap_errno(munmap(p, SIZE_MAX / 2), EINVAL, "munmap(2): beyond the end of user space");

    tap_ok(mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL,
           "mmap(2): size 0 is EINVAL");
    tap_ok(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL,
           "mmap(2): neither shared nor private is EINVAL");
    tap_ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF,
           "mmap(2): a bad descriptor is EBADF");
    tap_ok(syscall(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1) == -1 &&
               errno == EINVAL,
           "mmap(2): an unaligned offset is EINVAL");
    tap_ok(mmap(NULL, SIZE_MAX - PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
               errno == ENOMEM,
           "mmap(2): more than user space is ENOMEM");
    tap_ok(mmap(NULL, 1UL << 46, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
               errno == ENOMEM,
           "proc(5), overcommit_memory 0: 64 TiB of private memory are refused");
    p = mmap(NULL, 1UL << 40, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    tap_ok(p != MAP_FAILED && faults(p + (1UL << 39), true, 0, 0),
           "mmap(2): a terabyte with MAP_NORESERVE is there and can be touched");
    munmap(p, 1UL << 40);
    p = map(1UL << 40, PROT_NONE, MAP_PRIVATE);
    tap_ok(p != MAP_FAILED, "mmap(2): a terabyte of PROT_NONE");
    munmap(p, 1UL << 40);
}

static void test_fixed(void)
{
    char *p = map_pages(4);
    memset(p, 7, 4 * PAGE);
    tap_ok(mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE &&
               p[0] == 7 && p[PAGE] == 0 && p[2 * PAGE] == 7,
           "mmap(2): MAP_FIXED replaces what is there, and no more");
    tap_ok(mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
                   MAP_FAILED &&
               errno == EEXIST,
           "mmap(2): MAP_FIXED_NOREPLACE over a mapping is EEXIST");
    munmap(p + PAGE, PAGE);
    tap_ok(mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
               p + PAGE,
           "mmap(2): MAP_FIXED_NOREPLACE in a hole");
    tap_ok(mmap(p + 1, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED &&
               errno == EINVAL,
           "mmap(2): MAP_FIXED at an unaligned address is EINVAL");
    tap_ok(mmap((void *)0xffff800000000000, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) == MAP_FAILED &&
               errno == ENOMEM,
           "mmap(2): MAP_FIXED in the kernel half is ENOMEM");
    munmap(p + PAGE, 2 * PAGE);
    tap_ok(mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p + PAGE,
           "mmap(2): a hint that is free is taken");
    char *other = mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tap_ok(other != MAP_FAILED && other != p, "mmap(2): a hint that is not free is passed over");
    munmap(other, PAGE);
    other = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    tap_ok((uintptr_t)other < 1UL << 31, "mmap(2): MAP_32BIT is below 2 GiB");
    munmap(other, PAGE);
    munmap(p, 4 * PAGE);
    p = map(8 * PAGE, RW, MAP_PRIVATE | MAP_POPULATE);
    unsigned char resident[8] = {0};
    tap_ok(mincore(p, 8 * PAGE, resident) == 0 && resident[0] & 1 && resident[7] & 1,
           "mmap(2): MAP_POPULATE makes pages resident");
    munmap(p, 8 * PAGE);
}

static void test_files(void)
{
    int file = file_make(3);
    char *shared = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, file, 0);
    char *private = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, file, 0);
    char byte = 0;

    tap_ok(shared[0] == 'a' && shared[2 * PAGE] == 'c' && private[PAGE] == 'b',
           "mmap(2): a file's contents");
    shared[5] = 'X';
    tap_ok(pread(file, &byte, 1, 5) == 1 && byte == 'X', "mmap(2): read(2) sees a shared write");
    tap_ok(private[5] == 'X', "mmap(2): an untouched private page shows a shared write, as Linux");
    private[6] = 'P';
    tap_ok(shared[6] == 'a' && pread(file, &byte, 1, 6) == 1 && byte == 'a',
           "mmap(2): a private write is not the file's");
    tap_ok(pwrite(file, "W", 1, PAGE) == 1 && shared[PAGE] == 'W',
           "mmap(2): a shared mapping sees write(2)");
    tap_ok(msync(shared, 3 * PAGE, MS_SYNC) == 0, "msync(2)");
    char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 2 * PAGE);
    tap_ok(second[0] == 'c', "mmap(2): an offset");
    tap_ok(faults(second, true, SIGSEGV, SEGV_ACCERR), "mmap(2): PROT_READ is not writable");
    munmap(second, PAGE);

    struct stat status;
    tap_ok(ftruncate(file, PAGE + 10) == 0 && fstat(file, &status) == 0 &&
               status.st_size == (off_t)PAGE + 10,
           "ftruncate(2): a mapped file");
    tap_ok(faults(shared + 2 * PAGE, false, SIGBUS, BUS_ADRERR),
           "mmap(2): a page behind the end is SIGBUS, BUS_ADRERR");
    tap_ok(faults(private + 2 * PAGE, false, SIGBUS, BUS_ADRERR),
           "mmap(2): the same in a private mapping");
    tap_ok(shared[PAGE + 9] == 'b' && shared[PAGE + 10] == 0,
           "ftruncate(2): the rest of the last page is zero");
    shared[PAGE + 20] = 'Z';
    tap_ok(ftruncate(file, 3 * PAGE) == 0 && shared[2 * PAGE] == 0,
           "ftruncate(2): what lay behind the end is zero when the file grows again");
    tap_ok(faults(shared + 2 * PAGE, true, 0, 0), "ftruncate(2): and it can be written to");
    munmap(shared, 3 * PAGE);
    munmap(private, 3 * PAGE);

    /* A hole, and two mappings of it. */
    ftruncate(file, 0);
    ftruncate(file, 100 * PAGE);
    shared = mmap(NULL, 100 * PAGE, RW, MAP_SHARED, file, 0);
    private = mmap(NULL, 100 * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    tap_ok(private[50 * PAGE] == 0 && (shared[50 * PAGE] = 9) && private[50 * PAGE] == 9,
           "mmap(2): both mappings of a hole show what is written there");
    munmap(shared, 100 * PAGE);
    munmap(private, 100 * PAGE);
    close(file);

    int made = open("/tmp/memory_read_only", O_RDWR | O_CREAT, 0600);
    tap_ok(write(made, "x", 1) == 1, "write(2)");
    close(made);
    int read_only = open("/tmp/memory_read_only", O_RDONLY);
    unlink("/tmp/memory_read_only");
    tap_ok(mmap(NULL, PAGE, RW, MAP_SHARED, read_only, 0) == MAP_FAILED && errno == EACCES,
           "mmap(2): shared and writable of a file open for reading is EACCES");
    shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, read_only, 0);
    tap_errno(mprotect(shared, PAGE, RW), EACCES, "mprotect(2): nor may it become so");
    munmap(shared, PAGE);
    private = mmap(NULL, PAGE, RW, MAP_PRIVATE, read_only, 0);
    tap_ok(private != MAP_FAILED && faults(private, true, 0, 0),
           "mmap(2): private and writable of it may be");
    munmap(private, PAGE);
    close(read_only);
    int write_only = open("/tmp/memory_write_only", O_WRONLY | O_CREAT, 0600);
    tap_ok(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, write_only, 0) == MAP_FAILED && errno == EACCES,
           "mmap(2): a file that is not open for reading is EACCES");
    close(write_only);
    unlink("/tmp/memory_write_only");
    int folder = open("/tmp", O_RDONLY);
    tap_ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, folder, 0) == MAP_FAILED && errno == ENODEV,
           "mmap(2): a folder is ENODEV");
    close(folder);
    int zero = open("/dev/zero", O_RDWR);
    private = mmap(NULL, PAGE, RW, MAP_PRIVATE, zero, 0);
    tap_ok(private != MAP_FAILED && private[0] == 0 && (private[0] = 1) == 1,
           "zero(4): a private mapping is anonymous memory");
    munmap(private, PAGE);
    close(zero);
}

/* ---- mprotect(2) ---- */

static void test_protect(void)
{
    char *p = map_pages(4);
    memset(p, 7, 4 * PAGE);
    tap_errno(mprotect(p + PAGE, PAGE, PROT_READ), 0, "mprotect(2): read-only in the middle");
    tap_ok(faults(p + PAGE, true, SIGSEGV, SEGV_ACCERR) && faults(p, true, 0, 0) &&
               faults(p + 2 * PAGE, true, 0, 0),
           "mprotect(2): SEGV_ACCERR there and only there");
    tap_errno(mprotect(p, 4 * PAGE, PROT_NONE), 0, "mprotect(2): PROT_NONE");
    tap_ok(faults(p, false, SIGSEGV, SEGV_ACCERR), "mprotect(2): PROT_NONE is not readable");
    int channel[2];
    if (pipe(channel))
        return;
    tap_errno(write(channel[1], p, 1), EFAULT, "write(2): from PROT_NONE is EFAULT");
    tap_errno(mprotect(p, 4 * PAGE, RW), 0, "mprotect(2): and back");
    tap_ok(p[PAGE] == 7 && p[3 * PAGE + 5] == 7, "mprotect(2): the contents are still there");
    tap_errno(mprotect(p, PAGE, PROT_READ), 0, "mprotect(2): read-only");
    tap_ok(write(channel[1], "x", 1) == 1, "write(2)");
    tap_errno(read(channel[0], p, 1), EFAULT, "read(2): into read-only memory is EFAULT");
    tap_ok(write(channel[1], "x", 1) == 1 && read(channel[0], p + PAGE, 1) == 1,
           "read(2): into memory that was never written since fork");
    close(channel[0]);
    close(channel[1]);
    munmap(p + 2 * PAGE, PAGE);
    tap_errno(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM, "mprotect(2): over a hole is ENOMEM");
    tap_errno(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL,
              "mprotect(2): an unaligned address");
    tap_errno(mprotect(p, 0, PROT_READ), 0, "mprotect(2): size 0");
    tap_errno(mprotect(p, PAGE, 0x100), EINVAL, "mprotect(2): unknown rights");
    tap_errno(mprotect(p, PAGE, PROT_GROWSDOWN | PROT_GROWSUP | PROT_READ), EINVAL,
              "mprotect(2): both directions");
    munmap(p, 4 * PAGE);

    p = map_pages(1);
    p[0] = (char)0xc3; /* ret */
    tap_ok(run(p) == SIGSEGV && fault_code == SEGV_ACCERR && fault_address == p,
           "mmap(2): without PROT_EXEC nothing runs");
    tap_ok(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0 && run(p) == 0,
           "mprotect(2): with PROT_EXEC it does");
    tap_ok(faults(p, true, SIGSEGV, SEGV_ACCERR), "mprotect(2): and is not writable");
    munmap(p, PAGE);
    p = map(PAGE, PROT_WRITE, MAP_PRIVATE);
    tap_ok(faults(p, true, 0, 0) && faults(p, false, 0, 0),
           "mmap(2): PROT_WRITE can be read on x86-64");
    munmap(p, PAGE);
    tap_ok(faults((char *)8, false, SIGSEGV, SEGV_MAPERR), "the null page is never mapped");
    tap_ok(touch((char *)0xffff800000000000, false) == SIGSEGV, "the kernel half is SIGSEGV");
    tap_ok(touch((char *)0x8000000000000000, false) == SIGSEGV && fault_code == SI_KERNEL,
           "a non-canonical address is SIGSEGV, SI_KERNEL");
}

/* ---- fork(2) ---- */

static char *fork_private, *fork_shared, *fork_wiped, *fork_left_out;

static int fork_child(void)
{
    if (fork_private[0] != 1 || fork_shared[0] != 1 || fork_wiped[0] != 0)
        return 1;
    fork_private[0] = 2;
    fork_shared[0] = 2;
    if (touch(fork_left_out, false) != SIGSEGV)
        return 2;
    return 0;
}

static int fork_grandchild(void)
{
    fork_private[PAGE] = 5;
    int status = in_child(fork_child);
    return status ? status : fork_private[0] == 1 && fork_private[PAGE] == 5 ? 0 : 3;
}

static void test_fork(void)
{
    fork_private = map_pages(2);
    fork_shared = map(PAGE, RW, MAP_SHARED);
    fork_wiped = map_pages(1);
    fork_left_out = map_pages(1);
    tap_errno(madvise(fork_wiped, PAGE, MADV_WIPEONFORK), 0, "madvise(2): MADV_WIPEONFORK");
    tap_errno(madvise(fork_left_out, PAGE, MADV_DONTFORK), 0, "madvise(2): MADV_DONTFORK");
    fork_private[0] = fork_shared[0] = fork_wiped[0] = fork_left_out[0] = 1;
    tap_ok(in_child(fork_child) == 0, "fork(2): what the child sees of each mapping");
    tap_ok(fork_private[0] == 1 && fork_shared[0] == 2 && fork_wiped[0] == 1,
           "fork(2): what the parent sees of the child's writes");
    fork_shared[0] = 1;
    tap_ok(in_child(fork_grandchild) == 0, "fork(2): copies of copies");
    tap_ok(fork_private[PAGE] == 0, "fork(2): and the first one is untouched");
    munmap(fork_private, 2 * PAGE);
    munmap(fork_shared, PAGE);
    munmap(fork_wiped, PAGE);
    munmap(fork_left_out, PAGE);
}

/* ---- mremap(2) ---- */

static void test_remap(void)
{
    char *p = map_pages(8);
    memset(p, 7, 8 * PAGE);
    tap_ok(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p && touch(p + 4 * PAGE, false) == SIGSEGV,
           "mremap(2): smaller in place");
    tap_ok(mremap(p, 4 * PAGE, 8 * PAGE, 0) == p && p[PAGE] == 7 && p[5 * PAGE] == 0,
           "mremap(2): larger in place");
    char *block = mmap(p + 8 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mprotect(block, PAGE, PROT_READ);
    tap_ok(mremap(p, 8 * PAGE, 16 * PAGE, 0) == MAP_FAILED && errno == ENOMEM,
           "mremap(2): no room, and it may not move: ENOMEM");
    char *q = mremap(p, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
    tap_ok(q != MAP_FAILED && q != p && q[PAGE] == 7 && q[15 * PAGE] == 0 &&
               touch(p, false) == SIGSEGV,
           "mremap(2): it moves, with its contents");
    munmap(block, PAGE);
    char *target = map_pages(4);
    target[3 * PAGE] = 9;
    tap_ok(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) ==
                   target + PAGE &&
               target[PAGE] == 7 && target[3 * PAGE] == 9 && touch(q, false) == SIGSEGV,
           "mremap(2): MREMAP_FIXED replaces what is there");
    tap_ok(mremap(target, PAGE, PAGE, MREMAP_FIXED, q) == MAP_FAILED && errno == EINVAL,
           "mremap(2): MREMAP_FIXED without MREMAP_MAYMOVE is EINVAL");
    tap_ok(mremap(target, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) ==
                   MAP_FAILED &&
               errno == EINVAL,
           "mremap(2): onto itself is EINVAL");
    tap_ok(mremap(target + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL,
           "mremap(2): an unaligned address is EINVAL");
    tap_ok(mremap(target, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL,
           "mremap(2): a new size of 0 is EINVAL");
    tap_ok(mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT,
           "mremap(2): nothing there is EFAULT");
    tap_ok(mremap(target, PAGE, PAGE, 0x80) == MAP_FAILED && errno == EINVAL,
           "mremap(2): unknown flags are EINVAL");
    munmap(target, 4 * PAGE);
    munmap(q, 16 * PAGE);

    char *shared = map(2 * PAGE, RW, MAP_SHARED);
    shared[0] = 5;
    char *again = mremap(shared, 0, PAGE, MREMAP_MAYMOVE);
    tap_ok(again != MAP_FAILED && again != shared && again[0] == 5 && (again[0] = 6) &&
               shared[0] == 6,
           "mremap(2): an old size of 0 maps shared memory once more");
    munmap(again, PAGE);
    munmap(shared, 2 * PAGE);
    p = map_pages(1);
    tap_ok(mremap(p, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL,
           "mremap(2): but not private memory");
    munmap(p, PAGE);
}

/* ---- madvise(2), mincore(2), msync(2), mlock(2) ---- */

static void test_advice(void)
{
    char *p = map_pages(4);
    memset(p, 7, 4 * PAGE);
    tap_ok(madvise(p + PAGE, PAGE, MADV_DONTNEED) == 0 && p[0] == 7 && p[PAGE] == 0 &&
               p[2 * PAGE] == 7,
           "madvise(2): MADV_DONTNEED: zeros come back");
    tap_errno(madvise(p, PAGE, MADV_FREE), 0, "madvise(2): MADV_FREE");
    static const int hints[] = {MADV_NORMAL,   MADV_RANDOM,     MADV_SEQUENTIAL, MADV_WILLNEED,
                                MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP,   MADV_DODUMP,
                                MADV_DOFORK,   MADV_KEEPONFORK};
    bool accepted = true;
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        accepted = accepted && madvise(p, 4 * PAGE, hints[i]) == 0;
    tap_ok(accepted, "madvise(2): hints are accepted");
    tap_errno(madvise(p, PAGE, 12345), EINVAL, "madvise(2): unknown advice");
    tap_errno(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL, "madvise(2): an unaligned address");
    tap_errno(madvise(p, 0, MADV_NORMAL), 0, "madvise(2): size 0");
    munmap(p + PAGE, PAGE);
    tap_errno(madvise(p, 4 * PAGE, MADV_NORMAL), ENOMEM, "madvise(2): a hole is ENOMEM");
    tap_errno(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM, "madvise(2): a hole is ENOMEM, but");
    tap_ok(p[3 * PAGE] == 0, "madvise(2): what is mapped behind it is done");

    unsigned char resident[4] = {9, 9, 9, 9};
    munmap(p, 4 * PAGE);
    p = map_pages(4);
    p[2 * PAGE] = 1;
    tap_ok(mincore(p, 4 * PAGE, resident) == 0 && !(resident[1] & 1) && resident[2] & 1,
           "mincore(2): what is resident");
    tap_errno(mincore(p + 1, PAGE, resident), EINVAL, "mincore(2): an unaligned address");
    tap_errno(mincore(p, PAGE, (unsigned char *)8), EFAULT, "mincore(2): a bad vector");
    munmap(p + PAGE, PAGE);
    tap_errno(mincore(p, 4 * PAGE, resident), ENOMEM, "mincore(2): a hole is ENOMEM");
    tap_errno(msync(p, 4 * PAGE, MS_SYNC), ENOMEM, "msync(2): a hole is ENOMEM");
    tap_errno(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL, "msync(2): both kinds");
    tap_errno(msync(p + 1, PAGE, MS_SYNC), EINVAL, "msync(2): an unaligned address");
    tap_errno(msync(p, PAGE, 0x100), EINVAL, "msync(2): unknown flags");

    tap_ok(mlock(p, PAGE) == 0 && mincore(p, PAGE, resident) == 0 && resident[0] & 1,
           "mlock(2): makes pages resident");
    tap_errno(madvise(p, PAGE, MADV_DONTNEED), EINVAL, "madvise(2): not locked memory");
    tap_errno(msync(p, PAGE, MS_INVALIDATE), EBUSY, "msync(2): MS_INVALIDATE of locked memory");
    tap_errno(munlock(p, PAGE), 0, "munlock(2)");
    tap_errno(madvise(p, PAGE, MADV_DONTNEED), 0, "munlock(2): it can be given up again");
    tap_errno(mlock(p, 4 * PAGE), ENOMEM, "mlock(2): a hole is ENOMEM");
    tap_errno(mlockall(0), EINVAL, "mlockall(2): no flags");
    tap_errno(mlockall(MCL_CURRENT), 0, "mlockall(2)");
    tap_errno(munlockall(), 0, "munlockall(2)");
    munmap(p, 4 * PAGE);

    int file = file_make(4);
    p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, file, 0);
    char byte = 1;
    tap_ok(madvise(p + PAGE, PAGE, MADV_REMOVE) == 0 && p[PAGE] == 0 && p[0] == 'a' &&
               pread(file, &byte, 1, PAGE + 1) == 1 && byte == 0,
           "madvise(2): MADV_REMOVE makes a hole in the file");
    munmap(p, 4 * PAGE);
    close(file);
    p = map_pages(4);
    tap_errno(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE), 0, "madvise(2): MADV_POPULATE_WRITE");
    tap_ok(mincore(p, 4 * PAGE, resident) == 0 && resident[3] & 1,
           "madvise(2): MADV_POPULATE_WRITE makes pages resident");
    mprotect(p, PAGE, PROT_NONE);
    tap_errno(madvise(p, 4 * PAGE, MADV_POPULATE_READ), EINVAL,
              "madvise(2): MADV_POPULATE_READ of PROT_NONE is EINVAL");
    munmap(p, 4 * PAGE);
}

/* ---- brk(2) ---- */

static void test_brk(void)
{
    uintptr_t start = (uintptr_t)syscall(SYS_brk, 0);
    tap_ok(start != 0, "brk(2): where it is");
    uintptr_t end = start + 5 * PAGE + 100;
    tap_ok((uintptr_t)syscall(SYS_brk, end) == end, "brk(2): up");
    char *p = (char *)start;
    p[5 * PAGE] = 3;
    tap_ok(p[4 * PAGE] == 0 && p[5 * PAGE] == 3, "brk(2): new memory is zero and writable");
    tap_ok((uintptr_t)syscall(SYS_brk, start + PAGE) == start + PAGE &&
               touch((char *)((start + 3 * PAGE) & -PAGE), false) == SIGSEGV,
           "brk(2): down: what was above is gone");
    tap_ok((uintptr_t)syscall(SYS_brk, end) == end && p[5 * PAGE] == 0, "brk(2): up again: zeros");
    tap_ok((uintptr_t)syscall(SYS_brk, 8) == end, "brk(2): below its start changes nothing");
    tap_ok((uintptr_t)syscall(SYS_brk, 1UL << 46) == end, "brk(2): too far changes nothing");
    tap_ok((uintptr_t)syscall(SYS_brk, start) == start, "brk(2): back");
}

/* ---- stacks ---- */

static int use_stack(size_t depth);
static int (*volatile deeper)(size_t depth) = use_stack; /* so that it is a call indeed */

static int use_stack(size_t depth)
{
    volatile char page[4 * PAGE];
    for (size_t i = 0; i < sizeof(page); i += PAGE)
        page[i] = (char)depth;
    __asm__ volatile("" ::"r"(page) : "memory"); /* it has an address, so it is there */
    return depth ? deeper(depth - 1) + page[0] : page[PAGE];
}

static char alternate[65536];

static int overflow_stack(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    setrlimit(RLIMIT_STACK, &limit);
    sigaltstack(&stack, NULL);
    if (sigsetjmp(fault_escape, 1))
        return fault_signal == SIGSEGV && fault_code == SEGV_MAPERR ? 0 : 2 + fault_code;
    use_stack(10000);
    return 1;
}

static int grow_stack(void)
{
    use_stack(300); /* 4.8 MiB of the usual 8 */
    return 0;
}

static int grow_mapping(void)
{
    /* A page that grows down, with room below. */
    char *room = map(600 * PAGE, PROT_NONE, MAP_PRIVATE);
    munmap(room, 600 * PAGE);
    char *top = mmap(room + 599 * PAGE, PAGE, RW,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    if (top == MAP_FAILED)
        return 1;
    for (int i = 0; i < 20; i++) {
        if (touch(top - i * (long)PAGE, true))
            return 2;
    }
    return 0;
}

static void test_stack(void)
{
    tap_ok(in_child(grow_stack) == 0, "setrlimit(2): the stack grows");
    int status = in_child(overflow_stack);
    if (!tap_ok(status == 0, "setrlimit(2): to RLIMIT_STACK and no further: SIGSEGV"))
        tap_note("status %d", status);
    tap_ok(in_child(grow_mapping) == 0, "mmap(2): MAP_GROWSDOWN grows down");
}

/* ---- getrlimit(2) ---- */

static int limited_space(void)
{
    struct rlimit limit = {64 << 20, 64 << 20};
    setrlimit(RLIMIT_AS, &limit);
    if (map(128 << 20, PROT_NONE, MAP_PRIVATE) != MAP_FAILED || errno != ENOMEM)
        return 1;
    char *p = map(16 << 20, RW, MAP_PRIVATE);
    if (p == MAP_FAILED)
        return 2;
    /* What is replaced does not count. */
    if (mmap(p, 16 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return 3;
    if (mremap(p, 16 << 20, 128 << 20, MREMAP_MAYMOVE) != MAP_FAILED || errno != ENOMEM)
        return 4;
    return 0;
}

static int limited_data(void)
{
    struct rlimit limit = {32 << 20, 32 << 20};
    setrlimit(RLIMIT_DATA, &limit);
    if (map(64 << 20, RW, MAP_PRIVATE) != MAP_FAILED || errno != ENOMEM)
        return 1;
    if (map(64 << 20, PROT_READ, MAP_PRIVATE) == MAP_FAILED)
        return 2;
    uintptr_t start = (uintptr_t)syscall(SYS_brk, 0);
    if ((uintptr_t)syscall(SYS_brk, start + (64 << 20)) != start)
        return 3;
    return 0;
}

static void test_limits(void)
{
    tap_ok(in_child(limited_space) == 0, "getrlimit(2): RLIMIT_AS");
    tap_ok(in_child(limited_data) == 0, "getrlimit(2): RLIMIT_DATA");
}

/* ---- many regions ---- */

static void test_many(void)
{
    enum { COUNT = 5000 };
    char *p = map(2 * COUNT * PAGE, RW, MAP_PRIVATE);
    bool good = p != MAP_FAILED;
    for (size_t i = 0; i < COUNT && good; i++) {
        p[2 * i * PAGE] = (char)i;
        good = mprotect(p + 2 * i * PAGE, PAGE, PROT_READ) == 0;
    }
    tap_ok(good, "mprotect(2): 10,000 regions");
    for (size_t i = 0; i < COUNT && good; i++)
        good = p[2 * i * PAGE] == (char)i;
    for (size_t i = 0; i < COUNT && good; i++)
        good = mprotect(p + 2 * i * PAGE, PAGE, RW) == 0;
    tap_ok(good, "mprotect(2): and one again");
    for (size_t i = 0; i < COUNT && good; i++)
        good = munmap(p + 2 * i * PAGE, PAGE) == 0;
    for (size_t i = 0; i < COUNT && good; i++)
        good = map_pages(1) != MAP_FAILED;
    tap_ok(good, "mmap(2): 5,000 holes are filled");
    munmap(p, 2 * COUNT * PAGE);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = fault_caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    test_mmap();
    test_fixed();
    test_files();
    test_protect();
    test_fork();
    test_remap();
    test_advice();
    test_brk();
    test_stack();
    test_limits();
    test_many();
    return tap_done();
}
