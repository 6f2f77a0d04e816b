/*
 * firmware.h: the firmware that started us, and how its calls are reached.
 *
 * gnu-efi's headers name the structures of the UEFI specification; nothing of its library is
 * linked. The target is x86_64-unknown-windows, whose calling convention is UEFI's own (UEFI 2.10,
 * 2.3.4.2), so a service is called like any other function.
 */
#ifndef BATON_LOADER_FIRMWARE_H
#define BATON_LOADER_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <efi.h>
#undef __attribute__ /* gnu-efi's headers take clang for Windows for a compiler that has none */

struct firmware {
    EFI_HANDLE image; /* our own handle */
    EFI_SYSTEM_TABLE *system;
    EFI_BOOT_SERVICES *boot; /* a copy, in which none is missing; so of the next one */
    EFI_RUNTIME_SERVICES *runtime;
    SIMPLE_TEXT_OUTPUT_INTERFACE *console;   /* NULL: there is none that shows text */
    SIMPLE_INPUT_INTERFACE *keyboard;        /* NULL: there is none */
    EFI_LOADED_IMAGE_PROTOCOL *loaded_image; /* where we came from, and our LoadOptions */
};

/* Filled by firmware_attach(); there is one firmware. */
extern struct firmware firmware;

/* Remembers the tables and turns the watchdog off; the first thing the loader does. */
EFI_STATUS firmware_attach(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* The interface of protocol `guid` on `handle`, or NULL, which is also one that lies nowhere. */
void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid);

/* The interface of the first protocol `guid` that there is, in the same way; *status, unless NULL,
   is what the firmware answered. */
void *firmware_locate(const EFI_GUID *guid, EFI_STATUS *status);

/* The firmware's configuration tables: how many there are. A list that lies nowhere is none. */
size_t firmware_table_count(void);

/* Who made the firmware: what it says, up to its end or the room's, with a NUL. */
enum { FIRMWARE_VENDOR_MAX = 128 };
size_t firmware_vendor(CHAR16 vendor[FIRMWARE_VENDOR_MAX]);

/*
 * All handles that have protocol `guid`, NULL: all there are. Returns how many; 0 when there are
 * none or no memory. The caller frees *handles with firmware.boot->FreePool when the count is not
 * 0.
 */
size_t firmware_handles(const EFI_GUID *guid, EFI_HANDLE **handles);

/* The path of our own file on its volume, in ASCII; false: it has none, or none that fits. */
bool firmware_own_path(char *path, size_t room);

#endif
