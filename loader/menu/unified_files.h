/*
 * unified_files.h: unified kernel images on a volume (Boot Loader Specification, type #2): what
 * their sections say of them. They are started as any program of the firmware's; with Secure Boot
 * on their signature is checked then, and what is told here is a title.
 */
#ifndef BATON_LOADER_MENU_UNIFIED_FILES_H
#define BATON_LOADER_MENU_UNIFIED_FILES_H

#include <library/boot_entry.h>
#include <library/menu/os_release.h>

#include "firmware.h"

/* False: it cannot be read, or is no unified kernel image: it lacks ".linux" or ".osrel". */
bool unified_file_describe(EFI_FILE_HANDLE file, struct os_release *release);

/* Its own options, printable ASCII; "" where it has none, or none that can be shown. */
void unified_file_options(EFI_FILE_HANDLE file, char options[BOOT_ENTRY_OPTIONS_MAX]);

#endif
