/*
 * exec_arguments: what an image is given: its arguments, its environment, the auxiliary vector, and
 * the limits of these. Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "exec_cases.h"

#define PAGE            4096UL
#define STRING_MAXIMUM  (128UL << 10) /* with its NUL: MAX_ARG_STRLEN */
#define ARGUMENTS_LEAST (128UL << 10) /* however small the stack's limit */
#define ARGUMENTS_MOST  (6UL << 20)   /* three quarters of 8 MiB */

static char *none[] = {NULL};
static char *telling[] = {"TELL=1", NULL};

/* ---- counts ---- */

#define TELLS(expected, arguments, environment)                                                    \
    do {                                                                                           \
        REQUIRE_TOLD(expected, AT_FDCWD, program, arguments, environment, 0);                      \
        return true;                                                                               \
    } while (0)

static bool no_argument(void)
{
    TELLS(";", none, none);
}
static bool null_arguments(void)
{
    TELLS(";", NULL, none);
}
static bool null_environment(void)
{
    TELLS("x|tell;", ((char *[]){"x", "tell", NULL}), NULL);
}
static bool null_both(void)
{
    TELLS(";", NULL, NULL);
}
static bool no_argument_with_environment(void)
{
    TELLS(";TELL=1|A=2", none, ((char *[]){"TELL=1", "A=2", NULL}));
}
static bool empty_first_argument(void)
{
    TELLS(";", ((char *[]){"", NULL}), none);
}
static bool empty_strings(void)
{
    TELLS("||;TELL=1||", ((char *[]){"", "", "", NULL}), ((char *[]){"TELL=1", "", "", NULL}));
}
static bool order_is_kept(void)
{
    TELLS("z|y|x|a;TELL=1|Z=1|A=2|A=3|Z=1", ((char *[]){"z", "y", "x", "a", NULL}),
          ((char *[]){"TELL=1", "Z=1", "A=2", "A=3", "Z=1", NULL}));
}
static bool any_bytes(void)
{
    TELLS("\x01\xff \xc3\xa4\n|\t;TELL=1|=|no equals sign",
          ((char *[]){"\x01\xff \xc3\xa4\n", "\t", NULL}),
          ((char *[]){"TELL=1", "=", "no equals sign", NULL}));
}
static bool same_pointer(void)
{
    char *string = "again";

    TELLS("again|again|again;TELL=1|again", ((char *[]){string, string, string, NULL}),
          ((char *[]){"TELL=1", string, NULL}));
}
static bool overlapping_strings(void)
{
    char *string = "abcdef";

    TELLS("abcdef|cdef|f|;TELL=1", ((char *[]){string, string + 2, string + 5, string + 6, NULL}),
          telling);
}
/* Many strings: the new image counts them itself. */
static bool count_before(size_t arguments, size_t variables)
{
    char **list = calloc(arguments + 1, sizeof(*list));
    char **environment = calloc(variables + 2, sizeof(*environment));
    char number[16], wanted[64], wanted_variables[64];

    snprintf(number, sizeof(number), "%zu", case_number);
    snprintf(wanted, sizeof(wanted), "ARGUMENTS=%zu", arguments);
    snprintf(wanted_variables, sizeof(wanted_variables), "VARIABLES=%zu", variables);
    list[0] = program;
    list[1] = AFTER;
    list[2] = number;
    for (size_t at = 3; at < arguments; at++)
        list[at] = "v";
    environment[0] = wanted;
    environment[1] = wanted_variables;
    for (size_t at = 2; at < variables; at++)
        environment[at] = "V=v";
    execve(program, list, environment);
    REQUIRE(!"execve");
    return false;
}
static bool count_after(void)
{
    long arguments = 0, variables = 0;

    for (; arguments_now[arguments]; arguments++)
        REQUIRE(arguments < 3 || strcmp(arguments_now[arguments], "v") == 0);
    for (; environ[variables]; variables++)
        REQUIRE(variables < 2 || strcmp(environ[variables], "V=v") == 0);
    return arguments == noted_number("ARGUMENTS") && variables == noted_number("VARIABLES");
}
static bool count_hundred_before(void)
{
    return count_before(100, 100);
}
static bool count_many_arguments_before(void)
{
    return count_before(100000, 3);
}
static bool count_many_variables_before(void)
{
    return count_before(3, 100000);
}
static bool arrays_end_with_null_after(void)
{
    size_t count = 0;

    while (arguments_now[count])
        count++;
    /* argc stands before argv[0], the environment behind argv's NULL. */
    return ((long *)arguments_now)[-1] == (long)count && environ == arguments_now + count + 1;
}
static bool strings_in_order_after(void)
{
    char *next = arguments_now[0];

    for (char **at = arguments_now; *at; at++, next += strlen(next) + 1)
        REQUIRE(*at == next);
    for (char **at = environ; *at; at++, next += strlen(next) + 1)
        REQUIRE(*at == next);
    REQUIRE((char *)getauxval(AT_EXECFN) == next);
    return true;
}
static bool writable_after(void)
{
    for (char **at = arguments_now; *at; at++)
        memset(*at, 'w', strlen(*at));
    arguments_now[0] = NULL;
    for (char **at = environ; *at; at++)
        memset(*at, 'w', strlen(*at));
    return true;
}

