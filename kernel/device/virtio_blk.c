/*
 * virtio_blk.c: disks of virtual machines (Virtual I/O Device version 1.1, 5.2).
 *
 * A request is a chain: a header, its memory, a byte for the status. Chain `i` has the ring's
 * descriptors from i * chain_length on, and its own header and status.
 */
#include <asm/errno.h>

#include "cpu/log.h"
#include "cpu/spinlock.h"
#include "device/disk.h"
#include "device/tamper.h"
#include "device/virtio.h"
#include "device/wait.h"
#include "library/string.h"
#include "memory/heap.h"

enum {
    DEVICE_TRANSITIONAL = 0x1001,
    DEVICE_MODERN = 0x1042,
};

/* 5.2.3 */
#define FEATURE_SEGMENTS   (1UL << 2)
#define FEATURE_READ_ONLY  (1UL << 5)
#define FEATURE_BLOCK_SIZE (1UL << 6)
#define FEATURE_FLUSH      (1UL << 9)
#define FEATURE_TOPOLOGY   (1UL << 10)
#define FEATURE_DISCARD    (1UL << 13)
#define FEATURES_WANTED                                                                            \
    (FEATURE_SEGMENTS | FEATURE_READ_ONLY | FEATURE_BLOCK_SIZE | FEATURE_FLUSH |                   \
     FEATURE_TOPOLOGY | FEATURE_DISCARD)

/* 5.2.4 */
enum {
    CONFIG_CAPACITY = 0,
    CONFIG_SEGMENTS = 12,
    CONFIG_BLOCK_SIZE = 20,
    CONFIG_PHYSICAL_EXPONENT = 24,
    CONFIG_DISCARD_SECTORS = 36,
};
#define SECTOR 512 /* of all that it says of places */

/* 5.2.6 */
enum { TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4, TYPE_IDENTIFY = 8, TYPE_DISCARD = 11 };
#define IDENTIFIER_SIZE     20
#define IDENTIFIER_PATIENCE NANOSECONDS_PER_SECOND
enum { STATUS_OK = 0, STATUS_UNSUPPORTED = 2, STATUS_NONE = 0xff };

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};
struct discard {
    uint64_t sector;
    uint32_t sectors, flags;
};

#define RING_MAXIMUM 256
#define CHAINS       8
/* Of each chain, behind the ring: what it begins with, and what it ends with. */
struct chain_memory {
    struct header header;
    struct discard discard;
    uint8_t identifier[IDENTIFIER_SIZE];
    volatile uint8_t status;
};

struct virtio_disk {
    struct virtio virtio;
    struct disk disk;
    size_t chains_offset;  /* in the ring's memory; constant, as the next */
    unsigned chain_length; /* descriptors */

    struct spinlock lock; /* with interrupts off; guards the ring and the next three */
    struct disk_request *requests[CHAINS]; /* under way; NULL: the chain is free */
    bool started;                          /* before, who begins looks at the ring himself */
    bool dead;                             /* it lied, or went: nothing more is asked of it */
};

static struct chain_memory *chain_memory(const struct virtio_disk *disk, unsigned chain)
{
    uint8_t *memory = disk->virtio.ring.memory.address;
    return (struct chain_memory *)(memory + disk->chains_offset) + chain;
}

static paddr_t bus_address(const struct virtio_disk *disk, const volatile void *pointer)
{
    const struct dma_memory *memory = &disk->virtio.ring.memory;
    return memory->bus +
           (size_t)((const volatile uint8_t *)pointer - (const volatile uint8_t *)memory->address);
}

/* ---- a request becomes a chain: lock held ---- */

struct chain_builder {
    struct virtio_descriptor *first, *next;
    uint16_t index; /* of `next` */
};

static void chain_add(struct chain_builder *builder, paddr_t address, uint32_t size, uint16_t flags)
{
    *builder->next++ =
        (struct virtio_descriptor){address, size, flags | VIRTIO_NEXT, ++builder->index};
}

static void chain_end(struct chain_builder *builder)
{
    builder->next[-1].flags &= (uint16_t)~VIRTIO_NEXT;
}

