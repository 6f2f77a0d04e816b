/*
 * exec_images: what an ELF file may ask for, and what becomes of it in memory. Each case builds a
 * file of its own, whose code (probe_code) follows the orders in its arguments and exits with 42,
 * or with the number of the order that went wrong. Part of the table of exec_cases.h.
 *
 * Addresses in orders are relative to the entry, wherever the image came to lie.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "exec_cases.h"

#define PAGE 4096UL
#define BASE 0x400000UL
#define WELL 42

/* ---- the code of every image: freestanding, position-independent, no data of its own ---- */

#define PROBE __attribute__((section("probe_code"), optnone, noinline, used))

PROBE static long probe_call(long number, long first, long second, long third)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

PROBE static unsigned long probe_number(const char **text)
{
    unsigned long number = 0;

    for (;;) {
        char digit = **text;
        if (digit >= '0' && digit <= '9')
            number = number * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            number = number * 16 + (digit - 'a' + 10);
        else
            return number;
        (*text)++;
    }
}

PROBE static unsigned long probe_auxiliary(const unsigned long *stack, unsigned long wanted)
{
    const unsigned long *at = stack + 1 + stack[0] + 1;

    while (*at)
        at++;
    for (at++; *at; at += 2)
        if (*at == wanted)
            return at[1];
    return 0;
}

/*
 * ORDER[+|-]ADDRESS[,VALUE]: z: VALUE bytes are zero; b: the byte is VALUE; w: write a byte;
 * c: call it; s: call code on the stack; A: auxiliary vector's entry ADDRESS is entry + VALUE;
 * a: it is VALUE; M: it is a multiple of VALUE; m: ADDRESS is one; g: grow the heap by VALUE bytes
 * and write there; it begins behind ADDRESS; l: loop for ever.
 */
PROBE static int probe_order(const unsigned long *stack, const char *text)
{
    unsigned long entry = probe_auxiliary(stack, AT_ENTRY);
    char order = *text++;
    int backwards = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    unsigned long number = probe_number(&text);
    if (*text == ',')
        text++;
    int value_backwards = *text == '-';
    if (value_backwards)
        text++;
    unsigned long value = probe_number(&text);
    volatile unsigned char *place =
        (volatile unsigned char *)(backwards ? entry - number : entry + number);

    if (order == 'z') {
        for (unsigned long at = 0; at < value; at++)
            if (place[at])
                return 0;
        return 1;
    }
    if (order == 'b')
        return *place == value;
    if (order == 'w') {
        *place = 0xc3; /* RET */
        return *place == 0xc3;
    }
    if (order == 'c') {
        ((void (*)(void))place)();
        return 1;
    }
    if (order == 's') {
        volatile unsigned char code[16];
        code[0] = 0xc3;
        ((void (*)(void))code)();
        return 1;
    }
    if (order == 'a')
        return probe_auxiliary(stack, number) == value;
    if (order == 'A')
        return probe_auxiliary(stack, number) == (value_backwards ? entry - value : entry + value);
    if (order == 'M')
        return probe_auxiliary(stack, number) % value == 0;
    if (order == 'm')
        return (unsigned long)place % value == 0;
    while (order == 'l')
        ;
    if (order == 'g') {
        unsigned long start = probe_call(SYS_brk, 0, 0, 0);
        if ((unsigned long)probe_call(SYS_brk, start + value, 0, 0) != start + value)
            return 0;
        if (start < (unsigned long)place) /* behind what ADDRESS says */
            return 0;
        *(volatile unsigned char *)start = 1;
        *(volatile unsigned char *)(start + value - 1) = 1;
        return 1;
    }
    return 0;
}

PROBE static void probe_main(const unsigned long *stack)
{
    const char *const *arguments = (const char *const *)(stack + 1);

    for (unsigned long at = 1; at < stack[0]; at++)
        if (!probe_order(stack, arguments[at]))
            probe_call(SYS_exit_group, at, 0, 0);
    probe_call(SYS_exit_group, WELL, 0, 0);
}

/* Where images begin. What the registers hold here is part of the promise, too: nothing. */
__attribute__((section("probe_code"), naked, used)) static void probe_entry(void)
{
    __asm__("mov %rax, %rcx\n"
            "or %rbx, %rcx\n"
            "or %rdx, %rcx\n"
            "or %rsi, %rcx\n"
            "or %rdi, %rcx\n"
            "or %rbp, %rcx\n"
            "or %r8, %rcx\n"
            "or %r9, %rcx\n"
            "or %r10, %rcx\n"
            "or %r12, %rcx\n"
            "or %r13, %rcx\n"
            "or %r14, %rcx\n"
            "or %r15, %rcx\n"
            "mov %rsp, %rax\n"
            "and $15, %rax\n"
            "or %rax, %rcx\n"
            "jz 1f\n"
            "mov $231, %eax\n" /* exit_group(200) */
            "mov $200, %edi\n"
            "syscall\n"
            "1: mov %rsp, %rdi\n"
            "call probe_main\n");
}

extern const uint8_t __start_probe_code[], __stop_probe_code[];

