#include "kernel_image.h"

#include <library/string.h>

#include "failure.h"
#include "measure.h"
#include "pages.h"

/*
 * The top 2 GiB but the last: addresses that a signed 32-bit displacement reaches (-mcmodel=kernel
 * and small), with the last GiB left to the kernel's own mappings.
 */
#define KERNEL_AREA_START UINT64_C(0xffffffff80000000)
#define KERNEL_AREA_END   UINT64_C(0xffffffffc0000000)
#define KERNEL_ALIGNMENT  UINT64_C(0x200000)

/* One of the places at 2 MiB where the image fits; the first one when it is not random. */
static uint64_t virtual_base_choose(uint64_t size, bool randomize, uint64_t random)
{
    uint64_t places = (KERNEL_AREA_END - KERNEL_AREA_START - size) / KERNEL_ALIGNMENT + 1;

    return KERNEL_AREA_START + (randomize ? random % places : 0) * KERNEL_ALIGNMENT;
}

/* Copies a piece of the file that outlives the file's own memory. */
static EFI_STATUS file_range_keep(const void *file, const struct elf_range *range, const char *what,
                                  struct handoff_range *kept)
{
    void *memory;
    EFI_STATUS status;

    *kept = (struct handoff_range){0};
    if (range->size == 0)
        return EFI_SUCCESS;
    status = pages_allocate(range->size, what, &memory);
    if (EFI_ERROR(status))
        return status;
    memcpy(memory, (const uint8_t *)file + range->offset, range->size);
    *kept = (struct handoff_range){.base = pages_address(memory), .size = range->size};
    return EFI_SUCCESS;
}

static EFI_STATUS image_build(const char *path, const void *file, uint64_t file_size,
                              bool randomize, uint64_t random, struct kernel_image *image)
{
    const char *reason = "";
    void *memory;
    EFI_STATUS status;

    if (elf_kernel_parse(file, file_size, &image->elf, &reason) != 0)
        return failure(EFI_LOAD_ERROR, "%s: %s", path, reason);
    if (image->elf.image_size > KERNEL_AREA_END - KERNEL_AREA_START)
        return failure(EFI_LOAD_ERROR, "%s: larger than 1 GiB in memory", path);
    status = pages_allocate(image->elf.image_size, "the kernel's image", &memory);
    if (EFI_ERROR(status))
        return status;
    image->handoff.physical_base = pages_address(memory);
    image->handoff.size = image->elf.image_size;
    image->handoff.virtual_base = virtual_base_choose(image->elf.image_size, randomize, random);
    image->handoff.entry = image->handoff.virtual_base + image->elf.entry;
    if (elf_kernel_load(&image->elf, file, memory, image->handoff.virtual_base, &reason) != 0)
        return failure(EFI_LOAD_ERROR, "%s: %s", path, reason);

    status = file_range_keep(file, &image->elf.symbols, "the kernel's symbols", &image->symbols);
    if (EFI_ERROR(status))
        return status;
    return file_range_keep(file, &image->elf.symbol_names, "the names of the kernel's symbols",
                           &image->symbol_names);
}

EFI_STATUS kernel_image_load(struct volume *volume, const char *path, bool randomize,
                             uint64_t random, struct kernel_image *image)
{
    void *file;
    uint64_t file_size;
    EFI_STATUS status = volume_file_load(volume, path, &file, &file_size);

    if (EFI_ERROR(status))
        return status;
    measure_kernel(path, file, file_size);
    status = image_build(path, file, file_size, randomize, random, image);
    pages_free(file);
    return status;
}
