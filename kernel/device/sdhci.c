/*
 * sdhci.c: SD cards behind a host controller on PCI (SD Host Controller Simplified
 * Specification 3.00; of the cards: SD Physical Layer Simplified Specification 6.00, below "SD").
 *
 * A controller does one thing at a time. Memory goes by ADMA2: a list of addresses. What needs time
 * (a card that comes or goes, an error, after which the card is asked how it is) is a thread's.
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
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/worker.h"
#include "thread/mutex.h"
#include "thread/wait_queue.h"

/* Registers: 2.1. */
enum {
    BLOCK_SIZE = 0x04,
    BLOCK_COUNT = 0x06,
    ARGUMENT = 0x08,
    TRANSFER_MODE = 0x0c,
    COMMAND = 0x0e,
    RESPONSE = 0x10,
    PRESENT = 0x24,
    HOST_CONTROL = 0x28,
    POWER = 0x29,
    CLOCK = 0x2c,
    TIMEOUT = 0x2e,
    RESET = 0x2f,
    EVENTS = 0x30, /* with errors in the upper half */
    EVENTS_NOTED = 0x34,
    EVENTS_INTERRUPT = 0x38,
    CAPABILITIES = 0x40,
    ADMA_ADDRESS = 0x58,
    REGISTERS_SIZE = 0x100,
};
#define PRESENT_COMMAND_BUSY 1U
#define PRESENT_DATA_BUSY    2U
#define PRESENT_CARD         (1U << 16)
#define PRESENT_WRITABLE     (1U << 19)
#define HOST_ADMA            0x10
#define HOST_FOUR_BITS       0x02
#define POWER_3V3            0x0f
#define CLOCK_INTERNAL       1U
#define CLOCK_STABLE         2U
#define CLOCK_CARD           4U
#define RESET_ALL            1U
#define RESET_LINES          6U /* of commands and data */
#define EVENT_COMMAND        1U
#define EVENT_TRANSFER       2U
#define EVENT_CARD_IN        0x40U
#define EVENT_CARD_OUT       0x80U
#define EVENTS_CARD          (EVENT_CARD_IN | EVENT_CARD_OUT)
#define EVENTS_ERROR         0xffff8000U
#define CAPABILITY_ADMA      (1UL << 19)
#define GONE                 UINT32_MAX

/* Transfer mode and command: 2.2.5, 2.2.6. */
enum {
    MODE_DMA = 1,
    MODE_COUNT = 2,
    MODE_STOP = 4, /* CMD12 by itself */
    MODE_READ = 0x10,
    MODE_MANY = 0x20,
    ANSWER_NONE = 0,
    ANSWER_LONG = 1,
    ANSWER_SHORT = 2,
    ANSWER_BUSY = 3,
    CHECKS = 0x18, /* of sum and number */
    WITH_DATA = 0x20,
};
#define R1  (ANSWER_SHORT | CHECKS)
#define R1B (ANSWER_BUSY | CHECKS)
#define R2  (ANSWER_LONG | 0x08)
#define R3  ANSWER_SHORT
#define R6  R1
#define R7  R1

/* SD, 4.7.4. */
enum {
    GO_IDLE = 0,
    ALL_SEND_CID = 2,
    SEND_ADDRESS = 3,
    SELECT = 7,
    SEND_CONDITION = 8,
    SEND_CSD = 9,
    STOP = 12,
    SEND_STATUS = 13,
    SET_BLOCK_SIZE = 16,
    READ_MANY = 18,
    WRITE_MANY = 25,
    APPLICATION = 55,
    SET_WIDTH = 6, /* of an application, as the next */
    OPERATE = 41,
};
#define CHECK_PATTERN   0x1aaU
#define CONDITION_HIGH  (1U << 30) /* more than 2 GB */
#define CONDITION_READY (1U << 31)
#define CONDITION_3V3   0x00300000U

/* ADMA2, 1.13.3. */
struct adma_entry {
    uint16_t flags, size;
    uint32_t address;
};
enum { ADMA_VALID = 1, ADMA_END = 2, ADMA_TRANSFER = 0x20 };