/* ---- building a file ---- */

#define HEADERS_MAXIMUM 80

static struct {
    union {
        uint8_t bytes[64 * PAGE];
        struct {
            Elf64_Ehdr header;
            Elf64_Phdr headers[HEADERS_MAXIMUM];
        };
    };
    size_t size;
} file;

/*
 * The file's first pages: header, table, and at CODE the probe; one segment maps it all. The
 * bytes behind are 0x11 in page 16, 0x22 in the next and so on; data may be taken from there.
 */
#define CODE      0x2000UL
#define TEXT_SIZE (16 * PAGE)
#define DATA      TEXT_SIZE /* where the next segment's bytes begin in the file */
#define ENTRY     (CODE + ((const uint8_t *)probe_entry - __start_probe_code))

static Elf64_Phdr *add(unsigned type, unsigned flags, uint64_t address, uint64_t offset,
                       uint64_t file_size, uint64_t memory_size)
{
    Elf64_Phdr *header = &file.headers[file.header.e_phnum++];

    *header = (Elf64_Phdr){.p_type = type,
                           .p_flags = flags,
                           .p_vaddr = address,
                           .p_paddr = address,
                           .p_offset = offset,
                           .p_filesz = file_size,
                           .p_memsz = memory_size,
                           .p_align = PAGE};
    return header;
}

static uint64_t base_of(unsigned type)
{
    return type == ET_EXEC ? BASE : 0;
}

static void begin(unsigned type)
{
    memset(&file, 0, sizeof(file));
    for (size_t page = 16; page < 64; page++)
        memset(file.bytes + page * PAGE, 0x11 * (page - 15), PAGE);
    memcpy(file.header.e_ident, ELFMAG, SELFMAG);
    file.header.e_ident[EI_CLASS] = ELFCLASS64;
    file.header.e_ident[EI_DATA] = ELFDATA2LSB;
    file.header.e_ident[EI_VERSION] = EV_CURRENT;
    file.header.e_type = type;
    file.header.e_machine = EM_X86_64;
    file.header.e_version = EV_CURRENT;
    file.header.e_entry = base_of(type) + ENTRY;
    file.header.e_phoff = sizeof(Elf64_Ehdr);
    file.header.e_ehsize = sizeof(Elf64_Ehdr);
    file.header.e_phentsize = sizeof(Elf64_Phdr);
    memcpy(file.bytes + CODE, __start_probe_code, __stop_probe_code - __start_probe_code);
    file.size = sizeof(file.bytes);
    add(PT_LOAD, PF_R | PF_X, base_of(type), 0, TEXT_SIZE, TEXT_SIZE);
}

/* An order's text; `place` is an address as in the file of this type. */
static const char *order(char what, uint64_t place, uint64_t value)
{
    static char texts[16][48];
    static unsigned next;
    char *text = texts[next++ % 16];
    int64_t distance = place - (base_of(file.header.e_type) + ENTRY);

    snprintf(text, sizeof(texts[0]), "%c%c%llx,%llx", what, distance < 0 ? '-' : '+',
             (unsigned long long)(distance < 0 ? -distance : distance), (unsigned long long)value);
    return text;
}

static const char *vector(char what, unsigned entry, int64_t value)
{
    static char texts[16][48];
    static unsigned next;
    char *text = texts[next++ % 16];

    snprintf(text, sizeof(texts[0]), "%c%x,%s%llx", what, entry, value < 0 ? "-" : "",
             (unsigned long long)(value < 0 ? -value : value));
    return text;
}

static const char *image_name(void)
{
    static char name[32];

    snprintf(name, sizeof(name), "image-%zu", case_number);
    return name;
}

/* Runs a file with up to six orders: its wait status. */
#define RUN(...) run((const char *[8]){image_name(), ##__VA_ARGS__})
static int run(const char **arguments)
{
    if (access(arguments[0], F_OK) < 0 && !file_write(arguments[0], file.bytes, file.size, 0755))
        return -1;
    return status_after(AT_FDCWD, arguments[0], (char **)arguments, environ, 0);
}

#define REQUIRE_WELL(...)                                                                          \
    do {                                                                                           \
        int status_ = RUN(__VA_ARGS__);                                                            \
        if (!exited(status_, WELL)) {                                                              \
            tap_note("line %d: wait status %#x", __LINE__, status_);                               \
            return false;                                                                          \
        }                                                                                          \
    } while (0)
#define REQUIRE_KILLED(signal, ...)                                                                \
    do {                                                                                           \
        int status_ = RUN(__VA_ARGS__);                                                            \
        if (!killed_by(status_, signal)) {                                                         \
            tap_note("line %d: wait status %#x", __LINE__, status_);                               \
            return false;                                                                          \
        }                                                                                          \
    } while (0)
/* The call itself fails. */
#define REQUIRE_FAILS(error)                                                                       \
    do {                                                                                           \
        int status_ = RUN();                                                                       \
        if (!exited(status_, error)) {                                                             \
            tap_note("line %d: wait status %#x", __LINE__, status_);                               \
            return false;                                                                          \
        }                                                                                          \
    } while (0)
