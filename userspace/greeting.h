/* greeting.h: one line about the machine, for whoever gets a shell. */
#ifndef BATON_GREETING_H
#define BATON_GREETING_H

/* Writes it: the kernel, its version, the processors, the memory, how to power off. */
void greeting_write(int file);

#endif
