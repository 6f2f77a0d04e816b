/*
 * lockdown.h: how far the kernel is closed to the superuser, kernel_lockdown(7). It begins closed
 * where Secure Boot was on, as Debian's Linux does: whoever may do everything else still cannot
 * make this kernel another one than the one that was signed.
 *
 * A level is only ever raised. Any context, no lock held, but for what prints.
 */
#ifndef BATON_FILE_LOCKDOWN_H
#define BATON_FILE_LOCKDOWN_H

#include <stdbool.h>

enum lockdown {
    LOCKDOWN_NONE,
    LOCKDOWN_INTEGRITY,       /* nobody changes the running kernel */
    LOCKDOWN_CONFIDENTIALITY, /* nobody reads it */
    LOCKDOWN_LEVELS,
};

/* Once, at boot: by Secure Boot, and by the option `lockdown=integrity` or `confidentiality`. */
void lockdown_initialize(bool secure_boot, const char *options);

enum lockdown lockdown_level(void);

/* "none", "integrity", "confidentiality". */
const char *lockdown_name(enum lockdown level);

/* Closes it further, because of `why`, for the log. 0, or -EPERM: it is as closed already. */
int lockdown_raise(enum lockdown level, const char *why);

/* Is something that this level bars allowed? 0 or -EPERM, with a line for `what`. */
int lockdown_check(enum lockdown level, const char *what);

#endif
