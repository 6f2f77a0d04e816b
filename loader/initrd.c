#include "initrd.h"

#include <library/align.h>
#include <library/archive.h>
#include <library/cpio.h>
#include <library/format.h>

#include "failure.h"
#include "measure.h"
#include "pages.h"
#include "unpack.h"

enum { ALIGNMENT = 4 }; /* of a plain archive, from its buffer's beginning (cpio.h) */

/* The files as they lie one behind the other in memory. */
struct initrd_files {
    struct volume_file files[BOOT_ENTRY_INITRDS_MAX];
    uint64_t offsets[BOOT_ENTRY_INITRDS_MAX];
    uint32_t count;
    uint64_t size;
    uint8_t *memory;
};

/* ---- reading ---- */

static EFI_STATUS files_open(struct volume *volume, const struct boot_entry *entry,
                             struct initrd_files *all)
{
    while (all->count < entry->initrd_count) {
        struct volume_file *file = &all->files[all->count];
        EFI_STATUS status = volume_file_open(volume, entry->initrds[all->count], file);

        if (EFI_ERROR(status))
            return status;
        all->offsets[all->count++] = all->size;
        all->size += align_up(file->size, ALIGNMENT);
        if (file->size == 0)
            return failure(EFI_LOAD_ERROR, "%s: is empty", file->path);
    }
    return EFI_SUCCESS;
}

static EFI_STATUS files_read(struct initrd_files *all)
{
    EFI_STATUS status = pages_allocate(all->size, all->files[0].path, (void **)&all->memory);

    for (uint32_t i = 0; i < all->count && !EFI_ERROR(status); i++)
        status = volume_file_read(&all->files[i], all->memory + all->offsets[i]);
    return status;
}

static EFI_STATUS files_take(struct volume *volume, const struct boot_entry *entry,
                             struct initrd_files *all)
{
    EFI_STATUS status = files_open(volume, entry, all);

    if (!EFI_ERROR(status))
        status = files_read(all);
    for (uint32_t i = 0; i < all->count; i++)
        volume_file_close(&all->files[i]);
    return status;
}

/* ---- plain archives ---- */

/*
 * The kernel could only stop at a corrupt archive; here the firmware's menu still comes back. The
 * walk reads the headers, not the files' contents.
 */
static EFI_STATUS plain_skip(const char *path, const uint8_t *bytes, uint64_t size,
                             uint64_t *offset)
{
    struct cpio_reader reader;

    if (!is_aligned(*offset, ALIGNMENT))
        return failure(EFI_LOAD_ERROR, "%s: a cpio archive begins at byte %llu, no multiple of 4",
                       path, (unsigned long long)*offset);
    cpio_start(&reader, bytes + *offset, size - *offset);
    if (cpio_skip_archive(&reader) != 0)
        return failure(EFI_LOAD_ERROR, "%s: corrupt cpio archive: %s at byte %llu", path,
                       reader.reason, (unsigned long long)(*offset + reader.error_offset));
    *offset += reader.offset;
    return EFI_SUCCESS;
}

static EFI_STATUS format_refuse(const char *path, enum archive_format format, uint64_t offset)
{
    if (format == ARCHIVE_UNKNOWN)
        return failure(EFI_LOAD_ERROR,
                       "%s: corrupt: neither a cpio archive nor a compressed one at byte %llu",
                       path, (unsigned long long)offset);
    return failure(EFI_UNSUPPORTED,
                   "%s: compressed with %s at byte %llu: only gzip, xz, zstd and lz4 are unpacked",
                   path, archive_format_name(format), (unsigned long long)offset);
}

/* Whether all archives of the file are plain; the first one that is not ends the look. */
static EFI_STATUS plain_check(const char *path, const uint8_t *bytes, uint64_t size, bool *plain)
{
    uint64_t offset = 0;
    EFI_STATUS status = EFI_SUCCESS;
    enum archive_format format;

    *plain = true;
    while (!EFI_ERROR(status) && (format = archive_find(bytes, size, &offset)) != ARCHIVE_END) {
        if (format >= ARCHIVE_BZIP2)
            return format_refuse(path, format, offset);
        *plain = format == ARCHIVE_CPIO;
        if (!*plain)
            return EFI_SUCCESS;
        status = plain_skip(path, bytes, size, &offset);
    }
    return status;
}

