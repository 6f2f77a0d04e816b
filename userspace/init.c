/*
 * init: the first process. It runs one command for the host and powers the machine off, or, when
 * the host left no command, keeps a shell on the console.
 *
 * The command comes in the file /command, which scripts/boot lays over the root file system. Its
 * bytes travel on COM3 (/dev/ttyS2), everything else about it in frames on COM4 (/dev/ttyS3), see
 * control.h. It also runs on Linux, so that both kernels are driven by the same program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "control.h"
#include "greeting.h"
#include "shutdown.h"
#include "stick.h"

#define COMMAND_FILE "/command"
#define DATA_PORT    "/dev/ttyS2"
#define CONTROL_PORT "/dev/ttyS3"
#define DEFAULT_PATH "PATH=/bin:/sbin:/usr/bin:/usr/sbin"

/* How the command's standard input, output and error reach the host. */
enum stdio {
    STDIO_PIPES,   /* three pipes: output on COM3, errors in frames */
    STDIO_MERGED,  /* output and errors in one pipe, so that their order is kept */
    STDIO_TERMINAL /* COM3 is the controlling terminal */
};

struct command {
    enum stdio stdio;
    bool mount_proc;
    bool greeting; /* a person will see it */
    struct winsize size;
    char **arguments;
    char **environment;
};

/* One running command and the host's end of it. Descriptors are -1 once closed. */
struct session {
    pid_t pid;
    bool ended;
    int wait_status;
    int data;    /* COM3 */
    int control; /* COM4 */
    int input;   /* write end of the command's standard input */
    int output;  /* read end of its standard output */
    int error;   /* read end of its standard error */

    uint8_t pending[CONTROL_WINDOW]; /* standard input not yet in the pipe */
    size_t pending_size;
    uint64_t input_taken;        /* bytes of standard input out of `pending` again */
    uint64_t input_acknowledged; /* of these, the host knows */
    uint64_t input_end;          /* where it ends, UINT64_MAX: not known yet */
    uint64_t output_sent;        /* bytes of standard output on COM3 */

    uint8_t received[CONTROL_HEADER_SIZE + CONTROL_PAYLOAD_MAX]; /* bytes of frames from the host */
    size_t received_size;
};

static void report(const char *what)
{
    fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
}

/* ---- the command file ---- */

static char *file_read(const char *path, size_t *size)
{
    struct stat status;
    char *text = NULL;
    size_t used = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return NULL;
    if (fstat(file, &status) == 0)
        text = malloc(status.st_size + 1);
    while (text && used < (size_t)status.st_size) {
        ssize_t count = read(file, text + used, status.st_size - used);
        if (count <= 0)
            break;
        used += count;
    }
    close(file);
    if (text)
        text[used] = '\0';
    *size = used;
    return text;
}

/* Names the machine as /etc/hostname does. */
static void hostname_set(void)
{
    size_t size;
    char *name = file_read("/etc/hostname", &size);

    if (name && sethostname(name, strcspn(name, "\n")) < 0)
        report("hostname");
    free(name);
}

/* The file is a list of `name=value` records, each with a NUL behind it. */
static void command_parse(struct command *command, char *text, size_t size)
{
    size_t records = 1;
    size_t arguments = 0;
    size_t variables = 0;

    for (size_t at = 0; at < size; at++)
        records += text[at] == '\0';
    command->arguments = calloc(records, sizeof(char *));
    command->environment = calloc(records, sizeof(char *));
    if (!command->arguments || !command->environment)
        return;
    for (char *record = text; record < text + size; record += strlen(record) + 1) {
        char *value = strchr(record, '=');
        if (!value)
            continue;
        size_t name = value++ - record;
        if (strncmp(record, "argument", name) == 0)
            command->arguments[arguments++] = value;
        else if (strncmp(record, "environment", name) == 0)
            command->environment[variables++] = value;
        else if (strncmp(record, "stdio", name) == 0)
            command->stdio = strcmp(value, "terminal") == 0 ? STDIO_TERMINAL
                             : strcmp(value, "merged") == 0 ? STDIO_MERGED
                                                            : STDIO_PIPES;
        else if (strncmp(record, "proc", name) == 0)
            command->mount_proc = strcmp(value, "no") != 0;
        else if (strncmp(record, "greeting", name) == 0)
            command->greeting = strcmp(value, "yes") == 0;
        else if (strncmp(record, "size", name) == 0)
            sscanf(value, "%hux%hu", &command->size.ws_row, &command->size.ws_col);
    }
}

