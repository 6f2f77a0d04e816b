/* kinds.h: each kind of descriptor, as a row of a table of answers. */
#ifndef BATON_PEER_KINDS_H
#define BATON_PEER_KINDS_H

#include "answers.h"

#include <asm/ioctls.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

/* Fixed numbers: what is asked about, and what else a call needs. */
enum {
    FD = 50,
    PIPE_IN = 51,  /* has 5 bytes */
    PIPE_OUT = 52, /* of the same pipe */
    OTHER = 53,    /* a regular file of 10 bytes */
    INSTANCE = 54, /* of epoll */
};

/* ---- kinds ---- */

#define FOLDER "/tmp/answers"

static int regular_with(int flags)
{
    int maker = open(FOLDER "/regular", O_CREAT | O_TRUNC | O_WRONLY, 0644);

    if (write(maker, "0123456789", 10) != 10)
        return -1;
    close(maker);
    return open(FOLDER "/regular", flags);
}

static int regular(void)
{
    return regular_with(O_RDWR);
}
static int regular_read(void)
{
    return regular_with(O_RDONLY);
}
static int regular_write(void)
{
    return regular_with(O_WRONLY);
}
static int regular_append(void)
{
    return regular_with(O_RDWR | O_APPEND);
}
static int regular_path(void)
{
    return regular_with(O_PATH);
}
static int directory(void)
{
    mkdir(FOLDER "/directory", 0755);
    return open(FOLDER "/directory", O_RDONLY | O_DIRECTORY);
}
static int link_path(void)
{
    symlink("regular", FOLDER "/link");
    return open(FOLDER "/link", O_PATH | O_NOFOLLOW);
}
static int nameless(void)
{
    return open(FOLDER, O_TMPFILE | O_RDWR, 0600);
}
static int pipe_end(int end)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK))
        return -1;
    dup2(ends[!end], 60);
    close(ends[!end]);
    return ends[end];
}
static int pipe_read(void)
{
    return pipe_end(0);
}
static int pipe_write(void)
{
    return pipe_end(1);
}
static int fifo(void)
{
    mkfifo(FOLDER "/fifo", 0600);
    return open(FOLDER "/fifo", O_RDWR | O_NONBLOCK);
}
static int memory_file(void)
{
    return memfd_create("answers", MFD_ALLOW_SEALING);
}
static int memory_file_unsealed(void)
{
    return memfd_create("answers", 0);
}
static int device_null(void)
{
    return open("/dev/null", O_RDWR);
}
static int device_zero(void)
{
    return open("/dev/zero", O_RDWR);
}
static int device_full(void)
{
    return open("/dev/full", O_RDWR);
}
static int device_random(void)
{
    return open("/dev/random", O_RDWR | O_NONBLOCK);
}
static int device_urandom(void)
{
    return open("/dev/urandom", O_RDWR);
}
static int device_log(void)
{
    return open("/dev/kmsg", O_RDWR | O_NONBLOCK);
}
static int terminal_master(void)
{
    return open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
}
static int terminal(void)
{
    int master = terminal_master(), unlocked = 0;
    ioctl(master, TIOCSPTLCK, &unlocked);
    dup2(master, 60);
    close(master);
    return ioctl(60, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
}
static int socket_end(int type)
{
    int ends[2];
    if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends))
        return -1;
    dup2(ends[1], 60);
    close(ends[1]);
    return ends[0];
}
static int socket_stream(void)
{
    return socket_end(SOCK_STREAM);
}
static int socket_datagram(void)
{
    return socket_end(SOCK_DGRAM);
}
static int socket_packet(void)
{
    return socket_end(SOCK_SEQPACKET);
}
static int socket_alone(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
}
static int socket_listening(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0answers"};
    int made = socket_alone();
    if (bind(made, (struct sockaddr *)&name, sizeof(name)) || listen(made, 3))
        return -1;
    return made;
}
static int event_counter(void)
{
    return eventfd(3, EFD_NONBLOCK);
}
static int signal_reader(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return signalfd(-1, &set, SFD_NONBLOCK);
}
static int timer_reader(void)
{
    return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
}
static int epoll_instance(void)
{
    return epoll_create1(0);
}
static int process_handle(void)
{
    return (int)syscall(SYS_pidfd_open, getpid(), 0);
}
static int proc_text(void)
{
    return open("/proc/self/status", O_RDONLY);
}
static int proc_maps(void)
{
    return open("/proc/self/maps", O_RDONLY);
}
static int proc_memory(void)
{
    return open("/proc/self/mem", O_RDWR);
}
static int proc_comm(void)
{
    return open("/proc/self/comm", O_RDWR);
}
static int proc_directory(void)
{
    return open("/proc/self", O_RDONLY | O_DIRECTORY);
}
static int proc_descriptors(void)
{
    return open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
}
static int proc_root(void)
{
    return open("/proc", O_RDONLY | O_DIRECTORY);
}
static int proc_system(void)
{
    return open("/proc/filesystems", O_RDONLY);
}
static int proc_setting(void)
{
    return open("/proc/sys/kernel/hostname", O_RDWR);
}
static int proc_settings(void)
{
    return open("/proc/sys/kernel", O_RDONLY | O_DIRECTORY);
}
static int sys_directory(void)
{
    return open("/sys/devices/system/cpu", O_RDONLY | O_DIRECTORY);
}
static int sys_text(void)
{
    return open("/sys/devices/system/cpu/online", O_RDONLY);
}
static int terminals_directory(void)
{
    return open("/dev/pts", O_RDONLY | O_DIRECTORY);
}

