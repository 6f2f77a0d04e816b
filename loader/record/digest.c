/*
 * digest.c: the Authenticode digest of our own file, which the firmware measures into PCR 4
 * (Microsoft, Windows Authenticode Portable Executable Signature Format): of all bytes but the
 * checksum, the certificates, and the entry that says where these are.
 */
#include <library/bytes.h>
#include <library/sha256.h>
#include <library/string.h>

#include "pages.h"
#include "record/inventory.h"
#include "record/recording.h"
#include "volume.h"

enum {
    HEADER_AT = 60,
    OPTIONAL_HEADER = 24,
    CHECKSUM = OPTIONAL_HEADER + 64,
    CERTIFICATES = OPTIONAL_HEADER + 112 + 4 * 8, /* the directory's entry: offset, size */
    SHA256 = 0xb,
};

/* Leaves `size` bytes at `at` out of a file; returns how long it is then. */
static uint64_t cut(uint8_t *file, uint64_t length, uint64_t at, uint64_t size)
{
    memmove(file + at, file + at + size, length - at - size);
    return length - size;
}

/* From the end to the begin, so that what is still to be cut stays where it is. */
static void record_digest(uint8_t *file, uint64_t length)
{
    struct record_digest head = {.algorithm = SHA256, .size = SHA256_SIZE};
    uint64_t header = load32(file + HEADER_AT);
    uint8_t digest[SHA256_SIZE];
    uint64_t place, size;

    if (header > length || length - header < CERTIFICATES + 8)
        return;
    place = load32(file + header + CERTIFICATES);
    size = load32(file + header + CERTIFICATES + 4);
    if (size && place <= length && size <= length - place)
        length = cut(file, length, place, size);
    length = cut(file, length, header + CERTIFICATES, 8);
    length = cut(file, length, header + CHECKSUM, 4);
    sha256(file, length, NULL, 0, digest);
    recording_append(RECORD_LOADER_DIGEST, &head, sizeof head, digest, sizeof digest);
}

void record_own_digest(void)
{
    char path[VOLUME_PATH_MAX];
    struct volume volume;
    uint64_t size;
    void *file;

    if (!firmware_own_path(path, sizeof path) || EFI_ERROR(volume_open(&volume)))
        return;
    if (!EFI_ERROR(volume_file_load(&volume, path, &file, &size))) {
        if (size > HEADER_AT + 4)
            record_digest(file, size);
        pages_free(file);
    }
    volume_close(&volume);
}
