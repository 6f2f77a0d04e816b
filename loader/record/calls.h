/* calls.h: P3: each call of a boot service that the loader makes, and each read of a file. */
#ifndef BATON_LOADER_RECORD_CALLS_H
#define BATON_LOADER_RECORD_CALLS_H

#include "firmware.h"

/* A table like the firmware's, that makes the same calls and records them. Once; the table stays.
 */
EFI_BOOT_SERVICES *recording_calls(EFI_BOOT_SERVICES *boot);

/* From now on calls go to the firmware's own table, and reads are not recorded. */
void recording_calls_stop(void);

/* A read of `path`: of `asked` bytes at `offset`, with `left` up to the end. */
struct file_read {
    const char *path;
    uint64_t offset, asked, got, left;
};
void recording_file_read(const struct file_read *read, EFI_STATUS status);

#endif
