/*
 * call_fuzzer_world.h: where players play: a file system of their own, of limited size, which is
 * their root. What they do to names they do there; when all have ended it has to be possible to
 * empty it, nothing of it may be counted as used then, and nobody may hold it.
 */
#ifndef BATON_TEST_CALL_FUZZER_WORLD_H
#define BATON_TEST_CALL_FUZZER_WORLD_H

#include <dirent.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "call_fuzzer_players.h"
#include "proc_baton.h"

#define WORLD_OPTIONS "size=16m,nr_inodes=500,mode=755"
#define PLACES        "/tmp/call_fuzzer"
#define SETTLE_TRIES  50 /* tenths of a second */
#define SETTLE_ALIKE  5  /* as many in which nothing changes */

enum world { WORLD_USERS, WORLD_ROOT, WORLDS };
static const char *const world_paths[WORLDS] = {PLACES "/users", PLACES "/root"};

static void in_world(char *path, enum world world, const char *name)
{
    snprintf(path, 64, "%s/%s", world_paths[world], name);
}

/* This program, or what is the same but for its mark: /secret. */
static bool program_copy(const char *path, bool secret, unsigned mode)
{
    static char bytes[1 << 20];
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t size = read(from, bytes, sizeof(bytes));

    for (ssize_t at = 0; secret && at + MARK_SIZE <= size; at += PAGE)
        if (memcmp(bytes + at, (const char *)mark, MARK_SIZE) == 0) {
            for (unsigned i = 0; i < MARK_SIZE; i++)
                bytes[at + i] ^= SECRET_BITS;
            secret = false; /* is done */
        }
    bool done = size > 0 && size < (ssize_t)sizeof(bytes) && write(to, bytes, (size_t)size) == size;
    close(from);
    close(to);
    return done && !secret && chmod(path, mode) == 0;
}

/*
 * One that nobody changes: root's players come by ordinary users' programs too, through /proc and
 * their descriptors, and would make them set-user-ID.
 */
static bool program_make(const char *path, bool secret, unsigned mode)
{
    return program_copy(path, secret, mode) && mount(path, path, NULL, MS_BIND, NULL) == 0 &&
           mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
}

static bool world_make(enum world world)
{
    static const char *const folders[] = {"d", "e",   "d/d",     "d/e",  "e/d", "m",
                                          "n", "dev", "dev/pts", "proc", "sys"};
    static const struct {
        const char *name;
        unsigned major, minor;
    } devices[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/ptmx", 5, 2}, {"dev/tty", 5, 0}};
    char path[64];

    mkdir(world_paths[world], 0755);
    if (mount("call_fuzzer", world_paths[world], "tmpfs", 0, WORLD_OPTIONS))
        return false;
    for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        in_world(path, world, folders[i]);
        if (mkdir(path, 0755) || (i < 5 && chmod(path, 0777)))
            return false;
    }
    for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        in_world(path, world, devices[i].name);
        if (mknod(path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) ||
            chmod(path, 0666))
            return false;
    }
    in_world(path, world, "proc");
    if (mount("proc", path, "proc", 0, NULL))
        return false;
    in_world(path, world, "dev/pts");
    mount("devpts", path, "devpts", 0, NULL); /* without, there are no terminals */
    in_world(path, world, "fuzzer");
    if (!program_make(path, false, 0755))
        return false;
    in_world(path, world, "secret");
    if (world == WORLD_USERS && !program_make(path, true, 04711))
        return false;
    in_world(path, world, "script");
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    dprintf(file, "#!/fuzzer player\n");
    close(file);
    in_world(path, world, "d/l");
    symlink("d", path);
    in_world(path, world, "d/f");
    mkfifo(path, 0666);
    return chmod(path, 0666) == 0;
}

static void limit_self(int which, rlim_t value)
{
    setrlimit(which, &(struct rlimit){value, value});
}

