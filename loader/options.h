/* options.h: the kernel's options: the boot entry's, and what the firmware or a shell passed. */
#ifndef BATON_LOADER_OPTIONS_H
#define BATON_LOADER_OPTIONS_H

#include <handoff.h>

#include "entry.h"

/* What the firmware or a shell passed us. */
struct options_given {
    const char *entry;  /* path of the boot entry that is asked for; NULL: none is */
    const char *kernel; /* options for the kernel */
};

/* Our LoadOptions as text; "" where there is none, or none that is meant. */
const char *options_text(void);

/* Reads our LoadOptions. Their first word may name an entry of the volume. */
struct options_given options_read(struct volume *volume);

/*
 * Joins the entry's own options and those that were given with a space; the later word wins in
 * the kernel. *options then holds a terminated string.
 */
EFI_STATUS options_build(const char *own, const char *given, struct handoff_range *options);

#endif
