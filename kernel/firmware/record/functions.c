#include "firmware/record/functions.h"

#include "cpu/clock.h"
#include "device/pci.h"
#include "firmware/record/handoff_record.h"
#include "library/string.h"

static uint8_t device_function(const struct pci_device *device)
{
    return (uint8_t)(device->slot << 3 | device->number);
}

static uint32_t range_flags(uint32_t flags)
{
    return (flags & PCI_RANGE_PORTS ? RECORD_PCI_PORTS : 0) |
           (flags & PCI_RANGE_MEMORY ? RECORD_PCI_MEMORY : 0) |
           (flags & PCI_RANGE_PREFETCH ? RECORD_PCI_PREFETCH : 0) |
           (flags & PCI_RANGE_64 ? RECORD_PCI_64 : 0);
}

static void record_ranges(const struct pci_device *device)
{
    struct record_pci_range ranges[PCI_RANGE_COUNT];
    size_t count = 0;

    for (unsigned i = 0; i < PCI_RANGE_COUNT; i++) {
        const struct pci_range *range = &device->ranges[i];
        if (range->last != 0)
            ranges[count++] = (struct record_pci_range){.segment = device->segment,
                                                        .bus = device->bus,
                                                        .device_function = device_function(device),
                                                        .number = (uint8_t)i,
                                                        .base = range->first,
                                                        .size = range->last - range->first + 1,
                                                        .flags = range_flags(range->flags)};
    }
    if (count)
        handoff_record_append(RECORD_PCI_RANGES, ranges, count * sizeof(*ranges), NULL, 0);
}

/* The loader, which asks by ports, has those of segment 0. */
static void record_function(const struct pci_device *device)
{
    enum { CONFIGURATION = 256 };
    uint32_t configuration[CONFIGURATION / 4];
    struct record_pci head = {.segment = device->segment,
                              .bus = device->bus,
                              .device = device->slot,
                              .function = device->number};

    if (device->segment == 0)
        return;
    for (uint32_t offset = 0; offset < CONFIGURATION; offset += 4)
        configuration[offset / 4] = pci_config_read(device, (uint16_t)offset);
    handoff_record_append(RECORD_PCI_FUNCTION, &head, sizeof(head), configuration,
                          sizeof(configuration));
}

void handoff_record_functions(void)
{
    const struct pci_device *device;

    if (!handoff_record_wanted())
        return;
    for (size_t i = 0; (device = pci_device_at(i)); i++) {
        record_function(device);
        record_ranges(device);
    }
}
