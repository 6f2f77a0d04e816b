/* memory_devices.c: null, zero, full, random, urandom: mem(4), null(4), random(4). */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/random.h>

#include "file/device.h"
#include "file/system_calls.h"
#include "library/format.h"
#include "library/random.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

/* ---- null, zero, full ---- */

static ssize_t null_read(struct file *file, struct transfer *to, int64_t *offset)
{
    (void)file;
    (void)to;
    (void)offset;
    return 0;
}

static ssize_t null_write(struct file *file, struct transfer *from, int64_t *offset)
{
    (void)file;
    (void)offset;
    return (ssize_t)from->left;
}

static ssize_t zero_read(struct file *file, struct transfer *to, int64_t *offset)
{
    size_t total = 0;

    (void)file;
    (void)offset;
    while (to->left) {
        size_t wanted = to->left < 65536 ? to->left : 65536;
        size_t done = transfer_zeros(to, wanted);
        total += done;
        if (done < wanted)
            return total ? (ssize_t)total : -EFAULT;
        if (!to->left || thread_interrupted(THREAD_INTERRUPTIBLE))
            break;
        thread_preemption_point();
    }
    return (ssize_t)total;
}

static ssize_t full_write(struct file *file, struct transfer *from, int64_t *offset)
{
    (void)file;
    (void)from;
    (void)offset;
    return -ENOSPC;
}

/* A mapping of /dev/zero is anonymous memory. */
static int zero_map(struct file *file, unsigned flags, struct memory_object **object)
{
    (void)file;
    (void)flags;
    *object = NULL;
    return 0;
}

/* ---- random ---- */

/*
 * Each key gives its bytes in lots of a block, the first half of the first being the next key:
 * so a few requests' worth is made at once and kept in stock. What was given out is erased.
 */
static struct {
    struct spinlock lock; /* taken with interrupts off; guards the below */
    uint8_t key[RANDOM_KEY_SIZE];
    uint8_t stock[3 * RANDOM_BLOCK_SIZE - RANDOM_KEY_SIZE];
    size_t left; /* bytes of the stock, from its start, that nobody has yet */
} generator;

void random_add(const void *bytes, size_t size)
{
    bool enabled = spinlock_acquire_save(&generator.lock);
    random_mix(generator.key, bytes, size);
    generator.left = 0; /* what comes from now on depends on it */
    spinlock_release_restore(&generator.lock, enabled);
}

/* At most as much as the stock has when it is full. Lock held. */
static void take_from_stock(void *buffer, size_t size)
{
    if (generator.left < size) {
        random_generate(generator.key, generator.stock, sizeof(generator.stock));
        generator.left = sizeof(generator.stock);
    }
    generator.left -= size;
    memcpy(buffer, generator.stock + generator.left, size);
    memset(generator.stock + generator.left, 0, size);
}

void random_fill(void *buffer, size_t size)
{
    uint8_t key[RANDOM_KEY_SIZE];

    /* The lock is held for one key only, however much is wanted. A little comes as cheap as that.
     */
    bool little = size <= sizeof(key);
    bool enabled = spinlock_acquire_save(&generator.lock);
    take_from_stock(little ? buffer : key, little ? size : sizeof(key));
    spinlock_release_restore(&generator.lock, enabled);
    if (little)
        return;
    random_generate(key, buffer, size);
    memset(key, 0, sizeof(key));
    __asm__ volatile("" : : "r"(key) : "memory"); /* the zeros are meant */
}

static ssize_t random_give(struct transfer *to)
{
    uint8_t buffer[256];
    size_t total = 0;

    while (to->left) {
        size_t wanted = to->left < sizeof(buffer) ? to->left : sizeof(buffer);
        random_fill(buffer, wanted);
        size_t done = transfer_out(to, buffer, wanted);
        total += done;
        if (done < wanted) {
            if (!total)
                return -EFAULT;
            break;
        }
        /* random(4): reads of up to 256 bytes are not interrupted. */
        if (thread_interrupted(THREAD_INTERRUPTIBLE))
            break;
        thread_preemption_point();
    }
    memset(buffer, 0, sizeof(buffer));
    __asm__ volatile("" : : "r"(buffer) : "memory");
    return (ssize_t)total;
}

static ssize_t random_read(struct file *file, struct transfer *to, int64_t *offset)
{
    (void)file;
    (void)offset;
    return random_give(to);
}

static ssize_t random_write(struct file *file, struct transfer *from, int64_t *offset)
{
    uint8_t buffer[256];
    size_t total = 0, done;

    (void)file;
    (void)offset;
    while (from->left) {
        size_t wanted = from->left < sizeof(buffer) ? from->left : sizeof(buffer);
        done = transfer_in(from, buffer, wanted);
        random_add(buffer, done);
        total += done;
        if (done < wanted)
            return total ? (ssize_t)total : -EFAULT;
        thread_preemption_point();
    }
    return (ssize_t)total;
}

static ssize_t random_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    int bits = 256;

    int more;

    (void)file;
    switch (command) {
    case RNDGETENTCNT:
        return user_put(argument, &bits);
    case RNDADDTOENTCNT: /* there is enough, whatever is promised */
        if (!credentials_capable(credentials_current(), CAP_SYS_ADMIN))
            return -EPERM;
        if (user_get(&more, argument))
            return -EFAULT;
        return more < 0 ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

ssize_t sys_getrandom(vaddr_t buffer, size_t size, unsigned flags)
{
    struct transfer to;

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if (size > TRANSFER_MAXIMUM)
        size = TRANSFER_MAXIMUM;
    if (!user_range_ok(buffer, size))
        return -EFAULT;
    transfer_user(&to, buffer, size);
    return random_give(&to);
}

static unsigned random_poll(struct file *file, struct poll_table *table)
{
    (void)file;
    (void)table;
    return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

/* Only the random devices can be spliced from on Linux 6.1, and only they and null to. */
static const struct file_operations null_operations = {
    .read = null_read,
    .write = null_write,
    .seek = file_seek_null,
    .takes_nowait = true,
    .no_splice_in = true,
};
static const struct file_operations zero_operations = {.read = zero_read,
                                                       .write = null_write,
                                                       .seek = file_seek_null,
                                                       .map = zero_map,
                                                       .takes_nowait = true,
                                                       .no_splice_in = true,
                                                       .no_splice_out = true};
static const struct file_operations full_operations = {.read = zero_read,
                                                       .write = full_write,
                                                       .plain_write = true,
                                                       .seek = file_seek_null,
                                                       .no_splice_in = true,
                                                       .no_splice_out = true};
static const struct file_operations random_operations = {.read = random_read,
                                                         .write = random_write,
                                                         .seek = file_seek_null,
                                                         .poll = random_poll,
                                                         .takes_nowait = true,
                                                         .ioctl = random_ioctl};
/* As random's, but that it is always ready, and nobody asks. */
static const struct file_operations urandom_operations = {.read = random_read,
                                                          .write = random_write,
                                                          .seek = file_seek_null,
                                                          .takes_nowait = true,
                                                          .ioctl = random_ioctl};

static struct device memory_devices[] = {
    {DEVICE_CHARACTER, 1, 3, 1, &null_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 5, 1, &zero_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 7, 1, &full_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 8, 1, &random_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 9, 1, &urandom_operations, "mem", NULL, NULL},
};

int memory_devices_initialize(void)
{
    for (size_t i = 0; i < array_length(memory_devices); i++) {
        int error = device_register(&memory_devices[i]);
        if (error)
            return error;
    }
    return 0;
}
