/* terminal_file.c: a terminal as a file: open, read, write, poll, close. See terminal.h. */
#include <asm/signal.h>
#include <linux/errno.h>

#include "cpu/clock.h"
#include "memory/heap.h"
#include "terminal/job_control.h"
#include "terminal/terminal.h"
#include "thread/restart.h"

/* What is moved at once between a program and a terminal, under one taking of the lock. */
#define CHUNK_SIZE 256

#define TENTH_OF_A_SECOND (NANOSECONDS_PER_SECOND / 10)

/* ---- reading ---- */

struct read_request {
    struct terminal_file *opened;
    struct file *file;
    struct transfer *to;
    ssize_t done;
};

/* One chunk from the line's buffer to the program. *ended: the read is complete. */
static ssize_t read_chunk(struct read_request *request, bool *ended)
{
    struct terminal *terminal = request->opened->terminal;
    uint8_t chunk[CHUNK_SIZE];
    size_t size = request->to->left < CHUNK_SIZE ? request->to->left : CHUNK_SIZE;
    bool enabled = terminal_lock(terminal);

    size = line_read(&terminal->line, chunk, size, ended);
    if (terminal->device->resume && (size || *ended) && line_accepts(&terminal->line))
        terminal->device->resume(terminal);
    terminal_unlock(terminal, enabled);
    if (transfer_out(request->to, chunk, size) < size)
        return -EFAULT;
    request->done += size;
    return size;
}

static bool read_can_go_on(struct terminal_file *opened)
{
    struct terminal *terminal = opened->terminal;
    bool enabled = terminal_lock(terminal);
    bool ready = line_ready(&terminal->line) || terminal_gone(terminal);

    terminal_unlock(terminal, enabled);
    return ready || terminal_file_dead(opened);
}

/*
 * Canonical mode: one line. Other modes: until VMIN bytes came, or VTIME passed
 * since the last one, or since the beginning when VMIN is 0 (POSIX 11.1.7).
 */
static ssize_t read_line_or_bytes(struct read_request *request)
{
    struct terminal_file *opened = request->opened;
    struct terminal *terminal = opened->terminal;
    bool canonical = line_canonical(&terminal->line);
    ssize_t minimum = canonical ? 1 : terminal->line.settings.c_cc[VMIN];
    uint64_t patience =
        canonical ? 0 : terminal->line.settings.c_cc[VTIME] * (uint64_t)TENTH_OF_A_SECOND;
    uint64_t deadline = minimum == 0 ? clock_now() + patience : CLOCK_NEVER;

    while (request->to->left) {
        bool ended;
        ssize_t size = read_chunk(request, &ended);

        if (size < 0)
            return size;
        if (ended)
            break;
        if (size) {
            if (patience && minimum)
                deadline = clock_now() + patience;
            continue;
        }
        if (request->done && request->done >= minimum)
            break;
        if (terminal_file_dead(opened) || (minimum == 0 && patience == 0))
            break;
        if (terminal_gone(terminal))
            return request->done ? request->done : -EIO;
        if (file_nonblocking(request->file))
            return request->done ? request->done : -EAGAIN;
        int error =
            wait_event(&terminal->readers, read_can_go_on(opened), THREAD_INTERRUPTIBLE, deadline);
        if (error == -ETIMEDOUT)
            break;
        if (error)
            return request->done ? request->done : -RESTART_CALL;
    }
    return request->done;
}

static ssize_t terminal_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct read_request request = {.opened = file->private, .file = file, .to = to};
    struct terminal *terminal = request.opened->terminal;

    (void)offset;
    if (terminal_file_dead(request.opened) || to->left == 0)
        return 0;
    ssize_t error = terminal_check_foreground(terminal, SIGTTIN);
    if (error)
        return error;
    ssize_t result = read_line_or_bytes(&request);
    if (result > 0)
        inode_touch(file->inode, INODE_ACCESSED);
    return result < 0 && request.done ? request.done : result;
}

/* ---- writing ---- */

static bool write_can_go_on(struct terminal_file *opened)
{
    struct terminal *terminal = opened->terminal;
    bool enabled = terminal_lock(terminal);
    bool room = terminal_output_has_room(terminal) || terminal_gone(terminal);

    terminal_unlock(terminal, enabled);
    return room || terminal_file_dead(opened);
}

/* Writes one chunk out, sleeping while the ring is full. */
static ssize_t write_all(struct file *file, const uint8_t *bytes, size_t size)
{
    struct terminal_file *opened = file->private;
    size_t done = 0;

    while (done < size) {
        if (terminal_file_dead(opened) || terminal_gone(opened->terminal))
            return -EIO;
        done += terminal_output_write(opened->terminal, bytes + done, size - done);
        if (done == size)
            break;
        if (file_nonblocking(file))
            return done ? (ssize_t)done : -EAGAIN;
        if (wait_event(&opened->terminal->writers, write_can_go_on(opened), THREAD_INTERRUPTIBLE,
                       CLOCK_NEVER))
            return done ? (ssize_t)done : -RESTART_CALL;
    }
    return done;
}

