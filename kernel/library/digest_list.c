#include "library/digest_list.h"

#include "library/boot_entry.h"
#include "library/menu/boot_count.h"
#include "library/string.h"
#include "library/text_line.h"

/* As it was signed. False: it is too long. */
static bool path_plain(const char *path, char plain[BOOT_ENTRY_PATH_MAX])
{
    char identifier[BOOT_FILE_NAME_MAX];
    struct boot_count count;
    size_t length = strnlen(path, BOOT_ENTRY_PATH_MAX);
    char *name = plain;

    if (length == BOOT_ENTRY_PATH_MAX)
        return false;
    for (size_t i = 0; i <= length; i++) {
        plain[i] = path[i] == '\\' ? '/' : ascii_lower(path[i]);
        if (plain[i] == '/')
            name = plain + i + 1;
    }
    if (boot_count_parse(name, ".conf", identifier, &count))
        memcpy(name, identifier, strlen(identifier) + 1);
    return true;
}

static bool path_is(struct slice slice, const char *plain)
{
    size_t same = 0;

    while (same < slice.size && plain[same] && ascii_lower(slice.text[same]) == plain[same])
        same++;
    return same == slice.size && !plain[same];
}

static bool digest_is(struct slice slice, const uint8_t digest[SHA256_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_SIZE && slice.size == 2 * SHA256_SIZE; i++) {
        if (slice.text[2 * i] != digits[digest[i] >> 4] ||
            slice.text[2 * i + 1] != digits[digest[i] & 15])
            return false;
    }
    return slice.size == 2 * SHA256_SIZE;
}

bool digest_list_has(const char *list, size_t size, const char *path,
                     const uint8_t digest[SHA256_SIZE])
{
    struct slice rest = {list, size}, line;
    char plain[BOOT_ENTRY_PATH_MAX];

    if (!path_plain(path, plain))
        return false;
    while (text_take_line(&rest, &line)) {
        line = slice_trim(line);
        if (digest_is(slice_take_word(&line), digest) && path_is(line, plain))
            return true;
    }
    return false;
}