/* ---- frames ---- */

static void number_put(uint8_t *to, uint64_t number, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++)
        to[at] = number >> (8 * at);
}

static uint64_t number_get(const uint8_t *from, size_t bytes)
{
    uint64_t number = 0;

    for (size_t at = 0; at < bytes; at++)
        number |= (uint64_t)from[at] << (8 * at);
    return number;
}

static bool write_all(int file, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(file, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        size -= count;
    }
    return true;
}

static void frame_send(const struct session *session, uint8_t type, const void *payload,
                       size_t size)
{
    uint8_t header[CONTROL_HEADER_SIZE] = {CONTROL_SYNC_0, CONTROL_SYNC_1, type};

    number_put(header + 3, size, 4);
    if (!write_all(session->control, header, sizeof(header)) ||
        !write_all(session->control, payload, size))
        report(CONTROL_PORT);
}

static void frame_handle(struct session *session, uint8_t type, const uint8_t *payload, size_t size)
{
    if (type == CONTROL_INPUT_END && size == 8) {
        session->input_end = number_get(payload, 8);
    } else if (type == CONTROL_WINDOW_SIZE && size == 4) {
        struct winsize window = {.ws_row = number_get(payload, 2),
                                 .ws_col = number_get(payload + 2, 2)};
        ioctl(session->data, TIOCSWINSZ, &window);
    } else if (type == CONTROL_SIGNAL && size == 4 && !session->ended) {
        kill(-session->pid, number_get(payload, 4));
    }
}

/* Takes the whole frames out of `received` and skips what is none. */
static void frames_take(struct session *session)
{
    uint8_t *bytes = session->received;
    size_t at = 0;

    while (session->received_size - at >= CONTROL_HEADER_SIZE) {
        uint64_t size = number_get(bytes + at + 3, 4);
        if (bytes[at] != CONTROL_SYNC_0 || bytes[at + 1] != CONTROL_SYNC_1 ||
            size > CONTROL_PAYLOAD_MAX) {
            at++;
            continue;
        }
        if (session->received_size - at - CONTROL_HEADER_SIZE < size)
            break;
        frame_handle(session, bytes[at + 2], bytes + at + CONTROL_HEADER_SIZE, size);
        at += CONTROL_HEADER_SIZE + size;
    }
    session->received_size -= at;
    memmove(bytes, bytes + at, session->received_size);
}

/* ---- starting the command ---- */

/* Opens a serial port in raw mode; the speed means nothing to an emulated one. */
static int port_open(const char *path)
{
    struct termios mode;
    int port = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (port < 0) {
        report(path);
        return -1;
    }
    if (tcgetattr(port, &mode) == 0) {
        cfmakeraw(&mode);
        mode.c_cflag |= CLOCAL | CREAD;
        cfsetspeed(&mode, B115200);
        if (tcsetattr(port, TCSANOW, &mode) < 0)
            report(path);
    }
    return port;
}

/* The data port as a terminal for a person: line editing, echo, signals; init leads its session,
 * for a terminal is hung up, and loses output, when the leader of its session ends. */
static void terminal_prepare(int port, const struct winsize *size)
{
    struct termios mode;

    if (tcgetattr(port, &mode) == 0) {
        mode.c_iflag = ICRNL | IXON;
        mode.c_oflag = OPOST | ONLCR;
        mode.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
        tcsetattr(port, TCSANOW, &mode);
    }
    if (size->ws_row > 0)
        ioctl(port, TIOCSWINSZ, size);
    setsid();
    if (ioctl(port, TIOCSCTTY, 0) < 0)
        report("controlling terminal");
}

