/* hid_keyboard.c: see hid_keyboard.h. Items first, then reports. */
#include "library/usb/hid_keyboard.h"

#include <linux/errno.h>

#include "library/string.h"

/* An item's first byte without the size in its lowest bits (HID 1.11, 6.2.2.4 to 6.2.2.8). */
enum {
    ITEM_INPUT = 0x80,
    ITEM_OUTPUT = 0x90,
    ITEM_COLLECTION = 0xa0,
    ITEM_FEATURE = 0xb0,
    ITEM_COLLECTION_END = 0xc0,

    ITEM_USAGE_PAGE = 0x04,
    ITEM_LOGICAL_MINIMUM = 0x14,
    ITEM_LOGICAL_MAXIMUM = 0x24,
    ITEM_REPORT_SIZE = 0x74,
    ITEM_REPORT_IDENTIFIER = 0x84,
    ITEM_REPORT_COUNT = 0x94,
    ITEM_PUSH = 0xa4,
    ITEM_POP = 0xb4,

    ITEM_USAGE = 0x08,
    ITEM_USAGE_MINIMUM = 0x18,
    ITEM_USAGE_MAXIMUM = 0x28,
    ITEM_DELIMITER = 0xa8,

    ITEM_LONG = 0xfe, /* the whole byte; its size follows */

    FIELD_CONSTANT = 1,
    FIELD_VARIABLE = 2,

    PAGE_KEYS = 7,
    PAGE_LIGHTS = 8,

    USAGE_MODIFIERS = 0xe0,
    USAGE_MODIFIERS_END = 0xe8,
};

#define REPORT_BITS_MAXIMUM ((HID_REPORT_MAXIMUM - 1) * 8U)
#define STACK_MAXIMUM       4  /* pushed states */
#define LOCAL_MAXIMUM       16 /* ranges of usages before a main item */

/* What stays until it is changed. */
struct globals {
    uint16_t usage_page;
    int32_t logical_minimum;
    uint32_t logical_maximum; /* as it stands there */
    int32_t logical_maximum_signed;
    uint32_t report_size, report_count;
    uint8_t report; /* index */
};

struct parser {
    struct hid_keyboard *keyboard;
    struct globals globals;
    struct globals stack[STACK_MAXIMUM];
    unsigned stacked;
    unsigned collections; /* that are open */
    /* Until the next main item. A page of 0 is the one that is in force then. */
    struct hid_range local[LOCAL_MAXIMUM];
    unsigned local_count;
    bool minimum_open; /* a range's beginning waits for its end */
    bool delimited;    /* among alternatives, of which the first counts */
    bool chosen;
};

/* ---- usages ---- */

static void add_local(struct parser *parser, struct hid_range range)
{
    if (parser->delimited && parser->chosen)
        return;
    parser->chosen = true;
    if (parser->local_count < LOCAL_MAXIMUM)
        parser->local[parser->local_count++] = range;
}

/* Of four bytes the upper half is the page. */
static struct hid_range usage_of(uint32_t data, unsigned size)
{
    return (struct hid_range){size == 4 ? (uint16_t)(data >> 16) : 0, (uint16_t)data,
                              (uint16_t)data};
}

static void end_range(struct parser *parser, uint32_t data)
{
    if (!parser->minimum_open || !parser->local_count)
        return;
    struct hid_range *range = &parser->local[parser->local_count - 1];
    parser->minimum_open = false;
    if ((uint16_t)data >= range->first)
        range->last = (uint16_t)data;
}

static void take_local(struct parser *parser, uint8_t item, uint32_t data, unsigned size)
{
    switch (item) {
    case ITEM_USAGE:
        add_local(parser, usage_of(data, size));
        break;
    case ITEM_USAGE_MINIMUM:
        parser->minimum_open = parser->local_count < LOCAL_MAXIMUM;
        add_local(parser, usage_of(data, size));
        break;
    case ITEM_USAGE_MAXIMUM:
        end_range(parser, data);
        break;
    case ITEM_DELIMITER:
        parser->delimited = data == 1;
        parser->chosen = false;
        break;
    default:
        break;
    }
}

