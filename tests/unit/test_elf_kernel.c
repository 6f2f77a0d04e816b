/* The kernel's own file: elf_kernel_parse, elf_kernel_load. */
#include "library/elf.h"
#include "test.h"

#include <errno.h>
#include <string.h>

/*
 * A kernel as kernel/kernel.ld lays it out, three pages in the file:
 *   0x0000 headers, 0x1000 text, 0x2000 read-only data with .rela.dyn and
 *   .dynamic, 0x3000 data; then symbols, names and section headers.
 */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segments[4];
    uint8_t gap[0x1000 - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
    uint8_t text[0x1000];
    Elf64_Rela relocations[2];
    Elf64_Dyn dynamic[4];
    uint64_t pointer;
    uint8_t more[0x1000 - 2 * sizeof(Elf64_Rela) - 4 * sizeof(Elf64_Dyn) - 8];
    uint8_t data[0x100];
    Elf64_Sym symbols[2];
    char names[16];
    Elf64_Shdr sections[3];
};

enum {
    VIRTUAL_BASE_LOW = 0x80200000,
    POINTER = 0x1000 + offsetof(struct file, pointer) - 0x2000,
    IMAGE_SIZE = 0x4000,
};
static const uint64_t virtual_base = 0xffffffff00000000 | VIRTUAL_BASE_LOW;

static struct file file;
static struct elf_kernel kernel;
static const char *reason;

static void file_reset(void)
{
    memset(&file, 0, sizeof(file));
    file.header = (Elf64_Ehdr){
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_entry = 0x10,
        .e_phoff = offsetof(struct file, segments),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 4,
        .e_shoff = offsetof(struct file, sections),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = 3,
    };
    memcpy(file.header.e_ident, ELFMAG "\2\1\1", SELFMAG + 3);
    file.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                    .p_flags = PF_R | PF_X,
                                    .p_offset = 0x1000,
                                    .p_filesz = 0xf00,
                                    .p_memsz = 0xf00};
    file.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                    .p_flags = PF_R,
                                    .p_offset = 0x2000,
                                    .p_vaddr = 0x1000,
                                    .p_filesz = 0x1000,
                                    .p_memsz = 0x1000};
    file.segments[2] = (Elf64_Phdr){.p_type = PT_LOAD,
                                    .p_flags = PF_R | PF_W,
                                    .p_offset = 0x3000,
                                    .p_vaddr = 0x2000,
                                    .p_filesz = 0x100,
                                    .p_memsz = 0x1800};
    file.segments[3] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                                    .p_offset = offsetof(struct file, dynamic),
                                    .p_vaddr = offsetof(struct file, dynamic) - 0x1000,
                                    .p_filesz = sizeof(file.dynamic),
                                    .p_memsz = sizeof(file.dynamic)};
    file.dynamic[0] = (Elf64_Dyn){DT_RELA, {.d_ptr = 0x1000}};
    file.dynamic[1] = (Elf64_Dyn){DT_RELASZ, {.d_val = sizeof(file.relocations)}};
    file.dynamic[2] = (Elf64_Dyn){DT_RELAENT, {.d_val = sizeof(Elf64_Rela)}};
    file.relocations[0] = (Elf64_Rela){.r_offset = POINTER, .r_info = 8, .r_addend = 0x20};
    file.relocations[1] = (Elf64_Rela){.r_offset = 0x37f8, .r_info = 8, .r_addend = -8};
    memset(file.text, 0x90, sizeof(file.text));
    memset(file.data, 0xdd, sizeof(file.data));
    memcpy(file.names, "\0kernel_entry", 14);
    file.sections[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
                                    .sh_offset = offsetof(struct file, symbols),
                                    .sh_size = sizeof(file.symbols),
                                    .sh_entsize = sizeof(Elf64_Sym),
                                    .sh_link = 2};
    file.sections[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
                                    .sh_offset = offsetof(struct file, names),
                                    .sh_size = sizeof(file.names)};
}

static int parse(size_t size)
{
    reason = NULL;
    return elf_kernel_parse(test_copy(&file, size), size, &kernel, &reason);
}