#define SECTOR           512
#define SEGMENTS_MAXIMUM 65
#define RESET_PATIENCE   (NANOSECONDS_PER_SECOND / 10)
#define COMMAND_PATIENCE NANOSECONDS_PER_SECOND
#define OPERATE_PATIENCE NANOSECONDS_PER_SECOND /* SD, 4.2.3 */
#define SLOW_CLOCK       400000U                /* hertz: SD, 4.2.1 */
#define FAST_CLOCK       25000000U

struct sdhci {
    struct pci_device *pci;
    volatile uint8_t *registers;
    uint64_t capabilities;
    unsigned number;        /* constant, as all above */
    struct dma_memory list; /* of ADMA2 */
    struct disk disk;
    uint32_t address; /* of the card; the thread's, as the next two */
    bool by_sector;   /* it is told places in sectors, not in bytes */
    bool added;

    struct spinlock lock;         /* with interrupts off; the registers, and all below */
    struct disk_request *request; /* under way; NULL: none */
    bool usable;                  /* there is a card, and it can be asked */
    bool failed, changed;         /* the thread sees to it */

    struct wait_queue work, settled;
    bool idle, leaving; /* atomic */
    struct worker worker;
};

/* ---- commands that are waited for: the thread's, while no request is under way ---- */

static uint32_t events(const struct sdhci *sdhci)
{
    return register_read32(sdhci->registers, EVENTS);
}

static bool reset_lines(struct sdhci *sdhci, uint8_t lines)
{
    register_write8(sdhci->registers, RESET, lines);
    return device_wait(!(register_read8(sdhci->registers, RESET) & lines), RESET_PATIENCE);
}

/* The interrupt handler leaves these events alone: no request is under way. */
static int command(struct sdhci *sdhci, uint8_t number, uint8_t answer, uint32_t argument)
{
    volatile uint8_t *registers = sdhci->registers;
    uint32_t busy = PRESENT_COMMAND_BUSY | (answer == R1B ? PRESENT_DATA_BUSY : 0);

    if (!device_wait(!(register_read32(registers, PRESENT) & busy), COMMAND_PATIENCE))
        return -ETIMEDOUT;
    register_write32(registers, EVENTS, ~EVENTS_CARD);
    register_write32(registers, ARGUMENT, argument);
    register_write16(registers, TRANSFER_MODE, 0);
    register_write16(registers, COMMAND, (uint16_t)(number << 8 | answer));
    bool done = device_wait(events(sdhci) & (EVENT_COMMAND | EVENTS_ERROR), COMMAND_PATIENCE);
    bool error = events(sdhci) & EVENTS_ERROR;
    register_write32(registers, EVENTS, ~EVENTS_CARD);
    if (done && !error)
        return 0;
    reset_lines(sdhci, RESET_LINES);
    return -EIO;
}

static uint32_t response(const struct sdhci *sdhci, unsigned index)
{
    return tamper(register_read32(sdhci->registers, RESPONSE + (size_t)4 * index));
}

static int application_command(struct sdhci *sdhci, uint8_t number, uint8_t answer,
                               uint32_t argument)
{
    int error = command(sdhci, APPLICATION, R1, sdhci->address << 16);

    return error ? error : command(sdhci, number, answer, argument);
}

/* ---- clock and power ---- */

/* 2.2.14: divided by an even number, of which half is written, in two pieces. */
static int set_clock(struct sdhci *sdhci, uint32_t hertz)
{
    volatile uint8_t *registers = sdhci->registers;
    uint32_t base = (uint32_t)(sdhci->capabilities >> 8 & 0xff) * 1000000;
    uint32_t divisor = 1;

    while (divisor < 1023 && base / (2 * divisor) > hertz)
        divisor++;
    uint16_t value = (uint16_t)((divisor & 0xff) << 8 | (divisor >> 8 & 3) << 6 | CLOCK_INTERNAL);
    register_write16(registers, CLOCK, 0);
    register_write16(registers, CLOCK, value);
    if (!device_wait(register_read16(registers, CLOCK) & CLOCK_STABLE, RESET_PATIENCE))
        return -ENODEV;
    register_write16(registers, CLOCK, value | CLOCK_CARD);
    return 0;
}

