/*
 * vdso.c: the shared object that the kernel puts into every program: found as a C library finds
 * it, by AT_SYSINFO_EHDR and its symbol table, and compared with the system calls.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "cases.h"

#define PAGE 4096UL

/* ---- the object ---- */

struct object {
    const char *base; /* NULL: there is none */
    const Elf64_Phdr *load, *frames;
    const Elf64_Sym *symbols;
    const char *strings;
    const uint32_t *hash;
    const uint16_t *versions;
    const Elf64_Verdef *definitions;
    bool relocated; /* it has relocations, which nobody would apply */
};

static bool object_open(struct object *object)
{
    const Elf64_Ehdr *header = (const void *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Dyn *dynamic = NULL;

    memset(object, 0, sizeof(*object));
    REQUIRE(header && (uintptr_t)header % PAGE == 0);
    REQUIRE(!memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_ident[EI_CLASS] == ELFCLASS64);
    REQUIRE(header->e_type == ET_DYN && header->e_machine == EM_X86_64);
    object->base = (const char *)header;

    const Elf64_Phdr *headers = (const void *)(object->base + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++) {
        if (headers[i].p_type == PT_LOAD) {
            REQUIRE(!object->load);
            object->load = &headers[i];
        } else if (headers[i].p_type == PT_DYNAMIC) {
            dynamic = (const void *)(object->base + headers[i].p_vaddr);
        } else if (headers[i].p_type == PT_GNU_EH_FRAME) {
            object->frames = &headers[i];
        }
    }
    REQUIRE(object->load && dynamic);
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        const void *place = object->base + dynamic->d_un.d_ptr;
        switch (dynamic->d_tag) {
        case DT_SYMTAB:
            object->symbols = place;
            break;
        case DT_STRTAB:
            object->strings = place;
            break;
        case DT_HASH:
            object->hash = place;
            break;
        case DT_VERSYM:
            object->versions = place;
            break;
        case DT_VERDEF:
            object->definitions = place;
            break;
        case DT_RELA:
        case DT_REL:
        case DT_JMPREL:
            object->relocated = true;
            break;
        }
    }
    REQUIRE(object->symbols && object->strings && object->hash);
    REQUIRE(object->versions && object->definitions);
    return true;
}

static const char *version_name(const struct object *object, uint16_t index)
{
    const char *place = (const char *)object->definitions;

    for (;;) {
        const Elf64_Verdef *definition = (const void *)place;
        const Elf64_Verdaux *name = (const void *)(place + definition->vd_aux);
        if (definition->vd_ndx == (index & 0x7fff))
            return object->strings + name->vda_name;
        if (!definition->vd_next)
            return "";
        place += definition->vd_next;
    }
}

/* A function of that name and version by the hash table (System V ABI, "Hash Table"); NULL. */
static const Elf64_Sym *object_find(const struct object *object, const char *name)
{
    uint32_t hash = 0;
    for (const char *c = name; *c; c++) {
        hash = (hash << 4) + (unsigned char)*c;
        hash = (hash ^ ((hash & 0xf0000000) >> 24)) & 0x0fffffff;
    }
    const uint32_t *buckets = object->hash + 2, *chain = buckets + object->hash[0];
    for (uint32_t i = buckets[hash % object->hash[0]]; i; i = chain[i]) {
        const Elf64_Sym *symbol = &object->symbols[i];
        if (!strcmp(object->strings + symbol->st_name, name) && symbol->st_shndx != SHN_UNDEF &&
            !strcmp(version_name(object, object->versions[i]), "LINUX_2.6"))
            return symbol;
    }
    return NULL;
}

static const char *const names[] = {"clock_gettime", "clock_getres", "gettimeofday", "time",
                                    "getcpu"};
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static struct {
    int (*clock_gettime)(int, struct timespec *);
    int (*clock_getres)(int, struct timespec *);
    int (*gettimeofday)(struct timeval *, struct timezone *);
    time_t (*time)(time_t *);
    int (*getcpu)(unsigned *, unsigned *, void *);
} vdso;

static bool functions_find(void)
{
    struct object object;
    void **function = (void **)&vdso;

    REQUIRE(object_open(&object));
    for (size_t i = 0; i < NAME_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "__vdso_%s", names[i]);
        const Elf64_Sym *symbol = object_find(&object, name);
        REQUIRE(symbol);
        function[i] = (void *)(object.base + symbol->st_value);
    }
    return true;
}

