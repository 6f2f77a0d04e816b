/*
 * The kernel's own file, for the loader: everything it will do with the file
 * is checked before it allocates or writes anything.
 */
#include "library/elf.h"

#include "library/align.h"
#include "library/string.h"
#include <linux/errno.h>

enum {
    /* Not in Linux's elf.h: x86-64 psABI, table 4.10; gABI, "Dynamic Section". */
    RELOCATION_RELATIVE = 8, /* R_X86_64_RELATIVE: base + addend */
    DYNAMIC_RELR_SIZE = 35,  /* DT_RELRSZ */
    /* It is loaded into the top 2 GiB with room to choose a base at random. */
    IMAGE_SIZE_MAX = 1024 * 1024 * 1024,
};

struct file {
    const uint8_t *bytes;
    uint64_t size;
    Elf64_Ehdr header;
    const char **reason;
};

static int fail(const struct file *file, const char *reason)
{
    *file->reason = reason;
    return -ENOEXEC;
}

static bool in_file(const struct file *file, uint64_t offset, uint64_t size)
{
    return offset <= file->size && size <= file->size - offset;
}

static int header_check(struct file *file)
{
    if (file->size < sizeof(file->header))
        return fail(file, "is shorter than an ELF header");
    memcpy(&file->header, file->bytes, sizeof(file->header));
    const Elf64_Ehdr *header = &file->header;

    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return fail(file, "is not an ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return fail(file, "is not an ELF file for x86-64");
    if (header->e_type != ET_DYN)
        return fail(file, "is not a position-independent executable");
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > ELF_PROGRAM_HEADERS_MAX)
        return fail(file, "has an impossible program header table");
    if (!in_file(file, header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr)))
        return fail(file, "is truncated: its program headers are missing");
    return 0;
}

static int segment_add(const struct file *file, const Elf64_Phdr *header, struct elf_kernel *kernel)
{
    if (header->p_memsz == 0 && header->p_filesz == 0)
        return 0;
    if (kernel->segment_count == ELF_KERNEL_SEGMENTS_MAX)
        return fail(file, "has too many segments");
    if (header->p_filesz > header->p_memsz)
        return fail(file, "has a segment that is larger in the file than in memory");
    if (!in_file(file, header->p_offset, header->p_filesz))
        return fail(file, "is truncated: a segment is missing");
    if ((header->p_flags & PF_W) && (header->p_flags & PF_X))
        return fail(file, "has a segment that is writable and executable");
    if (!is_aligned(header->p_vaddr, PAGE_SIZE))
        return fail(file, "has a segment that does not begin on a page");
    /* image_size is where the segments so far end: the first one begins at 0. */
    if (header->p_vaddr < kernel->image_size || (kernel->segment_count == 0 && header->p_vaddr))
        return fail(file, "has segments that overlap, are unsorted or do not begin at 0");
    if (header->p_vaddr > IMAGE_SIZE_MAX || header->p_memsz > IMAGE_SIZE_MAX - header->p_vaddr)
        return fail(file, "has a segment beyond 1 GiB");

    kernel->segments[kernel->segment_count++] = (struct elf_segment){
        .address = header->p_vaddr,
        .memory_size = header->p_memsz,
        .file_offset = header->p_offset,
        .file_size = header->p_filesz,
        .flags = header->p_flags & (PF_R | PF_W | PF_X),
    };
    kernel->image_size = align_up(header->p_vaddr + header->p_memsz, PAGE_SIZE);
    return 0;
}

/* The segment that holds size bytes from address on, or NULL. */
static const struct elf_segment *segment_find(const struct elf_kernel *kernel, uint64_t address,
                                              uint64_t size)
{
    for (uint32_t i = 0; i < kernel->segment_count; i++) {
        const struct elf_segment *segment = &kernel->segments[i];
        if (address >= segment->address && address - segment->address <= segment->memory_size &&
            size <= segment->memory_size - (address - segment->address))
            return segment;
    }
    return NULL;
}

/* .dynamic: the RELA table and nothing else that a dynamic linker would have to do. */
static int dynamic_check(const struct file *file, const Elf64_Phdr *header,
                         struct elf_kernel *kernel)
{
    uint64_t table = 0, table_size = 0, entry_size = sizeof(Elf64_Rela);

    if (!in_file(file, header->p_offset, header->p_filesz))
        return fail(file, "is truncated: its dynamic section is missing");
    for (uint64_t i = 0; i < header->p_filesz / sizeof(Elf64_Dyn); i++) {
        Elf64_Dyn entry;
        memcpy(&entry, file->bytes + header->p_offset + i * sizeof(entry), sizeof(entry));
        if (entry.d_tag == DT_NULL)
            break;
        switch (entry.d_tag) {
        case DT_RELA:
            table = entry.d_un.d_ptr;
            break;
        case DT_RELASZ:
            table_size = entry.d_un.d_val;
            break;
        case DT_RELAENT:
            entry_size = entry.d_un.d_val;
            break;
        case DT_NEEDED:
        case DT_JMPREL:
        case DT_REL:
        case DT_TEXTREL:
        case DYNAMIC_RELR_SIZE:
            return fail(file, "needs a dynamic linker");
        }
    }
    if (table_size == 0)
        return 0;
    const struct elf_segment *segment = segment_find(kernel, table, table_size);
    if (segment == NULL || entry_size != sizeof(Elf64_Rela) ||
        table_size % sizeof(Elf64_Rela) != 0 ||
        table - segment->address + table_size > segment->file_size)
        return fail(file, "has an impossible relocation table");
    kernel->relocations =
        (struct elf_range){segment->file_offset + (table - segment->address), table_size};
    return 0;
}

