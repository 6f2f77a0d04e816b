#include "device/pci.h"

#include <asm/errno.h>

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "cpu/spinlock.h"
#include "library/acpi.h"
#include "library/bitmap.h"
#include "library/string.h"
#include "memory/heap.h"

/* PCI local bus specification 3.0, 3.2.2.3.2. */
enum {
    ADDRESS_PORT = 0xcf8,
    DATA_PORT = 0xcfc,
};
#define ADDRESS_ENABLE 0x80000000U

#define BUSES          256
#define SLOTS          32
#define FUNCTIONS      8
#define BUS_SIZE       (1UL << 20) /* of configuration space in memory */
#define DEVICES_FIRST  32
#define WINDOW_MAXIMUM 64 /* segments, or parts of them */

static struct pci_device *devices; /* where they lie is constant after boot, as the next two */
static size_t device_count;
static size_t device_room;

static struct spinlock ports_lock = SPINLOCK_INITIALIZER; /* with interrupts off */

/* ---- configuration space ---- */

static uint32_t port_address(const struct pci_device *device, uint16_t offset)
{
    return ADDRESS_ENABLE | (uint32_t)device->bus << 16 | (uint32_t)device->slot << 11 |
           (uint32_t)device->number << 8 | (offset & 0xfc);
}

static uint32_t ports_read(const struct pci_device *device, uint16_t offset)
{
    if (offset >= PCI_CONFIG_SIZE)
        return UINT32_MAX;
    bool enabled = spinlock_acquire_save(&ports_lock);
    port_write32(ADDRESS_PORT, port_address(device, offset));
    uint32_t value = port_read32(DATA_PORT);
    spinlock_release_restore(&ports_lock, enabled);
    return value;
}

static void ports_write(const struct pci_device *device, uint16_t offset, uint32_t value)
{
    bool enabled = spinlock_acquire_save(&ports_lock);
    port_write32(ADDRESS_PORT, port_address(device, offset));
    port_write32(DATA_PORT, value);
    spinlock_release_restore(&ports_lock, enabled);
}

uint32_t pci_config_read(const struct pci_device *device, uint16_t offset)
{
    if (!device->ecam)
        return ports_read(device, offset);
    return *(const volatile uint32_t *)(device->ecam + offset);
}

void pci_config_write(const struct pci_device *device, uint16_t offset, uint32_t value)
{
    if (device->ecam)
        *(volatile uint32_t *)(device->ecam + offset) = value;
    else
        ports_write(device, offset, value);
}

/* The status's bits are cleared by ones: zeros are written to them. */
void pci_command_change(const struct pci_device *device, uint32_t set, uint32_t clear)
{
    uint32_t command = pci_config_read(device, PCI_COMMAND) & 0xffff;

    pci_config_write(device, PCI_COMMAND, (command & ~clear) | set);
}

void pci_config_copy(const struct pci_device *device, uint8_t *config)
{
    for (uint16_t offset = 0; offset < PCI_CONFIG_SIZE; offset += 4) {
        uint32_t value = pci_config_read(device, offset);
        memcpy(config + offset, &value, sizeof(value));
    }
}

/* ---- what a function decodes ---- */

/* All ones, and back again. */
static uint32_t ask_ones(const struct pci_device *device, uint16_t offset, uint32_t value,
                         uint32_t ones)
{
    pci_config_write(device, offset, ones);
    uint32_t read = pci_config_read(device, offset);
    pci_config_write(device, offset, value);
    return read;
}

static void ask_bars(struct pci_device *device)
{
    for (unsigned bar = 0; bar < device->function.bars; bar++) {
        uint16_t offset = (uint16_t)(PCI_BAR + 4 * bar);
        struct pci_range *range = &device->ranges[bar];
        uint64_t value = pci_config_read(device, offset);
        uint64_t ones = ask_ones(device, offset, (uint32_t)value, UINT32_MAX);
        if (pci_bar_is_wide((uint32_t)value) && bar + 1 < device->function.bars) {
            uint32_t upper = pci_config_read(device, offset + 4);
            value |= (uint64_t)upper << 32;
            ones |= (uint64_t)ask_ones(device, offset + 4, upper, UINT32_MAX) << 32;
            bar++;
        }
        *range = pci_bar_range(value, ones);
    }
}

static void ask_rom(struct pci_device *device)
{
    uint32_t value = pci_config_read(device, device->function.rom);

    device->ranges[PCI_RANGE_ROM] =
        pci_rom_range(value, ask_ones(device, device->function.rom, value, ~PCI_ROM_ENABLE));
}

