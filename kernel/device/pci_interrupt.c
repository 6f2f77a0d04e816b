/*
 * pci_interrupt.c: how a function interrupts: MSI-X, MSI (PCI local bus specification 3.0, 6.8), or
 * the pin, where the firmware has written which of the 8259s' inputs that is (6.2.4). Which input
 * of an I/O APIC it may be beside that only ACPI's interpreter would tell.
 */
#include <asm/errno.h>

#include "cpu/device_vector.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "device/driver.h"
#include "memory/heap.h"

enum interrupt_way {
    BY_MSIX,
    BY_MSI,
    BY_PIN,
};

/* Constant while it is connected. */
struct pci_interrupt {
    pci_interrupt_handler *handler;
    void *context;
    enum interrupt_way way;
    uint8_t vector;                  /* of a message */
    uint8_t irq;                     /* of a pin */
    struct pci_messages messages;    /* the function's capabilities */
    volatile uint32_t *table_vector; /* MSI-X: the control word of the first */
};

/* PCI 3.0, 6.8.1.3 and 6.8.2.3: in the upper half of a capability's first register. */
#define MSI_ENABLE       (1U << 16)
#define MSI_ENABLED_MANY (7U << 20)
#define MSIX_MASK_ALL    (1U << 30)
#define MSIX_ENABLE      (1U << 31)
#define MSIX_MASKED      1U

static void message_interrupt(void *context, struct trap_frame *frame)
{
    struct pci_interrupt *interrupt = context;

    (void)frame;
    interrupt->handler(interrupt->context);
}

/* ---- MSI-X ---- */

static volatile uint32_t *msix_entry(struct pci_device *device, const struct pci_messages *messages)
{
    size_t size;
    volatile uint8_t *bar = pci_bar_map(device, messages->table_bar, &size);

    if (!bar || messages->table_offset >= size ||
        size - messages->table_offset < messages->table_entries * PCI_MSIX_ENTRY_SIZE)
        return NULL;
    return (volatile uint32_t *)(bar + messages->table_offset);
}

