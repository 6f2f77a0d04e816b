/* Programs and interpreters: elf_header_parse, elf_program_headers_parse. */
#include "library/elf.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_SIZE = 0x10000,
    HEADERS_MAX = ELF_PROGRAM_HEADERS_MAX + 1,
};

static const struct elf_limits limits = {.user_start = 0x10000, .user_end = 0x7ffffffff000};

/* A file's first bytes as a test changes them, and what the parser made of it. */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segments[HEADERS_MAX];
    uint64_t size;
    enum elf_role role;
};
static struct elf_header header;
static struct elf_image image;

/* Text and data as ld.lld lays out a static program, and its stack's permissions. */
static struct file good_program(uint16_t type)
{
    uint64_t base = type == ET_EXEC ? 0x400000 : 0;
    struct file file = {
        .header =
            {
                .e_type = type,
                .e_machine = EM_X86_64,
                .e_entry = base + 0x1010,
                .e_phoff = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 4,
            },
        .segments =
            {
                {.p_type = PT_LOAD,
                 .p_flags = PF_R,
                 .p_vaddr = base,
                 .p_filesz = 0x300,
                 .p_memsz = 0x300,
                 .p_align = 0x1000},
                {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_X,
                 .p_offset = 0x1000,
                 .p_vaddr = base + 0x1000,
                 .p_filesz = 0x234,
                 .p_memsz = 0x234,
                 .p_align = 0x1000},
                {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_W,
                 .p_offset = 0x1240,
                 .p_vaddr = base + 0x2240,
                 .p_filesz = 0x100,
                 .p_memsz = 0x3000,
                 .p_align = 0x1000},
                {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
            },
        .size = FILE_SIZE,
    };
    memcpy(file.header.e_ident, ELFMAG, SELFMAG);
    return file;
}

static int parse_header(const struct file *file)
{
    size_t size = file->size < sizeof(file->header) ? file->size : sizeof(file->header);
    return elf_header_parse(test_copy(&file->header, size), size, file->size, file->role, &header);
}

static int parse(const struct file *file)
{
    int error = parse_header(file);

    if (error)
        return error;
    return elf_program_headers_parse(&header,
                                     test_copy(file->segments, header.program_headers_size),
                                     header.program_headers_size, file->size, &limits, &image);
}

static void test_good_programs(void)
{
    struct file file = good_program(ET_EXEC);

    test_case("fixed program");
    expect_equal(parse(&file), 0);
    expect_equal(image.type, ET_EXEC);
    expect_equal(image.entry, 0x401010);
    expect_equal(image.segment_count, 3);
    expect_equal(image.segments[1].flags, PF_R | PF_X);
    expect_equal(image.segments[2].address, 0x402240);
    expect_equal(image.segments[2].memory_size, 0x3000);
    expect_equal(image.segments[2].file_offset, 0x1240);
    expect_equal(image.segments[2].file_size, 0x100);
    expect_equal(image.load_start, 0x400000);
    expect_equal(image.data_end, 0x405240);
    expect_equal(image.load_end, 0x406000);
    expect_equal(image.alignment, 0x1000);
    expect_equal(image.program_headers_count, 4);
    expect(image.has_program_headers_address);
    expect_equal(image.program_headers_address, 0x400040);
    expect(!image.stack_executable);
    expect_equal(image.interpreter.size, 0);

    test_case("position-independent program with interpreter, TLS and RELRO");
    file = good_program(ET_DYN);
    file.header.e_phnum = 7;
    file.segments[4] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x200, .p_filesz = 28};
    file.segments[5] =
        (Elf64_Phdr){.p_type = PT_TLS, .p_vaddr = 0x2240, .p_filesz = 8, .p_memsz = 16};
    file.segments[6] = (Elf64_Phdr){.p_type = PT_GNU_RELRO, .p_vaddr = 0x2240, .p_memsz = 0x80};
    expect_equal(parse(&file), 0);
    expect_equal(image.type, ET_DYN);
    expect_equal(image.load_start, 0);
    expect_equal(image.program_headers_address, 0x40);
    expect_equal(image.interpreter.offset, 0x200);
    expect_equal(image.interpreter.size, 28);
    expect_equal(image.tls.offset, 0x2240);
    expect_equal(image.tls.size, 16);
    expect_equal(image.relro.size, 0x80);