/* ---- lengths ---- */

static char *string_of(size_t length)
{
    char *string = malloc(length + 1);

    memset(string, 's', length);
    string[length] = '\0';
    return string;
}
static bool longest_argument(void)
{
    char *string = string_of(STRING_MAXIMUM - 1);

    TELLS("x|<131071>;TELL=1", ((char *[]){"x", string, NULL}), telling);
}
static bool longest_variable(void)
{
    char *string = string_of(STRING_MAXIMUM - 1);

    TELLS("x;TELL=1|<131071>", ((char *[]){"x", NULL}), ((char *[]){"TELL=1", string, NULL}));
}
static bool too_long_argument(void)
{
    char *arguments[] = {"x", string_of(STRING_MAXIMUM), NULL};

    REQUIRE_ERRNO(execve(program, arguments, none), E2BIG);
    return true;
}
static bool too_long_first(void)
{
    char *arguments[] = {string_of(STRING_MAXIMUM), NULL};

    REQUIRE_ERRNO(execve(program, arguments, none), E2BIG);
    return true;
}
static bool too_long_variable(void)
{
    char *variables[] = {string_of(STRING_MAXIMUM), NULL};

    REQUIRE_ERRNO(execve(program, none, variables), E2BIG);
    return true;
}
static bool lengths_round_pages(void)
{
    for (size_t length = PAGE - 40; length < PAGE + 8; length++) {
        char wanted[64];
        char *string = string_of(length);
        snprintf(wanted, sizeof(wanted), "x|<%zu>|y;TELL=1", length);
        REQUIRE_TOLD(wanted, AT_FDCWD, program, ((char *[]){"x", string, "y", NULL}), telling, 0);
        free(string);
    }
    return true;
}

/* ---- the sum: the path, the strings with their NULs and a pointer each, within the limit ---- */

