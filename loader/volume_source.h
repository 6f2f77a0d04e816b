/* volume_source.h: one way to come to files; volume.c knows them all. */
#ifndef BATON_LOADER_VOLUME_SOURCE_H
#define BATON_LOADER_VOLUME_SOURCE_H

#include "volume.h"

struct volume_source {
    /* Whether the volume has this source. */
    bool (*there)(const struct volume *volume);
    bool trusted; /* its files were checked with the loader itself */
    /* Whether the file is there: status only. */
    EFI_STATUS (*find)(struct volume_file *file);
    /* These print their own failure. `measure` says how long a file is that was found. */
    EFI_STATUS (*measure)(struct volume_file *file);
    EFI_STATUS (*read)(struct volume_file *file, void *memory);
};

/* A file system of the firmware's: volume_files.c. */
extern const struct volume_source volume_files;
bool volume_files_open(struct volume *volume, EFI_HANDLE device, EFI_STATUS *status);
void volume_files_close(struct volume *volume);
void volume_files_close_file(struct volume_file *file);

/* The loader's own image, if it is a unified one: volume_sections.c. */
extern const struct volume_source volume_sections;

/* Servers: volume_servers.c. */
extern const struct volume_source volume_tftp, volume_http;

#endif