static void test_good(void)
{
    static uint8_t image[IMAGE_SIZE];
    uint64_t value;

    file_reset();
    test_case("good kernel");
    expect_equal(parse(sizeof(file)), 0);
    expect_equal(kernel.entry, 0x10);
    expect_equal(kernel.image_size, IMAGE_SIZE);
    expect_equal(kernel.segment_count, 3);
    expect_equal(kernel.relocations.offset, 0x2000);
    expect_equal(kernel.relocations.size, 48);
    expect_equal(kernel.symbols.offset, offsetof(struct file, symbols));
    expect_equal(kernel.symbols.size, 48);
    expect_equal(kernel.symbol_names.size, 16);

    test_case("good kernel, loaded and relocated");
    memset(image, 0xee, sizeof(image));
    expect_equal(elf_kernel_load(&kernel, &file, image, virtual_base, &reason), 0);
    expect_equal(image[0], 0x90);
    expect_equal(image[0xeff], 0x90);
    expect_equal(image[0xf00], 0); /* the gap between segments */
    memcpy(&value, image + POINTER, 8);
    expect_equal(value, virtual_base + 0x20);
    expect_equal(image[0x20ff], 0xdd);
    expect_equal(image[0x2100], 0); /* bss */
    memcpy(&value, image + 0x37f8, 8);
    expect_equal(value, virtual_base - 8);
    expect_equal(image[0x3fff], 0);

    test_case("stripped kernel");
    file.header.e_shnum = 0;
    expect_equal(parse(offsetof(struct file, symbols)), 0);
    expect_equal(kernel.symbols.size, 0);

    test_case("sections without symbols");
    file_reset();
    file.sections[1].sh_type = SHT_PROGBITS;
    expect_equal(parse(sizeof(file)), 0);
    expect_equal(kernel.symbols.size, 0);

    test_case("no relocations");
    file_reset();
    file.dynamic[0].d_tag = DT_NULL;
    expect_equal(parse(sizeof(file)), 0);
    expect_equal(kernel.relocations.size, 0);

    test_case("relocations inside a segment, their entries in another order");
    file_reset();
    file.dynamic[0] = (Elf64_Dyn){DT_RELAENT, {.d_val = sizeof(Elf64_Rela)}};
    file.dynamic[1] = (Elf64_Dyn){DT_RELASZ, {.d_val = sizeof(Elf64_Rela)}};
    file.dynamic[2] = (Elf64_Dyn){DT_RELA, {.d_ptr = 0x1000 + sizeof(Elf64_Rela)}};
    expect_equal(parse(sizeof(file)), 0);
    expect_equal(kernel.relocations.offset, 0x2000 + sizeof(Elf64_Rela));
    expect_equal(kernel.relocations.size, sizeof(Elf64_Rela));

    test_case("relocations that end with their segment");
    file_reset();
    file.dynamic[0].d_un.d_ptr = 0x2000 - sizeof(file.relocations);
    expect_equal(parse(sizeof(file)), 0);
    expect_equal(kernel.relocations.offset, 0x3000 - sizeof(file.relocations));

    test_case("empty segment is passed over");
    file_reset();
    file.header.e_phnum = 4;
    file.segments[3] = (Elf64_Phdr){.p_type = PT_LOAD};
    expect_equal(parse(sizeof(file)), 0);
    expect_equal(kernel.segment_count, 3);
}

/* One change to the good file, and a part of the reason it must give. */
struct corruption {
    const char *reason;
    size_t offset, size;
    uint64_t value;
};

#define HEADER(field) offsetof(struct file, header.field), sizeof(((Elf64_Ehdr *)0)->field)
#define SEGMENT(index, field)                                                                      \
    offsetof(struct file, segments) + (index) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field),  \
        sizeof(((Elf64_Phdr *)0)->field)
#define DYNAMIC(index, field)                                                                      \
    offsetof(struct file, dynamic) + (index) * sizeof(Elf64_Dyn) + offsetof(Elf64_Dyn, field), 8
#define SECTION(index, field)                                                                      \
    offsetof(struct file, sections) + (index) * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, field),  \
        sizeof(((Elf64_Shdr *)0)->field)

