/*
 * scsi.h: commands for disks and their answers (SCSI Primary Commands 4, SCSI Block Commands 3).
 * Commands are big-endian.
 *
 * Pure: no lock, any context. Answers are a device's word: nothing in them is trusted.
 */
#ifndef BATON_LIBRARY_USB_SCSI_H
#define BATON_LIBRARY_USB_SCSI_H

#include "library/usb/bulk_only.h"

enum scsi_operation {
    SCSI_TEST_UNIT_READY = 0x00,
    SCSI_REQUEST_SENSE = 0x03,
    SCSI_INQUIRY = 0x12,
    SCSI_MODE_SENSE_6 = 0x1a,
    SCSI_READ_CAPACITY_10 = 0x25,
    SCSI_READ_10 = 0x28,
    SCSI_WRITE_10 = 0x2a,
    SCSI_SYNCHRONIZE_CACHE_10 = 0x35,
    SCSI_READ_16 = 0x88,
    SCSI_WRITE_16 = 0x8a,
    SCSI_READ_CAPACITY_16 = 0x9e, /* a service action of it */
};

#define SCSI_INQUIRY_SIZE     36
#define SCSI_SENSE_SIZE       18
#define SCSI_CAPACITY_10_SIZE 8
#define SCSI_CAPACITY_16_SIZE 32
#define SCSI_MODE_SIZE        192 /* what devices are used to be asked for: Linux's sd.c */

/* One of those that name no blocks: TEST UNIT READY, REQUEST SENSE, INQUIRY, MODE SENSE, READ
   CAPACITY, SYNCHRONIZE CACHE; with the sizes above. */
struct scsi_command scsi_command(enum scsi_operation operation);
/* READ or WRITE: of 10 bytes, unless the blocks are too far or too many for it. `size`: bytes. */
struct scsi_command scsi_transfer(bool in, uint64_t first, uint32_t count, uint32_t size);

struct scsi_identity {
    uint8_t type; /* of device; 0: a disk */
    bool present; /* there is a device of this type */
    bool removable;
    const uint8_t *vendor, *product, *revision; /* 8, 16 and 4 bytes in the answer, padded */
};
/* False: too short. */
bool scsi_read_identity(const uint8_t *bytes, size_t size, struct scsi_identity *identity);

struct scsi_capacity {
    uint64_t blocks;
    uint32_t block_size;
};
enum scsi_capacity_result {
    SCSI_CAPACITY_KNOWN,
    SCSI_CAPACITY_LARGE, /* ask by READ CAPACITY (16) */
    SCSI_CAPACITY_NONE,  /* the answer makes no sense */
};
/* An answer to READ CAPACITY (16), or (10). */
enum scsi_capacity_result scsi_read_capacity(const uint8_t *bytes, size_t size, bool of_16,
                                             struct scsi_capacity *capacity);

struct scsi_sense {
    uint8_t key, code, qualifier; /* key: SCSI_KEY_* */
};
enum {
    SCSI_KEY_NONE = 0,
    SCSI_KEY_RECOVERED = 1,
    SCSI_KEY_NOT_READY = 2,
    SCSI_KEY_ILLEGAL_REQUEST = 5,
    SCSI_KEY_UNIT_ATTENTION = 6,
    SCSI_KEY_DATA_PROTECT = 7,
    SCSI_KEY_UNKNOWN = 0xff, /* what was sent is no sense */
};
#define SCSI_CODE_NO_MEDIUM 0x3a
/* Fixed and descriptor format. */
struct scsi_sense scsi_read_sense(const uint8_t *bytes, size_t size);

/* Does an answer to MODE SENSE (6) say that nothing can be written? */
bool scsi_is_write_protected(const uint8_t *bytes, size_t size);

#endif
