#include "firmware/firmware_memory.h"

#include "library/align.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"

/* Where a PC's BIOS looks for anchors (ACPI 6.5, 5.2.5.1; SMBIOS 3.7, 5.2.1). */
#define BIOS_BASE 0xe0000UL
#define BIOS_END  0x100000UL

/* Twice for each table: its header, then all of it. */
#define WINDOW_MAXIMUM 256

static struct window {
    paddr_t base;
    size_t size;
    const char *bytes;
} windows[WINDOW_MAXIMUM]; /* written at boot, by one thread */
static size_t window_count;

static const void *find_window(paddr_t address, size_t size)
{
    for (size_t i = 0; i < window_count; i++) {
        const struct window *window = &windows[i];

        if (address >= window->base && address - window->base <= window->size &&
            size <= window->size - (address - window->base))
            return window->bytes + (address - window->base);
    }
    return NULL;
}

static const void *open_window(paddr_t address, size_t size)
{
    paddr_t base = align_down(address, PAGE_SIZE);
    size_t whole = align_up(address - base + size, PAGE_SIZE);
    const char *bytes =
        window_count < WINDOW_MAXIMUM ? device_map(base, whole, DEVICE_CACHED) : NULL;

    if (!bytes)
        return NULL;
    windows[window_count++] = (struct window){base, whole, bytes};
    return bytes + (address - base);
}

/* How many bytes from there on are of one kind that may be read; 0: none. */
static size_t readable(const struct memory_range *range, paddr_t address)
{
    if (!range)
        return address >= BIOS_BASE && address < BIOS_END ? BIOS_END - address : 0;
    if (!direct_map_covers(range->kind) && range->kind != MEMORY_RESERVED)
        return 0;
    return range->base + range->size - address;
}

const void *firmware_memory_view(const struct memory_range *ranges, size_t count, paddr_t address,
                                 size_t size)
{
    const struct memory_range *range = memory_map_find(ranges, count, address);

    if (!size || size > readable(range, address))
        return NULL;
    if (range && direct_map_covers(range->kind))
        return frame_pointer(address);
    const void *view = find_window(address, size);
    return view ? view : open_window(address, size);
}