/* Does an exec succeed that takes just `size` bytes? Most strings are of 60,000. */
static bool fits(size_t size, bool in_environment)
{
    static char *exit_arguments[] = {"x", "exit", "33", NULL};
    char *filling[256] = {"x", "exit"};
    size_t count = in_environment ? 0 : 2;
    size_t left = size - strlen(program) - 1 - sizeof("x") - sizeof("exit") - sizeof("33") -
                  3 * sizeof(char *);

    for (; left > 70000; left -= 60000 + sizeof(char *))
        filling[count++] = string_of(59999);
    filling[count++] = string_of(left - sizeof(char *) - 1);
    if (!in_environment)
        filling[count++] = "33";
    filling[count] = NULL;
    int status = in_environment ? status_after(AT_FDCWD, program, exit_arguments, filling, 0)
                                : status_after(AT_FDCWD, program, filling, none, 0);
    if (!exited(status, 33) && !exited(status, E2BIG))
        tap_note("%zu bytes: wait status %#x", size, status);
    return exited(status, 33);
}
static bool limit_is(size_t wanted, bool in_environment)
{
    REQUIRE(fits(wanted, in_environment));
    REQUIRE(!fits(wanted + 1, in_environment));
    return true;
}
static bool stack_limit(size_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};

    return setrlimit(RLIMIT_STACK, &limit) == 0;
}
static bool quarter_of_stack(void)
{
    return stack_limit(8 << 20) && limit_is(2 << 20, false);
}
static bool quarter_of_stack_environment(void)
{
    return stack_limit(8 << 20) && limit_is(2 << 20, true);
}
static bool quarter_of_larger_stack(void)
{
    return stack_limit(16 << 20) && limit_is(4 << 20, false);
}
static bool quarter_of_odd_stack(void)
{
    return stack_limit((1 << 20) + 8) && limit_is((256 << 10) + 2, false);
}
static bool least_of_small_stack(void)
{
    return stack_limit(256 << 10) && limit_is(ARGUMENTS_LEAST, false);
}
static bool most_of_unlimited_stack(void)
{
    return stack_limit(RLIM_INFINITY) && limit_is(ARGUMENTS_MOST, false);
}
static bool pointers_count(void)
{
    size_t count = (512 << 10) / (sizeof(char *) + 2) - 200;
    char **list = calloc(count + 400, sizeof(*list));

    REQUIRE(stack_limit(2 << 20));
    for (size_t at = 0; at < count; at++)
        list[at] = at == 1 ? "exit" : "1";
    REQUIRE(exited(status_after(AT_FDCWD, program, list, none, 0), 1));
    for (size_t at = count; at < count + 300; at++)
        list[at] = "1";
    REQUIRE_ERRNO(execve(program, list, none), E2BIG);
    return true;
}
static bool too_many_pointers(void)
{
    size_t count = (128 << 10) / sizeof(char *);
    char **list = calloc(count + 1, sizeof(*list));

    REQUIRE(stack_limit(256 << 10));
    for (size_t at = 0; at < count; at++)
        list[at] = (char *)8; /* nobody looks at them */
    REQUIRE_ERRNO(execve("missing", list, none), E2BIG);
    return true;
}
static bool more_after_raise(void)
{
    char *arguments[] = {"x", "exit", string_of(130000), "5", NULL};
    char *variables[] = {string_of(10000), NULL};

    REQUIRE(stack_limit(512 << 10));
    REQUIRE_ERRNO(execve(program, arguments, variables), E2BIG);
    REQUIRE(stack_limit(1 << 20));
    REQUIRE(exited(status_after(AT_FDCWD, program, arguments, variables, 0), 5));
    return true;
}

/* ---- where they lie ---- */

static char *two_pages(void)
{
    char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return munmap(pages + 2 * PAGE, PAGE) == 0 ? pages : NULL;
}
static bool string_straddles_unmapped(void)
{
    char *end = two_pages() + 2 * PAGE;

    memset(end - 100, 'e', 100);
    REQUIRE_ERRNO(execve(program, (char *[]){"x", end - 100, NULL}, none), EFAULT);
    REQUIRE_ERRNO(execve(program, none, (char *[]){end - 100, NULL}), EFAULT);
    return true;
}
static bool string_ends_with_page(void)
{
    char *end = two_pages() + 2 * PAGE;

    strcpy(end - 4, "end");
    TELLS("x|end||;TELL=1", ((char *[]){"x", end - 4, end - 1, end - 1, NULL}), telling);
}
static bool string_straddles_pages(void)
{
    char *middle = two_pages() + PAGE;

    strcpy(middle - 3, "straddles");
    TELLS("straddles;TELL=1", ((char *[]){middle - 3, NULL}), telling);
}
static bool string_before_protected(void)
{
    char *pages = two_pages();

    memset(pages, 'p', PAGE);
    REQUIRE(mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
    REQUIRE_ERRNO(execve(program, (char *[]){"x", pages, NULL}, none), EFAULT);
    return true;
}
static bool string_behind_file(void)
{
    REQUIRE(text_write("short-file", "s", 0644));
    int file = open("short-file", O_RDWR | O_CLOEXEC);
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, file, 0);
    REQUIRE(pages != MAP_FAILED);
    REQUIRE_ERRNO(execve(program, (char *[]){"x", pages + PAGE, NULL}, none), EFAULT);
    REQUIRE_TOLD("s;TELL=1", AT_FDCWD, program, ((char *[]){pages, NULL}), telling, 0);
    return true;
}
static bool string_untouched(void)
{
    char *pages = two_pages();

    TELLS("x||;TELL=1", ((char *[]){"x", pages, pages + PAGE, NULL}), telling);
}
static bool string_in_kernel_half(void)
{
    REQUIRE_ERRNO(execve(program, (char *[]){"x", (char *)-1L, NULL}, none), EFAULT);
    REQUIRE_ERRNO(execve(program, (char *[]){"x", (char *)(1L << 63), NULL}, none), EFAULT);
    REQUIRE_ERRNO(execve(program, (char *[]){"x", (char *)0x7ffffffffff0, NULL}, none), EFAULT);
    return true;
}
static bool list_in_kernel_half(void)
{
    REQUIRE_ERRNO(execve(program, (char **)-8L, none), EFAULT);
    REQUIRE_ERRNO(execve(program, none, (char **)(1L << 63)), EFAULT);
    return true;
}
static bool list_straddles_unmapped(void)
{
    char **end = (char **)(two_pages() + 2 * PAGE);

    end[-1] = end[-2] = "x";
    REQUIRE_ERRNO(execve(program, end - 2, none), EFAULT);
    REQUIRE_ERRNO(execve(program, none, end - 2), EFAULT);
    return true;
}
static bool list_ends_with_page(void)
{
    char **end = (char **)(two_pages() + 2 * PAGE);

    end[-1] = NULL;
    end[-2] = "last";
    TELLS("last;TELL=1", end - 2, telling);
}
static bool list_misaligned(void)
{
    char *place = two_pages() + PAGE - 4;
    char *strings[] = {"crooked", NULL};

    memcpy(place, strings, sizeof(strings));
    TELLS("crooked;TELL=1", (char **)place, telling);
}
static bool list_read_only(void)
{
    static char *const strings[] = {"constant", NULL};

    TELLS("constant;TELL=1", strings, telling);
}
static bool string_on_far_stack(void)
{
    char *place = (char *)__builtin_frame_address(0) - (1 << 20);

    /* Below the stack pointer, where the stack has not grown to yet: zeros. */
    __asm__ volatile("" : "+r"(place));
    int status = status_after(AT_FDCWD, program, (char *[]){place, "exit", "44", NULL}, none, 0);
    REQUIRE(exited(status, 44));
    return true;
}

