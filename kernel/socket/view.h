/* view.h: what is told of all sockets (/proc/net/unix). */
#ifndef BATON_SOCKET_VIEW_H
#define BATON_SOCKET_VIEW_H

#include <linux/un.h>

#include "library/types.h"

struct socket;

/* As <linux/net.h> numbers them: socket_state. */
enum { SOCKET_VIEW_UNCONNECTED = 1, SOCKET_VIEW_CONNECTING, SOCKET_VIEW_CONNECTED };

struct socket_view {
    uint32_t references, type;
    bool listening;
    unsigned state;  /* SOCKET_VIEW_* */
    uint64_t number; /* its inode's; 0: nobody has accepted it yet */
    unsigned name_length;
    char name[UNIX_PATH_MAX + 1]; /* of an abstract one the first byte is a NUL, as others may be */
};

/*
 * The socket behind `previous` (NULL: the first), with a reference; gives back that of the previous
 * one. NULL: there are no more. Those that are closed are passed over. May sleep.
 */
struct socket *socket_next(struct socket *previous);
/* Takes the socket's lock; may sleep. */
void socket_look(struct socket *socket, struct socket_view *view);

#endif
