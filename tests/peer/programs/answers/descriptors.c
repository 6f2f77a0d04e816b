/* descriptors FAMILY: calls of a family on each kind of descriptor. */
#define _GNU_SOURCE
#include "kinds.h"

#include <asm/ioctls.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#define SIOCATMARK     0x8905 /* not among musl's headers */
#define FIOSETOWN      0x8901
#define FIOGETOWN      0x8903
#define SIOCGPGRP      0x8904
#define SIOCGSTAMP_OLD 0x8906

/* ---- calls ---- */

#define BUFFER ADDRESS(buffer)
#define FAR    INT64_MAX

static const struct call seeks[] = {
    CALL("to 0", lseek, FD, 0, SEEK_SET),
    CALL("to 5", lseek, FD, 5, SEEK_SET),
    CALL("to -1", lseek, FD, -1, SEEK_SET),
    CALL("to the last offset", lseek, FD, FAR, SEEK_SET),
    CALL("by 0", lseek, FD, 0, SEEK_CUR),
    CALL("by 7", lseek, FD, 7, SEEK_CUR),
    CALL("by -1", lseek, FD, -1, SEEK_CUR),
    CALL("end", lseek, FD, 0, SEEK_END),
    CALL("behind the end", lseek, FD, 3, SEEK_END),
    CALL("before the end", lseek, FD, -3, SEEK_END),
    CALL("long before the end", lseek, FD, -FAR, SEEK_END),
    CALL("far behind the end", lseek, FD, FAR, SEEK_END),
    CALL("data", lseek, FD, 0, SEEK_DATA),
    CALL("data at 100", lseek, FD, 100, SEEK_DATA),
    CALL("data at -1", lseek, FD, -1, SEEK_DATA),
    CALL("hole", lseek, FD, 0, SEEK_HOLE),
    CALL("hole at 100", lseek, FD, 100, SEEK_HOLE),
    CALL("another whence", lseek, FD, 0, 5),
    CALL("whence -1", lseek, FD, 0, -1),
};

static const struct iovec one_vector[] = {{buffer, 16}},
                          two_vectors[] = {{buffer, 8}, {buffer + 8, 8}},
                          no_vector[] = {{buffer, 0}}, bad_vector[] = {{(void *)8, 16}},
                          long_vector[] = {{buffer, (size_t)-1}};

static const struct call reads[] = {
    CALL("nothing", read, FD, BUFFER, 0),
    CALL("nothing to nowhere", read, FD, 8, 0),
    CALL("nothing to the kernel", read, FD, -4096, 0),
    CALL("to nowhere", read, FD, 8, 16),
    CALL("1 at 0", pread64, FD, BUFFER, 1, 0),
    CALL("0 at 0", pread64, FD, BUFFER, 0, 0),
    CALL("8 at 3", pread64, FD, BUFFER, 8, 3),
    CALL("1 at -1", pread64, FD, BUFFER, 1, -1),
    CALL("1 at the last offset", pread64, FD, BUFFER, 1, FAR),
    CALL("to nowhere at 0", pread64, FD, 8, 1, 0),
    CALL("no vectors", readv, FD, BUFFER, 0),
    CALL("too many vectors", readv, FD, BUFFER, 1025),
    CALL("an empty vector", readv, FD, ADDRESS(no_vector), 1),
    CALL("a vector to nowhere", readv, FD, ADDRESS(bad_vector), 1),
    CALL("a long vector", readv, FD, ADDRESS(long_vector), 1),
    CALL("a vector from nowhere", readv, FD, 8, 1),
    CALL("vectors at 0", preadv, FD, ADDRESS(no_vector), 1, 0),
    CALL("vectors at -1", preadv, FD, ADDRESS(no_vector), 1, -1),
    CALL("at -1 without flags", preadv2, FD, ADDRESS(no_vector), 1, -1, -1, 0),
    CALL("at once", preadv2, FD, ADDRESS(no_vector), 1, -1, -1, 8),
    CALL("one byte at once", preadv2, FD, ADDRESS(one_vector), 1, 0, 0, 8),
    CALL("synchronous", preadv2, FD, ADDRESS(no_vector), 1, 0, 0, 4),
    CALL("data synchronous", preadv2, FD, ADDRESS(no_vector), 1, 0, 0, 2),
    CALL("polled", preadv2, FD, ADDRESS(no_vector), 1, 0, 0, 1),
    CALL("appending", preadv2, FD, ADDRESS(no_vector), 1, 0, 0, 16),
    CALL("one byte, appending", preadv2, FD, ADDRESS(one_vector), 1, -1, -1, 16),
    CALL("bytes at once", preadv2, FD, ADDRESS(one_vector), 1, -1, -1, 8),
    CALL("bytes with another flag", preadv2, FD, ADDRESS(one_vector), 1, -1, -1, 32),
    CALL("with another flag", preadv2, FD, ADDRESS(no_vector), 1, 0, 0, 32),
};

