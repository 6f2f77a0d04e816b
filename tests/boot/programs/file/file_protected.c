/*
 * file_protected: names and files that others left where anyone may write (proc(5),
 * /proc/sys/fs/protected_hardlinks, _symlinks, _fifos, _regular). The cases set the levels that
 * they are about, and put back what was there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

#define PLACE "/tmp/file_protected"
#define OWNER 1000 /* of the traps */
#define OTHER 1001

static const char *const settings[] = {"fifos", "hardlinks", "regular", "symlinks"};

static void setting_name(char name[64], const char *setting)
{
    snprintf(name, 64, "/proc/sys/fs/protected_%s", setting);
}

static int level_get(const char *setting)
{
    char name[64], digit = '?';

    setting_name(name, setting);
    int file = open(name, O_RDONLY);
    ssize_t size = read(file, &digit, 1);
    close(file);
    return size == 1 ? digit - '0' : -1;
}

/* 0 or -1 with errno. */
static int level_set(const char *setting, const char *level)
{
    char name[64];

    setting_name(name, setting);
    int file = open(name, O_WRONLY);
    ssize_t size = file < 0 ? -1 : write(file, level, strlen(level));
    int error = errno;
    close(file);
    errno = error;
    return size == (ssize_t)strlen(level) ? 0 : -1;
}

/* A directory of this mode and owner, empty, in which the case works. */
static bool place_make(mode_t mode, uid_t owner)
{
    static const char *const names[] = {"link", "target", "file", "fifo", "name", "other"};

    if (chdir("/") == 0 && chdir(PLACE) == 0)
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            unlink(names[i]);
    if (chdir("/") || (rmdir(PLACE) && errno != ENOENT))
        return false;
    umask(0);
    return mkdir(PLACE, 0700) == 0 && chown(PLACE, owner, owner) == 0 && chmod(PLACE, mode) == 0 &&
           chdir(PLACE) == 0;
}

/* Does `act`, as this user, give 0? errno as there. */
static int as(uid_t user, int (*act)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (user && !become(user))
            _exit(255);
        _exit(act() < 0 ? errno : 0);
    }
    errno = WEXITSTATUS(status_of(child));
    return errno ? -1 : 0;
}

/* ---- symbolic links ---- */

static int link_plant(void)
{
    return symlink("target", "link");
}

static int link_open(void)
{
    return open("link", O_RDONLY);
}

static int link_stat(void)
{
    struct stat status;
    return stat("link", &status);
}

static int link_middle(void)
{
    return open("link/.", O_RDONLY | O_DIRECTORY);
}

static int link_read(void)
{
    char target[16];
    return (int)readlink("link", target, sizeof(target));
}

static bool symlinks_trap(mode_t mode, uid_t owner)
{
    return place_make(mode, owner) && close(open("target", O_CREAT | O_RDWR, 0666)) == 0 &&
           as(OWNER, link_plant) == 0;
}

static bool symlinks_of_others(void)
{
    REQUIRE(level_set("symlinks", "1") == 0 && symlinks_trap(01777, 0));
    REQUIRE_ERRNO(as(OTHER, link_open), EACCES);
    REQUIRE_ERRNO(as(OTHER, link_stat), EACCES);
    REQUIRE_ERRNO(as(0, link_open), EACCES); /* the superuser is whom traps are for */
    REQUIRE(as(OWNER, link_open) == 0 && as(OTHER, link_read) == 0);
    return true;
}

static bool symlinks_of_the_owner(void)
{
    REQUIRE(level_set("symlinks", "1") == 0 && symlinks_trap(01777, OWNER));
    REQUIRE(as(OTHER, link_open) == 0 && as(0, link_open) == 0);
    return true;
}

static bool symlinks_elsewhere(void)
{
    REQUIRE(level_set("symlinks", "1") == 0 && symlinks_trap(0777, 0));
    REQUIRE(as(OTHER, link_open) == 0);
    REQUIRE(symlinks_trap(01777, 0) && chmod(".", 01775) == 0 && as(OTHER, link_open) == 0);
    return true;
}

static bool symlinks_in_the_middle(void)
{
    REQUIRE(level_set("symlinks", "1") == 0 && place_make(01777, 0));
    REQUIRE(mkdir("other", 0755) == 0);
    REQUIRE(symlink("other", "link") == 0 && lchown("link", OWNER, OWNER) == 0);
    int error = as(OTHER, link_middle); /* only the last component is looked at */
    rmdir("other");
    REQUIRE(error == 0);
    return true;
}

static bool symlinks_unprotected(void)
{
    REQUIRE(level_set("symlinks", "0") == 0 && symlinks_trap(01777, 0));
    REQUIRE(as(OTHER, link_open) == 0 && as(0, link_open) == 0);
    return true;
}

/* ---- hard links ---- */

static int name_link(void)
{
    int error = link("file", "name");
    if (!error)
        unlink("name");
    return error;
}

/* A file of user 0 with this mode. */
static bool file_plant(mode_t mode)
{
    return place_make(0777, 0) && mknod("file", S_IFREG | 0600, 0) == 0 && chmod("file", mode) == 0;
}

