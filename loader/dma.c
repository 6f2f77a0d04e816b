#include "dma.h"

#include "pci.h"
#include "record/after_exit.h"

/*
 * Rule 19: firmware leaves bus mastering on (5 of 5 devices under OVMF), so a network card or a
 * USB controller may go on writing to rings that are free memory now. Before the exit the
 * firmware's own drivers still need it, and turning it off under them hangs some machines (the
 * reason why Linux's efi=disable_early_pci_dma is an option). So it is done right after.
 */
enum { REGISTER_COMMAND = 4, REGISTER_CLASS = 8 };

#define COMMAND_BUS_MASTER UINT16_C(4)

/* Records the command register, and clears its bit. */
static void function_stop(void *context, uint32_t bus, uint32_t device, uint32_t function)
{
    uint16_t command = (uint16_t)pci_read(bus, device, function, REGISTER_COMMAND);
    uint32_t class = pci_read(bus, device, function, REGISTER_CLASS) >> 16;
    uint32_t *stopped = context;

    recording_pci_command(bus, device << 3 | function, command, class);
    if (!(command & COMMAND_BUS_MASTER))
        return;
    /* 16 bits only: the other half are status bits that a write of ones would clear. */
    pci_write16(bus, device, function, REGISTER_COMMAND, command & ~COMMAND_BUS_MASTER);
    (*stopped)++;
}

uint32_t dma_stop(void)
{
    uint32_t stopped = 0;

    recording_pci_begin();
    pci_for_each(function_stop, &stopped);
    recording_pci_end();
    return stopped;
}
