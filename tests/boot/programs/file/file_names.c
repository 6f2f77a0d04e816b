/*
 * file_names.c: names and places: path_resolution(7) and the calls that make, move and remove
 * names, each with the errno that POSIX and the man pages say, in Linux's order where two apply.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "file_checks.h"

static int rename_flags(const char *from, const char *to, unsigned flags)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void make_file(const char *name, const char *text)
{
    int file = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text))
        tap_ok(false, "cannot make %s", name);
    close(file);
}

/* The names of a directory in reading order, with spaces between them. */
static const char *names_in(const char *name)
{
    static char text[4096];
    DIR *directory = opendir(name);
    struct dirent *entry;

    text[0] = '\0';
    while (directory && (entry = readdir(directory))) {
        strcat(text, entry->d_name);
        strcat(text, " ");
    }
    if (directory)
        closedir(directory);
    return text;
}

static void check_walk(void)
{
    char long_name[300], long_path[5000];
    struct stat status;

    memset(long_name, 'n', sizeof(long_name));
    long_name[256] = '\0';
    memset(long_path, '/', sizeof(long_path));
    long_path[4095] = '\0';
    make_file("file", "text");
    OK(mkdir("directory", 0755), "mkdir");
    OK(symlink("directory", "to_directory"), "symlink to a directory");
    OK(symlink("file", "to_file"), "symlink to a file");
    OK(symlink("nowhere", "dangling"), "symlink to nothing");
    OK(symlink("loop", "loop"), "symlink to itself");

    FAILS(ENOENT, stat("", &status), "an empty name: POSIX 4.13");
    FAILS(ENOENT, stat("missing", &status), "a missing name");
    FAILS(ENOENT, stat("missing/name", &status), "a missing directory");
    FAILS(ENOTDIR, stat("file/name", &status), "a file in the middle");
    FAILS(ENOTDIR, stat("file/", &status), "a slash behind a file");
    FAILS(ENOTDIR, stat("to_file/", &status), "a slash behind a link to a file");
    FAILS(ENOTDIR, stat("file/..", &status), "file/..");
    FAILS(ENOTDIR, stat("file/.", &status), "file/.");
    OK(stat("directory//.././/to_directory/", &status), "slashes and dots");
    FAILS(ELOOP, stat("loop", &status), "a link to itself");
    FAILS(ELOOP, stat("loop/name", &status), "a link to itself in the middle");
    FAILS(ENOENT, stat("dangling", &status), "a dangling link");
    OK(lstat("dangling", &status), "lstat of a dangling link");
    tap_ok(S_ISLNK(status.st_mode) && status.st_size == 7, "a link's size is its target's length");
    FAILS(ENAMETOOLONG, stat(long_name, &status), "a name of 256 bytes");
    long_name[255] = '\0';
    FAILS(ENOENT, stat(long_name, &status), "a name of 255 bytes");
    OK(stat(long_path, &status), "a path of 4095 bytes");
    long_path[4095] = '/';
    long_path[4096] = '\0';
    FAILS(ENAMETOOLONG, stat(long_path, &status), "a path of 4096 bytes");
    FAILS(EFAULT, syscall(SYS_stat, 8, &status), "a name at a bad address");
    FAILS(EFAULT, syscall(SYS_stat, "file", 8), "a result at a bad address");
    FAILS(EBADF, fstatat(77, "file", &status, 0), "a directory descriptor that is not open");
    OK(fstatat(77, "/", &status, 0), "…is not looked at for an absolute name");
    int file = open("file", O_RDONLY);
    FAILS(ENOTDIR, fstatat(file, "name", &status, 0), "a directory descriptor of a file");
    OK(fstatat(file, "", &status, AT_EMPTY_PATH), "AT_EMPTY_PATH on a file");
    close(file);

    OK(stat("/..", &status), "/..");
    ino_t above = status.st_ino;
    OK(stat("/", &status), "/");
    tap_ok(above == status.st_ino, "/.. is /");

    /* 40 links in one name are followed, 41 are not. */
    char name[16], target[16];
    make_file("end", "");
    OK(symlink("end", "link1"), "the first of a chain of links");
    for (int i = 2; i <= 41; i++) {
        snprintf(name, sizeof(name), "link%d", i);
        snprintf(target, sizeof(target), "link%d", i - 1);
        symlink(target, name);
    }
    OK(stat("link40", &status), "40 links are followed");
    FAILS(ELOOP, stat("link41", &status), "41 links are not");
}

