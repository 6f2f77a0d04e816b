/*
 * archive.h: what an initrd file is made of: archives one behind the other, each plain or
 * compressed, with zeros between them (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * Pure: no allocation, no lock, any context; nothing in the buffer is trusted.
 */
#ifndef BATON_LIBRARY_ARCHIVE_H
#define BATON_LIBRARY_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

enum archive_format {
    ARCHIVE_END, /* nothing but zeros to the end */
    ARCHIVE_CPIO,
    ARCHIVE_GZIP,
    ARCHIVE_XZ,
    ARCHIVE_ZSTD,
    ARCHIVE_LZ4,        /* with frames: lz4's own default */
    ARCHIVE_LZ4_LEGACY, /* what `lz4 -l` writes, the only one that Linux takes */
    ARCHIVE_BZIP2,      /* from here on nothing unpacks it */
    ARCHIVE_LZMA,
    ARCHIVE_LZOP,
    ARCHIVE_UNKNOWN,
};

/* Passes over zeros from *offset on and says what begins there; *offset is then its first byte, or
 * size for ARCHIVE_END. */
enum archive_format archive_find(const void *bytes, size_t size, size_t *offset);

/* "gzip"; for ARCHIVE_UNKNOWN and ARCHIVE_END words that fit into a sentence. */
const char *archive_format_name(enum archive_format format);

#endif
