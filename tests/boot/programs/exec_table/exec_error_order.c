/*
 * exec_error_order: which error is given where two apply: Linux's order, in which the call first
 * copies its arguments, then opens the file, then looks at its contents. Part of the table of
 * exec_cases.h.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <sys/resource.h>

#include "exec_errors.h"

static char *bad_then_long[] = {"x", (char *)8, longest, NULL};
static char *long_then_bad[] = {"x", longest, (char *)8, NULL};

ERROR(path_fault_list_fault, true, execve(bad_path, bad_list, none), EFAULT)
ERROR(long_path_list_fault, memset(long_path, '/', 4096), execve(long_path, bad_list, none),
      ENAMETOOLONG)
ERROR(empty_path_list_fault, true, execve("", bad_list, none), ENOENT)
ERROR(list_fault_missing, true, execve("missing", bad_list, none), EFAULT)
ERROR(string_fault_missing, true, execve("missing", bad_string, none), EFAULT)
ERROR(too_long_missing, true, execve("missing", too_long, none), E2BIG)
ERROR(too_long_text, text_write("text-2", "echo\n", 0755), execve("text-2", too_long, none), E2BIG)
ERROR(too_long_long_name, memset(long_name, 'n', 256), execve(long_name, too_long, none), E2BIG)
ERROR(list_fault_environment_too_long, true, execve(program, bad_list, too_long), EFAULT)
ERROR(environment_list_fault_too_long, true, execve(program, too_long, bad_list), EFAULT)
ERROR(string_fault_variable_too_long, true, execve(program, bad_string, too_long), E2BIG)
ERROR(too_long_variable_fault, true, execve(program, too_long, bad_string), EFAULT)
ERROR(last_string_first_long, true, execve(program, bad_then_long, none), E2BIG)
ERROR(last_string_first_bad, true, execve(program, long_then_bad, none), EFAULT)
ERROR(last_variable_first_long, true, execve(program, plain, bad_then_long), E2BIG)
ERROR(last_variable_first_bad, true, execve(program, plain, long_then_bad), EFAULT)
ERROR(string_fault_flags, true, execveat_call(AT_FDCWD, program, bad_string, none, 0xffff), EFAULT)
ERROR(flags_missing, true, execveat_call(AT_FDCWD, "missing", plain, none, 0xffff), EINVAL)
ERROR(flags_bad_descriptor, true, execveat_call(99, "", plain, none, AT_EMPTY_PATH | 0x8000),
      EINVAL)
ERROR(path_fault_flags, true, execveat_call(AT_FDCWD, bad_path, plain, none, 0xffff), EFAULT)
ERROR(empty_without_flag_bad_descriptor, true, execveat_call(99, "", plain, none, 0), ENOENT)
ERROR(bad_descriptor_long_name, memset(long_name, 'n', 256),
      execveat_call(99, long_name, plain, none, 0), EBADF)
ERROR(file_as_folder_long_name, memset(long_name, 'n', 256) && open(program, O_RDONLY) == 3,
      execveat_call(3, long_name, plain, none, 0), ENOTDIR)
ERROR(no_follow_without_x, file_copy(program, "link-no-x", 0644) && symlink("link-no-x", "l") == 0,
      execveat_call(AT_FDCWD, "l", plain, none, AT_SYMLINK_NOFOLLOW), ELOOP)
ERROR(denied_and_busy,
      file_copy(program, "denied-busy", 0644) && open("denied-busy", O_WRONLY) >= 0,
      call("denied-busy"), EACCES)
ERROR(denied_and_text, text_write("denied-text", "text\n", 0644), call("denied-text"), EACCES)
ERROR(busy_and_text, text_write("busy-text", "text\n", 0755) && open("busy-text", O_WRONLY) >= 0,
      call("busy-text"), ETXTBSY)
static bool noexec_and_busy(void)
{
    REQUIRE(mounted_noexec("noexec-5") && open("noexec-5/image", O_WRONLY) >= 0);
    REQUIRE_ERRNO(call("noexec-5/image"), EACCES);
    return true;
}
static bool noexec_and_missing(void)
{
    REQUIRE(mounted_noexec("noexec-6"));
    REQUIRE_ERRNO(call("noexec-6/missing"), ENOENT);
    return true;
}
static bool folder_and_slash(void)
{
    REQUIRE(mkdir("slash-folder", 0) == 0);
    REQUIRE_ERRNO(call("slash-folder/"), EACCES);
    become_nobody();
    REQUIRE_ERRNO(call("slash-folder/x"), EACCES);
    return true;
}
static bool script_closed_without_interpreter(void)
{
    REQUIRE(script("closed-none", "#!/no/such\n"));
    int file = open("closed-none", O_RDONLY | O_CLOEXEC);
    REQUIRE_ERRNO(execveat_call(file, "", plain, none, AT_EMPTY_PATH), ENOENT);
    return true;
}
static bool script_closed_and_malformed(void)
{
    REQUIRE(script("closed-malformed", "#!\n"));
    int file = open("closed-malformed", O_RDONLY | O_CLOEXEC);
    REQUIRE_ERRNO(execveat_call(file, "", plain, none, AT_EMPTY_PATH), ENOEXEC);
    return true;
}
/* Six scripts, one the interpreter of the other, and then `last`. */
static bool nested(const char *last)
{
    char name[32], line[64];

    for (int at = 1; at <= 6; at++) {
        snprintf(name, sizeof(name), "nested-%d", at);
        snprintf(line, sizeof(line), "#!nested-%d\n", at + 1);
        REQUIRE(script(name, at < 6 ? line : last));
    }
    return true;
}
ERROR(too_deep, nested("#!/bin/busybox\n"), call("nested-1"), ELOOP)
ERROR(too_deep_and_missing, nested("#!/no/such\n"), call("nested-1"), ENOENT)
ERROR(too_deep_and_malformed, nested("#!\n"), call("nested-1"), ENOEXEC)
ERROR(too_deep_and_denied, nested("#!/etc/passwd\n"), call("nested-1"), EACCES)
static bool big_script_without_interpreter(void)
{
    /* The interpreter's name makes the arguments one string too many. */
    struct rlimit limit = {128 << 10, RLIM_INFINITY};
    static char half[65500];
    char *arguments[] = {"x", half, half, NULL};

    memset(half, 'h', sizeof(half) - 1);
    REQUIRE(script("script-big", "#!/no/such an-argument-that-takes-some-more-bytes\n"));
    REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
    REQUIRE_ERRNO(execve("script-big", arguments, none), E2BIG);
    REQUIRE_ERRNO(execve("missing", arguments, none), ENOENT);
    return true;
}
static bool loader_missing_and_bad_segment(void)
{
    REQUIRE(interpreted("two-faults", "/no/such"));
    for (Elf64_Phdr *header = changed; (uint8_t *)header > image; header--)
        if (header->p_type == PT_LOAD && header->p_filesz) {
            header->p_memsz = header->p_filesz - 1;
            break;
        }
    REQUIRE(file_write("two-faults", image, image_size + 9, 0755));
    REQUIRE_ERRNO(call("two-faults"), ENOENT);
    return true;
}
static bool type_and_loader(void)
{
    REQUIRE(interpreted("type-and-loader", "/no/such"));
    ((Elf64_Ehdr *)image)->e_type = ET_REL;
    REQUIRE(file_write("type-and-loader", image, image_size + 9, 0755));
    REQUIRE_ERRNO(call("type-and-loader"), ENOEXEC);
    return true;
}
static bool loader_text_and_no_room(void)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY};

    REQUIRE(text_write("bad-loader", "text\n", 0755) && interpreted("no-room", "bad-loader"));
    REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
    REQUIRE_ERRNO(call("no-room"), EIO);
    return true;
}