/* Another thread changes the string as it is read: what comes out is one or the other byte by byte.
 */
static char changing[64 << 10];
static volatile bool changing_ends;

static void *change(void *unused)
{
    for (char letter = 'a'; !changing_ends; letter = letter == 'a' ? 'b' : 'a')
        memset(changing, letter, sizeof(changing) - 1);
    return unused;
}
static bool changed_meanwhile_before(void)
{
    char number[16];
    pthread_t thread;

    memset(changing, 'a', sizeof(changing) - 1);
    REQUIRE(pthread_create(&thread, NULL, change, NULL) == 0);
    sleep_ms(5);
    snprintf(number, sizeof(number), "%zu", case_number);
    execve(program, (char *[]){program, AFTER, number, changing, "behind", NULL}, environ);
    return false;
}
static bool changed_meanwhile_after(void)
{
    const char *got = arguments_now[3];

    REQUIRE(strlen(got) == sizeof(changing) - 1);
    REQUIRE(strspn(got, "ab") == strlen(got) && strcmp(arguments_now[4], "behind") == 0);
    return !arguments_now[5];
}
static char *changing_list[200];
static void *change_list(void *unused)
{
    for (bool there = false;; there = !there)
        for (size_t at = 3; at < array_length(changing_list) - 1; at++)
            changing_list[at] = there ? "there" : "";
    return unused;
}
static bool changed_list_before(void)
{
    char number[16];
    pthread_t thread;

    snprintf(number, sizeof(number), "%zu", case_number);
    changing_list[0] = program;
    changing_list[1] = AFTER;
    changing_list[2] = number;
    for (size_t at = 3; at < array_length(changing_list) - 1; at++)
        changing_list[at] = "";
    REQUIRE(pthread_create(&thread, NULL, change_list, NULL) == 0);
    sleep_ms(5);
    execve(program, changing_list, environ);
    return false;
}
static bool changed_list_after(void)
{
    for (size_t at = 3; at < array_length(changing_list) - 1; at++)
        REQUIRE(arguments_now[at] &&
                (!*arguments_now[at] || strcmp(arguments_now[at], "there") == 0));
    return !arguments_now[array_length(changing_list) - 1];
}

/* ---- the auxiliary vector ---- */

extern const Elf64_Ehdr __ehdr_start;
extern void _start(void);