    test_case("the first PT_INTERP counts, also before a bad second one");
    file.header.e_phnum = 8;
    file.segments[7] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = ~0ULL, .p_filesz = 1};
    expect_equal(parse(&file), 0);
    expect_equal(image.interpreter.offset, 0x200);

    test_case("an interpreter's own PT_INTERP is passed over");
    file.role = ELF_INTERPRETER;
    expect_equal(parse(&file), 0);
    expect_equal(image.interpreter.size, 0);

    test_case("as many program headers as fit in a page");
    file = good_program(ET_EXEC);
    file.header.e_phnum = ELF_PROGRAM_HEADERS_MAX;
    expect_equal(parse(&file), 0);
    expect_equal(image.segment_count, 3);

    test_case("73 segments");
    for (int i = 0; i < ELF_PROGRAM_HEADERS_MAX; i++)
        file.segments[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                        .p_vaddr = 0x400000 + 0x1000 * (uint64_t)i,
                                        .p_offset = 0,
                                        .p_filesz = 0x1000,
                                        .p_memsz = 0x1000};
    expect_equal(parse(&file), 0);
    expect_equal(image.segment_count, ELF_PROGRAM_HEADERS_MAX);
}

static void test_allowed_oddities(void)
{
    struct file file = good_program(ET_EXEC);

    test_case("class, data and version are not looked at, as on Linux");
    memset(file.header.e_ident + SELFMAG, 0xee, EI_NIDENT - SELFMAG);
    file.header.e_version = 77;
    expect_equal(parse(&file), 0);

    test_case("executable stack");
    file = good_program(ET_EXEC);
    file.segments[3].p_flags |= PF_X;
    expect_equal(parse(&file), 0);
    expect(image.stack_executable);

    test_case("the last PT_GNU_STACK counts");
    file.segments[4] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R};
    file.header.e_phnum = 5;
    expect_equal(parse(&file), 0);
    expect(!image.stack_executable);

    test_case("segments that share a page");
    file = good_program(ET_EXEC);
    file.segments[2].p_vaddr = 0x401240;
    expect_equal(parse(&file), 0);

    test_case("bss alone, with any file offset");
    file = good_program(ET_EXEC);
    file.segments[2].p_filesz = 0;
    file.segments[2].p_offset = 0x7777777777777777;
    expect_equal(parse(&file), 0);
    expect_equal(image.segments[2].file_size, 0);

    test_case("empty PT_LOAD is passed over");
    file = good_program(ET_EXEC);
    file.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = ~0ULL};
    expect_equal(parse(&file), 0);
    expect_equal(image.segment_count, 2);
    expect(!image.has_program_headers_address);

    test_case("segment that ends with the file");
    file = good_program(ET_EXEC);
    file.size = 0x1340;
    expect_equal(parse(&file), 0);

    test_case("segment that ends at the last user address");
    file = good_program(ET_EXEC);
    file.segments[2].p_vaddr = limits.user_end - 0xdc0;
    file.segments[2].p_memsz = 0xdc0;
    expect_equal(parse(&file), 0);
    expect_equal(image.load_end, limits.user_end);

    test_case("segment that begins at the first user address");
    file = good_program(ET_EXEC);
    file.segments[0].p_vaddr = limits.user_start;
    expect_equal(parse(&file), 0);

    test_case("program headers in no segment");
    file = good_program(ET_EXEC);
    file.segments[0].p_offset = 0x3000;
    expect_equal(parse(&file), 0);
    expect(!image.has_program_headers_address);
    expect_equal(image.program_headers_address, 0);

    test_case("segment that ends where the program headers begin");
    file = good_program(ET_EXEC);
    file.segments[0].p_filesz = sizeof(Elf64_Ehdr);
    expect_equal(parse(&file), 0);
    expect(!image.has_program_headers_address);

    test_case("entry outside every segment");
    file = good_program(ET_EXEC);
    file.header.e_entry = 0;
    expect_equal(parse(&file), 0);

    static const struct {
        uint64_t alignment, expected;
    } alignments[] = {
        {0, 0x1000},
        {1, 0x1000},
        {16, 0x1000},
        {0x3000, 0x1000}, /* no power of two: passed over, as on Linux */
        {0x200000, 0x200000},
        {0x1000000, 0x1000000},
        {1ULL << 63, 1ULL << 63},
    };
    for (size_t i = 0; i < array_length(alignments); i++) {
        test_case("p_align 0x%llx", (unsigned long long)alignments[i].alignment);
        file = good_program(ET_DYN);
        file.segments[1].p_align = alignments[i].alignment;
        expect_equal(parse(&file), 0);
        expect_equal(image.alignment, alignments[i].expected);
    }
}

