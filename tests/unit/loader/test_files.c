/* Memory and files of the loader: low memory, short reads, reads that fail, all given back. */
#include <stdlib.h>
#include <string.h>

#include "mock_firmware.h"
#include "pages.h"
#include "test.h"
#include "text.h"
#include "trust.h"
#include "unified.h"
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

/* ---- the loader's own image ---- */

enum {
    HEADERS = 0x800,
    SECTION_SIZE = 0x1000,
};
static uint8_t own[HEADERS + 20 * SECTION_SIZE];
static unsigned own_sections;

static void own_begin(void)
{
    memset(own, 0, sizeof own);
    own_sections = 0;
    memcpy(own, "MZ", 2);
    put32(own + 60, 0x80);
    memcpy(own + 0x80, "PE\0\0", 4);
    put16(own + 0x80 + 20, 240);
    put16(own + 0x80 + 24, 0x20b);
    mock.image.ImageBase = own;
    mock.image.ImageSize = sizeof own;
}

static void own_add(const char *name, const void *bytes, uint32_t size)
{
    uint32_t address = HEADERS + own_sections * SECTION_SIZE;
    uint8_t *header = own + 0x80 + 24 + 240 + 40 * own_sections;

    memcpy(header, name, strnlen(name, 8));
    put32(header + 8, size);
    put32(header + 12, address);
    put32(header + 16, size > SECTION_SIZE ? size : SECTION_SIZE);
    memcpy(own + address, bytes, size);
    put16(own + 0x80 + 6, (uint16_t)++own_sections);
}

static const struct boot_entry *own_entry(void)
{
    const struct boot_entry *entry;

    expect_equal(unified_entry(&entry), EFI_SUCCESS);
    return entry;
}

/* What does not fit is refused: options may be what makes a system safe. */
static void test_unified_limits(void)
{
    static char options[BOOT_ENTRY_OPTIONS_MAX + 1];
    const struct boot_entry *entry;

    test_case("options that just fit, and longer ones");
    memset(options, 'a', sizeof options);
    own_begin();
    own_add(".linux", "kernel", 6);
    own_add(".cmdline", options, sizeof options - 2);
    expect_equal(strlen(own_entry()->options), sizeof options - 2);
    own_begin();
    own_add(".linux", "kernel", 6);
    own_add(".cmdline", options, sizeof options - 1);
    expect_equal(unified_entry(&entry), EFI_BUFFER_TOO_SMALL);

    test_case("as many archives as an entry has, and one more");
    own_begin();
    own_add(".linux", "kernel", 6);
    for (unsigned i = 0; i < BOOT_ENTRY_INITRDS_MAX; i++)
        own_add(".initrd", "x", 1);
    expect_equal(own_entry()->initrd_count, BOOT_ENTRY_INITRDS_MAX);
    expect_string(own_entry()->options, "");
    own_add(".initrd", "x", 1);
    expect_equal(unified_entry(&entry), EFI_BUFFER_TOO_SMALL);
    mock.image.ImageBase = NULL;
}

static void test_unified(void)
{
    struct volume_file file;
    uint64_t size;
    void *memory;

    test_case("no unified image");
    mock_firmware_start();
    expect(!own_entry());

    test_case("kernel, options and initrds are sections");
    own_begin();
    own_add(".linux", "kernel", 6);
    own_add(".cmdline", "quiet audit\n", 13);
    own_add(".initrd", "first", 5);
    own_add(".initrd", "second", 6);
    const struct boot_entry *entry = own_entry();
    struct volume volume = {0};
    expect(entry != NULL);
    expect_string(entry->options, "quiet audit");
    expect_equal(entry->initrd_count, 2);
    expect(!EFI_ERROR(volume_file_load(&volume, entry->kernel, &memory, &size)));
    expect(size == 6 && memcmp(memory, "kernel", 6) == 0);
    pages_free(memory);
    expect(!EFI_ERROR(volume_file_load(&volume, entry->initrds[1], &memory, &size)));
    expect(size == 6 && memcmp(memory, "second", 6) == 0);
    pages_free(memory);
    expect(EFI_ERROR(volume_file_open(&volume, "/.initrd:2", &file)));

    test_case("a section beyond the image's end");
    put32(own + 0x80 + 24 + 240 + 12, sizeof own - 3);
    expect(!own_entry());
}

