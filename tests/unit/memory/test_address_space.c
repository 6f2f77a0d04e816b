/*
 * test_address_space.c: thousands of random calls on address spaces and files,
 * against a model that keeps a page's contents and rights in an array.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/errno.h>
#include <linux/mman.h>

#include "machine.h"
#include "memory/heap.h"
#include "memory/mapping.h"
#include "memory/page_cache.h"
#include "memory/region.h"
#include "memory/space_pages.h"
#include "test.h"

/* The pages that are played with lie round a boundary of each level of tables. */
#define PAGES 96
static const vaddr_t places[] = {0x10000, 0x3fff0000, 0x7fffff0000};

static vaddr_t address_of(unsigned page)
{
    return places[page / 32] + page % 32 * PAGE_SIZE;
}

#define FILES      3
#define FILE_PAGES 40

struct model_file {
    struct memory_object object;
    struct page_cache cache;
    int references;
    uint64_t values[FILE_PAGES + PAGES]; /* of the first word of each page */
};
static struct model_file files[FILES];

struct model_page {
    bool mapped, shared, private_copy, may_write, may_execute;
    unsigned protection;
    int file; /* -1: anonymous */
    unsigned file_page;
    uint64_t value; /* anonymous, or a private copy */
};

#define SPACES 3
static struct model_space {
    struct address_space *space;
    struct model_page pages[PAGES];
} spaces[SPACES];

static uint64_t random_state = 88172645463326;

static unsigned pick(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 11) % below;
}

/* ---- files ---- */

static void file_reference(struct memory_object *object)
{
    container_of(object, struct model_file, object)->references++;
}

static void file_release(struct memory_object *object)
{
    container_of(object, struct model_file, object)->references--;
}

static void files_make(void)
{
    for (int i = 0; i < FILES; i++) {
        struct model_file *file = &files[i];
        memset(file, 0, sizeof(*file));
        page_cache_initialize(&file->cache, FRAME_PAGE_CACHE);
        file->object.cache = &file->cache;
        file->object.reference = file_reference;
        file->object.release = file_release;
        for (unsigned page = 0; page < FILE_PAGES; page += 1 + (unsigned)i) {
            file->values[page] = pick(1 << 30);
            page_cache_write(&file->cache, page * PAGE_SIZE, &file->values[page], 8);
        }
        page_cache_resize(&file->cache, FILE_PAGES * PAGE_SIZE);
    }
}

/* ---- what must always be true ---- */

static uint64_t expected_value(const struct model_page *page)
{
    if (page->file >= 0 && !page->private_copy)
        return files[page->file].values[page->file_page];
    return page->value;
}

static bool beyond_end(const struct model_page *page)
{
    return page->file >= 0 && page->file_page * PAGE_SIZE >= files[page->file].cache.size;
}

static void check_regions(struct address_space *space)
{
    vaddr_t end = 0;
    uint64_t count = 0, total = 0;

    for (struct region *region = space->first; region; region = region->next) {
        expect(region->start >= end && region->start < region->end);
        expect(region->previous == NULL || region->previous->next == region);
        expect(region->space == space);
        end = region->end;
        count++;
        total += region_pages(region);
        expect(address_space_find(space, region->start) == region);
        expect(address_space_find(space, region->end - 1) == region);
    }
    expect_equal(space->region_count, count);
    expect_equal(space->pages_total, total);
}

static void check_pages(struct model_space *model)
{
    for (unsigned i = 0; i < PAGES; i++) {
        const struct model_page *page = &model->pages[i];
        vaddr_t address = address_of(i);
        struct region *region = address_space_find(model->space, address);
        bool mapped = region && region->start <= address;
        if (!expect(mapped == page->mapped) || !mapped)
            continue;
        expect_equal(region->flags & REGION_PROTECTION, page->protection);
    }
}

/* What is resident, by looking at every page; a page outside of them has none. */
static void check_resident(struct address_space *space)
{
    uint64_t resident = 0;

    for (unsigned i = 0; i < PAGES; i++) {
        vaddr_t end = address_of(i) + PAGE_SIZE;
        const uint64_t *leaf = leaf_look(space, address_of(i), &end);
        uint64_t entry = leaf ? leaf[page_table_index(address_of(i), 0)] : 0;
        resident += entry && entry_frame(entry) != zero_frame;
    }
    expect_equal(space->pages_mapped, resident);
}

/* Tables count as if each space had its own, whoever shares which. */
static void check_tables(void)
{
    struct frame_counts counts;
    uint64_t tables = 0;

    frame_count(&counts);
    for (unsigned i = 0; i < SPACES; i++)
        tables += spaces[i].space->page_tables;
    expect_equal(counts.by_owner[FRAME_PAGE_TABLE], tables);
}

