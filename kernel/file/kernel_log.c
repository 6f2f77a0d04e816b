/*
 * kernel_log.c: what programs read and write of the kernel's log: /dev/kmsg
 * (Documentation/ABI/testing/dev-kmsg) and syslog(2).
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/fs.h>

#include "cpu/log.h"
#include "file/credentials.h"
#include "file/device.h"
#include "file/kernel_log.h"
#include "file/system_calls.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/hasty_copy.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"

/* Woken when a record comes. */
static struct wait_queue readers;
/* So that of all programs that write one waits for the consoles with interrupts off, and the rest
   asleep. */
static struct mutex writers_lock;

void kernel_log_readers_wake(void)
{
    wait_queue_wake(&readers);
}

static uint64_t cleared; /* the first record that "all" begins with: SYSLOG_CLEAR; atomic */

unsigned kernel_log_default_level = LOG_WARNING;
bool kernel_log_takes_programs = true;

/* ---- /dev/kmsg: a record a read; a file's offset is the number of its next record ---- */

#define KMSG_WRITE_MAXIMUM 992 /* as Linux, where a prefix has to fit beside it */

static int kmsg_open(struct inode *inode, struct file *file)
{
    (void)inode;
    if (file->readable && !credentials_may_read_log(file->credentials))
        return -EPERM;
    file->offset = (int64_t)log_first();
    return 0;
}

/* The text with what is no ASCII letter, digit or sign as \xNN, so that a record is one line. */
static size_t escape(char *to, const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (byte >= ' ' && byte < 0x7f && byte != '\\') {
            to[used++] = (char)byte;
            continue;
        }
        to[used++] = '\\';
        to[used++] = 'x';
        to[used++] = digits[byte >> 4];
        to[used++] = digits[byte & 15];
    }
    return used;
}

static ssize_t kmsg_give(struct transfer *to, const struct log_record *record, const char *text)
{
    const size_t room = 64 + 4 * LOG_TEXT_SIZE;
    char *whole = heap_allocate(room);

    if (!whole)
        return -ENOMEM;
    size_t length =
        format_string(whole, room, "%u,%lu,%lu,-;", record->facility << 3 | record->level,
                      record->sequence, record->time / 1000);
    length += escape(whole + length, text, record->size);
    whole[length++] = '\n';
    ssize_t result = (ssize_t)length;
    if (length > to->left)
        result = -EINVAL;
    else if (transfer_out(to, whole, length) < length)
        result = -EFAULT;
    heap_free(whole);
    return result;
}

