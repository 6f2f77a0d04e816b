/*
 * What exec makes of a file, from its first byte to the last mapping, by the kernel's own
 * exec/image.c: a script's chain of interpreters, a program, the interpreter it asks for,
 * where all their segments come to lie. The input has several files: each name that is opened is
 * the next one's. Below are the rooms that image.c stands on, with what must hold when it
 * calls them; leaks are LeakSanitizer's to find.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h> /* before linux/stat.h, which leaves to it what both have */

#include "exec/image.h"
#include "file/file.h"
#include "library/align.h"
#include "library/script.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "memory/page_table.h"

enum { FILES = 8, SCRIPTS = 5, MAPPINGS = 2 * ELF_PROGRAM_HEADERS_MAX };

/* ---- the input: what fails, and the files ---- */

static struct input_file {
    struct file file;
    struct inode inode;
    const uint8_t *bytes;
} files[FILES];
static unsigned file_count, files_opened;
static unsigned failing_read, failing_allocation; /* counts down; 0: none fails */

/* Each file: its size, 2 bytes, and its bytes; the last one ends with the input. */
static void files_read(const uint8_t *data, size_t size)
{
    file_count = files_opened = 0;
    while (size >= 2 && file_count < FILES) {
        struct input_file *input = &files[file_count++];
        size_t part = data[0] | data[1] << 8;
        part = part > size - 2 ? size - 2 : part;
        memset(input, 0, sizeof(*input));
        input->bytes = data + 2;
        input->inode.cache.size = part;
        input->file.inode = &input->inode;
        data += 2 + part;
        size -= 2 + part;
    }
}

int file_open_executable(int directory, const char *path, int flags, struct file **file)
{
    (void)directory;
    require(flags == 0);
    require(strnlen(path, PATH_SIZE_MAXIMUM) < PATH_SIZE_MAXIMUM && *path);
    if (files_opened == file_count)
        return -ENOENT;
    *file = &files[files_opened++].file;
    return 0;
}

ssize_t file_read_kernel(struct file *file, void *buffer, size_t size, int64_t offset)
{
    const struct input_file *input = container_of(file, struct input_file, file);
    uint64_t file_size = inode_size(file->inode);

    require(offset >= 0 && size > 0 && size <= PAGE_SIZE);
    if (failing_read && --failing_read == 0)
        return -EIO;
    if ((uint64_t)offset >= file_size)
        return 0;
    if (size > file_size - offset)
        size = file_size - offset;
    memcpy(buffer, input->bytes + offset, size);
    return (ssize_t)size;
}

