/*
 * file_without_memory: for each call of files, allocation number N fails, for every N until the
 * call succeeds (debug kernels). A call that fails says ENOMEM, or ENOSPC where it is a file's
 * storage that is missing, and has made nothing; in the end no byte of the heap and no frame is
 * missing.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <tap.h>

#include "proc_baton.h"

enum { LAST = 200 };

/* Long enough for an allocation of its own. */
#define LONG_NAME                                                                                  \
    "a_name_that_is_so_long_that_it_does_not_fit_into_what_the_kernel_keeps_on_its_stack_for_the_" \
    "short_names_that_programs_use_all_the_time_and_so_has_to_be_put_elsewhere"

static int first, second, ends[2], epoll, directory, sockets[4], listener;
static char buffer[9000];

static long run_open(void)
{
    return open("file", O_RDWR);
}
static long run_create(void)
{
    return open(LONG_NAME, O_CREAT | O_RDWR, 0600);
}
static void undo_create(long result)
{
    close((int)result);
    unlink(LONG_NAME);
}
static void undo_close(long result)
{
    close((int)result);
}
static long run_mkdir(void)
{
    return mkdir("new", 0700);
}
static void undo_rmdir(long result)
{
    (void)result;
    rmdir("new");
}
static long run_symlink(void)
{
    return symlink(LONG_NAME, "new");
}
static void undo_unlink(long result)
{
    (void)result;
    unlink("new");
}
static long run_link(void)
{
    return link("file", "new");
}
static long run_mknod(void)
{
    return mknod("new", S_IFIFO | 0600, 0);
}
static long run_rename(void)
{
    return rename("file", "renamed");
}
static void undo_rename(long result)
{
    (void)result;
    while (rename("renamed", "file"))
        ;
}
static long run_exchange(void)
{
    return syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "directory", 2);
}
static void undo_exchange(long result)
{
    (void)result;
    run_exchange();
}
static long run_stat(void)
{
    struct stat status;
    return stat("to_file", &status);
}
static long run_access(void)
{
    return access("file", R_OK);
}
static long run_readlink(void)
{
    return readlink("to_file", buffer, 100);
}
static long run_getcwd(void)
{
    return syscall(SYS_getcwd, buffer, 4096);
}
/* A transfer that ended early did so for want of memory. */
static long whole(ssize_t done, ssize_t wanted)
{
    if (done >= 0 && done < wanted)
        errno = ENOMEM;
    return done == wanted ? 0 : -1;
}
static long run_write(void)
{
    return whole(pwrite(first, buffer, 9000, 1 << 20), 9000);
}
static void undo_write(long result)
{
    (void)result;
    if (ftruncate(first, 4))
        tap_note("ftruncate: %s", strerror(errno));
}
static long run_writev(void)
{
    struct iovec vector[20];
    for (int i = 0; i < 20; i++)
        vector[i] = (struct iovec){buffer, 10};
    return pwritev(first, vector, 20, 0);
}
static long run_fallocate(void)
{
    return fallocate(first, 0, 0, 20000);
}
static long run_truncate(void)
{
    return truncate("file", 5);
}
static long run_pipe(void)
{
    return pipe(ends);
}
static void undo_pipe(long result)
{
    (void)result;
    close(ends[0]);
    close(ends[1]);
}
static long run_pipe_write(void)
{
    return whole(write(second, buffer, 9000), 9000);
}
static void undo_pipe_write(long result)
{
    (void)result;
    while (read(directory, buffer, sizeof(buffer)) > 0)
        ;
}
static long run_pipe_size(void)
{
    return fcntl(second, F_SETPIPE_SZ, 131072);
}
static void undo_pipe_size(long result)
{
    (void)result;
    while (fcntl(second, F_SETPIPE_SZ, 65536) < 0)
        ;
}
static long run_fifo(void)
{
    return open("fifo", O_RDWR);
}
static long run_poll(void)
{
    struct pollfd requests[40];
    for (int i = 0; i < 40; i++)
        requests[i] = (struct pollfd){directory, POLLIN, 0};
    return poll(requests, 40, 1);
}
static long run_select(void)
{
    fd_set set;
    struct timeval time = {0, 1000};
    FD_ZERO(&set);
    FD_SET(directory, &set);
    return select(directory + 1, &set, NULL, NULL, &time);
}
static long run_epoll_create(void)
{
    return epoll_create1(0);
}
static long run_epoll_add(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, directory, &event);
}
static void undo_epoll_add(long result)
{
    (void)result;
    epoll_ctl(epoll, EPOLL_CTL_DEL, directory, NULL);
}
static long run_eventfd(void)
{
    return eventfd(0, 0);
}
static long run_memfd(void)
{
    return memfd_create("name", 0);
}
static long run_tmpfile(void)
{
    return open(".", O_TMPFILE | O_RDWR, 0600);
}
static long run_dup(void)
{
    return fcntl(first, F_DUPFD, 300);
}
static long run_flock(void)
{
    return flock(first, LOCK_EX | LOCK_NB);
}
static void undo_flock(long result)
{
    (void)result;
    while (flock(first, LOCK_UN))
        ;
}
static long run_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
    return fcntl(first, F_SETLK, &lock);
}
static void undo_lock(long result)
{
    struct flock lock = {.l_type = F_UNLCK, .l_len = 10};
    (void)result;
    while (fcntl(first, F_SETLK, &lock))
        ;
}
static long run_mount(void)
{
    return mount("none", "directory", "tmpfs", 0, "size=1m");
}
static long run_mount_devices(void)
{
    return mount("none", "directory", "devtmpfs", 0, NULL);
}
static long run_bind(void)
{
    return mount("directory", "directory", NULL, MS_BIND, NULL);
}
static void undo_mount(long result)
{
    (void)result;
    if (umount("directory"))
        tap_note("umount: %s", strerror(errno));
}
static long run_proc(void)
{
    char text[4096];
    return file_text("/proc/self/mounts", text, sizeof(text)) > 0 ? 0 : -1;
}
static long run_proc_list(void)
{
    int list = open("/proc/self/fd", O_RDONLY);
    long result = list;

    while (result > 0)
        result = syscall(SYS_getdents64, list, buffer, sizeof(buffer));
    if (list >= 0)
        close(list);
    return result;
}
static long run_magic(void)
{
    char name[32];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", first);
    return open(name, O_RDONLY);
}
static long run_sendfile(void)
{
    off_t offset = 0;
    return whole(sendfile(second, first, &offset, 4), 4);
}
static long run_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}
static long run_socketpair(void)
{
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
}
static long run_send(void)
{
    return whole(send(sockets[0], buffer, 9000, 0), 9000);
}
static void undo_send(long result)
{
    (void)result;
    while (recv(sockets[1], buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
        ;
}
static long run_send_file(void)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec vector = {buffer, 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &first, sizeof(int));
    return sendmsg(sockets[0], &message, 0);
}
/* A peek copies the files, which may fail; what is there stays. */
static long run_peek_file(void)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {buffer, 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int file = -1;
    if (recvmsg(sockets[2], &message, MSG_PEEK) < 0)
        return -1;
    memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return file;
}
static const struct sockaddr_un listener_name = {AF_UNIX, "listener"}, new_name = {AF_UNIX, "new"};
static long run_bind_socket(void)
{
    int one = socket(AF_UNIX, SOCK_STREAM, 0);
    long result = bind(one, (const struct sockaddr *)&new_name, sizeof(new_name));
    int error = errno;
    if (one >= 0)
        close(one);
    errno = error == EBADF ? ENOMEM : error;
    return result;
}
static long run_connect(void)
{
    int one = socket(AF_UNIX, SOCK_STREAM, 0);
    if (one < 0)
        return -1;
    if (!connect(one, (const struct sockaddr *)&listener_name, sizeof(listener_name)))
        return one;
    int error = errno;
    close(one);
    errno = error;
    return -1;
}
static void wait_to_be_accepted(void)
{
    close((int)run_connect());
}
static void undo_connect(long result)
{
    close((int)result);
    close(accept(listener, NULL, NULL));
}
static long run_accept(void)
{
    return accept(listener, NULL, NULL);
}
/* The next one finds a connection, too. */
static void undo_accept(long result)
{
    close((int)result);
    wait_to_be_accepted();
}

static const struct {
    const char *name;
    long (*run)(void);
    void (*undo)(long result);
} calls[] = {
    {"open", run_open, undo_close},
    {"open O_CREAT", run_create, undo_create},
    {"open O_TMPFILE", run_tmpfile, undo_close},
    {"open of a FIFO", run_fifo, undo_close},
    {"open through /proc/self/fd", run_magic, undo_close},
    {"mkdir", run_mkdir, undo_rmdir},
    {"symlink", run_symlink, undo_unlink},
    {"link", run_link, undo_unlink},
    {"mknod", run_mknod, undo_unlink},
    {"rename", run_rename, undo_rename},
    {"renameat2 RENAME_EXCHANGE", run_exchange, undo_exchange},
    {"stat", run_stat, NULL},
    {"access", run_access, NULL},
    {"readlink", run_readlink, NULL},
    {"getcwd", run_getcwd, NULL},
    {"write", run_write, undo_write},
    {"writev", run_writev, undo_write},
    {"fallocate", run_fallocate, undo_write},
    {"truncate", run_truncate, undo_write},
    {"pipe", run_pipe, undo_pipe},
    {"write to a pipe", run_pipe_write, undo_pipe_write},
    {"F_SETPIPE_SZ", run_pipe_size, undo_pipe_size},
    {"poll", run_poll, NULL},
    {"select", run_select, NULL},
    {"epoll_create", run_epoll_create, undo_close},
    {"epoll_ctl", run_epoll_add, undo_epoll_add},
    {"eventfd", run_eventfd, undo_close},
    {"memfd_create", run_memfd, undo_close},
    {"F_DUPFD", run_dup, undo_close},
    {"flock", run_flock, undo_flock},
    {"F_SETLK", run_lock, undo_lock},
    {"mount tmpfs", run_mount, undo_mount},
    {"mount devtmpfs", run_mount_devices, undo_mount},
    {"mount MS_BIND", run_bind, undo_mount},
    {"read of /proc", run_proc, NULL},
    {"list of /proc", run_proc_list, NULL},
    {"sendfile", run_sendfile, undo_pipe_write},
    {"socket", run_socket, undo_close},
    {"socketpair", run_socketpair, undo_pipe},
    {"send", run_send, undo_send},
    {"send of a file", run_send_file, undo_send},
    {"peek at a file", run_peek_file, undo_close},
    {"bind", run_bind_socket, undo_unlink},
    {"connect", run_connect, undo_connect},
    {"accept", run_accept, undo_accept},
};

static void make_sockets(void)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, sockets + 2))
        tap_note("socketpair: %s", strerror(errno));
    int plain = sockets[0];
    sockets[0] = sockets[3]; /* a file to peek at */
    run_send_file();
    sockets[0] = plain;
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (const struct sockaddr *)&listener_name, sizeof(listener_name)) ||
        listen(listener, 5))
        tap_note("listen: %s", strerror(errno));
    wait_to_be_accepted();
}

