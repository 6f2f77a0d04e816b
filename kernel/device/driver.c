/* driver.c: who drives which function, and what a driver gets of it. */
#include "device/driver.h"

#include <asm/errno.h>

#include "cpu/clock.h"
#include "cpu/log.h"
#include "device/usb/tree.h"
#include "library/error.h"
#include "library/format.h"
#include "memory/heap.h"
#include "memory/worker.h"
#include "thread/wait_queue.h"

void pci_place_text(const struct pci_device *device, char text[PCI_PLACE_LENGTH])
{
    format_string(text, PCI_PLACE_LENGTH, "%04x:%02x:%02x.%x", device->segment, device->bus,
                  device->slot, device->number);
}

/* ---- probing ---- */

static void offer(struct pci_device *device, const struct pci_driver *driver)
{
    char place[PCI_PLACE_LENGTH];
    int error = driver->probe(device);

    pci_place_text(device, place);
    if (error) {
        pci_interrupt_disconnect(device);
        pci_master_disable(device);
        log_write(LOG_WARNING, "%s: %s cannot be used: %s", driver->name, place, error_text(error));
        return;
    }
    __atomic_store_n(&device->driver, driver, __ATOMIC_RELEASE);
}

/* The drivers there are; the last is NULL. Set once, before the thread starts. */
static const struct pci_driver *const *known;

static void find_driver(struct pci_device *device)
{
    for (size_t i = 0; known[i]; i++)
        if (known[i]->matches(&device->function)) {
            offer(device, known[i]);
            return;
        }
}

static struct wait_queue probed_queue;
static bool probed; /* atomic */

static void probe_all(void *unused)
{
    struct pci_device *device;

    (void)unused;
    for (size_t i = 0; (device = pci_device_at(i)); i++)
        find_driver(device);
    __atomic_store_n(&probed, true, __ATOMIC_RELEASE);
    wait_queue_wake_all(&probed_queue);
    thread_exit();
}

int drivers_start(const struct pci_driver *const *drivers)
{
    static struct worker worker;

    known = drivers;
    wait_queue_initialize(&probed_queue);
    usb_tree_initialize();
    return worker_start(&worker, "drivers", probe_all, NULL);
}

void drivers_wait(uint64_t patience)
{
    wait_event(&probed_queue, __atomic_load_n(&probed, __ATOMIC_ACQUIRE), THREAD_UNINTERRUPTIBLE,
               clock_now() + patience);
}

/* ---- registers ---- */

volatile void *pci_bar_map(struct pci_device *device, unsigned bar, size_t *size)
{
    const struct pci_range *range = &device->ranges[bar];

    if (bar >= device->function.bars || !(range->flags & PCI_RANGE_MEMORY) || !range->first)
        return NULL;
    *size = range->last - range->first + 1;
    if (!device->mapped[bar]) {
        if (!pci_is_free(range->first, *size))
            return NULL;
        device->mapped[bar] = device_map(range->first, *size, DEVICE_UNCACHED);
    }
    if (device->mapped[bar])
        pci_command_change(device, PCI_COMMAND_MEMORY, 0);
    return device->mapped[bar];
}

void pci_master_enable(struct pci_device *device)
{
    pci_command_change(device, PCI_COMMAND_MASTER, 0);
}

void pci_master_disable(struct pci_device *device)
{
    pci_command_change(device, 0, PCI_COMMAND_MASTER);
}
