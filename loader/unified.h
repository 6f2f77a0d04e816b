/*
 * unified.h: the loader as the stub of a unified kernel image (UAPI.5): kernel, initrd and options
 * are sections of its own file, so that one signature covers all.
 */
#ifndef BATON_LOADER_UNIFIED_H
#define BATON_LOADER_UNIFIED_H

#include <library/boot_entry.h>

#include "firmware.h"

/*
 * A section of the loader's own image, the one of this number of those that have the name. False:
 * there is none. The bytes are the image's; nobody writes to them.
 */
bool unified_section(const char *name, unsigned index, const uint8_t **bytes, uint64_t *size);

/* The same of another image that is loaded. */
bool image_section(const EFI_LOADED_IMAGE_PROTOCOL *image, const char *name, unsigned index,
                   const uint8_t **bytes, uint64_t *size);

/* Is the loader's own image a unified kernel image? */
bool unified_is(void);

/*
 * What the image has instead of an entry, or *entry is NULL: it is no unified one, and entries are
 * read. Its files are the sections, which a volume gives under names like "/.linux"
 * (volume_sections.c). An error: there is more than an entry can hold, and nothing is left out.
 */
EFI_STATUS unified_entry(const struct boot_entry **entry);

#endif