static void check_open(void)
{
    struct stat status;

    FAILS(ENOENT, open("missing", O_RDONLY), "open: missing");
    FAILS(EISDIR, open("directory", O_WRONLY), "open: a directory to write");
    FAILS(EISDIR, open("directory", O_RDONLY | O_CREAT, 0600), "open: O_CREAT on a directory");
    FAILS(EISDIR, open("new/", O_RDWR | O_CREAT, 0600), "open: O_CREAT with a slash");
    FAILS(ENOTDIR, open("file", O_RDONLY | O_DIRECTORY), "open: O_DIRECTORY on a file");
    FAILS(ELOOP, open("to_file", O_RDONLY | O_NOFOLLOW), "open: O_NOFOLLOW on a link");
    FAILS(ENOTDIR, open("to_directory", O_RDONLY | O_NOFOLLOW | O_DIRECTORY),
          "open: O_NOFOLLOW and O_DIRECTORY on a link");
    FAILS(EEXIST, open("file", O_RDWR | O_CREAT | O_EXCL, 0600), "open: O_EXCL on a file");
    FAILS(EEXIST, open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600),
          "open: O_EXCL does not follow a dangling link");
    FAILS(EFAULT, open((char *)8, O_RDONLY), "open: bad address");
    int made = open("dangling", O_RDWR | O_CREAT, 0600);
    tap_ok(made >= 0, "open: O_CREAT through a dangling link");
    close(made);
    OK(stat("nowhere", &status), "…makes the target");
    unlink("nowhere");

    umask(027);
    made = open("masked", O_CREAT | O_WRONLY, 0666);
    OK(fstat(made, &status), "fstat");
    tap_ok((status.st_mode & 07777) == 0640, "the umask takes bits away");
    close(made);
    made = open("read_only", O_CREAT | O_RDWR, 0444);
    tap_ok(write(made, "x", 1) == 1, "a new file without w bits is open for writing");
    close(made);
    umask(022);

    int place = open("file", O_PATH);
    tap_ok(place >= 0, "open: O_PATH");
    char byte;
    FAILS(EBADF, (int)read(place, &byte, 1), "O_PATH: no read");
    FAILS(EBADF, syscall(SYS_fchmod, place, 0600), "O_PATH: no fchmod");
    OK(fstat(place, &status), "O_PATH: fstat");
    OK(fcntl(place, F_GETFD), "O_PATH: F_GETFD");
    FAILS(EBADF, ioctl(place, FIONREAD, &status), "O_PATH: no ioctl");
    close(place);
    place = open("to_file", O_PATH | O_NOFOLLOW);
    OK(fstat(place, &status), "O_PATH | O_NOFOLLOW on a link");
    char text[16];
    tap_ok(S_ISLNK(status.st_mode) && readlinkat(place, "", text, 16) == 4,
           "…is the link, and readlinkat(\"\") reads it");
    close(place);

    int nameless = open(".", O_TMPFILE | O_RDWR, 0600);
    tap_ok(nameless >= 0, "open: O_TMPFILE");
    OK(fstat(nameless, &status), "fstat of it");
    tap_ok(status.st_nlink == 0, "…has no name");
    snprintf(text, sizeof(text), "/proc/self/fd/%d", nameless);
    close(nameless);
    FAILS(EINVAL, open(".", O_TMPFILE | O_RDONLY, 0600), "open: O_TMPFILE to read");

    int flags = open("file", O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC);
    tap_ok(fcntl(flags, F_GETFL) == (O_RDWR | O_APPEND | O_NONBLOCK | 0100000),
           "F_GETFL: access mode, O_APPEND, O_NONBLOCK, O_LARGEFILE");
    tap_ok(fcntl(flags, F_GETFD) == FD_CLOEXEC, "F_GETFD: O_CLOEXEC");
    close(flags);
    OK(mknod("socket", S_IFSOCK | 0600, 0), "mknod: a socket");
    FAILS(ENXIO, open("socket", O_RDWR), "open: a socket");
    OK(mknod("device", S_IFCHR | 0600, makedev(333, 3)), "mknod: a device");
    FAILS(ENXIO, open("device", O_RDWR), "open: a device that is not there");
}

