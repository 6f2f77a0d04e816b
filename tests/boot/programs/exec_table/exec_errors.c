/*
 * exec_errors: why an execve fails, each error of execve(2). Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "exec_errors.h"

static bool busy(const char *name)
{
    return file_copy(program, name, 0755) && open(name, O_WRONLY) >= 0;
}

static bool image_of_type(const char *name, unsigned type)
{
    REQUIRE(image_read());
    ((Elf64_Ehdr *)image)->e_type = type;
    return file_write(name, image, image_size, 0755);
}

/* ---- the path ---- */

ERROR(missing, true, call("missing"), ENOENT)
ERROR(missing_folder, true, call("missing/image"), ENOENT)
ERROR(dangling, symlink("nowhere", "dangling") == 0, call("dangling"), ENOENT)
ERROR(empty, true, call(""), ENOENT)
ERROR(empty_at, true, execveat_call(AT_FDCWD, "", plain, none, 0), ENOENT)
ERROR(working_folder, true, execveat_call(AT_FDCWD, "", plain, none, AT_EMPTY_PATH), EACCES)
ERROR(null_path, true, call(NULL), EFAULT)
ERROR(null_path_at, true, execveat_call(0, NULL, plain, none, AT_EMPTY_PATH), EFAULT)
ERROR(path_at_bad_address, true, call(bad_path), EFAULT)
ERROR(path_in_kernel_half, true, call((char *)0xffffffff80000000), EFAULT)
ERROR(path_not_canonical, true, call((char *)0x8000000000000000), EFAULT)
ERROR(path_through_file, text_write("a-file", "", 0755), call("a-file/image"), ENOTDIR)
ERROR(slash_behind_file, file_copy(program, "slashed", 0755), call("slashed/"), ENOTDIR)
ERROR(name_too_long, memset(long_name, 'n', 256), call(long_name), ENAMETOOLONG)
ERROR(longest_name, memset(long_name, 'n', 255), call(long_name), ENOENT)
ERROR(path_too_long, memset(long_path, '/', 4096), call(long_path), ENAMETOOLONG)
ERROR(longest_path, memset(long_path, '/', 4095), call(long_path), EACCES)
ERROR(circle, symlink("circle", "circle") == 0, call("circle"), ELOOP)
ERROR(circle_in_path, symlink("round", "round") == 0, call("round/image"), ELOOP)
static bool forty_one_links(void)
{
    char name[32], next[32];

    REQUIRE(file_copy(program, "many-0", 0755));
    for (int at = 1; at <= 41; at++) {
        snprintf(name, sizeof(name), "many-%d", at);
        snprintf(next, sizeof(next), "many-%d", at - 1);
        REQUIRE(symlink(next, name) == 0);
    }
    REQUIRE_ERRNO(call("many-41"), ELOOP);
    return true;
}
static bool path_straddles(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(munmap(pages + 4096, 4096) == 0);
    memset(pages, '/', 4096);
    REQUIRE_ERRNO(call(pages + 4000), EFAULT);
    return true;
}
static bool path_ends_with_page(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *path = pages + 4096 - strlen(program) - 1;

    REQUIRE(munmap(pages + 4096, 4096) == 0);
    strcpy(path, program);
    REQUIRE(exited(status_after(AT_FDCWD, path, plain, none, 0), 99));
    return true;
}

/* ---- the file may not be executed ---- */

ERROR(folder_itself, mkdir("a-folder", 0755) == 0, call("a-folder"), EACCES)
ERROR(root_folder, true, call("/"), EACCES)
ERROR(null_device, true, call("/dev/null"), EACCES)
ERROR(character_device, mknod("character", S_IFCHR | 0755, makedev(1, 5)) == 0, call("character"),
      EACCES)
ERROR(block_device, mknod("block", S_IFBLK | 0755, makedev(7, 0)) == 0, call("block"), EACCES)
ERROR(fifo, mkfifo("fifo", 0755) == 0, call("fifo"), EACCES)
ERROR(socket_file, mknod("socket", S_IFSOCK | 0755, 0) == 0, call("socket"), EACCES)
ERROR(folder_descriptor, open(".", O_RDONLY) == 3, execveat_call(3, "", plain, none, AT_EMPTY_PATH),
      EACCES)
