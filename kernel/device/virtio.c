#include "device/virtio.h"

#include <asm/errno.h>

#include "device/registers.h"
#include "device/tamper.h"
#include "device/wait.h"
#include "library/align.h"
#include "library/bytes.h"

/* Structures in memory: 4.1.4. */
enum {
    CAPABILITY_VENDOR = 9,
    CAPABILITY_SIZE = 16,
    CAPABILITY_NOTIFY_SIZE = 20,
    COMMON = 1,
    NOTIFY = 2,
    INTERRUPT_STATUS = 3,
    CONFIG = 4,
};

/* The common one: 4.1.4.3. */
enum {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    CONFIG_VECTOR = 0x10,
    STATUS = 0x14,
    GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFFSET = 0x1e,
    QUEUE_DESCRIPTORS = 0x20,
    QUEUE_AVAILABLE = 0x28,
    QUEUE_USED = 0x30,
    COMMON_SIZE = 0x38,
};
#define NO_VECTOR 0xffff

/* Device status: 2.1. */
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };

/* So long for a reset: the specification names no time. */
#define RESET_PATIENCE NANOSECONDS_PER_SECOND

/* In a ring: 2.6.6, 2.6.8. */
enum { RING_FLAGS, RING_INDEX, RING_ENTRIES };
#define USED_NO_NOTIFY 1

/* ---- finding the registers ---- */

/* The first structure of a type that lies in the device's memory, is aligned and large enough. */
static volatile uint8_t *find_structure(struct pci_device *pci, const uint8_t *config, uint8_t type,
                                        size_t least, size_t *size, uint8_t *capability)
{
    uint8_t at;
    size_t bar_size;

    for (unsigned i = 0; (at = pci_capability_at(config, CAPABILITY_VENDOR, i, CAPABILITY_SIZE));
         i++) {
        uint32_t offset = load32(config + at + 8), length = load32(config + at + 12);
        if (config[at + 3] != type || offset % 4 || length < least)
            continue;
        volatile uint8_t *bar = pci_bar_map(pci, config[at + 4], &bar_size);
        if (!bar || offset > bar_size || length > bar_size - offset)
            continue;
        *size = length;
        *capability = at;
        return bar + offset;
    }
    return NULL;
}

int virtio_find(struct virtio *virtio, struct pci_device *pci)
{
    uint8_t config[PCI_CONFIG_SIZE], at;
    size_t size;

    *virtio = (struct virtio){.pci = pci};
    pci_config_copy(pci, config);
    virtio->common = find_structure(pci, config, COMMON, COMMON_SIZE, &size, &at);
    virtio->interrupt_status = find_structure(pci, config, INTERRUPT_STATUS, 1, &size, &at);
    virtio->config = find_structure(pci, config, CONFIG, 1, &virtio->config_size, &at);
    virtio->notify = find_structure(pci, config, NOTIFY, 2, &virtio->notify_size, &at);
    if (!virtio->common || !virtio->interrupt_status || !virtio->config || !virtio->notify ||
        at > PCI_CONFIG_SIZE - CAPABILITY_NOTIFY_SIZE)
        return -ENODEV;
    virtio->notify_multiplier = load32(config + at + CAPABILITY_SIZE);
    return 0;
}

/* ---- beginning ---- */

bool virtio_reset(struct virtio *virtio)
{
    register_write8(virtio->common, STATUS, 0);
    return device_wait(register_read8(virtio->common, STATUS) == 0, RESET_PATIENCE);
}

static uint64_t read_features(const struct virtio *virtio)
{
    register_write32(virtio->common, DEVICE_FEATURE_SELECT, 1);
    uint64_t features = (uint64_t)register_read32(virtio->common, DEVICE_FEATURE) << 32;
    register_write32(virtio->common, DEVICE_FEATURE_SELECT, 0);
    return features | register_read32(virtio->common, DEVICE_FEATURE);
}

static void write_features(const struct virtio *virtio, uint64_t features)
{
    register_write32(virtio->common, DRIVER_FEATURE_SELECT, 0);
    register_write32(virtio->common, DRIVER_FEATURE, (uint32_t)features);
    register_write32(virtio->common, DRIVER_FEATURE_SELECT, 1);
    register_write32(virtio->common, DRIVER_FEATURE, (uint32_t)(features >> 32));
}