static bool one_segment_without_relocations(void)
{
    struct object object;

    REQUIRE(object_open(&object));
    REQUIRE(object.load->p_flags == (PF_R | PF_X) && object.load->p_offset == 0);
    REQUIRE(object.load->p_vaddr == 0);
    REQUIRE(!object.relocated);
    return true;
}

static bool every_function_twice(void)
{
    struct object object;

    REQUIRE(object_open(&object));
    for (size_t i = 0; i < NAME_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "__vdso_%s", names[i]);
        const Elf64_Sym *symbol = object_find(&object, name);
        const Elf64_Sym *weak = object_find(&object, names[i]);
        REQUIRE(symbol && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC);
        REQUIRE(ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL && symbol->st_size > 0);
        REQUIRE(weak && ELF64_ST_BIND(weak->st_info) == STB_WEAK);
        REQUIRE(weak->st_value == symbol->st_value);
    }
    REQUIRE(!object_find(&object, "__vdso_nothing"));
    return true;
}

/* The table of .eh_frame_hdr: pairs of a function's and its description's distance from there. */
static bool functions_can_be_unwound(void)
{
    struct object object;

    REQUIRE(object_open(&object) && object.frames);
    const unsigned char *header = (const void *)(object.base + object.frames->p_vaddr);
    REQUIRE(header[0] == 1);
    REQUIRE(header[2] == 0x03 && header[3] == 0x3b); /* udata4; datarel | sdata4 */
    const int32_t *words = (const void *)header;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "__vdso_%s", names[i]);
        const Elf64_Sym *symbol = object_find(&object, name);
        bool found = false;
        REQUIRE(symbol);
        for (int32_t entry = 0; entry < words[2]; entry++)
            found |= (const char *)header + words[3 + 2 * entry] == object.base + symbol->st_value;
        REQUIRE(found);
    }
    return true;
}

/* ---- what they say ---- */

static int64_t nanoseconds(const struct timespec *time)
{
    return time->tv_sec * 1000000000 + time->tv_nsec;
}

static int64_t by_call(int clock)
{
    struct timespec now = {-1, 0};

    syscall(SYS_clock_gettime, clock, &now);
    return nanoseconds(&now);
}

static int64_t by_vdso(int clock)
{
    struct timespec now = {-1, 0};

    return vdso.clock_gettime(clock, &now) ? -1 : nanoseconds(&now);
}

static const int clocks[] = {CLOCK_REALTIME,           CLOCK_MONOTONIC,         CLOCK_MONOTONIC_RAW,
                             CLOCK_REALTIME_COARSE,    CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,
                             CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_TAI};
#define CLOCK_COUNT (sizeof(clocks) / sizeof(clocks[0]))

static bool never_behind_the_call(void)
{
    REQUIRE(functions_find());
    for (size_t i = 0; i < CLOCK_COUNT; i++) {
        for (int round = 0; round < 1000; round++) {
            int64_t before = by_call(clocks[i]);
            int64_t now = by_vdso(clocks[i]);
            int64_t after = by_call(clocks[i]);
            if (before < 0 || now < before || after < now)
                tap_note("clock %d: %lld, %lld, %lld", clocks[i], (long long)before, (long long)now,
                         (long long)after);
            REQUIRE(before >= 0 && now >= before && after >= now);
        }
    }
    return true;
}

static bool library_uses_the_same(void)
{
    REQUIRE(functions_find());
    for (int round = 0; round < 1000; round++) {
        struct timespec first, second;
        struct timeval wall;
        int64_t before = by_vdso(CLOCK_REALTIME);
        REQUIRE(!clock_gettime(CLOCK_REALTIME, &first));
        REQUIRE(!gettimeofday(&wall, NULL));
        REQUIRE(!clock_gettime(CLOCK_REALTIME, &second));
        REQUIRE(before <= nanoseconds(&first));
        REQUIRE(wall.tv_sec * 1000000 + wall.tv_usec >= nanoseconds(&first) / 1000);
        REQUIRE(wall.tv_sec * 1000000 + wall.tv_usec <= nanoseconds(&second) / 1000);
        REQUIRE(nanoseconds(&second) <= by_vdso(CLOCK_REALTIME));
    }
    return true;
}

static bool time_of_day(void)
{
    struct timezone zone = {7, 7}, called = {7, 7};
    struct timeval now, before, after;

    REQUIRE(functions_find());
    REQUIRE(!syscall(SYS_gettimeofday, &before, &called));
    REQUIRE(vdso.gettimeofday(&now, &zone) == 0);
    REQUIRE(!syscall(SYS_gettimeofday, &after, NULL));
    REQUIRE(!timercmp(&now, &before, <) && !timercmp(&after, &now, <));
    REQUIRE(zone.tz_minuteswest == called.tz_minuteswest && zone.tz_dsttime == called.tz_dsttime);
    REQUIRE(vdso.gettimeofday(NULL, NULL) == 0);
    return true;
}

