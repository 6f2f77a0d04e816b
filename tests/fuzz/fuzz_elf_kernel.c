/* The input is the kernel's file; what is accepted is loaded as the loader does. */
#include "fuzz.h"
#include "library/elf.h"

#include <errno.h>

enum {
    IMAGE_SIZE_MAX = 1 << 20, /* larger ones are only parsed: zeroing them takes the time */
};

static void kernel_require(const struct elf_kernel *kernel, const uint8_t *data, size_t size)
{
    uint64_t end = 0;
    bool entry_found = false;

    require(kernel->segment_count > 0 && kernel->segment_count <= ELF_KERNEL_SEGMENTS_MAX);
    for (uint32_t i = 0; i < kernel->segment_count; i++) {
        const struct elf_segment *segment = &kernel->segments[i];
        require(segment->address % PAGE_SIZE == 0 && segment->address >= end);
        require((segment->flags & (PF_W | PF_X)) != (PF_W | PF_X));
        require(segment->file_size <= segment->memory_size);
        require(segment->file_offset + segment->file_size <= size);
        end = (segment->address + segment->memory_size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
        if (kernel->entry >= segment->address &&
            kernel->entry < segment->address + segment->memory_size)
            entry_found = segment->flags & PF_X;
    }
    require(entry_found);
    require(kernel->image_size == end && end <= 1 << 30);
    require(kernel->relocations.offset + kernel->relocations.size <= size);
    require(kernel->symbols.offset + kernel->symbols.size <= size);
    require(kernel->symbol_names.offset + kernel->symbol_names.size <= size);
    require(kernel->symbol_names.size == 0 ||
            data[kernel->symbol_names.offset + kernel->symbol_names.size - 1] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_kernel kernel;
    const char *reason = NULL;

    int error = elf_kernel_parse(data, size, &kernel, &reason);
    if (error) {
        require(error == -ENOEXEC && reason != NULL);
        return 0;
    }
    kernel_require(&kernel, data, size);
    if (kernel.image_size > IMAGE_SIZE_MAX)
        return 0;
    void *image = malloc(kernel.image_size);
    error = elf_kernel_load(&kernel, data, image, 0xffffffff80000000, &reason);
    require(error == 0 || reason != NULL);
    free(image);
    return 0;
}
