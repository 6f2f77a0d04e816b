/* memory_sizes: what /proc/PID/maps, smaps, smaps_rollup (proc(5)) and mincore(2) say about a
   program's memory. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cases.h"

#define PAGE 4096UL

static char zeros[64 * PAGE]; /* bss, most of it untouched */
static char filled[PAGE] = "data";

/* The line of maps or smaps that this address lies in: its flags and name. False: there is none. */
static bool line_of(const void *address, char flags[8], char name[256])
{
    unsigned long start, end, wanted = (unsigned long)address;
    char line[512];
    bool found = false;

    FILE *file = fopen("/proc/self/maps", "r");
    while (file && !found && fgets(line, sizeof(line), file)) {
        name[0] = '\0';
        found = sscanf(line, "%lx-%lx %7s %*s %*s %*s %255[^\n]", &start, &end, flags, name) >= 3 &&
                start <= wanted && wanted < end;
    }
    if (file)
        fclose(file);
    return found;
}

/* A field in kB of the region that begins at the address (NULL: the first that comes); -1. */
static long field_of(const char *path, const void *start, const char *name)
{
    char line[512];
    long value = -1, size;
    bool inside = !start;
    size_t length = strlen(name);

    FILE *file = fopen(path, "r");
    while (file && value < 0 && fgets(line, sizeof(line), file)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = !start || from == (unsigned long)start;
        else if (inside && strncmp(line, name, length) == 0 && line[length] == ':' &&
                 sscanf(line + length + 1, "%ld", &size) == 1)
            value = size;
    }
    if (file)
        fclose(file);
    return value;
}

static long smaps(const void *start, const char *name)
{
    return field_of("/proc/self/smaps", start, name);
}

/* The sum of a field over all regions. */
static long smaps_sum(const char *name)
{
    char line[512];
    long sum = 0, size;
    size_t length = strlen(name);

    FILE *file = fopen("/proc/self/smaps", "r");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, name, length) == 0 && line[length] == ':' &&
            sscanf(line + length + 1, "%ld", &size) == 1)
            sum += size;
    if (file)
        fclose(file);
    return sum;
}

static bool zeros_are_no_files(void)
{
    char flags[8], name[256];

    REQUIRE(line_of(filled, flags, name) && strstr(name, "memory_sizes"));
    REQUIRE(line_of(zeros + 60 * PAGE, flags, name) && strcmp(flags, "rw-p") == 0);
    REQUIRE(!strstr(name, "memory_sizes"));
    return true;
}

/* Alone: nothing of the same kind lies beside it. */
static char *map_alone(size_t size, int flags)
{
    char *place = mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return place == MAP_FAILED ? place
                               : mmap(place + PAGE, size, PROT_READ | PROT_WRITE,
                                      MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0);
}

static bool own_memory(void)
{
    char *place = map_alone(64 * PAGE, MAP_PRIVATE);

    REQUIRE(place != MAP_FAILED);
    REQUIRE(smaps(place, "Size") == 256 && smaps(place, "Rss") == 0 && smaps(place, "Pss") == 0);
    place[0] = place[10 * PAGE] = place[63 * PAGE] = 1;
    REQUIRE(smaps(place, "Rss") == 12 && smaps(place, "Pss") == 12);
    REQUIRE(smaps(place, "Private_Dirty") == 12 && smaps(place, "Anonymous") == 12);
    REQUIRE(smaps(place, "Shared_Dirty") == 0 && smaps(place, "Shared_Clean") == 0);
    return true;
}

static bool memory_of_two(void)
{
    char *place = map_alone(64 * PAGE, MAP_PRIVATE);

    REQUIRE(place != MAP_FAILED);
    memset(place, 1, 64 * PAGE);
    pid_t child = fork();
    if (child == 0) {
        bool shared = smaps(place, "Rss") == 256 && smaps(place, "Shared_Dirty") == 256 &&
                      smaps(place, "Pss") == 128;
        memset(place, 2, 32 * PAGE);
        _exit(shared && smaps(place, "Private_Dirty") == 128 &&
                      smaps(place, "Shared_Dirty") == 128 && smaps(place, "Pss") == 192
                  ? 0
                  : 1);
    }
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(smaps(place, "Pss") == 256 && smaps(place, "Private_Dirty") == 256);
    return true;
}

static bool shared_memory(void)
{
    char *place = map_alone(64 * PAGE, MAP_SHARED);

    REQUIRE(place != MAP_FAILED);
    memset(place, 1, 16 * PAGE);
    REQUIRE(smaps(place, "Rss") == 64 && smaps(place, "Pss") == 64);
    REQUIRE(smaps(place, "Private_Dirty") == 64);
    return true;
}

static bool the_sum_is_right(void)
{
    memset(zeros, 1, 8 * PAGE);
    long resident = smaps_sum("Rss"), told = field_of("/proc/self/smaps_rollup", NULL, "Rss");
    long status = field_of("/proc/self/status", NULL, "VmRSS");

    tap_note("Rss %ld, rollup %ld, VmRSS %ld", resident, told, status);
    REQUIRE(resident > 40 && labs(resident - told) <= 128);
    REQUIRE(smaps_sum("Pss") > 0 && smaps_sum("Pss") <= resident);
    return true;
}

/* mincore(2) tells what a touch would find, not what this program has mapped of it. */
static bool what_others_brought_in(void)
{
    int file = open("/tmp/memory_sizes.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unsigned char there[3] = {9, 9, 9};

    unlink("/tmp/memory_sizes.file");
    REQUIRE(ftruncate(file, 3 * PAGE) == 0 && pwrite(file, "x", 1, PAGE) == 1);
    for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
        void *map = mmap(NULL, 3 * PAGE, PROT_READ, flags, file, 0);
        REQUIRE(map != MAP_FAILED && mincore(map, 3 * PAGE, there) == 0);
        REQUIRE(!(there[0] & 1) && there[1] & 1 && !(there[2] & 1));
    }
    return true;
}

static bool others_may_not_read_it(void)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        char name[64];
        snprintf(name, sizeof(name), "/proc/%d/smaps_rollup", parent);
        if (setresuid(1000, 1000, 1000))
            _exit(2);
        int file = open(name, O_RDONLY);
        _exit(file < 0 && errno == EACCES ? 0 : 1);
    }
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static const struct test_case cases[] = {
    {"maps: zeros behind the data are no file's", "proc(5)", zeros_are_no_files},
    {"smaps: memory of one's own", "proc(5)", own_memory},
    {"smaps: memory of two", "proc(5)", memory_of_two},
    {"smaps: shared memory", "proc(5)", shared_memory},
    {"mincore: what others brought in", "mincore(2)", what_others_brought_in},
    {"smaps_rollup: the sum", "proc(5)", the_sum_is_right},
    {"smaps_rollup: not for others", "proc(5)", others_may_not_read_it},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
