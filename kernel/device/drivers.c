/* drivers.c: the drivers there are. A function is offered to the first that matches. */
#include "device/driver.h"

const struct pci_driver *const pci_drivers[] = {
    NULL,
};
