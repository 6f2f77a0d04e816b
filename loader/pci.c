#include "pci.h"

#include <stdbool.h>

#include "processor.h"

enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };
enum { REGISTER_ID = 0, REGISTER_HEADER = 12 };

#define HEADER_SEVERAL_FUNCTIONS (UINT32_C(0x80) << 16)

static void choose(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset)
{
    port_write32(CONFIG_ADDRESS,
                 UINT32_C(1) << 31 | bus << 16 | device << 11 | function << 8 | (offset & 0xfc));
}

uint32_t pci_read(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset)
{
    choose(bus, device, function, offset);
    return port_read32(CONFIG_DATA);
}

void pci_write16(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset, uint16_t value)
{
    choose(bus, device, function, offset);
    port_write16((uint16_t)(CONFIG_DATA + (offset & 2)), value);
}

static bool present(uint32_t bus, uint32_t device, uint32_t function)
{
    return (pci_read(bus, device, function, REGISTER_ID) & 0xffff) != 0xffff;
}

static void visit_device(uint32_t bus, uint32_t device, pci_visit *visit, void *context)
{
    uint32_t functions = 1;

    if (!present(bus, device, 0))
        return;
    if (pci_read(bus, device, 0, REGISTER_HEADER) & HEADER_SEVERAL_FUNCTIONS)
        functions = 8;
    for (uint32_t function = 0; function < functions; function++) {
        if (function == 0 || present(bus, device, function))
            visit(context, bus, device, function);
    }
}

void pci_for_each(pci_visit *visit, void *context)
{
    for (uint32_t bus = 0; bus < 256; bus++) {
        for (uint32_t device = 0; device < 32; device++)
            visit_device(bus, device, visit, context);
    }
}
