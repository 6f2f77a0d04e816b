/*
 * bulk_only.h: how a command for mass storage and its status are wrapped (USB Mass Storage Class,
 * Bulk-Only Transport 1.0, chapter 5).
 *
 * Pure: no lock, any context.
 */
#ifndef BATON_LIBRARY_USB_BULK_ONLY_H
#define BATON_LIBRARY_USB_BULK_ONLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BULK_ONLY_COMMAND_SIZE 31
#define BULK_ONLY_STATUS_SIZE  13
#define SCSI_COMMAND_MAXIMUM   16

struct scsi_command {
    uint8_t bytes[SCSI_COMMAND_MAXIMUM];
    uint8_t size;
    bool in;              /* the data come from the device */
    uint32_t bytes_moved; /* of data */
};

void bulk_only_wrap(const struct scsi_command *command, uint32_t tag, uint8_t unit,
                    uint8_t wrapper[BULK_ONLY_COMMAND_SIZE]);

enum bulk_only_status {
    BULK_ONLY_PASSED,
    BULK_ONLY_FAILED,
    BULK_ONLY_PHASE_ERROR, /* device and host are out of step: also what is no status, or another's
                            */
};
/* `residue`: how many bytes of the command's the device did not move; 0 unless it passed or failed.
 */
enum bulk_only_status bulk_only_read_status(const uint8_t *bytes, size_t size, uint32_t tag,
                                            const struct scsi_command *command, uint32_t *residue);

#endif