/* Baton's call fails, Linux's caller is lost. */
#define REQUIRE_STRICTER(error)                                                                    \
    do {                                                                                           \
        int status_ = RUN();                                                                       \
        if (is_linux ? !WIFSIGNALED(status_) : !exited(status_, error)) {                          \
            tap_note("line %d: wait status %#x", __LINE__, status_);                               \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* ---- types and headers ---- */

static bool fixed(void)
{
    begin(ET_EXEC);
    REQUIRE_WELL(vector('a', AT_ENTRY, BASE + ENTRY), vector('a', AT_BASE, 0));
    return true;
}
static bool position_independent(void)
{
    begin(ET_DYN);
    REQUIRE_WELL(vector('A', AT_PHDR, -(int64_t)(ENTRY - sizeof(Elf64_Ehdr))),
                 vector('a', AT_BASE, 0));
    return true;
}
static bool vector_of_headers(void)
{
    begin(ET_EXEC);
    REQUIRE_WELL(vector('a', AT_PHDR, BASE + sizeof(Elf64_Ehdr)), vector('a', AT_PHNUM, 1),
                 vector('a', AT_PHENT, sizeof(Elf64_Phdr)));
    return true;
}
static bool headers_elsewhere(void)
{
    begin(ET_EXEC);
    memcpy(file.bytes + 0x1f03, file.headers, sizeof(Elf64_Phdr));
    memset(file.headers, 0xff, sizeof(Elf64_Phdr));
    file.header.e_phoff = 0x1f03; /* not aligned either */
    REQUIRE_WELL(vector('a', AT_PHDR, BASE + 0x1f03));
    return true;
}
static bool headers_not_mapped(void)
{
    begin(ET_EXEC);
    memcpy(file.bytes + 40 * PAGE, file.headers, sizeof(Elf64_Phdr));
    file.header.e_phoff = 40 * PAGE;
    REQUIRE_WELL(vector('a', AT_PHDR, 0));
    return true;
}
static bool most_headers(void)
{
    begin(ET_EXEC);
    while (file.header.e_phnum < 73)
        add(PT_NULL, 0, 0, 0, 0, 0);
    REQUIRE_WELL(vector('a', AT_PHNUM, 73));
    return true;
}
static bool too_many_headers(void)
{
    begin(ET_EXEC);
    while (file.header.e_phnum < 74)
        add(PT_NULL, 0, 0, 0, 0, 0);
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool many_segments(void)
{
    begin(ET_EXEC);
    for (size_t at = 0; at < 40; at++)
        add(PT_LOAD, PF_R | PF_W, BASE + (20 + 2 * at) * PAGE, DATA + at * PAGE, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + 20 * PAGE, 0x11), order('b', BASE + 22 * PAGE + 4095, 0x22),
                 order('w', BASE + 98 * PAGE, 0));
    return true;
}
static bool unknown_headers(void)
{
    begin(ET_EXEC);
    add(PT_NOTE, PF_R, 0, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    add(PT_SHLIB, PF_R, UINT64_MAX, UINT64_MAX, 1, 0);
    add(0x12345678, 7, 1, 1, 1, 1);
    REQUIRE_WELL();
    return true;
}
static bool identification_ignored(void)
{
    begin(ET_EXEC);
    memset(file.header.e_ident + SELFMAG, 0xee, EI_NIDENT - SELFMAG);
    file.header.e_version = file.header.e_flags = 0xeeeeeeee;
    file.header.e_ehsize = file.header.e_shentsize = file.header.e_shnum = 0xeeee;
    file.header.e_shoff = UINT64_MAX;
    REQUIRE_WELL();
    return true;
}
static bool wrong_magic(void)
{
    begin(ET_EXEC);
    file.bytes[3] = 'G';
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool wrong_machine(void)
{
    begin(ET_EXEC);
    file.header.e_machine = EM_AARCH64;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool wrong_entry_size(void)
{
    begin(ET_EXEC);
    file.header.e_phentsize = 64;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool no_headers(void)
{
    begin(ET_EXEC);
    file.header.e_phnum = 0;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool headers_behind_end(void)
{
    begin(ET_EXEC);
    file.header.e_phoff = file.size - 20;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool headers_far_behind_end(void)
{
    begin(ET_EXEC);
    file.header.e_phoff = INT64_MAX;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}
static bool header_cut(void)
{
    begin(ET_EXEC);
    file.size = 50;
    REQUIRE_FAILS(ENOEXEC);
    return true;
}

/* ---- segments ---- */

static bool text_not_writable(void)
{
    begin(ET_EXEC);
    REQUIRE_KILLED(SIGSEGV, order('w', BASE, 0));
    return true;
}
static bool data_not_executable(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('w', BASE + DATA, 0), order('c', BASE + DATA, 0));
    return true;
}
static bool data_not_writable(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('b', BASE + DATA, 0x11), order('w', BASE + DATA, 0));
    return true;
}
static bool all_permissions(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W | PF_X, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('w', BASE + DATA, 0), order('c', BASE + DATA, 0));
    return true;
}
static bool no_permissions(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, 0, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('b', BASE + DATA, 0x11));
    return true;
}
static bool write_implies_read(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('w', BASE + DATA, 0));
    return true;
}
static bool execute_only(void)
{
    begin(ET_EXEC);
    file.headers[0].p_flags = PF_X;
    REQUIRE_WELL();
    return true;
}
static bool private_data(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 2 * PAGE, 2 * PAGE);
    REQUIRE_WELL(order('w', BASE + DATA, 0), order('w', BASE + DATA + PAGE, 0));
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + PAGE, 0x22));
    return true;
}
static bool bss_in_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 200);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('z', BASE + DATA + 100, PAGE - 100));
    return true;
}
static bool bss_of_pages(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 5 * PAGE + 50);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('z', BASE + DATA + 100, 6 * PAGE - 100),
                 order('w', BASE + DATA + 5 * PAGE + 49, 0));
    return true;
}
static bool bss_ends_with_region(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 5 * PAGE + 50);
    REQUIRE_KILLED(SIGSEGV, order('w', BASE + DATA + 6 * PAGE - 1, 0),
                   order('w', BASE + DATA + 6 * PAGE, 0));
    return true;
}
static bool bss_after_whole_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, 3 * PAGE);
    REQUIRE_WELL(order('b', BASE + DATA + 4095, 0x11), order('z', BASE + DATA + PAGE, 2 * PAGE));
    return true;
}
static bool bss_only(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, 0, 0, 3 * PAGE);
    REQUIRE_WELL(order('z', BASE + DATA, 3 * PAGE), order('w', BASE + DATA + 2 * PAGE, 0));
    return true;
}
static bool bss_mid_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + 0x123, DATA + 0x123, 0x200, 0x200 + 3 * PAGE);
    REQUIRE_WELL(order('b', BASE + DATA + 0x322, 0x11), order('z', BASE + DATA + 0x323, 3 * PAGE),
                 order('b', BASE + DATA, 0x11)); /* the file's bytes before it, too */
    return true;
}
static bool file_fills_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 100);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('b', BASE + DATA + 100, 0x11));
    return true;
}
static bool file_ends_in_page(void)
{
    begin(ET_EXEC);
    file.size = DATA + 100;
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 100);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('z', BASE + DATA + 100, PAGE - 100));
    return true;
}
static bool bss_large(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 300UL << 20);
    REQUIRE_WELL(order('z', BASE + DATA + (200UL << 20), 2 * PAGE),
                 order('w', BASE + DATA + (300UL << 20) - 1, 0));
    return true;
}
static bool one_file_page_twice(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, 100, 100);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + PAGE + 100, DATA + 100, 100, 100);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('b', BASE + DATA + PAGE + 100, 0x11),
                 order('w', BASE + DATA + PAGE + 100, 0));
    return true;
}
static bool shared_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, PAGE + 100, PAGE + 100);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + PAGE + 100, DATA + PAGE + 100, 100, 3000);
    REQUIRE_WELL(order('b', BASE + DATA + PAGE + 99, 0x22), order('w', BASE + DATA + PAGE, 0),
                 order('w', BASE + DATA + PAGE + 100, 0));
    return true;
}
static bool shared_page_with_text(void)
{
    begin(ET_EXEC);
    file.headers[0].p_filesz = file.headers[0].p_memsz = TEXT_SIZE - 100;
    add(PT_LOAD, PF_R | PF_W, BASE + TEXT_SIZE - 100, TEXT_SIZE - 100, 200, 300);
    REQUIRE_WELL(order('w', BASE + TEXT_SIZE - 100, 0), order('b', BASE + TEXT_SIZE + 99, 0x11),
                 order('z', BASE + TEXT_SIZE + 100, 100));
    return true;
}
static bool overlapping(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, 4 * PAGE, 4 * PAGE);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + PAGE, DATA + 8 * PAGE, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + PAGE, 0x99),
                 order('b', BASE + DATA + 2 * PAGE, 0x33), order('w', BASE + DATA + PAGE, 0));
    return true;
}
static bool unsorted(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + 8 * PAGE, DATA + PAGE, PAGE, PAGE);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + 8 * PAGE, 0x22),
                 order('g', BASE + DATA + 9 * PAGE, PAGE));
    return true;
}
static bool gap_stays_unmapped(void)
{
    begin(ET_DYN);
    add(PT_LOAD, PF_R | PF_W, 64 * PAGE, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('w', 64 * PAGE, 0), order('b', 40 * PAGE, 0));
    return true;
}
static bool first_address_not_zero(void)
{
    begin(ET_DYN);
    file.headers[0].p_vaddr += 0x7000000;
    file.header.e_entry += 0x7000000;
    add(PT_LOAD, PF_R | PF_W, 0x7000000 + DATA, DATA, PAGE, 2 * PAGE);
    REQUIRE_WELL(vector('A', AT_PHDR, -(int64_t)(ENTRY - sizeof(Elf64_Ehdr))));
    return true;
}
static bool file_larger_than_memory(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, 1UL << 40, PAGE, 2 * PAGE);
    REQUIRE(file_write(image_name(), file.bytes, file.size, 0755));
    int image = open(image_name(), O_WRONLY);
    REQUIRE(pwrite(image, "far", 3, 1L << 40) == 3 && ftruncate(image, (1L << 40) + PAGE) == 0);
    close(image);
    REQUIRE_WELL(order('b', BASE + DATA, 'f'), order('z', BASE + DATA + 3, 2 * PAGE - 3));
    REQUIRE(unlink(image_name()) == 0);
    return true;
}
static bool segment_larger_than_memory(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, 0x10000000000, PAGE, 1UL << 40, 1UL << 40);
    REQUIRE(file_write(image_name(), file.bytes, file.size, 0755));
    REQUIRE(truncate(image_name(), (1L << 40) + PAGE) == 0);
    REQUIRE_WELL(order('z', 0x10000000000 + (1L << 39), PAGE));
    REQUIRE(unlink(image_name()) == 0);
    return true;
}
static bool empty_segment(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + 100 * PAGE, 0, 0, 0);
    REQUIRE_WELL();
    return true;
}
static bool heap_behind_image(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 3 * PAGE);
    REQUIRE_WELL(order('g', BASE + DATA + 3 * PAGE, 10 * PAGE));
    return true;
}

