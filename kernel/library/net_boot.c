#include "library/net_boot.h"

#include "library/bytes.h"
#include "library/format.h"
#include "library/string.h"
#include <linux/errno.h>
#include <stdbool.h>

/* RFC 2131, figure 1 and section 3; RFC 2132, 9.3, 9.5, 9.7. */
enum {
    NEXT_SERVER = 20,
    FILE_NAME = 108,
    FILE_NAME_SIZE = 128,
    COOKIE = 236,
    OPTIONS = 240,
    OPTION_PAD = 0,
    OPTION_OVERLOAD = 52,
    OPTION_SERVER = 54,
    OPTION_FILE = 67,
    OPTION_END = 255,
    OVERLOAD_FILE = 1,
};

/* The value of an option, and its length; NULL: it is not there. */
static const uint8_t *option_find(const uint8_t *packet, size_t size, uint8_t wanted,
                                  size_t *length)
{
    size_t at = OPTIONS;

    while (at + 1 < size && packet[at] != OPTION_END) {
        if (packet[at] == OPTION_PAD) {
            at++;
            continue;
        }
        if (packet[at + 1] > size - at - 2)
            return NULL;
        if (packet[at] == wanted) {
            *length = packet[at + 1];
            return packet + at + 2;
        }
        at += 2 + packet[at + 1];
    }
    return NULL;
}

static void server_read(const uint8_t *packet, size_t size, uint8_t server[4])
{
    static const uint8_t none[4];
    size_t length = 0;
    const uint8_t *option = option_find(packet, size, OPTION_SERVER, &length);

    memcpy(server, packet + NEXT_SERVER, 4);
    if (memcmp(server, none, 4) == 0 && option && length == 4)
        memcpy(server, option, 4);
}

/* Printable ASCII only: it goes into paths and messages. */
static bool file_read(const uint8_t *packet, size_t size, char file[256])
{
    size_t length = 0, overload_length = 0;
    const uint8_t *name = option_find(packet, size, OPTION_FILE, &length);
    const uint8_t *overload = option_find(packet, size, OPTION_OVERLOAD, &overload_length);

    if (!name && !(overload && overload_length == 1 && (*overload & OVERLOAD_FILE))) {
        name = packet + FILE_NAME;
        length = FILE_NAME_SIZE;
    }
    if (!name)
        return false;
    length = strnlen((const char *)name, length);
    for (size_t i = 0; i < length; i++) {
        if (name[i] < ' ' || name[i] > '~')
            return false;
    }
    memcpy(file, name, length);
    file[length] = '\0';
    return length > 0;
}

int net_boot_offer_read(const void *packet, size_t size, struct net_boot_offer *offer)
{
    static const uint8_t none[4];
    const uint32_t cookie = 0x63538263; /* 99, 130, 83, 99 */

    if (size < OPTIONS || load32((const uint8_t *)packet + COOKIE) != cookie)
        return -EINVAL;
    server_read(packet, size, offer->server);
    if (memcmp(offer->server, none, 4) == 0 || !file_read(packet, size, offer->file))
        return -ENOENT;
    return 0;
}

/* UEFI 2.10, 10.3.1, 10.3.4.12, 10.3.4.23: type, subtype, length of 16 bits. */
enum {
    NODE_HEADER = 4,
    NODE_END = 0x7f,
    NODE_MESSAGING = 3,
    NODE_IPV4 = 12,
    NODE_URI = 24,
    IPV4_ADDRESS = 4,
    IPV4_MASK = 23,
    IPV4_SIZE = 27,
};

static void uri_take(const uint8_t *node, size_t length, struct net_boot_uri *uri)
{
    size_t size = strnlen((const char *)node + NODE_HEADER, length - NODE_HEADER);

    if (size == 0 || size >= sizeof(uri->uri))
        return;
    for (size_t i = 0; i < size; i++) {
        if (node[NODE_HEADER + i] <= ' ' || node[NODE_HEADER + i] > '~')
            return;
    }
    memcpy(uri->uri, node + NODE_HEADER, size);
    uri->uri[size] = '\0';
}

static void node_read(const uint8_t *node, size_t length, struct net_boot_uri *uri)
{
    if (node[0] != NODE_MESSAGING)
        return;
    if (node[1] == NODE_URI)
        uri_take(node, length, uri);
    if (node[1] == NODE_IPV4 && length >= IPV4_SIZE) {
        memcpy(uri->address, node + IPV4_ADDRESS, sizeof(uri->address));
        memcpy(uri->mask, node + IPV4_MASK, sizeof(uri->mask));
    }
}

/* Behind "http://" or "https://"; NULL: the URI is another one. */
static const char *authority(const char *uri)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < 2; i++) {
        if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0)
            return uri + strlen(schemes[i]);
    }
    return NULL;
}

int net_boot_uri_read(const void *device_path, size_t size, struct net_boot_uri *uri)
{
    const uint8_t *node = device_path;

    memset(uri, 0, sizeof(*uri));
    while (size >= NODE_HEADER && node[0] != NODE_END) {
        size_t length = load16(node + 2);

        if (length < NODE_HEADER || length > size)
            break;
        node_read(node, length, uri);
        node += length;
        size -= length;
    }
    return authority(uri->uri) ? 0 : -ENOENT;
}

int net_boot_host(const char *uri, char *host, size_t size)
{
    const char *start = authority(uri);
    size_t length = 0;

    while (start[length] && start[length] != '/' && start[length] != '?' && start[length] != '#')
        length++;
    if (length >= size)
        return -ENAMETOOLONG;
    memcpy(host, start, length);
    host[length] = '\0';
    return 0;
}

static bool is_slash(char character)
{
    return character == '/' || character == '\\';
}

const char *net_boot_name(const char *path)
{
    const char *name = path;

    for (; *path; path++) {
        if (is_slash(*path))
            name = path + 1;
    }
    return name;
}

/* Whether the `length` characters end with EFI/BOOT/, behind a slash or alone. */
static bool ends_with_boot(const char *path, size_t length)
{
    static const char wanted[] = "efi/boot/";
    const size_t size = sizeof(wanted) - 1;

    if (length < size || (length > size && !is_slash(path[length - size - 1])))
        return false;
    for (size_t i = 0; i < size; i++) {
        char character = path[length - size + i];

        if (character >= 'A' && character <= 'Z')
            character += 'a' - 'A';
        if (is_slash(wanted[i]) ? !is_slash(character) : character != wanted[i])
            return false;
    }
    return true;
}

void net_boot_folder(const char *loader, char folder[NET_BOOT_PATH_MAX])
{
    size_t length = 0;

    /* A URI's query does not belong to its path (RFC 3986, 3.4). */
    for (size_t i = 0;
         i < NET_BOOT_PATH_MAX - 1 && loader[i] && loader[i] != '?' && loader[i] != '#'; i++) {
        folder[i] = loader[i];
        if (is_slash(loader[i]))
            length = i + 1;
    }
    if (ends_with_boot(folder, length))
        length -= sizeof("efi/boot/") - 1;
    folder[length] = '\0';
}

int net_boot_path(const char *folder, const char *path, char result[NET_BOOT_PATH_MAX])
{
    while (is_slash(*path))
        path++;
    size_t length = (size_t)format_string(result, NET_BOOT_PATH_MAX, "%s%s", folder, path);
    if (length >= NET_BOOT_PATH_MAX)
        return -ENAMETOOLONG;
    for (char *at = result + strlen(folder); *at; at++) {
        if (*at == '\\')
            *at = '/';
    }
    return 0;
}
