/* maps.c: /proc/PID/maps and smaps: a line for each region (proc(5)). */
#include <asm/errno.h>

#include "library/align.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "proc/process/files.h"
#include "proc/process/target.h"
#include "thread/preemption.h"
#include "thread/thread.h"

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

/* What a line is about: a region, or the part of an exec segment that is its file's, or the zeros
   behind that (bss). */
struct part {
    const struct region *region;
    vaddr_t start, end;
    struct memory_object *object;
};

/* The part that begins at `start`. */
static struct part part_at(const struct region *region, vaddr_t start)
{
    vaddr_t file_end = region->file_end ? align_up(region->file_end, PAGE_SIZE) : region->end;
    bool of_file = start < file_end;

    return (struct part){.region = region,
                         .start = start,
                         .end = of_file && file_end < region->end ? file_end : region->end,
                         .object = of_file ? region->object : NULL};
}

static void part_show(struct text *text, const struct address_space *space, const struct part *part,
                      char *path)
{
    const struct region *region = part->region;
    struct memory_object *object = part->object;
    const char *name = region_name(space, region);
    size_t begin = text->size;

    text_print(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", part->start, part->end,
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

static void size_show(struct text *text, const char *name, uint64_t pages)
{
    char label[24];

    format_string(label, sizeof(label), "%s:", name);
    text_print(text, "%-16s%8lu kB\n", label, pages * (PAGE_SIZE / 1024));
}

static void residency_show(struct text *text, const struct residency *sum, bool locked)
{
    uint64_t proportional = sum->proportional / PAGE_SIZE;

    size_show(text, "Rss", sum->resident);
    size_show(text, "Pss", proportional);
    size_show(text, "Shared_Clean", sum->shared_clean);
    size_show(text, "Shared_Dirty", sum->shared_dirty);
    size_show(text, "Private_Clean", sum->private_clean);
    size_show(text, "Private_Dirty", sum->private_dirty);
    size_show(text, "Referenced", sum->resident); /* nobody looks who was touched since when */
    size_show(text, "Anonymous", sum->anonymous);
    size_show(text, "Swap", 0);
    size_show(text, "SwapPss", 0);
    size_show(text, "Locked", locked ? proportional : 0);
}

static void part_show_sizes(struct text *text, const struct part *part)
{
    const struct region *region = part->region;
    struct residency sum = {0};

    region_add_residency(region, part->start, part->end, &sum);
    size_show(text, "Size", (part->end - part->start) / PAGE_SIZE);
    size_show(text, "KernelPageSize", 1);
    size_show(text, "MMUPageSize", 1);
    residency_show(text, &sum, region->flags & REGION_LOCKED);
    text_print(
        text, "VmFlags:%s%s%s%s mr mw me%s%s\n", region->flags & REGION_READ ? " rd" : "",
        region->flags & REGION_WRITE ? " wr" : "", region->flags & REGION_EXECUTE ? " ex" : "",
        region->flags & REGION_SHARED ? " sh" : "", region->flags & REGION_STACK ? " gd" : "",
        region->flags & REGION_LOCKED ? " lo" : "");
}

static int show(struct address_space *space, struct text *text, bool sizes)
{
    char *path = heap_allocate(PATH_SIZE_MAXIMUM);
    if (!path)
        return -ENOMEM;
    address_space_lock(space);
    for (const struct region *region = space->first; region; region = region->next) {
        struct part part;
        thread_preemption_point();
        for (vaddr_t start = region->start; start < region->end; start = part.end) {
            part = part_at(region, start);
            part_show(text, space, &part, path);
            if (sizes)
                part_show_sizes(text, &part);
        }
    }
    address_space_unlock(space);
    heap_free(path);
    return 0;
}

/* /proc/PID/smaps_rollup: the sum of all. */
static int show_sum(struct address_space *space, struct text *text)
{
    struct residency sum = {0};

    address_space_lock(space);
    if (space->first) {
        text_print(text, "%08lx-%08lx ---p 00000000 00:00 0 %*s[rollup]\n", space->first->start,
                   space->last->end, 23, "");
        for (const struct region *region = space->first; region; region = region->next) {
            thread_preemption_point();
            region_add_residency(region, region->start, region->end, &sum);
        }
    }
    address_space_unlock(space);
    residency_show(text, &sum, false);
    return 0;
}

static int show_regions(struct address_space *space, struct text *text)
{
    return show(space, text, false);
}

static int show_regions_and_sizes(struct address_space *space, struct text *text)
{
    return show(space, text, true);
}

int pid_maps_show(const struct pseudo_key *key, struct text *text)
{
    return pid_memory_show(key, text, show_regions);
}

int pid_smaps_show(const struct pseudo_key *key, struct text *text)
{
    return pid_memory_show(key, text, show_regions_and_sizes);
}

int pid_smaps_rollup_show(const struct pseudo_key *key, struct text *text)
{
    return pid_memory_show(key, text, show_sum);
}
