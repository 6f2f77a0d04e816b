/* functions.h: what the kernel's own search for PCI functions adds to the record. */
#ifndef BATON_FIRMWARE_RECORD_FUNCTIONS_H
#define BATON_FIRMWARE_RECORD_FUNCTIONS_H

/*
 * Records where the firmware placed each function's registers and how large they are, and the
 * functions of segments that the loader cannot reach by ports. Behind pci_initialize(), by a
 * thread.
 */
void handoff_record_functions(void);

#endif
