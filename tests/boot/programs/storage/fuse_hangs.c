/*
 * fuse_hangs: a user's server that never answers, and what it costs others. Threads of the user lie
 * in calls whose memory is in a file of that server's; another user and root make the same calls
 * beside them, look at those processes, end them and the mount. Each is done in time.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <termios.h>

#include "proc_baton.h"
#include "storage/fuse_server.h"

#define SHARED "/tmp/fuse-shared" /* a folder and files that everybody may write to */
#define GOOD   "/tmp/fuse-good"   /* another server's, which answers and is there for all */

/* ---- the user whose server hangs ---- */

/* There is a FIFO, too: true, it was asked about. */
static bool answers_fifo(int device)
{
    const struct fuse_attr_out out = {.attr = attributes_of(NODE_MORE, S_IFIFO | 0666)};

    if (request.head.opcode == FUSE_LOOKUP && strcmp(REQUEST_BODY, "fifo") == 0)
        answer_entry(device, NODE_MORE, S_IFIFO | 0666);
    else if (request.head.opcode == FUSE_GETATTR && request.head.nodeid == NODE_MORE)
        answer(device, 0, &out, sizeof(out));
    else
        return false;
    return true;
}

/* Answers all but writes, closes, changes of attributes, and reads of the first half of the file,
   until it is ended. */
static bool hangs(int device)
{
    const struct fuse_read_in *in = REQUEST_BODY;

    return answers_fifo(device) || request.head.opcode == FUSE_SETATTR ||
           (request.head.opcode == FUSE_READ && in->offset < FILE_SIZE / 2) ||
           request.head.opcode == FUSE_WRITE || request.head.opcode == FUSE_FLUSH;
}

static char *hung; /* memory of a file whose pages never come */
static int tty, slave, fifo;
static int common_directory, common_file, common_text; /* that the user and others have open */
static int late_write, late_read; /* FIFOs, of calls whose memory comes to be the server's late */
static int streams[2], datagrams[2]; /* between the user and the others */

static void in_getdents(void)
{
    int directory = open(SHARED, O_RDONLY | O_DIRECTORY);
    syscall(SYS_getdents64, directory, hung, 4096);
}
static void in_common_getdents(void)
{
    syscall(SYS_getdents64, common_directory, hung, 4096);
}
static void in_common_file(void)
{
    if (read(common_file, hung, 4096) < 0)
        _exit(1);
}
static void in_common_text(void)
{
    if (pread(common_text, hung, 4096, 0) < 0)
        _exit(1);
}
static void in_write(void)
{
    int file = open(SHARED "/file", O_WRONLY);
    if (write(file, hung, 4096) < 0)
        _exit(1);
}
static void in_read(void)
{
    int file = open(SHARED "/file", O_RDONLY);
    if (read(file, hung, 4096) < 0)
        _exit(1);
}
static void in_fifo_write(void)
{
    int file = open(SHARED "/fifo", O_RDWR);
    if (write(file, hung, 4096) < 0)
        _exit(1);
}
static void in_fifo_read(void)
{
    int file = open(SHARED "/fifo", O_RDWR);
    if (write(file, "abc", 3) != 3 || read(file, hung, 4096) < 0)
        _exit(1);
}
/* Who closes a FIFO does not wait for who changes it, and waits for its server. */
static void in_fifo_close(void)
{
    int file = open(PLACE "/fifo", O_RDWR);
    sleep_ms(600); /* for the change to begin; if it does not yet, there is nothing to be seen */
    close(file);
    close(open(PLACE "/fifo", O_RDWR));
    pause();
}
static void in_fifo_change(void)
{
    sleep_ms(300); /* for the FIFO to be open; likewise */
    chmod(PLACE "/fifo", 0600);
}
static void in_seals(void)
{
    int file = open(PLACE "/fifo", O_RDWR);
    sleep_ms(600);
    fcntl(file, F_ADD_SEALS, F_SEAL_WRITE);
}
static void in_good_write(void)
{
    int file = open(GOOD "/file", O_WRONLY);
    if (write(file, hung, 4096) < 0)
        _exit(1);
}
static void in_proc(void)
{
    int file = open("/proc/stat", O_RDONLY);
    if (read(file, hung, 4096) < 0)
        _exit(1);
}
static void in_mounts(void)
{
    int file = open("/proc/self/mounts", O_RDONLY);
    if (read(file, hung, 4096) < 0)
        _exit(1);
}
static void in_maps(void)
{
    int file = open("/proc/self/maps", O_RDONLY);
    if (read(file, hung, 4096) < 0)
        _exit(1);
}
static void in_proc_list(void)
{
    int directory = open("/proc", O_RDONLY | O_DIRECTORY);
    syscall(SYS_getdents64, directory, hung, 4096);
}
static void in_terminal(void)
{
    if (write(tty, hung, 4096) < 0)
        _exit(1);
}
static void in_terminal_read(void)
{
    if (read(slave, hung, 4096) < 0)
        _exit(1);
}
static void in_stream(void)
{
    recv(streams[1], hung, 4096, 0);
}
static void in_datagram(void)
{
    recv(datagrams[1], hung, 4096, 0);
}
static void in_vmsplice(void)
{
    struct iovec piece = {hung, 4096};
    vmsplice(open(SHARED "/fifo", O_RDWR), &piece, 1, 0);
}
static void in_listing(void)
{
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, streams[1], (void *)hung);
}
/* What was written there is not taken: at the end of the process, of the mapping, and when asked.
 */
