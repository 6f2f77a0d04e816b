/*
 * nvme.c: disks on PCI Express (NVM Express base specification 1.4).
 *
 * A controller has a pair of queues for its own commands, which one thread gives and awaits, and
 * one for reading and writing. A namespace is a disk; each has some of the queue's commands for
 * itself: a command's identifier is namespace * COMMANDS_EACH + which of them.
 */
#include <asm/errno.h>

#include "cpu/log.h"
#include "cpu/spinlock.h"
#include "device/disk.h"
#include "device/dma.h"
#include "device/driver.h"
#include "device/registers.h"
#include "device/tamper.h"
#include "device/wait.h"
#include "library/bytes.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/wait_queue.h"

/* Registers: 3.1. */
enum {
    CAPABILITIES = 0x00,
    INTERRUPT_MASK_CLEAR = 0x10,
    CONFIGURATION = 0x14,
    STATUS = 0x1c,
    ADMIN_SIZES = 0x24,
    ADMIN_SUBMISSION = 0x28,
    ADMIN_COMPLETION = 0x30,
    DOORBELLS = 0x1000,
};
#define CONFIGURATION_ENABLE 1U
#define CONFIGURATION_SIZES  (6U << 16 | 4U << 20) /* entries of 64 and 16 bytes */
#define STATUS_READY         1U
#define STATUS_FATAL         2U
#define GONE                 UINT32_MAX

/* Commands: 5 and 6. */
enum {
    ADMIN_CREATE_SUBMISSION = 0x01,
    ADMIN_CREATE_COMPLETION = 0x05,
    ADMIN_IDENTIFY = 0x06,
    ADMIN_SET_FEATURES = 0x09,
    FEATURE_QUEUES = 7,
    IO_FLUSH = 0x00,
    IO_WRITE = 0x01,
    IO_READ = 0x02,
    IO_DATASET = 0x09,
    DATASET_DEALLOCATE = 4,

    IDENTIFY_NAMESPACE = 0,
    IDENTIFY_CONTROLLER = 1,
    IDENTIFY_LIST = 2,
    IDENTIFY_SIZE = 4096,
};
#define QUEUE_CONTIGUOUS 1U
#define QUEUE_INTERRUPTS 2U

#define QUEUE_ENTRIES      64
#define NAMESPACES_MAXIMUM 7
#define COMMANDS_EACH      8
#define COMMANDS           (NAMESPACES_MAXIMUM * COMMANDS_EACH)
_Static_assert(COMMANDS < QUEUE_ENTRIES, "the queue is never full");
#define LIST_ENTRIES                                                                               \
    64 /* of a command's list of pages: half a KiB, so that none crosses a page                    \
        */
#define ADMIN_PATIENCE (5 * NANOSECONDS_PER_SECOND)

struct command {
    uint32_t operation; /* and the identifier in the upper half */
    uint32_t namespace;
    uint64_t reserved, metadata;
    uint64_t first_page, other_pages;
    uint32_t words[6]; /* 10 to 15 */
};
_Static_assert(sizeof(struct command) == 64, "NVM Express, 4.2");

struct completion {
    uint32_t result, reserved;
    uint32_t head;   /* and the queue */
    uint32_t status; /* identifier, phase, status */
};
#define COMPLETION_PHASE (1U << 16)
/* Of the upper 15 bits: type and code; 0: it is well (4.6.1). */
#define COMPLETION_STATUS(word) ((word) >> 17 & 0x7ff)
#define STATUS_INVALID_OPCODE   1U

struct queue {
    struct dma_memory submissions, completions; /* a page each */
    unsigned number;                            /* constant */
    uint16_t tail, head;                        /* the controller's lock, as the next */
    uint32_t phase;
};

struct nvme;
struct nvme_disk {
    struct nvme *nvme;
    struct disk disk;
    uint32_t namespace;
    unsigned index; /* constant, as all above */
    uint8_t *page;  /* what it said of itself: heap; constant */
    bool added;
};

struct nvme {
    struct pci_device *pci;
    volatile uint8_t *registers;
    size_t registers_size;
    unsigned number;
    uint32_t doorbell_stride;
    uint64_t ready_patience;
    uint32_t pages_maximum; /* of one transfer, as it said */
    bool has_cache, discards;
    char serial[21], model[41], revision[9];
    uint8_t *controller_page; /* what it said of itself: heap; constant after the beginning, as all
                                 above */
    struct dma_memory lists, page; /* page: for what it tells of itself; discards' ranges */

