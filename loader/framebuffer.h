/* framebuffer.h: the screen as the firmware left it (UEFI 2.10, 12.9). */
#ifndef BATON_LOADER_FRAMEBUFFER_H
#define BATON_LOADER_FRAMEBUFFER_H

#include <handoff.h>

/*
 * Finds a linear framebuffer of 32 bits a pixel; format is HANDOFF_PIXEL_NONE when there is none.
 * To be called after the last word on the console, which may change the mode.
 */
void framebuffer_find(struct handoff_framebuffer *framebuffer);

#endif
