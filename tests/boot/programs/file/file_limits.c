/*
 * file_limits: what a tmpfs may take (tmpfs(5), mount(2)): pages and inodes, told by statfs(2),
 * counted exactly, ENOSPC beyond.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>

#include "proc_baton.h"
#include "races.h"

#define PAGE   4096UL
#define PLACE  "/tmp/file_limits"
#define PAGES  256
#define INODES 20
#define TARGET "/proc/self/mounts"

static struct statfs state(void)
{
    struct statfs answer = {0};
    if (statfs(PLACE, &answer))
        tap_note("statfs: errno %d", errno);
    return answer;
}

static int mount_here(const char *options, unsigned long flags)
{
    return mount("none", PLACE, "tmpfs", flags, options) ? errno : 0;
}

static int file_at(const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), PLACE "/%s", name);
    return open(path, O_RDWR | O_CREAT, 0600);
}

static void gone(const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), PLACE "/%s", name);
    unlink(path);
}

/* Writes page by page; how many were taken. errno says why no more. */
static unsigned fill(int file, unsigned most)
{
    static char page[PAGE];
    unsigned pages = 0;

    memset(page, 'x', sizeof(page));
    errno = 0;
    while (pages < most && write(file, page, PAGE) == (ssize_t)PAGE)
        pages++;
    return pages;
}

static void test_options(void)
{
    static const char *const bad[] = {"size=x", "size=1q", "nr_inodes=-1", "mode=9", "colour=red"};
    struct statfs now;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        tap_ok(mount_here(bad[i], 0) == EINVAL, "mount(2): %s is refused with EINVAL", bad[i]);

    tap_ok(mount_here("size=1m,nr_inodes=20,mode=751,uid=7,gid=8", 0) == 0, "mount with limits");
    now = state();
    tap_ok(now.f_blocks == PAGES && now.f_bfree == PAGES && now.f_bavail == PAGES,
           "statfs tells size=");
    tap_ok(now.f_files == INODES && now.f_ffree == INODES - 1,
           "statfs tells nr_inodes=; the root is one");
    struct stat root;
    tap_ok(stat(PLACE, &root) == 0 && (root.st_mode & 07777) == 0751 && root.st_uid == 7 &&
               root.st_gid == 8,
           "mode=, uid=, gid= are the root's");
    static char text[8192];
    file_text(TARGET, text, sizeof(text));
    char *line = strstr(text, PLACE);
    tap_ok(line && strstr(line, "size=1024k,nr_inodes=20,mode=751,uid=7,gid=8"),
           "/proc/mounts shows them");
    umount(PLACE);

    tap_ok(mount_here("size=25%", 0) == 0, "mount with a percentage");
    struct sysinfo memory;
    sysinfo(&memory);
    uint64_t pages = memory.totalram / PAGE * memory.mem_unit;
    now = state();
    tap_ok(now.f_blocks > pages / 5 && now.f_blocks < pages / 3, "statfs tells a quarter");
    umount(PLACE);

    mount_here(NULL, 0);
    now = state();
    tap_ok(now.f_blocks > pages * 2 / 5 && now.f_blocks < pages * 3 / 5,
           "without size= it is half of memory");
    tap_ok(now.f_files > pages * 2 / 5 && now.f_files < pages * 3 / 5,
           "without nr_inodes= half as many as pages");
    umount(PLACE);
    mount_here("size=0,nr_inodes=0", 0);
    now = state();
    tap_ok(now.f_blocks == 0 && now.f_files == 0, "0: no limit, and statfs says 0");
    umount(PLACE);
}

static sigjmp_buf back;

static void bus_error(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static void test_pages(void)
{
    int file = file_at("one"), other = file_at("other");

    unsigned pages = fill(file, PAGES + 10);
    tap_ok(pages == PAGES && errno == ENOSPC, "write(2): ENOSPC when the last page is taken");
    tap_ok(state().f_bfree == 0, "statfs: no page is free");
    int empty = file_at("empty");
    tap_ok(empty >= 0, "a file without contents can still be made");
    close(empty);
    gone("empty");
    tap_ok(pwrite(file, "y", 1, 5) == 1, "what has its page can be written again");
    tap_ok(pwrite(other, "y", 1, 0) < 0 && errno == ENOSPC, "another file gets none");

    if (ftruncate(other, PAGE))
        tap_note("ftruncate: errno %d", errno);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
    struct sigaction action = {.sa_handler = bus_error}, old;
    sigaction(SIGBUS, &action, &old);
    bool bus = sigsetjmp(back, 1);
    if (!bus)
        *(volatile char *)map = 1;
    tap_ok(bus, "a touch of a shared map that needs a page: SIGBUS");
    tap_ok(read(open("/dev/zero", O_RDONLY), map, 1) < 0 && errno == EFAULT,
           "read(2) into such a page: EFAULT");
    tap_ok(fallocate(other, 0, 0, PAGE) && errno == ENOSPC, "fallocate(2): ENOSPC");

    tap_ok(ftruncate(file, 10 * PAGE) == 0 && state().f_bfree == PAGES - 10,
           "ftruncate(2) gives pages back");
    tap_ok(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE) == 0 &&
               state().f_bfree == PAGES - 6,
           "a hole gives pages back");
    *(volatile char *)map = 1;
    tap_ok(state().f_bfree == PAGES - 7, "a page made by a touch is counted");
    gone("one");
    tap_ok(state().f_bfree == PAGES - 7, "an open file without a name keeps its pages");
    close(file);
    gone("other");
    close(other);
    tap_ok(state().f_bfree == PAGES - 1, "so does one that is only mapped");
    munmap(map, PAGE);
    sigaction(SIGBUS, &old, NULL);
    tap_ok(state().f_bfree == PAGES && state().f_ffree == INODES - 1, "at last all is free");
}