static bool hardlinks_protected(void)
{
    static const mode_t refused[] = {0644, 0662, 04666, 02676, 06777};
    static const mode_t harmless[] = {0666, 02666, 01666};

    REQUIRE(level_set("hardlinks", "1") == 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        REQUIRE(file_plant(refused[i]));
        REQUIRE_ERRNO(as(OTHER, name_link), EPERM);
        REQUIRE(as(0, name_link) == 0);
    }
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
        REQUIRE(file_plant(harmless[i]) && as(OTHER, name_link) == 0);
    REQUIRE(file_plant(0600) && chown("file", OTHER, OTHER) == 0 && as(OTHER, name_link) == 0);
    return true;
}

static bool hardlinks_to_special_files(void)
{
    REQUIRE(level_set("hardlinks", "1") == 0 && place_make(0777, 0));
    REQUIRE(mkfifo("file", 0666) == 0);
    REQUIRE_ERRNO(as(OTHER, name_link), EPERM);
    return true;
}

static bool hardlinks_unprotected(void)
{
    REQUIRE(level_set("hardlinks", "0") == 0 && file_plant(0600));
    REQUIRE(as(OTHER, name_link) == 0);
    return true;
}

/* ---- files and FIFOs ---- */

static int file_open_creating(void)
{
    return open("file", O_CREAT | O_RDWR, 0666);
}

static int file_open_plainly(void)
{
    return open("file", O_RDWR);
}

static bool file_trap(mode_t type, mode_t mode)
{
    return place_make(mode, 0) && mknod("file", type | 0666, 0) == 0 &&
           chown("file", OWNER, OWNER) == 0;
}

static bool sticky_levels(const char *setting, mode_t type)
{
    REQUIRE(level_set(setting, "1") == 0 && file_trap(type, 01777));
    REQUIRE_ERRNO(as(OTHER, file_open_creating), EACCES);
    REQUIRE_ERRNO(as(0, file_open_creating), EACCES);
    REQUIRE(as(OWNER, file_open_creating) == 0 && as(OTHER, file_open_plainly) == 0);
    REQUIRE(file_trap(type, 01775) && as(0, file_open_creating) == 0);
    REQUIRE(file_trap(type, 0777) && as(OTHER, file_open_creating) == 0);
    REQUIRE(level_set(setting, "2") == 0 && file_trap(type, 01775));
    REQUIRE_ERRNO(as(0, file_open_creating), EACCES);
    REQUIRE(file_trap(type, 01755) && as(0, file_open_creating) == 0);
    REQUIRE(level_set(setting, "0") == 0 && file_trap(type, 01777));
    REQUIRE(as(OTHER, file_open_creating) == 0 && as(0, file_open_creating) == 0);
    return true;
}

static bool regular_files(void)
{
    return sticky_levels("regular", S_IFREG);
}

static bool fifos(void)
{
    return sticky_levels("fifos", S_IFIFO);
}

static bool files_of_the_directorys_owner(void)
{
    REQUIRE(level_set("regular", "2") == 0 && place_make(01777, OWNER));
    REQUIRE(mknod("file", S_IFREG | 0666, 0) == 0 && chown("file", OWNER, OWNER) == 0);
    REQUIRE(as(OTHER, file_open_creating) == 0);
    return true;
}

/* ---- the settings ---- */

static int settings_write(void)
{
    return level_set("symlinks", "0");
}

static bool levels(void)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        bool has_two = settings[i][0] == 'f' || settings[i][0] == 'r';
        REQUIRE(level_set(settings[i], "0\n") == 0 && level_get(settings[i]) == 0);
        REQUIRE(level_set(settings[i], "1") == 0 && level_get(settings[i]) == 1);
        if (has_two)
            REQUIRE(level_set(settings[i], "2") == 0 && level_get(settings[i]) == 2);
        else
            REQUIRE_ERRNO(level_set(settings[i], "2"), EINVAL);
        REQUIRE_ERRNO(level_set(settings[i], "3"), EINVAL);
        REQUIRE_ERRNO(level_set(settings[i], "x"), EINVAL);
    }
    REQUIRE_ERRNO(as(OTHER, settings_write), EACCES);
    return true;
}

static const struct test_case cases[] = {
    {"symbolic links of others", "proc(5)", symlinks_of_others},
    {"symbolic links of the directory's owner", "proc(5)", symlinks_of_the_owner},
    {"symbolic links elsewhere", "proc(5)", symlinks_elsewhere},
    {"symbolic links in the middle of a name", "proc(5)", symlinks_in_the_middle},
    {"symbolic links, unprotected", "proc(5)", symlinks_unprotected},
    {"hard links", "proc(5)", hardlinks_protected},
    {"hard links to special files", "proc(5)", hardlinks_to_special_files},
    {"hard links, unprotected", "proc(5)", hardlinks_unprotected},
    {"regular files", "proc(5)", regular_files},
    {"FIFOs", "proc(5)", fifos},
    {"files of the directory's owner", "proc(5)", files_of_the_directorys_owner},
    {"levels", "proc(5)", levels},
};

int main(void)
{
    char before[4][2];

    for (size_t i = 0; i < 4; i++) {
        before[i][0] = (char)('0' + level_get(settings[i]));
        before[i][1] = '\0';
    }
    int result = run_cases(cases, sizeof(cases) / sizeof(cases[0]));
    for (size_t i = 0; i < 4; i++)
        level_set(settings[i], before[i]);
    place_make(0700, 0);
    return chdir("/") || rmdir(PLACE) ? 1 : result;
}
