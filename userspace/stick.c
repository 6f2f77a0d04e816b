/* stick.c: see stick.h. Everything that can fail is done beside the root there is; then the new one
 * takes its place, as Linux's initrds do it (switch_root(8)). */
#define _GNU_SOURCE
#include "stick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "servers.h"

#define FOLDER  "/run/stick"
#define TREE    FOLDER "/tree"    /* what is read: squashfs */
#define CHANGES FOLDER "/changes" /* what was written: ext4, or memory */
#define ROOT    FOLDER "/root"    /* both */

#define PARTITION_SECONDS 30 /* for a stick to be found */

static bool failed(const char *what)
{
    fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
    return false;
}

/* ---- the partitions ---- */

/* The node of the partition that NAME=PARTUUID=… of the kernel's options names; false: none does.
 */
static bool option_partition(const char *name, char *node, size_t size)
{
    char line[4096];
    FILE *file = fopen("/proc/cmdline", "re");
    bool read = file && fgets(line, sizeof(line), file);

    if (file)
        fclose(file);
    for (char *word = read ? strtok(line, " \n") : NULL; word; word = strtok(NULL, " \n")) {
        size_t length = strlen(name);
        if (strncmp(word, name, length) != 0 || strncmp(word + length, "=PARTUUID=", 10) != 0)
            continue;
        snprintf(node, size, "/dev/disk/by-partuuid/%s", word + length + 10);
        return true;
    }
    return false;
}

/* A stick may come later than the first program; nothing tells of a new name in /dev. */
static bool partition_wait(const char *node)
{
    const struct timespec pause = {.tv_nsec = 100000000};

    for (int turn = 0; access(node, F_OK) != 0; turn++) {
        if (turn == 10 * PARTITION_SECONDS)
            return failed(node);
        if (turn == 10)
            fprintf(stderr, "init: waiting for %s\n", node);
        nanosleep(&pause, NULL);
    }
    return true;
}

/* A disk of the machine's own is locked; that this partition is written to is what it is there for.
 */
static bool partition_unlock(const char *node)
{
    int writable = 0, locked;
    int disk = open(node, O_RDONLY | O_CLOEXEC);

    if (disk < 0)
        return failed(node);
    ioctl(disk, BLKROSET, &writable);
    bool unlocked = ioctl(disk, BLKROGET, &locked) == 0 && !locked;
    close(disk);
    if (!unlocked)
        fprintf(stderr, "init: %s: cannot be written\n", node);
    return unlocked;
}

/* ---- programs ---- */

/* Runs a program until it ends, or until it is a server: its status as waitpid(2) has it. */
static int run(const char *path, const char *const arguments[])
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execv(path, (char *const *)arguments);
        failed(path);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* A server has mounted its file system when the program that was started ends. */
static bool serve(const char *path, const char *const arguments[])
{
    int status = run(path, arguments);

    if (status != 0)
        fprintf(stderr, "init: %s: it serves nothing (status %#x)\n", path, status);
    return status == 0;
}

/* e2fsck(8): 1 is "errors corrected", 4 "errors left uncorrected", which is what -p says of errors
   that a person should look at. There is none: what was written is worth more than a question. */
static bool check(const char *node)
{
    const char *preen[] = {"e2fsck", "-p", node, NULL};
    const char *all[] = {"e2fsck", "-f", "-y", node, NULL};
    int status = run("/sbin/e2fsck", preen);

    if (WIFEXITED(status) && WEXITSTATUS(status) & 4)
        status = run("/sbin/e2fsck", all);
    bool usable = WIFEXITED(status) && WEXITSTATUS(status) <= 3;
    if (!usable)
        fprintf(stderr, "init: %s: e2fsck does not help (status %#x)\n", node, status);
    return usable;
}

/* ---- the parts ---- */

static bool tree_mount(const char *node)
{
    const char *arguments[] = {
        SERVER_MARK "squashfuse_ll", "-o", "ro,allow_other,default_permissions", node, TREE, NULL};

    return partition_wait(node) && serve("/usr/bin/squashfuse_ll", arguments);
}

/*
 * fuse2fs keeps what it changes in memory until a file is closed or fsync(2) is called; sync(2)
 * reaches a server by the files that are open for writing. So one always is.
 */
static bool changes_hold(void)
{
    int file = open(CHANGES "/sync", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    return file >= 0 || failed(CHANGES "/sync");
}

static bool changes_mount(const char *node)
{
    const char *arguments[] = {
        SERVER_MARK "fuse2fs", "-o", "rw,allow_other,default_permissions", node, CHANGES, NULL};

    return partition_wait(node) && partition_unlock(node) && check(node) &&
           serve("/usr/bin/fuse2fs", arguments) && changes_hold();
}

static bool memory_mount(void)
{
    fprintf(stderr, "init: what is changed lives in memory and is gone at the end\n");
    return mount("tmpfs", CHANGES, "tmpfs", 0, "mode=0755") == 0 || failed(CHANGES);
}

static bool root_mount(void)
{
    const char *arguments[] = {SERVER_MARK "fuse-overlayfs", "-o",
                               "allow_other,default_permissions,lowerdir=" TREE ",upperdir=" CHANGES
                               "/upper,workdir=" CHANGES "/work",
                               ROOT, NULL};

    mkdir(CHANGES "/upper", 0755);
    mkdir(CHANGES "/work", 0755);
    return serve("/usr/bin/fuse-overlayfs", arguments);
}

/* ---- from one root to the other ---- */

/* The servers stay in the old one, and need its /proc. */
static bool root_switch(void)
{
    static const char *const shared[] = {"/proc", "/sys", "/dev"};
    char place[64];

    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        snprintf(place, sizeof(place), ROOT "%s", shared[i]);
        mkdir(place, 0755);
        if (mount(shared[i], place, NULL, MS_BIND, NULL) < 0)
            return failed(place);
    }
    if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
        chdir("/") < 0)
        return failed(ROOT);
    return true;
}

void stick_enter(void)
{
    char tree[96], changes[96];

    if (!option_partition("root", tree, sizeof(tree)))
        return;
    mkdir(FOLDER, 0755);
    mkdir(TREE, 0755);
    mkdir(CHANGES, 0755);
    mkdir(ROOT, 0755);
    bool kept = option_partition("changes", changes, sizeof(changes));
    if (!tree_mount(tree) || (!(kept && changes_mount(changes)) && !memory_mount()) ||
        !root_mount() || !root_switch())
        fprintf(stderr, "init: the root stays what came with the kernel\n");
}
