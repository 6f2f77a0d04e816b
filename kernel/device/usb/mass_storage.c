/*
 * mass_storage.c: sticks and disks (USB Mass Storage Class, Bulk-Only Transport 1.0). Each has a
 * thread, which carries out one request after the other, and sees to what goes wrong.
 */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "cpu/log.h"
#include "device/tamper.h"
#include "device/usb/usb.h"
#include "device/usb/xhci.h"
#include "library/error.h"
#include "library/format.h"
#include "library/string.h"
#include "library/usb/scsi.h"
#include "memory/heap.h"
#include "memory/worker.h"

enum {
    SUBCLASS_SCSI = 6,
    PROTOCOL_BULK_ONLY = 0x50,
    BULK_ONLY_RESET = 0xff, /* a request: 3.1 */
};
#define PATIENCE       (20 * NANOSECONDS_PER_SECOND) /* for a command's data */
#define PATIENCE_SHORT (5 * NANOSECONDS_PER_SECOND)  /* for its wrapper */
#define PATIENCE_READY (10 * NANOSECONDS_PER_SECOND) /* until a disk turns */
#define READY_PAUSE_MS 100
#define TRIES          4
#define BYTES_MOST     (120UL << 10) /* of a request: more than that some sticks do not bear */

/* Places in the buffer. */
enum {
    WRAPPER = 0,
    STATUS = 64,
    ANSWER = 512,
};

struct storage {
    struct usb_function *function;
    struct usb_pipe *in, *out;
    struct dma_memory buffer;
    uint32_t tag;
    struct disk disk;
    uint8_t inquiry[DISK_INQUIRY_SIZE]; /* what it said of itself; constant while it is added */
    bool added;                         /* the disk is known; the thread's */

    struct spinlock lock;                 /* taken with interrupts off */
    STAILQ_HEAD(, disk_request) requests; /* lock */
    bool leaving;                         /* requests are refused; lock */
    struct wait_queue work;
    struct worker worker;
};

/* ---- one command ---- */

/* Both sides begin anew (5.3.4). */
static int reset_recovery(struct storage *storage)
{
    struct usb_function *function = storage->function;
    int error = usb_control(function->device, USB_REQUEST_CLASS | USB_REQUEST_INTERFACE,
                            BULK_ONLY_RESET, 0, function->interface->number, NULL, 0);

    if (error < 0)
        return error;
    error = usb_pipe_recover(storage->in);
    return error ? error : usb_pipe_recover(storage->out);
}

/* A failure after which device and host are out of step. */
static int give_up(struct storage *storage, int error)
{
    if (error != -ENODEV)
        (void)reset_recovery(storage);
    return error == -ENODEV ? -ENODEV : -EIO;
}

/* A piece of the buffer there or back. */
static int transfer_small(struct storage *storage, struct usb_pipe *pipe, uint32_t at,
                          uint32_t size, uint32_t *moved)
{
    struct disk_segment segment = {storage->buffer.bus + at, size};
    struct usb_transfer transfer = {.segments = &segment, .segment_count = 1};
    int error = usb_transfer(pipe, &transfer, PATIENCE_SHORT);

    *moved = transfer.moved;
    return error;
}

static int send_wrapper(struct storage *storage, const struct scsi_command *command)
{
    uint32_t moved;

    bulk_only_wrap(command, ++storage->tag, 0, (uint8_t *)storage->buffer.address + WRAPPER);
    int error = transfer_small(storage, storage->out, WRAPPER, BULK_ONLY_COMMAND_SIZE, &moved);
    return error || moved == BULK_ONLY_COMMAND_SIZE ? error : -EIO;
}

/* The device may stall instead of moving all: the status says how much it did (6.7). */
static int move_data(struct storage *storage, const struct scsi_command *command,
                     const struct disk_segment *segments, uint32_t count, uint32_t *moved)
{
    struct usb_pipe *pipe = command->in ? storage->in : storage->out;
    struct usb_transfer transfer = {.segments = segments, .segment_count = count};
    int error = 0;

    if (count)
        error = usb_transfer(pipe, &transfer, PATIENCE);
    *moved = transfer.moved;
    return error == -EPIPE ? usb_pipe_recover(pipe) : error;
}

