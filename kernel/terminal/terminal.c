/* terminal.c: opening, reading, writing and hanging up a terminal. See terminal.h. */
#include "terminal/terminal.h"

#include <asm/signal.h>
#include <linux/errno.h>

#include "cpu/clock.h"
#include "library/string.h"
#include "memory/heap.h"
#include "terminal/job_control.h"
#include "thread/restart.h"

/* What is moved at once between a program and a terminal, under one taking of the lock. */
#define CHUNK_SIZE 256

/* A writer is woken, and poll says writable, when at least that much is free. */
#define OUTPUT_ROOM_WANTED (TERMINAL_OUTPUT_SIZE / 2)

#define TENTH_OF_A_SECOND (NANOSECONDS_PER_SECOND / 10)

static uint32_t output_used(const struct terminal *terminal)
{
    return terminal->output_head - terminal->output_tail;
}

/* What is written to a pseudo-terminal is sent at once: while it is stopped it takes nothing. */
static bool output_blocked(const struct terminal *terminal)
{
    return terminal->device->pseudo && terminal->line.stopped;
}

static bool output_has_room(const struct terminal *terminal)
{
    return !output_blocked(terminal) &&
           output_used(terminal) <= TERMINAL_OUTPUT_SIZE - OUTPUT_ROOM_WANTED;
}

/* ---- the output ring; the lock is held ---- */

static void output_put(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        terminal->output[terminal->output_head++ % TERMINAL_OUTPUT_SIZE] = bytes[i];
}

size_t terminal_output_ready(const struct terminal *terminal)
{
    if (!terminal->line.stopped)
        return output_used(terminal);
    int32_t sent = (int32_t)(terminal->output_stop - terminal->output_tail);

    return sent > 0 ? sent : 0;
}

size_t terminal_output_peek(const struct terminal *terminal, uint8_t *to, size_t size)
{
    size_t ready = terminal_output_ready(terminal);

    if (size > ready)
        size = ready;
    for (size_t i = 0; i < size; i++)
        to[i] = terminal->output[(terminal->output_tail + i) % TERMINAL_OUTPUT_SIZE];
    return size;
}

void terminal_output_consume(struct terminal *terminal, size_t size)
{
    bool had_room = output_has_room(terminal);

    terminal->output_tail += size;
    if (!had_room && output_has_room(terminal)) {
        wait_queue_wake(&terminal->writers);
        async_tell(&terminal->async, POLL_OUT);
    }
}

size_t terminal_output_take(struct terminal *terminal, uint8_t *to, size_t size)
{
    size = terminal_output_peek(terminal, to, size);
    if (size)
        terminal_output_consume(terminal, size);
    return size;
}

static void device_start(struct terminal *terminal)
{
    if (terminal_output_ready(terminal))
        terminal->device->start(terminal);
}

void terminal_flush_output_locked(struct terminal *terminal)
{
    if (!terminal->device->pseudo)
        terminal->output_tail = terminal->output_head;
    else if (terminal->line.stopped)
        terminal->output_head = terminal->output_tail + terminal_output_ready(terminal);
    if (terminal->device->flushed)
        terminal->device->flushed(terminal, false);
    wait_queue_wake(&terminal->writers);
}

/* STOP and START go out even while output is stopped: they are for the other direction. */
void terminal_send_locked(struct terminal *terminal, uint8_t byte)
{
    bool pseudo = terminal->device->pseudo;

    if (output_used(terminal) == TERMINAL_OUTPUT_SIZE || (pseudo && terminal->line.held))
        return;
    if (terminal->line.stopped && !pseudo) {
        terminal->output[--terminal->output_tail % TERMINAL_OUTPUT_SIZE] = byte;
        if (terminal_output_ready(terminal) == 0)
            terminal->output_stop = terminal->output_tail + 1;
    } else {
        output_put(terminal, &byte, 1);
        terminal->output_stop = terminal->output_head;
    }
    device_start(terminal);
}

/* ---- what the line discipline calls ---- */

static void line_output(struct line_discipline *line, const uint8_t *bytes, size_t size)
{
    struct terminal *terminal = container_of(line, struct terminal, line);

    if (size <= TERMINAL_OUTPUT_SIZE - output_used(terminal))
        output_put(terminal, bytes, size);
}

