/* pci.h: PCI functions by configuration mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2), which needs no
 * table and no mapping. */
#ifndef BATON_LOADER_PCI_H
#define BATON_LOADER_PCI_H

#include <stdint.h>

/* A register of 32 bits; offset is a multiple of 4. */
uint32_t pci_read(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset);

/* Half a register, of 16 bits; offset is even. */
void pci_write16(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset, uint16_t value);

/*
 * Calls visit for every function there is, in order. All buses are asked, not only those below
 * bridges, because a machine may have several host bridges.
 */
typedef void pci_visit(void *context, uint32_t bus, uint32_t device, uint32_t function);
void pci_for_each(pci_visit *visit, void *context);

#endif
