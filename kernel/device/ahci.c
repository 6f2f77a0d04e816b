/*
 * ahci.c: SATA disks (Serial ATA AHCI 1.3.1; the commands: ATA/ATAPI Command Set 3).
 *
 * Each port is a disk, or nothing yet. Commands go into slots, several at once, and are done one
 * after the other; a slot that the port no longer has in its register is done. What needs time (a
 * disk that comes or goes, an error, after which a port stands still) is seen to by a thread.
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
#include "memory/worker.h"
#include "thread/mutex.h"
#include "thread/wait_queue.h"

/* Registers of the controller: 3.1. */
enum {
    CAPABILITIES = 0x00,
    CONTROL = 0x04,
    INTERRUPTS = 0x08,
    PORTS = 0x0c,
    CAPABILITIES_MORE = 0x24,
    HANDOFF = 0x28,
    PORT_REGISTERS = 0x100,
    PORT_SIZE = 0x80,
};
#define CAPABILITY_64BIT      (1U << 31)
#define CAPABILITY_SPIN_UP    (1U << 27)
#define CONTROL_AHCI          (1U << 31)
#define CONTROL_INTERRUPTS    (1U << 1)
#define MORE_HANDOFF          1U
#define HANDOFF_FIRMWARE_OWNS 1U
#define HANDOFF_OWNED         2U

/* Of a port: 3.3. */
enum {
    COMMAND_LIST = 0x00,
    RECEIVED = 0x08,
    PORT_INTERRUPTS = 0x10,
    PORT_INTERRUPTS_ENABLED = 0x14,
    PORT_COMMAND = 0x18,
    TASK_FILE = 0x20,
    SIGNATURE = 0x24,
    LINK_STATUS = 0x28,
    LINK_CONTROL = 0x2c,
    LINK_ERROR = 0x30,
    ISSUED = 0x38,
};
#define COMMAND_START         1U
#define COMMAND_SPIN_UP       2U
#define COMMAND_POWER         4U
#define COMMAND_RECEIVE       (1U << 4)
#define COMMAND_RECEIVING     (1U << 14)
#define COMMAND_RUNNING       (1U << 15)
#define COMMAND_SLOT(command) ((command) >> 8 & 0x1f)
#define COMMAND_ACTIVE        (1U << 28)
#define TASK_BUSY             0x88U /* or wants data */
#define TASK_ERROR            1U
#define LINK_UP               3U
#define LINK_DETECTED(status) ((status)&0xf)
#define SIGNATURE_DISK        0x00000101U
#define SIGNATURE_PACKET      0xeb140101U

/* Interrupts of a port: 3.3.5. */
#define INTERRUPT_DONE    0x0000000fU /* FISes that end a command */
#define INTERRUPT_CHANGE  0x00400040U /* somebody came or went */
#define INTERRUPT_ERRORS  0x78000010U /* fatal ones, and the task file's */
#define INTERRUPTS_WANTED (INTERRUPT_DONE | INTERRUPT_CHANGE | INTERRUPT_ERRORS)

/* Commands: ATA/ATAPI Command Set 3, 7. */
enum {
    ATA_IDENTIFY = 0xec,
    ATA_READ = 0x25,  /* READ DMA EXT */
    ATA_WRITE = 0x35, /* WRITE DMA EXT */
    ATA_FLUSH = 0xea, /* FLUSH CACHE EXT */
    ATA_DEVICE_LBA = 0x40,
};
#define FIS_TO_DEVICE 0x27
#define FIS_COMMAND   0x80
#define FIS_SIZE      20
#define SECTOR        512

#define PORTS_MAXIMUM    32
#define SLOTS            8
#define SEGMENTS_MAXIMUM 56 /* so that a table is one KiB */
#define TABLE_SIZE       1024
#define TABLE_REGIONS    0x80
#define IDENTIFY_SLOT    0
#define RECEIVED_OFFSET  0x400 /* behind the list of commands, of 1 KiB */
#define IDENTIFY_OFFSET  0x600
#define TABLES_OFFSET    0x1000
#define PORT_MEMORY      (TABLES_OFFSET + SLOTS * TABLE_SIZE)

