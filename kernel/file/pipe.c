/*
 * pipe.c: pipes and FIFOs (pipe(7), fifo(7)).
 *
 * A pipe is a ring of pages. What fits into the page that was written last is
 * put there, anything else begins a page: so a write of at most PIPE_BUF (one
 * page) is in the pipe as a whole or not at all.
 */
#include "file/pipe.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/limits.h>

#include "file/descriptor_table.h"
#include "file/hooks.h"
#include "file/poll/async.h"
#include "file/ram/anonymous.h"
#include "file/system_calls.h"
#include "file/user_limits.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"

#define PIPE_PAGES_DEFAULT  16         /* 64 KiB; pipe(7), "Pipe capacity" */
#define PIPE_PAGES_LEAST    2          /* of a user who has many (Linux's PIPE_MIN_DEF_BUFFERS) */
#define PIPE_PAGES_POSSIBLE (1U << 16) /* for nobody more: what Linux's heap allows there */
_Static_assert(PIPE_BUF <= PAGE_SIZE, "what is atomic fits into a page");

struct pipe_limits pipe_limits = {.pages = 256, .user_pages_soft = 16384};

struct pipe_page {
    paddr_t frame; /* owned */
    uint16_t start, size;
    bool packet; /* O_DIRECT: one read gets this and no more */
};

struct pipe {
    struct mutex lock;
    struct user_account *account; /* of who made it: a reference; constant */
    struct pipe_page *pages;      /* a ring of `capacity`, a power of two; lock */
    unsigned capacity;            /* lock; atomic to read */
    unsigned first, used;         /* lock; `used` atomic to read */
    paddr_t spare;                /* a page that was read to its end, for what comes next; 0; lock;
                                     atomic to read */
    unsigned readers;             /* open files that may; lock; atomic to read */
    unsigned writers;             /* lock; atomic to read */
    uint64_t reader_opens;        /* how many there ever were: open(2) of a FIFO waits for one */
    uint64_t writer_opens;        /* lock; atomic to read */
    unsigned users;               /* its open files, and a FIFO's opens under way; users_lock */
    bool claimed; /* a splice has what is in it: other readers wait; lock; atomic to read */
    struct wait_queue readable, writable, opened;
    struct async_list async;
};

/* Of all pipes: an inode's pipe, as long as it has users. An inode's own lock may be held by who
   waits for a server (a FIFO of FUSE's), and who closes cannot wait for that. */
static struct spinlock users_lock = SPINLOCK_INITIALIZER;

