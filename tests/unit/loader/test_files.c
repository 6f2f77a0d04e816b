/* Memory and files of the loader: low memory, short reads, reads that fail, all given back. */
#include <stdlib.h>
#include <string.h>

#include "mock_firmware.h"
#include "pages.h"
#include "test.h"
#include "volume.h"

static uint8_t contents[3 * 1024 * 1024 + 17];

static struct volume start(void)
{
    mock_firmware_start();
    for (size_t i = 0; i < sizeof contents; i++)
        contents[i] = (uint8_t)(i * 7 + i / 4096);
    mock.file = contents;
    mock.file_size = sizeof contents;
    return (struct volume){.root = mock_volume()};
}

static void expect_nothing_left(void)
{
    expect_equal(mock.files_open, 0);
    expect_equal(mock.pages_taken, mock.pages_given_back);
    expect_equal(mock.pool_taken, mock.pool_given_back);
}

static void test_pages(void)
{
    void *memory;

    test_case("pages below 1 MiB are never used and given back");
    start();
    mock.low_pages = 5;
    expect(pages_allocate(1, "a test", &memory) == EFI_SUCCESS);
    expect(pages_address(memory) >= 0x100000);
    expect_equal(mock.pages_taken, 6);
    expect_equal(mock.pages_given_back, 5);
    pages_free(memory);
    expect_nothing_left();

    test_case("pages are zeroed and whole");
    expect(pages_allocate(4097, "a test", &memory) == EFI_SUCCESS);
    for (size_t i = 0; i < 8192; i++)
        expect(((uint8_t *)memory)[i] == 0);

    test_case("everything is given back at once");
    expect(pages_allocate(5000, "a test", &memory) == EFI_SUCCESS);
    expect(pages_allocate(1, "a test", &memory) == EFI_SUCCESS);
    pages_free(NULL);
    pages_free_all();
    expect_nothing_left();

    for (int left = 0; left < 2; left++) {
        test_case("no memory at allocation %d: the message says how much for what", left);
        start();
        mock.allocations_left = left;
        expect(pages_allocate(20480, "a test", &memory) == EFI_OUT_OF_RESOURCES);
        expect_string(mock.failure_text, "not enough memory: 20 KiB wanted for a test");
        expect_nothing_left();
    }
}

static void test_read(void)
{
    static const UINTN pieces[] = {~(UINTN)0, 1024 * 1024, 1000000, 4096, 777};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct volume volume = start();
        uint64_t size;
        void *memory;

        test_case("a file that comes in pieces of %llu", (unsigned long long)pieces[i]);
        mock.read_piece = pieces[i];
        mock.read_limit = 1024 * 1024;
        expect(volume_file_load(&volume, "/a/file", &memory, &size) == EFI_SUCCESS);
        expect_equal(size, sizeof contents);
        expect(memcmp(memory, contents, sizeof contents) == 0);
        expect(mock.largest_read <= 1024 * 1024);
        pages_free(memory);
        expect_nothing_left();
    }
}

static void test_read_failure(void)
{
    struct volume volume = start();
    char path[400];
    uint64_t size;
    void *memory;

    test_case("a read that fails is not tried again");
    mock.read_limit = 100000;
    expect(volume_file_load(&volume, "/a/file", &memory, &size) == EFI_DEVICE_ERROR);
    expect_equal(mock.failures, 1);
    expect_string(mock.failure_text, "/a/file: cannot read at byte 0 of 3145745");
    expect_nothing_left();

    test_case("a file that ends before its size");
    volume = start();
    mock.read_ends_at = 2000000;
    expect(volume_file_load(&volume, "/a/file", &memory, &size) == EFI_END_OF_FILE);
    expect_string(mock.failure_text, "/a/file: ends after 2000000 of 3145745 bytes");
    expect_nothing_left();

    test_case("an empty file");
    volume = start();
    mock.file_size = 0;
    expect(volume_file_load(&volume, "/a/file", &memory, &size) == EFI_LOAD_ERROR);
    expect_nothing_left();

    test_case("no file");
    volume = start();
    mock.file = NULL;
    expect(volume_file_load(&volume, "/a/file", &memory, &size) == EFI_NOT_FOUND);
    expect_string(mock.failure_text, "/a/file: cannot open");
    expect_nothing_left();

    test_case("a path that is too long");
    volume = start();
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = '\0';
    expect(volume_file_load(&volume, path, &memory, &size) == EFI_INVALID_PARAMETER);
    expect_nothing_left();

    for (int left = 0; left < 3; left++) {
        test_case("no memory at allocation %d of a file", left);
        volume = start();
        mock.allocations_left = left;
        expect(volume_file_load(&volume, "/a/file", &memory, &size) == EFI_OUT_OF_RESOURCES);
        expect_nothing_left();
    }
}

int main(void)
{
    test_pages();
    test_read();
    test_read_failure();
    return test_end();
}
