/* Report descriptors of keyboards, and their reports. */
#include "library/usb/hid_keyboard.h"
#include "test.h"

#include <linux/errno.h>
#include <stdio.h>
#include <string.h>

static struct hid_keyboard keyboard;
static struct hid_keyboard_state state;

#define PARSE(...) parse((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static int parse(const uint8_t *bytes, size_t size)
{
    memset(&state, 0, sizeof(state));
    return hid_keyboard_parse(test_copy(bytes, size), size, &keyboard);
}

static char changes[4096];

static void note_change(void *context, uint8_t usage, bool down)
{
    size_t length = strlen(changes);

    (void)context;
    snprintf(changes + length, sizeof(changes) - length, "%s%c%02x", length ? " " : "",
             down ? '+' : '-', usage);
}

#define expect_report(expected, ...)                                                               \
    expect_string(report((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})),  \
                  (expected))

static const char *report(const uint8_t *bytes, size_t size)
{
    changes[0] = '\0';
    hid_keyboard_input(&keyboard, &state, test_copy(bytes, size), size, note_change, NULL);
    return changes;
}

/* ---- keyboards ---- */

static void test_boot(void)
{
    test_case("the boot protocol");
    hid_keyboard_boot(&keyboard);
    memset(&state, 0, sizeof(state));
    expect_equal(hid_keyboard_input_size(&keyboard), 8);
    expect_report("+04", 0, 0, 4, 0, 0, 0, 0, 0);
    expect_report("+05", 0, 0, 4, 5, 0, 0, 0, 0);
    expect_report("-04", 0, 0, 5, 0, 0, 0, 0, 0);
    expect_report("-05 +e1 +06", 2, 0, 6, 0, 0, 0, 0, 0);
    expect_report("-06 -e1", 0, 0, 0, 0, 0, 0, 0, 0);

    test_case("too many keys at once change nothing");
    expect_report("+04", 0, 0, 4, 0, 0, 0, 0, 0);
    expect_report("", 0, 0, 1, 1, 1, 1, 1, 1);
    expect_report("+07", 0, 0, 4, 7, 0, 0, 0, 0);

    test_case("short reports, long ones and empty ones");
    expect_report("-04 -07", 0, 0);
    expect_report("+04", 0, 0, 4, 0, 0, 0, 0, 0, 5, 6, 7);
    expect_equal(strlen(report(NULL, 0)), 0);

    test_case("its lights");
    uint8_t lights[HID_REPORT_MAXIMUM];
    expect_equal(hid_keyboard_lights(&keyboard, 1 << HID_CAPITALS, lights), 1);
    expect_equal(lights[0], 2);
    expect_equal(hid_keyboard_lights_identifier(&keyboard), 0);
}

/* A bit each key, behind an identifier, beside a report of six keys and one of volume keys: as
   keyboards for games have it. */
static const uint8_t game_keyboard[] = {
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x85, 0x01, /* a keyboard, report 1 */
    0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, /* modifiers */
    0x95, 0x08, 0x81, 0x02, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26, 0xa4, 0x00, 0x19,
    0x00, 0x2a, 0xa4, 0x00, 0x81, 0x00,                                     /* six keys */
    0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x25, 0x01, 0x75, 0x01, 0x95, 0x05, /* lights */
    0x91, 0x02, 0x95, 0x03, 0x91, 0x01, 0xc0,                               /* and three bits */
    0x05, 0x0c, 0x09, 0x01, 0xa1, 0x01, 0x85, 0x02, 0x19, 0x00, 0x2a, 0x3c, 0x02, 0x26,
    0x3c, 0x02, 0x95, 0x01, 0x75, 0x10, 0x81, 0x00, 0xc0, /* volume: report 2 */
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x85, 0x04, 0x05, 0x07, 0x19, 0x04, 0x29, 0x70,
    0x15, 0x00, 0x25, 0x01, 0x95, 0x6d, 0x75, 0x01, 0x81, 0x02, 0x95, 0x03, 0x81, 0x03, /* bits */
    0xc0,
};

