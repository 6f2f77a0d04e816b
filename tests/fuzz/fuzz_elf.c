/* The input is a program's file, and once more an interpreter's. */
#include "fuzz.h"
#include "library/elf.h"

#include <errno.h>

static const struct elf_limits limits = {.user_start = 0x10000, .user_end = 0x7ffffffff000};

static void segments_require(const struct elf_image *image, uint64_t file_size)
{
    require(image->segment_count > 0 && image->segment_count <= ELF_PROGRAM_HEADERS_MAX);
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        require(segment->memory_size > 0);
        require(segment->file_size <= segment->memory_size);
        require(image->type == ET_DYN || segment->address >= limits.user_start);
        uint64_t end = segment->address + segment->memory_size;
        require(end > segment->address && end <= image->data_end);
        require(segment->address >= image->load_start && end <= image->load_end);
        require((segment->flags & ~(uint32_t)(PF_R | PF_W | PF_X)) == 0);
        if (segment->file_size == 0)
            continue;
        require(segment->file_offset <= file_size);
        require(segment->file_size <= file_size - segment->file_offset);
        require(segment->file_offset % PAGE_SIZE == segment->address % PAGE_SIZE);
    }
    require(image->data_end <= limits.user_end);
}

static void image_require(const struct elf_image *image, enum elf_role role, uint64_t file_size)
{
    segments_require(image, file_size);
    require(image->type == ET_EXEC || image->type == ET_DYN);
    require(image->entry < limits.user_end);
    require(image->load_start % PAGE_SIZE == 0 && image->load_end % PAGE_SIZE == 0);
    require(image->load_start < image->load_end && image->load_end <= limits.user_end);
    require(image->alignment >= PAGE_SIZE && (image->alignment & (image->alignment - 1)) == 0);
    require(!image->has_program_headers_address ||
            (image->program_headers_address >= image->load_start &&
             image->program_headers_address < image->load_end));
    require(image->interpreter.size == 0 || role == ELF_PROGRAM);
    require(image->interpreter.size <= 4096);
    require(image->interpreter.offset + image->interpreter.size <= file_size);
}

static void file_parse(const uint8_t *data, size_t size, enum elf_role role)
{
    static struct elf_image image;
    struct elf_header header;

    int error = elf_header_parse(data, size, size, role, &header);
    if (error) {
        require(error == (role == ELF_PROGRAM ? -ENOEXEC : -ELIBBAD) ||
                (error == -EIO && role == ELF_INTERPRETER));
        return;
    }
    require(header.program_headers_offset <= size);
    require(header.program_headers_size <= size - header.program_headers_offset);
    error = elf_program_headers_parse(&header, data + header.program_headers_offset,
                                      header.program_headers_size, size, &limits, &image);
    if (error == 0)
        image_require(&image, role, size);
    else
        require(error == -ENOEXEC || error == -ELIBBAD || error == -EINVAL || error == -ENOMEM ||
                error == -EPERM || error == -EIO);
    if (error == 0 && image.interpreter.size > 0)
        elf_interpreter_check((const char *)data + image.interpreter.offset,
                              image.interpreter.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    file_parse(data, size, ELF_PROGRAM);
    file_parse(data, size, ELF_INTERPRETER);
    return 0;
}