static unsigned load(const unsigned *field)
{
    return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static void store(unsigned *field, unsigned value)
{
    __atomic_store_n(field, value, __ATOMIC_RELEASE);
}

/* ---- room, by user ---- */

/* pipe(7), "/proc files": who is not bound by the limits of users. */
static bool user_is_bound(void)
{
    const struct credentials *credentials = credentials_current();
    return !credentials_capable(credentials, CAP_SYS_RESOURCE) &&
           !credentials_capable(credentials, CAP_SYS_ADMIN);
}

static bool exceeds(const uint64_t *limit, uint64_t slots)
{
    uint64_t most = __atomic_load_n(limit, __ATOMIC_RELAXED);
    return most && slots > most && user_is_bound();
}

static bool too_large(unsigned pages)
{
    return pages > __atomic_load_n(&pipe_limits.pages, __ATOMIC_RELAXED) &&
           !credentials_capable(credentials_current(), CAP_SYS_RESOURCE);
}

/* How many pages a new pipe has room for, which the user is charged for; 0: it has too many. */
static unsigned slots_take(struct user_account *account)
{
    unsigned count = PIPE_PAGES_DEFAULT;

    if (too_large(count))
        count = (unsigned)__atomic_load_n(&pipe_limits.pages, __ATOMIC_RELAXED);
    uint64_t slots = __atomic_add_fetch(&account->pipe_slots, count, __ATOMIC_RELAXED);
    if (count > PIPE_PAGES_LEAST && exceeds(&pipe_limits.user_pages_soft, slots)) {
        slots =
            __atomic_sub_fetch(&account->pipe_slots, count - PIPE_PAGES_LEAST, __ATOMIC_RELAXED);
        count = PIPE_PAGES_LEAST;
    }
    if (!exceeds(&pipe_limits.user_pages_hard, slots))
        return count;
    __atomic_fetch_sub(&account->pipe_slots, count, __ATOMIC_RELAXED);
    return 0;
}

/* Another number of slots for a pipe; false: it would be more, and more than the user may have. */
static bool slots_change(struct user_account *account, unsigned from, unsigned to)
{
    uint64_t change = (uint64_t)to - from;
    uint64_t slots = __atomic_add_fetch(&account->pipe_slots, change, __ATOMIC_RELAXED);

    if (to <= from || (!exceeds(&pipe_limits.user_pages_hard, slots) &&
                       !exceeds(&pipe_limits.user_pages_soft, slots)))
        return true;
    __atomic_fetch_sub(&account->pipe_slots, change, __ATOMIC_RELAXED);
    return false;
}

/* ---- life ---- */

/* The account's reference becomes the pipe's. 0, -ENOMEM. */
static int pipe_allocate(struct user_account *account, unsigned capacity, struct pipe **result)
{
    struct pipe *pipe = heap_allocate_zeroed(sizeof(*pipe));
    struct pipe_page *pages = heap_allocate_zeroed(capacity * sizeof(*pages));
    if (!pipe || !pages) {
        heap_free(pipe);
        heap_free(pages);
        return -ENOMEM;
    }
    mutex_initialize(&pipe->lock, MUTEX_PIPE);
    pipe->account = account;
    pipe->pages = pages;
    pipe->capacity = capacity;
    wait_queue_initialize(&pipe->readable);
    wait_queue_initialize(&pipe->writable);
    wait_queue_initialize(&pipe->opened);
    async_list_initialize(&pipe->async);
    *result = pipe;
    return 0;
}

/* 0, -ENOMEM; -ENFILE: the user has too many. */
static int pipe_create(struct pipe **result)
{
    struct user_account *account = user_account_get_current();
    unsigned capacity = slots_take(account);
    int error = capacity ? pipe_allocate(account, capacity, result) : -ENFILE;

    if (error) {
        __atomic_fetch_sub(&account->pipe_slots, capacity, __ATOMIC_RELAXED);
        user_account_release(account);
    }
    return error;
}

static struct pipe_page *pipe_page(struct pipe *pipe, unsigned number)
{
    return &pipe->pages[(pipe->first + number) & (pipe->capacity - 1)];
}

/* A page for new bytes, which the user is charged for; 0: no memory. Lock held. */
static paddr_t frame_take(struct pipe *pipe)
{
    paddr_t frame = pipe->spare;

    if (frame) {
        __atomic_store_n(&pipe->spare, 0, __ATOMIC_RELAXED);
        return frame;
    }
    frame = frame_allocate(FRAME_PIPE, FRAME_ANYWHERE);
    if (frame)
        quota_take(&pipe->account->pages, 1);
    return frame;
}

/* One stays with the pipe. Lock held, or nobody else has the pipe. */
static void frame_give(struct pipe *pipe, paddr_t frame)
{
    if (!pipe->spare) {
        __atomic_store_n(&pipe->spare, frame, __ATOMIC_RELAXED);
        return;
    }
    frame_release(frame);
    quota_give(&pipe->account->pages, 1);
}

static void pipe_free(struct pipe *pipe)
{
    for (unsigned i = 0; i < pipe->used; i++)
        frame_give(pipe, pipe_page(pipe, i)->frame);
    if (pipe->spare) {
        frame_release(pipe->spare);
        quota_give(&pipe->account->pages, 1);
    }
    __atomic_fetch_sub(&pipe->account->pipe_slots, pipe->capacity, __ATOMIC_RELAXED);
    user_account_release(pipe->account);
    heap_free(pipe->pages);
    heap_free(pipe);
}

/* ---- reading and writing: the pipe's lock is held ---- */

/* What is left of the oldest page goes. */
static void pipe_drop_page(struct pipe *pipe)
{
    frame_give(pipe, pipe_page(pipe, 0)->frame);
    pipe->first = (pipe->first + 1) & (pipe->capacity - 1);
    store(&pipe->used, pipe->used - 1);
}

/* Bytes moved; fewer than there are: the reader's memory faulted, or has no room left. */
static size_t pipe_take(struct pipe *pipe, struct transfer *to)
{
    size_t total = 0;

    while (pipe->used && to->left) {
        struct pipe_page *page = pipe_page(pipe, 0);
        size_t wanted = page->size < to->left ? page->size : to->left;
        size_t done = transfer_out(to, (char *)frame_pointer(page->frame) + page->start, wanted);
        page->start = (uint16_t)(page->start + done);
        page->size = (uint16_t)(page->size - done);
        total += done;
        if (done < wanted)
            break;
        bool packet = page->packet;
        if (!page->size || packet) /* what a reader leaves of a packet is lost */
            pipe_drop_page(pipe);
        if (packet)
            break;
    }
    return total;
}

/* Puts the piece that does not fill a page behind what was written last, if it fits there.
   0, or an error. */
static ssize_t pipe_merge(struct pipe *pipe, struct transfer *from)
{
    size_t size = from->left % PAGE_SIZE;

    if (!size || !pipe->used)
        return 0;
    struct pipe_page *page = pipe_page(pipe, pipe->used - 1);
    if (page->packet || page->start + page->size + size > PAGE_SIZE)
        return 0;
    char *end = (char *)frame_pointer(page->frame) + page->start + page->size;
    size_t done = transfer_in(from, end, size);
    /* All or nothing: a fault takes back what it let through. */
    if (done < size)
        return -EFAULT;
    page->size = (uint16_t)(page->size + size);
    return (ssize_t)size;
}

/* Puts up to a page of new bytes into a free slot: bytes, or -EFAULT, -ENOMEM. */
static ssize_t pipe_append(struct pipe *pipe, struct transfer *from, bool packet)
{
    size_t size = from->left < PAGE_SIZE ? from->left : PAGE_SIZE;

    paddr_t frame = frame_take(pipe);
    if (!frame)
        return -ENOMEM;
    if (transfer_in(from, frame_pointer(frame), size) < size) {
        frame_give(pipe, frame);
        return -EFAULT;
    }
    *pipe_page(pipe, pipe->used) =
        (struct pipe_page){.frame = frame, .size = (uint16_t)size, .packet = packet};
    store(&pipe->used, pipe->used + 1);
    return (ssize_t)size;
}

/* Waits for the splice that has what is in the pipe. Lock held, and let go of meanwhile; not held
   any more where the answer is -RESTART_CALL. */
static __attribute__((noinline)) int wait_for_splice(struct pipe *pipe)
{
    while (pipe->claimed) {
        mutex_release(&pipe->lock);
        if (wait_event(&pipe->readable, !__atomic_load_n(&pipe->claimed, __ATOMIC_ACQUIRE),
                       THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return -RESTART_CALL;
        mutex_acquire(&pipe->lock);
    }
    return 0;
}

/* Takes the pipe's lock when no splice has what is in it. 0, or -RESTART_CALL without the lock. */
static int pipe_lock_to_read(struct pipe *pipe)
{
    mutex_acquire(&pipe->lock);
    return pipe->claimed ? wait_for_splice(pipe) : 0;
}

/* Lets readers have what there is, and go of the lock meanwhile. True: a signal came. Lock held. */
static __attribute__((noinline)) bool wait_for_room(struct pipe *pipe)
{
    struct wait_entry entry;

    wait_begin(&pipe->writable, &entry, THREAD_INTERRUPTIBLE);
    mutex_release(&pipe->lock);
    wait_queue_wake(&pipe->readable);
    async_tell(&pipe->async, POLL_IN);
    bool interrupted = thread_sleep(CLOCK_NEVER);
    wait_end(&entry);
    mutex_acquire(&pipe->lock);
    return interrupted;
}

static ssize_t pipe_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct pipe *pipe = file->inode->pipe;
    bool interrupted = false;
    ssize_t result = 0;

    (void)offset;
    if (!to->left)
        return 0;
    if (pipe_lock_to_read(pipe))
        return -RESTART_CALL;
    while (!pipe->used && pipe->writers) {
        if (interrupted || file_nonblocking(file)) {
            result = interrupted ? -RESTART_CALL : -EAGAIN;
            break;
        }
        interrupted = mutex_release_and_wait(&pipe->lock, &pipe->readable, THREAD_INTERRUPTIBLE);
        if (pipe_lock_to_read(pipe))
            return -RESTART_CALL;
    }
    if (pipe->used) {
        result = (ssize_t)pipe_take(pipe, to);
        if (!result)
            result = -EFAULT;
    }
    mutex_release(&pipe->lock);
    if (result > 0) {
        wait_queue_wake(&pipe->writable);
        async_tell(&pipe->async, POLL_OUT);
        inode_touch_accessed(file->inode, file->path.mount);
    }
    return result;
}

ssize_t pipe_put(struct file *file, struct transfer *from, bool nonblocking)
{
    struct pipe *pipe = file->inode->pipe;
    bool packet = file->flags & O_DIRECT, interrupted = false;
    ssize_t total = 0, done = 0;

    if (!from->left)
        return 0;
    mutex_acquire(&pipe->lock);
    if (pipe->readers && !packet)
        done = pipe_merge(pipe, from);
    if (done > 0)
        total = done;
    while (done >= 0 && from->left) {
        if (!pipe->readers) {
            done = -EPIPE;
        } else if (pipe->used < pipe->capacity) {
            done = pipe_append(pipe, from, packet);
            if (done > 0)
                total += done;
        } else if (nonblocking || interrupted) {
            done = nonblocking ? -EAGAIN : -RESTART_CALL;
        } else {
            interrupted = wait_for_room(pipe);
        }
    }
    mutex_release(&pipe->lock);
    if (done == -EPIPE)
        file_hooks.signal_self(SIGPIPE);
    if (total) {
        wait_queue_wake(&pipe->readable);
        async_tell(&pipe->async, POLL_IN);
        inode_touch(file->inode, INODE_MODIFIED | INODE_CHANGED);
    }
    return total ? total : done;
}

static ssize_t pipe_write(struct file *file, struct transfer *from, int64_t *offset)
{
    (void)offset;
    return pipe_put(file, from, file_nonblocking(file));
}

/* ---- for splice.c ---- */

int pipe_wait_bytes(struct file *file, bool nonblocking)
{
    struct pipe *pipe = file->inode->pipe;

    if (load(&pipe->used))
        return 1;
    if (load(&pipe->writers) && nonblocking)
        return -EAGAIN;
    if (wait_event(&pipe->readable, load(&pipe->used) || !load(&pipe->writers),
                   THREAD_INTERRUPTIBLE, CLOCK_NEVER))
        return -RESTART_CALL;
    return load(&pipe->used) != 0; /* the last writer may have left some */
}

ssize_t pipe_wait_room(struct file *file, bool nonblocking)
{
    struct pipe *pipe = file->inode->pipe;

    for (;;) {
        if (!load(&pipe->readers)) {
            file_hooks.signal_self(SIGPIPE);
            return -EPIPE;
        }
        mutex_acquire(&pipe->lock);
        unsigned pages = pipe->capacity - pipe->used;
        mutex_release(&pipe->lock);
        if (pages)
            return (ssize_t)(pages * PAGE_SIZE);
        if (nonblocking)
            return -EAGAIN;
        if (wait_event(&pipe->writable,
                       load(&pipe->used) < load(&pipe->capacity) || !load(&pipe->readers),
                       THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return -RESTART_CALL;
    }
}

int pipe_claim(struct file *file)
{
    struct pipe *pipe = file->inode->pipe;

    if (pipe_lock_to_read(pipe))
        return -RESTART_CALL;
    pipe->claimed = true;
    mutex_release(&pipe->lock);
    return 0;
}

size_t pipe_peek(struct file *file, size_t skip, char *buffer, size_t size)
{
    struct pipe *pipe = file->inode->pipe;
    size_t total = 0;

    mutex_acquire(&pipe->lock);
    for (unsigned i = 0; i < pipe->used && total < size; i++) {
        const struct pipe_page *page = pipe_page(pipe, i);
        size_t passed = skip < page->size ? skip : page->size;
        size_t part = page->size - passed;
        if (part > size - total)
            part = size - total;
        memcpy(buffer + total, (char *)frame_pointer(page->frame) + page->start + passed, part);
        total += part;
        skip -= passed;
    }
    mutex_release(&pipe->lock);
    return total;
}

void pipe_consume(struct file *file, size_t size)
{
    struct pipe *pipe = file->inode->pipe;

    mutex_acquire(&pipe->lock);
    while (size) {
        struct pipe_page *page = pipe_page(pipe, 0);
        size_t part = size < page->size ? size : page->size;
        page->start = (uint16_t)(page->start + part);
        page->size = (uint16_t)(page->size - part);
        size -= part;
        if (!page->size)
            pipe_drop_page(pipe);
    }
    mutex_release(&pipe->lock);
    wait_queue_wake(&pipe->writable);
    async_tell(&pipe->async, POLL_OUT);
}

void pipe_unclaim(struct file *file)
{
    struct pipe *pipe = file->inode->pipe;

    __atomic_store_n(&pipe->claimed, false, __ATOMIC_RELEASE);
    wait_queue_wake(&pipe->readable);
}

/* ---- the rest of a pipe's operations ---- */

static ssize_t pipe_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct pipe *pipe = file->inode->pipe;
    int bytes = 0;

    if (command != FIONREAD)
        return -ENOTTY;
    mutex_acquire(&pipe->lock);
    for (unsigned i = 0; i < pipe->used; i++)
        bytes += pipe_page(pipe, i)->size;
    mutex_release(&pipe->lock);
    return user_put(argument, &bytes);
}

/* What it is ready for. */
static inline unsigned pipe_look(const struct file *file)
{
    const struct pipe *pipe = file->inode->pipe;
    unsigned answer = 0;

    if (file->readable) {
        if (load(&pipe->used))
            answer |= POLLIN | POLLRDNORM;
        /* Whoever opened a FIFO before any writer came is not hung up yet. */
        if (!load(&pipe->writers) &&
            (uint64_t)file->offset != __atomic_load_n(&pipe->writer_opens, __ATOMIC_RELAXED))
            answer |= POLLHUP;
    }
    if (file->writable) {
        if (load(&pipe->used) < load(&pipe->capacity))
            answer |= POLLOUT | POLLWRNORM;
        if (!load(&pipe->readers))
            answer |= POLLERR;
    }
    return answer;
}

static __attribute__((noinline)) unsigned pipe_join_and_look(struct file *file,
                                                             struct poll_table *table)
{
    struct pipe *pipe = file->inode->pipe;

    if (file->readable)
        poll_wait(table, &pipe->readable);
    if (file->writable)
        poll_wait(table, &pipe->writable);
    return pipe_look(file);
}

static unsigned pipe_poll(struct file *file, struct poll_table *table)
{
    return table ? pipe_join_and_look(file, table) : pipe_look(file);
}

/* The inode's pipe for one more user. `spare`: becomes the inode's if it has none; else it stays
   the caller's. NULL: there is neither. */
static struct pipe *pipe_use(struct inode *inode, struct pipe **spare)
{
    spinlock_acquire(&users_lock);
    if (!inode->pipe) {
        inode->pipe = *spare;
        *spare = NULL;
    }
    struct pipe *pipe = inode->pipe;
    if (pipe)
        pipe->users++;
    spinlock_release(&users_lock);
    return pipe;
}

/* The last user frees it. */
static void pipe_unuse(struct inode *inode)
{
    spinlock_acquire(&users_lock);
    struct pipe *pipe = inode->pipe;
    bool unused = --pipe->users == 0;
    if (unused)
        inode->pipe = NULL;
    spinlock_release(&users_lock);
    if (unused)
        pipe_free(pipe);
}

static void pipe_end_use(struct inode *inode, bool reader, bool writer)
{
    struct pipe *pipe = inode->pipe;

    mutex_acquire(&pipe->lock);
    if (reader)
        store(&pipe->readers, pipe->readers - 1);
    if (writer)
        store(&pipe->writers, pipe->writers - 1);
    bool one_sided = !pipe->readers != !pipe->writers;
    mutex_release(&pipe->lock);
    wait_queue_wake_all(&pipe->readable);
    wait_queue_wake_all(&pipe->writable);
    if (one_sided) {
        async_tell(&pipe->async, POLL_IN);
        async_tell(&pipe->async, POLL_OUT);
    }
    pipe_unuse(inode);
}

static struct async_list *pipe_async(struct file *file, bool joins)
{
    (void)joins;
    return &file->inode->pipe->async;
}

static void pipe_release(struct file *file)
{
    pipe_end_use(file->inode, file->readable, file->writable);
}

/* Both of its files count it. */
static uint64_t pipe_memory(const struct file *file)
{
    const struct pipe *pipe = file->inode->pipe;
    bool spare = __atomic_load_n(&pipe->spare, __ATOMIC_RELAXED);

    return (load(&pipe->used) + spare) * PAGE_SIZE;
}

static const struct file_operations pipe_operations = {
    .hasty_read = true,
    .hasty_write = true,
    .memory = pipe_memory,
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
    .async = pipe_async,
    .release = pipe_release,
};

bool file_is_pipe(const struct file *file)
{
    return file->operations == &pipe_operations;
}

/* Gives the pipe another ring. Lock held. 0, -EBUSY, -ENOMEM. */
static int ring_replace(struct pipe *pipe, unsigned capacity)
{
    if (pipe->used > capacity)
        return -EBUSY;
    struct pipe_page *pages = heap_allocate_zeroed(capacity * sizeof(*pages));
    if (!pages)
        return -ENOMEM;
    for (unsigned i = 0; i < pipe->used; i++)
        pages[i] = *pipe_page(pipe, i);
    heap_free(pipe->pages);
    pipe->pages = pages;
    pipe->first = 0;
    store(&pipe->capacity, capacity);
    return 0;
}

/* Lock held. The new size in bytes, or what fcntl(2) says of it. */
static ssize_t pipe_resize(struct pipe *pipe, unsigned capacity)
{
    unsigned old = pipe->capacity;

    if (capacity > old && too_large(capacity))
        return -EPERM;
    if (capacity > PIPE_PAGES_POSSIBLE)
        return -ENOMEM;
    if (!slots_change(pipe->account, old, capacity))
        return -EPERM;
    int error = ring_replace(pipe, capacity);
    if (error)
        __atomic_fetch_sub(&pipe->account->pipe_slots, (uint64_t)capacity - old, __ATOMIC_RELAXED);
    return error ? error : (ssize_t)(capacity * PAGE_SIZE);
}

ssize_t pipe_control_size(struct file *file, unsigned command, uint64_t size)
{
    if (file->operations != &pipe_operations)
        return -EBADF;
    struct pipe *pipe = file->inode->pipe;
    unsigned capacity = 1;
    ssize_t result;

    if (command == F_GETPIPE_SZ)
        return (ssize_t)(load(&pipe->capacity) * PAGE_SIZE);
    if ((unsigned)size > 1U << 31)
        return -EINVAL;
    while (capacity * PAGE_SIZE < (unsigned)size)
        capacity *= 2;
    mutex_acquire(&pipe->lock);
    result = pipe_resize(pipe, capacity);
    mutex_release(&pipe->lock);
    wait_queue_wake(&pipe->writable);
    return result;
}

/* ---- FIFOs ---- */

static bool opens_moved(const uint64_t *opens, uint64_t since)
{
    return __atomic_load_n(opens, __ATOMIC_ACQUIRE) != since;
}

/* Waits for the other side, as open(2) of a FIFO does. */
static int fifo_wait_for_partner(struct pipe *pipe, struct file *file)
{
    bool nonblocking = file_nonblocking(file);

    if (file->readable && !file->writable && !load(&pipe->writers)) {
        uint64_t since = pipe->writer_opens;
        if (nonblocking) {
            file->offset = (int64_t)since; /* see pipe_poll */
            return 0;
        }
        return wait_event(&pipe->opened, opens_moved(&pipe->writer_opens, since),
                          THREAD_INTERRUPTIBLE, CLOCK_NEVER)
                   ? -RESTART_CALL
                   : 0;
    }
    if (file->writable && !file->readable && !load(&pipe->readers)) {
        uint64_t since = pipe->reader_opens;
        if (nonblocking)
            return -ENXIO;
        return wait_event(&pipe->opened, opens_moved(&pipe->reader_opens, since),
                          THREAD_INTERRUPTIBLE, CLOCK_NEVER)
                   ? -RESTART_CALL
                   : 0;
    }
    return 0;
}

/* The pipe of a FIFO, which is made when somebody opens it. */
static struct pipe *fifo_use(struct inode *inode)
{
    struct pipe *spare = NULL;

    struct pipe *pipe = pipe_use(inode, &spare);
    if (pipe || pipe_create(&spare))
        return pipe;
    pipe = pipe_use(inode, &spare);
    if (spare) /* another was faster */
        pipe_free(spare);
    return pipe;
}

static int fifo_open(struct inode *inode, struct file *file)
{
    if (!file->readable && !file->writable)
        return -EINVAL; /* access mode 3, open(2) */
    struct pipe *pipe = fifo_use(inode);
    if (!pipe)
        return -ENOMEM;

    mutex_acquire(&pipe->lock);
    if (file->readable) {
        store(&pipe->readers, pipe->readers + 1);
        __atomic_fetch_add(&pipe->reader_opens, 1, __ATOMIC_RELEASE);
    }
    if (file->writable) {
        store(&pipe->writers, pipe->writers + 1);
        __atomic_fetch_add(&pipe->writer_opens, 1, __ATOMIC_RELEASE);
    }
    mutex_release(&pipe->lock);
    file->operations = &pipe_operations;
    file->stream = true;
    file->offset = -1;
    wait_queue_wake(&pipe->opened);
    /* /dev/fd/N of a pipe waits for nobody: both ends have been there. */
    int error = inode->file_system->internal ? 0 : fifo_wait_for_partner(pipe, file);

    if (error)
        pipe_end_use(inode, file->readable, file->writable);
    return error;
}

const struct file_operations fifo_operations = {.open = fifo_open};

/* ---- pipe(2) ---- */

static struct file *pipe_end_create(struct inode *inode, uint32_t flags)
{
    char name[32];

    int length = format_string(name, sizeof(name), "pipe:[%lu]", inode->number);
    struct file *file = internal_file_create(name, (size_t)length, inode, &pipe_operations, flags);
    if (!file)
        return NULL;
    file->stream = true;
    file->offset = -1;
    return file;
}

/* Both ends, read end first. 0 or -ENOMEM. */
static int pipe_create_ends(uint32_t flags, struct file *ends[2])
{
    struct inode *inode =
        internal_inode_create(INTERNAL_PIPES, S_IFIFO | 0600, NULL, &fifo_operations);
    if (!inode)
        return -ENOMEM;
    int error = pipe_create(&inode->pipe);
    if (error) {
        inode_release(inode);
        return error;
    }
    struct pipe *pipe = inode->pipe;
    pipe->users = 2;
    pipe->readers = 1;
    pipe->writers = 1;
    ends[0] = pipe_end_create(inode, flags | O_RDONLY);
    ends[1] = ends[0] ? pipe_end_create(inode, flags | O_WRONLY) : NULL;
    if (!ends[1]) {
        if (ends[0]) {
            pipe->users = 1;
            pipe->writers = 0;
            file_release(ends[0]); /* frees the pipe, too */
        } else {
            pipe_free(pipe);
        }
        inode_release(inode);
        return -ENOMEM;
    }
    inode_release(inode);
    return 0;
}

ssize_t sys_pipe2(vaddr_t result, int flags)
{
    struct file *ends[2];

    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    int error = pipe_create_ends((uint32_t)flags & (O_NONBLOCK | O_DIRECT), ends);
    return error ? error : descriptor_add_pair(ends, flags & O_CLOEXEC, result);
}

ssize_t sys_pipe(vaddr_t result)
{
    return sys_pipe2(result, 0);
}