#define STOP_PATIENCE     (NANOSECONDS_PER_SECOND / 2) /* 10.1.2 */
#define LINK_PATIENCE     (NANOSECONDS_PER_SECOND / 50)
#define READY_PATIENCE    (10 * NANOSECONDS_PER_SECOND) /* for a disk that spins up */
#define IDENTIFY_PATIENCE (5 * NANOSECONDS_PER_SECOND)
#define HANDOFF_PATIENCE  (2 * NANOSECONDS_PER_SECOND) /* 10.6.3 */

struct command_header {
    uint32_t flags; /* words of the command, direction, regions */
    uint32_t transferred;
    uint64_t table;
    uint32_t reserved[4];
};
#define HEADER_WRITES  (1U << 6)
#define HEADER_REGIONS 16
#define COMMAND_WORDS  5U

struct region {
    uint64_t address;
    uint32_t reserved;
    uint32_t size; /* less one */
};

struct ahci;
struct ahci_port {
    struct ahci *ahci;
    volatile uint8_t *registers;
    unsigned number;          /* constant, as all above */
    struct dma_memory memory; /* constant while the port is used */
    struct disk disk;
    uint8_t identity[SECTOR]; /* what the disk said of itself; constant while it is added */
    bool added;               /* the thread's */

    struct spinlock lock;                 /* with interrupts off; the registers and all below */
    struct disk_request *requests[SLOTS]; /* under way; NULL: free */
    uint32_t issued;                      /* slots */
    bool usable;                          /* a disk is there, and its port runs */
    bool failed;                          /* the port stands still; the thread sees to it */
    bool changed;                         /* somebody came or went */
};

struct ahci {
    struct pci_device *pci;
    volatile uint8_t *registers;
    uint32_t capabilities;
    unsigned number;                        /* constant, as all above */
    struct ahci_port *ports[PORTS_MAXIMUM]; /* constant after the beginning */
    struct wait_queue work;                 /* the thread */
    struct wait_queue settled;              /* who waits until it has nothing to do */
    bool idle;                              /* it has; atomic, as the next */
    bool leaving;
    struct mutex mutex; /* who stops and starts ports */
    struct worker worker;
};

static uint32_t port_read(const struct ahci_port *port, size_t offset)
{
    return register_read32(port->registers, offset);
}

static void port_write(const struct ahci_port *port, size_t offset, uint32_t value)
{
    register_write32(port->registers, offset, value);
}

/* ---- a port runs and stands still: by one thread at a time ---- */

static bool port_stop(struct ahci_port *port)
{
    port_write(port, PORT_COMMAND, port_read(port, PORT_COMMAND) & ~COMMAND_START);
    if (!device_wait(!(port_read(port, PORT_COMMAND) & COMMAND_RUNNING), STOP_PATIENCE))
        return false;
    port_write(port, PORT_COMMAND, port_read(port, PORT_COMMAND) & ~COMMAND_RECEIVE);
    return device_wait(!(port_read(port, PORT_COMMAND) & COMMAND_RECEIVING), STOP_PATIENCE);
}

static void port_start(struct ahci_port *port)
{
    const struct dma_memory *memory = &port->memory;

    register_write64(port->registers, COMMAND_LIST, memory->bus);
    register_write64(port->registers, RECEIVED, memory->bus + RECEIVED_OFFSET);
    port_write(port, LINK_ERROR, UINT32_MAX);
    port_write(port, PORT_INTERRUPTS, UINT32_MAX);
    uint32_t command = port_read(port, PORT_COMMAND) | COMMAND_RECEIVE;
    port_write(port, PORT_COMMAND, command);
    port_write(port, PORT_COMMAND, command | COMMAND_START);
    port_write(port, PORT_INTERRUPTS_ENABLED, INTERRUPTS_WANTED);
}

/* 10.4.2: the link is made anew, and with it whatever hangs on it. */
static void port_reset(struct ahci_port *port)
{
    uint32_t control = port_read(port, LINK_CONTROL) & ~0xfU;

    port_write(port, LINK_CONTROL, control | 1);
    device_sleep(NANOSECONDS_PER_SECOND / 500);
    port_write(port, LINK_CONTROL, control);
    device_wait(LINK_DETECTED(port_read(port, LINK_STATUS)) == LINK_UP, NANOSECONDS_PER_SECOND);
    port_write(port, LINK_ERROR, UINT32_MAX);
}