static void check_making(void)
{
    struct stat status;

    FAILS(EEXIST, mkdir("directory", 0755), "mkdir: exists");
    FAILS(EEXIST, mkdir("file", 0755), "mkdir: a file exists");
    FAILS(EEXIST, mkdir("dangling", 0755), "mkdir: a dangling link exists");
    FAILS(EEXIST, mkdir("/", 0755), "mkdir: /");
    FAILS(EEXIST, mkdir("directory/.", 0755), "mkdir: name/.");
    FAILS(ENOENT, mkdir("missing/name", 0755), "mkdir: no parent");
    FAILS(ENOTDIR, mkdir("file/name", 0755), "mkdir: parent is a file");
    OK(mkdir("slash/", 0755), "mkdir: with a slash");
    OK(stat("slash", &status), "stat");
    tap_ok(status.st_nlink == 2, "an empty directory has two links");
    tap_ok(status.st_size == 40, "…and 40 bytes, as in Linux's tmpfs");
    OK(mkdir("slash/below", 0755), "mkdir below");
    OK(stat("slash", &status), "stat");
    tap_ok(status.st_nlink == 3 && status.st_size == 60, "…then three links, 60 bytes");
    make_file("slash/file", "");
    OK(stat("slash", &status), "stat");
    tap_ok(status.st_nlink == 3 && status.st_size == 80, "a file adds 20 bytes and no link");
    tap_ok(!strcmp(names_in("slash"), ". .. file below "), "names are read newest first");
    FAILS(ENOENT, mknod("node/", S_IFREG | 0600, 0), "mknod: with a slash");
    FAILS(EPERM, mknod("node", S_IFDIR | 0600, 0), "mknod: a directory");
    FAILS(EINVAL, mknod("node", S_IFLNK | 0600, 0), "mknod: a link");
    FAILS(ENOENT, symlink("", "empty"), "symlink: an empty target");
    FAILS(EEXIST, symlink("x", "file"), "symlink: exists");
    FAILS(ENOENT, symlink("x", "new/"), "symlink: with a slash");

    OK(link("file", "hard"), "link");
    OK(stat("hard", &status), "stat");
    tap_ok(status.st_nlink == 2, "two links");
    FAILS(EPERM, link("directory", "hard2"), "link: a directory");
    FAILS(EEXIST, link("file", "directory"), "link: exists");
    FAILS(ENOENT, link("missing", "hard2"), "link: missing");
    FAILS(ENOENT, link("missing", "directory"), "link: missing comes before exists");
    OK(link("dangling", "hard_link"), "link: does not follow a link");
    OK(lstat("hard_link", &status), "lstat");
    tap_ok(S_ISLNK(status.st_mode), "…but names it");
    FAILS(ENOENT, linkat(AT_FDCWD, "dangling", AT_FDCWD, "hard3", AT_SYMLINK_FOLLOW),
          "linkat: AT_SYMLINK_FOLLOW");
    FAILS(EINVAL, linkat(AT_FDCWD, "file", AT_FDCWD, "hard3", 1), "linkat: bad flags");
    OK(unlink("hard_link"), "unlink");
    OK(unlink("hard"), "unlink");

    char text[8];
    FAILS(EINVAL, (int)readlink("file", text, 8), "readlink: a file");
    FAILS(ENOENT, (int)readlink("missing", text, 8), "readlink: missing");
    tap_ok(readlink("to_directory", text, 4) == 4 && !memcmp(text, "dire", 4),
           "readlink: cut to the buffer");
    FAILS(EINVAL, (int)syscall(SYS_readlink, "to_file", text, 0), "readlink: size 0");
}

