#include "exec/image.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "file/file.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/heap.h"

/* The window round the entry. */
#define PAGES_AHEAD 8

/* ---- reading ---- */

/* Reads exactly `size` bytes. 0, -EIO (the file ends before) or the file's error. */
static int read_exactly(struct file *file, void *buffer, size_t size, uint64_t offset)
{
    ssize_t got = file_read_kernel(file, buffer, size, offset);
    if (got < 0)
        return got;
    return (size_t)got == size ? 0 : -EIO;
}

int exec_head_read(struct exec_head *head, struct file *file)
{
    ssize_t size = file_read_kernel(file, head->bytes, sizeof(head->bytes), 0);
    if (size < 0)
        return size;
    head->size = size;
    memset(head->bytes + size, 0, sizeof(head->bytes) - size);
    return 0;
}

int exec_image_read(struct elf_image **result, struct file *file, const struct exec_head *head,
                    enum elf_role role)
{
    static const struct elf_limits limits = {.user_start = USER_START, .user_end = USER_END};
    uint64_t file_size = inode_size(file->inode);
    struct elf_header header;
    void *table = NULL;

    int error = elf_header_parse(head->bytes, head->size, file_size, role, &header);
    if (error)
        return error;

    const void *headers = head->bytes + header.program_headers_offset;
    if (header.program_headers_offset + header.program_headers_size > head->size) {
        headers = table = heap_allocate(header.program_headers_size);
        if (!table)
            return -ENOMEM;
        error =
            read_exactly(file, table, header.program_headers_size, header.program_headers_offset);
    }
    struct elf_image *image = error ? NULL : heap_allocate(sizeof(*image));
    if (!error)
        error = image ? elf_interpreter_find(&header, headers, header.program_headers_size,
                                             file_size, &image->interpreter)
                      : -ENOMEM;
    if (!error)
        image->fault = elf_program_headers_parse(&header, headers, header.program_headers_size,
                                                 file_size, &limits, image);
    heap_free(table);
    if (error)
        heap_free(image);
    else
        *result = image;
    return error;
}

int exec_image_open_interpreter(const struct elf_image *image, struct file *file,
                                struct file **interpreter)
{
    char *path = heap_allocate(image->interpreter.size);
    if (!path)
        return -ENOMEM;
    int error = read_exactly(file, path, image->interpreter.size, image->interpreter.offset);
    if (!error)
        error = elf_interpreter_check(path, image->interpreter.size);
    if (!error)
        error = file_open_executable(AT_FDCWD, path, 0, interpreter);
    heap_free(path);
    return error;
}

/* ---- mapping ---- */

uint64_t exec_image_bias(const struct elf_image *image, vaddr_t place)
{
    if (image->type != ET_DYN)
        return 0;
    return align_down(place, image->alignment) - align_down(image->load_start, image->alignment);
}

/* p_flags of a segment as flags of a region. */
static unsigned region_flags(const struct elf_segment *segment)
{
    unsigned flags = 0;
    if (segment->flags & PF_R)
        flags |= REGION_READ;
    if (segment->flags & PF_W)
        flags |= REGION_WRITE;
    if (segment->flags & PF_X)
        flags |= REGION_EXECUTE;
    return flags;
}

/* Does a segment without bytes of the file (bss) begin in the last page of the one before it? */
static bool shares_page(const struct elf_segment *before, const struct elf_segment *bss)
{
    return !bss->file_size &&
           bss->address / PAGE_SIZE == (before->address + before->memory_size - 1) / PAGE_SIZE;
}

/* A segment lies congruent in file and memory, so that both begin in the same part of a page. */
static int map_segment(struct address_space *space, struct file *file,
                       const struct elf_image *image, uint32_t index, uint64_t bias)
{
    const struct elf_segment *segment = &image->segments[index], *next = segment + 1;
    vaddr_t address = segment->address + bias;
    vaddr_t start = align_down(address, PAGE_SIZE);
    vaddr_t end = align_up(address + segment->memory_size, PAGE_SIZE);

    /* A bss begins behind the page it shares; that page's tail is zeros for it. */
    if (index && shares_page(segment - 1, segment))
        start += PAGE_SIZE;
    if (start == end)
        return 0;
    /* Without a tail the file's own bytes fill up the last page, as with mmap. */
    bool has_tail = segment->memory_size > segment->file_size ||
                    (index + 1 < image->segment_count && shares_page(segment, next));
    vaddr_t file_end = has_tail ? address + segment->file_size : 0;
    struct memory_object *object = segment->file_size ? &file->object : NULL;

    return address_space_map(space, start, end - start, region_flags(segment), object,
                             object ? segment->file_offset / PAGE_SIZE : 0, object ? file_end : 0,
                             true);
}

/*
 * So that the program's start does not fault page by page: what every C library
 * touches first. The page with the headers, the block round the entry, and of
 * the data the first page (pointers that are relocated or used at once) and
 * the one where the bss begins; these two as private copies. That is a dozen
 * pages, whatever the size of the file.
 */
static int map_ahead(struct address_space *space, const struct elf_image *image, uint64_t bias)
{
    const vaddr_t block = PAGES_AHEAD * PAGE_SIZE;
    const struct elf_segment *first = image->segments, *behind = first + image->segment_count;

    int error = address_space_map_ahead(space, align_down(image->entry + bias, block), block);
    for (const struct elf_segment *segment = first; segment < behind && !error; segment++) {
        vaddr_t start = align_down(segment->address + bias, PAGE_SIZE);
        vaddr_t last = segment->address + bias + segment->file_size - 1;
        if (!segment->file_size)
            continue;
        if (segment->file_offset < PAGE_SIZE)
            error = address_space_map_ahead(space, start, PAGE_SIZE);
        if (!(segment->flags & PF_W))
            continue;
        if (!error)
            error = address_space_copy_ahead(space, start);
        if (!error && last >= start + PAGE_SIZE)
            error = address_space_copy_ahead(space, last);
    }
    return error;
}

int exec_image_map(struct address_space *space, struct file *file, const struct elf_image *image,
                   uint64_t bias)
{
    int error = 0;

    for (uint32_t i = 0; i < image->segment_count && !error; i++)
        error = map_segment(space, file, image, i, bias);
    return error ? error : map_ahead(space, image, bias);
}

void exec_image_describe(struct address_space *space, const struct elf_image *image, uint64_t bias)
{
    space->code_start = UINT64_MAX;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        vaddr_t start = segment->address + bias, end = start + segment->file_size;

        if (start < space->code_start)
            space->code_start = start;
        if ((segment->flags & PF_X) && end > space->code_end)
            space->code_end = end;
        if (start > space->data_start)
            space->data_start = start;
        if (end > space->data_end)
            space->data_end = end;
    }
}