static bool link_is_up(const struct ahci_port *port)
{
    uint32_t status = port_read(port, LINK_STATUS);
    return LINK_DETECTED(status) == LINK_UP && status != UINT32_MAX;
}

/* ---- a request becomes a command: lock held ---- */

static uint8_t *table_of(const struct ahci_port *port, unsigned slot)
{
    return (uint8_t *)port->memory.address + TABLES_OFFSET + (size_t)slot * TABLE_SIZE;
}

static void put_command(struct ahci_port *port, unsigned slot, uint8_t command, uint64_t first,
                        uint32_t count)
{
    uint8_t *fis = table_of(port, slot);

    memset(fis, 0, FIS_SIZE);
    fis[0] = FIS_TO_DEVICE;
    fis[1] = FIS_COMMAND;
    fis[2] = command;
    for (unsigned i = 0; i < 3; i++) {
        fis[4 + i] = (uint8_t)(first >> 8 * i);
        fis[8 + i] = (uint8_t)(first >> (24 + 8 * i));
    }
    fis[7] = ATA_DEVICE_LBA;
    fis[12] = (uint8_t)count;
    fis[13] = (uint8_t)(count >> 8);
}

static void put_header(struct ahci_port *port, unsigned slot, uint32_t regions, bool writes)
{
    struct command_header *header = (struct command_header *)port->memory.address + slot;

    *header = (struct command_header){
        .flags = COMMAND_WORDS | (writes ? HEADER_WRITES : 0) | regions << HEADER_REGIONS,
        .table = port->memory.bus + TABLES_OFFSET + (size_t)slot * TABLE_SIZE,
    };
}

static void put_region(struct ahci_port *port, unsigned slot, unsigned index, paddr_t address,
                       uint32_t size)
{
    struct region *regions = (struct region *)(table_of(port, slot) + TABLE_REGIONS);

    regions[index] = (struct region){.address = address, .size = size - 1};
}

static void command_build(struct ahci_port *port, unsigned slot, const struct disk_request *request)
{
    static const uint8_t commands[DISK_OPERATIONS] = {
        [DISK_READ] = ATA_READ, [DISK_WRITE] = ATA_WRITE, [DISK_FLUSH] = ATA_FLUSH};
    bool moves = request->operation != DISK_FLUSH;

    put_command(port, slot, commands[request->operation], moves ? request->first : 0,
                moves ? request->count : 0);
    for (unsigned i = 0; i < request->segment_count; i++)
        put_region(port, slot, i, request->segments[i].address, request->segments[i].size);
    put_header(port, slot, request->segment_count, request->operation == DISK_WRITE);
}

static int free_slot(const struct ahci_port *port)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (!port->requests[slot])
            return slot;
    return -EBUSY;
}

/* While the port stands still the slot waits with the others. */
static void ahci_submit(struct disk *disk, struct disk_request *request)
{
    struct ahci_port *port = disk->private;
    int slot = request->operation == DISK_DISCARD ? -EOPNOTSUPP : 0;
    bool enabled = spinlock_acquire_save(&port->lock);

    if (!slot)
        slot = port->usable ? free_slot(port) : -ENODEV;
    if (slot >= 0) {
        port->requests[slot] = request;
        command_build(port, (unsigned)slot, request);
        port->issued |= 1U << slot;
        __atomic_thread_fence(__ATOMIC_RELEASE);
        if (!port->failed)
            port_write(port, ISSUED, 1U << slot);
    }
    spinlock_release_restore(&port->lock, enabled);
    if (slot < 0) {
        request->status = slot;
        request->done(request);
    }
}

/* ---- what is done ---- */

/* Lock held. */
static struct disk_request *slot_take(struct ahci_port *port, unsigned slot, int status)
{
    struct disk_request *request = port->requests[slot];

    port->requests[slot] = NULL;
    port->issued &= ~(1U << slot);
    if (request)
        request->status = status;
    return request;
}

/* One that the port no longer has; NULL: none. */
static struct disk_request *next_done(struct ahci_port *port)
{
    struct disk_request *request = NULL;
    bool enabled = spinlock_acquire_save(&port->lock);
    uint32_t done = port->failed ? 0 : port->issued & ~port_read(port, ISSUED);

