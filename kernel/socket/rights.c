/*
 * rights.c: open files on their way in messages (unix(7), SCM_RIGHTS).
 *
 * A socket may be on its way to itself, or two each to the other, or to a connection that waits in
 * its own backlog: when their descriptors are closed nobody can ever receive them, and each is held
 * by the other. Only a socket that loses its last reference outside of messages can begin to be
 * such garbage, so each drop of a reference to a socket on its way is looked at (FILE_FLYING). From
 * there the search goes to who holds it: the sockets in whose inboxes it lies, or whose backlog
 * these wait in, and on to who holds those. One among them that is held by a descriptor, or by a
 * call, ends the search; without one all that were found are garbage. So the search costs nothing
 * to who does not take part in it, however much is on its way elsewhere.
 */
#include <asm/errno.h>
#include <linux/capability.h>

#include "memory/heap.h"
#include "memory/user_account.h"
#include "socket/socket.h"
#include "thread/limits.h"

static struct mutex flight_mutex;
static LIST_HEAD(, socket) suspects; /* flight_mutex; atomic to read whether there are any */
static uint64_t searches;            /* flight_mutex */

struct flight *flight_extend(struct flight *flight, unsigned more)
{
    unsigned count = flight ? flight->count : 0;

    struct flight *longer =
        heap_allocate_zeroed(sizeof(*longer) + (count + more) * sizeof(longer->files[0]));
    if (!longer)
        return NULL;
    for (; longer->count < count; longer->count++)
        longer->files[longer->count].file = flight->files[longer->count].file;
    heap_free(flight);
    return longer;
}

/* ---- the backlog ---- */

void socket_backlog_insert(struct socket *listener, struct socket *waiting)
{
    mutex_acquire(&flight_mutex);
    TAILQ_INSERT_TAIL(&listener->backlog, waiting, backlog_link);
    waiting->waits_at = listener;
    mutex_release(&flight_mutex);
}

void socket_backlog_remove(struct socket *listener, struct socket *waiting, struct file *file)
{
    mutex_acquire(&flight_mutex);
    TAILQ_REMOVE(&listener->backlog, waiting, backlog_link);
    waiting->waits_at = NULL;
    if (file)
        socket_attach(file, waiting);
    mutex_release(&flight_mutex);
}

/* ---- on the way: flight_mutex is held ---- */

/* Is the socket held by a descriptor or a call? One that is not on its way is, or it ends. */
static bool is_held(const struct socket *socket)
{
    if (!socket->flying)
        return true;
    uint32_t references = __atomic_load_n(&socket->file->references, __ATOMIC_ACQUIRE);
    return (references & ~FILE_FLYING) != socket->flying;
}

static void suspect(struct socket *socket)
{
    if (socket->suspected || is_held(socket))
        return;
    socket->suspected = true;
    LIST_INSERT_HEAD(&suspects, socket, suspect_link);
}

static void suspect_clear(struct socket *socket)
{
    if (!socket->suspected)
        return;
    socket->suspected = false;
    LIST_REMOVE(socket, suspect_link);
}

static void file_departs(struct flying_file *flying)
{
    struct socket *socket = socket_of_file(flying->file);
    if (!socket)
        return;
    LIST_INSERT_HEAD(&socket->carriers, flying, link);
    if (socket->flying++ == 0)
        __atomic_fetch_or(&flying->file->references, FILE_FLYING, __ATOMIC_ACQ_REL);
    suspect(socket);
}

static void file_arrives(struct flying_file *flying)
{
    struct socket *socket = socket_of_file(flying->file);
    if (!socket)
        return;
    LIST_REMOVE(flying, link);
    if (--socket->flying)
        return;
    __atomic_fetch_and(&flying->file->references, ~FILE_FLYING, __ATOMIC_ACQ_REL);
    suspect_clear(socket);
}

static struct flight *take(struct flight *flight)
{
    *flight->holder = NULL;
    flight->holder = NULL;
    LIST_REMOVE(flight, link);
    for (unsigned i = 0; i < flight->count; i++)
        file_arrives(&flight->files[i]);
    user_account_discharge(&flight->account->flying_files, flight->count);
    user_account_release(flight->account);
    return flight;
}

/* getrlimit(2), RLIMIT_NOFILE, and unix(7), ETOOMANYREFS: one message more than the limit. */
static bool too_many(const struct user_account *account)
{
    const struct credentials *credentials = credentials_current();
    return __atomic_load_n(&account->flying_files, __ATOMIC_RELAXED) >
               thread_limit(RLIMIT_NOFILE) &&
           !credentials_capable(credentials, CAP_SYS_RESOURCE) &&
           !credentials_capable(credentials, CAP_SYS_ADMIN);
}

/* ---- */

int flight_begin(struct flight *flight, struct socket *receiver, struct flight **holder)
{
    struct user_account *account = user_account_get_current();
    int error = 0;

    mutex_acquire(&flight_mutex);
    if (too_many(account)) {
        error = -ETOOMANYREFS;
    } else {
        flight->receiver = receiver;
        flight->account = account;
        __atomic_fetch_add(&account->flying_files, flight->count, __ATOMIC_RELAXED);
        flight->holder = holder;
        *holder = flight;
        LIST_INSERT_HEAD(&receiver->carried, flight, link);
        for (unsigned i = 0; i < flight->count; i++) {
            flight->files[i].flight = flight;
            file_departs(&flight->files[i]);
        }
    }
    mutex_release(&flight_mutex);
    if (error)
        user_account_release(account);
    return error;
}

