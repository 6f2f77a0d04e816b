/*
 * disk_gone ROUNDS: a USB stick is pulled out while it is used in every way at once: read, written,
 * past the cache, mapped, under a loop device, mounted, its files mapped. Nobody hangs: who waits
 * gets an error, who touches SIGBUS, mounts can be taken away, and all counts come back. usb.py
 * plugs it in where this says "done", and pulls it out where it says "ready".
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <dirent.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cases.h"
#include "proc_baton.h"

#define RAW   "/dev/sda1"  /* nothing on it */
#define FAT   "/dev/sda2"  /* a file `big` of 4 MiB */
#define OTHER "/dev/sda3"  /* likewise FAT */
#define PLACE "/tmp/stick" /* where FAT is mounted */

enum { PAGE = 4096, PIECE = 65536, RAW_SIZE = 32 << 20, FILE_SIZE = 4 << 20 };

static char *buffer; /* PIECE bytes, at a page's beginning */

static bool is_there(const char *name)
{
    struct stat status;

    return stat(name, &status) == 0;
}

static off_t anywhere(size_t size)
{
    return rand() % (size / PIECE) * PIECE;
}

/* ---- users: each ends with status 0 when it is told that the stick is gone ---- */

static void reads(const char *name, int flags, size_t size)
{
    int file = open(name, O_RDONLY | flags);

    while (pread(file, buffer, PIECE, anywhere(size)) == PIECE)
        ;
}
static void writes(const char *name, int flags, size_t size)
{
    int file = open(name, O_RDWR | flags);

    while (pwrite(file, buffer, PIECE, anywhere(size)) == PIECE && fsync(file) == 0)
        ;
}
/* The second half was never touched: no page of it is there when the stick is gone. */
static void maps(const char *name, size_t size, int protection)
{
    int file = open(name, O_RDWR);
    volatile char *map = mmap(NULL, size, protection, MAP_SHARED, file, 0);

    if (map == MAP_FAILED)
        _exit(1);
    while (is_there(RAW)) {
        volatile char *byte = &map[anywhere(size / 2)];
        if (protection & PROT_WRITE)
            *byte = 1;
        else
            (void)*byte;
    }
    msync((void *)map, size, MS_SYNC);
    for (int tries = 0; tries < 100; tries++) /* its name goes a moment before the rest */
        (void)map[size / 2 + (size_t)tries * PIECE % (size / 2)];
    _exit(2);
}

