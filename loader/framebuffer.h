/* framebuffer.h: the screen as the firmware left it (UEFI 2.10, 12.9). */
#ifndef BATON_LOADER_FRAMEBUFFER_H
#define BATON_LOADER_FRAMEBUFFER_H

#include <handoff.h>
#include <stdbool.h>
#include <stddef.h>

struct memory_range;

/*
 * Finds a linear framebuffer of 32 bits a pixel that can be drawn on; format is HANDOFF_PIXEL_NONE
 * when there is none, with a line that says why one was refused. To be called after the last word
 * on the console, which may change the mode.
 */
void framebuffer_find(struct handoff_framebuffer *framebuffer);

/* Whether an address lies in a base address register of a PCI device; where that begins, and how
 * long it is. */
bool framebuffer_device(uint64_t base, uint64_t *bar_base, uint64_t *bar_size);

/* Refuses, with a line, a framebuffer that lies in memory of the map. */
void framebuffer_judge(struct handoff_framebuffer *framebuffer, const struct memory_range *ranges,
                       size_t count);

#endif