    if (done)
        request = slot_take(port, (unsigned)__builtin_ctz(done), 0);
    spinlock_release_restore(&port->lock, enabled);
    return request;
}

static void finish(struct ahci_port *port)
{
    struct disk_request *request;
    unsigned finished = 0;

    while (finished++ < 2 * SLOTS && (request = next_done(port)))
        request->done(request);
}

static void slot_finish(struct ahci_port *port, unsigned slot, int status)
{
    bool enabled = spinlock_acquire_save(&port->lock);
    struct disk_request *request = slot_take(port, slot, status);

    spinlock_release_restore(&port->lock, enabled);
    if (request)
        request->done(request);
}

/* What is under way is done with an error. */
static void abandon(struct ahci_port *port, int error)
{
    for (unsigned slot = 0; slot < SLOTS; slot++)
        slot_finish(port, slot, error);
}

/* An error stands in the port's registers before what was done by then is told of as done. */
static bool port_interrupt(struct ahci_port *port)
{
    uint32_t causes = tamper(port_read(port, PORT_INTERRUPTS));

    if (!causes || causes == UINT32_MAX)
        return false;
    bool enabled = spinlock_acquire_save(&port->lock);
    port->failed |= (causes & INTERRUPT_ERRORS) != 0;
    port->changed |= (causes & INTERRUPT_CHANGE) != 0;
    bool thread = port->failed || port->changed;
    if (causes & INTERRUPT_CHANGE)
        port_write(port, LINK_ERROR, UINT32_MAX); /* which is what it stands for: 3.3.5 */
    port_write(port, PORT_INTERRUPTS, causes);
    spinlock_release_restore(&port->lock, enabled);
    finish(port);
    if (thread)
        wait_queue_wake(&port->ahci->work);
    return true;
}

static bool ahci_interrupt(void *context)
{
    struct ahci *ahci = context;
    uint32_t causes = register_read32(ahci->registers, INTERRUPTS);
    bool any = false;

    if (causes == UINT32_MAX)
        return false;
    for (unsigned i = 0; i < PORTS_MAXIMUM; i++)
        if (causes >> i & 1 && ahci->ports[i])
            any |= port_interrupt(ahci->ports[i]);
    register_write32(ahci->registers, INTERRUPTS, causes);
    return any || causes;
}

/* ---- errors ---- */

/* What it had done by then: when it is stopped it forgets. */
static void finish_before(struct ahci_port *port)
{
    bool enabled = spinlock_acquire_save(&port->lock);
    uint32_t done = port->issued & ~port_read(port, ISSUED);

    port->failed = true;
    spinlock_release_restore(&port->lock, enabled);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (done >> slot & 1)
            slot_finish(port, slot, 0);
}

/* The port stands still. Of its commands the one it was at failed; the others begin anew: 6.2.2. */
static void port_restart(struct ahci_port *port, int error)
{
    finish_before(port);
    unsigned slot = COMMAND_SLOT(tamper(port_read(port, PORT_COMMAND)));
    bool of_link = !(port_read(port, TASK_FILE) & TASK_ERROR);
    bool stopped = port_stop(port);

    if (!stopped || port_read(port, TASK_FILE) & TASK_BUSY || of_link)
        port_reset(port);
    if (slot < SLOTS)
        slot_finish(port, slot, error);
    if (!stopped || of_link)
        abandon(port, error);
    bool enabled = spinlock_acquire_save(&port->lock);
    port_start(port);
    port->failed = false;
    if (port->issued)
        port_write(port, ISSUED, port->issued);
    spinlock_release_restore(&port->lock, enabled);
}

static bool has_requests(struct ahci_port *port)
{
    bool enabled = spinlock_acquire_save(&port->lock);
    bool any = port->issued;

    port->failed |= any;
    spinlock_release_restore(&port->lock, enabled);
    return any;
}

static void ahci_recover(struct disk *disk)
{
    struct ahci_port *port = disk->private;

    finish(port);
    if (!has_requests(port))
        return;
    log_write(LOG_WARNING, "%s: it does not answer: its port is reset", disk->name);
    mutex_acquire(&port->ahci->mutex);
    port_stop(port);
    port_reset(port);
    abandon(port, -ETIMEDOUT);
    port_restart(port, -ETIMEDOUT);
    mutex_release(&port->ahci->mutex);
}

