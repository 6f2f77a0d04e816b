/* style.c: SGR: how new characters look; and the nearest of sixteen colours to any other. */
#include "library/screen/cells.h"

/* Chosen so that each is legible on black, also blue. */
const uint32_t screen_palette[16] = {
    0x000000, 0xcd3131, 0x22b14c, 0xc4a000, 0x4a78d0, 0xb05fc0, 0x11a8cd, 0xd0d0d0,
    0x767676, 0xff5f5f, 0x5fe07f, 0xffe066, 0x7fa8ff, 0xe08cf0, 0x5fd7ff, 0xffffff,
};

const struct screen_style screen_default_style = {
    .foreground = SCREEN_DEFAULT_FOREGROUND,
    .background = SCREEN_DEFAULT_BACKGROUND,
};

/* The one of the sixteen colours that is nearest to an RGB value. */
static uint8_t nearest_colour(unsigned red, unsigned green, unsigned blue)
{
    unsigned best = UINT32_MAX;
    uint8_t colour = 0;

    for (uint8_t i = 0; i < 16; i++) {
        int r = (int)(screen_palette[i] >> 16) - (int)red;
        int g = (int)(screen_palette[i] >> 8 & 0xff) - (int)green;
        int b = (int)(screen_palette[i] & 0xff) - (int)blue;
        unsigned distance = r * r + g * g + b * b;

        if (distance < best) {
            best = distance;
            colour = i;
        }
    }
    return colour;
}

/* One of xterm's 256: sixteen, a cube of 6x6x6, 24 greys. */
static uint8_t indexed_colour(uint16_t index)
{
    static const uint8_t steps[] = {0, 95, 135, 175, 215, 255};

    if (index < 16)
        return index;
    if (index < 232) {
        index -= 16;
        return nearest_colour(steps[index / 36], steps[index / 6 % 6], steps[index % 6]);
    }
    unsigned grey = 8 + (index - 232) * 10;
    return nearest_colour(grey, grey, grey);
}

/* SGR 38 and 48: ;5;index or ;2;red;green;blue. Returns how many parameters it took. */
static unsigned extended_colour(const struct screen *screen, unsigned index, uint8_t *colour)
{
    const uint16_t *parameters = screen->parameters + index;
    unsigned left = screen->parameter_count - index;

    if (left >= 3 && parameters[1] == 5) {
        if (parameters[2] < 256)
            *colour = indexed_colour(parameters[2]);
        return 3;
    }
    if (left >= 5 && parameters[1] == 2) {
        *colour = nearest_colour(parameters[2] & 0xff, parameters[3] & 0xff, parameters[4] & 0xff);
        return 5;
    }
    return left;
}

/* SGR (ECMA-48, 8.3.117). */
void screen_style_set(struct screen *screen)
{
    struct screen_style *style = &screen->style;

    for (unsigned i = 0; i < screen->parameter_count; i++) {
        uint16_t value = screen->parameters[i];

        switch (value) {
        case 0:
            *style = screen_default_style;
            break;
        case 1:
            style->bold = true;
            break;
        case 2:
            style->dim = true;
            break;
        case 4:
            style->underline = true;
            break;
        case 5:
            style->blink = true;
            break;
        case 7:
            style->reverse = true;
            break;
        case 8:
            style->invisible = true;
            break;
        case 21:
            style->underline = true;
            break;
        case 22:
            style->bold = style->dim = false;
            break;
        case 24:
            style->underline = false;
            break;
        case 25:
            style->blink = false;
            break;
        case 27:
            style->reverse = false;
            break;
        case 28:
            style->invisible = false;
            break;
        case 30 ... 37:
            style->foreground = value - 30;
            break;
        case 38:
            i += extended_colour(screen, i, &style->foreground) - 1;
            break;
        case 39:
            style->foreground = SCREEN_DEFAULT_FOREGROUND;
            break;
        case 40 ... 47:
            style->background = value - 40;
            break;
        case 48:
            i += extended_colour(screen, i, &style->background) - 1;
            break;
        case 49:
            style->background = SCREEN_DEFAULT_BACKGROUND;
            break;
        case 90 ... 97:
            style->foreground = value - 90 + SCREEN_BRIGHT;
            break;
        case 100 ... 107:
            style->background = value - 100 + SCREEN_BRIGHT;
            break;
        }
    }
}
