/*
 * image.h: a program's file becomes regions of an address space: its
 * headers are read and checked first (library/elf.h), then mapped.
 */
#ifndef BATON_EXEC_IMAGE_H
#define BATON_EXEC_IMAGE_H

#include "library/elf.h"
#include "library/types.h"

struct address_space;
struct file;

/* So many bytes of each file are read at once: most program header tables lie in them. */
#define EXEC_HEAD_SIZE 1024

struct exec_head {
    size_t size; /* bytes that the file has of these */
    char bytes[EXEC_HEAD_SIZE];
};

/* Reads a file's first bytes; behind its end are zeros. 0 or -EIO, -ENOMEM, -EINTR. */
int exec_head_read(struct exec_head *head, struct file *file);

/*
 * Reads and checks an ELF file's headers. *image is the caller's to free
 * (heap_free). The errors of elf_header_parse() and elf_interpreter_find(),
 * -ENOMEM, -EIO; those of elf_program_headers_parse() are left in its `fault`.
 */
int exec_image_read(struct elf_image **image, struct file *file, const struct exec_head *head,
                    enum elf_role role);

/* Opens the interpreter that PT_INTERP names. The errors of the walk, -ENOEXEC, -EIO, -ENOMEM. */
int exec_image_open_interpreter(const struct elf_image *image, struct file *file,
                                struct file **interpreter);

/*
 * By how much the image's addresses are moved so that it begins at `place`, or, for its alignment,
 * below. 0 for one that lies where it says (ET_EXEC). Whether it fits there, the map says.
 */
uint64_t exec_image_bias(const struct elf_image *image, vaddr_t place);

/*
 * Maps every segment, `bias` bytes above its address. The file's frames are
 * mapped as they are; what is written gets a private copy at the first write,
 * the bss tail reads as zeros. The pages round the entry are mapped ahead. 0,
 * -ENOMEM, -EEXIST (a segment lies where something is).
 */
int exec_image_map(struct address_space *space, struct file *file, const struct elf_image *image,
                   uint64_t bias);

/* Where the code and the data lie, for /proc and brk; addresses with the bias. */
void exec_image_describe(struct address_space *space, const struct elf_image *image, uint64_t bias);

#endif
