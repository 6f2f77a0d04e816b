#include "menu/unified_files.h"

#include <library/pe_image.h>
#include <library/string.h>

#define HEAD_MAXIMUM 4096 /* bytes: the sections' table lies there */
#define TEXT_MAXIMUM 4096

/* What a read gave of so many bytes there. */
static size_t read_at(EFI_FILE_HANDLE file, uint64_t offset, void *bytes, size_t size)
{
    UINTN read = size;

    if (EFI_ERROR(file->SetPosition(file, offset)) || EFI_ERROR(file->Read(file, &read, bytes)) ||
        read > size)
        return 0;
    return read;
}

/* Of the file that is looked at; too large for the stack. */
static uint8_t head[HEAD_MAXIMUM];
static char text[TEXT_MAXIMUM];

/* The beginning of a section, to `text`; returns its bytes, 0: it has none. */
static size_t section_read(EFI_FILE_HANDLE file, size_t head_size, const char *name)
{
    struct pe_section section;

    if (!pe_section_find(head, head_size, name, 0, &section))
        return 0;
    return read_at(file, section.offset, text,
                   section.size < TEXT_MAXIMUM ? section.size : TEXT_MAXIMUM);
}

bool unified_file_describe(EFI_FILE_HANDLE file, struct os_release *release)
{
    size_t head_size = read_at(file, 0, head, sizeof head);
    size_t size = section_read(file, head_size, ".osrel");
    struct pe_section kernel;

    if (!size || !pe_section_find(head, head_size, ".linux", 0, &kernel))
        return false;
    os_release_parse(text, size, release);
    return true;
}

void unified_file_options(EFI_FILE_HANDLE file, char options[BOOT_ENTRY_OPTIONS_MAX])
{
    size_t head_size = read_at(file, 0, head, sizeof head);
    size_t size = section_read(file, head_size, ".cmdline"), length = 0;

    for (; length < size && length + 1 < BOOT_ENTRY_OPTIONS_MAX && text[length]; length++)
        options[length] = (unsigned char)text[length] < ' ' ? ' ' : text[length];
    while (length > 0 && options[length - 1] == ' ')
        length--;
    options[length] = '\0';
}
