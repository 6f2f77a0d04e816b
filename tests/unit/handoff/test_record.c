/* The record of the handoff: writing it, reading it back, hostile bytes, JSON. */
#include "../test.h"
#include "library/crc32.h"
#include "library/record/kinds.h"
#include "library/record/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 4096,
    ENTRY = sizeof(struct record_entry_header),
    HEADER = sizeof(struct record_header),
};
static const uint8_t boot[16] = "a boot's number";
static uint64_t memory[SIZE / 8];

static struct record_writer started(size_t capacity)
{
    struct record_writer writer;

    memset(memory, 0xa5, sizeof(memory));
    expect_equal(record_start(&writer, memory, capacity, "0.1-test", boot), 0);
    return writer;
}

static const struct record_header *header(void)
{
    return (const struct record_header *)memory;
}

static void test_crc(void)
{
    test_case("crc32");
    expect_equal(crc32(0, "123456789", 9), 0xcbf43926); /* the check value of this CRC */
    expect_equal(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
    expect_equal(crc32(0, "", 0), 0);
}

static void test_writing(void)
{
    struct record_writer writer = started(SIZE);
    struct record_entry entry = {0};
    struct record record;
    const char *reason = "";

    test_case("what is written is read back");
    expect_equal(record_append(&writer, RECORD_NOTE, 7, "abc", 3, NULL, 0), 0);
    expect_equal(record_append(&writer, 0x7777, 8, "12345678", 8, "tail", 4), 0);
    expect_equal(record_append(&writer, RECORD_NOTE, 9, NULL, 0, NULL, 0), 0);
    record_seal(&writer);
    expect_equal(record_open(&record, memory, SIZE, &reason), 0);
    expect_equal(record.header.flags, RECORD_SEALED);
    expect_string(record.header.build, "0.1-test");
    expect(memcmp(record.header.boot, boot, 16) == 0);
    expect(record_next(&record, &entry) && entry.kind == RECORD_NOTE && entry.tsc == 7);
    expect(entry.size == 3 && memcmp(entry.bytes, "abc\0\0\0\0", 8) == 0);
    expect_equal(entry.offset, HEADER + ENTRY);
    expect(record_next(&record, &entry) && entry.kind == 0x7777 && entry.size == 12);
    expect(memcmp(entry.bytes, "12345678tail", 12) == 0);
    expect(record_next(&record, &entry) && entry.size == 0);
    expect(!record_next(&record, &entry));

    test_case("entries are found by kind");
    expect_equal(record_count(&record, RECORD_NOTE), 2);
    expect_equal(record_count(&record, RECORD_CPUID), 0);
    expect(record_find(&record, RECORD_NOTE, &entry) && entry.tsc == 7);
    expect(record_find_last(&record, RECORD_NOTE, &entry) && entry.tsc == 9);
    expect(!record_find(&record, RECORD_CPUID, &entry));
    expect(!record_find_last(&record, RECORD_CPUID, &entry));

    test_case("what an older, shorter entry lacks is 0");
    struct record_clock clock;
    size_t left = 99;
    expect(record_find(&record, 0x7777, &entry));
    (void)record_load(&entry, &clock, sizeof(clock), &left);
    expect(left == 0 && memcmp(&clock, "12345678tail\0\0\0", 16) == 0);
    const uint8_t *tail = record_load(&entry, &clock, 8, &left);
    expect(left == 4 && memcmp(tail, "tail", 4) == 0);
    (void)record_load(&entry, &clock, 8, NULL);

    test_case("appending breaks the seal");
    expect_equal(record_append(&writer, RECORD_NOTE, 1, "x", 1, NULL, 0), 0);
    expect_equal(header()->flags, 0);
    expect_equal(record_open(&record, memory, SIZE, &reason), 0);
    expect_equal(record_count(&record, RECORD_NOTE), 3);
}

static void test_full(void)
{
    struct record_writer writer;

    test_case("memory that cannot hold a record");
    expect_equal(record_start(&writer, memory, HEADER - 1, "", boot), -EINVAL);
    expect_equal(record_start(&writer, (uint8_t *)memory + 4, SIZE - 4, "", boot), -EINVAL);

    test_case("a full record says so, and by how much");
    writer = started(HEADER + ENTRY + 8);
    expect_equal(record_room(&writer), 8);
    expect_equal(record_append(&writer, 1, 0, "123456789", 9, NULL, 0), -ENOSPC);
    expect(header()->lost_entries == 1 && header()->lost_bytes == ENTRY + 16);
    expect_equal(record_append(&writer, 1, 0, "12345678", 8, NULL, 0), 0);
    expect_equal(record_room(&writer), 0);
    expect_equal(record_append(&writer, 1, 0, NULL, 0, NULL, 0), -ENOSPC);
    expect(header()->lost_entries == 2 && header()->lost_bytes == 2 * ENTRY + 16);
    expect_equal(header()->size, HEADER + ENTRY + 8);

    test_case("a name that is too long is cut");
    expect_equal(
        record_start(&writer, memory, SIZE, "0123456789012345678901234567890123456789", boot), 0);
    expect_string(header()->build, "0123456789012345678901234567890");

    test_case("it goes on in larger memory");
    static uint64_t larger[SIZE / 4];
    writer = started(HEADER + 32);
    expect_equal(record_append(&writer, 1, 0, "1234", 4, NULL, 0), 0);
    expect_equal(record_append(&writer, 2, 0, "too long for it", 15, NULL, 0), -ENOSPC);
    expect_equal(record_move(&writer, larger, 64), -EINVAL);
    expect_equal(record_move(&writer, (uint8_t *)larger + 1, SIZE), -EINVAL);
    expect_equal(record_move(&writer, larger, sizeof(larger)), 0);
    expect_equal(record_append(&writer, 2, 0, "too long for it", 15, NULL, 0), 0);
    struct record record;
    const char *reason = "";
    expect_equal(record_open(&record, larger, sizeof(larger), &reason), 0);
    expect(record_count(&record, 1) == 1 && record_count(&record, 2) == 1);
    expect_equal(record.header.lost_entries, 1);

    test_case("a reserved entry is made shorter");
    writer = started(SIZE);
    record_shorten(&writer, 0); /* there is none yet */
    expect_equal(header()->size, HEADER);
    uint8_t *payload = record_reserve(&writer, 3, 0, 100);
    expect(payload != NULL && payload[0] == 0 && payload[103] == 0);
    memset(payload, 1, 100);
    record_shorten(&writer, 200);
    expect_equal(header()->size, HEADER + ENTRY + 104);
    record_shorten(&writer, 9);
    expect_equal(header()->size, HEADER + ENTRY + 16);
    expect(payload[8] == 1 && payload[9] == 0);
}

struct hostile {
    const char *name;
    size_t offset;
    int width;
    uint64_t value;
    int error;
    const char *word; /* in the reason */
};

static void hostile_try(const struct hostile *row)
{
    struct record_writer writer = started(SIZE);
    struct record record;
    const char *reason = "";

    test_case("hostile: %s", row->name);
    expect_equal(record_append(&writer, RECORD_NOTE, 0, "a note", 6, NULL, 0), 0);
    record_seal(&writer);
    size_t size = header()->size;
    uint8_t *bytes = test_copy(memory, size);
    memcpy(bytes + row->offset, &row->value, (size_t)row->width);
    expect_equal(record_open(&record, bytes, size, &reason), row->error);
    expect(strstr(reason, row->word) != NULL);
}

static void test_append_from(void)
{
    static uint64_t other[SIZE / 8];
    struct record_writer writer = started(SIZE), to;
    struct record from, record;
    struct record_entry entry = {0};
    const char *reason = "";

    test_case("entries of another record: of one kind, then of any, as they are");
    expect_equal(record_append(&writer, RECORD_NOTE, 5, "first", 5, NULL, 0), 0);
    expect_equal(record_append(&writer, RECORD_LOAD_OPTIONS, 6, "x", 1, NULL, 0), 0);
    expect_equal(record_append(&writer, RECORD_NOTE, 7, "second", 6, NULL, 0), 0);
    ((struct record_entry_header *)(writer.bytes + writer.last))->version = 3;
    record_seal(&writer);
    expect_equal(record_open(&from, memory, SIZE, &reason), 0);
    expect_equal(record_start(&to, other, sizeof(other), "test", from.header.boot), 0);
    record_append_from(&to, &from, RECORD_NOTE);
    record_append_from(&to, &from, 0);
    record_seal(&to);
    expect_equal(record_open(&record, other, sizeof(other), &reason), 0);
    expect_equal(record_count(&record, RECORD_NOTE), 4);
    expect_equal(record_count(&record, RECORD_LOAD_OPTIONS), 1);
    expect(record_find_last(&record, RECORD_NOTE, &entry));
    expect_equal(entry.version, 3);
    expect_equal(entry.tsc, 7);
    expect(entry.size == 6 && memcmp(entry.bytes, "second", 6) == 0);

    test_case("entries of another record: what finds no room is counted");
    expect_equal(record_start(&to, other, 88 + 24, "test", from.header.boot), 0);
    record_append_from(&to, &from, 0);
    expect_equal(((struct record_header *)other)->lost_entries, 2);
}

static void test_hostile(void)
{
    static const struct hostile rows[] = {
        {"foreign", 0, 8, 0x464c457f, -EINVAL, "no record"},
        {"newer", 8, 2, 2, -EPROTONOSUPPORT, "newer"},
        {"version 0", 8, 2, 0, -EBADMSG, "damaged"},
        {"a short header", 10, 2, 80, -EBADMSG, "damaged"},
        {"an odd header", 10, 2, 90, -EBADMSG, "damaged"},
        {"smaller than its header", 16, 8, 8, -EBADMSG, "damaged"},
        {"longer than the file", 16, 8, 1 << 20, -ENODATA, "cut off"},
        {"longer than anything", 16, 8, UINT64_MAX, -ENODATA, "cut off"},
        {"a byte changed", HEADER + ENTRY, 1, 'A', -EBADMSG, "CRC"},
        {"a header's byte changed", 40, 1, 1, -EBADMSG, "CRC"},
        {"unsealed, an entry that is too long", 12, 4, 0, 0, ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        hostile_try(&rows[i]);

    struct record_writer writer = started(SIZE);
    struct record record;
    const char *reason = "";
    test_case("hostile: entries that reach beyond the end");
    expect_equal(record_append(&writer, RECORD_NOTE, 0, "a note", 6, NULL, 0), 0);
    uint32_t lengths[] = {9, 0xffffffff, 0xfffffff8, 0xfffffff0};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint8_t *bytes = test_copy(memory, header()->size);
        put32(bytes + HEADER + 4, lengths[i]);
        expect_equal(record_open(&record, bytes, header()->size, &reason), -EBADMSG);
        expect(strstr(reason, "entry") != NULL);
    }
    test_case("hostile: bytes behind the last entry that are none");
    uint8_t *bytes = test_copy(memory, header()->size + 8);
    put64(bytes + 16, header()->size + 8);
    expect_equal(record_open(&record, bytes, header()->size + 8, &reason), -EBADMSG);

    test_case("hostile: cut at every byte");
    record_seal(&writer);
    for (size_t size = 0; size < header()->size; size++) {
        bytes = test_copy(memory, size);
        int error = record_open(&record, bytes, size, &reason);
        expect_equal(error, size < 8 ? -EINVAL : -ENODATA);
    }
}

/* ---- JSON ---- */

static char text[65536];
static size_t text_size;

static void collect(void *context, const char *piece, size_t length)
{
    (void)context;
    if (length < sizeof(text) - text_size) {
        memcpy(text + text_size, piece, length);
        text_size += length;
    }
    text[text_size] = '\0';
}

static const char *told(struct record_writer *writer)
{
    struct record record;
    const char *reason = "";

    record_seal(writer);
    text_size = 0;
    expect_equal(record_open(&record, writer->bytes, SIZE, &reason), 0);
    record_write_json(&record, collect, NULL);
    return text;
}

#define expect_told(writer, piece) expect(strstr(told(writer), piece) != NULL)

static void test_json(void)
{
    struct record_writer writer = started(SIZE);

    test_case("JSON of an empty record");
    expect_told(&writer, "{\"version\":1,\"sealed\":true,\"edited\":false,\"size\":88,");
    expect_told(&writer, "\"boot\":\"6120626f6f742773206e756d62657200\",\"build\":\"0.1-test\",");
    expect_told(&writer, "\"entries\":[]}\n");

    test_case("JSON of fields");
    struct record_clock clock = {.tsc_hz = UINT64_C(1) << 60, .reference = 2};
    (void)record_append(&writer, RECORD_CLOCK, 5, &clock, sizeof(clock), NULL, 0);
    expect_told(&writer,
                "\"name\":\"clock\",\"point\":6,\"version\":1,\"offset\":104,\"tsc\":\"0x5\","
                "\"fields\":{\"tsc_hz\":\"0x1000000000000000\",\"reference\":2},\"raw\":");
    struct record_runtime_fault fault = {.image = "Fat\"Dxe\\\x01"};
    (void)record_append(&writer, RECORD_RUNTIME_FAULT, 0, &fault, sizeof(fault), NULL, 0);
    expect_told(&writer, "\"image\":\"Fat\\u0022Dxe\\u005c\\u0001\"");
    struct record_after_exit after = {.in_service = {1, 2}, .pic_mask = {0xff, 0xfe}};
    (void)record_append(&writer, RECORD_AFTER_EXIT, 0, &after, sizeof(after), NULL, 0);
    expect_told(&writer, "\"in_service\":[1,2,0,0,0,0,0,0]");
    expect_told(&writer, "\"pic_mask\":\"fffe\"");
    struct record_pci pci = {.bar_size = {0x1000}};
    (void)record_append(&writer, RECORD_PCI_FUNCTION, 0, &pci, sizeof(pci), NULL, 0);
    expect_told(&writer, "\"bar_size\":[\"0x1000\",\"0x0\",");
    (void)record_append(&writer, 0x7e7e, 0, "?", 1, NULL, 0);
    expect_told(&writer, "\"name\":\"unknown\",\"point\":126,\"version\":1,");
    expect_told(&writer, "\"tsc\":\"0x0\",\"raw\":\"3f\"}");

    test_case("JSON of tails");
    static const uint8_t guid[24] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88,
                                     0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x40};
    writer = started(SIZE);
    (void)record_append(&writer, RECORD_CONFIGURATION, 0, guid, sizeof(guid), "?", 1);
    expect_told(&writer, "\"items\":[{\"guid\":\"00112233-4455-6677-8899-aabbccddeeff\","
                         "\"address\":\"0x40\"}]");
    (void)record_append(&writer, RECORD_NOTE, 0, "why", 3, NULL, 0);
    expect_told(&writer, "\"fields\":{},\"text\":\"why\",\"raw\":\"776879\"");
    (void)record_append(&writer, RECORD_LOAD_OPTIONS, 0, "\1", 1, NULL, 0);
    expect_told(&writer, "\"name\":\"load_options\"");
    struct record_io_apic io = {.id = 1};
    uint64_t entries[2] = {0x10000, 0x10001};
    (void)record_append(&writer, RECORD_IO_APIC, 0, &io, sizeof(io), entries, sizeof(entries));
    expect_told(&writer, "\"items\":[\"0x10000\",\"0x10001\"]");
    struct record_firmware firmware = {.firmware_revision = 1};
    (void)record_append(&writer, RECORD_FIRMWARE, 0, &firmware, sizeof(firmware), "E\0D\0\xac \0\0",
                        8);
    expect_told(&writer, "\"text\":\"ED\\u20ac\"");
    struct record_handle handle = {.protocol_count = 3};
    (void)record_append(&writer, RECORD_HANDLE, 0, &handle, sizeof(handle), guid, 16);
    expect_told(&writer, "\"protocols\":[\"00112233-4455-6677-8899-aabbccddeeff\"]");
    struct record_variable variable = {.name_size = 4, .data_kept = 2};
    (void)record_append(&writer, RECORD_VARIABLE, 0, &variable, sizeof(variable),
                        "S\0\0\0....\x01\x02", 10);
    expect_told(&writer, "\"text\":\"S\",\"data\":\"0102\"");
    writer = started(SIZE);
    struct record_image image = {.name_size = 3, .section_count = 1};
    uint8_t tail[48] = "a.ef.text\0\0";
    (void)record_append(&writer, RECORD_IMAGE, 0, &image, sizeof(image), tail, sizeof(tail));
    expect_told(&writer, "\"text\":\"a.e\",\"items\":[{\"name\":\"t\"");
}

static void test_json_descriptors(void)
{
    struct record_writer writer = started(SIZE);
    struct record_map map = {.map_size = 96, .descriptor_size = 48};
    uint8_t descriptors[96] = {7, [48] = 4, [56] = 0, [57] = 0x10};

    test_case("JSON of memory maps");
    (void)record_append(&writer, RECORD_MAP_FIRST, 0, &map, sizeof(map), descriptors, 96);
    expect_told(&writer, "\"items\":[{\"type\":7,\"base\":\"0x0\"");
    expect_told(&writer, "{\"type\":4,\"base\":\"0x1000\",\"virtual\":\"0x0\",\"pages\":\"0x0\"");
    uint64_t sizes[] = {0, 39, 97, UINT64_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        writer = started(SIZE);
        map.descriptor_size = sizes[i];
        (void)record_append(&writer, RECORD_MAP_FIRST, 0, &map, sizeof(map), descriptors, 96);
        expect(strstr(told(&writer), "items") == NULL);
    }
    test_case("JSON of entries that are too short for anything");
    for (uint32_t kind = 0; kind < 0x900; kind++) {
        writer = started(SIZE);
        (void)record_append(&writer, (uint16_t)kind, 0, "\xff\xff\xff\xff", 4, NULL, 0);
        expect_told(&writer, "\"raw\":\"ffffffff\"}]}\n");
    }
}

static void test_kinds(void)
{
    size_t known = 0;

    test_case("every kind has a name of its own, and fields within its structure");
    for (uint32_t kind = 0; kind <= UINT16_MAX; kind++) {
        const struct record_kind_description *description = record_kind_describe((uint16_t)kind);
        if (description == NULL) {
            expect(record_kind_name((uint16_t)kind) == NULL);
            continue;
        }
        known++;
        expect_string(record_kind_name((uint16_t)kind), description->name);
        for (const struct record_field *field = description->fields; field->name != NULL; field++)
            expect(field->offset + field->size <= description->size);
    }
    expect(known >= 50);
}

static void expect_service(unsigned table, unsigned offset, const char *name)
{
    expect_string(record_service_name(RECORD_SERVICE(table, offset)), name);
}

/* Offsets as UEFI 2.11, 4.4.1, 4.5.1, 13.4.1 and 13.5.1 give them for 64 bits. */
static void test_names(void)
{
    test_case("names of memory types");
    expect_string(record_memory_type_name(0), "Reserved");
    expect_string(record_memory_type_name(7), "Conventional");
    expect_string(record_memory_type_name(15), "Unaccepted");
    expect_string(record_memory_type_name(16), "unknown");
    expect_string(record_memory_type_name(0x70000000), "a type of an OEM");
    expect_string(record_memory_type_name(0xffffffff), "a type of an OS");
    test_case("names of services");
    expect_service(RECORD_BOOT, 0x18, "RaiseTPL");
    expect_service(RECORD_BOOT, 0x38, "GetMemoryMap");
    expect_service(RECORD_BOOT, 0xe8, "ExitBootServices");
    expect_service(RECORD_BOOT, 0x170, "CreateEventEx");
    expect_service(RECORD_RUNTIME, 0x38, "SetVirtualAddressMap");
    expect_service(RECORD_RUNTIME, 0x80, "QueryVariableInfo");
    expect_service(RECORD_FILE, 0x20, "Read");
    expect_service(RECORD_VOLUME, 8, "OpenVolume");
    expect(record_service_name(RECORD_SERVICE(RECORD_BOOT, 0)) == NULL);
    expect(record_service_name(RECORD_SERVICE(RECORD_BOOT, 0x178)) == NULL);
    expect(record_service_name(RECORD_SERVICE(RECORD_BOOT, 0x3c)) == NULL);
    expect(record_service_name(RECORD_SERVICE(RECORD_FILE, 0)) == NULL);
    expect(record_service_name(RECORD_SERVICE(99, 24)) == NULL);
    expect(record_service_name(UINT32_MAX) == NULL);
    test_case("names of statuses, types of caching, PCI classes");
    expect_string(record_status_name(0), "EFI_SUCCESS");
    expect_string(record_status_name(UINT64_C(0x800000000000000e)), "EFI_NOT_FOUND");
    expect_string(record_status_name(UINT64_C(0x800000000000001c)), "EFI_END_OF_MEDIA");
    expect(record_status_name(14) == NULL); /* a warning */
    expect(record_status_name(UINT64_C(0x8000000000000000)) == NULL);
    expect(record_status_name(UINT64_C(0x800000000000001d)) == NULL);
    expect(record_status_name(UINT64_MAX) == NULL);
    expect_string(record_cache_type_name(6), "write-back");
    expect_string(record_cache_type_name(2), "unknown");
    expect_string(record_cache_type_name(8), "unknown");
    expect_string(record_pci_class_name(0x0300), "VGA controller");
    expect(record_pci_class_name(0xffff) == NULL);
}

int main(void)
{
    test_names();
    test_crc();
    test_writing();
    test_full();
    test_append_from();
    test_hostile();
    test_json();
    test_json_descriptors();
    test_kinds();
    return test_end();
}
