/* file_resolve: what openat2(2) lets a walk do (RESOLVE_*), and the structure it takes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cases.h"

#define PLACE "/tmp/file_resolve"

static long open_at(int directory, const char *name, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};
    return syscall(SYS_openat2, directory, name, &how, sizeof(how));
}

static long try(const char *name, uint64_t resolve)
{
    return open_at(AT_FDCWD, name, O_RDONLY, resolve);
}

/* inside/{file,inner/}, links of all kinds beside them; outside. The case stands in inside. */
static bool place_make(void)
{
    if (mkdir(PLACE, 0755) && errno != EEXIST)
        return false;
    if (chdir(PLACE) || (mkdir("inside", 0755) && errno != EEXIST) || chdir("inside"))
        return false;
    static const char *const links[][2] = {
        {"file", "to_file"},      {"/", "to_root"},      {"inner", "to_inner"},
        {"../outside", "to_out"}, {"/file", "to_slash"}, {"inner/../file", "to_within"},
    };
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (symlink(links[i][0], links[i][1]) && errno != EEXIST)
            return false;
    close(open("file", O_CREAT | O_RDWR, 0644));
    close(open("../outside", O_CREAT | O_RDWR, 0644));
    return (mkdir("inner", 0755) == 0 || errno == EEXIST) &&
           close(open("inner/deep", O_CREAT | O_RDWR, 0644)) == 0;
}

static bool no_symlinks(void)
{
    REQUIRE(place_make());
    REQUIRE(try("file", RESOLVE_NO_SYMLINKS) >= 0 && try("inner/deep", RESOLVE_NO_SYMLINKS) >= 0);
    REQUIRE(try("inner/../file", RESOLVE_NO_SYMLINKS) >= 0);
    REQUIRE_ERRNO(try("to_file", RESOLVE_NO_SYMLINKS), ELOOP);
    REQUIRE_ERRNO(try("to_inner/deep", RESOLVE_NO_SYMLINKS), ELOOP);
    REQUIRE(open_at(AT_FDCWD, "to_file", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS) >= 0);
    REQUIRE_ERRNO(try("/proc/self/exe", RESOLVE_NO_SYMLINKS), ELOOP);
    return true;
}

static bool no_magic_links(void)
{
    REQUIRE(place_make());
    REQUIRE_ERRNO(try("/proc/thread-self/exe", RESOLVE_NO_MAGICLINKS), ELOOP);
    REQUIRE_ERRNO(try("/proc/self/cwd/file", RESOLVE_NO_MAGICLINKS), ELOOP);
    REQUIRE(try("/proc/self/stat", RESOLVE_NO_MAGICLINKS) >= 0); /* self is a plain one */
    REQUIRE(try("to_file", RESOLVE_NO_MAGICLINKS) >= 0);
    return true;
}

static bool beneath(void)
{
    REQUIRE(place_make());
    REQUIRE(try("file", RESOLVE_BENEATH) >= 0 && try("to_file", RESOLVE_BENEATH) >= 0);
    REQUIRE(try("inner/../file", RESOLVE_BENEATH) >= 0 && try("to_within", RESOLVE_BENEATH) >= 0);
    REQUIRE(try(".", RESOLVE_BENEATH) >= 0);
    REQUIRE_ERRNO(try("..", RESOLVE_BENEATH), EXDEV);
    REQUIRE_ERRNO(try("../inside/file", RESOLVE_BENEATH), EXDEV);
    REQUIRE_ERRNO(try("inner/../../outside", RESOLVE_BENEATH), EXDEV);
    REQUIRE_ERRNO(try("to_out", RESOLVE_BENEATH), EXDEV);
    REQUIRE_ERRNO(try("to_root", RESOLVE_BENEATH), EXDEV);
    REQUIRE_ERRNO(try("/", RESOLVE_BENEATH), EXDEV);
    REQUIRE_ERRNO(try(PLACE "/inside/file", RESOLVE_BENEATH), EXDEV);
    return true;
}

