/*
 * shared_leaves: processes that fork shares page tables between, each of which knows what its own
 * memory has to hold: whatever the others write, unmap, protect and move, at the same time, and
 * whoever goes first. Afterwards no frame is missing.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "proc_baton.h"
#include "races.h"

#define PAGE   4096UL
#define LEAF   512U /* pages */
#define PAGES  (4 * LEAF)
#define RW     (PROT_READ | PROT_WRITE)
#define MAPPED (MAP_PRIVATE | MAP_ANONYMOUS)

static char *arena; /* PAGES, each with its number in it, at the beginning of a leaf */

static uint64_t *page(unsigned number)
{
    return (uint64_t *)(arena + number * PAGE);
}

static void fill(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        *page(i) = i + 1;
}

static bool make_arena(void)
{
    char *place = mmap(NULL, (PAGES + LEAF) * PAGE, RW, MAPPED | MAP_NORESERVE, -1, 0);

    if (place == MAP_FAILED)
        return false;
    madvise(place, (PAGES + LEAF) * PAGE, MADV_NOHUGEPAGE);
    arena = (char *)(((uintptr_t)place + LEAF * PAGE - 1) / (LEAF * PAGE) * (LEAF * PAGE));
    fill();
    return true;
}

/* ---- changes that a process makes in its memory, and what page i holds then ---- */

static uint64_t as_it_was(unsigned i)
{
    return i + 1;
}

static bool nothing(void)
{
    return true;
}

static bool write_here_and_there(void)
{
    for (unsigned i = 7; i < PAGES; i += LEAF)
        *page(i) = ~(uint64_t)i;
    return true;
}
static uint64_t here_and_there(unsigned i)
{
    return i % LEAF == 7 ? ~(uint64_t)i : i + 1;
}

static bool write_all(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        *page(i) = ~(uint64_t)i;
    return true;
}
static uint64_t inverted(unsigned i)
{
    return ~(uint64_t)i;
}

/* Of a leaf that was written to a part is copied. Who looks finds the rest, a fork has it, too. */
static bool write_and_fork(void)
{
    unsigned char there[PAGES];

    if (!write_here_and_there() || mincore(arena, PAGES * PAGE, there))
        return false;
    for (unsigned i = 0; i < PAGES; i++)
        if (!(there[i] & 1))
            return false;
    pid_t child = fork();
    if (child == 0) {
        bool same = true;
        for (unsigned i = 0; i < PAGES; i++)
            same &= *page(i) == here_and_there(i);
        _exit(same ? 0 : 1);
    }
    return child > 0 && exited(status_of(child), 0);
}

#define PART_FIRST 300U /* in the first leaf, to the third */
#define PART_END   (2 * LEAF + 100)
#define PART_SIZE  ((PART_END - PART_FIRST) * PAGE)
static bool in_part(unsigned i)
{
    return i >= PART_FIRST && i < PART_END;
}

static bool map_part_anew(void)
{
    return munmap(page(PART_FIRST), PART_SIZE) == 0 &&
           mmap(page(PART_FIRST), PART_SIZE, RW, MAPPED | MAP_FIXED, -1, 0) == page(PART_FIRST);
}
static bool discard_part(void)
{
    return madvise(page(PART_FIRST), PART_SIZE, MADV_DONTNEED) == 0;
}
static uint64_t without_part(unsigned i)
{
    return in_part(i) ? 0 : i + 1;
}

static bool write_and_discard(void)
{
    return write_here_and_there() && discard_part();
}
static uint64_t here_and_there_without(unsigned i)
{
    return in_part(i) ? 0 : here_and_there(i);
}

static bool protect_part(void)
{
    if (mprotect(page(PART_FIRST), PART_SIZE, PROT_READ) ||
        mprotect(page(PART_FIRST + 50), PAGE, PROT_NONE) ||
        mprotect(page(PART_FIRST), PART_SIZE, RW))
        return false;
    for (unsigned i = PART_FIRST; i < PART_END; i++)
        *page(i) += 1;
    return true;
}
static uint64_t part_counted(unsigned i)
{
    return i + 1 + in_part(i);
}

static bool move_part(void)
{
    void *elsewhere = mmap(NULL, PART_SIZE, PROT_NONE, MAPPED, -1, 0);

    return elsewhere != MAP_FAILED &&
           mremap(page(PART_FIRST), PART_SIZE, PART_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
                  elsewhere) == elsewhere &&
           mremap(elsewhere, PART_SIZE, PART_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
                  page(PART_FIRST)) == page(PART_FIRST);
}

