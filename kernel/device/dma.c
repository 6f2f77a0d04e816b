#include "device/dma.h"

#include <asm/errno.h>

#include "cpu/panic.h"
#include "library/align.h"
#include "memory/frame.h"

int dma_allocate(struct dma_memory *memory, size_t size, paddr_t below)
{
    unsigned flags = FRAME_ZEROED | (below < DMA_ANYWHERE ? FRAME_BELOW_4G : 0);
    size_t pages = align_up(size, PAGE_SIZE) / PAGE_SIZE;

    debug_assert(size <= DMA_SIZE_MAXIMUM && below >= DMA_BELOW_4G);
    *memory = (struct dma_memory){0};
    paddr_t frame = pages == 1 ? frame_allocate(FRAME_DEVICE, flags)
                               : frame_allocate_run(FRAME_DEVICE, flags, pages);
    if (!frame)
        return -ENOMEM;
    *memory = (struct dma_memory){frame_pointer(frame), frame, pages * PAGE_SIZE};
    return 0;
}

void dma_free(struct dma_memory *memory)
{
    for (size_t offset = 0; offset < memory->size; offset += PAGE_SIZE)
        frame_release(memory->bus + offset);
    *memory = (struct dma_memory){0};
}
