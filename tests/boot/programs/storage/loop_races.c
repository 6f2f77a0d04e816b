/*
 * loop_races: loop devices are given other bounds, files and names while they are read, written,
 * mapped and taken away (loop(4)): bytes or an error that says so, never bytes beyond the bounds,
 * nobody hangs, and nothing is left. RACES_SECONDS in the environment: how long.
 */
#define _GNU_SOURCE
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cases.h"
#include "proc_baton.h"

enum { PAGE = 4096, LIMIT = 1 << 20, SIZE = 2 << 20 };
#define IMAGE "/tmp/loop-races"

static char node[32]; /* the loop device's */
static long until;
static char *bytes; /* PAGE bytes, at a page's beginning */

static bool goes_on(void)
{
    return now_ms() < until;
}

static off_t anywhere(void)
{
    return rand() % (SIZE / PAGE) * PAGE;
}

/* ---- players ---- */

static void sets_bounds(void)
{
    struct loop_info64 bounds = {0};
    int loop = open(node, O_RDWR);

    for (int i = 0; goes_on(); i++) {
        bounds.lo_sizelimit = i % 3 == 0 ? PAGE : i % 3 == 1 ? LIMIT / 2 : LIMIT;
        if (ioctl(loop, LOOP_SET_STATUS64, &bounds))
            _exit(1);
        ioctl(loop, BLKFLSBUF, 0);
    }
}

/* What a write beyond the end says, or one whose end came nearer meanwhile. */
static bool is_answer(ssize_t done)
{
    bool good = done >= 0 || errno == ENOSPC || errno == EIO;

    if (!good)
        tap_note("%s", strerror(errno));
    return good;
}

static void uses(int flags)
{
    int loop = open(node, O_RDWR | flags);

    while (goes_on())
        if (!is_answer(pwrite(loop, bytes, PAGE, anywhere())) ||
            !is_answer(pread(loop, bytes, PAGE, anywhere())))
            _exit(2);
}
static void uses_cached(void)
{
    uses(0);
}
static void uses_directly(void)
{
    uses(O_DIRECT);
}

static void touch_all(void)
{
    volatile char *map =
        mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, open(node, O_RDWR), 0);

    while (goes_on())
        map[anywhere()] = 'x';
    _exit(0);
}
static void maps(void)
{
    while (goes_on()) {
        pid_t child = fork();
        if (child == 0)
            touch_all();
        int status = status_of(child);
        if (!exited(status, 0) && !killed_by(status, SIGBUS))
            _exit(3);
    }
}
static void makes_devices(void)
{
    int control = open("/dev/loop-control", O_RDWR);

    while (goes_on()) {
        int number = 100 + rand() % 4;
        if (rand() % 2)
            ioctl(control, LOOP_CTL_ADD, number);
        else
            ioctl(control, LOOP_CTL_REMOVE, number);
    }
    for (int number = 100; number < 104; number++)
        while (ioctl(control, LOOP_CTL_REMOVE, number) && errno == EBUSY)
            sleep_ms(1);
}
static void opens_devices(void)
{
    char name[32];

    while (goes_on()) {
        snprintf(name, sizeof(name), "/dev/loop%d", 100 + rand() % 4);
        int loop = open(name, O_RDWR | O_NONBLOCK), image = open(IMAGE, O_RDWR);
        ioctl(loop, LOOP_SET_FD, image);
        if (loop >= 0)
            is_answer(pread(loop, bytes, PAGE, 0));
        ioctl(loop, BLKRRPART, 0);
        ioctl(loop, LOOP_CLR_FD, 0);
        close(image);
        close(loop);
    }
}
/* Names in /dev that somebody else makes, moves and mounts while devices come and go. */
static void makes_names(void)
{
    mkdir("/tmp/loop-dev", 0700);
    while (goes_on()) {
        rename("/dev/loop100", "/dev/loop-moved");
        mkdir("/dev/loop101", 0700);
        symlink("/tmp/nowhere", "/dev/loop102");
        mount("/dev/null", "/dev/loop103", NULL, MS_BIND, NULL);
        if (mount("none", "/tmp/loop-dev", "devtmpfs", 0, NULL) == 0)
            umount2("/tmp/loop-dev", MNT_DETACH);
        umount2("/dev/loop103", MNT_DETACH);
        unlink("/dev/loop-moved");
        unlink("/dev/loop102");
        rmdir("/dev/loop101");
    }
}

