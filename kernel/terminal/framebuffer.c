/*
 * framebuffer.c: draws the cells of a screen (library/screen/screen.h) into the
 * linear framebuffer. The cells in RAM are the truth, and `drawn` says what
 * was painted of them, so that only what differs is painted and nothing is
 * ever read from video memory.
 */
#include "terminal/framebuffer.h"

#include <handoff.h>
#include <linux/errno.h>

#include "cpu/log.h"
#include "cpu/spinlock.h"
#include "library/pixel.h"
#include "library/screen/screen.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/worker.h"
#include "thread/preemption.h"
#include "thread/thread.h"
#include "thread/wait_queue.h"

struct console {
    struct spinlock lock; /* with interrupts off; taken under the log's lock */

    /* Constant after framebuffer_initialize(). */
    volatile uint32_t *pixels; /* NULL: no screen */
    size_t stride;             /* pixels */
    const struct font *font;
    uint32_t colours[array_length(screen_palette)]; /* packed */

    /* lock */
    struct screen screen;
    struct screen_cell *drawn;    /* what is on the screen, cell by cell */
    uint16_t drawn_cursor_column; /* where the cursor is drawn … */
    uint16_t drawn_cursor_row;
    bool cursor_drawn; /* … if it is */

    bool painter_runs;               /* atomic */
    bool painter_wanted;             /* atomic: something is to be painted */
    struct wait_queue painter_queue; /* where it sleeps */
};

static struct console console;

/* ---- painting; the lock is held ---- */

static void cell_paint(uint16_t column, uint16_t row, struct screen_cell cell, bool inverted)
{
    const struct font *font = console.font;
    uint32_t foreground = console.colours[cell.foreground & 15];
    uint32_t background = console.colours[cell.background & 15];
    volatile uint32_t *to =
        console.pixels + (size_t)row * font->height * console.stride + (size_t)column * font->width;

    glyph_draw(to, console.stride, font, glyph_find(cell.code), inverted ? background : foreground,
               inverted ? foreground : background);
}

static bool cells_equal(struct screen_cell left, struct screen_cell right)
{
    return left.code == right.code && left.foreground == right.foreground &&
           left.background == right.background;
}

static void row_paint(uint16_t row)
{
    const struct screen_cell *cells = screen_row(&console.screen, row);
    struct screen_cell *drawn = console.drawn + (size_t)row * console.screen.columns;

    for (uint16_t column = 0; column < console.screen.columns; column++) {
        if (cells_equal(cells[column], drawn[column]))
            continue;
        cell_paint(column, row, cells[column], false);
        drawn[column] = cells[column];
    }
}

/* The cursor is a cell with its colours swapped. */
static void cursor_hide(void)
{
    uint16_t column = console.drawn_cursor_column, row = console.drawn_cursor_row;

    if (!console.cursor_drawn)
        return;
    cell_paint(column, row, console.drawn[(size_t)row * console.screen.columns + column], false);
    console.cursor_drawn = false;
}

static void cursor_show(void)
{
    const struct screen *screen = &console.screen;

    if (!screen->cursor_visible)
        return;
    cell_paint(screen->column, screen->row, screen_row(screen, screen->row)[screen->column], true);
    console.drawn_cursor_column = screen->column;
    console.drawn_cursor_row = screen->row;
    console.cursor_drawn = true;
}

/* Brings the framebuffer up to date: at most one painting of each cell, however much was written.
 */
static void console_paint(void)
{
    struct screen *screen = &console.screen;

    cursor_hide();
    for (uint16_t row = screen->changed_top; row < screen->changed_end; row++)
        row_paint(row);
    screen->changed_top = screen->changed_end = 0;
    cursor_show();
}

/* ---- locking, painting later ---- */

/* Nobody else runs after a panic, but the lock may be held by one who was stopped. */
static bool console_lock(void)
{
    return log_in_panic() ? interrupts_save() : spinlock_acquire_save(&console.lock);
}

static void console_unlock(bool enabled)
{
    if (log_in_panic())
        interrupts_restore(enabled);
    else
        spinlock_release_restore(&console.lock, enabled);
}

/* Paints the first row that changed. False: there is none. */
static bool painter_step(void)
{
    bool enabled = console_lock();
    struct screen *screen = &console.screen;
    bool changed = screen->changed_top < screen->changed_end;

    cursor_hide();
    if (changed)
        row_paint(screen->changed_top++);
    if (screen->changed_top >= screen->changed_end) {
        screen->changed_top = screen->changed_end = 0;
        cursor_show();
    }
    console_unlock(enabled);
    return changed;
}

static bool painter_wanted(void)
{
    return __atomic_exchange_n(&console.painter_wanted, false, __ATOMIC_ACQ_REL);
}