static const struct call writes[] = {
    CALL("nothing", write, FD, BUFFER, 0),
    CALL("nothing from nowhere", write, FD, 8, 0),
    CALL("from nowhere", write, FD, 8, 16),
    CALL("8 bytes", write, FD, BUFFER, 8),
    CALL("1 at 0", pwrite64, FD, BUFFER, 1, 0),
    CALL("0 at 0", pwrite64, FD, BUFFER, 0, 0),
    CALL("1 at -1", pwrite64, FD, BUFFER, 1, -1),
    CALL("1 at the last offset", pwrite64, FD, BUFFER, 1, FAR),
    CALL("no vectors", writev, FD, BUFFER, 0),
    CALL("two vectors", writev, FD, ADDRESS(two_vectors), 2),
    CALL("too many vectors", writev, FD, BUFFER, 1025),
    CALL("an empty vector", writev, FD, ADDRESS(no_vector), 1),
    CALL("a vector from nowhere", writev, FD, ADDRESS(bad_vector), 1),
    CALL("a long vector", writev, FD, ADDRESS(long_vector), 1),
    CALL("vectors at 0", pwritev, FD, ADDRESS(no_vector), 1, 0),
    CALL("vectors at -1", pwritev, FD, ADDRESS(no_vector), 1, -1),
    CALL("at -1 without flags", pwritev2, FD, ADDRESS(no_vector), 1, -1, -1, 0),
    CALL("at once", pwritev2, FD, ADDRESS(one_vector), 1, -1, -1, 8),
    CALL("synchronous", pwritev2, FD, ADDRESS(one_vector), 1, 0, 0, 4),
    CALL("data synchronous", pwritev2, FD, ADDRESS(one_vector), 1, 0, 0, 2),
    CALL("polled", pwritev2, FD, ADDRESS(one_vector), 1, 0, 0, 1),
    CALL("appending", pwritev2, FD, ADDRESS(one_vector), 1, 0, 0, 16),
    CALL("with another flag", pwritev2, FD, ADDRESS(one_vector), 1, 0, 0, 32),
};

static const struct call sizes[] = {
    CALL("fsync", fsync, FD),
    CALL("fdatasync", fdatasync, FD),
    CALL("syncfs", syncfs, FD),
    CALL("sync_file_range", sync_file_range, FD, 0, 0, 7),
    CALL("sync_file_range of a part", sync_file_range, FD, 1, 3, 2),
    CALL("sync_file_range before 0", sync_file_range, FD, -1, 3, 2),
    CALL("sync_file_range by another flag", sync_file_range, FD, 0, 0, 8),
    CALL("fadvise 0", fadvise64, FD, 0, 0, 0),
    CALL("fadvise 1", fadvise64, FD, 0, 0, 1),
    CALL("fadvise 2", fadvise64, FD, 0, 0, 2),
    CALL("fadvise 3", fadvise64, FD, 0, 0, 3),
    CALL("fadvise 4", fadvise64, FD, 0, 0, 4),
    CALL("fadvise 5", fadvise64, FD, 0, 0, 5),
    CALL("fadvise 6", fadvise64, FD, 0, 0, 6),
    CALL("fadvise before 0", fadvise64, FD, -1, 0, 0),
    CALL("fadvise of a negative size", fadvise64, FD, 0, -1, 0),
    CALL("readahead", readahead, FD, 0, 4096),
    CALL("readahead before 0", readahead, FD, -1, 4096),
    CALL("readahead of a negative size", readahead, FD, 0, -1),
    CALL("fallocate", fallocate, FD, 0, 0, 100),
    CALL("fallocate nothing", fallocate, FD, 0, 0, 0),
    CALL("fallocate before 0", fallocate, FD, 0, -1, 100),
    CALL("fallocate too far", fallocate, FD, 0, FAR, 100),
    CALL("fallocate far", fallocate, FD, 0, FAR - 4096, 1),
    CALL("fallocate 1", fallocate, FD, 1, 0, 100),
    CALL("fallocate 2", fallocate, FD, 2, 0, 100),
    CALL("fallocate 3", fallocate, FD, 3, 0, 100),
    CALL("fallocate 8", fallocate, FD, 8, 0, 4096),
    CALL("fallocate 9", fallocate, FD, 9, 0, 4096),
    CALL("fallocate 16", fallocate, FD, 16, 0, 4096),
    CALL("fallocate 18", fallocate, FD, 18, 0, 4096),
    CALL("fallocate 32", fallocate, FD, 32, 0, 4096),
    CALL("fallocate 64", fallocate, FD, 64, 0, 4096),
    CALL("fallocate 65", fallocate, FD, 65, 0, 4096),
    CALL("fallocate 128", fallocate, FD, 128, 0, 4096),
    CALL("ftruncate 0", ftruncate, FD, 0),
    CALL("ftruncate 100", ftruncate, FD, 100),
    CALL("ftruncate -1", ftruncate, FD, -1),
    CALL("ftruncate far", ftruncate, FD, FAR),
};

