/*
 * pci.h: the machine's PCI functions, and their configuration space: by memory where an MCFG that
 * can be believed tells it (PCI firmware specification 3.3, 4.1), and of segment 0 by ports.
 */
#ifndef BATON_DEVICE_PCI_H
#define BATON_DEVICE_PCI_H

#include "library/memory_map.h"
#include "library/pci.h"
#include "library/types.h"

struct acpi_root;

/* Base address registers, the ROM's, and a bridge's windows. */
#define PCI_RANGE_ROM     6
#define PCI_RANGE_WINDOWS 7
#define PCI_RANGE_COUNT   (PCI_RANGE_WINDOWS + PCI_WINDOW_COUNT)

/* Constant after boot. */
struct pci_device {
    uint16_t segment;
    uint8_t bus, slot, number; /* number: of the function */
    uint16_t config_size;      /* bytes: 256 or 4096 */
    struct pci_function function;
    struct pci_range ranges[PCI_RANGE_COUNT];
    const uint8_t *ecam; /* its configuration space in memory; NULL: by ports */
};

/* More are left out, which the log says. */
#define PCI_DEVICE_MAXIMUM 4096

/*
 * Finds all functions; once, at boot, on one CPU, by a thread. How large what a base address
 * register decodes is asked by writing to it, while the function decodes nothing. `acpi` NULL: no
 * tables; `ranges`: the memory map, which an MCFG must not contradict.
 */
void pci_initialize(const struct acpi_root *acpi, const struct memory_range *ranges, size_t count);

/* In order of segment, bus, slot and function; NULL: no more. Any context. */
const struct pci_device *pci_device_at(size_t index);

/*
 * Reads an aligned 32-bit register; all ones: nobody answers. `offset` below config_size. Any
 * context.
 */
uint32_t pci_config_read(const struct pci_device *device, uint16_t offset);

#endif
