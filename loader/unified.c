#include "unified.h"

#include <library/format.h>
#include <library/pe_image.h>
#include <library/string.h>

#include "failure.h"

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
static EFI_STATUS text_take(const char *name, char *text, size_t room)
{
    const uint8_t *bytes = (const uint8_t *)"";
    uint64_t size;
    size_t length = 0;

    if (unified_section(name, 0, &bytes, &size))
        length = strnlen((const char *)bytes, size);
    while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == ' '))
        length--;
    if (length >= room)
        return failure(EFI_BUFFER_TOO_SMALL, "%s: longer than %u bytes", name, (unsigned)room - 1);
    memcpy(text, bytes, length);
    text[length] = '\0';
    return EFI_SUCCESS;
}

bool unified_is(void)
{
    const uint8_t *bytes;
    uint64_t size;

    return unified_section(".linux", 0, &bytes, &size);
}

static EFI_STATUS archives_take(struct boot_entry *entry)
{
    const uint8_t *bytes;
    uint64_t size;

    while (unified_section(".initrd", entry->initrd_count, &bytes, &size)) {
        if (entry->initrd_count == BOOT_ENTRY_INITRDS_MAX)
            return failure(EFI_BUFFER_TOO_SMALL, ".initrd: more than %u sections",
                           BOOT_ENTRY_INITRDS_MAX);
        format_string(entry->initrds[entry->initrd_count], BOOT_ENTRY_PATH_MAX, "/.initrd:%u",
                      entry->initrd_count);
        entry->initrd_count++;
    }
    return EFI_SUCCESS;
}

EFI_STATUS unified_entry(const struct boot_entry **entry)
{
    static struct boot_entry own; /* too large for the stack */
    EFI_STATUS status;

    *entry = unified_is() ? &own : NULL;
    if (!*entry)
        return EFI_SUCCESS;
    memset(&own, 0, sizeof own);
    format_string(own.kernel, sizeof own.kernel, "/.linux");
    status = archives_take(&own);
    return EFI_ERROR(status) ? status : text_take(".cmdline", own.options, sizeof own.options);
}