/* One change to a good file, and the error it must give for a program and an interpreter. */
struct corruption {
    const char *name;
    size_t offset; /* into struct file */
    size_t size;   /* bytes changed */
    uint64_t value;
    int error;
    int interpreter_error;
};

#define HEADER(field) offsetof(struct file, header.field), sizeof(((Elf64_Ehdr *)0)->field)
#define SEGMENT(index, field)                                                                      \
    offsetof(struct file, segments) + (index) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field),  \
        sizeof(((Elf64_Phdr *)0)->field)

static const struct corruption corruptions[] = {
    {"no magic", HEADER(e_ident[0]), 0, ENOEXEC, ELIBBAD},
    {"wrong last byte of the magic", HEADER(e_ident[3]), 'f', ENOEXEC, ELIBBAD},
    {"object file", HEADER(e_type), ET_REL, ENOEXEC, ELIBBAD},
    {"core file", HEADER(e_type), ET_CORE, ENOEXEC, ELIBBAD},
    {"no type", HEADER(e_type), ET_NONE, ENOEXEC, ELIBBAD},
    {"for the 80386", HEADER(e_machine), EM_386, ENOEXEC, ELIBBAD},
    {"for AArch64", HEADER(e_machine), EM_AARCH64, ENOEXEC, ELIBBAD},
    {"program headers of ELF32", HEADER(e_phentsize), 32, ENOEXEC, ELIBBAD},
    {"program headers of size 0", HEADER(e_phentsize), 0, ENOEXEC, ELIBBAD},
    {"no program headers", HEADER(e_phnum), 0, ENOEXEC, ELIBBAD},
    {"more program headers than a page", HEADER(e_phnum), ELF_PROGRAM_HEADERS_MAX + 1, ENOEXEC,
     ELIBBAD},
    {"65535 program headers", HEADER(e_phnum), 0xffff, ENOEXEC, ELIBBAD},
    {"program headers behind the file", HEADER(e_phoff), FILE_SIZE, ENOEXEC, ELIBBAD},
    {"program headers half in the file", HEADER(e_phoff), FILE_SIZE - 100, ENOEXEC, ELIBBAD},
    {"program headers at the end of 64 bits", HEADER(e_phoff), ~0ULL - 50, ENOEXEC, ELIBBAD},
    {"file shorter than a header", offsetof(struct file, size), 8, 63, ENOEXEC, EIO},
    {"file of 4 bytes", offsetof(struct file, size), 8, 4, ENOEXEC, EIO},
    {"empty file", offsetof(struct file, size), 8, 0, ENOEXEC, EIO},
    {"file without its program headers", offsetof(struct file, size), 8, 64, ENOEXEC, ELIBBAD},
    {"file that ends in its program headers", offsetof(struct file, size), 8, 200, ENOEXEC,
     ELIBBAD},
    {"file that ends in its text", offsetof(struct file, size), 8, 0x1100, ENOEXEC, ELIBBAD},
    {"file that ends in its data", offsetof(struct file, size), 8, 0x133f, ENOEXEC, ELIBBAD},
    {"entry in the kernel half", HEADER(e_entry), 0xffffffff80000000, EINVAL, EINVAL},
    {"entry at the limit", HEADER(e_entry), 0x7ffffffff000, EINVAL, EINVAL},
    {"segment larger in the file than in memory", SEGMENT(1, p_filesz), 0x235, EINVAL, EINVAL},
    {"segment with p_memsz 0 and bytes in the file", SEGMENT(1, p_memsz), 0, EINVAL, EINVAL},
    {"p_filesz of 2^64-1", SEGMENT(1, p_filesz), ~0ULL, EINVAL, EINVAL},
    {"segment in the kernel half", SEGMENT(2, p_vaddr), 0xffffffff80000240, ENOMEM, ENOMEM},
    {"segment at a non-canonical address", SEGMENT(2, p_vaddr), 0x800000000240, ENOMEM, ENOMEM},
    {"segment that reaches beyond the limit", SEGMENT(2, p_vaddr), 0x7fffffffd240, ENOMEM, ENOMEM},
    {"segment larger than the user half", SEGMENT(2, p_memsz), 0x7ffffffff000, ENOMEM, ENOMEM},
    {"p_memsz that wraps", SEGMENT(2, p_memsz), ~0ULL - 0x402000, ENOMEM, ENOMEM},
    {"p_vaddr not congruent to p_offset", SEGMENT(2, p_offset), 0x1241, EINVAL, EINVAL},
    {"segment behind the file", SEGMENT(2, p_offset), 0x7fff000240, ENOEXEC, ELIBBAD},
    {"p_offset that wraps", SEGMENT(2, p_offset), 0xfffffffffffff240, ENOEXEC, ELIBBAD},
    {"segments overlap", SEGMENT(1, p_memsz), 0x1241, 0, 0},
    {"segments in one place", SEGMENT(2, p_vaddr), 0x401040 + 0x200, 0, 0},
    {"segments unsorted", SEGMENT(1, p_vaddr), 0x500000, 0, 0},
    {"page 0", SEGMENT(0, p_vaddr), 0, EPERM, EPERM},
    {"below mmap_min_addr", SEGMENT(0, p_vaddr), 0xf000, EPERM, EPERM},
};

