/* Which of the processors that a MADT names are to be started. */
#include "library/processor_list.h"
#include "test.h"

#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

enum {
    OWN = 3,
    ROOM = 4,
    HEADER = 44,
};

/* An entry: its identifier, as type 9 (x2APIC) or as type 0; enabled or not. */
struct entry {
    uint32_t apic_id;
    bool x2apic, off;
};

static uint32_t apic_ids[ROOM];
static struct processor_list list;

static void read_table(const struct entry *entries, size_t count, uint32_t greatest)
{
    static uint8_t bytes[1024];
    size_t size = HEADER;
    struct acpi_table table = {.bytes = bytes, .signature = "APIC"};
    struct acpi_madt madt;
    const char *reason;

    memset(bytes, 0, sizeof(bytes));
    for (size_t i = 0; i < count; i++) {
        uint8_t *entry = bytes + size;
        uint32_t enabled = !entries[i].off;
        entry[0] = entries[i].x2apic ? 9 : 0;
        entry[1] = entries[i].x2apic ? 16 : 8;
        if (entries[i].x2apic) {
            memcpy(entry + 4, &entries[i].apic_id, 4);
            memcpy(entry + 8, &enabled, 4);
        } else {
            entry[3] = (uint8_t)entries[i].apic_id;
            memcpy(entry + 4, &enabled, 4);
        }
        size += entry[1];
    }
    table.size = size;
    list = (struct processor_list){.apic_ids = apic_ids, .room = ROOM, .too_many = 7};
    expect(acpi_madt_start(&madt, &table, &reason) == 0);
    processor_list_read(&list, &madt, OWN, greatest);
}

static bool listed(const uint32_t *expected, uint32_t count)
{
    return list.count == count && memcmp(apic_ids, expected, count * sizeof(*expected)) == 0;
}

static void test_plain(void)
{
    static const struct entry entries[] = {{.apic_id = 0}, {.apic_id = OWN}, {.apic_id = 1}};

    test_case("all but its own, in the order of the table");
    read_table(entries, array_length(entries), 254);
    expect(listed((uint32_t[]){0, 1}, 2));
    expect(!list.too_many && !list.twice && !list.unreachable && !list.own_missing);
}

static void test_off(void)
{
    static const struct entry entries[] = {{.apic_id = OWN}, {.apic_id = 1, .off = true}};

    test_case("one that is not enabled");
    read_table(entries, array_length(entries), 254);
    expect(list.count == 0);
}

static void test_twice(void)
{
    static const struct entry entries[] = {{.apic_id = OWN},
                                           {.apic_id = 5},
                                           {.apic_id = 5, .x2apic = true},
                                           {.apic_id = 5},
                                           {.apic_id = OWN, .x2apic = true}};

    test_case("one identifier in several entries");
    read_table(entries, array_length(entries), 254);
    expect(listed((uint32_t[]){5}, 1));
    expect(list.twice == 3 && list.first_twice == 5 && !list.own_missing);
}

static void test_unreachable(void)
{
    static const struct entry entries[] = {{.apic_id = OWN},
                                           {.apic_id = 254, .x2apic = true},
                                           {.apic_id = 255, .x2apic = true},
                                           {.apic_id = 0x101, .x2apic = true}};

    test_case("identifiers beyond 8 bits in either mode");
    read_table(entries, array_length(entries), 254);
    expect(listed((uint32_t[]){254}, 1));
    expect(list.unreachable == 2 && list.first_unreachable == 255);
    read_table(entries, array_length(entries), UINT32_MAX - 1);
    expect(listed((uint32_t[]){254, 255, 0x101}, 3));
    expect(list.unreachable == 0);
}

static void test_too_many(void)
{
    static const struct entry entries[] = {{.apic_id = 0},   {.apic_id = 1}, {.apic_id = 2},
                                           {.apic_id = OWN}, {.apic_id = 4}, {.apic_id = 5},
                                           {.apic_id = 6}};

    test_case("more than there is room for");
    read_table(entries, array_length(entries), 254);
    expect(listed((uint32_t[]){0, 1, 2, 4}, 4));
    expect(list.too_many == 2);
}

static void test_own_missing(void)
{
    static const struct entry entries[] = {{.apic_id = 9}};

    test_case("a table without the processor that runs");
    read_table(entries, array_length(entries), 254);
    expect(listed((uint32_t[]){9}, 1));
    expect(list.own_missing);
}

int main(void)
{
    test_plain();
    test_off();
    test_twice();
    test_unreachable();
    test_too_many();
    test_own_missing();
    return test_end();
}
