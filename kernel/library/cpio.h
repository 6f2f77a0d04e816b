/*
 * cpio.h: reads newc archives ("070701", and "070702" with checksums) from a
 * buffer as Linux's initramfs format has them: several archives, one behind
 * the other, each beginning at a multiple of 4, with zeros between them
 * (Documentation/driver-api/early-userspace/buffer-format.rst, cpio(5)).
 *
 * Pure: no allocation, no lock, any context; nothing in the buffer is trusted.
 */
#ifndef BATON_LIBRARY_CPIO_H
#define BATON_LIBRARY_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CPIO_PATH_MAX = 4096, /* bytes with the NUL, as PATH_MAX */
};

struct cpio_reader {
    const uint8_t *bytes;
    size_t size;         /* bytes */
    size_t offset;       /* where the next header is looked for */
    uint32_t archive;    /* archives ended so far */
    bool in_archive;     /* entries were read and no trailer yet */
    const char *reason;  /* after an error: what is wrong, a sentence part */
    size_t error_offset; /* and in the entry at which offset */
};

/* Pointers point into the buffer and are valid as long as it is. */
struct cpio_entry {
    const char *path;    /* as in the archive ("bin/sh", "./bin", "."); ends with a NUL */
    size_t path_length;  /* without the NUL, 1 to CPIO_PATH_MAX - 1 */
    const uint8_t *data; /* file: contents; symbolic link: target without NUL */
    size_t size;         /* bytes */
    uint32_t archive;    /* counts from 0; hard links do not reach across archives */
    uint32_t inode;      /* hard links: same archive, device and inode, links > 1; the */
    uint32_t links;      /* contents come with one of them (newc: the last), others have size 0 */
    uint32_t mode;       /* type and permissions, as st_mode */
    uint32_t user;
    uint32_t group;
    uint32_t modified;     /* seconds since 1970-01-01 UTC */
    uint32_t device_major; /* of the file system archived */
    uint32_t device_minor;
    uint32_t special_major; /* of a device node */
    uint32_t special_minor;
};

/* Starts reading the size bytes at bytes, which must stay as they are. */
void cpio_start(struct cpio_reader *reader, const void *bytes, size_t size);

/*
 * Reads the next entry; trailers and padding are passed over. 1: *entry is
 * filled; 0: the end; -EINVAL: reader->reason and reader->error_offset say what
 * is wrong, and every later call says the same.
 */
int cpio_next(struct cpio_reader *reader, struct cpio_entry *entry);

/*
 * Reads the rest of the archive that begins at reader->offset, which is then where it ended,
 * whatever lies there. 0, or -EINVAL as cpio_next().
 */
int cpio_skip_archive(struct cpio_reader *reader);

#endif
