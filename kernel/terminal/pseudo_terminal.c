/*
 * pseudo_terminal.c: see pseudo_terminal.h, pty(7), ioctl_tty(2), and for what
 * happens when one side is closed POSIX (posix_openpt, close).
 */
#include "terminal/pseudo_terminal.h"

#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/major.h>

#include "file/descriptor_table.h"
#include "file/pseudo.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "memory/user_copy.h"
#include "terminal/job_control.h"
#include "terminal/terminal.h"
#include "thread/restart.h"

#define NUMBER_MAXIMUM PSEUDO_TERMINALS_MAXIMUM
#define USER_MAXIMUM   1024 /* of one user but the superuser */
#define GROUP_TTY      5    /* Debian's group `tty`, who may write(1) to terminals */
#define CHUNK_SIZE     256

/* The master's own VSTOP and VSTART, which nobody can change: settings are the slave's. */
#define MASTER_STOP  ('S' & 0x1f)
#define MASTER_START ('Q' & 0x1f)

struct pseudo_terminal {
    struct terminal terminal;    /* the slave */
    struct terminal_file master; /* what file->private of the master is */
    char name[12];
    uint32_t number;
    uint32_t user;                /* who opened the master owns the slave */
    struct user_account *account; /* …and is charged for both: a reference; constant */

    /* terminal.lock */
    bool locked;       /* TIOCSPTLCK: the slave cannot be opened yet */
    bool master_open;  /* the master is still there */
    bool slave_closed; /* it was open, and nobody has it open now */
    bool packets;      /* TIOCPKT: each read of the master begins with a status byte */
    uint8_t status;    /* TIOCPKT_* that is to be told */
    bool typing_held;  /* tcflow(TCOOFF) of the master: what it writes waits */
    bool exclusive;    /* TIOCEXCL of the master, which cannot be opened again anyhow; atomic */

    struct wait_queue readers; /* of the master: there is output */
    struct wait_queue writers; /* of the master: the line accepts input */
    struct async_list async;   /* of the master */
};

/* Guards the two tables. A leaf. */
static struct spinlock table_lock;
static struct pseudo_terminal *masters[NUMBER_MAXIMUM]; /* by number, while the master is open */
static bool number_used[NUMBER_MAXIMUM];                /* until the last reference is gone */

/* With its number not given out, or given back. */
static void pair_free(struct pseudo_terminal *pair)
{
    __atomic_fetch_sub(&pair->account->heap_bytes, sizeof(*pair), __ATOMIC_RELAXED);
    user_account_discharge(&pair->account->terminals, 1);
    user_account_release(pair->account);
    heap_free(pair);
}

static struct pseudo_terminal *slave_of(struct terminal *terminal)
{
    return container_of(terminal, struct pseudo_terminal, terminal);
}

/* ---- the slave, as a device: under its lock unless a line says otherwise ---- */

static int slave_open(struct terminal *terminal)
{
    struct pseudo_terminal *pair = slave_of(terminal);
    bool enabled = terminal_lock(terminal);

    pair->slave_closed = false;
    terminal_unlock(terminal, enabled);
    return 0;
}

static void slave_close(struct terminal *terminal)
{
    struct pseudo_terminal *pair = slave_of(terminal);
    bool enabled = terminal_lock(terminal);

    pair->slave_closed = true;
    terminal_unlock(terminal, enabled);
    wait_queue_wake_all(&pair->readers);
}

static void slave_start(struct terminal *terminal)
{
    terminal_note(terminal, NEWS_OUTPUT);
}

/* What the master's side hears. No lock. */
static void slave_told(struct terminal *terminal, uint32_t news)
{
    struct pseudo_terminal *pair = slave_of(terminal);

    if (news & (NEWS_OUTPUT | NEWS_STATUS))
        wait_queue_wake(&pair->readers);
    if (news & NEWS_OUTPUT)
        async_tell(&pair->async, POLL_IN);
    if (news & NEWS_TYPING)
        wait_queue_wake(&pair->writers);
}

