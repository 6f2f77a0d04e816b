/*
 * races_objects: what a number, a name or a link leads to while another thread takes it away: a
 * timer that is being made, a file that gets its first and its last name, a process that changes
 * groups while it stops, a directory that is removed while something is mounted on it.
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <sys/statfs.h>
#include <time.h>

#include "races.h"

#define FOLDER "/tmp/races-objects"

/* ---- timers ---- */

/* The number that is about to be given out, for whoever wants to delete it; how often that one
   looked; and that all is over. */
static uint32_t expected, looked, ended;

static int timer_make(void *id)
{
    return (int)syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, id);
}

static int timer_delete_number(int id)
{
    return (int)syscall(SYS_timer_delete, id);
}

/* Deletes what it is not told of yet, and makes another one in its place. */
static void *timer_thief(void *unused)
{
    int id;

    for (; !load(&ended); store(&looked, looked + 1)) {
        uint32_t guess = load(&expected);
        if (!guess || timer_delete_number((int)guess))
            continue;
        store(&expected, 0);
        if (timer_make(&id) == 0) {
            sleep_ms(1);
            timer_delete_number(id);
        }
    }
    return unused;
}

/* Keeps the address space's lock: who writes to a new page waits for it. */
static void *memory_hog(void *unused)
{
    while (!load(&ended)) {
        void *map = mmap(NULL, 1UL << 20, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (map != MAP_FAILED)
            munmap(map, 1UL << 20);
    }
    return unused;
}

/* The kernel writes the number to a page that is not there yet, which takes a while. True: it told
   the number that the timer has. */
static bool timer_made_once(void)
{
    int *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int id;

    if (timer_make(&id) || timer_delete_number(id))
        return false;
    store(&expected, (uint32_t)id + 1);
    bool made = timer_make(page) == 0;
    int told = *page;
    store(&expected, 0);
    timer_delete_number(id + 1);
    munmap(page, 4096);
    /* From now on the thief has nothing in its hands. */
    for (uint32_t before = load(&looked); load(&looked) - before < 2;)
        sched_yield();
    return made && told == id + 1;
}

static bool timer_is_told_as_it_is(void)
{
    struct race race = race_begin(60);
    pthread_t threads[2];
    unsigned wrong = 0;

    REQUIRE(pthread_create(&threads[0], NULL, timer_thief, NULL) == 0);
    REQUIRE(pthread_create(&threads[1], NULL, memory_hog, NULL) == 0);
    while (race_goes_on(&race))
        wrong += !timer_made_once();
    store(&ended, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    tap_note("%u timers, %u told wrong", race.round, wrong);
    return wrong == 0;
}

/* ---- names ---- */

static bool mount_small(void)
{
    REQUIRE(mkdir(FOLDER, 0755) == 0 || errno == EEXIST);
    REQUIRE(mount("none", FOLDER, "tmpfs", 0, "size=1m,nr_inodes=100") == 0);
    REQUIRE(mkdir(FOLDER "/0", 0755) == 0 && mkdir(FOLDER "/1", 0755) == 0);
    return true;
}

static uint64_t inodes_free(void)
{
    struct statfs status;

    return statfs(FOLDER, &status) ? UINT64_MAX : status.f_ffree;
}

static int nameless;
static const char *const names[2] = {FOLDER "/0/x", FOLDER "/1/x"};

static void give_name(unsigned side)
{
    char path[64];

    dawdle(200);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
    linkat(AT_FDCWD, path, AT_FDCWD, names[side], AT_SYMLINK_FOLLOW);
}

/* open(2), O_TMPFILE: a file without a name gets its first two at once. */
static bool first_names_count(void)
{
    struct race race = race_begin(400);

    REQUIRE(mount_small());
    uint64_t before = inodes_free();
    REQUIRE(team_begin(give_name, 2));
    while (race_goes_on(&race)) {
        REQUIRE((nameless = open(FOLDER, O_TMPFILE | O_RDWR, 0600)) >= 0);
        team_turn_begin();
        team_turn_end();
        close(nameless);
        for (int side = 0; side < 2; side++)
            REQUIRE(unlink(names[side]) == 0);
    }
    team_end();
    uint64_t after = inodes_free();
    tap_note("%u files, %lu inodes were free, %lu are", race.round, before, after);
    umount2(FOLDER, MNT_DETACH);
    return after == before;
}

static unsigned linked, unlinked;

static void last_or_further_name(unsigned side)
{
    dawdle(200);
    if (side == 0)
        unlinked += unlink(names[0]) == 0;
    else
        linked += link(names[0], names[1]) == 0;
}

/* A file's last name goes while it gets a further one. */
static bool last_name_counts(void)
{
    struct race race = race_begin(600);

    REQUIRE(mount_small());
    uint64_t before = inodes_free();
    REQUIRE(team_begin(last_or_further_name, 2));
    while (race_goes_on(&race)) {
        REQUIRE(close(open(names[0], O_CREAT | O_WRONLY, 0600)) == 0);
        team_turn_begin();
        team_turn_end();
        unlink(names[1]);
    }
    team_end();
    uint64_t after = inodes_free();
    tap_note("%u files, %u further names, %lu inodes were free, %lu are", race.round, linked,
             before, after);
    umount2(FOLDER, MNT_DETACH);
    return after == before && unlinked == race.round;
}

/* ---- mounts ---- */

#define PLACE FOLDER "/0/place"

static bool mounted, removed;

static void mount_or_remove(unsigned side)
{
    dawdle(200);
    if (side == 0)
        removed = rmdir(PLACE) == 0;
    else
        mounted = mount("none", PLACE, "tmpfs", 0, "") == 0;
}

/* Either the directory is gone, or something is mounted on it. */
static bool mounted_or_removed(void)
{
    struct race race = race_begin(400);
    unsigned both = 0;

    REQUIRE(mount_small());
    REQUIRE(team_begin(mount_or_remove, 2));
    while (race_goes_on(&race)) {
        REQUIRE(mkdir(PLACE, 0755) == 0);
        team_turn_begin();
        team_turn_end();
        both += mounted && removed;
        if (mounted && !removed)
            REQUIRE(umount(PLACE) == 0);
        if (!removed)
            REQUIRE(rmdir(PLACE) == 0);
    }
    team_end();
    tap_note("%u directories, %u removed and mounted on", race.round, both);
    umount2(FOLDER, MNT_DETACH);
    return both == 0;
}

/* ---- a group that ends while one of its members stops ---- */

static void *stop_and_go(void *child)
{
    while (!load(&ended)) {
        kill((pid_t)(intptr_t)child, SIGTSTP);
        kill((pid_t)(intptr_t)child, SIGCONT);
    }
    return NULL;
}

/* Debug kernels find out when what was freed is looked at. */
static bool stops_while_its_group_ends(void)
{
    struct race race = race_begin(500);
    pthread_t thread;

    REQUIRE(setpgid(0, 0) == 0);
    pid_t child = fork();
    while (child == 0)
        sched_yield();
    REQUIRE(pthread_create(&thread, NULL, stop_and_go, (void *)(intptr_t)child) == 0);
    while (race_goes_on(&race)) {
        REQUIRE(setpgid(child, child) == 0);
        REQUIRE(setpgid(child, getpid()) == 0);
    }
    store(&ended, 1);
    pthread_join(thread, NULL);
    kill(child, SIGKILL);
    return killed_by(status_of(child), SIGKILL);
}

static const struct test_case cases[] = {
    {"a timer that is deleted while it is made", "timer_create(2)", timer_is_told_as_it_is},
    {"a file gets its first two names at once", "linkat(2)", first_names_count},
    {"a file gets a name and loses its last one", "link(2)", last_name_counts},
    {"a directory is removed and mounted on", "mount(2)", mounted_or_removed},
    {"a process stops while its group ends", "setpgid(2)", stops_while_its_group_ends},
};

int main(void)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
