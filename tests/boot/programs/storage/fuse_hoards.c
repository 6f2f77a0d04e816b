/*
 * fuse_hoards: what a server lets pile up in the kernel is bound: nodes that it would have to be
 * told of, closes that it does not answer, pages that it does not take.
 */
#define _GNU_SOURCE
#define CASE_SECONDS 60
#include <sys/mman.h>

#include "proc_baton.h"
#include "storage/fuse_server.h"

/* Shared with servers and clients, which are made later. */
static volatile struct {
    uint32_t looked_up, forgotten, opened, taken;
} * counts;

/* ---- nodes ---- */

/* Each look finds another file, and is asked for by somebody while the server is away. */
static bool new_each_time(int device)
{
    const struct fuse_batch_forget_in *many = REQUEST_BODY;

    switch (request.head.opcode) {
    case FUSE_LOOKUP:
        sleep_ms(1);
        answer_entry(device, NODE_MORE + ++counts->looked_up, S_IFREG | 0644);
        return true;
    case FUSE_FORGET:
        counts->forgotten++;
        return true;
    case FUSE_BATCH_FORGET:
        counts->forgotten += many->count;
        return true;
    default:
        return false;
    }
}

static bool looks(void)
{
    struct stat status;

    counts->looked_up = counts->forgotten = 0;
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), PLACE "/%d", i);
        if (fork())
            continue;
        for (;;)
            stat(name, &status);
    }
    while (counts->looked_up < 1000)
        sleep_ms(1);
    tap_note("%u looked up, %u forgotten", counts->looked_up, counts->forgotten);
    REQUIRE(counts->forgotten > 700);
    return true;
}

static bool nodes_are_forgotten(void)
{
    return with_server(new_each_time, looks);
}

/* ---- closes ---- */

static bool never_closed(int device)
{
    (void)device;
    return request.head.opcode == FUSE_RELEASE;
}

static void open_and_close(void)
{
    for (;; counts->opened++)
        if (close(open(PLACE "/file", O_RDONLY)))
            _exit(1);
}

static bool opens(void)
{
    if (!baton_is_here())
        return true; /* Linux keeps them all */
    counts->opened = 0;
    pid_t child = fork();
    if (child == 0)
        open_and_close();
    uint32_t before = 1;
    for (long until = now_ms() + 5000; now_ms() < until && counts->opened != before;) {
        before = counts->opened;
        sleep_ms(300);
    }
    tap_note("opened and closed %u times", counts->opened);
    REQUIRE(counts->opened == 1024);
    REQUIRE(kill(child, SIGKILL) == 0 && EVENTUALLY(waitpid(child, NULL, WNOHANG) == child));
    return true;
}

static bool closes_are_bound(void)
{
    return with_server(never_closed, opens);
}

/* ---- pages ---- */

#define FILES     100
#define PAGES     1000 /* of each */
#define PAGE_SIZE 4096UL

/* Files f0, f1, … of so many pages, of which none is taken back. */
static bool takes_nothing(int device)
{
    const char *name = REQUEST_BODY;
    struct fuse_attr_out out = {.attr = attributes_of(request.head.nodeid, S_IFREG | 0666)};
    struct fuse_entry_out entry = {0};

    out.attr.size = entry.attr.size = PAGES * PAGE_SIZE;
    switch (request.head.opcode) {
    case FUSE_LOOKUP:
        entry.nodeid = NODE_MORE + (uint64_t)atoi(name + 1);
        entry.attr = attributes_of(entry.nodeid, S_IFREG | 0666);
        entry.attr.size = PAGES * PAGE_SIZE;
        answer(device, 0, &entry, sizeof(entry));
        return true;
    case FUSE_GETATTR:
        if (request.head.nodeid < NODE_MORE)
            return false;
        answer(device, 0, &out, sizeof(out));
        return true;
    case FUSE_WRITE:
        return true; /* that is, never */
    default:
        return false;
    }
}

static void dirty_files(int files)
{
    char name[32];

    for (int i = 0; i < files; i++) {
        snprintf(name, sizeof(name), PLACE "/f%d", i);
        int file = open(name, O_RDWR);
        char *map = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (map == MAP_FAILED)
            _exit(1);
        for (unsigned page = 0; page < PAGES; page++, counts->opened++)
            map[page * PAGE_SIZE] = 1;
    }
}

/* Runs until nothing more can wait; returns the process, which is to be ended. */
static pid_t begin_to_dirty(void)
{
    uint32_t before = 1;

    counts->opened = 0;
    pid_t child = fork();
    if (child == 0) {
        dirty_files(FILES);
        pause();
    }
    while (counts->opened != before) {
        before = counts->opened;
        sleep_ms(500);
    }
    return child;
}

static bool hoard_pages(void)
{
    pid_t child = begin_to_dirty();

    tap_note("%u pages wait", counts->opened);
    kill(child, SIGKILL);
    REQUIRE(counts->opened < FILES * PAGES / 2);
    return EVENTUALLY(waitpid(child, NULL, WNOHANG) == child);
}

static bool pages_are_bound(void)
{
    if (!baton_is_here())
        return true;
    return with_server(takes_nothing, hoard_pages);
}

/* A server that takes its time, and all. */
static bool takes_slowly(int device)
{
    static char zeros[1 << 17];
    const struct fuse_write_in *in = REQUEST_BODY;

    if (request.head.opcode == FUSE_READ) {
        answer(device, 0, zeros, ((const struct fuse_read_in *)in)->size);
        return true;
    }
    if (request.head.opcode != FUSE_WRITE)
        return takes_nothing(device);
    sleep_ms(10);
    counts->taken += in->size / PAGE_SIZE;
    return false;
}

static bool writes_and_ends(void)
{
    counts->taken = 0;
    pid_t child = fork();
    if (child == 0) {
        dirty_files(4);
        _exit(0);
    }
    REQUIRE(exited(status_of(child), 0));
    bool all = EVENTUALLY(counts->taken >= 4 * PAGES);
    tap_note("%u pages of %u", counts->taken, 4 * PAGES);
    return all;
}

static bool pages_are_kept(void)
{
    return with_server(takes_slowly, writes_and_ends);
}

static const struct test_case cases[] = {
    {"nodes are forgotten while requests come", "fuse(4)", nodes_are_forgotten},
    {"closes that are not answered", "fuse(4)", closes_are_bound},
    {"pages that are not taken", "mmap(2)", pages_are_bound},
    {"what was written to many files by who ends", "mmap(2)", pages_are_kept},
};

int main(void)
{
    if (!fuse_is_there()) {
        tap_plan(1);
        tap_ok(true, "FUSE # SKIP there is none");
        return 0;
    }
    counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