/* The highest place by looking at every one. */
static void check_gap(struct address_space *space)
{
    size_t size = (1 + pick(64)) * PAGE_SIZE;
    vaddr_t limit = address_of(pick(PAGES)) + pick(4) * PAGE_SIZE;
    if (pick(4)) /* where programs' maps go: what was found last is remembered there */
        limit = space->mmap_base;
    vaddr_t best = 0;
    vaddr_t start = USER_START;

    for (struct region *region = space->first;; region = region->next) {
        vaddr_t end = region && region->start < limit ? region->start : limit;
        if (end >= start && end - start >= size)
            best = end - size;
        if (!region)
            break;
        start = region->end;
    }
    expect_equal(region_find_gap(space, size, limit), best);
}

/* ---- the calls ---- */

static void do_map(struct model_space *model)
{
    unsigned first = pick(PAGES), count = 1 + pick(32 - first % 32);
    int file = pick(2) ? (int)pick(FILES) : -1;
    bool shared = file >= 0 && pick(2);
    unsigned offset = pick(FILE_PAGES), protection = pick(8);
    struct mapping mapping = {
        .address = address_of(first),
        .size = count * PAGE_SIZE,
        .protection = (int)protection,
        .flags = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE),
        .object = file >= 0 ? &files[file].object : NULL,
        .page_offset = offset,
        .may_write = pick(2),
        .may_execute = pick(2),
    };
    ssize_t result = address_space_mmap(model->space, &mapping);
    if (result == -ENOMEM)
        return;
    expect_equal(result, mapping.address);
    for (unsigned i = first; i < first + count; i++)
        model->pages[i] = (struct model_page){.mapped = true,
                                              .shared = shared,
                                              .may_write = mapping.may_write,
                                              .may_execute = mapping.may_execute,
                                              .protection = protection,
                                              .file = file,
                                              .file_page = offset + i - first};
}

static void do_unmap(struct model_space *model)
{
    unsigned first = pick(PAGES), count = 1 + pick(32 - first % 32);
    if (address_space_unmap(model->space, address_of(first), count * PAGE_SIZE) == 0)
        memset(&model->pages[first], 0, count * sizeof(model->pages[0]));
}

static void do_protect(struct model_space *model)
{
    unsigned first = pick(PAGES), count = 1 + pick(32 - first % 32), protection = pick(8);
    int expected = 0;
    for (unsigned i = first; i < first + count && !expected; i++) {
        const struct model_page *page = &model->pages[i];
        if (!page->mapped)
            expected = -ENOMEM;
        else if (protection & REGION_WRITE && page->shared && !page->may_write)
            expected = -EACCES;
        else if (protection & REGION_EXECUTE && !page->may_execute)
            expected = -EACCES;
    }
    int error =
        address_space_protect(model->space, address_of(first), count * PAGE_SIZE, protection);
    if (error == -ENOMEM && machine_fail_at)
        return;
    expect_equal(error, expected);
    for (unsigned i = first; i < first + count && !error; i++)
        model->pages[i].protection = protection;
}

static void do_write(struct model_space *model)
{
    unsigned i = pick(PAGES);
    struct model_page *page = &model->pages[i];
    uint64_t value = pick(1 << 30);
    int error = address_space_copy_out(model->space, address_of(i), &value, sizeof(value));
    if (error == -ENOMEM)
        return;
    bool allowed = page->mapped && page->protection & REGION_WRITE && !beyond_end(page);
    /* A private copy outlives its page of the file only if that was never cut off. */
    if (page->private_copy && page->mapped && page->protection & REGION_WRITE)
        allowed = true;
    if (!expect_equal(error, allowed ? 0 : -EFAULT) || error)
        return;
    if (page->shared) {
        files[page->file].values[page->file_page] = value;
    } else {
        page->private_copy = true;
        page->value = value;
    }
}

static void do_read(struct model_space *model)
{
    unsigned i = pick(PAGES);
    struct model_page *page = &model->pages[i];
    uint64_t value = 0;
    int error = address_space_copy_in(model->space, &value, address_of(i), sizeof(value));
    if (error == -ENOMEM)
        return;
    bool allowed = page->mapped && page->protection && (page->private_copy || !beyond_end(page));
    if (expect_equal(error, allowed ? 0 : -EFAULT) && !error)
        expect_equal(value, expected_value(page));
}

static void do_move(struct model_space *model)
{
    unsigned from = pick(PAGES), to = pick(PAGES), count = 1 + pick(8);
    if (from % 32 + count > 32 || to % 32 + count > 32)
        return;
    ssize_t result =
        address_space_remap(model->space, address_of(from), count * PAGE_SIZE, count * PAGE_SIZE,
                            MREMAP_MAYMOVE | MREMAP_FIXED, address_of(to));
    if (result != (ssize_t)address_of(to)) {
        expect(result == -EINVAL || result == -EFAULT || result == -ENOMEM);
        if (result == -ENOMEM) /* the target may be gone, as on Linux: look */
            for (unsigned i = to; i < to + count; i++) {
                struct region *region = address_space_find(model->space, address_of(i));
                if (!region || region->start > address_of(i))
                    memset(&model->pages[i], 0, sizeof(model->pages[i]));
            }
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        model->pages[to + i] = model->pages[from + i];
        memset(&model->pages[from + i], 0, sizeof(model->pages[0]));
    }
}

