#include "library/superblock.h"

#include <linux/errno.h>

#include "library/bytes.h"
#include "library/string.h"
#include "library/utf8.h"

/* -ENODATA: it ends before; no file system is there then. */
static int read_at(const struct superblock_source *source, uint64_t offset, void *bytes,
                   size_t size)
{
    if (offset > source->size || size > source->size - offset)
        return -ENODATA;
    return source->read(source->context, offset, bytes, size);
}

/* ---- texts ---- */

static const char small_digits[] = "0123456789abcdef", digits[] = "0123456789ABCDEF";

static bool is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;

    while (size)
        any |= bytes[--size];
    return !any;
}

/* 16 bytes in the order in which they are shown; all zeros are none. */
static void uuid_set(struct superblock *result, const uint8_t *uuid)
{
    char *text = result->uuid;

    if (is_zero(uuid, 16))
        return;
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = small_digits[uuid[i] >> 4];
        *text++ = small_digits[uuid[i] & 15];
    }
    *text = '\0';
}

/* A little-endian number of so many bytes, in capitals; a dash in the middle of four. */
static void number_set(struct superblock *result, const uint8_t *number, size_t size)
{
    char *text = result->uuid;

    if (is_zero(number, size))
        return;
    for (size_t i = size; i > 0; i--) {
        *text++ = digits[number[i - 1] >> 4];
        *text++ = digits[number[i - 1] & 15];
        if (size == 4 && i == 3)
            *text++ = '-';
    }
    *text = '\0';
}

static void trim(struct superblock *result, size_t length)
{
    while (length && result->label[length - 1] == ' ')
        length--;
    result->label[length] = '\0';
}

/* Ended by a zero or its size. */
static void label_set(struct superblock *result, const uint8_t *label, size_t size)
{
    size_t length = 0;

    while (length < size && length < sizeof(result->label) - 1 && label[length]) {
        result->label[length] = (char)label[length];
        length++;
    }
    trim(result, length);
}

/* ---- those that have both at a place of their own ---- */

struct simple {
    uint32_t magic_at, magic_size;
    const char *magic;
    uint32_t uuid_at, label_at, label_size;
};

/* Linux: fs/ext4/ext4.h, fs/xfs/libxfs/xfs_format.h, include/uapi/linux/btrfs_tree.h, swap.h. */
static const struct simple simple[] = {
    {1024 + 56, 2, "\x53\xef", 1024 + 104, 1024 + 120, 16},
    {0, 4, "XFSB", 32, 108, 12},
    {0x10040, 8, "_BHRfS_M", 0x10020, 0x1012b, 128},
    {4096 - 10, 10, "SWAPSPACE2", 1024 + 12, 1024 + 28, 16},
};

/* 1: it is one; 0; or an error. */
static int look_simple(const struct superblock_source *source, struct superblock_work *work,
                       const struct simple *kind, struct superblock *result)
{
    uint8_t *bytes = work->bytes;
    int error = read_at(source, kind->magic_at, bytes, kind->magic_size);

    if (error)
        return error;
    if (memcmp(bytes, kind->magic, kind->magic_size) != 0)
        return 0;
    error = read_at(source, kind->uuid_at, bytes, 16);
    if (!error)
        error = read_at(source, kind->label_at, bytes + 16, kind->label_size);
    if (error)
        return error;
    uuid_set(result, bytes);
    label_set(result, bytes + 16, kind->label_size);
    return 1;
}

static int look_at_simple(const struct superblock_source *source, struct superblock_work *work,
                          struct superblock *result)
{
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        int found = look_simple(source, work, &simple[i], result);
        if (found && found != -ENODATA)
            return found;
    }
    return 0;
}

/* ---- NTFS and exFAT: by the name in the boot sector ---- */

/* https://flatcap.github.io/linux-ntfs/ntfs/files/boot.html */
#define NTFS_NUMBER 0x48

static int look_at_ntfs(const struct superblock_source *source, struct superblock_work *work,
                        struct superblock *result)
{
    int error = read_at(source, 0, work->bytes, 512);

    if (error || memcmp(work->bytes + 3, "NTFS    ", 8) != 0)
        return error;
    number_set(result, work->bytes + NTFS_NUMBER, 8);
    return 1;
}

/* Microsoft, "exFAT file system specification", 3.1 and 7.3. */
enum {
    EXFAT_HEAP = 88,
    EXFAT_ROOT = 96,
    EXFAT_NUMBER = 100,
    EXFAT_SECTOR_SHIFT = 108,
    EXFAT_CLUSTER_SHIFT = 109,
    EXFAT_ENTRY = 32,
    EXFAT_LABEL = 0x83,
    EXFAT_LABEL_UNITS = 11,
};

/* What cannot be shown, and halves of pairs, become '?'. */
static void units_set(struct superblock *result, const uint8_t *units, unsigned count)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        uint32_t unit = load16(units + 2 * (size_t)i);
        if (unit < 0x20 || unit == 0x7f || (unit >= 0xd800 && unit <= 0xdfff))
            unit = '?';
        length += utf8_encode(unit, (uint8_t *)result->label + length);
    }
    trim(result, length);
}

/* The label is among the first entries of the root. */
static int exfat_label(const struct superblock_source *source, struct superblock_work *work,
                       struct superblock *result)
{
    const uint8_t *bytes = work->bytes;
    unsigned sector_shift = bytes[EXFAT_SECTOR_SHIFT], cluster_shift = bytes[EXFAT_CLUSTER_SHIFT];
    uint64_t cluster = load32(bytes + EXFAT_ROOT);