/* In the child: becomes the command. */
static _Noreturn void command_execute(const struct command *command, const int stdio[3])
{
    int files[3];
    int status;
    sigset_t none;

    if (command->stdio == STDIO_TERMINAL) {
        setpgid(0, 0);
        tcsetpgrp(stdio[0], getpid());
    } else {
        setsid();
    }
    /* The ends may themselves be numbered 0 to 2. */
    for (int at = 0; at < 3; at++)
        files[at] = fcntl(stdio[at], F_DUPFD_CLOEXEC, 3);
    for (int at = 0; at < 3; at++)
        dup2(files[at], at);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGTTOU, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    environ = command->environment;
    execvp(command->arguments[0], command->arguments);
    status = errno == ENOENT ? 127 : 126; /* as a shell has it: POSIX, sh, EXIT STATUS */
    report(command->arguments[0]);
    _exit(status);
}

/* An instruction that does nothing: where a command begins and ends, for who counts instructions
   (tests/bench/count.c). */
static void mark(void)
{
    __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t"
                     ".long 0x5ba7c0de");
}

static void pipe_open(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0) {
        report("pipe");
        ends[0] = ends[1] = -1;
    }
}

static bool session_start(struct session *session, const struct command *command)
{
    int input[2] = {-1, -1};
    int output[2] = {-1, -1};
    int error[2] = {-1, -1};
    int stdio[3] = {session->data, session->data, session->data};

    if (command->stdio == STDIO_TERMINAL) {
        terminal_prepare(session->data, &command->size);
    } else {
        pipe_open(input);
        pipe_open(output);
        if (command->stdio == STDIO_PIPES)
            pipe_open(error);
        stdio[0] = input[0];
        stdio[1] = output[1];
        stdio[2] = command->stdio == STDIO_PIPES ? error[1] : output[1];
    }
    mark();
    session->pid = fork();
    if (session->pid == 0)
        command_execute(command, stdio);
    if (session->pid < 0)
        report("fork");
    close(input[0]);
    close(output[1]);
    close(error[1]);
    session->input = input[1];
    session->output = output[0];
    session->error = error[0];
    fcntl(session->input, F_SETFL, O_NONBLOCK);
    return session->pid > 0;
}

/* ---- relaying ---- */

static void file_close(int *file)
{
    close(*file);
    *file = -1;
}

/* Hands pending input to the command; what nobody will read any more is dropped. */
static void input_pass(struct session *session)
{
    ssize_t count = session->pending_size;
    uint8_t acknowledged[8];

    if (session->input >= 0 && count > 0) {
        count = write(session->input, session->pending, session->pending_size);
        if (count < 0) {
            count = 0;
            if (errno != EAGAIN && errno != EINTR)
                file_close(&session->input);
        }
    }
    session->pending_size -= count;
    memmove(session->pending, session->pending + count, session->pending_size);
    session->input_taken += count;
    if (session->input >= 0 && session->input_taken >= session->input_end)
        file_close(&session->input);
    if (session->input_taken - session->input_acknowledged >= CONTROL_WINDOW / 4) {
        number_put(acknowledged, session->input_taken, 8);
        frame_send(session, CONTROL_ACKNOWLEDGED, acknowledged, 8);
        session->input_acknowledged = session->input_taken;
    }
}

/* Passes one buffer of the command's output on; false when there is none at present. */
static bool output_pass(struct session *session, int *from)
{
    uint8_t buffer[CONTROL_PAYLOAD_MAX];
    ssize_t count = read(*from, buffer, sizeof(buffer));

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (count <= 0) {
        file_close(from);
        return false;
    }
    if (from == &session->error) {
        frame_send(session, CONTROL_ERROR_BYTES, buffer, count);
    } else {
        if (!write_all(session->data, buffer, count))
            report(DATA_PORT);
        session->output_sent += count;
    }
    return true;
}

static void children_reap(struct session *session)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == session->pid) {
            mark();
            session->ended = true;
            session->wait_status = status;
        }
    }
}