static bool beneath_a_descriptor(void)
{
    REQUIRE(place_make());
    int inner = open("inner", O_RDONLY | O_DIRECTORY), proc = open("/proc/self", O_RDONLY);

    REQUIRE(inner >= 0 && open_at(inner, "deep", O_RDONLY, RESOLVE_BENEATH) >= 0);
    REQUIRE_ERRNO(open_at(inner, "../file", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    REQUIRE_ERRNO(open_at(proc, "exe", O_RDONLY, RESOLVE_BENEATH), EXDEV); /* a magic link */
    REQUIRE_ERRNO(open_at(inner, "new", O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH), ENOENT);
    return true;
}

static bool creates_beneath(void)
{
    struct open_how how = {
        .flags = O_CREAT | O_EXCL | O_WRONLY, .mode = 0600, .resolve = RESOLVE_BENEATH};

    REQUIRE(place_make());
    unlink("inner/made");
    REQUIRE(syscall(SYS_openat2, AT_FDCWD, "inner/made", &how, sizeof(how)) >= 0);
    REQUIRE_ERRNO(syscall(SYS_openat2, AT_FDCWD, "../made", &how, sizeof(how)), EXDEV);
    return unlink("inner/made") == 0;
}

/* Is what was opened this very file? */
static bool is(long file, const char *name)
{
    struct stat one, other;
    return file >= 0 && fstat((int)file, &one) == 0 && stat(name, &other) == 0 &&
           one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

static bool in_root(void)
{
    REQUIRE(place_make());
    int proc = open("/proc/self", O_RDONLY);
    REQUIRE(is(try("/file", RESOLVE_IN_ROOT), "file") && is(try("/", RESOLVE_IN_ROOT), "."));
    REQUIRE(is(try("..", RESOLVE_IN_ROOT), ".") && is(try("../../file", RESOLVE_IN_ROOT), "file"));
    REQUIRE(is(try("to_root", RESOLVE_IN_ROOT), "."));
    REQUIRE(is(try("to_slash", RESOLVE_IN_ROOT), "file"));
    REQUIRE(is(try("to_root/to_root/inner/../file", RESOLVE_IN_ROOT), "file"));
    REQUIRE_ERRNO(try("to_out", RESOLVE_IN_ROOT), ENOENT); /* /outside, which is not there */
    REQUIRE_ERRNO(open_at(proc, "/exe", O_RDONLY, RESOLVE_IN_ROOT), EXDEV);
    REQUIRE(is(try("/inner//deep", RESOLVE_IN_ROOT), "inner/deep"));
    return true;
}

static bool no_other_mounts(void)
{
    REQUIRE(place_make());
    mkdir("mounted", 0755);
    REQUIRE(mount("none", "mounted", "tmpfs", 0, NULL) == 0);
    close(open("mounted/file", O_CREAT | O_RDWR, 0644));
    long inside = try("mounted/file", RESOLVE_NO_XDEV);
    int error = errno;
    int directory = open("mounted", O_RDONLY | O_DIRECTORY);
    long up = open_at(directory, "../file", O_RDONLY, RESOLVE_NO_XDEV);
    int error_up = errno;
    bool there = open_at(directory, "file", O_RDONLY, RESOLVE_NO_XDEV) >= 0;
    umount2("mounted", MNT_DETACH);
    rmdir("mounted");
    REQUIRE(inside < 0 && error == EXDEV && up < 0 && error_up == EXDEV && there);
    REQUIRE(try("inner/../file", RESOLVE_NO_XDEV) >= 0 && try("to_file", RESOLVE_NO_XDEV) >= 0);
    REQUIRE_ERRNO(try("/proc/version", RESOLVE_NO_XDEV), EXDEV);
    return true;
}

static bool cached(void)
{
    REQUIRE(place_make());
    REQUIRE(try("file", 0) >= 0 && try("file", RESOLVE_CACHED) >= 0);
    REQUIRE_ERRNO(open_at(AT_FDCWD, "file", O_RDWR | O_TRUNC, RESOLVE_CACHED), EAGAIN);
    REQUIRE_ERRNO(open_at(AT_FDCWD, "file", O_RDWR | O_CREAT, RESOLVE_CACHED), EAGAIN);
    return true;
}

static bool flag_errors(void)
{
    REQUIRE(place_make());
    REQUIRE_ERRNO(try("file", RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
    REQUIRE_ERRNO(try("file", 0x40), EINVAL);
    REQUIRE_ERRNO(try("file", 1ULL << 40), EINVAL);
    return true;
}

static bool structure_sizes(void)
{
    struct {
        struct open_how how;
        uint64_t unknown[12];
    } longer = {.how = {.flags = O_RDONLY}};

    REQUIRE(place_make());
    REQUIRE(syscall(SYS_openat2, AT_FDCWD, "file", &longer, sizeof(longer)) >= 0);
    longer.unknown[11] = 1;
    REQUIRE_ERRNO(syscall(SYS_openat2, AT_FDCWD, "file", &longer, sizeof(longer)), E2BIG);
    REQUIRE(syscall(SYS_openat2, AT_FDCWD, "file", &longer, sizeof(longer) - 8) >= 0);
    REQUIRE_ERRNO(syscall(SYS_openat2, AT_FDCWD, "file", &longer, 23), EINVAL);
    REQUIRE_ERRNO(syscall(SYS_openat2, AT_FDCWD, "file", &longer, 4097), E2BIG);
    REQUIRE_ERRNO(syscall(SYS_openat2, AT_FDCWD, "file", NULL, 24), EFAULT);
    return true;
}

static const struct test_case cases[] = {
    {"RESOLVE_NO_SYMLINKS", "openat2(2)", no_symlinks},
    {"RESOLVE_NO_MAGICLINKS", "openat2(2)", no_magic_links},
    {"RESOLVE_BENEATH", "openat2(2)", beneath},
    {"RESOLVE_BENEATH, from a descriptor", "openat2(2)", beneath_a_descriptor},
    {"RESOLVE_BENEATH, making a file", "openat2(2)", creates_beneath},
    {"RESOLVE_IN_ROOT", "openat2(2)", in_root},
    {"RESOLVE_NO_XDEV", "openat2(2)", no_other_mounts},
    {"RESOLVE_CACHED", "openat2(2)", cached},
    {"RESOLVE_*: errors", "openat2(2)", flag_errors},
    {"struct open_how: sizes", "openat2(2)", structure_sizes},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
