/*
 * battery_clock.c: the clock that runs while the machine is off (MC146818 and all that came after
 * it): /dev/rtc0 for hwclock(8), rtc(4), and /proc/driver/rtc.
 */
#include "firmware/battery_clock.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/rtc.h>
#include <linux/stat.h>

#include "cpu/clock.h"
#include "cpu/registers.h"
#include "cpu/spinlock.h"
#include "file/credentials.h"
#include "file/device.h"
#include "file/pseudo.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "thread/preemption.h"
#include "thread/thread.h"

#define INDEX_PORT 0x70
#define DATA_PORT  0x71

/* Registers (MC146818A data sheet). */
enum {
    SECONDS = 0,
    MINUTES = 2,
    HOURS = 4,
    WEEKDAY = 6, /* 1: Sunday */
    DAY = 7,
    MONTH = 8,
    YEAR = 9, /* of the century */
    STATUS_A = 10,
    STATUS_B = 11,
    STATUS_D = 13,
};
#define UPDATING   0x80 /* A: the other registers are about to change */
#define SETTING    0x80 /* B: they stand still */
#define BINARY     0x04 /* B: else two decimal digits */
#define HOURS_24   0x02 /* B: else 1 to 12, and AFTERNOON */
#define VALID      0x80 /* D: the battery has lasted */
#define AFTERNOON  0x80
#define PATIENCE   (NANOSECONDS_PER_SECOND / 2) /* an update takes 2 ms at most */
#define YEAR_FIRST 2000

static struct spinlock lock = SPINLOCK_INITIALIZER; /* the registers; interrupts off */
static bool is_open;                                /* atomic */

static uint8_t clock_read(uint8_t index)
{
    port_write8(INDEX_PORT, index);
    return port_read8(DATA_PORT);
}

static void clock_write(uint8_t index, uint8_t value)
{
    port_write8(INDEX_PORT, index);
    port_write8(DATA_PORT, value);
}

