/* What page tables map, as runs (SDM volume 3, chapter 4: 4.5 the tables, 4.6 rights, 4.9 types).
 */
#include "library/record/processor_registers.h"

#include "library/string.h"

#define PRESENT    UINT64_C(1)
#define WRITABLE   UINT64_C(2)
#define USER       UINT64_C(4)
#define PWT        UINT64_C(8)
#define PCD        UINT64_C(0x10)
#define LARGE      UINT64_C(0x80) /* above the lowest level; there it is PAT */
#define LARGE_PAT  UINT64_C(0x1000)
#define NO_EXECUTE (UINT64_C(1) << 63)

enum {
    ENTRIES = 512,
    PAGE_SHIFT = 12,
    LEVEL_SHIFT = 9,
};

struct walk {
    const struct record_paging *paging;
    struct record_page_tables *head;
    size_t count, capacity; /* runs */
};

static uint64_t address_of(const struct record_paging *paging, uint64_t entry, unsigned level)
{
    uint64_t address = entry & ((UINT64_C(1) << paging->physical_bits) - 1);

    return address & -(UINT64_C(1) << (PAGE_SHIFT + LEVEL_SHIFT * (level - 1)));
}

/* Rights of an entry under what the levels above leave. */
static unsigned rights_of(const struct record_paging *paging, uint64_t entry, unsigned above)
{
    unsigned rights = entry & WRITABLE ? RECORD_PAGE_WRITABLE : 0;

    if (entry & USER)
        rights |= RECORD_PAGE_USER;
    if (!paging->no_execute || !(entry & NO_EXECUTE))
        rights |= RECORD_PAGE_EXECUTABLE;
    return rights & above;
}

static uint8_t type_of(const struct record_paging *paging, uint64_t entry, unsigned level)
{
    unsigned index = (entry & PWT ? 1 : 0) | (entry & PCD ? 2 : 0);

    if (entry & (level == 1 ? LARGE : LARGE_PAT))
        index |= 4;
    return paging->pat >> (8 * index) & 7;
}

static bool continues(const struct record_page_run *run, const struct record_page_run *next)
{
    uint64_t size = run->pages << PAGE_SHIFT;

    return run->linear + size == next->linear && run->physical + size == next->physical &&
           run->rights == next->rights && run->level == next->level &&
           run->memory_type == next->memory_type;
}

static void keep_run(struct walk *walk, const struct record_page_run *next)
{
    struct record_page_run *last = walk->count > 0 ? &walk->head->runs[walk->count - 1] : NULL;

    if (last != NULL && continues(last, next))
        last->pages += next->pages;
    else if (walk->count < walk->capacity)
        walk->head->runs[walk->count++] = *next;
    else
        walk->head->cut = 1;
}

/* The upper half of addresses has all upper bits set (SDM volume 3, 3.3.7.1). */
static uint64_t canonical(uint64_t linear, unsigned levels)
{
    unsigned bits = PAGE_SHIFT + LEVEL_SHIFT * levels;

    return linear >> (bits - 1) & 1 ? linear | -(UINT64_C(1) << bits) : linear;
}

/* A path of tables from the root down: five levels at most, so no recursion. */
struct place {
    const uint64_t *table;
    unsigned index, rights;
};

/* How many entries from `index` on, in one table, map what follows with the same bits, but for
 * those that the processor sets: most of a table, so this is where the time goes. */
static unsigned row_length(const uint64_t *table, unsigned index, unsigned level)
{
    const uint64_t accessed_and_dirty = 0x60;
    uint64_t step = UINT64_C(1) << (PAGE_SHIFT + LEVEL_SHIFT * (level - 1));
    uint64_t expected = table[index];
    unsigned next = index + 1;

    while (next < ENTRIES && ((table[next] ^ (expected += step)) & ~accessed_and_dirty) == 0)
        next++;
    return next - index;
}

static void keep_pages(struct walk *walk, uint64_t entry, uint64_t linear, unsigned level,
                       unsigned rights, unsigned count)
{
    const struct record_page_run run = {
        .linear = canonical(linear, walk->paging->levels),
        .physical = address_of(walk->paging, entry, level),
        .pages = (uint64_t)count << (LEVEL_SHIFT * (level - 1)),
        .rights = (uint16_t)rights,
        .level = (uint8_t)level,
        .memory_type = type_of(walk->paging, entry, level),
    };

    keep_run(walk, &run);
}

static uint64_t linear_of(const struct place *places, unsigned levels, unsigned level)
{
    uint64_t linear = 0;

    for (unsigned at = levels; at >= level; at--)
        linear |= (uint64_t)places[at].index << (PAGE_SHIFT + LEVEL_SHIFT * (at - 1));
    return linear;
}

static void walk_tables(struct walk *walk)
{
    const struct record_paging *paging = walk->paging;
    struct place places[6]; /* by level, 1 the lowest */
    unsigned level = paging->levels;

    places[level] = (struct place){paging->table(address_of(paging, paging->root, 1)), 0, 7};
    while (level <= paging->levels && !walk->head->cut) {
        struct place *place = &places[level];
        if (place->table == NULL || place->index == ENTRIES) {
            level++;
            if (level <= paging->levels)
                places[level].index++;
            continue;
        }
        uint64_t entry = place->table[place->index];
        if (entry == 0) {
            place->index++;
            continue;
        }
        unsigned rights = rights_of(paging, entry, place->rights);
        bool leaf = level == 1 || (level <= 3 && entry & LARGE);
        if (!(entry & PRESENT)) {
            place->index++;
            continue;
        }
        if (leaf) {
            unsigned row = row_length(place->table, place->index, level);
            keep_pages(walk, entry, linear_of(places, paging->levels, level), level, rights, row);
            place->index += row;
            continue;
        }
        level--;
        places[level] = (struct place){paging->table(address_of(paging, entry, 1)), 0, rights};
    }
}

bool record_page_present(const struct record_paging *paging, uint64_t linear)
{
    uint64_t entry = paging->root;

    for (unsigned level = paging->levels; level > 0; level--) {
        const uint64_t *table = paging->table(address_of(paging, entry, 1));
        if (table == NULL)
            return false;
        entry = table[linear >> (PAGE_SHIFT + LEVEL_SHIFT * (level - 1)) & (ENTRIES - 1)];
        if (!(entry & PRESENT))
            return false;
        if (level <= 3 && level > 1 && entry & LARGE)
            return true;
    }
    return true;
}

void record_append_page_tables(struct record_writer *writer, uint64_t tsc,
                               const struct record_paging *paging, size_t spare)
{
    size_t room = record_room(writer);
    struct walk walk = {.paging = paging};

    if (room < spare + sizeof(*walk.head))
        room = spare + sizeof(*walk.head); /* at least the root is told */
    walk.head = record_reserve(writer, RECORD_PAGE_TABLES, tsc, (room - spare) & ~(size_t)7);
    if (walk.head == NULL)
        return;
    walk.capacity = (room - spare - sizeof(*walk.head)) / sizeof(struct record_page_run);
    walk.head->root = paging->root;
    walk.head->levels = paging->levels;
    walk_tables(&walk);
    record_shorten(writer, sizeof(*walk.head) + walk.count * sizeof(struct record_page_run));
}
