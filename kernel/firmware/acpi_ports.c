/*
 * acpi_ports.c: U-Boot 2023.01 on QEMU's q35 sets the ports' place in the chip set, leaves them
 * off, and takes a FADT that was made for no place at all: its PM timer stands still, and who
 * switches the machine off as the table says writes to the DMA controller's port 4. Of other chip
 * sets, and of one that is set as its FADT says, nothing is touched.
 */
#include "firmware/acpi_ports.h"

#include "cpu/log.h"
#include "cpu/registers.h"
#include "library/acpi.h"

/* PCI local bus specification 3.0, 3.2.2.3.2. */
#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  (1U << 31)

/* Intel's LPC interface, device 31, function 0 (ICH9 data sheet, "PMBASE" and "ACPI_CNTL"). */
enum {
    LPC = 31 << 11,
    LPC_IDENTITY = 0x00,
    LPC_CLASS = 0x08,
    LPC_PM_BASE = 0x40,
    LPC_ACPI_CONTROL = 0x44,
    INTEL = 0x8086,
    CLASS_ISA_BRIDGE = 0x0601,
    PM_BASE_MASK = 0xff80,
    ACPI_ENABLE = 1 << 7,
    PM1_CONTROL = 4, /* from the base on ("Power Management I/O Registers") */
};

static uint32_t lpc_read(uint8_t offset)
{
    port_write32(PCI_ADDRESS, PCI_ENABLE | LPC | offset);
    return port_read32(PCI_DATA);
}

static void lpc_write(uint8_t offset, uint32_t value)
{
    port_write32(PCI_ADDRESS, PCI_ENABLE | LPC | offset);
    port_write32(PCI_DATA, value);
}

static bool is_known(void)
{
    return (lpc_read(LPC_IDENTITY) & 0xffff) == INTEL &&
           lpc_read(LPC_CLASS) >> 16 == CLASS_ISA_BRIDGE;
}

/* Ports that the FADT tells from zero: it was made before their base was set. */
static bool is_relative(const struct acpi_fadt *fadt)
{
    return fadt->pm1a_event.address == 0 && fadt->pm1a_control.space == ACPI_SPACE_PORT &&
           fadt->pm1a_control.address == PM1_CONTROL;
}

void acpi_ports_open(struct acpi_root *acpi)
{
    struct acpi_table table;
    struct acpi_fadt fadt;
    const char *reason;

    if (!acpi || acpi_table_find(acpi, "FACP", &table) || acpi_fadt_parse(&table, &fadt, &reason) ||
        fadt.hardware_reduced || !is_known())
        return;
    uint32_t control = lpc_read(LPC_ACPI_CONTROL);
    uint16_t base = lpc_read(LPC_PM_BASE) & PM_BASE_MASK;
    bool relative = is_relative(&fadt);

    if (control & ACPI_ENABLE || !base || (!relative && fadt.pm1a_event.address != base))
        return;
    if (relative)
        acpi->port_base = base;
    lpc_write(LPC_ACPI_CONTROL, control | ACPI_ENABLE);
    log_write(LOG_WARNING, "acpi: the chip set's ports at %#x were off%s: turned on", base,
              relative ? ", and the FADT does not know where they are" : "");
}
