/* boot_menu.h: what is started: the entry that somebody named, chose, or that comes first. */
#ifndef BATON_LOADER_MENU_BOOT_MENU_H
#define BATON_LOADER_MENU_BOOT_MENU_H

#include <library/boot_entry.h>

#include "firmware.h"

/* An entry for Baton's kernel. What was checked, measured and decided upon is what is used: nobody
   reads the file again. */
struct choice {
    const struct boot_entry *entry; /* NULL: none was found, the usual one is to be asked for */
    EFI_HANDLE device;              /* the volume of its files */
    const char *options;            /* instead of the entry's; NULL: the entry's */
};

/*
 * Finds the entries, shows the menu if there is more than one or a key is held, and does what a
 * person says. Other programs are started here: if one comes back, the menu is there again.
 * EFI_SUCCESS: *choice is to be started; what it points to stays. EFI_ABORTED: back to the
 * firmware.
 */
EFI_STATUS boot_menu_choose(struct choice *choice);

/* What was chosen did not start. Restarts the machine if that can help: nobody is there, and the
   entry counts its tries; once none is left another one has its turn. */
void boot_menu_try_again(void);

#endif
