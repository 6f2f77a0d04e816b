/* file_mounts: what mount(2) and umount(2) make of places where nothing can be found any more,
   and of one where the same lies already. */
#define _GNU_SOURCE
#include "cases.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define FOLDER "/tmp/file_mounts"

/* A folder, the same one once more at another place, and in there the caller, for whom alone that
   place exists: it was unmounted. */
static bool place_make(void)
{
    mkdir(FOLDER, 0755);
    mkdir(FOLDER "/real", 0755);
    mkdir(FOLDER "/real/inner", 0755);
    mkdir(FOLDER "/again", 0755);
    mkdir(FOLDER "/free", 0755);
    REQUIRE(mount(FOLDER "/real", FOLDER "/again", NULL, MS_BIND, NULL) == 0);
    REQUIRE(chdir(FOLDER "/again") == 0);
    REQUIRE(umount2(FOLDER "/again", MNT_DETACH) == 0);
    return true;
}

/* Nothing keeps it from being removed. */
static bool place_remove(void)
{
    REQUIRE(rmdir(FOLDER "/real/inner") == 0 && rmdir(FOLDER "/real") == 0);
    REQUIRE(rmdir(FOLDER "/again") == 0 && rmdir(FOLDER "/free") == 0);
    return rmdir(FOLDER) == 0;
}

static bool nothing_new(void)
{
    REQUIRE(place_make());
    REQUIRE_ERRNO(mount("none", "inner", "tmpfs", 0, NULL), EINVAL);
    REQUIRE_ERRNO(mount("/tmp", "inner", NULL, MS_BIND, NULL), EINVAL);
    return place_remove();
}

static bool not_from_there(void)
{
    REQUIRE(place_make());
    REQUIRE_ERRNO(mount("inner", FOLDER "/free", NULL, MS_BIND, NULL), EINVAL);
    return place_remove();
}

static bool not_moved(void)
{
    REQUIRE(place_make());
    REQUIRE(mount("none", FOLDER "/free", "tmpfs", 0, NULL) == 0);
    REQUIRE_ERRNO(mount(FOLDER "/free", "inner", NULL, MS_MOVE, NULL), EINVAL);
    REQUIRE_ERRNO(mount(".", FOLDER "/real", NULL, MS_MOVE, NULL), EINVAL);
    REQUIRE(umount(FOLDER "/free") == 0);
    return place_remove();
}

static bool not_changed(void)
{
    REQUIRE(place_make());
    REQUIRE_ERRNO(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EINVAL);
    REQUIRE_ERRNO(umount2(".", MNT_DETACH), EINVAL);
    return place_remove();
}

static bool not_over_itself(void)
{
    REQUIRE(mkdir("/tmp/twice", 0755) == 0);
    REQUIRE(mount("none", "/tmp/twice", "sysfs", 0, NULL) == 0);
    REQUIRE_ERRNO(mount("none", "/tmp/twice", "sysfs", 0, NULL), EBUSY);
    REQUIRE(mount("none", "/tmp/twice", "tmpfs", 0, NULL) == 0);
    REQUIRE(mount("none", "/tmp/twice", "tmpfs", 0, NULL) == 0); /* another one */
    REQUIRE(mount("none", "/tmp/twice", "sysfs", 0, NULL) == 0);
    for (int i = 0; i < 4; i++)
        REQUIRE(umount("/tmp/twice") == 0);
    REQUIRE_ERRNO(umount("/tmp/twice"), EINVAL);
    REQUIRE(rmdir("/tmp/twice") == 0);
    return true;
}

static const struct test_case cases[] = {
    {"unmounted and held: nothing is mounted there", "mount(2)", nothing_new},
    {"unmounted and held: nothing is mounted from there", "mount(2)", not_from_there},
    {"unmounted and held: nothing is moved there", "mount(2)", not_moved},
    {"unmounted and held: it is not changed", "mount(2)", not_changed},
    {"a file system is not mounted over itself", "mount(2)", not_over_itself},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
