/*
 * elf.h: checks ELF64 files without touching more of them than their headers.
 *
 * Two users: exec (programs and their interpreters) and the loader (the
 * kernel's own file). Pure: no allocation, no lock, any context; nothing in
 * the input is trusted. Sources: System V gABI chapters 4 and 5, the x86-64
 * psABI, execve(2), and the order of checks in Linux's fs/binfmt_elf.c.
 */
#ifndef BATON_LIBRARY_ELF_H
#define BATON_LIBRARY_ELF_H

#include "library/types.h"
#include <linux/elf.h>

enum {
    ELF_HEADER_SIZE = sizeof(Elf64_Ehdr),
    /* Linux reads a program header table of at most one page. */
    ELF_PROGRAM_HEADERS_MAX = PAGE_SIZE / sizeof(Elf64_Phdr),
    ELF_PROGRAM_HEADERS_SIZE_MAX = ELF_PROGRAM_HEADERS_MAX * sizeof(Elf64_Phdr),
};

/* An interpreter that is not a usable ELF file is ELIBBAD, a program ENOEXEC. */
enum elf_role {
    ELF_PROGRAM,
    ELF_INTERPRETER,
};

/* What the first bytes of the file say. */
struct elf_header {
    enum elf_role role;
    uint16_t type;                   /* ET_EXEC or ET_DYN */
    uint16_t program_headers_count;  /* 1 to ELF_PROGRAM_HEADERS_MAX */
    uint32_t program_headers_size;   /* bytes to read at program_headers_offset */
    uint64_t program_headers_offset; /* bytes from the file's start; they lie in the file */
    uint64_t entry;                  /* unrelocated address */
};

/*
 * Checks the file's first size bytes (at least ELF_HEADER_SIZE where the file
 * has them) of a file of file_size bytes. 0, or -ENOEXEC (program) and
 * -ELIBBAD (interpreter): no ELF, not x86-64, neither ET_EXEC nor ET_DYN, or a
 * program header table that is empty, too long, of another entry size or not
 * in the file. An interpreter shorter than a header is -EIO, as on Linux.
 * As on Linux the class, data and version bytes are not looked at.
 */
int elf_header_parse(const void *bytes, size_t size, uint64_t file_size, enum elf_role role,
                     struct elf_header *header);

/* A PT_LOAD with p_memsz > 0. */
struct elf_segment {
    uint64_t address;     /* unrelocated; congruent to file_offset modulo the page size where
                             file_size > 0 */
    uint64_t memory_size; /* bytes, > 0 */
    uint64_t file_offset; /* bytes */
    uint64_t file_size;   /* bytes, <= memory_size; lies in the file; the rest is zero */
    uint32_t flags;       /* PF_R, PF_W, PF_X */
};

/* Bytes of the file or of the image. size 0: there is none. */
struct elf_range {
    uint64_t offset;
    uint64_t size;
};

struct elf_image {
    uint16_t type; /* ET_EXEC: load as is; ET_DYN: choose a bias, a multiple of alignment */
    bool stack_executable;
    bool has_program_headers_address;

    uint64_t entry;                   /* below user_end; not necessarily in a segment */
    uint64_t program_headers_address; /* for AT_PHDR; where a segment maps the table */
    uint64_t program_headers_count;   /* for AT_PHNUM */

    uint64_t load_start; /* page of the lowest segment's first byte */
    uint64_t load_end;   /* end of the highest segment's last page */
    uint64_t data_end;   /* first byte behind the highest segment: where brk may begin */
    uint64_t alignment;  /* power of two, at least a page: the largest valid p_align */

    struct elf_range interpreter; /* bytes of the file: PT_INTERP with its NUL; 2 to 4096 bytes */
    struct elf_range relro;       /* addresses: PT_GNU_RELRO */
    struct elf_range tls;         /* addresses: PT_TLS, p_vaddr and p_memsz */

