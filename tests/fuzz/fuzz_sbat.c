/* The input is a section, and behind its first '\n\n' what is revoked. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "library/sbat.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *middle = size ? memmem(data, size, "\n\n", 2) : NULL;
    size_t first = middle ? (size_t)(middle - data) : size;
    const char *level = (const char *)data + first;
    char name[SBAT_NAME_MAX];

    if (sbat_is_revoked((const char *)data, first, level, size - first, name))
        require(strnlen(name, SBAT_NAME_MAX) < SBAT_NAME_MAX && *name);
    require(!sbat_is_revoked((const char *)data, first, "", 0, name));
    return 0;
}