static int controller_begin(struct sdhci *sdhci)
{
    volatile uint8_t *registers = sdhci->registers;

    if (!reset_lines(sdhci, RESET_ALL))
        return -ENODEV;
    register_write8(registers, POWER, POWER_3V3);
    register_write8(registers, TIMEOUT, 0xe); /* the longest */
    register_write8(registers, HOST_CONTROL, HOST_ADMA);
    register_write32(registers, EVENTS_NOTED, UINT32_MAX);
    register_write32(registers, EVENTS_INTERRUPT, EVENTS_CARD | EVENT_TRANSFER | EVENTS_ERROR);
    return set_clock(sdhci, SLOW_CLOCK);
}

/* ---- a card comes: SD, 4.2.3 ---- */

static int card_wake(struct sdhci *sdhci)
{
    uint64_t deadline = clock_now() + OPERATE_PATIENCE;
    uint32_t high = 0;

    sdhci->address = 0;
    int error = command(sdhci, GO_IDLE, ANSWER_NONE, 0);
    if (error)
        return error;
    if (!command(sdhci, SEND_CONDITION, R7, CHECK_PATTERN) &&
        (response(sdhci, 0) & 0xfff) == CHECK_PATTERN)
        high = CONDITION_HIGH;
    do {
        error = application_command(sdhci, OPERATE, R3, CONDITION_3V3 | high);
        if (error)
            return error;
        if (response(sdhci, 0) & CONDITION_READY) {
            sdhci->by_sector = response(sdhci, 0) & CONDITION_HIGH;
            return 0;
        }
        device_sleep(NANOSECONDS_PER_SECOND / 100);
    } while (clock_now() < deadline);
    return -ETIMEDOUT;
}

/* Bits of a long answer, which comes without its last 8: 2.2.7. */
static uint32_t long_bits(const uint32_t *words, unsigned first, unsigned count)
{
    uint64_t value = 0;

    first -= 8;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)(words[(first + i) / 32] >> (first + i) % 32 & 1) << i;
    return (uint32_t)value;
}

static void read_long(const struct sdhci *sdhci, uint32_t words[4])
{
    for (unsigned i = 0; i < 4; i++)
        words[i] = response(sdhci, i);
}

/* SD, 5.3: how many sectors; 0: it does not say. */
static uint64_t card_sectors(const uint32_t *csd)
{
    uint32_t version = long_bits(csd, 126, 2);

    if (version == 1)
        return ((uint64_t)long_bits(csd, 48, 22) + 1) * 1024;
    if (version != 0)
        return 0;
    uint32_t block = long_bits(csd, 80, 4), scale = long_bits(csd, 47, 3) + 2;
    uint64_t bytes = ((uint64_t)long_bits(csd, 62, 12) + 1) << (scale + block);
    return block >= 9 && block <= 11 ? bytes / SECTOR : 0;
}

/* SD, 5.2. */
static void card_name(struct disk *disk, const uint32_t *cid)
{
    uint8_t name[5];

    for (unsigned i = 0; i < sizeof(name); i++)
        name[i] = (uint8_t)long_bits(cid, 96 - 8 * i, 8);
    disk_text(disk->model, sizeof(disk->model), name, sizeof(name));
    format_string(disk->serial, sizeof(disk->serial), "0x%08x", long_bits(cid, 24, 32));
}

