/*
 * virtio.h: a virtio device on PCI, by its modern capabilities, and one split ring (OASIS, Virtual
 * I/O Device version 1.1: 2.6 split virtqueues, 3.1 initialization, 4.1 over PCI). Transitional
 * devices have these too.
 *
 * The ring's descriptors are shared out in equal parts for good, a part a request: what the device
 * says is done then names a part, or is nonsense.
 */
#ifndef BATON_DEVICE_VIRTIO_H
#define BATON_DEVICE_VIRTIO_H

#include "device/dma.h"
#include "device/driver.h"

#define VIRTIO_VENDOR 0x1af4

/* Features that are not one kind of device's: 6. */
#define VIRTIO_VERSION_1 (1UL << 32)

struct virtio_descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags; /* VIRTIO_NEXT, VIRTIO_WRITES */
    uint16_t next;
};
enum { VIRTIO_NEXT = 1, VIRTIO_WRITES = 2 /* the device does */ };

struct virtio_ring {
    struct dma_memory memory;
    uint16_t size; /* descriptors; constant, as the next three */
    struct virtio_descriptor *descriptors;
    volatile uint16_t *available;       /* flags, index, ring */
    volatile uint16_t *used;            /* flags, index, ring of pairs of 32 bits */
    uint16_t available_next, used_next; /* free-running; the owner's lock */
    volatile uint16_t *notify;
};

struct virtio {
    struct pci_device *pci;
    volatile uint8_t *common, *interrupt_status, *config; /* constant, as the next two */
    size_t config_size;
    volatile uint8_t *notify;
    size_t notify_size;
    uint32_t notify_multiplier;
    struct virtio_ring ring;
};

/* Finds the registers. 0 or -ENODEV: they are not all there, or not in its memory. */
int virtio_find(struct virtio *virtio, struct pci_device *pci);
/*
 * Resets it and agrees on features: those of `wanted` that it has, in *features. 0, or -ENODEV: it
 * does not come to rest, or does not know version 1. May sleep.
 */
int virtio_begin(struct virtio *virtio, uint64_t wanted, uint64_t *features);
/* Gives it ring 0, of at most `most` descriptors, with `extra` bytes of memory behind it, at
   `extra` in the ring's memory. Once. 0, -ENODEV, -ENOMEM. */
int virtio_ring_create(struct virtio *virtio, uint16_t most, size_t extra, size_t *extra_offset);
/* Tells it of the ring, which is empty; again after another virtio_begin(). 0 or -ENODEV. */
int virtio_ring_start(struct virtio *virtio);
/* From now on it works. */
void virtio_ready(struct virtio *virtio);
/* Whether it came to rest: only then does it leave memory alone. May sleep, bounded. */
bool virtio_reset(struct virtio *virtio);

/* A register of the kind's own configuration, which may change while it is read; 0 behind its end.
 */
uint8_t virtio_config8(const struct virtio *virtio, size_t offset);
uint16_t virtio_config16(const struct virtio *virtio, size_t offset);
uint32_t virtio_config32(const struct virtio *virtio, size_t offset);
uint64_t virtio_config64(const struct virtio *virtio, size_t offset);

/* Offers the chain that begins at descriptor `head`. The owner's lock. */
void virtio_ring_offer(struct virtio_ring *ring, uint16_t head);
/* Takes what is done: false: nothing more. `head` and `written` are as the device says. The owner's
   lock. */
bool virtio_ring_take(struct virtio_ring *ring, uint32_t *head, uint32_t *written);
/* Whether its pin was meant; no other way asks. Clears it. */
bool virtio_interrupted(const struct virtio *virtio);

#endif
