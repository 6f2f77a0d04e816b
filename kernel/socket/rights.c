/*
 * rights.c: open files on their way in messages (unix(7), SCM_RIGHTS).
 *
 * A socket may be on its way to itself, or two each to the other, or to a connection that waits in
 * its own backlog: when their descriptors are closed nobody can ever receive them, and each is held
 * by the other. Only a socket that loses its last reference outside of messages can begin to be
 * such garbage, so each drop of a reference to a socket on its way is looked at (FILE_IN_FLIGHT).
 * From there the search goes to who holds it: the sockets in whose inboxes it lies, or whose
 * backlog these wait in, and on to who holds those. One among them that is held by a descriptor, or
 * by a call, ends the search; without one all that were found are garbage. So the search costs
 * nothing to who does not take part in it, however much is on its way elsewhere.
 */
#include <asm/errno.h>
#include <linux/capability.h>

#include "memory/heap.h"
#include "memory/user_account.h"
#include "socket/socket.h"
#include "thread/limits.h"
#include "thread/preemption.h"

static struct mutex rights_mutex;
static LIST_HEAD(, socket) suspects; /* rights_mutex; atomic to read whether there are any */
static uint64_t searches;            /* rights_mutex */

struct rights *rights_extend(struct rights *rights, unsigned more)
{
    unsigned count = rights ? rights->count : 0;

    struct rights *longer =
        heap_allocate_zeroed(sizeof(*longer) + (count + more) * sizeof(longer->files[0]));
    if (!longer)
        return NULL;
    for (; longer->count < count; longer->count++)
        longer->files[longer->count].file = rights->files[longer->count].file;
    heap_free(rights);
    return longer;
}

/* ---- the backlog ---- */

void socket_backlog_insert(struct socket *listener, struct socket *waiting)
{
    mutex_acquire(&rights_mutex);
    TAILQ_INSERT_TAIL(&listener->backlog, waiting, backlog_link);
    waiting->waits_at = listener;
    mutex_release(&rights_mutex);
}

void socket_backlog_remove(struct socket *listener, struct socket *waiting, struct file *file)
{
    mutex_acquire(&rights_mutex);
    TAILQ_REMOVE(&listener->backlog, waiting, backlog_link);
    waiting->waits_at = NULL;
    if (file)
        socket_attach(file, waiting);
    mutex_release(&rights_mutex);
}

/* ---- on the way: rights_mutex is held ---- */

