/* The input is an EFI image's LoadOptions. */
#include "fuzz.h"
#include "library/load_options.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[64];

    memset(text, 0xee, sizeof(text));
    int result = load_options_parse(data, size, text, sizeof(text));
    require(result >= 0 || result == -EINVAL || result == -ENAMETOOLONG);
    require(strnlen(text, sizeof(text)) == (size_t)(result > 0 ? result : 0));
    for (int i = 0; i < result; i++)
        require((text[i] >= ' ' && text[i] <= '~') || text[i] == '\t');
    struct load_options_entry entry;
    if (load_options_entry(text, &entry)) {
        require(strnlen(entry.path, sizeof(entry.path)) < sizeof(entry.path));
        require(entry.rest >= text && entry.rest <= text + strlen(text));
    }
    return 0;
}
