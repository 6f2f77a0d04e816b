/*
 * interface.h: the variables by which a boot loader and the system that it started talk (Boot
 * Loader Interface, systemd.io/BOOT_LOADER_INTERFACE), and the firmware's OsIndications
 * (UEFI 2.10, 8.5.4).
 */
#ifndef BATON_LOADER_MENU_INTERFACE_H
#define BATON_LOADER_MENU_INTERFACE_H

#include "menu/entries.h"

/* What the system that ran before asked for. Each is "" or MENU_TIMEOUT_UNSET where it did not. */
struct interface_wishes {
    char once[BOOT_FILE_NAME_MAX];  /* LoaderEntryOneShot: is gone when it was read */
    char usual[BOOT_FILE_NAME_MAX]; /* LoaderEntryDefault */
    char last[BOOT_FILE_NAME_MAX];  /* LoaderEntryLastBooted */
    uint32_t timeout_once;          /* LoaderConfigTimeoutOneShot, the same */
    uint32_t timeout;               /* LoaderConfigTimeout */
};
void interface_wishes_read(struct interface_wishes *wishes);

/* For the system to come: the loader, the firmware, the volume, when the loader began. */
void interface_tell_loader(void);
/* …which entries there are, and the one that starts now, and when. */
void interface_tell_entries(const struct entries *entries);
void interface_tell_start(const char *identifier);
/* …and the file whose tries are counted, for who says that it was a good start
   (systemd-bless-boot(8)); "": none is. */
void interface_tell_counted(const char *path);
/* LoaderEntryLastBooted, kept; is written only where it changes. */
void interface_save_entry(const char *identifier);

/* What a person chose in the menu; kept. "" takes it back. False: the firmware keeps it not. */
bool interface_set_default(const char *identifier);
bool interface_set_timeout(uint32_t seconds);

/* Can the firmware be asked to show its own menus at the next start? Asks it. */
bool interface_setup_is_there(void);
bool interface_setup_ask(void);

#endif
