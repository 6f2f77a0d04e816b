/* tables.h: where the firmware's configuration tables are (UEFI 2.10, 4.6). */
#ifndef BATON_LOADER_TABLES_H
#define BATON_LOADER_TABLES_H

#include <handoff.h>

/* Only addresses: the kernel checks signatures and checksums itself. */
void tables_find(struct handoff_tables *tables);

#endif
