/* memory_devices.c: null, zero, full, random, urandom, kmsg: mem(4), null(4), random(4). */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/random.h>

#include "cpu/log.h"
#include "file/device.h"
#include "file/internal.h"
#include "file/system_calls.h"
#include "library/format.h"
#include "library/random.h"
#include "library/string.h"
#include "memory/user_copy.h"

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
        if (thread_interrupted(THREAD_INTERRUPTIBLE))
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

    (void)file;
    return command == RNDGETENTCNT ? user_put(argument, &bits) : -EINVAL;
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

/* ---- kmsg ---- */

#define KMSG_LINE 1024

static int kmsg_open(struct inode *inode, struct file *file)
{
    (void)inode;
    return file->readable && !credentials_may_read_log(file->credentials) ? -EPERM : 0;
}

/* One line of the log a read, in the form of Documentation/ABI/testing/dev-kmsg. */
static ssize_t kmsg_read(struct file *file, struct transfer *to, int64_t *offset)
{
    static struct wait_queue never = {.entries = TAILQ_HEAD_INITIALIZER(never.entries)};
    char line[KMSG_LINE + 1], record[KMSG_LINE + 64];
    uint64_t position;
    size_t size;

    for (;;) {
        position = (uint64_t)*offset;
        size = log_read(&position, line, KMSG_LINE);
        if (size)
            break;
        if (file_nonblocking(file))
            return -EAGAIN;
        /* The log wakes nobody: it is written with any lock held. */
        int error = wait_event(&never, false, THREAD_INTERRUPTIBLE, clock_now() + 100000000);
        if (error != -ETIMEDOUT)
            return -RESTART_CALL;
    }
    line[size] = '\0';
    char *end = strchr(line, '\n');
    size_t used = end ? (size_t)(end - line) + 1 : size;
    line[end ? used - 1 : used] = '\0';
    /* "[seconds.micros] text" */
    const char *text = line;
    uint64_t seconds = 0, micros = 0;
    if (*text == '[') {
        for (text++; *text == ' '; text++)
            ;
        for (; *text >= '0' && *text <= '9'; text++)
            seconds = seconds * 10 + (uint64_t)(*text - '0');
        if (*text == '.')
            for (text++; *text >= '0' && *text <= '9'; text++)
                micros = micros * 10 + (uint64_t)(*text - '0');
        if (*text == ']')
            text += text[1] == ' ' ? 2 : 1;
    }
    uint64_t start = position - size;
    int length = format_string(record, sizeof(record), "6,%lu,%lu,-;%s\n", start,
                               seconds * 1000000 + micros, text);
    if ((size_t)length >= sizeof(record))
        length = sizeof(record) - 1;
    if ((size_t)length > to->left)
        return -EINVAL;
    if (transfer_out(to, record, (size_t)length) < (size_t)length)
        return -EFAULT;
    *offset = (int64_t)(start + used);
    return length;
}

static ssize_t kmsg_write(struct file *file, struct transfer *from, int64_t *offset)
{
    char line[KMSG_LINE];
    size_t size = from->left;

    (void)file;
    (void)offset;
    if (size >= sizeof(line))
        return -EINVAL;
    if (transfer_in(from, line, size) < size)
        return -EFAULT;
    line[size] = '\0';
    const char *text = line;
    if (text[0] == '<') { /* a level in front: all of a program's are the same here */
        const char *close = strchr(text, '>');
        text = close ? close + 1 : text;
    }
    size_t length = strlen(text);
    while (length && text[length - 1] == '\n')
        length--;
    log_write(LOG_NOTICE, "%.*s", (int)length, text);
    return (ssize_t)size;
}

static int64_t kmsg_seek(struct file *file, int64_t offset, int whence)
{
    uint64_t position;

    if (offset)
        return -ESPIPE;
    if (whence == SEEK_SET) {
        file->offset = 0;
    } else if (whence == SEEK_END) {
        char skip[256];
        for (position = 0; log_read(&position, skip, sizeof(skip));)
            ;
        file->offset = (int64_t)position;
    } else {
        return -EINVAL;
    }
    return 0;
}

static const struct file_operations null_operations = {
    .read = null_read, .write = null_write, .seek = file_seek_null};
static const struct file_operations zero_operations = {
    .read = zero_read, .write = null_write, .seek = file_seek_null, .map = zero_map};
static const struct file_operations full_operations = {
    .read = zero_read, .write = full_write, .seek = file_seek_null};
static const struct file_operations random_operations = {
    .read = random_read, .write = random_write, .seek = file_seek_null, .ioctl = random_ioctl};
static const struct file_operations kmsg_operations = {
    .open = kmsg_open, .read = kmsg_read, .write = kmsg_write, .seek = kmsg_seek};

static struct device memory_devices[] = {
    {DEVICE_CHARACTER, 1, 3, 1, &null_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 5, 1, &zero_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 7, 1, &full_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 8, 2, &random_operations, "mem", NULL, NULL},
    {DEVICE_CHARACTER, 1, 11, 1, &kmsg_operations, "mem", NULL, NULL},
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