    if (sector_shift < 9 || sector_shift > 12 || cluster_shift > 25 - sector_shift || cluster < 2)
        return 0;
    uint64_t root = ((uint64_t)load32(bytes + EXFAT_HEAP) << sector_shift) +
                    ((cluster - 2) << (sector_shift + cluster_shift));
    int error = read_at(source, root, work->bytes, 512);
    for (unsigned at = 0; !error && at < 512; at += EXFAT_ENTRY)
        if (bytes[at] == EXFAT_LABEL && bytes[at + 1] <= EXFAT_LABEL_UNITS) {
            units_set(result, bytes + at + 2, bytes[at + 1]);
            break;
        }
    return error;
}

static int look_at_exfat(const struct superblock_source *source, struct superblock_work *work,
                         struct superblock *result)
{
    int error = read_at(source, 0, work->bytes, 512);

    if (error || memcmp(work->bytes + 3, "EXFAT   ", 8) != 0)
        return error;
    number_set(result, work->bytes + EXFAT_NUMBER, 4);
    error = exfat_label(source, work, result);
    return error ? error : 1;
}

/* ---- FAT ---- */

static int fat_read_at(void *context, uint64_t offset, void *bytes, size_t size)
{
    return read_at(context, offset, bytes, size);
}

enum {
    FAT_ENTRY = 32,
    FAT_ENTRY_ATTRIBUTES = 11,
    FAT_ENTRY_FREE = 0xe5,
    FAT_LONG_NAME = 0x0f,
};

/* The label is a name in the root, of which the first cluster is looked at: mkfs.fat writes it
   first. That of the boot sector is not what others show. */
static int fat_label(const struct superblock_source *source, struct superblock_work *work,
                     struct superblock *result)
{
    const struct fat_volume *volume = &work->volume;
    uint64_t root =
        volume->bits == 32 ? fat_cluster_offset(volume, volume->root_cluster) : volume->root_start;
    uint32_t size = volume->bits == 32 ? volume->cluster_size : volume->root_size;

    for (uint32_t at = 0; at < size; at += FAT_ENTRY) {
        const uint8_t *entry = work->bytes + at % 512;
        int error = at % 512 ? 0 : read_at(source, root + at, work->bytes, 512);
        if (error || !*entry)
            return error;
        uint8_t attributes = entry[FAT_ENTRY_ATTRIBUTES];
        if (*entry == FAT_ENTRY_FREE || (attributes & 0x3f) == FAT_LONG_NAME ||
            (attributes & (FAT_LABEL | FAT_DIRECTORY)) != FAT_LABEL)
            continue;
        label_set(result, entry, 11);
        return 0;
    }
    return 0;
}

static int look_at_fat(const struct superblock_source *source, struct superblock_work *work,
                       struct superblock *result)
{
    const struct fat_device device = {
        .context = (void *)(uintptr_t)source,
        .size = source->size,
        .read_only = true,
        .read = fat_read_at,
    };
    int error = fat_open(&work->volume, &device);

    if (error)
        return error == -EINVAL ? 0 : error;
    memcpy(work->bytes, &work->volume.number, 4);
    number_set(result, work->bytes, 4);
    error = fat_label(source, work, result);
    return error ? error : 1;
}

/* ---- ISO 9660: ECMA-119, 8.4 ---- */

enum {
    ISO_DESCRIPTOR = 16 * 2048,
    ISO_LABEL = 40,
    ISO_LABEL_SIZE = 32,
    ISO_MADE = 813,
    ISO_CHANGED = 830,
    ISO_DATE_SIZE = 16, /* digits; a time zone behind them */
};

/* A date is an identifier: 2026-12-01-07-30-00-00. */
static void date_set(struct superblock *result, const uint8_t *date)
{
    char *text = result->uuid;

    for (unsigned i = 0; i < ISO_DATE_SIZE; i++) {
        if (i >= 4 && i % 2 == 0)
            *text++ = '-';
        *text++ = (char)date[i];
    }
    *text = '\0';
}

static bool is_date(const uint8_t *date)
{
    bool any = false;

    for (unsigned i = 0; i < ISO_DATE_SIZE; i++) {
        if (date[i] < '0' || date[i] > '9')
            return false;
        any |= date[i] != '0';
    }
    return any;
}

static int look_at_iso(const struct superblock_source *source, struct superblock_work *work,
                       struct superblock *result)
{
    static const unsigned dates[] = {ISO_CHANGED, ISO_MADE};
    uint8_t *bytes = work->bytes;
    int error = read_at(source, ISO_DESCRIPTOR, bytes, 512);

    if (error || memcmp(bytes, "\1CD001\1", 7) != 0)
        return error;
    label_set(result, bytes + ISO_LABEL, ISO_LABEL_SIZE);
    for (size_t i = 0; i < 2 && !*result->uuid; i++) {
        error = read_at(source, ISO_DESCRIPTOR + dates[i], bytes, ISO_DATE_SIZE);
        if (error)
            return error;
        if (is_date(bytes))
            date_set(result, bytes);
    }
    return 1;
}

/* ---- all of them ---- */

int superblock_read(const struct superblock_source *source, struct superblock_work *work,
                    struct superblock *result)
{
    static int (*const looks[])(const struct superblock_source *source,
                                struct superblock_work *work, struct superblock *result) = {
        look_at_simple, look_at_ntfs, look_at_exfat, look_at_fat, look_at_iso,
    };
    int found = 0;

    memset(result, 0, sizeof(*result));
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]) && !found; i++) {
        found = looks[i](source, work, result);
        if (found == -ENODATA)
            found = 0;
    }
    if (found <= 0)
        memset(result, 0, sizeof(*result));
    return found < 0 ? found : 0;
}
