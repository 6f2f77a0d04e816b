/*
 * pe_image.h: which program lies in memory at an address: the head of a PE image (Microsoft, PE
 * Format) as the firmware loads its drivers, to name who made a fault; and the sections of a
 * unified kernel image.
 *
 * Pure: no allocation, no lock; nothing in the image is trusted.
 */
#ifndef BATON_LIBRARY_PE_IMAGE_H
#define BATON_LIBRARY_PE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PE_NAME_SIZE 40

struct pe_image {
    uint32_t size; /* bytes in memory (SizeOfImage) */
    char
        name[PE_NAME_SIZE]; /* of the file it was linked to, without folders; "": it does not say */
};

/* The image that begins at `bytes`, of which `size` can be read. False: there is none, or it is
   no 64-bit one. */
bool pe_image_read(const uint8_t *bytes, size_t size, struct pe_image *image);

/* A section: where it lies in memory, from the image's beginning, and in the file. */
struct pe_section {
    uint32_t address,
        size; /* size: of what the file has of it, without what fills its last block */
    uint32_t offset;
};

/*
 * The section number `index` (from 0) of those with this name, of at most 8 characters. `size`
 * bytes of the image's head can be read; what the section says of itself is not checked against
 * anything else. False: there are not that many, or it is no 64-bit image.
 */
bool pe_section_find(const uint8_t *bytes, size_t size, const char *name, unsigned index,
                     struct pe_section *section);

#endif
