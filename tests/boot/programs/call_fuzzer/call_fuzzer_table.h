/*
 * call_fuzzer_table.h: the calls that are made, a line each: number, what each argument is, what
 * comes of it. An argument is a kind, and for some a list of values; call_fuzzer_arguments.h makes
 * a value of each kind. What would end the machine (reboot), the fuzzer's own ground (arch_prctl,
 * set_tid_address, unshare) or is made elsewhere (clone, exec, exit: call_fuzzer_births.h) is not
 * here.
 */
#ifndef BATON_TEST_CALL_FUZZER_TABLE_H
#define BATON_TEST_CALL_FUZZER_TABLE_H

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "call_fuzzer_shared.h"

/* What a descriptor is, as far as the players know. */
enum descriptor_kind {
    ANY,
    DATA,
    NAMELESS, /* O_TMPFILE, no name yet */
    DIRECTORY,
    PIPE,
    SOCKET,
    EPOLL,
    EVENT,
    TIMER_FILE,
    SIGNAL_FILE,
    PROCESS_FILE,
    TERMINAL,
    DESCRIPTOR_KINDS
};

enum argument_kind {
    ARGUMENT_ZERO,
    ARGUMENT_ONE_OF, /* of `values` */
    ARGUMENT_FLAGS,  /* any of `values`, or none */
    ARGUMENT_NUMBER, /* below `detail` */
    ARGUMENT_SIZE,
    ARGUMENT_OFFSET,
    ARGUMENT_DESCRIPTOR, /* of the kind `detail` */
    ARGUMENT_AT,         /* a directory or AT_FDCWD */
    ARGUMENT_PATH,
    ARGUMENT_NEW_PATH,
    ARGUMENT_FILE_PATH, /* /proc/self/fd/N, N of the kind `detail` */
    ARGUMENT_TARGET,    /* where root may mount */
    ARGUMENT_MOUNT_OPTIONS,
    ARGUMENT_PROCESS,
    ARGUMENT_THREAD,
    ARGUMENT_SIGNAL,
    ARGUMENT_CLOCK,
    ARGUMENT_TIMER,
    ARGUMENT_USER,
    ARGUMENT_ADDRESS, /* a page of the mappings */
    ARGUMENT_LENGTH,
    ARGUMENT_BYTES,  /* `detail` random bytes to be read; as many may be written */
    ARGUMENT_ANSWER, /* room for what a call tells */
    ARGUMENT_WORD,   /* of a futex */
    ARGUMENT_VECTOR,
    ARGUMENT_REMOTE_VECTOR,
    ARGUMENT_EVENT,
    ARGUMENT_SOCKET_NAME,
    ARGUMENT_MESSAGE,
    ARGUMENT_MESSAGES,
    ARGUMENT_TIME, /* a short one */
    ARGUMENT_TIMER_VALUE,
    ARGUMENT_INTERVAL,
    ARGUMENT_SIGNAL_EVENT,
    ARGUMENT_SIGNAL_SET,
    ARGUMENT_ACTION,
    ARGUMENT_STACK,
    ARGUMENT_INFORMATION,
    ARGUMENT_LIMIT,
    ARGUMENT_POLL,
    ARGUMENT_GROUPS,
    ARGUMENT_HOW,
    ARGUMENT_KINDS
};

struct argument {
    uint16_t kind, detail;
    const uint64_t *values; /* the first one is their number */
};

#define CALL_ORDINARY 1 /* never by root: it would leave its world or harm the machine */
#define CALL_PILES    2 /* what it does piles up: worth doing many times */
#define CALL_ROOT     4 /* of no use to others */

struct call {
    uint16_t number;
    uint8_t makes; /* a descriptor of this kind; ANY: none, or one that nobody tells apart */
    uint8_t weight;
    uint8_t flags;
    struct argument arguments[ARGUMENTS];
};

#define LIST(...)                                                                                  \
    (const uint64_t[])                                                                             \
    {                                                                                              \
        sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), __VA_ARGS__                          \
    }
#define ONE_OF(...)                                                                                \
    {                                                                                              \
        ARGUMENT_ONE_OF, 0, LIST(__VA_ARGS__)                                                      \
    }
