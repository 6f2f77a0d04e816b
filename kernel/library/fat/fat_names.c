/* fat_names.c: long and short names, and times, as FAT has them. */
#include <linux/errno.h>

#include "library/fat/fat.h"
#include "library/string.h"

/* ---- long names ---- */

static bool unit_allowed(uint32_t unit)
{
    return unit >= 0x20 && !(unit < 0x80 && strchr("\"*/:<>?\\|", (int)unit));
}

/* One character of UTF-8, in its shortest form: its length, 0: it is none. */
static size_t character(const uint8_t *bytes, size_t left, uint32_t *value)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes[0] < 0x80   ? 1
                    : bytes[0] < 0xc0 ? 0
                    : bytes[0] < 0xe0 ? 2
                    : bytes[0] < 0xf0 ? 3
                    : bytes[0] < 0xf8 ? 4
                                      : 0;

    if (!length || length > left)
        return 0;
    *value = length == 1 ? bytes[0] : bytes[0] & (0x7f >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *value = *value << 6 | (bytes[i] & 0x3f);
    }
    bool surrogate = *value >= 0xd800 && *value < 0xe000;
    return *value < least[length] || *value > 0x10ffff || surrogate ? 0 : length;
}

/* What counts of a name: dots and spaces at its end do not (vfat on Linux: dots). */
static size_t significant(const char *name, size_t length)
{
    while (length && (name[length - 1] == '.' || name[length - 1] == ' '))
        length--;
    return length;
}

int fat_name_to_units(const char *name, size_t length, uint16_t units[FAT_NAME_MAXIMUM])
{
    size_t count = 0, used;
    uint32_t value;

    length = significant(name, length);
    for (size_t at = 0; at < length; at += used) {
        used = character((const uint8_t *)name + at, length - at, &value);
        if (!used || !unit_allowed(value))
            return -EINVAL;
        if (count + 1 + (value > 0xffff) > FAT_NAME_MAXIMUM)
            return -ENAMETOOLONG;
        if (value > 0xffff) {
            value -= 0x10000;
            units[count++] = (uint16_t)(0xd800 | value >> 10);
            value = 0xdc00 | (value & 0x3ff);
        }
        units[count++] = (uint16_t)value;
    }
    return count ? (int)count : -EINVAL;
}

/* Adds one character; false: there is no room. */
static bool append(char *name, size_t *length, uint32_t value)
{
    size_t size = value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;

    if (*length + size > FAT_NAME_MAXIMUM)
        return false;
    if (size == 1) {
        name[(*length)++] = (char)value;
        return true;
    }
    for (size_t i = size; i-- > 1; value >>= 6)
        name[*length + i] = (char)(0x80 | (value & 0x3f));
    name[*length] = (char)(0xf00 >> size | value);
    *length += size;
    return true;
}

/* A directory itself, and the one above: no name in one. */
static bool is_dots(const char *name, size_t length)
{
    return (length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.');
}

int fat_name_from_units(const uint16_t *units, size_t count, char name[FAT_NAME_MAXIMUM + 1])
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t value = units[i];
        if (value >= 0xd800 && value < 0xdc00 && i + 1 < count && units[i + 1] >= 0xdc00 &&
            units[i + 1] < 0xe000)
            value = 0x10000 + ((value & 0x3ff) << 10 | (units[++i] & 0x3ff));
        else if (value >= 0xd800 && value < 0xe000)
            return -EINVAL;
        if (!value || value == '/' || !append(name, &length, value))
            return -EINVAL;
    }
    name[length] = '\0';
    return length && !is_dots(name, length) ? (int)length : -EINVAL;
}

/* Small letter of a capital one: Latin, Greek, Cyrillic; others have but one case here. */
static uint32_t fold(uint32_t value)
{
    if ((value >= 'A' && value <= 'Z') || (value >= 0xc0 && value <= 0xde && value != 0xd7) ||
        (value >= 0x391 && value <= 0x3a9) || (value >= 0x410 && value <= 0x42f))
        return value + 0x20;
    return value >= 0x400 && value <= 0x40f ? value + 0x50 : value;
}

bool fat_names_equal(const char *left, size_t left_length, const char *right, size_t right_length)
{
    size_t at = 0, other = 0;
    uint32_t one, two;

    left_length = significant(left, left_length);
    right_length = significant(right, right_length);
    while (at < left_length && other < right_length) {
        size_t used = character((const uint8_t *)left + at, left_length - at, &one);
        size_t used_right = character((const uint8_t *)right + other, right_length - other, &two);
        if (!used || !used_right || fold(one) != fold(two))
            return false;
        at += used;
        other += used_right;
    }
    return at == left_length && other == right_length;
}

/* ---- short names ---- */

/* Code page 437, from 0x80 on (Unicode's CP437.TXT): what DOS wrote short names in. */
static const uint16_t code_page[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0};

#define SMALL_BASE      8 /* in byte 12 of an entry: Windows NT's small letters */
#define SMALL_EXTENSION 16

static bool alias_part_show(const uint8_t *bytes, size_t size, bool small, char *name,
                            size_t *length)
{
    while (size && bytes[size - 1] == ' ')
        size--;
    for (size_t i = 0; i < size; i++) {
        uint32_t value = bytes[i];
        if (value < 0x20 || value == '/' || value == 0x7f)
            return false;
        if (value >= 0x80)
            value = code_page[value - 0x80];
        else if (small && value >= 'A' && value <= 'Z')
            value += 0x20;
        if (!append(name, length, value))
            return false;
    }
    return true;
}

