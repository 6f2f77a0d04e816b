/*
 * pseudo_terminal.h: terminals whose other side is a program (pty(7)): opening
 * /dev/ptmx makes one and gives its master; its slave is a file in /dev/pts.
 */
#ifndef BATON_TERMINAL_PSEUDO_TERMINAL_H
#define BATON_TERMINAL_PSEUDO_TERMINAL_H

struct file;

/* At boot: makes devpts known. 0 or -ENOMEM. */
int pseudo_terminal_initialize(void);

#define PSEUDO_TERMINALS_MAXIMUM 4096 /* Linux's kernel.pty.max */
/* How many there are. */
unsigned pseudo_terminal_count(void);

/* For /dev/ptmx's `open`. 0, -ENOMEM, -ENOSPC (none left). */
int pseudo_terminal_open_master(struct file *file);

#endif
