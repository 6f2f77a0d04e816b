/*
 * file_stress: several processes make, move, remove, read and write names and files in one small
 * tree at once, for some seconds, at random; the seed is printed. Nobody may see an error that the
 * race does not explain, and what is left can be removed. On Baton, nothing is lost afterwards.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "proc_baton.h"
#include "races.h"

enum { WORKERS = 8, NAMES = 6, SECONDS = 3 };

static uint64_t state;

static unsigned pick(unsigned count)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % count;
}

/* A name one to three levels deep. */
static const char *name(void)
{
    static char texts[4][64];
    static unsigned next;
    char *text = texts[next++ % 4];
    unsigned depth = 1 + pick(3);

    text[0] = '\0';
    for (unsigned i = 0; i < depth; i++)
        sprintf(text + strlen(text), "%sn%u", i ? "/" : "", pick(NAMES));
    return text;
}

/* What a lost race may say. */
static bool expected(int error)
{
    switch (error) {
    case ENOENT:
    case EEXIST:
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case EINVAL:
    case ELOOP:
    case EPERM: /* link to a directory */
        return true;
    }
    return false;
}

static unsigned surprises;

static void check(long result, const char *what)
{
    if (result == -1 && !expected(errno)) {
        surprises++;
        tap_note("%s: %s", what, strerror(errno));
    }
}

static void use_file(void)
{
    static char buffer[3000];
    int file = open(name(), O_RDWR | (pick(2) ? O_CREAT : 0) | (pick(4) ? 0 : O_TRUNC), 0600);

    check(file, "open");
    if (file < 0)
        return;
    off_t offset = pick(20000);
    check(pwrite(file, buffer, 1 + pick(sizeof(buffer) - 1), offset), "pwrite");
    check(pread(file, buffer, sizeof(buffer), pick(20000)), "pread");
    if (!pick(4))
        check(ftruncate(file, pick(20000)), "ftruncate");
    if (!pick(4)) {
        char *memory =
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, pick(2) ? MAP_SHARED : MAP_PRIVATE, file, 0);
        if (memory == MAP_FAILED)
            check(-1, "mmap");
        else
            munmap(memory, 4096);
    }
    check(close(file), "close");
}

static void use_directory(void)
{
    char entries[200];
    int directory = open(pick(3) ? name() : ".", O_RDONLY | O_DIRECTORY);

    check(directory, "open a directory");
    if (directory < 0)
        return;
    for (int i = 0; i < 10; i++) {
        long size = syscall(SYS_getdents64, directory, entries, sizeof(entries));
        check(size, "getdents64");
        if (size <= 0)
            break;
    }
    close(directory);
}

static void use_pipe(void)
{
    char byte = 0;
    int ends[2];

    if (pipe(ends) < 0) {
        check(-1, "pipe");
        return;
    }
    if (fork() == 0) {
        char text[5000] = "";
        struct pollfd request = {ends[1], POLLOUT, 0};
        poll(&request, 1, -1);
        _exit(write(ends[1], text, sizeof(text)) != sizeof(text));
    }
    close(ends[1]);
    size_t total = 0;
    for (ssize_t done; (done = read(ends[0], &byte, 1)) > 0 && total < 100;)
        total++;
    char rest[5000];
    for (ssize_t done; (done = read(ends[0], rest, sizeof(rest))) > 0;)
        total += (size_t)done;
    close(ends[0]);
    int status = 0;
    wait(&status);
    if (total != 5000 - 0 && total + 1 != 5000) {
        surprises++;
        tap_note("a pipe gave %zu bytes", total);
    }
}

static void step(void)
{
    struct stat status;
    char text[64];

    switch (pick(16)) {
    case 0:
    case 1:
        check(mkdir(name(), 0700), "mkdir");
        break;
    case 2:
        check(rmdir(name()), "rmdir");
        break;
    case 3:
        check(unlink(name()), "unlink");
        break;
    case 4:
    case 5:
    case 6:
        check(rename(name(), name()), "rename");
        break;
    case 7:
        check(syscall(SYS_renameat2, AT_FDCWD, name(), AT_FDCWD, name(), RENAME_EXCHANGE),
              "RENAME_EXCHANGE");
        break;
    case 8:
        check(link(name(), name()), "link");
        break;
    case 9:
        check(symlink(name(), name()), "symlink");
        break;
    case 10:
        check(stat(name(), &status), "stat");
        check(readlink(name(), text, sizeof(text)), "readlink");
        break;
    case 11:
        use_directory();
        break;
    case 12:
        if (chdir(name()) == 0) {
            check(getcwd(text, sizeof(text)) ? 0 : errno == ERANGE ? 0 : -1, "getcwd");
            check(stat("..", &status), "stat ..");
            check(fchdir(3), "fchdir");
        }
        break;
    case 13:
        if (!pick(8))
            use_pipe();
        break;
    default:
        use_file();
    }
}

static void work(unsigned seed)
{
    struct timespec now;
    unsigned steps = 0;

    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (time_t end = now.tv_sec + SECONDS; now.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &now))
        for (int i = 0; i < 50; i++, steps++)
            step();
    tap_note("worker %u: %u steps", seed, steps);
    _exit(surprises != 0);
}

static void remove_tree(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *list = directory < 0 ? NULL : fdopendir(directory);
    struct dirent *entry;
    char below[4096];

    while (list && (entry = readdir(list))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_tree(below);
        else
            unlink(below);
    }
    if (list)
        closedir(list);
    rmdir(path);
}

/* One round of all workers. How many of them were surprised. */
static unsigned round_of_work(unsigned seed)
{
    unsigned bad = 0;
    int status;

    if (mkdir("stress", 0700) || chdir("stress"))
        tap_note("cannot begin: %s", strerror(errno));
    int here = open(".", O_RDONLY);
    dup2(here, 3);
    if (here != 3)
        close(here);
    for (unsigned i = 0; i < WORKERS; i++)
        if (fork() == 0)
            work(seed + i);
    while (wait(&status) > 0)
        bad += status != 0;
    close(3);
    if (chdir(".."))
        bad++;
    remove_tree("stress");
    return bad;
}

int main(void)
{
    static char before[4096], after[4096];
    unsigned seed = (unsigned)time(NULL);

    tap_note("seed %u", seed);
    mkdir("/tmp", 01777);
    if (chdir("/tmp"))
        return 1;
    /* remove_tree() holds a descriptor a level, and a table of descriptors never shrinks: it is as
       large as it may become before anything is counted. */
    close(dup2(0, 1000));
    close(3);
    struct race race = race_begin(1);
    int bad = 0;
    while (race_goes_on(&race))
        bad += round_of_work(seed + race.round * 1000);
    tap_ok(bad == 0, "no error that the race does not explain");
    tap_ok(access("stress", F_OK) == -1 && errno == ENOENT, "all can be removed");
    if (baton_is_here()) {
        file_text("/proc/baton/objects", before, sizeof(before));
        tap_ok(round_of_work(seed + 100) == 0, "a second round");
        file_text("/proc/baton/objects", after, sizeof(after));
        if (!tap_ok(strcmp(before, after) == 0, "nothing is lost"))
            tap_note("before: %s after: %s", before, after);
    }
    return tap_done();
}