static int read_status(struct storage *storage, const struct scsi_command *command,
                       enum bulk_only_status *status, uint32_t *residue)
{
    uint8_t bytes[BULK_ONLY_STATUS_SIZE];
    uint32_t moved;
    int error = transfer_small(storage, storage->in, STATUS, sizeof(bytes), &moved);

    if (error == -EPIPE && !usb_pipe_recover(storage->in)) /* once more, says 6.7.2 */
        error = transfer_small(storage, storage->in, STATUS, sizeof(bytes), &moved);
    if (error)
        return error;
    memcpy(bytes, (uint8_t *)storage->buffer.address + STATUS, sizeof(bytes));
    tamper_bytes(bytes, sizeof(bytes));
    *status = bulk_only_read_status(bytes, moved, storage->tag, command, residue);
    return *status == BULK_ONLY_PHASE_ERROR ? -EIO : 0;
}

/* 0, and *moved bytes were moved; -EREMOTEIO: the device refuses, and has a reason; -EIO, -ENODEV.
 */
static int command_once(struct storage *storage, const struct scsi_command *command,
                        const struct disk_segment *segments, uint32_t count, uint32_t *moved)
{
    enum bulk_only_status status;
    uint32_t residue = 0;
    int error = send_wrapper(storage, command);

    *moved = 0;
    if (!error)
        error = move_data(storage, command, segments, count, moved);
    if (!error)
        error = read_status(storage, command, &status, &residue);
    if (error)
        return give_up(storage, error);
    if (*moved > command->bytes_moved - residue)
        *moved = command->bytes_moved - residue;
    return status == BULK_ONLY_PASSED ? 0 : -EREMOTEIO;
}

/* One of the two ways to carry out a command: command_once(), command_retry(). */
typedef int command_function(struct storage *storage, const struct scsi_command *command,
                             const struct disk_segment *segments, uint32_t count, uint32_t *moved);

/* A command whose answer comes to the buffer: *size bytes of it, at `answer`. */
static int ask_by(command_function *carry, struct storage *storage, enum scsi_operation operation,
                  uint8_t answer[SCSI_MODE_SIZE], uint32_t *size)
{
    struct scsi_command command = scsi_command(operation);
    struct disk_segment segment = {storage->buffer.bus + ANSWER, command.bytes_moved};
    int error = carry(storage, &command, &segment, command.bytes_moved ? 1 : 0, size);

    memcpy(answer, (uint8_t *)storage->buffer.address + ANSWER, *size);
    tamper_bytes(answer, *size);
    return error;
}

/* Why the last command was refused. -EAGAIN: try again. */
static int ask_reason(struct storage *storage)
{
    uint8_t answer[SCSI_MODE_SIZE];
    uint32_t size;
    int error = ask_by(command_once, storage, SCSI_REQUEST_SENSE, answer, &size);

    if (error)
        return error == -ENODEV ? -ENODEV : -EIO;
    struct scsi_sense sense = scsi_read_sense(answer, size);
    switch (sense.key) {
    case SCSI_KEY_NONE:
    case SCSI_KEY_RECOVERED:
    case SCSI_KEY_UNIT_ATTENTION:
        return -EAGAIN;
    case SCSI_KEY_NOT_READY:
        return sense.code == SCSI_CODE_NO_MEDIUM ? -ENOMEDIUM : -EBUSY;
    case SCSI_KEY_ILLEGAL_REQUEST:
        return -EOPNOTSUPP;
    case SCSI_KEY_DATA_PROTECT:
        return -EROFS;
    default:
        return -EIO;
    }
}

/* Tries again what may go better then. */
static int command_retry(struct storage *storage, const struct scsi_command *command,
                         const struct disk_segment *segments, uint32_t count, uint32_t *moved)
{
    int error = -EIO;

    for (unsigned i = 0; i < TRIES; i++) {
        error = command_once(storage, command, segments, count, moved);
        if (error == -EREMOTEIO)
            error = ask_reason(storage);
        if (error != -EAGAIN && error != -EIO)
            return error;
    }
    return error == -EAGAIN ? -EIO : error;
}

static int ask(struct storage *storage, enum scsi_operation operation,
               uint8_t answer[SCSI_MODE_SIZE], uint32_t *size)
{
    return ask_by(command_retry, storage, operation, answer, size);
}

/* ---- requests ---- */

