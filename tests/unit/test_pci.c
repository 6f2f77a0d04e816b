/* What the configuration space of a PCI function says. */
#include "library/pci.h"
#include "test.h"

#include <string.h>

static uint8_t config[PCI_CONFIG_SIZE];
static struct pci_function function;

static void reset(uint16_t vendor, uint16_t device, uint8_t header)
{
    memset(config, 0, sizeof(config));
    put16(config, vendor);
    put16(config + 2, device);
    config[PCI_HEADER_TYPE] = header;
}

static bool parse(void)
{
    return pci_function_parse(test_copy(config, sizeof(config)), &function);
}

static void capability(uint8_t at, uint8_t identifier, uint8_t next)
{
    config[0x06] |= 0x10;
    config[at] = identifier;
    config[at + 1] = next;
}

static void test_functions(void)
{
    test_case("a device");
    reset(0x1af4, 0x1001, 0x80);
    config[0x08] = 2;
    config[0x09] = 0x30;
    config[0x0a] = 0x03;
    config[0x0b] = 0x0c;
    put32(config + 0x2c, 0x00021af4);
    config[0x3c] = 10;
    config[0x3d] = 1;
    expect(parse());
    expect_equal(function.vendor, 0x1af4);
    expect_equal(function.device, 0x1001);
    expect_equal(function.class, 0x0c0330);
    expect_equal(function.revision, 2);
    expect_equal(function.subsystem_vendor, 0x1af4);
    expect_equal(function.subsystem_device, 2);
    expect_equal(function.interrupt_line, 10);
    expect_equal(function.layout, PCI_DEVICE);
    expect(function.multiple && !function.express && !function.one_device);
    expect_equal(function.bars, 6);
    expect_equal(function.rom, 0x30);

    test_case("an interrupt line without a pin");
    config[0x3d] = 0;
    expect(parse());
    expect_equal(function.interrupt_line, 0);

    test_case("nobody");
    memset(config, 0xff, sizeof(config));
    expect(!parse());
    memset(config, 0, sizeof(config));
    expect(!parse());
    put32(config, 0x0000ffff);
    expect(!parse());
    put32(config, 0xffff0000);
    expect(!parse());

    test_case("other layouts");
    reset(0x104c, 0xac56, 2);
    expect(parse());
    expect_equal(function.layout, PCI_CARDBUS);
    expect_equal(function.bars, 0);
    reset(0x104c, 0xac56, 3);
    expect(parse());
    expect_equal(function.layout, PCI_UNKNOWN);
    reset(0x104c, 0xac56, 0x7f);
    expect(parse());
    expect_equal(function.layout, PCI_UNKNOWN);
}

static void test_bridges(void)
{
    test_case("a root port");
    reset(0x1b36, 0x000c, 1);
    config[0x19] = 2;
    config[0x1a] = 3;
    config[0x34] = 0x54;
    capability(0x54, 0x10, 0x40);
    config[0x56] = 0x42;
    capability(0x40, 0x0d, 0);
    put32(config + 0x44, 0x12345678);
    expect(parse());
    expect_equal(function.layout, PCI_BRIDGE);
    expect_equal(function.secondary, 2);
    expect_equal(function.subordinate, 3);
    expect_equal(function.bars, 2);
    expect_equal(function.rom, 0x38);
    expect(function.express && function.one_device);
    expect_equal(function.subsystem_vendor, 0x5678);
    expect_equal(function.subsystem_device, 0x1234);

    test_case("a bridge to the old bus has all slots");
    config[0x56] = 0x72;
    expect(parse());
    expect(function.express && !function.one_device);

    test_case("a subsystem at the very end");
    reset(0x1b36, 0x000c, 1);
    config[0x34] = 0xfc;
    capability(0xfc, 0x0d, 0);
    expect(parse());
    expect_equal(function.subsystem_vendor, 0);
}

static void test_capabilities(void)
{
    test_case("capabilities");
    reset(1, 1, 0);
    config[0x34] = 0x43; /* the low bits mean nothing */
    capability(0x40, 5, 0x50);
    capability(0x50, 17, 0);
    expect_equal(pci_capability_find(config, 5), 0x40);
    expect_equal(pci_capability_find(config, 17), 0x50);
    expect_equal(pci_capability_find(config, 16), 0);

    test_case("a list in a circle, one into the header, and none");
    capability(0x50, 17, 0x40);
    expect_equal(pci_capability_find(config, 16), 0);
    capability(0x50, 17, 0x3c);
    expect_equal(pci_capability_find(config, 0), 0);
    config[0x06] = 0;
    expect_equal(pci_capability_find(config, 5), 0);
}

static void test_messages(void)
{
    struct pci_function asked = {.bars = 6};
    struct pci_messages messages;

    test_case("MSI and MSI-X");
    reset(1, 1, 0);
    config[0x34] = 0x40;
    capability(0x40, 5, 0x50);
    put16(config + 0x42, 0x0180);
    capability(0x50, 17, 0);
    put16(config + 0x52, 0x8003);
    put32(config + 0x54, 0x2004);
    pci_messages_parse(config, &asked, &messages);
    expect_equal(messages.msi, 0x40);
    expect(messages.msi_wide && messages.msi_maskable);
    expect_equal(messages.msix, 0x50);
    expect_equal(messages.table_entries, 4);
    expect_equal(messages.table_bar, 4);
    expect_equal(messages.table_offset, 0x2000);

    test_case("a table behind a register that is not there");
    asked.bars = 4;
    pci_messages_parse(config, &asked, &messages);
    expect_equal(messages.msix, 0);

    test_case("capabilities without room, and none");
    asked.bars = 6;
    config[0x34] = 0xf8;
    capability(0xf8, 17, 0xf0);
    capability(0xf0, 5, 0);
    put16(config + 0xf2, 0x0180);
    pci_messages_parse(config, &asked, &messages);
    expect(!messages.msi && !messages.msix);
    config[0x06] = 0;
    pci_messages_parse(config, &asked, &messages);
    expect(!messages.msi && !messages.msix);

    test_case("several of one kind");
    reset(1, 1, 0);
    config[0x34] = 0x40;
    capability(0x40, 9, 0x50);
    capability(0x50, 5, 0x60);
    capability(0x60, 9, 0x40);
    expect_equal(pci_capability_at(config, 9, 0, 16), 0x40);
    expect_equal(pci_capability_at(config, 9, 1, 16), 0x60);
    expect(pci_capability_at(config, 9, 2, 16) != 0); /* the circle again, but not for ever */
    expect_equal(pci_capability_at(config, 9, 48, 16), 0);
    expect_equal(pci_capability_at(config, 9, 0, 0xc1), 0);
}

