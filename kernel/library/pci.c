#include "library/pci.h"

#include "library/bytes.h"
#include "library/string.h"

enum {
    STATUS = 0x06,
    STATUS_CAPABILITIES = 0x10,
    REVISION = 0x08,
    CLASS = 0x0a,
    SUBSYSTEM = 0x2c,
    CAPABILITIES = 0x34,
    INTERRUPT_LINE = 0x3c,
    INTERRUPT_PIN = 0x3d,

    SECONDARY_BUS = 0x19,
    SUBORDINATE_BUS = 0x1a,
    PORT_BASE = 0x1c,
    PORT_LIMIT = 0x1d,
    MEMORY_BASE = 0x20,
    MEMORY_LIMIT = 0x22,
    PREFETCH_BASE = 0x24,
    PREFETCH_LIMIT = 0x26,
    PREFETCH_BASE_UPPER = 0x28,
    PREFETCH_LIMIT_UPPER = 0x2c,
    PORT_BASE_UPPER = 0x30,
    PORT_LIMIT_UPPER = 0x32,

    CAPABILITY_MSI = 0x05,
    MSI_SIZE = 10,
    MSI_WIDE = 0x80,
    MSI_MASKABLE = 0x100,
    CAPABILITY_MSIX = 0x11,
    MSIX_SIZE = 12,
    MSIX_ENTRIES = 0x7ff,
    MSIX_BAR = 7,
    CAPABILITY_SUBSYSTEM = 0x0d, /* of a bridge: its own specification, 3.3 */
    CAPABILITY_EXPRESS = 0x10,
    CAPABILITIES_MOST = 48, /* 4 bytes each, behind the header */
    HEADER_END = 0x40,

    /* PCI Express, 7.5.3.2: device or port type. */
    PORT_ROOT = 4,
    PORT_DOWNSTREAM = 6,

    BAR_PORTS = 1,
    BAR_TYPE = 6,
    BAR_WIDE = 4,
    BAR_PREFETCH = 8,
};

uint8_t pci_capability_at(const uint8_t *config, uint8_t identifier, unsigned index, uint8_t size)
{
    uint8_t at = config[CAPABILITIES] & 0xfc;

    if (!(config[STATUS] & STATUS_CAPABILITIES))
        return 0;
    for (unsigned i = 0; i < CAPABILITIES_MOST && at >= HEADER_END; i++) {
        if (config[at] == identifier && at + size <= PCI_CONFIG_SIZE && index-- == 0)
            return at;
        at = config[at + 1] & 0xfc;
    }
    return 0;
}

uint8_t pci_capability_find(const uint8_t *config, uint8_t identifier)
{
    return pci_capability_at(config, identifier, 0, 0);
}

static void parse_express(const uint8_t *config, struct pci_function *function)
{
    uint8_t at = pci_capability_find(config, CAPABILITY_EXPRESS);

    if (!at)
        return;
    unsigned port = config[at + 2] >> 4;
    function->express = true;
    function->one_device =
        function->layout == PCI_BRIDGE && (port == PORT_ROOT || port == PORT_DOWNSTREAM);
}

static void parse_bridge(const uint8_t *config, struct pci_function *function)
{
    uint8_t at = pci_capability_find(config, CAPABILITY_SUBSYSTEM);

    if (at && at <= PCI_CONFIG_SIZE - 8) {
        function->subsystem_vendor = load16(config + at + 4);
        function->subsystem_device = load16(config + at + 6);
    }
    function->secondary = config[SECONDARY_BUS];
    function->subordinate = config[SUBORDINATE_BUS];
    function->bars = 2;
    function->rom = PCI_ROM_OF_BRIDGE;
}

static void parse_device(const uint8_t *config, struct pci_function *function)
{
    function->subsystem_vendor = load16(config + SUBSYSTEM);
    function->subsystem_device = load16(config + SUBSYSTEM + 2);
    function->bars = 6;
    function->rom = PCI_ROM;
}

