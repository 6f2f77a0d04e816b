#include "unified.h"

#include <library/format.h>
#include <library/pe_image.h>
#include <library/string.h>

#define HEAD_MAXIMUM 4096 /* bytes: the sections' table lies there */

bool image_section(const EFI_LOADED_IMAGE_PROTOCOL *image, const char *name, unsigned index,
                   const uint8_t **bytes, uint64_t *size)
{
    const uint8_t *base = image->ImageBase;
    uint64_t image_size = image->ImageSize;
    struct pe_section section;

    if (!base || !pe_section_find(base, image_size < HEAD_MAXIMUM ? image_size : HEAD_MAXIMUM, name,
                                  index, &section))
        return false;
    if (section.address > image_size || section.size > image_size - section.address)
        return false;
    *bytes = base + section.address;
    *size = section.size;
    return true;
}

bool unified_section(const char *name, unsigned index, const uint8_t **bytes, uint64_t *size)
{
    return image_section(firmware.loaded_image, name, index, bytes, size);
}

/* Text up to a NUL or the section's end, without line feeds at its end. */
static void text_take(const char *name, char *text, size_t room)
{
    const uint8_t *bytes;
    uint64_t size;
    size_t length = 0;

    if (unified_section(name, 0, &bytes, &size)) {
        length = strnlen((const char *)bytes, size < room ? size : room - 1);
        memcpy(text, bytes, length);
    }
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        length--;
    text[length] = '\0';
}

bool unified_is(void)
{
    const uint8_t *bytes;
    uint64_t size;

    return unified_section(".linux", 0, &bytes, &size);
}

const struct boot_entry *unified_entry(void)
{
    static struct boot_entry entry; /* too large for the stack */
    const uint8_t *bytes;
    uint64_t size;

    if (!unified_is())
        return NULL;
    memset(&entry, 0, sizeof entry);
    format_string(entry.kernel, sizeof entry.kernel, "/.linux");
    while (entry.initrd_count < BOOT_ENTRY_INITRDS_MAX &&
           unified_section(".initrd", entry.initrd_count, &bytes, &size)) {
        format_string(entry.initrds[entry.initrd_count], BOOT_ENTRY_PATH_MAX, "/.initrd:%u",
                      entry.initrd_count);
        entry.initrd_count++;
    }
    text_take(".cmdline", entry.options, sizeof entry.options);
    return &entry;
}