static void make_place(void)
{
    static char name[] = "/tmp/file_without_memory.XXXXXX";
    int pair[2];

    mkdir("/tmp", 01777);
    if (!mkdtemp(name) || chdir(name))
        tap_note("%s: %s", name, strerror(errno));
    first = open("file", O_CREAT | O_RDWR, 0600);
    if (write(first, "text", 4) != 4 || symlink("file", "to_file") || mkdir("directory", 0700) ||
        mkfifo("fifo", 0600) || pipe2(pair, O_NONBLOCK))
        tap_note("cannot begin: %s", strerror(errno));
    directory = pair[0];
    second = pair[1];
    epoll = epoll_create1(0);
    make_sockets();
}

/* What is in use: frames by owner and bytes of the heap. */
static void measure(char text[8192])
{
    memset(text, 0, 8192);
    file_text("/proc/baton/frames", text, 4096);
    file_text("/proc/baton/objects", text + strlen(text), 4096);
}

/* Every allocation of one call fails in turn. How many did; errors other than for memory go to
 *other. */
static unsigned fail_all(size_t at, unsigned *other)
{
    unsigned number = 1;

    for (; number < LAST; number++) {
        char line[64];
        snprintf(line, sizeof(line), "allocation %u", number);
        baton_inject(line);
        long result = calls[at].run();
        int error = errno;
        baton_inject("off");
        if (result >= 0) {
            if (calls[at].undo)
                calls[at].undo(result);
            break;
        }
        if (error != ENOMEM && error != ENOSPC) {
            tap_note("%s: allocation %u: %s", calls[at].name, number, strerror(error));
            ++*other;
        }
        /* What was written before the memory ended. */
        if (calls[at].undo == undo_write || calls[at].undo == undo_pipe_write ||
            calls[at].undo == undo_send)
            calls[at].undo(result);
    }
    return number - 1;
}