static void check_removing(void)
{
    struct stat status;

    FAILS(EISDIR, unlink("directory"), "unlink: a directory");
    FAILS(ENOENT, unlink("missing"), "unlink: missing");
    FAILS(ENOENT, unlink(""), "unlink: empty");
    FAILS(ENOTDIR, unlink("file/"), "unlink: a slash behind a file");
    FAILS(EISDIR, unlink("directory/."), "unlink: name/.");
    FAILS(EISDIR, unlink("/"), "unlink: /");
    FAILS(ENOTDIR, rmdir("file"), "rmdir: a file");
    FAILS(ENOTDIR, rmdir("to_directory"), "rmdir: a link");
    FAILS(ENOENT, rmdir("missing"), "rmdir: missing");
    FAILS(ENOTEMPTY, rmdir("slash"), "rmdir: not empty");
    FAILS(EINVAL, rmdir("slash/below/."), "rmdir: name/.");
    FAILS(ENOTEMPTY, rmdir("slash/below/.."), "rmdir: name/..");
    FAILS(EBUSY, rmdir("/"), "rmdir: /");
    FAILS(EINVAL, unlinkat(AT_FDCWD, "file", 1), "unlinkat: bad flags");
    OK(unlinkat(AT_FDCWD, "slash/below", AT_REMOVEDIR), "unlinkat: AT_REMOVEDIR");

    int file = open("slash/file", O_RDWR);
    OK(unlink("slash/file"), "unlink: an open file");
    OK(fstat(file, &status), "fstat of it");
    tap_ok(status.st_nlink == 0, "…has no links");
    tap_ok(write(file, "still", 5) == 5 && pread(file, (char[5]){0}, 5, 0) == 5,
           "…and can be written and read");
    close(file);

    int directory = open("slash", O_RDONLY);
    OK(rmdir("slash"), "rmdir: an open directory");
    FAILS(ENOENT, mkdirat(directory, "name", 0700), "nothing is made in a removed directory");
    FAILS(ENOENT, openat(directory, "name", O_CREAT | O_RDWR, 0700), "…no file either");
    char entries[256];
    FAILS(ENOENT, (int)syscall(SYS_getdents64, directory, entries, 256), "…nor read from it");
    close(directory);
}

static void check_renaming(void)
{
    struct stat before, after;

    make_file("one", "1");
    make_file("two", "22");
    OK(mkdir("full", 0755), "mkdir");
    OK(mkdir("full/inner", 0755), "mkdir");
    OK(mkdir("empty", 0755), "mkdir");
    stat("one", &before);
    OK(rename("one", "two"), "rename: over a file");
    stat("two", &after);
    tap_ok(before.st_ino == after.st_ino, "…it is the same file");
    FAILS(ENOENT, stat("one", &after), "…and the old name is gone");
    FAILS(ENOENT, rename("one", "three"), "rename: missing");
    FAILS(EISDIR, rename("two", "empty"), "rename: a file over a directory");
    FAILS(ENOTDIR, rename("empty", "two"), "rename: a directory over a file");
    FAILS(ENOTEMPTY, rename("empty", "full"), "rename: over a full directory");
    FAILS(EINVAL, rename("full", "full/inner/below"), "rename: below itself");
    FAILS(ENOTEMPTY, rename("full/inner", "full"), "rename: over its parent");
    FAILS(EBUSY, rename("full/.", "other"), "rename: name/.");
    FAILS(EBUSY, rename("full", "empty/.."), "rename: to name/..");
    FAILS(ENOTDIR, rename("two/", "other"), "rename: a slash behind a file");
    FAILS(ENOTDIR, rename("two", "other/"), "rename: a file to a name with a slash");
    OK(rename("full/inner", "empty/"), "rename: a directory over an empty one");
    stat("full", &after);
    tap_ok(after.st_nlink == 2, "…the old parent loses a link");
    stat(".", &before);
    OK(rename("empty", "full/inner"), "rename: to another directory");
    stat(".", &after);
    tap_ok(after.st_nlink == before.st_nlink - 1, "…a link less in the old parent");
    OK(link("two", "twin"), "link");
    OK(rename("two", "twin"), "rename: two names of one file");
    OK(stat("two", &after), "…do nothing: POSIX rename");
    FAILS(EEXIST, rename_flags("two", "twin", RENAME_NOREPLACE), "RENAME_NOREPLACE: exists");
    OK(rename_flags("twin", "triplet", RENAME_NOREPLACE), "RENAME_NOREPLACE: free");
    FAILS(ENOENT, rename_flags("two", "missing", RENAME_EXCHANGE), "RENAME_EXCHANGE: missing");
    FAILS(EINVAL, rename_flags("two", "full", RENAME_EXCHANGE | RENAME_NOREPLACE),
          "RENAME_EXCHANGE and RENAME_NOREPLACE");
    FAILS(EINVAL, rename_flags("two", "full", 64), "bad flags");
    stat("two", &before);
    OK(rename_flags("two", "full", RENAME_EXCHANGE), "RENAME_EXCHANGE: a file and a directory");
    stat("full", &after);
    tap_ok(before.st_ino == after.st_ino, "…the file has the directory's name");
    OK(stat("two/inner", &after), "…and the directory the file's");

    OK(mkdir("order", 0755), "mkdir");
    make_file("order/a", "");
    make_file("order/b", "");
    make_file("order/c", "");
    OK(rename("order/a", "order/d"), "rename in a directory");
    tap_ok(!strcmp(names_in("order"), ". .. d c b "), "a renamed name is the newest");
}

