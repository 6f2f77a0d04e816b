/*
 * credentials.h: on whose behalf a thread acts. A set is built by one thread,
 * then shared and never changed again: whoever wants other credentials copies,
 * changes the copy and replaces the pointer (process/ does, for setuid(2) and
 * exec). Readers therefore need no lock, only a reference or their own thread's.
 */
#ifndef BATON_FILE_CREDENTIALS_H
#define BATON_FILE_CREDENTIALS_H

#include <linux/capability.h>

#include "library/types.h"

struct credentials {
    uint32_t references; /* atomic; all else is constant once shared */
    uint32_t real_user, effective_user, saved_user, file_user;
    uint32_t real_group, effective_group, saved_group, file_group;
    /* A bit per CAP_*; capabilities(7). */
    uint64_t effective, permitted, inheritable, bounding, ambient;
    uint32_t secure_bits; /* prctl(PR_SET_SECUREBITS) */
    uint32_t group_count;
    uint32_t groups[]; /* supplementary, ascending */
};

#define CREDENTIALS_GROUPS_MAXIMUM 65536
#define CAPABILITIES_ALL           ((UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1)

/* User and group 0 with every capability; one reference. NULL: no memory. */
struct credentials *credentials_create(void);
/* A copy with room for group_count groups (as many as fit are copied); one reference. */
struct credentials *credentials_copy(const struct credentials *from, uint32_t group_count);
static inline void credentials_reference(const struct credentials *credentials)
{
    __atomic_fetch_add(&((struct credentials *)credentials)->references, 1, __ATOMIC_RELAXED);
}
/* Drops a reference (NULL allowed); the last one frees. Any context. */
void credentials_release(const struct credentials *credentials);

/* The calling thread's; user 0's in a kernel thread. Valid until the thread replaces them. */
const struct credentials *credentials_current(void);
static inline bool credentials_capable(const struct credentials *credentials, unsigned capability)
{
    return credentials->effective >> capability & 1;
}
/* May the kernel's log be read? It names addresses (syslog(2); Debian's kernel.dmesg_restrict). */
static inline bool credentials_may_read_log(const struct credentials *credentials)
{
    return credentials_capable(credentials, CAP_SYSLOG) ||
           credentials_capable(credentials, CAP_SYS_ADMIN);
}
/* The file group or a supplementary one. */
bool credentials_in_group(const struct credentials *credentials, uint32_t group);

#endif
