/*
 * program.h: starting another EFI application: another system's loader, a unified kernel image, or
 * Linux, which is one (its "EFI stub", Documentation/admin-guide/efi-stub.rst). The firmware loads
 * it, and with Secure Boot on it checks it.
 */
#ifndef BATON_LOADER_MENU_PROGRAM_H
#define BATON_LOADER_MENU_PROGRAM_H

#include <library/boot_entry.h>

#include "firmware.h"

/*
 * Starts the program at `path` on `device`. `options` ("": none) become its LoadOptions. The files
 * `initrds` of that volume are offered by the LINUX_EFI_INITRD_MEDIA protocol. Returns if it cannot
 * be started (says so), or when it came back: EFI_SUCCESS, or what it returned.
 */
EFI_STATUS program_start(EFI_HANDLE device, const char *path, const char *options,
                         const struct boot_entry *entry);

#endif
