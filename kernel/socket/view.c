/* view.c: the list of all sockets, for who looks at them. */
#include "socket/view.h"

#include "library/string.h"
#include "socket/socket.h"

static struct spinlock list_lock = SPINLOCK_INITIALIZER;
static TAILQ_HEAD(, socket) sockets = TAILQ_HEAD_INITIALIZER(sockets); /* list_lock */

void socket_list_add(struct socket *socket)
{
    spinlock_acquire(&list_lock);
    TAILQ_INSERT_TAIL(&sockets, socket, all_link);
    spinlock_release(&list_lock);
}

void socket_list_remove(struct socket *socket)
{
    spinlock_acquire(&list_lock);
    TAILQ_REMOVE(&sockets, socket, all_link);
    spinlock_release(&list_lock);
}

/* A reference to one that may be about to end. List's lock held. */
static bool reference_if_any(struct socket *socket)
{
    uint32_t references = __atomic_load_n(&socket->references, __ATOMIC_RELAXED);

    while (references &&
           !__atomic_compare_exchange_n(&socket->references, &references, references + 1, true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        ;
    return references;
}

static bool is_closed(const struct socket *socket)
{
    return __atomic_load_n(&socket->state, __ATOMIC_ACQUIRE) == SOCKET_CLOSED;
}

/* One whose reference is held stays in the list, so the walk can go on from it. */
struct socket *socket_next(struct socket *previous)
{
    struct socket *next;

    spinlock_acquire(&list_lock);
    next = previous ? TAILQ_NEXT(previous, all_link) : TAILQ_FIRST(&sockets);
    while (next && (is_closed(next) || next->netlink || !reference_if_any(next)))
        next = TAILQ_NEXT(next, all_link);
    spinlock_release(&list_lock);
    socket_release(previous);
    return next;
}

void socket_look(struct socket *socket, struct socket_view *view)
{
    uint32_t state = __atomic_load_n(&socket->state, __ATOMIC_ACQUIRE);

    mutex_acquire(&socket->lock);
    bool connected = state == SOCKET_CONNECTED || socket->peer;
    mutex_release(&socket->lock);
    *view = (struct socket_view){
        .references = __atomic_load_n(&socket->references, __ATOMIC_RELAXED) - 1, /* the looker's */
        .type = socket->type,
        .listening = state == SOCKET_LISTENING,
        .number = __atomic_load_n(&socket->number, __ATOMIC_ACQUIRE),
        .name_length = __atomic_load_n(&socket->name.length, __ATOMIC_ACQUIRE),
    };
    view->state = !view->number ? SOCKET_VIEW_CONNECTING
                  : connected   ? SOCKET_VIEW_CONNECTED
                                : SOCKET_VIEW_UNCONNECTED;
    memcpy(view->name, socket->name.text, view->name_length);
}
