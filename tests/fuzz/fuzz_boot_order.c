/* The input: names of files, patterns and versions, parted by line feeds. */
#include "fuzz.h"
#include "library/menu/boot_order.h"
#include "library/menu/pattern.h"
#include "library/menu/version_order.h"

#include <string.h>

enum { NAMES = 8 };

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void name_require(const char *name)
{
    char identifier[BOOT_FILE_NAME_MAX], next[BOOT_FILE_NAME_MAX], again[BOOT_FILE_NAME_MAX];
    struct boot_count count, after;

    if (!boot_count_parse(name, ".conf", identifier, &count))
        return;
    require(strlen(identifier) <= strlen(name) && pattern_matches("*.conf", identifier));
    if (!boot_count_next(name, ".conf", next))
        return;
    require(boot_count_parse(next, ".conf", again, &after) && after.counted);
    require(strcmp(again, identifier) == 0 && after.left == count.left - 1);
}

static void order_require(const struct boot_name *names)
{
    for (int i = 0; i < NAMES; i++) {
        for (int j = 0; j < NAMES; j++) {
            int order = sign(boot_name_compare(&names[i], &names[j]));

            require(order == -sign(boot_name_compare(&names[j], &names[i])));
            for (int k = 0; k < NAMES && order < 0; k++)
                require(boot_name_compare(&names[j], &names[k]) >= 0 ||
                        boot_name_compare(&names[i], &names[k]) < 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[4096];
    const char *parts[NAMES * 4];
    struct boot_name names[NAMES];
    const struct boot_name *sorted[NAMES];
    char title[BOOT_TITLE_MAX];

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *next = text;
    for (size_t i = 0; i < NAMES * 4; i++) {
        char *end = strchr(next, '\n');

        parts[i] = next;
        if (end)
            *end++ = '\0';
        next = end ? end : next + strlen(next);
    }
    for (size_t i = 0; i < NAMES; i++) {
        const char **part = parts + 4 * i;

        name_require(part[0]);
        pattern_matches(part[1], part[0]);
        names[i] = (struct boot_name){part[0], part[1], part[2], part[3], part[i % 4], {0}, false};
        sorted[i] = &names[i];
    }
    order_require(names);
    boot_names_sort(sorted, NAMES);
    for (size_t i = 0; i < NAMES; i++)
        boot_name_title(sorted, NAMES, i, title);
    require(boot_names_first(sorted, NAMES) < NAMES);
    return 0;
}