/* ---- a disk comes ---- */

/* By looking: nobody else uses the port yet. */
static int identify(struct ahci_port *port)
{
    paddr_t buffer = port->memory.bus + IDENTIFY_OFFSET;

    put_command(port, IDENTIFY_SLOT, ATA_IDENTIFY, 0, 0);
    put_region(port, IDENTIFY_SLOT, 0, buffer, SECTOR);
    put_header(port, IDENTIFY_SLOT, 1, false);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    port_write(port, ISSUED, 1U << IDENTIFY_SLOT);
    bool done = device_wait(!(port_read(port, ISSUED) & 1U << IDENTIFY_SLOT) ||
                                port_read(port, TASK_FILE) & TASK_ERROR,
                            IDENTIFY_PATIENCE);
    return done && !(port_read(port, TASK_FILE) & TASK_ERROR) ? 0 : -EIO;
}

/* ATA's texts have the bytes of each word the other way round. */
static void ata_text(char *result, size_t room, const uint8_t *words, unsigned first,
                     unsigned count)
{
    uint8_t text[40];

    for (unsigned i = 0; i < 2 * count; i++)
        text[i] = words[2 * first + (i ^ 1)];
    disk_text(result, room, text, 2 * count);
}

static uint16_t word(const uint8_t *words, unsigned index)
{
    return load16(words + 2 * index);
}

/* ATA/ATAPI Command Set 3, 7.12.7. False: it cannot be used. */
static bool describe(struct ahci_port *port)
{
    struct disk *disk = &port->disk;
    uint8_t *words = port->identity;

    memcpy(words, (uint8_t *)port->memory.address + IDENTIFY_OFFSET, sizeof(port->identity));
    words[2 * 106 + 1] ^= (uint8_t)tamper(0); /* how large blocks are */
    words[2 * 102 + 1] ^= (uint8_t)tamper(0); /* how many there are */
    *disk = (struct disk){.kind = "sd", .internal = true, .block_size = SECTOR};
    disk->identity.ata = words;
    if (!(word(words, 83) & 1 << 10))
        return false; /* no addresses of 48 bits: older than SATA */
    uint16_t sizes = word(words, 106);
    bool sizes_told = (sizes & 0xc000) == 0x4000;
    if (sizes_told && sizes & 1 << 12)
        disk->block_size = 2 * load32(words + 2UL * 117);
    if (sizes_told && sizes & 1 << 13)
        disk->physical_block_size = disk->block_size << (sizes & 0xf);
    disk->block_count = load64(words + 2UL * 100) & 0xffffffffffffUL;
    disk->keeps_late = true; /* a flush is always understood */
    disk->rotates = word(words, 217) != 1;
    string_copy(disk->vendor, "ATA", sizeof(disk->vendor));
    ata_text(disk->serial, sizeof(disk->serial), words, 10, 10);
    ata_text(disk->revision, sizeof(disk->revision), words, 23, 4);
    ata_text(disk->model, sizeof(disk->model), words, 27, 20);
    format_string(disk->path, sizeof(disk->path), "ata-%u", port->number + 1);
    disk->requests_maximum = SLOTS;
    disk->segments_maximum = SEGMENTS_MAXIMUM;
    disk->blocks_maximum =
        disk->block_size ? (SEGMENTS_MAXIMUM - 1) * (uint32_t)PAGE_SIZE / disk->block_size : 0;
    disk->address_maximum = port->ahci->capabilities & CAPABILITY_64BIT ? UINT64_MAX : UINT32_MAX;
    disk->pci = port->ahci->pci;
    disk->private = port;
    disk->submit = ahci_submit;
    disk->recover = ahci_recover;
    return true;
}

static void set_usable(struct ahci_port *port, bool usable)
{
    bool enabled = spinlock_acquire_save(&port->lock);
    port->usable = usable;
    spinlock_release_restore(&port->lock, enabled);
}

