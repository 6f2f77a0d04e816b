/*
 * interrupt_controller.c: the local APIC (Intel SDM volume 3, chapter 11), the
 * I/O APICs (82093AA datasheet) and the ISA interrupts routed through them as
 * the MADT says (ACPI 6.5, 5.2.12); through the 8259s where it tells of none.
 */
#include "cpu/interrupt_controller.h"

#include <asm/errno.h>

#include "cpu/call.h"
#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/legacy_pic.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "cpu/spinlock.h"
#include "library/acpi.h"

/* Registers of the local APIC, as offsets in xAPIC mode (SDM volume 3, table 11-1). */
enum {
    APIC_ID = 0x20,
    APIC_VERSION = 0x30,
    APIC_TASK_PRIORITY = 0x80,
    APIC_EOI = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_IN_SERVICE = 0x100, /* 8 registers of 32 vectors */
    APIC_ERROR = 0x280,
    APIC_COMMAND_LOW = 0x300,
    APIC_COMMAND_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_THERMAL = 0x330,
    APIC_LVT_PERFORMANCE = 0x340,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};
#define APIC_BASE_BOOT_CPU (1UL << 8)
#define APIC_BASE_X2APIC   (1UL << 10)
#define APIC_BASE_ENABLE   (1UL << 11)
#define APIC_BASE_ADDRESS  0xffffffffff000UL
#define APIC_BASE_AT_RESET 0xfee00000UL
#define LVT_MASKED         (1U << 16)
#define LVT_EXTERNAL       (7U << 8)
#define COMMAND_PENDING    (1U << 12)
/* Vectors 16 to 31 never come: one that the firmware left pending would be taken for a trap. */
#define PRIORITY_ABOVE_TRAPS 0x10
#define COMMAND_PATIENCE     (NANOSECONDS_PER_SECOND / 10)
#define COMMAND_NMI          (4U << 8)
#define COMMAND_INIT         (5U << 8)
#define COMMAND_STARTUP      (6U << 8)
#define COMMAND_ASSERT       (1U << 14)
#define COMMAND_SELF         (1U << 18)

static volatile uint32_t *local_apic; /* NULL in x2APIC mode */
static bool x2apic;                   /* the mode the firmware left this in; for every CPU */
static uint64_t apic_base;            /* where the registers are; for every CPU */

static uint32_t apic_read(uint32_t offset)
{
    if (x2apic)
        return msr_read(0x800 + offset / 16);
    return local_apic[offset / 4];
}

static void apic_write(uint32_t offset, uint32_t value)
{
    if (x2apic)
        msr_write(0x800 + offset / 16, value);
    else
        local_apic[offset / 4] = value;
}

/* SDM volume 3, 11.6.1 and 11.12.9: in x2APIC mode one 64-bit MSR, and no pending bit. */
static void apic_command(uint32_t apic_id, uint32_t command)
{
    if (x2apic) {
        memory_and_load_fence(); /* SDM volume 3, 11.12.3: the write does not wait for stores */
        msr_write(0x830, (uint64_t)apic_id << 32 | command);
        return;
    }
    bool enabled = interrupts_save();
    uint64_t patience = clock_patience(COMMAND_PATIENCE);
    while (apic_read(APIC_COMMAND_LOW) & COMMAND_PENDING && !clock_patience_over(patience))
        cpu_relax();
    apic_write(APIC_COMMAND_HIGH, apic_id << 24);
    apic_write(APIC_COMMAND_LOW, command);
    interrupts_restore(enabled);
}

paddr_t local_apic_address(void)
{
    return msr_read(MSR_APIC_BASE) & APIC_BASE_ADDRESS;
}

uint32_t local_apic_id(void)
{
    uint32_t id = apic_read(APIC_ID);
    return x2apic ? id : id >> 24;
}

/* SDM volume 3, 11.6.1 and 11.12.9: all ones are everybody. */
uint32_t local_apic_id_maximum(void)
{
    return x2apic ? UINT32_MAX - 1 : 254;
}

