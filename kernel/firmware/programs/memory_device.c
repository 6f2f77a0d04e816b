#include "firmware/programs/memory_device.h"

#include <asm/errno.h>
#include <linux/capability.h>

#include "file/device.h"
#include "file/lockdown.h"
#include "firmware/runtime_space.h"
#include "thread/preemption.h"

/* So many bytes are copied before others may run. */
#define PIECE 65536

static int memory_open(struct inode *inode, struct file *file)
{
    (void)inode;
    (void)file;
    if (!credentials_capable(credentials_current(), CAP_SYS_RAWIO))
        return -EPERM;
    return lockdown_check(LOCKDOWN_INTEGRITY, "/dev/mem,kmem,port");
}

static ssize_t memory_read(struct file *file, struct transfer *to, int64_t *offset)
{
    ssize_t done = 0;

    (void)file;
    while (to->left) {
        size_t size = to->left < PIECE ? to->left : PIECE;
        const void *bytes = runtime_space_view_most((paddr_t)*offset, &size);
        if (!bytes)
            return done ? done : -EPERM;
        size_t moved = transfer_out(to, bytes, size);
        *offset += (int64_t)moved;
        done += (ssize_t)moved;
        if (moved < size)
            return done ? done : -EFAULT;
        if (thread_interrupted(THREAD_INTERRUPTIBLE))
            break;
        thread_preemption_point();
    }
    return done;
}

static ssize_t memory_write(struct file *file, struct transfer *from, int64_t *offset)
{
    (void)file;
    (void)from;
    (void)offset;
    return -EPERM;
}

static const struct file_operations memory_operations = {
    .open = memory_open, .read = memory_read, .write = memory_write, .seek = file_seek_no_end};
/* Documentation/admin-guide/devices.txt: 1, 1 */
static struct device memory_device = {DEVICE_CHARACTER,   1,     1,    1,
                                      &memory_operations, "mem", NULL, NULL};

int memory_device_initialize(void)
{
    return device_register(&memory_device);
}