static const struct corruption corruptions[] = {
    {"not an ELF file", HEADER(e_ident[1]), 'e'},
    {"x86-64", HEADER(e_ident[EI_CLASS]), ELFCLASS32},
    {"x86-64", HEADER(e_ident[EI_DATA]), ELFDATA2MSB},
    {"x86-64", HEADER(e_machine), EM_386},
    {"position-independent", HEADER(e_type), ET_EXEC},
    {"program header table", HEADER(e_phentsize), 32},
    {"program header table", HEADER(e_phnum), 0},
    {"program header table", HEADER(e_phnum), 74},
    {"program headers are missing", HEADER(e_phoff), ~0ULL},
    {"program headers are missing", HEADER(e_phoff), sizeof(struct file) - 50},
    {"larger in the file", SEGMENT(0, p_filesz), 0xf01},
    {"segment is missing", SEGMENT(0, p_offset), sizeof(struct file)},
    {"segment is missing", SEGMENT(2, p_offset), ~0ULL},
    {"writable and executable", SEGMENT(0, p_flags), PF_R | PF_W | PF_X},
    {"begin on a page", SEGMENT(1, p_vaddr), 0x1010},
    {"begin at 0", SEGMENT(0, p_vaddr), 0x1000},
    {"overlap", SEGMENT(1, p_vaddr), 0},
    {"overlap", SEGMENT(0, p_memsz), 0x1001},
    {"1 GiB", SEGMENT(2, p_vaddr), 0xfffffffffffff000},
    {"1 GiB", SEGMENT(2, p_memsz), ~0ULL},
    {"1 GiB", SEGMENT(2, p_memsz), 0x3fffe001},
    {"dynamic section is missing", SEGMENT(3, p_offset), ~0ULL},
    {"dynamic linker", DYNAMIC(2, d_tag), DT_NEEDED},
    {"dynamic linker", DYNAMIC(2, d_tag), DT_JMPREL},
    {"dynamic linker", DYNAMIC(2, d_tag), DT_TEXTREL},
    {"dynamic linker", DYNAMIC(2, d_tag), DT_REL},
    {"dynamic linker", DYNAMIC(2, d_tag), 35},
    {"relocation table", DYNAMIC(2, d_un), 16},
    {"relocation table", DYNAMIC(1, d_un), 47},
    {"relocation table", DYNAMIC(1, d_un), 0xfffffffffffffff0},
    {"relocation table", DYNAMIC(0, d_un), 0x2000000},
    {"relocation table", DYNAMIC(0, d_un), 0x20f0}, /* reaches into bss */
    {"section header table", HEADER(e_shentsize), 40},
    {"section headers are missing", HEADER(e_shoff), ~0ULL},
    {"section headers are missing", HEADER(e_shnum), 4},
    {"symbol table", SECTION(1, sh_entsize), 16},
    {"symbol table", SECTION(1, sh_link), 3},
    {"symbol table", SECTION(1, sh_offset), ~0ULL},
    {"symbol table", SECTION(1, sh_size), 0x100000},
    {"symbol name table", SECTION(2, sh_type), SHT_PROGBITS},
    {"symbol name table", SECTION(2, sh_size), 0},
    {"symbol name table", SECTION(2, sh_size), 0x100000},
    {"symbol name table", SECTION(2, sh_size), 3}, /* does not end with a NUL */
    {"entry point", HEADER(e_entry), 0xf00},
    {"entry point", HEADER(e_entry), 0x1000}, /* not executable */
    {"entry point", HEADER(e_entry), ~0ULL},
};

static void test_corruptions(void)
{
    for (size_t i = 0; i < array_length(corruptions); i++) {
        const struct corruption *corruption = &corruptions[i];
        test_case("corrupt kernel %zu: %s", i, corruption->reason);
        file_reset();
        memcpy((uint8_t *)&file + corruption->offset, &corruption->value, corruption->size);
        expect_equal(parse(sizeof(file)), -ENOEXEC);
        expect(reason != NULL && strstr(reason, corruption->reason) != NULL);
    }

    static const struct {
        size_t size;
        const char *reason;
    } truncations[] = {
        {0, "shorter"},        {63, "shorter"},       {64, "program headers"},
        {0x1800, "a segment"}, {0x30ff, "a segment"}, {sizeof(struct file) - 1, "section headers"},
    };
    for (size_t i = 0; i < array_length(truncations); i++) {
        test_case("kernel cut off after %zu bytes", truncations[i].size);
        file_reset();
        expect_equal(parse(truncations[i].size), -ENOEXEC);
        expect(reason != NULL && strstr(reason, truncations[i].reason) != NULL);
    }

    test_case("no segments");
    file_reset();
    for (int i = 0; i < 4; i++)
        file.segments[i].p_type = PT_NOTE;
    expect_equal(parse(sizeof(file)), -ENOEXEC);
    expect_string(reason, "has no segments");

    test_case("too many segments");
    file_reset();
    file.header.e_phnum = ELF_KERNEL_SEGMENTS_MAX + 1;
    for (int i = 0; i <= ELF_KERNEL_SEGMENTS_MAX; i++)
        memcpy((uint8_t *)file.segments + (size_t)i * sizeof(Elf64_Phdr),
               &(Elf64_Phdr){.p_type = PT_LOAD,
                             .p_flags = PF_R,
                             .p_offset = 0x1000,
                             .p_vaddr = (uint64_t)i << 12,
                             .p_memsz = 1},
               sizeof(Elf64_Phdr));
    expect_equal(parse(sizeof(file)), -ENOEXEC);
    expect_string(reason, "has too many segments");
}

static void test_relocations(void)
{
    static const struct {
        const char *name;
        uint64_t offset, info;
    } cases[] = {
        {"of another kind", POINTER, 1},
        {"with a symbol", POINTER, 8 | 1ULL << 32},
        {"in the code", 0x100, 8},
        {"in a gap", 0xf80, 8},
        {"across a segment's end", 0x37f9, 8},
        {"behind the image", IMAGE_SIZE, 8},
        {"at the end of 64 bits", ~0ULL - 3, 8},
    };
    static uint8_t image[IMAGE_SIZE];

    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("relocation %s", cases[i].name);
        file_reset();
        file.relocations[1].r_offset = cases[i].offset;
        file.relocations[1].r_info = cases[i].info;
        expect_equal(parse(sizeof(file)), 0);
        expect_equal(elf_kernel_load(&kernel, &file, image, virtual_base, &reason), -ENOEXEC);
        expect(strstr(reason, "relocation") != NULL);
    }
}

int main(void)
{
    test_good();
    test_corruptions();
    test_relocations();
    return test_end();
}