static int card_begin(struct sdhci *sdhci)
{
    uint32_t cid[4], csd[4];
    int error = set_clock(sdhci, SLOW_CLOCK);

    if (!error)
        error = card_wake(sdhci);
    if (!error)
        error = command(sdhci, ALL_SEND_CID, R2, 0);
    if (error)
        return error;
    read_long(sdhci, cid);
    error = command(sdhci, SEND_ADDRESS, R6, 0);
    if (error)
        return error;
    sdhci->address = response(sdhci, 0) >> 16;
    error = command(sdhci, SEND_CSD, R2, sdhci->address << 16);
    if (error)
        return error;
    read_long(sdhci, csd);
    error = command(sdhci, SELECT, R1B, sdhci->address << 16);
    if (!error)
        error = application_command(sdhci, SET_WIDTH, R1, 2);
    if (!error)
        error = command(sdhci, SET_BLOCK_SIZE, R1, SECTOR);
    if (error)
        return error;
    register_write8(sdhci->registers, HOST_CONTROL, HOST_ADMA | HOST_FOUR_BITS);
    memset(&sdhci->disk, 0, sizeof(sdhci->disk));
    card_name(&sdhci->disk, cid);
    sdhci->disk.block_count = card_sectors(csd);
    return set_clock(sdhci, FAST_CLOCK);
}

/* ---- reading and writing ---- */

/* Lock held. */
static void request_begin(struct sdhci *sdhci, const struct disk_request *request)
{
    volatile uint8_t *registers = sdhci->registers;
    struct adma_entry *list = sdhci->list.address;
    bool reads = request->operation == DISK_READ;

    for (unsigned i = 0; i < request->segment_count; i++)
        list[i] =
            (struct adma_entry){ADMA_VALID | ADMA_TRANSFER, (uint16_t)request->segments[i].size,
                                (uint32_t)request->segments[i].address};
    list[request->segment_count - 1].flags |= ADMA_END;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    register_write64(registers, ADMA_ADDRESS, sdhci->list.bus);
    register_write16(registers, BLOCK_SIZE, SECTOR);
    register_write16(registers, BLOCK_COUNT, (uint16_t)request->count);
    register_write32(registers, ARGUMENT,
                     (uint32_t)(sdhci->by_sector ? request->first : request->first * SECTOR));
    register_write16(registers, TRANSFER_MODE,
                     MODE_DMA | MODE_COUNT | MODE_STOP | MODE_MANY | (reads ? MODE_READ : 0));
    register_write16(registers, COMMAND,
                     (uint16_t)((reads ? READ_MANY : WRITE_MANY) << 8 | R1 | WITH_DATA));
}

/* A card has no cache that a flush would empty. */
static void sdhci_submit(struct disk *disk, struct disk_request *request)
{
    struct sdhci *sdhci = disk->private;
    bool moves = request->operation == DISK_READ || request->operation == DISK_WRITE;
    int status = request->operation == DISK_FLUSH ? 0 : -EOPNOTSUPP;
    bool enabled = spinlock_acquire_save(&sdhci->lock);

    if (!sdhci->usable)
        status = -ENODEV;
    else if (moves && sdhci->failed)
        status = -EIO;
    bool begins = moves && sdhci->usable && !sdhci->failed && !sdhci->request;
    if (begins) {
        sdhci->request = request;
        request_begin(sdhci, request);
    }
    spinlock_release_restore(&sdhci->lock, enabled);
    if (!begins) {
        request->status = status;
        request->done(request);
    }
}

static void abandon(struct sdhci *sdhci, int status)
{
    bool enabled = spinlock_acquire_save(&sdhci->lock);
    struct disk_request *request = sdhci->request;

    sdhci->request = NULL;
    spinlock_release_restore(&sdhci->lock, enabled);
    if (!request)
        return;
    request->status = status;
    request->done(request);
}

/* What the controller says of the request under way: done, an error, or nothing yet. Lock held. */
static struct disk_request *request_take(struct sdhci *sdhci, uint32_t happened)
{
    struct disk_request *request = sdhci->request;

    if (!request || !(happened & (EVENT_TRANSFER | EVENTS_ERROR)))
        return NULL;
    request->status = happened & EVENTS_ERROR ? -EIO : 0;
    sdhci->failed |= request->status != 0;
    sdhci->request = NULL;
    return request;
}