struct flight *flight_take(struct flight **holder)
{
    if (!*holder)
        return NULL;
    mutex_acquire(&flight_mutex);
    struct flight *flight = *holder ? take(*holder) : NULL;
    mutex_release(&flight_mutex);
    return flight;
}

int flight_copy(struct flight **holder, struct flight **copy)
{
    int error = 0;

    mutex_acquire(&flight_mutex);
    struct flight *flight = *holder;
    if (flight) {
        *copy = flight_extend(NULL, flight->count);
        error = *copy ? 0 : -ENOMEM;
        for (unsigned i = 0; *copy && i < flight->count; i++) {
            file_reference(flight->files[i].file);
            (*copy)->files[(*copy)->count++].file = flight->files[i].file;
        }
    }
    mutex_release(&flight_mutex);
    return error;
}

/* ---- the end ---- */

static struct flight *take_first(struct flight_list *flights)
{
    struct flight *flight = LIST_FIRST(flights);
    if (flight)
        LIST_REMOVE(flight, link);
    return flight;
}

/* What comes to its end with a file waits until the thread is done with that, so that ends do not
   nest. */
static void flights_end(struct flight_list *flights)
{
    struct thread *self = thread_current();
    struct flight *flight;

    if (self->ending) {
        while ((flight = take_first(flights)))
            LIST_INSERT_HEAD(self->ending, flight, link);
        return;
    }
    self->ending = flights;
    while ((flight = take_first(flights))) {
        for (unsigned i = 0; i < flight->count; i++)
            file_release(flight->files[i].file);
        heap_free(flight);
        thread_preemption_point();
    }
    self->ending = NULL;
}

void flight_end(struct flight *flight)
{
    struct flight_list alone = LIST_HEAD_INITIALIZER(alone);

    if (!flight)
        return;
    LIST_INSERT_HEAD(&alone, flight, link);
    flights_end(&alone);
}

/* ---- garbage ---- */

TAILQ_HEAD(socket_queue, socket);

/* Queues a socket that holds another, once. False: it is held itself. flight_mutex held. */
static bool add_holder(struct socket_queue *found, struct socket *socket)
{
    if (is_held(socket))
        return false;
    if (socket->search != searches) {
        socket->search = searches;
        TAILQ_INSERT_TAIL(found, socket, found_link);
    }
    return true;
}

/* Finds the socket and all that hold it. False: one of these is held outside. flight_mutex held. */
static bool find_garbage(struct socket *first, struct socket_queue *found)
{
    struct flying_file *carrier;
    struct socket *socket;

    searches++;
    if (!add_holder(found, first))
        return false;
    TAILQ_FOREACH(socket, found, found_link)
    LIST_FOREACH(carrier, &socket->carriers, link)
    {
        struct socket *holder = carrier->flight->receiver;
        if (!add_holder(found, holder->waits_at ? holder->waits_at : holder))
            return false;
    }
    return true;
}

/* flight_mutex held. */
static void take_carried(struct socket *socket, struct flight_list *taken)
{
    while (!LIST_EMPTY(&socket->carried)) {
        struct flight *flight = take(LIST_FIRST(&socket->carried));
        LIST_INSERT_HEAD(taken, flight, link);
    }
}

/* What lies in the inboxes of garbage, and of who waits to be accepted by it. flight_mutex held. */
static void take_all(struct socket_queue *found, struct flight_list *taken)
{
    struct socket *socket, *waiting;

    TAILQ_FOREACH(socket, found, found_link)
    {
        take_carried(socket, taken);
        TAILQ_FOREACH(waiting, &socket->backlog, backlog_link)
        take_carried(waiting, taken);
    }
}

void flights_collect_garbage(void)
{
    struct flight_list garbage = LIST_HEAD_INITIALIZER(garbage);
    struct socket *socket;

    if (!__atomic_load_n(&LIST_FIRST(&suspects), __ATOMIC_ACQUIRE))
        return;
    mutex_acquire(&flight_mutex);
    while ((socket = LIST_FIRST(&suspects))) {
        struct socket_queue found = TAILQ_HEAD_INITIALIZER(found);
        suspect_clear(socket);
        if (find_garbage(socket, &found))
            take_all(&found, &garbage);
        mutex_release(&flight_mutex);
        thread_preemption_point();
        mutex_acquire(&flight_mutex);
    }
    mutex_release(&flight_mutex);
    if (!LIST_EMPTY(&garbage))
        flights_end(&garbage);
}

bool flying_file_drop(struct file *file)
{
    mutex_acquire(&flight_mutex);
    uint32_t left = __atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL);
    if (left & FILE_FLYING)
        suspect(socket_of_file(file));
    mutex_release(&flight_mutex);
    flights_collect_garbage();
    return left == 0;
}

void flights_initialize(void)
{
    mutex_initialize(&flight_mutex, MUTEX_SOCKET_FLIGHT);
}
