/* drivers.c: the drivers there are. A function is offered to the first that matches. */
#include "device/driver.h"

extern const struct pci_driver ahci_driver, nvme_driver, sdhci_driver, virtio_blk_driver;

const struct pci_driver *const pci_drivers[] = {
    &ahci_driver, &nvme_driver, &sdhci_driver, &virtio_blk_driver, &xhci_driver, NULL,
};
