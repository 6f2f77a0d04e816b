/* no_font.c: library/pixel.c draws glyphs, which no test of the loader wants. */
#include "library/font.h"

const struct font fonts[1];
const uint8_t font_count = 1;
const uint16_t font_codes[1];
const uint16_t font_code_count = 1;