static char name_user[] = "user.x", name_trusted[] = "trusted.x", name_security[] = "security.x",
            name_capability[] = "security.capability", name_access[] = "system.posix_acl_access",
            name_default[] = "system.posix_acl_default", name_system[] = "system.x",
            name_other[] = "other.x", name_empty[] = "", name_user_only[] = "user.",
            name_long[] = "user."
                          "012345678901234567890123456789012345678901234567890123456789012345678901"
                          "2345678901234567890123"
                          "012345678901234567890123456789012345678901234567890123456789012345678901"
                          "2345678901234567890123"
                          "012345678901234567890123456789012345678901234567890123456789012345678901"
                          "2345678901234567890123";

/* What Linux would keep in memory, and Baton does not. */
#define KEPT(text, name)                                                                           \
    CALL("get " text, fgetxattr, FD, ADDRESS(name), BUFFER, 100),                                  \
        CALL("get the size of " text, fgetxattr, FD, ADDRESS(name), 0, 0),                         \
        CALL("remove " text, fremovexattr, FD, ADDRESS(name))
#define NAMED(text, name)                                                                          \
    CALL("get " text, fgetxattr, FD, ADDRESS(name), BUFFER, 100),                                  \
        CALL("get the size of " text, fgetxattr, FD, ADDRESS(name), 0, 0),                         \
        CALL("set " text, fsetxattr, FD, ADDRESS(name), BUFFER, 4, 0),                             \
        CALL("replace " text, fsetxattr, FD, ADDRESS(name), BUFFER, 4, 2),                         \
        CALL("create " text, fsetxattr, FD, ADDRESS(name), BUFFER, 0, 1),                          \
        CALL("remove " text, fremovexattr, FD, ADDRESS(name))

static char subject_path[] = "/proc/self/fd/50";
static const struct call attributes[] = {
    NAMED("user.x", name_user),
    KEPT("trusted.x", name_trusted),
    KEPT("security.x", name_security),
    KEPT("capability", name_capability),
    CALL("set capability", fsetxattr, FD, ADDRESS(name_capability), BUFFER, 4, 0),
    NAMED("access list", name_access),
    KEPT("default list", name_default),
    NAMED("system.x", name_system),
    NAMED("other.x", name_other),
    NAMED("nothing", name_empty),
    NAMED("user.", name_user_only),
    NAMED("a long name", name_long),
    CALL("list", flistxattr, FD, BUFFER, 100),
    CALL("size of the list", flistxattr, FD, 0, 0),
    CALL("list by name", listxattr, ADDRESS(subject_path), BUFFER, 100),
    CALL("get by name", getxattr, ADDRESS(subject_path), ADDRESS(name_user), BUFFER, 100),
    CALL("set by name", setxattr, ADDRESS(subject_path), ADDRESS(name_user), BUFFER, 4, 0),
    CALL("remove by name", removexattr, ADDRESS(subject_path), ADDRESS(name_user)),
    CALL("list of the link", llistxattr, ADDRESS(subject_path), BUFFER, 100),
    CALL("get of the link", lgetxattr, ADDRESS(subject_path), ADDRESS(name_user), BUFFER, 100),
    CALL("set of the link", lsetxattr, ADDRESS(subject_path), ADDRESS(name_user), BUFFER, 4, 0),
    CALL("remove of the link", lremovexattr, ADDRESS(subject_path), ADDRESS(name_user)),
    CALL("set with a flag", fsetxattr, FD, ADDRESS(name_user), BUFFER, 4, 4),
    CALL("set too much", fsetxattr, FD, ADDRESS(name_user), BUFFER, 65537, 0),
    CALL("set from nowhere", fsetxattr, FD, ADDRESS(name_user), 8, 4, 0),
    CALL("named nowhere", fgetxattr, FD, 8, BUFFER, 4),
};

/* A file's mode and who owns it; when. */
static char nothing[] = "";
static const struct call owners[] = {
    CALL("chmod", fchmod, FD, 0600),
    CALL("chmod by name", chmod, ADDRESS(subject_path), 0600),
    CALL("chmod at", fchmodat, FD, ADDRESS(nothing), 0600),
    CALL("chown", fchown, FD, 1, 1),
    CALL("chown to the same", fchown, FD, -1, -1),
    CALL("chown to oneself", fchown, FD, 0, 0),
    CALL("chown by name", chown, ADDRESS(subject_path), 1, 1),
    CALL("chown of the link", lchown, ADDRESS(subject_path), 1, 1),
    CALL("chown at", fchownat, FD, ADDRESS(nothing), 1, 1, AT_EMPTY_PATH),
    CALL("times", utimensat, FD, 0, 0, 0),
    CALL("times by name", utimensat, AT_FDCWD, ADDRESS(subject_path), 0, 0),
    CALL("times of the link", utimensat, AT_FDCWD, ADDRESS(subject_path), 0, AT_SYMLINK_NOFOLLOW),
    CALL("times at", utimensat, FD, ADDRESS(nothing), 0, AT_EMPTY_PATH),
    CALL("truncate by name", truncate, ADDRESS(subject_path), 3),
    CALL("truncate to -1 by name", truncate, ADDRESS(subject_path), -1),
    CALL("read it?", faccessat2, FD, ADDRESS(nothing), 4, AT_EMPTY_PATH),
    CALL("write it?", faccessat2, FD, ADDRESS(nothing), 2, AT_EMPTY_PATH),
    CALL("execute it?", faccessat2, FD, ADDRESS(nothing), 1, AT_EMPTY_PATH),
    CALL("execute it by name?", access, ADDRESS(subject_path), 1),
    SHOWN(16, "file system", fstatfs, FD, BUFFER),
    SHOWN(16, "file system by name", statfs, ADDRESS(subject_path), BUFFER),
    CALL("status", fstat, FD, BUFFER),
    CALL("set a flag of the inode", ioctl, FD, FS_IOC_SETFLAGS, BUFFER),
};

