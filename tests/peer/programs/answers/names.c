/* names FAMILY: calls of a family on names in /proc and /sys, as root and as a user. */
#define _GNU_SOURCE
#include "answers.h"

#include <sys/stat.h>

#define USER 1000

static char name[256], below[300], elsewhere[] = "/tmp/elsewhere";

static int take_name(void)
{
    snprintf(name, sizeof(name), "%s", current->name);
    snprintf(below, sizeof(below), "%s/below", current->name);
    return 0;
}

static int take_name_as_user(void)
{
    if (setgid(USER) || setuid(USER))
        return -1;
    return take_name();
}

#define NAMES(row)                                                                                 \
    row("/proc"), row("/proc/self"), row("/proc/self/"), row("/proc/1"), row("/proc/self/status"), \
        row("/proc/1/status"), row("/proc/self/maps"), row("/proc/1/maps"), row("/proc/self/mem"), \
        row("/proc/1/mem"), row("/proc/self/comm"), row("/proc/1/comm"),                           \
        row("/proc/self/cmdline"), row("/proc/self/environ"), row("/proc/1/environ"),              \
        row("/proc/self/auxv"), row("/proc/self/limits"), row("/proc/self/oom_score_adj"),         \
        row("/proc/1/oom_score_adj"), row("/proc/self/mountinfo"), row("/proc/self/smaps"),        \
        row("/proc/self/stat"), row("/proc/self/exe"), row("/proc/1/exe"), row("/proc/self/cwd"),  \
        row("/proc/1/cwd"), row("/proc/self/root"), row("/proc/self/fd"), row("/proc/1/fd"),       \
        row("/proc/self/fd/0"), row("/proc/self/fd/99"), row("/proc/self/fdinfo"),                 \
        row("/proc/self/fdinfo/0"), row("/proc/self/task"), row("/proc/self/task/1"),              \
        row("/proc/self/net"), row("/proc/thread-self"), row("/proc/mounts"), row("/proc/uptime"), \
        row("/proc/version"), row("/proc/meminfo"), row("/proc/cpuinfo"), row("/proc/sys"),        \
        row("/proc/sys/kernel"), row("/proc/sys/kernel/hostname"),                                 \
        row("/proc/sys/kernel/osrelease"), row("/proc/sys/kernel/pid_max"),                        \
        row("/proc/sys/kernel/random/uuid"), row("/proc/sys/fs/pipe-max-size"),                    \
        row("/proc/sys/vm/max_map_count"), row("/proc/sys/nosuch"), row("/proc/nosuch"),           \
        row("/proc/99999999"), row("/proc/0"), row("/proc/01"), row("/proc/self/nosuch"),          \
        row("/sys"), row("/sys/devices/system/cpu"), row("/sys/devices/system/cpu/online"),        \
        row("/sys/nosuch"), row("/dev/pts")

#define AS_ROOT(text)                                                                              \
    {                                                                                              \
        text, take_name                                                                            \
    }
#define AS_USER(text)                                                                              \
    {                                                                                              \
        text, take_name_as_user                                                                    \
    }
static const struct row root_rows[] = {NAMES(AS_ROOT)}, user_rows[] = {NAMES(AS_USER)};

#define NAME                ADDRESS(name)
#define CALM                (O_NONBLOCK | O_NOCTTY)
#define OPENED(text, flags) CALL("open " text, open, NAME, (flags) | CALM, 0600)

static const struct call openings[] = {
    OPENED("to read", O_RDONLY),
    OPENED("to write", O_WRONLY),
    OPENED("both ways", O_RDWR),
    OPENED("with access 3", 3),
    OPENED("and cut", O_WRONLY | O_TRUNC),
    OPENED("to read and cut", O_RDONLY | O_TRUNC),
    OPENED("to append", O_WRONLY | O_APPEND),
    OPENED("a directory", O_DIRECTORY),
    OPENED("a directory to write", O_DIRECTORY | O_RDWR),
    OPENED("as a path", O_PATH),
    OPENED("a directory as a path", O_PATH | O_DIRECTORY),
    OPENED("without following", O_NOFOLLOW),
    OPENED("the link as a path", O_PATH | O_NOFOLLOW),
    OPENED("or create", O_CREAT | O_WRONLY),
    OPENED("or create a directory", O_CREAT | O_DIRECTORY),
    OPENED("only create", O_CREAT | O_EXCL | O_WRONLY),
    OPENED("nameless", O_TMPFILE | O_RDWR),
    OPENED("direct", O_DIRECT),
    OPENED("untimed", O_NOATIME),
    OPENED("synchronous", O_SYNC | O_WRONLY),
    CALL("open below", open, ADDRESS(below), O_RDONLY),
    CALL("create below", open, ADDRESS(below), O_CREAT | O_WRONLY, 0600),
};

static const struct call changes[] = {
    CALL("readable?", access, NAME, 4),
    CALL("writable?", access, NAME, 2),
    CALL("executable?", access, NAME, 1),
    CALL("all?", access, NAME, 7),
    CALL("there?", access, NAME, 0),
    CALL("no such question", access, NAME, 8),
    CALL("read the link", readlink, NAME, ADDRESS(buffer), 0),
    CALL("enter", chdir, NAME),
    CALL("make it the root", chroot, NAME),
    CALL("make a directory", mkdir, NAME, 0700),
    CALL("make a directory below", mkdir, ADDRESS(below), 0700),
    CALL("remove", unlink, NAME),
    CALL("remove the directory", rmdir, NAME),
    CALL("remove below", unlink, ADDRESS(below)),
    CALL("link", link, NAME, ADDRESS(elsewhere)),
    CALL("link there", link, ADDRESS(elsewhere), ADDRESS(below)),
    CALL("symbolic link", symlink, ADDRESS(elsewhere), NAME),
    CALL("symbolic link below", symlink, ADDRESS(elsewhere), ADDRESS(below)),
    CALL("rename", rename, NAME, ADDRESS(elsewhere)),
    CALL("rename there", rename, ADDRESS(elsewhere), ADDRESS(below)),
    CALL("exchange", renameat2, AT_FDCWD, NAME, AT_FDCWD, NAME, 2),
    CALL("a pipe", mknod, NAME, S_IFIFO | 0600, 0),
    CALL("a pipe below", mknod, ADDRESS(below), S_IFIFO | 0600, 0),
    CALL("a device below", mknod, ADDRESS(below), S_IFCHR | 0600, 0x103),
    CALL("a whiteout below", mknod, ADDRESS(below), S_IFCHR | 0600, 0),
    CALL("no such kind below", mknod, ADDRESS(below), S_IFDIR | 0600, 0),
    CALL("cut", truncate, NAME, 0),
    CALL("execute", execve, NAME, 0, 0),
    CALL("chmod", chmod, NAME, 0444),
    CALL("chown", chown, NAME, -1, -1),
    CALL("chown to oneself", chown, NAME, USER, USER),
    CALL("set times", utimensat, AT_FDCWD, NAME, 0, 0),
    CALL("list attributes", listxattr, NAME, 0, 0),
    CALL("bind", mount, NAME, ADDRESS(elsewhere), 0, 4096, 0),
};

static const struct family families[] = {FAMILY("open", openings), APART("change", changes)};

int main(int count, char **arguments)
{
    const char *family = count > 1 ? arguments[1] : "";
    bool user = count > 2 && strcmp(arguments[2], "user") == 0;

    return answer_family(family, user ? user_rows : root_rows, COUNT(root_rows), families,
                         COUNT(families));
}
