/* The input is a byte that says what kind of disk is asked, and a command. */
#include "fuzz.h"
#include "library/scsi_target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ata[512] = {1, 2, 3, [175] = 1}, inquiry[36] = {4};
    struct scsi_reply reply;

    if (!size)
        return 0;
    const struct scsi_target target = {data[0] & 1 ? ata : NULL, data[0] & 2 ? inquiry : NULL,
                                       (uint64_t)data[0] << 30, 512, data[0] >> 4};
    memset(&reply, 0xff, sizeof(reply));
    scsi_target_answer(&target, data + 1, size - 1, &reply);
    require(reply.size <= sizeof(reply.data));
    require(reply.status == SCSI_GOOD || (reply.status == SCSI_CHECK_CONDITION && !reply.size));
    return 0;
}
