/*
 * serial.h: the four serial ports of a PC. COM1 is a sink of the kernel's log
 * before anything else works; all four are terminals (ttyS0 to ttyS3) once
 * threads run.
 */
#ifndef BATON_TERMINAL_SERIAL_H
#define BATON_TERMINAL_SERIAL_H

#include "library/types.h"

#define SERIAL_PORT_COUNT 4

/*
 * Programs COM1 (115200 8N1) and adds it as a sink of the log. Needs nothing
 * but port I/O, so it may be the kernel's very first act. A port that is not
 * there is left alone; no wait is unbounded.
 */
void serial_log_initialize(void);

struct terminal;

/*
 * Makes terminals of all four ports and connects their interrupts. A port that
 * is not there can be opened; it swallows output and gives no input. Needs the
 * interrupt controller and the heap.
 */
void serial_initialize(void);

/* The terminal of port `number`, 0 to 3. */
struct terminal *serial_terminal(unsigned number);

/* Is the port there? */
bool serial_present(unsigned number);
/* From now on what this port's terminal sends is shown on the screen, too. At boot. */
void serial_show_on_screen(unsigned number);

#endif
