/*
 * auxiliary_vector.c: what the kernel tells a program about itself, item by item as Linux 6.1
 * does (getauxval(3)).
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "cases.h"
#include "own_copy.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#ifndef AT_HWCAP2
#define AT_HWCAP2 26
#endif
#define HWCAP2_FSGSBASE 2 /* <asm/hwcap2.h> */

#define COPY "/tmp/auxiliary_vector.set-user-id"

static const char *program;

/* It lies behind the environment (x86-64 psABI, 3.4.1). */
static const Elf64_auxv_t *vector(void)
{
    char **last = environ;
    while (*last)
        last++;
    return (const Elf64_auxv_t *)(last + 1);
}

/* Items up to AT_NULL, with it. */
static size_t vector_count(void)
{
    size_t count = 1;
    for (const Elf64_auxv_t *item = vector(); item->a_type != AT_NULL; item++)
        count++;
    return count;
}

static bool linux_items_in_linux_order(void)
{
    static const uint64_t expected[] = {
        AT_SYSINFO_EHDR, AT_MINSIGSTKSZ, AT_HWCAP,  AT_PAGESZ, AT_CLKTCK, AT_PHDR,     AT_PHENT,
        AT_PHNUM,        AT_BASE,        AT_FLAGS,  AT_ENTRY,  AT_UID,    AT_EUID,     AT_GID,
        AT_EGID,         AT_SECURE,      AT_RANDOM, AT_HWCAP2, AT_EXECFN, AT_PLATFORM, AT_NULL,
    };
    const size_t count = sizeof(expected) / sizeof(expected[0]);

    for (size_t i = 0; i < vector_count(); i++) {
        if (i < count && vector()[i].a_type == expected[i])
            continue;
        tap_note("item %zu is %lu", i, (unsigned long)vector()[i].a_type);
        return false;
    }
    REQUIRE(vector_count() == count);
    return true;
}

static bool constants(void)
{
    REQUIRE(getauxval(AT_PAGESZ) == 4096);
    REQUIRE(getauxval(AT_CLKTCK) == 100);
    REQUIRE(getauxval(AT_FLAGS) == 0);
    REQUIRE(!strcmp((const char *)getauxval(AT_PLATFORM), "x86_64"));
    return true;
}

static bool the_processor(void)
{
    unsigned eax = 1, ebx, ecx = 0, edx;

    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    REQUIRE(getauxval(AT_HWCAP) == edx);
    REQUIRE((getauxval(AT_HWCAP2) & ~(unsigned long)HWCAP2_FSGSBASE) == 0);
    /* What is promised works. */
    if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) {
        unsigned long base = 0;
        __asm__ volatile("rdfsbase %0" : "=r"(base));
        REQUIRE(base != 0);
    }
    return true;
}

static bool the_image(void)
{
    extern const char __ehdr_start[];
    extern void _start(void);
    const Elf64_Ehdr *header = (const void *)__ehdr_start;

    REQUIRE(getauxval(AT_PHDR) == (uintptr_t)__ehdr_start + header->e_phoff);
    REQUIRE(getauxval(AT_PHENT) == sizeof(Elf64_Phdr));
    REQUIRE(getauxval(AT_PHNUM) == header->e_phnum);
    REQUIRE(getauxval(AT_ENTRY) == (uintptr_t)_start);
    /* The interpreter's place, if there is one. */
    const char *interpreter = (const char *)getauxval(AT_BASE);
    const Elf64_Phdr *headers = (const void *)(__ehdr_start + header->e_phoff);
    bool asked = false;
    for (int i = 0; i < header->e_phnum; i++)
        asked |= headers[i].p_type == PT_INTERP;
    REQUIRE(asked ? interpreter && !memcmp(interpreter, ELFMAG, SELFMAG) : !interpreter);
    return true;
}

static bool who_runs_it(void)
{
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;

    REQUIRE(!getresuid(&real, &effective, &saved));
    REQUIRE(!getresgid(&real_group, &effective_group, &saved_group));
    REQUIRE(getauxval(AT_UID) == real && getauxval(AT_EUID) == effective);
    REQUIRE(getauxval(AT_GID) == real_group && getauxval(AT_EGID) == effective_group);
    REQUIRE(getauxval(AT_SECURE) == (real != effective || real_group != effective_group));
    return true;
}

