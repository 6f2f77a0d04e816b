#include "volume.h"

#include <library/string.h>

#include "console.h"
#include "failure.h"
#include "pages.h"
#include "trust.h"
#include "unified.h"
#include "volume_source.h"

/* In the order in which they are asked for a file. */
static const struct volume_source *const sources[] = {&volume_sections, &volume_files, &volume_tftp,
                                                      &volume_http};

EFI_STATUS volume_open(struct volume *volume)
{
    EFI_STATUS status;
    bool found;

    *volume = (struct volume){0};
    found = volume_files_open(volume, firmware.loaded_image->DeviceHandle, &status);
    if (EFI_ERROR(status))
        return failure(status, "cannot open the volume that BOOTX64.EFI was started from");
    volume->tftp = tftp_find();
    volume->http = http_find();
    /* Started from a shell's memory, or over IPv6, say; a unified image needs no files. */
    if (!found && !volume->tftp && !volume->http && !unified_is())
        return failure(EFI_UNSUPPORTED, "BOOTX64.EFI was started neither from a volume with files "
                                        "nor by TFTP or HTTP over IPv4");
    return EFI_SUCCESS;
}

EFI_STATUS volume_open_on(EFI_HANDLE device, struct volume *volume)
{
    EFI_STATUS status;

    if (device == firmware.loaded_image->DeviceHandle)
        return volume_open(volume);
    *volume = (struct volume){0};
    if (!volume_files_open(volume, device, &status))
        return failure(EFI_ERROR(status) ? status : EFI_NOT_FOUND,
                       "cannot open the volume that the entry lies on");
    return EFI_SUCCESS;
}

void volume_close(struct volume *volume)
{
    volume_files_close(volume);
}

/* Asks all sources there are; the status is the first one's that has more to say than "not found".
 */
static EFI_STATUS file_find(struct volume_file *file)
{
    EFI_STATUS result = EFI_NOT_FOUND;

    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        EFI_STATUS status;

        if (!sources[i]->there(file->volume))
            continue;
        status = sources[i]->find(file);
        if (!EFI_ERROR(status)) {
            file->source = sources[i];
            return status;
        }
        if (result == EFI_NOT_FOUND)
            result = status;
    }
    return result;
}

EFI_STATUS volume_file_open(struct volume *volume, const char *path, struct volume_file *file)
{
    EFI_STATUS status;

    *file = (struct volume_file){.path = path, .volume = volume};
    if (strnlen(path, VOLUME_PATH_MAX) == VOLUME_PATH_MAX)
        return failure(EFI_INVALID_PARAMETER, "%s: path longer than %d characters", path,
                       VOLUME_PATH_MAX - 1);
    status = file_find(file);
    if (EFI_ERROR(status))
        return failure(status, "%s: cannot open", path);
    status = file->source->measure(file);
    /* FAT32's limit (UEFI 2.10, 13.3): what says it is longer would overflow a sum of sizes. */
    if (!EFI_ERROR(status) && file->size > UINT32_MAX)
        status = failure(EFI_VOLUME_CORRUPTED, "%s: says that it is longer than 4 GiB", path);
    if (EFI_ERROR(status))
        volume_file_close(file);
    return status;
}

bool volume_file_exists(struct volume *volume, const char *path)
{
    struct volume_file file = {.path = path, .volume = volume};
    EFI_STATUS status = file_find(&file);

    volume_file_close(&file);
    return !EFI_ERROR(status);
}

void volume_file_close(struct volume_file *file)
{
    volume_files_close_file(file);
}

EFI_STATUS volume_file_read(struct volume_file *file, void *memory)
{
    EFI_STATUS status;

    /* Before it is read: whoever waits, or sees it stop, knows for what. */
    console_print("loader: reading %s (%llu KiB)\n", file->path,
                  (unsigned long long)(file->size + 1023) / 1024);
    status = file->source->read(file, memory);
    if (EFI_ERROR(status) || file->source->trusted)
        return status;
    return trust_check(file->path, memory, file->size);
}

EFI_STATUS volume_file_load(struct volume *volume, const char *path, void **memory, uint64_t *size)
{
    struct volume_file file;
    EFI_STATUS status = volume_file_open(volume, path, &file);

    if (EFI_ERROR(status))
        return status;
    *memory = NULL;
    *size = file.size;
    if (file.size == 0)
        status = failure(EFI_LOAD_ERROR, "%s: is empty", path);
    if (!EFI_ERROR(status))
        status = pages_allocate(file.size, path, memory);
    if (!EFI_ERROR(status))
        status = volume_file_read(&file, *memory);
    if (EFI_ERROR(status))
        pages_free(*memory);
    volume_file_close(&file);
    return status;
}
