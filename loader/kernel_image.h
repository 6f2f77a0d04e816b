/* kernel_image.h: the kernel's file becomes the kernel's image. */
#ifndef BATON_LOADER_KERNEL_IMAGE_H
#define BATON_LOADER_KERNEL_IMAGE_H

#include <handoff.h>

#include <library/elf.h>

#include "volume.h"

struct kernel_image {
    struct elf_kernel elf; /* segments: offsets from the image's start, and permissions */
    struct handoff_kernel handoff;
    struct handoff_range symbols;
    struct handoff_range symbol_names;
};

/*
 * Loads the kernel at `path` to any physical place, relocated for `virtual_base`
 * (kernel_image_place()), and its symbol table beside it.
 */
EFI_STATUS kernel_image_load(struct volume *volume, const char *path, bool randomize,
                             uint64_t random, struct kernel_image *image);

#endif
