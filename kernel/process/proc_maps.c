/* proc_maps.c: /proc/PID/maps and smaps: a line for each region (proc(5)). */
#include <asm/errno.h>

#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "process/proc.h"

/* Linux's names of regions that are no file's. */
static const char *region_name(const struct address_space *space, const struct region *region)
{
    if (region->flags & REGION_STACK)
        return "[stack]";
    if ((region->flags & REGION_HEAP) ||
        (!region->object && region->start < space->brk && region->end > space->brk_start))
        return "[heap]";
    return NULL;
}

/* Device numbers as stat(2) has them. */
static unsigned major_of(uint64_t device)
{
    return (device >> 8 & 0xfff) | (device >> 32 & ~0xfffU);
}

static unsigned minor_of(uint64_t device)
{
    return (device & 0xff) | (device >> 12 & ~0xffU);
}

/* The name begins at column 73. */
#define NAME_COLUMN 73

static void region_show(struct text *text, const struct address_space *space,
                        const struct region *region, char *path)
{
    struct memory_object *object = region->object;
    const char *name = region_name(space, region);
    size_t begin = text->size;

    text_print(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", region->start, region->end,
               region->flags & REGION_READ ? 'r' : '-', region->flags & REGION_WRITE ? 'w' : '-',
               region->flags & REGION_EXECUTE ? 'x' : '-',
               region->flags & REGION_SHARED ? 's' : 'p', object ? region->offset << PAGE_SHIFT : 0,
               object ? major_of(object->device) : 0, object ? minor_of(object->device) : 0,
               object ? object->inode : 0);
    if (!name && object && object->describe) {
        *path = 0;
        object->describe(object, path, PATH_SIZE_MAXIMUM);
        name = *path ? path : NULL;
    }
    if (name) {
        while (!text->failed && text->size - begin < NAME_COLUMN)
            text_append(text, " ", 1);
        text_append_escaped(text, name, "\n");
    }
    text_append(text, "\n", 1);
}

/* What the region could at most have in memory; pages are not looked up one by one. */
static void region_show_sizes(struct text *text, const struct region *region)
{
    uint64_t kilobytes = (region->end - region->start) / 1024;
    uint64_t zero = 0;

    text_print(text, "Size:           %8lu kB\n", kilobytes);
    text_print(text, "KernelPageSize: %8lu kB\nMMUPageSize:    %8lu kB\n", PAGE_SIZE / 1024,
               PAGE_SIZE / 1024);
    text_print(text, "Rss:            %8lu kB\nPss:            %8lu kB\n", zero, zero);
    text_print(text, "Shared_Clean:   %8lu kB\nShared_Dirty:   %8lu kB\n", zero, zero);
    text_print(text, "Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n", zero, zero);
    text_print(text, "Locked:         %8lu kB\n", region->flags & REGION_LOCKED ? kilobytes : zero);
    text_print(
        text, "VmFlags:%s%s%s%s mr mw me%s%s\n", region->flags & REGION_READ ? " rd" : "",
        region->flags & REGION_WRITE ? " wr" : "", region->flags & REGION_EXECUTE ? " ex" : "",
        region->flags & REGION_SHARED ? " sh" : "", region->flags & REGION_STACK ? " gd" : "",
        region->flags & REGION_LOCKED ? " lo" : "");
}

static int show(struct address_space *space, struct text *text, bool sizes)
{
    struct region *region;

    char *path = heap_allocate(PATH_SIZE_MAXIMUM);
    if (path) {
        address_space_lock(space);
        for (region = space->first; region; region = region->next) {
            region_show(text, space, region, path);
            if (sizes)
                region_show_sizes(text, region);
        }
        address_space_unlock(space);
    }
    heap_free(path);
    return path ? 0 : -ENOMEM;
}

static int show_regions(struct address_space *space, struct text *text)
{
    return show(space, text, false);
}

static int show_regions_and_sizes(struct address_space *space, struct text *text)
{
    return show(space, text, true);
}

int proc_maps_show(const struct pseudo_key *key, struct text *text)
{
    return proc_memory_show(key, text, show_regions);
}

int proc_smaps_show(const struct pseudo_key *key, struct text *text)
{
    return proc_memory_show(key, text, show_regions_and_sizes);
}