/* Nothing may be decoded at the addresses that are all ones; the console may be among what is not
   reached meanwhile, so nobody else runs. */
static void ask_ranges(struct pci_device *device)
{
    bool enabled = interrupts_save();
    uint32_t command = pci_config_read(device, PCI_COMMAND) & 0xffff; /* the status clears bits */

    pci_config_write(device, PCI_COMMAND, command & ~PCI_COMMAND_DECODE);
    ask_bars(device);
    if (device->function.rom)
        ask_rom(device);
    pci_config_write(device, PCI_COMMAND, command);
    interrupts_restore(enabled);
}

/* As Linux's pci_cfg_space_size(): PCI Express and host bridges may have more, if it answers. */
static uint16_t config_size(const struct pci_device *device)
{
    const uint32_t host_bridge = 0x0600;
    bool may_have_more = device->function.express || device->function.class >> 8 == host_bridge;

    if (!device->ecam || !may_have_more)
        return PCI_CONFIG_SIZE;
    return pci_config_read(device, PCI_CONFIG_SIZE) == UINT32_MAX ? PCI_CONFIG_SIZE
                                                                  : PCI_EXTENDED_CONFIG_SIZE;
}

/* ---- configuration space in memory ---- */

/* What the MCFG tells and the memory map does not contradict; only while devices are found. */
static struct acpi_ecam windows[WINDOW_MAXIMUM];
static size_t window_count;

static const struct memory_range *memory_map; /* constant after boot, as the next */
static size_t memory_map_count;

bool pci_is_free(paddr_t base, size_t size)
{
    paddr_t limit = 1UL << cpu_features.physical_bits;

    if (base >= limit || size > limit - base)
        return false;
    for (size_t i = 0; i < memory_map_count; i++)
        if (memory_map[i].base < base + size && base < memory_map[i].base + memory_map[i].size &&
            memory_map[i].kind != MEMORY_DEVICE && memory_map[i].kind != MEMORY_RESERVED)
            return false;
    return true;
}

static bool is_believed(const struct acpi_ecam *window)
{
    paddr_t base = window->base + window->first_bus * BUS_SIZE;
    size_t size = (window->last_bus - window->first_bus + 1U) * BUS_SIZE;

    return window->base % BUS_SIZE == 0 && base >= window->base && pci_is_free(base, size);
}

static void find_windows(const struct acpi_root *acpi)
{
    struct acpi_table table;
    struct acpi_ecam window;
    int error;

    if (!acpi || acpi_table_find(acpi, "MCFG", &table))
        return;
    for (uint32_t i = 0; (error = acpi_ecam_at(&table, i, &window)) != -ENOENT; i++) {
        if (window_count == WINDOW_MAXIMUM)
            return;
        if (!error && is_believed(&window))
            windows[window_count++] = window;
        else
            log_write(LOG_WARNING, "pci: the MCFG's entry %u is not used: it names %s", i,
                      error ? "no buses" : "memory, or no address");
    }
}

/* A bus's configuration space; NULL: it is not in memory. */
static uint8_t *map_bus(uint16_t segment, uint8_t bus)
{
    for (size_t i = 0; i < window_count; i++)
        if (windows[i].segment == segment && windows[i].first_bus <= bus &&
            bus <= windows[i].last_bus)
            return device_map(windows[i].base + bus * BUS_SIZE, BUS_SIZE, DEVICE_UNCACHED);
    return NULL;
}

/* ---- finding them ---- */

/* A segment's buses, or a part of them. */
struct search {
    uint16_t segment;
    uint64_t behind[BITMAP_WORDS(BUSES)];     /* those behind a bridge… */
    uint64_t secondary[BITMAP_WORDS(BUSES)];  /* …and of these the ones that one leads to */
    uint64_t one_device[BITMAP_WORDS(BUSES)]; /* of these, those with one slot */
};

static void remember_buses(struct search *search, const struct pci_device *bridge)
{
    const struct pci_function *function = &bridge->function;

    if (function->layout != PCI_BRIDGE || function->secondary <= bridge->bus)
        return;
    bitmap_set(search->secondary, function->secondary);
    if (function->one_device)
        bitmap_set(search->one_device, function->secondary);
    for (unsigned bus = function->secondary; bus <= function->subordinate; bus++)
        bitmap_set(search->behind, bus);
}

