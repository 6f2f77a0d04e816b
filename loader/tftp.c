#include "tftp.h"

#include <library/string.h>

#include "console.h"

/* A file in blocks that fit into an Ethernet frame with their headers (RFC 2348). */
#define BLOCK_SIZE 1428

/* The answer that named the loader: a boot server's, a proxy's, or the DHCP server's own. */
static bool offer_find(const EFI_PXE_BASE_CODE_MODE *mode, struct net_boot_offer *offer)
{
    const struct {
        BOOLEAN received;
        const EFI_PXE_BASE_CODE_PACKET *packet;
    } answers[] = {
        {mode->PxeReplyReceived, &mode->PxeReply},
        {mode->ProxyOfferReceived, &mode->ProxyOffer},
        {mode->DhcpAckReceived, &mode->DhcpAck},
    };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i].received &&
            net_boot_offer_read(answers[i].packet, sizeof *answers[i].packet, offer) == 0)
            return true;
    }
    return false;
}

struct tftp_server *tftp_find(void)
{
    static const EFI_GUID guid = EFI_PXE_BASE_CODE_PROTOCOL_GUID;
    static struct tftp_server server;
    static struct net_boot_offer offer;
    EFI_PXE_BASE_CODE *protocol = firmware_protocol(firmware.loaded_image->DeviceHandle, &guid);

    if (!protocol || !protocol->Mode || !protocol->Mode->Started || protocol->Mode->UsingIpv6 ||
        !offer_find(protocol->Mode, &offer))
        return NULL;
    server = (struct tftp_server){.protocol = protocol};
    memcpy(&server.address, offer.server, sizeof offer.server);
    net_boot_folder(offer.file, server.folder);
    return &server;
}

/* The server's own words: EDK2 gives the error's number with its bytes swapped, and cut to one. */
static void error_print(const EFI_PXE_BASE_CODE_TFTP_ERROR *error)
{
    char text[sizeof error->ErrorString + 1];
    size_t length = 0;

    while (length < sizeof error->ErrorString && error->ErrorString[length] >= ' ' &&
           error->ErrorString[length] <= '~') {
        text[length] = (char)error->ErrorString[length];
        length++;
    }
    text[length] = '\0';
    if (length)
        console_print("loader: the TFTP server says: %s\n", text);
}

static EFI_STATUS request(struct tftp_server *server, EFI_PXE_BASE_CODE_TFTP_OPCODE operation,
                          const char *path, void *memory, uint64_t *size)
{
    static char name[NET_BOOT_PATH_MAX];
    EFI_PXE_BASE_CODE *protocol = server->protocol;
    UINTN block_size = BLOCK_SIZE;
    EFI_STATUS status;

    if (net_boot_path(server->folder, path, name) != 0)
        return EFI_INVALID_PARAMETER;
    status = protocol->Mtftp(protocol, operation, memory, FALSE, size, &block_size,
                             &server->address, (UINT8 *)name, NULL, FALSE);
    if (status == EFI_TFTP_ERROR && protocol->Mode->TftpErrorReceived)
        error_print(&protocol->Mode->TftpError);
    return status;
}

EFI_STATUS tftp_size(struct tftp_server *server, const char *path, uint64_t *size)
{
    *size = 0;
    return request(server, EFI_PXE_BASE_CODE_TFTP_GET_FILE_SIZE, path, NULL, size);
}

EFI_STATUS tftp_read(struct tftp_server *server, const char *path, void *memory, uint64_t size)
{
    uint64_t left = size;
    EFI_STATUS status = request(server, EFI_PXE_BASE_CODE_TFTP_READ_FILE, path, memory, &left);

    return !EFI_ERROR(status) && left != size ? EFI_END_OF_FILE : status;
}
