#include "pages.h"

#include <bsd/sys/queue.h>

#include <library/align.h>
#include <library/string.h>

#include "failure.h"
#include "record/entry_state.h"

/* One allocation; lies in pool memory. */
struct allocation {
    SLIST_ENTRY(allocation) next;
    EFI_PHYSICAL_ADDRESS base;
    UINTN pages;
};

static SLIST_HEAD(, allocation) allocations = SLIST_HEAD_INITIALIZER(allocations);

/* More answers than there are pages in the first MiB give some of them twice. */
#define LOW_ANSWERS 256

static bool overlaps(uint64_t base, uint64_t pages, uint64_t other, uint64_t other_size)
{
    return base < other + other_size && other < base + pages * EFI_PAGE_SIZE;
}

/* Rule 30: what AllocatePages gives may be no memory, or somebody's. NULL: it can be used. */
static const char *problem_of(EFI_PHYSICAL_ADDRESS base, UINTN pages)
{
    const EFI_LOADED_IMAGE_PROTOCOL *image = firmware.loaded_image;
    const struct allocation *other;

    if (base % EFI_PAGE_SIZE)
        return "is no page";
    if (!recording_is_mapped(base, pages * EFI_PAGE_SIZE))
        return "is not there";
    if (image && overlaps(base, pages, (uintptr_t)image->ImageBase, image->ImageSize))
        return "is the loader's own";
    SLIST_FOREACH(other, &allocations, next)
    {
        if (overlaps(base, pages, other->base, other->pages * EFI_PAGE_SIZE))
            return "is in use";
    }
    return NULL;
}

/*
 * Rule 12: any place will do (AllocateAnyPages), because a wanted address may be taken.
 * Rule 8: but not the first MiB, which firmware and its system management mode use and where the
 * other processors will need their start-up code: what lies there is held while another place is
 * asked for, and then given back.
 */
static EFI_STATUS take_above_first_mebibyte(EFI_ALLOCATE_TYPE type, EFI_MEMORY_TYPE memory_type,
                                            UINTN pages, EFI_PHYSICAL_ADDRESS *base, int answers)
{
    EFI_PHYSICAL_ADDRESS limit = *base;
    EFI_STATUS status = firmware.boot->AllocatePages(type, memory_type, pages, base);
    EFI_PHYSICAL_ADDRESS low = *base;

    if (EFI_ERROR(status) || low >= 0x100000)
        return status;
    if (answers == 0)
        return EFI_OUT_OF_RESOURCES;
    *base = limit;
    status = take_above_first_mebibyte(type, memory_type, pages, base, answers - 1);
    firmware.boot->FreePages(low, pages);
    return status;
}

/* `limit` is the last address wanted, or 0: any. What the firmware should not have given stays
   where it is: it is not ours to give back. */
static EFI_STATUS take(struct allocation *allocation, uint64_t limit, EFI_MEMORY_TYPE type,
                       const char *what)
{
    const char *problem;
    EFI_STATUS status;

    allocation->base = limit;
    status = take_above_first_mebibyte(limit ? AllocateMaxAddress : AllocateAnyPages, type,
                                       allocation->pages, &allocation->base, LOW_ANSWERS);
    if (EFI_ERROR(status))
        return failure(status, "not enough memory: %llu KiB wanted for %s",
                       (unsigned long long)allocation->pages * 4, what);
    problem = problem_of(allocation->base, allocation->pages);
    if (problem)
        return failure(EFI_COMPROMISED_DATA, "the firmware's memory for %s, at 0x%llx, %s", what,
                       (unsigned long long)allocation->base, problem);
    return EFI_SUCCESS;
}

static EFI_STATUS allocate(uint64_t size, uint64_t limit, EFI_MEMORY_TYPE type, const char *what,
                           void **memory)
{
    struct allocation *allocation;
    UINTN pages = size / EFI_PAGE_SIZE + (size % EFI_PAGE_SIZE != 0);
    EFI_STATUS status =
        firmware.boot->AllocatePool(EfiLoaderData, sizeof *allocation, (void **)&allocation);

    if (EFI_ERROR(status))
        return failure(status, "not enough memory: %llu KiB wanted for %s",
                       (unsigned long long)pages * 4, what);
    allocation->pages = pages;
    status = take(allocation, limit, type, what);
    if (EFI_ERROR(status)) {
        firmware.boot->FreePool(allocation);
        return status;
    }
    SLIST_INSERT_HEAD(&allocations, allocation, next);
    *memory = (void *)(uintptr_t)allocation->base;
    return EFI_SUCCESS;
}

static EFI_STATUS allocate_zeroed(uint64_t size, uint64_t limit, EFI_MEMORY_TYPE type,
                                  const char *what, void **memory)
{
    EFI_STATUS status = allocate(size, limit, type, what, memory);

    if (!EFI_ERROR(status))
        memset(*memory, 0, align_up(size, EFI_PAGE_SIZE));
    return status;
}

EFI_STATUS pages_allocate(uint64_t size, const char *what, void **memory)
{
    return allocate_zeroed(size, 0, EfiLoaderData, what, memory);
}

EFI_STATUS pages_allocate_unset(uint64_t size, const char *what, void **memory)
{
    return allocate(size, 0, EfiLoaderData, what, memory);
}

EFI_STATUS pages_allocate_code(uint64_t size, const char *what, void **memory)
{
    return allocate_zeroed(size, 0, EfiLoaderCode, what, memory);
}

EFI_STATUS pages_allocate_below_4gib(uint64_t size, const char *what, void **memory)
{
    return allocate_zeroed(size, UINT32_MAX, EfiLoaderData, what, memory);
}

static void allocation_free(struct allocation *allocation)
{
    SLIST_REMOVE(&allocations, allocation, allocation, next);
    firmware.boot->FreePages(allocation->base, allocation->pages);
    firmware.boot->FreePool(allocation);
}

void pages_free(void *memory)
{
    struct allocation *allocation;

    SLIST_FOREACH(allocation, &allocations, next)
    {
        if (allocation->base == pages_address(memory)) {
            allocation_free(allocation);
            return;
        }
    }
}

void pages_free_all(void)
{
    while (!SLIST_EMPTY(&allocations))
        allocation_free(SLIST_FIRST(&allocations));
}
