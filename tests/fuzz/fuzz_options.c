/* The input is an options line. */
#include "fuzz.h"
#include "library/options.h"

#include <errno.h>
#include <string.h>

static void words_require(const char *line)
{
    const char *end = line + strlen(line), *position = line, *before = line;
    struct option option;

    while (options_next(&position, &option)) {
        require(position > before && position <= end);
        before = position;
        require(option.word >= line && option.word + option.word_length <= end);
        require(option.key == option.word && option.key_length <= option.word_length);
        if (option.value != NULL)
            require(option.value > option.key &&
                    option.value + option.value_length <= option.word + option.word_length);
    }
    require(position == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct option option;
    char buffer[16];
    uint64_t value = 77;

    char *line = malloc(size + 1);
    if (size > 0)
        memcpy(line, data, size);
    line[size] = '\0';
    words_require(line);
    const char *rest = options_for_init(line);
    require(rest >= line && rest <= line + size);
    words_require(rest);
    bool found = options_find(line, "mem", &option);
    bool flag = options_flag(line, "mem");
    require(found || !flag);
    int error = options_string(line, "mem", buffer, sizeof(buffer));
    require(error == 0 || error == -ENOENT || error == -ENAMETOOLONG);
    require(strnlen(buffer, sizeof(buffer)) < sizeof(buffer));
    require((error == -ENOENT) == (!found || option.value == NULL));
    error = options_number(line, "mem", &value);
    require(error == 0 || error == -ENOENT || error == -EINVAL || error == -ERANGE);
    require(error == 0 || value == 77);
    free(line);
    return 0;
}