static void program_header_read(const struct file *file, uint32_t index, Elf64_Phdr *header)
{
    memcpy(header, file->bytes + file->header.e_phoff + index * sizeof(*header), sizeof(*header));
}

static int segments_check(const struct file *file, struct elf_kernel *kernel)
{
    Elf64_Phdr header;
    int error = 0;

    for (uint32_t i = 0; i < file->header.e_phnum && !error; i++) {
        program_header_read(file, i, &header);
        if (header.p_type == PT_LOAD)
            error = segment_add(file, &header, kernel);
    }
    if (!error && kernel->segment_count == 0)
        error = fail(file, "has no segments");
    for (uint32_t i = 0; i < file->header.e_phnum && !error; i++) {
        program_header_read(file, i, &header);
        if (header.p_type == PT_DYNAMIC)
            error = dynamic_check(file, &header, kernel);
    }
    return error;
}

static void section_read(const struct file *file, uint32_t index, Elf64_Shdr *section)
{
    memcpy(section, file->bytes + file->header.e_shoff + index * sizeof(*section),
           sizeof(*section));
}

/* .symtab and its .strtab; a file without sections is a stripped one. */
static int symbols_check(const struct file *file, struct elf_kernel *kernel)
{
    const Elf64_Ehdr *header = &file->header;
    Elf64_Shdr symbols, names;

    if (header->e_shnum == 0)
        return 0;
    if (header->e_shentsize != sizeof(Elf64_Shdr))
        return fail(file, "has an impossible section header table");
    if (!in_file(file, header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr)))
        return fail(file, "is truncated: its section headers are missing");
    for (uint32_t i = 0;; i++) {
        if (i == header->e_shnum)
            return 0;
        section_read(file, i, &symbols);
        if (symbols.sh_type == SHT_SYMTAB)
            break;
    }
    if (symbols.sh_entsize != sizeof(Elf64_Sym) || symbols.sh_link >= header->e_shnum ||
        !in_file(file, symbols.sh_offset, symbols.sh_size))
        return fail(file, "has an impossible symbol table");
    section_read(file, symbols.sh_link, &names);
    if (names.sh_type != SHT_STRTAB || names.sh_size == 0 ||
        !in_file(file, names.sh_offset, names.sh_size) ||
        file->bytes[names.sh_offset + names.sh_size - 1] != '\0')
        return fail(file, "has an impossible symbol name table");

    kernel->symbols = (struct elf_range){symbols.sh_offset, symbols.sh_size};
    kernel->symbol_names = (struct elf_range){names.sh_offset, names.sh_size};
    return 0;
}

int elf_kernel_parse(const void *bytes, size_t size, struct elf_kernel *kernel, const char **reason)
{
    struct file file = {.bytes = bytes, .size = size, .reason = reason};

    memset(kernel, 0, sizeof(*kernel));
    int error = header_check(&file);
    if (!error)
        error = segments_check(&file, kernel);
    if (!error)
        error = symbols_check(&file, kernel);
    if (error)
        return error;

    kernel->entry = file.header.e_entry;
    const struct elf_segment *segment = segment_find(kernel, kernel->entry, 1);
    if (segment == NULL || !(segment->flags & PF_X))
        return fail(&file, "has an entry point outside its code");
    return 0;
}

int elf_kernel_load(const struct elf_kernel *kernel, const void *file, void *image,
                    uint64_t virtual_base, const char **reason)
{
    const uint8_t *bytes = file;
    uint8_t *memory = image;

    memset(memory, 0, kernel->image_size);
    for (uint32_t i = 0; i < kernel->segment_count; i++) {
        const struct elf_segment *segment = &kernel->segments[i];
        memcpy(memory + segment->address, bytes + segment->file_offset, segment->file_size);
    }

    for (uint64_t i = 0; i < kernel->relocations.size / sizeof(Elf64_Rela); i++) {
        Elf64_Rela relocation;
        memcpy(&relocation, bytes + kernel->relocations.offset + i * sizeof(relocation),
               sizeof(relocation));
        if (relocation.r_info != RELOCATION_RELATIVE) {
            *reason = "has a relocation other than R_X86_64_RELATIVE";
            return -ENOEXEC;
        }
        uint64_t value = virtual_base + (uint64_t)relocation.r_addend;
        const struct elf_segment *segment =
            segment_find(kernel, relocation.r_offset, sizeof(value));
        if (segment == NULL || (segment->flags & PF_X)) {
            *reason = "has a relocation outside its data";
            return -ENOEXEC;
        }
        memcpy(memory + relocation.r_offset, &value, sizeof(value));
    }
    return 0;
}