/* Runs as somebody without privileges. */
static void check_permissions_child(void)
{
    unsigned first = tap_count;
    struct stat status;

    if (setgid(1000) || setuid(1000))
        tap_ok(false, "setuid");
    FAILS(EACCES, stat("private/file", &status), "no search permission");
    FAILS(EACCES, open("secret", O_RDONLY), "no read permission");
    FAILS(EACCES, open("file", O_RDWR), "no write permission");
    FAILS(EACCES, unlink("file"), "no write permission on the directory");
    FAILS(EACCES, mkdir("new", 0700), "mkdir: no write permission");
    FAILS(EEXIST, mkdir("directory", 0700), "mkdir: exists comes before it");
    FAILS(EACCES, open("new", O_CREAT | O_RDWR, 0700), "open: O_CREAT without permission");
    FAILS(EPERM, chmod("file", 0777), "chmod: not the owner");
    FAILS(EPERM, chown("file", 1000, 1000), "chown: not the owner");
    FAILS(EPERM, mknod("public/node", S_IFCHR | 0600, makedev(1, 3)), "mknod: no privilege");
    FAILS(EPERM, unlink("public/roots"), "the sticky bit keeps others' names");
    FAILS(EPERM, rename("public/roots", "public/mine"), "…from renaming, too");
    make_file("public/mine", "");
    OK(unlink("public/mine"), "own names may go");
    OK(access("file", R_OK), "access: read");
    FAILS(EACCES, access("file", W_OK), "access: write");
    FAILS(EACCES, access("secret", R_OK), "access: read a secret");
    FAILS(EPERM, utimensat(AT_FDCWD, "file", (struct timespec[2]){{1, 0}, {1, 0}}, 0),
          "utimensat: not the owner");
    FAILS(EACCES, utimensat(AT_FDCWD, "file", NULL, 0), "utimensat: now, not writable");
    FAILS(EPERM, chroot("directory"), "chroot: no privilege");
    FAILS(EACCES, chdir("private"), "chdir: no search permission");
    OK(stat("group_file", &status), "stat");
    FAILS(EACCES, open("group_file", O_RDONLY), "the owner's bits hold for the owner alone");
    _exit(tap_failed ? 255 : (int)(tap_count - first));
}