/* ---- alignment ---- */

/* Several times: the place is random. */
static bool aligned(uint64_t alignment, uint64_t multiple)
{
    uint64_t place = 0x400000;

    begin(ET_DYN);
    file.headers[0].p_align = alignment;
    add(PT_LOAD, PF_R | PF_W, place, DATA, 100, 3 * PAGE)->p_align = alignment;
    for (int at = 0; at < 4; at++)
        REQUIRE_WELL(order('m', 0, multiple), order('b', place, 0x11),
                     order('z', place + 100, 3 * PAGE - 100));
    return true;
}
static bool aligned_none(void)
{
    return aligned(0, PAGE) && unlink(image_name()) == 0 && aligned(1, PAGE);
}
static bool aligned_page(void)
{
    return aligned(PAGE, PAGE);
}
static bool aligned_64k(void)
{
    return aligned(0x10000, 0x10000);
}
static bool aligned_2m(void)
{
    return aligned(0x200000, 0x200000);
}
static bool aligned_no_power(void)
{
    return aligned(0x3000, PAGE);
}
static bool aligned_second_segment(void)
{
    begin(ET_DYN);
    add(PT_LOAD, PF_R | PF_W, 0x400000, DATA, 100, 100)->p_align = 0x200000;
    for (int at = 0; at < 4; at++)
        REQUIRE_WELL(order('m', 0, 0x200000), order('m', 0x400000, 0x200000));
    return true;
}
static bool aligned_fixed(void)
{
    begin(ET_EXEC);
    file.headers[0].p_align = 0x40000000; /* says nothing: its place is fixed */
    REQUIRE_WELL(vector('a', AT_ENTRY, BASE + ENTRY));
    return true;
}

