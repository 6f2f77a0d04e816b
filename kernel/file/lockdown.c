/* lockdown.c: how far the kernel is closed to the superuser. */
#include "file/lockdown.h"

#include <asm/errno.h>

#include "cpu/log.h"
#include "library/options.h"
#include "library/string.h"
#include "thread/thread.h"

static enum lockdown level; /* atomic; only ever raised */

static const char *const names[LOCKDOWN_LEVELS] = {
    [LOCKDOWN_NONE] = "none",
    [LOCKDOWN_INTEGRITY] = "integrity",
    [LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
};

enum lockdown lockdown_level(void)
{
    return __atomic_load_n(&level, __ATOMIC_RELAXED);
}

const char *lockdown_name(enum lockdown which)
{
    return names[which];
}

int lockdown_raise(enum lockdown wanted, const char *why)
{
    enum lockdown is = lockdown_level();

    do {
        if (is >= wanted)
            return -EPERM;
    } while (!__atomic_compare_exchange_n(&level, &is, wanted, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    log_write(LOG_NOTICE, "Kernel is locked down from %s; see man kernel_lockdown.7", why);
    return 0;
}

int lockdown_check(enum lockdown bars, const char *what)
{
    if (lockdown_level() < bars)
        return 0;
    log_write(LOG_NOTICE, "Lockdown: %s: %s is restricted; see man kernel_lockdown.7",
              thread_current()->name, what);
    return -EPERM;
}

void lockdown_initialize(bool secure_boot, const char *options)
{
    char wanted[sizeof("confidentiality")];

    if (secure_boot)
        lockdown_raise(LOCKDOWN_INTEGRITY, "EFI Secure Boot");
    if (options_string(options, "lockdown", wanted, sizeof(wanted)))
        return;
    for (enum lockdown which = LOCKDOWN_INTEGRITY; which < LOCKDOWN_LEVELS; which++) {
        if (strcmp(wanted, names[which]) == 0)
            lockdown_raise(which, "command line");
    }
}