static void reads_disk(void)
{
    reads(RAW, 0, RAW_SIZE);
}
static void reads_whole_disk(void)
{
    reads("/dev/sda", 0, RAW_SIZE);
}
static void writes_disk(void)
{
    writes(RAW, 0, RAW_SIZE);
}
static void reads_directly(void)
{
    reads(RAW, O_DIRECT, RAW_SIZE);
}
static void writes_directly(void)
{
    writes(RAW, O_DIRECT, RAW_SIZE);
}
static void maps_to_read(void)
{
    maps(RAW, RAW_SIZE, PROT_READ);
}
static void maps_to_write(void)
{
    maps(RAW, RAW_SIZE, PROT_READ | PROT_WRITE);
}
static void reads_file(void)
{
    for (;;) {
        int file = open(PLACE "/big", O_RDONLY);
        if (file < 0 || pread(file, buffer, PIECE, anywhere(FILE_SIZE)) != PIECE || !is_there(RAW))
            return;
        close(file);
    }
}
static void writes_file(void)
{
    int file = open(PLACE "/new", O_RDWR | O_CREAT, 0600);

    while (pwrite(file, buffer, PIECE, anywhere(FILE_SIZE)) == PIECE && fsync(file) == 0)
        ;
}
static void maps_file(void)
{
    maps(PLACE "/big", FILE_SIZE, PROT_READ | PROT_WRITE);
}
static void makes_names(void)
{
    for (int i = 0; is_there(RAW); i = (i + 1) % 20) {
        char name[64];
        snprintf(name, sizeof(name), PLACE "/name.%d", i);
        close(open(name, O_RDWR | O_CREAT, 0600));
        rename(name, PLACE "/other name");
        DIR *list = opendir(PLACE);
        while (list && readdir(list))
            ;
        if (list)
            closedir(list);
        unlink(PLACE "/other name");
        sync();
    }
}
static void uses_loop(void)
{
    int control = open("/dev/loop-control", O_RDWR), below = open(RAW, O_RDWR);
    char name[32];

    snprintf(name, sizeof(name), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
    int loop = open(name, O_RDWR);
    if (ioctl(loop, LOOP_SET_FD, below))
        return;
    while (pwrite(loop, buffer, PIECE, anywhere(RAW_SIZE)) == PIECE && fsync(loop) == 0)
        ;
    ioctl(loop, LOOP_CLR_FD);
}
static void opens(void)
{
    while (is_there(RAW)) {
        int file = open("/dev/sda", O_RDWR);
        uint64_t size;
        ioctl(file, BLKGETSIZE64, &size);
        ioctl(file, BLKFLSBUF, 0);
        ioctl(file, BLKRRPART, 0);
        close(file);
    }
}
static void mounts(void)
{
    mkdir("/tmp/other-stick", 0700);
    while (is_there(RAW))
        if (mount(OTHER, "/tmp/other-stick", "vfat", 0, NULL) == 0) {
            close(open("/tmp/other-stick/x", O_RDWR | O_CREAT, 0600));
            if (umount2("/tmp/other-stick", 0))
                _exit(3);
        }
}

static const struct {
    const char *name;
    void (*use)(void);
} users[] = {
    {"reads", reads_disk},
    {"reads the whole disk", reads_whole_disk},
    {"writes", writes_disk},
    {"reads past the cache", reads_directly},
    {"writes past the cache", writes_directly},
    {"maps to read", maps_to_read},
    {"maps to write", maps_to_write},
    {"reads a file", reads_file},
    {"writes a file", writes_file},
    {"maps a file", maps_file},
    {"makes names", makes_names},
    {"a loop device", uses_loop},
    {"opens and asks", opens},
    {"mounts", mounts},
};
#define USERS (sizeof(users) / sizeof(users[0]))

static void touched_what_is_gone(int signal)
{
    (void)signal;
    _exit(0);
}

static pid_t begin_user(size_t number)
{
    pid_t child = fork();

    if (child)
        return child;
    srand(getpid());
    signal(SIGBUS, touched_what_is_gone);
    users[number].use();
    _exit(0);
}

/* ---- rounds ---- */

static bool user_ended(pid_t user, const char *name)
{
    int status = -1;
    bool ended = EVENTUALLY(waitpid(user, &status, WNOHANG) == user);

    if (!ended) {
        tap_note("%s: hangs", name);
        kill(user, SIGKILL);
        if (!EVENTUALLY(waitpid(user, &status, WNOHANG) == user))
            tap_note("%s: and cannot be killed", name);
    } else if (!exited(status, 0)) {
        tap_note("%s: status %#x", name, status);
    }
    return ended && exited(status, 0);
}

static void tell(const char *word, int round)
{
    printf("# %s %d\n", word, round);
    fflush(stdout);
}

/* What is still open of a stick that is gone takes nothing, also when the next one is there, and
   has its name. */
static bool is_dead(int file)
{
    char *mark = memset(alloca(PAGE), 'K', PAGE);

    return pwrite(file, mark, PAGE, 0) < 0 || fsync(file) < 0;
}

static bool has_mark(void)
{
    int file = open(RAW, O_RDONLY | O_DIRECT);
    bool found = pread(file, buffer, PAGE, 0) != PAGE || buffer[0] == 'K';

    close(file);
    return found;
}

static bool one_round(int round)
{
    static int kept = -1; /* the stick of the round before */
    pid_t user[USERS];
    bool good = true;

    REQUIRE(EVENTUALLY(is_there(RAW) && is_there(FAT) && is_there(OTHER)));
    REQUIRE(kept < 0 || is_dead(kept));
    close(kept);
    REQUIRE(!has_mark());
    REQUIRE(EVENTUALLY(mount(FAT, PLACE, "vfat", 0, NULL) == 0));
    kept = round % 2 ? -1 : open(RAW, O_RDWR);
    for (size_t i = 0; i < USERS; i++)
        user[i] = begin_user(i);
    sleep_ms(100);
    for (size_t i = 0; i < USERS; i++)
        if (waitpid(user[i], NULL, WNOHANG)) {
            tap_note("%s: ended before", users[i].name);
            good = false;
        }
    tell("ready", round);
    while (is_there(RAW))
        sleep_ms(5);
    for (size_t i = 0; i < USERS; i++)
        good &= user_ended(user[i], users[i].name);
    REQUIRE(umount2(PLACE, 0) == 0);
    REQUIRE(kept < 0 || is_dead(kept));
    return good;
}

/* After each second round nothing is kept of it. */
static bool counts_return(int round)
{
    static char before[4096], after[4096];

    if (round % 2 == 0)
        return true;
    baton_counts_quiet(after, sizeof(after));
    bool same = round < 5 || strcmp(before, after) == 0;
    if (!same)
        baton_counts_note(before, after);
    memcpy(before, after, sizeof(before));
    return same;
}

int main(int count, char **arguments)
{
    int rounds = count > 1 ? atoi(arguments[1]) : 3;
    bool good = true, counted = true;

    buffer = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(buffer, 'x', PIECE);
    mkdir(PLACE, 0700);
    for (int round = 0; round < rounds && good; round++) {
        good = one_round(round);
        counted &= counts_return(round);
        tell("done", round);
    }
    tap_ok(good, "a stick that is pulled out: nobody who used it hangs");
    tap_ok(counted, "…and nothing is left of it");
    return tap_done();
}
