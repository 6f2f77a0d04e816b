#include "failure.h"
#include "record/calls.h"
#include "text.h"
#include "volume_source.h"

bool volume_files_open(struct volume *volume, EFI_HANDLE device, EFI_STATUS *status)
{
    static const EFI_GUID simple_file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    static const EFI_GUID network = EFI_PXE_BASE_CODE_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *file_system = firmware_protocol(device, &simple_file_system);

    *status = EFI_SUCCESS;
    if (!file_system)
        return false;
    volume->by_name = firmware_protocol(device, &network);
    *status = file_system->OpenVolume(file_system, &volume->root);
    if (!EFI_ERROR(*status) && !volume->root)
        *status = EFI_DEVICE_ERROR;
    return !EFI_ERROR(*status);
}

void volume_files_close(struct volume *volume)
{
    if (volume->root)
        volume->root->Close(volume->root);
    volume->root = NULL;
}

static bool there(const struct volume *volume)
{
    return volume->root;
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
    if (size < offsetof(EFI_FILE_INFO, FileName))
        return EFI_BAD_BUFFER_SIZE;
    status = firmware.boot->AllocatePool(EfiLoaderData, size, (void **)information);
    if (EFI_ERROR(status))
        return status;
    status = handle->GetInfo(handle, (EFI_GUID *)&file_info, &size, *information);
    if (EFI_ERROR(status))
        firmware.boot->FreePool(*information);
    return status;
}

static EFI_STATUS measure(struct volume_file *file)
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
    return EFI_SUCCESS;
}

static EFI_STATUS find_as(struct volume_file *file, const char *path)
{
    CHAR16 wide[VOLUME_PATH_MAX];
    EFI_FILE_HANDLE root = file->volume->root;
    EFI_STATUS status;

    file->handle = NULL;
    if (!text_widen_path(path, wide, VOLUME_PATH_MAX))
        return EFI_INVALID_PARAMETER;
    status = root->Open(root, &file->handle, wide, EFI_FILE_MODE_READ, 0);
    if (!EFI_ERROR(status) && !file->handle)
        status = EFI_DEVICE_ERROR;
    if (EFI_ERROR(status))
        file->handle = NULL;
    return status;
}

/* iPXE's volume has no folders, only the names that its script gave. */
static EFI_STATUS find(struct volume_file *file)
{
    EFI_STATUS status = find_as(file, file->path);

    if (EFI_ERROR(status) && file->volume->by_name)
        status = find_as(file, net_boot_name(file->path));
    return status;
}

void volume_files_close_file(struct volume_file *file)
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
static EFI_STATUS read_all(struct volume_file *file, void *memory)
{
    const uint64_t piece_limit = 1024 * 1024;

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

const struct volume_source volume_files = {
    .there = there,
    .find = find,
    .measure = measure,
    .read = read_all,
};