static char word_same[] = ".", word_name[] = "regular", new_name[] = FOLDER "/new";
static const struct call places[] = {
    CALL("enter", fchdir, FD),
    CALL("enter by name", chdir, ADDRESS(subject_path)),
    CALL("root", chroot, ADDRESS(subject_path)),
    CALL("entries", getdents64, FD, BUFFER, 24),
    CALL("entries, too small", getdents64, FD, BUFFER, 10),
    CALL("entries to nowhere", getdents64, FD, 8, 400),
    CALL("old entries", getdents, FD, BUFFER, 24),
    CALL("open below", openat, FD, ADDRESS(word_same), O_RDONLY),
    CALL("open a name below", openat, FD, ADDRESS(word_name), O_RDONLY),
    CALL("open nothing", openat, FD, ADDRESS(nothing), O_RDONLY),
    CALL("read the link", readlinkat, FD, ADDRESS(nothing), BUFFER, 100),
    CALL("read the link below", readlinkat, FD, ADDRESS(word_same), BUFFER, 100),
    CALL("link it", linkat, FD, ADDRESS(nothing), AT_FDCWD, ADDRESS(new_name), AT_EMPTY_PATH),
    CALL("link it by name", linkat, AT_FDCWD, ADDRESS(subject_path), AT_FDCWD, ADDRESS(new_name),
         AT_SYMLINK_FOLLOW),
    CALL("make below", mkdirat, FD, ADDRESS(word_name), 0700),
    CALL("remove below", unlinkat, FD, ADDRESS(word_name), 0),
    CALL("remove nothing", unlinkat, FD, ADDRESS(nothing), 0),
    CALL("remove the place", unlinkat, FD, ADDRESS(word_same), AT_REMOVEDIR),
    CALL("a node below", mknodat, FD, ADDRESS(word_name), S_IFIFO, 0),
    CALL("symlink below", symlinkat, ADDRESS(word_same), FD, ADDRESS(word_name)),
    CALL("reopen to read", open, ADDRESS(subject_path), O_RDONLY | O_NONBLOCK | O_NOCTTY),
    CALL("reopen to write", open, ADDRESS(subject_path), O_WRONLY | O_NONBLOCK | O_NOCTTY),
    CALL("reopen both", open, ADDRESS(subject_path), O_RDWR | O_NONBLOCK | O_NOCTTY),
    CALL("reopen access 3", open, ADDRESS(subject_path), 3 | O_NONBLOCK | O_NOCTTY),
    CALL("reopen the path", open, ADDRESS(subject_path), O_PATH),
    CALL("reopen a directory", open, ADDRESS(subject_path), O_DIRECTORY | O_NONBLOCK | O_NOCTTY),
    CALL("reopen the link", open, ADDRESS(subject_path), O_NOFOLLOW),
    CALL("reopen and truncate", open, ADDRESS(subject_path),
         O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY),
    CALL("reopen and append", open, ADDRESS(subject_path),
         O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY),
    CALL("reopen and create", open, ADDRESS(subject_path),
         O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, 0600),
    CALL("reopen, only create", open, ADDRESS(subject_path), O_WRONLY | O_CREAT | O_EXCL, 0600),
    CALL("reopen direct", open, ADDRESS(subject_path), O_RDONLY | O_DIRECT | O_NONBLOCK | O_NOCTTY),
    CALL("reopen untimed", open, ADDRESS(subject_path),
         O_RDONLY | O_NOATIME | O_NONBLOCK | O_NOCTTY),
    CALL("reopen nameless", open, ADDRESS(subject_path), O_RDWR | O_TMPFILE, 0600),
    CALL("execute", execveat, FD, ADDRESS(nothing), 0, 0, AT_EMPTY_PATH),
    CALL("execute by name", execve, ADDRESS(subject_path), 0, 0),
    CALL("mount on", mount, 0, ADDRESS(subject_path), 0, MS_REMOUNT, 0),
    CALL("unmount", umount2, ADDRESS(subject_path), 0),
};

