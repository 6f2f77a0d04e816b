/* vdso.c: the clock's page and the vDSO behind it: made once, mapped into every program. */
#include "process/vdso/vdso.h"

#include "cpu/clock.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/address_space.h"

static void describe_clock(struct memory_object *object, char *buffer, size_t size)
{
    (void)object;
    string_copy(buffer, "[vvar]", size); /* as Linux names it */
}

static void describe_program(struct memory_object *object, char *buffer, size_t size)
{
    (void)object;
    string_copy(buffer, "[vdso]", size);
}

enum { CLOCK, PROGRAM, PART_COUNT };

static struct constant_pages parts[PART_COUNT] = {
    [CLOCK] = {.object.describe = describe_clock, .flags = REGION_READ | REGION_KERNEL},
    [PROGRAM] = {.object.describe = describe_program, .flags = REGION_READ | REGION_EXECUTE},
};

int vdso_initialize(void)
{
    int error = constant_pages_initialize(&parts[CLOCK], 1);
    if (!error)
        error = constant_pages_initialize(&parts[PROGRAM],
                                          align_up(vdso_image_size, PAGE_SIZE) / PAGE_SIZE);
    if (error)
        return error;

    for (size_t offset = 0; offset < vdso_image_size; offset += PAGE_SIZE) {
        size_t left = vdso_image_size - offset;
        memcpy(constant_page(&parts[PROGRAM], offset / PAGE_SIZE), vdso_image + offset,
               left < PAGE_SIZE ? left : PAGE_SIZE);
    }
    clock_move(constant_page(&parts[CLOCK], 0));
    return 0;
}

size_t vdso_size(void)
{
    return (parts[CLOCK].count + parts[PROGRAM].count) * PAGE_SIZE;
}

vaddr_t vdso_program_address(vaddr_t place)
{
    return place + parts[CLOCK].count * PAGE_SIZE;
}

int vdso_map(struct address_space *space, vaddr_t place)
{
    return address_space_map_constant(space, place, parts, PART_COUNT);
}