static bool look(struct sdhci *sdhci)
{
    bool enabled = spinlock_acquire_save(&sdhci->lock);
    uint32_t happened = tamper(events(sdhci));

    if (happened == GONE)
        happened = 0;
    struct disk_request *request = request_take(sdhci, happened);
    sdhci->changed |= (happened & EVENTS_CARD) != 0;
    bool thread = sdhci->changed || sdhci->failed;
    uint32_t seen = (happened & EVENTS_CARD) | (request ? happened : 0);
    register_write32(sdhci->registers, EVENTS, seen);
    spinlock_release_restore(&sdhci->lock, enabled);
    if (request)
        request->done(request);
    if (thread)
        wait_queue_wake(&sdhci->work);
    return seen;
}

static bool sdhci_interrupt(void *context)
{
    return look(context);
}

static void sdhci_recover(struct disk *disk)
{
    struct sdhci *sdhci = disk->private;

    look(sdhci);
    bool enabled = spinlock_acquire_save(&sdhci->lock);
    bool hangs = sdhci->request;
    sdhci->failed |= hangs;
    spinlock_release_restore(&sdhci->lock, enabled);
    if (!hangs)
        return;
    log_write(LOG_WARNING, "%s: it does not answer", disk->name);
    reset_lines(sdhci, RESET_LINES);
    abandon(sdhci, -ETIMEDOUT);
    wait_queue_wake(&sdhci->work);
}

/* ---- coming and going ---- */

static void set_usable(struct sdhci *sdhci, bool usable)
{
    bool enabled = spinlock_acquire_save(&sdhci->lock);

    sdhci->usable = usable;
    sdhci->failed = false;
    register_write32(sdhci->registers, EVENTS_INTERRUPT,
                     EVENTS_CARD | (usable ? EVENT_TRANSFER | EVENTS_ERROR : 0));
    spinlock_release_restore(&sdhci->lock, enabled);
}

static void describe(struct sdhci *sdhci)
{
    struct disk *disk = &sdhci->disk;

    disk->kind = "mmcblk";
    format_string(disk->name, sizeof(disk->name), "mmcblk%u", sdhci->number);
    disk->block_size = SECTOR;
    disk->internal = true; /* a slot may hold what a PC boots from */
    disk->read_only = !(register_read32(sdhci->registers, PRESENT) & PRESENT_WRITABLE);
    disk->requests_maximum = 1;
    disk->segments_maximum = SEGMENTS_MAXIMUM;
    disk->blocks_maximum = (SEGMENTS_MAXIMUM - 1) * (uint32_t)PAGE_SIZE / SECTOR;
    disk->address_maximum = UINT32_MAX;
    disk->pci = sdhci->pci;
    disk->private = sdhci;
    disk->submit = sdhci_submit;
    disk->recover = sdhci_recover;
}

static void card_arrives(struct sdhci *sdhci)
{
    int error = card_begin(sdhci);

    if (error) {
        log_write(LOG_WARNING, "sdhci%u: the card cannot be used", sdhci->number);
        return;
    }
    describe(sdhci);
    set_usable(sdhci, true);
    sdhci->added = disk_add(&sdhci->disk) == 0;
    if (!sdhci->added)
        set_usable(sdhci, false);
}

static void card_leaves(struct sdhci *sdhci)
{
    set_usable(sdhci, false);
    reset_lines(sdhci, RESET_LINES);
    abandon(sdhci, -ENODEV);
    if (sdhci->added)
        disk_remove(&sdhci->disk);
    sdhci->added = false;
}

/* After an error the card may still be sending or receiving: SD, 4.3.3. */
static void card_recover(struct sdhci *sdhci)
{
    set_usable(sdhci, false);
    reset_lines(sdhci, RESET_LINES);
    command(sdhci, STOP, R1B, 0);
    reset_lines(sdhci, RESET_LINES);
    int error = command(sdhci, SEND_STATUS, R1, sdhci->address << 16);
    if (error)
        log_write(LOG_ERROR, "%s: it does not come back after an error", sdhci->disk.name);
    set_usable(sdhci, !error);
}

/* ---- the thread ---- */

