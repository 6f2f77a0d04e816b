/* http.h: files from the server that BOOTX64.EFI was fetched from by HTTP boot
 * (UEFI 2.10, 24.7, 29.6). */
#ifndef BATON_LOADER_HTTP_H
#define BATON_LOADER_HTTP_H

#include "firmware.h"

#include <library/net_boot.h>

/* EFI_HTTP_ERROR, which gnu-efi's headers do not have. */
#define HTTP_ERROR EFIERR(35)

struct service_binding;

struct http_server {
    struct service_binding *service;
    struct net_boot_uri loader;
    char folder[NET_BOOT_PATH_MAX]; /* net_boot_folder(): a URI */
    char host[256];
};

/* The one that the loader came from, by IPv4; NULL: it came in another way. There is one at most.
 */
struct http_server *http_find(void);

/* Status only: nothing is printed. */
EFI_STATUS http_size(struct http_server *server, const char *path, uint64_t *size);
EFI_STATUS http_read(struct http_server *server, const char *path, void *memory, uint64_t size);

#endif
