/* The input: a byte that says what it is, then what a FUSE server says. */
#include "fuzz.h"
#include "library/fuse_message.h"

#include <errno.h>
#include <string.h>

static void name_require(const char *name, size_t length)
{
    require(length > 0 && length <= FUSE_NAME_MAXIMUM);
    require(!memchr(name, '/', length) && !memchr(name, '\0', length));
}

static void directory_require(const uint8_t *data, size_t size, bool plus)
{
    struct fuse_directory_entry entry;
    size_t at = 0, before = 0;
    int there;

    while ((there = fuse_directory_next(data, size, plus, &at, &entry)) > 0) {
        require(at > before && at <= size);
        before = at;
        require((const uint8_t *)entry.name >= data &&
                (const uint8_t *)entry.name + entry.length <= data + size);
        name_require(entry.name, entry.length);
        require(entry.next <= INT64_MAX && (!entry.has_entry || entry.entry.node > 1));
    }
    require(there == 0 || there == -EIO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuse_attributes attributes;
    struct fuse_options options;
    struct fuse_notice notice;
    struct fuse_entry entry;
    struct fuse_terms terms;

    if (size < 1)
        return 0;
    uint8_t kind = *data++;
    size--;
    switch (kind % 7) {
    case 0:
        if (!fuse_terms_parse(data, size, 0xffff, &terms))
            require(terms.pages_maximum >= 1 && terms.pages_maximum <= 32 &&
                    terms.write_maximum >= 4096 && terms.write_maximum <= 32 * 4096 &&
                    !(terms.flags & ~0xffffU));
        break;
    case 1:
        if (!fuse_attributes_parse(data, size, &attributes))
            require(attributes.size <= INT64_MAX && attributes.mode <= 0xffff &&
                    attributes.modified_nanoseconds < 1000000000);
        break;
    case 2:
        if (!fuse_entry_parse(data, size, &entry))
            require(entry.node != FUSE_ROOT_ID);
        break;
    case 3:
    case 4:
        directory_require(data, size, kind % 7 == 4);
        break;
    case 5:
        if (!fuse_notice_parse(size ? data[0] % 8 : 0, data, size, &notice) && notice.name)
            name_require(notice.name, notice.name_length);
        break;
    default: {
        char *text = malloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        if (!fuse_options_parse(text, &options))
            require(options.descriptor >= 0 && options.read_maximum >= 4096);
        free(text);
    }
    }
    return 0;
}