ERROR(no_x_bit, file_copy(program, "no-x", 0666), call("no-x"), EACCES)
ERROR(no_x_bit_descriptor,
      file_copy(program, "denatured", 0644) && open("denatured", O_RDONLY) == 3,
      execveat_call(3, "", plain, none, AT_EMPTY_PATH), EACCES)
ERROR(no_x_bit_path_descriptor,
      file_copy(program, "denatured-path", 0644) && open("denatured-path", O_PATH) == 3,
      execveat_call(3, "", plain, none, AT_EMPTY_PATH), EACCES)
static bool pipe_descriptor(void)
{
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    REQUIRE_ERRNO(execveat_call(ends[0], "", plain, none, AT_EMPTY_PATH), EACCES);
    return true;
}
static bool x_bit_of_others(void)
{
    REQUIRE(file_copy(program, "others-only", 0655) && chown("others-only", NOBODY, NOBODY) == 0);
    REQUIRE(chmod("others-only", 0605) == 0); /* its owner may not, whatever others may */
    become_nobody();
    REQUIRE_ERRNO(call("others-only"), EACCES);
    return true;
}
static bool x_bit_of_owner(void)
{
    REQUIRE(file_copy(program, "owner-only", 0744));
    become_nobody();
    REQUIRE_ERRNO(call("owner-only"), EACCES);
    return true;
}
static bool no_search(void)
{
    REQUIRE(mkdir("no-search", 0755) == 0 && file_copy(program, "no-search/image", 0755));
    REQUIRE(chmod("no-search", 0644) == 0);
    become_nobody();
    REQUIRE_ERRNO(call("no-search/image"), EACCES);
    return true;
}
static bool no_search_then_missing(void)
{
    REQUIRE(mkdir("dark", 0700) == 0);
    become_nobody();
    REQUIRE_ERRNO(call("dark/missing"), EACCES);
    return true;
}
static bool no_search_by_effective(void)
{
    REQUIRE(mkdir("effective", 0700) == 0 && file_copy(program, "effective/image", 0755));
    REQUIRE(seteuid(NOBODY) == 0);
    REQUIRE_ERRNO(call("effective/image"), EACCES);
    return true;
}
static bool descriptor_needs_no_search(void)
{
    REQUIRE(mkdir("behind", 0755) == 0 && file_copy(program, "behind/image", 0755));
    int file = open("behind/image", O_RDONLY);
    REQUIRE(chmod("behind", 0) == 0);
    become_nobody();
    REQUIRE(exited(status_after(file, "", plain, none, AT_EMPTY_PATH), 99));
    return true;
}
ERROR(noexec, mounted_noexec("noexec-1"), call("noexec-1/image"), EACCES)
ERROR(noexec_script, mounted_noexec("noexec-2"), call("noexec-2/script"), EACCES)
static bool noexec_descriptor(void)
{
    REQUIRE(mounted_noexec("noexec-3"));
    int file = open("noexec-3/image", O_RDONLY);
    REQUIRE_ERRNO(execveat_call(file, "", plain, none, AT_EMPTY_PATH), EACCES);
    return true;
}
static bool noexec_interpreter(void)
{
    char line[200];

    REQUIRE(mounted_noexec("noexec-4"));
    snprintf(line, sizeof(line), "#!%s/noexec-4/image exit\n", folder);
    REQUIRE(script("noexec-interpreter", line));
    REQUIRE_ERRNO(call("noexec-interpreter"), EACCES);
    snprintf(line, sizeof(line), "%s/noexec-4/image", folder);
    REQUIRE(interpreted("noexec-loader", line));
    REQUIRE_ERRNO(call("noexec-loader"), EACCES);
    return true;
}
ERROR(open_for_writing, busy("busy"), call("busy"), ETXTBSY)
static bool open_for_writing_elsewhere(void)
{
    int ends[2];
    char byte;

    REQUIRE(file_copy(program, "busy-there", 0755) && pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (open("busy-there", O_RDWR) < 0 || write(ends[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    REQUIRE(read(ends[0], &byte, 1) == 1);
    REQUIRE_ERRNO(call("busy-there"), ETXTBSY);
    REQUIRE(kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL));
    REQUIRE(exited(status_after(AT_FDCWD, "busy-there", plain, none, 0), 99));
    return true;
}
static bool mapped_for_writing(void)
{
    REQUIRE(file_copy(program, "mapped", 0755));
    int file = open("mapped", O_RDWR);
    char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(bytes != MAP_FAILED && close(file) == 0);
    REQUIRE_ERRNO(call("mapped"), ETXTBSY);
    REQUIRE(munmap(bytes, 4096) == 0);
    REQUIRE(exited(status_after(AT_FDCWD, "mapped", plain, none, 0), 99));
    return true;
}
static bool script_open_for_writing(void)
{
    REQUIRE(script("busy-script", "#!/bin/sh\n") && open("busy-script", O_WRONLY) >= 0);
    REQUIRE_ERRNO(call("busy-script"), ETXTBSY);
    return true;
}
static bool interpreter_open_for_writing(void)
{
    char line[200];

    REQUIRE(busy("busy-interpreter"));
    snprintf(line, sizeof(line), "#!%s/busy-interpreter\n", folder);
    REQUIRE(script("of-busy", line));
    REQUIRE_ERRNO(call("of-busy"), ETXTBSY);
    REQUIRE(interpreted("loaded-by-busy", "busy-interpreter"));
    REQUIRE_ERRNO(call("loaded-by-busy"), ETXTBSY);
    return true;
}
static bool writing_what_runs(void)
{
    REQUIRE_ERRNO(open(program, O_WRONLY), ETXTBSY);
    REQUIRE_ERRNO(open(program, O_RDWR), ETXTBSY);
    REQUIRE_ERRNO(truncate(program, 0), ETXTBSY);
    return true;
}

/* ---- what the file holds ---- */

ERROR(empty_file, text_write("empty", "", 0755), call("empty"), ENOEXEC)
ERROR(text_file, text_write("text", "echo\n", 0755), call("text"), ENOEXEC)
ERROR(relocatable, image_of_type("relocatable", ET_REL), call("relocatable"), ENOEXEC)
ERROR(core_file, image_of_type("core-file", ET_CORE), call("core-file"), ENOEXEC)
ERROR(loader_missing, interpreted("loader-missing", "/no/such"), call("loader-missing"), ENOENT)
ERROR(loader_folder, interpreted("loader-folder", "/etc"), call("loader-folder"), EACCES)
ERROR(loader_denied, interpreted("loader-denied", "/etc/passwd"), call("loader-denied"), EACCES)
ERROR(loader_text,
      text_write("text-loader", "text\n", 0755) && interpreted("of-text", "text-loader"),
      call("of-text"), EIO)
static bool loader_long_text(void)
{
    char text[400];

    memset(text, 't', sizeof(text));
    REQUIRE(file_write("long-text", text, sizeof(text), 0755));
    REQUIRE(interpreted("of-long-text", "long-text"));
    REQUIRE_ERRNO(call("of-long-text"), ELIBBAD);
    return true;
}
static bool loader_script(void)
{
    char text[400] = "#!/bin/sh\n";

    REQUIRE(file_write("script-loader", text, sizeof(text), 0755));
    REQUIRE(interpreted("of-script", "script-loader"));
    REQUIRE_ERRNO(call("of-script"), ELIBBAD);
    return true;
}
static bool loader_relocatable(void)
{
    REQUIRE(image_of_type("relocatable-loader", ET_REL));
    REQUIRE(interpreted("of-relocatable", "relocatable-loader"));
    int status = status_after(AT_FDCWD, "of-relocatable", plain, none, 0);
    REQUIRE(is_linux ? killed_by(status, SIGSEGV) : exited(status, ELIBBAD));
    return true;
}
ERROR(loader_not_directory, interpreted("loader-not-directory", "/etc/passwd/x"),
      call("loader-not-directory"), ENOTDIR)
ERROR(loader_circle,
      symlink("loader-round", "loader-round") == 0 && interpreted("in-circle", "loader-round"),
      call("in-circle"), ELOOP)
static bool loader_name_too_long(void)
{
    char name[301];

    memset(name, 'n', 300);
    name[300] = '\0';
    REQUIRE(interpreted("loader-long", name));
    REQUIRE_ERRNO(call("loader-long"), ENAMETOOLONG);
    return true;
}
ERROR(loader_unterminated, image_with_interpreter("unterminated", "/bin/sh", 7),
      call("unterminated"), ENOEXEC)
ERROR(loader_empty, image_with_interpreter("no-name", "", 1), call("no-name"), ENOEXEC)
ERROR(loader_two_nuls, image_with_interpreter("two-nuls", "\0", 2), call("two-nuls"), EACCES)
static bool loader_outside(void)
{
    REQUIRE(interpreted("outside", "/bin/sh"));
    changed->p_offset = (uint64_t)1 << 40;
    REQUIRE(file_write("outside", image, image_size, 0755));
    REQUIRE_ERRNO(call("outside"), EIO);
    return true;
}
ERROR(script_no_interpreter, script("script-none", "#!/no/such\n"), call("script-none"), ENOENT)
ERROR(script_folder, script("script-folder", "#!/etc\n"), call("script-folder"), EACCES)
ERROR(script_denied, script("script-denied", "#!/etc/passwd\n"), call("script-denied"), EACCES)
ERROR(script_not_directory, script("script-not-directory", "#!/etc/passwd/x\n"),
      call("script-not-directory"), ENOTDIR)
ERROR(script_text_interpreter,
      text_write("text-interpreter", "text\n", 0755) &&
          script("script-of-text", "#!text-interpreter\n"),
      call("script-of-text"), ENOEXEC)
ERROR(script_of_itself, script("script-itself", "#!script-itself\n"), call("script-itself"), ELOOP)
ERROR(script_empty_line, script("script-empty", "#!\n"), call("script-empty"), ENOEXEC)

/* ---- the arguments ---- */

ERROR(list_fault, true, execve(program, bad_list, none), EFAULT)
ERROR(string_fault, true, execve(program, bad_string, none), EFAULT)
ERROR(environment_fault, true, execve(program, plain, bad_list), EFAULT)
ERROR(variable_fault, true, execve(program, plain, bad_string), EFAULT)
ERROR(argument_too_long, true, execve(program, too_long, none), E2BIG)
ERROR(variable_too_long, true, execve(program, plain, too_long), E2BIG)
ERROR(bad_flags, true, execveat_call(AT_FDCWD, program, plain, none, 0xffff), EINVAL)
ERROR(one_bad_flag, true, execveat_call(AT_FDCWD, program, plain, none, AT_REMOVEDIR), EINVAL)
ERROR(bad_descriptor, true, execveat_call(99, "", plain, none, AT_EMPTY_PATH), EBADF)
ERROR(bad_folder_descriptor, true, execveat_call(99, "image", plain, none, 0), EBADF)
ERROR(file_as_folder, open(program, O_RDONLY) == 3, execveat_call(3, "image", plain, none, 0),
      ENOTDIR)
ERROR(path_file_as_folder, open(program, O_PATH) == 3, execveat_call(3, "image", plain, none, 0),
      ENOTDIR)

/* ---- the process ---- */

/* execve(2): setuid() took the user beyond its limit of processes; exec is where that shows. */
static uid_t own_user(void)
{
    return 20000 + case_number; /* whose processes nobody else's case has left */
}
static void become_user(void)
{
    if (setuid(own_user()) < 0)
        _exit(9);
}
static pid_t another_of_user(void)
{
    pid_t child = fork();

    if (child == 0) {
        become_user();
        for (;;)
            pause();
    }
    return child;
}
static bool is_users(pid_t process)
{
    char path[64];
    struct stat status;

    snprintf(path, sizeof(path), "/proc/%d", process);
    return stat(path, &status) == 0 && status.st_uid == own_user();
}
static bool exceed_processes(rlim_t processes)
{
    struct rlimit limit = {processes, processes};
    pid_t first = another_of_user(), second = another_of_user();

    note_number("FIRST", first);
    note_number("OTHER", second);
    REQUIRE(EVENTUALLY(is_users(first) && is_users(second)));
    REQUIRE(setrlimit(RLIMIT_NPROC, &limit) == 0);
    become_user(); /* two of its processes are there already */
    return true;
}
ERROR(too_many_processes, exceed_processes(1), call(program), EAGAIN)
ERROR(too_many_processes_first, exceed_processes(1), execve("missing", bad_list, none), EAGAIN)
ERROR(path_fault_before_processes, exceed_processes(1), call(bad_path), EFAULT)
static bool processes_within_limit(void)
{
    REQUIRE(exceed_processes(2));
    execve(program, (char *[]){"x", "exit", "0", NULL}, none);
    return false;
}
static bool again_within_limit(void)
{
    REQUIRE(exceed_processes(1));
    REQUIRE_ERRNO(call(program), EAGAIN);
    kill(noted_number("OTHER"), SIGKILL);
    REQUIRE(killed_by(status_of(noted_number("OTHER")), SIGKILL));
    REQUIRE_ERRNO(call(program), EAGAIN); /* two are still one too many */
    kill(noted_number("FIRST"), SIGKILL);
    REQUIRE(killed_by(status_of(noted_number("FIRST")), SIGKILL));
    execve(program, (char *[]){"x", "exit", "0", NULL}, none);
    return false;
}
static bool root_exceeds_processes(void)
{
    struct rlimit limit = {1, 1};

    REQUIRE(setrlimit(RLIMIT_NPROC, &limit) == 0);
    execve(program, (char *[]){"x", "exit", "0", NULL}, none);
    return false;
}
static bool only_setuid_counts(void)
{
    struct rlimit limit = {1, 1};
    pid_t child = another_of_user();

    REQUIRE(EVENTUALLY(is_users(child)));
    become_user(); /* while the limit is not exceeded yet */
    REQUIRE(setrlimit(RLIMIT_NPROC, &limit) == 0);
    execve(program, (char *[]){"x", "exit", "0", NULL}, none);
    return false;
}
static bool no_descriptor_needed(void)
{
    struct rlimit limit = {3, 3};

    for (int at = 3; at < 20; at++)
        close(at);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    REQUIRE_ERRNO(open(program, O_RDONLY), EMFILE);
    REQUIRE(exited(status_after(AT_FDCWD, program, plain, none, 0), 99));
    return true;
}

static const struct exec_case cases[] = {
    CASE("ENOENT: no such file", "execve(2)", missing),
    CASE("ENOENT: no such folder", "execve(2)", missing_folder),
    CASE("ENOENT: a link to nowhere", "execve(2)", dangling),
    CASE("ENOENT: an empty path", "path_resolution(7)", empty),
    CASE("ENOENT: an empty path without AT_EMPTY_PATH", "execveat(2)", empty_at),
    CASE("EACCES: the working directory by AT_EMPTY_PATH", "execveat(2)", working_folder),
    CASE("EFAULT: the path is NULL", "execve(2)", null_path),
    CASE("EFAULT: the path is NULL, with AT_EMPTY_PATH", "execveat(2)", null_path_at),
    CASE("EFAULT: the path at a bad address", "execve(2)", path_at_bad_address),
    CASE("EFAULT: the path in the kernel's half", "execve(2)", path_in_kernel_half),
    CASE("EFAULT: the path at no canonical address", "execve(2)", path_not_canonical),
    CASE("EFAULT: the path straddles an unmapped page", "execve(2)", path_straddles),
    CASE("a path that ends where a page does", "execve(2)", path_ends_with_page),
    CASE("ENOTDIR: a path through a file", "execve(2)", path_through_file),
    CASE("ENOTDIR: a slash behind a file", "path_resolution(7)", slash_behind_file),
    CASE("ENAMETOOLONG: a name of 256 bytes", "execve(2)", name_too_long),
    CASE("ENOENT: a name of 255 bytes is not too long", "execve(2)", longest_name),
    CASE("ENAMETOOLONG: a path of 4096 bytes", "execve(2)", path_too_long),
    CASE("EACCES: a path of 4095 bytes is not too long", "execve(2)", longest_path),
    CASE("ELOOP: links in a circle", "execve(2)", circle),
    CASE("ELOOP: links in a circle within the path", "execve(2)", circle_in_path),
    CASE("ELOOP: forty-one links", "path_resolution(7)", forty_one_links),
    CASE("EACCES: a directory", "execve(2)", folder_itself),
    CASE("EACCES: the root directory", "execve(2)", root_folder),
    CASE("EACCES: /dev/null", "execve(2)", null_device),
    CASE("EACCES: a character device with x bits", "execve(2)", character_device),
    CASE("EACCES: a block device with x bits", "execve(2)", block_device),
    CASE("EACCES: a FIFO", "execve(2)", fifo),
    CASE("EACCES: a socket's file", "execve(2)", socket_file),
    CASE("EACCES: a directory's descriptor", "execveat(2)", folder_descriptor),
    CASE("EACCES: a pipe's descriptor", "execveat(2)", pipe_descriptor),
    CASE("EACCES: no x bit at all, for root", "execve(2)", no_x_bit),
    CASE("EACCES: no x bit, by descriptor", "execveat(2)", no_x_bit_descriptor),
    CASE("EACCES: no x bit, by O_PATH", "execveat(2)", no_x_bit_path_descriptor),
    CASE("EACCES: the x bit of others is not the owner's", "path_resolution(7)", x_bit_of_others),
    CASE("EACCES: the x bit of the owner is not others'", "path_resolution(7)", x_bit_of_owner),
    CASE("EACCES: no search permission in the path", "execve(2)", no_search),
    CASE("EACCES: no search permission, before ENOENT", "path_resolution(7)",
         no_search_then_missing),
    CASE("EACCES: the effective user decides", "path_resolution(7)", no_search_by_effective),
    CASE("a descriptor needs no search permission", "execveat(2)", descriptor_needs_no_search),
    CASE("EACCES: mounted noexec", "execve(2)", noexec),
    CASE("EACCES: mounted noexec, by descriptor", "execve(2)", noexec_descriptor),
    CASE("EACCES: a script mounted noexec", "execve(2)", noexec_script),
    CASE("EACCES: an interpreter mounted noexec", "execve(2)", noexec_interpreter),
    CASE("ETXTBSY: open for writing", "execve(2)", open_for_writing),
    CASE("ETXTBSY: open for writing elsewhere, until that ends", "execve(2)",
         open_for_writing_elsewhere),
    CASE("ETXTBSY: mapped for writing, until that ends", "execve(2)", mapped_for_writing),
    CASE("ETXTBSY: a script open for writing", "execve(2)", script_open_for_writing),
    CASE("ETXTBSY: an interpreter open for writing", "execve(2)", interpreter_open_for_writing),
    CASE("ETXTBSY: writing to what runs", "open(2), truncate(2)", writing_what_runs),
    CASE("ENOEXEC: an empty file", "execve(2)", empty_file),
    CASE("ENOEXEC: a text", "execve(2)", text_file),
    CASE("ENOEXEC: a relocatable file", "execve(2)", relocatable),
    CASE("ENOEXEC: a core file", "execve(2)", core_file),
    CASE("ENOENT: the ELF interpreter is missing", "execve(2)", loader_missing),
    CASE("EACCES: the ELF interpreter is a directory", "execve(2)", loader_folder),
    CASE("EACCES: the ELF interpreter has no x bit", "execve(2)", loader_denied),
    CASE("EIO: the ELF interpreter is shorter than a header", "execve(2)", loader_text),
    CASE("ELIBBAD: the ELF interpreter is a text", "execve(2)", loader_long_text),
    CASE("ELIBBAD: the ELF interpreter is a script", "execve(2)", loader_script),
    STRICTER("ELIBBAD: the ELF interpreter is relocatable", "execve(2)", loader_relocatable,
             "ends the caller by SIGSEGV"),
    CASE("ENOTDIR: the ELF interpreter's path", "execve(2)", loader_not_directory),
    CASE("ELOOP: the ELF interpreter's path", "execve(2)", loader_circle),
    CASE("ENAMETOOLONG: the ELF interpreter's name", "execve(2)", loader_name_too_long),
    CASE("ENOEXEC: the ELF interpreter's name has no NUL", "elf(5), PT_INTERP",
         loader_unterminated),
    CASE("ENOEXEC: the ELF interpreter's name has one byte", "elf(5), PT_INTERP", loader_empty),
    CASE("EACCES: the ELF interpreter's name is empty", "elf(5), PT_INTERP", loader_two_nuls),
    CASE("EIO: the ELF interpreter's name is outside the file", "execve(2)", loader_outside),
    CASE("ENOENT: a script's interpreter is missing", "execve(2)", script_no_interpreter),
    CASE("EACCES: a script's interpreter is a directory", "execve(2)", script_folder),
    CASE("EACCES: a script's interpreter has no x bit", "execve(2)", script_denied),
    CASE("ENOTDIR: a script's interpreter's path", "execve(2)", script_not_directory),
    CASE("ENOEXEC: a script's interpreter is a text", "execve(2)", script_text_interpreter),
    CASE("ELOOP: a script is its own interpreter", "execve(2)", script_of_itself),
    CASE("ENOEXEC: a script without an interpreter", "execve(2)", script_empty_line),
    CASE("EFAULT: the argument list", "execve(2)", list_fault),
    CASE("EFAULT: an argument", "execve(2)", string_fault),
    CASE("EFAULT: the environment list", "execve(2)", environment_fault),
    CASE("EFAULT: a variable", "execve(2)", variable_fault),
    CASE("E2BIG: an argument of 128 KiB and a NUL", "execve(2)", argument_too_long),
    CASE("E2BIG: a variable of 128 KiB and a NUL", "execve(2)", variable_too_long),
    CASE("EINVAL: unknown flags", "execveat(2)", bad_flags),
    CASE("EINVAL: a flag of another call", "execveat(2)", one_bad_flag),
    CASE("EBADF: AT_EMPTY_PATH", "execveat(2)", bad_descriptor),
    CASE("EBADF: a relative path", "execveat(2)", bad_folder_descriptor),
    CASE("ENOTDIR: relative to a file", "execveat(2)", file_as_folder),
    CASE("ENOTDIR: relative to a file opened with O_PATH", "execveat(2)", path_file_as_folder),
    CASE("EAGAIN: setuid() exceeded RLIMIT_NPROC", "execve(2)", too_many_processes),
    CASE("EAGAIN, until the user is within the limit again", "execve(2)", again_within_limit),
    CASE("RLIMIT_NPROC: not exceeded", "execve(2)", processes_within_limit),
    CASE("RLIMIT_NPROC: root may exceed it", "getrlimit(2)", root_exceeds_processes),
    CASE("RLIMIT_NPROC: exceeded otherwise than by setuid()", "execve(2)", only_setuid_counts),
    CASE("no descriptor is needed, where open(2) says EMFILE", "execve(2)", no_descriptor_needed),
    CASE("order: EAGAIN before EFAULT of the list", "execve(2)", too_many_processes_first),
    CASE("order: EFAULT of the path before EAGAIN", "execve(2)", path_fault_before_processes),
};

int main(int count, char **arguments)
{
    memset(longest, 'a', sizeof(longest) - 1);
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
