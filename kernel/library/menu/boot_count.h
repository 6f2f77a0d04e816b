/*
 * boot_count.h: how often an entry may still be tried, which its file's name says: NAME+LEFT.conf
 * or NAME+LEFT-DONE.conf (Boot Loader Specification, "Boot counting").
 *
 * Pure: no allocation, no lock.
 */
#ifndef BATON_LIBRARY_MENU_BOOT_COUNT_H
#define BATON_LIBRARY_MENU_BOOT_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#define BOOT_FILE_NAME_MAX 256 /* with the NUL: "at most 255 characters" */

struct boot_count {
    bool counted; /* else the entry is good, or was never counted, and the numbers are 0 */
    uint32_t left, done;
};

/*
 * Reads the name of a file that ends in `suffix` (".conf", ".efi", in any case) and writes it
 * without its counts to `identifier`. Numbers beyond 32 bits are none. False: it has not that
 * suffix, or nothing before it, is too long, or begins with "." or "auto-": it is no entry's.
 */
bool boot_count_parse(const char *name, const char *suffix, char identifier[BOOT_FILE_NAME_MAX],
                      struct boot_count *count);

/*
 * The name that the file has while it is tried once more: one try less is left, one more done.
 * False: it is not counted, none is left, or the name would be too long.
 */
bool boot_count_next(const char *name, const char *suffix, char next[BOOT_FILE_NAME_MAX]);

#endif