void local_apic_end_of_interrupt(void)
{
    apic_write(APIC_EOI, 0);
}

void local_apic_send(uint32_t apic_id, uint8_t vector)
{
    apic_command(apic_id, COMMAND_ASSERT | vector);
}

void local_apic_send_self(uint8_t vector)
{
    apic_command(0, COMMAND_ASSERT | COMMAND_SELF | vector);
}

void local_apic_send_init(uint32_t apic_id)
{
    apic_command(apic_id, COMMAND_ASSERT | COMMAND_INIT);
}

void local_apic_send_startup(uint32_t apic_id, uint8_t page)
{
    apic_command(apic_id, COMMAND_ASSERT | COMMAND_STARTUP | page);
}

void local_apic_send_nmi(uint32_t apic_id)
{
    apic_command(apic_id, COMMAND_ASSERT | COMMAND_NMI);
}

void local_apic_stop_others(void)
{
    /* One by one: a processor that was given up has no handler for it. */
    CPU_SET_FOREACH (number, &cpu_online)
        if (cpus[number] != cpu_current())
            local_apic_send_nmi(cpus[number]->apic_id);
}

void local_apic_timer_arm(uint32_t ticks)
{
    apic_write(APIC_TIMER_INITIAL, ticks);
}

uint32_t local_apic_timer_left(void)
{
    return apic_read(APIC_TIMER_CURRENT);
}

/* As the boot CPU is: firmware may have left another one in another mode. From x2APIC mode the only
   way leads through the APIC turned off (SDM volume 3, 11.12.5). */
static void enter_mode(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE);
    uint64_t wanted = (base & APIC_BASE_BOOT_CPU) | apic_base | APIC_BASE_ENABLE |
                      (x2apic ? APIC_BASE_X2APIC : 0);

    if (base & APIC_BASE_X2APIC && !x2apic)
        msr_write(MSR_APIC_BASE, base & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC));
    if (base != wanted)
        msr_write(MSR_APIC_BASE, wanted & ~APIC_BASE_X2APIC);
    if (base != wanted && x2apic)
        msr_write(MSR_APIC_BASE, wanted);
}

static bool is_any_in_service(void)
{
    uint32_t vectors = 0;

    for (uint32_t i = 0; i < 8; i++)
        vectors |= apic_read(APIC_IN_SERVICE + 0x10 * i);
    return vectors;
}

/* What the firmware took and never ended, one in the other: as long as one is there none of its
   priority or a lower one comes. */
static void end_all_in_service(void)
{
    const unsigned vectors = 256;

    for (unsigned ended = 0; ended < vectors && is_any_in_service(); ended++)
        local_apic_end_of_interrupt();
}

void local_apic_initialize_cpu(void)
{
    enter_mode();
    apic_write(APIC_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
    apic_write(APIC_TASK_PRIORITY, PRIORITY_ABOVE_TRAPS);
    static const uint16_t sources[] = {APIC_LVT_THERMAL, APIC_LVT_PERFORMANCE, APIC_LVT_LINT0,
                                       APIC_LVT_LINT1, APIC_LVT_ERROR};
    for (size_t i = 0; i < array_length(sources); i++)
        apic_write(sources[i], LVT_MASKED);
    apic_write(APIC_TIMER_DIVIDE, 0xb); /* by 1 */
    apic_write(APIC_TIMER_INITIAL, 0);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER); /* one-shot */
    end_all_in_service();
}

/* ---- I/O APICs ---- */

#define IO_APIC_MAXIMUM 16

struct io_apic {
    volatile uint32_t *registers; /* select at 0, window at 0x10 */
    uint32_t first, count;        /* global system interrupts */
};
static struct io_apic io_apics[IO_APIC_MAXIMUM]; /* constant after boot */
static unsigned io_apic_count;

struct isa_route {
    uint32_t interrupt; /* global system interrupt */
    bool low, level;
};
static struct isa_route isa_routes[ISA_INTERRUPTS]; /* constant after boot */

