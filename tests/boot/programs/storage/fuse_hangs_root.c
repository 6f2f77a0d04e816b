/*
 * fuse_hangs_root: root's programs touch memory that lies with a user's server which never answers:
 * they wait, and nobody else with them, neither for the log nor for loop devices nor for a disk.
 */
#define _GNU_SOURCE
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>

#include "proc_baton.h"
#include "storage/fuse_server.h"

#define IMAGE   "/tmp/fuse-hangs-image"
#define PATIENT 5000 /* ms, within which others' calls return */

/* Answers all but reads, until it is ended. */
static bool hangs(int device)
{
    (void)device;
    return request.head.opcode == FUSE_READ;
}

static char *hung;                          /* memory of a file whose pages never come */
static int own_loop, other_loop, free_loop; /* two with files, one without */

/* ---- root, who waits ---- */

static void in_log(void)
{
    klogctl(2, hung, 4096);
}
static void in_status(void)
{
    ioctl(own_loop, LOOP_GET_STATUS64, hung);
}
static void in_status_set(void)
{
    ioctl(own_loop, LOOP_SET_STATUS64, hung);
}
static void in_configure(void)
{
    ioctl(free_loop, LOOP_CONFIGURE, hung);
}
static void in_write(void)
{
    if (pwrite(own_loop, hung, 4096, 0) < 0)
        _exit(1);
}
static void in_read(void)
{
    if (pread(own_loop, hung, 4096, 0) < 0)
        _exit(1);
}
static int direct(void)
{
    char name[32];

    snprintf(name, sizeof(name), "/proc/self/fd/%d", own_loop);
    return open(name, O_RDWR | O_DIRECT);
}
static void in_direct_write(void)
{
    if (pwrite(direct(), hung, 4096, 0) < 0)
        _exit(1);
}
static void in_direct_read(void)
{
    if (pread(direct(), hung, 4096, 0) < 0)
        _exit(1);
}

static void (*const calls[])(void) = {
    in_log,   in_status, in_status_set,   in_configure,
    in_write, in_read,   in_direct_write, in_direct_read,
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static pid_t stuck[CALLS];

static int loop_open(int control)
{
    char name[32];

    snprintf(name, sizeof(name), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
    return open(name, O_RDWR);
}

static bool loops_begin(void)
{
    int control = open("/dev/loop-control", O_RDWR);
    int image = open(IMAGE, O_RDWR | O_CREAT | O_TRUNC, 0600);

    REQUIRE(control >= 0 && image >= 0 && ftruncate(image, 1 << 20) == 0);
    own_loop = loop_open(control);
    REQUIRE(own_loop >= 0 && ioctl(own_loop, LOOP_SET_FD, image) == 0);
    other_loop = loop_open(control);
    REQUIRE(other_loop >= 0 && ioctl(other_loop, LOOP_SET_FD, image) == 0);
    free_loop = loop_open(control);
    return free_loop >= 0;
}

static bool log_something(void)
{
    int log = open("/dev/kmsg", O_WRONLY);
    bool written = write(log, "x", 1) == 1;

    close(log);
    return written;
}

static pid_t server;

/* Root may use it: an administrator who lets others in. */
static bool begin(void)
{
    int device = fuse_mount_with(PLACE, USER, ",allow_other");

    REQUIRE(device >= 0 && loops_begin());
    server = server_begin(device, hangs);
    int file = open(PLACE "/file", O_RDWR);
    hung = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(file >= 0 && hung != MAP_FAILED && log_something());
    for (size_t i = 0; i < CALLS; i++) {
        stuck[i] = fork();
        if (stuck[i] == 0) {
            calls[i]();
            _exit(0);
        }
    }
    sleep_ms(500); /* for all of them to get into their calls; nothing depends on it */
    return true;
}

/* ---- the others ---- */

static bool read_log(void)
{
    char bytes[4096];

    return log_something() && klogctl(2, bytes, sizeof(bytes)) > 0 && klogctl(9, NULL, 0) >= 0;
}
static bool silence_console(void)
{
    return klogctl(6, NULL, 0) == 0 && klogctl(7, NULL, 0) == 0;
}
static bool use_loops(void)
{
    struct loop_info64 information;
    int control = open("/dev/loop-control", O_RDWR);

    REQUIRE(ioctl(other_loop, LOOP_GET_STATUS64, &information) == 0);
    REQUIRE(ioctl(other_loop, LOOP_SET_STATUS64, &information) == 0);
    return ioctl(control, LOOP_CTL_GET_FREE) >= 0;
}
static bool use_disk(void)
{
    char bytes[4096] = "abc";

    REQUIRE(pwrite(own_loop, bytes, sizeof(bytes), 8192) == sizeof(bytes));
    REQUIRE(fsync(own_loop) == 0);
    return pread(own_loop, bytes, sizeof(bytes), 8192) == sizeof(bytes);
}
static bool use_disk_directly(void)
{
    static char bytes[4096] __attribute__((aligned(4096)));
    int file = direct();

    REQUIRE(file >= 0 && pwrite(file, bytes, sizeof(bytes), 16384) == sizeof(bytes));
    return pread(file, bytes, sizeof(bytes), 16384) == sizeof(bytes);
}
static bool synchronise(void)
{
    sync();
    return true;
}

static const struct {
    const char *name;
    bool (*act)(void);
} acts[] = {
    {"the log", read_log},
    {"the console's level", silence_console},
    {"loop devices", use_loops},
    {"a disk that is written to", use_disk},
    {"…past the cache", use_disk_directly},
    {"sync(2)", synchronise},
};

static bool ends_in_time(pid_t child)
{
    long until = now_ms() + PATIENT;
    int status = -1;
    pid_t ended;

    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && now_ms() < until)
        sleep_ms(2);
    if (!ended)
        kill(child, SIGKILL);
    return ended == child && exited(status, 0);
}

static bool acts_in_time(bool (*act)(void))
{
    pid_t child = fork();

    if (child == 0)
        _exit(!act());
    return ends_in_time(child);
}

static bool can_be_killed(pid_t child)
{
    kill(child, SIGKILL);
    return EVENTUALLY(waitpid(child, NULL, WNOHANG) == child);
}

int main(void)
{
    bool all = true;

    if (!fuse_is_there() || !baton_is_here()) {
        tap_plan(1);
        tap_ok(true, "FUSE # SKIP no promise of Linux's: it holds its mutex of loop devices");
        return 0;
    }
    if (!tap_ok(begin(), "a server hangs, and root in calls with its memory"))
        return 1;
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        tap_ok(acts_in_time(acts[i].act), "nobody waits for: %s", acts[i].name);
    for (size_t i = 0; i < CALLS; i++)
        if (!can_be_killed(stuck[i])) {
            tap_note("call %zu does not end", i);
            all = false;
        }
    tap_ok(all, "each of these calls can be killed");
    ioctl(own_loop, LOOP_CLR_FD);
    ioctl(other_loop, LOOP_CLR_FD);
    tap_ok(umount2(PLACE, MNT_DETACH) == 0, "the mount can be taken away");
    kill(server, SIGKILL);
    status_of(server);
    return tap_done();
}