static bool vector_image_after(void)
{
    REQUIRE(getauxval(AT_PHDR) == (unsigned long)&__ehdr_start + __ehdr_start.e_phoff);
    REQUIRE(getauxval(AT_PHNUM) == __ehdr_start.e_phnum);
    REQUIRE(getauxval(AT_PHENT) == sizeof(Elf64_Phdr));
    return getauxval(AT_ENTRY) == (unsigned long)_start;
}
static bool vector_base_after(void)
{
    return getauxval(AT_BASE) == 0 && getauxval(AT_FLAGS) == 0;
}
static bool vector_page_after(void)
{
    return getauxval(AT_PAGESZ) == PAGE && getauxval(AT_CLKTCK) == 100;
}
static bool vector_users_before(void)
{
    REQUIRE(setresgid(101, 101, 101) == 0 && setresuid(102, 102, 102) == 0);
    return true;
}
static bool vector_users_after(void)
{
    return getauxval(AT_UID) == 102 && getauxval(AT_EUID) == 102 && getauxval(AT_GID) == 101 &&
           getauxval(AT_EGID) == 101 && getauxval(AT_SECURE) == 0;
}
static bool vector_different_users_before(void)
{
    REQUIRE(setresgid(101, 201, 101) == 0 && setresuid(102, 202, 102) == 0);
    return true;
}
static bool vector_different_users_after(void)
{
    return getauxval(AT_UID) == 102 && getauxval(AT_EUID) == 202 && getauxval(AT_GID) == 101 &&
           getauxval(AT_EGID) == 201 && getauxval(AT_SECURE) == 1;
}
static bool vector_random_before(void)
{
    char text[33];
    const uint8_t *bytes = (const uint8_t *)getauxval(AT_RANDOM);

    for (int at = 0; at < 16; at++)
        snprintf(text + 2 * at, 3, "%02x", bytes[at]);
    return setenv("RANDOM", text, 1) == 0;
}
static bool vector_random_after(void)
{
    char text[33];
    const uint8_t *bytes = (const uint8_t *)getauxval(AT_RANDOM);

    for (int at = 0; at < 16; at++)
        snprintf(text + 2 * at, 3, "%02x", bytes[at]);
    return strcmp(text, getenv("RANDOM")) != 0;
}
static bool vector_processor_after(void)
{
    unsigned a = 1, b, c, d;

    __asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return getauxval(AT_HWCAP) == d && strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0;
}
static bool vector_name_after(void)
{
    return strcmp((const char *)getauxval(AT_EXECFN), program) == 0;
}
static bool vector_signal_stack_after(void)
{
    return getauxval(51 /* AT_MINSIGSTKSZ */) >= 2048 - 1024;
}
static bool vector_in_proc_after(void)
{
    static char text[4096];
    unsigned long *vector = (unsigned long *)environ;

    while (*vector++)
        ;
    ssize_t size = file_read("/proc/self/auxv", text, sizeof(text));
    return size >= 20 * 16 && size % 16 == 0 && memcmp(text, vector, size) == 0 &&
           ((unsigned long *)text)[size / 8 - 2] == AT_NULL;
}

