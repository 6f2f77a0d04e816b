/* fat_options.c: the options with which a FAT volume is mounted. */
#include "storage/fat_options.h"

#include <asm/errno.h>

#include "library/string.h"
#include "library/types.h"

/* One option of mount(8), "Mount options for fat" and "for vfat"; false: it is unknown, or wrong.
 */
static bool option_take(struct fat_options *result, const char *option, size_t length)
{
    static const char *const ignored[] = {
        "codepage=", "iocharset=", "shortname=", "errors=", "utf8",     "quiet",  "flush",
        "tz=",       "check=",     "nfs",        "rodir",   "showexec", "discard"};
    const struct {
        const char *name;
        unsigned base;
        uint32_t *one, *other;
    } numbers[] = {
        {"uid=", 10, &result->user, NULL},
        {"gid=", 10, &result->group, NULL},
        {"umask=", 8, &result->file_mask, &result->directory_mask},
        {"fmask=", 8, &result->file_mask, NULL},
        {"dmask=", 8, &result->directory_mask, NULL},
    };

    for (size_t i = 0; i < array_length(ignored); i++)
        if (strncmp(option, ignored[i], strlen(ignored[i])) == 0)
            return true;
    for (size_t i = 0; i < array_length(numbers); i++) {
        size_t at = strlen(numbers[i].name);
        uint64_t value = 0;
        if (strncmp(option, numbers[i].name, at) != 0)
            continue;
        if (at == length)
            return false;
        for (; at < length; at++) {
            unsigned digit = (unsigned)(option[at] - '0');
            value = value * numbers[i].base + digit;
            if (digit >= numbers[i].base || value > UINT32_MAX)
                return false;
        }
        *numbers[i].one = (uint32_t)value & (numbers[i].base == 8 ? 0777 : UINT32_MAX);
        if (numbers[i].other)
            *numbers[i].other = *numbers[i].one;
    }
    return true;
}

int fat_options_parse(struct fat_options *result, const char *options)
{
    *result = (struct fat_options){.file_mask = 022, .directory_mask = 022};
    while (options && *options) {
        size_t length = 0;
        while (options[length] && options[length] != ',')
            length++;
        if (length && !option_take(result, options, length))
            return -EINVAL;
        options += length + (options[length] == ',');
    }
    return 0;
}

void fat_options_describe(const struct fat_options *options, struct text *text)
{
    if (options->user)
        text_print(text, ",uid=%u", options->user);
    if (options->group)
        text_print(text, ",gid=%u", options->group);
    text_print(text, ",fmask=%04o,dmask=%04o", options->file_mask, options->directory_mask);
    text_print(text, ",codepage=437,iocharset=utf8,shortname=mixed,errors=remount-ro");
}
