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
struct pci_driver;
struct pci_interrupt;

/* Base address registers, the ROM's, and a bridge's windows. */
#define PCI_RANGE_ROM     6
#define PCI_RANGE_WINDOWS 7
#define PCI_RANGE_COUNT   (PCI_RANGE_WINDOWS + PCI_WINDOW_COUNT)

/* Constant after boot, but for what a driver has of it. */
struct pci_device {
    uint16_t segment;
    uint8_t bus, slot, number; /* number: of the function */
    uint16_t config_size;      /* bytes: 256 or 4096 */
    struct pci_function function;
    struct pci_range ranges[PCI_RANGE_COUNT];
    uint8_t *ecam; /* its configuration space in memory; NULL: by ports */

    const struct pci_driver *driver; /* that has it (driver.h); NULL: none; atomic */
    void *driver_data;               /* the driver's own */
    struct pci_interrupt *interrupt; /* its driver's; NULL: not connected */
    volatile void *mapped[6];        /* what base address registers decode; NULL: not mapped yet */
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
struct pci_device *pci_device_at(size_t index);

/*
 * Reads an aligned 32-bit register; all ones: nobody answers. `offset` below config_size. Any
 * context.
 */
uint32_t pci_config_read(const struct pci_device *device, uint16_t offset);
/* Writes one. For this room: only a function's driver, and the core on its behalf. */
void pci_config_write(const struct pci_device *device, uint16_t offset, uint32_t value);
/* Sets and clears bits of the command register, without touching the status beside it. */
void pci_command_change(const struct pci_device *device, uint32_t set, uint32_t clear);
/* Copies the first PCI_CONFIG_SIZE bytes, for what library/pci.h reads. */
void pci_config_copy(const struct pci_device *device, uint8_t *config);

/* Is none of it memory that somebody uses, and all of it where the processor can reach? As the
   memory map says. Any context after pci_initialize(). */
bool pci_is_free(paddr_t base, size_t size);

#endif
