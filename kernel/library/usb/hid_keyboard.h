/*
 * hid_keyboard.h: a USB keyboard's reports: where its keys and lights are, as its report descriptor
 * says (HID 1.11, 6.2.2), and which keys changed.
 *
 * Pure: no lock, any context. A device's word: nothing in it is trusted.
 */
#ifndef BATON_LIBRARY_USB_HID_KEYBOARD_H
#define BATON_LIBRARY_USB_HID_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HID_REPORT_MAXIMUM     256 /* bytes of a report, with its identifier */
#define HID_REPORTS_MAXIMUM    16
#define HID_FIELDS_MAXIMUM     32 /* with keys */
#define HID_RANGES_MAXIMUM     64 /* of usages, in all fields */
#define HID_DESCRIPTOR_MAXIMUM 4096

/* Usages of keys: HID Usage Tables 1.12, chapter 10; these mean "too many at once" and the like. */
#define HID_KEY_ERROR_LAST 3
#define HID_KEYS           256

/* Several elements of a report that say which keys are down. */
struct hid_field {
    uint8_t report;                 /* index */
    bool array;                     /* an element names a key; else it is one's state */
    uint8_t element_size;           /* bits, 1 to 32 */
    uint16_t bit;                   /* where it begins, without the identifier */
    uint16_t count;                 /* elements */
    int32_t minimum, maximum;       /* of an array's elements: the first usage's, the last one's */
    uint8_t range_first, range_end; /* its usages */
};

struct hid_range {
    uint16_t page, first, last; /* usages */
};

struct hid_report {
    uint8_t identifier;
    uint16_t input_bits, output_bits;
};

enum hid_light {
    HID_NUMBERS, /* usage 1 of page 8, and so on */
    HID_CAPITALS,
    HID_SCROLL,
    HID_LIGHTS,
};

struct hid_keyboard {
    bool identifiers; /* reports begin with their identifier */
    uint8_t report_count, field_count, range_count;
    struct hid_report reports[HID_REPORTS_MAXIMUM];
    struct hid_field fields[HID_FIELDS_MAXIMUM];
    struct hid_range ranges[HID_RANGES_MAXIMUM];
    struct {
        bool there;
        uint8_t report; /* index */
        uint16_t bit;
    } lights[HID_LIGHTS];
};

/* 0; -EINVAL: it makes no sense, or is larger than the maxima; -ENODEV: there are no keys. */
int hid_keyboard_parse(const uint8_t *bytes, size_t size, struct hid_keyboard *keyboard);
/* What every keyboard can send, whatever its own descriptor says (HID 1.11, appendix B.1). */
void hid_keyboard_boot(struct hid_keyboard *keyboard);

/* Of its longest report, bytes. */
size_t hid_keyboard_input_size(const struct hid_keyboard *keyboard);

/* Which keys each report said to be down; zeros at first. */
struct hid_keys {
    uint64_t words[HID_KEYS / 64];
};
struct hid_keyboard_state {
    struct hid_keys reports[HID_REPORTS_MAXIMUM];
};
typedef void hid_key_changed(void *context, uint8_t usage, bool down);
/*
 * Reads a report and calls `changed` for each key that went up, then for each that went down,
 * modifiers before others. A report of too many keys at once, or of no known identifier, changes
 * nothing. At most 512 calls.
 */
void hid_keyboard_input(const struct hid_keyboard *keyboard, struct hid_keyboard_state *state,
                        const uint8_t *bytes, size_t size, hid_key_changed *changed, void *context);

/* The report that shows these lights (bit N: enum hid_light), with its identifier in front. Its
   size; 0: there are none. Lights of another report than the first one's stay dark. */
size_t hid_keyboard_lights(const struct hid_keyboard *keyboard, uint8_t lights,
                           uint8_t report[HID_REPORT_MAXIMUM]);
/* The identifier of that report, 0 if there are none. */
uint8_t hid_keyboard_lights_identifier(const struct hid_keyboard *keyboard);

#endif
