/* The input is memory in which an image may begin. */
#include "fuzz.h"
#include "library/pe_image.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pe_section section;
    struct pe_image image;

    if (pe_image_read(data, size, &image))
        require(strnlen(image.name, PE_NAME_SIZE) < PE_NAME_SIZE);
    for (unsigned index = 0; index < 3; index++)
        pe_section_find(data, size, ".text", index, &section);
    return 0;
}
