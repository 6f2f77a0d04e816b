/* volume_servers.c: files from the server that the loader came from. */
#include "console.h"
#include "failure.h"
#include "record/calls.h"
#include "volume_source.h"

/* The size came with the file. */
static EFI_STATUS measured(struct volume_file *file)
{
    (void)file;
    return EFI_SUCCESS;
}

static EFI_STATUS read_end(const struct volume_file *file, const char *how, EFI_STATUS status)
{
    const struct file_read read = {file->path, 0, file->size, EFI_ERROR(status) ? 0 : file->size,
                                   file->size};

    recording_file_read(&read, status);
    if (EFI_ERROR(status))
        return failure(status, "%s: cannot be fetched by %s", file->path, how);
    return status;
}

static bool tftp_there(const struct volume *volume)
{
    return volume->tftp;
}

static EFI_STATUS tftp_find_file(struct volume_file *file)
{
    EFI_STATUS status = tftp_size(file->volume->tftp, file->path, &file->size);

    /* iPXE's TFTP never says how long a file is, but it has a volume for what its script names. */
    if (status == EFI_UNSUPPORTED)
        console_print(
            "loader: the network loader fetches no files for others: its script has to name "
            "%s (iPXE: initrd)\n",
            file->path);
    return status;
}

static EFI_STATUS tftp_read_file(struct volume_file *file, void *memory)
{
    return read_end(file, "TFTP", tftp_read(file->volume->tftp, file->path, memory, file->size));
}

const struct volume_source volume_tftp = {
    .there = tftp_there,
    .find = tftp_find_file,
    .measure = measured,
    .read = tftp_read_file,
};

static bool http_there(const struct volume *volume)
{
    return volume->http;
}

static EFI_STATUS http_find_file(struct volume_file *file)
{
    return http_size(file->volume->http, file->path, &file->size);
}

static EFI_STATUS http_read_file(struct volume_file *file, void *memory)
{
    return read_end(file, "HTTP", http_read(file->volume->http, file->path, memory, file->size));
}

const struct volume_source volume_http = {
    .there = http_there,
    .find = http_find_file,
    .measure = measured,
    .read = http_read_file,
};
