/*
 * Programs and their interpreters, for exec. The order of the checks is that of
 * load_elf_phdrs and load_elf_binary in Linux's fs/binfmt_elf.c (6.1), so that
 * a file with two faults gives the same error.
 */
#include "library/elf.h"

#include "library/align.h"
#include "library/string.h"
#include <linux/errno.h>

/* The first PT_INTERP's size (Linux: PATH_MAX with the NUL). */
enum {
    INTERPRETER_SIZE_MIN = 2,
    INTERPRETER_SIZE_MAX = 4096,
};

static int format_error(enum elf_role role)
{
    return role == ELF_INTERPRETER ? -ELIBBAD : -ENOEXEC;
}

static bool range_in_file(uint64_t offset, uint64_t size, uint64_t file_size)
{
    return offset <= file_size && size <= file_size - offset;
}

int elf_header_parse(const void *bytes, size_t size, uint64_t file_size, enum elf_role role,
                     struct elf_header *header)
{
    Elf64_Ehdr file;

    /* Linux reads a program's header into zeros, but an interpreter's must be whole. */
    if (size > sizeof(file))
        size = sizeof(file);
    if (role == ELF_INTERPRETER && size < sizeof(file))
        return -EIO;
    memset(&file, 0, sizeof(file));
    memcpy(&file, bytes, size);

    if (memcmp(file.e_ident, ELFMAG, SELFMAG) != 0)
        return format_error(role);
    if (file.e_type != ET_EXEC && file.e_type != ET_DYN)
        return format_error(role);
    if (file.e_machine != EM_X86_64 || file.e_phentsize != sizeof(Elf64_Phdr))
        return format_error(role);
    if (file.e_phnum == 0 || file.e_phnum > ELF_PROGRAM_HEADERS_MAX)
        return format_error(role);

    uint32_t table_size = (uint32_t)(file.e_phnum * sizeof(Elf64_Phdr));
    if (!range_in_file(file.e_phoff, table_size, file_size))
        return format_error(role);

    *header = (struct elf_header){
        .role = role,
        .type = file.e_type,
        .program_headers_count = file.e_phnum,
        .program_headers_size = table_size,
        .program_headers_offset = file.e_phoff,
        .entry = file.e_entry,
    };
    return 0;
}

static int interpreter_check(const Elf64_Phdr *program_header, uint64_t file_size)
{
    if (program_header->p_filesz < INTERPRETER_SIZE_MIN ||
        program_header->p_filesz > INTERPRETER_SIZE_MAX)
        return -ENOEXEC;
    if (!range_in_file(program_header->p_offset, program_header->p_filesz, file_size))
        return -EIO;
    return 0;
}

/* Entry `index` of a table that may lie at any address. */
static Elf64_Phdr program_header_read(const void *table, uint32_t index)
{
    Elf64_Phdr program_header;

    memcpy(&program_header, (const uint8_t *)table + index * sizeof(program_header),
           sizeof(program_header));
    return program_header;
}

int elf_interpreter_find(const struct elf_header *header, const void *table, size_t table_size,
                         uint64_t file_size, struct elf_range *interpreter)
{
    if (table_size < header->program_headers_size)
        return format_error(header->role);

    *interpreter = (struct elf_range){0};
    for (uint32_t i = 0; i < header->program_headers_count && header->role == ELF_PROGRAM; i++) {
        Elf64_Phdr program_header = program_header_read(table, i);
        if (program_header.p_type == PT_INTERP) {
            *interpreter = (struct elf_range){program_header.p_offset, program_header.p_filesz};
            return interpreter_check(&program_header, file_size);
        }
    }
    return 0;
}

static int segment_check(const Elf64_Phdr *program_header, const struct elf_header *header,
                         uint64_t file_size, const struct elf_limits *limits)
{
    uint64_t address = program_header->p_vaddr, memory_size = program_header->p_memsz;

    if (program_header->p_filesz > memory_size)
        return -EINVAL;
    if (address > limits->user_end || memory_size > limits->user_end - address)
        return -ENOMEM;
    if (header->type == ET_EXEC && address < limits->user_start)
        return -EPERM;
    if (program_header->p_filesz == 0)
        return 0; /* nothing is mapped from the file, so its offset means nothing */
    if ((program_header->p_offset ^ address) % PAGE_SIZE != 0)
        return -EINVAL;
    /*
     * Linux maps a truncated file and lets the program die of SIGBUS; here
     * the exec fails while its caller can still be told.
     */
    if (!range_in_file(program_header->p_offset, program_header->p_filesz, file_size))
        return format_error(header->role);
    return 0;
}

