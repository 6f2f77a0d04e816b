/*
 * terminal_stress: many pseudo-terminals at once, closed, hung up and signalled at random moments
 * from both sides. Nothing may be left over afterwards. The seed is printed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "races.h"

#define WORKERS 6
#define ROUNDS  60

static unsigned seed;

static unsigned chance(unsigned limit)
{
    return rand_r(&seed) % limit;
}

/* Uses the terminal as its own until it is hung up, or has had enough. */
static void session(const char *name)
{
    char bytes[300];
    struct termios settings;
    struct pollfd wait = {.events = POLLIN};

    setsid();
    wait.fd = open(name, O_RDWR);
    if (wait.fd < 0)
        _exit(0);
    if (chance(2))
        signal(SIGHUP, SIG_IGN);
    if (chance(2) && tcgetattr(wait.fd, &settings) == 0) {
        cfmakeraw(&settings);
        tcsetattr(wait.fd, TCSANOW, &settings);
    }
    if (chance(3) == 0 && fork() == 0)
        setpgid(0, 0); /* a background process, which reading stops */
    memset(bytes, 'x', sizeof(bytes));
    for (unsigned i = chance(20); i > 0; i--) {
        fcntl(wait.fd, F_SETFL, O_NONBLOCK);
        if (write(wait.fd, bytes, chance(sizeof(bytes))) < 0 && errno == EIO)
            break;
        if (poll(&wait, 1, 1) > 0 && read(wait.fd, bytes, sizeof(bytes)) <= 0)
            break;
    }
    _exit(0);
}

static void round_play(void)
{
    unsigned number;
    int unlocked = 0, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    char name[32], bytes[500];
    static const char keys[] = "abc\n\003\032\034\004\023\021\177\025\022\026";

    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) || ioctl(master, TIOCGPTN, &number))
        _exit(2);
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    pid_t child = fork();
    if (child == 0) {
        close(master);
        session(name);
    }
    for (unsigned i = chance(30); i > 0; i--) {
        struct winsize size = {chance(50), chance(100), 0, 0};
        size_t count = chance(20);

        for (size_t at = 0; at < count; at++)
            bytes[at] = keys[chance(sizeof(keys) - 1)];
        if (write(master, bytes, count) < 0 && errno != EAGAIN)
            _exit(3);
        if (read(master, bytes, sizeof(bytes)) < 0 && errno != EAGAIN && errno != EIO)
            _exit(4);
        ioctl(master, TIOCSWINSZ, &size);
        if (chance(10) == 0)
            tcflush(master, TCIOFLUSH);
        if (chance(10) == 0)
            poll(NULL, 0, 1);
    }
    if (chance(3) == 0)
        kill(child, SIGKILL);
    close(master);
    kill(child, SIGCONT);
    /* What ignores SIGHUP or was stopped again goes with it. */
    for (int i = 0; i < 200 && waitpid(child, NULL, WNOHANG) == 0; i++)
        poll(NULL, 0, 10);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static unsigned slaves_left(void)
{
    DIR *folder = opendir("/dev/pts");
    struct dirent *entry;
    unsigned count = 0;

    while (folder && (entry = readdir(folder)))
        count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    if (folder)
        closedir(folder);
    return count;
}

int main(int count, char **arguments)
{
    unsigned failed = 0;
    int status;

    seed = count > 1 ? strtoul(arguments[1], NULL, 0) : (unsigned)time(NULL);
    tap_note("seed %u", seed);
    if (access("/dev/pts/ptmx", F_OK))
        mount("devpts", "/dev/pts", "devpts", 0, "mode=620,gid=5");
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        if (fork() == 0) {
            seed += worker * 7919;
            struct race race = race_begin(ROUNDS);
            while (race_goes_on(&race))
                round_play();
            _exit(0);
        }
    }
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        wait(&status);
        failed += status != 0;
    }
    tap_ok(failed == 0, "%u workers made %u sessions each", WORKERS, ROUNDS);
    tap_ok(slaves_left() == 0, "no slave is left in /dev/pts");
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    unsigned number = 99;
    ioctl(master, TIOCGPTN, &number);
    tap_ok(number < WORKERS * 3, "numbers are used again: the next is %u", number);
    return tap_done();
}
