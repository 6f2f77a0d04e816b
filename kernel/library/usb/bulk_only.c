/* bulk_only.c: see bulk_only.h. */
#include "library/usb/bulk_only.h"

#include "library/bytes.h"
#include "library/string.h"

#define COMMAND_SIGNATURE 0x43425355U
#define STATUS_SIGNATURE  0x53425355U
#define FLAG_IN           0x80

static void store32(uint8_t *bytes, uint32_t value)
{
    memcpy(bytes, &value, sizeof(value));
}

void bulk_only_wrap(const struct scsi_command *command, uint32_t tag, uint8_t unit,
                    uint8_t wrapper[BULK_ONLY_COMMAND_SIZE])
{
    memset(wrapper, 0, BULK_ONLY_COMMAND_SIZE);
    store32(wrapper, COMMAND_SIGNATURE);
    store32(wrapper + 4, tag);
    store32(wrapper + 8, command->bytes_moved);
    wrapper[12] = command->in ? FLAG_IN : 0;
    wrapper[13] = unit;
    wrapper[14] = command->size;
    memcpy(wrapper + 15, command->bytes, command->size);
}

enum bulk_only_status bulk_only_read_status(const uint8_t *bytes, size_t size, uint32_t tag,
                                            const struct scsi_command *command, uint32_t *residue)
{
    *residue = 0;
    if (size != BULK_ONLY_STATUS_SIZE || load32(bytes) != STATUS_SIGNATURE ||
        load32(bytes + 4) != tag || bytes[12] > BULK_ONLY_FAILED ||
        load32(bytes + 8) > command->bytes_moved)
        return BULK_ONLY_PHASE_ERROR;
    *residue = load32(bytes + 8);
    return bytes[12];
}
