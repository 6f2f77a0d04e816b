/*
 * kernel_messages: the kernel's log as programs see it: /dev/kmsg
 * (Documentation/ABI/testing/dev-kmsg) and syslog(2). As root.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/klog.h>
#include <sys/resource.h>

#include "cases.h"
#include "proc_baton.h"

#define RECORD_SIZE 8192

struct record {
    unsigned priority;
    uint64_t sequence, time;
    char flag;
    char text[RECORD_SIZE];
};

static int kmsg_open(int flags)
{
    return open("/dev/kmsg", flags | O_CLOEXEC);
}

/* The next record; false: none, or none that is right. */
static bool record_read(int file, struct record *record)
{
    char line[RECORD_SIZE];
    ssize_t size = read(file, line, sizeof(line) - 1);

    if (size <= 0 || line[size - 1] != '\n')
        return false;
    line[size - 1] = '\0';
    unsigned long sequence, time;
    if (sscanf(line, "%u,%lu,%lu,%c", &record->priority, &sequence, &time, &record->flag) != 4)
        return false;
    record->sequence = sequence;
    record->time = time;
    char *text = strchr(line, ';');
    if (!text)
        return false;
    text[strcspn(text, "\n")] = '\0'; /* what follows are properties */
    strcpy(record->text, text + 1);
    return true;
}

/* With a newline: without, Linux waits for the rest of the line. */
static bool say(const char *text)
{
    char line[RECORD_SIZE];
    int size = snprintf(line, sizeof(line), "%s\n", text), file = kmsg_open(O_WRONLY);
    bool said = file >= 0 && write(file, line, size) == size;

    close(file);
    return said;
}

/* The record that is this text, from where the file is on. */
static bool record_find(int file, const char *text, struct record *record)
{
    while (record_read(file, record))
        if (strcmp(record->text, text) == 0)
            return true;
    return false;
}

/* ---- /dev/kmsg ---- */

static bool numbers(void)
{
    struct record record;
    uint64_t next = 0;
    int file = kmsg_open(O_RDONLY | O_NONBLOCK);

    REQUIRE(file >= 0 && say("numbered") && record_read(file, &record));
    next = record.sequence + 1;
    for (; record_read(file, &record); next++)
        REQUIRE(record.sequence == next);
    REQUIRE(errno == EAGAIN && strcmp(record.text, "numbered") == 0);
    return true;
}

static bool priorities(void)
{
    struct record record;
    int file = kmsg_open(O_RDONLY | O_NONBLOCK);

    REQUIRE(lseek(file, 0, SEEK_END) == 0);
    REQUIRE(say("plain") && say("<3>error") && say("<30>daemon") && say("<x>odd") && say("<6"));
    REQUIRE(record_find(file, "plain", &record) && record.priority == (1 << 3 | 4));
    REQUIRE(record_find(file, "error", &record) && record.priority == (1 << 3 | 3));
    REQUIRE(record_find(file, "daemon", &record) && record.priority == 30);
    REQUIRE(record_find(file, "<x>odd", &record) && record.priority == (1 << 3 | 4));
    REQUIRE(record_find(file, "<6", &record));
    return true;
}

static bool escapes(void)
{
    struct record record;
    int file = kmsg_open(O_RDONLY | O_NONBLOCK);

    REQUIRE(lseek(file, 0, SEEK_END) == 0 && say("a\\b\nc\t\x80"));
    REQUIRE(record_find(file, "a\\x5cb\\x0ac\\x09\\x80", &record));
    return true;
}

static bool seeks(void)
{
    struct record record;
    int file = kmsg_open(O_RDONLY | O_NONBLOCK);

    REQUIRE(say("before") && lseek(file, 0, SEEK_END) == 0 && !record_read(file, &record));
    REQUIRE(say("behind") && record_read(file, &record) && strcmp(record.text, "behind") == 0);
    REQUIRE(lseek(file, 0, SEEK_SET) == 0 && record_find(file, "before", &record));
    REQUIRE(klogctl(5, NULL, 0) == 0 && lseek(file, 0, SEEK_DATA) == 0);
    REQUIRE(!record_read(file, &record) && errno == EAGAIN);
    REQUIRE(lseek(file, 0, SEEK_SET) == 0 && record_find(file, "before", &record));
    REQUIRE_ERRNO(lseek(file, 1, SEEK_SET), ESPIPE);
    REQUIRE_ERRNO(lseek(file, 0, SEEK_CUR), EINVAL);
    return true;
}

