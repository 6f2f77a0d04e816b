/*
 * file_privileges: set-user-ID and set-group-ID bits go when others change a file, by whatever way
 * (chown(2), write(2), truncate(2)), and nobody takes them off a file that is not his.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cases.h"

#define NAME "/tmp/file_privileges"
#define USER 1000

static mode_t mode_of(void)
{
    struct stat status;
    return stat(NAME, &status) ? 0 : status.st_mode & 07777;
}

/* A file of 8 bytes that anyone may write to, with this owner, group and mode. */
static bool file_make(uid_t user, gid_t group, mode_t mode)
{
    unlink(NAME);
    int file = open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
    bool made = file >= 0 && write(file, "contents", 8) == 8 && fchown(file, user, group) == 0 &&
                fchmod(file, mode) == 0;
    close(file);
    return made;
}

/* ---- chown ---- */

static bool strangers_take_nothing(void)
{
    REQUIRE(file_make(0, 0, 06755) && become(USER));
    REQUIRE_ERRNO(chown(NAME, -1, -1), EPERM);
    REQUIRE_ERRNO(lchown(NAME, -1, -1), EPERM);
    int file = open(NAME, O_RDONLY);
    REQUIRE(file >= 0);
    REQUIRE_ERRNO(fchown(file, -1, -1), EPERM);
    REQUIRE_ERRNO(fchownat(file, "", -1, -1, AT_EMPTY_PATH), EPERM);
    REQUIRE(mode_of() == 06755);
    return true;
}

static bool strangers_change_nothing(void)
{
    REQUIRE(file_make(0, 0, 0755) && become(USER));
    REQUIRE(chown(NAME, -1, -1) == 0); /* nothing to take away: nothing is refused */
    REQUIRE_ERRNO(chown(NAME, 0, -1), EPERM);
    REQUIRE_ERRNO(chown(NAME, -1, 0), EPERM);
    return true;
}

static bool owners_take_their_own(void)
{
    REQUIRE(file_make(USER, USER, 06755) && become(USER));
    REQUIRE(chown(NAME, -1, -1) == 0 && mode_of() == 0755);
    REQUIRE(chmod(NAME, 04755) == 0 && chown(NAME, USER, USER) == 0 && mode_of() == 0755);
    return true;
}

static bool group_bit_without_execution(void)
{
    REQUIRE(file_make(USER, USER, 02745) && become(USER));
    REQUIRE(chown(NAME, -1, -1) == 0 && mode_of() == 02745); /* of a group of the owner's */
    return true;
}

static bool group_bit_of_a_foreign_group(void)
{
    REQUIRE(file_make(USER, 0, 02745) && become(USER));
    REQUIRE(chown(NAME, -1, -1) == 0 && mode_of() == 0745);
    return true;
}

static bool superuser_takes_them_too(void)
{
    REQUIRE(file_make(0, 0, 06755));
    REQUIRE(chown(NAME, -1, -1) == 0 && mode_of() == 0755);
    return true;
}

static bool directories_keep_them(void)
{
    struct stat status;

    rmdir(NAME ".d");
    REQUIRE(mkdir(NAME ".d", 0700) == 0 && chmod(NAME ".d", 07777) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(become(USER) && chown(NAME ".d", -1, -1) == 0 ? 0 : 1);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(stat(NAME ".d", &status) == 0 && (status.st_mode & 07777) == 07777);
    return rmdir(NAME ".d") == 0;
}

/* ---- changes of the contents ---- */

static bool by_write(int file)
{
    return write(file, "x", 1) == 1;
}

static bool by_vector(int file)
{
    struct iovec vector = {"x", 1};
    return pwritev(file, &vector, 1, 2) == 1;
}

static bool by_truncation(int file)
{
    return ftruncate(file, 4) == 0;
}

static bool by_truncation_to_the_same(int file)
{
    return ftruncate(file, 8) == 0;
}

static bool by_name(int file)
{
    (void)file;
    return truncate(NAME, 4) == 0;
}

static bool by_opening(int file)
{
    (void)file;
    int again = open(NAME, O_WRONLY | O_TRUNC);
    return again >= 0 && close(again) == 0;
}

static bool by_allocation(int file)
{
    return fallocate(file, 0, 0, 100) == 0;
}

static bool by_allocation_within(int file)
{
    return fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 4) == 0;
}

