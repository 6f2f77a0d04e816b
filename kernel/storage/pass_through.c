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
#include "file/device.h"
#include "library/bytes.h"
#include "library/scsi_target.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "storage/numbers.h"

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

/* What the disk says; -ENODEV: it is gone. */
static ssize_t reply_make(struct block_device *device, const uint8_t *command, size_t size,
                          struct scsi_reply *reply)
{
    if (!block_user_begin(device->owner))
        return -ENODEV;
    const struct scsi_target target = target_of(&device->owner->facts);
    scsi_target_answer(&target, command, size, reply);
    block_user_end(device->owner);
    return 0;
}

static ssize_t scsi_answer(struct block_device *device, struct sg_request *request)
{
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
    ssize_t error = reply_make(device, command, request->command_size, reply);
    if (!error)
        error = reply_copy(request, reply);
    heap_free(reply);
    return error;
}

static ssize_t scsi_request(struct block_device *device, vaddr_t argument)
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
    ssize_t error = scsi_answer(device, &request);
    if (error)
        return error;
    return user_put(argument, &request) ? -EFAULT : 0;
}

static ssize_t scsi_ioctl(struct block_device *device, unsigned command, vaddr_t argument)
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
        return scsi_request(device, argument);
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
    NVME_INVALID_NAMESPACE = 0x400b,

    NVME_NAMESPACES = 516, /* in what a controller says of itself: how many there can be */
};

/* What it is told of a namespace: of one that could be there and is not, zeros (5.15.2). */
static const uint8_t *nvme_namespace(const struct disk_identity *identity, uint32_t number)
{
    static const uint8_t none[DISK_NVME_SIZE];

    if (number == identity->nvme_number)
        return identity->nvme_namespace;
    return number && number <= load32(identity->nvme_controller + NVME_NAMESPACES) ? none : NULL;
}

/* A status of the command's; 0: with what there is to say, DISK_NVME_SIZE bytes. */
static ssize_t nvme_answer(const struct disk_identity *identity,
                           const struct nvme_passthru_cmd *command, void *said)
{
    uint32_t what = command->cdw10 & 0xff;

    if (command->opcode != NVME_IDENTIFY)
        return NVME_INVALID_OPCODE;
    if (command->data_len != DISK_NVME_SIZE || what > NVME_IDENTIFY_CONTROLLER)
        return NVME_INVALID_FIELD;
    const uint8_t *page = what == NVME_IDENTIFY_CONTROLLER
                              ? identity->nvme_controller
                              : nvme_namespace(identity, command->nsid);
    if (!page)
        return NVME_INVALID_NAMESPACE;
    memcpy(said, page, DISK_NVME_SIZE);
    return 0;
}

/* Of a controller's disks the one with this number, else the first, with a reference; NULL: there
   is none. */
static struct block_device *nvme_disk(uint32_t controller, uint32_t namespace)
{
    struct block_device *device = NULL, *found = NULL;

    while ((device = block_device_next(device))) {
        const struct disk_identity *identity = &device->owner->facts.identity;
        if (device->partition || !identity->nvme_controller || identity->nvme_index != controller ||
            (found && identity->nvme_number != namespace))
            continue;
        block_device_release(found);
        block_device_reference(device);
        found = device;
    }
    return found;
}

/* As nvme_answer(); -ENODEV: there is no such disk, or no more. */
static ssize_t nvme_ask(uint32_t controller, const struct nvme_passthru_cmd *command, void *said)
{
    struct block_device *device = nvme_disk(controller, command->nsid);
    ssize_t result = -ENODEV;

    if (device && block_user_begin(device->owner)) {
        result = nvme_answer(&device->owner->facts.identity, command, said);
        block_user_end(device->owner);
    }
    block_device_release(device);
    return result;
}

static ssize_t nvme_command(uint32_t controller, vaddr_t argument)
{
    struct nvme_passthru_cmd command;

    if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
        return -EACCES;
    if (user_get(&command, argument))
        return -EFAULT;
    if (command.flags)
        return -EINVAL;
    void *said = heap_allocate(DISK_NVME_SIZE);
    if (!said)
        return -ENOMEM;
    ssize_t result = nvme_ask(controller, &command, said);
    if (!result && user_copy_out(command.addr, said, DISK_NVME_SIZE))
        result = -EFAULT;
    heap_free(said);
    return result;
}

static ssize_t nvme_ioctl(const struct disk_identity *identity, unsigned command, vaddr_t argument)
{
    switch (command) {
    case NVME_IOCTL_ID:
        return identity->nvme_number;
    case NVME_IOCTL_ADMIN_CMD:
        return nvme_command(identity->nvme_index, argument);
    default:
        return -ENOTTY;
    }
}

/* ---- an NVMe controller's own node ---- */

static int controller_open(struct inode *inode, struct file *file)
{
    uint32_t controller = device_minor(inode->device);
    struct block_device *device = nvme_disk(controller, 0);

    file->private = (void *)(uintptr_t)controller;
    block_device_release(device);
    return device ? 0 : -ENXIO;
}

static ssize_t controller_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    return command == NVME_IOCTL_ADMIN_CMD
               ? nvme_command((uint32_t)(uintptr_t)file->private, argument)
               : -ENOTTY;
}

int pass_through_initialize(void)
{
    static const struct file_operations operations = {.open = controller_open,
                                                      .ioctl = controller_ioctl};
    static struct device controllers = {.type = DEVICE_CHARACTER,
                                        .major = NVME_MAJOR,
                                        .minor_count = BLOCK_MINORS,
                                        .operations = &operations,
                                        .name = "nvme"};

    return device_register(&controllers);
}

/* ---- both ---- */

/* Until the answer is made the disk stays; memory that it is copied to or from may lie with a
   server that does not answer, and who removes a disk waits for nobody's memory. */
static bool is_there(const struct block_device *device)
{
    bool there = block_user_begin(device->owner);

    if (there)
        block_user_end(device->owner);
    return there;
}

ssize_t pass_through_ioctl(struct block_device *device, unsigned command, vaddr_t argument)
{
    const struct disk_identity *identity = &device->owner->facts.identity;

    if (!is_there(device))
        return -ENODEV;
    if (identity->ata || identity->inquiry)
        return scsi_ioctl(device, command, argument);
    if (identity->nvme_controller)
        return nvme_ioctl(identity, command, argument);
    return -ENOTTY;
}