/* ---- main items ---- */

static bool is_page(const struct parser *parser, uint16_t page)
{
    for (unsigned i = 0; i < parser->local_count; i++) {
        uint16_t own = parser->local[i].page;
        if ((own ? own : parser->globals.usage_page) == page)
            return true;
    }
    return false;
}

/* The local usages become a field's. False: too many. */
static bool keep_ranges(struct parser *parser, struct hid_field *field)
{
    struct hid_keyboard *keyboard = parser->keyboard;

    if (keyboard->range_count + parser->local_count > HID_RANGES_MAXIMUM)
        return false;
    field->range_first = keyboard->range_count;
    for (unsigned i = 0; i < parser->local_count; i++) {
        struct hid_range *range = &keyboard->ranges[keyboard->range_count++];
        *range = parser->local[i];
        if (!range->page)
            range->page = parser->globals.usage_page;
    }
    field->range_end = keyboard->range_count;
    return true;
}

/* A maximum is without a sign where the minimum has none, as Linux reads it. */
static int32_t logical_maximum(const struct globals *globals)
{
    if (globals->logical_minimum < 0 || globals->logical_maximum > INT32_MAX)
        return globals->logical_maximum_signed;
    return (int32_t)globals->logical_maximum;
}

static int keep_field(struct parser *parser, uint16_t bit, uint32_t flags)
{
    struct hid_keyboard *keyboard = parser->keyboard;
    const struct globals *globals = &parser->globals;

    if (keyboard->field_count == HID_FIELDS_MAXIMUM || globals->report_size > 32)
        return -EINVAL;
    struct hid_field field = {
        .report = globals->report,
        .array = !(flags & FIELD_VARIABLE),
        .element_size = (uint8_t)globals->report_size,
        .bit = bit,
        .count = (uint16_t)globals->report_count,
        .minimum = globals->logical_minimum,
        .maximum = logical_maximum(globals),
    };
    if (!keep_ranges(parser, &field))
        return -EINVAL;
    keyboard->fields[keyboard->field_count++] = field;
    return 0;
}

static void keep_lights(struct parser *parser, uint16_t bit)
{
    unsigned element = 0, count = parser->globals.report_count;

    for (unsigned i = 0; i < parser->local_count; i++) {
        const struct hid_range *range = &parser->local[i];
        for (uint32_t usage = range->first; usage <= range->last && element < count; usage++) {
            uint32_t light = usage - 1;
            if (light < HID_LIGHTS && !parser->keyboard->lights[light].there) {
                parser->keyboard->lights[light].there = true;
                parser->keyboard->lights[light].report = parser->globals.report;
                parser->keyboard->lights[light].bit = (uint16_t)(bit + element);
            }
            element++;
        }
    }
}

/* Input or output: where it lies follows from what came before in its report. */
static int take_field(struct parser *parser, uint8_t item, uint32_t flags)
{
    struct hid_report *report = &parser->keyboard->reports[parser->globals.report];
    uint16_t *used = item == ITEM_INPUT ? &report->input_bits : &report->output_bits;
    uint64_t bits = (uint64_t)parser->globals.report_size * parser->globals.report_count;
    uint16_t bit = *used;

    if (!parser->collections || bits > REPORT_BITS_MAXIMUM - bit)
        return -EINVAL;
    *used = (uint16_t)(bit + bits);
    if (!bits || (flags & FIELD_CONSTANT))
        return 0;
    if (item == ITEM_INPUT && is_page(parser, PAGE_KEYS))
        return keep_field(parser, bit, flags);
    if (item == ITEM_OUTPUT && is_page(parser, PAGE_LIGHTS) && (flags & FIELD_VARIABLE) &&
        parser->globals.report_size == 1)
        keep_lights(parser, bit);
    return 0;
}