static void line_signal(struct line_discipline *line, int signal, bool flush)
{
    struct terminal *terminal = container_of(line, struct terminal, line);

    if (flush) {
        terminal_flush_output_locked(terminal);
        if (terminal->device->flushed)
            terminal->device->flushed(terminal, true);
    }
    terminal_signal(terminal, signal);
}

static void line_flow(struct line_discipline *line)
{
    struct terminal *terminal = container_of(line, struct terminal, line);

    if (line->stopped)
        terminal->output_stop =
            terminal->device->pseudo ? terminal->output_head : terminal->output_tail;
    if (terminal->device->flow)
        terminal->device->flow(terminal);
    if (!line->stopped)
        wait_queue_wake(&terminal->writers);
}

/* ---- input from the device ---- */

size_t terminal_input_locked(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    return line_input(&terminal->line, bytes, size);
}

void terminal_wake_readers(struct terminal *terminal)
{
    if (line_ready(&terminal->line)) {
        wait_queue_wake(&terminal->readers);
        async_tell(&terminal->async, POLL_IN);
    }
}

void terminal_input_done(struct terminal *terminal)
{
    terminal_wake_readers(terminal);
    device_start(terminal);
}

void terminal_input(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    bool enabled = spinlock_acquire_save(&terminal->lock);

    terminal_input_locked(terminal, bytes, size);
    terminal_input_done(terminal);
    spinlock_release_restore(&terminal->lock, enabled);
}

/* ---- hanging up ---- */

bool terminal_file_dead(const struct terminal_file *opened)
{
    uint32_t hang_ups = __atomic_load_n(&opened->terminal->hang_ups, __ATOMIC_RELAXED);

    return opened->hang_ups != hang_ups && !opened->console;
}

static bool device_gone(struct terminal *terminal)
{
    return terminal->device->gone && terminal->device->gone(terminal);
}

void terminal_hang_up(struct terminal *terminal)
{
    bool enabled = spinlock_acquire_save(&terminal->lock);

    __atomic_store_n(&terminal->hang_ups, terminal->hang_ups + 1, __ATOMIC_RELAXED);
    line_flush(&terminal->line);
    terminal_flush_output_locked(terminal);
    wait_queue_wake_all(&terminal->readers);
    spinlock_release_restore(&terminal->lock, enabled);
    terminal_release_session(terminal, TERMINAL_HUNG_UP);
}

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
    bool enabled = spinlock_acquire_save(&terminal->lock);

    size = line_read(&terminal->line, chunk, size, ended);
    if (terminal->device->resume && (size || *ended) && line_accepts(&terminal->line))
        terminal->device->resume(terminal);
    spinlock_release_restore(&terminal->lock, enabled);
    if (transfer_out(request->to, chunk, size) < size)
        return -EFAULT;
    request->done += size;
    return size;
}