int main(void)
{
    static char before[8192], after[8192];

    if (!baton_inject("off")) {
        tap_skip("this kernel makes no allocation fail",
                 "each allocation of each call fails in turn");
        return tap_done();
    }
    tap_plan(3 * (unsigned)(sizeof(calls) / sizeof(calls[0])));
    make_place();
    for (size_t at = 0; at < sizeof(calls) / sizeof(calls[0]); at++) {
        unsigned other = 0, warm_up = 0;
        fail_all(at, &warm_up);
        memset(after, 0, sizeof(after));
        usleep(20000);
        measure(before);
        unsigned failures = fail_all(at, &other);
        /* What this program printed may still be in a pipe. */
        for (int tries = 0; tries < 100; tries++) {
            measure(after);
            if (!strcmp(before, after))
                break;
            usleep(10000);
        }
        tap_ok(failures < LAST, "%s succeeds after %u failed allocations", calls[at].name,
               failures);
        tap_ok(other == 0, "%s: the errors are ENOMEM or ENOSPC", calls[at].name);
        if (!tap_ok(!strcmp(before, after), "%s: nothing is lost", calls[at].name))
            for (char *line = after, *old = before; line && old;
                 line = strchr(line, '\n'), old = strchr(old, '\n')) {
                line += *line == '\n', old += *old == '\n';
                size_t length = strcspn(line, "\n");
                if (length && strncmp(line, old, length + 1))
                    tap_note("%.*s, before %.*s", (int)length, line, (int)strcspn(old, "\n"), old);
            }
    }
    return tap_done();
}
