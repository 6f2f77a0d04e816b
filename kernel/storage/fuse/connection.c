/* connection.c: requests to a server: made, queued, waited for, given up. */
#include "storage/fuse/connection.h"

#include <asm/errno.h>

#include "file/hooks.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "storage/fuse/fuse.h"

/* Interrupts that a server has not read, of callers that are gone: more are not kept. */
#define INTERRUPTS_MAXIMUM 1024

static int unique_compare(const struct fuse_request *left, const struct fuse_request *right)
{
    uint64_t one = left->header.unique, other = right->header.unique;
    return one < other ? -1 : one > other;
}
RB_PROTOTYPE(fuse_sent, fuse_request, sent_link, unique_compare)
RB_GENERATE(fuse_sent, fuse_request, sent_link, unique_compare)

/* ---- life ---- */

struct fuse_connection *fuse_connection_create(void)
{
    struct fuse_connection *connection = heap_allocate_zeroed(sizeof(*connection));
    if (!connection)
        return NULL;
    connection->references = 1;
    spinlock_initialize(&connection->lock, LOCK_UNRANKED);
    TAILQ_INIT(&connection->pending);
    TAILQ_INIT(&connection->forgotten);
    RB_INIT(&connection->sent);
    wait_queue_initialize(&connection->server);
    wait_queue_initialize(&connection->started);
    connection->next_unique = 2;
    return connection;
}

void fuse_connection_release(struct fuse_connection *connection)
{
    if (connection && __atomic_sub_fetch(&connection->references, 1, __ATOMIC_ACQ_REL) == 0)
        heap_free(connection);
}

struct fuse_request *fuse_request_create(uint32_t operation, uint64_t node, size_t argument_size,
                                         size_t answer_maximum)
{
    const struct credentials *credentials = credentials_current();
    size_t arguments = (argument_size + 15) & ~15UL;
    size_t bytes = sizeof(struct fuse_request) + arguments + answer_maximum;
    struct fuse_request *request = heap_allocate_zeroed(bytes);

    if (!request)
        return NULL;
    request->references = 1;
    request->state = FUSE_REQUEST_TAKEN;
    wait_queue_initialize(&request->waiter);
    request->header = (struct fuse_in_header){
        .len = (uint32_t)(sizeof(request->header) + argument_size),
        .opcode = operation,
        .nodeid = node,
        .uid = credentials->file_user,
        .gid = credentials->file_group,
        .pid = (uint32_t)file_hooks.process_number(),
    };
    request->argument_size = argument_size;
    request->answer_maximum = answer_maximum;
    request->answer = request->memory + arguments;
    request->bytes = bytes;
    request->account = user_account_get_current();
    if (request->account)
        __atomic_fetch_add(&request->account->heap_bytes, bytes, __ATOMIC_RELAXED);
    return request;
}