static void in_exit(void)
{
    hung[FILE_SIZE - 1] = 1;
    exit(0);
}
static void in_munmap(void)
{
    hung[FILE_SIZE - 1] = 1;
    munmap(hung, FILE_SIZE);
}
static void in_msync(void)
{
    hung[FILE_SIZE - 1] = 1;
    tap_note("msync %d %d", msync(hung, FILE_SIZE, MS_SYNC), errno);
}
/* What a thread that ends by itself has to say to others lies there. */
static void exit_there(void)
{
    syscall(SYS_set_robust_list, hung, 24);
    syscall(SYS_exit, 0);
}
static void *thread_exits(void *unused)
{
    exit_there();
    return unused;
}
static void sibling_exits(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, thread_exits, NULL);
    sleep_ms(200); /* for it to get there; nothing depends on it */
}
static void in_thread_exit(void)
{
    sibling_exits();
    pause();
}
static void in_both_exits(void)
{
    sibling_exits();
    exit_there();
}
static void in_exec_beside(void)
{
    sibling_exits();
    execl("/bin/busybox", "sleep", "1000", NULL);
}
static void in_open(void)
{
    open(hung, O_RDONLY);
}
static void in_connect(void)
{
    connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)hung, 20);
}
static void in_sendto(void)
{
    struct sockaddr_un name = {AF_UNIX, SHARED "/socket"};
    sendto(socket(AF_UNIX, SOCK_DGRAM, 0), hung, 4096, 0, (void *)&name, sizeof(name));
}
static void in_exec(void)
{
    char *const arguments[] = {"x", hung, NULL};
    execv("/bin/busybox", arguments);
}
static void in_exec_of_it(void)
{
    char *const arguments[] = {"x", NULL};
    execv(PLACE "/file", arguments);
}
static void in_pread(void)
{
    char byte;
    int file = open(PLACE "/file", O_RDONLY);
    if (pread(file, &byte, 1, 8192) != 1)
        _exit(1);
}
static void in_touch(void)
{
    *(volatile char *)hung = 1;
}
static void in_epoll(void)
{
    int epoll = epoll_create1(0), ends[2];
    struct epoll_event event = {.events = EPOLLIN};
    if (pipe(ends) || write(ends[1], "x", 1) != 1)
        _exit(1);
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    epoll_wait(epoll, (void *)hung, 1, -1);
}
static void in_poll(void)
{
    poll((void *)hung, 4, 0);
}
static void in_wait(void)
{
    if (fork() == 0)
        _exit(0);
    wait4(-1, (void *)hung, 0, NULL);
}
static void in_uname(void)
{
    uname((void *)hung);
}
static void in_limits(void)
{
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, hung);
}
static void in_groups(void)
{
    getgroups(32, (void *)hung);
}
static void in_stat(void)
{
    stat(SHARED, (void *)hung);
}
static void in_readlink(void)
{
    if (readlink("/proc/self/exe", hung, 4096) < 0)
        _exit(1);
}
static void in_getcwd(void)
{
    syscall(SYS_getcwd, hung, 4096);
}
static void in_lock(void)
{
    fcntl(open(SHARED "/file", O_RDWR), F_GETLK, (void *)hung);
}
static void in_futex(void)
{
    syscall(SYS_futex, hung, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
}
static void in_affinity(void)
{
    syscall(SYS_sched_getaffinity, 0, 128, hung);
}
static void in_statfs(void)
{
    statfs("/", (void *)hung);
}
static void in_signals(void)
{
    syscall(SYS_rt_sigpending, hung, 8);
}
static void in_clone(void)
{
    syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, hung, 0, 0);
}
static void in_rights(void)
{
    int ends[2];
    struct msghdr message = {.msg_control = hung, .msg_controllen = 24};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0)
        sendmsg(ends[0], &message, 0);
}
static void in_getxattr(void)
{
    syscall(SYS_getxattr, SHARED "/file", hung, NULL, 0);
}
static void in_process_vm(void)
{
    char bytes[16];
    struct iovec here = {bytes, 16}, there = {hung, 16};
    syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0);
}
static void in_rename(void)
{
    rename(hung, SHARED "/x");
}
static void in_timer(void)
{
    syscall(SYS_timer_create, 1, NULL, hung);
}
static void in_sysinfo(void)
{
    syscall(SYS_sysinfo, hung);
}

