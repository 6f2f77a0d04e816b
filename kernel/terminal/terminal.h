/*
 * terminal.h: a terminal: a line discipline between a device (serial port,
 * screen and keyboard, the master of a pseudo-terminal) and programs.
 *
 *   program ── write ──▶ line_process_output ──▶ output ring ──▶ device
 *   program ◀── read ─── line's input buffer ◀── line_input ◀─── device
 *
 * Bytes are never lost on the way: a device that cannot take more makes the
 * writer sleep; a full input buffer makes the device hold back
 * (terminal_input() takes fewer bytes than there are) until a reader made room
 * (device->resume).
 */
#ifndef BATON_TERMINAL_TERMINAL_H
#define BATON_TERMINAL_TERMINAL_H

#include <asm/termios.h>

#include "cpu/spinlock.h"
#include "file/poll/async.h"
#include "library/line_discipline.h"
#include "thread/mutex.h"
#include "thread/wait_queue.h"

struct process_group;
struct session;
struct terminal;

#define TERMINAL_OUTPUT_SIZE 4096

/* What happened to a terminal and is to be told: bits. */
enum terminal_news {
    NEWS_INPUT = 1 << 0,   /* to readers, and by signal: there is input */
    NEWS_HANG_UP = 1 << 1, /* to all readers: nothing more will come */
    NEWS_ROOM = 1 << 2,    /* to writers, and by signal: there is room for output */
    NEWS_WRITERS = 1 << 3, /* to writers alone */
    /* To the other side, where that is a program: */
    NEWS_OUTPUT = 1 << 4, /* to its readers, and by signal: there is output */
    NEWS_STATUS = 1 << 5, /* to its readers alone */
    NEWS_TYPING = 1 << 6, /* to its writers: the line accepts input */
};

/* What is behind a terminal. All but `open` are called under the terminal's lock, interrupts off;
   NULL: nothing to do. */
struct terminal_device {
    /* The first one opens it, or the last one closed it. May sleep; only open_lock is held. */
    int (*open)(struct terminal *terminal);
    void (*close)(struct terminal *terminal);
    /* There is output to be taken (terminal_output_take), or it may go on. May let go of the lock
       meanwhile. */
    void (*start)(struct terminal *terminal);
    /* What waited was dropped (a signal, TCFLSH, hang-up): what was typed, or the output. */
    void (*flushed)(struct terminal *terminal, bool input);
    /* Output was stopped, or goes on: line.stopped says which. */
    void (*flow)(struct terminal *terminal);
    /* The settings were others before; may correct what it cannot do in the new ones. */
    void (*changed)(struct terminal *terminal, const struct termios2 *before);
    /* What was typed was dropped (TCIFLUSH): what the device holds back goes with it. */
    void (*discard)(struct terminal *terminal);
    /* There is room for input again. */
    void (*resume)(struct terminal *terminal);
    /* What of this is for the other side. No lock; may be preempted. */
    void (*told)(struct terminal *terminal, uint32_t news);
    /* Has everything that it took left the machine? NULL: at once. */
    bool (*drained)(struct terminal *terminal);
    /* The other side is a program: output counts as sent once it is in the ring, and the terminal
       outlives the session that had it. */
    bool pseudo;
    /* Was the other side closed (a pseudo-terminal's master)? NULL: no. */
    bool (*gone)(struct terminal *terminal);
    /* The last reference is gone. May sleep; no lock. NULL: it lives for ever. */
    void (*destroy)(struct terminal *terminal);
    /* Commands that only this device knows; -ENOTTY for the rest. No lock; may sleep. NULL: none.
     */
    ssize_t (*ioctl)(struct terminal *terminal, struct file *file, unsigned command,
                     vaddr_t argument);
};

struct terminal {
    const char *name; /* "ttyS0"; constant */
    uint32_t major, minor;
    const struct terminal_device *device;
    uint32_t references; /* atomic: open files, the session, the device itself */

    struct spinlock lock;                 /* with interrupts off; taken before control_lock */
    struct line_discipline line;          /* lock */
    uint8_t output[TERMINAL_OUTPUT_SIZE]; /* a ring, positions count up for ever; lock */
    uint32_t output_tail, output_head;    /* lock */
    uint32_t output_stop;                 /* while the line is stopped: what is before it may leave;
                                             lock */
    struct winsize size;                  /* lock */
    uint32_t hang_ups;                    /* files opened before the last one are dead; lock */
    bool exclusive;                       /* TIOCEXCL; lock */
    uint32_t opens;                       /* lock */
    uint32_t news;                        /* what is to be told: bits; lock */
    uint64_t signals;                     /* …and to the foreground: a set; lock */
    bool queued;                          /* these two are the teller's; tell.c's lock */
    STAILQ_ENTRY(terminal) queue_link;

    /* Job control; control_lock (job_control.h). References are held. */
    struct session *session;
    struct process_group *foreground;

    struct mutex open_lock;    /* first open and last close */
    bool writing;              /* one write(2) at a time; lock */
    struct wait_queue readers; /* woken when there is input */
    struct wait_queue writers; /* woken when there is room for output, and when all is sent */
    struct async_list async;
};