    /*
     * In the file's order, which by the gABI is ascending. Where two share a
     * page, the later one's mapping holds for it, as with Linux's MAP_FIXED.
     * Those from segment_count on are not written.
     */
    uint32_t segment_count;
    int fault; /* for exec: 0, or what is wrong with the segments, to be told at its time */
    struct elf_segment segments[ELF_PROGRAM_HEADERS_MAX];
};

/* Where a program may be mapped: addresses, both multiples of the page size. */
struct elf_limits {
    uint64_t user_start; /* lowest address a fixed segment may have */
    uint64_t user_end;   /* first address that is not the program's */
};

/*
 * Finds the first PT_INTERP in the table of header->program_headers_size
 * bytes: *interpreter as in struct elf_image; of size 0 when there is none,
 * and for an interpreter, whose own is ignored. Linux opens what it names
 * before it looks at a segment. 0, -ENOEXEC (an impossible size), or -EIO (not
 * in the file).
 */
int elf_interpreter_find(const struct elf_header *header, const void *table, size_t table_size,
                         uint64_t file_size, struct elf_range *interpreter);

/*
 * Checks the same table and fills image (about 3 KiB: not for the stack) but
 * for `fault`. elf_interpreter_find()'s errors come first. 0 or
 *   -ENOEXEC (-ELIBBAD for an interpreter)  no segment, bytes that the file
 *            does not have, PT_INTERP of an impossible size
 *   -EINVAL  p_filesz > p_memsz, p_vaddr and p_offset not congruent modulo the
 *            page size, entry beyond user_end
 *   -ENOMEM  a segment that ends beyond user_end, or a span that does not fit
 *   -EPERM   a fixed segment below user_start (mmap_min_addr)
 *   -EIO     PT_INTERP not in the file
 * Linux reports most of these after its point of no return by killing the
 * caller; the numbers are those its log of the failing step would have.
 */
int elf_program_headers_parse(const struct elf_header *header, const void *table, size_t table_size,
                              uint64_t file_size, const struct elf_limits *limits,
                              struct elf_image *image);

/*
 * Checks that the size bytes that PT_INTERP holds end with a NUL, and so hold
 * a string, which is not empty. 0, -ENOEXEC, or -EACCES (empty).
 */
int elf_interpreter_check(const char *path, size_t size);

/* The kernel's file, as kernel/kernel.ld lays it out: a static PIE linked at 0. */
enum {
    ELF_KERNEL_SEGMENTS_MAX = 8,
};

struct elf_kernel {
    uint64_t entry;      /* unrelocated; in an executable segment */
    uint64_t image_size; /* bytes from address 0, a multiple of the page size */
    uint32_t segment_count;
    /* Page-aligned, no two share a page, none both writable and executable. */
    struct elf_segment segments[ELF_KERNEL_SEGMENTS_MAX];
    struct elf_range relocations;  /* bytes of the file: the RELA table; 24 bytes an entry */
    struct elf_range symbols;      /* bytes of the file: .symtab; 24 bytes an entry */
    struct elf_range symbol_names; /* bytes of the file: its .strtab; ends with a NUL */
};

/*
 * Checks the kernel's whole file. 0, or -ENOEXEC and in *reason one sentence
 * part to print ("... is no ELF file").
 */
int elf_kernel_parse(const void *file, size_t file_size, struct elf_kernel *kernel,
                     const char **reason);

/*
 * Copies the segments into image (kernel->image_size bytes; all of it is
 * written, the gaps with zeros) and applies the relocations for an image that
 * will run at virtual_base. file is what elf_kernel_parse has checked. 0, or
 * -ENOEXEC with *reason: a relocation that is not R_X86_64_RELATIVE or that
 * lies outside the segments; then image is not to be used.
 */
int elf_kernel_load(const struct elf_kernel *kernel, const void *file, void *image,
                    uint64_t virtual_base, const char **reason);

#endif
