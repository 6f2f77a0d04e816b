/* The input is the screen's size and what a program writes to it. */
#include "fuzz.h"
#include "library/screen/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct screen screen;
    char reply[SCREEN_REPLY_SIZE];

    if (size < 2)
        return 0;
    uint16_t columns = data[0] % 90 + 1, rows = data[1] % 30 + 1;
    struct screen_cell *cells = malloc((size_t)columns * rows * sizeof(*cells));
    screen_initialize(&screen, cells, columns, rows);
    for (size_t i = 2; i < size; i++) {
        screen_write(&screen, (const char *)data + i, 1);
        require(screen.column < columns && screen.row < rows);
        require(screen.region_top < screen.region_end && screen.region_end <= rows);
        require(screen.changed_top <= screen.changed_end && screen.changed_end <= rows);
        require(screen.reply_size <= SCREEN_REPLY_SIZE);
    }
    for (size_t i = 0; i < (size_t)columns * rows; i++)
        require(cells[i].foreground < 16 && cells[i].background < 16);
    require(screen_take_reply(&screen, reply) <= SCREEN_REPLY_SIZE);
    require(screen.reply_size == 0);
    free(cells);
    return 0;
}
