#include "storage/names.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "cpu/log.h"
#include "device/driver.h"
#include "file/ram/device_nodes.h"
#include "file/tree/names.h"
#include "library/error.h"
#include "library/format.h"
#include "library/string.h"
#include "storage/block.h"
#include "storage/numbers.h"

/* ---- what links are called: as udev's rules do (60-persistent-storage.rules) ---- */

/* Characters that stay: udev's (systemd, device-util); others become _ here, \x and digits there.
 */
static bool is_plain(char character)
{
    return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
           (character >= 'a' && character <= 'z') || strchr("#+-.:=@_", character);
}

static void append(char *text, size_t size, const char *more, bool escape)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = strlen(text);

    for (; *more && length + 5 < size; more++) {
        if (is_plain(*more) || *more & 0x80) {
            text[length++] = *more;
        } else if (escape) {
            text[length++] = '\\';
            text[length++] = 'x';
            text[length++] = digits[(uint8_t)*more >> 4];
            text[length++] = digits[*more & 0xf];
        } else {
            text[length++] = '_';
        }
    }
    text[length] = '\0';
}

static void append_partition(char *text, size_t size, const struct block_device *device)
{
    size_t length = strlen(text);

    if (device->partition)
        format_string(text + length, size - length, "-part%u", device->partition);
}

#define LINK_SIZE 256

/* Each fills `link`, or leaves it empty. */
static void link_by_id(const struct block_device *device, char link[LINK_SIZE])
{
    const struct disk *facts = &device->owner->facts;
    const char *bus = strncmp(facts->name, "vd", 2) == 0     ? "virtio-"
                      : strncmp(facts->name, "nvme", 4) == 0 ? "nvme-"
                      : strncmp(facts->name, "mmc", 3) == 0  ? "mmc-"
                      : facts->pci && facts->internal        ? "ata-"
                                                             : "usb-";
    if (!*facts->serial)
        return;
    append(link, LINK_SIZE, "disk/by-id/", false);
    link[4] = link[10] = '/';
    append(link, LINK_SIZE, bus, false);
    if (*facts->model) {
        append(link, LINK_SIZE, facts->model, false);
        append(link, LINK_SIZE, "_", false);
    }
    append(link, LINK_SIZE, facts->serial, false);
    append_partition(link, LINK_SIZE, device);
}

static void link_by_path(const struct block_device *device, char link[LINK_SIZE])
{
    const struct disk *facts = &device->owner->facts;
    char place[PCI_PLACE_LENGTH];

    if (!facts->pci)
        return;
    pci_place_text(facts->pci, place);
    format_string(link, LINK_SIZE, "disk/by-path/pci-%s%s%s", place, *facts->path ? "-" : "",
                  facts->path);
    append_partition(link, LINK_SIZE, device);
}

static void link_by_guid(const struct block_device *device, char link[LINK_SIZE])
{
    char guid[GUID_TEXT_SIZE];

    if (!device->partition)
        return;
    if (device->table == PARTITION_TABLE_GPT) {
        guid_text(device->guid, guid);
        format_string(link, LINK_SIZE, "disk/by-partuuid/%s", guid);
    } else if (device->owner->signature) {
        format_string(link, LINK_SIZE, "disk/by-partuuid/%08x-%02u", device->owner->signature,
                      device->partition);
    }
}

static void link_by_label(const struct block_device *device, char link[LINK_SIZE])
{
    if (!*device->label)
        return;
    format_string(link, LINK_SIZE, "disk/by-partlabel/");
    append(link, LINK_SIZE, device->label, true);
}

static void link_by_file_system(const struct block_device *device, char link[LINK_SIZE])
{
    if (!*device->marks.uuid)
        return;
    format_string(link, LINK_SIZE, "disk/by-uuid/");
    append(link, LINK_SIZE, device->marks.uuid, true);
}

static void link_by_volume(const struct block_device *device, char link[LINK_SIZE])
{
    if (!*device->marks.label)
        return;
    format_string(link, LINK_SIZE, "disk/by-label/");
    append(link, LINK_SIZE, device->marks.label, true);
}