static struct pollfd polled[] = {{FD, 0x7fff, 0}};
static struct epoll_event watched = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP};
static struct {
    long seconds, nanoseconds;
} timer[2] = {{0, 0}, {1000, 0}};
static const struct call events[] = {
    CALL("poll", poll, ADDRESS(polled), 1, 0),
    CALL("watch", epoll_ctl, INSTANCE, EPOLL_CTL_ADD, FD, ADDRESS(&watched)),
    CALL("watch another by it", epoll_ctl, FD, EPOLL_CTL_ADD, PIPE_IN, ADDRESS(&watched)),
    CALL("change what it does not watch", epoll_ctl, FD, EPOLL_CTL_MOD, PIPE_IN, ADDRESS(&watched)),
    CALL("watch itself", epoll_ctl, FD, EPOLL_CTL_ADD, FD, ADDRESS(&watched)),
    CALL("no such change", epoll_ctl, FD, 9, PIPE_IN, ADDRESS(&watched)),
    CALL("change of what is not watched", epoll_ctl, INSTANCE, EPOLL_CTL_DEL, FD, 0),
    CALL("wait", epoll_wait, FD, BUFFER, 1, 0),
    CALL("wait for none", epoll_wait, FD, BUFFER, 0, 0),
    CALL("set the timer", timerfd_settime, FD, 0, ADDRESS(timer), 0),
    CALL("set the timer oddly", timerfd_settime, FD, 8, ADDRESS(timer), 0),
    SHOWN(32, "get the timer", timerfd_gettime, FD, BUFFER),
    CALL("signal it", pidfd_send_signal, FD, 0, 0, 0),
    CALL("signal it with a flag", pidfd_send_signal, FD, 0, 0, 1),
    CALL("take a descriptor of it", pidfd_getfd, FD, OTHER, 0),
    CALL("take none of it", pidfd_getfd, FD, 999, 0),
    CALL("take one with a flag", pidfd_getfd, FD, OTHER, 1),
    CALL("other signals", signalfd4, FD, BUFFER, 8, 0),
    CALL("other signals, oddly", signalfd4, FD, BUFFER, 8, 1),
    CALL("wait for it", waitid, 3, FD, BUFFER, WEXITED | WNOHANG, 0),
    CALL("lock, shared", flock, FD, 1),
    CALL("lock, alone", flock, FD, 2 | 4),
    CALL("unlock", flock, FD, 8),
    CALL("lock, oddly", flock, FD, 0),
    CALL("lock, oddly 16", flock, FD, 16),
    CALL("lock, mandatory", flock, FD, 32),
    CALL("lock, mandatory read", flock, FD, 32 | 64),
};

static struct sockaddr_un bound = {.sun_family = AF_UNIX, .sun_path = FOLDER "/socket"};
static struct msghdr message = {.msg_iov = (void *)one_vector, .msg_iovlen = 1};
static const struct call sockets[] = {
    CALL("bind", bind, FD, ADDRESS(&bound), sizeof(bound)),
    CALL("bind shortly", bind, FD, ADDRESS(&bound), 1),
    CALL("connect", connect, FD, ADDRESS(&bound), sizeof(bound)),
    CALL("listen", listen, FD, 3),
    CALL("accept", accept, FD, 0, 0),
    CALL("accept oddly", accept4, FD, 0, 0, 1),
    CALL("shut down 0", shutdown, FD, 0),
    CALL("shut down 2", shutdown, FD, 2),
    CALL("shut down 3", shutdown, FD, 3),
    CALL("send", sendto, FD, BUFFER, 8, 0, 0, 0),
    CALL("send nothing", sendto, FD, BUFFER, 0, 0, 0, 0),
    CALL("send a message", sendmsg, FD, ADDRESS(&message), 0),
    CALL("receive", recvfrom, FD, BUFFER, 8, MSG_DONTWAIT, 0, 0),
    CALL("receive a message", recvmsg, FD, ADDRESS(&message), MSG_DONTWAIT),
    CALL("receive errors", recvfrom, FD, BUFFER, 8, MSG_ERRQUEUE | MSG_DONTWAIT, 0, 0),
    CALL("type", getsockopt, FD, SOL_SOCKET, SO_TYPE, BUFFER, ADDRESS(&number)),
    CALL("own name", getsockname, FD, BUFFER, ADDRESS(&number)),
    CALL("peer's name", getpeername, FD, BUFFER, ADDRESS(&number)),
};