void *heap_allocate(size_t size)
{
    if (failing_allocation && --failing_allocation == 0)
        return NULL;
    return malloc(size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

/* ---- the address space ---- */

static struct {
    vaddr_t start, end;
    unsigned flags;
} mappings[MAPPINGS];
static unsigned mapping_count;

int address_space_map(struct address_space *space, vaddr_t start, size_t size, unsigned flags,
                      struct memory_object *object, uint64_t page_offset, vaddr_t file_end,
                      bool replace)
{
    (void)space;
    (void)replace;
    require(start % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && size > 0);
    require((flags & ~(unsigned)REGION_PROTECTION) == 0);
    if (object) {
        const struct input_file *input = container_of(object, struct input_file, file.object);
        uint64_t file_size = inode_size(input->file.inode), from = page_offset * PAGE_SIZE;
        require(from < file_size);
        if (file_end) {
            require(file_end > start && file_end <= start + size);
            require(from + (file_end - start) <= file_size);
        } else {
            require(from + size <= align_up(file_size, PAGE_SIZE));
        }
    }
    /* Nothing else keeps a mapping where programs may be. */
    if (start < USER_START || start > USER_END || size > USER_END - start)
        return -EINVAL;
    require(mapping_count < MAPPINGS);
    mappings[mapping_count].start = start;
    mappings[mapping_count].flags = flags;
    mappings[mapping_count++].end = start + size;
    return failing_allocation == 1 ? -ENOMEM : 0;
}

/* The entry may lie anywhere, then nothing is shown. */
int address_space_map_ahead(struct address_space *space, vaddr_t start, size_t size)
{
    (void)space;
    require(start % PAGE_SIZE == 0 && size > 0 && start % LEAF_SPAN + size <= LEAF_SPAN);
    return 0;
}

int address_space_copy_ahead(struct address_space *space, vaddr_t address)
{
    unsigned i = 0;

    (void)space;
    while (i < mapping_count && (address < mappings[i].start || address >= mappings[i].end))
        i++;
    require(i < mapping_count);
    return 0;
}

/* ---- exec's way through them ---- */

/* As open_program() in exec.c: through scripts, to the file that is none. */
static int program_open(struct file **file, struct exec_head *head)
{
    char name[SCRIPT_LINE_MAXIMUM] = "program";

    for (int depth = 0;; depth++) {
        struct script_line line;
        int error = file_open_executable(0, name, 0, file);
        if (!error)
            error = exec_head_read(head, *file);
        if (error || !script_is(head->bytes, head->size))
            return error;
        error = script_line_parse(head->bytes, &line);
        if (error)
            return error;
        if (depth == SCRIPTS)
            return -ELOOP;
        require(strlen(line.interpreter) < sizeof(name));
        strcpy(name, line.interpreter);
    }
}

static void image_require(const struct elf_image *image, struct file *file)
{
    require(image->load_start % PAGE_SIZE == 0 && image->load_end % PAGE_SIZE == 0);
    require(image->load_start < image->load_end && image->load_end <= USER_END);
    require(image->segment_count > 0 && image->segment_count <= ELF_PROGRAM_HEADERS_MAX);
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        require(segment->file_size <= segment->memory_size && segment->memory_size > 0);
        require(segment->address >= image->load_start);
        require(segment->address + segment->memory_size <= image->data_end);
        require(segment->file_size == 0 ||
                segment->file_offset + segment->file_size <= inode_size(file->inode));
    }
}

/* Maps an image at `place`, and sees that each of its bytes is in a mapping. */
static int image_map(struct file *file, const struct elf_image *image, vaddr_t place)
{
    static struct address_space space;
    uint64_t bias = exec_image_bias(image, place);
    unsigned from = mapping_count;

    require(image->type == ET_DYN || bias == 0);
    require(bias % image->alignment == 0);
    int error = exec_image_map(&space, file, image, bias);
    if (error)
        return error;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        vaddr_t start = image->segments[i].address + bias;
        vaddr_t last = start + image->segments[i].memory_size - 1;
        unsigned with_start = 0, with_last = 0;
        for (unsigned j = from; j < mapping_count; j++) {
            with_start += start >= mappings[j].start && start < mappings[j].end;
            with_last += last >= mappings[j].start && last < mappings[j].end;
        }
        require(with_start > 0 && with_last > 0);
    }
    space = (struct address_space){0};
    exec_image_describe(&space, image, bias);
    require(space.code_end <= image->data_end + bias && space.data_end <= image->data_end + bias);
    return 0;
}

static int image_execute(vaddr_t place, vaddr_t interpreter_place)
{
    struct elf_image *image = NULL, *interpreter_image = NULL;
    struct file *file, *interpreter;
    struct exec_head head;

    mapping_count = 0;
    int error = program_open(&file, &head);
    if (!error)
        error = exec_image_read(&image, file, &head, ELF_PROGRAM);
    if (!error && image->interpreter.size) {
        error = exec_image_open_interpreter(image, file, &interpreter);
        if (!error)
            error = exec_head_read(&head, interpreter);
        if (!error)
            error = exec_image_read(&interpreter_image, interpreter, &head, ELF_INTERPRETER);
    }
    if (!error)
        error = image->fault;
    if (!error && interpreter_image)
        error = interpreter_image->fault;
    if (!error) {
        image_require(image, file);
        error = image_map(file, image, place);
    }
    if (!error && interpreter_image) {
        image_require(interpreter_image, interpreter);
        error = image_map(interpreter, interpreter_image, interpreter_place);
    }
    free(image);
    free(interpreter_image);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    failing_read = data[0] & 0x80 ? data[0] & 7 : 0;
    failing_allocation = data[1] & 0x80 ? data[1] & 7 : 0;
    /* Where exec.c may place them: 2/3 of the space and above; below the stack. */
    vaddr_t place = 0x555555554000 + (uint64_t)(data[2] | data[3] << 8) * PAGE_SIZE;
    vaddr_t below = 0x2aaaaaaaa000 + (uint64_t)(data[4] | data[5] << 8 | data[6] << 16) * PAGE_SIZE;
    files_read(data + 8, size - 8);
    int error = image_execute(place, below);
    require(error <= 0 && error > -200);
    return 0;
}