void fuse_request_release(struct fuse_request *request)
{
    if (!request || __atomic_sub_fetch(&request->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    while (request->frame_count)
        frame_release(request->frames[--request->frame_count]);
    if (request->account)
        __atomic_fetch_sub(&request->account->heap_bytes, request->bytes, __ATOMIC_RELAXED);
    user_account_release(request->account);
    if (request->releases)
        fuse_node_release(request->releases);
    heap_free(request);
}

/* ---- queues: lock held ---- */

static void enqueue(struct fuse_connection *connection, struct fuse_request *request, bool first)
{
    request->state = FUSE_REQUEST_PENDING;
    if (first)
        TAILQ_INSERT_HEAD(&connection->pending, request, link);
    else
        TAILQ_INSERT_TAIL(&connection->pending, request, link);
}

/* Takes it out of whatever queue it is in. */
static void dequeue(struct fuse_connection *connection, struct fuse_request *request)
{
    if (request->state == FUSE_REQUEST_PENDING) {
        TAILQ_REMOVE(&connection->pending, request, link);
        if (request->header.opcode == FUSE_INTERRUPT)
            connection->interrupts--;
    } else if (request->state == FUSE_REQUEST_SENT) {
        RB_REMOVE(fuse_sent, &connection->sent, request);
    }
    request->state = FUSE_REQUEST_TAKEN;
}

struct fuse_request *fuse_connection_take(struct fuse_connection *connection, uint64_t unique)
{
    struct fuse_request key = {.header.unique = unique};
    struct fuse_request *request;

    spinlock_acquire(&connection->lock);
    request = RB_FIND(fuse_sent, &connection->sent, &key);
    if (request) {
        dequeue(connection, request);
        __atomic_fetch_add(&request->references, 1, __ATOMIC_RELAXED);
    }
    spinlock_release(&connection->lock);
    return request;
}

struct fuse_request *fuse_connection_next(struct fuse_connection *connection)
{
    spinlock_acquire(&connection->lock);
    struct fuse_request *request = TAILQ_FIRST(&connection->pending);
    /* Each request may look up some dozens of nodes, and so many are forgotten with one message:
       while requests come without end nodes do not gather. */
    connection->forget_next = !connection->forget_next && !TAILQ_EMPTY(&connection->forgotten);
    if (connection->forget_next)
        request = NULL;
    if (request) {
        dequeue(connection, request);
        __atomic_fetch_add(&request->references, 1, __ATOMIC_RELAXED);
        if (request->done) /* cannot be: who ends it takes it out */
            request = NULL;
    }
    spinlock_release(&connection->lock);
    return request;
}

size_t fuse_nodes_forgotten(struct fuse_connection *connection, struct fuse_node **found,
                            size_t count)
{
    size_t done = 0;

    spinlock_acquire(&connection->lock);
    while (done < count && !TAILQ_EMPTY(&connection->forgotten)) {
        found[done] = TAILQ_FIRST(&connection->forgotten);
        TAILQ_REMOVE(&connection->forgotten, found[done], forgotten_link);
        done++;
    }
    spinlock_release(&connection->lock);
    return done;
}

void fuse_nodes_forget_all(struct fuse_connection *connection)
{
    struct fuse_node *found[16];
    size_t count;

    while ((count = fuse_nodes_forgotten(connection, found, array_length(found))) > 0)
        while (count)
            heap_free(found[--count]);
}

/* ---- ends ---- */

void fuse_request_end(struct fuse_connection *connection, struct fuse_request *request, int error)
{
    spinlock_acquire(&connection->lock);
    dequeue(connection, request);
    bool first = !request->done;
    if (first) {
        request->error = error;
        __atomic_store_n(&request->done, true, __ATOMIC_RELEASE);
    }
    spinlock_release(&connection->lock);
    if (!first)
        return;
    if (request->finish)
        request->finish(connection, request);
    if (request->background)
        fuse_request_release(request);
    else
        wait_queue_wake_all(&request->waiter);
}

bool fuse_request_sent(struct fuse_connection *connection, struct fuse_request *request)
{
    spinlock_acquire(&connection->lock);
    bool wanted = !request->done && !connection->ended;
    if (wanted) {
        request->state = FUSE_REQUEST_SENT;
        RB_INSERT(fuse_sent, &connection->sent, request);
    }
    spinlock_release(&connection->lock);
    return wanted;
}

void fuse_connection_end(struct fuse_connection *connection)
{
    spinlock_acquire(&connection->lock);
    __atomic_store_n(&connection->ended, true, __ATOMIC_SEQ_CST);
    for (;;) {
        struct fuse_request *request = TAILQ_FIRST(&connection->pending);
        if (!request)
            request = RB_ROOT(&connection->sent);
        if (!request)
            break;
        dequeue(connection, request);
        __atomic_fetch_add(&request->references, 1, __ATOMIC_RELAXED);
        spinlock_release(&connection->lock);
        fuse_request_end(connection, request, -ENOTCONN);
        fuse_request_release(request);
        spinlock_acquire(&connection->lock);
    }
    spinlock_release(&connection->lock);
    fuse_nodes_forget_all(connection);
    wait_queue_wake_all(&connection->server);
    wait_queue_wake_all(&connection->started);
}

/* ---- asking ---- */

/* False: there is no server. */
static bool send(struct fuse_connection *connection, struct fuse_request *request)
{
    spinlock_acquire(&connection->lock);
    bool there = !connection->ended;
    if (there) {
        request->header.unique = connection->next_unique;
        connection->next_unique += 2; /* an odd one is its interrupt's (fuse_kernel.h) */
        enqueue(connection, request, request->header.opcode == FUSE_INIT);
    }
    spinlock_release(&connection->lock);
    if (there)
        wait_queue_wake(&connection->server);
    return there;
}

void fuse_request_send(struct fuse_connection *connection, struct fuse_request *request)
{
    request->background = true;
    if (!send(connection, request))
        fuse_request_end(connection, request, -ENOTCONN);
}

/* Tells the server that nobody waits for this one any more. */
static void interrupt(struct fuse_connection *connection, uint64_t unique)
{
    struct fuse_request *note = NULL;

    if (!fuse_call_missing(connection, FUSE_INTERRUPT))
        note = fuse_request_create(FUSE_INTERRUPT, 0, sizeof(struct fuse_interrupt_in), 0);
    if (!note)
        return;
    *(struct fuse_interrupt_in *)fuse_request_arguments(note) =
        (struct fuse_interrupt_in){.unique = unique};
    note->background = note->unanswered = true;
    note->header.unique = unique | 1;
    spinlock_acquire(&connection->lock);
    bool kept = !connection->ended && connection->interrupts < INTERRUPTS_MAXIMUM;
    if (kept) {
        connection->interrupts++;
        enqueue(connection, note, true);
    }
    spinlock_release(&connection->lock);
    if (kept)
        wait_queue_wake(&connection->server);
    else
        fuse_request_release(note);
}

/* Gives up: 0 if the answer came in the last moment. */
static int give_up(struct fuse_connection *connection, struct fuse_request *request)
{
    spinlock_acquire(&connection->lock);
    bool done = request->done, sent = request->state != FUSE_REQUEST_PENDING;
    if (!done) {
        dequeue(connection, request);
        request->error = -EINTR;
        __atomic_store_n(&request->done, true, __ATOMIC_RELEASE);
    }
    spinlock_release(&connection->lock);
    if (!done && sent && !request->interrupted)
        interrupt(connection, request->header.unique);
    return done ? 0 : -EINTR;
}

static bool is_done(const struct fuse_request *request)
{
    return __atomic_load_n(&request->done, __ATOMIC_ACQUIRE);
}

/* Any signal is told to the server, which may answer EINTR then; a fatal one ends the wait. */
static int wait(struct fuse_connection *connection, struct fuse_request *request)
{
    if (!wait_event(&request->waiter, is_done(request), THREAD_INTERRUPTIBLE, CLOCK_NEVER))
        return 0;
    if (!thread_interrupted(THREAD_KILLABLE)) {
        spinlock_acquire(&connection->lock);
        bool pending = request->state == FUSE_REQUEST_PENDING;
        request->interrupted = !pending;
        spinlock_release(&connection->lock);
        if (!pending)
            interrupt(connection, request->header.unique);
    }
    if (!wait_event(&request->waiter, is_done(request), THREAD_KILLABLE, CLOCK_NEVER))
        return 0;
    return give_up(connection, request);
}

bool fuse_call_missing(const struct fuse_connection *connection, uint32_t operation)
{
    return operation < 64 &&
           __atomic_load_n(&connection->missing[operation / 32], __ATOMIC_RELAXED) >>
                   operation % 32 &
               1;
}

static struct fuse_request *request_of(const struct fuse_call *call)
{
    size_t size = 0;

    for (size_t i = 0; i < array_length(call->arguments); i++)
        size += call->arguments[i].size;
    struct fuse_request *request =
        fuse_request_create(call->operation, call->node, size, call->answer_size);
    if (!request)
        return NULL;
    char *to = fuse_request_arguments(request);
    for (size_t i = 0; i < array_length(call->arguments); i++) {
        if (call->arguments[i].size)
            memcpy(to, call->arguments[i].bytes, call->arguments[i].size);
        to += call->arguments[i].size;
    }
    request->frames_out = call->frames_out;
    request->frame_bytes = call->frame_bytes;
    for (size_t at = 0; at < call->frame_bytes; at += PAGE_SIZE) {
        frame_reference(call->frames[at / PAGE_SIZE]);
        request->frames[request->frame_count++] = call->frames[at / PAGE_SIZE];
    }
    if (!call->frames_out)
        request->header.len += (uint32_t)call->frame_bytes;
    return request;
}

int fuse_call_unwatched(struct fuse_connection *connection, const struct fuse_call *call,
                        void (*finish)(struct fuse_connection *, struct fuse_request *))
{
    if (fuse_connection_ended(connection))
        return -ENOTCONN;
    struct fuse_request *request = request_of(call);
    if (!request)
        return -ENOMEM;
    request->finish = finish;
    fuse_request_send(connection, request);
    return 0;
}

static bool is_ready(const struct fuse_connection *connection)
{
    return __atomic_load_n(&connection->ready, __ATOMIC_ACQUIRE) ||
           fuse_connection_ended(connection);
}

int fuse_call(struct fuse_connection *connection, struct fuse_call *call)
{
    mutex_check_may_wait();
    if (fuse_call_missing(connection, call->operation))
        return -ENOSYS;
    int error =
        wait_event(&connection->started, is_ready(connection), THREAD_KILLABLE, CLOCK_NEVER);
    if (error)
        return error;
    struct fuse_request *request = request_of(call);
    if (!request)
        return -ENOMEM;
    error = send(connection, request) ? wait(connection, request) : -ENOTCONN;
    if (!error)
        error = request->error;
    if (!error && !call->frames_out && call->whole && request->answer_size != call->answer_size)
        error = -EIO;
    if (!error) {
        if (!call->frames_out && request->answer_size)
            memcpy(call->answer, request->answer, request->answer_size);
        call->answer_size = request->answer_size;
    }
    if (error == -ENOSYS && call->operation < 64)
        __atomic_fetch_or(&connection->missing[call->operation / 32], 1U << call->operation % 32,
                          __ATOMIC_RELAXED);
    fuse_request_release(request);
    return error;
}