static int take_main(struct parser *parser, uint8_t item, uint32_t data)
{
    int error = 0;

    if (item == ITEM_INPUT || item == ITEM_OUTPUT)
        error = take_field(parser, item, data);
    else if (item == ITEM_COLLECTION)
        parser->collections++;
    else if (item == ITEM_COLLECTION_END)
        error = parser->collections-- ? 0 : -EINVAL;
    parser->local_count = 0;
    parser->minimum_open = parser->delimited = parser->chosen = false;
    return error;
}

/* ---- global items ---- */

static int choose_report(struct parser *parser, uint32_t identifier)
{
    struct hid_keyboard *keyboard = parser->keyboard;

    if (identifier == 0 || identifier > UINT8_MAX)
        return -EINVAL;
    /* Identifiers that begin after fields without one: which report were those? */
    if (!keyboard->identifiers &&
        (keyboard->reports[0].input_bits || keyboard->reports[0].output_bits))
        return -EINVAL;
    if (!keyboard->identifiers)
        keyboard->report_count = 0;
    keyboard->identifiers = true;
    for (uint8_t i = 0; i < keyboard->report_count; i++)
        if (keyboard->reports[i].identifier == identifier) {
            parser->globals.report = i;
            return 0;
        }
    if (keyboard->report_count == HID_REPORTS_MAXIMUM)
        return -EINVAL;
    keyboard->reports[keyboard->report_count].identifier = (uint8_t)identifier;
    parser->globals.report = keyboard->report_count++;
    return 0;
}

static int push_or_pop(struct parser *parser, bool push)
{
    if (parser->stacked == (push ? STACK_MAXIMUM : 0))
        return -EINVAL;
    if (push)
        parser->stack[parser->stacked++] = parser->globals;
    else
        parser->globals = parser->stack[--parser->stacked];
    return 0;
}

static int32_t with_sign(uint32_t data, unsigned size)
{
    return size == 1 ? (int8_t)data : size == 2 ? (int16_t)data : (int32_t)data;
}

static int take_global(struct parser *parser, uint8_t item, uint32_t data, unsigned size)
{
    struct globals *globals = &parser->globals;

    switch (item) {
    case ITEM_USAGE_PAGE:
        globals->usage_page = (uint16_t)data;
        return 0;
    case ITEM_LOGICAL_MINIMUM:
        globals->logical_minimum = with_sign(data, size);
        return 0;
    case ITEM_LOGICAL_MAXIMUM:
        globals->logical_maximum = data;
        globals->logical_maximum_signed = with_sign(data, size);
        return 0;
    case ITEM_REPORT_SIZE:
        globals->report_size = data;
        return 0;
    case ITEM_REPORT_COUNT:
        globals->report_count = data;
        return 0;
    case ITEM_REPORT_IDENTIFIER:
        return choose_report(parser, data);
    case ITEM_PUSH:
    case ITEM_POP:
        return push_or_pop(parser, item == ITEM_PUSH);
    default: /* physical minimum and maximum, unit */
        return 0;
    }
}

/* ---- the descriptor ---- */

static int take_item(struct parser *parser, uint8_t prefix, uint32_t data, unsigned size)
{
    const uint8_t size_bits = 3, type_bits = 0x0c, main = 0x00, global = 0x04, local = 0x08;
    uint8_t item = prefix & ~size_bits;

    switch (prefix & type_bits) {
    case main:
        return take_main(parser, item, data);
    case global:
        return take_global(parser, item, data, size);
    case local:
        take_local(parser, item, data, size);
        return 0;
    default:
        return 0;
    }
}

static int take_items(struct parser *parser, const uint8_t *bytes, size_t size)
{
    static const uint8_t sizes[] = {0, 1, 2, 4};
    size_t at = 0;

    while (at < size) {
        uint8_t prefix = bytes[at++];
        if (prefix == ITEM_LONG) {
            if (size - at < 2 || bytes[at] > size - at - 2)
                return -EINVAL;
            at += 2UL + bytes[at];
            continue;
        }
        unsigned data_size = sizes[prefix & 3];
        uint32_t data = 0;
        if (data_size > size - at)
            return -EINVAL;
        memcpy(&data, bytes + at, data_size);
        at += data_size;
        int error = take_item(parser, prefix, data, data_size);
        if (error)
            return error;
    }
    return 0;
}

