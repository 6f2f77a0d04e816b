/* report.c: the record so far as a file on the volume, for who cannot get it out of the machine in
 * another way. A volume that is full or read-only is a line on the console, and no more. */
#include "record/report.h"

#include <library/format.h>
#include <library/string.h>

#include "console.h"
#include "failure.h"
#include "record/recording.h"

enum { PATH_MAXIMUM = 64 };

static const char folder[] = "\\baton\\report";

/* \baton\report\0123456789abcdef0123456789abcdef.rec */
static void report_path(char path[PATH_MAXIMUM])
{
    const struct record_header *header = (const void *)recording.bytes;
    size_t length = strlen(folder);

    memcpy(path, folder, length);
    path[length++] = '\\';
    for (size_t i = 0; i < sizeof header->boot; i++, length += 2)
        format_string(path + length, PATH_MAXIMUM - length, "%02x", header->boot[i]);
    memcpy(path + length, ".rec", sizeof ".rec");
}

static EFI_STATUS create(EFI_FILE_HANDLE root, const char *path, UINT64 attributes,
                         EFI_FILE_HANDLE *file)
{
    CHAR16 wide[PATH_MAXIMUM];

    for (size_t i = 0; i <= strlen(path); i++)
        wide[i] = (CHAR16)path[i];
    return root->Open(root, file, wide,
                      EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE, attributes);
}

static EFI_STATUS write_all(EFI_FILE_HANDLE file)
{
    uint64_t size = record_size(&recording);
    UINTN written = size;
    EFI_STATUS status;

    record_seal(&recording);
    status = file->Write(file, &written, recording.bytes);
    return EFI_ERROR(status) || written == size ? status : EFI_VOLUME_FULL;
}

/* What could not be written whole is no record: it goes again. */
static EFI_STATUS write_report(EFI_FILE_HANDLE root, const char *path)
{
    EFI_FILE_HANDLE file;
    EFI_STATUS status = create(root, folder, EFI_FILE_DIRECTORY, &file);

    if (EFI_ERROR(status))
        return status;
    file->Close(file);
    status = create(root, path, 0, &file);
    if (EFI_ERROR(status))
        return status;
    status = write_all(file);
    if (EFI_ERROR(status)) {
        file->Delete(file);
        return status;
    }
    return file->Close(file);
}

void recording_report(struct volume *volume)
{
    char path[PATH_MAXIMUM];
    EFI_STATUS status;

    report_path(path);
    status = volume->root ? write_report(volume->root, path) : EFI_WRITE_PROTECTED;
    if (EFI_ERROR(status))
        console_print("loader: no report on the volume: %s (EFI status 0x%llx)\n",
                      failure_name(status), (unsigned long long)status);
    else
        console_print("loader: wrote %s\n", path);
}
