/* Commands for mass storage, their wrapper and their answers. */
#include "library/usb/bulk_only.h"
#include "library/usb/scsi.h"
#include "test.h"

#include <string.h>

static void test_wrapper(void)
{
    uint8_t wrapper[BULK_ONLY_COMMAND_SIZE];
    struct scsi_command command = scsi_command(SCSI_INQUIRY);

    test_case("a command's wrapper");
    bulk_only_wrap(&command, 0x01020304, 2, wrapper);
    static const uint8_t expected[] = {'U', 'S',  'B', 'C', 4,    3, 2, 1, 36, 0, 0,
                                       0,   0x80, 2,   6,   0x12, 0, 0, 0, 36, 0};
    expect(memcmp(wrapper, expected, sizeof(expected)) == 0);
    expect_equal(wrapper[BULK_ONLY_COMMAND_SIZE - 1], 0);
    command = scsi_command(SCSI_TEST_UNIT_READY);
    bulk_only_wrap(&command, 1, 0, wrapper);
    expect_equal(wrapper[8], 0);
    expect_equal(wrapper[12], 0);
}

static void expect_status(const char *name, size_t at, uint8_t value, size_t size,
                          enum bulk_only_status expected, uint32_t expected_residue)
{
    uint8_t bytes[14] = {'U', 'S', 'B', 'S', 4, 3, 2, 1};
    struct scsi_command command = scsi_command(SCSI_INQUIRY);
    uint32_t residue;

    test_case("status: %s", name);
    bytes[at] = value;
    expect_equal(
        bulk_only_read_status(test_copy(bytes, size), size, 0x01020304, &command, &residue),
        expected);
    expect_equal(residue, expected_residue);
}

static void test_status(void)
{
    expect_status("passed", 12, 0, 13, BULK_ONLY_PASSED, 0);
    expect_status("failed", 12, 1, 13, BULK_ONLY_FAILED, 0);
    expect_status("out of step", 12, 2, 13, BULK_ONLY_PHASE_ERROR, 0);
    expect_status("none that there is", 12, 3, 13, BULK_ONLY_PHASE_ERROR, 0);
    expect_status("not all was moved", 8, 36, 13, BULK_ONLY_PASSED, 36);
    expect_status("more was left than was to be moved", 8, 37, 13, BULK_ONLY_PHASE_ERROR, 0);
    expect_status("another command's", 4, 5, 13, BULK_ONLY_PHASE_ERROR, 0);
    expect_status("no signature", 3, 'C', 13, BULK_ONLY_PHASE_ERROR, 0);
    expect_status("short", 12, 0, 12, BULK_ONLY_PHASE_ERROR, 0);
    expect_status("long", 12, 0, 14, BULK_ONLY_PHASE_ERROR, 0);
}

static void expect_command(struct scsi_command command, const uint8_t *bytes, size_t size)
{
    expect_equal(command.size, size);
    expect(memcmp(command.bytes, bytes, size) == 0);
}

static void test_commands(void)
{
    test_case("commands");
    expect_command(scsi_command(SCSI_TEST_UNIT_READY), (uint8_t[6]){0}, 6);
    expect_command(scsi_command(SCSI_REQUEST_SENSE), (uint8_t[]){3, 0, 0, 0, 18, 0}, 6);
    expect_command(scsi_command(SCSI_MODE_SENSE_6), (uint8_t[]){0x1a, 0, 0x3f, 0, 192, 0}, 6);
    expect_command(scsi_command(SCSI_READ_CAPACITY_10), (uint8_t[10]){0x25}, 10);
    expect_command(scsi_command(SCSI_READ_CAPACITY_16), (uint8_t[16]){0x9e, 0x10, [13] = 32}, 16);
    expect_command(scsi_command(SCSI_SYNCHRONIZE_CACHE_10), (uint8_t[10]){0x35}, 10);
    expect(!scsi_command(SCSI_SYNCHRONIZE_CACHE_10).in);
    expect_equal(scsi_command(SCSI_READ_CAPACITY_10).bytes_moved, 8);

    test_case("reading and writing");
    expect_command(scsi_transfer(true, 0x01020304, 0x506, 512),
                   (uint8_t[10]){0x28, 0, 1, 2, 3, 4, 0, 5, 6}, 10);
    expect_command(scsi_transfer(false, UINT32_MAX, 1, 512),
                   (uint8_t[10]){0x2a, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1}, 10);
    expect_command(scsi_transfer(true, UINT32_MAX, 2, 1024),
                   (uint8_t[16]){0x88, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2}, 16);
    expect_command(scsi_transfer(false, 1, 0x10000, 1 << 25),
                   (uint8_t[16]){0x8a, [9] = 1, [11] = 1}, 16);
    expect_equal(scsi_transfer(true, 0, 8, 4096).bytes_moved, 4096);
}