static const struct call copies[] = {
    CALL("send to a file", sendfile, OTHER, FD, 0, 5),
    CALL("send to a pipe", sendfile, PIPE_OUT, FD, 0, 5),
    CALL("send from a file", sendfile, FD, OTHER, 0, 5),
    CALL("send from an offset", sendfile, FD, OTHER, ADDRESS(&offset), 5),
    CALL("send with its offset", sendfile, OTHER, FD, ADDRESS(&offset), 0),
    CALL("send from a pipe", sendfile, FD, PIPE_IN, 0, 5),
    CALL("send to itself", sendfile, FD, FD, 0, 5),
    CALL("splice to a pipe", splice, FD, 0, PIPE_OUT, 0, 5, 2),
    CALL("splice with an offset to a pipe", splice, FD, ADDRESS(&offset), PIPE_OUT, 0, 5, 2),
    CALL("splice from a pipe", splice, PIPE_IN, 0, FD, 0, 5, 2),
    CALL("splice from a pipe to an offset", splice, PIPE_IN, 0, FD, ADDRESS(&offset), 5, 2),
    CALL("splice to a file", splice, FD, 0, OTHER, 0, 5, 2),
    CALL("splice from a file", splice, OTHER, 0, FD, 0, 5, 2),
    CALL("splice nothing", splice, FD, 0, PIPE_OUT, 0, 0, 2),
    CALL("splice oddly", splice, FD, 0, PIPE_OUT, 0, 5, 16),
    CALL("tee", tee, FD, PIPE_OUT, 5, 2),
    CALL("tee from a pipe", tee, PIPE_IN, FD, 5, 2),
    CALL("from memory", vmsplice, FD, ADDRESS(one_vector), 1, 2),
    CALL("copy to a file", copy_file_range, FD, 0, OTHER, 0, 5, 0),
    CALL("copy from a file", copy_file_range, OTHER, 0, FD, 0, 5, 0),
    CALL("copy to a pipe", copy_file_range, FD, 0, PIPE_OUT, 0, 5, 0),
    CALL("copy oddly", copy_file_range, FD, 0, OTHER, 0, 5, 1),
};

static const struct call mappings[] = {
    CALL("shared, none", mmap, 0x10000000, 4096, 0, MAP_SHARED | MAP_FIXED, FD, 0),
    CALL("shared, read", mmap, 0x10000000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, FD, 0),
    CALL("shared, write", mmap, 0x10000000, 4096, PROT_WRITE, MAP_SHARED | MAP_FIXED, FD, 0),
    CALL("shared, execute", mmap, 0x10000000, 4096, PROT_EXEC, MAP_SHARED | MAP_FIXED, FD, 0),
    CALL("private, read", mmap, 0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, FD, 0),
    CALL("private, write", mmap, 0x10000000, 4096, PROT_WRITE, MAP_PRIVATE | MAP_FIXED, FD, 0),
    CALL("private, execute", mmap, 0x10000000, 4096, PROT_EXEC, MAP_PRIVATE | MAP_FIXED, FD, 0),
    CALL("validated", mmap, 0x10000000, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED, FD, 0),
    CALL("validated, synchronous", mmap, 0x10000000, 4096, PROT_READ,
         MAP_SHARED_VALIDATE | MAP_FIXED | MAP_SYNC, FD, 0),
    CALL("validated, unknown", mmap, 0x10000000, 4096, PROT_READ,
         MAP_SHARED_VALIDATE | MAP_FIXED | 0x800000, FD, 0),
    CALL("validated, of a size", mmap, 0x10000000, 4096, PROT_READ,
         MAP_SHARED_VALIDATE | MAP_FIXED | MAP_HUGE_2MB, FD, 0),
    CALL("validated, of another size", mmap, 0x10000000, 4096, PROT_READ,
         MAP_SHARED_VALIDATE | MAP_FIXED | 32 << 26, FD, 0),
    CALL("neither", mmap, 0x10000000, 4096, PROT_READ, MAP_FIXED, FD, 0),
    CALL("huge", mmap, 0x10000000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_HUGETLB, FD, 0),
    CALL("at no page", mmap, 0x10000000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, FD, 1),
    CALL("far", mmap, 0x10000000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, FD, -4096),
    CALL("of no size", mmap, 0x10000000, 0, PROT_READ, MAP_SHARED | MAP_FIXED, FD, 0),
    CALL("anonymous all the same", mmap, 0x10000000, 4096, PROT_READ,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, FD, 0),
    CALL("locked", mmap, 0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_LOCKED, FD, 0),
    CALL("growing down", mmap, 0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN,
         FD, 0),
};

/* Who has a lock is no number that two kernels share: only what the call says is shown. */
static struct flock whole = {.l_type = F_WRLCK}, read_lock = {.l_type = F_RDLCK, .l_len = 5},
                    unlock = {.l_type = F_UNLCK}, odd_lock = {.l_type = 7},
                    far_lock = {.l_type = F_RDLCK, .l_start = INT64_MAX, .l_len = 2},
                    back_lock = {.l_type = F_RDLCK, .l_start = 5, .l_len = -10},
                    ended_lock = {.l_type = F_RDLCK, .l_whence = SEEK_END},
                    odd_whence = {.l_type = F_RDLCK, .l_whence = 9},
                    owned_lock = {.l_type = F_RDLCK, .l_pid = 5};
