#include "orders.h"

#include <library/format.h>
#include <library/string.h>

#include "processor.h"

enum { COM3 = 0x3e8, FIFO_CONTROL = 2, LINE_STATUS = 5, DATA_READY = 1, TRANSMITTER_EMPTY = 0x20 };
/* On, and an interrupt at 14 bytes, of which here only QEMU knows: it takes as many at once. */
#define FIFO_ON 0xc1

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

/* A line behind what is there already, without its end; NULL: there is no room. */
static char *line_read(size_t *used)
{
    char *line = &text[*used];

    do {
        if (*used == sizeof text)
            return NULL;
        text[(*used)++] = (char)byte_read();
    } while (text[*used - 1] != '\n');
    text[*used - 1] = 0;
    return line;
}

/*
 * What is left over of other orders may come first, when whoever gave them has put the machine back
 * meanwhile: `begin NUMBER` forgets it, and only that number's `go` counts.
 */
bool orders_read(void)
{
    size_t used = 0;
    char *line;

    port_write8(COM3 + FIFO_CONTROL, FIFO_ON);
    order_count = 0;
    report("ready\n");
    while (order_count < sizeof orders / sizeof orders[0] && (line = line_read(&used))) {
        struct order *order = &orders[order_count++];

        line_divide(line, order);
        if (strcmp(order->words[0], "begin") == 0) {
            orders[0] = *order;
            order_count = 1;
        }
        if (strcmp(order->words[0], "go") != 0)
            continue;
        if (strcmp(orders[0].words[0], "begin") == 0 &&
            strcmp(orders[0].words[1], order->words[1]) == 0) {
            report("go %s\n", order->words[1]);
            return true;
        }
        order_count = used = 0;
    }
    return false;
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
