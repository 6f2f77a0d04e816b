/*
 * placement.c: where the kernel puts a program: somewhere else each time, or always at the same
 * place where that is asked for (personality(2), proc(5) randomize_va_space; the kernel option
 * norandmaps, which runs this program in a machine of its own).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"
#include "own_copy.h"

#define LEVEL "/proc/sys/kernel/randomize_va_space"
#define COPY  "/tmp/placement.set-user-id"

enum { IMAGE, LOADER, HEAP, STACK, MMAP, VDSO, PLACE_COUNT };
static const char *const names[] = {"image", "interpreter", "heap", "stack", "mmap", "vDSO"};

struct report {
    uint64_t places[PLACE_COUNT];
    uint64_t persona;
};

static const char *program;

/* The other side: tells where it is. */
static int report(char **argv)
{
    extern const char __ehdr_start[];
    struct report report = {
        .places =
            {
                [IMAGE] = (uintptr_t)__ehdr_start,
                [LOADER] = getauxval(AT_BASE), /* 0: a static program */
                [HEAP] = (uintptr_t)sbrk(0),
                [STACK] = (uintptr_t)argv - 8, /* where RSP was at first */
                [MMAP] = (uintptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                [VDSO] = getauxval(AT_SYSINFO_EHDR),
            },
        .persona = personality(0xffffffff),
    };
    return write(STDOUT_FILENO, &report, sizeof(report)) != sizeof(report);
}

/* Runs the other side; with the same arguments and environment each time. */
static bool ask_path(const char *path, struct report *answer)
{
    char *const arguments[] = {(char *)program, "report", NULL};
    int ends[2];

    REQUIRE(!pipe(ends));
    pid_t child = fork();
    if (!child) {
        dup2(ends[1], STDOUT_FILENO);
        execv(path, arguments);
        _exit(127);
    }
    close(ends[1]);
    ssize_t size = read(ends[0], answer, sizeof(*answer));
    close(ends[0]);
    REQUIRE(exited(status_of(child), 0) && size == sizeof(*answer));
    return true;
}

static bool ask(struct report *answer)
{
    return ask_path("/proc/self/exe", answer);
}

static bool read_level(int *level)
{
    char text[16] = "";
    int file = open(LEVEL, O_RDONLY);

    REQUIRE(file >= 0 && read(file, text, sizeof(text) - 1) > 0);
    close(file);
    *level = atoi(text);
    return true;
}

static bool write_level(const char *text)
{
    int file = open(LEVEL, O_WRONLY);

    REQUIRE(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    return true;
}

/* ---- at random ---- */

#define SAMPLES 64
static struct report samples[SAMPLES]; /* taken once, before the cases */

static bool take_samples(void)
{
    for (int i = 0; i < SAMPLES; i++)
        REQUIRE(ask(&samples[i]));
    return true;
}

/* Distinct values among the samples, and how many bits are not always the same. */
static void measure(const uint64_t *values, int *distinct, int *bits)
{
    uint64_t varies = 0;

    *distinct = 0;
    for (int i = 0; i < SAMPLES; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++)
            seen |= values[j] == values[i];
        *distinct += !seen;
        varies |= values[i] ^ values[0];
    }
    *bits = __builtin_popcountll(varies);
}

static bool varied(const char *what, const uint64_t *values, int least_distinct, int least_bits)
{
    int distinct, bits;

    measure(values, &distinct, &bits);
    if (distinct >= least_distinct && bits >= least_bits)
        return true;
    tap_note("%s: %d distinct of %d, %d bits", what, distinct, SAMPLES, bits);
    return false;
}

/* Linux gives image and mmap 28 bits, the stack 22 bits of pages, the heap 13. */
static bool every_place_is_random(void)
{
    static const int least_bits[] = {24, 24, 13, 22 + 5, 24, 22};
    bool enough = true;

    for (int place = 0; place < PLACE_COUNT; place++) {
        uint64_t values[SAMPLES];
        for (int i = 0; i < SAMPLES; i++)
            values[i] = samples[i].places[place];
        if (place == LOADER && !values[0])
            continue;
        enough &= varied(names[place], values, SAMPLES - 4, least_bits[place]);
    }
    return enough;
}

/* Who knows one place does not know the others. */
static bool places_are_independent(void)
{
    static const struct {
        const char *name;
        int first, second, least_distinct, least_bits;
    } pairs[] = {
        {"image and stack", IMAGE, STACK, SAMPLES - 4, 24},
        {"stack and mmap", STACK, MMAP, SAMPLES - 4, 24},
        {"image and heap", IMAGE, HEAP, SAMPLES - 4, 12},
        {"stack and vDSO", STACK, VDSO, SAMPLES / 2, 6},
    };
    bool enough = true;

    for (size_t pair = 0; pair < sizeof(pairs) / sizeof(pairs[0]); pair++) {
        uint64_t values[SAMPLES];
        for (int i = 0; i < SAMPLES; i++)
            values[i] =
                samples[i].places[pairs[pair].first] - samples[i].places[pairs[pair].second];
        enough &=
            varied(pairs[pair].name, values, pairs[pair].least_distinct, pairs[pair].least_bits);
    }
    return enough;
}

static bool the_stack_within_its_page(void)
{
    uint64_t values[SAMPLES];

    for (int i = 0; i < SAMPLES; i++) {
        values[i] = samples[i].places[STACK] % 4096;
        REQUIRE(values[i] % 16 == 0);
    }
    return varied("stack within its page", values, SAMPLES / 4, 5);
}

static bool on_at_boot(void)
{
    int level;

    REQUIRE(read_level(&level) && level == 2);
    return true;
}

/* ---- not at random ---- */

/* All places of two reports, but perhaps one. */
static bool same(const struct report *first, const struct report *second, int but)
{
    for (int place = 0; place < PLACE_COUNT; place++) {
        if (place == but || first->places[place] == second->places[place])
            continue;
        tap_note("%s: %lx and %lx", names[place], (unsigned long)first->places[place],
                 (unsigned long)second->places[place]);
        return false;
    }
    return true;
}

static bool always_the_same(void)
{
    struct report first, other;

    REQUIRE(ask(&first));
    for (int i = 0; i < 4; i++)
        REQUIRE(ask(&other) && same(&first, &other, -1));
    return true;
}

static bool off_by_personality(void)
{
    struct report answer;

    REQUIRE(personality(ADDR_NO_RANDOMIZE) >= 0);
    REQUIRE(always_the_same());
    /* It was inherited by fork and execve. */
    REQUIRE(ask(&answer) && answer.persona & ADDR_NO_RANDOMIZE);
    return true;
}

/* Image and stack, which need no second execve to be somewhere else. */
static bool on_for_privileged_programs(void)
{
    struct report first, second, plain;

    REQUIRE(personality(ADDR_NO_RANDOMIZE) >= 0);
    bool asked = copy_program(COPY, 04755) && ask_path(COPY, &first) && ask_path(COPY, &second);
    bool plain_asked = copy_program(COPY, 0755) && ask_path(COPY, &plain);
    unlink(COPY);
    REQUIRE(asked && plain_asked);
    REQUIRE(!(first.persona & ADDR_NO_RANDOMIZE) && !(second.persona & ADDR_NO_RANDOMIZE));
    for (int place = 0; place < PLACE_COUNT; place++)
        REQUIRE(first.places[place] != second.places[place] ||
                (place == LOADER && !first.places[place]));
    REQUIRE(plain.persona & ADDR_NO_RANDOMIZE);
    return true;
}

static bool off_for_all(void)
{
    bool off = write_level("0\n") && always_the_same();

    REQUIRE(write_level("2\n"));
    return off;
}

static bool all_but_the_heap(void)
{
    struct report first, second;
    int level = -1;

    bool asked = write_level("1") && read_level(&level) && ask(&first) && ask(&second);
    REQUIRE(write_level("2"));
    REQUIRE(asked && level == 1);
    REQUIRE(first.places[IMAGE] != second.places[IMAGE]);
    REQUIRE(first.places[STACK] != second.places[STACK]);
    REQUIRE(first.places[MMAP] != second.places[MMAP]);
    /* It follows the image, as near as page tables allow, or (Linux's for a static PIE) always lies
       at the same place. */
    REQUIRE(first.places[HEAP] - first.places[IMAGE] < 8UL << 20 ||
            first.places[HEAP] == second.places[HEAP]);
    return true;
}

static bool only_root_may_change_it(void)
{
    REQUIRE(!setresuid(1234, 1234, 1234));
    REQUIRE_ERRNO(open(LEVEL, O_WRONLY), EACCES);
    int level;
    REQUIRE(read_level(&level) && level == 2);
    return true;
}

static bool off_by_the_kernel_option(void)
{
    int level;

    REQUIRE(read_level(&level) && level == 0);
    return always_the_same();
}

static const struct test_case cases[] = {
    {"randomisation is on", "proc(5)", on_at_boot},
    {"image, heap, stack, mmap and vDSO are somewhere else each time", "execve(2)",
     every_place_is_random},
    {"one place does not tell the others", "execve(2)", places_are_independent},
    {"the stack begins anywhere in a page", "execve(2)", the_stack_within_its_page},
    {"off by personality(2)", "personality(2)", off_by_personality},
    {"on again for set-user-ID programs", "personality(2)", on_for_privileged_programs},
    {"off for all", "proc(5)", off_for_all},
    {"off for the heap", "proc(5)", all_but_the_heap},
    {"only root may change it", "proc(5)", only_root_may_change_it},
};

static const struct test_case cases_without[] = {
    {"the kernel option norandmaps", "kernel-parameters(7)", off_by_the_kernel_option},
};

int main(int argc, char **argv)
{
    char options[4096] = "";
    int file = open("/proc/cmdline", O_RDONLY);

    if (argc == 2 && !strcmp(argv[1], "report"))
        return report(argv);
    program = argv[0];
    if (file >= 0 && read(file, options, sizeof(options) - 1) > 0 && strstr(options, "norandmaps"))
        return run_cases(cases_without, sizeof(cases_without) / sizeof(cases_without[0]));
    if (!take_samples())
        return 1;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