static void check_permissions(void)
{
    struct stat status;

    OK(mkdir("private", 0700), "mkdir");
    make_file("private/file", "");
    make_file("secret", "");
    OK(chmod("secret", 0600), "chmod");
    OK(mkdir("public", 0777), "mkdir");
    OK(chmod("public", 01777), "chmod: sticky");
    make_file("public/roots", "");
    make_file("group_file", "");
    OK(chown("group_file", 1000, 1000), "chown");
    OK(chmod("group_file", 0044), "chmod");
    pid_t child = fork();
    if (child == 0)
        check_permissions_child();
    int result;
    waitpid(child, &result, 0);
    tap_count += WEXITSTATUS(result);
    tap_ok(WIFEXITED(result) && WEXITSTATUS(result) < 255,
           "the unprivileged child found all as expected");

    make_file("special", "");
    OK(chmod("special", 06755), "chmod: set-user-ID and set-group-ID");
    OK(chown("special", 1000, 1000), "chown");
    stat("special", &status);
    tap_ok((status.st_mode & 07777) == 0755, "chown takes them away");
    OK(mkdir("setgid", 0755), "mkdir");
    OK(chown("setgid", 0, 77), "chown");
    OK(chmod("setgid", 02755), "chmod: set-group-ID");
    OK(mkdir("setgid/below", 0755), "mkdir below");
    stat("setgid/below", &status);
    tap_ok(status.st_gid == 77 && status.st_mode & S_ISGID, "the group and the bit are inherited");
    make_file("setgid/file", "");
    stat("setgid/file", &status);
    tap_ok(status.st_gid == 77 && !(status.st_mode & S_ISGID), "a file gets the group only");
    FAILS(EINVAL, access("file", 8), "access: bad mode");
    OK(access("file", F_OK), "access: F_OK");
    FAILS(EACCES, access("file", X_OK), "access: nobody executes a file without x bits");
    OK(access("directory", X_OK), "access: user 0 searches any directory");
}

static void check_times(void)
{
    struct timespec times[2] = {{1000, 1}, {2000, 2}};
    struct stat status;

    OK(utimensat(AT_FDCWD, "file", times, 0), "utimensat");
    stat("file", &status);
    tap_ok(status.st_atim.tv_sec == 1000 && status.st_atim.tv_nsec == 1 &&
               status.st_mtim.tv_sec == 2000 && status.st_mtim.tv_nsec == 2,
           "…sets both to the nanosecond");
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    OK(utimensat(AT_FDCWD, "file", times, 0), "UTIME_OMIT and UTIME_NOW");
    stat("file", &status);
    tap_ok(status.st_atim.tv_sec == 1000 && status.st_mtim.tv_sec > 2000, "…leave and set");
    times[0].tv_nsec = -1;
    FAILS(EINVAL, utimensat(AT_FDCWD, "file", times, 0), "bad nanoseconds");
    times[0].tv_nsec = 0;
    OK(utimensat(AT_FDCWD, "dangling", times, AT_SYMLINK_NOFOLLOW), "times of a link");
    FAILS(ENOENT, utimensat(AT_FDCWD, "dangling", times, 0), "…are not its target's");

    stat("directory", &status);
    struct timespec modified = status.st_mtim;
    usleep(20000);
    make_file("directory/new", "");
    stat("directory", &status);
    tap_ok(memcmp(&modified, &status.st_mtim, sizeof(modified)) != 0,
           "a new name changes its directory's time");
    stat("directory/new", &status);
    modified = status.st_mtim;
    struct timespec changed = status.st_ctim;
    usleep(20000);
    OK(chmod("directory/new", 0600), "chmod");
    stat("directory/new", &status);
    tap_ok(!memcmp(&modified, &status.st_mtim, sizeof(modified)) &&
               memcmp(&changed, &status.st_ctim, sizeof(changed)),
           "chmod changes st_ctime only");
    OK(unlink("directory/new"), "unlink");
}

static void check_working_directory(void)
{
    char text[4096];

    OK(chdir("directory"), "chdir");
    tap_ok(getcwd(text, sizeof(text)) && strstr(text, "/directory"), "getcwd");
    FAILS(ERANGE, getcwd(text, 3) ? 0 : -1, "getcwd: too small");
    FAILS(ENOTDIR, chdir("../file"), "chdir: a file");
    FAILS(ENOENT, chdir("missing"), "chdir: missing");
    OK(mkdir("gone", 0700), "mkdir");
    OK(chdir("gone"), "chdir");
    OK(rmdir("../gone"), "rmdir of the working directory");
    FAILS(ENOENT, getcwd(text, sizeof(text)) ? 0 : -1, "getcwd: removed");
    FAILS(ENOENT, open("name", O_CREAT | O_RDWR, 0600), "nothing is made there");
    OK(chdir("../.."), "chdir up from a removed directory");
    int directory = open("directory", O_RDONLY);
    OK(fchdir(directory), "fchdir");
    OK(chdir(".."), "chdir ..");
    close(directory);
    int file = open("file", O_RDONLY);
    FAILS(ENOTDIR, fchdir(file), "fchdir: a file");
    close(file);
    FAILS(EBADF, fchdir(file), "fchdir: not open");
}

