/*
 * servers.h: processes that serve the root file system, and the others, which need them to the end.
 * As systemd has it for such daemons (systemd.io/ROOT_STORAGE_DAEMONS), their first argument begins
 * with a mark. Who they are stands in /proc; where that is not mounted there are none.
 */
#ifndef BATON_USERSPACE_SERVERS_H
#define BATON_USERSPACE_SERVERS_H

#include <stdbool.h>

#define SERVER_MARK "@"

/* Whether there is any, and it was sent the signal (0: none; kill(2)). */
bool servers_signal(int signal);
/* The same for all processes but these and the caller. */
bool others_signal(int signal);

#endif
