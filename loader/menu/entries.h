/*
 * entries.h: everything that can be started: entries and unified kernel images on the loader's own
 * volume and on the extended boot loader partition, other systems on the disks, the firmware's
 * setup.
 */
#ifndef BATON_LOADER_MENU_ENTRIES_H
#define BATON_LOADER_MENU_ENTRIES_H

#include <library/boot_entry.h>
#include <library/menu/boot_order.h>
#include <library/menu/loader_settings.h>

#include "firmware.h"

/* More are left out, with a line. */
#define ENTRIES_MAXIMUM 1024

enum entry_kind {
    ENTRY_FILE,    /* \loader\entries\*.conf: type 1 of the specification */
    ENTRY_UNIFIED, /* \EFI\Linux\*.efi: type 2 */
    ENTRY_PROGRAM, /* an EFI application on some volume: another system */
    ENTRY_SETUP,   /* the firmware's own menus */
};

struct entry {
    enum entry_kind kind;
    EFI_HANDLE device;     /* the volume that path lies on */
    struct boot_name name; /* its strings are the ones below */
    bool editable;         /* it has options */
    char path[BOOT_ENTRY_PATH_MAX];
    char file[BOOT_FILE_NAME_MAX]; /* with counts; "": nothing is counted */
    bool tried;                    /* one of its tries was taken */
    char identifier[BOOT_FILE_NAME_MAX];
    char title[BOOT_ENTRY_NAME_MAX];
    char version[BOOT_ENTRY_NAME_MAX];
    char machine_id[BOOT_ENTRY_NAME_MAX];
    char sort_key[BOOT_ENTRY_NAME_MAX];
};

struct entries {
    struct entry *all; /* of pages_allocate() */
    size_t count;
    const struct boot_name **shown; /* sorted */
};

/* Finds them. What cannot be read or is for another machine is left out. An error: no memory. */
EFI_STATUS entries_find(const struct loader_settings *settings, struct entries *entries);
void entries_free(struct entries *entries);

/* The entry that is shown in this place. */
struct entry *entry_at(const struct entries *entries, size_t index);

/* Reads a small text file of a volume; the caller frees *text with FreePool. Says nothing. */
EFI_STATUS entries_text(EFI_HANDLE device, const char *path, char **text, size_t *size);

/* The options that a unified kernel image has in it; says nothing. */
void entry_unified_options(const struct entry *entry, char options[BOOT_ENTRY_OPTIONS_MAX]);

/* One try less is left from now on, if they are counted: the file is renamed, and the system to
   come told. Says what cannot be done. */
void entry_count_down(struct entry *entry);

#endif
