/* options.h: the kernel's options: the boot entry's, and what the firmware or a shell passed. */
#ifndef BATON_LOADER_OPTIONS_H
#define BATON_LOADER_OPTIONS_H

#include <handoff.h>

#include "entry.h"

/*
 * Joins the entry's options and the text of our LoadOptions with a space; the later word wins in
 * the kernel. *options then holds a terminated string.
 */
EFI_STATUS options_build(const struct boot_entry *entry, struct handoff_range *options);

#endif