int fat_alias_show(const uint8_t alias[11], uint8_t flags, char name[FAT_NAME_MAXIMUM + 1])
{
    uint8_t bytes[11];
    size_t length = 0;

    memcpy(bytes, alias, sizeof(bytes));
    if (bytes[0] == 0x05) /* stands for 0xe5, which means that the entry is free */
        bytes[0] = 0xe5;
    if (bytes[0] == ' ' || !alias_part_show(bytes, 8, flags & SMALL_BASE, name, &length))
        return -EIO;
    if (bytes[8] != ' ') {
        if (!append(name, &length, '.') ||
            !alias_part_show(bytes + 8, 3, flags & SMALL_EXTENSION, name, &length))
            return -EIO;
    }
    name[length] = '\0';
    return is_dots(name, length) ? -EIO : (int)length;
}

static bool alias_allowed(char character)
{
    return (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') ||
           (character && strchr("!#$%&'()-@^_`{}~", character));
}

bool fat_alias_exact(const char *name, size_t length, uint8_t alias[11])
{
    const char *dot = memchr(name, '.', length);
    size_t base = dot ? (size_t)(dot - name) : length;
    size_t extension = dot ? length - base - 1 : 0;

    if (!base || base > 8 || extension > 3 || (dot && !extension))
        return false;
    memset(alias, ' ', 11);
    for (size_t i = 0; i < length; i++) {
        if (i == base)
            continue;
        if (!alias_allowed(name[i]))
            return false;
        alias[i < base ? i : 8 + i - base - 1] = (uint8_t)name[i];
    }
    return true;
}

/* The capital letters and digits of a part of the name; others become "_", spaces and dots go. */
static size_t alias_part(const char *name, size_t length, uint8_t *to, size_t room)
{
    size_t count = 0;

    for (size_t i = 0; i < length && count < room; i++) {
        char character = name[i];
        if (character == ' ' || character == '.')
            continue;
        if (((uint8_t)character & 0xc0) == 0x80)
            continue; /* one "_" for each character, whatever its length */
        if (character >= 'a' && character <= 'z')
            character = (char)(character - 0x20);
        to[count++] = (uint8_t)(alias_allowed(character) ? character : '_');
    }
    return count;
}

/* The first attempts are those of Windows and Linux, NAME~1; then part of a checksum goes in, so
   that among thousands of similar names the next free one is found soon. */
void fat_alias_make(const char *name, size_t length, unsigned attempt, uint8_t alias[11])
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned plain = 5;
    size_t dot = 0;
    uint32_t sum = 5381 + attempt / 9 * 7919;

    length = significant(name, length);
    for (size_t i = 1; i < length; i++)
        if (name[i] == '.')
            dot = i;
    memset(alias, ' ', 11);
    size_t base = alias_part(name, dot ? dot : length, alias, 6);
    if (dot)
        alias_part(name + dot + 1, length - dot - 1, alias + 8, 3);
    if (!base)
        alias[base++] = '_';
    if (attempt >= plain) {
        for (size_t i = 0; i < length; i++)
            sum = sum * 33 ^ (uint8_t)name[i];
        base = base < 2 ? base : 2;
        for (int i = 0; i < 4; i++)
            alias[base++] = (uint8_t)digits[sum >> (4 * i + 8) & 15];
        memset(alias + base, ' ', 8 - base);
        attempt -= plain;
    }
    alias[base++] = '~';
    alias[base] = (uint8_t)('1' + attempt % 9);
}

uint8_t fat_alias_checksum(const uint8_t alias[11])
{
    uint8_t sum = 0;

    for (size_t i = 0; i < 11; i++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + alias[i]);
    return sum;
}

/* ---- times ---- */

#define DAY         86400
#define FIRST_DAY   3652       /* 1980-01-01, in days since 1970 */
#define LAST_SECOND 4354819199 /* 2107-12-31 23:59:59 */

/* Days since 1970 of a date, and back: the years begin in March. (Howard Hinnant,
   "chrono-Compatible Low-Level Date Algorithms".) */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void fat_time_store(const struct fat_time *time, uint16_t *date, uint16_t *clock, uint8_t *fine)
{
    int64_t seconds = time->seconds;

    if (seconds < FIRST_DAY * (int64_t)DAY)
        seconds = FIRST_DAY * (int64_t)DAY;
    if (seconds > LAST_SECOND)
        seconds = LAST_SECOND;
    int64_t days = seconds / DAY + 719468, left = seconds % DAY;
    int64_t era = days / 146097, of_era = days % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * of_year + 2) / 153, day = of_year - (153 * shifted + 2) / 5 + 1;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;

    year += era * 400 + (month <= 2);
    *date = (uint16_t)((year - 1980) << 9 | month << 5 | day);
    *clock = (uint16_t)(left / 3600 << 11 | left / 60 % 60 << 5 | left % 60 / 2);
    *fine = (uint8_t)(left % 2 * 100 + time->nanoseconds / 10000000 % 100);
}

struct fat_time fat_time_load(uint16_t date, uint16_t clock, uint8_t fine)
{
    unsigned month = date >> 5 & 15, day = date & 31;
    unsigned hour = clock >> 11, minute = clock >> 5 & 63, second = (clock & 31) * 2;

    if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 || fine > 199)
        return (struct fat_time){FIRST_DAY * (int64_t)DAY, 0};
    int64_t days = days_of(1980 + (date >> 9), month, day);
    return (struct fat_time){days * DAY + hour * 3600 + minute * 60 + second + fine / 100,
                             fine % 100 * 10000000U};
}
