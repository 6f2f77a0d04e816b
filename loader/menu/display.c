#include "menu/display.h"

#include <library/format.h>
#include <library/pixel.h>
#include <library/string.h>

#include "pages.h"
#include "record/entry_state.h"

/* A line of text that is longer, a page that is higher, is no pleasure to read. */
#define COLUMNS_COMFORTABLE 100
#define ROWS_COMFORTABLE    32

static uint16_t least(size_t left, size_t right)
{
    return (uint16_t)(left < right ? left : right);
}

/* Memory for what a grid shows. */
static bool grid_begin(struct display_grid *grid, size_t columns, size_t rows)
{
    *grid = (struct display_grid){least(columns, COLUMNS_COMFORTABLE),
                                  least(rows, ROWS_COMFORTABLE), NULL};
    return columns >= MENU_COLUMNS_MINIMUM && rows >= MENU_ROWS_MINIMUM &&
           !EFI_ERROR(pages_allocate((size_t)grid->columns * grid->rows * sizeof *grid->drawn,
                                     "the menu", (void **)&grid->drawn));
}

static bool row_changed(const struct display_grid *grid, const struct screen_cell *cells,
                        uint16_t row)
{
    size_t at = (size_t)row * grid->columns, size = grid->columns * sizeof *cells;

    if (memcmp(grid->drawn + at, cells + at, size) == 0)
        return false;
    memcpy(grid->drawn + at, cells + at, size);
    return true;
}

/* ---- the screen ---- */

static const struct font *screen_font(const struct display *display)
{
    return font_for_width(display->graphics->Mode->Info->HorizontalResolution);
}

static void screen_clear(struct display *display)
{
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = display->graphics->Mode->Info;
    EFI_GRAPHICS_OUTPUT_BLT_PIXEL black = {0};

    display->graphics->Blt(display->graphics, &black, EfiBltVideoFill, 0, 0, 0, 0,
                           mode->HorizontalResolution, mode->VerticalResolution, 0);
}

/* The grid lies in the middle of the screen. */
static bool screen_begin(struct display *display)
{
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = display->graphics->Mode->Info;
    const struct font *font = screen_font(display);
    struct display_grid *grid = &display->picture;

    pages_free(grid->drawn);
    pages_free(display->row);
    display->row = NULL;
    if (!grid_begin(grid, mode->HorizontalResolution / font->width,
                    mode->VerticalResolution / font->height) ||
        EFI_ERROR(pages_allocate((size_t)grid->columns * font->width * font->height * 4, "the menu",
                                 (void **)&display->row)))
        return false;
    display->left = (mode->HorizontalResolution / font->width - grid->columns) / 2 * font->width;
    display->top = (mode->VerticalResolution / font->height - grid->rows) / 2 * font->height;
    screen_clear(display);
    return true;
}

/* A pixel for Blt() is 0x00rrggbb in memory (UEFI 2.10, 12.9.2, EFI_GRAPHICS_OUTPUT_BLT_PIXEL). */
static void screen_draw_row(struct display *display, const struct screen_cell *cells, uint16_t row)
{
    const struct font *font = screen_font(display);
    size_t stride = (size_t)display->picture.columns * font->width;

    for (uint16_t column = 0; column < display->picture.columns; column++) {
        const struct screen_cell *cell = cells + (size_t)row * display->picture.columns + column;

        glyph_draw(display->row + (size_t)column * font->width, stride, font,
                   glyph_find(cell->code), screen_palette[cell->foreground],
                   screen_palette[cell->background]);
    }
    display->graphics->Blt(display->graphics, (EFI_GRAPHICS_OUTPUT_BLT_PIXEL *)display->row,
                           EfiBltBufferToVideo, 0, 0, display->left,
                           display->top + (UINTN)row * font->height, stride, font->height, 0);
}

/* The cell at the cursor with its colours the other way round. */
static void cursor_mark(const struct menu *menu, struct screen_cell *cells)
{
    uint16_t column, row;

    if (!menu_cursor(menu, &column, &row))
        return;
    struct screen_cell *cell = cells + (size_t)row * menu->columns + column;
    *cell = (struct screen_cell){cell->code, cell->background, cell->foreground};
}