/* Those that stay as long as the device, and those of what lies on it. */
typedef void link_function(const struct block_device *device, char link[LINK_SIZE]);
static link_function *const links[] = {link_by_id, link_by_path, link_by_guid, link_by_label};
static link_function *const mark_links[] = {link_by_file_system, link_by_volume};

/* ---- making and removing ---- */

static int make_folders(const char *path)
{
    char folder[LINK_SIZE];
    const char *slash = path;

    while ((slash = strchr(slash, '/'))) {
        size_t length = (size_t)(slash - path);
        memcpy(folder, path, length);
        folder[length] = '\0';
        int error = name_make(AT_FDCWD, folder, S_IFDIR | 0755, 0, NULL);
        if (error && error != -EEXIST)
            return error;
        slash++;
    }
    return 0;
}

/* The one that came first keeps the name. */
static void link_make(const struct block_device *device, const char *link)
{
    char target[64];

    format_string(target, sizeof(target), "../../%s", device->name);
    if (!make_folders(link))
        name_make(AT_FDCWD, link, S_IFLNK | 0777, 0, target);
}

static bool leads_to(const struct block_device *device, const char *link)
{
    char target[64];
    struct path path;

    if (path_lookup(AT_FDCWD, link, 0, &path))
        return false;
    const struct inode *inode = path.dentry->inode;
    format_string(target, sizeof(target), "../../%s", device->name);
    bool leads = S_ISLNK(inode->mode) && strcmp(inode->link_target, target) == 0;
    path_release(&path);
    return leads;
}

static void make_links(const struct block_device *device, link_function *const *functions,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char link[LINK_SIZE] = "";
        functions[i](device, link);
        if (*link)
            link_make(device, link);
    }
}

static void remove_links(const struct block_device *device, link_function *const *functions,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char link[LINK_SIZE] = "";
        functions[i](device, link);
        if (*link && leads_to(device, link))
            name_remove(AT_FDCWD, link, false);
    }
}

static void make_marks(void *device)
{
    make_links(device, mark_links, array_length(mark_links));
}

static void remove_marks(void *device)
{
    remove_links(device, mark_links, array_length(mark_links));
}

/* Of an NVMe disk: the controller's own node, nvme0. Its disks come and go together. */
static bool controller_name(const struct block_device *device, char name[LINK_SIZE])
{
    const struct disk_identity *identity = &device->owner->facts.identity;

    if (device->partition || !identity->nvme_controller)
        return false;
    format_string(name, LINK_SIZE, "nvme%u", identity->nvme_index);
    return true;
}

static void make_all(void *argument)
{
    char controller[LINK_SIZE];
    const struct block_device *device = argument;
    int error = name_make(AT_FDCWD, device->name, S_IFBLK | 0660,
                          device_number(device->major, device->minor), NULL);
    if (error)
        log_write(LOG_WARNING, "/dev/%s cannot be made: %s", device->name, error_text(error));
    if (controller_name(device, controller))
        name_make(AT_FDCWD, controller, S_IFCHR | 0600,
                  device_number(NVME_MAJOR, device->owner->facts.identity.nvme_index), NULL);
    make_links(device, links, array_length(links));
}

static void remove_all(void *argument)
{
    const struct block_device *device = argument;
    char controller[LINK_SIZE];

    if (controller_name(device, controller))
        name_remove(AT_FDCWD, controller, false);
    remove_marks(argument);
    remove_links(device, links, array_length(links));
    name_remove(AT_FDCWD, device->name, false);
}

void block_names_add(struct block_device *device)
{
    device_nodes_do(make_all, device);
}

void block_names_remove(struct block_device *device)
{
    device_nodes_do(remove_all, device);
}

void block_names_marks(struct block_device *device, const struct superblock *marks)
{
    device_nodes_do(remove_marks, device);
    device->marks = *marks;
    device_nodes_do(make_marks, device);
}
