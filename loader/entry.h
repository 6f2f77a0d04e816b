/* entry.h: the boot entry, which says what to load (Boot Loader Specification, type #1). */
#ifndef BATON_LOADER_ENTRY_H
#define BATON_LOADER_ENTRY_H

#include <library/boot_entry.h>

#include "volume.h"

#define ENTRY_DEFAULT "\\loader\\entries\\baton.conf"

/* *entry stays valid and unchanged until the next call. */
EFI_STATUS entry_read(struct volume *volume, const char *path, const struct boot_entry **entry);

#endif