static void test_text(void)
{
    static const CHAR16 expected[] = {'a', 0xe4, 0x20ac, 0xd83d, 0xdc27, 0xfffd, '/', 0};
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7\xff/";
    CHAR16 wide[9];

    test_case("UTF-8 becomes UTF-16");
    expect_equal(text_widen(text, wide, 8), 8);
    expect(memcmp(wide, expected, sizeof expected) == 0);
    expect_equal(text_widen(text, wide, 7), 0);
    expect_equal(text_widen(text, wide, 4), 0);
    expect(text_widen_path(text, wide, 8) && wide[6] == '\\');
}

/* sha256sum of "content". */
#define DIGEST "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"

static void test_trust(void)
{
    static const char digests[] = "# comment\n" DIGEST " /loader/entries/baton.conf\n";

    test_case("Secure Boot off: everything is believed");
    mock_firmware_start();
    own_begin();
    expect_equal(trust_check("/a", "x", 1), EFI_SUCCESS);

    test_case("Secure Boot on, and nothing was signed with the loader");
    mock.secure_boot = true;
    expect_equal(trust_check("/a", "x", 1), EFI_SECURITY_VIOLATION);
    expect(strstr(mock.failure_text, "Secure Boot is on") != NULL);

    test_case("what was signed, under any of its names");
    own_add(".digests", digests, sizeof digests - 1);
    expect_equal(trust_check("/loader/entries/baton.conf", "content", 7), EFI_SUCCESS);
    expect_equal(trust_check("\\LOADER\\entries\\Baton+2-1.conf", "content", 7), EFI_SUCCESS);

    test_case("another content, another place");
    expect_equal(trust_check("/loader/entries/baton.conf", "contenT", 7), EFI_SECURITY_VIOLATION);
    expect_equal(trust_check("/loader/entries/other.conf", "content", 7), EFI_SECURITY_VIOLATION);
    expect_equal(trust_check("/loader/entries/baton.conf2", "content", 7), EFI_SECURITY_VIOLATION);
    mock.image.ImageBase = NULL;
}

static void test_generation(void)
{
    static const char sbat[] = "sbat,1,SBAT Version\nbaton,1,Baton\n";
    const UINT32 shims = EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS;

    test_case("nothing was revoked, or Secure Boot is off");
    mock_firmware_start();
    own_begin();
    own_add(".sbat", sbat, sizeof sbat - 1);
    mock.secure_boot = true;
    expect_equal(trust_check_generation("us", &mock.image), EFI_SUCCESS);
    mock.revoked = "sbat,1,2022052400\ngrub,3\n";
    mock.revoked_attributes = shims;
    expect_equal(trust_check_generation("us", &mock.image), EFI_SUCCESS);
    mock.secure_boot = false;
    mock.revoked = "sbat,1\nbaton,2\n";
    expect_equal(trust_check_generation("us", &mock.image), EFI_SUCCESS);

    test_case("our generation was revoked");
    mock.secure_boot = true;
    expect_equal(trust_check_generation("us", &mock.image), EFI_SECURITY_VIOLATION);
    expect(strstr(mock.failure_text, "generation of \"baton\" was revoked") != NULL);

    test_case("by a variable that a running system could write");
    mock.revoked_attributes = shims | EFI_VARIABLE_RUNTIME_ACCESS;
    expect_equal(trust_check_generation("us", &mock.image), EFI_SUCCESS);

    test_case("an image without generations");
    mock.revoked_attributes = shims;
    own_begin();
    expect_equal(trust_check_generation("us", &mock.image), EFI_SUCCESS);
    mock.image.ImageBase = NULL;
}

int main(void)
{
    test_pages();
    test_read();
    test_read_failure();
    test_unified();
    test_unified_limits();
    test_text();
    test_trust();
    test_generation();
    return test_end();
}
