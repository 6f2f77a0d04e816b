/* The input is a configuration space, and behind it what registers read as when all ones were
   written. */
#include "fuzz.h"
#include "library/pci.h"

#include <string.h>

static void range_check(const struct pci_range *range)
{
    require(range->first <= range->last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t config[PCI_CONFIG_SIZE] = {0};
    struct pci_function function;
    struct pci_range windows[PCI_WINDOW_COUNT], range;
    uint64_t value, ones = UINT64_MAX;

    memcpy(config, data, size < sizeof(config) ? size : sizeof(config));
    if (size >= sizeof(config) + sizeof(ones))
        memcpy(&ones, data + sizeof(config), sizeof(ones));
    if (!pci_function_parse(config, &function))
        return 0;
    require(function.bars <= 6 && function.layout <= PCI_UNKNOWN);
    for (unsigned identifier = 0; identifier < 256; identifier++) {
        uint8_t at = pci_capability_find(config, (uint8_t)identifier);
        require(at == 0 || (at >= 0x40 && config[at] == identifier));
    }
    struct pci_messages messages;
    pci_messages_parse(config, &function, &messages);
    require(messages.msi <= PCI_CONFIG_SIZE - 10 && messages.msix <= PCI_CONFIG_SIZE - 12);
    require(!messages.msix || (messages.table_bar < function.bars && messages.table_entries));
    memcpy(&value, config + PCI_BAR, sizeof(value));
    range = pci_bar_range(value, ones);
    range_check(&range);
    range = pci_rom_range((uint32_t)value, (uint32_t)ones);
    range_check(&range);
    pci_bridge_windows(config, windows);
    for (unsigned i = 0; i < PCI_WINDOW_COUNT; i++)
        range_check(&windows[i]);
    return 0;
}
