/* exec_errors.h: things that are wrong with an execve, for exec_errors and exec_error_order. */
#ifndef BATON_TESTS_EXEC_ERRORS_H
#define BATON_TESTS_EXEC_ERRORS_H

#include <elf.h>
#include <sys/mount.h>

#include "exec_cases.h"

#define NOBODY 65534

static char *plain[] = {"x", "exit", "99", NULL};
static char *none[] = {NULL};

/* Things that are wrong about arguments. */
static char longest[(128 << 10) + 1]; /* one byte longer than a string may be */
static char *too_long[] = {"x", longest, NULL};
static char *bad_string[] = {"x", (char *)8, NULL};

static char **const bad_list = (char **)8;
static char *const bad_path = (char *)8;
static char long_name[257];
static char long_path[4097];

static inline int call(const char *path)
{
    return execve(path, plain, none);
}

static inline void become_nobody(void)
{
    if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
        _exit(9);
}

/* A folder with a file system of its own. */
static inline bool mounted(const char *name, unsigned long flags)
{
    return mkdir(name, 0755) == 0 && mount("none", name, "tmpfs", flags, NULL) == 0;
}

/* A folder that cannot be executed from, with a program, a text and a script in it. */
static inline bool mounted_noexec(const char *name)
{
    char path[128];

    REQUIRE(mounted(name, 0));
    snprintf(path, sizeof(path), "%s/image", name);
    REQUIRE(file_copy(program, path, 0755));
    snprintf(path, sizeof(path), "%s/plain", name);
    REQUIRE(text_write(path, "text\n", 0644));
    snprintf(path, sizeof(path), "%s/script", name);
    REQUIRE(text_write(path, "#!/bin/sh\n", 0755));
    REQUIRE(mount("none", name, NULL, MS_REMOUNT | MS_NOEXEC, NULL) == 0);
    return true;
}

static inline bool script(const char *name, const char *line)
{
    return text_write(name, line, 0755);
}

/* This program with an interpreter's name in place of PT_GNU_STACK; `size` counts its NUL. */
static Elf64_Phdr *changed;
static uint8_t *image;
static size_t image_size;

static inline bool image_read(void)
{
    struct stat status;
    int file = open(program, O_RDONLY | O_CLOEXEC);

    REQUIRE(fstat(file, &status) == 0);
    image_size = status.st_size;
    REQUIRE((image = malloc(image_size + 8192)));
    REQUIRE(read(file, image, image_size) == (ssize_t)image_size);
    close(file);
    Elf64_Ehdr *header = (Elf64_Ehdr *)image;
    changed = (Elf64_Phdr *)(image + header->e_phoff);
    while (changed->p_type != PT_GNU_STACK)
        changed++;
    return true;
}
static inline bool image_with_interpreter(const char *name, const char *path, size_t size)
{
    REQUIRE(image_read());
    memcpy(image + image_size, path, size);
    *changed = (Elf64_Phdr){
        .p_type = PT_INTERP, .p_offset = image_size, .p_filesz = size, .p_memsz = size};
    return file_write(name, image, image_size + size, 0755);
}
static inline bool interpreted(const char *name, const char *path)
{
    return image_with_interpreter(name, path, strlen(path) + 1);
}

#define ERROR(name, prepared, call, expected)                                                      \
    static bool name(void)                                                                         \
    {                                                                                              \
        REQUIRE(prepared);                                                                         \
        REQUIRE_ERRNO(call, expected);                                                             \
        return true;                                                                               \
    }

#endif
