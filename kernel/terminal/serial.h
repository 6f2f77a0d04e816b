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

#endif
