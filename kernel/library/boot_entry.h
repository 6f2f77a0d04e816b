/*
 * boot_entry.h: reads a type #1 entry of the Boot Loader Specification
 * (https://uapi-group.org/specifications/specs/boot_loader_specification/):
 * lines of a key, white space and a value.
 *
 * Pure: no allocation, no lock; nothing in the text is trusted.
 */
#ifndef BATON_LIBRARY_BOOT_ENTRY_H
#define BATON_LIBRARY_BOOT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BOOT_ENTRY_FILE_MAX = 65536, /* bytes of text */
    BOOT_ENTRY_NAME_MAX = 128,   /* bytes with the NUL, as the ones below */
    BOOT_ENTRY_PATH_MAX = 256,
    BOOT_ENTRY_INITRDS_MAX = 16,
    BOOT_ENTRY_OPTIONS_MAX = 4096,
};

/* About 9 KiB: not for the stack. Every string is terminated; absent ones are empty. */
struct boot_entry {
    char title[BOOT_ENTRY_NAME_MAX]; /* this and the three below: cut where they are longer */
    char version[BOOT_ENTRY_NAME_MAX];
    char machine_id[BOOT_ENTRY_NAME_MAX];
    char sort_key[BOOT_ENTRY_NAME_MAX];
    /*
     * Paths on the volume the entry comes from: absolute, with '/', printable
     * ASCII, no "..", no empty component, no '\\'. kernel is the key "linux", program the key
     * "efi" or "uki"; one of the two is there.
     */
    char kernel[BOOT_ENTRY_PATH_MAX];
    char program[BOOT_ENTRY_PATH_MAX];
    uint32_t initrd_count;
    char initrds[BOOT_ENTRY_INITRDS_MAX][BOOT_ENTRY_PATH_MAX]; /* in the order of the lines */
    char options[BOOT_ENTRY_OPTIONS_MAX]; /* the lines joined by one space; no control characters */
    bool foreign; /* for another architecture: an error, but none to show; a menu passes it over */
};

struct boot_entry_error {
    uint32_t line;      /* counts from 1; 0: the whole entry */
    const char *reason; /* a sentence part to print */
};

/*
 * Reads size bytes of text. Unknown keys, empty lines and '#' comments are
 * passed over, as is a byte order mark of UTF-8; lines end with LF or CRLF, the last one also
 * without. Of a key that may come once the last line counts; one without a value is passed over,
 * and quotes round the whole value are none of it, as systemd-boot has it. 0, or -EINVAL with
 * *error filled; then *entry is not to be used.
 */
int boot_entry_parse(const char *text, size_t size, struct boot_entry *entry,
                     struct boot_entry_error *error);

#endif
