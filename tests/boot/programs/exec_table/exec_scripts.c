/*
 * exec_scripts: files that begin with #!, which their interpreter runs (execve(2), "Interpreter
 * scripts"). Most cases are lines of text and what the interpreter is to be given; %s in them is
 * this program's path, which tells it. Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <sys/prctl.h>

#include "exec_cases.h"

#define LINE_MAXIMUM 256 /* what Linux reads of a file to see what it is: BINPRM_BUF_SIZE */

static char *given[] = {"first", "a", "b c", "", NULL};
static char *variables[] = {"TELL=1", "B=", NULL};

#define REST "a|b c|;TELL=1|B="

/* ---- lines: what becomes of "script" when it begins so ---- */

static const struct line_case {
    const char *name;
    const char *text; /* the file */
    const char *told; /* what the interpreter tells, or "errno N" */
} lines[] = {
    {"script: no argument but tell", "#!%s tell\n", "%s|tell|./script|" REST},
    {"script: blanks in front", "#! \t  %s tell\n", "%s|tell|./script|" REST},
    {"script: a tab in between", "#!%s\ttell\n", "%s|tell|./script|" REST},
    {"script: many blanks in between", "#!%s \t \t tell\n", "%s|tell|./script|" REST},
    {"script: blanks behind", "#!%s tell \t \n", "%s|tell|./script|" REST},
    {"script: no newline at the end", "#!%s tell", "%s|tell|./script|" REST},
    {"script: blanks and no newline at the end stay", "#!%s tell  ", "%s|tell  |./script|" REST},
    {"script: text behind the line", "#!%s tell\nexit 1\n", "%s|tell|./script|" REST},
    {"script: an interpreter beside the script", "#!interpreter tell\n",
     "interpreter|tell|./script|" REST},
    {"script: an interpreter by a relative path", "#!./interpreter tell\n",
     "./interpreter|tell|./script|" REST},
    {"script: a symbolic link as interpreter", "#!interpreter-link tell\n",
     "interpreter-link|tell|./script|" REST},
    {"script: an empty line", "#!\n%s tell\n", "errno 8"},
    {"script: a line of blanks", "#!   \t \n%s\n", "errno 8"},
    {"script: nothing behind it is the empty name", "#!", "errno 13"},
    {"script: blanks and the file's end are the empty name", "#!    ", "errno 13"},
    {"script: a blank in between is no script", "# !%s tell\n", "errno 8"},
    {"script: in the second line is no script", "\n#!%s tell\n", "errno 8"},
    {"script: a blank in front is no script", " #!%s tell\n", "errno 8"},
    {"script: one byte, the first", "#", "errno 8"},
    {"script: a carriage return belongs to the argument", "#!%s tell\r\n",
     "%s|tell\r|./script|" REST},
    {"script: a carriage return belongs to the name", "#!%s\r\n", "errno 2"},
    {"script: quotes are no quotes", "#!\"%s\" tell\n", "errno 2"},
    {"script: a name of several words is none", "#!/no such\n", "errno 2"},
};

/* ---- long lines: SIZE bytes with #!, as Linux's own test of its reading counts them ---- */

static const struct length_case {
    const char *name;
    size_t size;      /* of the line, without what ends it */
    const char *lead; /* behind #! */
    const char *argument;
    const char *end;
    bool good;
} lengths[] = {
    {"script: a line of 256 bytes and the newline is cut in the name", 256, "", "", "\n", false},
    {"script: a line of 336 bytes is cut in the name", 336, "", "", "\n", false},
    {"script: 256 bytes with a blank in front are cut in the name", 256, " ", "", "\n", false},
    {"script: blanks in front push the name out", 273, "                   ", "", "\n", false},
    {"script: 255 bytes and the newline", 255, "", "", "\n", true},
    {"script: 254 bytes and the newline", 254, "", "", "\n", true},
    {"script: 256 bytes, the last a blank", 256, "", " ", "\n", true},
    {"script: 256 bytes, the last an argument", 256, "", " f", "\n", true},
    {"script: 255 bytes, the last an argument", 255, "", " f", "\n", true},
    {"script: 255 bytes without a newline", 255, "", "", "", true},
    {"script: 256 bytes without a newline", 256, "", "", "", false},
    {"script: 254 bytes without a newline", 254, "", "", "", true},
    {"script: 128 bytes without a newline", 128, "", "", "", true},
    {"script: 255 bytes, the first and the last a blank", 255, " ", " ", "\n", true},
    {"script: 128 bytes, the first and the last a blank", 128, " ", " ", "\n", true},
};