/* Tells the master, in packet mode; what was to be told of the opposite is no longer true. */
static void status_tell(struct pseudo_terminal *pair, uint8_t status, uint8_t opposite)
{
    if (!pair->packets)
        return;
    pair->status = (pair->status & ~opposite) | status;
    terminal_note(&pair->terminal, NEWS_STATUS);
}

static void slave_flushed(struct terminal *terminal, bool input)
{
    status_tell(slave_of(terminal), input ? TIOCPKT_FLUSHREAD : TIOCPKT_FLUSHWRITE, 0);
}

static void slave_flow(struct terminal *terminal)
{
    bool stopped = terminal->line.stopped;

    status_tell(slave_of(terminal), stopped ? TIOCPKT_STOP : TIOCPKT_START,
                stopped ? TIOCPKT_START : TIOCPKT_STOP);
}

/* Do ^S and ^Q mean what a master takes them for (TIOCPKT_DOSTOP)? */
static bool stops_as_usual(const struct termios2 *settings)
{
    return settings->c_iflag & IXON && settings->c_cc[VSTOP] == MASTER_STOP &&
           settings->c_cc[VSTART] == MASTER_START;
}

static void slave_changed(struct terminal *terminal, const struct termios2 *before)
{
    struct pseudo_terminal *pair = slave_of(terminal);
    struct termios2 *settings = &terminal->line.settings;
    bool stops = stops_as_usual(settings);

    settings->c_cflag = (settings->c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
    if (stops != stops_as_usual(before))
        status_tell(pair, stops ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
    if ((settings->c_lflag | before->c_lflag) & EXTPROC)
        status_tell(pair, TIOCPKT_IOCTL, 0);
}

static void slave_resume(struct terminal *terminal)
{
    terminal_note(terminal, NEWS_TYPING);
}

/* There is no wire to break. */
static ssize_t slave_ioctl(struct terminal *terminal, struct file *file, unsigned command,
                           vaddr_t argument)
{
    (void)terminal;
    (void)file;
    (void)argument;
    return command == TIOCSBRK || command == TIOCCBRK ? 0 : -ENOTTY;
}

static bool slave_gone(struct terminal *terminal)
{
    return !slave_of(terminal)->master_open;
}

/* No lock; may sleep. */
static void slave_destroy(struct terminal *terminal)
{
    struct pseudo_terminal *pair = slave_of(terminal);

    spinlock_acquire(&table_lock);
    number_used[pair->number] = false;
    spinlock_release(&table_lock);
    pair_free(pair);
}

static const struct terminal_device slave_device = {
    .open = slave_open,
    .close = slave_close,
    .start = slave_start,
    .flushed = slave_flushed,
    .flow = slave_flow,
    .changed = slave_changed,
    .told = slave_told,
    .resume = slave_resume,
    .gone = slave_gone,
    .ioctl = slave_ioctl,
    .destroy = slave_destroy,
    .pseudo = true,
};

/* ---- the master, as a file ---- */

static struct pseudo_terminal *pair_of(const struct file *master)
{
    return container_of((struct terminal_file *)master->private, struct pseudo_terminal, master);
}

/*
 * The next piece of what one read gives: of the slave's output, or a packet, which is a status
 * alone, or a byte TIOCPKT_DATA and as much output as there is room for. 0: nothing, or no more.
 * Lock held.
 */
static size_t master_take(struct pseudo_terminal *pair, uint8_t *to, size_t size, bool first)
{
    if (!pair->packets)
        return terminal_output_take(&pair->terminal, to, size);
    if (!first)
        return pair->status ? 0 : terminal_output_take(&pair->terminal, to, size);
    if (pair->status) {
        to[0] = pair->status;
        pair->status = 0;
        return 1;
    }
    if (!terminal_output_ready(&pair->terminal))
        return 0;
    to[0] = TIOCPKT_DATA;
    return 1 + terminal_output_take(&pair->terminal, to + 1, size - 1);
}

static bool master_readable(struct pseudo_terminal *pair)
{
    bool enabled = terminal_lock(&pair->terminal);
    bool readable = terminal_output_ready(&pair->terminal) || (pair->packets && pair->status) ||
                    pair->slave_closed;

    terminal_unlock(&pair->terminal, enabled);
    return readable;
}

static ssize_t master_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct pseudo_terminal *pair = pair_of(file);
    uint8_t chunk[CHUNK_SIZE];
    ssize_t done = 0;
    bool status = false; /* which is a packet of its own */

    (void)offset;
    while (to->left && !status) {
        size_t size = to->left < CHUNK_SIZE ? to->left : CHUNK_SIZE;
        bool enabled = terminal_lock(&pair->terminal);

        status = pair->packets && pair->status && !done;
        size = master_take(pair, chunk, size, !done);
        bool closed = pair->slave_closed;
        terminal_unlock(&pair->terminal, enabled);
        if (size) {
            if (transfer_out(to, chunk, size) < size)
                return done ? done : -EFAULT;
            done += size;
            continue;
        }
        if (done)
            break;
        if (closed)
            return -EIO;
        if (file_nonblocking(file))
            return -EAGAIN;
        if (wait_event(&pair->readers, master_readable(pair), THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return -RESTART_CALL;
    }
    return done;
}

/* Lock held. */
static bool typing_possible(const struct pseudo_terminal *pair)
{
    return !pair->typing_held && line_accepts(&pair->terminal.line);
}

static bool master_writable(struct pseudo_terminal *pair)
{
    bool enabled = terminal_lock(&pair->terminal);
    bool accepts = typing_possible(pair);

    terminal_unlock(&pair->terminal, enabled);
    return accepts;
}

/* Types a chunk into the slave's line; returns how much of it was taken. */
static size_t master_type(struct pseudo_terminal *pair, const uint8_t *bytes, size_t size)
{
    bool enabled = terminal_lock(&pair->terminal);
    size_t taken = pair->typing_held ? 0 : terminal_input_locked(&pair->terminal, bytes, size);

    terminal_input_done(&pair->terminal);
    terminal_unlock(&pair->terminal, enabled);
    return taken;
}

static ssize_t master_write_chunk(struct file *file, const uint8_t *bytes, size_t size)
{
    struct pseudo_terminal *pair = pair_of(file);
    size_t done = 0;

    while (done < size) {
        done += master_type(pair, bytes + done, size - done);
        if (done == size)
            break;
        if (file_nonblocking(file))
            return done ? (ssize_t)done : -EAGAIN;
        if (wait_event(&pair->writers, master_writable(pair), THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return done ? (ssize_t)done : -RESTART_CALL;
    }
    return done;
}

static ssize_t master_write(struct file *file, struct transfer *from, int64_t *offset)
{
    (void)offset;
    return terminal_write_chunks(file, from, master_write_chunk);
}

static unsigned master_poll(struct file *file, struct poll_table *table)
{
    struct pseudo_terminal *pair = pair_of(file);
    unsigned events = 0;

    poll_wait(table, &pair->readers);
    poll_wait(table, &pair->writers);
    bool enabled = terminal_lock(&pair->terminal);

    if (terminal_output_ready(&pair->terminal))
        events |= POLLIN | POLLRDNORM;
    if (pair->packets && pair->status)
        events |= POLLIN | POLLRDNORM | POLLPRI;
    if (typing_possible(pair))
        events |= POLLOUT | POLLWRNORM;
    if (pair->slave_closed)
        events |= POLLHUP;
    terminal_unlock(&pair->terminal, enabled);
    return events;
}

/* ---- ioctl of the master ---- */

static ssize_t lock_set(struct pseudo_terminal *pair, vaddr_t argument)
{
    int locked;

    if (user_get(&locked, argument))
        return -EFAULT;
    __atomic_store_n(&pair->locked, locked != 0, __ATOMIC_RELAXED);
    return 0;
}

static ssize_t packets_set(struct pseudo_terminal *pair, vaddr_t argument)
{
    int on;

    if (user_get(&on, argument))
        return -EFAULT;
    bool enabled = terminal_lock(&pair->terminal);

    if (on && !pair->packets)
        pair->status = 0;
    pair->packets = on != 0;
    terminal_unlock(&pair->terminal, enabled);
    return 0;
}

static ssize_t value_put(vaddr_t argument, int value)
{
    return user_put(argument, &value);
}

static ssize_t signal_slave(struct pseudo_terminal *pair, vaddr_t signal)
{
    if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP)
        return -EINVAL;
    terminal_signal(&pair->terminal, signal);
    return 0;
}

/* What waits for the master's next read; TIOCOUTQ is the other direction. */
static ssize_t count_ready(struct pseudo_terminal *pair, vaddr_t argument)
{
    bool enabled = terminal_lock(&pair->terminal);
    int count = terminal_output_ready(&pair->terminal);

    terminal_unlock(&pair->terminal, enabled);
    return value_put(argument, count);
}

/* TCFLSH: the master's input is what the slave wrote; what it typed itself has been sent. */
static ssize_t master_flush(struct pseudo_terminal *pair, vaddr_t which)
{
    if (which != TCIFLUSH && which != TCOFLUSH && which != TCIOFLUSH)
        return -EINVAL;
    bool enabled = terminal_lock(&pair->terminal);

    if (which != TCOFLUSH)
        terminal_output_consume(&pair->terminal, terminal_output_ready(&pair->terminal));
    terminal_unlock(&pair->terminal, enabled);
    return 0;
}

/* TCXONC: its output is what is typed for the slave. */
static ssize_t master_flow(struct pseudo_terminal *pair, vaddr_t action)
{
    uint8_t byte = action == TCIOFF ? MASTER_STOP : MASTER_START;

    if (action > TCION)
        return -EINVAL;
    if (action == TCIOFF || action == TCION) {
        master_type(pair, &byte, 1);
        return 0;
    }
    bool enabled = terminal_lock(&pair->terminal);

    pair->typing_held = action == TCOOFF;
    terminal_unlock(&pair->terminal, enabled);
    wait_queue_wake(&pair->writers);
    return 0;
}

/* TIOCSTI: a byte for the master's reader, as if the slave had sent it. */
static ssize_t master_receive(struct pseudo_terminal *pair, vaddr_t from)
{
    uint8_t byte;

    if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
        return -EPERM;
    if (user_get(&byte, from))
        return -EFAULT;
    bool enabled = terminal_lock(&pair->terminal);

    terminal_send_locked(&pair->terminal, byte);
    terminal_unlock(&pair->terminal, enabled);
    return 0;
}

static ssize_t master_exclusive(struct pseudo_terminal *pair, bool exclusive)
{
    __atomic_store_n(&pair->exclusive, exclusive, __ATOMIC_RELAXED);
    return 0;
}

/* TIOCGPTPEER: the slave, as a descriptor. */
static ssize_t peer_open(struct pseudo_terminal *pair, int flags)
{
    char name[24];
    struct file *file;

    if (flags & ~(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    format_string(name, sizeof(name), "/dev/%s", pair->name);
    int error = file_open(AT_FDCWD, name, flags, 0, &file);

    return error ? error : descriptor_add(file, flags & O_CLOEXEC);
}

static ssize_t master_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct pseudo_terminal *pair = pair_of(file);

    switch (command) {
    case TIOCGPTN:
        return value_put(argument, pair->number);
    case TIOCSPTLCK:
        return lock_set(pair, argument);
    case TIOCGPTLCK:
        return value_put(argument, pair->locked);
    case TIOCGPTPEER:
        return peer_open(pair, argument);
    case TIOCPKT:
        return packets_set(pair, argument);
    case TIOCGPKT:
        return value_put(argument, pair->packets);
    case TIOCSIG:
        return signal_slave(pair, argument);
    case TIOCINQ:
        return count_ready(pair, argument);
    case TIOCOUTQ:
        return value_put(argument, 0);
    case TIOCGPGRP:
        return terminal_foreground_get(&pair->terminal, true, argument);
    case TIOCGSID:
        return terminal_session_get(&pair->terminal, true, argument);
    case TIOCSCTTY:
    case TIOCNOTTY:
        return -ENOTTY;
    case TCFLSH:
        return master_flush(pair, argument);
    case TCXONC:
        return master_flow(pair, argument);
    case TIOCSTI:
        return master_receive(pair, argument);
    case TIOCEXCL:
    case TIOCNXCL:
        return master_exclusive(pair, command == TIOCEXCL);
    case TIOCGEXCL:
        return value_put(argument, pair->exclusive);
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
        return 0; /* there is no wire to break */
    default:
        /* Settings and size are the pair's, whichever side asks. */
        return terminal_ioctl(file, command, argument);
    }
}

/* The slave's name goes, its users are hung up, its number is free when they are gone. */
static void master_close(struct file *file)
{
    struct pseudo_terminal *pair = pair_of(file);

    spinlock_acquire(&table_lock);
    masters[pair->number] = NULL;
    spinlock_release(&table_lock);
    bool enabled = terminal_lock(&pair->terminal);

    pair->master_open = false;
    terminal_unlock(&pair->terminal, enabled);
    terminal_hang_up(&pair->terminal);
    terminal_release(&pair->terminal);
}

static struct async_list *master_async(struct file *file, bool joins)
{
    struct pseudo_terminal *pair = pair_of(file);

    if (joins)
        terminal_owner_default(&pair->terminal, file);
    return &pair->async;
}

static const struct file_operations master_operations = {
    .hasty_write = true,
    .read = master_read,
    .write = master_write,
    .ioctl = master_ioctl,
    .poll = master_poll,
    .async = master_async,
    .release = master_close,
};

unsigned pseudo_terminal_count(void)
{
    unsigned count = 0;

    spinlock_acquire(&table_lock);
    for (uint32_t number = 0; number < NUMBER_MAXIMUM; number++)
        count += number_used[number];
    spinlock_release(&table_lock);
    return count;
}

static bool number_take(uint32_t *number)
{
    bool found = false;

    spinlock_acquire(&table_lock);
    for (*number = 0; *number < NUMBER_MAXIMUM; ++*number) {
        if (!number_used[*number]) {
            number_used[*number] = found = true;
            break;
        }
    }
    spinlock_release(&table_lock);
    return found;
}

/* Charged for, with a number. 0; -ENOMEM; -ENOSPC: the user, or all of them, have too many. */
static int pair_create(struct pseudo_terminal **result)
{
    struct user_account *account = user_account_get_current();
    uint64_t limit = account->user ? USER_MAXIMUM : NUMBER_MAXIMUM;
    bool charged = user_account_charge(&account->terminals, 1, limit);
    struct pseudo_terminal *pair = charged ? heap_allocate_zeroed(sizeof(*pair)) : NULL;

    if (!pair) {
        if (charged)
            user_account_discharge(&account->terminals, 1);
        user_account_release(account);
        return charged ? -ENOMEM : -ENOSPC;
    }
    pair->account = account;
    __atomic_fetch_add(&account->heap_bytes, sizeof(*pair), __ATOMIC_RELAXED);
    if (!number_take(&pair->number)) {
        pair_free(pair);
        return -ENOSPC;
    }
    *result = pair;
    return 0;
}

int pseudo_terminal_open_master(struct file *file)
{
    struct pseudo_terminal *pair;

    int error = pair_create(&pair);
    if (error)
        return error;
    format_string(pair->name, sizeof(pair->name), "pts/%u", pair->number);
    terminal_initialize(&pair->terminal, pair->name, UNIX98_PTY_SLAVE_MAJOR, pair->number,
                        &slave_device);
    wait_queue_initialize(&pair->readers);
    wait_queue_initialize(&pair->writers);
    async_list_initialize(&pair->async);
    pair->master = (struct terminal_file){.terminal = &pair->terminal, .console = true};
    pair->user = file->credentials->file_user;
    pair->locked = true;
    pair->master_open = true;
    file->private = &pair->master;
    file->operations = &master_operations;
    file->stream = true;
    spinlock_acquire(&table_lock);
    masters[pair->number] = pair;
    spinlock_release(&table_lock);
    return 0;
}

/* ---- devpts: a file for each slave whose master is open ---- */

/* With a reference on its terminal; NULL: no such one. */
static struct pseudo_terminal *pair_find(uint64_t number)
{
    struct pseudo_terminal *pair = NULL;

    spinlock_acquire(&table_lock);
    if (number < NUMBER_MAXIMUM)
        pair = masters[number];
    if (pair)
        terminal_reference(&pair->terminal);
    spinlock_release(&table_lock);
    return pair;
}

static int slave_file_open(struct inode *inode, struct file *file)
{
    struct pseudo_terminal *pair = pair_find(pseudo_file_key(file)->number[0]);

    (void)inode;
    if (!pair)
        return -EIO;
    int error = __atomic_load_n(&pair->locked, __ATOMIC_RELAXED) ? -EIO : 0;

    if (!error)
        error = terminal_open(&pair->terminal, file);
    if (!error && !(file->opened_with & O_NOCTTY))
        terminal_acquire(&pair->terminal);
    terminal_release(&pair->terminal);
    return error;
}

static void slave_attributes(const struct pseudo_key *key, struct pseudo_attributes *attributes)
{
    struct pseudo_terminal *pair = pair_find(key->number[0]);

    attributes->mode = 0620;
    attributes->group = GROUP_TTY;
    attributes->device = device_number(UNIX98_PTY_SLAVE_MAJOR, key->number[0]);
    if (pair) {
        attributes->user = pair->user;
        terminal_release(&pair->terminal);
    }
}

static const struct file_operations slave_file_operations = {.open = slave_file_open};

static struct pseudo_node slave_node = {
    .mode = S_IFCHR | 0620,
    .attributes = slave_attributes,
    .operations = &slave_file_operations,
};

static int slave_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                      struct pseudo_node **child)
{
    uint64_t number = 0;

    (void)key;
    if (name[0] == '0' && name[1])
        return -ENOENT;
    for (const char *digit = name; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || number >= NUMBER_MAXIMUM)
            return -ENOENT;
        number = number * 10 + (*digit - '0');
    }
    struct pseudo_terminal *pair = pair_find(number);
    if (!pair)
        return -ENOENT;
    terminal_release(&pair->terminal);
    child_key->number[0] = number;
    *child = &slave_node;
    return 0;
}

static bool slave_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    (void)key;
    for (uint64_t number = *position; number < NUMBER_MAXIMUM; number++) {
        struct pseudo_terminal *pair = pair_find(number);

        if (!pair)
            continue;
        terminal_release(&pair->terminal);
        format_string(name->text, sizeof(name->text), "%u", (unsigned)number);
        name->type = S_IFCHR;
        *position = number + 1;
        return true;
    }
    return false;
}

/* /dev/pts/ptmx: the same as /dev/ptmx, for root only, as Linux has it without ptmxmode=. */
static int multiplexer_open(struct inode *inode, struct file *file)
{
    (void)inode;
    return pseudo_terminal_open_master(file);
}

static void multiplexer_attributes(const struct pseudo_key *key,
                                   struct pseudo_attributes *attributes)
{
    (void)key;
    attributes->mode = 0;
    attributes->device = device_number(TTYAUX_MAJOR, 2);
}

static const struct file_operations multiplexer_operations = {.open = multiplexer_open};

static struct pseudo_node root_files[] = {
    {
        .name = "ptmx",
        .mode = S_IFCHR,
        .attributes = multiplexer_attributes,
        .operations = &multiplexer_operations,
    },
};

static struct pseudo_node root = {
    .mode = S_IFDIR | 0755,
    .children = root_files,
    .child_count = array_length(root_files),
    .find = slave_find,
    .next = slave_next,
};

int pseudo_terminal_initialize(void)
{
    return pseudo_tree_add("devpts", DEVPTS_SUPER_MAGIC, &root, NULL);
}