static void chain_build(struct virtio_disk *disk, unsigned chain,
                        const struct disk_request *request)
{
    static const uint32_t types[DISK_OPERATIONS] = {
        [DISK_READ] = TYPE_READ,
        [DISK_WRITE] = TYPE_WRITE,
        [DISK_FLUSH] = TYPE_FLUSH,
        [DISK_DISCARD] = TYPE_DISCARD,
    };
    struct chain_memory *memory = chain_memory(disk, chain);
    uint16_t head = (uint16_t)(chain * disk->chain_length);
    struct virtio_descriptor *first = &disk->virtio.ring.descriptors[head];
    struct chain_builder builder = {first, first, head};
    uint32_t sectors = disk->disk.block_size / SECTOR;
    bool has_place = request->operation == DISK_READ || request->operation == DISK_WRITE;

    memory->header = (struct header){.type = types[request->operation],
                                     .sector = has_place ? request->first * sectors : 0};
    memory->status = STATUS_NONE;
    chain_add(&builder, bus_address(disk, &memory->header), sizeof(memory->header), 0);
    if (request->operation == DISK_DISCARD) {
        memory->discard = (struct discard){request->first * sectors, request->count * sectors, 0};
        chain_add(&builder, bus_address(disk, &memory->discard), sizeof(memory->discard), 0);
    }
    for (unsigned i = 0; i < request->segment_count; i++)
        chain_add(&builder, request->segments[i].address, request->segments[i].size,
                  request->operation == DISK_READ ? VIRTIO_WRITES : 0);
    chain_add(&builder, bus_address(disk, &memory->status), 1, VIRTIO_WRITES);
    chain_end(&builder);
}

static int free_chain(const struct virtio_disk *disk)
{
    for (int chain = 0; chain < CHAINS; chain++)
        if (!disk->requests[chain])
            return chain;
    return -EBUSY;
}

static void virtio_disk_submit(struct disk *asked, struct disk_request *request)
{
    struct virtio_disk *disk = asked->private;
    bool enabled = spinlock_acquire_save(&disk->lock);
    int chain = disk->dead ? -EIO : free_chain(disk);

    if (chain >= 0) {
        disk->requests[chain] = request;
        chain_build(disk, (unsigned)chain, request);
        virtio_ring_offer(&disk->virtio.ring, (uint16_t)((unsigned)chain * disk->chain_length));
    }
    spinlock_release_restore(&disk->lock, enabled);
    if (chain < 0) {
        request->status = chain;
        request->done(request);
    }
}

/* ---- a chain is done ---- */

static int status_error(uint8_t status)
{
    return status == STATUS_OK ? 0 : status == STATUS_UNSUPPORTED ? -EOPNOTSUPP : -EIO;
}

/* What the device says is done, or NULL: that is nonsense. Lock held. */
static struct disk_request *chain_take(struct virtio_disk *disk, uint32_t head)
{
    uint32_t chain = head / disk->chain_length;

    if (head % disk->chain_length || chain >= CHAINS || !disk->requests[chain])
        return NULL;
    struct disk_request *request = disk->requests[chain];
    request->status = status_error((uint8_t)tamper(chain_memory(disk, chain)->status));
    disk->requests[chain] = NULL;
    return request;
}

/* Of what is under way, one; NULL: there is none. Lock held. */
static struct disk_request *any_take(struct virtio_disk *disk, int error)
{
    for (unsigned chain = 0; chain < CHAINS; chain++)
        if (disk->requests[chain]) {
            struct disk_request *request = disk->requests[chain];
            request->status = error;
            disk->requests[chain] = NULL;
            return request;
        }
    return NULL;
}

/* It has no say any more: neither in memory nor here. */
static void give_up(struct virtio_disk *disk)
{
    disk->dead = true;
    pci_master_disable(disk->virtio.pci);
    log_write(LOG_ERROR, "virtio_blk: the device answers what was not asked: it is left alone");
}

/* The next that is done; NULL: none. */
static struct disk_request *next_done(struct virtio_disk *disk)
{
    uint32_t head, written;
    struct disk_request *request = NULL;
    bool enabled = spinlock_acquire_save(&disk->lock);

    if (disk->started && !disk->dead && virtio_ring_take(&disk->virtio.ring, &head, &written)) {
        request = chain_take(disk, head);
        if (!request)
            give_up(disk);
    }
    if (disk->dead)
        request = any_take(disk, -EIO);
    spinlock_release_restore(&disk->lock, enabled);
    return request;
}

