/*
 * socket.h: AF_UNIX sockets (unix(7)), for the other files of this room.
 *
 * A socket owns what has been sent to it and what it is bound to; two that are connected refer to
 * each other. Each message is charged to who sent it until it is received.
 */
#ifndef BATON_SOCKET_SOCKET_H
#define BATON_SOCKET_SOCKET_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <linux/un.h>

#include "file/poll/async.h"

/* socket(2), send(2), recv(2), shutdown(2); not among the UAPI headers. */
enum {
    SOCK_STREAM = 1,
    SOCK_DGRAM = 2,
    SOCK_RAW = 3, /* as SOCK_DGRAM: unix(7) */
    SOCK_SEQPACKET = 5,
    SOCK_TYPE_MASK = 0xf,
};
#define SOCK_CLOEXEC  O_CLOEXEC
#define SOCK_NONBLOCK O_NONBLOCK
#define AF_UNSPEC     0
#define AF_UNIX       1
#define AF_NETLINK    16
#define SOL_SOCKET    1

enum {
    MSG_OOB = 0x1,
    MSG_PEEK = 0x2,
    MSG_CTRUNC = 0x8,
    MSG_TRUNC = 0x20,
    MSG_DONTWAIT = 0x40,
    MSG_WAITALL = 0x100,
    MSG_NOSIGNAL = 0x4000,
    MSG_WAITFORONE = 0x10000,
    MSG_CMSG_CLOEXEC = 0x40000000,
};

/* struct ucred of unix(7): who sent a message, or was there when a connection was made. */
struct socket_identity {
    int32_t process;
    uint32_t user, group;
};
struct socket_identity socket_identity_current(void);

/* A sun_path: `length` bytes, the NUL of a path name counted, of which an abstract name's first
   is one. 0: none. */
struct socket_name {
    unsigned length;
    char text[UNIX_PATH_MAX + 1];
};

/* Files on their way in a message (SCM_RIGHTS). */
struct passed_file {
    struct file *file;            /* a reference; constant */
    struct rights *rights;        /* constant once it is on its way */
    LIST_ENTRY(passed_file) link; /* in a socket's `carriers`; rights.c's */
};
struct rights {
    LIST_ENTRY(rights) link;      /* in the receiver's `carried`, or to be ended; rights.c's */
    struct rights **holder;       /* the message's field; NULL: not on its way; rights.c's */
    struct socket *receiver;      /* in whose inbox it lies; constant on its way */
    struct user_account *account; /* of who sent it: a reference; constant on its way */
    unsigned count;               /* constant on its way */
    struct passed_file files[];
};
LIST_HEAD(rights_list, rights);

struct message {
    TAILQ_ENTRY(message) link;       /* in the receiver's inbox; its lock */
    struct socket *sender;           /* a reference; constant */
    struct socket_identity identity; /* constant */
    struct rights *rights;           /* or NULL; the receiver's lock, to write rights.c's */
    uint64_t
        came;     /* ns of the wall clock; 0: who receives did not ask; constant once it is there */
    size_t size;  /* constant */
    size_t taken; /* bytes of a stream's that were read; the receiver's lock */
    char bytes[];
};
TAILQ_HEAD(message_list, message);

enum socket_state {
    SOCKET_UNCONNECTED,
    SOCKET_LISTENING,
    SOCKET_CONNECTED,
    SOCKET_CLOSED,
};

enum {
    SHUT_RECEIVE = 1,
    SHUT_SEND = 2,
    SHUT_BOTH = 3,
};

/*
 * Locks: names_mutex (name.c) and connection_mutex (connection.c), one for all
 * sockets, → a socket's lock → rights_mutex (rights.c). Nobody holds the locks of two.
 */
