/*
 * connection.h: requests to a server and its answers, through /dev/fuse.
 *
 * A request belongs to the thread that waits for it, or (release, forget) to nobody. Who gives up
 * waiting takes it out of the queues; a server that is about to read or answer it holds a reference
 * meanwhile. So what a server does not answer costs its own users their time and nobody else
 * anything; and each of them can be killed.
 */
#ifndef BATON_STORAGE_FUSE_CONNECTION_H
#define BATON_STORAGE_FUSE_CONNECTION_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "file/file.h"
#include "library/fuse_message.h"

#define FUSE_PAGES_MAXIMUM 33 /* of data with one request: 32, from the middle of one on */

struct fuse_connection;
struct fuse_file_system;
struct fuse_node;

enum fuse_request_state {
    FUSE_REQUEST_PENDING, /* in `pending`: the server has not read it */
    FUSE_REQUEST_SENT,    /* in `sent`: it is to be answered */
    FUSE_REQUEST_TAKEN,   /* in no queue: being read or answered just now, or done */
};

struct fuse_request {
    uint32_t references; /* atomic */
    /* These: the connection's lock. */
    enum fuse_request_state state;
    bool done;        /* also atomic to read */
    bool interrupted; /* the server was told, or is to be told */
    TAILQ_ENTRY(fuse_request) link;
    RB_ENTRY(fuse_request) sent_link;
    struct wait_queue waiter;

    struct fuse_in_header header; /* constant once it is queued, as the next */
    bool background;              /* nobody waits for it */
    bool unanswered;              /* the server sends nothing back (forget, interrupt) */
    void (*finish)(struct fuse_connection *connection, struct fuse_request *request); /* or NULL */
    struct fuse_node *releases;   /* a user of it, for as long as the request lives; or NULL */
    struct user_account *account; /* charged for `bytes`: a reference */
    size_t bytes;

    size_t argument_size; /* behind the structure */
    size_t answer_maximum;
    void *answer; /* behind the arguments */
    /* Data: where the server's read goes on (FUSE_WRITE), or its answer comes (FUSE_READ). A
       reference each. */
    paddr_t frames[FUSE_PAGES_MAXIMUM];
    size_t frame_count, frame_bytes;
    bool frames_out; /* they are filled by the answer */

    int error;          /* of the server, or what happened to it; written before `done` */
    size_t answer_size; /* bytes of the answer, in `answer` or in the frames */
    char memory[];
};

struct fuse_connection {
    uint32_t references; /* atomic: files on /dev/fuse, and the file system */
    uint32_t devices;    /* of these, files; atomic: with the last one the server is gone */
    struct spinlock lock;
    TAILQ_HEAD(fuse_requests, fuse_request) pending; /* lock */
    RB_HEAD(fuse_sent, fuse_request) sent;           /* by number; lock */
    uint32_t interrupts;       /* of them in `pending`, that nobody owns; lock */
    uint64_t next_unique;      /* lock */
    bool ready;                /* FUSE_INIT was answered; lock to write, atomic to read */
    bool ended;                /* no server any more; lock to write, atomic to read */
    struct wait_queue server;  /* threads that wait to read, and pollers */
    struct wait_queue started; /* who waits until it is ready */
    struct fuse_terms terms;   /* constant once it is ready */
    uint32_t missing[2];       /* calls that the server has not, a bit each; atomic */
    TAILQ_HEAD(fuse_forgotten, fuse_node) forgotten; /* nodes to be forgotten; lock */
    bool forget_next;   /* before what is pending: each read's turn in turn; lock */
    uint32_t unwatched; /* pages of writes that nobody waits for; atomic, as the next two */
    uint64_t
        unwatched_moved; /* when the first of them was sent, or the last taken; ns since boot */
    uint64_t unwatched_waited; /* for how long there was no room, since all were taken; ns */
    uint32_t releases;         /* that are not answered yet; atomic */
    struct fuse_file_system *file_system; /* lock; NULL: not mounted, or not any more */
};

/* What is asked, and where the answer goes. */
struct fuse_call {
    uint32_t operation; /* FUSE_* */
    uint64_t node;
    struct {
        const void *bytes;
        size_t size;
    } arguments[3];
    void *answer;
    size_t answer_size; /* room; after the call, what came */
    bool whole;         /* an answer of another size is an error */
    /* Data with it, in pages; see struct fuse_request. */
    const paddr_t *frames;
    size_t frame_bytes;
    bool frames_out;
};

struct fuse_connection *fuse_connection_create(void);
void fuse_connection_release(struct fuse_connection *connection);
/* The server is gone, or not wanted any more: all that wait get an error, now and later. */
void fuse_connection_end(struct fuse_connection *connection);
static inline bool fuse_connection_ended(const struct fuse_connection *connection)
{
    return __atomic_load_n(&connection->ended, __ATOMIC_ACQUIRE);
}

/*
 * Asks and waits: 0 or the server's error; -ENOTCONN: it is gone, -EINTR: a fatal signal came,
 * -EIO: an answer that is none, -ENOMEM. -ENOSYS is remembered: the server is not asked again.
 * Thread context; locks that are only ever waited for killably.
 */
int fuse_call(struct fuse_connection *connection, struct fuse_call *call);
/* Asks, and nobody waits; `finish` is told of the end, the answer is dropped. 0, -ENOMEM,
   -ENOTCONN: then it is not told. */
int fuse_call_unwatched(struct fuse_connection *connection, const struct fuse_call *call,
                        void (*finish)(struct fuse_connection *, struct fuse_request *));
bool fuse_call_missing(const struct fuse_connection *connection, uint32_t operation);

/* A request that is made now and sent later, by which it cannot fail; NULL: no memory. */
struct fuse_request *fuse_request_create(uint32_t operation, uint64_t node, size_t argument_size,
                                         size_t answer_maximum);
static inline void *fuse_request_arguments(struct fuse_request *request)
{
    return request->memory;
}
/* Sends it; nobody waits. Its reference passes. */
void fuse_request_send(struct fuse_connection *connection, struct fuse_request *request);
void fuse_request_release(struct fuse_request *request);

/* The file on /dev/fuse that this is, with its connection, for mount(2): a reference to that, or
   NULL: it is none, or one that is mounted already. */
struct fuse_connection *fuse_device_connection(struct file *file,
                                               struct fuse_file_system *file_system);
int fuse_device_initialize(void);

#endif
