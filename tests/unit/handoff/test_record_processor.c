/* What a record keeps of a processor: answers, registers, page tables. */
#include "../test.h"
#include "library/record/processor_registers.h"

#include <string.h>

enum {
    SIZE = 64 * 1024,
    ENTRIES = 512,
    TABLES = 8,
};

static uint64_t memory[SIZE / 8];
static struct record_writer writer;

static void start(size_t capacity)
{
    static const uint8_t boot[16];

    expect_equal(record_start(&writer, memory, capacity, "test", boot), 0);
}

/* The entry that was written. */
static struct record_entry written(uint16_t kind)
{
    struct record_entry entry = {0};
    struct record record;
    const char *reason = "";

    expect_equal(record_open(&record, memory, writer.capacity, &reason), 0);
    expect(record_find(&record, kind, &entry));
    return entry;
}

/* ---- CPUID and registers ---- */

static uint32_t features_edx, highest;

static struct cpuid_result ask(uint32_t leaf, uint32_t subleaf)
{
    if (leaf == 0)
        return (struct cpuid_result){highest, 0x756e6547, 0, 0};
    if (leaf == 1)
        return (struct cpuid_result){1, 7U << 24, 0, features_edx};
    if (leaf == 7 && subleaf > 2)
        return (struct cpuid_result){0};
    if (leaf == 0x80000000)
        return (struct cpuid_result){0x80000001, 0, 0, 0};
    return (struct cpuid_result){leaf, subleaf, 1, 2};
}

static uint64_t read_register(uint32_t index)
{
    return index == 0xfe ? 0x102 : index; /* fixed ones, and two pairs */
}

static size_t answers_of(uint32_t leaf)
{
    struct record_entry entry = written(RECORD_CPUID);
    struct record_cpuid answer;
    size_t count = 0;

    for (size_t at = 0; at + sizeof(answer) <= entry.size; at += sizeof(answer)) {
        memcpy(&answer, entry.bytes + at, sizeof(answer));
        count += answer.leaf == leaf;
    }
    return count;
}

static void test_cpuid(void)
{
    test_case("every leaf there is, and its subleaves up to an empty one");
    start(SIZE);
    highest = 7;
    record_append_cpuid(&writer, 1, ask);
    expect_equal(answers_of(0), 1);
    expect_equal(answers_of(3), 1);
    expect_equal(answers_of(7), 4); /* 0, 1, 2, and the empty one */
    expect_equal(answers_of(8), 0);
    expect_equal(answers_of(0x80000001), 1);

    test_case("a processor that says it has all leaves gets no more than some");
    start(SIZE);
    highest = UINT32_MAX;
    record_append_cpuid(&writer, 1, ask);
    expect_equal(answers_of(30), 1);
    expect_equal(answers_of(32), 0);

    test_case("no room: counted, and nothing else");
    start(200);
    record_append_cpuid(&writer, 1, ask);
    expect_equal(((struct record_header *)memory)->lost_entries, 1);
}

static void test_msrs(void)
{
    struct record_msrs head;
    struct record_entry entry;

    test_case("registers that CPUID names");
    start(SIZE);
    features_edx = 1 << 12 | 1 << 16;
    record_append_msrs(&writer, RECORD_MSRS, 1, ask, read_register);
    entry = written(RECORD_MSRS);
    record_load(&entry, &head, sizeof(head), NULL);
    expect_equal(head.apic_id, 7);
    expect_equal(head.count,
                 2 + 11 + 4 + 1 + 1); /* capabilities, default, fixed, pairs, PAT, 8bh */
    expect_equal(entry.size, sizeof(head) + head.count * sizeof(struct record_msr));

    test_case("none that it does not name");
    start(SIZE);
    features_edx = 0;
    record_append_msrs(&writer, RECORD_MSRS, 1, ask, read_register);
    entry = written(RECORD_MSRS);
    record_load(&entry, &head, sizeof(head), NULL);
    expect_equal(head.count, 1);
}

/* ---- page tables ---- */

#define P        UINT64_C(1)
#define W        UINT64_C(2)
#define U        UINT64_C(4)
#define LARGE    UINT64_C(0x80)
#define PCD      UINT64_C(0x10)
#define NX       (UINT64_C(1) << 63)
#define GIGABYTE (UINT64_C(1) << 30)

static uint64_t tables[TABLES][ENTRIES]; /* table n lies at n * 4096 */

static const uint64_t *table_at(uint64_t physical)
{
    return physical / 4096 < TABLES ? tables[physical / 4096] : NULL;
}

static uint64_t at(unsigned table, uint64_t flags)
{
    return (uint64_t)table * 4096 | flags;
}

static size_t runs_of(unsigned levels, bool no_execute, size_t spare,
                      struct record_page_tables *head, struct record_page_run *runs, size_t room)
{
    const struct record_paging paging = {.root = 0x1000,
                                         .levels = levels,
                                         .no_execute = no_execute,
                                         .physical_bits = 40,
                                         .pat = UINT64_C(0x0007040600070406),
                                         .table = table_at};
    size_t size;

