/* The input is the entry's text. */
#include "fuzz.h"
#include "library/boot_entry.h"

#include <errno.h>
#include <string.h>

static void path_require(const char path[BOOT_ENTRY_PATH_MAX])
{
    size_t length = strnlen(path, BOOT_ENTRY_PATH_MAX);

    require(length >= 2 && length < BOOT_ENTRY_PATH_MAX);
    require(path[0] == '/' && path[length - 1] != '/');
    require(strstr(path, "//") == NULL && strstr(path, "/../") == NULL);
    require(length < 3 || strcmp(path + length - 3, "/..") != 0);
    for (size_t i = 0; i < length; i++)
        require(path[i] >= ' ' && path[i] <= '~' && path[i] != '\\');
}

static void name_require(const char name[BOOT_ENTRY_NAME_MAX])
{
    size_t length = strnlen(name, BOOT_ENTRY_NAME_MAX);

    require(length < BOOT_ENTRY_NAME_MAX);
    for (size_t i = 0; i < length; i++)
        require((unsigned char)name[i] >= ' ' && name[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_entry entry;
    struct boot_entry_error error = {0};

    int result = boot_entry_parse((const char *)data, size, &entry, &error);
    if (result != 0) {
        require(result == -EINVAL && error.reason != NULL && error.line <= size + 1);
        return 0;
    }
    name_require(entry.title);
    name_require(entry.version);
    name_require(entry.machine_id);
    name_require(entry.sort_key);
    require((*entry.kernel == '\0') != (*entry.program == '\0'));
    path_require(*entry.kernel ? entry.kernel : entry.program);
    require(entry.initrd_count <= BOOT_ENTRY_INITRDS_MAX);
    for (uint32_t i = 0; i < entry.initrd_count; i++)
        path_require(entry.initrds[i]);
    size_t length = strnlen(entry.options, BOOT_ENTRY_OPTIONS_MAX);
    require(length < BOOT_ENTRY_OPTIONS_MAX);
    for (size_t i = 0; i < length; i++)
        require((unsigned char)entry.options[i] >= ' ' && entry.options[i] != 0x7f);
    return 0;
}
