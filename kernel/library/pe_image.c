#include "library/pe_image.h"

#include "library/bytes.h"
#include "library/string.h"

/* PE Format: MS-DOS stub, COFF header, optional header, debug directory. */
enum {
    DOS_HEADER = 60, /* where the PE header is */
    DOS_SIZE = 64,

    SECTION_COUNT = 6,
    OPTIONAL_SIZE = 20,
    OPTIONAL = 24, /* behind the signature and the COFF header */
    PE32_PLUS = 0x20b,
    SIZE_OF_IMAGE = OPTIONAL + 56,
    DIRECTORY_COUNT = OPTIONAL + 108,
    DEBUG_DIRECTORY = OPTIONAL + 112 + 6 * 8,
    HEADER_SIZE = DEBUG_DIRECTORY + 8,

    DEBUG_TYPE = 12,
    DEBUG_DATA = 20, /* its address in the image */
    DEBUG_ENTRY = 28,
    DEBUG_CODEVIEW = 2,
    DEBUG_ENTRIES_MAXIMUM = 16,

    SECTION_NAME = 8, /* characters; filled with NULs */
    SECTION_VIRTUAL_SIZE = 8,
    SECTION_ADDRESS = 12,
    SECTION_RAW_SIZE = 16,
    SECTION_OFFSET = 20,
    SECTION_HEADER = 40,
};

/* `length` bytes at an offset of the image; NULL: they cannot be read. */
static const uint8_t *part(const uint8_t *bytes, size_t size, uint64_t offset, size_t length)
{
    return offset <= size && length <= size - offset ? bytes + offset : NULL;
}

/* The path in a CodeView record: its end, up to a dot, of what can be printed. */
static void name_take(const uint8_t *text, size_t size, char *name)
{
    size_t length = 0;

    for (size_t i = 0; i < size && text[i]; i++) {
        if (text[i] == '/' || text[i] == '\\')
            length = 0;
        else if (text[i] > ' ' && text[i] < 0x7f && length < PE_NAME_SIZE - 1)
            name[length++] = (char)text[i];
    }
    name[length] = '\0';
    for (size_t i = length; i-- > 1;) {
        if (name[i] == '.') {
            name[i] = '\0';
            return;
        }
    }
}

static void find_name(const uint8_t *bytes, size_t size, uint32_t directory, uint32_t length,
                      char *name)
{
    for (unsigned i = 0; i < DEBUG_ENTRIES_MAXIMUM && i < length / DEBUG_ENTRY; i++) {
        const uint8_t *entry =
            part(bytes, size, (uint64_t)directory + i * DEBUG_ENTRY, DEBUG_ENTRY);
        if (!entry || load32(entry + DEBUG_TYPE) != DEBUG_CODEVIEW)
            continue;
        uint32_t data = load32(entry + DEBUG_DATA);
        const uint8_t *signature = part(bytes, size, data, 4);
        if (!signature)
            continue;
        /* EDK2 writes the older two (PeImage.h: EFI_IMAGE_DEBUG_CODEVIEW_*_ENTRY). */
        uint32_t head = !memcmp(signature, "NB10", 4)   ? 16
                        : !memcmp(signature, "RSDS", 4) ? 24
                        : !memcmp(signature, "MTOC", 4) ? 20
                                                        : 0;
        if (head && part(bytes, size, (uint64_t)data + head, 1)) {
            name_take(bytes + data + head, size - data - head, name);
            return;
        }
    }
}

/* The PE header; NULL: it is no 64-bit image. */
static const uint8_t *header_find(const uint8_t *bytes, size_t size)
{
    if (size < DOS_SIZE || memcmp(bytes, "MZ", 2) != 0)
        return NULL;
    const uint8_t *header = part(bytes, size, load32(bytes + DOS_HEADER), HEADER_SIZE);
    if (!header || memcmp(header, "PE\0\0", 4) != 0 || load16(header + OPTIONAL) != PE32_PLUS)
        return NULL;
    return header;
}

bool pe_image_read(const uint8_t *bytes, size_t size, struct pe_image *image)
{
    const uint8_t *header = header_find(bytes, size);

    if (!header)
        return false;
    *image = (struct pe_image){.size = load32(header + SIZE_OF_IMAGE)};
    if (size > image->size)
        size = image->size;
    if (load32(header + DIRECTORY_COUNT) > 6)
        find_name(bytes, size, load32(header + DEBUG_DIRECTORY),
                  load32(header + DEBUG_DIRECTORY + 4), image->name);
    return true;
}

static bool section_is(const uint8_t *section, const char *name)
{
    size_t length = strnlen(name, SECTION_NAME);

    return memcmp(section, name, length) == 0 &&
           (length == SECTION_NAME || section[length] == '\0');
}

bool pe_section_find(const uint8_t *bytes, size_t size, const char *name, unsigned index,
                     struct pe_section *section)
{
    const uint8_t *header = header_find(bytes, size);

    if (!header)
        return false;
    uint64_t table = (uint64_t)(header - bytes) + OPTIONAL + load16(header + OPTIONAL_SIZE);
    for (unsigned i = 0; i < load16(header + SECTION_COUNT); i++) {
        const uint8_t *entry = part(bytes, size, table + i * SECTION_HEADER, SECTION_HEADER);

        if (!entry)
            return false;
        if (!section_is(entry, name) || index-- > 0)
            continue;
        uint32_t virtual_size = load32(entry + SECTION_VIRTUAL_SIZE);
        uint32_t raw_size = load32(entry + SECTION_RAW_SIZE);
        *section = (struct pe_section){
            .address = load32(entry + SECTION_ADDRESS),
            .size = virtual_size < raw_size ? virtual_size : raw_size,
            .offset = load32(entry + SECTION_OFFSET),
        };
        return true;
    }
    return false;
}
