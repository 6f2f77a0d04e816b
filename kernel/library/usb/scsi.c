/* scsi.c: see scsi.h. */
#include "library/usb/scsi.h"

#include "library/bytes.h"
#include "library/string.h"

static uint32_t load32_big(const uint8_t *bytes)
{
    return __builtin_bswap32(load32(bytes));
}

static uint64_t load64_big(const uint8_t *bytes)
{
    return __builtin_bswap64(load64(bytes));
}

static void store_big(uint8_t *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = size; i-- > 0; value >>= 8)
        bytes[i] = (uint8_t)value;
}

/* ---- commands ---- */

struct scsi_command scsi_command(enum scsi_operation operation)
{
    const uint8_t all_pages = 0x3f, capacity_action = 0x10;
    struct scsi_command command = {.bytes = {operation}, .size = 6, .in = true};

    switch (operation) {
    case SCSI_INQUIRY:
        command.bytes_moved = command.bytes[4] = SCSI_INQUIRY_SIZE;
        break;
    case SCSI_REQUEST_SENSE:
        command.bytes_moved = command.bytes[4] = SCSI_SENSE_SIZE;
        break;
    case SCSI_MODE_SENSE_6:
        command.bytes[2] = all_pages;
        command.bytes_moved = command.bytes[4] = SCSI_MODE_SIZE;
        break;
    case SCSI_READ_CAPACITY_10:
        command.size = 10;
        command.bytes_moved = SCSI_CAPACITY_10_SIZE;
        break;
    case SCSI_READ_CAPACITY_16:
        command.size = 16;
        command.bytes[1] = capacity_action;
        command.bytes_moved = command.bytes[13] = SCSI_CAPACITY_16_SIZE;
        break;
    case SCSI_SYNCHRONIZE_CACHE_10: /* all blocks */
        command.size = 10;
        command.in = false;
        break;
    default:
        command.in = false;
        break;
    }
    return command;
}

struct scsi_command scsi_transfer(bool in, uint64_t first, uint32_t count, uint32_t size)
{
    struct scsi_command command = {.in = in, .bytes_moved = size};

    if (first + count - 1 <= UINT32_MAX && count <= UINT16_MAX) {
        command.size = 10;
        command.bytes[0] = in ? SCSI_READ_10 : SCSI_WRITE_10;
        store_big(command.bytes + 2, 4, first);
        store_big(command.bytes + 7, 2, count);
    } else {
        command.size = 16;
        command.bytes[0] = in ? SCSI_READ_16 : SCSI_WRITE_16;
        store_big(command.bytes + 2, 8, first);
        store_big(command.bytes + 10, 4, count);
    }
    return command;
}

/* ---- answers ---- */

bool scsi_read_identity(const uint8_t *bytes, size_t size, struct scsi_identity *identity)
{
    if (size < SCSI_INQUIRY_SIZE)
        return false;
    *identity = (struct scsi_identity){
        .type = bytes[0] & 0x1f,
        .present = bytes[0] >> 5 == 0,
        .removable = bytes[1] & 0x80,
        .vendor = bytes + 8,
        .product = bytes + 16,
        .revision = bytes + 32,
    };
    return true;
}

enum scsi_capacity_result scsi_read_capacity(const uint8_t *bytes, size_t size, bool of_16,
                                             struct scsi_capacity *capacity)
{
    uint64_t last;
    uint32_t block_size;

    if (size < (of_16 ? 12 : SCSI_CAPACITY_10_SIZE))
        return SCSI_CAPACITY_NONE;
    last = of_16 ? load64_big(bytes) : load32_big(bytes);
    block_size = load32_big(bytes + (of_16 ? 8 : 4));
    if (!of_16 && last == UINT32_MAX)
        return SCSI_CAPACITY_LARGE;
    if (block_size < 512 || block_size > 4096 || (block_size & (block_size - 1)) ||
        last >= UINT64_MAX / block_size)
        return SCSI_CAPACITY_NONE;
    *capacity = (struct scsi_capacity){last + 1, block_size};
    return SCSI_CAPACITY_KNOWN;
}

struct scsi_sense scsi_read_sense(const uint8_t *bytes, size_t size)
{
    uint8_t response = size ? bytes[0] & 0x7f : 0;
    bool fixed = response == 0x70 || response == 0x71;
    bool described = response == 0x72 || response == 0x73;

    if (fixed && size >= 14)
        return (struct scsi_sense){bytes[2] & 0xf, bytes[12], bytes[13]};
    if (described && size >= 4)
        return (struct scsi_sense){bytes[1] & 0xf, bytes[2], bytes[3]};
    return (struct scsi_sense){.key = SCSI_KEY_UNKNOWN};
}

bool scsi_is_write_protected(const uint8_t *bytes, size_t size)
{
    return size >= 4 && bytes[2] & 0x80;
}