static int carry_out(struct storage *storage, const struct disk_request *request)
{
    uint32_t moved, bytes = request->count * storage->disk.block_size;
    bool flush = request->operation == DISK_FLUSH;
    struct scsi_command command = flush ? scsi_command(SCSI_SYNCHRONIZE_CACHE_10)
                                        : scsi_transfer(request->operation == DISK_READ,
                                                        request->first, request->count, bytes);
    int error = command_retry(storage, &command, request->segments,
                              flush ? 0 : request->segment_count, &moved);

    if (flush) /* without a cache there is no such command */
        return error == -EOPNOTSUPP ? 0 : error;
    if (error == -EBUSY || error == -EOPNOTSUPP)
        return -EIO;
    return error || moved == bytes ? error : -EIO;
}

static void submit(struct disk *disk, struct disk_request *request)
{
    struct storage *storage = disk->private;
    bool enabled = spinlock_acquire_save(&storage->lock);
    bool refused = storage->leaving;

    if (!refused)
        STAILQ_INSERT_TAIL(&storage->requests, request, link);
    spinlock_release_restore(&storage->lock, enabled);
    if (!refused) {
        wait_queue_wake_all(&storage->work);
        return;
    }
    request->status = -ENODEV;
    request->done(request);
}

static struct disk_request *take_request(struct storage *storage)
{
    bool enabled = spinlock_acquire_save(&storage->lock);
    struct disk_request *request = STAILQ_FIRST(&storage->requests);

    if (request)
        STAILQ_REMOVE_HEAD(&storage->requests, link);
    spinlock_release_restore(&storage->lock, enabled);
    return request;
}

static bool is_leaving(struct storage *storage)
{
    bool enabled = spinlock_acquire_save(&storage->lock);
    bool leaving = storage->leaving;

    spinlock_release_restore(&storage->lock, enabled);
    return leaving;
}

