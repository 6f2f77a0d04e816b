#include "dma.h"

#include "processor.h"

/*
 * Rule 19: firmware leaves bus mastering on (5 of 5 devices under OVMF), so a network card or a
 * USB controller may go on writing to rings that are free memory now. Before the exit the
 * firmware's own drivers still need it, and turning it off under them hangs some machines (the
 * reason why Linux's efi=disable_early_pci_dma is an option). So it is done right after.
 *
 * Configuration mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2) needs no table and no mapping. All
 * buses are asked, not only those below bridges, because a machine may have several host bridges.
 */
enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };
enum { REGISTER_ID = 0, REGISTER_COMMAND = 4, REGISTER_HEADER = 12 };

#define COMMAND_BUS_MASTER       UINT16_C(4)
#define HEADER_SEVERAL_FUNCTIONS (UINT32_C(0x80) << 16)

static uint32_t config_read(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset)
{
    port_write32(CONFIG_ADDRESS,
                 UINT32_C(1) << 31 | bus << 16 | device << 11 | function << 8 | offset);
    return port_read32(CONFIG_DATA);
}

static bool function_present(uint32_t bus, uint32_t device, uint32_t function)
{
    return (config_read(bus, device, function, REGISTER_ID) & 0xffff) != 0xffff;
}

static bool function_stop(uint32_t bus, uint32_t device, uint32_t function)
{
    uint16_t command = (uint16_t)config_read(bus, device, function, REGISTER_COMMAND);

    if (!(command & COMMAND_BUS_MASTER))
        return false;
    /* 16 bits only: the other half are status bits that a write of ones would clear. */
    port_write16(CONFIG_DATA, command & ~COMMAND_BUS_MASTER);
    return true;
}

static uint32_t device_stop(uint32_t bus, uint32_t device)
{
    uint32_t functions = 1, stopped = 0;

    if (!function_present(bus, device, 0))
        return 0;
    if (config_read(bus, device, 0, REGISTER_HEADER) & HEADER_SEVERAL_FUNCTIONS)
        functions = 8;
    for (uint32_t function = 0; function < functions; function++) {
        if (function_present(bus, device, function))
            stopped += function_stop(bus, device, function);
    }
    return stopped;
}

uint32_t dma_stop(void)
{
    uint32_t stopped = 0;

    for (uint32_t bus = 0; bus < 256; bus++) {
        for (uint32_t device = 0; device < 32; device++)
            stopped += device_stop(bus, device);
    }
    return stopped;
}
