/*
 * socket_rights.c: open files on their way in messages (unix(7), SCM_RIGHTS).
 *
 * A socket may be on its way to itself, or two each to the other: when their descriptors are
 * closed nobody can ever receive them, and each is held by the other. So whenever a socket ends,
 * such rings are looked for (as Linux does, net/unix/garbage.c): a socket is garbage when its file
 * is held by messages only, and each of them lies in the inbox of garbage.
 *
 * Only open files are looked into, so what was sent over a connection that is not accepted yet
 * counts as held; then a ring through such a connection stays.
 */
#include <asm/errno.h>
#include <linux/capability.h>

#include "file/internal.h"
#include "file/socket.h"
#include "memory/heap.h"

static struct mutex flight_mutex;
static LIST_HEAD(, socket) flying_sockets; /* flight_mutex */
static unsigned flying_files;              /* flight_mutex */

/* What is to be ended waits here, so that a file's end, which may end more, does not nest. */
static struct mutex ending_mutex;        /* held by who ends files; taken before flight_mutex */
static struct flight_list ended_flights; /* flight_mutex */

void flights_initialize(void)
{
    mutex_initialize(&flight_mutex, MUTEX_SOCKET_FLIGHT);
    mutex_initialize(&ending_mutex, MUTEX_SOCKET_ENDING);
}

struct flight *flight_create(unsigned count)
{
    struct flight *flight =
        heap_allocate_zeroed(sizeof(*flight) + count * sizeof(flight->files[0]));
    if (flight)
        flight->count = count;
    return flight;
}

/* ---- on the way: flight_mutex is held ---- */

static void file_departs(struct file *file)
{
    flying_files++;
    struct socket *socket = socket_of_file(file);
    if (socket && socket->flying++ == 0)
        LIST_INSERT_HEAD(&flying_sockets, socket, flight_link);
}

static void file_arrives(struct file *file)
{
    flying_files--;
    struct socket *socket = socket_of_file(file);
    if (socket && --socket->flying == 0)
        LIST_REMOVE(socket, flight_link);
}

static struct flight *take(struct flight **holder)
{
    struct flight *flight = *holder;
    if (!flight)
        return NULL;
    *holder = NULL;
    flight->holder = NULL;
    LIST_REMOVE(flight, link);
    for (unsigned i = 0; i < flight->count; i++)
        file_arrives(flight->files[i]);
    return flight;
}

/* getrlimit(2), RLIMIT_NOFILE; counted for all users together. */
static bool too_many(unsigned more)
{
    const struct credentials *credentials = credentials_current();
    return flying_files + more > file_hooks->descriptor_limit() &&
           !credentials_capable(credentials, CAP_SYS_RESOURCE) &&
           !credentials_capable(credentials, CAP_SYS_ADMIN);
}

/* ---- */

int flight_begin(struct flight *flight, struct socket *receiver, struct flight **holder)
{
    int error = 0;

    mutex_acquire(&flight_mutex);
    if (too_many(flight->count)) {
        error = -ETOOMANYREFS;
    } else {
        for (unsigned i = 0; i < flight->count; i++)
            file_departs(flight->files[i]);
        flight->holder = holder;
        *holder = flight;
        LIST_INSERT_HEAD(&receiver->carried, flight, link);
    }
    mutex_release(&flight_mutex);
    return error;
}

struct flight *flight_take(struct flight **holder)
{
    if (!*holder)
        return NULL;
    mutex_acquire(&flight_mutex);
    struct flight *flight = take(holder);
    mutex_release(&flight_mutex);
    return flight;
}

int flight_copy(struct flight **holder, struct flight **copy)
{
    int error = 0;

    mutex_acquire(&flight_mutex);
    struct flight *flight = *holder;
    if (flight) {
        *copy = flight_create(flight->count);
        error = *copy ? 0 : -ENOMEM;
        for (unsigned i = 0; *copy && i < flight->count; i++) {
            (*copy)->files[i] = flight->files[i];
            file_reference(flight->files[i]);
        }
    }
    mutex_release(&flight_mutex);
    return error;
}

/* ---- the end ---- */

static struct flight *next_ended(void)
{
    mutex_acquire(&flight_mutex);
    struct flight *flight = LIST_FIRST(&ended_flights);
    if (flight)
        LIST_REMOVE(flight, link);
    mutex_release(&flight_mutex);
    return flight;
}

/* Ends what waits for it, unless this thread is about that already. */
static void end_all(void)
{
    struct flight *flight;

    if (mutex_held(&ending_mutex))
        return;
    mutex_acquire(&ending_mutex);
    while ((flight = next_ended())) {
        for (unsigned i = 0; i < flight->count; i++)
            file_release(flight->files[i]);
        heap_free(flight);
    }
    mutex_release(&ending_mutex);
}

void flight_end(struct flight *flight)
{
    if (!flight)
        return;
    mutex_acquire(&flight_mutex);
    LIST_INSERT_HEAD(&ended_flights, flight, link);
    mutex_release(&flight_mutex);
    end_all();
}

/* ---- garbage: flight_mutex is held ---- */

/* A suspect is held by nothing but messages: nobody can send or receive through it, nor open it
   again, but by taking one of them, which needs flight_mutex. */
static void find_suspects(void)
{
    struct socket *socket;

    LIST_FOREACH(socket, &flying_sockets, flight_link)
    {
        socket->held_outside = socket->flying;
        socket->suspected =
            __atomic_load_n(&socket->file->references, __ATOMIC_ACQUIRE) == socket->flying;
    }
}

/* Moves `held_outside` of each suspect that lies in this one's inbox. */
static void count_carried(const struct socket *holder, int step)
{
    struct flight *flight;

    LIST_FOREACH(flight, &holder->carried, link)
    for (unsigned i = 0; i < flight->count; i++) {
        struct socket *socket = socket_of_file(flight->files[i]);
        if (socket && socket->suspected)
            socket->held_outside += (unsigned)step;
    }
}

/* Who is held by a message outside of the suspects' inboxes is none, and so on. True: found one. */
static bool clear_one(void)
{
    struct socket *socket;

    LIST_FOREACH(socket, &flying_sockets, flight_link)
    {
        if (!socket->suspected || !socket->held_outside)
            continue;
        socket->suspected = false;
        count_carried(socket, 1);
        return true;
    }
    return false;
}

void flights_collect_garbage(void)
{
    struct socket *socket;
    bool found = false;

    mutex_acquire(&flight_mutex);
    find_suspects();
    LIST_FOREACH(socket, &flying_sockets, flight_link)
    if (socket->suspected)
        count_carried(socket, -1);
    while (clear_one())
        ;
    /* Taking their messages changes the list: from the beginning each time. */
    do {
        LIST_FOREACH(socket, &flying_sockets, flight_link)
        if (socket->suspected && !LIST_EMPTY(&socket->carried))
            break;
        if (socket) {
            struct flight *flight = take(LIST_FIRST(&socket->carried)->holder);
            LIST_INSERT_HEAD(&ended_flights, flight, link);
            found = true;
        }
    } while (socket);
    mutex_release(&flight_mutex);
    if (found)
        end_all();
}