static const char *filled(char *buffer, size_t size, const char *text)
{
    const char *place = strstr(text, "%s");

    if (place)
        snprintf(buffer, size, "%.*s%s%s", (int)(place - text), text, program, place + 2);
    else
        snprintf(buffer, size, "%s", text);
    return buffer;
}

static bool enter_own_folder(void)
{
    char name[32];

    snprintf(name, sizeof(name), "case-%zu", case_number);
    return mkdir(name, 0755) == 0 && chdir(name) == 0;
}

static bool run_line(void)
{
    const struct line_case *line = &lines[case_number];
    char text[1024], wanted[1024];

    REQUIRE(enter_own_folder() && file_copy(program, "interpreter", 0755));
    REQUIRE(symlink("interpreter", "interpreter-link") == 0);
    REQUIRE(text_write("script", filled(text, sizeof(text), line->text), 0755));
    REQUIRE_TOLD(filled(wanted, sizeof(wanted), line->told), AT_FDCWD, "./script", given, variables,
                 0);
    return true;
}

/* The name of an interpreter that fills a line; it lies in folders of 99 bytes. */
static bool run_length(void)
{
    static char *told_variables[] = {"TELL=1", NULL};
    const struct length_case *length = &lengths[case_number - array_length(lines)];
    size_t name_size = length->size - 2 - strlen(length->lead) - strlen(length->argument);
    bool has_argument = strlen(length->argument) > 1 && length->size < LINE_MAXIMUM;
    char name[400], text[500];

    REQUIRE(enter_own_folder());
    memset(name, 'x', sizeof(name));
    for (size_t at = 99; at + 20 < name_size; at += 100) {
        name[at] = '\0';
        REQUIRE(mkdir(name, 0755) == 0);
        name[at] = '/';
    }
    name[name_size] = '\0';
    REQUIRE(file_copy(program, name, 0755));
    snprintf(text, sizeof(text), "#!%s%s%s%s", length->lead, name, length->argument, length->end);
    REQUIRE(text_write("script", text, 0755));
    snprintf(text, sizeof(text), "%s%s|script|a|b c|;TELL=1", name, has_argument ? "|f" : "");
    REQUIRE_TOLD(length->good ? text : "errno 8", AT_FDCWD, "script", given, told_variables, 0);
    return true;
}

/* An argument longer than the line: it is cut at 255 bytes. */
static bool argument_cut(void)
{
    static char *told_variables[] = {"TELL=1", NULL};
    char text[800], wanted[800];

    REQUIRE(enter_own_folder() && file_copy(program, "interpreter", 0755));
    size_t size = snprintf(text, sizeof(text), "#!interpreter ");
    memset(text + size, 'y', 500);
    strcpy(text + size + 500, "\n");
    REQUIRE(text_write("script", text, 0755));
    text[LINE_MAXIMUM - 1] = '\0';
    snprintf(wanted, sizeof(wanted), "interpreter|%s|script|a|b c|;TELL=1", text + size);
    REQUIRE_TOLD(wanted, AT_FDCWD, "script", given, told_variables, 0);
    return true;
}

/* ---- bytes that are no text ---- */

