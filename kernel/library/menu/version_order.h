/*
 * version_order.h: which of two version strings is the newer one, as systemd-boot and bootctl(1)
 * decide it (UAPI.10 version format specification; where that text and systemd 252 differ, in what
 * "~" and "^" mean beside the end of a string, systemd's answer).
 *
 * Pure: no allocation, no lock.
 */
#ifndef BATON_LIBRARY_MENU_VERSION_ORDER_H
#define BATON_LIBRARY_MENU_VERSION_ORDER_H

/* Below 0, 0, above 0: `left` is older, neither is, `right` is older. */
int version_compare(const char *left, const char *right);

#endif