/* So many at most at one interrupt: no more are under way. */
static bool finish(struct virtio_disk *disk)
{
    struct disk_request *request;
    unsigned finished = 0;

    while (finished < 2 * CHAINS && (request = next_done(disk))) {
        request->done(request);
        finished++;
    }
    return finished;
}

static bool virtio_disk_interrupt(void *context)
{
    struct virtio_disk *disk = context;
    bool asked = !pci_interrupt_by_message(disk->virtio.pci) && virtio_interrupted(&disk->virtio);

    return finish(disk) || asked;
}

static void abandon(struct virtio_disk *disk, int error)
{
    struct disk_request *request;

    do {
        bool enabled = spinlock_acquire_save(&disk->lock);
        request = any_take(disk, error);
        spinlock_release_restore(&disk->lock, enabled);
        if (request)
            request->done(request);
    } while (request);
}

static int start(struct virtio_disk *disk, uint64_t *features)
{
    int error = virtio_begin(&disk->virtio, FEATURES_WANTED, features);

    if (!error && !disk->virtio.ring.size)
        error = virtio_ring_create(&disk->virtio, RING_MAXIMUM,
                                   CHAINS * sizeof(struct chain_memory), &disk->chains_offset);
    if (!error)
        error = virtio_ring_start(&disk->virtio);
    return error;
}

/* Nobody submits meanwhile: the device is dead until it has begun anew. */
static void virtio_disk_recover(struct disk *asked)
{
    struct virtio_disk *disk = asked->private;
    uint64_t features;

    finish(disk);
    bool enabled = spinlock_acquire_save(&disk->lock);
    bool hangs = false;
    for (unsigned chain = 0; chain < CHAINS; chain++)
        hangs |= disk->requests[chain] != NULL;
    hangs &= !disk->dead;
    disk->dead |= hangs;
    spinlock_release_restore(&disk->lock, enabled);
    if (!hangs)
        return;
    bool quiet = virtio_reset(&disk->virtio);
    if (!quiet)
        pci_master_disable(disk->virtio.pci);
    abandon(disk, -ETIMEDOUT);
    if (!quiet || start(disk, &features))
        return;
    enabled = spinlock_acquire_save(&disk->lock);
    disk->dead = false;
    spinlock_release_restore(&disk->lock, enabled);
    virtio_ready(&disk->virtio);
}

/* ---- beginning ---- */