/* ---- compressed ones ---- */

static EFI_STATUS plain_copy(const char *path, const uint8_t *bytes, uint64_t size,
                             uint64_t *offset, struct pieces *unpacked)
{
    uint64_t start = *offset;
    EFI_STATUS status = plain_skip(path, bytes, size, offset);

    return EFI_ERROR(status) ? status : pieces_append(unpacked, bytes + start, *offset - start);
}

static EFI_STATUS file_unpack(const char *path, const uint8_t *bytes, uint64_t size,
                              struct pieces *unpacked)
{
    uint64_t offset = 0;
    EFI_STATUS status = EFI_SUCCESS;
    enum archive_format format;

    while (!EFI_ERROR(status) && (format = archive_find(bytes, size, &offset)) != ARCHIVE_END) {
        if (format >= ARCHIVE_BZIP2)
            return format_refuse(path, format, offset);
        if (format == ARCHIVE_CPIO)
            status = plain_copy(path, bytes, size, &offset, unpacked);
        else
            status = unpack(path, format, bytes, size, &offset, unpacked);
        if (!EFI_ERROR(status))
            status = pieces_align(unpacked, ALIGNMENT);
    }
    return status;
}

static EFI_STATUS unpacked_check(const char *path, const uint8_t *bytes, uint64_t size)
{
    char name[300];
    bool plain;
    EFI_STATUS status;

    format_string(name, sizeof name, "%s, unpacked", path);
    status = plain_check(name, bytes, size, &plain);
    if (!EFI_ERROR(status) && !plain)
        status = failure(EFI_LOAD_ERROR, "%s: holds another compressed archive", name);
    return status;
}

/* All files anew, without compression. */
static EFI_STATUS files_unpack(struct initrd_files *all)
{
    struct pieces unpacked;
    EFI_STATUS status = EFI_SUCCESS;

    pieces_begin(&unpacked, "the unpacked initrd");
    for (uint32_t i = 0; i < all->count && !EFI_ERROR(status); i++) {
        const uint8_t *bytes = all->memory + all->offsets[i];

        all->offsets[i] = unpacked.size;
        status = file_unpack(all->files[i].path, bytes, all->files[i].size, &unpacked);
    }
    unpack_end();
    pages_free(all->memory);
    all->size = unpacked.size;
    if (!EFI_ERROR(status))
        status = pieces_join(&unpacked, (void **)&all->memory);
    for (uint32_t i = 0; i < all->count && !EFI_ERROR(status); i++) {
        uint64_t end = i + 1 < all->count ? all->offsets[i + 1] : all->size;

        status = unpacked_check(all->files[i].path, all->memory + all->offsets[i],
                                end - all->offsets[i]);
    }
    return status;
}

static EFI_STATUS files_make_plain(struct initrd_files *all)
{
    bool all_plain = true;

    for (uint32_t i = 0; i < all->count; i++) {
        bool plain;
        EFI_STATUS status = plain_check(all->files[i].path, all->memory + all->offsets[i],
                                        all->files[i].size, &plain);

        if (EFI_ERROR(status))
            return status;
        all_plain = all_plain && plain;
    }
    return all_plain ? EFI_SUCCESS : files_unpack(all);
}

EFI_STATUS initrd_load(struct volume *volume, const struct boot_entry *entry,
                       struct handoff_range *initrd)
{
    static struct initrd_files all; /* too large for the stack */
    EFI_STATUS status;

    *initrd = (struct handoff_range){0};
    all = (struct initrd_files){0};
    status = files_take(volume, entry, &all);
    if (!EFI_ERROR(status)) {
        measure_initrd(all.memory, all.size);
        status = files_make_plain(&all);
    }
    if (!EFI_ERROR(status))
        *initrd = (struct handoff_range){.base = pages_address(all.memory), .size = all.size};
    return status;
}