static bool read_into_part(void)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    bool done = zero >= 0 && read(zero, page(PART_FIRST), PART_SIZE) == (ssize_t)PART_SIZE;

    close(zero);
    return done;
}

static const struct change {
    const char *name;
    bool (*make)(void);
    uint64_t (*holds)(unsigned page);
} changes[] = {
    {"nothing", nothing, as_it_was},
    {"a write to each leaf", write_here_and_there, here_and_there},
    {"a write to each leaf, fork", write_and_fork, here_and_there},
    {"a write to each leaf, MADV_DONTNEED", write_and_discard, here_and_there_without},
    {"a write to each page", write_all, inverted},
    {"munmap, mmap", map_part_anew, without_part},
    {"MADV_DONTNEED", discard_part, without_part},
    {"mprotect, writes", protect_part, part_counted},
    {"mremap", move_part, as_it_was},
    {"read(2)", read_into_part, without_part},
};
#define CHANGES (sizeof(changes) / sizeof(changes[0]))

static bool holds(uint64_t (*expected)(unsigned page))
{
    for (unsigned i = 0; i < PAGES; i++)
        REQUIRE(*page(i) == expected(i));
    return true;
}

/* ---- cases ---- */

static void meet(uint32_t *arrived, uint32_t everybody)
{
    __atomic_fetch_add(arrived, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(arrived, __ATOMIC_ACQUIRE) < everybody)
        sched_yield();
}

/* Makes the change when both are there, and looks when both have made theirs. */
static bool change_and_look(const struct change *change, uint32_t *arrived)
{
    meet(&arrived[0], 2);
    bool made = change->make();
    meet(&arrived[1], 2);
    REQUIRE(made);
    return holds(change->holds);
}

static bool changed_by_both(const struct change *ours, const struct change *theirs)
{
    uint32_t *arrived = shared_page();
    REQUIRE(arrived);
    fill();
    pid_t child = fork();
    if (child == 0)
        _exit(change_and_look(theirs, arrived) ? 0 : 1);
    REQUIRE(child > 0);
    bool good = change_and_look(ours, arrived);
    good &= exited(status_of(child), 0);
    good &= holds(ours->holds);
    munmap(arrived, PAGE);
    if (!good)
        tap_note("the parent: %s, the child: %s", ours->name, theirs->name);
    return good;
}

static bool each_change_stays_its_makers(void)
{
    REQUIRE(make_arena());
    for (struct race race = race_begin(1); race_goes_on(&race);)
        for (size_t ours = 0; ours < CHANGES; ours++)
            for (size_t theirs = 0; theirs < CHANGES; theirs++)
                REQUIRE(changed_by_both(&changes[ours], &changes[theirs]));
    return true;
}

/* Ends when the grandchild has looked, which is when nobody has the other end of the pipe. */
static int child_and_grandchild(const struct change *change, const int ends[2])
{
    pid_t grandchild = fork();
    char byte;

    if (grandchild == 0) {
        close(ends[1]);
        bool alone = read(ends[0], &byte, 1) == 0;
        _exit(alone && holds(as_it_was) && change->make() && holds(change->holds) ? 0 : 1);
    }
    bool made = change->make() && munmap(arena, PAGES * PAGE) == 0;
    close(ends[1]);
    return made && grandchild > 0 && exited(status_of(grandchild), 0) ? 0 : 1;
}

static bool who_is_left_has_it_all(void)
{
    for (size_t i = 0; i < CHANGES; i++) {
        int ends[2];
        REQUIRE(make_arena() && pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0)
            _exit(child_and_grandchild(&changes[i], ends));
        REQUIRE(changes[i].make() && munmap(arena, PAGES * PAGE) == 0);
        close(ends[0]);
        close(ends[1]);
        REQUIRE(exited(status_of(child), 0));
    }
    return true;
}

static bool many_children_at_once(void)
{
    enum { CHILDREN = 12 };
    pid_t children[CHILDREN];

    REQUIRE(make_arena());
    for (struct race race = race_begin(8); race_goes_on(&race);) {
        fill();
        for (unsigned i = 0; i < CHILDREN; i++) {
            const struct change *change = &changes[(race.round + i) % CHANGES];
            children[i] = fork();
            if (children[i] == 0)
                _exit(holds(as_it_was) && change->make() && holds(change->holds) ? 0 : 1);
            REQUIRE(children[i] > 0);
        }
        write_all();
        for (unsigned i = 0; i < CHILDREN; i++)
            REQUIRE(exited(status_of(children[i]), 0));
        REQUIRE(holds(inverted));
    }
    return true;
}

