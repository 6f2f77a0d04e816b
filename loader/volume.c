#include "volume.h"

#include "console.h"
#include "failure.h"
#include "pages.h"
#include "record/calls.h"

/* Longest path in characters, with its NUL. */
#define PATH_LIMIT 256

EFI_STATUS volume_open(struct volume *volume)
{
    static const EFI_GUID simple_file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *file_system =
        firmware_protocol(firmware.loaded_image->DeviceHandle, &simple_file_system);
    EFI_STATUS status;

    /* Started over the network or from a shell's memory, say. */
    if (!file_system)
        return failure(EFI_UNSUPPORTED, "BOOTX64.EFI was not started from a volume with files");
    status = file_system->OpenVolume(file_system, &volume->root);
    if (EFI_ERROR(status))
        return failure(status, "cannot open the volume that BOOTX64.EFI was started from");
    return EFI_SUCCESS;
}

void volume_close(struct volume *volume)
{
    if (volume->root)
        volume->root->Close(volume->root);
    volume->root = NULL;
}

/* A Boot Loader Specification path has slashes, UEFI's has backslashes (UEFI 2.10, 13.5). */
static bool path_widen(const char *path, CHAR16 wide[PATH_LIMIT])
{
    for (size_t i = 0; i < PATH_LIMIT; i++) {
        wide[i] = path[i] == '/' ? '\\' : (CHAR16)path[i];
        if (!path[i])
            return true;
    }
    return false;
}

/* EFI_FILE_INFO ends with the file's name, so its size is asked for first (UEFI 2.10, 13.5). */
static EFI_STATUS file_information(struct volume_file *file, EFI_FILE_INFO **information)
{
    static const EFI_GUID file_info = EFI_FILE_INFO_ID;
    EFI_FILE_HANDLE handle = file->handle;
    UINTN size = 0;
    EFI_STATUS status = handle->GetInfo(handle, (EFI_GUID *)&file_info, &size, NULL);

    if (status != EFI_BUFFER_TOO_SMALL)
        return EFI_ERROR(status) ? status : EFI_DEVICE_ERROR;
    status = firmware.boot->AllocatePool(EfiLoaderData, size, (void **)information);
    if (EFI_ERROR(status))
        return status;
    status = handle->GetInfo(handle, (EFI_GUID *)&file_info, &size, *information);
    if (EFI_ERROR(status))
        firmware.boot->FreePool(*information);
    return status;
}

static EFI_STATUS file_measure(struct volume_file *file)
{
    EFI_FILE_INFO *information;
    EFI_STATUS status = file_information(file, &information);
    bool directory;

    if (EFI_ERROR(status))
        return failure(status, "%s: cannot find out its size", file->path);
    file->size = information->FileSize;
    directory = information->Attribute & EFI_FILE_DIRECTORY;
    firmware.boot->FreePool(information);
    if (directory)
        return failure(EFI_LOAD_ERROR, "%s: is a directory", file->path);
    /* FAT32's limit (UEFI 2.10, 13.3): what says it is longer would overflow a sum of sizes. */
    if (file->size > UINT32_MAX)
        return failure(EFI_VOLUME_CORRUPTED, "%s: says that it is longer than 4 GiB", file->path);
    return EFI_SUCCESS;
}

EFI_STATUS volume_file_open(struct volume *volume, const char *path, struct volume_file *file)
{
    CHAR16 wide[PATH_LIMIT];
    EFI_STATUS status;

    *file = (struct volume_file){.path = path};
    if (!path_widen(path, wide))
        return failure(EFI_INVALID_PARAMETER, "%s: path longer than %d characters", path,
                       PATH_LIMIT - 1);
    status = volume->root->Open(volume->root, &file->handle, wide, EFI_FILE_MODE_READ, 0);
    if (EFI_ERROR(status)) {
        file->handle = NULL;
        return failure(status, "%s: cannot open", path);
    }
    status = file_measure(file);
    if (EFI_ERROR(status))
        volume_file_close(file);
    return status;
}

void volume_file_close(struct volume_file *file)
{
    if (file->handle)
        file->handle->Close(file->handle);
    file->handle = NULL;
}

/*
 * Rule 11: large reads fail on some firmware, and a read that failed spoils the handle
 * (systemd issue 25911). So the file is read in pieces of 1 MiB, a short read goes on where it
 * ended, and a failed one is not tried again.
 */
EFI_STATUS volume_file_read(struct volume_file *file, void *memory)
{
    const uint64_t piece_limit = 1024 * 1024;

    /* Before it is read: whoever waits, or sees it stop, knows for what. */
    console_print("loader: reading %s (%llu KiB)\n", file->path,
                  (unsigned long long)(file->size + 1023) / 1024);
    for (uint64_t offset = 0; offset < file->size;) {
        uint64_t left = file->size - offset;
        UINTN piece = left < piece_limit ? left : piece_limit;
        struct file_read read = {file->path, offset, piece, 0, left};
        EFI_STATUS status = file->handle->Read(file->handle, &piece, (uint8_t *)memory + offset);

        read.got = EFI_ERROR(status) ? 0 : piece;
        recording_file_read(&read, status);
        if (EFI_ERROR(status))
            return failure(status, "%s: cannot read at byte %llu of %llu", file->path,
                           (unsigned long long)offset, (unsigned long long)file->size);
        if (piece == 0 || piece > left)
            return failure(EFI_END_OF_FILE, "%s: ends after %llu of %llu bytes", file->path,
                           (unsigned long long)offset, (unsigned long long)file->size);
        offset += piece;
    }
    return EFI_SUCCESS;
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
