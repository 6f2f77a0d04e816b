/*
 * The input is a FAT volume, or the beginning of one: it is walked, and then changed. Whatever lies
 * there, no access leaves the device, nothing goes on for ever, and what was written is read again.
 */
#include "fuzz.h"
#include "library/fat/fat.h"

#include <errno.h>
#include <string.h>

#define DEVICE_SIZE (1 << 22) /* 16 bits are of 4,085 clusters */
#define NAMES_MOST  2000      /* that are looked at, of one volume */

static uint8_t device_bytes[DEVICE_SIZE];
static uint64_t touched; /* no byte but zeros lies behind */
static unsigned accesses;

static int device_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    (void)context;
    require(offset <= DEVICE_SIZE && size <= DEVICE_SIZE - offset && offset % 512 == 0 &&
            size % 512 == 0);
    accesses++;
    memcpy(bytes, device_bytes + offset, size);
    return 0;
}

static int device_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    (void)context;
    require(offset <= DEVICE_SIZE && size <= DEVICE_SIZE - offset && offset % 512 == 0 &&
            size % 512 == 0);
    memcpy(device_bytes + offset, bytes, size);
    if (touched < offset + size)
        touched = offset + size;
    return 0;
}

static void name_require(const struct fat_name *name)
{
    require(name->length > 0 && name->length <= FAT_NAME_MAXIMUM);
    require(strlen(name->name) == name->length && !strchr(name->name, '/'));
    require(strcmp(name->name, ".") != 0 && strcmp(name->name, "..") != 0);
    require(name->count >= 1 && name->count <= 21 && name->first % 32 == 0);
}

static unsigned names;

static void directory_walk(struct fat_volume *volume, const struct fat_node *directory, int depth)
{
    static uint8_t bytes[8192];
    struct fat_name name;
    uint64_t offset = 0;

    while (names < NAMES_MOST && fat_list(volume, directory, &offset, &name) > 0) {
        names++;
        name_require(&name);
        if (name.node.attributes & FAT_DIRECTORY) {
            if (depth < 4)
                directory_walk(volume, &name.node, depth + 1);
            continue;
        }
        ssize_t got = fat_read(volume, &name.node, name.node.size / 2, bytes, sizeof(bytes));
        require(got <= (ssize_t)sizeof(bytes));
    }
}

/* Do all clusters of the root count as used? One that does not, on a broken volume, is given to the
   next file, which both write then. */
static bool root_is_whole(struct fat_volume *volume)
{
    struct fat_node root;
    int error = 0;

    fat_root(volume, &root);
    uint32_t cluster = root.first;
    for (uint32_t i = 0; cluster && cluster != FAT_END && !error && i < volume->cluster_count; i++)
        error = fat_next(volume, cluster, &cluster);
    return !error;
}

static void change(struct fat_volume *volume)
{
    static const struct fat_time now = {1700000000, 0};
    static const char text[] = "what is written is read again";
    struct fat_name name, other, moved;
    struct fat_node root;
    char back[sizeof(text)];

    fat_root(volume, &root);
    int error = fat_create(volume, &root, "a name of the fuzzer's", 22, 0, &now, &name);
    if (error)
        return;
    bool whole = root_is_whole(volume);
    if (fat_write(volume, &name.node, 700, text, sizeof(text), &now) == (ssize_t)sizeof(text) &&
        whole) {
        require(fat_read(volume, &name.node, 700, back, sizeof(back)) == (ssize_t)sizeof(back));
        require(memcmp(back, text, sizeof(text)) == 0);
    }
    uint64_t offset = 0;
    if (fat_list(volume, &root, &offset, &other) > 0 && other.first != name.first) {
        fat_resize(volume, &other.node, 5000, &now);
        if (!fat_remove(volume, &root, &other))
            fat_release(volume, &other.node);
    }
    fat_create(volume, &root, "sub", 3, FAT_DIRECTORY, &now, &other);
    fat_rename(volume, &root, &name, &root, "another", 7, NULL, &moved);
    fat_synchronise(volume);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t chunk[FAT_CLUSTER_MAXIMUM];
    const struct fat_device device = {
        .size = DEVICE_SIZE, .read = device_read, .write = device_write};
    struct fat_volume volume;
    struct fat_node root;

    memset(device_bytes, 0, touched);
    touched = size < DEVICE_SIZE ? size : DEVICE_SIZE;
    memcpy(device_bytes, data, touched);
    names = accesses = 0;
    if (fat_open(&volume, &device))
        return 0;
    volume.chunk = chunk;
    require(volume.cluster_count >= 1 && volume.cluster_size <= FAT_CLUSTER_MAXIMUM);
    fat_root(&volume, &root);
    directory_walk(&volume, &root, 0);
    change(&volume);
    names = 0;
    directory_walk(&volume, &root, 0);
    return 0;
}
