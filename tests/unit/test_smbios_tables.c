/* SMBIOS's anchors, structures and strings. */
#include "library/smbios_tables.h"
#include "test.h"

#include <errno.h>
#include <string.h>

static uint8_t anchor_bytes[48];
static struct smbios_anchor anchor;
static const char *reason;

static void sum_set(uint8_t *bytes, size_t size, size_t where)
{
    uint8_t sum = 0;

    bytes[where] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[where] = (uint8_t)-sum;
}

static void anchor_32(uint8_t length)
{
    memset(anchor_bytes, 0, sizeof(anchor_bytes));
    memcpy(anchor_bytes, "_SM_", 4);
    anchor_bytes[5] = length;
    memcpy(anchor_bytes + 16, "_DMI_", 5);
    put16(anchor_bytes + 22, 383);
    put32(anchor_bytes + 24, 0x3f917000);
    put16(anchor_bytes + 28, 9);
    sum_set(anchor_bytes + 16, 15, 5);
    sum_set(anchor_bytes, length, 4);
}

static void anchor_64(uint8_t length)
{
    memset(anchor_bytes, 0, sizeof(anchor_bytes));
    memcpy(anchor_bytes, "_SM3_", 5);
    anchor_bytes[6] = length;
    put32(anchor_bytes + 12, 0x1000);
    put64(anchor_bytes + 16, 0x123456789000);
    sum_set(anchor_bytes, length, 5);
}

static int parse(size_t size)
{
    reason = NULL;
    return smbios_anchor_parse(test_copy(anchor_bytes, size), size, &anchor, &reason);
}

static void expect_refused(size_t size, const char *part)
{
    expect_equal(parse(size), -EINVAL);
    expect(reason && strstr(reason, part));
}

static void test_anchors(void)
{
    test_case("the 32-bit anchor");
    anchor_32(31);
    expect_equal(parse(31), 0);
    expect_equal(anchor.size, 31);
    expect_equal(anchor.base, 0x3f917000);
    expect_equal(anchor.length, 383);
    expect_equal(anchor.count, 9);
    anchor_32(30);
    expect_equal(parse(32), 0);
    expect_equal(anchor.size, 30);

    test_case("the 64-bit anchor");
    anchor_64(24);
    expect_equal(parse(24), 0);
    expect_equal(anchor.size, 24);
    expect_equal(anchor.base, 0x123456789000);
    expect_equal(anchor.length, 0x1000);
    expect_equal(anchor.count, 0);

    test_case("cut off, or of an impossible length");
    expect_refused(23, "length");
    anchor_64(33);
    expect_refused(32, "length");
    anchor_64(23);
    expect_refused(32, "length");
    anchor_64(32);
    expect_refused(31, "length");
    anchor_32(31);
    expect_refused(30, "length");
    anchor_32(29);
    expect_refused(31, "length");
    anchor_32(32);
    expect_refused(32, "length");

    test_case("wrong sums");
    anchor_64(24);
    anchor_bytes[10]++;
    expect_refused(24, "checksum");
    anchor_32(31);
    anchor_bytes[6]++;
    expect_refused(31, "checksum");
    anchor_32(31);
    anchor_bytes[26]++;
    anchor_bytes[4]--;
    expect_refused(31, "checksum");
    anchor_32(31);
    anchor_bytes[16] = 'X';
    expect_refused(31, "checksum");

    test_case("none");
    memset(anchor_bytes, 0, sizeof(anchor_bytes));
    expect_refused(31, "signature");
    expect_refused(3, "signature");
}

/* Type 1 with three strings and fields that number them, type 17 without strings, the end;
   something behind it. */
static const uint8_t structures[] = "\x01\x08\x00\x01\x01\x03\x00\x09"
                                    "QEMU\0\0"
                                    "\x03\x05\x00\x03\x02"
                                    "one\0two\0\0"
                                    "\x11\x04\x00\x11"
                                    "\0\0"
                                    "\x7f\x04\x00\x7f"
                                    "\0\0"
                                    "behind";

static size_t size_of(size_t size, uint16_t count)
{
    return smbios_structures_size(test_copy(structures, size), size, count);
}

static void test_structures(void)
{
    const size_t behind = sizeof(structures) - sizeof("behind");

    test_case("up to the end's own");
    expect_equal(size_of(sizeof(structures), 0), behind);
    test_case("as many as there are");
    expect_equal(size_of(sizeof(structures), 4), behind);
    expect_equal(size_of(sizeof(structures), 1), 14);
    expect_equal(size_of(sizeof(structures), 100), behind);
    test_case("only whole ones");
    expect_equal(size_of(behind - 1, 0), behind - 6);
    expect_equal(size_of(13, 0), 0);
    expect_equal(size_of(3, 0), 0);
    expect_equal(size_of(0, 5), 0);
    test_case("one that is too short to be one");
    expect_equal(smbios_structures_size((const uint8_t *)"\x01\x03\x00\0\0\0", 6, 0), 0);
}

static const char *string_of(uint8_t type, uint8_t field)
{
    static char text[32];
    const char *string;
    int length =
        smbios_string(structures, sizeof(structures) - sizeof("behind"), type, field, &string);

    if (length < 0)
        return "none";
    memcpy(text, string, (size_t)length);
    text[length] = '\0';
    return text;
}

static void test_strings(void)
{
    test_case("strings by their numbers");
    expect_string(string_of(1, 4), "QEMU");
    expect_string(string_of(3, 4), "two");
    test_case("number 0, and numbers that no string has");
    expect_string(string_of(1, 6), "");
    expect_string(string_of(1, 5), "");
    expect_string(string_of(17, 3), "");
    test_case("no such field, no such structure");
    expect_string(string_of(1, 8), "none");
    expect_string(string_of(2, 4), "none");
}

int main(void)
{
    test_anchors();
    test_structures();
    test_strings();
    return test_end();
}