static void (*const players[])(void) = {
    sets_bounds,   uses_cached,   uses_directly, maps,
    makes_devices, opens_devices, makes_names,   uses_directly,
};
#define PLAYERS (sizeof(players) / sizeof(players[0]))

/* ---- */

static bool image_make(void)
{
    int image = open(IMAGE, O_RDWR | O_CREAT | O_TRUNC, 0600);

    memset(bytes, 'z', PAGE);
    for (int i = 0; i < SIZE / PAGE; i++)
        REQUIRE(write(image, bytes, PAGE) == PAGE);
    memset(bytes, 'x', PAGE);
    close(image);
    return true;
}

static bool beyond_is_untouched(void)
{
    char page[PAGE], same[PAGE];
    int image = open(IMAGE, O_RDONLY);

    memset(same, 'z', PAGE);
    for (off_t at = LIMIT; at < SIZE; at += PAGE)
        REQUIRE(pread(image, page, PAGE, at) == PAGE && memcmp(page, same, PAGE) == 0);
    close(image);
    return true;
}

static bool play(void)
{
    pid_t player[PLAYERS];
    bool good = true;

    for (size_t i = 0; i < PLAYERS; i++) {
        player[i] = fork();
        if (player[i])
            continue;
        srand(getpid());
        players[i]();
        _exit(0);
    }
    for (size_t i = 0; i < PLAYERS; i++) {
        int status = -1;
        bool ended = false;
        while (!ended && now_ms() < until + 20000) {
            ended = waitpid(player[i], &status, WNOHANG) == player[i];
            sleep_ms(1);
        }
        if (!ended || !exited(status, 0))
            tap_note("player %zu: %s, status %#x", i, ended ? "ended" : "hangs", status);
        good &= ended && exited(status, 0);
    }
    return good;
}

static bool round_of(long milliseconds)
{
    struct loop_info64 bounds = {.lo_sizelimit = LIMIT};
    int control = open("/dev/loop-control", O_RDWR), image = open(IMAGE, O_RDWR);

    snprintf(node, sizeof(node), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
    int loop = open(node, O_RDWR);
    REQUIRE(loop >= 0 && ioctl(loop, LOOP_SET_FD, image) == 0);
    REQUIRE(ioctl(loop, LOOP_SET_STATUS64, &bounds) == 0);
    until = now_ms() + milliseconds;
    bool good = play();
    close(image);
    REQUIRE(ioctl(loop, LOOP_CLR_FD, 0) == 0);
    close(loop);
    close(control);
    return good;
}

int main(void)
{
    static char before[4096], after[4096];
    const char *seconds = getenv("RACES_SECONDS");

    if (!baton_is_here()) {
        tap_plan(1);
        tap_ok(true, "loop devices # SKIP not in Debian's cloud kernel");
        return 0;
    }
    bytes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool good = image_make() && round_of(500) && beyond_is_untouched();
    baton_counts_quiet(before, sizeof(before));
    good &= round_of(seconds ? atol(seconds) * 1000 : 3000);
    tap_ok(good, "loop devices and their names change while they are used");
    tap_ok(beyond_is_untouched(), "nothing is written beyond a loop device's bounds");
    baton_counts_quiet(after, sizeof(after));
    tap_ok(strcmp(before, after) == 0, "and nothing is left of it");
    baton_counts_note(before, after);
    return tap_done();
}
