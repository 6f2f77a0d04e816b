/* signalfd.c: signalfd(2): pending signals that are read instead of handled. */
#include <asm/errno.h>
#include <linux/signalfd.h>

#include "file/descriptor_table.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal/delivery.h"
#include "process/signal/watchers.h"
#include "process/system_calls.h"
#include "thread/restart.h"

struct signal_file {
    signal_set mask; /* atomic */
};

/* What the reader of a signal gets (signalfd(2)); the fields of a union by who sent it. */
static void information_convert(struct signalfd_siginfo *to, const siginfo_t *from)
{
    memset(to, 0, sizeof(*to));
    to->ssi_signo = from->si_signo;
    to->ssi_errno = from->si_errno;
    to->ssi_code = from->si_code;
    switch (from->si_code) {
    case SI_TIMER:
        to->ssi_tid = from->si_tid;
        to->ssi_overrun = from->si_overrun;
        to->ssi_ptr = (uint64_t)from->_sifields._timer._sigval.sival_ptr;
        to->ssi_int = from->_sifields._timer._sigval.sival_int;
        return;
    case SI_USER:
    case SI_TKILL:
    case SI_KERNEL:
        to->ssi_pid = from->si_pid;
        to->ssi_uid = from->si_uid;
        return;
    default:
        break;
    }
    if (from->si_code > 0 && (SIGNALS_SYNCHRONOUS & signal_bit(from->si_signo))) {
        to->ssi_addr = (uint64_t)from->si_addr;
        return;
    }
    if (from->si_code >= POLL_IN && from->si_code <= POLL_HUP && from->si_signo != SIGCHLD) {
        to->ssi_band = (uint32_t)from->si_band;
        to->ssi_fd = from->si_fd;
        return;
    }
    to->ssi_pid = from->si_pid;
    to->ssi_uid = from->si_uid;
    if (from->si_code > 0 && from->si_signo == SIGCHLD) {
        to->ssi_status = from->si_status;
        to->ssi_utime = from->si_utime;
        to->ssi_stime = from->si_stime;
    } else {
        to->ssi_ptr = (uint64_t)from->si_ptr;
        to->ssi_int = from->si_int;
    }
}

static bool take(struct signal_watchers *watchers, signal_set mask, siginfo_t *information)
{
    watch_limit_look(&watchers->limit);
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;
    bool enabled = spinlock_acquire_save(&process->lock);
    int signal = signal_take(thread, mask, information);

    if (signal)
        signal_update_work(thread);
    spinlock_release_restore(&process->lock, enabled);
    return signal != 0;
}

/* 0; -RESTART_CALL; -ENOMEM: too many wait. */
static int take_waiting(struct signal_watchers *watchers, signal_set mask, siginfo_t *information)
{
    if (!watch_limit_join(&watchers->limit))
        return -ENOMEM;
    int error = wait_event(&watchers->queue, take(watchers, mask, information),
                           THREAD_INTERRUPTIBLE, CLOCK_NEVER);
    watch_limit_leave(&watchers->limit);
    return error ? -RESTART_CALL : 0;
}

/* As many as fit and wait; sleeps for the first one only. */
static ssize_t signal_file_read(struct file *file, struct transfer *to, int64_t *offset)
{
    struct signal_file *signals = file->private;
    struct signal_watchers *watchers = signal_watchers_get();
    struct signalfd_siginfo converted;
    siginfo_t information;
    ssize_t done = 0;

    (void)offset;
    if (to->left < sizeof(converted))
        return -EINVAL;
    if (!watchers)
        return -ENOMEM;
    while (to->left >= sizeof(converted)) {
        signal_set mask = __atomic_load_n(&signals->mask, __ATOMIC_RELAXED);
        if (!take(watchers, mask, &information)) {
            if (done)
                break;
            if (file_nonblocking(file))
                return -EAGAIN;
            int error = take_waiting(watchers, mask, &information);
            if (error)
                return error;
        }
        information_convert(&converted, &information);
        if (transfer_out(to, &converted, sizeof(converted)) != sizeof(converted))
            return done ? done : -EFAULT;
        done += sizeof(converted);
    }
    return done;
}

static void watch(struct poll_table *table)
{
    struct signal_watchers *watchers =
        table ? signal_watchers_get() : process_current()->signals.actions->watchers;

    if (!watchers) {
        poll_refuse(table);
    } else {
        poll_wait_limited(table, &watchers->queue, &watchers->limit);
        watch_limit_look(&watchers->limit);
    }
}

static unsigned signal_file_poll(struct file *file, struct poll_table *table)
{
    struct signal_file *signals = file->private;
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->thread.process;

    watch(table);
    bool enabled = spinlock_acquire_save(&process->lock);
    signal_set pending = thread->signals.pending.set | process->signals.pending.set;
    spinlock_release_restore(&process->lock, enabled);
    return pending & __atomic_load_n(&signals->mask, __ATOMIC_RELAXED) ? POLLIN : 0;
}

static void signal_file_release(struct file *file)
{
    heap_free(file->private);
}

static void signal_file_describe(struct file *file, char *buffer, size_t size)
{
    struct signal_file *signals = file->private;

    format_string(buffer, size, "sigmask:\t%016lx\n",
                  __atomic_load_n(&signals->mask, __ATOMIC_RELAXED));
}

static const struct file_operations signal_file_operations = {
    .read = signal_file_read,
    .plain_read = true,
    .seek = file_seek_null,
    .poll = signal_file_poll,
    .few_ways = true,
    .release = signal_file_release,
    .describe = signal_file_describe,
};

static ssize_t signal_file_create(signal_set mask, int flags)
{
    struct signal_file *signals = heap_allocate_zeroed(sizeof(*signals));

    if (!signals)
        return -ENOMEM;
    signals->mask = mask;
    struct file *file = file_create_anonymous("[signalfd]", &signal_file_operations, signals,
                                              O_RDWR | (flags & O_NONBLOCK));
    if (!file) {
        heap_free(signals);
        return -ENOMEM;
    }
    return descriptor_add(file, flags & O_CLOEXEC);
}

static ssize_t signal_file_change(int descriptor, signal_set mask)
{
    struct file *file = descriptor_get(descriptor);
    ssize_t result = descriptor;

    if (!file)
        return -EBADF;
    if (file_is(file, &signal_file_operations)) {
        struct signal_file *signals = file->private;
        __atomic_store_n(&signals->mask, mask, __ATOMIC_RELAXED);
        struct signal_watchers *watchers = process_current()->signals.actions->watchers;
        if (watchers) {
            watch_limit_look(&watchers->limit);
            signal_watchers_wake(watchers);
        }
    } else {
        result = -EINVAL;
    }
    file_release(file);
    return result;
}

ssize_t sys_signalfd4(int descriptor, vaddr_t from, size_t size, int flags)
{
    signal_set mask;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    int error = signal_set_user(&mask, from, size);
    if (error)
        return error;
    return descriptor == -1 ? signal_file_create(mask, flags)
                            : signal_file_change(descriptor, mask);
}

ssize_t sys_signalfd(int descriptor, vaddr_t mask, size_t size)
{
    return sys_signalfd4(descriptor, mask, size, 0);
}