    struct spinlock lock; /* with interrupts off; the queues, and the next four */
    struct queue admin, io;
    struct disk_request *requests[COMMANDS]; /* under way; NULL: free */
    bool dead;                               /* nothing more is asked of it */
    bool admin_done;
    uint32_t admin_status, admin_result; /* of the last command of its own */
    struct wait_queue admin_queue;

    struct nvme_disk disks[NAMESPACES_MAXIMUM]; /* constant after the beginning */
    unsigned disk_count;
};

/* ---- queues: lock held ---- */

static size_t doorbell(const struct nvme *nvme, const struct queue *queue, bool completion)
{
    return DOORBELLS + (2 * queue->number + completion) * nvme->doorbell_stride;
}

static void queue_put(struct nvme *nvme, struct queue *queue, const struct command *command)
{
    struct command *entries = queue->submissions.address;

    entries[queue->tail] = *command;
    queue->tail = (queue->tail + 1) % QUEUE_ENTRIES;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    register_write32(nvme->registers, doorbell(nvme, queue, false), queue->tail);
}

/* False: nothing new. */
static bool queue_take(struct nvme *nvme, struct queue *queue, struct completion *completion)
{
    const volatile struct completion *entries = queue->completions.address;
    uint32_t status = entries[queue->head].status;

    if ((status & COMPLETION_PHASE) != queue->phase)
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    *completion = (struct completion){.result = tamper(entries[queue->head].result),
                                      .status = tamper(status)};
    queue->head = (queue->head + 1) % QUEUE_ENTRIES;
    if (queue->head == 0)
        queue->phase ^= COMPLETION_PHASE;
    register_write32(nvme->registers, doorbell(nvme, queue, true), queue->head);
    return true;
}

static void queue_begin(struct queue *queue)
{
    memset(queue->completions.address, 0, queue->completions.size);
    queue->tail = queue->head = 0;
    queue->phase = COMPLETION_PHASE;
}

static int queue_create(struct queue *queue, unsigned number)
{
    int error = dma_allocate(&queue->submissions, PAGE_SIZE, DMA_ANYWHERE);

    queue->number = number;
    return error ? error : dma_allocate(&queue->completions, PAGE_SIZE, DMA_ANYWHERE);
}

/* ---- reading and writing ---- */

/* 4.3: the first page, and the second or a list of the others. */
static void set_pages(struct nvme *nvme, unsigned identifier, struct command *command,
                      const struct disk_request *request)
{
    uint64_t *list = (uint64_t *)nvme->lists.address + (size_t)identifier * LIST_ENTRIES;

    command->first_page = request->segments[0].address;
    if (request->segment_count == 2)
        command->other_pages = request->segments[1].address;
    if (request->segment_count <= 2)
        return;
    for (unsigned i = 1; i < request->segment_count; i++)
        list[i - 1] = request->segments[i].address;
    command->other_pages = nvme->lists.bus + (size_t)identifier * LIST_ENTRIES * sizeof(*list);
}

/* One range, which lies where the list of pages would: 6.7. */
static void set_discard(struct nvme *nvme, unsigned identifier, struct command *command,
                        const struct disk_request *request)
{
    uint8_t *range = (uint8_t *)nvme->lists.address + (size_t)identifier * LIST_ENTRIES * 8;

    memset(range, 0, 16);
    memcpy(range + 4, &request->count, 4);
    memcpy(range + 8, &request->first, 8);
    command->first_page = nvme->lists.bus + (size_t)identifier * LIST_ENTRIES * 8;
    command->words[0] = 0; /* ranges, less one */
    command->words[1] = DATASET_DEALLOCATE;
}

static void command_build(struct nvme_disk *disk, unsigned identifier, struct command *command,
                          const struct disk_request *request)
{
    static const uint8_t operations[DISK_OPERATIONS] = {
        [DISK_READ] = IO_READ,
        [DISK_WRITE] = IO_WRITE,
        [DISK_FLUSH] = IO_FLUSH,
        [DISK_DISCARD] = IO_DATASET,
    };

    *command = (struct command){.operation = operations[request->operation] | identifier << 16,
                                .namespace = disk->namespace};
    if (request->operation == DISK_DISCARD)
        set_discard(disk->nvme, identifier, command, request);
    if (request->operation != DISK_READ && request->operation != DISK_WRITE)
        return;
    command->words[0] = (uint32_t)request->first;
    command->words[1] = (uint32_t)(request->first >> 32);
    command->words[2] = request->count - 1;
    set_pages(disk->nvme, identifier, command, request);
}

