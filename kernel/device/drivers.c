/* drivers.c: the drivers there are. A function is offered to the first that matches. */
#include "device/driver.h"

extern const struct pci_driver nvme_driver, virtio_blk_driver;

const struct pci_driver *const pci_drivers[] = {
    &nvme_driver,
    &virtio_blk_driver,
    NULL,
};