static const struct exec_case cases[] = {
    CASE("an empty list gives one empty argument", "execve(2), NOTES", no_argument),
    CASE("NULL as argv gives one empty argument", "execve(2), NOTES", null_arguments),
    CASE("NULL as envp is an empty environment", "execve(2), NOTES", null_environment),
    CASE("NULL as both", "execve(2), NOTES", null_both),
    CASE("no argument, but an environment", "execve(2)", no_argument_with_environment),
    CASE("an empty argv[0]", "execve(2)", empty_first_argument),
    CASE("empty strings stay", "execve(2)", empty_strings),
    CASE("the order is kept, and what is there twice", "execve(2)", order_is_kept),
    CASE("any byte but NUL", "execve(2)", any_bytes),
    CASE("one string several times", "execve(2)", same_pointer),
    CASE("strings within strings", "execve(2)", overlapping_strings),
    HALVES("a hundred arguments and variables", "execve(2)", count_hundred_before, count_after),
    HALVES("100,000 arguments", "execve(2)", count_many_arguments_before, count_after),
    HALVES("100,000 variables", "execve(2)", count_many_variables_before, count_after),
    HALVES("argc, argv, NULL, envp lie behind each other", "x86-64 psABI, 3.4.1", NULL,
           arrays_end_with_null_after),
    HALVES("the strings lie behind each other", "proc(5), cmdline", NULL, strings_in_order_after),
    HALVES("the new image may write to them", "C17, 5.1.2.2.1", NULL, writable_after),
    CASE("an argument of 128 KiB with its NUL", "execve(2)", longest_argument),
    CASE("a variable of 128 KiB with its NUL", "execve(2)", longest_variable),
    CASE("E2BIG: an argument one byte longer", "execve(2)", too_long_argument),
    CASE("E2BIG: argv[0] one byte longer", "execve(2)", too_long_first),
    CASE("E2BIG: a variable one byte longer", "execve(2)", too_long_variable),
    CASE("strings that end round a page's end", "execve(2)", lengths_round_pages),
    CASE("E2BIG beyond a quarter of the stack's limit", "execve(2)", quarter_of_stack),
    CASE("E2BIG beyond it, for the environment", "execve(2)", quarter_of_stack_environment),
    CASE("E2BIG beyond a quarter of 16 MiB", "execve(2)", quarter_of_larger_stack),
    CASE("E2BIG beyond a quarter of an odd limit", "execve(2)", quarter_of_odd_stack),
    CASE("E2BIG beyond 128 KiB with a small stack", "execve(2)", least_of_small_stack),
    CASE("E2BIG beyond 6 MiB with an unlimited stack", "execve(2)", most_of_unlimited_stack),
    CASE("E2BIG: pointers count", "execve(2)", pointers_count),
    CASE("E2BIG: too many pointers, before they are looked at", "execve(2)", too_many_pointers),
    CASE("more is allowed when the limit is raised", "getrlimit(2)", more_after_raise),
    CASE("EFAULT: a string that straddles an unmapped page", "execve(2)",
         string_straddles_unmapped),
    CASE("a string that ends where a page does", "execve(2)", string_ends_with_page),
    CASE("a string across two pages", "execve(2)", string_straddles_pages),
    CASE("EFAULT: a string that runs into PROT_NONE", "execve(2)", string_before_protected),
    CASE("EFAULT: a string behind a file's end", "mmap(2)", string_behind_file),
    CASE("a string in memory nobody has touched", "mmap(2)", string_untouched),
    CASE("EFAULT: a string in the kernel's half", "execve(2)", string_in_kernel_half),
    CASE("EFAULT: a list in the kernel's half", "execve(2)", list_in_kernel_half),
    CASE("EFAULT: a list that straddles an unmapped page", "execve(2)", list_straddles_unmapped),
    CASE("a list that ends where a page does", "execve(2)", list_ends_with_page),
    CASE("a list at an odd address, across pages", "execve(2)", list_misaligned),
    CASE("a list in constants", "execve(2)", list_read_only),
    CASE("a string where the stack has not grown to yet", "mmap(2)", string_on_far_stack),
    HALVES("a string that another thread changes meanwhile", "execve(2)", changed_meanwhile_before,
           changed_meanwhile_after),
    HALVES("a list that another thread changes meanwhile", "execve(2)", changed_list_before,
           changed_list_after),
    HALVES("AT_PHDR, AT_PHNUM, AT_PHENT, AT_ENTRY", "getauxval(3)", NULL, vector_image_after),
    HALVES("AT_BASE and AT_FLAGS", "getauxval(3)", NULL, vector_base_after),
    HALVES("AT_PAGESZ and AT_CLKTCK", "getauxval(3)", NULL, vector_page_after),
    HALVES("AT_UID, AT_EUID, AT_GID, AT_EGID", "getauxval(3)", vector_users_before,
           vector_users_after),
    HALVES("AT_EUID other than AT_UID is AT_SECURE", "getauxval(3)", vector_different_users_before,
           vector_different_users_after),
    HALVES("AT_RANDOM: other bytes in each image", "getauxval(3)", vector_random_before,
           vector_random_after),
    HALVES("AT_HWCAP and AT_PLATFORM", "getauxval(3)", NULL, vector_processor_after),
    HALVES("AT_EXECFN", "getauxval(3)", NULL, vector_name_after),
    HALVES("AT_MINSIGSTKSZ", "getauxval(3)", NULL, vector_signal_stack_after),
    HALVES("/proc/self/auxv is the same vector", "proc(5)", NULL, vector_in_proc_after),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
