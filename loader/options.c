#include "options.h"

#include <library/format.h>
#include <library/load_options.h>
#include <library/string.h>

#include "console.h"
#include "pages.h"
#include "record/entry_state.h"

/*
 * U-Boot passes its `bootargs`, by default Linux's root= and init=, to every application
 * (2023.01, efi_bootmgr and distro scripts). They are nobody's wish for this kernel.
 */
static bool firmware_is_u_boot(void)
{
    static const CHAR16 name[] = L"Das U-Boot";
    CHAR16 vendor[FIRMWARE_VENDOR_MAX] = {0};

    firmware_vendor(vendor);
    return memcmp(vendor, name, sizeof name) == 0;
}

/* Rule 18: LoadOptions are rubbish on many machines. What is no text is ignored with a word. */
const char *options_text(void)
{
    static char text[BOOT_ENTRY_OPTIONS_MAX];
    const EFI_LOADED_IMAGE_PROTOCOL *image = firmware.loaded_image;

    if (!image->LoadOptions || image->LoadOptionsSize == 0)
        return "";
    if (firmware_is_u_boot()) {
        console_print("loader: ignored U-Boot's bootargs\n");
        return "";
    }
    if (!recording_is_mapped((uintptr_t)image->LoadOptions, image->LoadOptionsSize)) {
        console_print("loader: ignored LoadOptions that lie nowhere\n");
        return "";
    }
    if (load_options_parse(image->LoadOptions, image->LoadOptionsSize, text, sizeof text) < 0)
        console_print("loader: ignored %u bytes of LoadOptions that are no printable text\n",
                      image->LoadOptionsSize);
    return text;
}

/* A word that ends in ".conf" and names nothing is refused when it is read: it is no kernel option.
 */
struct options_given options_read(struct volume *volume)
{
    static struct load_options_entry entry;
    struct options_given given = {.kernel = options_text()};

    if (load_options_entry(given.kernel, &entry) &&
        (entry.certain || volume_file_exists(volume, entry.path)))
        given = (struct options_given){.entry = entry.path, .kernel = entry.rest};
    return given;
}

EFI_STATUS options_build(const char *own, const char *more, struct handoff_range *options)
{
    size_t size = strlen(own) + strlen(more) + 2;
    void *memory;
    EFI_STATUS status = pages_allocate(size, "the kernel's options", &memory);

    if (EFI_ERROR(status))
        return status;
    size = 1 + format_string(memory, size, "%s%s%s", own, *own && *more ? " " : "", more);
    *options = (struct handoff_range){.base = pages_address(memory), .size = size};
    return EFI_SUCCESS;
}
