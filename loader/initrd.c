#include "initrd.h"

#include <library/align.h>
#include <library/cpio.h>

#include "failure.h"
#include "pages.h"

/*
 * The kernel could only stop at a corrupt archive; here the firmware's menu still comes back. The
 * walk reads the headers, not the files' contents.
 */
static EFI_STATUS archive_check(const char *path, const void *archive, uint64_t size)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    int more;

    cpio_start(&reader, archive, size);
    do {
        more = cpio_next(&reader, &entry);
    } while (more > 0);
    if (more < 0)
        return failure(EFI_LOAD_ERROR, "%s: corrupt cpio archive: %s at byte %llu", path,
                       reader.reason, (unsigned long long)reader.error_offset);
    return EFI_SUCCESS;
}

static EFI_STATUS file_append(struct volume_file *file, uint8_t *memory)
{
    EFI_STATUS status = volume_file_read(file, memory);

    if (EFI_ERROR(status))
        return status;
    return archive_check(file->path, memory, file->size);
}

EFI_STATUS initrd_load(struct volume *volume, const struct boot_entry *entry,
                       struct handoff_range *initrd)
{
    static struct volume_file files[BOOT_ENTRY_INITRDS_MAX];
    EFI_STATUS status = EFI_SUCCESS;
    uint64_t size = 0, offset = 0;
    uint32_t opened = 0;
    void *memory = NULL;

    *initrd = (struct handoff_range){0};
    while (opened < entry->initrd_count && !EFI_ERROR(status)) {
        struct volume_file *file = &files[opened];

        status = volume_file_open(volume, entry->initrds[opened], file);
        if (EFI_ERROR(status))
            break;
        opened++;
        if (file->size == 0)
            status = failure(EFI_LOAD_ERROR, "%s: is empty", file->path);
        size += align_up(file->size, 4);
    }
    if (!EFI_ERROR(status) && size)
        status = pages_allocate(size, files[0].path, &memory);
    for (uint32_t i = 0; i < opened; i++) {
        if (!EFI_ERROR(status))
            status = file_append(&files[i], (uint8_t *)memory + offset);
        offset += align_up(files[i].size, 4);
        volume_file_close(&files[i]);
    }
    if (!EFI_ERROR(status))
        *initrd = (struct handoff_range){.base = pages_address(memory), .size = size};
    return status;
}
