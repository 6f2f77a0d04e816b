/*
 * dma.h: memory that a device reads and writes by itself. Its frames have an owner of their own,
 * `device` in /proc/baton/frames. A device may write what it likes there at any time: what is read
 * is read once, and checked.
 */
#ifndef BATON_DEVICE_DMA_H
#define BATON_DEVICE_DMA_H

#include "library/types.h"

struct dma_memory {
    void *address; /* the kernel's; NULL: none */
    paddr_t bus;   /* the device's: there is no address translation between */
    size_t size;   /* whole pages */
};

#define DMA_ANYWHERE     UINT64_MAX
#define DMA_BELOW_4G     (1UL << 32)
#define DMA_SIZE_MAXIMUM (64UL * PAGE_SIZE)

/*
 * `size` bytes, up to DMA_SIZE_MAXIMUM, full of zeros, side by side, from a page's beginning on and
 * below `below`, which is DMA_ANYWHERE or at least DMA_BELOW_4G. More than a page is found as long
 * as there is memory that was never used: a driver asks for it once, when it begins. May sleep. 0,
 * or -ENOMEM, and *memory has none.
 */
int dma_allocate(struct dma_memory *memory, size_t size, paddr_t below);
/* The device has been told to leave it alone. Nothing happens if it has none. */
void dma_free(struct dma_memory *memory);

#endif
