/*
 * proc_counts: what /proc tells of sockets, open files, inodes and pseudo-terminals, and what a
 * terminal's modem lines tell.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pty.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include "cases.h"

static const char *text_of(const char *name)
{
    static char text[65536];
    size_t size = 0;
    ssize_t got;
    int file = open(name, O_RDONLY);

    while (file >= 0 && (got = read(file, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    close(file);
    return text;
}

static long number_of(const char *name)
{
    return atol(text_of(name));
}

/* ---- /proc/net/unix ---- */

struct line {
    unsigned flags, type, state;
    unsigned long inode;
    char path[120];
};

/* The line whose path is this, or, without one, whose inode is. */
static bool line_find(struct line *line, const char *path, unsigned long inode)
{
    for (const char *at = strchr(text_of("/proc/net/unix"), '\n'); at && at[1];
         at = strchr(at + 1, '\n')) {
        line->path[0] = '\0';
        if (sscanf(at + 1, "%*x: %*x %*x %x %x %x %lu%*[ ]%119[^\n]", &line->flags, &line->type,
                   &line->state, &line->inode, line->path) < 4)
            return false;
        if (path ? !strcmp(line->path, path) && (!inode || line->inode == inode)
                 : line->inode == inode)
            return true;
    }
    return false;
}

static unsigned long inode_of(int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) ? 0 : status.st_ino;
}

static int bound(int type, const char *path, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int made = socket(AF_UNIX, type, 0);

    memcpy(address.sun_path, path, size);
    return bind(made, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + size)
               ? -1
               : made;
}

static bool sockets_are_listed(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/counts socket"};
    struct line line;

    unlink(address.sun_path);
    int listener = bound(SOCK_STREAM, address.sun_path, strlen(address.sun_path) + 1);
    int abstract = bound(SOCK_DGRAM, "\0counts\0x", 9);
    REQUIRE(listener >= 0 && abstract >= 0 && listen(listener, 5) == 0);
    REQUIRE(!strncmp(text_of("/proc/net/unix"),
                     "Num       RefCount Protocol Flags    Type St Inode Path\n", 56));
    REQUIRE(line_find(&line, address.sun_path, inode_of(listener)));
    REQUIRE(line.flags == 0x10000 && line.type == SOCK_STREAM && line.state == 1);
    REQUIRE(line_find(&line, "@counts@x", 0));
    REQUIRE(line.inode == inode_of(abstract) && line.type == SOCK_DGRAM && line.state == 1);

    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
    REQUIRE(line_find(&line, NULL, inode_of(client)) && line.state == 3 && !line.path[0]);
    REQUIRE(line_find(&line, NULL, 0) && line.state == 2); /* who has not been accepted */
    int server = accept(listener, NULL, NULL);
    REQUIRE(server >= 0 && line_find(&line, address.sun_path, inode_of(server)));
    REQUIRE(line.state == 3);

    unsigned long inode = inode_of(client);
    close(client);
    REQUIRE(!line_find(&line, NULL, inode));
    return true;
}

/* ---- counts ---- */

static bool open_files_are_counted(void)
{
    unsigned long before, after, unused, most;
    int files[300];

    /* In steps of so many for each processor, on Linux. */
    REQUIRE(sscanf(text_of("/proc/sys/fs/file-nr"), "%lu %lu %lu", &before, &unused, &most) == 3);
    REQUIRE(unused == 0 && most == (unsigned long)number_of("/proc/sys/fs/file-max"));
    for (int i = 0; i < 300; i++)
        REQUIRE((files[i] = open("/dev/null", O_RDONLY)) >= 0);
    REQUIRE(sscanf(text_of("/proc/sys/fs/file-nr"), "%lu", &after) == 1);
    REQUIRE(after >= before + 200);
    for (int i = 0; i < 300; i++)
        close(files[i]);
    return true;
}

static bool inodes_are_counted(void)
{
    unsigned long known = 0, unused = 1;

    REQUIRE(sscanf(text_of("/proc/sys/fs/inode-nr"), "%lu %lu", &known, &unused) == 2);
    REQUIRE(known > 0 && unused <= known);
    REQUIRE(sscanf(text_of("/proc/sys/fs/inode-state"), "%lu %lu", &known, &unused) == 2);
    return known > 0;
}

static bool pseudo_terminals_are_counted(void)
{
    const char *const count = "/proc/sys/kernel/pty/nr";
    long before = number_of(count);
    int masters[3], slaves[3];

    REQUIRE(number_of("/proc/sys/kernel/pty/max") == 4096);
    REQUIRE(text_of("/proc/sys/kernel/pty/reserve")[0]);
    for (int i = 0; i < 3; i++)
        REQUIRE(openpty(&masters[i], &slaves[i], NULL, NULL, NULL) == 0);
    REQUIRE(number_of(count) == before + 3);
    for (int i = 0; i < 3; i++)
        close(masters[i]), close(slaves[i]);
    return EVENTUALLY(number_of(count) == before);
}

/* ---- modem lines ---- */

static bool serial_has_lines(void)
{
    int lines = 0, ready = TIOCM_DTR;
    int port = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_NONBLOCK);

    REQUIRE(port >= 0 && ioctl(port, TIOCMGET, &lines) == 0);
    REQUIRE((lines & (TIOCM_DTR | TIOCM_RTS)) == (TIOCM_DTR | TIOCM_RTS));
    REQUIRE(ioctl(port, TIOCMBIC, &ready) == 0);
    REQUIRE(ioctl(port, TIOCMGET, &lines) == 0 && !(lines & TIOCM_DTR) && lines & TIOCM_RTS);
    REQUIRE(ioctl(port, TIOCMBIS, &ready) == 0);
    REQUIRE(ioctl(port, TIOCMGET, &lines) == 0 && lines & TIOCM_DTR);
    REQUIRE(ioctl(port, TIOCMSET, &lines) == 0);
    REQUIRE_ERRNO(ioctl(port, TIOCMGET, NULL), EFAULT);
    REQUIRE_ERRNO(ioctl(port, TIOCMSET, NULL), EFAULT);
    return true;
}

static bool pseudo_terminal_has_none(void)
{
    int master, slave, lines = 0;

    REQUIRE(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    REQUIRE_ERRNO(ioctl(master, TIOCMGET, &lines), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCMGET, &lines), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCMSET, &lines), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCMBIS, &lines), ENOTTY);
    REQUIRE_ERRNO(ioctl(slave, TIOCMBIC, &lines), ENOTTY);
    return true;
}

static const struct test_case cases[] = {
    {"/proc/net/unix", "unix(7)", sockets_are_listed},
    {"fs.file-nr, fs.file-max", "proc(5)", open_files_are_counted},
    {"fs.inode-nr, fs.inode-state", "proc(5)", inodes_are_counted},
    {"kernel.pty", "pty(7)", pseudo_terminals_are_counted},
    {"a serial port's modem lines", "ioctl_tty(2)", serial_has_lines},
    {"a pseudo-terminal has none", "ioctl_tty(2)", pseudo_terminal_has_none},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
