/* initrd.h: the first root file system: cpio archives, loaded one behind the other. */
#ifndef BATON_LOADER_INITRD_H
#define BATON_LOADER_INITRD_H

#include <handoff.h>

#include "entry.h"

/*
 * Loads the files of the entry's `initrd` lines in their order into one piece of memory, each
 * padded with zeros to a multiple of 4, and checks that each is a whole newc archive. Without
 * such a line *initrd is empty.
 */
EFI_STATUS initrd_load(struct volume *volume, const struct boot_entry *entry,
                       struct handoff_range *initrd);

#endif
