/*
 * pattern.h: a name against a pattern with *, ? and [...], as the setting "default" of loader.conf
 * and the variable LoaderEntryDefault hold one (loader.conf(5); glob(7)).
 *
 * Pure: no allocation, no recursion; at most length of name times length of pattern steps.
 */
#ifndef BATON_LIBRARY_MENU_PATTERN_H
#define BATON_LIBRARY_MENU_PATTERN_H

#include <stdbool.h>

/* Letters of ASCII match in either case: the names come from a FAT volume. */
bool pattern_matches(const char *pattern, const char *name);

#endif