static bool seconds(void)
{
    REQUIRE(functions_find());
    time_t before = syscall(SYS_time, NULL), stored = 0;
    time_t now = vdso.time(&stored);
    REQUIRE(now == stored && before <= now);
    REQUIRE(vdso.time(NULL) >= now);
    REQUIRE(syscall(SYS_time, NULL) >= now);
    return true;
}

static bool unknown_clocks(void)
{
    static const int unknown[] = {10, 12, 31, 32, 1000, INT32_MAX};
    struct timespec time = {1, 2};

    REQUIRE(functions_find());
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        REQUIRE(vdso.clock_gettime(unknown[i], &time) == -EINVAL);
        REQUIRE(vdso.clock_getres(unknown[i], &time) == -EINVAL);
    }
    REQUIRE(time.tv_sec == 1 && time.tv_nsec == 2);
    /* The clock of this process by its number: bits that only the system call knows. */
    clockid_t own;
    REQUIRE(!clock_getcpuclockid(0, &own));
    REQUIRE(vdso.clock_gettime(own, &time) == 0 && by_call(own) >= nanoseconds(&time));
    return true;
}

static bool resolutions(void)
{
    REQUIRE(functions_find());
    for (size_t i = 0; i < CLOCK_COUNT; i++) {
        struct timespec said = {-1, -1}, called = {-2, -2};
        REQUIRE(vdso.clock_getres(clocks[i], &said) == 0);
        REQUIRE(!syscall(SYS_clock_getres, clocks[i], &called));
        REQUIRE(said.tv_sec == called.tv_sec && said.tv_nsec == called.tv_nsec);
        REQUIRE(vdso.clock_getres(clocks[i], NULL) == 0);
    }
    return true;
}

/* Sets the wall clock an hour on and back again: nothing else may happen to it meanwhile. */
static bool follows_the_setting(void)
{
    const int64_t hour = 3600, limit = 60;
    struct timespec set;

    REQUIRE(functions_find());
    int64_t steady = by_vdso(CLOCK_MONOTONIC);
    REQUIRE(!syscall(SYS_clock_gettime, CLOCK_REALTIME, &set));
    int64_t before = set.tv_sec;
    set.tv_sec += hour;
    REQUIRE(!syscall(SYS_clock_settime, CLOCK_REALTIME, &set));
    int64_t later = by_vdso(CLOCK_REALTIME) / 1000000000;
    time_t later_seconds = vdso.time(NULL);
    set.tv_sec -= hour;
    REQUIRE(!syscall(SYS_clock_settime, CLOCK_REALTIME, &set));
    int64_t back = by_vdso(CLOCK_REALTIME) / 1000000000;
    REQUIRE(later >= before + hour && later < before + hour + limit);
    REQUIRE(later_seconds >= before + hour && later_seconds < before + hour + limit);
    REQUIRE(back >= before && back < before + limit);
    int64_t passed = by_vdso(CLOCK_MONOTONIC) - steady;
    REQUIRE(passed >= 0 && passed < limit * 1000000000);
    return true;
}

/* ---- all processors ---- */

static int processors(cpu_set_t *set)
{
    CPU_ZERO(set);
    return sched_getaffinity(0, sizeof(*set), set) ? 0 : CPU_COUNT(set);
}

static bool getcpu_follows_the_affinity(void)
{
    cpu_set_t all;

    REQUIRE(functions_find());
    REQUIRE(processors(&all) > 0);
    for (int round = 0; round < 3; round++) {
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            cpu_set_t one;
            unsigned here = 99, node = 99, called = 98;
            if (!CPU_ISSET(cpu, &all))
                continue;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            REQUIRE(!sched_setaffinity(0, sizeof(one), &one));
            REQUIRE(vdso.getcpu(&here, &node, NULL) == 0);
            REQUIRE(!syscall(SYS_getcpu, &called, NULL, NULL));
            REQUIRE((int)here == cpu && (int)called == cpu && node == 0);
            REQUIRE(sched_getcpu() == cpu);
        }
    }
    REQUIRE(vdso.getcpu(NULL, NULL, NULL) == 0);
    return true;
}