static bool told_of_bytes(const char *bytes, size_t size, const char *wanted)
{
    static char *told_variables[] = {"TELL=1", NULL};

    REQUIRE(enter_own_folder() && file_copy(program, "interpreter", 0755));
    REQUIRE(file_write("script", bytes, size, 0755));
    REQUIRE_TOLD(wanted, AT_FDCWD, "script", given, told_variables, 0);
    return true;
}
static bool nul_behind_name(void)
{
    static const char bytes[] = "#!interpreter\0rest\n";

    return told_of_bytes(bytes, sizeof(bytes) - 1, "interpreter|script|a|b c|;TELL=1");
}
static bool nul_in_argument(void)
{
    static const char bytes[] = "#!interpreter f\0g\n";

    return told_of_bytes(bytes, sizeof(bytes) - 1, "interpreter|f|script|a|b c|;TELL=1");
}
static bool nul_in_front(void)
{
    static const char bytes[] = "#!\0interpreter\n";

    return told_of_bytes(bytes, sizeof(bytes) - 1, "errno 13"); /* the empty name: this folder */
}
static bool high_bytes(void)
{
    static const char bytes[] = "#!interpreter \xff\xc3\xa4\x01\n";

    return told_of_bytes(bytes, sizeof(bytes) - 1,
                         "interpreter|\xff\xc3\xa4\x01|script|a|b c|;TELL=1");
}
static bool long_file(void)
{
    static char bytes[100000] = "#!interpreter f\n";

    return told_of_bytes(bytes, sizeof(bytes), "interpreter|f|script|a|b c|;TELL=1");
}
static bool page_of_blanks(void)
{
    static char bytes[4200];

    memset(bytes, ' ', sizeof(bytes));
    memcpy(bytes, "#!", 2);
    memcpy(bytes + 4180, "interpreter\n", 12);
    return told_of_bytes(bytes, sizeof(bytes), "errno 8");
}

/* ---- scripts for scripts ---- */

static bool nested_scripts(unsigned depth, const char *wanted)
{
    char name[32], line[64];

    REQUIRE(enter_own_folder() && file_copy(program, "s0", 0755));
    for (unsigned at = 1; at <= depth; at++) {
        snprintf(name, sizeof(name), "s%u", at);
        snprintf(line, sizeof(line), "#!s%u argument-%u\n", at - 1, at);
        REQUIRE(text_write(name, line, 0755));
    }
    snprintf(name, sizeof(name), "s%u", depth);
    REQUIRE_TOLD(wanted, AT_FDCWD, name, given, ((char *[]){"TELL=1", NULL}), 0);
    return true;
}
static bool nested_two(void)
{
    return nested_scripts(2, "s0|argument-1|s1|argument-2|s2|a|b c|;TELL=1");
}
static bool nested_five(void)
{
    return nested_scripts(5, "s0|argument-1|s1|argument-2|s2|argument-3|s3|argument-4|s4|"
                             "argument-5|s5|a|b c|;TELL=1");
}
static bool nested_six(void)
{
    return nested_scripts(6, "errno 40");
}

/* ---- arguments ---- */

static bool script_write(const char *name, const char *role, mode_t mode)
{
    char text[400];

    snprintf(text, sizeof(text), "#!%s %s\n", program, role);
    return text_write(name, text, mode);
}
static bool told_with(char **arguments, char **environment, const char *rest)
{
    char wanted[600];

    REQUIRE(enter_own_folder() && script_write("script", "tell", 0755));
    snprintf(wanted, sizeof(wanted), "%s|tell|script%s", program, rest);
    REQUIRE_TOLD(wanted, AT_FDCWD, "script", arguments, environment, 0);
    return true;
}
static bool no_arguments(void)
{
    return told_with((char *[]){NULL}, variables, ";TELL=1|B=");
}
static bool null_arguments(void)
{
    return told_with(NULL, NULL, ";");
}
static bool one_argument(void)
{
    return told_with((char *[]){"only", NULL}, NULL, ";");
}
static bool empty_argument(void)
{
    return told_with((char *[]){"first", "", NULL}, NULL, "|;");
}
static bool path_as_given(void)
{
    char path[300], wanted[700];

    REQUIRE(enter_own_folder() && script_write("script", "tell", 0755));
    snprintf(path, sizeof(path), "%s/.//case-%zu/../case-%zu/script", folder, case_number,
             case_number);
    snprintf(wanted, sizeof(wanted), "%s|tell|%s|a|b c|;TELL=1|B=", program, path);
    REQUIRE_TOLD(wanted, AT_FDCWD, path, given, variables, 0);
    return true;
}
static bool path_of_link(void)
{
    char wanted[600];

    REQUIRE(enter_own_folder() && script_write("script", "tell", 0755));
    REQUIRE(symlink("script", "another") == 0);
    snprintf(wanted, sizeof(wanted), "%s|tell|another|a|b c|;TELL=1|B=", program);
    REQUIRE_TOLD(wanted, AT_FDCWD, "another", given, variables, 0);
    return true;
}
static bool many_arguments(void)
{
    static char *arguments[2001];
    static char wanted[TELL_MAXIMUM];

    REQUIRE(enter_own_folder() && script_write("script", "tell", 0755));
    for (size_t at = 0; at < 1000; at++)
        arguments[at] = "v";
    size_t size = snprintf(wanted, sizeof(wanted), "%s|tell|script", program);
    for (size_t at = 1; at < 1000; at++)
        size += snprintf(wanted + size, sizeof(wanted) - size, "|v");
    strcat(wanted, ";");
    REQUIRE_TOLD(wanted, AT_FDCWD, "script", arguments, NULL, 0);
    return true;
}

