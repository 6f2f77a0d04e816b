#include "firmware/acpi_register.h"

#include "cpu/registers.h"
#include "memory/heap.h"

/* PCI local bus specification 3.0, 3.2.2.3.2: an address, then the data at its two low bits. */
#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  (1U << 31)

/* ACPI 6.5, table 5.1: device, function and offset in words of 16 bits. */
static bool pci_place(uint64_t address, uint32_t *place)
{
    uint64_t device = address >> 32 & 0xffff, function = address >> 16 & 0xffff;

    if (address >> 48 || device > 31 || function > 7 || (address & 0xffff) > 0xff)
        return false;
    *place = PCI_ENABLE | (uint32_t)device << 11 | (uint32_t)function << 8 | (address & 0xff);
    return true;
}

bool acpi_register_open(struct acpi_register *access, const struct acpi_address *address,
                        size_t size)
{
    *access = (struct acpi_register){.space = address->space};
    if (!address->address)
        return false;
    switch (address->space) {
    case ACPI_SPACE_PORT:
        access->place = (uint32_t)address->address;
        access->there = address->address <= 0x10000 - size;
        break;
    case ACPI_SPACE_MEMORY:
        access->memory = device_map(address->address, size, DEVICE_UNCACHED);
        access->there = access->memory;
        break;
    case ACPI_SPACE_PCI:
        access->there = pci_place(address->address, &access->place);
        break;
    default:
        break;
    }
    return access->there;
}

/* Selects a register of PCI's; the port where its bytes are. */
static uint16_t pci_select(const struct acpi_register *access)
{
    port_write32(PCI_ADDRESS, access->place & ~3U);
    return PCI_DATA + (access->place & 3);
}

static uint16_t port_of(const struct acpi_register *access)
{
    return access->space == ACPI_SPACE_PCI ? pci_select(access) : (uint16_t)access->place;
}

uint8_t acpi_register_read8(const struct acpi_register *access)
{
    if (!access->there)
        return 0;
    return access->memory ? *access->memory : port_read8(port_of(access));
}

uint16_t acpi_register_read16(const struct acpi_register *access)
{
    if (!access->there)
        return 0;
    return access->memory ? *(volatile uint16_t *)access->memory : port_read16(port_of(access));
}

void acpi_register_write8(const struct acpi_register *access, uint8_t value)
{
    if (!access->there)
        return;
    if (access->memory)
        *access->memory = value;
    else
        port_write8(port_of(access), value);
}

void acpi_register_write16(const struct acpi_register *access, uint16_t value)
{
    if (!access->there)
        return;
    if (access->memory)
        *(volatile uint16_t *)access->memory = value;
    else
        port_write16(port_of(access), value);
}
