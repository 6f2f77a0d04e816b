/* The input is the text of loader.conf, and of os-release. */
#include "fuzz.h"
#include "library/menu/loader_settings.h"
#include "library/menu/os_release.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loader_settings settings;
    struct os_release release;

    loader_settings_default(&settings);
    loader_settings_parse((const char *)data, size, &settings);
    require(strnlen(settings.entry, sizeof(settings.entry)) < sizeof(settings.entry));
    require(settings.console_mode <= CONSOLE_NUMBER);

    os_release_parse((const char *)data, size, &release);
    require(strnlen(release.title, sizeof(release.title)) < sizeof(release.title));
    require(strnlen(release.version, sizeof(release.version)) < sizeof(release.version));
    require(strnlen(release.sort_key, sizeof(release.sort_key)) < sizeof(release.sort_key));
    return 0;
}