/* Memory becomes the server's when the call with it has begun: nothing of it was so before. */
#define LATE_SIZE (96 << 10)
#define LATE_FILL (64 << 10) /* what a pipe has room for */

static int late_file(const char *name)
{
    int file = open(name, O_RDWR);

    hung = mmap(NULL, LATE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(hung, 'x', LATE_SIZE);
    return file;
}
static void map_late(char *place, size_t size)
{
    int file = open(PLACE "/file", O_RDWR);

    if (mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
        _exit(1);
}
static void *write_late(void *file)
{
    return write((int)(intptr_t)file, hung, LATE_SIZE) < 0 ? hung : NULL;
}
static void *read_late(void *file)
{
    return read((int)(intptr_t)file, hung, 4096) < 0 ? hung : NULL;
}
static int bytes_in(int file)
{
    int count = 0;
    return ioctl(file, FIONREAD, &count) ? -1 : count;
}
static void in_late_write(void)
{
    int file = late_file(SHARED "/late-write");
    pthread_t thread;

    pthread_create(&thread, NULL, write_late, (void *)(intptr_t)file);
    if (!EVENTUALLY(bytes_in(file) == LATE_FILL))
        _exit(1);
    map_late(hung + LATE_FILL, LATE_SIZE - LATE_FILL);
    pthread_join(thread, NULL);
    pause();
}
static void in_late_read(void)
{
    int file = late_file(SHARED "/late-read");
    pthread_t thread;

    pthread_create(&thread, NULL, read_late, (void *)(intptr_t)file);
    sleep_ms(200); /* for it to wait; if it does not yet, there is nothing to be seen */
    map_late(hung, 4096);
    pthread_join(thread, NULL);
    pause();
}

/* Its arguments lie where the server's file is mapped: who reads them asks the server. */
static void in_hiding(void)
{
    void *page = (void *)((uintptr_t)environ[0] & ~4095UL);
    int file = open(PLACE "/file", O_RDONLY);

    mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0);
    pause();
}

static void (*const calls[])(void) = {
    in_hiding,      in_getdents,    in_write,      in_read,        in_fifo_write,
    in_fifo_read,   in_proc,        in_mounts,     in_maps,        in_proc_list,
    in_terminal,    in_open,        in_connect,    in_sendto,      in_exec,
    in_exec_of_it,  in_pread,       in_touch,      in_epoll,       in_poll,
    in_wait,        in_uname,       in_limits,     in_groups,      in_stat,
    in_readlink,    in_getcwd,      in_lock,       in_futex,       in_affinity,
    in_statfs,      in_signals,     in_clone,      in_rights,      in_getxattr,
    in_process_vm,  in_rename,      in_timer,      in_sysinfo,     in_terminal_read,
    in_stream,      in_datagram,    in_vmsplice,   in_listing,     in_exit,
    in_munmap,      in_msync,       in_late_write, in_late_read,   in_common_getdents,
    in_common_file, in_common_text, exit_there,    in_thread_exit, in_both_exits,
    in_exec_beside, in_fifo_close,  in_seals,      in_good_write,  in_fifo_change,
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static pid_t stuck[CALLS], server, good_server;

static void map_hung(void)
{
    int file = open(PLACE "/file", O_RDWR);

    hung = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (hung == MAP_FAILED)
        _exit(1);
}

static void begin_calls(void)
{
    for (size_t i = 0; i < CALLS; i++) {
        stuck[i] = fork();
        if (stuck[i])
            continue;
        if (!become(USER))
            _exit(1);
        if (calls[i] != in_late_write && calls[i] != in_late_read)
            map_hung();
        calls[i]();
        _exit(0);
    }
}

/* That everybody may use, whatever the file mode mask. */
static int fifo_make(const char *name)
{
    mkfifo(name, 0666);
    chmod(name, 0666);
    return open(name, O_RDWR | O_NONBLOCK);
}

static bool begin_good_server(void)
{
    int device = fuse_mount_with(GOOD, 0, ",allow_other");

    REQUIRE(device >= 0);
    good_server = fork();
    if (good_server == 0)
        serve(device, NULL);
    close(device);
    return true;
}

static bool begin(void)
{
    REQUIRE(begin_good_server());
    int device = fuse_mount_at(PLACE, USER);
    REQUIRE(device >= 0);
    mkdir(SHARED, 0777);
    REQUIRE(chmod(SHARED, 01777) == 0);
    int file = open(SHARED "/file", O_RDWR | O_CREAT | O_TRUNC, 0666);
    REQUIRE(file >= 0 && fchmod(file, 0666) == 0 && ftruncate(file, 65536) == 0);
    common_directory = open(SHARED, O_RDONLY | O_DIRECTORY);
    common_file = open(SHARED "/file", O_RDONLY);
    common_text = open("/proc/stat", O_RDONLY);
    fifo = fifo_make(SHARED "/fifo");
    late_write = fifo_make(SHARED "/late-write");
    late_read = fifo_make(SHARED "/late-read");
    struct termios settings;
    REQUIRE(openpty(&tty, &slave, NULL, NULL, NULL) == 0 && tcgetattr(slave, &settings) == 0);
    cfmakeraw(&settings);
    REQUIRE(tcsetattr(slave, TCSANOW, &settings) == 0 && write(tty, "abc", 3) == 3);
    fcntl(tty, F_SETFL, O_NONBLOCK);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, streams) == 0 && write(streams[0], "abc", 3) == 3);
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams) == 0);
    REQUIRE(write(datagrams[0], "abc", 3) == 3);
    struct sockaddr_un name = {AF_UNIX, SHARED "/socket"};
    int receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
    unlink(SHARED "/socket");
    REQUIRE(bind(receiver, (void *)&name, sizeof(name)) == 0 && chmod(SHARED "/socket", 0666) == 0);
    server = server_begin(device, hangs);
    begin_calls();
    sleep_ms(1000); /* for all of them to get into their calls; nothing depends on it */
    return true;
}

