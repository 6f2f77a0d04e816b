/*
 * loader_settings.h: what \loader\loader.conf says of the menu (loader.conf(5) of systemd-boot, of
 * which these keys are read: timeout, default, editor, console-mode, auto-entries, auto-firmware).
 *
 * Pure: no allocation, no lock; nothing in the text is trusted.
 */
#ifndef BATON_LIBRARY_MENU_LOADER_SETTINGS_H
#define BATON_LIBRARY_MENU_LOADER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "library/menu/boot_count.h"

/* Seconds that a menu waits; or one of these. */
#define MENU_TIMEOUT_UNSET    UINT32_MAX /* nobody said: the menu is hidden if it has one entry */
#define MENU_TIMEOUT_FOREVER  (UINT32_MAX - 1) /* "menu-force" */
#define MENU_TIMEOUT_DISABLED (UINT32_MAX - 2) /* "menu-disabled": no key shows it either */
#define MENU_TIMEOUT_HIDDEN   0U               /* "menu-hidden", or 0 */

enum console_mode {
    CONSOLE_KEEP, /* what the firmware set */
    CONSOLE_AUTO, /* the same: what the firmware set is what the screen is made for */
    CONSOLE_MAX,
    CONSOLE_NUMBER,
};

struct loader_settings {
    uint32_t timeout;
    char entry[BOOT_FILE_NAME_MAX]; /* the pattern of "default"; "": none */
    bool editor;                    /* options may be edited */
    bool automatic_entries;         /* other systems are looked for */
    bool automatic_firmware;        /* the firmware's setup is an entry */
    enum console_mode console_mode;
    uint32_t console_number;
};

/* Fills in what holds without a file. */
void loader_settings_default(struct loader_settings *settings);

/* Reads the file over it: a line that is not understood changes nothing, as in systemd-boot. */
void loader_settings_parse(const char *text, size_t size, struct loader_settings *settings);

/* A timeout as the file and the variables LoaderConfigTimeout write it. False: it is none. */
bool menu_timeout_parse(const char *text, size_t size, uint32_t *timeout);

#endif
