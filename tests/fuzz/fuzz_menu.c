/* The input: the screen's size, how many entries, whether it may be edited; then keys. */
#include "fuzz.h"
#include "library/menu/loader_settings.h"
#include "library/menu/menu.h"

#include <string.h>

static uint16_t clamp(unsigned value, unsigned least, unsigned most)
{
    return (uint16_t)(value < least ? least : value > most ? most : value);
}

static void picture_require(const struct menu *menu)
{
    static struct screen_cell cells[128 * 64 + 1];
    size_t size = (size_t)menu->columns * menu->rows;
    uint16_t column, row;

    cells[size].code = 0xabcd;
    menu_draw(menu, cells);
    require(cells[size].code == 0xabcd);
    for (size_t i = 0; i < size; i++)
        require(cells[i].foreground < 16 && cells[i].background < 16 && cells[i].code >= ' ');
    if (menu_cursor(menu, &column, &row))
        require(column < menu->columns && row < menu->rows);
}

/* The input as what was said. */
static void story_require(const uint8_t *data, size_t size)
{
    static struct menu menu;
    static char text[2048];

    size = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    menu_tell(&menu, text);
    menu_resize(&menu, clamp(data[0], MENU_COLUMNS_MINIMUM, 128),
                clamp(data[1], MENU_ROWS_MINIMUM, 64));
    picture_require(&menu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
#define LONG                                                                                       \
    "a title that is longer than one row is, \xe2\x82\xac and \xc3\xa4 and \xf0\x9f\x98\x80 and "
    static const char *const titles[] = {"\xff", "\xc3\xa4 title", "", LONG LONG LONG};
    static struct menu_item items[64];
    static struct menu menu;
    const char *facts[] = {"a", "name   " LONG LONG};

    if (size < 5)
        return 0;
    story_require(data, size);
    for (size_t i = 0; i < 64; i++)
        items[i] = (struct menu_item){titles[i % 4], i % 5 == 0, i % 2 == 0};
    menu_begin(&menu, items, 1 + data[2] % 64, data[3], data[4]);
    menu.editor = data[3] & 1;
    menu.facts = facts;
    menu.fact_count = 2;
    menu_resize(&menu, clamp(data[0], MENU_COLUMNS_MINIMUM, 128),
                clamp(data[1], MENU_ROWS_MINIMUM, 64));
    for (size_t i = 5; i < size; i++) {
        uint32_t key = data[i] < 0xf0 ? data[i] : MENU_KEY_ENTER + (data[i] & 0xfU);
        enum menu_action action = i % 7 ? menu_input(&menu, key) : menu_tick(&menu);

        require(action <= MENU_POWER_OFF);
        if (action == MENU_EDIT)
            menu_edit(&menu, "some options of the entry, which are longer than one row is wide");
        require(menu.selected < menu.count && menu.cursor <= strlen(menu.line));
        if (i % 16 == 0 || i + 1 == size)
            picture_require(&menu);
    }
    return 0;
}