static const struct exec_case cases[] = {
    CASE("order: path EFAULT, list EFAULT", "execve(2)", path_fault_list_fault),
    CASE("order: path ENAMETOOLONG, list EFAULT", "execve(2)", long_path_list_fault),
    CASE("order: empty path ENOENT, list EFAULT", "execve(2)", empty_path_list_fault),
    CASE("order: list EFAULT, missing ENOENT", "execve(2)", list_fault_missing),
    CASE("order: argument EFAULT, missing ENOENT", "execve(2)", string_fault_missing),
    CASE("order: E2BIG, missing ENOENT", "execve(2)", too_long_missing),
    CASE("order: E2BIG, a text's ENOEXEC", "execve(2)", too_long_text),
    CASE("order: E2BIG, a component's ENAMETOOLONG", "execve(2)", too_long_long_name),
    CASE("order: list EFAULT, variable E2BIG", "execve(2)", list_fault_environment_too_long),
    CASE("order: environment list EFAULT, argument E2BIG", "execve(2)",
         environment_list_fault_too_long),
    CASE("order: variable E2BIG, argument EFAULT", "execve(2)", string_fault_variable_too_long),
    CASE("order: variable EFAULT, argument E2BIG", "execve(2)", too_long_variable_fault),
    CASE("order: last argument E2BIG, first EFAULT", "execve(2)", last_string_first_long),
    CASE("order: last argument EFAULT, first E2BIG", "execve(2)", last_string_first_bad),
    CASE("order: last variable E2BIG, first EFAULT", "execve(2)", last_variable_first_long),
    CASE("order: last variable EFAULT, first E2BIG", "execve(2)", last_variable_first_bad),
    CASE("order: argument EFAULT, flags EINVAL", "execveat(2)", string_fault_flags),
    CASE("order: flags EINVAL, missing ENOENT", "execveat(2)", flags_missing),
    CASE("order: flags EINVAL, descriptor EBADF", "execveat(2)", flags_bad_descriptor),
    CASE("order: path EFAULT, flags EINVAL", "execveat(2)", path_fault_flags),
    CASE("order: empty path ENOENT, EBADF", "execveat(2)", empty_without_flag_bad_descriptor),
    CASE("order: EBADF, ENAMETOOLONG", "execveat(2)", bad_descriptor_long_name),
    CASE("order: ENOTDIR, ENAMETOOLONG", "execveat(2)", file_as_folder_long_name),
    CASE("order: ELOOP of AT_SYMLINK_NOFOLLOW, EACCES", "execveat(2)", no_follow_without_x),
    CASE("order: EACCES, ETXTBSY", "execve(2)", denied_and_busy),
    CASE("order: EACCES, ENOEXEC", "execve(2)", denied_and_text),
    CASE("order: ETXTBSY, ENOEXEC", "execve(2)", busy_and_text),
    CASE("order: noexec EACCES, ETXTBSY", "execve(2)", noexec_and_busy),
    CASE("order: ENOENT, noexec EACCES", "execve(2)", noexec_and_missing),
    CASE("order: a directory's EACCES, its search permission", "execve(2)", folder_and_slash),
    CASE("order: O_CLOEXEC ENOENT, the interpreter", "execveat(2)",
         script_closed_without_interpreter),
    CASE("order: a malformed line ENOEXEC, O_CLOEXEC ENOENT", "execveat(2)",
         script_closed_and_malformed),
    CASE("ELOOP: six scripts, one for the other", "execve(2)", too_deep),
    CASE("order: interpreter ENOENT, depth ELOOP", "execve(2)", too_deep_and_missing),
    CASE("order: malformed line ENOEXEC, depth ELOOP", "execve(2)", too_deep_and_malformed),
    CASE("order: interpreter EACCES, depth ELOOP", "execve(2)", too_deep_and_denied),
    CASE("order: a script's E2BIG, interpreter ENOENT", "execve(2)",
         big_script_without_interpreter),
    CASE("order: ELF interpreter ENOENT, segment EINVAL", "execve(2)",
         loader_missing_and_bad_segment),
    CASE("order: type ENOEXEC, ELF interpreter ENOENT", "execve(2)", type_and_loader),
    CASE("order: ELF interpreter's file, ENOMEM", "execve(2)", loader_text_and_no_room),
};

int main(int count, char **arguments)
{
    memset(longest, 'a', sizeof(longest) - 1);
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