/* Who is called for an ISA interrupt. */
#define ISA_SHARERS 4
static struct spinlock isa_lock; /* guards writing below; calls read without it */
static struct {
    interrupt_handler *function[ISA_SHARERS]; /* atomic */
    void *context[ISA_SHARERS];
    const char *name; /* of the first */
    bool routed;
} isa[ISA_INTERRUPTS];

/* Who is called for a pin of PCI that leads to the same interrupt (isa_lock to write). */
#define PIN_SHARERS 8
/* So many in a row that no device owns up to: it would never end. */
#define PIN_UNCLAIMED_MAXIMUM 1000
static struct {
    pin_handler *function[PIN_SHARERS]; /* atomic */
    void *context[PIN_SHARERS];
    unsigned count;     /* isa_lock to write */
    unsigned unclaimed; /* the interrupt's own */
} pins[ISA_INTERRUPTS];

static uint32_t io_apic_read(const struct io_apic *io_apic, uint8_t index)
{
    io_apic->registers[0] = index;
    return io_apic->registers[4];
}

static void io_apic_write(const struct io_apic *io_apic, uint8_t index, uint32_t value)
{
    io_apic->registers[0] = index;
    io_apic->registers[4] = value;
}

/* Its version register is neither zero nor ones (82093AA data sheet, 3.2.2): otherwise none is
 * there. */
static void io_apic_add(uint32_t first, void *registers)
{
    struct io_apic *io_apic = &io_apics[io_apic_count];

    io_apic->registers = registers;
    io_apic->first = first;
    uint32_t version = io_apic_read(io_apic, 1);
    if (!version || version == UINT32_MAX) {
        log_write(LOG_WARNING, "interrupts: no I/O APIC answers where one is said to be");
        return;
    }
    io_apic_count++;
    io_apic->count = (version >> 16 & 0xff) + 1;
    for (uint32_t input = 0; input < io_apic->count; input++)
        io_apic_write(io_apic, 0x10 + 2 * input, LVT_MASKED);
}

/* How ISA interrupts come, where there is no I/O APIC. Constant after boot. */
static enum { BY_IO_APIC, BY_LEGACY_PIC, BY_NOTHING } isa_way;

static void isa_call(unsigned irq, struct trap_frame *frame)
{
    for (int i = 0; i < ISA_SHARERS; i++) {
        interrupt_handler *function = __atomic_load_n(&isa[irq].function[i], __ATOMIC_ACQUIRE);
        if (function)
            function(isa[irq].context[i], frame);
    }
}

static bool pins_call(unsigned irq)
{
    bool claimed = false;

    for (int i = 0; i < PIN_SHARERS; i++) {
        pin_handler *function = __atomic_load_n(&pins[irq].function[i], __ATOMIC_ACQUIRE);
        if (function)
            claimed |= function(pins[irq].context[i]);
    }
    return claimed;
}

/* A device that nobody drives may pull the line for ever. Of ISA's nobody says whose it was. */
static void pins_interrupt(unsigned irq)
{
    if (!__atomic_load_n(&pins[irq].count, __ATOMIC_RELAXED))
        return;
    if (pins_call(irq) || isa[irq].function[0])
        pins[irq].unclaimed = 0;
    else if (++pins[irq].unclaimed == PIN_UNCLAIMED_MAXIMUM) {
        log_write(LOG_WARNING, "interrupts: %u is turned off: no device owns up to it", irq);
        interrupt_mask_isa((uint8_t)irq);
    }
}

static void isa_interrupt(void *context, struct trap_frame *frame)
{
    unsigned irq = (unsigned)(uintptr_t)context;

    if (isa_way == BY_LEGACY_PIC && !legacy_pic_is_real(irq))
        return;
    isa_call(irq, frame);
    pins_interrupt(irq);
    if (isa_way == BY_LEGACY_PIC)
        legacy_pic_end_of_interrupt(irq);
}

