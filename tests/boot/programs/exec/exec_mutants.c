/*
 * exec_mutants: thousands of execs of real programs of which something was changed at random: their
 * headers, their code and data, their length, their interpreter, the first line of a script. Each
 * either runs, or dies by a signal, or execve gives an errno and has changed nothing of its caller.
 * Afterwards the programs as they were still run, and the kernel's counts are what they were.
 *
 * The mutants run as users without rights, within limits. They are drawn from a seed that is
 * printed: MUTANTS_SEED in the environment repeats it, MUTANTS says how many.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <tap.h>
#include <time.h>

#include "proc_baton.h"

#define FOLDER "/tmp/exec_mutants"

enum {
    WORKERS = 4,
    FIRST_USER = 2000,
    MEMORY = 1 << 14,
    CHANGES_MOST = 8,
    CHANGE_SIZE = 64,
    TIME = 30000,  /* us of a processor that a mutant may use; programs as they are get seconds */
    PATIENCE = 60, /* s until it is killed, whatever it has done with its signals */
    ERRORS_MOST = 134,
};

/* ---- what is mutated ---- */

static const struct original {
    const char *name, *path; /* path NULL: a script */
    const char *argument;
} originals[] = {
    {"static", "/tests/exec_mutants", "run"},
    {"pie", "/tests/exec_mutants_pie", "run"},
    {"dynamic", "/tests/exec_mutants_dynamic", "run"},
    {"loader", "/tests/ld-musl-x86_64.so.1", NULL}, /* of "dynamic" */
    {"busybox", "/bin/busybox", "true"},
    {"script", NULL, "run"},
};
enum { STATIC, PIE, DYNAMIC, LOADER, BUSYBOX, SCRIPT, ORIGINALS };

/* A worker's copy of one; `bytes` is what belongs in it. */
struct copy {
    char path[64];
    const uint8_t *bytes;
    size_t size;
    int file; /* open only while it is changed: ETXTBSY */
    struct {
        size_t start, end;
    } changed[CHANGES_MOST]; /* that are to be taken back */
    unsigned changes;
};

/* Shared with the workers and their mutants. */
static struct tally {
    unsigned mutants, ran, signals, errors, changed, odd;
    unsigned by_error[ERRORS_MOST];
    int error; /* of the present one's execve; 0: it did not fail */
} * tallies;

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13; /* xorshift64 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* ---- changes ---- */

/* Numbers at which arithmetic goes wrong. */
static uint64_t draw_number(size_t size)
{
    static const uint64_t numbers[] = {
        0,
        1,
        2,
        7,
        63,
        64,
        0xff,
        0xfff,
        0x1000,
        0x1001,
        0xffff,
        0x10000,
        0x1fffff,
        0x200000,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x7ffffffff000,
        0x7fffffffffff,
        0x800000000000,
        0xffff800000000000,
        0xffffffff80000000,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xfffffffffffff000,
        0xffffffffffffffff,
    };
    uint64_t number = draw(4) ? numbers[draw(sizeof(numbers) / sizeof(*numbers))] : size;
    return number + (draw(3) ? 0 : draw(3) - 1);
}

static void note_change(struct copy *copy, size_t start, size_t end)
{
    copy->changed[copy->changes].start = start;
    copy->changed[copy->changes++].end = end;
}

static void put(struct copy *copy, uint64_t offset, const void *bytes, size_t size)
{
    if (offset >= copy->size)
        return;
    if (size > copy->size - offset)
        size = copy->size - offset;
    (void)!pwrite(copy->file, bytes, size, (off_t)offset);
    note_change(copy, offset, offset + size);
}

/* Where a field of a program header is, of a file that is one. */
static uint64_t draw_field(const struct copy *copy, size_t *size)
{
    static const uint8_t offsets[] = {0, 4, 8, 16, 32, 40, 48};
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)copy->bytes;
    uint64_t offset = offsets[draw(sizeof(offsets))];

    *size = offset < 8 ? 4 : 8;
    return header->e_phoff + draw(header->e_phnum) * sizeof(Elf64_Phdr) + offset;
}