/* The calling process plays there from now on, as one of this team. */
__attribute__((noreturn)) static void world_enter(enum team team, uint64_t seed)
{
    static const uid_t users[TEAMS] = {4711, 4712, 0};
    uid_t user = users[team];

    if (chroot(world_paths[team == TEAM_ROOT ? WORLD_ROOT : WORLD_USERS]) || chdir("/d"))
        _exit(97);
    int priority = 0; /* the referee's is another one */
    syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &priority);
    setsid();
    for (int i = 0; i < SHARED_FILE; i++)
        close(i);
    for (int i = 0; i < 3; i++)
        open("/dev/null", O_RDWR);
    limit_self(RLIMIT_AS, 256 << 20);
    limit_self(RLIMIT_CORE, 0);
    limit_self(RLIMIT_FSIZE, 256 << 10);
    limit_self(RLIMIT_NOFILE, DESCRIPTORS);
    limit_self(RLIMIT_NPROC, 40);
    if (setgroups(0, NULL) || setgid(user) || setuid(user))
        _exit(96);
    player_main(seed, team);
}

/* ---- the end of a world ---- */

/* What could not be removed, and why; NULL: tell nobody. */
static void (*folder_left)(const char *name, int error);

static void folder_left_tell(const char *name, int error)
{
    tap_note("%s stays: errno %d", name, error);
}

/* Removes all that is in the folder; takes the descriptor. */
static void folder_empty(int folder)
{
    DIR *names = fdopendir(folder);
    struct dirent *name;

    while (names && (name = readdir(names))) {
        if (strcmp(name->d_name, ".") == 0 || strcmp(name->d_name, "..") == 0)
            continue;
        if (unlinkat(folder, name->d_name, 0) == 0)
            continue;
        int error = errno;
        int inner = openat(folder, name->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            folder_empty(inner);
        if (inner >= 0 && unlinkat(folder, name->d_name, AT_REMOVEDIR) == 0)
            rewinddir(names); /* what cannot be removed stays, and is told by who counts */
        else if (folder_left)
            folder_left(name->d_name, inner >= 0 ? errno : error);
    }
    if (names)
        closedir(names);
}

/* Unmounts what is below this path, or upon it beside the world itself; what another one hides has
   to wait. False: there was none. */
static bool unmount_one(const char *path)
{
    static char text[1 << 16];
    const size_t length = strlen(path);
    unsigned upon = 0;

    file_text("/proc/mounts", text, sizeof(text));
    for (char *line = text; *line;) {
        char *place = strchr(line, ' ');
        char *end = place ? strchr(++place, ' ') : NULL;
        if (!end)
            break;
        *end = '\0';
        if (strncmp(place, path, length) == 0 &&
            (place[length] == '/' || (place[length] == '\0' && upon++)) &&
            umount2(place, MNT_DETACH) == 0)
            return true;
        line = strchr(end + 1, '\n');
        line = line ? line + 1 : end + 1;
    }
    return false;
}

static uint64_t inodes_used(const struct statfs *status)
{
    return status->f_files - status->f_ffree;
}

/* Empties it. Whether nothing is used then, and nobody holds it; says so if not. */
static bool world_end(enum world world)
{
    const char *path = world_paths[world];
    struct statfs status;
    bool empty = false;

    while (unmount_one(path))
        continue;
    mount("call_fuzzer", path, NULL, MS_REMOUNT,
          WORLD_OPTIONS); /* root may have made it read-only */
    for (unsigned i = 0; i < SETTLE_TRIES && !empty; i++) {
        folder_left = i == SETTLE_TRIES - 1 ? folder_left_tell : NULL;
        int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0)
            folder_empty(folder);
        if (statfs(path, &status))
            break;
        empty = inodes_used(&status) == 1 && status.f_bfree == status.f_blocks;
        if (!empty)
            nanosleep(&(struct timespec){0, 100000000}, NULL);
    }
    if (!empty)
        tap_note("%s: %llu inodes of %llu used, %llu pages of %llu", path,
                 (unsigned long long)inodes_used(&status), (unsigned long long)status.f_files,
                 (unsigned long long)(status.f_blocks - status.f_bfree),
                 (unsigned long long)status.f_blocks);
    if (umount2(path, 0) == 0)
        return empty;
    tap_note("%s: umount(2), errno %d", path, errno);
    umount2(path, MNT_DETACH);
    return false;
}

#endif