static bool sizes(void)
{
    static char text[2000];
    char small[8];
    struct record record;
    int file = kmsg_open(O_RDWR | O_NONBLOCK);

    memset(text, 'x', sizeof(text));
    REQUIRE_ERRNO(write(file, text, 1025), EINVAL);
    REQUIRE(lseek(file, 0, SEEK_END) == 0 && say("one record") && say("another"));
    REQUIRE_ERRNO(read(file, small, sizeof(small)), EINVAL);
    REQUIRE(record_read(file, &record) && strcmp(record.text, "another") == 0);
    return true;
}

/* Writes until the record at which the file stands is overwritten. */
static bool overwritten(void)
{
    char text[900];
    struct record record;
    struct pollfd wait;
    int file = kmsg_open(O_RDONLY | O_NONBLOCK), other = kmsg_open(O_RDONLY | O_NONBLOCK);
    int writer = kmsg_open(O_WRONLY);

    REQUIRE(lseek(file, 0, SEEK_SET) == 0);
    wait = (struct pollfd){.fd = file, .events = POLLIN | POLLPRI};
    REQUIRE(poll(&wait, 1, 0) == 1 && wait.revents == POLLIN);
    memset(text, 'x', sizeof(text));
    memcpy(text, "<7>", 3);
    for (int i = 0; i < 2000 && !(wait.revents & POLLERR); i++) {
        REQUIRE(write(writer, text, sizeof(text)) == sizeof(text));
        poll(&wait, 1, 0);
    }
    REQUIRE(wait.revents == (POLLIN | POLLPRI | POLLERR));
    REQUIRE_ERRNO(read(file, text, sizeof(text)), EPIPE);
    REQUIRE(record_read(file, &record) && record.sequence > 0);
    REQUIRE(lseek(other, 0, SEEK_SET) == 0 && record_read(other, &record));
    return true;
}

static bool waits(void)
{
    struct record record;
    struct rusage before, after;
    int file = kmsg_open(O_RDONLY);

    REQUIRE(lseek(file, 0, SEEK_END) == 0);
    struct pollfd wait = {.fd = file, .events = POLLIN};
    REQUIRE(poll(&wait, 1, 50) == 0);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(200);
        _exit(!say("waited for"));
    }
    getrusage(RUSAGE_SELF, &before);
    REQUIRE(record_read(file, &record) && strcmp(record.text, "waited for") == 0);
    getrusage(RUSAGE_SELF, &after);
    REQUIRE(after.ru_nvcsw - before.ru_nvcsw < 3); /* it slept, and did not look again and again */
    REQUIRE(exited(status_of(child), 0));
    child = fork();
    if (child == 0) {
        sleep_ms(50);
        _exit(!say("polled for"));
    }
    REQUIRE(poll(&wait, 1, 5000) == 1 && wait.revents == POLLIN);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

/* ---- syslog(2) ---- */

static char lines[1 << 18];

static bool read_all(void)
{
    REQUIRE(klogctl(10, NULL, 0) >= 4096);
    REQUIRE(say("<5>first line\nsecond line") && say("the last"));
    int size = klogctl(3, lines, sizeof(lines) - 1);
    REQUIRE(size > 0);
    lines[size] = '\0';
    char *first = strstr(lines, "<13>[");
    REQUIRE(first && (first = strstr(first, "first line\n<13>[")));
    REQUIRE(strstr(first, "] second line\n"));
    REQUIRE(strcmp(lines + size - strlen("the last\n"), "the last\n") == 0);
    char small[64];
    size = klogctl(3, small, sizeof(small)); /* the newest that fit, whole */
    REQUIRE(size > 0 && small[0] == '<' && small[size - 1] == '\n');
    REQUIRE(memcmp(small + size - strlen("the last\n"), "the last\n", strlen("the last\n")) == 0);
    REQUIRE(klogctl(4, lines, sizeof(lines)) > 0 && klogctl(3, lines, sizeof(lines)) == 0);
    REQUIRE(say("after") && klogctl(3, lines, sizeof(lines)) > 0);
    REQUIRE_ERRNO(klogctl(3, NULL, 10), EINVAL);
    REQUIRE_ERRNO(klogctl(3, lines, -1), EINVAL);
    REQUIRE_ERRNO(klogctl(3, (char *)-4096, 10), EFAULT);
    REQUIRE_ERRNO(klogctl(11, NULL, 0), EINVAL);
    REQUIRE_ERRNO(klogctl(-1, NULL, 0), EINVAL);
    return true;
}