static void test_inodes(void)
{
    char name[32], first[64], second[64];
    unsigned made = 0;

    for (;; made++) {
        snprintf(name, sizeof(name), "%u", made);
        int file = file_at(name);
        if (file < 0)
            break;
        close(file);
    }
    tap_ok(made == INODES - 1 && errno == ENOSPC, "open(2): ENOSPC when the last inode is taken");
    tap_ok(mkdir(PLACE "/d", 0700) && errno == ENOSPC, "mkdir(2): ENOSPC");
    tap_ok(symlink("x", PLACE "/l") && errno == ENOSPC, "symlink(2): ENOSPC");
    tap_ok(mkfifo(PLACE "/f", 0600) && errno == ENOSPC, "mknod(2): ENOSPC");
    tap_ok(link(PLACE "/0", PLACE "/h") && errno == ENOSPC, "link(2): a name counts too: ENOSPC");
    tap_ok(open(PLACE, O_TMPFILE | O_RDWR, 0600) < 0 && errno == ENOSPC, "O_TMPFILE: ENOSPC");
    tap_ok(rename(PLACE "/0", PLACE "/r") == 0, "rename(2) needs none");
    gone("r");
    tap_ok(state().f_ffree == 1, "unlink(2) gives one back");
    tap_ok(link(PLACE "/1", PLACE "/h") == 0 && state().f_ffree == 0, "a link takes it");
    snprintf(first, sizeof(first), PLACE "/2");
    snprintf(second, sizeof(second), PLACE "/h");
    tap_ok(rename(first, second) == 0 && state().f_ffree == 1,
           "rename(2) over a link gives it back");
    gone("1");
    tap_ok(state().f_ffree == 2, "the last name of an inode gives it back");
    for (unsigned i = 0; i < made; i++) {
        snprintf(name, sizeof(name), "%u", i);
        gone(name);
    }
    gone("h");
    tap_ok(state().f_ffree == INODES - 1, "all inodes are free again");

    char target[201];
    memset(target, 't', 200);
    target[200] = '\0';
    tap_ok(symlink(target, PLACE "/l") == 0 && state().f_bfree == PAGES - 1,
           "a long symbolic link takes a page");
    gone("l");
    tap_ok(state().f_bfree == PAGES, "and gives it back");
}

static void test_remount(void)
{
    int file = file_at("one");

    fill(file, 100);
    tap_ok(mount_here("size=2m", MS_REMOUNT) == 0 && state().f_blocks == 2 * PAGES &&
               state().f_bfree == 2 * PAGES - 100,
           "MS_REMOUNT: more pages");
    tap_ok(mount_here("size=400k", MS_REMOUNT) == 0 && state().f_bfree == 0,
           "MS_REMOUNT: as many as are used");
    tap_ok(mount_here("size=396k", MS_REMOUNT) == EINVAL, "fewer than are used: EINVAL");
    tap_ok(mount_here("nr_inodes=1", MS_REMOUNT) == EINVAL, "fewer inodes than are used: EINVAL");
    tap_ok(mount_here("nr_inodes=2", MS_REMOUNT) == 0 && state().f_ffree == 0,
           "as many inodes as are used");
    tap_ok(mount_here("size=1m,nr_inodes=20", MS_REMOUNT) == 0, "and back");
    gone("one");
    close(file);
}

/* Of what went wrong last. */
static _Atomic unsigned odd_pages;
static _Atomic int odd_error;

/* Each fills files of its own again and again: the limit is met from all sides at once. */
static void *fill_often(void *number)
{
    char name[8];
    uintptr_t failures = 0;

    snprintf(name, sizeof(name), "%c", (char)('a' + (intptr_t)number));
    struct race race = race_begin(30);
    while (race_goes_on(&race)) {
        int file = file_at(name), error = errno;
        unsigned pages = fill(file, PAGES + 1);
        if (pages > PAGES || errno != ENOSPC) {
            failures++;
            odd_pages = pages;
            odd_error = file < 0 ? error : errno;
        }
        gone(name);
        close(file);
    }
    return (void *)failures;
}

static void test_race(void)
{
    pthread_t threads[4];
    uintptr_t failures = 0;

    for (intptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, fill_often, (void *)i);
    for (size_t i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        failures += (uintptr_t)failed;
    }
    if (!tap_ok(failures == 0, "four at once find the end of it"))
        tap_note("%lu times not, at last with %u pages and errno %d", (unsigned long)failures,
                 odd_pages, odd_error);
    tap_ok(state().f_bfree == PAGES && state().f_ffree == INODES - 1, "and the counts are exact");
}

int main(void)
{
    mkdir(PLACE, 0700);
    test_options();
    mount_here("size=1m,nr_inodes=20", 0);
    test_pages();
    test_inodes();
    test_remount();
    test_race();
    umount(PLACE);
    rmdir(PLACE);

    struct statfs root;
    struct sysinfo memory;
    sysinfo(&memory);
    uint64_t pages = memory.totalram / PAGE * memory.mem_unit;
    statfs("/", &root);
    tap_ok(root.f_blocks > pages * 2 / 5 && root.f_blocks < pages * 3 / 5,
           "the root file system is limited too");
    return tap_done();
}