/* Relays until the command has ended, whatever it left running. */
static void session_relay(struct session *session, bool terminal)
{
    enum { DATA, CONTROL, INPUT, OUTPUT, ERROR, COUNT };
    sigset_t waiting;

    /* Signals are blocked but for the time of the wait, so that none is missed. */
    shutdown_wait_mask(&waiting);
    for (children_reap(session); !session->ended; children_reap(session)) {
        bool room = session->pending_size < sizeof(session->pending);
        bool pending = session->pending_size > 0;
        struct pollfd files[COUNT] = {
            [DATA] = {.fd = terminal || !room ? -1 : session->data, .events = POLLIN},
            [CONTROL] = {.fd = session->control, .events = POLLIN},
            [INPUT] = {.fd = session->input, .events = pending ? POLLOUT : 0},
            [OUTPUT] = {.fd = session->output, .events = POLLIN},
            [ERROR] = {.fd = session->error, .events = POLLIN},
        };
        int ready = ppoll(files, COUNT, NULL, &waiting);
        shutdown_if_asked(session->pid);
        if (ready < 0)
            continue;
        if (files[CONTROL].revents & POLLIN) {
            ssize_t count = read(session->control, session->received + session->received_size,
                                 sizeof(session->received) - session->received_size);
            if (count > 0)
                session->received_size += count;
            frames_take(session);
        }
        if (files[DATA].revents & POLLIN) {
            ssize_t count = read(session->data, session->pending + session->pending_size,
                                 sizeof(session->pending) - session->pending_size);
            if (count > 0)
                session->pending_size += count;
        }
        if (files[INPUT].revents & POLLERR) /* the command closed its end */
            file_close(&session->input);
        if (!terminal)
            input_pass(session);
        if (files[OUTPUT].revents)
            output_pass(session, &session->output);
        if (files[ERROR].revents)
            output_pass(session, &session->error);
    }
}

/* Passes on what is still in the pipes and tells the host how it ended. */
static void session_end(struct session *session, bool terminal)
{
    uint8_t result[16];
    int *const outputs[] = {&session->output, &session->error};
    bool killed = WIFSIGNALED(session->wait_status);

    for (size_t at = 0; at < 2; at++) {
        fcntl(*outputs[at], F_SETFL, O_NONBLOCK);
        while (*outputs[at] >= 0 && output_pass(session, outputs[at]))
            ;
    }
    tcdrain(session->data);
    number_put(result, killed ? WTERMSIG(session->wait_status) : 0, 4);
    number_put(result + 4, killed ? 0 : WEXITSTATUS(session->wait_status), 4);
    number_put(result + 8, terminal ? CONTROL_UNCOUNTED : session->output_sent, 8);
    frame_send(session, CONTROL_EXIT, result, sizeof(result));
    tcdrain(session->control);
}

static void session_run(const struct command *command)
{
    static struct session session = {.input_end = UINT64_MAX};
    bool terminal = command->stdio == STDIO_TERMINAL;
    uint8_t window[4];

    session.data = port_open(DATA_PORT);
    session.control = port_open(CONTROL_PORT);
    if (session.data < 0 || session.control < 0 || !session_start(&session, command))
        return;
    if (command->greeting)
        greeting_write(session.data);
    number_put(window, CONTROL_WINDOW, 4);
    frame_send(&session, CONTROL_READY, window, sizeof(window));
    session_relay(&session, terminal);
    session_end(&session, terminal);
}

/* ---- without a command ---- */