static void screen_show(struct display *display, struct menu *menu)
{
    menu_resize(menu, display->picture.columns, display->picture.rows);
    menu_draw(menu, display->cells);
    cursor_mark(menu, display->cells);
    for (uint16_t row = 0; row < menu->rows; row++) {
        if (row_changed(&display->picture, display->cells, row))
            screen_draw_row(display, display->cells, row);
    }
}

/* ---- text ---- */

/* Whether a picture can be drawn with it. */
static bool text_is_whole(const SIMPLE_TEXT_OUTPUT_INTERFACE *text)
{
    enum { UP_TO_CURSOR = 9 };

    return recording_can_call(text, UP_TO_CURSOR) &&
           recording_is_mapped((uintptr_t)text->Mode, sizeof *text->Mode);
}

/* UEFI orders the eight colours blue, green, red; terminals red, green, blue. Only eight of them
   can be a background (UEFI 2.10, 12.4, SetAttribute()). */
static UINTN text_attribute(const struct screen_cell *cell)
{
    static const uint8_t colours[8] = {0, 4, 2, 6, 1, 5, 3, 7};

    return colours[cell->foreground & 7] | (cell->foreground & 8U) |
           (UINTN)colours[cell->background & 7] << 4;
}

/* A line that is a terminal of the PC's code page (EDK2's default) shows what is beyond ASCII as
   something else on every terminal of today: what the picture itself draws is told in ASCII. */
static CHAR16 text_code(uint16_t code)
{
    switch (code) {
    case 0x2191:
        return '^';
    case 0x2193:
        return 'v';
    case 0x2500:
        return '-';
    case 0x2026:
        return '>';
    default:
        return code;
    }
}

/* Cells of one colour are one string. */
static void text_draw_row(SIMPLE_TEXT_OUTPUT_INTERFACE *text, const struct display_grid *grid,
                          const struct screen_cell *cells)
{
    CHAR16 run[COLUMNS_COMFORTABLE + 1];

    for (uint16_t column = 0; column < grid->columns;) {
        UINTN attribute = text_attribute(&cells[column]);
        size_t length = 0;

        while (column < grid->columns && text_attribute(&cells[column]) == attribute)
            run[length++] = text_code(cells[column++].code);
        run[length] = 0;
        text->SetAttribute(text, attribute);
        text->OutputString(text, run);
    }
}

static void text_begin(struct display *display, SIMPLE_TEXT_OUTPUT_INTERFACE *text)
{
    struct display_grid *grid = &display->text_grids[display->text_count];
    UINTN columns = 0, rows = 0;

    if (display->text_count == DISPLAY_TEXTS_MAXIMUM || !text_is_whole(text))
        return;
    if (EFI_ERROR(text->QueryMode(text, text->Mode->Mode, &columns, &rows)))
        columns = 80, rows = 25;
    /* The last column of the last row would scroll. */
    if (!grid_begin(grid, columns > 0 ? columns - 1 : 0, rows))
        return;
    display->texts[display->text_count++] = text;
    text->SetAttribute(text, 7);
    text->ClearScreen(text);
    text->EnableCursor(text, FALSE);
}

static void text_show(struct display *display, size_t index, struct menu *menu)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *text = display->texts[index];
    struct display_grid *grid = &display->text_grids[index];
    uint16_t column, row;

    menu_resize(menu, grid->columns, grid->rows);
    menu_draw(menu, display->cells);
    for (uint16_t line = 0; line < grid->rows; line++) {
        if (!row_changed(grid, display->cells, line))
            continue;
        text->SetCursorPosition(text, 0, line);
        text_draw_row(text, grid, display->cells + (size_t)line * grid->columns);
    }
    bool shown = menu_cursor(menu, &column, &row);
    text->EnableCursor(text, shown);
    if (shown)
        text->SetCursorPosition(text, column, row);
}

/* ---- which devices there are ---- */