static int from_digits(uint8_t value, uint8_t status)
{
    return status & BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t to_digits(int value, uint8_t status)
{
    return (uint8_t)(status & BINARY ? value : value / 10 << 4 | value % 10);
}

/* ---- reading ---- */

/* False: it is being updated. Lock held. */
static bool read_once(struct rtc_time *time)
{
    if (clock_read(STATUS_A) & UPDATING)
        return false;
    uint8_t status = clock_read(STATUS_B), hours = clock_read(HOURS);

    *time = (struct rtc_time){
        .tm_sec = from_digits(clock_read(SECONDS), status),
        .tm_min = from_digits(clock_read(MINUTES), status),
        .tm_hour = from_digits(hours & (status & HOURS_24 ? 0xff : 0x7f), status),
        .tm_mday = from_digits(clock_read(DAY), status),
        .tm_mon = from_digits(clock_read(MONTH), status) - 1,
        .tm_year = from_digits(clock_read(YEAR), status) + YEAR_FIRST - 1900,
        .tm_wday = from_digits(clock_read(WEEKDAY), status) - 1,
    };
    if (!(status & HOURS_24))
        time->tm_hour = time->tm_hour % 12 + (hours & AFTERNOON ? 12 : 0);
    return !(clock_read(STATUS_A) & UPDATING);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_valid(const struct rtc_time *time)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (time->tm_mon < 0 || time->tm_mon > 11 || time->tm_year < YEAR_FIRST - 1900 ||
        time->tm_year > YEAR_FIRST - 1900 + 99)
        return false;
    int last = days[time->tm_mon] + (time->tm_mon == 1 && is_leap(time->tm_year + 1900));
    return time->tm_mday >= 1 && time->tm_mday <= last && time->tm_hour >= 0 &&
           time->tm_hour < 24 && time->tm_min >= 0 && time->tm_min < 60 && time->tm_sec >= 0 &&
           time->tm_sec < 60;
}

/* 0, or -EIO: it never stands still, or says what is no time. */
static int time_read(struct rtc_time *time)
{
    for (uint64_t until = clock_now() + PATIENCE; clock_now() < until;) {
        bool enabled = spinlock_acquire_save(&lock);
        bool done = read_once(time);
        spinlock_release_restore(&lock, enabled);
        if (done)
            return is_valid(time) ? 0 : -EIO;
        thread_preemption_point();
    }
    return -EIO;
}

/* ---- setting ---- */

/* Of a date of the Gregorian calendar, 0: Sunday (Zeller). */
static int weekday_of(int year, int month, int day)
{
    if (month < 3) {
        month += 12;
        year--;
    }
    return (day + 13 * (month + 1) / 5 + year + year / 4 - year / 100 + year / 400 + 6) % 7;
}

static int time_write(const struct rtc_time *time)
{
    if (!is_valid(time))
        return -EINVAL;
    int year = time->tm_year + 1900;
    int weekday = weekday_of(year, time->tm_mon + 1, time->tm_mday);
    bool enabled = spinlock_acquire_save(&lock);
    uint8_t status = clock_read(STATUS_B);
    int hour = time->tm_hour;

    clock_write(STATUS_B, status | SETTING);
    clock_write(SECONDS, to_digits(time->tm_sec, status));
    clock_write(MINUTES, to_digits(time->tm_min, status));
    if (status & HOURS_24)
        clock_write(HOURS, to_digits(hour, status));
    else
        clock_write(HOURS,
                    to_digits(hour % 12 ? hour % 12 : 12, status) | (hour >= 12 ? AFTERNOON : 0));
    clock_write(WEEKDAY, to_digits(weekday + 1, status));
    clock_write(DAY, to_digits(time->tm_mday, status));
    clock_write(MONTH, to_digits(time->tm_mon + 1, status));
    clock_write(YEAR, to_digits(year - YEAR_FIRST, status));
    clock_write(STATUS_B, status & ~SETTING);
    spinlock_release_restore(&lock, enabled);
    return 0;
}

/* ---- /dev/rtc0 ---- */

/* One at a time, as on Linux: who sets the clock is not to be disturbed. */
static int device_open(struct inode *inode, struct file *file)
{
    (void)inode;
    (void)file;
    return __atomic_exchange_n(&is_open, true, __ATOMIC_ACQUIRE) ? -EBUSY : 0;
}

static void device_release(struct file *file)
{
    (void)file;
    __atomic_store_n(&is_open, false, __ATOMIC_RELEASE);
}

static ssize_t device_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
    struct rtc_time time;
    int error;

    (void)file;
    switch (command) {
    case RTC_RD_TIME:
        error = time_read(&time);
        return error ? error : user_put(argument, &time);
    case RTC_SET_TIME:
        if (!credentials_capable(credentials_current(), CAP_SYS_TIME))
            return -EACCES;
        return user_get(&time, argument) ? -EFAULT : time_write(&time);
    default:
        return -ENOTTY; /* alarms and periodic interrupts */
    }
}

static const struct file_operations clock_operations = {
    .open = device_open, .release = device_release, .ioctl = device_ioctl};
/* Documentation/admin-guide/devices.txt: 10, 135 */
static struct device clock_device = {DEVICE_CHARACTER,  10,     135,  1,
                                     &clock_operations, "misc", NULL, NULL};

/* ---- /proc/driver/rtc ---- */

static int clock_show(const struct pseudo_key *key, struct text *text)
{
    struct rtc_time time;
    int error = time_read(&time);

    (void)key;
    if (error)
        return error;
    text_print(text, "rtc_time\t: %02d:%02d:%02d\nrtc_date\t: %04d-%02d-%02d\n24hr\t\t: yes\n",
               time.tm_hour, time.tm_min, time.tm_sec, time.tm_year + 1900, time.tm_mon + 1,
               time.tm_mday);
    return 0;
}

static struct pseudo_node driver_files[] = {
    {.name = "rtc", .mode = S_IFREG | 0444, .show = clock_show},
};
static struct pseudo_node driver_directory = {
    .name = "driver",
    .mode = S_IFDIR | 0555,
    .children = driver_files,
    .child_count = array_length(driver_files),
};

int battery_clock_initialize(void)
{
    struct rtc_time time;

    if (!(clock_read(STATUS_D) & VALID) || time_read(&time))
        return -ENODEV;
    pseudo_add(&proc_root, &driver_directory, 1);
    return device_register(&clock_device);
}
