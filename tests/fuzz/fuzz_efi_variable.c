/* The input is a name in UTF-16 with its GUID in front, the name of a file, and a value. */
#include "fuzz.h"
#include "library/efi_variable.h"

#include <string.h>

static void file_name_check(const struct efi_variable_name *name)
{
    char text[EFI_VARIABLE_FILE_NAME];

    if (!efi_variable_file_name(name, text))
        return;
    require(strlen(text) < sizeof(text) && strlen(text) >= 38 && !strchr(text, '/'));
    struct efi_variable_name again;
    require(efi_variable_name_parse(text, &again));
    require(memcmp(again.vendor, name->vendor, sizeof(again.vendor)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct efi_variable_name name = {0};
    char text[300] = {0};

    memcpy(name.vendor, data, size < sizeof(name.vendor) ? size : sizeof(name.vendor));
    if (size > sizeof(name.vendor)) {
        size_t left = size - sizeof(name.vendor);
        memcpy(name.units, data + sizeof(name.vendor),
               left < sizeof(name.units) ? left : sizeof(name.units));
    }
    file_name_check(&name);
    efi_variable_is_removable(&name);
    efi_variable_value_is_sane(&name, data, size);
    require(efi_variable_name_equal(&name, &name));
    memcpy(text, data, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
    if (efi_variable_name_parse(text, &name)) {
        file_name_check(&name);
        size_t length = strlen(text) + 1;
        if (length < size)
            efi_variable_value_is_sane(&name, data + length, size - length);
    }
    return 0;
}