static bool work_take(struct sdhci *sdhci, bool *changed, bool *failed)
{
    bool enabled = spinlock_acquire_save(&sdhci->lock);

    *changed = sdhci->changed;
    *failed = sdhci->failed && sdhci->usable;
    sdhci->changed = false;
    spinlock_release_restore(&sdhci->lock, enabled);
    if (*changed || *failed)
        return true;
    __atomic_store_n(&sdhci->idle, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&sdhci->settled);
    return __atomic_load_n(&sdhci->leaving, __ATOMIC_ACQUIRE);
}

static void serve(void *argument)
{
    struct sdhci *sdhci = argument;
    bool changed, failed;

    for (;;) {
        wait_event(&sdhci->work, work_take(sdhci, &changed, &failed), THREAD_UNINTERRUPTIBLE,
                   CLOCK_NEVER);
        if (!changed && !failed)
            break;
        if (!changed) {
            card_recover(sdhci);
            continue;
        }
        if (sdhci->added)
            card_leaves(sdhci);
        if (register_read32(sdhci->registers, PRESENT) & PRESENT_CARD)
            card_arrives(sdhci);
    }
    thread_exit();
}

static int thread_begin(struct sdhci *sdhci)
{
    char name[16];

    format_string(name, sizeof(name), "sdhci%u", sdhci->number);
    return worker_start(&sdhci->worker, name, serve, sdhci);
}

/* ---- beginning ---- */

static int begin(struct sdhci *sdhci)
{
    size_t size;

    sdhci->registers = pci_bar_map(sdhci->pci, 0, &size);
    if (!sdhci->registers || size < REGISTERS_SIZE)
        return -ENODEV;
    sdhci->capabilities = register_read64(sdhci->registers, CAPABILITIES);
    bool no_clock = !(sdhci->capabilities >> 8 & 0xff);
    if (sdhci->capabilities == UINT64_MAX || !(sdhci->capabilities & CAPABILITY_ADMA) || no_clock)
        return -ENODEV;
    int error = dma_allocate(&sdhci->list, PAGE_SIZE, DMA_BELOW_4G);
    if (!error)
        error = controller_begin(sdhci);
    if (!error)
        error = pci_interrupt_connect(sdhci->pci, "sdhci", sdhci_interrupt, sdhci);
    if (error)
        return error;
    pci_master_enable(sdhci->pci);
    set_usable(sdhci, false);
    sdhci->changed = true; /* the thread looks what is there */
    error = thread_begin(sdhci);
    if (!error)
        wait_event(&sdhci->settled, __atomic_load_n(&sdhci->idle, __ATOMIC_ACQUIRE),
                   THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
    return error;
}

static void end(struct sdhci *sdhci)
{
    __atomic_store_n(&sdhci->leaving, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&sdhci->work);
    worker_await_end(&sdhci->worker);
    if (sdhci->registers) {
        card_leaves(sdhci);
        reset_lines(sdhci, RESET_ALL);
    }
    pci_interrupt_disconnect(sdhci->pci);
    pci_master_disable(sdhci->pci);
    dma_free(&sdhci->list);
    heap_free(sdhci);
}

static int sdhci_probe(struct pci_device *pci)
{
    static unsigned numbers; /* one probe at a time */
    struct sdhci *sdhci = heap_allocate_zeroed(sizeof(*sdhci));

    if (!sdhci)
        return -ENOMEM;
    sdhci->pci = pci;
    sdhci->number = numbers++;
    spinlock_initialize(&sdhci->lock, LOCK_UNRANKED);
    wait_queue_initialize(&sdhci->work);
    wait_queue_initialize(&sdhci->settled);
    int error = begin(sdhci);
    if (error) {
        end(sdhci);
        return error;
    }
    pci->driver_data = sdhci;
    return 0;
}

static void sdhci_remove(struct pci_device *pci)
{
    end(pci->driver_data);
}

static bool sdhci_matches(const struct pci_function *function)
{
    const uint32_t sd_host_class = 0x0805;
    return function->class >> 8 == sd_host_class;
}

const struct pci_driver sdhci_driver = {
    .name = "sdhci-pci",
    .matches = sdhci_matches,
    .probe = sdhci_probe,
    .remove = sdhci_remove,
};