/* Is the socket held by a descriptor or a call? One that is not on its way is, or it ends. */
static bool is_held(const struct socket *socket)
{
    if (!socket->in_flight)
        return true;
    uint32_t references = __atomic_load_n(&socket->file->references, __ATOMIC_ACQUIRE);
    return (references & ~FILE_IN_FLIGHT) != socket->in_flight;
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

static void file_departs(struct passed_file *passed)
{
    struct socket *socket = socket_of_file(passed->file);
    if (!socket)
        return;
    LIST_INSERT_HEAD(&socket->carriers, passed, link);
    if (socket->in_flight++ == 0)
        __atomic_fetch_or(&passed->file->references, FILE_IN_FLIGHT, __ATOMIC_ACQ_REL);
    suspect(socket);
}

static void file_arrives(struct passed_file *passed)
{
    struct socket *socket = socket_of_file(passed->file);
    if (!socket)
        return;
    LIST_REMOVE(passed, link);
    if (--socket->in_flight)
        return;
    __atomic_fetch_and(&passed->file->references, ~FILE_IN_FLIGHT, __ATOMIC_ACQ_REL);
    suspect_clear(socket);
}

static struct rights *take(struct rights *rights)
{
    *rights->holder = NULL;
    rights->holder = NULL;
    LIST_REMOVE(rights, link);
    for (unsigned i = 0; i < rights->count; i++)
        file_arrives(&rights->files[i]);
    user_account_discharge(&rights->account->files_in_flight, rights->count);
    user_account_release(rights->account);
    return rights;
}

/* getrlimit(2), RLIMIT_NOFILE, and unix(7), ETOOMANYREFS: one message more than the limit. */
static bool too_many(const struct user_account *account)
{
    const struct credentials *credentials = credentials_current();
    return __atomic_load_n(&account->files_in_flight, __ATOMIC_RELAXED) >
               thread_limit(RLIMIT_NOFILE) &&
           !credentials_capable(credentials, CAP_SYS_RESOURCE) &&
           !credentials_capable(credentials, CAP_SYS_ADMIN);
}

/* ---- */

int rights_begin(struct rights *rights, struct socket *receiver, struct rights **holder)
{
    struct user_account *account = user_account_get_current();
    int error = 0;

    mutex_acquire(&rights_mutex);
    if (too_many(account)) {
        error = -ETOOMANYREFS;
    } else {
        rights->receiver = receiver;
        rights->account = account;
        __atomic_fetch_add(&account->files_in_flight, rights->count, __ATOMIC_RELAXED);
        rights->holder = holder;
        *holder = rights;
        LIST_INSERT_HEAD(&receiver->carried, rights, link);
        for (unsigned i = 0; i < rights->count; i++) {
            rights->files[i].rights = rights;
            file_departs(&rights->files[i]);
        }
    }
    mutex_release(&rights_mutex);
    if (error)
        user_account_release(account);
    return error;
}

struct rights *rights_take(struct rights **holder)
{
    if (!*holder)
        return NULL;
    mutex_acquire(&rights_mutex);
    struct rights *rights = *holder ? take(*holder) : NULL;
    mutex_release(&rights_mutex);
    return rights;
}

int rights_copy(struct rights **holder, struct rights **copy)
{
    int error = 0;

    mutex_acquire(&rights_mutex);
    struct rights *rights = *holder;
    if (rights) {
        *copy = rights_extend(NULL, rights->count);
        error = *copy ? 0 : -ENOMEM;
        for (unsigned i = 0; *copy && i < rights->count; i++) {
            file_reference(rights->files[i].file);
            (*copy)->files[(*copy)->count++].file = rights->files[i].file;
        }
    }
    mutex_release(&rights_mutex);
    return error;
}

/* ---- the end ---- */

static struct rights *take_first(struct rights_list *list)
{
    struct rights *rights = LIST_FIRST(list);
    if (rights)
        LIST_REMOVE(rights, link);
    return rights;
}

/* What comes to its end with a file waits until the thread is done with that, so that ends do not
   nest. */
static void rights_end_all(struct rights_list *list)
{
    struct thread *self = thread_current();
    struct rights *rights;

    if (self->ending) {
        while ((rights = take_first(list)))
            LIST_INSERT_HEAD(self->ending, rights, link);
        return;
    }
    self->ending = list;
    while ((rights = take_first(list))) {
        for (unsigned i = 0; i < rights->count; i++)
            file_release(rights->files[i].file);
        heap_free(rights);
        thread_preemption_point();
    }
    self->ending = NULL;
}

void rights_end(struct rights *rights)
{
    struct rights_list alone = LIST_HEAD_INITIALIZER(alone);

    if (!rights)
        return;
    LIST_INSERT_HEAD(&alone, rights, link);
    rights_end_all(&alone);
}

/* ---- garbage ---- */

TAILQ_HEAD(socket_queue, socket);

/* Queues a socket that holds another, once. False: it is held itself. rights_mutex held. */
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

/* Finds the socket and all that hold it. False: one of these is held outside. rights_mutex held. */
static bool find_garbage(struct socket *first, struct socket_queue *found)
{
    struct passed_file *carrier;
    struct socket *socket;

    searches++;
    if (!add_holder(found, first))
        return false;
    TAILQ_FOREACH(socket, found, found_link)
    LIST_FOREACH(carrier, &socket->carriers, link)
    {
        struct socket *holder = carrier->rights->receiver;
        if (!add_holder(found, holder->waits_at ? holder->waits_at : holder))
            return false;
    }
    return true;
}

/* rights_mutex held. */
static void take_carried(struct socket *socket, struct rights_list *taken)
{
    while (!LIST_EMPTY(&socket->carried)) {
        struct rights *rights = take(LIST_FIRST(&socket->carried));
        LIST_INSERT_HEAD(taken, rights, link);
    }
}

/* What lies in the inboxes of garbage, and of who waits to be accepted by it. rights_mutex held. */
static void take_all(struct socket_queue *found, struct rights_list *taken)
{
    struct socket *socket, *waiting;

    TAILQ_FOREACH(socket, found, found_link)
    {
        take_carried(socket, taken);
        TAILQ_FOREACH(waiting, &socket->backlog, backlog_link)
        take_carried(waiting, taken);
    }
}

void rights_collect_garbage(void)
{
    struct rights_list garbage = LIST_HEAD_INITIALIZER(garbage);
    struct socket *socket;

    if (!__atomic_load_n(&LIST_FIRST(&suspects), __ATOMIC_ACQUIRE))
        return;
    mutex_acquire(&rights_mutex);
    while ((socket = LIST_FIRST(&suspects))) {
        struct socket_queue found = TAILQ_HEAD_INITIALIZER(found);
        suspect_clear(socket);
        if (find_garbage(socket, &found))
            take_all(&found, &garbage);
        mutex_release(&rights_mutex);
        thread_preemption_point();
        mutex_acquire(&rights_mutex);
    }
    mutex_release(&rights_mutex);
    if (!LIST_EMPTY(&garbage))
        rights_end_all(&garbage);
}

bool file_in_flight_drop(struct file *file)
{
    mutex_acquire(&rights_mutex);
    uint32_t left = __atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL);
    if (left & FILE_IN_FLIGHT)
        suspect(socket_of_file(file));
    mutex_release(&rights_mutex);
    rights_collect_garbage();
    return left == 0;
}

void rights_initialize(void)
{
    mutex_initialize(&rights_mutex, MUTEX_SOCKET_RIGHTS);
}