static struct {
    int type, id;
} no_owner = {0, 0}, own = {1, 0}, odd_owner = {9, 1};
static unsigned long hint_short = 2, hint_odd = 9;
#define CONTROL(text, command, argument) CALL(text, fcntl, FD, command, argument)
static const struct call controls[] = {
    CONTROL("duplicate", F_DUPFD, 10),
    CONTROL("duplicate below 0", F_DUPFD, -1),
    CONTROL("duplicate too high", F_DUPFD, 1 << 20),
    CONTROL("duplicate for this image", F_DUPFD_CLOEXEC, 10),
    CONTROL("descriptor flags", F_GETFD, 0),
    CONTROL("set descriptor flags", F_SETFD, 3),
    CONTROL("flags", F_GETFL, 0),
    CONTROL("no flags", F_SETFL, 0),
    CONTROL("append", F_SETFL, O_APPEND),
    CONTROL("direct", F_SETFL, O_DIRECT),
    CONTROL("untimed", F_SETFL, O_NOATIME),
    CONTROL("asynchronous", F_SETFL, O_ASYNC),
    CONTROL("all flags", F_SETFL, ~(long)(O_DIRECT | O_ASYNC)),
    CONTROL("who locks?", F_GETLK, ADDRESS(&whole)),
    CONTROL("lock", F_SETLK, ADDRESS(&whole)),
    CONTROL("lock to read", F_SETLK, ADDRESS(&read_lock)),
    CONTROL("wait for a lock", F_SETLKW, ADDRESS(&whole)),
    CONTROL("unlock", F_SETLK, ADDRESS(&unlock)),
    CONTROL("who unlocks?", F_GETLK, ADDRESS(&unlock)),
    CONTROL("an odd lock", F_SETLK, ADDRESS(&odd_lock)),
    CONTROL("a far lock", F_SETLK, ADDRESS(&far_lock)),
    CONTROL("a lock back over 0", F_SETLK, ADDRESS(&back_lock)),
    CONTROL("a lock at the end", F_SETLK, ADDRESS(&ended_lock)),
    CONTROL("a lock from nowhere", F_SETLK, ADDRESS(&odd_whence)),
    CONTROL("a lock at no address", F_SETLK, 8),
    CONTROL("who locks the file?", F_OFD_GETLK, ADDRESS(&whole)),
    CONTROL("lock the file", F_OFD_SETLK, ADDRESS(&whole)),
    CONTROL("lock the file to read", F_OFD_SETLK, ADDRESS(&read_lock)),
    CONTROL("wait for the file", F_OFD_SETLKW, ADDRESS(&whole)),
    CONTROL("lock the file for another", F_OFD_SETLK, ADDRESS(&owned_lock)),
    CONTROL("owner", F_GETOWN, 0),
    CONTROL("no owner", F_SETOWN, 0),
    CONTROL("owner that is not there", F_SETOWN, 0x3fffffff),
    CONTROL("group that is not there", F_SETOWN, -0x3fffffff),
    CONTROL("the last of groups", F_SETOWN, INT32_MIN),
    CONTROL("extended owner", F_GETOWN_EX, BUFFER),
    CONTROL("extended owner to nowhere", F_GETOWN_EX, 8),
    CONTROL("set no owner", F_SETOWN_EX, ADDRESS(&no_owner)),
    CONTROL("set a process", F_SETOWN_EX, ADDRESS(&own)),
    CONTROL("set an odd owner", F_SETOWN_EX, ADDRESS(&odd_owner)),
    CONTROL("signal", F_GETSIG, 0),
    CONTROL("set the signal", F_SETSIG, 10),
    CONTROL("set no such signal", F_SETSIG, 65),
    CONTROL("set signal -1", F_SETSIG, -1),
    CONTROL("lease", F_GETLEASE, 0),
    CONTROL("take no lease", F_SETLEASE, F_UNLCK),
    CONTROL("take an odd lease", F_SETLEASE, 9),
    CONTROL("notify", F_NOTIFY, 0),
    CONTROL("size of the pipe", F_GETPIPE_SZ, 0),
    CONTROL("set the size of the pipe", F_SETPIPE_SZ, 8192),
    CONTROL("set it to 0", F_SETPIPE_SZ, 0),
    CONTROL("set it to -1", F_SETPIPE_SZ, -1),
    CONTROL("seals", F_GET_SEALS, 0),
    CONTROL("seal", F_ADD_SEALS, F_SEAL_SHRINK),
    CONTROL("seal writing", F_ADD_SEALS, F_SEAL_WRITE),
    CONTROL("seal oddly", F_ADD_SEALS, 0x1000),
    CONTROL("hint", F_GET_RW_HINT, BUFFER),
    CONTROL("set the hint", F_SET_RW_HINT, ADDRESS(&hint_short)),
    CONTROL("set an odd hint", F_SET_RW_HINT, ADDRESS(&hint_odd)),
    CONTROL("hint of the file", F_GET_FILE_RW_HINT, BUFFER),
    CONTROL("set the hint of the file", F_SET_FILE_RW_HINT, ADDRESS(&hint_short)),
    CONTROL("cancel a lock", 1029, 0),
    CONTROL("command 12", 12, 0),
    CONTROL("command 17", 17, 0),
    CONTROL("command 39", 39, 0),
    CONTROL("command 1023", 1023, 0),
    CONTROL("command 1027", 1027, 0),
    CONTROL("command -1", -1, 0),
};

