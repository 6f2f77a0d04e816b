/* baton.h: /proc/baton, where tests see what invariants 1 and 4 say. */
#ifndef BATON_PROC_BATON_H
#define BATON_PROC_BATON_H

/* Adds the directory to /proc. At boot. */
void proc_baton_initialize(void);

/* /proc/baton/firmware (firmware.c). */
struct pseudo_node;
void proc_firmware_add(struct pseudo_node *directory);

#endif
