/* dma.h: devices that write to memory when nobody expects it any more. */
#ifndef BATON_LOADER_DMA_H
#define BATON_LOADER_DMA_H

#include <stdint.h>

/*
 * Turns bus mastering off on every PCI function that has it on, and returns on how many. Boot
 * services must be gone, because firmware drivers need it to the end. Interrupts off.
 */
uint32_t dma_stop(void);

#endif
