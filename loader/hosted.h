/*
 * hosted.h: the processor as code wants it that was compiled for Linux's programs. It has a red
 * zone below its stack pointer (System V psABI, 3.2.2), in which a handler of the firmware's would
 * write: no interrupts then. It uses SSE, which U-Boot leaves off. Its stack protector reads from
 * %fs.
 */
#ifndef BATON_LOADER_HOSTED_H
#define BATON_LOADER_HOSTED_H

/* From here on only such code may run, and no service of the firmware's. */
void hosted_enter(void);

/* Everything is as it was before. */
void hosted_leave(void);

#endif
