/* volume.h: files on the volume that BOOTX64.EFI was started from. */
#ifndef BATON_LOADER_VOLUME_H
#define BATON_LOADER_VOLUME_H

#include "firmware.h"

struct volume {
    EFI_FILE_HANDLE root;
};

/* An open file. `path` is as the boot entry wrote it, for messages; it must outlive the file. */
struct volume_file {
    EFI_FILE_HANDLE handle;
    const char *path;
    uint64_t size; /* bytes */
};

/* Each prints its own failure and returns the status. What succeeded is closed by the caller. */
EFI_STATUS volume_open(struct volume *volume);
void volume_close(struct volume *volume);

/* `path` is ASCII, from the volume's root, parted by \ or / (UEFI wants \). */
EFI_STATUS volume_file_open(struct volume *volume, const char *path, struct volume_file *file);
void volume_file_close(struct volume_file *file);

/* Reads all file->size bytes to `memory`. After a failure the file can only be closed (rule 11). */
EFI_STATUS volume_file_read(struct volume_file *file, void *memory);

/* Opens, reads into new pages and closes. The caller frees *memory; *size is in bytes. */
EFI_STATUS volume_file_load(struct volume *volume, const char *path, void **memory, uint64_t *size);

#endif