static void painter(void *argument)
{
    (void)argument;
    for (;;) {
        wait_event(&console.painter_queue, painter_wanted(), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
        while (painter_step())
            thread_preemption_point();
    }
}

/*
 * Not under the lock: waking takes the scheduler's locks, whose holders may
 * write to the log, and so to the screen.
 */
static void painter_wake(void)
{
    if (!__atomic_exchange_n(&console.painter_wanted, true, __ATOMIC_ACQ_REL))
        wait_queue_wake(&console.painter_queue);
}

int framebuffer_start_painter(void)
{
    static struct worker worker;

    if (!console.pixels)
        return 0;
    wait_queue_initialize(&console.painter_queue);
    int error = worker_start(&worker, "painter", painter, NULL);
    if (error)
        return error;
    __atomic_store_n(&console.painter_runs, true, __ATOMIC_RELEASE);
    return 0;
}

/* ---- who writes ---- */

/* The log's lines end in newlines only, and begin a line whatever a program left there. */
static void framebuffer_log_write(struct log_sink *sink, const char *text, size_t size)
{
    (void)sink;
    bool enabled = console_lock();

    if (console.screen.column)
        screen_write(&console.screen, "\r\n", 2);
    while (size) {
        const char *newline = memchr(text, '\n', size);
        size_t line = newline ? (size_t)(newline - text) : size;

        screen_write(&console.screen, text, line);
        if (newline) {
            screen_write(&console.screen, "\r\n", 2);
            line++;
        }
        text += line;
        size -= line;
    }
    console_paint();
    console_unlock(enabled);
}

static struct log_sink framebuffer_sink = {
    .write = framebuffer_log_write,
};

size_t framebuffer_write(const char *bytes, size_t size, char *reply)
{
    if (!console.pixels)
        return 0;
    bool later = __atomic_load_n(&console.painter_runs, __ATOMIC_ACQUIRE);
    bool enabled = console_lock();

    screen_write(&console.screen, bytes, size);
    if (!later)
        console_paint();
    size_t reply_size = screen_take_reply(&console.screen, reply);
    console_unlock(enabled);
    if (later)
        painter_wake();
    return reply_size;
}

bool framebuffer_size(uint16_t *columns, uint16_t *rows)
{
    if (!console.pixels)
        return false;
    *columns = console.screen.columns;
    *rows = console.screen.rows;
    return true;
}

bool framebuffer_application_cursor(void)
{
    return __atomic_load_n(&console.screen.application_cursor, __ATOMIC_RELAXED);
}

/* ---- start ---- */

static uint16_t cells_in(uint32_t pixels, uint32_t cell, uint16_t maximum)
{
    return pixels / cell < maximum ? pixels / cell : maximum;
}

static void clear(const struct handoff_framebuffer *framebuffer)
{
    for (uint32_t y = 0; y < framebuffer->height; y++) {
        volatile uint32_t *line = console.pixels + (size_t)y * console.stride;

        for (uint32_t x = 0; x < framebuffer->width; x++)
            line[x] = console.colours[0];
    }
}

/* Everything but the log's registration, so that a failure leaves nothing behind. */
static int console_prepare(const struct handoff_framebuffer *framebuffer)
{
    struct pixel_format format;
    const struct font *font = font_for_width(framebuffer->width);
    uint16_t columns = cells_in(framebuffer->width, font->width, SCREEN_COLUMNS_MAXIMUM);
    uint16_t rows = cells_in(framebuffer->height, font->height, SCREEN_ROWS_MAXIMUM);
    size_t bytes = (size_t)columns * rows * sizeof(struct screen_cell);
    const char *problem = framebuffer_check(framebuffer);

    if (problem) {
        /* A machine without one is in order; what the console is, console.c says. */
        if (framebuffer->format != HANDOFF_PIXEL_NONE)
            log_write(LOG_WARNING, "no console on the framebuffer: %s", problem);
        return -ENODEV;
    }
    if (pixel_format_find(framebuffer, &format) || columns == 0 || rows == 0) {
        log_write(LOG_WARNING, "no console on the framebuffer: odd format or size");
        return -ENODEV;
    }
    struct screen_cell *cells = heap_allocate_zeroed(2 * bytes);
    if (!cells)
        return -ENOMEM;
    console.pixels =
        device_map(framebuffer->base, (size_t)framebuffer->stride * framebuffer->height * 4,
                   DEVICE_WRITE_COMBINING);
    if (!console.pixels) {
        heap_free(cells);
        return -ENOMEM;
    }
    console.stride = framebuffer->stride;
    console.font = font;
    for (size_t i = 0; i < array_length(console.colours); i++)
        console.colours[i] = pixel_pack(&format, screen_palette[i]);
    console.drawn = cells + (size_t)columns * rows;
    screen_initialize(&console.screen, cells, columns, rows);
    return 0;
}

int framebuffer_initialize(const struct handoff_framebuffer *framebuffer)
{
    int error = console_prepare(framebuffer);

    if (error)
        return error;
    clear(framebuffer);
    log_sink_add(&framebuffer_sink);
    log_write(LOG_NOTICE, "screen: %ux%u pixels, %ux%u characters", framebuffer->width,
              framebuffer->height, console.screen.columns, console.screen.rows);
    return 0;
}
