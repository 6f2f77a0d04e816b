/*
 * pass_through.c: what smartctl(8), nvme(1) and their like ask of a disk in its own language:
 * SCSI's by SG_IO (Linux's <scsi/sg.h>), NVMe's. It is answered from what the disk said of itself
 * when it came: nothing reaches the disk, so nothing can be written or set that way.
 */
#include "storage/pass_through.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/ioctl.h>
#include <linux/nvme_ioctl.h>

#include "file/credentials.h"
#include "library/scsi_target.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

/* ---- SCSI ---- */

#define SG_GET_VERSION_NUM 0x2282
#define SG_IO              0x2285
#define SCSI_GET_PLACE     0x5382 /* SCSI_IOCTL_GET_IDLUN */
#define SCSI_GET_BUS       0x5386 /* SCSI_IOCTL_GET_BUS_NUMBER */
#define SG_VERSION         30527  /* of the interface, as Linux's */

/* struct sg_io_hdr of <scsi/sg.h>, which belongs to the C library. */
struct sg_request {
    int32_t interface; /* 'S' */
    int32_t direction;
    uint8_t command_size, sense_room;
    uint16_t pieces;
    uint32_t size;
    uint64_t data, command, sense; /* addresses */
    uint32_t timeout, flags;
    int32_t number;
    uint64_t own;
    uint8_t status, masked_status, message, sense_size;
    uint16_t host_status, driver_status;
    int32_t left;
    uint32_t duration, information;
};
_Static_assert(sizeof(struct sg_request) == 88, "sg_io_hdr");
#define SG_FROM_DEVICE  (-3)
#define SG_DRIVER_SENSE 8 /* driver_status: there is sense */
#define SG_INFO_CHECK   1 /* information: not all is well */

static struct scsi_target target_of(const struct disk *facts)
{
    uint32_t physical = facts->physical_block_size ? facts->physical_block_size : facts->block_size;

    return (struct scsi_target){
        .ata = facts->identity.ata,
        .inquiry = facts->identity.inquiry,
        .blocks = facts->block_count,
        .block_size = facts->block_size,
        .physical_shift = (uint32_t)__builtin_ctz(physical / facts->block_size),
    };
}

static ssize_t reply_copy(struct sg_request *request, const struct scsi_reply *reply)
{
    size_t room = request->direction == SG_FROM_DEVICE ? request->size : 0;
    size_t size = reply->size < room ? reply->size : room;

    request->status = reply->status;
    request->left = (int32_t)(room - size);
    if (user_copy_out(request->data, reply->data, size))
        return -EFAULT;
    if (reply->status == SCSI_GOOD)
        return 0;
    request->masked_status = reply->status >> 1;
    request->driver_status = SG_DRIVER_SENSE;
    request->information = SG_INFO_CHECK;
    request->sense_size =
        request->sense_room < SCSI_TARGET_SENSE_SIZE ? request->sense_room : SCSI_TARGET_SENSE_SIZE;
    return user_copy_out(request->sense, reply->sense, request->sense_size) ? -EFAULT : 0;
}

/* The disk stays meanwhile. */
static ssize_t scsi_answer(const struct disk *facts, struct sg_request *request)
{
    const struct scsi_target target = target_of(facts);
    uint8_t command[SCSI_TARGET_COMMAND_MAXIMUM];

    if (!request->command_size || request->command_size > sizeof(command))
        return -EMSGSIZE;
    if (request->pieces)
        return -EINVAL;
    if (user_copy_in(command, request->command, request->command_size))
        return -EFAULT;
    struct scsi_reply *reply = heap_allocate(sizeof(*reply));
    if (!reply)
        return -ENOMEM;
    scsi_target_answer(&target, command, request->command_size, reply);
    ssize_t error = reply_copy(request, reply);
    heap_free(reply);
    return error;
}

static ssize_t scsi_request(const struct disk *facts, vaddr_t argument)
{
    struct sg_request request;

    if (user_get(&request, argument))
        return -EFAULT;
    if (request.interface != 'S')
        return -EINVAL;
    request.status = request.masked_status = request.message = request.sense_size = 0;
    request.host_status = request.driver_status = 0;
    request.left = 0;
    request.duration = request.information = 0;
    ssize_t error = scsi_answer(facts, &request);
    if (error)
        return error;
    return user_put(argument, &request) ? -EFAULT : 0;
}

static ssize_t scsi_ioctl(const struct disk *facts, unsigned command, vaddr_t argument)
{
    const int version = SG_VERSION, bus = 0;
    const uint32_t place[2] = {0, 0}; /* each disk is the only one of its bus: parted(8) asks */

    switch (command) {
    case SCSI_GET_PLACE:
        return user_put(argument, &place) ? -EFAULT : 0;
    case SCSI_GET_BUS:
        return user_put(argument, &bus) ? -EFAULT : 0;
    case SG_GET_VERSION_NUM:
        return user_put(argument, &version) ? -EFAULT : 0;
    case SG_IO:
        return scsi_request(facts, argument);
    default:
        return -ENOTTY;
    }
}

/* ---- NVMe ---- */

/* NVM Express base specification 1.4, 5.15 and 4.6.1. */
enum {
    NVME_IDENTIFY = 0x06,
    NVME_IDENTIFY_NAMESPACE = 0,
    NVME_IDENTIFY_CONTROLLER = 1,

    NVME_INVALID_OPCODE = 0x4001, /* and: do not ask again */
    NVME_INVALID_FIELD = 0x4002,
};

/* A status of the command's, 0, or an error. */
static ssize_t nvme_answer(const struct disk_identity *identity,
                           const struct nvme_passthru_cmd *command)
{
    const uint8_t *page = NULL;

    if (command->opcode != NVME_IDENTIFY)
        return NVME_INVALID_OPCODE;
    if ((command->cdw10 & 0xff) == NVME_IDENTIFY_CONTROLLER)
        page = identity->nvme_controller;
    if ((command->cdw10 & 0xff) == NVME_IDENTIFY_NAMESPACE &&
        command->nsid == identity->nvme_number)
        page = identity->nvme_namespace;
    if (!page || command->data_len != DISK_NVME_SIZE)
        return NVME_INVALID_FIELD;
    return user_copy_out(command->addr, page, DISK_NVME_SIZE) ? -EFAULT : 0;
}

static ssize_t nvme_command(const struct disk_identity *identity, vaddr_t argument)
{
    struct nvme_passthru_cmd command;

    if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
        return -EACCES;
    if (user_get(&command, argument))
        return -EFAULT;
    if (command.flags)
        return -EINVAL;
    return nvme_answer(identity, &command);
}

static ssize_t nvme_ioctl(const struct disk_identity *identity, unsigned command, vaddr_t argument)
{
    switch (command) {
    case NVME_IOCTL_ID:
        return identity->nvme_number;
    case NVME_IOCTL_ADMIN_CMD:
        return nvme_command(identity, argument);
    default:
        return -ENOTTY;
    }
}

/* ---- both ---- */

ssize_t pass_through_ioctl(struct block_device *device, unsigned command, vaddr_t argument)
{
    const struct disk *facts = &device->owner->facts;
    const struct disk_identity *identity = &facts->identity;
    ssize_t result = -ENOTTY;

    if (!block_user_begin(device->owner))
        return -ENODEV;
    if (identity->ata || identity->inquiry)
        result = scsi_ioctl(facts, command, argument);
    else if (identity->nvme_controller)
        result = nvme_ioctl(identity, command, argument);
    block_user_end(device->owner);
    return result;
}