/* ---- PT_GNU_STACK, PT_TLS, PT_GNU_RELRO ---- */

static bool stack_without_header(void)
{
    begin(ET_EXEC);
    REQUIRE_KILLED(SIGSEGV, "s0,0");
    return true;
}
static bool stack_not_executable(void)
{
    begin(ET_EXEC);
    add(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);
    REQUIRE_KILLED(SIGSEGV, "s0,0");
    return true;
}
static bool stack_executable(void)
{
    begin(ET_EXEC);
    add(PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
    REQUIRE_WELL("s0,0");
    return true;
}
static bool stack_executable_alone(void)
{
    begin(ET_EXEC);
    add(PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, "s0,0", order('w', BASE + DATA, 0), order('c', BASE + DATA, 0));
    return true;
}
static bool relro_is_the_programs(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 2 * PAGE, 2 * PAGE);
    add(PT_GNU_RELRO, PF_R, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('w', BASE + DATA, 0), order('w', BASE + DATA + PAGE, 0));
    return true;
}
static bool tls_is_the_programs(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 200, 300);
    add(PT_TLS, PF_R, BASE + DATA + 100, DATA + 100, 100, 200)->p_align = 64;
    REQUIRE_WELL(order('b', BASE + DATA + 100, 0x11), order('b', BASE + DATA + 199, 0x11),
                 order('z', BASE + DATA + 200, 100));
    return true;
}
static bool tls_lies_anywhere(void)
{
    begin(ET_EXEC);
    add(PT_TLS, PF_R, 0x1234567, UINT64_MAX, 100, 200)->p_align = 3;
    REQUIRE_WELL();
    return true;
}
/* This program's own: the C library reads PT_TLS by AT_PHDR. */
static __thread int thread_word = 0x1234567;
static __thread char thread_zeros[1000];
static bool tls_of_library_before(void)
{
    thread_word = 1;
    memset(thread_zeros, 1, sizeof(thread_zeros));
    return true;
}
static bool tls_of_library_after(void)
{
    for (size_t at = 0; at < sizeof(thread_zeros); at++)
        REQUIRE(thread_zeros[at] == 0);
    return thread_word == 0x1234567;
}

