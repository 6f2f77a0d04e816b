/*
 * scsi_target.h: what a disk is asked of itself in SCSI's language, and its answer, from what is
 * known of it: so that smartctl(8) and its like find a SATA disk as they find it elsewhere, behind
 * a translation (SCSI/ATA Translation 4). Nothing is asked of the disk again; nothing that writes,
 * moves or sets anything is answered.
 *
 * TEST UNIT READY, INQUIRY, READ CAPACITY (10) and (16); of ATA disks also the vital product data
 * that the translation has, and ATA PASS-THROUGH (12) and (16) of IDENTIFY DEVICE.
 *
 * Pure: commands are a program's, and nothing in them is trusted.
 */
#ifndef BATON_LIBRARY_SCSI_TARGET_H
#define BATON_LIBRARY_SCSI_TARGET_H

#include <stddef.h>
#include <stdint.h>

#define SCSI_TARGET_COMMAND_MAXIMUM 16
#define SCSI_TARGET_DATA_MAXIMUM    572 /* of an answer */
#define SCSI_TARGET_SENSE_SIZE      18

struct scsi_target {
    const uint8_t *ata;     /* the 512 bytes of IDENTIFY DEVICE; or NULL */
    const uint8_t *inquiry; /* the 36 bytes of INQUIRY; or NULL */
    uint64_t blocks;
    uint32_t block_size;
    uint32_t physical_shift; /* of so many blocks, as a power of two, are physical ones */
};

struct scsi_reply {
    uint8_t status; /* SCSI_GOOD, SCSI_CHECK_CONDITION */
    uint8_t data[SCSI_TARGET_DATA_MAXIMUM];
    size_t size;                           /* of the data, at most what the command asked for */
    uint8_t sense[SCSI_TARGET_SENSE_SIZE]; /* of CHECK CONDITION: fixed format */
};
#define SCSI_GOOD            0
#define SCSI_CHECK_CONDITION 2

void scsi_target_answer(const struct scsi_target *target, const uint8_t *command, size_t size,
                        struct scsi_reply *reply);

#endif
