/*
 * exec_calls: the calls by which a program passes its process on: execve and execveat, by path and
 * by descriptor. Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>

#include "exec_calls.h"

static bool tells(const char *path)
{
    REQUIRE_TOLD(TOLD, AT_FDCWD, path, tell_arguments, one_variable, 0);
    return true;
}

/* ---- execve ---- */

static bool absolute_path(void)
{
    return tells(program);
}
static bool relative_path(void)
{
    return has_copy("relative") && tells("relative") && tells("./relative");
}
static bool winding_path(void)
{
    char path[300];

    REQUIRE(has_copy("winding") && (mkdir("down", 0755) == 0));
    snprintf(path, sizeof(path), "%s//down/.././winding", folder);
    return tells(path);
}
static bool link_path(void)
{
    return has_copy("linked") && symlink("linked", "link") == 0 && tells("link");
}
static bool links_in_path(void)
{
    REQUIRE(mkdir("real", 0755) == 0 && has_copy("real/there"));
    REQUIRE(symlink("real", "folder-link") == 0 && symlink("folder-link/there", "far-link") == 0);
    return tells("folder-link/there") && tells("far-link");
}
static bool forty_links(void)
{
    char name[32], next[32];

    REQUIRE(has_copy("chain-0"));
    for (int at = 1; at <= 40; at++) {
        snprintf(name, sizeof(name), "chain-%d", at);
        snprintf(next, sizeof(next), "chain-%d", at - 1);
        REQUIRE(symlink(next, name) == 0);
    }
    return tells("chain-40");
}
static bool hard_link(void)
{
    return has_copy("first-name") && link("first-name", "second-name") == 0 &&
           unlink("first-name") == 0 && tells("second-name");
}
static bool self_path(void)
{
    return tells("/proc/self/exe");
}
static bool descriptor_paths(void)
{
    char path[64];
    int file = open(program, O_RDONLY);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    return file >= 0 && tells(path);
}
static bool close_on_exec_descriptor_path(void)
{
    char path[64];
    int file = open(program, O_RDONLY | O_CLOEXEC);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    return file >= 0 && tells(path);
}
static bool memory_file(void)
{
    char path[64];
    int in = open(program, O_RDONLY | O_CLOEXEC);
    int file = memfd_create("image", 0);
    struct stat status;

    REQUIRE(fstat(in, &status) == 0);
    REQUIRE(sendfile(file, in, NULL, status.st_size) == status.st_size);
    int reading = (snprintf(path, sizeof(path), "/proc/self/fd/%d", file), open(path, O_RDONLY));
    close(file); /* nobody may have it open for writing */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", reading);
    REQUIRE(tells(path));
    REQUIRE_TOLD(TOLD, reading, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    return true;
}
static bool from_removed_folder(void)
{
    REQUIRE(mkdir("removed", 0755) == 0 && chdir("removed") == 0 && rmdir("../removed") == 0);
    return tells(program);
}
static bool unreadable_file(void)
{
    REQUIRE(file_copy(program, "unreadable", 0111));
    REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    REQUIRE_ERRNO(open("unreadable", O_RDONLY), EACCES);
    return tells("unreadable");
}
static bool execute_bit_of_group(void)
{
    REQUIRE(file_copy(program, "of-group", 0010) && chown("of-group", 0, 65534) == 0);
    REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    return tells("of-group");
}
static bool root_needs_one_bit(void)
{
    return file_copy(program, "one-bit", 0001) && tells("one-bit");
}

static bool does_not_return_before(void)
{
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    note_number("PIPE", ends[0]);
    execve(program, after_arguments(), environ);
    REQUIRE(write(ends[1], "x", 1) == 1); /* only a call that returned comes here */
    return false;
}
static bool does_not_return_after(void)
{
    char byte;

    fcntl(noted_number("PIPE"), F_SETFL, O_NONBLOCK);
    REQUIRE_ERRNO(read(noted_number("PIPE"), &byte, 1), EAGAIN);
    return true;
}

/* ---- execveat ---- */

static bool at_folder(void)
{
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    REQUIRE(has_copy("at-folder") && chdir("/") == 0);
    REQUIRE_TOLD(TOLD, here, "at-folder", tell_arguments, one_variable, 0);
    return true;
}
static bool at_path_folder(void)
{
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    REQUIRE(has_copy("at-path-folder") && chdir("/") == 0);
    REQUIRE_TOLD(TOLD, here, "at-path-folder", tell_arguments, one_variable, 0);
    return true;
}
static bool at_folder_upwards(void)
{
    REQUIRE(has_copy("upwards") && mkdir("below", 0755) == 0);
    int below = open("below", O_RDONLY | O_CLOEXEC);
    REQUIRE_TOLD(TOLD, below, "../upwards", tell_arguments, one_variable, 0);
    return true;
}
static bool at_moved_folder(void)
{
    REQUIRE(mkdir("to-move", 0755) == 0 && has_copy("to-move/image"));
    int moved = open("to-move", O_RDONLY | O_CLOEXEC);
    REQUIRE(rename("to-move", "was-moved") == 0);
    REQUIRE_TOLD(TOLD, moved, "image", tell_arguments, one_variable, 0);
    return true;
}
static bool at_working_folder(void)
{
    return has_copy("at-here") && tells("at-here");
}
static bool absolute_ignores_folder(void)
{
    REQUIRE_TOLD(TOLD, 99, program, tell_arguments, one_variable, 0);
    REQUIRE_TOLD(TOLD, -1, program, tell_arguments, one_variable, 0);
    return true;
}
static bool empty_path(void)
{
    int file = open(program, O_RDONLY);

    REQUIRE(lseek(file, 10, SEEK_SET) == 10);
    REQUIRE_TOLD(TOLD, file, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    REQUIRE(lseek(file, 0, SEEK_CUR) == 10); /* and nobody moved it */
    return true;
}
static bool empty_path_of_path_descriptor(void)
{
    int file = open(program, O_PATH);

    REQUIRE_TOLD(TOLD, file, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    return true;
}
static bool empty_path_close_on_exec(void)
{
    int file = open(program, O_RDONLY | O_CLOEXEC);

    REQUIRE_TOLD(TOLD, file, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    return true;
}
static bool empty_path_moved(void)
{
    REQUIRE(has_copy("will-move"));
    int file = open("will-move", O_RDONLY);
    REQUIRE(rename("will-move", "has-moved") == 0);
    REQUIRE_TOLD(TOLD, file, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    return true;
}
static bool empty_path_removed(void)
{
    REQUIRE(has_copy("will-go"));
    int file = open("will-go", O_RDONLY), path = open("will-go", O_PATH);
    REQUIRE(unlink("will-go") == 0);
    REQUIRE_TOLD(TOLD, file, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    REQUIRE_TOLD(TOLD, path, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    return true;
}
static bool empty_path_flag_with_path(void)
{
    REQUIRE_TOLD(TOLD, AT_FDCWD, program, tell_arguments, one_variable, AT_EMPTY_PATH);
    return true;
}
static bool no_follow_plain(void)
{
    REQUIRE_TOLD(TOLD, AT_FDCWD, program, tell_arguments, one_variable, AT_SYMLINK_NOFOLLOW);
    return true;
}
static bool no_follow_middle(void)
{
    REQUIRE(mkdir("middle", 0755) == 0 && has_copy("middle/image"));
    REQUIRE(symlink("middle", "middle-link") == 0);
    REQUIRE_TOLD(TOLD, AT_FDCWD, "middle-link/image", tell_arguments, one_variable,
                 AT_SYMLINK_NOFOLLOW);
    return true;
}
static bool no_follow_descriptor(void)
{
    REQUIRE(symlink(program, "opened-link") == 0);
    int file = open("opened-link", O_RDONLY);
    REQUIRE_TOLD(TOLD, file, "", tell_arguments, one_variable, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
    return true;
}
static bool no_follow_link(void)
{
    REQUIRE(symlink(program, "last-link") == 0);
    int here = open(".", O_RDONLY);
    char path[300];
    snprintf(path, sizeof(path), "%s/last-link", folder);
    REQUIRE_ERRNO(execveat_call(here, "last-link", exit_arguments, NULL, AT_SYMLINK_NOFOLLOW),
                  ELOOP);
    REQUIRE_ERRNO(execveat_call(-1, path, exit_arguments, NULL, AT_SYMLINK_NOFOLLOW), ELOOP);
    return true;
}
static bool no_follow_link_descriptor(void)
{
    REQUIRE(symlink(program, "link-itself") == 0);
    int file = open("link-itself", O_PATH | O_NOFOLLOW);
    REQUIRE(file >= 0);
    REQUIRE_ERRNO(execveat_call(file, "", exit_arguments, NULL, AT_EMPTY_PATH), ELOOP);
    return true;
}

/* The new image's own view of how it was called. */
static bool executed_as(int directory, const char *path, int flags, const char *wanted)
{
    static char number[16];
    char *arguments[] = {"x", AFTER, number, NULL};

    snprintf(number, sizeof(number), "%zu", case_number);
    setenv("WANTED", wanted, 1);
    execveat_call(directory, path, arguments, environ, flags);
    REQUIRE(!"execveat");
    return false;
}
static bool executed_as_after(void)
{
    const char *got = (const char *)getauxval(AT_EXECFN);

    if (strcmp(got, getenv("WANTED")) != 0)
        tap_note("AT_EXECFN is %s, not %s", got, getenv("WANTED"));
    return strcmp(got, getenv("WANTED")) == 0;
}
static bool name_by_path(void)
{
    REQUIRE(has_copy("by-path"));
    return executed_as(AT_FDCWD, "./by-path", 0, "./by-path");
}
static bool name_by_folder(void)
{
    REQUIRE(has_copy("by-folder"));
    int here = dup2(open(".", O_RDONLY), 50);
    return executed_as(here, "by-folder", 0, "/dev/fd/50/by-folder");
}
static bool name_by_descriptor(void)
{
    int file = dup2(open(program, O_RDONLY), 51);
    return executed_as(file, "", AT_EMPTY_PATH, "/dev/fd/51");
}
static bool name_absolute(void)
{
    return executed_as(77, program, 0, program);
}
static bool name_of_link(void)
{
    REQUIRE(symlink(program, "named-link") == 0);
    return executed_as(AT_FDCWD, "named-link", 0, "named-link");
}

/* ---- scripts by descriptors ---- */

/* "#!program ROLE" */
static bool script_write(const char *name, const char *role)
{
    char text[300];

    snprintf(text, sizeof(text), "#!%s %s\n", program, role);
    return text_write(name, text, 0755);
}
static bool script_at_folder(void)
{
    REQUIRE(script_write("at-script", "read"));
    int here = open(".", O_RDONLY), path = open(".", O_PATH);
    REQUIRE(mkdir("at-below", 0755) == 0);
    int below = open("at-below", O_RDONLY);
    REQUIRE(exited(status_after(here, "at-script", tell_arguments, environ, 0), 0));
    REQUIRE(exited(status_after(path, "at-script", tell_arguments, environ, 0), 0));
    REQUIRE(exited(status_after(below, "../at-script", tell_arguments, environ, 0), 0));
    REQUIRE(exited(status_after(AT_FDCWD, "at-script", tell_arguments, environ, 0), 0));
    return true;
}
static bool script_of_descriptor(void)
{
    REQUIRE(script_write("fd-script", "read"));
    int file = open("fd-script", O_RDONLY);
    int flags = AT_EMPTY_PATH;
    REQUIRE(exited(status_after(file, "", tell_arguments, environ, flags), 0));
    flags |= AT_SYMLINK_NOFOLLOW;
    REQUIRE(exited(status_after(file, "", tell_arguments, environ, flags), 0));
    return true;
}
static bool script_of_removed(void)
{
    REQUIRE(script_write("gone-script", "read"));
    int file = open("gone-script", O_RDONLY);
    REQUIRE(rename("gone-script", "moved-script") == 0);
    REQUIRE(exited(status_after(file, "", tell_arguments, environ, AT_EMPTY_PATH), 0));
    REQUIRE(unlink("moved-script") == 0);
    REQUIRE(exited(status_after(file, "", tell_arguments, environ, AT_EMPTY_PATH), 0));
    return true;
}
static bool script_names(void)
{
    char wanted[400];

    REQUIRE(script_write("told-script", "tell"));
    int here = dup2(open(".", O_RDONLY), 52);
    int file = dup2(open("told-script", O_RDONLY), 53);
    snprintf(wanted, sizeof(wanted), "%s|tell|/dev/fd/52/told-script|tell;A=1", program);
    REQUIRE_TOLD(wanted, here, "told-script", tell_arguments, one_variable, 0);
    snprintf(wanted, sizeof(wanted), "%s|tell|/dev/fd/53|tell;A=1", program);
    REQUIRE_TOLD(wanted, file, "", tell_arguments, one_variable, AT_EMPTY_PATH);
    return true;
}
static bool script_close_on_exec(void)
{
    REQUIRE(script_write("closed-script", "read"));
    int here = open(".", O_RDONLY | O_CLOEXEC);
    int file = open("closed-script", O_RDONLY | O_CLOEXEC);
    REQUIRE_ERRNO(execveat_call(file, "", exit_arguments, NULL, AT_EMPTY_PATH), ENOENT);
    REQUIRE_ERRNO(execveat_call(here, "closed-script", exit_arguments, NULL, 0), ENOENT);
    return true;
}
static bool script_absolute_close_on_exec(void)
{
    char path[300];

    REQUIRE(script_write("absolute-script", "read"));
    int here = open("/", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "%s/absolute-script", folder);
    REQUIRE(exited(status_after(here, path, tell_arguments, environ, 0), 0));
    return true;
}
static bool script_moved_folder(void)
{
    REQUIRE(mkdir("script-folder", 0755) == 0 && script_write("script-folder/script", "read"));
    int moved = open("script-folder", O_RDONLY);
    REQUIRE(rename("script-folder", "script-moved") == 0);
    REQUIRE(exited(status_after(moved, "script", tell_arguments, environ, 0), 0));
    REQUIRE(unlink("script-moved/script") == 0);
    REQUIRE_ERRNO(execveat_call(moved, "script", exit_arguments, environ, 0), ENOENT);
    return true;
}
static bool script_near_path_maximum(void)
{
    static char path[4096];
    size_t length = snprintf(path, sizeof(path), "%s/", folder);
    int root = open("/", O_RDONLY);

    while (length < sizeof(path) - 210) { /* folders of 199 bytes */
        memset(path + length, 'x', 199);
        length += 199;
        REQUIRE(mkdir(path, 0755) == 0);
        path[length++] = '/';
    }
    memset(path + length, 'y', sizeof(path) - 3 - length);
    REQUIRE(file_copy(program, path, 0755));
    REQUIRE(exited(status_after(root, path + 1, exit_arguments, environ, 0), 99));
    REQUIRE(unlink(path) == 0 && script_write(path, "read"));
    int file = open(path, O_RDONLY);
    REQUIRE(exited(status_after(file, "", tell_arguments, environ, AT_EMPTY_PATH), 0));
    /* Its name "/dev/fd/N/..." is longer than PATH_MAX: the interpreter cannot open it. */
    REQUIRE(exited(status_after(root, path + 1, tell_arguments, environ, 0), 1));
    return true;
}

static const struct exec_case cases[] = {
    CASE("execve: an absolute path", "execve(2)", absolute_path),
    CASE("execve: a relative path", "execve(2)", relative_path),
    CASE("execve: a path with . and .. and double slashes", "path_resolution(7)", winding_path),
    CASE("execve: a symbolic link is followed", "path_resolution(7)", link_path),
    CASE("execve: symbolic links within the path are followed", "path_resolution(7)",
         links_in_path),
    CASE("execve: forty symbolic links are followed", "path_resolution(7)", forty_links),
    CASE("execve: another hard link", "execve(2)", hard_link),
    CASE("execve: /proc/self/exe", "proc(5)", self_path),
    CASE("execve: /proc/self/fd/N", "proc(5)", descriptor_paths),
    CASE("execve: /proc/self/fd/N, which closes on exec", "proc(5)", close_on_exec_descriptor_path),
    CASE("execve: a file in memory", "memfd_create(2)", memory_file),
    CASE("execve: from a working directory that was removed", "execve(2)", from_removed_folder),
    CASE("execve: a file that may not be read", "execve(2), NOTES", unreadable_file),
    CASE("execve: the x bit of the group", "path_resolution(7)", execute_bit_of_group),
    CASE("execve: any x bit lets root", "capabilities(7), CAP_DAC_OVERRIDE", root_needs_one_bit),
    HALVES("execve: does not return", "POSIX exec", does_not_return_before, does_not_return_after),
    CASE("execveat: relative to a directory", "execveat(2)", at_folder),
    CASE("execveat: relative to a directory opened with O_PATH", "execveat(2)", at_path_folder),
    CASE("execveat: upwards from a directory", "execveat(2)", at_folder_upwards),
    CASE("execveat: a directory that was renamed", "execveat(2)", at_moved_folder),
    CASE("execveat: AT_FDCWD", "execveat(2)", at_working_folder),
    CASE("execveat: an absolute path ignores the directory", "execveat(2)",
         absolute_ignores_folder),
    CASE("execveat: AT_EMPTY_PATH, whatever the file's offset", "execveat(2)", empty_path),
    CASE("execveat: AT_EMPTY_PATH and O_PATH", "execveat(2)", empty_path_of_path_descriptor),
    CASE("execveat: AT_EMPTY_PATH and O_CLOEXEC", "execveat(2)", empty_path_close_on_exec),
    CASE("execveat: AT_EMPTY_PATH, a file that was renamed", "execveat(2)", empty_path_moved),
    CASE("execveat: AT_EMPTY_PATH, a file that was removed", "execveat(2)", empty_path_removed),
    CASE("execveat: AT_EMPTY_PATH and a path", "execveat(2)", empty_path_flag_with_path),
    CASE("execveat: AT_SYMLINK_NOFOLLOW, a file", "execveat(2)", no_follow_plain),
    CASE("execveat: AT_SYMLINK_NOFOLLOW, a link within the path", "execveat(2)", no_follow_middle),
    CASE("execveat: AT_SYMLINK_NOFOLLOW, a link followed at open", "execveat(2)",
         no_follow_descriptor),
    CASE("execveat: AT_SYMLINK_NOFOLLOW, a link: ELOOP", "execveat(2)", no_follow_link),
    CASE("execveat: a link opened itself: ELOOP", "open(2), O_PATH", no_follow_link_descriptor),
    HALVES("AT_EXECFN: the path as given", "getauxval(3)", name_by_path, executed_as_after),
    HALVES("AT_EXECFN: /dev/fd/N/path", "execveat(2), NOTES", name_by_folder, executed_as_after),
    HALVES("AT_EXECFN: /dev/fd/N", "execveat(2), NOTES", name_by_descriptor, executed_as_after),
    HALVES("AT_EXECFN: an absolute path with a directory", "execveat(2)", name_absolute,
           executed_as_after),
    HALVES("AT_EXECFN: a link's own name", "getauxval(3)", name_of_link, executed_as_after),
    CASE("execveat: a script relative to directories", "execveat(2), NOTES", script_at_folder),
    CASE("execveat: a script by its descriptor", "execveat(2), NOTES", script_of_descriptor),
    CASE("execveat: a script that was removed", "execveat(2), NOTES", script_of_removed),
    CASE("execveat: a script's name is /dev/fd/N", "execveat(2), NOTES", script_names),
    CASE("execveat: a script behind O_CLOEXEC: ENOENT", "execveat(2), BUGS", script_close_on_exec),
    CASE("execveat: a script with an absolute path", "execveat(2)", script_absolute_close_on_exec),
    CASE("execveat: a script in a renamed directory", "execveat(2)", script_moved_folder),
    CASE("execveat: a path of almost PATH_MAX", "execveat(2)", script_near_path_maximum),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
