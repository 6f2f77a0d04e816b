/*
 * reboot.h: how the machine ends: reboot(2), and what a person does to it, Ctrl-Alt-Del and the
 * power button, which the first process is told of.
 */
#ifndef BATON_PROCESS_REBOOT_H
#define BATON_PROCESS_REBOOT_H

/* Ctrl-Alt-Del was typed: the machine restarts at once, or, after LINUX_REBOOT_CMD_CAD_OFF, the
   first process gets SIGINT (reboot(2)). Any context, no lock held. */
void machine_keys_pressed(void);
/* The power button was pressed: SIGPWR for the first process. Any context, no lock held. */
void machine_button_pressed(void);

#endif
