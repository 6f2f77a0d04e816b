/* DHCP answers, device paths with a URI, and what is where on a server. */
#include "library/net_boot.h"
#include "test.h"

#include <errno.h>
#include <string.h>

static struct {
    uint8_t bytes[600];
    size_t size;
} packet;

/* An answer with that server in its header and that file name, and no options yet. */
static void packet_begin(uint8_t server, const char *file)
{
    memset(&packet, 0, sizeof(packet));
    packet.bytes[20] = server;
    packet.bytes[23] = server;
    memcpy(packet.bytes + 108, file, strlen(file));
    memcpy(packet.bytes + 236, "\x63\x82\x53\x63", 4);
    packet.size = 240;
}

static void option_add(uint8_t code, const void *value, uint8_t length)
{
    packet.bytes[packet.size++] = code;
    packet.bytes[packet.size++] = length;
    memcpy(packet.bytes + packet.size, value, length);
    packet.size += length;
}

static struct net_boot_offer offer;

static int offer_read(void)
{
    memset(&offer, 0, sizeof(offer));
    return net_boot_offer_read(test_copy(packet.bytes, packet.size), packet.size, &offer);
}

static void test_offers(void)
{
    test_case("server and file of the header");
    packet_begin(10, "EFI/BOOT/BOOTX64.EFI");
    expect_equal(offer_read(), 0);
    expect(!memcmp(offer.server, "\x0a\0\0\x0a", 4));
    expect_string(offer.file, "EFI/BOOT/BOOTX64.EFI");

    test_case("options come first for the file, and last for the server");
    option_add(0, "", 0);
    packet.size--; /* a pad has no length */
    option_add(54, "\x01\x02\x03\x04", 4);
    option_add(67, "other\0", 6);
    packet.bytes[packet.size++] = 255;
    expect_equal(offer_read(), 0);
    expect(!memcmp(offer.server, "\x0a\0\0\x0a", 4));
    expect_string(offer.file, "other");
    packet.bytes[20] = packet.bytes[23] = 0;
    expect_equal(offer_read(), 0);
    expect(!memcmp(offer.server, "\x01\x02\x03\x04", 4));

    test_case("a file field that holds options is no name");
    packet_begin(10, "\x0c\x01x");
    option_add(52, "\x01", 1);
    expect_equal(offer_read(), -ENOENT);

    test_case("a file name without an end fills its field");
    packet_begin(10, "");
    memset(packet.bytes + 108, 'a', 128);
    expect_equal(offer_read(), 0);
    expect_equal(strlen(offer.file), 128);

    test_case("no server, no file, a file that is no text");
    packet_begin(0, "file");
    expect_equal(offer_read(), -ENOENT);
    packet_begin(10, "");
    expect_equal(offer_read(), -ENOENT);
    packet_begin(10, "a\x01");
    expect_equal(offer_read(), -ENOENT);

    test_case("no DHCP answer, or a short one");
    packet_begin(10, "file");
    packet.bytes[236] = 0;
    expect_equal(offer_read(), -EINVAL);
    packet_begin(10, "file");
    packet.size = 239;
    expect_equal(offer_read(), -EINVAL);

    test_case("an option that is longer than the packet");
    packet_begin(0, "file");
    option_add(54, "\x01\x02\x03\x04", 4);
    packet.size--;
    expect_equal(offer_read(), -ENOENT);
}

static void expect_folder(const char *loader, const char *expected)
{
    char folder[NET_BOOT_PATH_MAX];

    net_boot_folder(loader, folder);
    expect_string(folder, expected);
}

static void test_paths(void)
{
    static char longer[600];
    char result[NET_BOOT_PATH_MAX];

    test_case("the folder that stands for a volume's root");
    expect_folder("BOOTX64.EFI", "");
    expect_folder("EFI/BOOT/BOOTX64.EFI", "");
    expect_folder("/efi\\boot/bootx64.efi", "/");
    expect_folder("srv/EFI/BOOT/BOOTX64.EFI", "srv/");
    expect_folder("MYEFI/BOOT/BOOTX64.EFI", "MYEFI/BOOT/");
    expect_folder("srv/baton.efi", "srv/");
    expect_folder("http://host:80/a/EFI/BOOT/BOOTX64.EFI?x=/y/", "http://host:80/a/");
    expect_folder("http://host/BOOTX64.EFI#/a", "http://host/");

    test_case("paths below it");
    expect_equal(net_boot_path("srv/", "\\loader\\entries\\baton.conf", result), 0);
    expect_string(result, "srv/loader/entries/baton.conf");
    expect_equal(net_boot_path("", "/baton/kernel.elf", result), 0);
    expect_string(result, "baton/kernel.elf");
    memset(longer, 'a', sizeof(longer) - 1);
    expect_equal(net_boot_path("", longer, result), -ENAMETOOLONG);

    test_case("the last name");
    expect_string(net_boot_name("\\loader\\entries\\baton.conf"), "baton.conf");
    expect_string(net_boot_name("/baton/kernel.elf"), "kernel.elf");
    expect_string(net_boot_name("name"), "name");
}

static size_t node_add(uint8_t *path, size_t at, uint8_t type, uint8_t subtype, const void *data,
                       size_t size)
{
    path[at] = type;
    path[at + 1] = subtype;
    put16(path + at + 2, (uint16_t)(size + 4));
    memcpy(path + at + 4, data, size);
    return at + 4 + size;
}

static void test_uris(void)
{
    static const uint8_t ipv4[23] = {10, 0, 2, 15, [19] = 255, 255, 255, 0};
    uint8_t path[1024];
    char longer[600], host[20];
    struct net_boot_uri uri;
    size_t size = node_add(path, 0, 3, 12, ipv4, sizeof(ipv4));

    test_case("a device path with addresses and a URI");
    size = node_add(path, size, 3, 24, "http://host:8080/a", 18);
    size = node_add(path, size, 0x7f, 0xff, "", 0);
    expect_equal(net_boot_uri_read(test_copy(path, size), size, &uri), 0);
    expect_string(uri.uri, "http://host:8080/a");
    expect(!memcmp(uri.address, "\x0a\0\x02\x0f", 4));
    expect(!memcmp(uri.mask, "\xff\xff\xff\0", 4));
    expect_equal(net_boot_host(uri.uri, host, sizeof(host)), 0);
    expect_string(host, "host:8080");
    expect_equal(net_boot_host(uri.uri, host, 9), -ENAMETOOLONG);

    test_case("device paths that are cut, or have impossible nodes");
    for (size_t cut = 0; cut < size; cut++)
        net_boot_uri_read(test_copy(path, cut), cut, &uri);
    path[2] = 3;
    expect_equal(net_boot_uri_read(test_copy(path, size), size, &uri), -ENOENT);

    test_case("URIs of no use: ftp, none, with a blank, too long");
    memset(longer, 'a', sizeof(longer));
    memcpy(longer, "http://", 7);
    const struct {
        const char *text;
        size_t size;
    } texts[] = {{"ftp://host/a", 12}, {"", 0}, {"http://ho st/", 13}, {longer, sizeof(longer)}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size = node_add(path, 0, 1, 24, "http://not/messaging", 20);
        size = node_add(path, size, 3, 24, texts[i].text, texts[i].size);
        expect_equal(net_boot_uri_read(test_copy(path, size), size, &uri), -ENOENT);
    }
}

int main(void)
{
    test_offers();
    test_paths();
    test_uris();
    return test_end();
}