static void texts_find(struct display *display)
{
    static const EFI_GUID console_out_device = {
        0xd3b36f2c, 0xd551, 0x11d4, {0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
    static const EFI_GUID text_out = SIMPLE_TEXT_OUTPUT_PROTOCOL;
    static const EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&console_out_device, &handles);

    for (size_t i = 0; i < count; i++) {
        SIMPLE_TEXT_OUTPUT_INTERFACE *text = firmware_protocol(handles[i], &text_out);

        if (text && !firmware_protocol(handles[i], &graphics_output))
            text_begin(display, text);
    }
    if (count) {
        firmware.boot->FreePool(handles);
    } else if (firmware.console) {
        display->graphics = NULL;
        text_begin(display, firmware.console);
    }
}

static EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics_find(void)
{
    static const EFI_GUID graphics_output = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics =
        firmware_protocol(firmware.system->ConsoleOutHandle, &graphics_output);

    return graphics && recording_is_mapped((uintptr_t)graphics->Mode, sizeof *graphics->Mode) &&
                   recording_is_mapped((uintptr_t)graphics->Mode->Info,
                                       sizeof *graphics->Mode->Info) &&
                   recording_can_call(&graphics->Blt, 1)
               ? graphics
               : NULL;
}

static bool cells_make(struct display *display)
{
    return !EFI_ERROR(
        pages_allocate(COLUMNS_COMFORTABLE * ROWS_COMFORTABLE * sizeof *display->cells, "the menu",
                       (void **)&display->cells));
}

static void screen_open(struct display *display)
{
    if (display->graphics && text_is_whole(firmware.console))
        firmware.console->EnableCursor(firmware.console, FALSE);
    if (display->graphics && !screen_begin(display))
        display->graphics = NULL;
}

bool display_open(struct display *display)
{
    *display = (struct display){.graphics = graphics_find(), .has_texts = true};
    if (!cells_make(display))
        return false;
    texts_find(display);
    screen_open(display);
    return display->graphics || display->text_count;
}

bool display_open_screen(struct display *display)
{
    *display = (struct display){.graphics = graphics_find()};
    if (!display->graphics || !cells_make(display))
        return false;
    screen_open(display);
    return display->graphics;
}

void display_close(struct display *display)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *console = firmware.console;

    if (text_is_whole(console)) {
        console->SetAttribute(console, 7);
        if (display->has_texts)
            console->ClearScreen(console);
        console->EnableCursor(console, TRUE);
    }
    if (display->graphics) /* the text's area may be smaller than the screen is now */
        screen_clear(display);
    pages_free(display->picture.drawn);
    pages_free(display->row);
    pages_free(display->cells);
    for (size_t i = 0; i < display->text_count; i++)
        pages_free(display->text_grids[i].drawn);
}

void display_show(struct display *display, struct menu *menu)
{
    for (size_t i = 0; i < display->text_count; i++)
        text_show(display, i, menu);
    if (display->graphics)
        screen_show(display, menu);
}

/* ---- modes ---- */

static bool mode_fits(EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics, uint32_t number)
{
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *information = NULL;
    UINTN size = 0;
    bool fits;

    if (EFI_ERROR(graphics->QueryMode(graphics, number, &size, &information)) || !information)
        return false;
    fits = information->HorizontalResolution >= 640 && information->VerticalResolution >= 480 &&
           information->PixelFormat < PixelBltOnly;
    firmware.boot->FreePool(information);
    return fits;
}

bool display_next_mode(struct display *display, char *name, size_t size)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics = display->graphics;

    for (uint32_t step = 1; graphics && step < graphics->Mode->MaxMode; step++) {
        uint32_t number = (graphics->Mode->Mode + step) % graphics->Mode->MaxMode;

        if (!mode_fits(graphics, number) || EFI_ERROR(graphics->SetMode(graphics, number)))
            continue;
        if (!screen_begin(display)) {
            display->graphics = NULL;
            return false;
        }
        format_string(name, size, "%u x %u", graphics->Mode->Info->HorizontalResolution,
                      graphics->Mode->Info->VerticalResolution);
        return true;
    }
    return false;
}