static void change_once(struct copy *copy, bool script)
{
    uint8_t bytes[CHANGE_SIZE];
    uint64_t number = draw_number(copy->size);
    size_t size = sizeof(number);
    uint64_t offset;

    switch (script ? 4 + draw(4) : draw(8)) {
    case 0: /* a field of a program header */
    case 1:
        offset = draw_field(copy, &size);
        put(copy, offset, &number, size);
        break;
    case 2: /* the file's header */
        size = 1 << draw(4);
        put(copy, 16 + draw(48), &number, size);
        break;
    case 3: /* a program header in another's place */
        offset = draw_field(copy, &size) / 8 * 8;
        put(copy, offset, copy->bytes + draw_field(copy, &size) / 8 * 8, sizeof(Elf64_Phdr));
        break;
    case 4: /* a bit at the beginning */
        offset = draw(copy->size < 1024 ? copy->size : 1024);
        bytes[0] = copy->bytes[offset] ^ 1 << draw(8);
        put(copy, offset, bytes, 1);
        break;
    case 5: /* bytes anywhere */
        size = 1 + draw(16);
        for (size_t i = 0; i < size; i++)
            bytes[i] = draw(256);
        put(copy, draw(copy->size), bytes, size);
        break;
    case 6: /* bytes from elsewhere */
        size = 1 + draw(CHANGE_SIZE);
        if (size < copy->size)
            put(copy, draw(copy->size), copy->bytes + draw(copy->size - size), size);
        break;
    default: /* an end */
        offset = draw(2) ? draw(copy->size) : draw(1024);
        if (draw(4) == 0 && offset < copy->size && ftruncate(copy->file, (off_t)offset) == 0)
            note_change(copy, offset, copy->size);
        else
            put(copy, offset, &number, size);
        break;
    }
}

/* Makes the file what it was. */
static void restore(struct copy *copy)
{
    while (copy->changes) {
        size_t start = copy->changed[--copy->changes].start;
        size_t end = copy->changed[copy->changes].end;
        (void)!pwrite(copy->file, copy->bytes + start, end - start, (off_t)start);
    }
}

/* Is the file what it was? That no mutant has written to it. */
static bool is_restored(const struct copy *copy)
{
    static uint8_t page[4096];
    int file = open(copy->path, O_RDONLY | O_CLOEXEC);
    size_t offset = 0;
    ssize_t part;

    while ((part = read(file, page, sizeof(page))) > 0 && offset + part <= copy->size &&
           memcmp(page, copy->bytes + offset, part) == 0)
        offset += part;
    close(file);
    if (offset != copy->size)
        tap_note("%s: differs at %zu of %zu", copy->path, offset, copy->size);
    return offset == copy->size;
}

/* ---- a mutant ---- */

static void limit(int resource, rlim_t value)
{
    setrlimit(resource, &(struct rlimit){value, value});
}

static uint64_t sum_of(const uint8_t *bytes, size_t size)
{
    uint64_t sum = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t at = 0; at < size; at++)
        sum = (sum ^ bytes[at]) * UINT64_C(1099511628211);
    return sum;
}

/* In a child. Only if execve fails it comes so far as to report. */
static void run_mutant(const char *path, const char *argument, unsigned worker, unsigned seconds)
{
    static uint8_t memory[MEMORY];
    char *const arguments[] = {(char *)argument, (char *)argument, NULL};
    char *const environment[] = {"PATH=/bin", NULL};
    struct itimerval time = {.it_value = {seconds, TIME}, .it_interval = {0, TIME}};
    struct itimerval wait = {.it_value = {seconds + 1, 0}, .it_interval = {1, 0}};
    sigset_t none;

    int null = open("/dev/null", O_RDWR);
    for (int number = 0; number < 3; number++)
        dup2(null, number);
    setsid();
    limit(RLIMIT_CPU, seconds + 1);
    limit(RLIMIT_AS, 64 << 20);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NPROC, 1);
    limit(RLIMIT_NOFILE, 16);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setgroups(0, NULL);
    if (setgid(FIRST_USER + worker) || setuid(FIRST_USER + worker))
        _exit(1);
    setitimer(ITIMER_PROF, &time, NULL);
    setitimer(ITIMER_REAL, &wait, NULL);

    memset(memory, 0x55, sizeof(memory));
    uint64_t before = sum_of(memory, sizeof(memory));
    execve(path, arguments, environment);
    tallies[worker].error = errno;
    bool same = before == sum_of(memory, sizeof(memory)) && fcntl(null, F_GETFD) == 0 &&
                getuid() == FIRST_USER + worker;
    _exit(same ? 0 : 1);
}

static int status_of(pid_t child)
{
    struct timespec patience = {PATIENCE, 0};
    sigset_t mask;
    int status;

    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    while (waitpid(child, &status, WNOHANG) == 0)
        if (sigtimedwait(&mask, NULL, &patience) < 0)
            kill(child, SIGKILL);
    return status;
}

/* What execve(2) lists, and what a path may be wrong about. A path in which one letter is another
   may name another worker's file, which is open for writing just then: ETXTBSY. */
