#include "entry.h"

#include "failure.h"
#include "pages.h"

EFI_STATUS entry_read(struct volume *volume, const char *path, const struct boot_entry **entry)
{
    static struct boot_entry parsed; /* too large for the stack */
    struct boot_entry_error error;
    void *text;
    uint64_t size;
    EFI_STATUS status = volume_file_load(volume, path, &text, &size);

    if (EFI_ERROR(status))
        return status;
    if (boot_entry_parse(text, size, &parsed, &error) != 0) {
        if (error.line)
            status = failure(EFI_LOAD_ERROR, "%s: line %u: %s", path, error.line, error.reason);
        else
            status = failure(EFI_LOAD_ERROR, "%s: %s", path, error.reason);
    }
    /* Known here, where the firmware's menu can still come back: the kernel could only stop. */
    if (!EFI_ERROR(status) && parsed.initrd_count == 0)
        status = failure(EFI_LOAD_ERROR, "%s: names no initrd", path);
    pages_free(text);
    *entry = &parsed;
    return status;
}