static void serve(struct storage *storage)
{
    struct disk_request *request;

    for (;;) {
        wait_event(&storage->work, (request = take_request(storage)) || is_leaving(storage),
                   THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
        if (!request)
            return; /* leaving, and nothing is left */
        request->status = carry_out(storage, request);
        request->done(request);
    }
}

/* ---- what it is ---- */

static int identify(struct storage *storage)
{
    const uint8_t disk = 0, disk_reduced = 0x0e;
    struct scsi_identity identity;
    uint8_t answer[SCSI_MODE_SIZE];
    uint32_t size;
    int error = ask(storage, SCSI_INQUIRY, answer, &size);

    if (error)
        return error;
    if (!scsi_read_identity(answer, size, &identity) || !identity.present ||
        (identity.type != disk && identity.type != disk_reduced))
        return -ENODEV;
    memcpy(storage->inquiry, answer, sizeof(storage->inquiry));
    storage->disk.identity.inquiry = storage->inquiry;
    storage->disk.removable = identity.removable;
    disk_text(storage->disk.vendor, sizeof(storage->disk.vendor), identity.vendor, 8);
    disk_text(storage->disk.model, sizeof(storage->disk.model), identity.product, 16);
    disk_text(storage->disk.revision, sizeof(storage->disk.revision), identity.revision, 4);
    return 0;
}

/* A disk may have to turn first. */
static int await_ready(struct storage *storage)
{
    uint64_t end = clock_now() + PATIENCE_READY;
    uint8_t answer[SCSI_MODE_SIZE];
    uint32_t size;

    for (;;) {
        int error = ask(storage, SCSI_TEST_UNIT_READY, answer, &size);
        if (error != -EBUSY || clock_now() >= end || is_leaving(storage))
            return error;
        usb_sleep(READY_PAUSE_MS);
    }
}

static int read_capacity(struct storage *storage)
{
    struct scsi_capacity capacity;
    uint8_t answer[SCSI_MODE_SIZE];
    uint32_t size;
    int error = ask(storage, SCSI_READ_CAPACITY_10, answer, &size);
    enum scsi_capacity_result result = SCSI_CAPACITY_NONE;

    if (!error)
        result = scsi_read_capacity(answer, size, false, &capacity);
    if (!error && result == SCSI_CAPACITY_LARGE) {
        error = ask(storage, SCSI_READ_CAPACITY_16, answer, &size);
        if (!error)
            result = scsi_read_capacity(answer, size, true, &capacity);
    }
    if (error || result != SCSI_CAPACITY_KNOWN)
        return error ? error : -EIO;
    storage->disk.block_size = capacity.block_size;
    storage->disk.block_count = capacity.blocks;
    return 0;
}

/* Who does not answer can be written to. */
static int read_protection(struct storage *storage)
{
    uint8_t answer[SCSI_MODE_SIZE];
    uint32_t size;
    int error = ask(storage, SCSI_MODE_SENSE_6, answer, &size);

    storage->disk.read_only = !error && scsi_is_write_protected(answer, size);
    return error == -ENODEV ? error : 0;
}

static int describe(struct storage *storage)
{
    int error = identify(storage);

    if (!error)
        error = await_ready(storage);
    if (!error)
        error = read_capacity(storage);
    return error ? error : read_protection(storage);
}

static int add(struct storage *storage)
{
    struct usb_device *device = storage->function->device;
    struct disk *disk = &storage->disk;
    int error = describe(storage);

    if (error)
        return error;
    disk->kind = "sd";
    disk->keeps_late = true;
    disk->rotates = true; /* it does not say: the slower guess, as on Linux */
    disk->requests_maximum = 4;
    disk->segments_maximum = USB_SEGMENTS_MAXIMUM;
    disk->blocks_maximum = BYTES_MOST / disk->block_size;
    disk->address_maximum = device->controller->below - 1;
    disk->pci = device->controller->pci;
    disk->private = storage;
    disk->submit = submit;
    format_string(disk->serial, sizeof(disk->serial), "%s", device->serial);
    error = disk_add(disk);
    storage->added = !error;
    return error;
}

static void run(void *argument)
{
    struct storage *storage = argument;
    int error = add(storage);

    if (error && error != -ENODEV)
        log_write(LOG_WARNING, "usb %s: a disk that cannot be used: %s",
                  storage->function->device->name, error_text(error));
    xhci_starting(storage->function->device->controller, -1);
    serve(storage);
    if (storage->added)
        disk_remove(&storage->disk);
    thread_exit();
}

/* ---- coming and going ---- */

static int start_thread(struct storage *storage)
{
    struct xhci *controller = storage->function->device->controller;

    xhci_starting(controller, 1);
    int error = worker_start(&storage->worker, "usb-storage", run, storage);
    if (error)
        xhci_starting(controller, -1);
    return error;
}

static int begin(struct storage *storage)
{
    struct usb_device *device = storage->function->device;
    const struct usb_interface *interface = storage->function->interface;
    const struct usb_endpoint *in = usb_endpoint_find(interface, USB_BULK, USB_IN);
    const struct usb_endpoint *out = usb_endpoint_find(interface, USB_BULK, 0);

    if (!in || !out)
        return -EINVAL;
    int error = dma_allocate(&storage->buffer, PAGE_SIZE, device->controller->below);
    if (!error)
        error = usb_pipe_open(device, in, &storage->in);
    if (!error)
        error = usb_pipe_open(device, out, &storage->out);
    return error ? error : start_thread(storage);
}

static int storage_probe(struct usb_function *function)
{
    struct storage *storage = heap_allocate_zeroed(sizeof(*storage));

    if (!storage)
        return -ENOMEM;
    storage->function = function;
    spinlock_initialize(&storage->lock, LOCK_USB_STORAGE);
    STAILQ_INIT(&storage->requests);
    wait_queue_initialize(&storage->work);
    int error = begin(storage);
    if (error) {
        dma_free(&storage->buffer);
        heap_free(storage);
        return error;
    }
    function->data = storage;
    return 0;
}

/* What is under way ends with -ENODEV, by the thread, for the device takes nothing more. */
static void storage_remove(struct usb_function *function)
{
    struct storage *storage = function->data;
    bool enabled = spinlock_acquire_save(&storage->lock);

    storage->leaving = true;
    spinlock_release_restore(&storage->lock, enabled);
    wait_queue_wake_all(&storage->work);
    worker_await_end(&storage->worker);
    dma_free(&storage->buffer);
    heap_free(storage);
}

static bool storage_matches(const struct usb_interface *interface)
{
    return interface->class == USB_CLASS_MASS_STORAGE && interface->subclass == SUBCLASS_SCSI &&
           interface->protocol == PROTOCOL_BULK_ONLY;
}

const struct usb_driver usb_storage_driver = {
    .name = "usb-storage",
    .matches = storage_matches,
    .probe = storage_probe,
    .remove = storage_remove,
};