static uint32_t smaller(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

static void describe(struct virtio_disk *device, uint64_t features)
{
    const struct virtio *virtio = &device->virtio;
    struct disk *disk = &device->disk;
    uint32_t exponent = virtio_config8(virtio, CONFIG_PHYSICAL_EXPONENT);
    uint32_t segments = device->chain_length - 2;

    disk->kind = "vd";
    disk->block_size =
        features & FEATURE_BLOCK_SIZE ? virtio_config32(virtio, CONFIG_BLOCK_SIZE) : SECTOR;
    if (disk->block_size < SECTOR)
        disk->block_size = SECTOR;
    disk->block_count = virtio_config64(virtio, CONFIG_CAPACITY) / (disk->block_size / SECTOR);
    if (features & FEATURE_TOPOLOGY && exponent < 8)
        disk->physical_block_size = disk->block_size << exponent;
    disk->read_only = features & FEATURE_READ_ONLY;
    disk->keeps_late = features & FEATURE_FLUSH;
    disk->discards = features & FEATURE_DISCARD;
    disk->internal = true;
    disk->requests_maximum = CHAINS;
    if (features & FEATURE_SEGMENTS)
        segments = smaller(segments, virtio_config32(virtio, CONFIG_SEGMENTS));
    disk->segments_maximum = segments;
    disk->blocks_maximum = (segments - 1) * (uint32_t)PAGE_SIZE / disk->block_size;
    disk->address_maximum = UINT64_MAX;
    disk->rotates = true; /* as Linux says of those it knows nothing of */
    disk->pci = virtio->pci;
    disk->submit = virtio_disk_submit;
    disk->recover = virtio_disk_recover;
    disk->private = device;
}

static bool identifier_came(struct virtio_disk *disk)
{
    uint32_t head, written;
    bool enabled = spinlock_acquire_save(&disk->lock);
    bool came = virtio_ring_take(&disk->virtio.ring, &head, &written);

    spinlock_release_restore(&disk->lock, enabled);
    return came;
}

/* 5.2.6: QEMU's serial=. A device that says nothing has none, and is asked for nothing else before.
 */
static int ask_identifier(struct virtio_disk *disk)
{
    struct chain_memory *memory = chain_memory(disk, 0);
    struct virtio_descriptor *first = disk->virtio.ring.descriptors;
    struct chain_builder builder = {first, first, 0};

    memory->header = (struct header){.type = TYPE_IDENTIFY};
    memory->status = STATUS_NONE;
    chain_add(&builder, bus_address(disk, &memory->header), sizeof(memory->header), 0);
    chain_add(&builder, bus_address(disk, memory->identifier), IDENTIFIER_SIZE, VIRTIO_WRITES);
    chain_add(&builder, bus_address(disk, &memory->status), 1, VIRTIO_WRITES);
    chain_end(&builder);
    virtio_ring_offer(&disk->virtio.ring, 0);
    if (!device_wait(identifier_came(disk), IDENTIFIER_PATIENCE))
        return -ENODEV;
    if (memory->status == STATUS_OK)
        disk_text(disk->disk.serial, sizeof(disk->disk.serial), memory->identifier,
                  IDENTIFIER_SIZE);
    return 0;
}

static void set_started(struct virtio_disk *disk)
{
    bool enabled = spinlock_acquire_save(&disk->lock);

    disk->started = true;
    spinlock_release_restore(&disk->lock, enabled);
}

static int begin(struct virtio_disk *disk, struct pci_device *pci)
{
    uint64_t features;
    int error = virtio_find(&disk->virtio, pci);

    if (!error)
        error = pci_interrupt_connect(pci, "virtio_blk", virtio_disk_interrupt, disk);
    if (!error)
        error = start(disk, &features);
    if (error)
        return error;
    disk->chain_length = disk->virtio.ring.size / CHAINS;
    if (disk->chain_length < 4)
        return -ENODEV; /* a header, two pieces of memory, a status */
    describe(disk, features);
    if (disk->disk.segments_maximum < 2)
        return -ENODEV;
    pci_master_enable(pci);
    virtio_ready(&disk->virtio);
    error = ask_identifier(disk);
    set_started(disk);
    return error ? error : disk_add(&disk->disk);
}

static void end(struct virtio_disk *disk)
{
    struct pci_device *pci = disk->virtio.pci;

    if (disk->virtio.common)
        virtio_reset(&disk->virtio);
    pci_master_disable(pci);
    pci_interrupt_disconnect(pci);
    dma_free(&disk->virtio.ring.memory);
    heap_free(disk);
}

static int virtio_blk_probe(struct pci_device *pci)
{
    struct virtio_disk *disk = heap_allocate_zeroed(sizeof(*disk));

    if (!disk)
        return -ENOMEM;
    spinlock_initialize(&disk->lock, LOCK_UNRANKED);
    disk->virtio.pci = pci;
    int error = begin(disk, pci);
    if (error) {
        end(disk);
        return error;
    }
    pci->driver_data = disk;
    return 0;
}

static void virtio_blk_remove(struct pci_device *pci)
{
    struct virtio_disk *disk = pci->driver_data;
    bool enabled = spinlock_acquire_save(&disk->lock);

    disk->dead = true;
    spinlock_release_restore(&disk->lock, enabled);
    virtio_reset(&disk->virtio);
    pci_master_disable(pci);
    abandon(disk, -ENODEV);
    disk_remove(&disk->disk);
    end(disk);
}

static bool virtio_blk_matches(const struct pci_function *function)
{
    return function->vendor == VIRTIO_VENDOR &&
           (function->device == DEVICE_TRANSITIONAL || function->device == DEVICE_MODERN);
}

const struct pci_driver virtio_blk_driver = {
    .name = "virtio-pci",
    .matches = virtio_blk_matches,
    .probe = virtio_blk_probe,
    .remove = virtio_blk_remove,
};
