/* labels.c: what the file system on a device says of itself, for its names. Read past the cache. */
#include "library/string.h"
#include "memory/heap.h"
#include "storage/block.h"
#include "storage/cache.h"
#include "storage/names.h"

/* A page of the device. */
struct window {
    struct block_device *device;
    paddr_t frame;
    uint64_t index; /* UINT64_MAX: none yet */
};

static int window_move(struct window *window, uint64_t index)
{
    uint64_t rest = block_device_size(window->device) - index * PAGE_SIZE;

    if (index == window->index)
        return 0;
    window->index = UINT64_MAX;
    int error = block_transfer(window->device, DISK_READ, index * PAGE_SIZE, &window->frame, 0,
                               rest < PAGE_SIZE ? rest : PAGE_SIZE);
    if (!error)
        window->index = index;
    return error;
}

static int window_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    struct window *window = context;
    int error = 0;

    while (size && !error) {
        size_t at = offset % PAGE_SIZE, piece = PAGE_SIZE - at;
        if (piece > size)
            piece = size;
        error = window_move(window, offset / PAGE_SIZE);
        if (!error)
            memcpy(bytes, (char *)frame_pointer(window->frame) + at, piece);
        bytes = (char *)bytes + piece;
        offset += piece;
        size -= piece;
    }
    return error;
}

/* No memory, or what cannot be read: it has no such names. */
static void read_marks(struct block_device *device, struct superblock *marks)
{
    struct window window = {device, block_frame_allocate(device), UINT64_MAX};
    const struct superblock_source source = {window_read, &window, block_device_size(device)};
    struct superblock_work *work = window.frame ? heap_allocate(sizeof(*work)) : NULL;

    memset(marks, 0, sizeof(*marks));
    if (work)
        superblock_read(&source, work, marks);
    heap_free(work);
    if (window.frame)
        frame_release(window.frame);
}

/* A disk in parts has none of its own. */
static bool has_marks(const struct block_device *device)
{
    return block_device_size(device) &&
           (device->partition || device->owner->table == PARTITION_TABLE_NONE);
}

static void relabel(struct block_device *device)
{
    struct superblock marks = {0};

    if (has_marks(device))
        read_marks(device, &marks);
    if (memcmp(&marks, &device->marks, sizeof(marks)) != 0)
        block_names_marks(device, &marks);
}

/* The next whose contents may have changed, with a reference; NULL: none has. */
static struct block_device *take_changed(struct block_disk *disk)
{
    struct block_device *device;

    spinlock_acquire(&blocks_lock);
    TAILQ_FOREACH(device, &block_devices, link)
    if (device->owner == disk && __atomic_exchange_n(&device->relabel, false, __ATOMIC_RELAXED)) {
        block_device_reference(device);
        break;
    }
    spinlock_release(&blocks_lock);
    return device;
}

void block_labels_read(struct block_disk *disk)
{
    struct block_device *device;

    mutex_acquire(&disk->scan_mutex);
    while (disk->named && (device = take_changed(disk))) {
        relabel(device);
        block_device_release(device);
    }
    mutex_release(&disk->scan_mutex);
}