static void test_corruptions(void)
{
    for (size_t i = 0; i < array_length(corruptions); i++) {
        const struct corruption *corruption = &corruptions[i];
        struct file file = good_program(ET_EXEC);
        memcpy((uint8_t *)&file + corruption->offset, &corruption->value, corruption->size);
        test_case("program: %s", corruption->name);
        expect_equal(parse(&file), -corruption->error);
        test_case("interpreter: %s", corruption->name);
        file.role = ELF_INTERPRETER;
        expect_equal(parse(&file), -corruption->interpreter_error);
    }

    struct file file = good_program(ET_EXEC);
    test_case("unsorted segments: where the lowest begins and the highest ends");
    file.segments[0].p_vaddr = 0x500000;
    expect_equal(parse(&file), 0);
    expect_equal(image.load_start, 0x401000);
    expect_equal(image.data_end, 0x500000 + file.segments[0].p_memsz);

    test_case("an interpreter's name is found whatever the segments are like");
    struct elf_range interpreter;
    file.segments[1].p_filesz = ~0ULL;
    file.segments[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x10, .p_filesz = 20};
    expect_equal(parse(&file), -EINVAL);
    expect_equal(elf_interpreter_find(&header, file.segments, header.program_headers_size,
                                      file.size, &interpreter),
                 0);
    expect_equal(interpreter.offset, 0x10);
    expect_equal(interpreter.size, 20);

    file = good_program(ET_EXEC);
    test_case("no PT_LOAD");
    for (int i = 0; i < 3; i++)
        file.segments[i].p_type = PT_NULL;
    expect_equal(parse(&file), -ENOEXEC);

    test_case("position-independent program as large as the user half");
    file = good_program(ET_DYN);
    file.segments[2].p_memsz = limits.user_end - 0x2240;
    expect_equal(parse(&file), -ENOMEM);

    test_case("table shorter than the header says");
    file = good_program(ET_EXEC);
    expect_equal(parse_header(&file), 0);
    expect_equal(elf_program_headers_parse(&header, file.segments, header.program_headers_size - 1,
                                           file.size, &limits, &image),
                 -ENOEXEC);
}