bool pci_function_parse(const uint8_t *config, struct pci_function *function)
{
    static const enum pci_layout layouts[] = {PCI_DEVICE, PCI_BRIDGE, PCI_CARDBUS};
    unsigned layout = config[PCI_HEADER_TYPE] & 0x7f;

    /* 0xffff: nobody answers; others of these come from bridges that are broken (Linux, probe.c) */
    uint32_t vendor = load32(config);
    if (vendor == 0xffffffff || vendor == 0 || vendor == 0x0000ffff || vendor == 0xffff0000)
        return false;
    *function = (struct pci_function){
        .vendor = load16(config),
        .device = load16(config + 2),
        .class = (uint32_t)load16(config + CLASS) << 8 | config[REVISION + 1],
        .revision = config[REVISION],
        .layout = layout < PCI_UNKNOWN ? layouts[layout] : PCI_UNKNOWN,
        .multiple = config[PCI_HEADER_TYPE] & PCI_MULTIPLE_FUNCTIONS,
        .interrupt_line = config[INTERRUPT_PIN] ? config[INTERRUPT_LINE] : 0,
    };
    if (function->layout == PCI_BRIDGE)
        parse_bridge(config, function);
    else if (function->layout == PCI_DEVICE)
        parse_device(config, function);
    parse_express(config, function);
    return true;
}

/* ---- interrupts by message ---- */

/* PCI 3.0, 6.8.1: its registers take more room with a wide address, and with masks. */
static void parse_msi(const uint8_t *config, struct pci_messages *messages)
{
    uint8_t at = pci_capability_at(config, CAPABILITY_MSI, 0, MSI_SIZE);

    if (!at)
        return;
    uint16_t control = load16(config + at + 2);
    unsigned size = MSI_SIZE + (control & MSI_WIDE ? 4 : 0) + (control & MSI_MASKABLE ? 10 : 0);
    if (at + size > PCI_CONFIG_SIZE)
        return;
    messages->msi = at;
    messages->msi_wide = control & MSI_WIDE;
    messages->msi_maskable = control & MSI_MASKABLE;
}

static void parse_msix(const uint8_t *config, const struct pci_function *function,
                       struct pci_messages *messages)
{
    uint8_t at = pci_capability_at(config, CAPABILITY_MSIX, 0, MSIX_SIZE);

    if (!at)
        return;
    uint32_t table = load32(config + at + 4);
    if ((table & MSIX_BAR) >= function->bars)
        return;
    messages->msix = at;
    messages->table_entries = (load16(config + at + 2) & MSIX_ENTRIES) + 1;
    messages->table_bar = table & MSIX_BAR;
    messages->table_offset = table & ~MSIX_BAR;
}

void pci_messages_parse(const uint8_t *config, const struct pci_function *function,
                        struct pci_messages *messages)
{
    *messages = (struct pci_messages){0};
    parse_msi(config, messages);
    parse_msix(config, function, messages);
}

/* ---- ranges ---- */

bool pci_bar_is_wide(uint32_t value)
{
    return !(value & BAR_PORTS) && (value & BAR_TYPE) == BAR_WIDE;
}

/* Of `ones`, the lowest bit that could be set is the size. */
static struct pci_range range_of(uint64_t base, uint64_t ones, uint32_t flags)
{
    uint64_t size = ones & -ones;

    base &= ones;
    if (!size || base > UINT64_MAX - (size - 1))
        return (struct pci_range){0};
    return (struct pci_range){base, base + size - 1, flags | PCI_RANGE_ALIGNED};
}

struct pci_range pci_bar_range(uint64_t value, uint64_t ones)
{
    const uint64_t port_bits = 0xfffc;

    if (value & BAR_PORTS)
        return range_of(value, ones & port_bits, PCI_RANGE_PORTS | (value & 3));
    bool wide = pci_bar_is_wide((uint32_t)value);
    uint64_t bits = wide ? ~0xfUL : 0xfffffff0UL;
    return range_of(value, ones & bits,
                    PCI_RANGE_MEMORY | (uint32_t)(value & 0xf) | (wide ? PCI_RANGE_64 : 0) |
                        (value & BAR_PREFETCH ? PCI_RANGE_PREFETCH : 0));
}

