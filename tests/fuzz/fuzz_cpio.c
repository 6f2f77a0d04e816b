/* The input is a buffer of archives. */
#include "fuzz.h"
#include "library/cpio.h"

#include <errno.h>
#include <string.h>

static void entry_require(const struct cpio_entry *entry, const uint8_t *data, size_t size)
{
    const uint8_t *path = (const uint8_t *)entry->path;

    require(path >= data && entry->path_length > 0 && entry->path_length < CPIO_PATH_MAX);
    require(path + entry->path_length < data + size);
    require(strlen(entry->path) == entry->path_length);
    require(entry->data >= data && entry->data <= data + size);
    require(entry->size <= (size_t)(data + size - entry->data));
    require((entry->mode & 0170000) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    size_t offset = 0;
    int result;

    cpio_start(&reader, data, size);
    while ((result = cpio_next(&reader, &entry)) == 1) {
        require(reader.offset > offset && reader.offset <= size);
        offset = reader.offset;
        entry_require(&entry, data, size);
    }
    if (result == 0) {
        require(reader.offset == size && reader.reason == NULL);
    } else {
        require(result == -EINVAL && reader.reason != NULL && reader.error_offset <= size);
        require(cpio_next(&reader, &entry) == -EINVAL);
    }
    return 0;
}
