/*
 * exec_image_builder.h: ELF files made to order. Each case builds a file of its own, whose code
 * (probe_code) follows the orders in its arguments and exits with 42, or with the number of the
 * order that went wrong.
 *
 * Addresses in orders are relative to the entry, wherever the image came to lie.
 */
#ifndef BATON_TESTS_EXEC_IMAGE_BUILDER_H
#define BATON_TESTS_EXEC_IMAGE_BUILDER_H

#include <elf.h>

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

static inline Elf64_Phdr *add(unsigned type, unsigned flags, uint64_t address, uint64_t offset,
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

static inline uint64_t base_of(unsigned type)
{
    return type == ET_EXEC ? BASE : 0;
}

static inline void begin(unsigned type)
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
static inline int run(const char **arguments)
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

#endif