bool interrupt_isa_needs_polling(void)
{
    return isa_way == BY_NOTHING;
}

void interrupt_isa_poll(void)
{
    for (unsigned irq = 0; irq < array_length(isa); irq++) {
        isa_call(irq, NULL);
        pins_call(irq);
    }
}

/* The I/O APIC that serves a global system interrupt, and which of its inputs; NULL: none. */
static const struct io_apic *io_apic_find(uint32_t interrupt, uint32_t *input)
{
    for (unsigned i = 0; i < io_apic_count; i++) {
        *input = interrupt - io_apics[i].first;
        if (interrupt >= io_apics[i].first && *input < io_apics[i].count)
            return &io_apics[i];
    }
    return NULL;
}

/* Input 0 of this CPU's local APIC takes what the 8259 says (SDM volume 3, 11.5.1). */
static void legacy_route(uint8_t irq)
{
    apic_write(APIC_LVT_LINT0, LVT_EXTERNAL);
    legacy_pic_enable(irq, true);
}

static int isa_route(uint8_t irq)
{
    const struct isa_route *route = &isa_routes[irq];
    uint8_t vector = VECTOR_DEVICE_FIRST + irq;
    uint32_t input;
    const struct io_apic *io_apic = io_apic_find(route->interrupt, &input);

    if (!io_apic && isa_way == BY_IO_APIC)
        return -ENODEV;
    interrupt_set_handler(vector, isa_interrupt, (void *)(uintptr_t)irq);
    if (!io_apic) {
        if (isa_way == BY_LEGACY_PIC)
            legacy_route(irq);
        return 0;
    }
    io_apic_write(io_apic, 0x11 + 2 * input, local_apic_id() << 24);
    io_apic_write(io_apic, 0x10 + 2 * input,
                  (route->level ? 1U << 15 : 0) | (route->low ? 1U << 13 : 0) | vector);
    return 0;
}

/* Channel 0 of the 8254 (Intel, 8254 data sheet): mode 2, as seldom as it can; mode 0 without a
   count stands still. */
enum { PIT_CHANNEL_0 = 0x40, PIT_CONTROL = 0x43, PIT_PERIODIC = 0x34, PIT_STOPPED = 0x30 };

/* 82093AA data sheet, 3.2.4: the vector is ignored. An edge, whatever the override says. */
#define DELIVER_NMI (4U << 8)

/* The read-back command gives channel 0's status (82C54 data sheet, "Read-Back Command"): how it is
   to count, as it was told. Ports where nothing is give ones. */
static bool pit_is_there(void)
{
    const uint8_t read_status = 0xe2, told = 0x3f;

    port_write8(PIT_CONTROL, PIT_PERIODIC);
    port_write8(PIT_CONTROL, read_status);
    bool there = (port_read8(PIT_CHANNEL_0) & told) == PIT_PERIODIC;
    port_write8(PIT_CONTROL, PIT_STOPPED);
    return there;
}

bool interrupt_nmi_ticks_come(void)
{
    uint32_t input;

    return io_apic_find(isa_routes[0].interrupt, &input) && pit_is_there();
}

void interrupt_nmi_ticks(bool on)
{
    uint32_t input, id = local_apic_id();
    const struct io_apic *io_apic = io_apic_find(isa_routes[0].interrupt, &input);

    if (!io_apic || id > local_apic_id_maximum() || id > UINT8_MAX)
        return;
    if (on)
        io_apic_write(io_apic, 0x11 + 2 * input, id << 24);
    io_apic_write(io_apic, 0x10 + 2 * input, on ? DELIVER_NMI : LVT_MASKED);
    port_write8(PIT_CONTROL, on ? PIT_PERIODIC : PIT_STOPPED);
    if (on) {
        port_write8(PIT_CHANNEL_0, 0);
        port_write8(PIT_CHANNEL_0, 0);
    }
}