static int one = 1, zero = 0;
#define DEVICE(text, command, argument) CALL(text, ioctl, FD, command, argument)
static const struct call requests[] = {
    DEVICE("close on exec", FIOCLEX, 0),
    DEVICE("stay open on exec", FIONCLEX, 0),
    DEVICE("do not block", FIONBIO, ADDRESS(&one)),
    DEVICE("block", FIONBIO, ADDRESS(&zero)),
    DEVICE("block by nowhere", FIONBIO, 8),
    DEVICE("not asynchronous", FIOASYNC, ADDRESS(&zero)),
    DEVICE("asynchronous by nowhere", FIOASYNC, 8),
    {.name = "bytes", .number = SYS_ioctl, .arguments = {FD, FIONREAD, BUFFER}, .shown = 4},
    DEVICE("bytes to nowhere", FIONREAD, 8),
    {.name = "unsent bytes", .number = SYS_ioctl, .arguments = {FD, TIOCOUTQ, BUFFER}, .shown = 4},
    {.name = "size", .number = SYS_ioctl, .arguments = {FD, FIOQSIZE, BUFFER}, .shown = 8},
    {.name = "block size", .number = SYS_ioctl, .arguments = {FD, FIGETBSZ, BUFFER}, .shown = 4},
    DEVICE("block size to nowhere", FIGETBSZ, 8),
    DEVICE("block", FIBMAP, BUFFER),
    DEVICE("block to nowhere", FIBMAP, 8),
    DEVICE("freeze", FIFREEZE, 0),
    DEVICE("thaw", FITHAW, 0),
    DEVICE("trim", FITRIM, BUFFER),
    DEVICE("clone", FICLONE, OTHER),
    DEVICE("clone nothing", FICLONE, 999),
    DEVICE("clone a range", FICLONERANGE, BUFFER),
    DEVICE("share", FIDEDUPERANGE, BUFFER),
    DEVICE("extents", FS_IOC_FIEMAP, BUFFER),
    {.name = "flags", .number = SYS_ioctl, .arguments = {FD, FS_IOC_GETFLAGS, BUFFER}, .shown = 4},
    DEVICE("flags to nowhere", FS_IOC_GETFLAGS, 8),
    DEVICE("set no flags", FS_IOC_SETFLAGS, ADDRESS(&zero)),
    DEVICE("set an odd flag", FS_IOC_SETFLAGS, ADDRESS(&one)),
    DEVICE("set flags by nowhere", FS_IOC_SETFLAGS, 8),
    {.name = "extended flags",
     .number = SYS_ioctl,
     .arguments = {FD, FS_IOC_FSGETXATTR, BUFFER},
     .shown = 28},
    DEVICE("set extended flags", FS_IOC_FSSETXATTR, BUFFER),
    DEVICE("label", FS_IOC_GETFSLABEL, BUFFER),
    DEVICE("version", FS_IOC_GETVERSION, BUFFER),
    DEVICE("allocate", 0x402c5828, BUFFER),
    DEVICE("attributes of a terminal", TCGETS, BUFFER),
    DEVICE("window", TIOCGWINSZ, BUFFER),
    DEVICE("group", TIOCGPGRP, BUFFER),
    DEVICE("session", TIOCGSID, BUFFER),
    DEVICE("give up the terminal", TIOCNOTTY, 0),
    DEVICE("lock of a terminal", TIOCGPTLCK, BUFFER),
    DEVICE("packets", TIOCGPKT, BUFFER),
    DEVICE("exclusive?", TIOCGEXCL, BUFFER),
    DEVICE("owner of a socket", FIOGETOWN, BUFFER),
    DEVICE("group of a socket", SIOCGPGRP, BUFFER),
    DEVICE("set the owner of a socket", FIOSETOWN, ADDRESS(&zero)),
    DEVICE("out of band?", SIOCATMARK, BUFFER),
    DEVICE("stamp", SIOCGSTAMP_OLD, BUFFER),
    DEVICE("entropy", 0x80045200, BUFFER),
    DEVICE("add to entropy", 0x40045201, 8),
    DEVICE("block devices' size", BLKGETSIZE64, BUFFER),
    DEVICE("nothing", 0, 0),
    DEVICE("odd", 0xdeadbeef, 0),
};

static const struct family families[] = {
    FAMILY("control", controls),     FAMILY("request", requests), FAMILY("seek", seeks),
    FAMILY("read", reads),           FAMILY("write", writes),     FAMILY("size", sizes),
    FAMILY("attribute", attributes), FAMILY("owner", owners),     APART("place", places),
    FAMILY("event", events),         FAMILY("socket", sockets),   FAMILY("copy", copies),
    FAMILY("mapping", mappings),
};

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "";
    mkdir(FOLDER, 0755);
    /* A socket's attribute is its protocol's name, which Baton does not tell. */
    size_t left_out = strcmp(name, "attribute") == 0 ? SOCKET_KINDS : 0;

    return answer_family(name, kinds, COUNT(kinds) - left_out, families, COUNT(families));
}