static bool write_claim(struct terminal *terminal)
{
    bool enabled = terminal_lock(terminal);
    bool claimed = !terminal->writing;

    terminal->writing = true;
    terminal_unlock(terminal, enabled);
    return claimed;
}

static void write_unclaim(struct terminal *terminal)
{
    bool enabled = terminal_lock(terminal);

    terminal->writing = false;
    terminal_unlock(terminal, enabled);
    wait_queue_wake(&terminal->writers);
}

ssize_t terminal_write_chunks(struct file *file, struct transfer *from, terminal_write_chunk *write)
{
    uint8_t chunk[CHUNK_SIZE];
    ssize_t done = 0;

    while (from->left) {
        size_t wanted = from->left < CHUNK_SIZE ? from->left : CHUNK_SIZE;
        size_t size = transfer_in(from, chunk, wanted);
        ssize_t written = size ? write(file, chunk, size) : -EFAULT;

        if (written < 0)
            return done ? done : written;
        done += written;
        if ((size_t)written < wanted)
            break;
    }
    return done;
}

static ssize_t terminal_write(struct file *file, struct transfer *from, int64_t *offset)
{
    struct terminal_file *opened = file->private;
    struct terminal *terminal = opened->terminal;

    (void)offset;
    if (terminal_file_dead(opened))
        return -EIO;
    if (terminal->line.settings.c_lflag & TOSTOP) {
        ssize_t error = terminal_check_foreground(terminal, SIGTTOU);
        if (error)
            return error;
    }
    if (!write_claim(terminal)) {
        if (file_nonblocking(file))
            return -EAGAIN;
        if (wait_event(&terminal->writers, write_claim(terminal), THREAD_INTERRUPTIBLE,
                       CLOCK_NEVER))
            return -RESTART_CALL;
    }
    ssize_t result = terminal_write_chunks(file, from, write_all);
    write_unclaim(terminal);
    if (result > 0)
        inode_touch(file->inode, INODE_MODIFIED);
    return result;
}

/* ---- poll ---- */

static unsigned terminal_poll(struct file *file, struct poll_table *table)
{
    struct terminal_file *opened = file->private;
    struct terminal *terminal = opened->terminal;
    unsigned events = 0;

    poll_wait(table, &terminal->readers);
    poll_wait(table, &terminal->writers);
    if (terminal_file_dead(opened))
        return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    bool enabled = terminal_lock(terminal);
    const uint8_t *control = terminal->line.settings.c_cc;
    size_t minimum =
        !line_canonical(&terminal->line) && control[VMIN] && !control[VTIME] ? control[VMIN] : 1;

    if (line_canonical(&terminal->line) ? line_ready(&terminal->line)
                                        : line_readable(&terminal->line) >= minimum)
        events |= POLLIN | POLLRDNORM;
    if (terminal_output_has_room(terminal))
        events |= POLLOUT | POLLWRNORM;
    if (terminal_gone(terminal))
        events |= POLLHUP | POLLIN | POLLRDNORM;
    terminal_unlock(terminal, enabled);
    return events;
}

/* ---- opening and closing ---- */

struct terminal *terminal_of(const struct file *file)
{
    return ((struct terminal_file *)file->private)->terminal;
}

static int open_count(struct terminal *terminal)
{
    int error = 0;

    mutex_acquire(&terminal->open_lock);
    if (terminal->opens == 0 && terminal->device->open)
        error = terminal->device->open(terminal);
    if (!error)
        terminal->opens++;
    mutex_release(&terminal->open_lock);
    return error;
}

int terminal_open(struct terminal *terminal, struct file *file)
{
    if (terminal->exclusive && !credentials_capable(file->credentials, CAP_SYS_ADMIN))
        return -EBUSY;
    struct terminal_file *opened = heap_allocate_zeroed(sizeof(*opened));
    if (!opened)
        return -ENOMEM;
    int error = open_count(terminal);
    if (error) {
        heap_free(opened);
        return error;
    }
    terminal_reference(terminal);
    opened->terminal = terminal;
    opened->hang_ups = __atomic_load_n(&terminal->hang_ups, __ATOMIC_RELAXED);
    file->private = opened;
    file->operations = &terminal_operations;
    file->stream = true;
    return 0;
}

static void terminal_close(struct file *file)
{
    struct terminal_file *opened = file->private;
    struct terminal *terminal = opened->terminal;

    mutex_acquire(&terminal->open_lock);
    if (--terminal->opens == 0) {
        terminal->exclusive = false;
        if (terminal->device->close)
            terminal->device->close(terminal);
    }
    mutex_release(&terminal->open_lock);
    heap_free(opened);
    terminal_release(terminal);
}

static struct async_list *terminal_async(struct file *file, bool joins)
{
    struct terminal *terminal = ((struct terminal_file *)file->private)->terminal;

    if (joins)
        terminal_owner_default(terminal, file);
    return &terminal->async;
}

const struct file_operations terminal_operations = {
    .hasty_write = true,
    .read = terminal_read,
    .write = terminal_write,
    .ioctl = terminal_ioctl,
    .poll = terminal_poll,
    .async = terminal_async,
    .release = terminal_close,
};
