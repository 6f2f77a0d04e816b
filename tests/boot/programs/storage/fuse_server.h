/*
 * fuse_server.h: a file system of an ordinary user, served by a child that says what a case wants
 * said (<linux/fuse.h>; Linux's Documentation/filesystems/fuse.rst). In it are a directory `sub`
 * and a file `file` of FILE_SIZE bytes 'x'; a case's own answers go before these.
 */
#ifndef BATON_TESTS_FUSE_SERVER_H
#define BATON_TESTS_FUSE_SERVER_H

#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "cases.h"

#define PLACE     "/tmp/fuse"
#define USER      1000
#define FILE_SIZE 65536

enum { NODE_ROOT = FUSE_ROOT_ID, NODE_FILE, NODE_SUB, NODE_MORE };

/* The request that is answered just now. */
static union {
    struct fuse_in_header head;
    char bytes[1 << 18];
} request;
#define REQUEST_BODY ((const void *)(&request.head + 1))

/* True: it was answered, or is not to be. */
typedef bool answerer(int device);

static void answer(int device, int error, const void *bytes, size_t size)
{
    struct fuse_out_header head = {
        .len = (uint32_t)(sizeof(head) + size), .error = -error, .unique = request.head.unique};
    struct iovec pieces[2] = {{&head, sizeof(head)}, {(void *)bytes, size}};

    if (writev(device, pieces, 2) < 0 && errno != ENOENT)
        _exit(90); /* the file system is gone */
}

static struct fuse_attr attributes_of(uint64_t node, uint32_t mode)
{
    return (struct fuse_attr){.ino = node,
                              .size = FILE_SIZE,
                              .blocks = FILE_SIZE / 512,
                              .mode = mode,
                              .nlink = 1,
                              .uid = USER,
                              .gid = USER,
                              .blksize = 4096};
}

static uint32_t mode_of(uint64_t node)
{
    return node == NODE_ROOT || node == NODE_SUB ? S_IFDIR | 0755 : S_IFREG | 0755;
}

/* An entry that nobody remembers: each walk asks again. */
static void answer_entry(int device, uint64_t node, uint32_t mode)
{
    const struct fuse_entry_out entry = {.nodeid = node, .attr = attributes_of(node, mode)};
    answer(device, 0, &entry, sizeof(entry));
}

static void answer_attributes(int device, uint64_t node)
{
    const struct fuse_attr_out out = {.attr = attributes_of(node, mode_of(node))};
    answer(device, 0, &out, sizeof(out));
}

static void answer_first(int device)
{
    const struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
                                      .minor = 31,
                                      .max_readahead = 65536,
                                      .max_write = 65536,
                                      .flags = FUSE_BIG_WRITES};
    answer(device, 0, &out, sizeof(out));
}

static void answer_read(int device)
{
    static char bytes[1 << 17];
    const struct fuse_read_in *in = REQUEST_BODY;

    memset(bytes, 'x', sizeof(bytes));
    size_t left = in->offset < FILE_SIZE ? FILE_SIZE - in->offset : 0;
    answer(device, 0, bytes, in->size < left ? in->size : left);
}

static void answer_usual(int device)
{
    const struct fuse_open_out opened = {.fh = 1};
    const char *name = REQUEST_BODY;

    switch (request.head.opcode) {
    case FUSE_INIT:
        answer_first(device);
        break;
    case FUSE_LOOKUP:
        if (strcmp(name, "file") == 0)
            answer_entry(device, NODE_FILE, mode_of(NODE_FILE));
        else if (strcmp(name, "sub") == 0)
            answer_entry(device, NODE_SUB, mode_of(NODE_SUB));
        else
            answer(device, ENOENT, NULL, 0);
        break;
    case FUSE_GETATTR:
    case FUSE_SETATTR:
        answer_attributes(device, request.head.nodeid);
        break;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
        answer(device, 0, &opened, sizeof(opened));
        break;
    case FUSE_READ:
        answer_read(device);
        break;
    case FUSE_WRITE:
        answer(device, 0,
               &(struct fuse_write_out){.size = ((const struct fuse_write_in *)name)->size}, 8);
        break;
    case FUSE_READDIR:
        answer(device, 0, NULL, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_ACCESS:
        answer(device, 0, NULL, 0);
        break;
    default:
        answer(device, ENOSYS, NULL, 0);
    }
}

/* Until there is no file system any more. */
static void serve(int device, answerer *first)
{
    while (read(device, &request, sizeof(request)) > 0)
        if (!first || !first(device))
            answer_usual(device);
    _exit(0);
}

/* Linux has it as a module, in a folder that is laid over its root. */
static bool fuse_is_there(void)
{
    int module = open("/modules/fuse.ko", O_RDONLY | O_CLOEXEC);

    if (module >= 0)
        syscall(SYS_finit_module, module, "", 0);
    close(module);
    mknod("/dev/fuse", S_IFCHR | 0666, 10 << 8 | 229);
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    close(device);
    return device >= 0;
}

/* Mounts at `place`, as fusermount(1) does for the user; /dev/fuse, or -1. `more`: options. */
static int fuse_mount_with(const char *place, uid_t user, const char *more)
{
    char options[96];
    int device = open("/dev/fuse", O_RDWR);

    if (mkdir(place, 0755) && errno != EEXIST)
        return -1;
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s", device,
             user, user, more);
    if (mount("test", place, "fuse", MS_NOSUID | MS_NODEV, options) == 0)
        return device;
    close(device);
    return -1;
}

static inline int fuse_mount_at(const char *place, uid_t user)
{
    return fuse_mount_with(place, user, "");
}

/* The user's server; the device is its alone then. Returns its process. */
static inline pid_t server_begin(int device, answerer *first)
{
    pid_t server = fork();

    if (server == 0) {
        if (!become(USER))
            _exit(91);
        serve(device, first);
    }
    close(device);
    return server;
}

/*
 * Runs `client` as the user, with a server that answers with `first` before the usual; ends both
 * and the mount. False: the client said so, or did not end by itself.
 */
static inline bool with_server(answerer *first, bool (*client)(void))
{
    int device = fuse_mount_at(PLACE, USER);

    REQUIRE(device >= 0);
    pid_t server = server_begin(device, first);
    pid_t user = fork();
    if (user == 0)
        _exit(become(USER) && client() ? 0 : 1);
    long until = now_ms() + (CASE_SECONDS - 3) * 1000L;
    int status = -1;
    pid_t ended;
    while ((ended = waitpid(user, &status, WNOHANG)) == 0 && now_ms() < until)
        sleep_ms(2);
    if (!ended) {
        tap_note("the client hangs");
        kill(user, SIGKILL);
    }
    umount2(PLACE, MNT_FORCE | MNT_DETACH);
    kill(server, SIGKILL);
    status_of(server);
    if (!ended)
        status_of(user);
    return ended == user && exited(status, 0);
}

/* What a touch of the byte at `address` ends in: 0, or the signal. */
static inline int signal_of_touch(volatile char *address, bool writes)
{
    pid_t child = fork();

    if (child == 0) {
        if (writes)
            *address = 1;
        else
            (void)*address;
        _exit(0);
    }
    int status = status_of(child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
