/* The input is mount(2)'s options of a file system in memory. */
#include "fuzz.h"
#include "library/memory_options.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_options options;
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    int error = memory_options_parse(text, 1000, &options);
    require(error == 0 || error == -EINVAL);
    require(options.mode <= 07777);
    /* The name has to be there for what was said. */
    if (!error && options.has_inodes)
        require(strstr(text, "nr_inodes=") != NULL);
    if (!error && options.has_user)
        require(strstr(text, "uid=") != NULL);
    free(text);
    return 0;
}