static void segment_add(struct elf_image *image, const Elf64_Phdr *program_header,
                        const struct elf_header *header)
{
    struct elf_segment *segment = &image->segments[image->segment_count];
    uint64_t start = align_down(program_header->p_vaddr, PAGE_SIZE);
    uint64_t end = program_header->p_vaddr + program_header->p_memsz;

    if (image->segment_count == 0 || start < image->load_start)
        image->load_start = start;
    if (end > image->data_end)
        image->data_end = end;
    *segment = (struct elf_segment){
        .address = program_header->p_vaddr,
        .memory_size = program_header->p_memsz,
        .file_offset = program_header->p_offset,
        .file_size = program_header->p_filesz,
        .flags = program_header->p_flags & (PF_R | PF_W | PF_X),
    };
    image->segment_count++;

    /* As Linux: an alignment that is none is passed over. */
    if (is_power_of_two(program_header->p_align) && program_header->p_align > image->alignment)
        image->alignment = program_header->p_align;

    /* As Linux: the segment that holds the table's first byte tells AT_PHDR. */
    uint64_t table = header->program_headers_offset;
    if (table >= segment->file_offset && table - segment->file_offset < segment->file_size) {
        image->has_program_headers_address = true;
        image->program_headers_address = table - segment->file_offset + segment->address;
    }
}

static int program_header_add(struct elf_image *image, const Elf64_Phdr *program_header,
                              const struct elf_header *header, uint64_t file_size,
                              const struct elf_limits *limits)
{
    int error;

    switch (program_header->p_type) {
    case PT_LOAD:
        if (program_header->p_memsz == 0 && program_header->p_filesz == 0)
            return 0;
        error = segment_check(program_header, header, file_size, limits);
        if (!error)
            segment_add(image, program_header, header);
        return error;
    case PT_GNU_STACK:
        image->stack_executable = (program_header->p_flags & PF_X) != 0;
        return 0;
    case PT_GNU_RELRO:
        image->relro = (struct elf_range){program_header->p_vaddr, program_header->p_memsz};
        return 0;
    case PT_TLS:
        image->tls = (struct elf_range){program_header->p_vaddr, program_header->p_memsz};
        return 0;
    default:
        return 0;
    }
}

int elf_program_headers_parse(const struct elf_header *header, const void *table, size_t table_size,
                              uint64_t file_size, const struct elf_limits *limits,
                              struct elf_image *image)
{
    memset(image, 0, offsetof(struct elf_image, segments));
    int error = elf_interpreter_find(header, table, table_size, file_size, &image->interpreter);
    if (error)
        return error;
    image->type = header->type;
    image->entry = header->entry;
    image->program_headers_count = header->program_headers_count;
    image->alignment = PAGE_SIZE;

    for (uint32_t i = 0; i < header->program_headers_count; i++) {
        Elf64_Phdr program_header = program_header_read(table, i);
        error = program_header_add(image, &program_header, header, file_size, limits);
        if (error)
            return error;
    }
    if (image->segment_count == 0)
        return format_error(header->role);

    image->load_end = align_up(image->data_end, PAGE_SIZE);
    if (image->load_end - image->load_start > limits->user_end - limits->user_start)
        return -ENOMEM;
    if (image->entry >= limits->user_end)
        return -EINVAL;
    return 0;
}

int elf_interpreter_check(const char *path, size_t size)
{
    if (size < INTERPRETER_SIZE_MIN || size > INTERPRETER_SIZE_MAX || path[size - 1] != '\0')
        return -ENOEXEC;
    /* Linux opens the empty path, which is the working directory, no regular file. */
    return *path ? 0 : -EACCES;
}