static bool another_writes_into_it(void)
{
    uint32_t *arrived = shared_page();
    uint64_t value = 4711;
    struct iovec local = {&value, sizeof(value)};

    REQUIRE(arrived && make_arena());
    pid_t child = fork();
    if (child == 0) {
        meet(arrived, 2);
        _exit(*page(600) == 4711 && *page(601) == 602 ? 0 : 1);
    }
    struct iovec remote = {page(600), sizeof(value)};
    REQUIRE(process_vm_writev(child, &local, 1, &remote, 1, 0) == sizeof(value));
    meet(arrived, 2);
    REQUIRE(exited(status_of(child), 0));
    return holds(as_it_was);
}

/* A mapping of a file, whose pages go away from all who share a leaf with it in it. */
static bool file_is_cut(void)
{
    uint32_t *arrived = shared_page();
    int file = memfd_create("cut", MFD_CLOEXEC);

    REQUIRE(arrived && make_arena() && ftruncate(file, LEAF * PAGE) == 0);
    void *place = page(LEAF);
    REQUIRE(mmap(place, LEAF * PAGE / 2, RW, MAP_SHARED | MAP_FIXED, file, 0) == place);
    for (unsigned i = 0; i < LEAF / 2; i++)
        *page(LEAF + i) = i + 1000;
    pid_t child = fork();
    if (child == 0) {
        meet(&arrived[0], 2);
        bool good = *page(LEAF + 10) == 1010 && *page(LEAF + 20) == 0;
        *page(LEAF + 11) = 3;
        _exit(good && *page(LEAF + LEAF / 2) == LEAF + LEAF / 2 + 1 ? 0 : 1);
    }
    REQUIRE(ftruncate(file, 20 * PAGE) == 0 && ftruncate(file, LEAF * PAGE) == 0);
    meet(&arrived[0], 2);
    REQUIRE(exited(status_of(child), 0));
    REQUIRE(*page(LEAF + 11) == 3 && *page(LEAF + 20) == 0 && *page(LEAF + 10) == 1010);
    return true;
}

/* ---- threads that write while another forks ---- */

#define WRITERS 3
static uint32_t over, wrong;

/* Page i is thread i % WRITERS's: it holds what that wrote last. */
static void *write_on(void *argument)
{
    unsigned own = (unsigned)(uintptr_t)argument;
    static _Thread_local uint64_t last[PAGES];

    for (unsigned i = own; i < PAGES; i += WRITERS)
        last[i] = i + 1;
    for (uint64_t round = 1; !load(&over); round++) {
        for (unsigned i = own; i < PAGES; i += WRITERS) {
            if (*page(i) != last[i])
                __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
            *page(i) = last[i] = round << 32 | i;
        }
    }
    return NULL;
}

static bool threads_write_while_it_forks(void)
{
    pthread_t threads[WRITERS];

    REQUIRE(make_arena());
    for (uintptr_t i = 0; i < WRITERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, write_on, (void *)i) == 0);
    for (struct race race = race_begin(60); race_goes_on(&race);) {
        pid_t child = fork();
        if (child == 0) {
            uint64_t before = *page(race.round % PAGES);
            changes[race.round % CHANGES].make();
            _exit(race.round % CHANGES || *page(race.round % PAGES) == before ? 0 : 1);
        }
        REQUIRE(child > 0 && exited(status_of(child), 0));
    }
    __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    REQUIRE(load(&wrong) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"what both change at once stays each one's own", "fork(2)", each_change_stays_its_makers},
    {"who is left when the others are gone has what there was", "fork(2)", who_is_left_has_it_all},
    {"twelve children at once each have their own", "fork(2)", many_children_at_once},
    {"what another writes into a child's memory is the child's", "process_vm_writev(2)",
     another_writes_into_it},
    {"what is cut off a file goes away from all who map it", "ftruncate(2)", file_is_cut},
    {"threads write on while another one forks", "fork(2)", threads_write_while_it_forks},
};

static void make(const struct test_case *test)
{
    tap_ok(run_case(test), "%s [%s]", test->name, test->source);
}

int main(void)
{
    static char before[2][4096], after[2][4096];
    size_t count = sizeof(cases) / sizeof(cases[0]);

    tap_plan(count + 1);
    /* What the first case makes for good counts for nothing, nor do the pages of both texts. */
    make(&cases[0]);
    baton_counts_at_rest(after);
    baton_counts_at_rest(before);
    baton_counts_at_rest(before);
    for (size_t i = 1; i < count; i++)
        make(&cases[i]);
    baton_counts_at_rest(after);
    baton_counts_note(before[0], after[0]);
    tap_ok(strcmp(before[0], after[0]) == 0, "the frames by owner are the same as before");
    return tap_done();
}