static int64_t latest; /* atomic */
static int failures;   /* atomic */

/* No time may be before one that anybody has seen already. */
static void *watch(void *argument)
{
    int clock = *(const int *)argument;

    for (int round = 0; round < 20000; round++) {
        int64_t seen = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
        int64_t now = round % 16 ? by_vdso(clock) : by_call(clock);
        if (now < seen)
            __atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST);
        while (seen < now && !__atomic_compare_exchange_n(&latest, &seen, now, true,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
    }
    return NULL;
}

static bool all_threads_see_one_time(int clock)
{
    enum { MOST = 8 };
    pthread_t threads[MOST];
    cpu_set_t all;
    int count = 0;

    REQUIRE(functions_find());
    REQUIRE(processors(&all) > 0);
    for (int cpu = 0; cpu < CPU_SETSIZE && count < MOST; cpu++) {
        pthread_attr_t attributes;
        cpu_set_t one;
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        REQUIRE(!pthread_attr_init(&attributes));
        REQUIRE(!pthread_create(&threads[count], &attributes, watch, &clock));
        REQUIRE(!pthread_setaffinity_np(threads[count], sizeof(one), &one));
        count++;
    }
    for (int i = 0; i < count; i++)
        REQUIRE(!pthread_join(threads[i], NULL));
    if (failures)
        tap_note("%d times it ran backwards", failures);
    REQUIRE(failures == 0);
    return true;
}

static bool monotonic_on_all_processors(void)
{
    return all_threads_see_one_time(CLOCK_MONOTONIC);
}

static bool wall_on_all_processors(void)
{
    return all_threads_see_one_time(CLOCK_REALTIME);
}

/* ---- its memory ---- */

struct place {
    uintptr_t start, end;
    char rights[5];
};

/* The line of /proc/self/maps with this name; false: there is none. */
static bool find_place(const char *name, struct place *place)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[256];
    bool found = false;

    while (maps && !found && fgets(line, sizeof(line), maps)) {
        found = strstr(line, name) &&
                sscanf(line, "%lx-%lx %4s", &place->start, &place->end, place->rights) == 3;
    }
    if (maps)
        fclose(maps);
    return found;
}

static bool named_in_maps(void)
{
    struct place code, data;

    REQUIRE(find_place("[vdso]", &code) && find_place("[vvar]", &data));
    REQUIRE(code.start == getauxval(AT_SYSINFO_EHDR));
    REQUIRE(!strcmp(code.rights, "r-xp") && !strcmp(data.rights, "r--p"));
    REQUIRE(data.end == code.start);
    return true;
}

static bool data_has_no_further_rights(void)
{
    struct place data;

    REQUIRE(find_place("[vvar]", &data));
    size_t size = data.end - data.start;
    REQUIRE_ERRNO(mprotect((void *)data.start, size, PROT_READ | PROT_WRITE), EACCES);
    REQUIRE_ERRNO(mprotect((void *)data.start, PAGE, PROT_READ | PROT_EXEC), EACCES);
    REQUIRE_ERRNO(madvise((void *)data.start, size, MADV_DONTNEED), EINVAL);
    REQUIRE(!mprotect((void *)data.start, size, PROT_READ));
    REQUIRE(functions_find() && by_vdso(CLOCK_MONOTONIC) > 0);
    return true;
}

/* A debugger's breakpoint, for instance. */
static bool writing_makes_a_private_copy(void)
{
    struct place code;
    int status;

    REQUIRE(functions_find() && find_place("[vdso]", &code));
    pid_t child = fork();
    if (!child) {
        char *last = (char *)code.end - 1;
        if (mprotect((void *)code.start, code.end - code.start, PROT_READ | PROT_WRITE | PROT_EXEC))
            _exit(1);
        *last ^= 0x55;
        _exit(by_vdso(CLOCK_MONOTONIC) > 0 ? 42 : 2);
    }
    char before = ((const char *)code.end)[-1];
    REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 42);
    REQUIRE(((const char *)code.end)[-1] == before);
    /* Nor does another program see it. */
    REQUIRE(by_vdso(CLOCK_MONOTONIC) > 0);
    return true;
}

static bool unwritable_at_first(void)
{
    struct place places[2];
    int status;

    REQUIRE(find_place("[vdso]", &places[0]) && find_place("[vvar]", &places[1]));
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (!child) {
            *(volatile char *)places[i].start = 1;
            _exit(0);
        }
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
    return true;
}

