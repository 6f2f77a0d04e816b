#include "library/scsi_target.h"

#include <stdbool.h>

#include "library/bytes.h"
#include "library/string.h"

enum {
    TEST_UNIT_READY = 0x00,
    INQUIRY = 0x12,
    READ_CAPACITY_10 = 0x25,
    ATA_PASS_THROUGH_16 = 0x85,
    SERVICE_ACTION_IN_16 = 0x9e,
    ATA_PASS_THROUGH_12 = 0xa1,

    INQUIRY_VITAL = 1, /* EVPD */
    ACTION_READ_CAPACITY = 0x10,

    VITAL_PAGES = 0x00,
    VITAL_SERIAL = 0x80,
    VITAL_IDENTIFIERS = 0x83,
    VITAL_ATA = 0x89,
    VITAL_MEDIUM = 0xb1,

    KEY_ILLEGAL_REQUEST = 5,
    CODE_OPERATION = 0x20,
    CODE_FIELD = 0x24,
};

static void store_big(uint8_t *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = size; i-- > 0; value >>= 8)
        bytes[i] = (uint8_t)value;
}

/* Fixed format: SPC-4, 4.5.3. */
static void refuse(struct scsi_reply *reply, uint8_t code)
{
    reply->status = SCSI_CHECK_CONDITION;
    reply->size = 0;
    reply->sense[0] = 0x70;
    reply->sense[2] = KEY_ILLEGAL_REQUEST;
    reply->sense[7] = SCSI_TARGET_SENSE_SIZE - 8;
    reply->sense[12] = code;
}

/* ---- what IDENTIFY DEVICE says: ATA Command Set 3, 7.12.7 ---- */

enum {
    ATA_SERIAL = 10,
    ATA_SERIAL_SIZE = 20,
    ATA_REVISION = 23,
    ATA_REVISION_SIZE = 8,
    ATA_MODEL = 27,
    ATA_MODEL_SIZE = 40,
    ATA_HAS_NAME = 87, /* bit 8 */
    ATA_NAME = 108,    /* world wide: four words, each the other way round */
    ATA_FORM = 168,
    ATA_ROTATION = 217,
    ATA_IDENTITY_SIZE = 512,
};

static uint16_t word(const uint8_t *ata, unsigned index)
{
    return load16(ata + 2 * (size_t)index);
}

/* Bytes of each word are the other way round. */
static void text(uint8_t *to, const uint8_t *ata, unsigned first, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = ata[2 * first + (i ^ 1)];
}

/* ---- INQUIRY: SPC-4, 6.4 and 7.8; SAT-4, 8.1 and 12.4 ---- */

static size_t standard_of_ata(const uint8_t *ata, uint8_t *data)
{
    static const uint8_t versions[] = {0x00, 0x60, 0x03,
                                       0x20, 0x03, 0x00}; /* SAM-3, SBC-2, SPC-3 */
    const size_t size = 96;
    uint8_t revision[ATA_REVISION_SIZE];

    data[2] = 5; /* SPC-3 */
    data[3] = 2;
    data[4] = (uint8_t)(size - 5);
    memcpy(data + 8, "ATA     ", 8);
    text(data + 16, ata, ATA_MODEL, 16);
    text(revision, ata, ATA_REVISION, ATA_REVISION_SIZE);
    bool short_one = revision[4] == 0 || revision[4] == ' ';
    memcpy(data + 32, short_one ? revision : revision + 4, 4);
    memcpy(data + 58, versions, sizeof(versions));
    return size;
}

static size_t vital_pages(uint8_t *data)
{
    static const uint8_t pages[] = {VITAL_PAGES, VITAL_SERIAL, VITAL_IDENTIFIERS, VITAL_ATA,
                                    VITAL_MEDIUM};

    data[3] = sizeof(pages);
    memcpy(data + 4, pages, sizeof(pages));
    return 4 + sizeof(pages);
}

static size_t vital_serial(const uint8_t *ata, uint8_t *data)
{
    data[3] = ATA_SERIAL_SIZE;
    text(data + 4, ata, ATA_SERIAL, ATA_SERIAL_SIZE);
    return 4 + ATA_SERIAL_SIZE;
}

/* A designator's head; returns where its contents go. */
static uint8_t *designator(uint8_t *at, uint8_t code_set, uint8_t type, uint8_t size)
{
    at[0] = code_set;
    at[1] = type;
    at[3] = size;
    return at + 4;
}

/* The serial number, vendor with model and serial number, and the world-wide name. */
static size_t vital_identifiers(const uint8_t *ata, uint8_t *data)
{
    const uint8_t binary = 1, ascii = 2, vendors_own = 0, of_vendor = 1, of_naa = 3;
    uint8_t *at = designator(data + 4, ascii, vendors_own, ATA_SERIAL_SIZE);

    text(at, ata, ATA_SERIAL, ATA_SERIAL_SIZE);
    at = designator(at + ATA_SERIAL_SIZE, ascii, of_vendor, 8 + ATA_MODEL_SIZE + ATA_SERIAL_SIZE);
    memcpy(at, "ATA     ", 8);
    text(at + 8, ata, ATA_MODEL, ATA_MODEL_SIZE);
    text(at + 8 + ATA_MODEL_SIZE, ata, ATA_SERIAL, ATA_SERIAL_SIZE);
    at += 8 + ATA_MODEL_SIZE + ATA_SERIAL_SIZE;
    if (word(ata, ATA_HAS_NAME) & 1 << 8) {
        at = designator(at, binary, of_naa, 8);
        text(at, ata, ATA_NAME, 8);
        at += 8;
    }
    data[3] = (uint8_t)(at - data - 4);
    return (size_t)(at - data);
}

