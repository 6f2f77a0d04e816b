/* volume_sections.c: the sections of a unified kernel image as files: "/.linux", "/.initrd:1". */
#include <library/string.h>

#include "failure.h"
#include "unified.h"
#include "volume_source.h"

#define NAME_MAXIMUM 9 /* with the NUL */

static bool there(const struct volume *volume)
{
    (void)volume;
    return unified_is();
}

static bool section_of(const char *path, const uint8_t **bytes, uint64_t *size)
{
    const char *colon = strchr(path, ':');
    size_t length = colon ? (size_t)(colon - path) - 1 : strlen(path) - 1;
    char name[NAME_MAXIMUM];
    unsigned index = 0;

    if (path[0] != '/' || path[1] != '.' || length >= NAME_MAXIMUM)
        return false;
    memcpy(name, path + 1, length);
    name[length] = '\0';
    for (const char *digit = colon ? colon + 1 : ""; *digit >= '0' && *digit <= '9'; digit++)
        index = index * 10 + (unsigned)(*digit - '0');
    return unified_section(name, index, bytes, size);
}

static EFI_STATUS find(struct volume_file *file)
{
    const uint8_t *bytes;
    uint64_t size;

    return section_of(file->path, &bytes, &size) ? EFI_SUCCESS : EFI_NOT_FOUND;
}

static EFI_STATUS measure(struct volume_file *file)
{
    const uint8_t *bytes;

    return section_of(file->path, &bytes, &file->size)
               ? EFI_SUCCESS
               : failure(EFI_NOT_FOUND, "%s: no such section", file->path);
}

static EFI_STATUS read_all(struct volume_file *file, void *memory)
{
    const uint8_t *bytes;
    uint64_t size;

    if (!section_of(file->path, &bytes, &size) || size != file->size)
        return failure(EFI_NOT_FOUND, "%s: no such section", file->path);
    memcpy(memory, bytes, size);
    return EFI_SUCCESS;
}

const struct volume_source volume_sections = {
    .there = there,
    .trusted = true,
    .find = find,
    .measure = measure,
    .read = read_all,
};