void interrupt_mask_isa(uint8_t irq)
{
    uint32_t input;
    const struct io_apic *io_apic = io_apic_find(isa_routes[irq].interrupt, &input);
    bool enabled = spinlock_acquire_save(&isa_lock);

    if (io_apic)
        io_apic_write(io_apic, 0x10 + 2 * input, LVT_MASKED);
    else if (isa_way == BY_LEGACY_PIC)
        legacy_pic_enable(irq, false);
    spinlock_release_restore(&isa_lock, enabled);
}

int interrupt_connect_isa(uint8_t irq, const char *name, interrupt_handler *handler, void *context)
{
    if (irq >= array_length(isa))
        return -ENODEV;
    bool enabled = spinlock_acquire_save(&isa_lock);
    int error = -ENOSPC;
    for (int i = 0; i < ISA_SHARERS; i++) {
        if (isa[irq].function[i])
            continue;
        isa[irq].context[i] = context;
        __atomic_store_n(&isa[irq].function[i], handler, __ATOMIC_RELEASE);
        if (!isa[irq].routed)
            isa[irq].name = name;
        error = isa[irq].routed ? 0 : isa_route(irq);
        isa[irq].routed = !error;
        break;
    }
    spinlock_release_restore(&isa_lock, enabled);
    return error;
}

/* PCI local bus specification 3.0, 2.2.6: level, low; but the MADT says how it arrives. */
static int pin_route(uint8_t irq, const char *name)
{
    if (isa[irq].routed)
        return isa_routes[irq].level ? 0 : -ENODEV;
    if (!isa_routes[irq].level)
        isa_routes[irq].level = isa_routes[irq].low = true;
    isa[irq].name = name;
    int error = isa_route(irq);
    isa[irq].routed = !error;
    return error;
}

int interrupt_connect_pin(uint8_t irq, const char *name, pin_handler *handler, void *context)
{
    int error = -ENOSPC;
    bool enabled = spinlock_acquire_save(&isa_lock);

    for (int i = 0; i < PIN_SHARERS && error == -ENOSPC; i++) {
        if (pins[irq].function[i])
            continue;
        error = pin_route(irq, name);
        if (error)
            break;
        pins[irq].context[i] = context;
        __atomic_store_n(&pins[irq].function[i], handler, __ATOMIC_RELEASE);
        __atomic_store_n(&pins[irq].count, pins[irq].count + 1, __ATOMIC_RELAXED);
    }
    spinlock_release_restore(&isa_lock, enabled);
    return error;
}

void interrupt_disconnect_pin(uint8_t irq, const void *context)
{
    bool enabled = spinlock_acquire_save(&isa_lock);

    for (int i = 0; i < PIN_SHARERS; i++)
        if (pins[irq].function[i] && pins[irq].context[i] == context) {
            __atomic_store_n(&pins[irq].function[i], NULL, __ATOMIC_RELEASE);
            __atomic_store_n(&pins[irq].count, pins[irq].count - 1, __ATOMIC_RELAXED);
        }
    spinlock_release_restore(&isa_lock, enabled);
    interrupts_settle();
}

bool interrupt_isa_describe(uint8_t irq, struct isa_interrupt *interrupt)
{
    bool enabled = spinlock_acquire_save(&isa_lock);
    bool connected = isa[irq].routed;

    *interrupt = (struct isa_interrupt){
        .name = isa[irq].name,
        .by_io_apic = isa_way == BY_IO_APIC,
        .input = isa_routes[irq].interrupt,
        .level = isa_routes[irq].level,
        .vector = (uint8_t)(VECTOR_DEVICE_FIRST + irq),
    };
    spinlock_release_restore(&isa_lock, enabled);
    return connected;
}