static int connect_msix(struct pci_device *device, struct pci_interrupt *interrupt,
                        const char *name)
{
    const struct pci_messages *messages = &interrupt->messages;
    volatile uint32_t *entry = messages->msix ? msix_entry(device, messages) : NULL;
    struct interrupt_message message;

    if (!entry)
        return -ENODEV;
    int vector = device_vector_connect(name, message_interrupt, interrupt, &message);
    if (vector < 0)
        return vector;
    uint32_t control = pci_config_read(device, messages->msix);
    pci_config_write(device, messages->msix, control | MSIX_ENABLE | MSIX_MASK_ALL);
    for (unsigned i = 0; i < messages->table_entries; i++)
        entry[4 * i + 3] = MSIX_MASKED;
    entry[0] = (uint32_t)message.address;
    entry[1] = (uint32_t)(message.address >> 32);
    entry[2] = message.data;
    entry[3] = 0;
    pci_config_write(device, messages->msix, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
    interrupt->way = BY_MSIX;
    interrupt->vector = (uint8_t)vector;
    interrupt->table_vector = &entry[3];
    return 0;
}

static void disconnect_msix(struct pci_device *device, const struct pci_interrupt *interrupt)
{
    uint8_t at = interrupt->messages.msix;

    *interrupt->table_vector = MSIX_MASKED;
    pci_config_write(device, at, pci_config_read(device, at) & ~MSIX_ENABLE);
}

/* ---- MSI ---- */

static int connect_msi(struct pci_device *device, struct pci_interrupt *interrupt, const char *name)
{
    const struct pci_messages *messages = &interrupt->messages;
    struct interrupt_message message;
    uint8_t at = messages->msi;

    if (!at)
        return -ENODEV;
    int vector = device_vector_connect(name, message_interrupt, interrupt, &message);
    if (vector < 0)
        return vector;
    uint8_t data = at + (messages->msi_wide ? 12 : 8);
    pci_config_write(device, at + 4, (uint32_t)message.address);
    if (messages->msi_wide)
        pci_config_write(device, at + 8, (uint32_t)(message.address >> 32));
    pci_config_write(device, data, message.data);
    if (messages->msi_maskable)
        pci_config_write(device, data + 4, 0);
    uint32_t control = pci_config_read(device, at) & ~MSI_ENABLED_MANY;
    pci_config_write(device, at, control | MSI_ENABLE);
    interrupt->way = BY_MSI;
    interrupt->vector = (uint8_t)vector;
    return 0;
}

static void disconnect_msi(struct pci_device *device, const struct pci_interrupt *interrupt)
{
    uint8_t at = interrupt->messages.msi;

    pci_config_write(device, at, pci_config_read(device, at) & ~MSI_ENABLE);
}

/* ---- the pin ---- */

static bool pin_interrupt(void *context)
{
    struct pci_interrupt *interrupt = context;

    return interrupt->handler(interrupt->context);
}

static int connect_pin(struct pci_device *device, struct pci_interrupt *interrupt, const char *name)
{
    uint8_t irq = device->function.interrupt_line;

    if (irq == 0 || irq >= ISA_INTERRUPTS)
        return -ENODEV;
    int error = interrupt_connect_pin(irq, name, pin_interrupt, interrupt);
    if (error)
        return error;
    interrupt->way = BY_PIN;
    interrupt->irq = irq;
    pci_command_change(device, 0, PCI_COMMAND_NO_PIN);
    return 0;
}

static void disconnect_pin(struct pci_device *device, struct pci_interrupt *interrupt)
{
    pci_command_change(device, PCI_COMMAND_NO_PIN, 0);
    interrupt_disconnect_pin(interrupt->irq, interrupt);
}

/* ---- all three ---- */

/* As a firmware may have left them: one way at a time (PCI 3.0, 6.8). */
static void messages_off(struct pci_device *device, const struct pci_messages *messages)
{
    if (messages->msi)
        pci_config_write(device, messages->msi,
                         pci_config_read(device, messages->msi) & ~MSI_ENABLE);
    if (messages->msix)
        pci_config_write(device, messages->msix,
                         pci_config_read(device, messages->msix) & ~MSIX_ENABLE);
}

static int connect(struct pci_device *device, struct pci_interrupt *interrupt, const char *name)
{
    messages_off(device, &interrupt->messages);
    int error = connect_msix(device, interrupt, name);
    if (error)
        error = connect_msi(device, interrupt, name);
    if (error)
        return connect_pin(device, interrupt, name);
    pci_command_change(device, PCI_COMMAND_NO_PIN, 0);
    return 0;
}

int pci_interrupt_connect(struct pci_device *device, const char *name,
                          pci_interrupt_handler *handler, void *context)
{
    uint8_t config[PCI_CONFIG_SIZE];
    struct pci_interrupt *interrupt = heap_allocate_zeroed(sizeof(*interrupt));

    if (!interrupt)
        return -ENOMEM;
    interrupt->handler = handler;
    interrupt->context = context;
    pci_config_copy(device, config);
    pci_messages_parse(config, &device->function, &interrupt->messages);
    int error = connect(device, interrupt, name);
    if (error) {
        heap_free(interrupt);
        return error;
    }
    device->interrupt = interrupt;
    return 0;
}

void pci_interrupt_disconnect(struct pci_device *device)
{
    struct pci_interrupt *interrupt = device->interrupt;

    if (!interrupt)
        return;
    device->interrupt = NULL;
    if (interrupt->way == BY_PIN)
        disconnect_pin(device, interrupt);
    else if (interrupt->way == BY_MSI)
        disconnect_msi(device, interrupt);
    else
        disconnect_msix(device, interrupt);
    if (interrupt->way != BY_PIN)
        device_vector_disconnect(interrupt->vector);
    heap_free(interrupt);
}

bool pci_interrupt_by_message(const struct pci_device *device)
{
    return device->interrupt->way != BY_PIN;
}

bool pci_interrupt_by_table(const struct pci_device *device)
{
    return device->interrupt->way == BY_MSIX;
}
