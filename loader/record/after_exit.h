/* after_exit.h: P5, in the loader: what is seen right after boot services are gone. */
#ifndef BATON_LOADER_RECORD_AFTER_EXIT_H
#define BATON_LOADER_RECORD_AFTER_EXIT_H

#include "firmware.h"

/* The system table, which the exit has to clear in part (UEFI 2.11, 7.4.6). */
void recording_system_table_after(void);

/* The command registers of PCI functions, as they were before bus mastering is turned off. */
void recording_pci_begin(void);
void recording_pci_command(uint32_t bus, uint32_t device_function, uint16_t command,
                           uint32_t class);
void recording_pci_end(void);

#endif
