/*
 * display.h: shows the menu on everything that a person may look at: on screens as a picture in the
 * kernel console's font, on serial lines as text.
 *
 * Which is which: EDK2 marks the devices of its console (gEfiConsoleOutDeviceGuid); those without a
 * graphics output are lines of text. A firmware that marks none (U-Boot) gets text on its one
 * console, whatever that leads to.
 */
#ifndef BATON_LOADER_MENU_DISPLAY_H
#define BATON_LOADER_MENU_DISPLAY_H

#include <library/menu/menu.h>

#include "firmware.h"

#define DISPLAY_TEXTS_MAXIMUM 8

/* Something with a grid of its own. */
struct display_grid {
    uint16_t columns, rows;
    struct screen_cell *drawn; /* what it shows; NULL: not known */
};

struct display {
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics; /* NULL: there is none */
    struct display_grid picture;
    uint32_t left, top; /* pixels: where the grid begins */
    uint32_t *row;      /* pixels of one row of characters */
    SIMPLE_TEXT_OUTPUT_INTERFACE *texts[DISPLAY_TEXTS_MAXIMUM];
    struct display_grid text_grids[DISPLAY_TEXTS_MAXIMUM];
    size_t text_count;
    bool has_texts;            /* false: it is the screen's alone */
    struct screen_cell *cells; /* the picture in the making */
};

/* False: nothing can be shown. */
bool display_open(struct display *display);
/* The screen alone: what serial lines were told stays there. */
bool display_open_screen(struct display *display);
/* Clears everything that is shown on for who writes next. */
void display_close(struct display *display);

/* Shows the menu as it is; only what changed is drawn. */
void display_show(struct display *display, struct menu *menu);

/* The screen's next mode that fits; the text of what it is to `name`. False: there is no other. */
bool display_next_mode(struct display *display, char *name, size_t size);

#endif