static struct pci_device *device_add(const struct pci_device *device)
{
    if (device_count == device_room) {
        size_t room = device_room ? 2 * device_room : DEVICES_FIRST;
        struct pci_device *more =
            room > PCI_DEVICE_MAXIMUM
                ? NULL
                : heap_grow(devices, device_room * sizeof(*devices), room * sizeof(*devices));
        if (!more)
            return NULL;
        devices = more;
        device_room = room;
    }
    devices[device_count] = *device;
    return &devices[device_count++];
}

/* What `found`, of which only the place is known, is. False: nothing is there. */
static bool look_at_function(struct search *search, struct pci_device *found)
{
    uint8_t config[PCI_CONFIG_SIZE];

    if (pci_config_read(found, PCI_VENDOR) == UINT32_MAX)
        return false;
    pci_config_copy(found, config);
    if (!pci_function_parse(config, &found->function))
        return false;
    found->config_size = config_size(found);
    ask_ranges(found);
    if (found->function.layout == PCI_BRIDGE)
        pci_bridge_windows(config, &found->ranges[PCI_RANGE_WINDOWS]);
    if (found->function.layout == PCI_DEVICE)
        pci_ide_ranges(found->function.class, found->ranges);
    remember_buses(search, found);
    if (!device_add(found))
        log_write(LOG_WARNING, "pci: %04x:%02x:%02x.%x is left out: too little memory",
                  found->segment, found->bus, found->slot, found->number);
    return true;
}

static void look_at_slot(struct search *search, uint8_t bus, uint8_t slot, uint8_t *mapped)
{
    for (uint8_t number = 0; number < FUNCTIONS; number++) {
        struct pci_device found = {
            .segment = search->segment, .bus = bus, .slot = slot, .number = number};
        if (mapped)
            found.ecam = mapped + ((size_t)slot << 15) + ((size_t)number << 12);
        bool there = look_at_function(search, &found);
        if (number == 0 && (!there || !found.function.multiple))
            return;
    }
}

/* Of segment 0 ports tell whether somebody is there: so a bus without anybody needs no mapping. */
static bool bus_answers(uint16_t segment, uint8_t bus)
{
    struct pci_device device = {.segment = segment, .bus = bus};

    for (device.slot = 0; device.slot < SLOTS; device.slot++)
        if (segment != 0 || ports_read(&device, PCI_VENDOR) != UINT32_MAX)
            return true;
    return false;
}

/* Both ways lead to the same functions? */
static bool agrees_with_ports(const uint8_t *mapped, uint8_t bus)
{
    struct pci_device device = {.bus = bus};

    for (device.slot = 0; device.slot < SLOTS; device.slot++) {
        uint32_t value = *(const volatile uint32_t *)(mapped + ((size_t)device.slot << 15));
        if (value != ports_read(&device, PCI_VENDOR))
            return false;
    }
    return true;
}

static void look_at_bus(struct search *search, uint8_t bus)
{
    if (!bus_answers(search->segment, bus))
        return;
    uint8_t *mapped = map_bus(search->segment, bus);
    if (mapped && search->segment == 0 && !agrees_with_ports(mapped, bus)) {
        log_write(LOG_WARNING, "pci: bus %02x is read by ports: the MCFG leads elsewhere", bus);
        mapped = NULL;
    }
    if (!mapped && search->segment != 0)
        return;
    unsigned slots = bitmap_test(search->one_device, bus) ? 1 : SLOTS;
    for (unsigned slot = 0; slot < slots; slot++)
        look_at_slot(search, bus, (uint8_t)slot, mapped);
}

/* Buses behind a bridge have greater numbers than its own: so each is known when it is its turn. In
   segment 0 there may be further roots, which only ACPI's interpreter would tell. */
static void look_at_segment(uint16_t segment, unsigned first, unsigned last)
{
    struct search search = {.segment = segment};

    for (unsigned bus = first; bus <= last; bus++) {
        bool root = bus == first || (segment == 0 && !bitmap_test(search.behind, bus));
        if (root || bitmap_test(search.secondary, bus))
            look_at_bus(&search, (uint8_t)bus);
    }
}

void pci_initialize(const struct acpi_root *acpi, const struct memory_range *ranges, size_t count)
{
    memory_map = ranges;
    memory_map_count = count;
    find_windows(acpi);
    look_at_segment(0, 0, BUSES - 1);
    for (size_t i = 0; i < window_count; i++)
        if (windows[i].segment != 0)
            look_at_segment(windows[i].segment, windows[i].first_bus, windows[i].last_bus);
    log_write(LOG_NOTICE, "pci: %zu functions", device_count);
}

struct pci_device *pci_device_at(size_t index)
{
    return index < device_count ? &devices[index] : NULL;
}
