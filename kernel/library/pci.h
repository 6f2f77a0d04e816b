/*
 * pci.h: what a PCI function's configuration space says (PCI local bus specification 3.0, chapter
 * 6; PCI-to-PCI bridge architecture specification 1.2, chapter 3; PCI Express base specification
 * 6.0, 7.5).
 *
 * Pure: works on a copy of the first 256 bytes; nothing in them is trusted.
 */
#ifndef BATON_LIBRARY_PCI_H
#define BATON_LIBRARY_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE          256
#define PCI_EXTENDED_CONFIG_SIZE 4096

/* Offsets that the kernel itself reads or writes. */
enum {
    PCI_VENDOR = 0x00,
    PCI_COMMAND = 0x04,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR = 0x10,
    PCI_ROM = 0x30,
    PCI_ROM_OF_BRIDGE = 0x38,
};
#define PCI_COMMAND_DECODE     3U /* of ports and of memory */
#define PCI_COMMAND_MEMORY     2U
#define PCI_COMMAND_MASTER     4U
#define PCI_COMMAND_NO_PIN     0x400U /* it does not interrupt by its pin */
#define PCI_MULTIPLE_FUNCTIONS 0x80
#define PCI_ROM_ENABLE         1U

/* Header layouts. */
enum pci_layout {
    PCI_DEVICE,
    PCI_BRIDGE,
    PCI_CARDBUS,
    PCI_UNKNOWN,
};

struct pci_function {
    uint16_t vendor, device, subsystem_vendor, subsystem_device;
    uint32_t class; /* with subclass and interface, 24 bits */
    uint8_t revision;
    enum pci_layout layout;
    bool multiple;                  /* others of the same device may be there */
    uint8_t interrupt_line;         /* as the firmware wrote it; 0: it has no pin */
    uint8_t bars;                   /* registers of the kind below */
    uint8_t rom;                    /* offset of the ROM's register, 0: there is none */
    bool express;                   /* PCI Express: 4 KiB of configuration space */
    bool one_device;                /* a bridge to a link, where only device 0 can be */
    uint8_t secondary, subordinate; /* of a bridge: the buses behind it */
};
/* False: there is no function. */
bool pci_function_parse(const uint8_t *config, struct pci_function *function);

/* Where the capability with this identifier begins; 0: there is none. */
uint8_t pci_capability_find(const uint8_t *config, uint8_t identifier);

/*
 * Where capability `index`, from 0 on, with this identifier and room for `size` bytes begins; 0:
 * there are not so many. A list in a circle ends after as many as a configuration space can hold.
 */
uint8_t pci_capability_at(const uint8_t *config, uint8_t identifier, unsigned index, uint8_t size);

/* How a function interrupts by messages: PCI local bus specification 3.0, 6.8. */
struct pci_messages {
    uint8_t msi; /* where the capability is; 0: none */
    bool msi_wide, msi_maskable;
    uint8_t msix;           /* the same of MSI-X */
    uint16_t table_entries; /* of its table of vectors, at least 1 */
    uint8_t table_bar;      /* a base address register, below `bars` of the function */
    uint32_t table_offset;  /* in what that decodes; nothing is known of its size */
};
#define PCI_MSIX_ENTRY_SIZE 16
void pci_messages_parse(const uint8_t *config, const struct pci_function *function,
                        struct pci_messages *messages);

/* A range of addresses, with Linux's flags (include/linux/ioport.h), which programs see. */
struct pci_range {
    uint64_t first, last; /* both 0: not used */
    uint32_t flags;
};
enum {
    PCI_RANGE_FIXED = 0x10,
    PCI_RANGE_PORTS = 0x100,
    PCI_RANGE_MEMORY = 0x200,
    PCI_RANGE_PREFETCH = 0x2000,
    PCI_RANGE_READ_ONLY = 0x4000,
    PCI_RANGE_ALIGNED = 0x40000,
    PCI_RANGE_64 = 0x100000,
};

/* Does this base address register take the next one for its upper half? */
bool pci_bar_is_wide(uint32_t value);
/*
 * What a base address register means: by its value, and by what it reads as when all ones were
 * written to it. The upper halves count if it is wide. All 0 where nothing is decoded.
 */
struct pci_range pci_bar_range(uint64_t value, uint64_t ones);
/* The same of a ROM's register. */
struct pci_range pci_rom_range(uint32_t value, uint32_t ones);

/*
 * An IDE controller's first four ranges where its interface (class) says that a channel is in
 * compatibility mode: the ports of old, whatever its registers say (PCI IDE Controller
 * Specification 1.0, 2.1). Others stay as they are.
 */
#define PCI_IDE_RANGES 4
void pci_ide_ranges(uint32_t class, struct pci_range ranges[PCI_IDE_RANGES]);

/* What a bridge passes on: ports, memory, prefetchable memory. */
#define PCI_WINDOW_COUNT 3
void pci_bridge_windows(const uint8_t *config, struct pci_range windows[PCI_WINDOW_COUNT]);

#endif
