#include "library/efi_variable.h"

#include "library/bytes.h"
#include "library/format.h"
#include "library/string.h"
#include "library/utf8.h"

#define GUID_LENGTH 36 /* of text */

/* EFI_GLOBAL_VARIABLE (UEFI 2.10, 3.3) and Linux's name for what it keeps of crashes. */
static const uint8_t global_vendor[EFI_VARIABLE_VENDOR_SIZE] = {
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
static const uint8_t crash_vendor[EFI_VARIABLE_VENDOR_SIZE] = {
    0x52, 0x65, 0xfc, 0xcf, 0x39, 0xf5, 0x4f, 0x4e, 0xa5, 0xf8, 0x08, 0xea, 0x4f, 0x8c, 0x17, 0x55};

/* ---- names ---- */

/* Bytes of a GUID in the order of its text (UEFI 2.10, appendix A). */
static const uint8_t text_order[EFI_VARIABLE_VENDOR_SIZE] = {3, 2, 1,  0,  5,  4,  7,  6,
                                                             8, 9, 10, 11, 12, 13, 14, 15};

static bool hyphen_before(unsigned byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

/* Bytes of UTF-8 for the character that begins at *units, which is moved on; 0: there is none. */
static size_t character_encode(const uint16_t **units, char *bytes)
{
    uint32_t unit = *(*units)++;

    if (unit >= 0xd800 && unit < 0xe000) {
        uint32_t low = **units;
        if (unit >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
            return 0;
        ++*units;
        unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
    }
    return utf8_encode(unit, (uint8_t *)bytes);
}

static void guid_print(const uint8_t *vendor, char *text)
{
    for (unsigned i = 0; i < EFI_VARIABLE_VENDOR_SIZE; i++) {
        if (hyphen_before(i))
            *text++ = '-';
        text += format_string(text, 3, "%02x", vendor[text_order[i]]);
    }
}

bool efi_variable_file_name(const struct efi_variable_name *name, char text[EFI_VARIABLE_FILE_NAME])
{
    const uint16_t *unit = name->units, *end = unit + EFI_VARIABLE_NAME_UNITS;
    const size_t room = EFI_VARIABLE_FILE_NAME - 1 - 1 - GUID_LENGTH;
    size_t length = 0;

    while (unit < end && *unit) {
        char bytes[UTF8_MAXIMUM];
        size_t size = unit + 1 < end ? character_encode(&unit, bytes) : 0;
        if (!size || length + size > room)
            return false;
        memcpy(text + length, bytes, size);
        if (size == 1 && bytes[0] == '/')
            text[length] = '!';
        length += size;
    }
    if (!length || unit == end)
        return false;
    text[length] = '-';
    guid_print(name->vendor, text + length + 1);
    return true;
}

/* -1: no digit. */
static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool guid_parse(const char *text, uint8_t *vendor)
{
    for (unsigned i = 0; i < EFI_VARIABLE_VENDOR_SIZE; i++) {
        if (hyphen_before(i) && *text++ != '-')
            return false;
        int high = digit_value(text[0]);
        int low = high < 0 ? -1 : digit_value(text[1]);
        if (low < 0)
            return false;
        vendor[text_order[i]] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return true;
}

bool efi_variable_name_parse(const char *text, struct efi_variable_name *name)
{
    size_t length = strlen(text);

    if (length < GUID_LENGTH + 2 || length >= EFI_VARIABLE_FILE_NAME)
        return false;
    length -= GUID_LENGTH + 1;
    if (text[length] != '-' || !guid_parse(text + length + 1, name->vendor))
        return false;
    for (size_t i = 0; i < length; i++)
        name->units[i] = (uint8_t)text[i];
    name->units[length] = 0;
    return true;
}

static size_t name_length(const struct efi_variable_name *name)
{
    size_t length = 0;

    while (length < EFI_VARIABLE_NAME_UNITS && name->units[length])
        length++;
    return length;
}

bool efi_variable_name_equal(const struct efi_variable_name *one,
                             const struct efi_variable_name *other)
{
    size_t length = name_length(one);

    return memcmp(one->vendor, other->vendor, EFI_VARIABLE_VENDOR_SIZE) == 0 &&
           length == name_length(other) &&
           memcmp(one->units, other->units, length * sizeof(one->units[0])) == 0;
}

/* ---- values ---- */

static bool is_number(const uint8_t *value, size_t size)
{
    (void)value;
    return size == 2;
}

static bool is_order(const uint8_t *value, size_t size)
{
    (void)value;
    return size % 2 == 0;
}

static bool is_text(const uint8_t *value, size_t size)
{
    for (size_t i = 0; i < size && value[i] < 0x80; i++)
        if (!value[i])
            return true;
    return false;
}

/* Nodes of type, subtype and length, up to the one that ends them all (UEFI 2.10, 10.3.1). */
static bool is_device_path(const uint8_t *value, size_t size)
{
    enum { NODE = 4, END = 0x7f, END_ALL = 0xff };

    for (size_t at = 0, length; size - at >= NODE; at += length) {
        length = load16(value + at + 2);
        if (length < NODE || length > size - at)
            return false;
        if (value[at] == END && value[at + 1] == END_ALL)
            return true;
    }
    return false;
}

/* EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): attributes, length of the paths, description, paths. */
static bool is_load_option(const uint8_t *value, size_t size)
{
    enum { PATHS_LENGTH = 4, DESCRIPTION = 6, LEAST = 8 };

    if (size < LEAST)
        return false;
    size_t paths_length = load16(value + PATHS_LENGTH), at = DESCRIPTION;
    while (size - at >= 2 && load16(value + at))
        at += 2;
    if (size - at < 2 || paths_length > size - at - 2)
        return false;
    return is_device_path(value + at + 2, paths_length);
}

/* Linux's drivers/firmware/efi/vars.c, variable_validate[]; `numbered`: any name that begins so is
   removable, and one with four digits behind it, and no more, is checked. */
static const struct known {
    const char *name;
    bool numbered;
    bool (*check)(const uint8_t *value, size_t size);
} globals[] = {
    {"BootNext", false, is_number},       {"BootOrder", false, is_order},
    {"Boot", true, is_load_option},       {"DriverOrder", false, is_order},
    {"Driver", true, is_load_option},     {"ConIn", false, is_device_path},
    {"ConInDev", false, is_device_path},  {"ConOut", false, is_device_path},
    {"ConOutDev", false, is_device_path}, {"ErrOut", false, is_device_path},
    {"ErrOutDev", false, is_device_path}, {"Lang", false, is_text},
    {"OsIndications", false, NULL},       {"PlatformLang", false, is_text},
    {"Timeout", false, is_number},
};

/* The row of a variable that UEFI defines; NULL: none. `length`: of what matched. */
static const struct known *known_find(const struct efi_variable_name *name, size_t *length)
{
    if (memcmp(name->vendor, global_vendor, sizeof(global_vendor)) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
        const char *text = globals[i].name;
        for (*length = 0; text[*length] && name->units[*length] == (uint8_t)text[*length];)
            ++*length;
        if (!text[*length] && (globals[i].numbered || !name->units[*length]))
            return &globals[i];
    }
    return NULL;
}

bool efi_variable_is_removable(const struct efi_variable_name *name)
{
    size_t length;

    return known_find(name, &length) ||
           memcmp(name->vendor, crash_vendor, sizeof(crash_vendor)) == 0;
}

/* Are there four digits, whatever comes behind them? */
static bool is_numbered(const uint16_t *units)
{
    for (unsigned i = 0; i < 4; i++)
        if (units[i] >= 0x80 || digit_value((char)units[i]) < 0)
            return false;
    return true;
}

bool efi_variable_value_is_sane(const struct efi_variable_name *name, const uint8_t *value,
                                size_t size)
{
    size_t length;
    const struct known *known = known_find(name, &length);

    if (!known || !known->check)
        return true;
    if (known->numbered && !is_numbered(name->units + length))
        return true;
    if (known->numbered && name->units[length + 4])
        return false;
    return known->check(value, size);
}
