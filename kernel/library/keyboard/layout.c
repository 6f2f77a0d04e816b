/* layout.c: see layout.h. Dead keys stand in the tables as combining characters, by number. */
#include "library/keyboard/layout.h"

#include <linux/input-event-codes.h>

#include "library/string.h"

#define ROWS     4
#define ROW_KEYS 12

#define GRAVE      u"\u0300"
#define ACUTE      u"\u0301"
#define CIRCUMFLEX u"\u0302"
#define TILDE      u"\u0303"
#define DIAERESIS  u"\u0308"
#define CEDILLA    u"\u0327"
#define NONE       u"\0"

/* A row ends with the key that is right of it, the last one with the key left of Z. */
static const uint16_t row_first[ROWS] = {KEY_1, KEY_Q, KEY_A, KEY_BACKSLASH};

struct keyboard_layout {
    const char *name, *other_name;
    uint16_t point; /* what the number pad's point is */
    bool graphics;
    uint16_t rows[LAYOUT_LEVELS][ROWS][ROW_KEYS];
};

static const struct keyboard_layout layouts[] = {
    {
        .name = "us",
        .point = '.',
        .rows =
            {
                {u"1234567890-=", u"qwertyuiop[]", u"asdfghjkl;'`", u"\\zxcvbnm,./\\"},
                {u"!@#$%^&*()_+", u"QWERTYUIOP{}", u"ASDFGHJKL:\"~", u"|ZXCVBNM<>?|"},
            },
    },
    {
        .name = "uk",
        .other_name = "gb",
        .point = '.',
        .graphics = true,
        .rows =
            {
                {u"1234567890-=", u"qwertyuiop[]", u"asdfghjkl;'`", u"#zxcvbnm,./\\"},
                {u"!\"£$%^&*()_+", u"QWERTYUIOP{}", u"ASDFGHJKL:@¬", u"~ZXCVBNM<>?|"},
                {u"¹²³€½¾{[]}\\" CEDILLA, u"@ſe¶ŧ←↓→øþ" DIAERESIS TILDE,
                 u"æßðđŋħ" NONE u"ĸł" ACUTE CIRCUMFLEX u"|", GRAVE u"«»¢„“”µ•·" NONE u"|"},
            },
    },
    {
        .name = "de",
        .point = ',',
        .graphics = true,
        .rows =
            {
                {u"1234567890ß" ACUTE, u"qwertzuiopü+", u"asdfghjklöä" CIRCUMFLEX, u"#yxcvbnm,.-<"},
                {u"!\"§$%&/()=?" GRAVE, u"QWERTZUIOPÜ*", u"ASDFGHJKLÖÄ°", u"'YXCVBNM;:_>"},
                {u"¹²³¼½¬{[]}\\" CEDILLA, u"@ſ€¶ŧ←↓→øþ" DIAERESIS u"~",
                 u"æſðđŋħ" NONE u"ĸł" NONE CIRCUMFLEX u"′", u"’»«¢„“”µ·…–|"},
            },
    },
    {
        .name = "fr",
        .point = '.',
        .graphics = true,
        .rows =
            {
                {u"&é\"'(-è_çà)=", u"azertyuiop" CIRCUMFLEX u"$", u"qsdfghjklmù²", u"*wxcvbn,;:!<"},
                {u"1234567890°+", u"AZERTYUIOP" DIAERESIS u"£", u"QSDFGHJKLM%~", u"µWXCVBN?./§>"},
                {u"¹~#{[|`\\^@]}", u"æ«€¶ŧ←↓→øþ" DIAERESIS u"¤",
                 u"@ßðđŋħ" NONE u"ĸłµ" CIRCUMFLEX u"¬", GRAVE u"ł»¢„“”" ACUTE u"•·" NONE u"|"},
            },
    },
};
const struct keyboard_layout *const layout_default = &layouts[0];

static bool is_name(const char *known, const char *name, size_t length)
{
    return known && strlen(known) == length && memcmp(known, name, length) == 0;
}

const struct keyboard_layout *layout_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
        if (is_name(layouts[i].name, name, length) || is_name(layouts[i].other_name, name, length))
            return &layouts[i];
    return NULL;
}

bool layout_has_graphics(const struct keyboard_layout *layout)
{
    return layout->graphics;
}

uint16_t layout_character(const struct keyboard_layout *layout, uint16_t key,
                          enum layout_level level)
{
    if (key == KEY_SPACE)
        return ' ';
    if (key == KEY_KPDOT)
        return layout->point;
    if (key == KEY_102ND)
        return layout->rows[level][ROWS - 1][ROW_KEYS - 1];
    if (key > KEY_SLASH)
        return 0;
    for (unsigned row = 0; row < ROWS; row++)
        if (key >= row_first[row] && key < row_first[row] + ROW_KEYS)
            return layout->rows[level][row][key - row_first[row]];
    return 0;
}

/* Latin-1's letters are where its capitals are, 0x20 apart; ÷ is none. */
bool layout_is_letter(const struct keyboard_layout *layout, uint16_t key)
{
    uint16_t plain = layout_character(layout, key, LAYOUT_PLAIN);
    bool small = (plain >= 'a' && plain <= 'z') || (plain >= u'à' && plain <= u'þ');

    return small && layout_character(layout, key, LAYOUT_SHIFT) == plain - 0x20;
}

/* ---- dead keys ---- */

static const struct {
    uint16_t dead, alone;
    const uint16_t *from, *to; /* each other's counterparts */
} dead_keys[] = {
    {0x0300, '`', u"AEIOUaeiou", u"ÀÈÌÒÙàèìòù"},
    {0x0301, u'´', u"ACEILNORSUYZaceilnorsuyz", u"ÁĆÉÍĹŃÓŔŚÚÝŹáćéíĺńóŕśúýź"},
    {0x0302, '^', u"ACEGHIJOSUWYaceghijosuwy", u"ÂĈÊĜĤÎĴÔŜÛŴŶâĉêĝĥîĵôŝûŵŷ"},
    {0x0303, '~', u"AINOUainou", u"ÃĨÑÕŨãĩñõũ"},
    {0x0308, u'¨', u"AEIOUYaeiouy", u"ÄËÏÖÜŸäëïöüÿ"},
    {0x0327, u'¸', u"CGKLNRSTcgklnrst", u"ÇĢĶĻŅŖŞŢçģķļņŗşţ"},
};
#define DEAD_KEYS (sizeof(dead_keys) / sizeof(dead_keys[0]))

bool layout_is_dead(uint16_t character)
{
    return character >= 0x0300 && character < 0x0370;
}

uint16_t layout_dead_alone(uint16_t dead)
{
    for (size_t i = 0; i < DEAD_KEYS; i++)
        if (dead_keys[i].dead == dead)
            return dead_keys[i].alone;
    return 0;
}

uint16_t layout_compose(uint16_t dead, uint16_t character)
{
    for (size_t i = 0; i < DEAD_KEYS; i++)
        for (size_t j = 0; dead_keys[i].dead == dead && dead_keys[i].from[j]; j++)
            if (dead_keys[i].from[j] == character)
                return dead_keys[i].to[j];
    return 0;
}