struct pci_range pci_rom_range(uint32_t value, uint32_t ones)
{
    const uint32_t rom_bits = 0xfffff800;

    return range_of(value, ones & rom_bits,
                    PCI_RANGE_MEMORY | PCI_RANGE_PREFETCH | PCI_RANGE_READ_ONLY |
                        (value & PCI_ROM_ENABLE));
}

static struct pci_range window(uint64_t base, uint64_t last, uint32_t flags)
{
    return base <= last ? (struct pci_range){base, last, flags} : (struct pci_range){0};
}

/* Registers of 0 and 0, without a type, mean that there is no such window. */
static struct pci_range port_window(const uint8_t *config)
{
    uint8_t low = config[PORT_BASE], limit = config[PORT_LIMIT];
    uint64_t base = (uint64_t)(low & 0xf0) << 8, last = (uint64_t)(limit & 0xf0) << 8;

    if ((low & 0xf) == 1) {
        base |= (uint64_t)load16(config + PORT_BASE_UPPER) << 16;
        last |= (uint64_t)load16(config + PORT_LIMIT_UPPER) << 16;
    }
    if (!low && !limit)
        return (struct pci_range){0};
    return window(base, last | 0xfff, PCI_RANGE_PORTS | (low & 0xf));
}

static struct pci_range memory_window(const uint8_t *config)
{
    uint16_t low = load16(config + MEMORY_BASE), limit = load16(config + MEMORY_LIMIT);

    if (!low && !limit)
        return (struct pci_range){0};
    return window((uint64_t)(low & 0xfff0) << 16, (uint64_t)(limit & 0xfff0) << 16 | 0xfffff,
                  PCI_RANGE_MEMORY | (low & 0xf));
}

static struct pci_range prefetch_window(const uint8_t *config)
{
    uint16_t low = load16(config + PREFETCH_BASE), limit = load16(config + PREFETCH_LIMIT);
    uint64_t base = (uint64_t)(low & 0xfff0) << 16, last = (uint64_t)(limit & 0xfff0) << 16;
    bool wide = (low & 0xf) == 1;

    if (wide) {
        base |= (uint64_t)load32(config + PREFETCH_BASE_UPPER) << 32;
        last |= (uint64_t)load32(config + PREFETCH_LIMIT_UPPER) << 32;
    }
    if (!low && !limit)
        return (struct pci_range){0};
    return window(base, last | 0xfffff,
                  PCI_RANGE_MEMORY | PCI_RANGE_PREFETCH | (low & 0xf) | (wide ? PCI_RANGE_64 : 0));
}

void pci_bridge_windows(const uint8_t *config, struct pci_range windows[PCI_WINDOW_COUNT])
{
    windows[0] = port_window(config);
    windows[1] = memory_window(config);
    windows[2] = prefetch_window(config);
}

void pci_ide_ranges(uint32_t class, struct pci_range ranges[PCI_IDE_RANGES])
{
    static const struct pci_range old[PCI_IDE_RANGES] = {
        {0x1f0, 0x1f7, PCI_RANGE_PORTS | PCI_RANGE_FIXED},
        {0x3f6, 0x3f6, PCI_RANGE_PORTS | PCI_RANGE_FIXED},
        {0x170, 0x177, PCI_RANGE_PORTS | PCI_RANGE_FIXED},
        {0x376, 0x376, PCI_RANGE_PORTS | PCI_RANGE_FIXED},
    };
    enum { IDE = 0x0101, FIRST_NATIVE = 1, SECOND_NATIVE = 4 };

    if (class >> 8 != IDE)
        return;
    if (!(class & FIRST_NATIVE))
        memcpy(ranges, old, 2 * sizeof(*old));
    if (!(class & SECOND_NATIVE))
        memcpy(ranges + 2, old + 2, 2 * sizeof(*old));
}