struct socket {
    uint32_t references; /* atomic: its file, its peer, who waits in its backlog, its messages */
    uint32_t type;       /* SOCK_*; constant */
    bool netlink;        /* of AF_NETLINK: netlink.c; constant */
    uint32_t netlink_port, netlink_groups; /* atomic */
    struct file *file; /* without a reference; NULL: not accepted yet; connection_mutex */
    uint64_t number;   /* its inode's; 0: not accepted yet; atomic */
    TAILQ_ENTRY(socket) all_link; /* view.c's */
    struct mutex lock;            /* sleeps and touches user memory, as a pipe's */
    uint32_t state;      /* enum socket_state; lock, for connections connection_mutex too; atomic */
    uint32_t shut;       /* SHUT_*; lock; atomic to read */
    int32_t error;       /* SO_ERROR; atomic */
    struct socket *peer; /* a reference; lock */
    struct message_list inbox; /* lock */
    unsigned waiting;          /* in the inbox or the backlog; lock of the list; atomic to read */
    size_t charged;            /* for what it sent and nobody has read; atomic */
    struct user_account *account; /* of who made it, charged for the same: a reference; constant */
    struct wait_queue changed;    /* anything of the above, or room to send */
    struct async_list async;
    bool room_wanted;             /* a send found none: its signal tells of the next; atomic */
    uint32_t options;             /* a bit for each SO_* of those that are on or off; atomic */
    size_t send_limit;            /* SO_SNDBUF; atomic */
    size_t receive_limit;         /* SO_RCVBUF: told, and no more; atomic */
    uint64_t send_timeout;        /* ns, 0: none; atomic */
    uint64_t receive_timeout;     /* …as well */
    int priority;                 /* SO_PRIORITY: told, and no more; atomic */
    int stamp;                    /* which of SO_TIMESTAMP… messages bring, 0: none; atomic */
    int least_received;           /* SO_RCVLOWAT: bytes that a stream's read waits for; atomic */
    uint64_t linger;              /* SO_LINGER: a struct linger, told, and no more; atomic */
    struct socket_identity own;   /* at listen(2); connection_mutex */
    struct socket_identity other; /* SO_PEERCRED; connection_mutex */

    /* Connections nobody accepted yet; connection_mutex and rights_mutex to change, either to
       read. */
    TAILQ_HEAD(, socket) backlog;
    TAILQ_ENTRY(socket) backlog_link;
    struct socket *waits_at; /* the listener in whose backlog it is */
    unsigned backlog_limit;  /* connection_mutex */

    struct socket_name name;    /* constant once its length is there; names_mutex to write */
    struct inode *place;        /* of a path name: a reference; names_mutex */
    RB_ENTRY(socket) name_link; /* of an abstract name; names_mutex */
    /* rights.c; rights_mutex. */
    struct rights_list carried;        /* the rights in its inbox */
    LIST_HEAD(, passed_file) carriers; /* its file's places in others' */
    unsigned in_flight;                /* how many these are */
    bool suspected;                    /* of being garbage: is among the suspects */
    LIST_ENTRY(socket) suspect_link;
    uint64_t search; /* the last search that came here */
    TAILQ_ENTRY(socket) found_link;
};

static inline bool socket_option(const struct socket *socket, unsigned option)
{
    return __atomic_load_n(&socket->options, __ATOMIC_RELAXED) >> option & 1;
}

/* ---- socket.c ---- */

/* Unconnected, one reference, without a file. 0, -ENOMEM; -ENFILE: the user has too many. */
int socket_create(uint32_t type, struct socket **result);
static inline void socket_reference(struct socket *socket)
{
    __atomic_fetch_add(&socket->references, 1, __ATOMIC_RELAXED);
}
/* Any context that may free memory. NULL allowed. */
void socket_release(struct socket *socket);
/* A file without a socket yet: set it by socket_attach. NULL: no memory. */
struct file *socket_file_create(uint32_t flags);
void socket_attach(struct file *file, struct socket *socket);
/* The last file is gone, or a connection was never accepted: ends both directions, drops what was
   sent to it, and the caller's reference. */
void socket_close(struct socket *socket);
/* The socket behind a descriptor, and its file with a reference. 0, -EBADF, -ENOTSOCK. */
int socket_get(int descriptor, struct file **file, struct socket **socket);
/* NULL: it is none. Without a reference. */
struct socket *socket_of_file(const struct file *file);
/* With a reference; NULL: it has none. */
struct socket *socket_peer(struct socket *socket);
/* No more in these directions: SHUT_*; `error`: for SO_ERROR, or 0. */
void socket_shut(struct socket *socket, uint32_t directions, int error);
/* The same by who is connected to it, which its owner is told of (O_ASYNC). */
void socket_shut_peer(struct socket *peer, uint32_t directions, int error);
bool socket_writable(const struct socket *socket);
static inline bool socket_is_connection(const struct socket *socket)
{
    return socket->type != SOCK_DGRAM;
}

/* When a call with this timeout ends, ns since boot, and what an error of its wait means: a call
   with a timeout is not started again (signal(7)). 0 stays 0. */
uint64_t socket_deadline(const uint64_t *timeout);
int socket_wait_error(int error, uint64_t deadline);

/* ---- netlink.c ---- */