static int free_identifier(const struct nvme_disk *disk)
{
    unsigned first = disk->index * COMMANDS_EACH;

    for (unsigned i = first; i < first + COMMANDS_EACH; i++)
        if (!disk->nvme->requests[i])
            return (int)i;
    return -EBUSY;
}

static void nvme_submit(struct disk *asked, struct disk_request *request)
{
    struct nvme_disk *disk = asked->private;
    struct nvme *nvme = disk->nvme;
    struct command command;
    bool enabled = spinlock_acquire_save(&nvme->lock);
    int identifier = nvme->dead ? -EIO : free_identifier(disk);

    if (identifier >= 0) {
        nvme->requests[identifier] = request;
        command_build(disk, (unsigned)identifier, &command, request);
        queue_put(nvme, &nvme->io, &command);
    }
    spinlock_release_restore(&nvme->lock, enabled);
    if (identifier < 0) {
        request->status = identifier;
        request->done(request);
    }
}

/* ---- what is done ---- */

static void give_up(struct nvme *nvme, const char *reason)
{
    nvme->dead = true;
    pci_master_disable(nvme->pci);
    log_write(LOG_ERROR, "nvme%u: %s: it is left alone", nvme->number, reason);
}

/* Of what is under way, one; NULL: there is none. Lock held. */
static struct disk_request *any_take(struct nvme *nvme, int error)
{
    for (unsigned i = 0; i < COMMANDS; i++)
        if (nvme->requests[i]) {
            struct disk_request *request = nvme->requests[i];
            request->status = error;
            nvme->requests[i] = NULL;
            return request;
        }
    return NULL;
}

/* Lock held. NULL: it answers what was not asked. */
static struct disk_request *request_take(struct nvme *nvme, const struct completion *completion)
{
    uint32_t identifier = completion->status & 0xffff;
    uint32_t status = COMPLETION_STATUS(completion->status);

    if (identifier >= COMMANDS || !nvme->requests[identifier])
        return NULL;
    struct disk_request *request = nvme->requests[identifier];
    request->status = status == STATUS_INVALID_OPCODE ? -EOPNOTSUPP : status ? -EIO : 0;
    nvme->requests[identifier] = NULL;
    return request;
}

static struct disk_request *next_done(struct nvme *nvme)
{
    struct completion completion;
    struct disk_request *request = NULL;
    bool enabled = spinlock_acquire_save(&nvme->lock);

    if (!nvme->dead && queue_take(nvme, &nvme->io, &completion)) {
        request = request_take(nvme, &completion);
        if (!request)
            give_up(nvme, "it answers what was not asked");
    }
    if (nvme->dead)
        request = any_take(nvme, -EIO);
    spinlock_release_restore(&nvme->lock, enabled);
    return request;
}

static bool look_at_admin(struct nvme *nvme)
{
    struct completion completion;
    bool enabled = spinlock_acquire_save(&nvme->lock);
    bool taken = !nvme->dead && queue_take(nvme, &nvme->admin, &completion);

    if (taken) {
        nvme->admin_done = true;
        nvme->admin_status = COMPLETION_STATUS(completion.status);
        nvme->admin_result = completion.result;
    }
    spinlock_release_restore(&nvme->lock, enabled);
    if (taken)
        wait_queue_wake_all(&nvme->admin_queue);
    return taken;
}

/* So many at one interrupt as can be under way. */
static bool finish(struct nvme *nvme)
{
    struct disk_request *request;
    unsigned finished = 0;

    while (finished < 2 * COMMANDS && (request = next_done(nvme))) {
        request->done(request);
        finished++;
    }
    return finished;
}

static bool nvme_interrupt(void *context)
{
    struct nvme *nvme = context;
    bool admin = look_at_admin(nvme);

    return finish(nvme) || admin;
}

static void abandon(struct nvme *nvme, int error)
{
    struct disk_request *request;

    do {
        bool enabled = spinlock_acquire_save(&nvme->lock);
        request = any_take(nvme, error);
        spinlock_release_restore(&nvme->lock, enabled);
        if (request)
            request->done(request);
    } while (request);
}

/* ---- commands of its own: one thread at a time ---- */

