/*
 * boot_order.h: in which order a menu shows entries, what it calls them, and which of them starts
 * by itself (Boot Loader Specification, "Sorting"; systemd-boot(7)).
 *
 * Pure: no allocation, no lock.
 */
#ifndef BATON_LIBRARY_MENU_BOOT_ORDER_H
#define BATON_LIBRARY_MENU_BOOT_ORDER_H

#include <stddef.h>

#include "library/menu/boot_count.h"

#define BOOT_TITLE_MAX 160

/* What order and title rest on. The strings are the caller's; "" where the entry says nothing. */
struct boot_name {
    const char *identifier; /* the file's name without counts */
    const char *title, *version, *machine_id, *sort_key;
    struct boot_count count;
    /* Found or made by the loader itself (another system, the firmware's setup): behind all that
       have files, in the order in which they were found. It never starts because it comes first. */
    bool automatic;
};

/* No try is left: it comes last, and starts only if somebody says so. */
static inline bool boot_name_is_bad(const struct boot_name *name)
{
    return name->count.counted && name->count.left == 0;
}

/* Below 0: `left` is shown before `right`. 0 for equal ones, and for two automatic ones. */
int boot_name_compare(const struct boot_name *left, const struct boot_name *right);

/* Sorts pointers by it; equal ones keep their order. */
void boot_names_sort(const struct boot_name **names, size_t count);

/*
 * The title of names[index], which becomes longer until no other one is the same: by the version, a
 * piece of the machine's identifier, the file's name. Cut at the buffer's end.
 */
void boot_name_title(const struct boot_name *const *names, size_t count, size_t index,
                     char title[BOOT_TITLE_MAX]);

/*
 * The first of sorted names whose identifier, with or without its suffix, matches the pattern;
 * SIZE_MAX: none does. Bad ones count only if no other matches.
 */
size_t boot_names_find(const struct boot_name *const *names, size_t count, const char *pattern);

/* The one that starts when nobody chose: the first that is neither bad nor automatic, else the
   first that is not automatic, else the first. `count` is not 0. */
size_t boot_names_first(const struct boot_name *const *names, size_t count);

#endif
