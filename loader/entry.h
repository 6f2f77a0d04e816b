/* entry.h: the boot entry, which says what to load (Boot Loader Specification, type #1). */
#ifndef BATON_LOADER_ENTRY_H
#define BATON_LOADER_ENTRY_H

#include <library/boot_entry.h>

#include "volume.h"

#define ENTRY_DEFAULT "\\loader\\entries\\baton.conf"

/* Each prints its own failure. */

/* What a text says; `path` is for messages. */
EFI_STATUS entry_parse(const char *path, const void *text, uint64_t size, struct boot_entry *entry);

/* Whether Baton's kernel can be started by it. */
EFI_STATUS entry_check(const char *path, const struct boot_entry *entry);

/* An entry for Baton's kernel: read, measured, checked. *entry stays valid and unchanged until the
   next call. */
EFI_STATUS entry_read(struct volume *volume, const char *path, const struct boot_entry **entry);

#endif
