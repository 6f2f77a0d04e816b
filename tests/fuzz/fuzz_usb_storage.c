/* The input is what mass storage answers. */
#include "fuzz.h"
#include "library/usb/scsi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scsi_identity identity;
    struct scsi_capacity capacity;
    struct scsi_command command = scsi_transfer(true, 0, 8, 4096);
    uint32_t residue;

    if (scsi_read_identity(data, size, &identity))
        require(identity.revision + 4 <= data + size);
    for (int of_16 = 0; of_16 < 2; of_16++)
        if (scsi_read_capacity(data, size, of_16, &capacity) == SCSI_CAPACITY_KNOWN) {
            require(capacity.block_size >= 512 && capacity.block_size <= 4096);
            require(capacity.blocks && capacity.blocks <= UINT64_MAX / capacity.block_size);
        }
    (void)scsi_read_sense(data, size);
    (void)scsi_is_write_protected(data, size);
    if (bulk_only_read_status(data, size, 0x20202020, &command, &residue) != BULK_ONLY_PHASE_ERROR)
        require(size == BULK_ONLY_STATUS_SIZE && residue <= 4096);
    return 0;
}