static bool read_next(void)
{
    struct rusage before, after;

    while (klogctl(9, NULL, 0) > 0)
        REQUIRE(klogctl(2, lines, sizeof(lines)) > 0);
    REQUIRE(klogctl(2, lines, 0) == 0);
    REQUIRE(say("in parts"));
    int unread = klogctl(9, NULL, 0);
    REQUIRE(unread > 8 && klogctl(2, lines, 5) == 5 && klogctl(9, NULL, 0) == unread - 5);
    REQUIRE(klogctl(2, lines + 5, 100) == unread - 5);
    REQUIRE(memcmp(lines + unread - 9, "in parts\n", 9) == 0);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(200);
        _exit(!say("waited for"));
    }
    getrusage(RUSAGE_SELF, &before);
    int size = klogctl(2, lines, sizeof(lines));
    getrusage(RUSAGE_SELF, &after);
    REQUIRE(size > 11 && memcmp(lines + size - 11, "waited for\n", 11) == 0);
    REQUIRE(after.ru_nvcsw - before.ru_nvcsw < 3);
    REQUIRE(exited(status_of(child), 0));
    return true;
}

static int console_level(void)
{
    int level = -1;
    FILE *file = fopen("/proc/sys/kernel/printk", "r");

    if (file && fscanf(file, "%d", &level) != 1)
        level = -1;
    if (file)
        fclose(file);
    return level;
}

static bool console_levels(void)
{
    REQUIRE_ERRNO(klogctl(8, NULL, 0), EINVAL);
    REQUIRE_ERRNO(klogctl(8, NULL, 9), EINVAL);
    int before = console_level();
    REQUIRE(klogctl(8, NULL, 3) == 0 && console_level() == 3);
    REQUIRE(klogctl(6, NULL, 0) == 0 && console_level() == 1);
    REQUIRE(klogctl(6, NULL, 0) == 0 && klogctl(7, NULL, 0) == 0 && console_level() == 3);
    REQUIRE(klogctl(7, NULL, 0) == 0 && console_level() == 3);
    REQUIRE(klogctl(8, NULL, before) == 0 && console_level() == before);
    return true;
}

/* ---- many writers ---- */

#define WRITERS 3
#define READS   200
#define FAIR    50 /* records that come while one is read, at most on average */

static void write_for_ever(void)
{
    char text[900];
    int file = kmsg_open(O_WRONLY);

    memset(text, '.', sizeof(text));
    memcpy(text, "<3>", 3);
    for (;;)
        (void)!write(file, text, sizeof(text));
}

/* What is on its way to the consoles, which are slow, is in nobody's way who reads. */
static bool readers_get_on(void)
{
    struct record record;
    pid_t writers[WRITERS];
    uint64_t first = 0;
    int file = kmsg_open(O_RDONLY | O_NONBLOCK);

    if (!baton_is_here())
        return true; /* Linux takes some a second of each writer, and drops the rest */
    for (int i = 0; i < WRITERS; i++)
        if ((writers[i] = fork()) == 0)
            write_for_ever();
    REQUIRE(lseek(file, 0, SEEK_END) == 0);
    while (!record_read(file, &record)) /* they have begun */
        sched_yield();
    first = record.sequence;
    for (int i = 0; i < READS; i++) {
        lseek(file, 0, SEEK_SET);
        (void)record_read(file, &record); /* it may be gone */
    }
    lseek(file, 0, SEEK_END);
    while (!record_read(file, &record))
        sched_yield();
    for (int i = 0; i < WRITERS; i++)
        kill(writers[i], SIGKILL);
    tap_note("%lu records while %d were read", record.sequence - first, READS);
    REQUIRE(record.sequence - first <= READS * FAIR);
    return true;
}

static const struct test_case cases[] = {
    {"records are numbered one by one", "dev-kmsg", numbers},
    {"<N> is facility and level", "dev-kmsg", priorities},
    {"what is no text is \\xNN", "dev-kmsg", escapes},
    {"SEEK_SET, SEEK_END, SEEK_DATA", "dev-kmsg", seeks},
    {"a record that does not fit", "dev-kmsg", sizes},
    {"what waits for a record sleeps", "dev-kmsg", waits},
    {"syslog(2): all lines", "syslog(2)", read_all},
    {"syslog(2): what comes next", "syslog(2)", read_next},
    {"syslog(2): the console's level", "syslog(2)", console_levels},
    {"readers get on while others write", "dev-kmsg", readers_get_on},
    {"records that are gone: EPIPE, POLLERR", "dev-kmsg", overwritten},
};

int main(void)
{
    /* Linux listens to a few lines a second only, unless it is told otherwise. */
    int file = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY);

    if (write(file, "on\n", 3) != 3)
        tap_note("printk_devkmsg: %s", strerror(errno));
    close(file);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