static void test_answers(void)
{
    uint8_t bytes[40] = {0, 0x80, [8] = 'Q', [16] = 'D', [32] = '1'};
    struct scsi_identity identity;

    test_case("what it is");
    expect(scsi_read_identity(test_copy(bytes, 36), 36, &identity));
    expect(identity.type == 0 && identity.present && identity.removable);
    expect(identity.vendor[0] == 'Q' && identity.product[0] == 'D' && identity.revision[0] == '1');
    expect(!scsi_read_identity(bytes, 35, &identity));
    bytes[0] = 0x3f;
    expect(scsi_read_identity(bytes, 36, &identity));
    expect(identity.type == 0x1f && !identity.present);

    test_case("what is wrong");
    uint8_t fixed[18] = {0xf0, 0, 0xe6, [12] = 0x29, [13] = 1};
    struct scsi_sense sense = scsi_read_sense(test_copy(fixed, 18), 18);
    expect(sense.key == SCSI_KEY_UNIT_ATTENTION && sense.code == 0x29 && sense.qualifier == 1);
    uint8_t described[8] = {0x72, 2, SCSI_CODE_NO_MEDIUM, 0};
    sense = scsi_read_sense(test_copy(described, 8), 8);
    expect(sense.key == SCSI_KEY_NOT_READY && sense.code == SCSI_CODE_NO_MEDIUM);
    expect_equal(scsi_read_sense(fixed, 13).key, SCSI_KEY_UNKNOWN);
    expect_equal(scsi_read_sense(described, 3).key, SCSI_KEY_UNKNOWN);
    expect_equal(scsi_read_sense(bytes, 18).key, SCSI_KEY_UNKNOWN);
    expect_equal(scsi_read_sense(NULL, 0).key, SCSI_KEY_UNKNOWN);

    test_case("write protection");
    expect(scsi_is_write_protected((uint8_t[]){3, 0, 0x80, 0}, 4));
    expect(!scsi_is_write_protected((uint8_t[]){3, 0, 0x10, 0}, 4));
    expect(!scsi_is_write_protected((uint8_t[]){3, 0, 0x80}, 3));
}

static void expect_capacity(const char *name, const uint8_t *bytes, size_t size, bool of_16,
                            enum scsi_capacity_result expected, uint64_t blocks)
{
    struct scsi_capacity capacity = {0};

    test_case("capacity: %s", name);
    expect_equal(scsi_read_capacity(test_copy(bytes, size), size, of_16, &capacity), expected);
    expect_equal(capacity.blocks, blocks);
}

#define CAPACITY(name, of_16, expected, blocks, ...)                                               \
    expect_capacity(name, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}),  \
                    of_16, expected, blocks)

static void test_capacities(void)
{
    CAPACITY("small", false, SCSI_CAPACITY_KNOWN, 0x102, 0, 0, 1, 1, 0, 0, 2, 0);
    CAPACITY("4096 bytes", false, SCSI_CAPACITY_KNOWN, 1, 0, 0, 0, 0, 0, 0, 16, 0);
    CAPACITY("too large for this question", false, SCSI_CAPACITY_LARGE, 0, 255, 255, 255, 255, 0, 0,
             2, 0);
    CAPACITY("blocks of 0 bytes", false, SCSI_CAPACITY_NONE, 0, 0, 0, 1, 1, 0, 0, 0, 0);
    CAPACITY("blocks of 520 bytes", false, SCSI_CAPACITY_NONE, 0, 0, 0, 1, 1, 0, 0, 2, 8);
    CAPACITY("blocks of 64 KiB", false, SCSI_CAPACITY_NONE, 0, 0, 0, 1, 1, 0, 1, 0, 0);
    CAPACITY("short", false, SCSI_CAPACITY_NONE, 0, 0, 0, 1, 1, 0, 0, 2);
    CAPACITY("large", true, SCSI_CAPACITY_KNOWN, 1L << 32, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 2,
             0);
    CAPACITY("larger than bytes can be counted", true, SCSI_CAPACITY_NONE, 0, 255, 255, 255, 255,
             255, 255, 255, 255, 0, 0, 2, 0);
    CAPACITY("short answer to the large question", true, SCSI_CAPACITY_NONE, 0, 0, 0, 0, 0, 255,
             255, 255, 255, 0, 0, 2);
}

int main(void)
{
    test_wrapper();
    test_status();
    test_commands();
    test_answers();
    test_capacities();
    return test_end();
}