static void read_madt(const struct acpi_root *acpi, device_map_function *map)
{
    struct acpi_table table;
    struct acpi_madt madt;
    struct acpi_madt_entry entry;
    const char *reason = "there is none";

    if (!acpi || acpi_table_find(acpi, "APIC", &table) || acpi_madt_start(&madt, &table, &reason)) {
        log_write(LOG_WARNING, "interrupts: no usable MADT: %s", reason);
        return;
    }
    while (acpi_madt_next(&madt, &entry) == 1) {
        if (entry.kind == ACPI_MADT_IO_APIC && io_apic_count < IO_APIC_MAXIMUM) {
            void *registers = entry.io_apic.address == local_apic_address()
                                  ? NULL
                                  : map(entry.io_apic.address, PAGE_SIZE);
            if (registers)
                io_apic_add(entry.io_apic.first_interrupt, registers);
        } else if (entry.kind == ACPI_MADT_OVERRIDE && entry.override.source < 16) {
            isa_routes[entry.override.source] = (struct isa_route){
                .interrupt = entry.override.interrupt,
                .low = entry.override.polarity == ACPI_POLARITY_LOW,
                .level = entry.override.trigger == ACPI_TRIGGER_LEVEL,
            };
        }
    }
}

/* An override that leads to no I/O APIC's input: the interrupt comes where it always did. */
static void judge_routes(void)
{
    uint32_t input;

    for (uint32_t irq = 0; irq < ISA_INTERRUPTS; irq++) {
        if (io_apic_find(isa_routes[irq].interrupt, &input) || !io_apic_find(irq, &input))
            continue;
        log_write(LOG_WARNING,
                  "interrupts: IRQ %u is said to be input %u of an I/O APIC: there is none", irq,
                  isa_routes[irq].interrupt);
        isa_routes[irq] = (struct isa_route){.interrupt = irq};
    }
}

/* Rule 24: the 8259s are moved off the CPU's own vectors and masked: a spurious one may still come.
   Without an I/O APIC they are what there is. */
static void choose_isa_way(bool pic_there)
{
    const uint32_t keyboard = 1;
    uint32_t input;

    if (io_apic_find(isa_routes[keyboard].interrupt, &input))
        return;
    isa_way = pic_there ? BY_LEGACY_PIC : BY_NOTHING;
    log_write(LOG_WARNING, "interrupts: no I/O APIC: %s",
              pic_there ? "devices interrupt by the 8259"
                        : "no 8259 either: devices are asked 1,000 times a second");
}

/* Of an integrated one the version is 1xH (SDM volume 3, 11.4.8). */
static bool local_apic_answers(void)
{
    return local_apic && (apic_read(APIC_VERSION) & 0xf0) == 0x10;
}

/* Where the firmware has moved it; should nothing answer there, where it is after a reset. */
static void local_apic_find(device_map_function *map)
{
    local_apic = map(apic_base, PAGE_SIZE);
    if (local_apic_answers() || apic_base == APIC_BASE_AT_RESET)
        return;
    log_write(LOG_WARNING, "interrupts: no local APIC answers at %#lx: put back", apic_base);
    apic_base = APIC_BASE_AT_RESET;
    msr_write(MSR_APIC_BASE,
              (msr_read(MSR_APIC_BASE) & APIC_BASE_BOOT_CPU) | apic_base | APIC_BASE_ENABLE);
    local_apic = map(apic_base, PAGE_SIZE);
}

int interrupt_controller_initialize(const struct acpi_root *acpi, device_map_function *map)
{
    uint64_t base = msr_read(MSR_APIC_BASE);

    if (!(cpuid(1, 0).edx >> 9 & 1))
        return -ENODEV;
    bool pic_there = legacy_pic_initialize(VECTOR_DEVICE_FIRST);
    x2apic = (base & APIC_BASE_ENABLE) && (base & APIC_BASE_X2APIC);
    apic_base = base & APIC_BASE_ADDRESS;
    if (!x2apic) {
        local_apic_find(map);
        if (!local_apic)
            return -ENODEV;
    }
    for (uint32_t irq = 0; irq < array_length(isa_routes); irq++)
        isa_routes[irq].interrupt = irq;
    read_madt(acpi, map);
    judge_routes();
    choose_isa_way(pic_there);
    local_apic_initialize_cpu();
    return 0;
}