static void test_identifiers(void)
{
    uint8_t lights[HID_REPORT_MAXIMUM];

    test_case("several reports");
    expect_equal(parse(game_keyboard, sizeof(game_keyboard)), 0);
    expect(keyboard.identifiers);
    expect_equal(keyboard.report_count, 3);
    expect_equal(hid_keyboard_input_size(&keyboard), 15);
    expect_report("+e0 +04", 1, 1, 4, 0, 0, 0, 0, 0);
    expect_report("+06 +70", 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10);
    expect_report("-06 -70", 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    expect_report("-04 -e0", 1, 0, 0, 0, 0, 0, 0, 0);

    test_case("reports that are not the keyboard's");
    expect_report("", 2, 0xe9, 0);
    expect_report("", 3, 0xff, 0xff);
    expect_report("", 0, 0, 4, 0);
    expect_report("", 1);

    test_case("lights behind an identifier");
    expect_equal(hid_keyboard_lights(&keyboard, 1 << HID_NUMBERS | 1 << HID_SCROLL, lights), 2);
    expect_equal(lights[0], 1);
    expect_equal(lights[1], 5);
    expect_equal(hid_keyboard_lights_identifier(&keyboard), 1);
}

/* A collection's beginning, with the page of keys. */
#define KEYS 0x05, 0x07, 0xa1, 0x01

static void test_usages(void)
{
    uint8_t lights[HID_REPORT_MAXIMUM];

    test_case("single usages, the last one's end left out");
    expect_equal(PARSE(KEYS, 0x09, 4, 0x09, 9, 0x0b, 6, 0, 7, 0, 0x75, 1, 0x95, 8, 0x81, 2, 0xc0),
                 0);
    expect_report("+04 +06 +09", 0xff);

    test_case("a usage's own page goes before the common one");
    expect_equal(PARSE(KEYS, 0x0b, 4, 0, 12, 0, 0x09, 5, 0x75, 1, 0x95, 2, 0x81, 2, 0xc0), 0);
    expect_report("+05", 3);

    test_case("the page that is in force at the main item counts");
    expect_equal(PARSE(0xa1, 1, 0x09, 5, 0x05, 7, 0x75, 1, 0x95, 1, 0x81, 2, 0xc0), 0);
    expect_report("+05", 1);

    test_case("of alternatives the first counts");
    expect_equal(
        PARSE(KEYS, 0xa9, 1, 0x09, 8, 0x09, 9, 0xa9, 0, 0x09, 10, 0x75, 1, 0x95, 2, 0x81, 2, 0xc0),
        0);
    expect_report("+08 +0a", 3);

    test_case("an array that begins at another value");
    expect_equal(
        PARSE(KEYS, 0x15, 10, 0x25, 20, 0x19, 4, 0x29, 14, 0x75, 8, 0x95, 2, 0x81, 0, 0xc0), 0);
    expect_report("+04 +0e", 10, 20);
    expect_report("-04 -0e +06", 12, 21);

    test_case("an array's negative values");
    expect_equal(
        PARSE(KEYS, 0x15, 0xfe, 0x25, 2, 0x19, 4, 0x29, 8, 0x75, 8, 0x95, 1, 0x81, 0, 0xc0), 0);
    expect_report("+04", 0xfe);
    expect_report("-04 +08", 2);

    test_case("states are restored");
    expect_equal(
        PARSE(KEYS, 0x75, 1, 0x95, 1, 0xa4, 0x75, 8, 0x05, 1, 0xb4, 0x09, 4, 0x81, 2, 0xc0), 0);
    expect_report("+04", 1);

    test_case("long items, strings and features are passed over");
    expect_equal(PARSE(KEYS, 0xfe, 3, 0x10, 1, 2, 3, 0x79, 1, 0x09, 4, 0x75, 1, 0x95, 1, 0xb1, 2,
                       0x09, 4, 0x81, 2, 0xc0),
                 0);
    expect_report("+04", 1);

    test_case("lights in another order, and one twice");
    expect_equal(PARSE(KEYS, 0x75, 1, 0x95, 4, 0x19, 4, 0x29, 7, 0x81, 2, 0x05, 8, 0x09, 2, 0x09, 1,
                       0x09, 9, 0x09, 2, 0x91, 2, 0xc0),
                 0);
    expect_equal(hid_keyboard_lights(&keyboard, 3, lights), 1);
    expect_equal(lights[0], 3);
    expect_equal(hid_keyboard_lights(&keyboard, 1 << HID_CAPITALS, lights), 1);
    expect_equal(lights[0], 1);

    test_case("no lights");
    expect_equal(PARSE(KEYS, 0x09, 4, 0x75, 1, 0x95, 1, 0x81, 2, 0xc0), 0);
    expect_equal(hid_keyboard_lights(&keyboard, 7, lights), 0);
    expect_equal(hid_keyboard_lights_identifier(&keyboard), 0);
}

/* ---- what is none ---- */

#define expect_refused(name, error, ...)                                                           \
    do {                                                                                           \
        test_case("%s", name);                                                                     \
        expect_equal(PARSE(__VA_ARGS__), error);                                                   \
    } while (0)

static void test_hostile(void)
{
    expect_refused("a mouse", -ENODEV, 0x05, 1, 0xa1, 1, 0x09, 0x30, 0x75, 8, 0x95, 1, 0x81, 6,
                   0xc0);
    expect_refused("a padding is no key", -ENODEV, KEYS, 0x09, 4, 0x75, 1, 0x95, 1, 0x81, 3, 0xc0);
    expect_refused("an item without its data", -EINVAL, KEYS, 0x27, 1, 2, 3);
    expect_refused("a long item without its data", -EINVAL, KEYS, 0xfe, 9, 1, 2);
    expect_refused("a long item without its size", -EINVAL, KEYS, 0xfe);
    expect_refused("a collection ends that never began", -EINVAL, 0xc0);
    expect_refused("a field outside of all collections", -EINVAL, 0x75, 1, 0x95, 1, 0x81, 2);
    expect_refused("more bits than a report has", -EINVAL, KEYS, 0x09, 4, 0x75, 1, 0x96, 0xf9, 0x07,
                   0x81, 2, 0xc0);
    expect_refused("so many that their number overflows", -EINVAL, KEYS, 0x09, 4, 0x77, 0, 0, 0,
                   0x80, 0x97, 0, 0, 0, 0x80, 0x81, 2);
    expect_refused("elements of more than 32 bits", -EINVAL, KEYS, 0x09, 4, 0x75, 33, 0x95, 1, 0x81,
                   2);
    expect_refused("a state that was never kept", -EINVAL, 0xb4);
    expect_refused("too many states", -EINVAL, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4);
    expect_refused("identifier 0", -EINVAL, 0x85, 0);
    expect_refused("identifier 256", -EINVAL, 0x86, 0, 1);
    expect_refused("an identifier after a field without", -EINVAL, KEYS, 0x09, 4, 0x75, 1, 0x95, 1,
                   0x81, 2, 0x85, 1);

    test_case("too many of everything");
    uint8_t many[HID_DESCRIPTOR_MAXIMUM + 1] = {KEYS, 0x75, 1, 0x95, 1};
    size_t size = 8;
    for (unsigned i = 0; i < HID_REPORTS_MAXIMUM + 1; i++) {
        many[size++] = 0x85;
        many[size++] = (uint8_t)(i + 1);
    }
    expect_equal(parse(many, size), -EINVAL);
    size = 8;
    for (unsigned i = 0; i < HID_FIELDS_MAXIMUM + 1; i++) {
        memcpy(many + size, (uint8_t[]){0x09, 4, 0x81, 2}, 4);
        size += 4;
    }
    expect_equal(parse(many, size), -EINVAL);
    size = 8;
    for (unsigned i = 0; i < HID_RANGES_MAXIMUM + 1; i++) {
        memcpy(many + size, (uint8_t[]){0x09, 4}, 2);
        size += 2;
        if (i % 10 == 9) {
            memcpy(many + size, (uint8_t[]){0x81, 2}, 2);
            size += 2;
        }
    }
    many[size++] = 0x81;
    many[size++] = 2;
    expect_equal(parse(many, size), -EINVAL);
    expect_equal(parse(many, sizeof(many)), -EINVAL);

    test_case("a range that ends before it begins, and one without a beginning");
    expect_equal(PARSE(KEYS, 0x29, 9, 0x19, 9, 0x29, 4, 0x75, 1, 0x95, 2, 0x81, 2, 0xc0), 0);
    expect_report("+09", 3);

    test_case("a key beyond all keys");
    expect_equal(PARSE(KEYS, 0x1a, 0xff, 0, 0x2a, 0xff, 0xff, 0x75, 1, 0x95, 3, 0x81, 2, 0xc0), 0);
    expect_report("+ff", 7);
}

int main(void)
{
    test_boot();
    test_identifiers();
    test_usages();
    test_hostile();
    return test_end();
}