/* 10.1.2, 10.10: what is there, and is it a disk? */
static void port_arrive(struct ahci_port *port)
{
    if (!device_wait(!(port_read(port, TASK_FILE) & TASK_BUSY) || !link_is_up(port),
                     READY_PATIENCE) ||
        !link_is_up(port))
        return;
    uint32_t signature = port_read(port, SIGNATURE);
    if (signature != SIGNATURE_DISK) {
        log_write(LOG_NOTICE, "ahci%u: at port %u is %s, which is not used", port->ahci->number,
                  port->number, signature == SIGNATURE_PACKET ? "a CD drive" : "no disk");
        return;
    }
    if (identify(port) || !describe(port)) {
        log_write(LOG_WARNING, "ahci%u: the disk at port %u does not say what it is",
                  port->ahci->number, port->number);
        return;
    }
    set_usable(port, true);
    int error = disk_add(&port->disk);
    port->added = !error;
    if (error)
        set_usable(port, false);
}

static void port_leave(struct ahci_port *port)
{
    set_usable(port, false);
    port_stop(port);
    abandon(port, -ENODEV);
    if (port->added)
        disk_remove(&port->disk);
    port->added = false;
}

/* ---- the thread ---- */

struct port_work {
    bool failed, changed;
};

static bool work_take(struct ahci *ahci, struct ahci_port **port, struct port_work *work)
{
    for (unsigned i = 0; i < PORTS_MAXIMUM; i++) {
        if (!ahci->ports[i])
            continue;
        bool enabled = spinlock_acquire_save(&ahci->ports[i]->lock);
        *work = (struct port_work){ahci->ports[i]->failed && ahci->ports[i]->usable,
                                   ahci->ports[i]->changed};
        ahci->ports[i]->changed = false;
        spinlock_release_restore(&ahci->ports[i]->lock, enabled);
        *port = ahci->ports[i];
        if (work->failed || work->changed)
            return true;
    }
    *port = NULL;
    __atomic_store_n(&ahci->idle, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&ahci->settled);
    return __atomic_load_n(&ahci->leaving, __ATOMIC_ACQUIRE);
}

static void port_begin_anew(struct ahci_port *port)
{
    bool enabled = spinlock_acquire_save(&port->lock);
    port->failed = false;
    spinlock_release_restore(&port->lock, enabled);
    mutex_acquire(&port->ahci->mutex);
    port_stop(port);
    port_start(port);
    mutex_release(&port->ahci->mutex);
}

static void port_serve(struct ahci_port *port, const struct port_work *work)
{
    if (work->changed) {
        /* A plug that is wiggled is gone and there again: what was there may be another. */
        if (port->added)
            port_leave(port);
        if (device_wait(link_is_up(port), LINK_PATIENCE)) {
            port_begin_anew(port);
            port_arrive(port);
        }
        return;
    }
    mutex_acquire(&port->ahci->mutex);
    port_restart(port, -EIO);
    mutex_release(&port->ahci->mutex);
}