static bool privileges_are_told(void)
{
    bool made = copy_program(COPY, 06755);
    pid_t child = made ? fork() : -1;
    if (!child) {
        execl(COPY, COPY, "secure", NULL);
        _exit(127);
    }
    int status = status_of(child);
    unlink(COPY);
    REQUIRE(made && exited(status, 42));
    return true;
}

/* In that copy. */
static int report_privileges(void)
{
    bool right = getauxval(AT_UID) == 0 && getauxval(AT_EUID) == 1234 && getauxval(AT_GID) == 0 &&
                 getauxval(AT_EGID) == 4321 && getauxval(AT_SECURE) == 1;
    return right ? 42 : 1;
}

static bool the_name_as_given(void)
{
    REQUIRE(!strcmp((const char *)getauxval(AT_EXECFN), program));
    return true;
}

static bool random_bytes_differ(void)
{
    unsigned char bytes[2][16];

    for (int i = 0; i < 2; i++) {
        int ends[2];
        REQUIRE(!pipe(ends));
        pid_t child = fork();
        if (!child) {
            dup2(ends[1], STDOUT_FILENO);
            execl("/proc/self/exe", program, "random", NULL);
            _exit(127);
        }
        close(ends[1]);
        REQUIRE(read(ends[0], bytes[i], 16) == 16);
        close(ends[0]);
        REQUIRE(exited(status_of(child), 0));
    }
    REQUIRE(memcmp(bytes[0], bytes[1], 16));
    REQUIRE(getauxval(AT_RANDOM) % 4096 <= 4096 - 16);
    return true;
}

static uintptr_t frame_start;

static void note_frame(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    (void)information;
    frame_start = (uintptr_t)context - sizeof(void *); /* the return address is below it */
}

static bool room_for_a_signal_frame(void)
{
    static char stack[65536] __attribute__((aligned(64)));
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = note_frame, .sa_flags = SA_ONSTACK | SA_SIGINFO};

    REQUIRE(!sigaltstack(&alternate, NULL) && !sigaction(SIGUSR1, &action, NULL));
    REQUIRE(!raise(SIGUSR1));
    size_t used = (uintptr_t)stack + sizeof(stack) - frame_start;
    REQUIRE(used < sizeof(stack));
    tap_note("AT_MINSIGSTKSZ is %lu, a frame took %zu", getauxval(AT_MINSIGSTKSZ), used);
    REQUIRE(getauxval(AT_MINSIGSTKSZ) >= used && getauxval(AT_MINSIGSTKSZ) <= used + 1024);
    return true;
}

static bool shown_in_proc(void)
{
    Elf64_auxv_t shown[64];
    int file = open("/proc/self/auxv", O_RDONLY);

    REQUIRE(file >= 0);
    ssize_t size = read(file, shown, sizeof(shown));
    REQUIRE(size == (ssize_t)(vector_count() * sizeof(*shown)));
    REQUIRE(!memcmp(shown, vector(), size));
    REQUIRE(read(file, shown, sizeof(shown)) == 0);
    close(file);
    return true;
}

static const struct test_case cases[] = {
    {"Linux's items in Linux's order", "getauxval(3)", linux_items_in_linux_order},
    {"constants", "getauxval(3)", constants},
    {"the processor, and nothing is promised that does not work", "getauxval(3)", the_processor},
    {"the image", "getauxval(3)", the_image},
    {"user and group", "getauxval(3)", who_runs_it},
    {"set-user-ID and set-group-ID are told", "getauxval(3)", privileges_are_told},
    {"the program's name as it was given", "getauxval(3)", the_name_as_given},
    {"random bytes are others each time", "getauxval(3)", random_bytes_differ},
    {"room for a signal frame", "sigaltstack(2)", room_for_a_signal_frame},
    {"/proc/self/auxv has the same bytes", "proc(5)", shown_in_proc},
};

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 2 && !strcmp(argv[1], "secure"))
        return report_privileges();
    if (argc == 2 && !strcmp(argv[1], "random"))
        return write(STDOUT_FILENO, (const void *)getauxval(AT_RANDOM), 16) != 16;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
