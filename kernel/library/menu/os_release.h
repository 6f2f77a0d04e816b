/*
 * os_release.h: what a unified kernel image is called: from the os-release(5) in its section
 * ".osrel", by the fields and in the order in which systemd-boot takes them.
 *
 * Pure: no allocation, no lock; nothing in the text is trusted.
 */
#ifndef BATON_LIBRARY_MENU_OS_RELEASE_H
#define BATON_LIBRARY_MENU_OS_RELEASE_H

#include <stddef.h>

#define OS_RELEASE_VALUE_MAX 128

/* "" for what the text does not say. */
struct os_release {
    char title[OS_RELEASE_VALUE_MAX];
    char version[OS_RELEASE_VALUE_MAX];
    char sort_key[OS_RELEASE_VALUE_MAX];
};

/* Values that are too long or hold control characters are passed over. */
void os_release_parse(const char *text, size_t size, struct os_release *release);

#endif