/* What file->private is for a terminal. */
struct terminal_file {
    struct terminal *terminal;
    uint32_t hang_ups; /* the terminal's, when it was opened; constant */
    bool console;      /* opened as /dev/console: survives hang-ups */
};

void terminal_initialize(struct terminal *terminal, const char *name, uint32_t major,
                         uint32_t minor, const struct terminal_device *device);

static inline void terminal_reference(struct terminal *terminal)
{
    __atomic_fetch_add(&terminal->references, 1, __ATOMIC_RELAXED);
}
/* May sleep. */
static inline void terminal_release(struct terminal *terminal)
{
    if (__atomic_sub_fetch(&terminal->references, 1, __ATOMIC_ACQ_REL) == 0 &&
        terminal->device->destroy)
        terminal->device->destroy(terminal);
}

/* ---- the lock: tell.c ---- */

/* Interrupts off; returns whether they were on. */
static inline bool terminal_lock(struct terminal *terminal)
{
    return spinlock_acquire_save(&terminal->lock);
}
/*
 * Then tells what was noted: waking and signalling take as long as there are who wait, so that is
 * done without the lock, and where interrupts have to stay off it is left to a thread.
 */
void terminal_unlock(struct terminal *terminal, bool enabled);
/* Lock held. */
static inline void terminal_note(struct terminal *terminal, uint32_t news)
{
    terminal->news |= news;
}
/* Once, when there are threads: starts that thread. 0 or -ENOMEM. */
int terminal_start_teller(void);

/* ---- for devices ---- */

/*
 * Bytes that came in. Returns how many were taken: fewer than `size` when the
 * buffer is full; then device->resume will be called. _locked: the terminal's
 * lock is held. Any context. Call terminal_input_done() after a batch.
 */
size_t terminal_input_locked(struct terminal *terminal, const uint8_t *bytes, size_t size);
/* Wakes readers if there is something for them, and sends the echo. Lock held. */
void terminal_input_done(struct terminal *terminal);
/* Only the first half of it, for a device that is sending already. Lock held. */
void terminal_wake_readers(struct terminal *terminal);
/* Both, without the lock held; what finds no room is lost (keyboard, screen). */
void terminal_input(struct terminal *terminal, const uint8_t *bytes, size_t size);

/* Takes up to `size` bytes of output; none while output is stopped. Lock held. */
size_t terminal_output_take(struct terminal *terminal, uint8_t *to, size_t size);
/* The same in two steps, for a device that may not take them after all. Lock held. */
size_t terminal_output_peek(const struct terminal *terminal, uint8_t *to, size_t size);
void terminal_output_consume(struct terminal *terminal, size_t size);
/* How many there are to take. Lock held. */
size_t terminal_output_ready(const struct terminal *terminal);

/* The line is gone, or vhangup(2), or the session's leader ended: every open file is dead. */
void terminal_hang_up(struct terminal *terminal);
/* Was the other side closed (a pseudo-terminal's master)? */
bool terminal_gone(struct terminal *terminal);

/* Processes a program's bytes into the ring and starts the device; how many were taken. No lock. */
size_t terminal_output_write(struct terminal *terminal, const uint8_t *bytes, size_t size);
/* Is there enough room to wake a writer? Lock held. */
bool terminal_output_has_room(const struct terminal *terminal);
/* Waits until all output has left. 0 or -RESTART_CALL. */
ssize_t terminal_drain(struct terminal *terminal);

/* What process/hooks.h asks: a session's leader ends. No lock; may sleep. */
void session_leader_ended(struct session *session);

/* ---- for files: terminal_file.c ---- */

extern const struct file_operations terminal_operations;
/* Makes `file` a file of this terminal: for an `open` operation. 0, -ENOMEM, -EBUSY (TIOCEXCL),
   -EIO (a pseudo-terminal without master). May make it the caller's controlling terminal. */
int terminal_open(struct terminal *terminal, struct file *file);
/* The terminal of a file with terminal_operations. */
struct terminal *terminal_of(const struct file *file);
/* Has the file's terminal been hung up since it was opened? */
static inline bool terminal_file_dead(const struct terminal_file *opened)
{
    uint32_t hang_ups = __atomic_load_n(&opened->terminal->hang_ups, __ATOMIC_RELAXED);

    return opened->hang_ups != hang_ups && !opened->console;
}
/* Writes what is left of a transfer by pieces: `write` takes one, all of it unless it must not
   sleep, and says how much or an error. How much in all, or an error. */
typedef ssize_t terminal_write_chunk(struct file *file, const uint8_t *bytes, size_t size);
ssize_t terminal_write_chunks(struct file *file, struct transfer *from,
                              terminal_write_chunk *write);

/* settings.c: all of ioctl(2). */
ssize_t terminal_ioctl(struct file *file, unsigned command, vaddr_t argument);
/* Drops the output that waits; lock held. What a pseudo-terminal's other side can read already is
   not dropped: it has been sent. */
void terminal_flush_output_locked(struct terminal *terminal);
/* A byte for the other side, written by the terminal itself; lost if there is no room. Lock held.
 */
void terminal_send_locked(struct terminal *terminal, uint8_t byte);
/* Sets the size and tells the foreground. */
void terminal_resize(struct terminal *terminal, const struct winsize *size);

#endif
