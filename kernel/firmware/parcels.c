#include "firmware/parcels.h"

#include <asm/errno.h>

#include "library/align.h"
#include "library/string.h"
#include "memory/heap.h"

/* Of more than a page, so that it comes from the heap's area, whose blocks have an unmapped page
   behind them (heap.c). */
#define SMALL (2 * PAGE_SIZE)

/* For small ones, there all the time. */
static char *parcels[CONTAINED_ARGUMENTS];

int parcels_initialize(void)
{
    for (size_t i = 0; i < CONTAINED_ARGUMENTS; i++) {
        parcels[i] = heap_allocate(SMALL);
        if (!parcels[i])
            return -ENOMEM;
    }
    return 0;
}

static char *parcel_begin(size_t index, size_t size)
{
    size_t room = size <= SMALL ? SMALL : align_up(size, PAGE_SIZE);
    char *memory = size <= SMALL ? parcels[index] : heap_allocate(room);

    return memory ? memory + room - size : NULL;
}

static void parcel_end(char *parcel, size_t size)
{
    if (size > SMALL)
        heap_free((void *)align_down((uint64_t)parcel, PAGE_SIZE));
}

void parcels_unpack(const struct argument given[CONTAINED_ARGUMENTS],
                    const struct arguments *packed)
{
    for (size_t i = 0; i < CONTAINED_ARGUMENTS; i++) {
        if (!given[i].size || !packed->value[i])
            continue;
        memcpy((void *)given[i].value, (const void *)packed->value[i], given[i].size);
        parcel_end((char *)packed->value[i], given[i].size);
    }
}

int parcels_pack(const struct argument given[CONTAINED_ARGUMENTS], struct arguments *packed)
{
    bool all = true;

    for (size_t i = 0; i < CONTAINED_ARGUMENTS; i++) {
        packed->value[i] = given[i].value;
        if (!given[i].size)
            continue;
        packed->value[i] = (uint64_t)parcel_begin(i, given[i].size);
        all &= packed->value[i] != 0;
        if (packed->value[i])
            memcpy((void *)packed->value[i], (const void *)given[i].value, given[i].size);
    }
    if (!all)
        parcels_unpack(given, packed);
    return all ? 0 : -ENOMEM;
}