/* ---- who it is ---- */

static bool become_script(const char *name)
{
    /* "#!program after": argument 1 is this role, and 2 the script's name: the case's number. */
    execve(name, (char *[]){"x", NULL}, environ);
    REQUIRE(!"execve");
    return false;
}
static const char *script_named_by_number(void)
{
    static char name[32];

    snprintf(name, sizeof(name), "%zu", case_number);
    return script_write(name, AFTER, 0755) ? name : NULL;
}
static bool become_before(void)
{
    const char *name = script_named_by_number();

    return name && become_script(name);
}
static bool executed_file_after(void)
{
    char link[300] = "";

    REQUIRE(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0);
    return strcmp(strrchr(link, '/'), "/exec_scripts") == 0 && strcmp(link, program) == 0;
}
static bool thread_name_after(void)
{
    char name[16] = "";

    REQUIRE(prctl(PR_GET_NAME, name) == 0);
    return strcmp(name, arguments_now[2]) == 0;
}
static bool executed_name_after(void)
{
    return strcmp((const char *)getauxval(AT_EXECFN), arguments_now[2]) == 0;
}
static bool set_user_id_before(void)
{
    const char *name = script_named_by_number();

    REQUIRE(name && chown(name, 1234, 1234) == 0 && chmod(name, 06755) == 0);
    return become_script(name);
}
static bool set_user_id_after(void)
{
    return geteuid() == 0 && getegid() == 0 && getauxval(AT_SECURE) == 0;
}
static bool set_user_id_interpreter_before(void)
{
    char text[300], name[32];

    REQUIRE(file_copy(program, "set-user-id", 0755));
    REQUIRE(chown("set-user-id", 1234, 1235) == 0 && chmod("set-user-id", 06755) == 0);
    snprintf(text, sizeof(text), "#!%s/set-user-id after\n", folder);
    snprintf(name, sizeof(name), "%zu", case_number);
    REQUIRE(text_write(name, text, 0755));
    return become_script(name);
}
static bool set_user_id_interpreter_after(void)
{
    return geteuid() == 1234 && getegid() == 1235 && getuid() == 0 && getauxval(AT_SECURE) == 1;
}
static bool not_readable(void)
{
    char wanted[600];

    REQUIRE(enter_own_folder() && script_write("script", "tell", 0111));
    REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    REQUIRE_ERRNO(open("script", O_RDONLY), EACCES);
    snprintf(wanted, sizeof(wanted), "%s|tell|script|a|b c|;TELL=1|B=", program);
    REQUIRE_TOLD(wanted, AT_FDCWD, "script", given, variables, 0);
    return true;
}
static bool shell_runs_it(void)
{
    REQUIRE(enter_own_folder());
    REQUIRE(text_write("script", "#!/bin/sh\n[ $# = 3 ] && [ \"$2\" = 'b c' ] && exit 7\n", 0755));
    REQUIRE(exited(status_after(AT_FDCWD, "./script", given, variables, 0), 7));
    return true;
}
static bool shell_with_option(void)
{
    REQUIRE(enter_own_folder());
    REQUIRE(text_write("script", "#!/bin/sh -e\nfalse\nexit 0\n", 0755));
    REQUIRE(exited(status_after(AT_FDCWD, "./script", given, variables, 0), 1));
    return true;
}
static bool written_after_start(void)
{
    char path[64], text[256];
    int ends[2];

    /* Unlike a program, a script may be written to while it runs. */
    REQUIRE(enter_own_folder() && text_write("script", "#!/bin/sh\nread line\n", 0755));
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], 0);
        execve("./script", given, environ);
        _exit(1);
    }
    snprintf(path, sizeof(path), "/proc/%d/cmdline", child);
    REQUIRE(EVENTUALLY(file_read(path, text, sizeof(text)) > 0 && strcmp(text, "/bin/sh") == 0));
    REQUIRE(open("script", O_WRONLY) >= 0);
    REQUIRE(write(ends[1], "\n", 1) == 1 && exited(status_of(child), 0));
    return true;
}
static bool nested_through_noexec(void)
{
    char text[300];

    REQUIRE(enter_own_folder() && mkdir("noexec", 0755) == 0);
    REQUIRE(mount("none", "noexec", "tmpfs", 0, NULL) == 0);
    REQUIRE(script_write("noexec/inner", "tell", 0755));
    REQUIRE(mount("none", "noexec", NULL, MS_REMOUNT | MS_NOEXEC, NULL) == 0);
    snprintf(text, sizeof(text), "#!noexec/inner\n");
    REQUIRE(text_write("outer", text, 0755));
    REQUIRE_ERRNO(execve("outer", given, variables), EACCES);
    return true;
}