static bool is_documented(int error)
{
    static const int errors[] = {E2BIG, EACCES,    EINVAL,  EIO,    EISDIR,       ELIBBAD,
                                 ELOOP, ENOENT,    ENOEXEC, ENOMEM, ENAMETOOLONG, ENOTDIR,
                                 EPERM, EOVERFLOW, EEXIST,  ETXTBSY};
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        if (errors[i] == error)
            return true;
    return false;
}

static void take_down(struct tally *tally, int status)
{
    tally->mutants++;
    if (tally->error) {
        tally->errors++;
        tally->by_error[tally->error < ERRORS_MOST ? tally->error : 0]++;
        tally->odd += !is_documented(tally->error);
        tally->changed += WIFEXITED(status) && WEXITSTATUS(status) != 0;
    } else if (WIFSIGNALED(status)) {
        tally->signals++;
    } else {
        tally->ran++;
    }
}

static int execute(const struct copy *copies, unsigned which, unsigned worker, unsigned seconds)
{
    const char *argument = originals[which].argument;

    if (which == LOADER) {
        which = DYNAMIC;
        argument = originals[DYNAMIC].argument;
    }
    tallies[worker].error = 0;
    pid_t child = fork();
    if (child == 0)
        run_mutant(copies[which].path, argument, worker, seconds);
    return status_of(child);
}

static void mutate_and_execute(struct copy *copies, unsigned worker)
{
    unsigned which = draw(ORIGINALS);
    struct copy *copy = &copies[which];

    copy->file = open(copy->path, O_RDWR | O_CLOEXEC);
    for (uint64_t changes = draw(4) ? 1 : 1 + draw(CHANGES_MOST); changes > 0; changes--)
        change_once(copy, which == SCRIPT);
    close(copy->file);
    int status = execute(copies, which, worker, 0);
    take_down(&tallies[worker], status);
    copy->file = open(copy->path, O_RDWR | O_CLOEXEC);
    if (copy->file < 0)
        tap_note("%s cannot be opened: %s", copy->path, strerror(errno));
    restore(copy);
    close(copy->file);
}

/* ---- a worker ---- */

/* The original's bytes: mapped, so that a fork has nothing to copy. */
static bool map_bytes(struct copy *copy, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    bool done = file >= 0 && fstat(file, &status) == 0;

    if (done) {
        copy->size = status.st_size;
        copy->bytes = mmap(NULL, copy->size, PROT_READ, MAP_PRIVATE, file, 0);
        done = copy->bytes != MAP_FAILED;
    }
    close(file);
    return done;
}

static bool write_file(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    bool done = file >= 0 && write(file, bytes, size) == (ssize_t)size && fchmod(file, 0755) == 0;

    close(file);
    return done;
}