int hid_keyboard_parse(const uint8_t *bytes, size_t size, struct hid_keyboard *keyboard)
{
    struct parser parser = {.keyboard = keyboard};

    memset(keyboard, 0, sizeof(*keyboard));
    keyboard->report_count = 1;
    int error = size <= HID_DESCRIPTOR_MAXIMUM ? take_items(&parser, bytes, size) : -EINVAL;
    if (error)
        return error;
    return keyboard->field_count ? 0 : -ENODEV;
}

void hid_keyboard_boot(struct hid_keyboard *keyboard)
{
    static const uint8_t descriptor[] = {
        0x05, 0x01, 0x09, 0x06, 0xa1, 0x01,             /* a keyboard */
        0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x25, 0x01, /* modifiers, a bit each */
        0x75, 0x01, 0x95, 0x08, 0x81, 0x02,             /* …input */
        0x95, 0x01, 0x75, 0x08, 0x81, 0x01,             /* a byte of nothing */
        0x95, 0x03, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x03, 0x91, 0x02, /* lights: output */
        0x95, 0x01, 0x75, 0x05, 0x91, 0x01,                                     /* five bits */
        0x95, 0x06, 0x75, 0x08, 0x26, 0xff, 0x00,                   /* six bytes: keys */
        0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, 0x81, 0x00, 0xc0, /* …input, an array */
    };

    (void)hid_keyboard_parse(descriptor, sizeof(descriptor), keyboard);
}

static size_t report_size(const struct hid_keyboard *keyboard, unsigned bits)
{
    return keyboard->identifiers + (bits + 7) / 8;
}

size_t hid_keyboard_input_size(const struct hid_keyboard *keyboard)
{
    size_t most = 0;

    for (unsigned i = 0; i < keyboard->report_count; i++) {
        size_t size = report_size(keyboard, keyboard->reports[i].input_bits);
        if (size > most)
            most = size;
    }
    return most;
}

/* ---- reports ---- */

/* Up to 32 bits from `bit` on; what was not sent is 0. */
static uint32_t bits_at(const uint8_t *bytes, size_t size, size_t bit, unsigned count)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < count && (bit + i) / 8 < size; i++)
        value |= (uint32_t)(bytes[(bit + i) / 8] >> (bit + i) % 8 & 1) << i;
    return value;
}

static int64_t element_value(const struct hid_field *field, const uint8_t *bytes, size_t size,
                             unsigned element)
{
    uint32_t value = bits_at(bytes, size, field->bit + (size_t)element * field->element_size,
                             field->element_size);
    unsigned unused = 32U - field->element_size;

    return field->minimum < 0 ? (int32_t)(value << unused) >> unused : (int64_t)value;
}

static void key_add(struct hid_keys *keys, uint32_t usage)
{
    if (usage < HID_KEYS)
        keys->words[usage / 64] |= 1UL << usage % 64;
}

/* The key that usage number `index` of the field is; HID_KEYS: none. */
static uint32_t key_at(const struct hid_keyboard *keyboard, const struct hid_field *field,
                       uint64_t index)
{
    for (unsigned i = field->range_first; i < field->range_end; i++) {
        const struct hid_range *range = &keyboard->ranges[i];
        uint32_t count = (uint32_t)range->last - range->first + 1;
        if (index < count)
            return range->page == PAGE_KEYS ? range->first + (uint32_t)index : HID_KEYS;
        index -= count;
    }
    return HID_KEYS;
}

/* False: too many keys are down for it to say which. */
static bool read_array(const struct hid_keyboard *keyboard, const struct hid_field *field,
                       const uint8_t *bytes, size_t size, struct hid_keys *keys)
{
    for (unsigned element = 0; element < field->count; element++) {
        int64_t value = element_value(field, bytes, size, element);
        if (value < field->minimum || value > field->maximum)
            continue;
        uint32_t key = key_at(keyboard, field, (uint64_t)(value - field->minimum));
        if (key > 0 && key <= HID_KEY_ERROR_LAST)
            return false;
        if (key > HID_KEY_ERROR_LAST)
            key_add(keys, key);
    }
    return true;
}