static bool read_can_go_on(struct terminal_file *opened)
{
    struct terminal *terminal = opened->terminal;
    bool enabled = spinlock_acquire_save(&terminal->lock);
    bool ready = line_ready(&terminal->line) || device_gone(terminal);

    spinlock_release_restore(&terminal->lock, enabled);
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
        if (device_gone(terminal))
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

/* Processes a piece of the program's bytes into the ring; returns how many were taken. */
static size_t output_process(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    uint8_t processed[CHUNK_SIZE * 2];
    size_t taken = 0;

    while (taken < size && !output_blocked(terminal)) {
        size_t room = TERMINAL_OUTPUT_SIZE - output_used(terminal);
        size_t made;
        size_t count =
            line_process_output(&terminal->line, bytes + taken, size - taken, processed,
                                room < sizeof(processed) ? room : sizeof(processed), &made);

        if (count == 0)
            break;
        output_put(terminal, processed, made);
        taken += count;
    }
    return taken;
}

static size_t write_chunk(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    bool enabled = spinlock_acquire_save(&terminal->lock);
    size_t taken = output_process(terminal, bytes, size);

    device_start(terminal);
    spinlock_release_restore(&terminal->lock, enabled);
    return taken;
}

static bool write_can_go_on(struct terminal_file *opened)
{
    struct terminal *terminal = opened->terminal;
    bool enabled = spinlock_acquire_save(&terminal->lock);
    bool room = output_has_room(terminal) || device_gone(terminal);

    spinlock_release_restore(&terminal->lock, enabled);
    return room || terminal_file_dead(opened);
}

/* Writes one chunk out, sleeping while the ring is full. */
static ssize_t write_all(struct file *file, const uint8_t *bytes, size_t size)
{
    struct terminal_file *opened = file->private;
    size_t done = 0;

    while (done < size) {
        if (terminal_file_dead(opened) || device_gone(opened->terminal))
            return -EIO;
        done += write_chunk(opened->terminal, bytes + done, size - done);
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
    bool enabled = spinlock_acquire_save(&terminal->lock);
    bool claimed = !terminal->writing;

    terminal->writing = true;
    spinlock_release_restore(&terminal->lock, enabled);
    return claimed;
}

static void write_unclaim(struct terminal *terminal)
{
    bool enabled = spinlock_acquire_save(&terminal->lock);

    terminal->writing = false;
    spinlock_release_restore(&terminal->lock, enabled);
    wait_queue_wake(&terminal->writers);
}

static ssize_t write_transfer(struct file *file, struct transfer *from)
{
    uint8_t chunk[CHUNK_SIZE];
    ssize_t done = 0;

    while (from->left) {
        size_t wanted = from->left < CHUNK_SIZE ? from->left : CHUNK_SIZE;
        size_t size = transfer_in(from, chunk, wanted);
        ssize_t written = size ? write_all(file, chunk, size) : -EFAULT;

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
    ssize_t result = write_transfer(file, from);
    write_unclaim(terminal);
    if (result > 0)
        inode_touch(file->inode, INODE_MODIFIED);
    return result;
}

ssize_t terminal_drain(struct terminal *terminal)
{
    /* The last bytes are in the device, which does not say when they are gone. */
    const uint64_t interval = NANOSECONDS_PER_SECOND / 1000;

    while (!terminal->device->pseudo) {
        bool enabled = spinlock_acquire_save(&terminal->lock);
        bool taken = output_used(terminal) == 0;
        bool sent = taken && (!terminal->device->drained || terminal->device->drained(terminal));

        spinlock_release_restore(&terminal->lock, enabled);
        if (sent || device_gone(terminal))
            return 0;
        thread_prepare_sleep(THREAD_INTERRUPTIBLE);
        if (thread_sleep(clock_now() + interval) == -EINTR)
            return -RESTART_CALL;
    }
    return 0;
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
    bool enabled = spinlock_acquire_save(&terminal->lock);
    const uint8_t *control = terminal->line.settings.c_cc;
    size_t minimum =
        !line_canonical(&terminal->line) && control[VMIN] && !control[VTIME] ? control[VMIN] : 1;

    if (line_canonical(&terminal->line) ? line_ready(&terminal->line)
                                        : line_readable(&terminal->line) >= minimum)
        events |= POLLIN | POLLRDNORM;
    if (output_has_room(terminal))
        events |= POLLOUT | POLLWRNORM;
    if (device_gone(terminal))
        events |= POLLHUP | POLLIN | POLLRDNORM;
    spinlock_release_restore(&terminal->lock, enabled);
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

void terminal_release(struct terminal *terminal)
{
    if (__atomic_sub_fetch(&terminal->references, 1, __ATOMIC_ACQ_REL) == 0 &&
        terminal->device->destroy)
        terminal->device->destroy(terminal);
}

static struct async_list *terminal_async(struct file *file, bool joins)
{
    struct terminal *terminal = ((struct terminal_file *)file->private)->terminal;

    if (joins)
        terminal_owner_default(terminal, file);
    return &terminal->async;
}

const struct file_operations terminal_operations = {
    .read = terminal_read,
    .write = terminal_write,
    .ioctl = terminal_ioctl,
    .poll = terminal_poll,
    .async = terminal_async,
    .release = terminal_close,
};

void terminal_initialize(struct terminal *terminal, const char *name, uint32_t major,
                         uint32_t minor, const struct terminal_device *device)
{
    memset(terminal, 0, sizeof(*terminal));
    terminal->name = name;
    terminal->major = major;
    terminal->minor = minor;
    terminal->device = device;
    terminal->references = 1;
    spinlock_initialize(&terminal->lock, LOCK_TERMINAL);
    line_initialize(&terminal->line, line_output, line_signal, line_flow);
    mutex_initialize(&terminal->open_lock, MUTEX_TERMINAL_OPEN);
    wait_queue_initialize(&terminal->readers);
    wait_queue_initialize(&terminal->writers);
    async_list_initialize(&terminal->async);
}