static bool admin_is_done(struct nvme *nvme)
{
    look_at_admin(nvme);
    return __atomic_load_n(&nvme->admin_done, __ATOMIC_ACQUIRE);
}

/* Its interrupt ends the wait at once; without one it is looked at now and then. */
static int admin_command(struct nvme *nvme, const struct command *command)
{
    uint64_t deadline = clock_now() + ADMIN_PATIENCE;
    bool enabled = spinlock_acquire_save(&nvme->lock);

    nvme->admin_done = false;
    queue_put(nvme, &nvme->admin, command);
    spinlock_release_restore(&nvme->lock, enabled);
    while (!admin_is_done(nvme)) {
        if (clock_now() > deadline)
            return -ETIMEDOUT;
        wait_event(&nvme->admin_queue, admin_is_done(nvme), THREAD_UNINTERRUPTIBLE,
                   clock_now() + NANOSECONDS_PER_SECOND / 100);
    }
    return nvme->admin_status ? -EIO : 0;
}

static int identify(struct nvme *nvme, uint32_t what, uint32_t namespace)
{
    const struct command command = {
        .operation = ADMIN_IDENTIFY,
        .namespace = namespace,
        .first_page = nvme->page.bus,
        .words = {what},
    };

    return admin_command(nvme, &command);
}

/* ---- beginning ---- */

static uint32_t status_read(const struct nvme *nvme)
{
    return register_read32(nvme->registers, STATUS);
}

static int disable(struct nvme *nvme)
{
    register_write32(nvme->registers, CONFIGURATION, 0);
    bool rests = device_wait(!(status_read(nvme) & STATUS_READY) || status_read(nvme) == GONE,
                             nvme->ready_patience);
    return rests && status_read(nvme) != GONE ? 0 : -ENODEV;
}

static int enable(struct nvme *nvme)
{
    volatile uint8_t *registers = nvme->registers;

    queue_begin(&nvme->admin);
    queue_begin(&nvme->io);
    register_write32(registers, ADMIN_SIZES, (QUEUE_ENTRIES - 1) << 16 | (QUEUE_ENTRIES - 1));
    register_write64(registers, ADMIN_SUBMISSION, nvme->admin.submissions.bus);
    register_write64(registers, ADMIN_COMPLETION, nvme->admin.completions.bus);
    register_write32(registers, CONFIGURATION, CONFIGURATION_SIZES | CONFIGURATION_ENABLE);
    bool ready =
        device_wait(status_read(nvme) & (STATUS_READY | STATUS_FATAL), nvme->ready_patience);
    uint32_t status = status_read(nvme);
    return ready && status != GONE && !(status & STATUS_FATAL) ? 0 : -ENODEV;
}

static int create_queues(struct nvme *nvme)
{
    const uint32_t sizes = (QUEUE_ENTRIES - 1) << 16 | nvme->io.number;
    const struct command number = {.operation = ADMIN_SET_FEATURES, .words = {FEATURE_QUEUES, 0}};
    const struct command completion = {
        .operation = ADMIN_CREATE_COMPLETION,
        .first_page = nvme->io.completions.bus,
        .words = {sizes, QUEUE_CONTIGUOUS | QUEUE_INTERRUPTS},
    };
    const struct command submission = {
        .operation = ADMIN_CREATE_SUBMISSION,
        .first_page = nvme->io.submissions.bus,
        .words = {sizes, QUEUE_CONTIGUOUS | nvme->io.number << 16},
    };
    int error = admin_command(nvme, &number);

    if (!error)
        error = admin_command(nvme, &completion);
    return error ? error : admin_command(nvme, &submission);
}

static int start(struct nvme *nvme)
{
    int error = disable(nvme);

    if (!error)
        error = enable(nvme);
    if (error)
        return error;
    bool enabled = spinlock_acquire_save(&nvme->lock);
    nvme->dead = false;
    spinlock_release_restore(&nvme->lock, enabled);
    return create_queues(nvme);
}

static bool has_requests(struct nvme *nvme, const struct nvme_disk *disk)
{
    unsigned first = disk->index * COMMANDS_EACH;
    bool any = false;
    bool enabled = spinlock_acquire_save(&nvme->lock);

    for (unsigned i = first; i < first + COMMANDS_EACH; i++)
        any |= nvme->requests[i] != NULL;
    spinlock_release_restore(&nvme->lock, enabled);
    return any;
}

static void set_dead(struct nvme *nvme)
{
    bool enabled = spinlock_acquire_save(&nvme->lock);

    nvme->dead = true;
    spinlock_release_restore(&nvme->lock, enabled);
}