#define FLAGS(...)                                                                                 \
    {                                                                                              \
        ARGUMENT_FLAGS, 0, LIST(__VA_ARGS__)                                                       \
    }
#define NUMBER(below)                                                                              \
    {                                                                                              \
        ARGUMENT_NUMBER, below, NULL                                                               \
    }
#define FD(kind)                                                                                   \
    {                                                                                              \
        ARGUMENT_DESCRIPTOR, kind, NULL                                                            \
    }
#define FD_PATH(kind)                                                                              \
    {                                                                                              \
        ARGUMENT_FILE_PATH, kind, NULL                                                             \
    }
#define BYTES(count)                                                                               \
    {                                                                                              \
        ARGUMENT_BYTES, count, NULL                                                                \
    }
#define A(kind)                                                                                    \
    {                                                                                              \
        ARGUMENT_##kind, 0, NULL                                                                   \
    }
#define ZERO A(ZERO)

#define CALL(name, weight, ...)                                                                    \
    {                                                                                              \
        SYS_##name, ANY, weight, 0,                                                                \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define MAKES(kind, name, weight, ...)                                                             \
    {                                                                                              \
        SYS_##name, kind, weight, 0,                                                               \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define PILES(name, weight, ...)                                                                   \
    {                                                                                              \
        SYS_##name, ANY, weight, CALL_PILES,                                                       \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define ORDINARY(name, weight, ...)                                                                \
    {                                                                                              \
        SYS_##name, ANY, weight, CALL_ORDINARY,                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define FOR_ROOT(name, weight, ...)                                                                \
    {                                                                                              \
        SYS_##name, ANY, weight, CALL_ROOT,                                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

#define OPEN_FLAGS                                                                                 \
    FLAGS(O_RDWR, O_WRONLY, O_CREAT, O_CREAT | O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK, O_DIRECTORY, \
          O_NOFOLLOW, O_CLOEXEC, O_PATH, O_NOCTTY, O_SYNC)
#define AT_FLAGS                                                                                   \
    FLAGS(AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, AT_NO_AUTOMOUNT, AT_EACCESS)
#define MODES      ONE_OF(0, 0400, 0600, 0644, 0755, 0777, 01777, 02755, 04755, 06711, 0177777)
#define PROTECTION FLAGS(PROT_READ, PROT_WRITE, PROT_EXEC)
#define MAP_KINDS                                                                                  \
    ONE_OF(MAP_PRIVATE | MAP_FIXED, MAP_SHARED | MAP_FIXED, MAP_SHARED_VALIDATE | MAP_FIXED,       \
           MAP_PRIVATE | MAP_FIXED_NOREPLACE, MAP_PRIVATE | MAP_FIXED | MAP_POPULATE,              \
           MAP_SHARED | MAP_FIXED | MAP_POPULATE, MAP_PRIVATE | MAP_FIXED | MAP_LOCKED,            \
           MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN)
#define MESSAGE_FLAGS                                                                              \
    FLAGS(MSG_DONTWAIT, MSG_DONTWAIT, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL,              \
          MSG_NOSIGNAL, MSG_CMSG_CLOEXEC)
#define RESOURCES   NUMBER(16)
#define POLICIES    ONE_OF(SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE)
#define MOUNT_FLAGS FLAGS(MS_RDONLY, MS_NOSUID, MS_NOEXEC, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC)
#define SOCKET_KINDS                                                                               \
    ONE_OF(SOCK_STREAM, SOCK_STREAM | SOCK_NONBLOCK, SOCK_DGRAM | SOCK_NONBLOCK,                   \
           SOCK_SEQPACKET | SOCK_NONBLOCK, SOCK_STREAM | SOCK_NONBLOCK)
#define SPLICE_FLAGS FLAGS(1, 2, 4, 8)

static const struct call calls[] = {
    /* ---- descriptors of every kind ---- */
    MAKES(DATA, open, 8, A(PATH), OPEN_FLAGS, MODES),
    MAKES(DATA, openat, 8, A(AT), A(PATH), OPEN_FLAGS, MODES),
    MAKES(NAMELESS, openat, 12, A(AT), ONE_OF((uint64_t) "/d", (uint64_t) "/d/d", (uint64_t) "/e"),
          ONE_OF(O_TMPFILE | O_RDWR, O_TMPFILE | O_WRONLY, O_TMPFILE | O_RDWR | O_NONBLOCK), MODES),
    MAKES(DIRECTORY, open, 6,
          ONE_OF((uint64_t) ".", (uint64_t) "d", (uint64_t) "e", (uint64_t) "/"),
          ONE_OF(O_DIRECTORY, O_DIRECTORY | O_PATH)),
    MAKES(TERMINAL, open, 4, ONE_OF((uint64_t) "/dev/ptmx"),
          ONE_OF(O_RDWR | O_NOCTTY | O_NONBLOCK, O_RDWR | O_NONBLOCK)),
    MAKES(TERMINAL, ioctl, 4, FD(TERMINAL), ONE_OF(0x5441),
          ONE_OF(O_RDWR | O_NOCTTY | O_NONBLOCK, O_RDWR | O_NONBLOCK)),
    MAKES(DATA, openat2, 3, A(AT), A(PATH), A(HOW), ONE_OF(24)),
    MAKES(DATA, creat, 3, A(NEW_PATH), MODES),
    MAKES(DATA, memfd_create, 4, A(NEW_PATH), FLAGS(MFD_CLOEXEC, MFD_ALLOW_SEALING)),
    MAKES(PIPE, pipe2, 6, A(ANSWER),
          ONE_OF(O_NONBLOCK, O_NONBLOCK, O_NONBLOCK | O_CLOEXEC, O_NONBLOCK | O_DIRECT, 0)),
    MAKES(SOCKET, socket, 4, ONE_OF(AF_UNIX, AF_UNIX, AF_UNIX, AF_INET), SOCKET_KINDS),
    MAKES(SOCKET, socketpair, 6, ONE_OF(AF_UNIX), SOCKET_KINDS, ZERO, A(ANSWER)),
    MAKES(SOCKET, accept4, 4, FD(SOCKET), A(ANSWER), A(WORD), FLAGS(SOCK_NONBLOCK, SOCK_CLOEXEC)),
    MAKES(EPOLL, epoll_create1, 8, FLAGS(EPOLL_CLOEXEC)),
    MAKES(EVENT, eventfd2, 6, NUMBER(3),
          ONE_OF(EFD_NONBLOCK, EFD_NONBLOCK | EFD_SEMAPHORE, EFD_NONBLOCK | EFD_CLOEXEC, 0)),
    MAKES(TIMER_FILE, timerfd_create, 6, A(CLOCK), ONE_OF(TFD_NONBLOCK, TFD_NONBLOCK, 0)),
    MAKES(SIGNAL_FILE, signalfd4, 4, ONE_OF(UINT64_MAX), A(SIGNAL_SET), ONE_OF(8),
          ONE_OF(SFD_NONBLOCK, SFD_NONBLOCK, 0)),
    CALL(signalfd4, 2, FD(SIGNAL_FILE), A(SIGNAL_SET), ONE_OF(8),
         ONE_OF(SFD_NONBLOCK, SFD_NONBLOCK, 0)),
    MAKES(PROCESS_FILE, pidfd_open, 6, A(PROCESS), FLAGS(O_NONBLOCK)),
    CALL(pidfd_getfd, 4, FD(PROCESS_FILE), FD(ANY), ZERO),
    CALL(pidfd_send_signal, 4, FD(PROCESS_FILE), A(SIGNAL), A(INFORMATION), ZERO),
    PILES(dup, 2, FD(ANY)),
    CALL(dup2, 4, FD(ANY), NUMBER(64)),
    CALL(dup3, 3, FD(ANY), NUMBER(64), FLAGS(O_CLOEXEC)),
    CALL(close, 16, FD(ANY)),
    CALL(close_range, 1, NUMBER(80), NUMBER(80), FLAGS(2, 4)),
    CALL(fcntl, 6, FD(ANY),
         ONE_OF(F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETOWN, F_DUPFD_CLOEXEC,
                F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_SETSIG),
         ONE_OF(0, 1, 8, O_NONBLOCK, O_APPEND, 4096, 65536, 1 << 20)),
    CALL(fcntl, 2, FD(ANY), ONE_OF(F_SETOWN), A(PROCESS)),
    PILES(fcntl, 6, FD(DATA),
          ONE_OF(F_SETLK, F_SETLK, F_SETLKW, F_GETLK, F_OFD_SETLK, F_OFD_SETLKW), BYTES(32)),
    CALL(flock, 4, FD(ANY), ONE_OF(LOCK_SH | LOCK_NB, LOCK_EX, LOCK_UN, LOCK_EX | LOCK_NB)),
    CALL(ioctl, 4, FD(TERMINAL),
         ONE_OF(TCGETS, TCSETS, TCSETSW, TCFLSH, TCXONC, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP,
                TIOCSPGRP, TIOCSCTTY, TIOCNOTTY, TIOCGSID, TIOCOUTQ, TIOCSTI, TIOCPKT, TIOCSETD,
                TIOCGPTN, TIOCSPTLCK, TIOCEXCL, FIONBIO),
         BYTES(64)),
    CALL(ioctl, 3, FD(ANY), ONE_OF(FIONREAD, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX, TCGETS),
         BYTES(64)),
    CALL(vhangup, 1, ZERO),

    /* ---- bytes ---- */
    CALL(read, 10, FD(ANY), BYTES(4096), A(SIZE)),
    CALL(write, 12, FD(ANY), BYTES(4096), A(SIZE)),
    CALL(write, 6, FD(EVENT), BYTES(8), ONE_OF(8)),
    CALL(pread64, 3, FD(ANY), BYTES(4096), A(SIZE), A(OFFSET)),
    CALL(pwrite64, 3, FD(DATA), BYTES(4096), A(SIZE), A(OFFSET)),
    CALL(readv, 4, FD(ANY), A(VECTOR), NUMBER(9)),
    CALL(writev, 4, FD(ANY), A(VECTOR), NUMBER(9)),
    CALL(preadv2, 2, FD(ANY), A(VECTOR), NUMBER(9), A(OFFSET), ZERO, FLAGS(1, 2, 4, 8, 16)),
    CALL(pwritev2, 2, FD(DATA), A(VECTOR), NUMBER(9), A(OFFSET), ZERO, FLAGS(1, 2, 4, 8, 16)),
    CALL(lseek, 3, FD(ANY), A(OFFSET), NUMBER(6)),
    CALL(sendfile, 4, FD(ANY), FD(ANY), ONE_OF(0), A(SIZE)),
    CALL(splice, 5, FD(ANY), ZERO, FD(PIPE), ZERO, A(SIZE), SPLICE_FLAGS),
    CALL(splice, 5, FD(PIPE), ZERO, FD(ANY), ZERO, A(SIZE), SPLICE_FLAGS),
    CALL(tee, 2, FD(PIPE), FD(PIPE), A(SIZE), SPLICE_FLAGS),
    CALL(vmsplice, 2, FD(PIPE), A(VECTOR), NUMBER(9), SPLICE_FLAGS),
    CALL(copy_file_range, 3, FD(DATA), ZERO, FD(DATA), ZERO, A(SIZE), ZERO),
    CALL(ftruncate, 4, FD(DATA), A(OFFSET)),
    CALL(truncate, 3, A(PATH), A(OFFSET)),
    CALL(fallocate, 4, FD(DATA), FLAGS(1, 2, 8, 16), A(OFFSET), A(SIZE)),
    CALL(fsync, 1, FD(ANY)),
    CALL(fadvise64, 1, FD(ANY), A(OFFSET), A(SIZE), NUMBER(8)),
    CALL(readahead, 1, FD(DATA), A(OFFSET), A(SIZE)),
    CALL(sync_file_range, 1, FD(DATA), A(OFFSET), A(SIZE), NUMBER(8)),
    CALL(sync, 1, ZERO),

    /* ---- names ---- */
    CALL(linkat, 24, ONE_OF(AT_FDCWD), FD_PATH(NAMELESS), A(AT), A(NEW_PATH),
         ONE_OF(AT_SYMLINK_FOLLOW)),
    CALL(linkat, 3, FD(NAMELESS), ONE_OF((uint64_t) ""), A(AT), A(NEW_PATH), ONE_OF(AT_EMPTY_PATH)),
    PILES(linkat, 3, A(AT), A(PATH), A(AT), A(NEW_PATH), AT_FLAGS),
    PILES(link, 3, A(PATH), A(NEW_PATH)),
    CALL(unlink, 10, A(NEW_PATH)),
    CALL(unlinkat, 6, A(AT), A(NEW_PATH), FLAGS(AT_REMOVEDIR)),
    CALL(rmdir, 3, A(NEW_PATH)),
    CALL(rename, 4, A(NEW_PATH), A(NEW_PATH)),
    CALL(renameat2, 4, A(AT), A(NEW_PATH), A(AT), A(NEW_PATH), FLAGS(1, 2)),
    CALL(mkdir, 4, A(NEW_PATH), MODES),
    CALL(mkdirat, 2, A(AT), A(NEW_PATH), MODES),
    CALL(mknodat, 4, A(AT), A(NEW_PATH), ONE_OF(S_IFIFO | 0666, S_IFREG | 0600, S_IFSOCK | 0700),
         ZERO),
    CALL(symlink, 3, A(PATH), A(NEW_PATH)),
    CALL(symlinkat, 1, A(PATH), A(AT), A(NEW_PATH)),
    CALL(readlink, 2, A(PATH), BYTES(256), A(SIZE)),
    CALL(readlink, 2, FD_PATH(ANY), BYTES(256), A(SIZE)),
    CALL(stat, 1, A(PATH), A(ANSWER)),
    CALL(fstat, 2, FD(ANY), A(ANSWER)),
    CALL(newfstatat, 2, A(AT), A(PATH), A(ANSWER), AT_FLAGS),
    CALL(statx, 2, A(AT), A(PATH), AT_FLAGS, ONE_OF(0, 0x7ff, 0xfff), A(ANSWER)),
    CALL(statfs, 1, A(PATH), A(ANSWER)),
    CALL(fstatfs, 1, FD(ANY), A(ANSWER)),
    CALL(access, 1, A(PATH), NUMBER(8)),
    CALL(faccessat2, 1, A(AT), A(PATH), NUMBER(8), AT_FLAGS),
    CALL(chmod, 2, A(PATH), MODES),
    CALL(fchmod, 2, FD(ANY), MODES),
    CALL(fchmodat, 1, A(AT), A(PATH), MODES),
    CALL(chown, 2, A(PATH), A(USER), A(USER)),
    CALL(fchown, 2, FD(ANY), A(USER), A(USER)),
    CALL(fchownat, 2, A(AT), A(PATH), A(USER), A(USER), AT_FLAGS),
    CALL(utimensat, 2, A(AT), A(PATH), ONE_OF(0), AT_FLAGS),
    CALL(getdents64, 4, FD(DIRECTORY), BYTES(4096), A(SIZE)),
    CALL(getcwd, 1, BYTES(256), A(SIZE)),
    CALL(chdir, 3,
         ONE_OF((uint64_t) ".", (uint64_t) "d", (uint64_t) "e", (uint64_t) "..", (uint64_t) "/d")),
    CALL(fchdir, 2, FD(DIRECTORY)),
    CALL(umask, 1, MODES),
    CALL(getxattr, 1, A(PATH), A(PATH), BYTES(256), A(SIZE)),
    CALL(listxattr, 1, A(PATH), BYTES(256), A(SIZE)),
    FOR_ROOT(mount, 6, ONE_OF((uint64_t) "none"), A(TARGET),
             ONE_OF((uint64_t) "tmpfs", (uint64_t) "tmpfs", (uint64_t) "proc", (uint64_t) "ramfs"),
             MOUNT_FLAGS, A(MOUNT_OPTIONS)),
    FOR_ROOT(mount, 4, A(TARGET), A(TARGET), ONE_OF((uint64_t) "none"),
             ONE_OF(MS_BIND, MS_MOVE, MS_BIND | MS_REC)),
    FOR_ROOT(umount2, 6, A(TARGET), FLAGS(MNT_DETACH, MNT_FORCE, UMOUNT_NOFOLLOW)),

    /* ---- sockets ---- */
    CALL(bind, 4, FD(SOCKET), A(SOCKET_NAME), ONE_OF(2, 3, 8, 110)),
    CALL(connect, 5, FD(SOCKET), A(SOCKET_NAME), ONE_OF(2, 3, 8, 110)),
    CALL(listen, 3, FD(SOCKET), NUMBER(4)),
    CALL(sendto, 4, FD(SOCKET), BYTES(4096), A(SIZE), MESSAGE_FLAGS, A(SOCKET_NAME),
         ONE_OF(0, 3, 8)),
    CALL(recvfrom, 4, FD(SOCKET), BYTES(4096), A(SIZE), MESSAGE_FLAGS, A(ANSWER), A(WORD)),
    PILES(sendmsg, 10, FD(SOCKET), A(MESSAGE), MESSAGE_FLAGS),
    CALL(recvmsg, 8, FD(SOCKET), A(MESSAGE), MESSAGE_FLAGS),
    CALL(sendmmsg, 3, FD(SOCKET), A(MESSAGES), NUMBER(4), MESSAGE_FLAGS),
    CALL(recvmmsg, 3, FD(SOCKET), A(MESSAGES), NUMBER(4), MESSAGE_FLAGS, A(TIME)),
    CALL(shutdown, 2, FD(SOCKET), NUMBER(4)),
    CALL(getsockname, 1, FD(SOCKET), A(ANSWER), A(WORD)),
    CALL(getpeername, 1, FD(SOCKET), A(ANSWER), A(WORD)),
    CALL(setsockopt, 3, FD(SOCKET), ONE_OF(SOL_SOCKET),
         ONE_OF(SO_PASSCRED, SO_RCVTIMEO, SO_SNDTIMEO, SO_SNDBUF, SO_RCVBUF, SO_LINGER), BYTES(16),
         ONE_OF(4, 16)),
    CALL(getsockopt, 2, FD(SOCKET), ONE_OF(SOL_SOCKET), NUMBER(60), A(ANSWER), A(WORD)),

    /* ---- waiting for what is ready ---- */
    PILES(epoll_ctl, 24, FD(EPOLL),
          ONE_OF(EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL),
          FD(EPOLL), A(EVENT)),
    PILES(epoll_ctl, 12, FD(EPOLL),
          ONE_OF(EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL), FD(ANY), A(EVENT)),
    CALL(epoll_wait, 5, FD(EPOLL), BYTES(512), NUMBER(40), NUMBER(3)),
    CALL(epoll_pwait, 2, FD(EPOLL), BYTES(512), NUMBER(40), NUMBER(3), A(SIGNAL_SET), ONE_OF(8)),
    CALL(epoll_pwait2, 2, FD(EPOLL), BYTES(512), NUMBER(40), A(TIME), A(SIGNAL_SET), ONE_OF(8)),
    CALL(poll, 5, A(POLL), NUMBER(17), NUMBER(3)),
    CALL(ppoll, 3, A(POLL), NUMBER(17), A(TIME), A(SIGNAL_SET), ONE_OF(8)),
    CALL(select, 2, NUMBER(100), BYTES(128), BYTES(128), BYTES(128), A(INTERVAL)),
    CALL(timerfd_settime, 6, FD(TIMER_FILE), NUMBER(4), A(TIMER_VALUE), A(ANSWER)),
    CALL(timerfd_gettime, 2, FD(TIMER_FILE), A(ANSWER)),

    /* ---- memory ---- */
    PILES(mmap, 10, A(ADDRESS), A(LENGTH), PROTECTION, MAP_KINDS, FD(DATA), A(OFFSET)),
    PILES(mmap, 10, A(ADDRESS), A(LENGTH), PROTECTION,
          ONE_OF(MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS,
                 MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_POPULATE),
          ONE_OF(UINT64_MAX), ZERO),
    CALL(munmap, 6, A(ADDRESS), A(LENGTH)),
    CALL(mprotect, 6, A(ADDRESS), A(LENGTH), PROTECTION),
    CALL(mremap, 5, A(ADDRESS), A(LENGTH), A(LENGTH), ONE_OF(0, MREMAP_MAYMOVE | MREMAP_FIXED),
         A(ADDRESS)),
    CALL(madvise, 5, A(ADDRESS), A(LENGTH), NUMBER(26)),
    CALL(msync, 2, A(ADDRESS), A(LENGTH), NUMBER(8)),
    CALL(mincore, 2, A(ADDRESS), A(LENGTH), BYTES(256)),
    CALL(mlock2, 2, A(ADDRESS), A(LENGTH), NUMBER(2)),
    CALL(munlock, 2, A(ADDRESS), A(LENGTH)),
    CALL(mlockall, 1, NUMBER(8)),
    CALL(munlockall, 1, ZERO),
    CALL(brk, 1, ONE_OF(0, 0x1000000, 0x2000000, 1)),
    CALL(process_vm_readv, 6, A(PROCESS), A(VECTOR), NUMBER(9), A(REMOTE_VECTOR), NUMBER(9), ZERO),
    CALL(process_vm_writev, 6, A(PROCESS), A(VECTOR), NUMBER(9), A(REMOTE_VECTOR), NUMBER(9), ZERO),
    CALL(membarrier, 2, ONE_OF(0, 1, 2, 4, 8, 16, 32, 64), NUMBER(2), NUMBER(4)),

    /* ---- signals ---- */
    CALL(rt_sigaction, 8, A(SIGNAL), A(ACTION), A(ANSWER), ONE_OF(8)),
    CALL(rt_sigprocmask, 6, NUMBER(4), A(SIGNAL_SET), A(ANSWER), ONE_OF(8)),
    CALL(rt_sigpending, 1, A(ANSWER), ONE_OF(8)),
    CALL(rt_sigtimedwait, 4, A(SIGNAL_SET), A(ANSWER), A(TIME), ONE_OF(8)),
    CALL(rt_sigsuspend, 1, A(SIGNAL_SET), ONE_OF(8)),
    CALL(rt_sigqueueinfo, 4, A(PROCESS), A(SIGNAL), A(INFORMATION)),
    CALL(rt_tgsigqueueinfo, 3, A(PROCESS), A(THREAD), A(SIGNAL), A(INFORMATION)),
    CALL(sigaltstack, 3, A(STACK), A(ANSWER)),
    CALL(kill, 6, A(PROCESS), A(SIGNAL)),
    CALL(tkill, 4, A(THREAD), A(SIGNAL)),
    CALL(tgkill, 5, A(PROCESS), A(THREAD), A(SIGNAL)),
    CALL(pause, 1, ZERO),
    CALL(futex, 8, A(WORD),
         ONE_OF(FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP,
                FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE, FUTEX_CMP_REQUEUE_PRIVATE,
                FUTEX_WAIT_BITSET_PRIVATE, FUTEX_WAKE_BITSET_PRIVATE),
         NUMBER(3), A(TIME), A(WORD), ONE_OF(0, 1, 2, UINT32_MAX)),
    CALL(get_robust_list, 1, A(THREAD), A(ANSWER), A(ANSWER)),
    CALL(set_robust_list, 1, BYTES(24), ONE_OF(24)),

    /* ---- time ---- */
    PILES(timer_create, 10, A(CLOCK), A(SIGNAL_EVENT), A(ANSWER)),
    CALL(timer_settime, 8, A(TIMER), NUMBER(2), A(TIMER_VALUE), A(ANSWER)),
    CALL(timer_gettime, 3, A(TIMER), A(ANSWER)),
    CALL(timer_getoverrun, 2, A(TIMER)),
    CALL(timer_delete, 8, A(TIMER)),
    CALL(setitimer, 3, NUMBER(3), A(INTERVAL), A(ANSWER)),
    CALL(getitimer, 1, NUMBER(3), A(ANSWER)),
    CALL(alarm, 1, NUMBER(2)),
    CALL(nanosleep, 1, A(TIME), A(ANSWER)),
    CALL(clock_nanosleep, 2, A(CLOCK), NUMBER(2), A(TIME), A(ANSWER)),
    CALL(clock_gettime, 1, A(CLOCK), A(ANSWER)),
    CALL(clock_getres, 1, A(CLOCK), A(ANSWER)),
    CALL(clock_settime, 1, A(CLOCK), A(TIME)),
    CALL(times, 1, A(ANSWER)),

    /* ---- who one is, and others ---- */
    CALL(wait4, 6, A(PROCESS), A(ANSWER),
         FLAGS(WNOHANG, WNOHANG, WNOHANG, WUNTRACED, WCONTINUED, __WALL, __WCLONE), A(ANSWER)),
    CALL(waitid, 5, NUMBER(4), A(PROCESS), A(ANSWER),
         FLAGS(WNOHANG, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT), A(ANSWER)),
    CALL(setpgid, 2, A(PROCESS), A(PROCESS)),
    CALL(getpgid, 1, A(PROCESS)),
    CALL(getsid, 1, A(PROCESS)),
    CALL(setsid, 1, ZERO),
    CALL(setuid, 1, A(USER)),
    CALL(setreuid, 1, A(USER), A(USER)),
    CALL(setresuid, 2, A(USER), A(USER), A(USER)),
    CALL(setfsuid, 1, A(USER)),
    CALL(setgid, 1, A(USER)),
    CALL(setregid, 1, A(USER), A(USER)),
    CALL(setresgid, 1, A(USER), A(USER), A(USER)),
    CALL(setgroups, 1, NUMBER(20), A(GROUPS)),
    CALL(getgroups, 1, NUMBER(20), A(ANSWER)),
    CALL(capget, 1, BYTES(8), A(ANSWER)),
    CALL(capset, 1, BYTES(8), BYTES(24)),
    CALL(prctl, 3,
         ONE_OF(PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NAME, PR_GET_NAME,
                PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_SECUREBITS, PR_CAPBSET_DROP,
                PR_SET_TIMERSLACK),
         NUMBER(20), ZERO, ZERO, ZERO),
    CALL(personality, 1, ONE_OF(0, 0x40000, 0x20000, UINT32_MAX)),
    CALL(prlimit64, 6, A(PROCESS), RESOURCES, ONE_OF(0), A(ANSWER)),
    CALL(prlimit64, 3, A(PROCESS),
         ONE_OF(RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_SIGPENDING,
                RLIMIT_MEMLOCK, RLIMIT_STACK),
         A(LIMIT), A(ANSWER)),
    CALL(getrusage, 1, ONE_OF(0, 1, UINT64_MAX), A(ANSWER)),
    CALL(kcmp, 2, A(PROCESS), A(PROCESS), NUMBER(8), FD(ANY), FD(ANY)),
    CALL(getpriority, 1, NUMBER(3), A(PROCESS)),
    CALL(setpriority, 1, NUMBER(2), A(PROCESS), NUMBER(20)),
    CALL(sched_setscheduler, 2, A(THREAD), POLICIES, A(WORD)),
    CALL(sched_getscheduler, 1, A(THREAD)),
    CALL(sched_setaffinity, 2, A(THREAD), ONE_OF(8), BYTES(8)),
    CALL(sched_getaffinity, 1, A(THREAD), ONE_OF(8, 128), A(ANSWER)),
    CALL(sched_setattr, 1, A(THREAD), BYTES(48), ZERO),
    CALL(sched_getattr, 1, A(THREAD), A(ANSWER), ONE_OF(48), ZERO),
    CALL(sched_rr_get_interval, 1, A(THREAD), A(ANSWER)),
    CALL(sched_yield, 2, ZERO),
    CALL(restart_syscall, 1, ZERO),
    CALL(rseq, 1, BYTES(64), ONE_OF(32), NUMBER(2), ONE_OF(0x53053053)),
    CALL(sysinfo, 1, A(ANSWER)),
    CALL(syslog, 1, ONE_OF(2, 3, 8, 9, 10), BYTES(256), A(SIZE)),
    CALL(getcpu, 1, A(ANSWER), A(ANSWER), ZERO),
    CALL(getrandom, 1, BYTES(256), A(SIZE), NUMBER(4)),
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

#endif