static bool can_be_unmapped(void)
{
    struct place code, data;

    REQUIRE(functions_find() && find_place("[vdso]", &code) && find_place("[vvar]", &data));
    REQUIRE(!munmap((void *)code.start, code.end - code.start));
    REQUIRE(!munmap((void *)data.start, data.end - data.start));
    REQUIRE(!find_place("[vdso]", &code) && !find_place("[vvar]", &data));
    REQUIRE(by_call(CLOCK_MONOTONIC) > 0);
    pid_t child = fork();
    if (!child)
        _exit(find_place("[vdso]", &code) ? 1 : 42);
    int status;
    REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 42);
    return true;
}

static bool the_parent_keeps_its_own(void)
{
    struct place code, data;
    int status;

    REQUIRE(functions_find() && find_place("[vdso]", &code) && find_place("[vvar]", &data));
    pid_t child = fork();
    if (!child) {
        bool works = by_vdso(CLOCK_MONOTONIC) > 0;
        munmap((void *)data.start, code.end - data.start);
        _exit(works ? 42 : 1);
    }
    REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 42);
    REQUIRE(by_vdso(CLOCK_MONOTONIC) > 0 && find_place("[vdso]", &code));
    return true;
}

static bool can_be_moved(void)
{
    struct place code, data, moved;

    REQUIRE(functions_find() && find_place("[vdso]", &code) && find_place("[vvar]", &data));
    size_t data_size = data.end - data.start, code_size = code.end - code.start;
    char *target = mmap(NULL, data_size + code_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(target != MAP_FAILED);
    char *first =
        mremap((void *)data.start, data_size, data_size, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    REQUIRE(first == target);
    char *second = mremap((void *)code.start, code_size, code_size, MREMAP_MAYMOVE | MREMAP_FIXED,
                          target + data_size);
    REQUIRE(second == target + data_size);
    REQUIRE(find_place("[vdso]", &moved) && moved.start == (uintptr_t)second);
    intptr_t distance = second - (char *)code.start;
    vdso.clock_gettime = (void *)((char *)vdso.clock_gettime + distance);
    int64_t before = by_call(CLOCK_MONOTONIC), now = by_vdso(CLOCK_MONOTONIC);
    REQUIRE(now >= before && by_call(CLOCK_MONOTONIC) >= now);
    return true;
}

static bool cannot_become_larger(void)
{
    struct place code, data;

    REQUIRE(find_place("[vdso]", &code) && find_place("[vvar]", &data));
    size_t size = code.end - code.start;
    REQUIRE_ERRNO(mremap((void *)code.start, size, size + PAGE, MREMAP_MAYMOVE), EFAULT);
    size = data.end - data.start;
    REQUIRE_ERRNO(mremap((void *)data.start, size, size + PAGE, MREMAP_MAYMOVE), EFAULT);
    return true;
}

static const struct test_case cases[] = {
    {"one segment, nothing to relocate", "vdso(7)", one_segment_without_relocations},
    {"each function with its version, and a weak name", "vdso(7)", every_function_twice},
    {"each function can be unwound", "x86-64 psABI, 4.2.4", functions_can_be_unwound},
    {"clocks agree with the system call", "clock_gettime(2)", never_behind_the_call},
    {"the C library's clocks agree too", "clock_gettime(2)", library_uses_the_same},
    {"gettimeofday", "gettimeofday(2)", time_of_day},
    {"time", "time(2)", seconds},
    {"clocks that do not exist, and one that only the kernel knows", "clock_gettime(2)",
     unknown_clocks},
    {"resolutions", "clock_getres(2)", resolutions},
    {"the wall clock is followed when it is set", "clock_settime(2)", follows_the_setting},
    {"getcpu follows the affinity", "getcpu(2)", getcpu_follows_the_affinity},
    {"the steady clock never runs backwards between threads", "clock_gettime(2)",
     monotonic_on_all_processors},
    {"nor does the wall clock", "clock_gettime(2)", wall_on_all_processors},
    {"named in /proc/self/maps", "proc(5)", named_in_maps},
    {"neither can be written to", "vdso(7)", unwritable_at_first},
    {"the data can only be read", "mprotect(2)", data_has_no_further_rights},
    {"the code becomes a private copy when written to", "mprotect(2)",
     writing_makes_a_private_copy},
    {"it can be unmapped", "munmap(2)", can_be_unmapped},
    {"a child's own is another one", "fork(2)", the_parent_keeps_its_own},
    {"it can be moved", "mremap(2)", can_be_moved},
    {"it cannot become larger", "mremap(2)", cannot_become_larger},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
