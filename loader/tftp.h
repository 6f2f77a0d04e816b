/* tftp.h: files from the server that BOOTX64.EFI was fetched from by PXE (UEFI 2.10, 24.3). */
#ifndef BATON_LOADER_TFTP_H
#define BATON_LOADER_TFTP_H

#include "firmware.h"

#include <library/net_boot.h>

struct tftp_server {
    EFI_PXE_BASE_CODE *protocol;
    EFI_IP_ADDRESS address;
    char folder[NET_BOOT_PATH_MAX]; /* net_boot_folder() */
};

/* The one that the loader came from, by IPv4; NULL: it came in another way. There is one at most.
 */
struct tftp_server *tftp_find(void);

/* Nothing is printed but what the server says of an error. */
EFI_STATUS tftp_size(struct tftp_server *server, const char *path, uint64_t *size);
EFI_STATUS tftp_read(struct tftp_server *server, const char *path, void *memory, uint64_t size);

#endif
