#include "library/qr_code.h"

#include "library/string.h"

/* Version 5, level L (ISO/IEC 18004, tables 1 and 9). */
enum {
    DATA = 108,
    CORRECTION = 26,
    WORDS = DATA + CORRECTION,
    BYTE_MODE = 4,
    ALIGNMENT = 30, /* column and row of the alignment pattern's middle */
    TIMING = 6,     /* column and row of the timing patterns */
};

/* ---- code words ---- */

static void put_bits(uint8_t words[WORDS], size_t *at, unsigned value, unsigned count)
{
    while (count-- > 0) {
        words[*at / 8] |= (value >> count & 1) << (7 - *at % 8);
        ++*at;
    }
}

/* Mode, length, bytes, a terminator of 0, and padding (7.4). */
static void fill_data(uint8_t words[WORDS], const char *text, size_t length)
{
    size_t at = 0;

    put_bits(words, &at, BYTE_MODE, 4);
    put_bits(words, &at, (unsigned)length, 8);
    for (size_t i = 0; i < length; i++)
        put_bits(words, &at, (uint8_t)text[i], 8);
    for (size_t i = (at + 4 + 7) / 8, odd = 0; i < DATA; i++, odd ^= 1)
        words[i] = odd ? 0x11 : 0xec;
}

/* In the field of 256 elements with x^8 + x^4 + x^3 + x^2 + 1 (7.5.2). */
static uint8_t multiply(uint8_t left, uint8_t right)
{
    unsigned product = 0;

    for (int bit = 7; bit >= 0; bit--) {
        product = product << 1 ^ (product >> 7) * 0x11d;
        product ^= (right >> bit & 1) * left;
    }
    return (uint8_t)product;
}

/* The product of x - 2^i for each of the code words, without its leading 1; highest power first. */
static void make_generator(uint8_t generator[CORRECTION])
{
    uint8_t root = 1;

    memset(generator, 0, CORRECTION);
    generator[CORRECTION - 1] = 1;
    for (unsigned i = 0; i < CORRECTION; i++) {
        for (unsigned k = 0; k < CORRECTION; k++) {
            generator[k] = multiply(generator[k], root);
            if (k + 1 < CORRECTION)
                generator[k] ^= generator[k + 1];
        }
        root = multiply(root, 2);
    }
}

/* The rest of the data, divided by the generator. */
static void fill_correction(uint8_t words[WORDS])
{
    uint8_t generator[CORRECTION], *rest = words + DATA;

    make_generator(generator);
    for (size_t i = 0; i < DATA; i++) {
        uint8_t factor = words[i] ^ rest[0];
        memmove(rest, rest + 1, CORRECTION - 1);
        rest[CORRECTION - 1] = 0;
        for (unsigned k = 0; k < CORRECTION; k++)
            rest[k] ^= multiply(generator[k], factor);
    }
}

/* ---- modules ---- */

/* A code, and which of its modules are not for data. */
struct drawing {
    struct qr_code *code;
    struct qr_code fixed;
};

static void set_module(struct qr_code *code, int column, int row, bool dark)
{
    uint64_t bit = UINT64_C(1) << column;

    code->rows[row] = dark ? code->rows[row] | bit : code->rows[row] & ~bit;
}

static void draw_fixed(struct drawing *drawing, int column, int row, bool dark)
{
    if (column < 0 || row < 0 || column >= QR_SIZE || row >= QR_SIZE)
        return;
    set_module(drawing->code, column, row, dark);
    set_module(&drawing->fixed, column, row, true);
}

/* How far a module lies from the middle of squares within squares. */
static int ring(int column, int row)
{
    int across = column < 0 ? -column : column, down = row < 0 ? -row : row;

    return across > down ? across : down;
}

/* A finder pattern and the light separator round it (6.3.3, 6.3.4). */
static void draw_finder(struct drawing *drawing, int column, int row)
{
    for (int y = -4; y <= 4; y++)
        for (int x = -4; x <= 4; x++)
            draw_fixed(drawing, column + x, row + y, ring(x, y) != 2 && ring(x, y) != 4);
}

static void draw_alignment(struct drawing *drawing)
{
    for (int y = -2; y <= 2; y++)
        for (int x = -2; x <= 2; x++)
            draw_fixed(drawing, ALIGNMENT + x, ALIGNMENT + y, ring(x, y) != 1);
}

/*
 * Twice, round the finder patterns (7.9): level L and mask 0 with their check bits, and a module
 * that is always dark. The format's least significant bit comes first.
 */
static void draw_format(struct drawing *drawing)
{
    const unsigned format = 0x77c4;
    enum { LAST = QR_SIZE - 1 };

    for (int i = 0; i < 15; i++) {
        bool dark = format >> i & 1;
        int near = i < 6 ? i : i < 8 ? i + 1 : 14 - i + (i == 8);
        draw_fixed(drawing, i < 8 ? 8 : near, i < 8 ? near : 8, dark);
        draw_fixed(drawing, i < 8 ? LAST - i : 8, i < 8 ? 8 : LAST - 14 + i, dark);
    }
    draw_fixed(drawing, 8, LAST - 7, true);
}

static void draw_patterns(struct drawing *drawing)
{
    for (int i = 0; i < QR_SIZE; i++) {
        draw_fixed(drawing, TIMING, i, i % 2 == 0);
        draw_fixed(drawing, i, TIMING, i % 2 == 0);
    }
    draw_finder(drawing, 3, 3);
    draw_finder(drawing, QR_SIZE - 4, 3);
    draw_finder(drawing, 3, QR_SIZE - 4);
    draw_alignment(drawing);
    draw_format(drawing);
}

/* Two columns at a time, from the right, up and down in turn (7.7.3); mask 0 (7.8.2). */
static void draw_words(struct drawing *drawing, const uint8_t words[WORDS])
{
    size_t at = 0;

    for (int right = QR_SIZE - 1, up = 1; right > 0; right -= 2, up ^= 1) {
        if (right == TIMING)
            right--;
        for (int i = 0; i < 2 * QR_SIZE; i++) {
            int column = right - i % 2, row = up ? QR_SIZE - 1 - i / 2 : i / 2;
            if (qr_code_dark(&drawing->fixed, column, row))
                continue;
            bool dark = at < 8 * (size_t)WORDS && (words[at / 8] >> (7 - at % 8) & 1);
            at++;
            set_module(drawing->code, column, row, dark != ((column + row) % 2 == 0));
        }
    }
}

bool qr_code_make(struct qr_code *code, const char *text, size_t length)
{
    struct drawing drawing = {.code = code};
    uint8_t words[WORDS] = {0};

    if (length > QR_TEXT_MAXIMUM)
        return false;
    *code = (struct qr_code){0};
    fill_data(words, text, length);
    fill_correction(words);
    draw_patterns(&drawing);
    draw_words(&drawing, words);
    return true;
}

bool qr_code_dark(const struct qr_code *code, int column, int row)
{
    return column >= 0 && row >= 0 && column < QR_SIZE && row < QR_SIZE &&
           (code->rows[row] >> column & 1);
}
