/*
 * xhci_ring.c: rings of requests (xHCI 1.2, 4.9): a page each, whose last place links back to the
 * first. A request is the controller's when its cycle bit is the ring's, which turns at each round.
 */
#include "device/usb/xhci.h"

static volatile struct xhci_block *place(struct dma_memory *ring, uint16_t at)
{
    return (volatile struct xhci_block *)ring->address + at;
}

void xhci_ring_put(struct dma_memory *ring, uint16_t at, struct xhci_block block, bool cycle)
{
    volatile struct xhci_block *to = place(ring, at);

    to->parameter = block.parameter;
    to->status = block.status;
    __atomic_store_n(&to->control, block.control | (cycle ? XHCI_BLOCK_CYCLE : 0),
                     __ATOMIC_RELEASE);
}

int xhci_ring_allocate(const struct xhci *controller, struct dma_memory *ring)
{
    return dma_allocate(ring, PAGE_SIZE, controller->below);
}

/*
 * The round ends here. Places that are left out are marked as if they had been used, so that they
 * are not taken for new ones in the next round.
 */
static void end_round(struct dma_memory *ring, uint16_t at, bool cycle)
{
    for (size_t left = at + 1UL; left < XHCI_RING_SIZE; left++)
        xhci_ring_put(ring, (uint16_t)left, (struct xhci_block){0}, cycle);
    xhci_ring_put(ring, at,
                  (struct xhci_block){.parameter = ring->bus,
                                      .control = XHCI_BLOCK_TYPE(XHCI_LINK) | XHCI_BLOCK_TOGGLE},
                  cycle);
}

uint16_t xhci_ring_reserve(struct dma_memory *ring, uint16_t *next, bool *cycle, uint16_t count,
                           bool *block_cycle)
{
    if (*next + count > XHCI_RING_LINK) {
        end_round(ring, *next, *cycle);
        *next = 0;
        *cycle = !*cycle;
    }
    uint16_t first = *next;
    *next += count;
    *block_cycle = *cycle;
    return first;
}
