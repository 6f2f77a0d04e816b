#include "entry.h"

#include "failure.h"
#include "measure.h"
#include "pages.h"

EFI_STATUS entry_parse(const char *path, const void *text, uint64_t size, struct boot_entry *entry)
{
    struct boot_entry_error error;

    if (boot_entry_parse(text, size, entry, &error) == 0)
        return EFI_SUCCESS;
    if (error.line)
        return failure(EFI_LOAD_ERROR, "%s: line %u: %s", path, error.line, error.reason);
    return failure(EFI_LOAD_ERROR, "%s: %s", path, error.reason);
}

/* Known here, where the firmware's menu can still come back: the kernel could only stop. */
EFI_STATUS entry_check(const char *path, const struct boot_entry *entry)
{
    if (entry->initrd_count == 0)
        return failure(EFI_LOAD_ERROR, "%s: names no initrd", path);
    return EFI_SUCCESS;
}

EFI_STATUS entry_read(struct volume *volume, const char *path, const struct boot_entry **entry)
{
    static struct boot_entry parsed; /* too large for the stack */
    void *text;
    uint64_t size;
    EFI_STATUS status = volume_file_load(volume, path, &text, &size);

    if (EFI_ERROR(status))
        return status;
    measure_entry(path, text, size);
    status = entry_parse(path, text, size, &parsed);
    if (!EFI_ERROR(status))
        status = entry_check(path, &parsed);
    pages_free(text);
    *entry = &parsed;
    return status;
}