/* ---- the others ---- */

static void make_names(void)
{
    char name[64];

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), SHARED "/own.%d", i);
        close(open(name, O_RDWR | O_CREAT, 0600));
        rename(name, SHARED "/other");
        unlink(SHARED "/other");
    }
    DIR *list = opendir(SHARED);
    while (readdir(list))
        ;
    closedir(list);
}
static void write_file(void)
{
    int file = open(SHARED "/file", O_RDWR);
    if (write(file, "abcd", 4) != 4 || pread(file, &(char[4]){0}, 4, 0) != 4 || fsync(file))
        _exit(1);
}
static void write_good_file(void)
{
    int file = open(GOOD "/file", O_RDWR);
    if (write(file, "abcd", 4) != 4 || pread(file, &(char[4]){0}, 4, 0) != 4)
        _exit(1);
}
static void use_terminal(void)
{
    int own = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (write(own, "x", 1) != 1)
        _exit(1);
    close(own);
}
/* What the user reads from: who answers him must not wait for him. */
static void answer_the_user(void)
{
    for (int i = 0; i < 20; i++) {
        send(streams[0], "x", 1, MSG_DONTWAIT);
        send(datagrams[0], "x", 1, MSG_DONTWAIT);
        if (write(tty, "x", 1) < 0 && errno != EAGAIN)
            _exit(1);
        if (write(fifo, "x", 1) < 0 && errno != EAGAIN)
            _exit(1);
    }
}
/* Those who wait at these go on, and find that their memory has become the server's. */
static void wake_the_late(void)
{
    static char bytes[LATE_FILL];

    if (read(late_write, bytes, sizeof(bytes)) != sizeof(bytes) || write(late_read, "x", 1) != 1)
        _exit(1);
    sleep_ms(200); /* for them to go on; nothing depends on it */
    if (write(late_write, "x", 1) != 1 || write(late_read, "x", 1) != 1)
        _exit(1);
}
static void read_texts(void)
{
    static const char *const names[] = {"/proc/stat",    "/proc/mounts",    "/proc/meminfo",
                                        "/proc/locks",   "/proc/self/maps", "/proc/net/unix",
                                        "/proc/loadavg", "/proc/diskstats"};
    char bytes[4096];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int file = open(names[i], O_RDONLY);
        if (read(file, bytes, sizeof(bytes)) < 0)
            _exit(1);
        close(file);
    }
}
static void run_programs(void)
{
    if (system("busybox true && busybox ls / > /dev/null"))
        _exit(1);
}
static void send_to_socket(void)
{
    struct sockaddr_un name = {AF_UNIX, SHARED "/socket"};
    if (sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "x", 1, 0, (void *)&name, sizeof(name)) != 1)
        _exit(1);
}
static void use_sockets(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || write(ends[0], "x", 1) != 1)
        _exit(1);
}
static void synchronise(void)
{
    sync();
}
static void walk_past(void)
{
    struct statfs status;
    struct stat file;

    stat(PLACE, &file);
    stat(PLACE "/file", &file);
    statfs(PLACE, &status);
}
static void list_processes(void)
{
    if (system("busybox ps > /dev/null"))
        _exit(1);
}
static void read_processes(void)
{
    static const char *const names[] = {"cmdline", "stat",  "status",    "maps",     "smaps",
                                        "environ", "io",    "limits",    "fdinfo/3", "statm",
                                        "comm",    "wchan", "mountinfo", "auxv"};
    char name[64], bytes[4096];

    for (size_t i = 0; i < CALLS; i++)
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            snprintf(name, sizeof(name), "/proc/%d/%s", stuck[i], names[j]);
            int file = open(name, O_RDONLY);
            if (file >= 0 && read(file, bytes, sizeof(bytes)) < 0)
                continue;
            close(file);
        }
}
static void look_at_links(void)
{
    char name[64], bytes[256];

    for (size_t i = 0; i < CALLS; i++) {
        static const char *const names[] = {"exe", "cwd", "root", "fd/3", "fd/0"};
        for (size_t j = 0; j < 5; j++) {
            snprintf(name, sizeof(name), "/proc/%d/%s", stuck[i], names[j]);
            if (readlink(name, bytes, sizeof(bytes)) < 0)
                continue;
        }
    }
}
static void read_log(void)
{
    char bytes[4096];
    klogctl(3, bytes, sizeof(bytes));
}
static void eat_memory(void)
{
    char *map = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(map, 1, 64 << 20);
}

