/*
 * exec_images: what an ELF file may ask for by its headers: types, stack, interpreter; and what
 * is refused. Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <sys/resource.h>

#include "exec_image_builder.h"

/* ---- types and headers ---- */

static bool fixed(void)
{
    begin(ET_EXEC);
    REQUIRE_WELL(vector('a', AT_ENTRY, BASE + ENTRY), vector('a', AT_BASE, 0));
    return true;
}
static bool position_independent(void)
{
    begin(ET_DYN);
    REQUIRE_WELL(vector('A', AT_PHDR, -(int64_t)(ENTRY - sizeof(Elf64_Ehdr))),
                 vector('a', AT_BASE, 0));
    return true;
}
static bool vector_of_headers(void)
{
    begin(ET_EXEC);
    REQUIRE_WELL(vector('a', AT_PHDR, BASE + sizeof(Elf64_Ehdr)), vector('a', AT_PHNUM, 1),
                 vector('a', AT_PHENT, sizeof(Elf64_Phdr)));
    return true;
}
static bool headers_elsewhere(void)
{
    begin(ET_EXEC);
    memcpy(file.bytes + 0x1f03, file.headers, sizeof(Elf64_Phdr));
    memset(file.headers, 0xff, sizeof(Elf64_Phdr));
    file.header.e_phoff = 0x1f03; /* not aligned either */
    REQUIRE_WELL(vector('a', AT_PHDR, BASE + 0x1f03));
    return true;
}
static bool headers_not_mapped(void)
{
    begin(ET_EXEC);
    memcpy(file.bytes + 40 * PAGE, file.headers, sizeof(Elf64_Phdr));
    file.header.e_phoff = 40 * PAGE;
    REQUIRE_WELL(vector('a', AT_PHDR, 0));
    return true;
}
static bool most_headers(void)
{
    begin(ET_EXEC);
    while (file.header.e_phnum < 73)
        add(PT_NULL, 0, 0, 0, 0, 0);
    REQUIRE_WELL(vector('a', AT_PHNUM, 73));
    return true;
}
static bool too_many_headers(void)
{
    begin(ET_EXEC);
    while (file.header.e_phnum < 74)
        add(PT_NULL, 0, 0, 0, 0, 0);
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool many_segments(void)
{
    begin(ET_EXEC);
    for (size_t at = 0; at < 40; at++)
        add(PT_LOAD, PF_R | PF_W, BASE + (20 + 2 * at) * PAGE, DATA + at * PAGE, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + 20 * PAGE, 0x11), order('b', BASE + 22 * PAGE + 4095, 0x22),
                 order('w', BASE + 98 * PAGE, 0));
    return true;
}
static bool unknown_headers(void)
{
    begin(ET_EXEC);
    add(PT_NOTE, PF_R, 0, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    add(PT_SHLIB, PF_R, UINT64_MAX, UINT64_MAX, 1, 0);
    add(0x12345678, 7, 1, 1, 1, 1);
    REQUIRE_WELL();
    return true;
}
static bool identification_ignored(void)
{
    begin(ET_EXEC);
    memset(file.header.e_ident + SELFMAG, 0xee, EI_NIDENT - SELFMAG);
    file.header.e_version = file.header.e_flags = 0xeeeeeeee;
    file.header.e_ehsize = file.header.e_shentsize = file.header.e_shnum = 0xeeee;
    file.header.e_shoff = UINT64_MAX;
    REQUIRE_WELL();
    return true;
}
static bool wrong_magic(void)
{
    begin(ET_EXEC);
    file.bytes[3] = 'G';
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool wrong_machine(void)
{
    begin(ET_EXEC);
    file.header.e_machine = EM_AARCH64;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool wrong_entry_size(void)
{
    begin(ET_EXEC);
    file.header.e_phentsize = 64;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool no_headers(void)
{
    begin(ET_EXEC);
    file.header.e_phnum = 0;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool headers_behind_end(void)
{
    begin(ET_EXEC);
    file.header.e_phoff = file.size - 20;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool headers_far_behind_end(void)
{
    begin(ET_EXEC);
    file.header.e_phoff = INT64_MAX;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool header_cut(void)
{
    begin(ET_EXEC);
    file.size = 50;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}

/* ---- PT_GNU_STACK, PT_TLS, PT_GNU_RELRO ---- */

static bool stack_without_header(void)
{
    begin(ET_EXEC);
    REQUIRE_KILLED(SIGSEGV, "s0,0");
    return true;
}
static bool stack_not_executable(void)
{
    begin(ET_EXEC);
    add(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);
    REQUIRE_KILLED(SIGSEGV, "s0,0");
    return true;
}
static bool stack_executable(void)
{
    begin(ET_EXEC);
    add(PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
    REQUIRE_WELL("s0,0");
    return true;
}
static bool stack_executable_alone(void)
{
    begin(ET_EXEC);
    add(PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, "s0,0", order('w', BASE + DATA, 0), order('c', BASE + DATA, 0));
    return true;
}
static bool relro_is_the_programs(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 2 * PAGE, 2 * PAGE);
    add(PT_GNU_RELRO, PF_R, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('w', BASE + DATA, 0), order('w', BASE + DATA + PAGE, 0));
    return true;
}
static bool tls_is_the_programs(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 200, 300);
    add(PT_TLS, PF_R, BASE + DATA + 100, DATA + 100, 100, 200)->p_align = 64;
    REQUIRE_WELL(order('b', BASE + DATA + 100, 0x11), order('b', BASE + DATA + 199, 0x11),
                 order('z', BASE + DATA + 200, 100));
    return true;
}
static bool tls_lies_anywhere(void)
{
    begin(ET_EXEC);
    add(PT_TLS, PF_R, 0x1234567, UINT64_MAX, 100, 200)->p_align = 3;
    REQUIRE_WELL();
    return true;
}
/* This program's own: the C library reads PT_TLS by AT_PHDR. */
static __thread int thread_word = 0x1234567;
static __thread char thread_zeros[1000];
static bool tls_of_library_before(void)
{
    thread_word = 1;
    memset(thread_zeros, 1, sizeof(thread_zeros));
    return true;
}
static bool tls_of_library_after(void)
{
    for (size_t at = 0; at < sizeof(thread_zeros); at++)
        REQUIRE(thread_zeros[at] == 0);
    return thread_word == 0x1234567;
}

/* ---- PT_INTERP ---- */

/* Asks for an interpreter by a name that lies in the file's page 60. */
static Elf64_Phdr *ask_for(const char *name)
{
    memset(file.bytes + 60 * PAGE, 0, PAGE);
    strcpy((char *)file.bytes + 60 * PAGE, name);
    return add(PT_INTERP, PF_R, 0, 60 * PAGE, strlen(name) + 1, strlen(name) + 1);
}

/* An interpreter is the same probe; as a fixed image it lies elsewhere. */
static bool interpreter_write(const char *name, unsigned type)
{
    begin(type);
    if (type == ET_EXEC) {
        file.headers[0].p_vaddr = 0x7000000;
        file.header.e_entry = 0x7000000 + ENTRY;
    }
    memset(file.bytes + TEXT_SIZE - 8, 0x77, 8); /* by which it is known */
    return file_write(name, file.bytes, file.size, 0755);
}

/* A program that must not run itself: its own code is gone. */
static void begin_interpreted(unsigned type, const char *name)
{
    begin(type);
    memset(file.bytes + CODE, 0xcc, PAGE);
    ask_for(name);
}
static bool interpreter_runs(void)
{
    REQUIRE(interpreter_write("loader", ET_DYN));
    begin_interpreted(ET_DYN, "loader");
    REQUIRE_WELL(order('b', 0, 0x7f), vector('A', AT_PHDR, -(int64_t)(ENTRY - sizeof(Elf64_Ehdr))),
                 vector('a', AT_PHNUM, 2), order('b', CODE, 0xcc));
    return true;
}
static bool interpreter_of_fixed(void)
{
    REQUIRE(interpreter_write("loader-of-fixed", ET_DYN));
    begin_interpreted(ET_EXEC, "loader-of-fixed");
    REQUIRE_WELL(vector('a', AT_ENTRY, BASE + ENTRY), order('b', BASE + CODE, 0xcc));
    return true;
}
static bool interpreter_fixed(void)
{
    REQUIRE(interpreter_write("fixed-loader", ET_EXEC));
    begin_interpreted(ET_EXEC, "fixed-loader");
    REQUIRE_WELL(vector('a', AT_BASE, 0), order('b', 0x7000000 + TEXT_SIZE - 1, 0x77));
    return true;
}
static bool interpreter_base(void)
{
    REQUIRE(interpreter_write("based-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "based-loader");
    /* AT_BASE is not 0 and where it begins: the orders cannot say more than a page's multiple. */
    REQUIRE(!exited(RUN(vector('a', AT_BASE, 0)), WELL));
    REQUIRE_WELL("M7,1000");
    return true;
}
static bool interpreter_of_interpreter(void)
{
    REQUIRE(interpreter_write("asking-loader", ET_DYN));
    ask_for("/no/such");
    REQUIRE(file_write("asking-loader", file.bytes, file.size, 0755));
    begin_interpreted(ET_EXEC, "asking-loader");
    REQUIRE_WELL();
    return true;
}
static bool first_interpreter(void)
{
    REQUIRE(interpreter_write("one-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "one-loader");
    add(PT_INTERP, PF_R, 0, 1UL << 50, 3, 3);
    REQUIRE_WELL();
    return true;
}
static bool interpreter_with_bss(void)
{
    REQUIRE(interpreter_write("loader-with-bss", ET_DYN));
    add(PT_LOAD, PF_R | PF_W, 40 * PAGE, DATA, 100, 3 * PAGE);
    REQUIRE(file_write("loader-with-bss", file.bytes, file.size, 0755));
    begin_interpreted(ET_EXEC, "loader-with-bss");
    REQUIRE_WELL(order('g', BASE + TEXT_SIZE, PAGE)); /* the heap is behind the program */
    return true;
}
static bool interpreter_name_with_rest(void)
{
    REQUIRE(interpreter_write("short-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "short-loader");
    memcpy(file.bytes + 60 * PAGE + sizeof("short-loader"), "rest", 5);
    file.headers[1].p_filesz += 5;
    REQUIRE_WELL();
    return true;
}
static bool interpreter_by_link(void)
{
    REQUIRE(interpreter_write("linked-loader", ET_DYN));
    REQUIRE(symlink("linked-loader", "loader-link") == 0);
    begin_interpreted(ET_EXEC, "loader-link");
    REQUIRE_WELL();
    return true;
}
static bool interpreter_stack(void)
{
    /* What the stack may is the program's word, whatever the interpreter says. */
    REQUIRE(interpreter_write("stack-loader", ET_DYN));
    add(PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
    REQUIRE(file_write("stack-loader", file.bytes, file.size, 0755));
    begin_interpreted(ET_EXEC, "stack-loader");
    add(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);
    REQUIRE_KILLED(SIGSEGV, "s0,0");
    return true;
}
static bool interpreter_written_while_running(void)
{
    REQUIRE(interpreter_write("open-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "open-loader");
    REQUIRE_WELL();
    /* Only the program itself is ETXTBSY while it runs. */
    pid_t child = fork();
    if (child == 0) {
        const char *arguments[] = {image_name(), "l0,0", NULL};
        execve(image_name(), (char **)arguments, environ);
        _exit(1);
    }
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/comm", child);
    REQUIRE(EVENTUALLY(file_read(path, text, sizeof(text)) > 0 && strncmp(text, "image-", 6) == 0));
    REQUIRE_ERRNO(open(image_name(), O_WRONLY), ETXTBSY);
    REQUIRE(EVENTUALLY(open("open-loader", O_WRONLY) >= 0));
    REQUIRE(kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL));
    return true;
}

/* ---- deliberate differences: Linux notices when the old image is gone already ---- */

static bool file_larger_in_file(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 2 * PAGE, PAGE);
    REQUIRE_STRICTER(EINVAL);
    return true;
}
static bool not_congruent(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + 8, DATA, PAGE, PAGE);
    REQUIRE_STRICTER(EINVAL);
    return true;
}
static bool in_kernel_half(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, 0xffffffff80000000, DATA, PAGE, PAGE);
    REQUIRE_STRICTER(ENOMEM);
    return true;
}
static bool entry_in_kernel_half(void)
{
    begin(ET_EXEC);
    file.header.e_entry = 0xffffffff80000000;
    REQUIRE_STRICTER(EINVAL);
    return true;
}
static bool no_segment(void)
{
    begin(ET_EXEC);
    file.headers[0].p_type = PT_NULL;
    REQUIRE_STRICTER(ENOEXEC);
    return true;
}
static bool cut_in_segment(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 4 * PAGE, 4 * PAGE);
    file.size = DATA + PAGE;
    int status = RUN(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + 3 * PAGE, 0x44));
    REQUIRE(is_linux ? killed_by(status, SIGBUS) : exited(status, ENOEXEC));
    return true;
}
static bool no_room(void)
{
    struct rlimit limit = {16 << 20, RLIM_INFINITY};

    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, 64 << 20);
    REQUIRE(file_write(image_name(), file.bytes, file.size, 0755));
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    REQUIRE_STRICTER(ENOMEM);
    return true;
}

static const struct exec_case cases[] = {
    CASE("ET_EXEC: its place and its entry", "elf(5)", fixed),
    CASE("ET_DYN: its place is the kernel's choice", "elf(5)", position_independent),
    CASE("AT_PHDR, AT_PHNUM, AT_PHENT", "getauxval(3)", vector_of_headers),
    CASE("program headers anywhere in the file", "elf(5), e_phoff", headers_elsewhere),
    CASE("program headers that no segment holds: AT_PHDR is 0", "getauxval(3)", headers_not_mapped),
    CASE("73 program headers, as many as a page holds", "elf(5), e_phnum", most_headers),
    CASE("ENOEXEC: 74 program headers", "elf(5), e_phnum", too_many_headers),
    CASE("41 segments", "elf(5), PT_LOAD", many_segments),
    CASE("unknown program headers are ignored", "elf(5), p_type", unknown_headers),
    CASE("e_ident, versions, flags and sections are ignored", "elf(5)", identification_ignored),
    CASE("ENOEXEC: another magic number", "elf(5), e_ident", wrong_magic),
    CASE("ENOEXEC: another machine", "elf(5), e_machine", wrong_machine),
    CASE("ENOEXEC: program headers of another size", "elf(5), e_phentsize", wrong_entry_size),
    CASE("ENOEXEC: no program headers", "elf(5), e_phnum", no_headers),
    CASE("ENOEXEC: program headers reach behind the file", "elf(5), e_phoff", headers_behind_end),
    CASE("ENOEXEC: program headers far behind the file", "elf(5), e_phoff", headers_far_behind_end),
    CASE("ENOEXEC: a file cut in its header", "elf(5)", header_cut),
    CASE("no PT_GNU_STACK: no code on the stack", "elf(5), PT_GNU_STACK", stack_without_header),
    CASE("PT_GNU_STACK RW: no code on the stack", "elf(5), PT_GNU_STACK", stack_not_executable),
    CASE("PT_GNU_STACK RWX: code on the stack", "elf(5), PT_GNU_STACK", stack_executable),
    CASE("PT_GNU_STACK RWX: data stays data", "elf(5), PT_GNU_STACK", stack_executable_alone),
    CASE("PT_GNU_RELRO is for the program to apply", "elf(5)", relro_is_the_programs),
    CASE("PT_TLS is loaded as any data", "elf(5)", tls_is_the_programs),
    CASE("PT_TLS is not looked at", "elf(5)", tls_lies_anywhere),
    HALVES("thread-local storage begins anew", "elf(5)", tls_of_library_before,
           tls_of_library_after),
    CASE("PT_INTERP: it runs in the program's place", "elf(5), PT_INTERP", interpreter_runs),
    CASE("PT_INTERP of a fixed program", "elf(5), PT_INTERP", interpreter_of_fixed),
    CASE("PT_INTERP: a fixed interpreter", "elf(5), PT_INTERP", interpreter_fixed),
    CASE("PT_INTERP: AT_BASE is where it begins", "getauxval(3)", interpreter_base),
    CASE("PT_INTERP of an interpreter is ignored", "elf(5), PT_INTERP", interpreter_of_interpreter),
    CASE("PT_INTERP: the first one counts", "elf(5), PT_INTERP", first_interpreter),
    CASE("PT_INTERP: an interpreter with bss", "elf(5), PT_INTERP", interpreter_with_bss),
    CASE("PT_INTERP: the name ends at its first NUL", "elf(5), PT_INTERP",
         interpreter_name_with_rest),
    CASE("PT_INTERP: by a symbolic link", "elf(5), PT_INTERP", interpreter_by_link),
    CASE("PT_INTERP: the program decides about the stack", "elf(5), PT_GNU_STACK",
         interpreter_stack),
    CASE("ETXTBSY is the program's, not its interpreter's", "execve(2)",
         interpreter_written_while_running),
    STRICTER("EINVAL: a segment larger in the file than in memory", "elf(5), p_filesz",
             file_larger_in_file, "ends the caller"),
    STRICTER("EINVAL: p_vaddr and p_offset do not fit", "elf(5), p_align", not_congruent,
             "ends the caller"),
    STRICTER("ENOMEM: a segment in the kernel's half", "execve(2)", in_kernel_half,
             "ends the caller"),
    STRICTER("EINVAL: an entry in the kernel's half", "elf(5), e_entry", entry_in_kernel_half,
             "ends the caller"),
    STRICTER("ENOEXEC: no segment", "elf(5), PT_LOAD", no_segment, "starts it, to die at once"),
    STRICTER("ENOEXEC: a file cut in a segment", "elf(5), p_filesz", cut_in_segment,
             "starts it, to die where the file ends"),
    STRICTER("ENOMEM: RLIMIT_AS", "execve(2)", no_room, "ends the caller"),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