/* The dynamic program asks for this worker's copy of the loader. */
static bool change_interpreter(struct copy *copy, const char *loader)
{
    Elf64_Phdr *header;
    bool done = false;

    uint8_t *bytes =
        mmap(NULL, copy->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(bytes, copy->bytes, copy->size);
    munmap((void *)copy->bytes, copy->size);
    copy->bytes = bytes;
    header = (Elf64_Phdr *)(bytes + ((Elf64_Ehdr *)bytes)->e_phoff);
    for (unsigned i = 0; i < ((Elf64_Ehdr *)bytes)->e_phnum; i++) {
        if (header[i].p_type == PT_INTERP && header[i].p_filesz > strlen(loader)) {
            strcpy((char *)bytes + header[i].p_offset, loader);
            header[i].p_filesz = header[i].p_memsz = strlen(loader) + 1;
            done = true;
        }
    }
    return done;
}

static bool make_copies(struct copy *copies, unsigned worker)
{
    static char script[256], loader[64];
    bool done = true;

    for (unsigned i = 0; i < ORIGINALS; i++)
        snprintf(copies[i].path, sizeof(copies[i].path), FOLDER "/%u/%.1s", worker,
                 originals[i].name);
    snprintf(loader, sizeof(loader), "%s", copies[LOADER].path);
    for (unsigned i = 0; i < SCRIPT && done; i++)
        done = map_bytes(&copies[i], originals[i].path) &&
               (i != DYNAMIC || change_interpreter(&copies[i], loader)) &&
               write_file(copies[i].path, copies[i].bytes, copies[i].size);
    snprintf(copies[SCRIPT].path, sizeof(copies[SCRIPT].path), FOLDER "/%u/#", worker);
    copies[SCRIPT].size =
        snprintf(script, sizeof(script), "#!%s \t run   it \nand more\n", copies[STATIC].path);
    copies[SCRIPT].bytes = (const uint8_t *)script;
    return done && write_file(copies[SCRIPT].path, script, copies[SCRIPT].size);
}

/* In a child: makes its copies, mutates and executes, and sees that they still run. */
static int work(unsigned worker, unsigned mutants)
{
    static struct copy copies[ORIGINALS];
    char folder[64];
    int bad = 0;

    snprintf(folder, sizeof(folder), FOLDER "/%u", worker);
    mkdir(folder, 0755);
    random_state = (random_state + worker) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    if (!make_copies(copies, worker) || chdir(folder))
        return 1;
    for (unsigned i = 0; i < mutants; i++)
        mutate_and_execute(copies, worker);
    for (unsigned i = 0; i < ORIGINALS; i++)
        bad |= !is_restored(&copies[i]);
    for (unsigned i = 0; i < ORIGINALS; i++) {
        int status = execute(copies, i, worker, PATIENCE);
        if (status || tallies[worker].error)
            tap_note("%s: status %#x, errno %d", originals[i].name, status, tallies[worker].error);
        bad |= status || tallies[worker].error;
    }
    for (unsigned i = 0; i < ORIGINALS; i++)
        unlink(copies[i].path);
    chdir("/");
    return bad || rmdir(folder) ? 2 : 0;
}

/* How many workers did not end as they should. */
static unsigned work_all(unsigned mutants)
{
    pid_t children[WORKERS];
    unsigned bad = 0;
    int status;

    memset(tallies, 0, WORKERS * sizeof(*tallies));
    for (unsigned i = 0; i < WORKERS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(work(i, mutants / WORKERS));
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        waitpid(children[i], &status, 0);
        bad += status != 0;
    }
    return bad;
}

/* ---- the test ---- */

static void report(unsigned wanted, unsigned bad)
{
    struct tally sum = {0};

    for (unsigned i = 0; i < WORKERS; i++) {
        const struct tally *tally = &tallies[i];
        sum.mutants += tally->mutants;
        sum.ran += tally->ran;
        sum.signals += tally->signals;
        sum.errors += tally->errors;
        sum.changed += tally->changed;
        sum.odd += tally->odd;
        for (unsigned error = 0; error < ERRORS_MOST; error++)
            sum.by_error[error] += tally->by_error[error];
    }
    tap_note("%u mutants: %u ran, %u died by a signal, %u were refused", sum.mutants, sum.ran,
             sum.signals, sum.errors);
    for (int error = 0; error < ERRORS_MOST; error++)
        if (sum.by_error[error])
            tap_note("%u: %s", sum.by_error[error], strerror(error));
    tap_ok(bad == 0, "the programs run when they are as they were");
    tap_ok(sum.mutants == wanted, "%u mutants were executed", wanted);
    tap_ok(sum.ran > 0 && sum.signals > 0 && sum.errors > 0,
           "some run, some die by a signal, some are refused");
    tap_ok(sum.changed == 0, "who is refused is as it was");
    tap_ok(sum.odd == 0, "every errno is one of execve's");
}

int main(int argc, char **argv)
{
    static char before[2][4096], after[2][4096];
    const char *seed = getenv("MUTANTS_SEED"), *count = getenv("MUTANTS");
    unsigned wanted = count ? strtoul(count, NULL, 0) / WORKERS * WORKERS : 10000;
    sigset_t mask;

    if (argc > 1) { /* one of the programs: a little of what programs do */
        char *text = malloc(100000);
        snprintf(text, 100000, "%s %d %s\n", argv[0], getpid(), getenv("PATH"));
        puts(text);
        free(text);
        return 0;
    }
    random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761;
    tap_note("MUTANTS_SEED=%#" PRIx64, random_state);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    tallies = mmap(NULL, WORKERS * sizeof(*tallies), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mkdir(FOLDER, 0755);
    work_all(200); /* for warm-up */
    memset(before, 0, sizeof(before));
    memset(after, 0, sizeof(after));
    tap_note("warm");
    baton_counts_at_rest(before);
    unsigned bad = work_all(wanted);
    baton_counts_at_rest(after);
    report(wanted, bad);
    if (!baton_is_here())
        tap_skip("this kernel is not Baton", "no count has changed");
    else if (!tap_ok(strcmp(before[0], after[0]) == 0 && strcmp(before[1], after[1]) == 0,
                     "no count has changed"))
        tap_note("before: %s %s after: %s %s", before[0], before[1], after[0], after[1]);
    return tap_done();
}
