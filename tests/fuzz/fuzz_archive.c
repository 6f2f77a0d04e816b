/* The input is an initrd's file; it is walked as the loader does. */
#include "fuzz.h"
#include "library/archive.h"
#include "library/cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t offset = 0;

    for (;;) {
        size_t before = offset;
        enum archive_format format = archive_find(data, size, &offset);
        struct cpio_reader reader;

        require(offset >= before && offset <= size);
        require((format == ARCHIVE_END) == (offset == size));
        require(archive_format_name(format)[0]);
        if (format != ARCHIVE_CPIO)
            return 0;
        cpio_start(&reader, data + offset, size - offset);
        if (cpio_skip_archive(&reader) != 0) {
            require(reader.reason && reader.error_offset <= size - offset);
            return 0;
        }
        require(reader.offset > 0 && reader.offset <= size - offset && reader.archive == 1);
        offset += reader.offset;
    }
}