static bool by_punching(int file)
{
    return fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4) == 0;
}

static bool by_sendfile(int file)
{
    int from = open("/proc/self/exe", O_RDONLY);
    return from >= 0 && sendfile(file, from, NULL, 4) == 4;
}

static bool by_copying(int file)
{
    int from = open("/tests/file_privileges", O_RDONLY);
    return from >= 0 && copy_file_range(from, NULL, file, NULL, 4, 0) == 4;
}

static bool by_splice(int file)
{
    int ends[2];
    return pipe(ends) == 0 && write(ends[1], "x", 1) == 1 &&
           splice(ends[0], NULL, file, NULL, 1, 0) == 1;
}

static const struct way {
    const char *name;
    bool (*change)(int file);
} ways[] = {
    {"write", by_write},
    {"pwritev", by_vector},
    {"ftruncate", by_truncation},
    {"ftruncate to the same size", by_truncation_to_the_same},
    {"truncate", by_name},
    {"O_TRUNC", by_opening},
    {"fallocate", by_allocation},
    {"fallocate within", by_allocation_within},
    {"fallocate of a hole", by_punching},
    {"sendfile", by_sendfile},
    {"copy_file_range", by_copying},
    {"splice", by_splice},
};

/* The mode of a file of 06777, owned by user 0, after this change by `user`; 0: it failed. */
static mode_t mode_after(const struct way *way, uid_t user, mode_t before)
{
    if (!file_make(0, 0, before))
        return 0;
    pid_t child = fork();
    if (child == 0) {
        if (user && !become(user))
            _exit(2);
        int file = open(NAME, O_RDWR);
        _exit(file >= 0 && way->change(file) ? 0 : 1);
    }
    return exited(status_of(child), 0) ? mode_of() : 0;
}

static bool all_ways_give(uid_t user, mode_t before, mode_t after)
{
    bool right = true;

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        mode_t mode = mode_after(&ways[i], user, before);
        if (mode != after)
            tap_note("%s by user %u leaves %05o of %05o", ways[i].name, user, mode, before);
        right = right && mode == after;
    }
    return right;
}

static bool changes_by_others_take_them(void)
{
    return all_ways_give(USER, 06777, 0777);
}

static bool changes_take_a_foreign_groups_bit(void)
{
    return all_ways_give(USER, 02767, 0767);
}

static bool changes_by_the_superuser_keep_them(void)
{
    return all_ways_give(0, 06777, 06777);
}

static bool opening_keeps_them(void)
{
    REQUIRE(file_make(0, 0, 06777) && become(USER));
    REQUIRE(open(NAME, O_RDWR) >= 0 && open(NAME, O_WRONLY | O_APPEND) >= 0);
    REQUIRE(mode_of() == 06777);
    return true;
}

static const struct test_case cases[] = {
    {"chown: strangers take nothing", "chown(2)", strangers_take_nothing},
    {"chown: strangers change nothing", "chown(2)", strangers_change_nothing},
    {"chown: owners take their own", "chown(2)", owners_take_their_own},
    {"chown: set-group-ID without execution", "chown(2)", group_bit_without_execution},
    {"chown: …of a foreign group", "chown(2)", group_bit_of_a_foreign_group},
    {"chown: the superuser takes them too", "chown(2)", superuser_takes_them_too},
    {"chown: directories keep them", "chown(2)", directories_keep_them},
    {"a change by others takes them", "write(2)", changes_by_others_take_them},
    {"…and a foreign group's", "write(2)", changes_take_a_foreign_groups_bit},
    {"a change by the superuser keeps them", "write(2)", changes_by_the_superuser_keep_them},
    {"to open keeps them", "open(2)", opening_keeps_them},
};

int main(void)
{
    int result = run_cases(cases, sizeof(cases) / sizeof(cases[0]));
    unlink(NAME);
    return result;
}