int virtio_begin(struct virtio *virtio, uint64_t wanted, uint64_t *features)
{
    if (!virtio_reset(virtio))
        return -ENODEV;
    register_write8(virtio->common, STATUS, ACKNOWLEDGE);
    register_write8(virtio->common, STATUS, ACKNOWLEDGE | DRIVER);
    *features = read_features(virtio) & (wanted | VIRTIO_VERSION_1);
    if (!(*features & VIRTIO_VERSION_1))
        return -ENODEV;
    write_features(virtio, *features);
    register_write8(virtio->common, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return register_read8(virtio->common, STATUS) & FEATURES_OK ? 0 : -ENODEV;
}

void virtio_ready(struct virtio *virtio)
{
    register_write8(virtio->common, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

/* ---- the ring ---- */

/* Descriptors, then what the driver offers, then what the device has used: 2.6. */
static size_t available_offset(uint16_t size)
{
    return size * sizeof(struct virtio_descriptor);
}

static size_t used_offset(uint16_t size)
{
    return align_up(available_offset(size) + 2 * (RING_ENTRIES + size + 1), 4);
}

static size_t ring_end(uint16_t size)
{
    return used_offset(size) + 2 * (RING_ENTRIES + 1) + 8 * size;
}

int virtio_ring_create(struct virtio *virtio, uint16_t most, size_t extra, size_t *extra_offset)
{
    struct virtio_ring *ring = &virtio->ring;

    register_write16(virtio->common, QUEUE_SELECT, 0);
    uint16_t size = register_read16(virtio->common, QUEUE_SIZE);
    if (size > most)
        size = most;
    if (!size || (size & (size - 1)))
        return -ENODEV; /* 2.6: a power of two */
    *extra_offset = align_up(ring_end(size), 64);
    int error = dma_allocate(&ring->memory, *extra_offset + extra, DMA_ANYWHERE);
    if (error)
        return error;
    uint8_t *memory = ring->memory.address;
    ring->size = size;
    ring->descriptors = (struct virtio_descriptor *)memory;
    ring->available = (volatile uint16_t *)(memory + available_offset(size));
    ring->used = (volatile uint16_t *)(memory + used_offset(size));
    return 0;
}

int virtio_ring_start(struct virtio *virtio)
{
    struct virtio_ring *ring = &virtio->ring;
    volatile uint8_t *common = virtio->common;
    bool by_table = pci_interrupt_by_table(virtio->pci);

    ring->available_next = ring->used_next = 0;
    ring->available[RING_INDEX] = ring->used[RING_INDEX] = 0;
    register_write16(common, CONFIG_VECTOR, NO_VECTOR);
    register_write16(common, QUEUE_SELECT, 0);
    register_write16(common, QUEUE_SIZE, ring->size);
    register_write16(common, QUEUE_VECTOR, by_table ? 0 : NO_VECTOR);
    if (by_table && register_read16(common, QUEUE_VECTOR) != 0)
        return -ENODEV; /* 4.1.5.1.2: it has no room for it */
    size_t place = (size_t)register_read16(common, QUEUE_NOTIFY_OFFSET) * virtio->notify_multiplier;
    if (place % 2 || place > virtio->notify_size - 2)
        return -ENODEV;
    ring->notify = (volatile uint16_t *)(virtio->notify + place);
    register_write64(common, QUEUE_DESCRIPTORS, ring->memory.bus);
    register_write64(common, QUEUE_AVAILABLE, ring->memory.bus + available_offset(ring->size));
    register_write64(common, QUEUE_USED, ring->memory.bus + used_offset(ring->size));
    register_write16(common, QUEUE_ENABLE, 1);
    return 0;
}

void virtio_ring_offer(struct virtio_ring *ring, uint16_t head)
{
    ring->available[RING_ENTRIES + ring->available_next % ring->size] = head;
    ring->available_next++;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ring->available[RING_INDEX] = ring->available_next;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* 2.6.13.4: the index before the flags */
    if (!(ring->used[RING_FLAGS] & USED_NO_NOTIFY))
        *ring->notify = 0;
}

bool virtio_ring_take(struct virtio_ring *ring, uint32_t *head, uint32_t *written)
{
    if (ring->used[RING_INDEX] == ring->used_next)
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const volatile uint32_t *entry =
        (const volatile uint32_t *)(ring->used + RING_ENTRIES) + 2 * (ring->used_next % ring->size);
    *head = tamper(entry[0]);
    *written = tamper(entry[1]);
    ring->used_next++;
    return true;
}

bool virtio_interrupted(const struct virtio *virtio)
{
    return register_read8(virtio->interrupt_status, 0) & 1;
}

/* ---- its configuration ---- */

uint8_t virtio_config8(const struct virtio *virtio, size_t offset)
{
    return offset < virtio->config_size ? register_read8(virtio->config, offset) : 0;
}

uint16_t virtio_config16(const struct virtio *virtio, size_t offset)
{
    return offset + 2 <= virtio->config_size ? register_read16(virtio->config, offset) : 0;
}

uint32_t virtio_config32(const struct virtio *virtio, size_t offset)
{
    return offset + 4 <= virtio->config_size ? register_read32(virtio->config, offset) : 0;
}

/* 2.4.1: two halves are of one moment when the generation is the same; often enough. */
uint64_t virtio_config64(const struct virtio *virtio, size_t offset)
{
    uint64_t value = 0;

    for (int i = 0; i < 100; i++) {
        uint8_t generation = register_read8(virtio->common, GENERATION);
        value = virtio_config32(virtio, offset) | (uint64_t)virtio_config32(virtio, offset + 4)
                                                      << 32;
        if (register_read8(virtio->common, GENERATION) == generation)
            break;
    }
    return value;
}
