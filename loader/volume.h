/*
 * volume.h: files that lie in BOOTX64.EFI itself (unified.h) or where it came from: on the volume
 * that it was started from, on the server that it was fetched from, or both, where a network loader
 * gives a volume.
 */
#ifndef BATON_LOADER_VOLUME_H
#define BATON_LOADER_VOLUME_H

#include "http.h"
#include "tftp.h"

/* Longest path in characters, with its NUL. */
#define VOLUME_PATH_MAX 256

struct volume {
    EFI_FILE_HANDLE root;     /* NULL: there are no files of the firmware's */
    bool by_name;             /* it is a network loader's, which knows files by their last name */
    struct tftp_server *tftp; /* NULL: there is none */
    struct http_server *http;
};

struct volume_source;

/* An open file. `path` is as the boot entry wrote it, for messages; it must outlive the file. */
struct volume_file {
    const struct volume_source *source;
    struct volume *volume;
    EFI_FILE_HANDLE handle;
    const char *path;
    uint64_t size; /* bytes */
};

/* Each prints its own failure and returns the status. What succeeded is closed by the caller. */
EFI_STATUS volume_open(struct volume *volume);
void volume_close(struct volume *volume);

/* The same for an entry that may lie on another partition than the loader. */
EFI_STATUS volume_open_on(EFI_HANDLE device, struct volume *volume);

/* `path` is ASCII, from the volume's root, parted by \ or / (UEFI wants \). */
EFI_STATUS volume_file_open(struct volume *volume, const char *path, struct volume_file *file);
void volume_file_close(struct volume_file *file);

/* Whether it is there; nothing is printed but what a server says. */
bool volume_file_exists(struct volume *volume, const char *path);

/* Reads all file->size bytes to `memory`, and checks them where Secure Boot is on (trust.h). After
   a failure the file can only be closed (rule 11). */
EFI_STATUS volume_file_read(struct volume_file *file, void *memory);

/* Opens, reads into new pages and closes. The caller frees *memory; *size is in bytes. */
EFI_STATUS volume_file_load(struct volume *volume, const char *path, void **memory, uint64_t *size);

#endif