static const struct exec_case others[] = {
    CASE("script: a long argument is cut at 255 bytes", "execve(2), NOTES", argument_cut),
    CASE("script: a NUL ends the name", "execve(2)", nul_behind_name),
    CASE("script: a NUL ends the argument", "execve(2)", nul_in_argument),
    CASE("script: a NUL in front: the empty name", "path_resolution(7)", nul_in_front),
    CASE("script: any other byte may be in the argument", "execve(2)", high_bytes),
    CASE("script: a file of many pages", "execve(2)", long_file),
    CASE("script: a page of blanks", "execve(2), NOTES", page_of_blanks),
    CASE("script: a script as interpreter: the order of arguments", "execve(2)", nested_two),
    CASE("script: five scripts, one for the other", "execve(2)", nested_five),
    CASE("script: six scripts, one for the other: ELOOP", "execve(2)", nested_six),
    CASE("script: argv[0] is replaced, also an empty list's", "execve(2)", no_arguments),
    CASE("script: NULL as argv and envp", "execve(2), NOTES", null_arguments),
    CASE("script: argv[0] only", "execve(2)", one_argument),
    CASE("script: an empty argument stays", "execve(2)", empty_argument),
    CASE("script: the path is the one that was given", "execve(2)", path_as_given),
    CASE("script: the path of a link is the link's", "execve(2)", path_of_link),
    CASE("script: a thousand arguments", "execve(2)", many_arguments),
    HALVES("script: /proc/self/exe is the interpreter", "proc(5)", become_before,
           executed_file_after),
    HALVES("script: the thread's name is the script's", "prctl(2), PR_SET_NAME", become_before,
           thread_name_after),
    HALVES("script: AT_EXECFN is the script", "getauxval(3)", become_before, executed_name_after),
    HALVES("script: a script's set-user-ID bit is ignored", "execve(2)", set_user_id_before,
           set_user_id_after),
    HALVES("script: an interpreter's set-user-ID bit counts", "execve(2)",
           set_user_id_interpreter_before, set_user_id_interpreter_after),
    CASE("script: a script that its user may not read", "execve(2)", not_readable),
    CASE("script: a shell", "sh(1)", shell_runs_it),
    CASE("script: a shell with an option", "sh(1)", shell_with_option),
    CASE("script: a script that runs may be written to", "execve(2)", written_after_start),
    CASE("script: EACCES: a script in between is mounted noexec", "execve(2)",
         nested_through_noexec),
};

/* The whole table, in this order. */
static struct exec_case cases[array_length(lines) + array_length(lengths) + array_length(others)];

int main(int count, char **arguments)
{
    size_t filled_cases = 0;

    for (size_t at = 0; at < array_length(lines); at++)
        cases[filled_cases++] = (struct exec_case)CASE(lines[at].name, "execve(2)", run_line);
    for (size_t at = 0; at < array_length(lengths); at++)
        cases[filled_cases++] =
            (struct exec_case)CASE(lengths[at].name, "execve(2), NOTES", run_length);
    for (size_t at = 0; at < array_length(others); at++)
        cases[filled_cases++] = others[at];
    return exec_cases_main(cases, filled_cases, count, arguments);
}