static ssize_t kmsg_read(struct file *file, struct transfer *to, int64_t *offset)
{
    char text[LOG_TEXT_SIZE];
    struct log_record record;

    while (!log_read((uint64_t)*offset, &record, text)) {
        if (file_nonblocking(file))
            return -EAGAIN;
        if (wait_event(&readers, log_await((uint64_t)*offset), THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return -RESTART_CALL;
    }
    if (record.sequence != (uint64_t)*offset) {
        *offset = (int64_t)record.sequence; /* what should have come is gone */
        return -EPIPE;
    }
    ++*offset;
    return kmsg_give(to, &record, text);
}

/* "<N>" in front of what is written: facility and level. What follows it. */
static const char *kmsg_priority(const char *text, uint32_t *facility, unsigned *level)
{
    uint32_t number = 0;
    const char *at = text;

    if (*at++ != '<')
        return text;
    for (; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint32_t)(*at - '0');
    if (*at != '>')
        return text;
    *level = number & 7;
    if (number >> 3)
        *facility = number >> 3;
    return at + 1;
}

static ssize_t kmsg_write(struct file *file, struct transfer *from, int64_t *offset)
{
    char text[KMSG_WRITE_MAXIMUM + 1];
    uint32_t facility = LOG_USER;
    unsigned level = __atomic_load_n(&kernel_log_default_level, __ATOMIC_RELAXED);
    size_t size = from->left;

    (void)file;
    (void)offset;
    if (size > KMSG_WRITE_MAXIMUM)
        return -EINVAL;
    if (transfer_in(from, text, size) < size)
        return -EFAULT;
    if (!__atomic_load_n(&kernel_log_takes_programs, __ATOMIC_RELAXED))
        return (ssize_t)size;
    text[size] = '\0';
    const char *rest = kmsg_priority(text, &facility, &level);
    mutex_acquire(&writers_lock);
    log_append(facility, level, rest, strlen(rest));
    mutex_release(&writers_lock);
    return (ssize_t)size;
}

static int64_t kmsg_seek(struct file *file, int64_t offset, int whence)
{
    if (offset)
        return -ESPIPE;
    switch (whence) {
    case SEEK_SET:
        file->offset = (int64_t)log_first();
        return 0;
    case SEEK_DATA:
        file->offset = (int64_t)__atomic_load_n(&cleared, __ATOMIC_RELAXED);
        return 0;
    case SEEK_END:
        file->offset = (int64_t)log_end();
        return 0;
    default:
        return -EINVAL;
    }
}

static unsigned kmsg_poll(struct file *file, struct poll_table *table)
{
    uint64_t next = (uint64_t)__atomic_load_n(&file->offset, __ATOMIC_RELAXED);

    if (!file->readable)
        return POLLERR | POLLNVAL;
    poll_wait(table, &readers);
    if (!log_await(next))
        return 0;
    return POLLIN | POLLRDNORM | (next < log_first() ? POLLERR | POLLPRI : 0);
}

static const struct file_operations kmsg_operations = {
    .open = kmsg_open,
    .read = kmsg_read,
    .write = kmsg_write,
    .seek = kmsg_seek,
    .poll = kmsg_poll,
    .plain_read = true,
    .no_splice_in = true,
    .no_splice_out = true,
};

static struct device kmsg_device = {DEVICE_CHARACTER, 1,     11,   1,
                                    &kmsg_operations, "mem", NULL, NULL};

/* ---- syslog(2): lines of text ---- */

/* syslog(2)'s actions. */
enum {
    SYSLOG_CLOSE,
    SYSLOG_OPEN,
    SYSLOG_READ,
    SYSLOG_READ_ALL,
    SYSLOG_READ_CLEAR,
    SYSLOG_CLEAR,
    SYSLOG_CONSOLE_OFF,
    SYSLOG_CONSOLE_ON,
    SYSLOG_CONSOLE_LEVEL,
    SYSLOG_SIZE_UNREAD,
    SYSLOG_SIZE_BUFFER,
};
#define SYSLOG_BUFFER_SIZE (1 << 17) /* what programs are told to reserve */
#define LINES_SIZE         4096 /* of one record at most, with what stands in front of each line */

static struct mutex syslog_lock;
/* How far SYSLOG_READ came: the next record, and how much of it was given; syslog_lock. */
static struct {
    uint64_t sequence;
    size_t given;
} reading;
static unsigned console_level_before; /* SYSLOG_CONSOLE_OFF; 0: it is not off; syslog_lock */

/* A record as SYSLOG_READ gives it. */
struct lines {
    struct log_record record;
    char text[LOG_TEXT_SIZE];
    size_t size;
    char bytes[LINES_SIZE];
};

/* The oldest record from a number on. False: there is none. */
static bool lines_get(struct lines *lines, uint64_t sequence)
{
    char front[LOG_TIME_SIZE + 16];
    char time[LOG_TIME_SIZE];

    if (!log_read(sequence, &lines->record, lines->text))
        return false;
    log_format_time(lines->record.time, time);
    size_t front_size = (size_t)format_string(
        front, sizeof(front), "<%u>%s", lines->record.facility << 3 | lines->record.level, time);
    lines->size = 0;
    for (size_t at = 0; at <= lines->record.size; at++) {
        const char *text = lines->text + at;
        const char *end = memchr(text, '\n', lines->record.size - at);
        size_t size = end ? (size_t)(end - text) : lines->record.size - at;
        if (lines->size + front_size + size + 1 > LINES_SIZE)
            break;
        memcpy(lines->bytes + lines->size, front, front_size);
        memcpy(lines->bytes + lines->size + front_size, text, size);
        lines->size += front_size + size + 1;
        lines->bytes[lines->size - 1] = '\n';
        at += size;
    }
    return true;
}

/* syslog_lock held. */
static bool reading_get(struct lines *lines)
{
    if (!lines_get(lines, reading.sequence))
        return false;
    if (lines->record.sequence != reading.sequence) {
        reading.sequence = lines->record.sequence; /* what came before it is gone */
        reading.given = 0;
    }
    return true;
}

/* syslog_lock held. */
static ssize_t reading_copy(struct lines *lines, vaddr_t buffer, size_t size)
{
    size_t copied = 0;

    while (copied < size && reading_get(lines)) {
        size_t left = lines->size - reading.given;
        size_t part = left < size - copied ? left : size - copied;
        if (user_copy_out(buffer + copied, lines->bytes + reading.given, part))
            return copied ? (ssize_t)copied : -EFAULT;
        copied += part;
        reading.given += part;
        if (part == left) {
            reading.sequence++;
            reading.given = 0;
        }
    }
    return (ssize_t)copied;
}

/* *next: the record behind the last that was given. Others read the log, too: memory that lies
   elsewhere is not waited for with the lock. */
static ssize_t reading_give(struct lines *lines, vaddr_t buffer, size_t size, uint64_t *next)
{
    for (;;) {
        hasty_copy_begin();
        mutex_acquire(&syslog_lock);
        ssize_t copied = reading_copy(lines, buffer, size);
        *next = reading.sequence;
        mutex_release(&syslog_lock);
        if (!hasty_copy_end() || copied != -EFAULT || hasty_copy_wait())
            return copied;
    }
}

static ssize_t syslog_read(struct lines *lines, vaddr_t buffer, size_t size)
{
    ssize_t copied = 0;
    uint64_t next;

    while (size && !copied) {
        copied = reading_give(lines, buffer, size, &next);
        if (!copied && wait_event(&readers, log_await(next), THREAD_INTERRUPTIBLE, CLOCK_NEVER))
            return -RESTART_CALL;
    }
    return copied;
}

/* How many bytes the records from one number to another are. */
static size_t lines_total(struct lines *lines, uint64_t from, uint64_t to)
{
    size_t total = 0;

    while (from < to && lines_get(lines, from)) {
        total += lines->size;
        from = lines->record.sequence + 1;
        thread_preemption_point();
    }
    return total;
}

/* The newest lines that fit. */
static ssize_t syslog_read_all(struct lines *lines, vaddr_t buffer, size_t size, bool clear)
{
    uint64_t from = __atomic_load_n(&cleared, __ATOMIC_RELAXED), to = log_end();
    size_t total = lines_total(lines, from, to), copied = 0;

    while (from < to && lines_get(lines, from)) {
        from = lines->record.sequence + 1;
        bool fits = total <= size;
        thread_preemption_point();
        total -= lines->size < total ? lines->size : total;
        if (!fits || copied + lines->size > size)
            continue;
        if (user_copy_out(buffer + copied, lines->bytes, lines->size))
            return -EFAULT;
        copied += lines->size;
    }
    if (clear)
        __atomic_store_n(&cleared, to, __ATOMIC_RELAXED);
    return (ssize_t)copied;
}

static ssize_t syslog_unread(struct lines *lines)
{
    mutex_acquire(&syslog_lock);
    size_t total = lines_total(lines, reading.sequence, log_end());
    total -= reading.given < total ? reading.given : total;
    mutex_release(&syslog_lock);
    return (ssize_t)total;
}

/* What is given out by lines needs a place for them. */
static ssize_t syslog_lines(int type, vaddr_t buffer, size_t size)
{
    struct lines *lines = heap_allocate(sizeof(*lines));
    ssize_t result;

    if (!lines)
        return -ENOMEM;
    if (type == SYSLOG_READ)
        result = syslog_read(lines, buffer, size);
    else if (type == SYSLOG_SIZE_UNREAD)
        result = syslog_unread(lines);
    else
        result = syslog_read_all(lines, buffer, size, type == SYSLOG_READ_CLEAR);
    heap_free(lines);
    return result;
}

static ssize_t syslog_console(int type, int level)
{
    if (type == SYSLOG_CONSOLE_LEVEL && (level < 1 || level > 8))
        return -EINVAL;
    mutex_acquire(&syslog_lock);
    if (type == SYSLOG_CONSOLE_OFF && !console_level_before) {
        console_level_before = log_console_level();
        log_set_console_level(1);
    } else if (type == SYSLOG_CONSOLE_ON && console_level_before) {
        log_set_console_level(console_level_before);
        console_level_before = 0;
    } else if (type == SYSLOG_CONSOLE_LEVEL) {
        log_set_console_level((unsigned)level);
        console_level_before = 0;
    }
    mutex_release(&syslog_lock);
    return 0;
}

ssize_t sys_syslog(int type, vaddr_t buffer, int size)
{
    if (!credentials_may_read_log(credentials_current()))
        return -EPERM;
    switch (type) {
    case SYSLOG_CLOSE:
    case SYSLOG_OPEN:
        return 0;
    case SYSLOG_READ:
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR:
        if (!buffer || size < 0)
            return -EINVAL;
        if (!user_range_ok(buffer, (size_t)size))
            return -EFAULT;
        return size ? syslog_lines(type, buffer, (size_t)size) : 0;
    case SYSLOG_CLEAR:
        __atomic_store_n(&cleared, log_end(), __ATOMIC_RELAXED);
        return 0;
    case SYSLOG_CONSOLE_OFF:
    case SYSLOG_CONSOLE_ON:
    case SYSLOG_CONSOLE_LEVEL:
        return syslog_console(type, size);
    case SYSLOG_SIZE_UNREAD:
        return syslog_lines(type, 0, 0);
    case SYSLOG_SIZE_BUFFER:
        return SYSLOG_BUFFER_SIZE;
    default:
        return -EINVAL;
    }
}

/* ---- boot ---- */

int kernel_log_initialize(void)
{
    wait_queue_initialize(&readers);
    mutex_initialize(&syslog_lock, MUTEX_KERNEL_LOG);
    mutex_initialize(&writers_lock, MUTEX_KERNEL_LOG);
    log_initialize();
    return device_register(&kmsg_device);
}
