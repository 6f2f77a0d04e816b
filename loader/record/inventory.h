/* inventory.h: P2: what the firmware has: tables, images, devices, variables, measurements. */
#ifndef BATON_LOADER_RECORD_INVENTORY_H
#define BATON_LOADER_RECORD_INVENTORY_H

#include "firmware.h"

/* Records all of it, while boot services are there. Nothing in it fails. */
void recording_inventory(void);

/* Its parts, each a file. */
void record_tables(void);     /* tables.c: system, boot and runtime table, configuration tables */
void record_acpi(void);       /* acpi.c */
void record_smbios(void);     /* smbios.c */
void record_images(void);     /* images.c */
void record_handles(void);    /* handles.c: with protocols; block devices */
void record_screens(void);    /* screens.c */
void record_variables(void);  /* variables.c */
void record_tpm(void);        /* tpm.c */
void record_own_digest(void); /* digest.c: where there is a TPM */
void record_protection(void); /* protection.c: the memory attribute protocol */
void record_pci(void);        /* pci.c */

/* ---- what they share ---- */

/* The configuration table of this name; NULL: there is none. */
const void *configuration_table(const EFI_GUID *guid);

/* RECORD kinds that are struct record_bytes: the bytes at an address, if they can be read. */
void record_memory(uint16_t kind, uint64_t address, uint64_t length);

/* Bytes of a device path with its end; 0: it is NULL, or does not end. */
size_t device_path_size(const EFI_DEVICE_PATH *path);
size_t handle_path(EFI_HANDLE handle, const EFI_DEVICE_PATH **path);

#endif
