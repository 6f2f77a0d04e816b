/*
 * driver.h: what a driver of a PCI function is, and what it may ask. README.md tells how one is
 * written.
 */
#ifndef BATON_DEVICE_DRIVER_H
#define BATON_DEVICE_DRIVER_H

#include "device/pci.h"
#include "library/types.h"

/* Constant, in the table of drivers.c. */
struct pci_driver {
    const char *name; /* as in /sys/bus/pci/drivers and /proc/interrupts */
    bool (*matches)(const struct pci_function *function);
    /* Takes the function, which nobody has: by a thread of the kernel; may sleep, bounded. 0: it is
       the driver's; or a negative errno, with everything undone. */
    int (*probe)(struct pci_device *device);
    /* Leaves it: the device is quiet, nothing of the driver's is left. May sleep. */
    void (*remove)(struct pci_device *device);
};

/* The drivers there are: drivers.c. The last is NULL. Only the start names it, and hands it over:
   so no driver is needed by what it needs itself. */
extern const struct pci_driver *const pci_drivers[];
extern const struct pci_driver xhci_driver;

/* Starts the thread that offers each function to the first of these drivers that matches; once, at
   boot. The table stays the caller's, for ever. 0 or -ENOMEM. */
int drivers_start(const struct pci_driver *const *drivers);
/* Waits until it is through, at most so long (ns). */
void drivers_wait(uint64_t patience);

/*
 * The registers behind base address register `bar`, uncached, and decoding turned on. NULL: there
 * are none, or they would lie where memory is, or there is no room. Mapped once and never unmapped:
 * a second call gives the same.
 */
volatile void *pci_bar_map(struct pci_device *device, unsigned bar, size_t *size);

/* Whether the device may read and write memory by itself: off but between these two. */
void pci_master_enable(struct pci_device *device);
void pci_master_disable(struct pci_device *device);

/*
 * Calls `handler` for the device's interrupts, which come by MSI-X, by MSI, or by its pin, in this
 * order, on one CPU, with interrupts off. It returns whether the device had interrupted: others may
 * share a pin. `name` is constant. One connection a device. May sleep. 0; -ENODEV: none of these
 * ways can be used; -ENOSPC, -ENOMEM.
 */
typedef bool pci_interrupt_handler(void *context);
int pci_interrupt_connect(struct pci_device *device, const char *name,
                          pci_interrupt_handler *handler, void *context);
/* When it returns the handler neither runs nor will. Nothing happens if there is none. May sleep.
 */
void pci_interrupt_disconnect(struct pci_device *device);

/* How they come: by a message, and of these by a table (MSI-X), for drivers whose devices are told.
   While it is connected. */
bool pci_interrupt_by_message(const struct pci_device *device);
bool pci_interrupt_by_table(const struct pci_device *device);

/* "0000:00:03.0", for the log and for /sys. */
#define PCI_PLACE_LENGTH 16
void pci_place_text(const struct pci_device *device, char text[PCI_PLACE_LENGTH]);

#endif