static void test_interpreter_path(void)
{
    static const struct {
        const char *name;
        uint64_t offset, size;
        int error;
    } cases[] = {
        {"longest", 0, 4096, 0},
        {"shortest", 0, 2, 0},
        {"of 1 byte", 0, 1, ENOEXEC},
        {"of 0 bytes", 0, 0, ENOEXEC},
        {"too long", 0, 4097, ENOEXEC},
        {"behind the file", FILE_SIZE, 28, EIO},
        {"half in the file", FILE_SIZE - 27, 28, EIO},
        {"at an offset that wraps", ~0ULL, 28, EIO},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct file file = good_program(ET_DYN);
        file.header.e_phnum = 5;
        file.segments[4] = (Elf64_Phdr){
            .p_type = PT_INTERP, .p_offset = cases[i].offset, .p_filesz = cases[i].size};
        test_case("PT_INTERP %s", cases[i].name);
        expect_equal(parse(&file), -cases[i].error);
    }

    test_case("interpreter's path");
    expect_equal(elf_interpreter_check("/lib64/ld.so", 13), 0);
    expect_equal(elf_interpreter_check("/lib64/ld.so", 12), -ENOEXEC);
    expect_equal(elf_interpreter_check("/", 2), 0);
    static char longest[4097];
    memset(longest, 'p', 4095);
    expect_equal(elf_interpreter_check(longest, 4096), 0);
    expect_equal(elf_interpreter_check("", 1), -ENOEXEC);
    expect_equal(elf_interpreter_check("\0", 2), -EACCES);
    expect_equal(elf_interpreter_check("/", 4097), -ENOEXEC);
}

/* Real programs of this machine: the interpreter is found, everything is accepted. */
static void test_real_programs(void)
{
    static const struct {
        const char *path;
        bool has_interpreter;
    } programs[] = {{"/bin/busybox", false}, {"/bin/sh", true}, {"/proc/self/exe", true}};
    static uint8_t start[65536];

    for (size_t i = 0; i < array_length(programs); i++) {
        FILE *stream = fopen(programs[i].path, "rb");
        if (stream == NULL)
            continue;
        test_case("%s", programs[i].path);
        size_t size = fread(start, 1, sizeof(start), stream);
        fseek(stream, 0, SEEK_END);
        uint64_t file_size = (uint64_t)ftell(stream);
        fclose(stream);
        expect_equal(elf_header_parse(start, size, file_size, ELF_PROGRAM, &header), 0);
        expect_equal(elf_program_headers_parse(&header, start + header.program_headers_offset,
                                               header.program_headers_size, file_size, &limits,
                                               &image),
                     0);
        expect_equal(image.interpreter.size > 0, programs[i].has_interpreter);
        if (image.interpreter.size > 0)
            expect_equal(elf_interpreter_check((char *)start + image.interpreter.offset,
                                               image.interpreter.size),
                         0);
        expect(image.segment_count >= 2);
        expect(!image.stack_executable);
    }
}

int main(void)
{
    test_good_programs();
    test_allowed_oddities();
    test_corruptions();
    test_interpreter_path();
    test_real_programs();
    return test_end();
}