static void check_mounts(void)
{
    struct statfs statistics;
    struct stat outside, inside;

    OK(mkdir("mounted", 0755), "mkdir");
    FAILS(ENODEV, mount("none", "mounted", "nothing", 0, NULL), "mount: unknown type");
    FAILS(ENOENT, mount("none", "missing", "tmpfs", 0, NULL), "mount: no such place");
    FAILS(ENOTDIR, mount("none", "file", "tmpfs", 0, NULL), "mount: on a file");
    OK(mount("none", "mounted", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=700"),
       "mount: tmpfs");
    OK(statfs("mounted", &statistics), "statfs");
    tap_ok(statistics.f_type == 0x01021994 && statistics.f_blocks == 16, "…its size is kept to");
    stat("mounted", &inside);
    tap_ok((inside.st_mode & 07777) == 0700 && inside.st_ino == 1, "…its root, inode 1");
    stat(".", &outside);
    stat("mounted/..", &inside);
    tap_ok(outside.st_ino == inside.st_ino && outside.st_dev == inside.st_dev,
           ".. leads out of a mount");
    make_file("mounted/file", "x");
    FAILS(EXDEV, rename("mounted/file", "moved"), "rename: to another mount");
    FAILS(EXDEV, link("mounted/file", "linked"), "link: to another mount");
    FAILS(EBUSY, rmdir("mounted"), "rmdir: a mount's place");
    FAILS(EBUSY, rename("mounted", "other"), "rename: a mount's place");
    OK(mknod("mounted/null", S_IFCHR | 0666, makedev(1, 3)), "mknod");
    FAILS(EACCES, open("mounted/null", O_RDWR), "MS_NODEV: devices do not open");
    char *big = calloc(1, 100000);
    int file = open("mounted/big", O_CREAT | O_WRONLY, 0600);
    ssize_t written = write(file, big, 100000);
    tap_ok(written > 0 && written < 65536, "a write is cut at the end of the file system");
    FAILS(ENOSPC, (int)write(file, big, 100000), "…then ENOSPC");
    free(big);
    FAILS(EBUSY, umount("mounted"), "umount: a file is open");
    close(file);
    OK(mount(NULL, "mounted", NULL, MS_REMOUNT | MS_RDONLY, NULL), "remount read-only");
    FAILS(EROFS, open("mounted/new", O_CREAT | O_RDWR, 0600), "read-only: open O_CREAT");
    FAILS(EROFS, open("mounted/file", O_RDWR), "read-only: open to write");
    FAILS(EROFS, mkdir("mounted/new", 0700), "read-only: mkdir");
    FAILS(EEXIST, mkdir("mounted/file", 0700), "read-only: mkdir of what exists");
    FAILS(EROFS, unlink("mounted/file"), "read-only: unlink");
    FAILS(EROFS, chmod("mounted/file", 0600), "read-only: chmod");
    FAILS(EROFS, access("mounted/file", W_OK), "read-only: access");
    OK(umount("mounted"), "umount");
    FAILS(EINVAL, umount("mounted"), "umount: no mount");
    FAILS(ENOENT, access("mounted/file", F_OK), "what was mounted is gone");

    OK(mount("directory", "mounted", NULL, MS_BIND, NULL), "mount: bind");
    make_file("directory/seen", "");
    OK(access("mounted/seen", F_OK), "…shows the same files");
    OK(umount("mounted"), "umount");
}

int main(void)
{
    char directory[] = "/tmp/file_names.XXXXXX";

    mkdir("/tmp", 01777);
    umask(022);
    OK(mkdtemp(directory) ? 0 : -1, "mkdtemp");
    OK(mount("none", directory, "tmpfs", 0, NULL), "mount a tmpfs to work in");
    OK(chmod(directory, 0755), "chmod");
    OK(chdir(directory), "chdir");
    check_walk();
    check_open();
    check_making();
    check_removing();
    check_renaming();
    check_permissions();
    check_times();
    check_working_directory();
    check_mounts();
    chdir("/");
    OK(umount(directory), "umount");
    OK(rmdir(directory), "rmdir");
    return tap_done();
}
