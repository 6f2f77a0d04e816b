/*
 * kernel_addresses: what must not tell a program where the kernel lies: error codes of faults, the
 * log, /proc, the order that kcmp(2) gives.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcmp.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <ucontext.h>
#include <unistd.h>

#include "cases.h"

#define KERNEL_FIRST UINT64_C(0xffffffff80000000)
#define KERNEL_LAST  UINT64_C(0xffffffffbfe00000)
#define KERNEL_STEP  UINT64_C(0x200000)

static sigjmp_buf behind;
static volatile uint64_t error_code, address_told;

static void note_fault(int signal, siginfo_t *information, void *context)
{
    const ucontext_t *user = context;

    (void)signal;
    (void)information;
    error_code = (uint64_t)user->uc_mcontext.gregs[REG_ERR];
    address_told = (uint64_t)user->uc_mcontext.gregs[REG_CR2];
    siglongjmp(behind, 1);
}

static bool catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = note_fault, .sa_flags = SA_SIGINFO};
    return sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0;
}

static uint64_t code_of_reading(uint64_t address)
{
    error_code = 0;
    if (!sigsetjmp(behind, 1))
        (void)*(volatile char *)address;
    return error_code;
}

static uint64_t code_of_writing(uint64_t address)
{
    error_code = 0;
    if (!sigsetjmp(behind, 1))
        *(volatile char *)address = 1;
    return error_code;
}

static uint64_t code_of_jumping(uint64_t address)
{
    error_code = 0;
    if (!sigsetjmp(behind, 1))
        ((void (*)(void))address)();
    return error_code;
}

static bool kernel_answers_alike(void)
{
    REQUIRE(catch_faults());
    for (uint64_t address = KERNEL_FIRST; address <= KERNEL_LAST; address += KERNEL_STEP) {
        if (code_of_reading(address) == 5 && code_of_writing(address) == 7 &&
            address_told == address)
            continue;
        tap_note("%lx: code %lu", address, error_code);
        return false;
    }
    return true;
}

static bool rest_answers_alike(void)
{
    static const uint64_t places[] = {
        0xffff800000000000, 0xffff800001000000, 0xffff800040000000, 0xffff888000000000,
        0xffffc00000000000, 0xffffc08000000000, 0xffffc10000000000, 0xffffffffff000000,
    };

    REQUIRE(catch_faults());
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        REQUIRE(code_of_reading(places[i]) == 5 && code_of_writing(places[i]) == 7);
        REQUIRE((code_of_jumping(places[i]) & ~UINT64_C(16)) == 5);
    }
    return true;
}

static bool own_addresses_say_the_truth(void)
{
    char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(catch_faults() && page != MAP_FAILED);
    (void)*(volatile char *)page;
    REQUIRE(code_of_writing((uint64_t)page) == 7);
    REQUIRE(munmap(page, 8192) == 0);
    REQUIRE(code_of_reading((uint64_t)page) == 4 && code_of_writing((uint64_t)page) == 6);
    return true;
}

static bool is_baton(void)
{
    struct utsname name;
    return uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0 &&
           access("/proc/baton", F_OK) == 0;
}

/* ---- the log ---- */

static bool log_is_the_administrators(void)
{
    char text[256];

    if (mknod("/tmp/kernel_addresses.log", S_IFCHR | 0666, 1 << 8 | 11) && errno != EEXIST)
        return false;
    chmod("/tmp/kernel_addresses.log", 0666);
    REQUIRE(open("/tmp/kernel_addresses.log", O_RDONLY) >= 0);
    REQUIRE(klogctl(3, text, sizeof(text)) >= 0 && klogctl(10, NULL, 0) > 0);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    REQUIRE_ERRNO(open("/tmp/kernel_addresses.log", O_RDONLY), EPERM);
    REQUIRE_ERRNO(open("/tmp/kernel_addresses.log", O_RDWR), EPERM);
    REQUIRE(open("/tmp/kernel_addresses.log", O_WRONLY) >= 0);
    REQUIRE_ERRNO(klogctl(3, text, sizeof(text)), EPERM);
    REQUIRE_ERRNO(klogctl(10, NULL, 0), EPERM);
    return true;
}

static bool restriction_is_told(void)
{
    char level = '?';
    int file = open("/proc/sys/kernel/dmesg_restrict", O_RDONLY);

    REQUIRE(file >= 0 && read(file, &level, 1) == 1 && level == '1');
    return true;
}

/* ---- /proc ---- */

static bool views_of_roots(void)
{
    if (!is_baton())
        return true; /* there are none */
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    REQUIRE_ERRNO(open("/proc/baton/threads", O_RDONLY), EACCES);
    REQUIRE_ERRNO(open("/proc/baton/cpus", O_RDONLY), EACCES);
    return true;
}

/* ---- kcmp ---- */

static bool order_is_consistent(void)
{
    int files[8];
    long order[8][8];
    pid_t self = getpid();

    for (int i = 0; i < 8; i++)
        files[i] = open("/dev/null", O_RDONLY);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            order[i][j] = syscall(SYS_kcmp, self, self, KCMP_FILE, files[i], files[j]);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
            REQUIRE(order[i][j] == (i == j ? 0 : 3 - order[j][i]));
            for (int k = 0; k < 8; k++) /* what sorts has to rely on it */
                REQUIRE(order[i][j] != 1 || order[j][k] != 1 || order[i][k] == 1);
        }
    int again = dup(files[0]);
    REQUIRE(syscall(SYS_kcmp, self, self, KCMP_FILE, files[0], again) == 0);
    return true;
}

static const struct test_case cases[] = {
    {"the kernel's image: every place answers alike", "sigaction(2)", kernel_answers_alike},
    {"the rest of the kernel's half as well", "sigaction(2)", rest_answers_alike},
    {"a program's own addresses say the truth", "sigaction(2)", own_addresses_say_the_truth},
    {"the log is the administrator's", "syslog(2)", log_is_the_administrators},
    {"dmesg_restrict", "proc(5)", restriction_is_told},
    {"page-table roots are the administrator's", "proc(5)", views_of_roots},
    {"kcmp gives an order to sort by", "kcmp(2)", order_is_consistent},
};

int main(void)
{
    int result = run_cases(cases, sizeof(cases) / sizeof(cases[0]));
    unlink("/tmp/kernel_addresses.log");
    return result;
}