/* In the child: root's login shell, whose terminal the console is. */
static _Noreturn void shell_execute(void)
{
    char name[64];
    char *const arguments[] = {name, NULL};
    char *const environment[] = {DEFAULT_PATH, "HOME=/root", "TERM=linux", NULL};
    const struct passwd *root = getpwuid(0);
    const char *shell = root && root->pw_shell[0] == '/' ? root->pw_shell : "/bin/sh";
    sigset_t none;

    snprintf(name, sizeof(name), "-%s", strrchr(shell, '/') + 1);

    signal(SIGTTOU, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    setsid();
    ioctl(STDIN_FILENO, TIOCSCTTY, 1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(shell, arguments, environment);
    report(shell);
    _exit(127);
}

/* Until the shell has ended, reaping the orphans that come by; or until the machine is to end. */
static void shell_wait(pid_t shell)
{
    sigset_t waiting;

    shutdown_wait_mask(&waiting);
    for (;;) {
        pid_t ended;
        while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
            if (ended == shell)
                return;
        sigsuspend(&waiting);
        shutdown_if_asked(shell);
    }
}

/* Keeps a login shell on the console, as busybox's init does with `respawn`. */
static _Noreturn void shell_run(void)
{
    greeting_write(STDOUT_FILENO);
    for (;;) {
        pid_t shell = fork();
        if (shell == 0)
            shell_execute();
        if (shell < 0) {
            report("fork");
            sleep(1);
            continue;
        }
        shell_wait(shell);
        printf("init: the shell has ended, here is another; `poweroff` switches the machine off\n");
        fflush(stdout);
    }
}

/* ---- the start ---- */

static void mount_at(const char *path, const char *type, const char *options)
{
    if (mount(type, path, type, 0, options) < 0)
        report(path);
}

/* Nodes for each processor: on Debian the kernel makes them. They tell of the machine: cpuid(4),
   msr(4). */
static void processor_nodes_make(void)
{
    static const struct {
        const char *name;
        unsigned major;
    } kinds[] = {{"msr", 202}, {"cpuid", 203}};
    char path[64];

    mkdir("/dev/cpu", 0755);
    for (long number = 0; number < sysconf(_SC_NPROCESSORS_CONF); number++) {
        snprintf(path, sizeof(path), "/dev/cpu/%ld", number);
        mkdir(path, 0755);
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
            snprintf(path, sizeof(path), "/dev/cpu/%ld/%s", number, kinds[kind].name);
            mknod(path, S_IFCHR | 0600, makedev(kinds[kind].major, number));
        }
    }
}

/*
 * The kernel's own names of devices, disks that come and go among them, with what udev adds to
 * them: where there is no devtmpfs, /dev stays as the archive has it.
 */
static void devices_mount(void)
{
    static const char *const links[][2] = {
        {"/proc/self/fd", "/dev/fd"},
        {"/proc/self/fd/0", "/dev/stdin"},
        {"/proc/self/fd/1", "/dev/stdout"},
        {"/proc/self/fd/2", "/dev/stderr"},
    };

    if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755") != 0)
        return;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        symlink(links[i][0], links[i][1]);
    mkdir("/dev/pts", 0755);
    mkdir("/dev/shm", 01777);
    chmod("/dev/shm", 01777); /* whatever the mask is */
}

int main(void)
{
    static char *environment[] = {DEFAULT_PATH, "HOME=/root", NULL};
    struct command command = {.mount_proc = true};
    size_t size = 0;
    char *text;

    if (getpid() != 1) {
        fprintf(stderr, "init: is only of use as the first process\n");
        return 1;
    }
    if (fcntl(STDIN_FILENO, F_GETFD) < 0)
        for (int at = 0; at < 3; at++)
            open("/dev/console", O_RDWR);
    umask(022);
    shutdown_prepare();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);

    text = file_read(COMMAND_FILE, &size);
    if (text) {
        unlink(COMMAND_FILE);
        command_parse(&command, text, size);
    }
    if (command.mount_proc) {
        mount_at("/proc", "proc", NULL);
        mount_at("/sys", "sysfs", NULL);
        devices_mount();
        stick_enter();
        mount_at("/dev/pts", "devpts", "mode=620,gid=5");
        if (access("/sys/firmware/efi/efivars", F_OK) == 0)
            mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", 0, NULL);
        if (access("/sys/kernel/security", F_OK) == 0)
            mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
        processor_nodes_make();
    }
    hostname_set();
    if (!command.arguments || !command.arguments[0])
        shell_run();
    if (!command.environment[0])
        command.environment = environment;
    session_run(&command);
    shutdown_now(RB_POWER_OFF);
}