bool netlink_is_known(uint32_t type, int protocol);
/* bind(2), getsockname(2) of such a socket. */
int netlink_bind(struct socket *socket, vaddr_t address, int size);
int netlink_name_to_user(const struct socket *socket, vaddr_t address, vaddr_t size_address);

/* ---- name.c ---- */

/* What getsockname(2) and its like answer with: as much of the name as there is room for, and how
   long all of it is. 0, -EINVAL, -EFAULT. */
int socket_address_to_user(const void *name, int size, vaddr_t address, vaddr_t size_address);
void socket_names_initialize(void);
/* A struct sockaddr_un in user memory. -EINVAL, -EFAULT. */
int socket_name_from_user(struct socket_name *name, vaddr_t address, int size);
/* …and to user memory, as accept(2) says: *size is how much there is room for, then how much
   there would be. */
int socket_name_to_user(const struct socket_name *name, vaddr_t address, vaddr_t size);
/* What a socket is bound to, or an empty name. */
void socket_name_of(const struct socket *socket, struct socket_name *name);
/* Binds; an empty name: to an abstract one that is free. `mode`: of the file. bind(2)'s errors. */
int socket_bind(struct socket *socket, const struct socket_name *name, uint32_t mode);
void socket_unbind(struct socket *socket);
/* Who is bound to it, with a reference. connect(2)'s errors, after which *found is as it was. */
int socket_find(const struct socket_name *name, uint32_t type, struct socket **found);

/* ---- connection.c ---- */

void socket_connections_initialize(void);
/* Two new sockets become each other's peers. */
void socket_join(struct socket *first, struct socket *second);
/* SO_PEERCRED. */
struct socket_identity socket_other(struct socket *socket);
/* For socket_close: nobody connects any more; who waited is closed. */
void socket_connections_end(struct socket *socket);

/* ---- message.c ---- */

struct outgoing {
    struct transfer *data;
    struct socket *receiver; /* sendto(2): it, not the peer; or NULL */
    struct rights *rights;   /* taken over when sent; or NULL */
    struct socket_identity identity;
    bool nonblocking;
    bool silent; /* MSG_NOSIGNAL */
};
ssize_t socket_send(struct socket *socket, struct outgoing *out);

struct incoming {
    struct transfer *data;
    bool peek, all, nonblocking;
    /* What came, beside the bytes: */
    struct socket *sender; /* a reference, or NULL */
    struct socket_identity identity;
    struct rights *rights; /* the caller's, or NULL */
    uint64_t came;         /* when, ns of the wall clock; 0: it was not noted */
    size_t full_size;      /* of the message, however much of it there was room for */
    size_t taken;          /* of these bytes */
};
ssize_t socket_receive(struct socket *socket, struct incoming *in);
/* Frees messages that were taken off an inbox; their files end. No lock held. */
void messages_free(struct message_list *messages);
/* Bytes a read would get (FIONREAD). */
size_t socket_readable_size(struct socket *socket);

/* ---- rights.c ---- */

void rights_initialize(void);
/* As file/hooks.h asks. */
bool file_in_flight_drop(struct file *file);
#define RIGHTS_FILES_MAXIMUM 253 /* unix(7), SCM_RIGHTS */
/* Rights with the files of these, if any, which are freed, and room for more; NULL: no memory, and
   nothing has changed. */
struct rights *rights_extend(struct rights *rights, unsigned more);
/* The rights belong to *holder, a message in the socket's inbox, whose lock is held; then, without
   it, rights_collect_garbage(). 0, or -ETOOMANYREFS: its user has too many files on their way. */
int rights_begin(struct rights *rights, struct socket *receiver, struct rights **holder);
/* They are no more in flight; the caller has them. NULL: there are none. */
struct rights *rights_take(struct rights **holder);
/* A copy with references of its own, for MSG_PEEK. 0 or -ENOMEM. */
int rights_copy(struct rights **holder, struct rights **copy);
/* Drops the files. NULL allowed. May end other sockets: no lock held. */
void rights_end(struct rights *rights);
/* Ends sockets that were sent to nobody but themselves. No lock held. */
void rights_collect_garbage(void);
/* Joins or leaves a listener's backlog, in the latter case with its file or, to be closed, without
   one. connection_mutex held. */
void socket_backlog_insert(struct socket *listener, struct socket *waiting);
void socket_backlog_remove(struct socket *listener, struct socket *waiting, struct file *file);

/* At boot, before the first program. */
void sockets_initialize(void);

/* view.c: from its making to its end. */
void socket_list_add(struct socket *socket);
void socket_list_remove(struct socket *socket);

#endif
