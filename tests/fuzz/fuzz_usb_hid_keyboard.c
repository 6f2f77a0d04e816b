/* The input is a report descriptor's length, the descriptor, and reports of 16 bytes. */
#include "fuzz.h"
#include "library/usb/hid_keyboard.h"

#include <string.h>

static struct hid_keyboard keyboard;
static struct hid_keys down;
static unsigned calls;

/* A key that several reports have may go down twice. */
static void note_change(void *context, uint8_t usage, bool goes_down)
{
    (void)context;
    down.words[usage / 64] |= (uint64_t)goes_down << usage % 64;
    require(down.words[usage / 64] >> usage % 64 & 1);
    require(++calls <= 512);
}

static void fields_check(void)
{
    require(keyboard.field_count && keyboard.field_count <= HID_FIELDS_MAXIMUM);
    require(keyboard.report_count && keyboard.report_count <= HID_REPORTS_MAXIMUM);
    require(hid_keyboard_input_size(&keyboard) <= HID_REPORT_MAXIMUM);
    for (unsigned i = 0; i < keyboard.field_count; i++) {
        const struct hid_field *field = &keyboard.fields[i];
        require(field->report < keyboard.report_count && field->element_size <= 32);
        require(field->bit + field->element_size * field->count <=
                keyboard.reports[field->report].input_bits);
        require(field->range_first <= field->range_end && field->range_end <= keyboard.range_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hid_keyboard_state state = {0};
    uint8_t *lights = malloc(HID_REPORT_MAXIMUM);
    size_t length = size ? data[0] : 0;

    memset(&down, 0, sizeof(down));
    if (size && length <= size - 1 && !hid_keyboard_parse(data + 1, length, &keyboard)) {
        fields_check();
        for (size_t at = 1 + length; at < size; at += 16) {
            calls = 0;
            hid_keyboard_input(&keyboard, &state, data + at, size - at < 16 ? size - at : 16,
                               note_change, NULL);
        }
        require(hid_keyboard_lights(&keyboard, 7, lights) <= HID_REPORT_MAXIMUM);
        (void)hid_keyboard_lights_identifier(&keyboard);
    }
    free(lights);
    return 0;
}