static const struct {
    const char *name;
    void (*act)(void);
    bool as_root;
} acts[] = {
    {"names in a shared folder", make_names, false},
    {"a shared file", write_file, false},
    {"a shared file of a server that answers", write_good_file, false},
    {"a terminal", use_terminal, false},
    {"what the users read from", answer_the_user, false},
    {"who has memory of the server's late", wake_the_late, false},
    {"texts of /proc", read_texts, false},
    {"programs", run_programs, false},
    {"a shared socket", send_to_socket, false},
    {"sockets", use_sockets, false},
    {"memory", eat_memory, false},
    {"sync(2)", synchronise, true},
    {"walks past the mount", walk_past, true},
    {"looks at each of them", read_processes, true},
    {"looks at their links", look_at_links, true},
    {"ps", list_processes, true},
    {"the log", read_log, true},
};

/* ---- what they have open together: there they wait for the user, but not for ever ---- */

static void list_common(void)
{
    char bytes[4096];
    syscall(SYS_getdents64, common_directory, bytes, sizeof(bytes));
}
static void seek_common(void)
{
    lseek(common_file, 0, SEEK_SET);
}
static void read_common(void)
{
    char byte;
    if (pread(common_text, &byte, 1, 0) < 0)
        _exit(1);
}

static bool can_be_killed(void (*act)(void))
{
    pid_t child = fork();

    if (child == 0) {
        act();
        _exit(0);
    }
    sleep_ms(200); /* for it to wait; if it does not yet, there is nothing to be seen */
    kill(child, SIGKILL);
    return EVENTUALLY(waitpid(child, NULL, WNOHANG) == child);
}

