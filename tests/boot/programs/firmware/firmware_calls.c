/*
 * The firmware's runtime services, called through /proc/baton/firmware: they answer; what goes
 * wrong in one is an error and a line in the log; and afterwards everything is as it was. Which
 * service runs is of no matter here: a debug kernel calls things that are none.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define CASE_SECONDS 100
#include "cases.h"
#include "proc_baton.h"

#define SERVICES "/proc/baton/firmware"
#define CALLERS  4
#define ROUNDS   3 /* of some 200 calls each */

enum {
    LOG_SIZE = 1 << 17,
    TEXT_SIZE = 1 << 16,
    READ_ALL = 3, /* syslog(2) */
};

/* 0, or the error of one misdeed. */
static int misdeed(const char *what)
{
    int file = open(SERVICES, O_WRONLY | O_CLOEXEC);
    int error = file < 0 || write(file, what, strlen(what)) < 0 ? errno : 0;

    close(file);
    return error;
}

/* Does a line of the kernel's log hold both? */
static bool log_has(const char *first, const char *second)
{
    static char log[LOG_SIZE];
    int size = klogctl(READ_ALL, log, sizeof(log) - 1);

    log[size > 0 ? size : 0] = '\0';
    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
        if (strstr(line, first) && strstr(line, second))
            return true;
    tap_note("no line of the log has '%s' and '%s'", first, second);
    return false;
}

/* The first range of the memory map that is of this kind and large enough for a test. */
static uint64_t range_find(const char *kind)
{
    static char text[TEXT_SIZE];
    uint64_t base, size;

    if (file_text(SERVICES, text, sizeof(text)) < 0)
        return 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char name[32];
        if (sscanf(line, "range %" SCNx64 " %" SCNx64 " %31[^\n]", &base, &size, name) == 3 &&
            strcmp(name, kind) == 0 && base >= 1 << 20)
            return base;
    }
    return 0;
}

/* What the text says behind a word. */
static bool services_say(const char *word, long *status, unsigned long *number)
{
    static char text[TEXT_SIZE];

    if (file_text(SERVICES, text, sizeof(text)) < 0)
        return false;
    const char *found = strstr(text, word);
    return found && sscanf(found + strlen(word), " %ld %lu", status, number) >= 1;
}

static bool services_answer(void)
{
    long status = -1;
    unsigned long number = 0;

    REQUIRE(services_say("time", &status, &number) && status == 0);
    REQUIRE(number >= 2020 && number < 2100); /* the year */
    REQUIRE(services_say("storage", &status, &number) && status == 0 && number > 0);
    REQUIRE(services_say("variables", &status, &number) && status == 0 && number > 3);
    return true;
}

static bool faults_are_errors(void)
{
    REQUIRE(misdeed("read 0x10") == EIO);
    REQUIRE(log_has("of 0x10 ", "page zero"));
    REQUIRE(misdeed("execute 0x123456789000") == EIO);
    REQUIRE(log_has("at 0x123456789000", "page fault"));
    REQUIRE(misdeed("execute 0x8000000000000000") == EIO);
    REQUIRE(log_has("at 0x8000000000000000", "general protection"));
    REQUIRE(misdeed("read 0xffff800000000000") == EIO);
    REQUIRE(misdeed("invalid") == EIO);
    REQUIRE(log_has("a test failed", "invalid opcode"));
    REQUIRE(misdeed("divide") == EIO);
    REQUIRE(log_has("a test failed", "divide error"));
    return services_answer();
}

static bool stack_has_an_end(void)
{
    REQUIRE(misdeed("deep") == EIO);
    return services_answer();
}

static bool time_has_an_end(void)
{
    REQUIRE(misdeed("loop") == EIO);
    REQUIRE(log_has("a test", "too long"));
    return services_answer();
}

/* Of what Baton uses itself nothing is there; of what it leaves alone, what is touched. */
static bool memory_is_lent(void)
{
    char what[64], address[32];
    uint64_t used = range_find("usable"), left = range_find("boot services");

    REQUIRE(used && left);
    snprintf(what, sizeof(what), "read 0x%" PRIx64, used);
    REQUIRE(misdeed(what) == EIO);
    snprintf(address, sizeof(address), "of 0x%" PRIx64 " ", used);
    REQUIRE(log_has(address, "usable"));
    snprintf(what, sizeof(what), "read 0x%" PRIx64, left);
    REQUIRE(misdeed(what) == 0);
    snprintf(address, sizeof(address), "reads 0x%" PRIx64 " ", left);
    REQUIRE(log_has(address, "boot services"));
    snprintf(what, sizeof(what), "write 0x%" PRIx64, left + 4096);
    REQUIRE(misdeed(what) == 0);
    REQUIRE(misdeed("read 0xfee00030") == 0); /* the local APIC, which no map has to tell */
    return true;
}

