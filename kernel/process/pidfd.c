/* pidfd.c: pidfd_open(2): a process that is held by a descriptor, whatever its number is. */
#include "process/pidfd.h"

#include <asm/errno.h>
#include <linux/pidfd.h>

#include "file/descriptor_table.h"
#include "library/format.h"
#include "process/hooks.h"
#include "process/system_calls.h"

/* It can be read from, says poll(2), when every thread of the process has ended. */
static unsigned process_file_poll(struct file *file, struct poll_table *table)
{
    struct process *process = file->private;

    poll_wait(table, &process->ended);
    return __atomic_load_n(&process->zombie, __ATOMIC_ACQUIRE) ? POLLIN | POLLRDNORM : 0;
}

static void process_file_release(struct file *file)
{
    process_release(file->private);
}

/* proc(5): the number, or -1 when the process has been reaped. */
static void process_file_describe(struct file *file, char *buffer, size_t size)
{
    struct process *process = file->private;
    int id = process_is_reaped(process) ? -1 : (int)process->id;

    format_string(buffer, size, "Pid:\t%d\nNSpid:\t%d\n", id, id);
}

static const struct file_operations process_file_operations = {
    .poll = process_file_poll,
    .release = process_file_release,
    .describe = process_file_describe,
};

int process_file_prepare(struct process *process, bool nonblocking, struct file **file)
{
    int descriptor = descriptor_reserve(0, true);

    if (descriptor < 0)
        return descriptor;
    *file = file_create_anonymous("[pidfd]", &process_file_operations, process,
                                  O_RDWR | (nonblocking ? O_NONBLOCK : 0));
    if (!*file) {
        descriptor_cancel(descriptor);
        return -ENOMEM;
    }
    process_reference(process);
    return descriptor;
}

struct process *process_file_get(int descriptor, bool *nonblocking)
{
    struct file *file = descriptor_get(descriptor);
    struct process *process = NULL;

    if (file && file_is(file, &process_file_operations)) {
        process = file->private;
        process_reference(process);
        *nonblocking = file_nonblocking(file);
    }
    file_release(file);
    return process;
}

struct process *process_file_or_directory_get(int descriptor)
{
    bool nonblocking;
    struct process *process = process_file_get(descriptor, &nonblocking);
    struct file *file = process ? NULL : descriptor_get(descriptor);

    if (file)
        process = process_hooks.of_directory(file);
    file_release(file);
    return process;
}

ssize_t sys_pidfd_open(int id, unsigned flags)
{
    struct file *file;

    if (flags & ~(unsigned)PIDFD_NONBLOCK || id <= 0)
        return -EINVAL;
    struct process *process = process_find(id);
    if (!process) {
        struct user_thread *thread = user_thread_find(id);
        if (!thread)
            return -ESRCH;
        user_thread_release(thread); /* not the one that gives its process the number */
        return -EINVAL;
    }
    int descriptor = process_file_prepare(process, flags & PIDFD_NONBLOCK, &file);
    if (descriptor >= 0)
        descriptor_install(descriptor, file);
    process_release(process);
    return descriptor;
}
