/* The input is a DHCP answer, a device path, or text that stands for a loader's place. */
#include "fuzz.h"
#include "library/net_boot.h"

#include <stdlib.h>
#include <string.h>

static void text_require(const char *text)
{
    char folder[NET_BOOT_PATH_MAX], path[NET_BOOT_PATH_MAX];

    net_boot_folder(text, folder);
    require(strlen(folder) < sizeof(folder));
    require(!folder[0] || strchr("/\\", folder[strlen(folder) - 1]));
    require(!strncmp(folder, text, strlen(folder)));
    if (net_boot_path(folder, text, path) == 0)
        require(strlen(path) < sizeof(path));
    require(!strpbrk(net_boot_name(text), "/\\"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_boot_offer offer;
    struct net_boot_uri uri;
    char host[64];

    if (net_boot_offer_read(data, size, &offer) == 0) {
        require(strlen(offer.file) > 0 && strlen(offer.file) < sizeof(offer.file));
        text_require(offer.file);
    }
    if (net_boot_uri_read(data, size, &uri) == 0) {
        require(strlen(uri.uri) < sizeof(uri.uri));
        if (net_boot_host(uri.uri, host, sizeof(host)) == 0)
            require(strlen(host) < sizeof(host));
        text_require(uri.uri);
    }
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    text_require(text);
    free(text);
    return 0;
}