static void serve(void *argument)
{
    struct ahci *ahci = argument;
    struct ahci_port *port;
    struct port_work work;

    for (;;) {
        wait_event(&ahci->work, work_take(ahci, &port, &work), THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
        if (!port)
            break;
        port_serve(port, &work);
    }
    thread_exit();
}

static int thread_begin(struct ahci *ahci)
{
    char name[16];

    format_string(name, sizeof(name), "ahci%u", ahci->number);
    return worker_start(&ahci->worker, name, serve, ahci);
}

/* ---- beginning ---- */

static int port_create(struct ahci *ahci, unsigned number)
{
    struct ahci_port *port = heap_allocate_zeroed(sizeof(*port));

    if (!port)
        return -ENOMEM;
    port->ahci = ahci;
    port->number = number;
    port->registers = ahci->registers + PORT_REGISTERS + (size_t)number * PORT_SIZE;
    spinlock_initialize(&port->lock, LOCK_UNRANKED);
    ahci->ports[number] = port;
    return dma_allocate(&port->memory, PORT_MEMORY,
                        ahci->capabilities & CAPABILITY_64BIT ? DMA_ANYWHERE : DMA_BELOW_4G);
}

static void port_begin(struct ahci_port *port)
{
    port_stop(port);
    port_write(port, PORT_COMMAND,
               port_read(port, PORT_COMMAND) | COMMAND_SPIN_UP | COMMAND_POWER | COMMAND_ACTIVE);
    port_start(port);
    port->changed = true; /* the thread looks what is there */
}

/* 10.6.3: the firmware may have it; it may take its time. */
static void take_over(struct ahci *ahci)
{
    volatile uint8_t *registers = ahci->registers;

    if (!(register_read32(registers, CAPABILITIES_MORE) & MORE_HANDOFF))
        return;
    register_write32(registers, HANDOFF, register_read32(registers, HANDOFF) | HANDOFF_OWNED);
    device_wait(!(register_read32(registers, HANDOFF) & HANDOFF_FIRMWARE_OWNS), HANDOFF_PATIENCE);
}

static int map_registers(struct ahci *ahci)
{
    const unsigned bar = 5;
    size_t size;

    ahci->registers = pci_bar_map(ahci->pci, bar, &size);
    if (!ahci->registers || size < PORT_REGISTERS)
        return -ENODEV;
    take_over(ahci);
    register_write32(ahci->registers, CONTROL,
                     register_read32(ahci->registers, CONTROL) | CONTROL_AHCI);
    ahci->capabilities = register_read32(ahci->registers, CAPABILITIES);
    uint32_t ports = register_read32(ahci->registers, PORTS);
    if (ahci->capabilities == UINT32_MAX || (ahci->capabilities >> 8 & 0x1f) + 1 < SLOTS)
        return -ENODEV;
    for (unsigned i = 0; i < PORTS_MAXIMUM; i++) {
        if (!(ports >> i & 1) || size < PORT_REGISTERS + (i + 1) * (size_t)PORT_SIZE)
            continue;
        int error = port_create(ahci, i);
        if (error)
            return error;
    }
    return 0;
}

static int begin(struct ahci *ahci)
{
    int error = map_registers(ahci);

    if (!error)
        error = pci_interrupt_connect(ahci->pci, "ahci", ahci_interrupt, ahci);
    if (error)
        return error;
    pci_master_enable(ahci->pci);
    register_write32(ahci->registers, INTERRUPTS, UINT32_MAX);
    register_write32(ahci->registers, CONTROL, CONTROL_AHCI | CONTROL_INTERRUPTS);
    for (unsigned i = 0; i < PORTS_MAXIMUM; i++)
        if (ahci->ports[i])
            port_begin(ahci->ports[i]);
    error = thread_begin(ahci);
    if (!error)
        wait_event(&ahci->settled, __atomic_load_n(&ahci->idle, __ATOMIC_ACQUIRE),
                   THREAD_UNINTERRUPTIBLE, CLOCK_NEVER);
    return error;
}

static void end(struct ahci *ahci)
{
    __atomic_store_n(&ahci->leaving, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&ahci->work);
    worker_await_end(&ahci->worker);
    if (ahci->registers)
        register_write32(ahci->registers, CONTROL, CONTROL_AHCI);
    for (unsigned i = 0; i < PORTS_MAXIMUM; i++)
        if (ahci->ports[i])
            port_leave(ahci->ports[i]);
    pci_interrupt_disconnect(ahci->pci);
    pci_master_disable(ahci->pci);
    for (unsigned i = 0; i < PORTS_MAXIMUM; i++)
        if (ahci->ports[i]) {
            dma_free(&ahci->ports[i]->memory);
            heap_free(ahci->ports[i]);
        }
    heap_free(ahci);
}

static int ahci_probe(struct pci_device *pci)
{
    static unsigned numbers; /* one probe at a time */
    struct ahci *ahci = heap_allocate_zeroed(sizeof(*ahci));

    if (!ahci)
        return -ENOMEM;
    ahci->pci = pci;
    ahci->number = numbers++;
    wait_queue_initialize(&ahci->work);
    wait_queue_initialize(&ahci->settled);
    mutex_initialize(&ahci->mutex, MUTEX_DRIVER);
    int error = begin(ahci);
    if (error) {
        end(ahci);
        return error;
    }
    pci->driver_data = ahci;
    return 0;
}

static void ahci_remove(struct pci_device *pci)
{
    end(pci->driver_data);
}

static bool ahci_matches(const struct pci_function *function)
{
    const uint32_t ahci_class = 0x010601;
    return function->class == ahci_class;
}

const struct pci_driver ahci_driver = {
    .name = "ahci",
    .matches = ahci_matches,
    .probe = ahci_probe,
    .remove = ahci_remove,
};
