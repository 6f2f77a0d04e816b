/* panic_wait.h: a machine that has come to its end, and the person in front of it. */
#ifndef BATON_CPU_PANIC_WAIT_H
#define BATON_CPU_PANIC_WAIT_H

/* What panic_wait() waits for, as it is said. */
#define PANIC_WAIT_TEXT "Ctrl-Alt-Del or the power button restarts the machine"

/*
 * Waits, with interrupts off, for Ctrl-Alt-Del on the keyboard behind the 8042 or for the power
 * button, and restarts the machine. It asks the devices themselves, so that it works at any time
 * from the kernel's first instruction on, whatever else is broken.
 */
_Noreturn void panic_wait(void);

#endif
