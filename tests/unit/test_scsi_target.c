/* What disks answer to commands, from what is known of them. */
#include <string.h>

#include "library/scsi_target.h"
#include "test.h"

static uint8_t ata[512], inquiry[36];
static struct scsi_target target;
static struct scsi_reply reply;

static void put_swapped(unsigned first, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        ata[2 * first + (i ^ 1)] = (uint8_t)text[i];
}

static void reset(bool of_ata)
{
    memset(ata, 0, sizeof(ata));
    put_swapped(10, "SERIAL-0123456789   ");
    put_swapped(23, "REV 2.5+");
    put_swapped(27, "A disk that is made for this test only  ");
    memset(inquiry, 0x20, sizeof(inquiry));
    inquiry[4] = 200;
    target = (struct scsi_target){of_ata ? ata : NULL, of_ata ? NULL : inquiry, 1000, 512, 3};
}

/* In memory of its own size: nobody reads behind it. */
static void ask(const uint8_t *command, size_t size)
{
    memset(&reply, 0x5a, sizeof(reply));
    scsi_target_answer(&target, test_copy(command, size), size, &reply);
}
#define ASK(...) ask((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void expect_refused(uint8_t code)
{
    expect_equal(reply.status, SCSI_CHECK_CONDITION);
    expect_equal(reply.size, 0);
    expect_equal(reply.sense[0], 0x70);
    expect_equal(reply.sense[2], 5);
    expect_equal(reply.sense[12], code);
}

static void expect_page(size_t size)
{
    expect_equal(reply.status, SCSI_GOOD);
    expect_equal(reply.size, size);
    expect_equal(reply.data[2] << 8 | reply.data[3], size - 4);
}

static void test_inquiry(void)
{
    test_case("INQUIRY");
    reset(true);
    ASK(0x12, 0, 0, 0, 36, 0);
    expect_equal(reply.size, 36);
    expect(memcmp(reply.data + 8, "ATA     A disk that is m2.5+", 28) == 0);
    ASK(0x12, 0, 0, 1, 0, 0);
    expect_equal(reply.size, 96);
    put_swapped(23, "SHRT    ");
    ASK(0x12, 0, 0, 1, 0, 0);
    expect(memcmp(reply.data + 32, "SHRT", 4) == 0);
    ASK(0x12, 0, 1, 0, 36, 0); /* a page, and not of vital data */
    expect_refused(0x24);
    reset(false);
    ASK(0x12, 0, 0, 0, 255, 0);
    expect_equal(reply.size, 36);
    expect_equal(reply.data[4], 31);
    ASK(0x12, 1, 0, 0, 255, 0);
    expect_refused(0x24);
    target.inquiry = NULL;
    ASK(0x12, 0, 0, 0, 255, 0);
    expect_refused(0x24);
}

static void test_vital(void)
{
    test_case("vital product data");
    reset(true);
    ASK(0x12, 1, 0x00, 1, 0, 0);
    expect_page(9);
    ASK(0x12, 1, 0x80, 1, 0, 0);
    expect_page(24);
    expect(memcmp(reply.data + 4, "SERIAL-0123456789   ", 20) == 0);
    ASK(0x12, 1, 0x83, 1, 0, 0);
    expect_page(4 + 24 + 72);
    put16(ata + 174, 1 << 8);
    put_swapped(108, "\x50\x01\x02\x03\x04\x05\x06\x07");
    ASK(0x12, 1, 0x83, 1, 0, 0);
    expect_page(4 + 24 + 72 + 12);
    expect(memcmp(reply.data + 104, "\x50\x01\x02\x03\x04\x05\x06\x07", 8) == 0);
    ASK(0x12, 1, 0x89, 4, 0, 0);
    expect_page(572);
    expect(memcmp(reply.data + 60, ata, 512) == 0);
    put16(ata + 434, 7200);
    ASK(0x12, 1, 0xb1, 1, 0, 0);
    expect_page(64);
    expect_equal(reply.data[4] << 8 | reply.data[5], 7200);
    ASK(0x12, 1, 0xb0, 1, 0, 0);
    expect_refused(0x24);
}

static void test_capacity(void)
{
    test_case("READ CAPACITY");
    reset(false);
    ASK(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    expect_equal(reply.size, 8);
    expect(memcmp(reply.data, "\0\0\x03\xe7\0\0\x02\0", 8) == 0);
    ASK(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0);
    expect_equal(reply.size, 32);
    expect(memcmp(reply.data + 4, "\0\0\x03\xe7\0\0\x02\0\0\x03", 10) == 0);
    ASK(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0);
    expect_equal(reply.size, 12);
    ASK(0x9e, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0);
    expect_refused(0x24);
    target.blocks = UINT64_C(1) << 33;
    ASK(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    expect(memcmp(reply.data, "\xff\xff\xff\xff", 4) == 0);
}

static void test_pass_through(void)
{
    test_case("ATA PASS-THROUGH");
    reset(true);
    ASK(0x85, 4 << 1, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xec, 0);
    expect_equal(reply.size, 512);
    expect(memcmp(reply.data, ata, 512) == 0);
    ASK(0xa1, 4 << 1, 0x0e, 0, 1, 0, 0, 0, 0, 0xec, 0, 0);
    expect_equal(reply.size, 512);
    ASK(0x85, 4 << 1, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xef, 0); /* SET FEATURES */
    expect_refused(0x24);
    ASK(0x85, 5 << 1, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xec, 0); /* to the disk */
    expect_refused(0x24);
    reset(false);
    ASK(0xa1, 4 << 1, 0x0e, 0, 1, 0, 0, 0, 0, 0xec, 0, 0);
    expect_refused(0x20);
}

static void test_others(void)
{
    test_case("others, and too short ones");
    reset(true);
    ASK(0, 0, 0, 0, 0, 0);
    expect_equal(reply.status, SCSI_GOOD);
    expect_equal(reply.size, 0);
    ASK(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0); /* WRITE */
    expect_refused(0x20);
    ASK(0xc0);
    expect_refused(0x20);
    ask(NULL, 0);
    expect_refused(0x24);
    ASK(0x12, 0, 0);
    expect_refused(0x24);
    ASK(0x85, 8);
    expect_refused(0x24);
}

int main(void)
{
    test_inquiry();
    test_vital();
    test_capacity();
    test_pass_through();
    test_others();
    return test_end();
}