/* ---- */

/* Is it done in time? */
static bool ends_in_time(void (*act)(void), bool as_root, long patience)
{
    pid_t child = fork();
    int status = -1;
    pid_t ended;

    if (child == 0) {
        if (!as_root && !become(USER + 1))
            _exit(1);
        act();
        _exit(0);
    }
    long until = now_ms() + patience;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && now_ms() < until)
        sleep_ms(2);
    if (!ended) {
        kill(child, SIGKILL);
        if (!EVENTUALLY(waitpid(child, NULL, WNOHANG) == child))
            tap_note("and cannot be killed");
    }
    return ended == child && exited(status, 0);
}

int main(void)
{
    if (!fuse_is_there() || !baton_is_here()) {
        tap_plan(1);
        tap_ok(true,
               "FUSE # SKIP no promise of Linux's, where a request that was read is waited for");
        return 0;
    }
    if (!tap_ok(begin(), "a server hangs, and its users in many calls"))
        return 1;
    for (size_t i = 0; i < CALLS; i++) {
        int status;
        pid_t ended = waitpid(stuck[i], &status, WNOHANG);
        if (ended)
            tap_note("call %zu is not in its call: status %#x", i, status);
    }
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        tap_ok(ends_in_time(acts[i].act, acts[i].as_root, 5000), "beside them: %s", acts[i].name);
    tap_ok(can_be_killed(list_common), "who lists a folder that the user has open can be killed");
    tap_ok(can_be_killed(seek_common), "and who moves in a file, and");
    tap_ok(can_be_killed(read_common), "who reads a text of /proc");
    bool all = true;
    for (size_t i = 0; i < CALLS; i++) {
        kill(stuck[i], SIGKILL);
        long until = now_ms() + 3000;
        pid_t ended;
        while ((ended = waitpid(stuck[i], NULL, WNOHANG)) == 0 && now_ms() < until)
            sleep_ms(1);
        if (!ended)
            tap_note("call %zu does not end", i);
        all &= ended != 0;
    }
    tap_ok(all, "each of them can be killed");
    tap_ok(umount2(PLACE, MNT_DETACH) == 0, "the mount can be taken away");
    kill(server, SIGKILL);
    status_of(server);
    umount2(GOOD, MNT_DETACH);
    status_of(good_server);
    return tap_done();
}
