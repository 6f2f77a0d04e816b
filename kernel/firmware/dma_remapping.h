/* dma_remapping.h: units that remap devices' DMA and interrupts, and that the firmware has left on.
 */
#ifndef BATON_FIRMWARE_DMA_REMAPPING_H
#define BATON_FIRMWARE_DMA_REMAPPING_H

struct acpi_root;

/*
 * Turns them off, with a line: what they let through is the firmware's, in memory that is free now,
 * and a driver's DMA would go nowhere. At boot, by one CPU, before interrupts are routed; `acpi`
 * may be NULL.
 */
void dma_remapping_stop(const struct acpi_root *acpi);

#endif