/* FXSAVE's image (Intel SDM volume 1, 10.5.1) before the call and after it. */
static bool registers_stay(void)
{
    static const char what[] = "registers";
    static uint8_t before[512] __attribute__((aligned(16))),
        after[512] __attribute__((aligned(16)));
    int file = open(SERVICES, O_WRONLY | O_CLOEXEC);
    long result = SYS_write;

    REQUIRE(file >= 0);
    __asm__ volatile("fninit; fldpi; fldl2e; fxsave64 %0" : "=m"(before));
    before[0] = 0x7f, before[1] = 0x0c;   /* rounding to zero */
    before[24] = 0x80, before[25] = 0x7f; /* MXCSR: the same */
    for (size_t i = 160; i < 416; i++)
        before[i] = (uint8_t)(i * 7);
    __asm__ volatile("fxrstor64 %2\n\t"
                     "syscall\n\t"
                     "fxsave64 %1\n\t"
                     "fninit"
                     : "+a"(result), "=m"(after)
                     : "m"(before), "D"((long)file), "S"(what), "d"(sizeof(what) - 1)
                     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                       "xmm15");
    const uint32_t control = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(control));
    close(file);
    REQUIRE(result == sizeof(what) - 1);
    REQUIRE(memcmp(before, after, 416) == 0);
    return true;
}

/* An interval timer still fires: interrupts are on, and the timer is armed. */
static volatile sig_atomic_t rang;

static void ring(int signal)
{
    (void)signal;
    rang = 1;
}

static bool interrupts_go_on(void)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 10000}};
    sigset_t blocked, none;

    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    REQUIRE(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
    signal(SIGALRM, ring);
    for (int i = 0; i < 20; i++) {
        REQUIRE(misdeed(i % 2 ? "registers" : "divide") == (i % 2 ? 0 : EIO));
        rang = 0;
        REQUIRE(setitimer(ITIMER_REAL, &soon, NULL) == 0);
        while (!rang)
            sigsuspend(&none);
    }
    return true;
}

/* Neither does one that has turned interrupts off: an NMI ends it, and then they come as before. */
static bool deaf_time_has_an_end(void)
{
    for (int i = 0; i < 3; i++)
        REQUIRE(misdeed("deaf") == EIO);
    return services_answer() && interrupts_go_on();
}

static _Noreturn void caller(int cpu)
{
    cpu_set_t set;
    bool passed = true;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
    for (int i = 0; i < ROUNDS && passed; i++)
        passed = services_answer() && registers_stay() && misdeed("divide") == EIO &&
                 misdeed("read 0xfee00030") == 0;
    _exit(!passed);
}

static bool call_together(void)
{
    bool passed = true;

    for (int i = 0; i < CALLERS; i++)
        if (fork() == 0)
            caller(i % (int)sysconf(_SC_NPROCESSORS_ONLN));
    for (int i = 0; i < CALLERS; i++) {
        int status = -1;
        wait(&status);
        passed = status == 0 && passed;
    }
    return passed;
}

static bool many_at_once(void)
{
    static char before[16384], after[16384];

    REQUIRE(call_together()); /* what is made on the first use is there */
    baton_counts(after, sizeof(after));
    baton_counts(before, sizeof(before));
    REQUIRE(call_together());
    baton_counts(after, sizeof(after));
    if (strcmp(before, after) != 0)
        baton_counts_note(before, after);
    REQUIRE(strcmp(before, after) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"the services answer", "UEFI 2.10, chapter 8", services_answer},
    {"a fault in one is an error and a line", "docs/architecture.md, 14", faults_are_errors},
    {"so is a stack that ends", "docs/architecture.md, 14", stack_has_an_end},
    {"so is a call that does not return", "docs/architecture.md, 10", time_has_an_end},
    {"also one with interrupts off", "docs/architecture.md, 10", deaf_time_has_an_end},
    {"memory that nobody uses is lent", "kernel/firmware/README.md", memory_is_lent},
    {"registers are the caller's again", "UEFI 2.10, 2.3.4", registers_stay},
    {"interrupts come as before", "UEFI 2.10, 2.3.4", interrupts_go_on},
    {"from four processors at once", "docs/architecture.md, 4", many_at_once},
};

int main(void)
{
    if (access(SERVICES, W_OK) != 0) {
        printf("1..0 # SKIP only a debug kernel of Baton's has " SERVICES "\n");
        return 0;
    }
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