    record_append_page_tables(&writer, 1, &paging, spare);
    struct record_entry entry = written(RECORD_PAGE_TABLES);
    const uint8_t *tail = record_load(&entry, head, sizeof(*head), &size);
    memcpy(runs, tail, size < room * sizeof(*runs) ? size : room * sizeof(*runs));
    return size / sizeof(*runs);
}

static void test_page_runs(void)
{
    struct record_page_tables head;
    struct record_page_run runs[8] = {0};

    test_case("pages in a row are one run; rights of all levels count");
    start(SIZE);
    memset(tables, 0, sizeof(tables));
    tables[1][0] = at(2, P | W | U);
    tables[2][0] = at(3, P | W);
    tables[3][0] = at(4, P | W | U);
    tables[2][1] = GIGABYTE | P | W | LARGE | NX;
    tables[2][2] = 2 * GIGABYTE | P | W | LARGE | NX;
    tables[2][3] = 3 * GIGABYTE | P | LARGE | PCD;
    tables[4][1] = 0x1000 | P | W | U;
    tables[4][2] = 0x2000 | P | W;
    tables[4][3] = 0x9000 | P | W;
    expect_equal(runs_of(4, true, 0, &head, runs, 8), 4);
    expect(head.root == 0x1000 && head.levels == 4 && !head.cut);
    expect(runs[0].linear == 0x1000 && runs[0].physical == 0x1000 && runs[0].pages == 2 &&
           runs[0].rights == (RECORD_PAGE_WRITABLE | RECORD_PAGE_EXECUTABLE) && runs[0].level == 1);
    expect(runs[1].linear == 0x3000 && runs[1].physical == 0x9000 && runs[1].pages == 1);
    expect(runs[2].linear == GIGABYTE && runs[2].pages == 2 << 18 && runs[2].level == 3 &&
           runs[2].rights == RECORD_PAGE_WRITABLE && runs[2].memory_type == 6);
    expect(runs[3].linear == 3 * GIGABYTE && runs[3].rights == RECORD_PAGE_EXECUTABLE &&
           runs[3].memory_type == 7);

    test_case("without EFER.NXE all is executable");
    start(SIZE);
    runs_of(4, false, 0, &head, runs, 8);
    expect(runs[2].rights == (RECORD_PAGE_WRITABLE | RECORD_PAGE_EXECUTABLE));

    test_case("the upper half has its upper bits set; five levels");
    start(SIZE);
    memset(tables, 0, sizeof(tables));
    tables[1][511] = at(2, P | W);
    tables[2][511] = at(3, P | W);
    tables[3][511] = 5 * GIGABYTE | P | LARGE;
    expect_equal(runs_of(4, true, 0, &head, runs, 8), 1);
    expect(runs[0].linear == -(GIGABYTE / 512) && runs[0].level == 2);
    start(SIZE);
    expect_equal(runs_of(5, true, 0, &head, runs, 8), 1);
    expect(runs[0].linear == -GIGABYTE && runs[0].physical == 5 * GIGABYTE);

    test_case("more runs than there is room for");
    start(sizeof(struct record_header) + 16 + sizeof(head) + 2 * sizeof(runs[0]));
    memset(tables, 0, sizeof(tables));
    tables[1][0] = at(2, P | W);
    for (unsigned i = 0; i < 6; i++)
        tables[2][2 * i] = 2 * i * GIGABYTE | P | W | LARGE;
    expect_equal(runs_of(4, true, 0, &head, runs, 8), 2);
    expect(head.cut == 1);

    test_case("tables that lead round in circles, or nowhere, end");
    start(SIZE);
    memset(tables, 0, sizeof(tables));
    tables[1][0] = at(1, P | W);
    tables[1][1] = at(100, P | W);
    runs_of(4, true, 0, &head, runs, 8);
}

static void test_page_present(void)
{
    const struct record_paging paging = {
        .root = 0x1000, .levels = 4, .physical_bits = 40, .table = table_at};

    test_case("whether a page is there");
    memset(tables, 0, sizeof(tables));
    tables[1][0] = at(2, P | W);
    tables[1][1] = at(100, P | W);
    tables[2][0] = at(3, P);
    tables[2][1] = GIGABYTE | P | LARGE;
    tables[3][0] = at(4, P);
    tables[4][1] = 0x1000 | P | LARGE; /* PAT, in the lowest level */
    expect(record_page_present(&paging, 0x1000));
    expect(record_page_present(&paging, GIGABYTE + 0x12345000));
    expect(!record_page_present(&paging, 0x2000));
    expect(!record_page_present(&paging, 2 * GIGABYTE));
    expect(!record_page_present(&paging, 512 * GIGABYTE)); /* its table is nowhere */
}

int main(void)
{
    test_cpuid();
    test_msrs();
    test_page_runs();
    test_page_present();
    return test_end();
}