/* ---- what each call finds ---- */

static int number; /* a size or an option that a call may change */
static long offset;

static void place(int made, int wanted)
{
    if (made != wanted) {
        dup2(made, wanted);
        close(made);
    }
}

static void make_others(void)
{
    int ends[2], other = open(FOLDER "/other", O_CREAT | O_TRUNC | O_RDWR, 0644);

    if (write(other, "abcdefghij", 10) != 10 || lseek(other, 0, SEEK_SET) ||
        pipe2(ends, O_NONBLOCK))
        exit(1);
    place(other, OTHER);
    if (write(ends[1], "piped", 5) != 5)
        exit(1);
    place(ends[1], PIPE_OUT);
    place(ends[0], PIPE_IN);
    place(epoll_create1(0), INSTANCE);
}

/* The kind's descriptor is FD, and open(2) gives 3. */
static int placed(int made)
{
    if (made < 0)
        return -1;
    memset(buffer, 0, sizeof(buffer));
    number = sizeof(int);
    offset = 0;
    place(made, FD);
    make_others();
    return 0;
}

#define KIND(name)                                                                                 \
    static int make_##name(void)                                                                   \
    {                                                                                              \
        return placed(name());                                                                     \
    }
#define KINDS(do)                                                                                  \
    do                                                                                             \
    (                                                                                              \
        regular) do(regular_read) do(regular_write) do(regular_append) do(regular_path) do(directory) do(link_path) do(nameless) do(pipe_read) do(pipe_write) do(fifo) do(memory_file) do(memory_file_unsealed) do(device_null) do(device_zero) do(device_full) do(device_random) do(device_urandom) do(device_log) do(terminal_master) do(terminal) do(event_counter) do(signal_reader) do(timer_reader) do(epoll_instance) do(process_handle) do(proc_text) do(proc_maps) do(proc_memory) do(proc_comm) do(proc_directory) do(proc_descriptors) do(proc_root) do(proc_system) do(proc_setting) do(proc_settings) do(sys_directory) do(sys_text) do(terminals_directory) do(socket_stream) do(socket_datagram) do(socket_packet) do(socket_alone) do(socket_listening)
#define SOCKET_KINDS 5 /* of these */
KINDS(KIND)

#define ROW(name) {#name, make_##name},
static const struct row kinds[] = {KINDS(ROW)};

#endif