static void do_discard(struct model_space *model)
{
    unsigned first = pick(PAGES), count = 1 + pick(32 - first % 32);
    space_pages_remove(model->space, address_of(first), address_of(first) + count * PAGE_SIZE);
    for (unsigned i = first; i < first + count; i++) {
        model->pages[i].private_copy = false;
        model->pages[i].value = 0;
    }
}

/* All of a leaf, which a space that shares it leaves. */
static void do_discard_leaf(struct model_space *model)
{
    vaddr_t start = address_of(pick(PAGES)) / LEAF_SPAN * LEAF_SPAN;

    space_pages_remove(model->space, start, start + LEAF_SPAN);
    for (unsigned i = 0; i < PAGES; i++) {
        if (address_of(i) / LEAF_SPAN * LEAF_SPAN != start)
            continue;
        model->pages[i].private_copy = false;
        model->pages[i].value = 0;
    }
}

static void do_fork(struct model_space *model)
{
    struct model_space *child = &spaces[pick(SPACES)];
    if (child == model)
        return;
    struct address_space *space = address_space_fork(model->space);
    if (!space)
        return;
    address_space_release(child->space);
    *child = *model;
    child->space = space;
}

static void do_resize(void)
{
    struct model_file *file = &files[pick(FILES)];
    unsigned pages = pick(FILE_PAGES + 1);
    page_cache_resize(&file->cache, pages * PAGE_SIZE);
    for (unsigned i = pages; i < array_length(file->values); i++)
        file->values[i] = 0;
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned i = 0; i < PAGES; i++) {
            struct model_page *page = &spaces[s].pages[i];
            if (page->mapped && page->file == file - files && page->file_page >= pages) {
                page->private_copy = false;
                page->value = 0;
            }
        }
}

static void do_file_write(void)
{
    struct model_file *file = &files[pick(FILES)];
    unsigned pages = (unsigned)(file->cache.size / PAGE_SIZE);
    if (pages == 0)
        return;
    unsigned page = pick(pages);
    uint64_t value = pick(1 << 30);
    ssize_t done = page_cache_write(&file->cache, page * PAGE_SIZE, &value, sizeof(value));
    if (done != -ENOMEM && expect_equal(done, sizeof(value)))
        file->values[page] = value;
    uint64_t found = 1;
    expect_equal(page_cache_read(&file->cache, page * PAGE_SIZE, &found, 8), 8);
    expect_equal(found, file->values[page]);
}

static void step(void)
{
    struct model_space *model = &spaces[pick(SPACES)];
    unsigned what = pick(100);

    if (what < 12)
        do_map(model);
    else if (what < 18)
        do_unmap(model);
    else if (what < 27)
        do_protect(model);
    else if (what < 55)
        do_write(model);
    else if (what < 80)
        do_read(model);
    else if (what < 86)
        do_move(model);
    else if (what < 88)
        do_discard(model);
    else if (what < 89)
        do_discard_leaf(model);
    else if (what < 92)
        do_fork(model);
    else if (what < 94)
        do_resize();
    else
        do_file_write();
    check_regions(model->space);
    check_pages(model);
    check_gap(model->space);
    check_resident(model->space);
    check_tables();
}

static void play(unsigned steps, bool failures)
{
    struct frame_counts before, after;

    heap_reclaim();
    uint64_t heap_before = heap_bytes_used();
    frame_count(&before);
    machine_count_from_here(0);
    files_make();
    for (unsigned i = 0; i < SPACES; i++) {
        memset(&spaces[i], 0, sizeof(spaces[i]));
        spaces[i].space = address_space_create();
        spaces[i].space->mmap_base = address_of(80);
    }
    for (unsigned i = 0; i < steps; i++) {
        machine_count_from_here(failures ? 1 + pick(12) : 0);
        step();
    }
    machine_count_from_here(0);
    for (unsigned i = 0; i < SPACES; i++)
        address_space_release(spaces[i].space);
    for (unsigned i = 0; i < FILES; i++) {
        expect_equal(files[i].references, 0);
        expect(LIST_EMPTY(&files[i].cache.regions));
        page_cache_destroy(&files[i].cache);
        expect_equal(files[i].cache.frame_count, 0);
    }
    frame_count(&after);
    expect_equal(heap_bytes_used(), heap_before);
    for (int owner = 0; owner < FRAME_OWNER_COUNT; owner++)
        expect_equal(after.by_owner[owner], before.by_owner[owner]);
}

int main(void)
{
    machine_start();
    test_case("random calls agree with the model");
    play(30000, false);
    test_case("random calls with failing allocations agree with the model, and nothing is lost");
    play(30000, true);
    printf("# %lu allocations were made to fail\n", machine_failures);
    expect(machine_failures > 1000);
    return test_end();
}
