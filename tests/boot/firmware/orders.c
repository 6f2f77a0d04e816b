#include "orders.h"

#include <library/format.h>
#include <library/string.h>

#include "processor.h"

enum { COM3 = 0x3e8, LINE_STATUS = 5, DATA_READY = 1, TRANSMITTER_EMPTY = 0x20 };

/* Static, so that orders cost no memory of the firmware. */
static char text[256 * 1024];
static struct order orders[64];
static size_t order_count;

static uint8_t byte_read(void)
{
    while (!(port_read8(COM3 + LINE_STATUS) & DATA_READY))
        __asm__ volatile("pause");
    return port_read8(COM3);
}

void report(const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    format_string_list(line, sizeof line, format, arguments);
    va_end(arguments);
    for (const char *next = line; *next; next++) {
        while (!(port_read8(COM3 + LINE_STATUS) & TRANSMITTER_EMPTY))
            __asm__ volatile("pause");
        port_write8(COM3, (uint8_t)*next);
    }
}

/* Cuts a line into the words of an order. */
static void line_divide(char *line, struct order *order)
{
    for (int i = 0; i < ORDER_WORDS; i++) {
        order->words[i] = line;
        while (*line && *line != ' ')
            line++;
        if (*line)
            *line++ = 0;
    }
}

bool orders_read(void)
{
    size_t used = 0;

    order_count = 0;
    report("ready\n");
    for (;;) {
        char *line = &text[used];

        do {
            if (used == sizeof text)
                return false;
            text[used++] = (char)byte_read();
        } while (text[used - 1] != '\n');
        text[used - 1] = 0;
        if (strcmp(line, "go") == 0)
            return true;
        if (order_count == sizeof orders / sizeof orders[0])
            return false;
        line_divide(line, &orders[order_count++]);
    }
}

const struct order *order_next(const struct order *previous, const char *name)
{
    const struct order *order = previous ? previous + 1 : orders;

    for (; order < orders + order_count; order++) {
        if (strcmp(order->words[0], name) == 0)
            return order;
    }
    return NULL;
}

static unsigned digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    return 255;
}

uint64_t order_number(const struct order *order, int index)
{
    const char *word = order->words[index];
    unsigned base = 10;
    uint64_t value = 0;

    if (word[0] == '0' && word[1] == 'x') {
        base = 16;
        word += 2;
    }
    for (; digit(*word) < base; word++)
        value = value * base + digit(*word);
    return value;
}

uint64_t order_value(const char *name, uint64_t otherwise)
{
    const struct order *order = order_next(NULL, name);

    return order ? order_number(order, 1) : otherwise;
}

size_t order_bytes(const struct order *order, int index, void *bytes, size_t size)
{
    const char *word = order->words[index];
    uint8_t *to = bytes;
    size_t count = 0;

    for (; count < size && digit(word[0]) < 16 && digit(word[1]) < 16; word += 2)
        to[count++] = (uint8_t)(digit(word[0]) << 4 | digit(word[1]));
    return count;
}
