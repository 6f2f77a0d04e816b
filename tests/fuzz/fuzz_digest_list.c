/* The input is a path up to its first NUL, then the list. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "library/digest_list.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digest[SHA256_SIZE] = {0x01, 0x23, 0x45};
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const char *path = (const char *)data;

    if (end == NULL)
        return 0;
    const uint8_t *list = end + 1;
    size_t list_size = size - (size_t)(list - data);
    bool named = digest_list_has((const char *)list, list_size, path, digest);
    require(!named || memmem(list, list_size, "01234500000000000000000000", 26) != NULL);
    require(!named || list_size >= 64 + strnlen(path, 256) / 256);
    require(!digest_list_has("", 0, path, digest));
    return 0;
}
