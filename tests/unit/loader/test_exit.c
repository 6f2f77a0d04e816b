/* The end of boot services: stale keys, maps that grow, firmware that refuses. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "area.h"
#include "exit.h"
#include "mock_firmware.h"
#include "record/recording.h"
#include "test.h"

enum { FRAMES = 64 };

const uint8_t jump_page[4096] __attribute__((aligned(4096)));

static struct handoff handoff;
static struct area area;
static uint8_t map_buffer[4096];
static struct memory_range ranges[256];

static void start(void)
{
    void *pool = aligned_alloc(4096, FRAMES * 4096);

    mock_firmware_start();
    recording_begin();
    mock.map[0] = (EFI_MEMORY_DESCRIPTOR){
        .Type = EfiConventionalMemory, .NumberOfPages = 512, .Attribute = EFI_MEMORY_WB};
    mock.descriptors = 1;
    memset(pool, 0, FRAMES * 4096);
    handoff = (struct handoff){0};
    area = (struct area){
        .handoff = &handoff,
        .map = map_buffer,
        .map_capacity = sizeof map_buffer,
        .descriptor_size = mock.descriptor_size,
        .ranges = ranges,
        .ranges_capacity = 256,
    };
    page_table_begin(&area.tables, (uintptr_t)pool, FRAMES, false);
}

static void finish(void)
{
    free(area.tables.root);
}

/* The exit's status, or EFI_ABORTED when it halted. */
static EFI_STATUS leave(void)
{
    if (setjmp(mock.halted))
        return EFI_ABORTED;
    return boot_services_exit(&area);
}

/* Entries of a kind in what the exit has recorded. */
static int recorded(uint16_t kind)
{
    const struct record_header *header = (const void *)recording.bytes;
    int count = 0;

    for (size_t at = header->header_size; at < header->size;) {
        const struct record_entry_header *entry = (const void *)(recording.bytes + at);
        count += entry->kind == kind;
        at += sizeof *entry + (entry->size + 7) / 8 * 8;
    }
    return count;
}

static void test_success(void)
{
    for (int stale = 0; stale < 16; stale += 5) {
        test_case("exit succeeds after %d stale keys", stale);
        start();
        mock.stale_keys = stale;
        expect(leave() == EFI_SUCCESS);
        expect_equal(mock.exit_calls, stale + 1);
        expect_equal(mock.map_calls, stale + 1);
        expect_equal(mock.calls_after_exit, 0);
        expect_equal(handoff.memory_map.exit_attempts, stale + 1);
        expect_equal(handoff.memory_map.size, mock.descriptors * mock.descriptor_size);
        expect_equal(handoff.memory_map.descriptor_size, mock.descriptor_size);
        expect(handoff.memory_map.base == (uintptr_t)map_buffer);
        expect(handoff.exit_tsc != 0);
        expect_equal(mock.failures, 0);
        expect_equal(recorded(RECORD_MAP_EXIT), stale + 1);
        expect_equal(recorded(RECORD_EXIT_ATTEMPT), stale + 1);
        finish();
    }
}

static void test_descriptor_sizes(void)
{
    static const size_t sizes[] = {40, 48, 56, 64};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        test_case("descriptors of %zu bytes", sizes[i]);
        start();
        mock.descriptor_size = area.descriptor_size = sizes[i];
        expect(leave() == EFI_SUCCESS);
        expect_equal(handoff.memory_map.descriptor_size, sizes[i]);
        finish();
    }
}

static void test_failure(void)
{
    test_case("no map: an error while the firmware is whole");
    start();
    mock.map_fails_at = 1;
    expect(leave() == EFI_DEVICE_ERROR);
    expect_equal(mock.exit_calls, 0);
    finish();

    test_case("descriptors of another size than before: an error while the firmware is whole");
    start();
    mock.descriptor_size = 56;
    expect(leave() == EFI_COMPROMISED_DATA);
    expect_equal(mock.exit_calls, 0);
    expect_equal(recorded(RECORD_MAP_EXIT), 1);
    finish();

    test_case("what is handed over lies in no memory: an error while the firmware is whole");
    start();
    handoff.initrd = (struct handoff_range){.base = 0x10000000, .size = 0x1000};
    expect(leave() == EFI_COMPROMISED_DATA);
    expect_equal(mock.exit_calls, 0);
    finish();

    test_case("what is handed over lies in memory");
    start();
    mock.map[0].Type = EfiLoaderData;
    handoff.initrd = (struct handoff_range){.base = 0x100000, .size = 0x100000};
    expect(leave() == EFI_SUCCESS);
    finish();

    test_case("what is handed over is free memory, says the map");
    start();
    handoff.initrd = (struct handoff_range){.base = 0x100000, .size = 0x100000};
    expect(leave() == EFI_COMPROMISED_DATA);
    expect_equal(mock.exit_calls, 0);
    finish();

    test_case("a map larger than its buffer: an error while the firmware is whole");
    start();
    area.map_capacity = 40;
    expect(leave() == EFI_BUFFER_TOO_SMALL);
    expect_equal(mock.exit_calls, 0);
    finish();

    test_case("too few page tables: an error while the firmware is whole");
    start();
    area.tables.end = area.tables.next;
    expect(leave() == EFI_BUFFER_TOO_SMALL);
    expect_equal(mock.exit_calls, 0);
    finish();
}

static void test_halt(void)
{
    test_case("keys that are always stale: a clear end after 16 tries");
    start();
    mock.stale_keys = 1000;
    expect(leave() == EFI_ABORTED);
    expect_equal(mock.exit_calls, 16);
    expect_equal(mock.halt_attempts, 16);
    expect_equal(mock.calls_after_exit, 0);
    expect(mock.halt_text && strstr(mock.halt_text, "ExitBootServices"));
    finish();

    test_case("an exit that fails for another reason: a clear end");
    start();
    mock.exit_status = EFI_DEVICE_ERROR;
    expect(leave() == EFI_ABORTED);
    expect_equal(mock.exit_calls, 1);
    expect_equal(mock.calls_after_exit, 0);
    finish();

    test_case("no second map after a stale key: a clear end");
    start();
    mock.stale_keys = 1;
    mock.map_fails_at = 2;
    expect(leave() == EFI_ABORTED);
    expect_equal(mock.calls_after_exit, 0);
    finish();
}

static void test_snapshot(void)
{
    struct map_snapshot map;

    test_case("a snapshot has room for more descriptors and gives its memory back");
    start();
    expect(map_snapshot_take(&map) == EFI_SUCCESS);
    expect_equal(map.size, mock.descriptor_size);
    expect(map.capacity >= map.size + 32 * map.descriptor_size);
    map_snapshot_free(&map);
    expect_equal(mock.pool_taken, mock.pool_given_back);

    test_case("a snapshot without memory says how much was wanted");
    mock.allocations_left = 0;
    expect(map_snapshot_take(&map) == EFI_OUT_OF_RESOURCES);
    expect(strstr(mock.failure_text, "memory map") != NULL);

    test_case("a snapshot that cannot be read gives its memory back");
    mock.allocations_left = -1;
    mock.map_fails_at = mock.map_calls + 2;
    expect(map_snapshot_take(&map) == EFI_DEVICE_ERROR);
    expect_equal(mock.pool_taken, mock.pool_given_back);
    finish();
}

int main(void)
{
    test_success();
    test_descriptor_sizes();
    test_failure();
    test_halt();
    test_snapshot();
    return test_end();
}
