/* boot_menu.h: what is started: the entry that somebody named, chose, or that comes first. */
#ifndef BATON_LOADER_MENU_BOOT_MENU_H
#define BATON_LOADER_MENU_BOOT_MENU_H

#include "firmware.h"

/* An entry for Baton's kernel. */
struct choice {
    const char *path;    /* of the entry on the loader's volume */
    const char *options; /* instead of the entry's; NULL: the entry's */
};

/*
 * Finds the entries, shows the menu if there is more than one or a key is held, and does what a
 * person says. Other programs are started here: if one comes back, the menu is there again.
 * EFI_SUCCESS: *choice is to be started; its strings stay. EFI_ABORTED: back to the firmware.
 */
EFI_STATUS boot_menu_choose(struct choice *choice);

#endif
