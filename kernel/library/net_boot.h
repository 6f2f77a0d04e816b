/*
 * net_boot.h: where a loader that came over the network finds what belongs to it.
 *
 * Pure: no allocation, no lock, any context; nothing in the input is trusted.
 */
#ifndef BATON_LIBRARY_NET_BOOT_H
#define BATON_LIBRARY_NET_BOOT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a path or URI with its NUL. */
#define NET_BOOT_PATH_MAX 512

/* The server and the file that a DHCP answer names (RFC 2131, RFC 2132). */
struct net_boot_offer {
    uint8_t server[4];
    char file[256];
};

/* 0; -EINVAL: no DHCP answer; -ENOENT: it names no server or no file. */
int net_boot_offer_read(const void *packet, size_t size, struct net_boot_offer *offer);

/* What a device path says of a loader that came over HTTP (UEFI 2.10, 10.3.4.12 and 10.3.4.23). */
struct net_boot_uri {
    char uri[NET_BOOT_PATH_MAX];
    uint8_t address[4], mask[4]; /* one's own; 0: not told */
};

/* Reads up to the path's end node, or `size` bytes. 0; -ENOENT: there is no URI of http or https.
 */
int net_boot_uri_read(const void *device_path, size_t size, struct net_boot_uri *uri);

/* The host, and its port if there is one, of a URI as net_boot_uri_read() gives it; -ENAMETOOLONG.
 */
int net_boot_host(const char *uri, char *host, size_t size);

/*
 * The folder that stands for a volume's root, from the loader's own path or URI: up to `EFI/BOOT/`
 * where it lies there, otherwise the folder it lies in. It is empty or ends with a slash.
 */
void net_boot_folder(const char *loader, char folder[NET_BOOT_PATH_MAX]);

/* A path of a volume below that folder; -ENAMETOOLONG. */
int net_boot_path(const char *folder, const char *path, char result[NET_BOOT_PATH_MAX]);

/* A path's last name. */
const char *net_boot_name(const char *path);

#endif
