/* pci.c: the configuration header of every PCI function, before the exit and, only the command
 * register, after it. Configuration mechanism #1: of segment 0 (PCI Local Bus 3.0, 3.2.2.3.2). */
#include <library/string.h>

#include "pci.h"
#include "record/inventory.h"
#include "record/recording.h"

enum {
    CONFIGURATION = 256,
    HEADER_TYPE = 14,
    TYPE_MASK = 0x7f,
    TYPE_BRIDGE = 1,
};

static void record_function(void *context, uint32_t bus, uint32_t device, uint32_t function)
{
    uint32_t configuration[CONFIGURATION / 4];
    struct record_pci head = {
        .bus = (uint8_t)bus, .device = (uint8_t)device, .function = (uint8_t)function};

    (void)context;
    for (uint32_t offset = 0; offset < CONFIGURATION; offset += 4)
        configuration[offset / 4] = pci_read(bus, device, function, offset);
    if ((((uint8_t *)configuration)[HEADER_TYPE] & TYPE_MASK) == TYPE_BRIDGE)
        head.flags = RECORD_PCI_BRIDGE;
    recording_append(RECORD_PCI_FUNCTION, &head, sizeof head, configuration, sizeof configuration);
}

void record_pci(void)
{
    pci_for_each(record_function, NULL);
}
