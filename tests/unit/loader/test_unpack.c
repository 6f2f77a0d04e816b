/* What unpacking needs of the loader: memory that grows, and memory that may be executed. */
#include <string.h>

#include "memory_protection.h"
#include "mock_firmware.h"
#include "pages.h"
#include "pieces.h"
#include "test.h"

static void test_pieces(void)
{
    static const size_t sizes[] = {1, 3, 4096, 65536, 3 << 20, 9 << 20};
    static uint8_t bytes[9 << 20];
    struct pieces pieces;
    void *memory;
    size_t total = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 65536);
    mock_firmware_start();
    test_case("pieces: what goes in comes out as one, and the pieces go back");
    pieces_begin(&pieces, "a test");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        expect(pieces_append(&pieces, bytes, sizes[i]) == EFI_SUCCESS);
        expect(pieces_align(&pieces, 4) == EFI_SUCCESS);
        total += (sizes[i] + 3) / 4 * 4;
        expect_equal(pieces.size, total);
    }
    expect(pieces_join(&pieces, &memory) == EFI_SUCCESS);
    const uint8_t *at = memory;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        expect(!memcmp(at, bytes, sizes[i]));
        for (size_t pad = sizes[i]; pad % 4; pad++)
            expect_equal(at[pad], 0);
        at += (sizes[i] + 3) / 4 * 4;
    }
    expect_equal(mock.pages_taken - mock.pages_given_back, 1);
    pages_free(memory);
    expect_equal(mock.pages_taken, mock.pages_given_back);

    test_case("pieces: more than 4 GiB are refused before anything is taken");
    pieces_begin(&pieces, "a test");
    pieces.size = UINT32_MAX - 10;
    expect(pieces_append(&pieces, bytes, 11) == EFI_BAD_BUFFER_SIZE);
    expect_string(mock.failure_text, "a test: more than 4 GiB");
    expect_equal(mock.pages_taken, mock.pages_given_back);

    test_case("pieces: no memory");
    pieces_begin(&pieces, "a test");
    mock.allocations_left = 0;
    expect(pieces_append(&pieces, bytes, 1) == EFI_OUT_OF_RESOURCES);
    expect(strstr(mock.failure_text, "wanted for a test") != NULL);
}

/* ---- a firmware with the memory attribute protocol ---- */

static uint64_t attributes;
static EFI_STATUS attributes_status, locate_status;

static EFI_STATUS EFIAPI set(void *protocol, EFI_PHYSICAL_ADDRESS base, UINT64 size, UINT64 which)
{
    (void)protocol;
    expect(base == 0x1000 && size == 0x2000);
    attributes |= which;
    return attributes_status;
}

static EFI_STATUS EFIAPI clear(void *protocol, EFI_PHYSICAL_ADDRESS base, UINT64 size, UINT64 which)
{
    (void)protocol;
    expect(base == 0x1000 && size == 0x2000);
    attributes &= ~which;
    return attributes_status;
}

static EFI_STATUS EFIAPI locate(EFI_GUID *guid, void *registration, void **interface)
{
    static void *protocol[] = {NULL, (void *)set, (void *)clear};

    (void)registration;
    expect_equal(guid->Data1, 0xf4560cf6);
    *interface = protocol;
    return locate_status;
}

static void test_protection(void)
{
    const uint64_t execute_protected = 0x4000, read_only = 0x20000;
    void *memory = (void *)0x1000;

    mock_firmware_start();
    EFI_BOOT_SERVICES boot = *firmware.boot;
    boot.LocateProtocol = locate;
    firmware.boot = &boot;

    test_case("code may be executed and not written, and is data again before it goes back");
    attributes = execute_protected;
    expect(memory_make_code(memory, 0x2000) == EFI_SUCCESS);
    expect_equal(attributes, read_only);
    memory_make_data(memory, 0x2000);
    expect_equal(attributes, execute_protected);

    test_case("a firmware that refuses");
    attributes_status = EFI_ACCESS_DENIED;
    expect(memory_make_code(memory, 0x2000) == EFI_ACCESS_DENIED);
    expect(strstr(mock.failure_text, "executed") != NULL);

    test_case("a firmware without the protocol");
    locate_status = EFI_NOT_FOUND;
    attributes = 77;
    expect(memory_make_code(memory, 0x2000) == EFI_SUCCESS);
    memory_make_data(memory, 0x2000);
    expect_equal(attributes, 77);
}

static void test_page_tables(void)
{
    static uint64_t tables[5][512] __attribute__((aligned(4096)));
    const uint64_t large = 1 << 7, no_execute = UINT64_C(1) << 63;
    const uintptr_t at[] = {1, 2, 3, 4, 5}; /* places in the tables, from the last one up */
    uintptr_t page = 0;

    for (int level = 0; level < 5; level++) {
        page |= at[level] << (12 + 9 * level);
        tables[level][at[level]] = (level ? (uintptr_t)tables[level - 1] : 0x7000) | 1;
    }
    for (unsigned levels = 4; levels <= 5; levels++) {
        uint64_t root = (uintptr_t)tables[levels - 1];

        test_case("page tables of %u levels: executable, unless one says that it is not", levels);
        expect(memory_is_executable(root, levels, (void *)page));
        for (unsigned level = 0; level < levels; level++) {
            tables[level][at[level]] ^= no_execute;
            expect(!memory_is_executable(root, levels, (void *)page));
            tables[level][at[level]] ^= no_execute | 1;
            expect(!memory_is_executable(root, levels, (void *)page));
            tables[level][at[level]] ^= 1;
        }
        test_case("page tables of %u levels: a large page ends the walk", levels);
        tables[1][at[1]] ^= large;
        tables[0][at[0]] ^= no_execute;
        expect(memory_is_executable(root, levels, (void *)page));
        tables[1][at[1]] ^= large;
        tables[0][at[0]] ^= no_execute;
    }
}

int main(void)
{
    test_pieces();
    test_protection();
    test_page_tables();
    return test_end();
}