static void read_variables(const struct hid_keyboard *keyboard, const struct hid_field *field,
                           const uint8_t *bytes, size_t size, struct hid_keys *keys)
{
    for (unsigned element = 0; element < field->count; element++)
        if (element_value(field, bytes, size, element))
            key_add(keys, key_at(keyboard, field, element));
}

static bool read_keys(const struct hid_keyboard *keyboard, unsigned report, const uint8_t *bytes,
                      size_t size, struct hid_keys *keys)
{
    for (unsigned i = 0; i < keyboard->field_count; i++) {
        const struct hid_field *field = &keyboard->fields[i];
        if (field->report != report)
            continue;
        if (!field->array)
            read_variables(keyboard, field, bytes, size, keys);
        else if (!read_array(keyboard, field, bytes, size, keys))
            return false;
    }
    return true;
}

static bool has_key(const struct hid_keys *keys, unsigned usage)
{
    return keys->words[usage / 64] >> usage % 64 & 1;
}

static void tell_changes(const struct hid_keys *before, const struct hid_keys *now, unsigned first,
                         unsigned end, bool down, hid_key_changed *changed, void *context)
{
    for (unsigned usage = first; usage < end; usage++)
        if (has_key(before, usage) != down && has_key(now, usage) == down)
            changed(context, (uint8_t)usage, down);
}

/* The report that this is one of; its contents. -1: none. */
static int report_of(const struct hid_keyboard *keyboard, const uint8_t **bytes, size_t *size)
{
    if (!keyboard->identifiers)
        return *size ? 0 : -1;
    for (int i = 0; *size && i < keyboard->report_count; i++)
        if (keyboard->reports[i].identifier == **bytes) {
            ++*bytes;
            --*size;
            return i;
        }
    return -1;
}

void hid_keyboard_input(const struct hid_keyboard *keyboard, struct hid_keyboard_state *state,
                        const uint8_t *bytes, size_t size, hid_key_changed *changed, void *context)
{
    struct hid_keys now = {0}, before;
    int report = report_of(keyboard, &bytes, &size);

    if (report < 0 || !read_keys(keyboard, (unsigned)report, bytes, size, &now))
        return;
    before = state->reports[report];
    state->reports[report] = now;
    tell_changes(&before, &now, 0, HID_KEYS, false, changed, context);
    tell_changes(&before, &now, USAGE_MODIFIERS, USAGE_MODIFIERS_END, true, changed, context);
    tell_changes(&before, &now, 0, USAGE_MODIFIERS, true, changed, context);
    tell_changes(&before, &now, USAGE_MODIFIERS_END, HID_KEYS, true, changed, context);
}

/* ---- lights ---- */

/* The report of the first light there is; -1: none. */
static int lights_report(const struct hid_keyboard *keyboard)
{
    for (unsigned i = 0; i < HID_LIGHTS; i++)
        if (keyboard->lights[i].there)
            return keyboard->lights[i].report;
    return -1;
}

uint8_t hid_keyboard_lights_identifier(const struct hid_keyboard *keyboard)
{
    int report = lights_report(keyboard);

    return report < 0 ? 0 : keyboard->reports[report].identifier;
}

size_t hid_keyboard_lights(const struct hid_keyboard *keyboard, uint8_t lights,
                           uint8_t report[HID_REPORT_MAXIMUM])
{
    int index = lights_report(keyboard);

    if (index < 0)
        return 0;
    memset(report, 0, HID_REPORT_MAXIMUM);
    if (keyboard->identifiers)
        report[0] = keyboard->reports[index].identifier;
    for (unsigned i = 0; i < HID_LIGHTS; i++) {
        unsigned bit = keyboard->lights[i].bit;
        if (keyboard->lights[i].there && keyboard->lights[i].report == index && lights >> i & 1)
            report[keyboard->identifiers + bit / 8] |= (uint8_t)(1 << bit % 8);
    }
    return report_size(keyboard, keyboard->reports[index].output_bits);
}