static void expect_range(struct pci_range range, uint64_t first, uint64_t last, uint32_t flags)
{
    expect_equal(range.first, first);
    expect_equal(range.last, last);
    expect_equal(range.flags, flags);
}

/* Addresses and flags that Debian's kernel shows of QEMU's devices. */
static void test_ranges(void)
{
    test_case("ports");
    expect_range(pci_bar_range(0x6001, 0xffffff81), 0x6000, 0x607f, 0x40101);
    test_case("memory");
    expect_range(pci_bar_range(0xc0001000, 0xfffff000), 0xc0001000, 0xc0001fff, 0x40200);
    expect_range(pci_bar_range(0xc0000008, 0xff000008), 0xc0000000, 0xc0ffffff, 0x42208);
    test_case("memory of 64 bits");
    expect(pci_bar_is_wide(0xc) && !pci_bar_is_wide(8) && !pci_bar_is_wide(5));
    expect_range(pci_bar_range(0xe00000000c, 0xffffffffffffc00c), 0xe000000000, 0xe000003fff,
                 0x14220c);
    test_case("a ROM");
    expect_range(pci_rom_range(0x40000001, 0xfffc0001), 0x40000000, 0x4003ffff, 0x46201);
    test_case("nothing");
    expect_range(pci_bar_range(0, 0), 0, 0, 0);
    expect_range(pci_bar_range(1, 1), 0, 0, 0);
    expect_range(pci_rom_range(0, 0), 0, 0, 0);
    test_case("a register that is not what it reads as");
    expect_range(pci_bar_range(0xffffffff00000004, 0x8000000000000004), 0x8000000000000000,
                 UINT64_MAX, 0x140204);
    expect_range(pci_bar_range(0xc0001000, 0x0ff00010), 0, 0xf, 0x40200);
}

static void test_ide(void)
{
    const struct pci_range own = {0x6000, 0x6007, PCI_RANGE_PORTS};
    struct pci_range ranges[PCI_IDE_RANGES];

    test_case("an IDE controller's ports of old, a channel each");
    for (unsigned interface = 0; interface < 16; interface++) {
        for (unsigned i = 0; i < PCI_IDE_RANGES; i++)
            ranges[i] = own;
        pci_ide_ranges(0x010100 | interface, ranges);
        expect_equal(ranges[0].first, interface & 1 ? 0x6000 : 0x1f0);
        expect_equal(ranges[1].last, interface & 1 ? 0x6007 : 0x3f6);
        expect_equal(ranges[2].last, interface & 4 ? 0x6007 : 0x177);
        expect_equal(ranges[3].flags, interface & 4 ? 0x100 : 0x110);
    }
    test_case("others keep what their registers say");
    ranges[0] = own;
    pci_ide_ranges(0x010600, ranges);
    expect_range(ranges[0], 0x6000, 0x6007, 0x100);
}

static void test_windows(void)
{
    struct pci_range windows[PCI_WINDOW_COUNT];

    test_case("a bridge's windows");
    reset(1, 1, 1);
    config[0x1c] = 0x71;
    config[0x1d] = 0x71;
    put16(config + 0x20, 0xc140);
    put16(config + 0x22, 0xc150);
    put16(config + 0x24, 0x0001);
    put16(config + 0x26, 0x1ff1);
    put32(config + 0x28, 0xe0);
    put32(config + 0x2c, 0xe0);
    pci_bridge_windows(config, windows);
    expect_range(windows[0], 0x7000, 0x7fff, 0x101);
    expect_range(windows[1], 0xc1400000, 0xc15fffff, 0x200);
    expect_range(windows[2], 0xe000000000, 0xe01fffffff, 0x102201);

    test_case("closed windows");
    reset(1, 1, 1);
    pci_bridge_windows(config, windows);
    for (unsigned i = 0; i < PCI_WINDOW_COUNT; i++)
        expect_range(windows[i], 0, 0, 0);
    config[0x1c] = 0xf0;
    put16(config + 0x20, 0xfff0);
    put16(config + 0x24, 0xfff0);
    pci_bridge_windows(config, windows);
    for (unsigned i = 0; i < PCI_WINDOW_COUNT; i++)
        expect_range(windows[i], 0, 0, 0);

    test_case("prefetchable memory of 32 bits");
    put16(config + 0x24, 0x8000);
    put16(config + 0x26, 0x8000);
    pci_bridge_windows(config, windows);
    expect_range(windows[2], 0x80000000, 0x800fffff, 0x2200);
}

int main(void)
{
    test_functions();
    test_bridges();
    test_capabilities();
    test_messages();
    test_ranges();
    test_ide();
    test_windows();
    return test_end();
}
