/* terminal.c: between a device and the line: the output ring, input, hanging up. See terminal.h. */
#include "terminal/terminal.h"

#include <asm/signal.h>
#include <linux/errno.h>

#include "cpu/clock.h"
#include "library/string.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "terminal/job_control.h"
#include "terminal/system_calls.h"
#include "thread/restart.h"

/* Of a program's bytes, on their way into the ring. */
#define PROCESSED_SIZE 512

/* A writer is woken, and poll says writable, when at least that much is free. */
#define OUTPUT_ROOM_WANTED (TERMINAL_OUTPUT_SIZE / 2)

static uint32_t output_used(const struct terminal *terminal)
{
    return terminal->output_head - terminal->output_tail;
}

/* What is written to a pseudo-terminal is sent at once: while it is stopped it takes nothing. */
static bool output_blocked(const struct terminal *terminal)
{
    return terminal->device->pseudo && terminal->line.stopped;
}

bool terminal_output_has_room(const struct terminal *terminal)
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
    bool had_room = terminal_output_has_room(terminal);

    terminal->output_tail += size;
    if (!had_room && terminal_output_has_room(terminal)) {
        terminal_note(terminal, NEWS_ROOM);
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
    terminal_note(terminal, NEWS_WRITERS);
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

/* ---- output from programs ---- */

/* Processes a piece of the program's bytes into the ring; returns how many were taken. */
static size_t output_process(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    uint8_t processed[PROCESSED_SIZE];
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

size_t terminal_output_write(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    bool enabled = terminal_lock(terminal);
    size_t taken = output_process(terminal, bytes, size);

    device_start(terminal);
    terminal_unlock(terminal, enabled);
    return taken;
}

ssize_t terminal_drain(struct terminal *terminal)
{
    /* The last bytes are in the device, which does not say when they are gone. */
    const uint64_t interval = NANOSECONDS_PER_SECOND / 1000;

    while (!terminal->device->pseudo) {
        bool enabled = terminal_lock(terminal);
        bool taken = output_used(terminal) == 0;
        bool sent = taken && (!terminal->device->drained || terminal->device->drained(terminal));

        terminal_unlock(terminal, enabled);
        if (sent || terminal_gone(terminal))
            return 0;
        thread_prepare_sleep(THREAD_INTERRUPTIBLE);
        if (thread_sleep(clock_now() + interval) == -EINTR)
            return -RESTART_CALL;
    }
    return 0;
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
    terminal->signals |= signal_bit(signal);
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
        terminal_note(terminal, NEWS_WRITERS);
}

/* ---- input from the device ---- */

size_t terminal_input_locked(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    return line_input(&terminal->line, bytes, size);
}

void terminal_wake_readers(struct terminal *terminal)
{
    if (line_ready(&terminal->line))
        terminal_note(terminal, NEWS_INPUT);
}

void terminal_input_done(struct terminal *terminal)
{
    terminal_wake_readers(terminal);
    device_start(terminal);
}

void terminal_input(struct terminal *terminal, const uint8_t *bytes, size_t size)
{
    bool enabled = terminal_lock(terminal);

    terminal_input_locked(terminal, bytes, size);
    terminal_input_done(terminal);
    terminal_unlock(terminal, enabled);
}

/* ---- hanging up ---- */

bool terminal_gone(struct terminal *terminal)
{
    return terminal->device->gone && terminal->device->gone(terminal);
}

void terminal_hang_up(struct terminal *terminal)
{
    bool enabled = terminal_lock(terminal);

    __atomic_store_n(&terminal->hang_ups, terminal->hang_ups + 1, __ATOMIC_RELAXED);
    line_flush(&terminal->line);
    terminal_flush_output_locked(terminal);
    terminal_note(terminal, NEWS_HANG_UP);
    terminal_unlock(terminal, enabled);
    terminal_release_session(terminal, TERMINAL_HUNG_UP);
}

/*
 * The leader of a session ends: its terminal is for the next one (POSIX, _Exit).
 * A pseudo-terminal is not hung up, for its master may have use for it still.
 */
void session_leader_ended(struct session *session)
{
    bool enabled = spinlock_acquire_save(&control_lock);
    struct terminal *terminal = session->terminal;

    if (terminal)
        terminal_reference(terminal);
    spinlock_release_restore(&control_lock, enabled);
    if (!terminal)
        return;
    terminal_release_session(terminal, TERMINAL_LEADER_ENDED);
    if (!terminal->device->pseudo)
        terminal_hang_up(terminal);
    terminal_release(terminal);
}

ssize_t sys_vhangup(void)
{
    if (!credentials_capable(credentials_current(), CAP_SYS_TTY_CONFIG))
        return -EPERM;
    struct terminal *terminal = controlling_terminal();

    if (terminal) {
        terminal_hang_up(terminal);
        terminal_release(terminal);
    }
    return 0;
}

/* ---- life ---- */

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