static size_t vital_ata(const uint8_t *ata, uint8_t *data)
{
    const uint8_t to_host = 0x34, ready = 1 << 6;

    store_big(data + 2, 2, SCSI_TARGET_DATA_MAXIMUM - 4);
    memcpy(data + 8, "Baton   translation     0   ", 28);
    data[36] = to_host; /* the frame in which a disk told what it is */
    data[38] = ready;
    data[56] = 0xec; /* by IDENTIFY DEVICE */
    memcpy(data + 60, ata, ATA_IDENTITY_SIZE);
    return SCSI_TARGET_DATA_MAXIMUM;
}

static size_t vital_medium(const uint8_t *ata, uint8_t *data)
{
    const size_t size = 64;

    data[3] = (uint8_t)(size - 4);
    store_big(data + 4, 2, word(ata, ATA_ROTATION));
    data[7] = word(ata, ATA_FORM) & 0xf;
    return size;
}

/* 0: there is no such page. */
static size_t vital(const uint8_t *ata, uint8_t page, uint8_t *data)
{
    data[1] = page;
    switch (page) {
    case VITAL_PAGES:
        return vital_pages(data);
    case VITAL_SERIAL:
        return vital_serial(ata, data);
    case VITAL_IDENTIFIERS:
        return vital_identifiers(ata, data);
    case VITAL_ATA:
        return vital_ata(ata, data);
    case VITAL_MEDIUM:
        return vital_medium(ata, data);
    default:
        return 0;
    }
}

static size_t standard(const struct scsi_target *target, uint8_t *data)
{
    const size_t size = 36;

    if (target->ata)
        return standard_of_ata(target->ata, data);
    memcpy(data, target->inquiry, size);
    data[4] = (uint8_t)(size - 5); /* no more of it is kept */
    return size;
}

static void answer_inquiry(const struct scsi_target *target, const uint8_t *command,
                           struct scsi_reply *reply)
{
    size_t room = (size_t)command[3] << 8 | command[4];
    uint8_t page = command[2];

    if (command[1] & INQUIRY_VITAL)
        reply->size = target->ata ? vital(target->ata, page, reply->data) : 0;
    else if (!page && (target->ata || target->inquiry))
        reply->size = standard(target, reply->data);
    if (!reply->size)
        refuse(reply, CODE_FIELD);
    else if (reply->size > room)
        reply->size = room;
}

/* ---- READ CAPACITY: SBC-3, 5.15 and 5.16 ---- */

static void answer_capacity_10(const struct scsi_target *target, struct scsi_reply *reply)
{
    uint64_t last = target->blocks - 1;

    store_big(reply->data, 4, last < UINT32_MAX ? last : UINT32_MAX);
    store_big(reply->data + 4, 4, target->block_size);
    reply->size = 8;
}

static void answer_capacity_16(const struct scsi_target *target, const uint8_t *command,
                               struct scsi_reply *reply)
{
    size_t room = __builtin_bswap32(load32(command + 10));

    store_big(reply->data, 8, target->blocks - 1);
    store_big(reply->data + 8, 4, target->block_size);
    reply->data[13] = (uint8_t)(target->physical_shift & 0xf);
    reply->size = room < 32 ? room : 32;
}

/* ---- ATA PASS-THROUGH: SAT-4, 12.2 ---- */

static void answer_pass_through(const struct scsi_target *target, const uint8_t *command,
                                struct scsi_reply *reply)
{
    const unsigned protocol_in = 4, identify = 0xec;
    bool long_one = command[0] == ATA_PASS_THROUGH_16;
    unsigned protocol = command[1] >> 1 & 0xf, operation = command[long_one ? 14 : 9];

    if (!target->ata) {
        refuse(reply, CODE_OPERATION);
    } else if (protocol != protocol_in || operation != identify) {
        refuse(reply, CODE_FIELD);
    } else {
        memcpy(reply->data, target->ata, ATA_IDENTITY_SIZE);
        reply->size = ATA_IDENTITY_SIZE;
    }
}

/* ---- all of them ---- */

/* SPC-4, 4.2.5.1: by the upper three bits. 0: the makers' own. */
static size_t command_size(uint8_t operation)
{
    static const uint8_t sizes[8] = {6, 10, 10, 0, 16, 12, 0, 0};
    return sizes[operation >> 5];
}

void scsi_target_answer(const struct scsi_target *target, const uint8_t *command, size_t size,
                        struct scsi_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    if (!size || size < command_size(command[0])) {
        refuse(reply, CODE_FIELD);
        return;
    }
    switch (command[0]) {
    case TEST_UNIT_READY:
        return;
    case INQUIRY:
        answer_inquiry(target, command, reply);
        return;
    case READ_CAPACITY_10:
        answer_capacity_10(target, reply);
        return;
    case SERVICE_ACTION_IN_16:
        if ((command[1] & 0x1f) == ACTION_READ_CAPACITY)
            answer_capacity_16(target, command, reply);
        else
            refuse(reply, CODE_FIELD);
        return;
    case ATA_PASS_THROUGH_16:
    case ATA_PASS_THROUGH_12:
        answer_pass_through(target, command, reply);
        return;
    default:
        refuse(reply, CODE_OPERATION);
    }
}