/* ---- PT_INTERP ---- */

/* Asks for an interpreter by a name that lies in the file's page 60. */
static Elf64_Phdr *ask_for(const char *name)
{
    memset(file.bytes + 60 * PAGE, 0, PAGE);
    strcpy((char *)file.bytes + 60 * PAGE, name);
    return add(PT_INTERP, PF_R, 0, 60 * PAGE, strlen(name) + 1, strlen(name) + 1);
}

/* An interpreter is the same probe; as a fixed image it lies elsewhere. */
static bool interpreter_write(const char *name, unsigned type)
{
    begin(type);
    if (type == ET_EXEC) {
        file.headers[0].p_vaddr = 0x7000000;
        file.header.e_entry = 0x7000000 + ENTRY;
    }
    memset(file.bytes + TEXT_SIZE - 8, 0x77, 8); /* by which it is known */
    return file_write(name, file.bytes, file.size, 0755);
}

/* A program that must not run itself: its own code is gone. */
static void begin_interpreted(unsigned type, const char *name)
{
    begin(type);
    memset(file.bytes + CODE, 0xcc, PAGE);
    ask_for(name);
}
static bool interpreter_runs(void)
{
    REQUIRE(interpreter_write("loader", ET_DYN));
    begin_interpreted(ET_DYN, "loader");
    REQUIRE_WELL(order('b', 0, 0x7f), vector('A', AT_PHDR, -(int64_t)(ENTRY - sizeof(Elf64_Ehdr))),
                 vector('a', AT_PHNUM, 2), order('b', CODE, 0xcc));
    return true;
}
static bool interpreter_of_fixed(void)
{
    REQUIRE(interpreter_write("loader-of-fixed", ET_DYN));
    begin_interpreted(ET_EXEC, "loader-of-fixed");
    REQUIRE_WELL(vector('a', AT_ENTRY, BASE + ENTRY), order('b', BASE + CODE, 0xcc));
    return true;
}
static bool interpreter_fixed(void)
{
    REQUIRE(interpreter_write("fixed-loader", ET_EXEC));
    begin_interpreted(ET_EXEC, "fixed-loader");
    REQUIRE_WELL(vector('a', AT_BASE, 0), order('b', 0x7000000 + TEXT_SIZE - 1, 0x77));
    return true;
}
static bool interpreter_base(void)
{
    REQUIRE(interpreter_write("based-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "based-loader");
    /* AT_BASE is not 0 and where it begins: the orders cannot say more than a page's multiple. */
    REQUIRE(!exited(RUN(vector('a', AT_BASE, 0)), WELL));
    REQUIRE_WELL("M7,1000");
    return true;
}
static bool interpreter_of_interpreter(void)
{
    REQUIRE(interpreter_write("asking-loader", ET_DYN));
    ask_for("/no/such");
    REQUIRE(file_write("asking-loader", file.bytes, file.size, 0755));
    begin_interpreted(ET_EXEC, "asking-loader");
    REQUIRE_WELL();
    return true;
}
static bool first_interpreter(void)
{
    REQUIRE(interpreter_write("one-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "one-loader");
    add(PT_INTERP, PF_R, 0, 1UL << 50, 3, 3);
    REQUIRE_WELL();
    return true;
}
static bool interpreter_with_bss(void)
{
    REQUIRE(interpreter_write("loader-with-bss", ET_DYN));
    add(PT_LOAD, PF_R | PF_W, 40 * PAGE, DATA, 100, 3 * PAGE);
    REQUIRE(file_write("loader-with-bss", file.bytes, file.size, 0755));
    begin_interpreted(ET_EXEC, "loader-with-bss");
    REQUIRE_WELL(order('g', BASE + TEXT_SIZE, PAGE)); /* the heap is behind the program */
    return true;
}
static bool interpreter_name_with_rest(void)
{
    REQUIRE(interpreter_write("short-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "short-loader");
    memcpy(file.bytes + 60 * PAGE + sizeof("short-loader"), "rest", 5);
    file.headers[1].p_filesz += 5;
    REQUIRE_WELL();
    return true;
}
static bool interpreter_by_link(void)
{
    REQUIRE(interpreter_write("linked-loader", ET_DYN));
    REQUIRE(symlink("linked-loader", "loader-link") == 0);
    begin_interpreted(ET_EXEC, "loader-link");
    REQUIRE_WELL();
    return true;
}
static bool interpreter_stack(void)
{
    /* What the stack may is the program's word, whatever the interpreter says. */
    REQUIRE(interpreter_write("stack-loader", ET_DYN));
    add(PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
    REQUIRE(file_write("stack-loader", file.bytes, file.size, 0755));
    begin_interpreted(ET_EXEC, "stack-loader");
    add(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);
    REQUIRE_KILLED(SIGSEGV, "s0,0");
    return true;
}
static bool interpreter_written_while_running(void)
{
    REQUIRE(interpreter_write("open-loader", ET_DYN));
    begin_interpreted(ET_EXEC, "open-loader");
    REQUIRE_WELL();
    /* Only the program itself is ETXTBSY while it runs. */
    pid_t child = fork();
    if (child == 0) {
        const char *arguments[] = {image_name(), "l0,0", NULL};
        execve(image_name(), (char **)arguments, environ);
        _exit(1);
    }
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/comm", child);
    REQUIRE(EVENTUALLY(file_read(path, text, sizeof(text)) > 0 && strncmp(text, "image-", 6) == 0));
    REQUIRE_ERRNO(open(image_name(), O_WRONLY), ETXTBSY);
    REQUIRE(EVENTUALLY(open("open-loader", O_WRONLY) >= 0));
    REQUIRE(kill(child, SIGKILL) == 0 && killed_by(status_of(child), SIGKILL));
    return true;
}
/* ---- deliberate differences: Linux notices when the old image is gone already ---- */

static bool file_larger_in_file(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 2 * PAGE, PAGE);
    REQUIRE_STRICTER(EINVAL);
    return true;
}
static bool not_congruent(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + 8, DATA, PAGE, PAGE);
    REQUIRE_STRICTER(EINVAL);
    return true;
}
static bool in_kernel_half(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, 0xffffffff80000000, DATA, PAGE, PAGE);
    REQUIRE_STRICTER(ENOMEM);
    return true;
}
static bool entry_in_kernel_half(void)
{
    begin(ET_EXEC);
    file.header.e_entry = 0xffffffff80000000;
    REQUIRE_STRICTER(EINVAL);
    return true;
}
static bool no_segment(void)
{
    begin(ET_EXEC);
    file.headers[0].p_type = PT_NULL;
    REQUIRE_STRICTER(ENOEXEC);
    return true;
}
static bool cut_in_segment(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 4 * PAGE, 4 * PAGE);
    file.size = DATA + PAGE;
    int status = RUN(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + 3 * PAGE, 0x44));
    REQUIRE(is_linux ? killed_by(status, SIGBUS) : exited(status, ENOEXEC));
    return true;
}
static bool no_room(void)
{
    struct rlimit limit = {16 << 20, RLIM_INFINITY};

    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, 64 << 20);
    REQUIRE(file_write(image_name(), file.bytes, file.size, 0755));
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    REQUIRE_STRICTER(ENOMEM);
    return true;
}

static const struct exec_case cases[] = {
    CASE("ET_EXEC: its place and its entry", "elf(5)", fixed),
    CASE("ET_DYN: its place is the kernel's choice", "elf(5)", position_independent),
    CASE("AT_PHDR, AT_PHNUM, AT_PHENT", "getauxval(3)", vector_of_headers),
    CASE("program headers anywhere in the file", "elf(5), e_phoff", headers_elsewhere),
    CASE("program headers that no segment holds: AT_PHDR is 0", "getauxval(3)", headers_not_mapped),
    CASE("73 program headers, as many as a page holds", "elf(5), e_phnum", most_headers),
    CASE("ENOEXEC: 74 program headers", "elf(5), e_phnum", too_many_headers),
    CASE("41 segments", "elf(5), PT_LOAD", many_segments),
    CASE("unknown program headers are ignored", "elf(5), p_type", unknown_headers),
    CASE("e_ident, versions, flags and sections are ignored", "elf(5)", identification_ignored),
    CASE("ENOEXEC: another magic number", "elf(5), e_ident", wrong_magic),
    CASE("ENOEXEC: another machine", "elf(5), e_machine", wrong_machine),
    CASE("ENOEXEC: program headers of another size", "elf(5), e_phentsize", wrong_entry_size),
    CASE("ENOEXEC: no program headers", "elf(5), e_phnum", no_headers),
    CASE("ENOEXEC: program headers reach behind the file", "elf(5), e_phoff", headers_behind_end),
    CASE("ENOEXEC: program headers far behind the file", "elf(5), e_phoff", headers_far_behind_end),
    CASE("ENOEXEC: a file cut in its header", "elf(5)", header_cut),
    CASE("text cannot be written", "elf(5), p_flags", text_not_writable),
    CASE("data cannot be executed", "elf(5), p_flags", data_not_executable),
    CASE("constants cannot be written", "elf(5), p_flags", data_not_writable),
    CASE("a segment may allow everything", "elf(5), p_flags", all_permissions),
    CASE("a segment may allow nothing", "elf(5), p_flags", no_permissions),
    CASE("what may be written may be read", "mmap(2), NOTES", write_implies_read),
    CASE("text may be for execution only", "elf(5), p_flags", execute_only),
    CASE("what is written does not reach the file", "mmap(2), MAP_PRIVATE", private_data),
    CASE("bss within a page", "elf(5), p_memsz", bss_in_page),
    CASE("bss that ends in mid-page", "elf(5), p_memsz", bss_of_pages),
    CASE("behind the bss nothing is mapped", "elf(5), p_memsz", bss_ends_with_region),
    CASE("bss behind a whole page", "elf(5), p_memsz", bss_after_whole_page),
    CASE("a segment of bss only", "elf(5), p_filesz", bss_only),
    CASE("data and bss that begin in mid-page", "elf(5), p_memsz", bss_mid_page),
    CASE("without bss the file fills the last page", "elf(5), p_filesz", file_fills_page),
    CASE("behind the file's end the last page is zeros", "mmap(2)", file_ends_in_page),
    CASE("bss of 300 MiB", "elf(5), p_memsz", bss_large),
    CASE("one page of the file in two segments", "elf(5), p_offset", one_file_page_twice),
    CASE("segments that share a page: the later one's", "elf(5), p_vaddr", shared_page),
    CASE("text and data that share a page", "elf(5), p_vaddr", shared_page_with_text),
    CASE("segments that overlap: the later one's pages", "mmap(2), MAP_FIXED", overlapping),
    CASE("segments in any order", "elf(5), p_vaddr", unsorted),
    CASE("between segments nothing is mapped", "elf(5), p_vaddr", gap_stays_unmapped),
    CASE("ET_DYN whose first address is not 0", "elf(5), p_vaddr", first_address_not_zero),
    CASE("a file larger than memory", "elf(5), p_offset", file_larger_than_memory),
    CASE("a segment larger than memory", "elf(5), p_filesz", segment_larger_than_memory),
    CASE("a segment of no bytes", "elf(5), p_memsz", empty_segment),
    CASE("the heap begins behind the bss", "brk(2)", heap_behind_image),
    CASE("p_align 0 and 1", "elf(5), p_align", aligned_none),
    CASE("p_align of a page", "elf(5), p_align", aligned_page),
    CASE("p_align of 64 KiB", "elf(5), p_align", aligned_64k),
    CASE("p_align of 2 MiB", "elf(5), p_align", aligned_2m),
    CASE("p_align that is no power of two is ignored", "elf(5), p_align", aligned_no_power),
    CASE("p_align of a later segment", "elf(5), p_align", aligned_second_segment),
    CASE("p_align of a fixed image", "elf(5), p_align", aligned_fixed),
    CASE("no PT_GNU_STACK: no code on the stack", "elf(5), PT_GNU_STACK", stack_without_header),
    CASE("PT_GNU_STACK RW: no code on the stack", "elf(5), PT_GNU_STACK", stack_not_executable),
    CASE("PT_GNU_STACK RWX: code on the stack", "elf(5), PT_GNU_STACK", stack_executable),
    CASE("PT_GNU_STACK RWX: data stays data", "elf(5), PT_GNU_STACK", stack_executable_alone),
    CASE("PT_GNU_RELRO is for the program to apply", "elf(5)", relro_is_the_programs),
    CASE("PT_TLS is loaded as any data", "elf(5)", tls_is_the_programs),
    CASE("PT_TLS is not looked at", "elf(5)", tls_lies_anywhere),
    HALVES("thread-local storage begins anew", "elf(5)", tls_of_library_before,
           tls_of_library_after),
    CASE("PT_INTERP: it runs in the program's place", "elf(5), PT_INTERP", interpreter_runs),
    CASE("PT_INTERP of a fixed program", "elf(5), PT_INTERP", interpreter_of_fixed),
    CASE("PT_INTERP: a fixed interpreter", "elf(5), PT_INTERP", interpreter_fixed),
    CASE("PT_INTERP: AT_BASE is where it begins", "getauxval(3)", interpreter_base),
    CASE("PT_INTERP of an interpreter is ignored", "elf(5), PT_INTERP", interpreter_of_interpreter),
    CASE("PT_INTERP: the first one counts", "elf(5), PT_INTERP", first_interpreter),
    CASE("PT_INTERP: an interpreter with bss", "elf(5), PT_INTERP", interpreter_with_bss),
    CASE("PT_INTERP: the name ends at its first NUL", "elf(5), PT_INTERP",
         interpreter_name_with_rest),
    CASE("PT_INTERP: by a symbolic link", "elf(5), PT_INTERP", interpreter_by_link),
    CASE("PT_INTERP: the program decides about the stack", "elf(5), PT_GNU_STACK",
         interpreter_stack),
    CASE("ETXTBSY is the program's, not its interpreter's", "execve(2)",
         interpreter_written_while_running),
    STRICTER("EINVAL: a segment larger in the file than in memory", "elf(5), p_filesz",
             file_larger_in_file, "ends the caller"),
    STRICTER("EINVAL: p_vaddr and p_offset do not fit", "elf(5), p_align", not_congruent,
             "ends the caller"),
    STRICTER("ENOMEM: a segment in the kernel's half", "execve(2)", in_kernel_half,
             "ends the caller"),
    STRICTER("EINVAL: an entry in the kernel's half", "elf(5), e_entry", entry_in_kernel_half,
             "ends the caller"),
    STRICTER("ENOEXEC: no segment", "elf(5), PT_LOAD", no_segment, "starts it, to die at once"),
    STRICTER("ENOEXEC: a file cut in a segment", "elf(5), p_filesz", cut_in_segment,
             "starts it, to die where the file ends"),
    STRICTER("ENOMEM: RLIMIT_AS", "execve(2)", no_room, "ends the caller"),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