/* All of its namespaces lose what is under way. */
static void nvme_recover(struct disk *asked)
{
    struct nvme_disk *disk = asked->private;
    struct nvme *nvme = disk->nvme;

    finish(nvme);
    if (!has_requests(nvme, disk))
        return;
    log_write(LOG_WARNING, "nvme%u: it does not answer: it is reset", nvme->number);
    set_dead(nvme);
    if (disable(nvme))
        pci_master_disable(nvme->pci);
    abandon(nvme, -ETIMEDOUT);
    if (start(nvme)) {
        set_dead(nvme);
        log_write(LOG_ERROR, "nvme%u: it does not begin anew", nvme->number);
    }
}

/* ---- namespaces ---- */

static uint32_t smaller(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

/* A copy of what it has just said of itself, on the heap; NULL: no memory. */
static uint8_t *page_keep(const struct nvme *nvme)
{
    uint8_t *page = heap_allocate(IDENTIFY_SIZE);

    if (page)
        memcpy(page, nvme->page.address, IDENTIFY_SIZE);
    return page;
}

/* Identify Controller: 5.15.2.2. */
static int read_controller(struct nvme *nvme)
{
    const uint8_t *page = nvme->controller_page = page_keep(nvme);

    if (!page)
        return -ENOMEM;
    uint8_t transfer = page[77];

    disk_text(nvme->serial, sizeof(nvme->serial), page + 4, 20);
    disk_text(nvme->model, sizeof(nvme->model), page + 24, 40);
    disk_text(nvme->revision, sizeof(nvme->revision), page + 64, 8);
    nvme->has_cache = page[525] & 1;
    nvme->discards = load16(page + 520) & 4;
    nvme->pages_maximum = transfer && transfer < 6 ? 1U << transfer : LIST_ENTRIES;
    return 0;
}

/* Identify Namespace: 5.15.2.1. False: it cannot be used. */
static bool read_namespace(struct nvme *nvme, const uint8_t *page, struct disk *disk)
{
    uint64_t blocks = load64(page) ^ tamper(0);
    uint32_t format = tamper(load32(page + 128 + 4 * (page[26] & 0xfU)));
    uint32_t shift = format >> 16 & 0xff;

    if (!blocks || shift < 9 || shift > PAGE_SHIFT || format & 0xffff)
        return false; /* not in use, blocks too large, or with metadata of their own */
    disk->block_size = 1U << shift;
    disk->block_count = blocks;
    disk->read_only = page[99] & 1;
    disk->blocks_maximum =
        smaller(nvme->pages_maximum * (uint32_t)PAGE_SIZE / disk->block_size, UINT16_MAX + 1);
    return true;
}

static int add_namespace(struct nvme *nvme, uint32_t namespace)
{
    struct nvme_disk *disk = &nvme->disks[nvme->disk_count];
    struct disk *own = &disk->disk;

    if (identify(nvme, IDENTIFY_NAMESPACE, namespace))
        return 0;
    heap_free(disk->page); /* of one that cannot be used */
    disk->page = page_keep(nvme);
    if (!disk->page)
        return -ENOMEM;
    if (!read_namespace(nvme, disk->page, own))
        return 0;
    own->identity = (struct disk_identity){.nvme_controller = nvme->controller_page,
                                           .nvme_namespace = disk->page,
                                           .nvme_number = namespace,
                                           .nvme_index = nvme->number};
    disk->nvme = nvme;
    disk->namespace = namespace;
    disk->index = nvme->disk_count++;
    own->kind = "nvme";
    format_string(own->name, sizeof(own->name), "nvme%un%u", nvme->number, namespace);
    own->internal = true;
    own->keeps_late = nvme->has_cache;
    own->discards = nvme->discards;
    string_copy(own->serial, nvme->serial, sizeof(own->serial));
    string_copy(own->model, nvme->model, sizeof(own->model));
    string_copy(own->revision, nvme->revision, sizeof(own->revision));
    format_string(own->path, sizeof(own->path), "nvme-%u", namespace);
    own->requests_maximum = COMMANDS_EACH;
    own->segments_maximum = nvme->pages_maximum + 1;
    own->address_maximum = UINT64_MAX;
    own->pci = nvme->pci;
    own->private = disk;
    own->submit = nvme_submit;
    own->recover = nvme_recover;
    int error = disk_add(own);
    disk->added = !error;
    return error;
}

static int add_namespaces(struct nvme *nvme)
{
    uint32_t list[NAMESPACES_MAXIMUM];
    int error = identify(nvme, IDENTIFY_LIST, 0);

    if (error)
        return error;
    memcpy(list, nvme->page.address, sizeof(list));
    for (unsigned i = 0; i < NAMESPACES_MAXIMUM && list[i] && !error; i++)
        error = add_namespace(nvme, list[i]);
    return error;
}

static int map_registers(struct nvme *nvme)
{
    nvme->registers = pci_bar_map(nvme->pci, 0, &nvme->registers_size);
    if (!nvme->registers || nvme->registers_size < DOORBELLS)
        return -ENODEV;
    uint64_t capabilities = register_read64(nvme->registers, CAPABILITIES);
    const uint64_t half_second = NANOSECONDS_PER_SECOND / 2;
    nvme->doorbell_stride = 4U << (capabilities >> 32 & 0xf);
    nvme->ready_patience = ((capabilities >> 24 & 0xff) + 1) * half_second;
    bool large_pages_only = capabilities >> 48 & 0xf;
    bool small_queues = (capabilities & 0xffff) + 1 < QUEUE_ENTRIES;
    if (capabilities == UINT64_MAX || large_pages_only || small_queues ||
        nvme->registers_size < DOORBELLS + 4 * nvme->doorbell_stride)
        return -ENODEV;
    return 0;
}

static int begin(struct nvme *nvme)
{
    int error = map_registers(nvme);

    if (!error)
        error = queue_create(&nvme->admin, 0);
    if (!error)
        error = queue_create(&nvme->io, 1);
    if (!error)
        error = dma_allocate(&nvme->page, IDENTIFY_SIZE, DMA_ANYWHERE);
    if (!error)
        error =
            dma_allocate(&nvme->lists, COMMANDS * LIST_ENTRIES * sizeof(uint64_t), DMA_ANYWHERE);
    if (!error)
        error = disable(nvme);
    if (!error)
        error = pci_interrupt_connect(nvme->pci, "nvme", nvme_interrupt, nvme);
    if (error)
        return error;
    pci_master_enable(nvme->pci);
    register_write32(nvme->registers, INTERRUPT_MASK_CLEAR, UINT32_MAX);
    error = start(nvme);
    if (!error)
        error = identify(nvme, IDENTIFY_CONTROLLER, 0);
    if (error)
        return error;
    error = read_controller(nvme);
    return error ? error : add_namespaces(nvme);
}

static void end(struct nvme *nvme)
{
    set_dead(nvme);
    if (nvme->registers)
        disable(nvme);
    pci_master_disable(nvme->pci);
    abandon(nvme, -ENODEV);
    for (unsigned i = 0; i < nvme->disk_count; i++)
        if (nvme->disks[i].added)
            disk_remove(&nvme->disks[i].disk);
    pci_interrupt_disconnect(nvme->pci);
    dma_free(&nvme->admin.submissions);
    dma_free(&nvme->admin.completions);
    dma_free(&nvme->io.submissions);
    dma_free(&nvme->io.completions);
    dma_free(&nvme->lists);
    dma_free(&nvme->page);
    for (unsigned i = 0; i < NAMESPACES_MAXIMUM; i++)
        heap_free(nvme->disks[i].page);
    heap_free(nvme->controller_page);
    heap_free(nvme);
}

static int nvme_probe(struct pci_device *pci)
{
    static unsigned numbers; /* one probe at a time */
    struct nvme *nvme = heap_allocate_zeroed(sizeof(*nvme));

    if (!nvme)
        return -ENOMEM;
    nvme->pci = pci;
    nvme->dead = true;
    spinlock_initialize(&nvme->lock, LOCK_UNRANKED);
    wait_queue_initialize(&nvme->admin_queue);
    nvme->number = numbers++;
    int error = begin(nvme);
    if (error) {
        end(nvme);
        return error;
    }
    pci->driver_data = nvme;
    return 0;
}

static void nvme_remove(struct pci_device *pci)
{
    end(pci->driver_data);
}

static bool nvme_matches(const struct pci_function *function)
{
    const uint32_t nvme_class = 0x010802;
    return function->class == nvme_class;
}

const struct pci_driver nvme_driver = {
    .name = "nvme",
    .matches = nvme_matches,
    .probe = nvme_probe,
    .remove = nvme_remove,
};
